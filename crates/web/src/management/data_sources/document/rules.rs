//! The reader of the rules in a model document.

use std::collections::BTreeMap;

use odata::model::document::{AccessRule, AttributeValue, ColumnMask, RuleAction, RuleAttributes};

use super::{required, table, text, texts, unsigned};
use crate::json::{Fields, Json, PayloadFaults};

/// The names of actions.
const ACTIONS: [(&str, RuleAction); 4] = [
    ("read", RuleAction::Read),
    ("insert", RuleAction::Insert),
    ("update", RuleAction::Update),
    ("delete", RuleAction::Delete),
];

pub(super) fn rule(json: &Json, path: &str, faults: &PayloadFaults) -> AccessRule {
    let mut fields = Fields::of(json, path, faults);
    let rule = AccessRule {
        tables: fields.array("tables", |json, path| table(json, path, faults)).unwrap_or_default(),
        roles: texts(&mut fields, "roles"),
        users: texts(&mut fields, "users"),
        applications: fields.integers("applications").unwrap_or_default(),
        actions: actions(&mut fields),
        condition: text(&mut fields, "where"),
        hidden_columns: texts(&mut fields, "hiddenColumns"),
        masked_columns: fields
            .array("maskedColumns", |json, path| mask(json, path, faults))
            .unwrap_or_default(),
    };
    fields.finish();
    rule
}

fn mask(json: &Json, path: &str, faults: &PayloadFaults) -> ColumnMask {
    let mut fields = Fields::of(json, path, faults);
    let mask = ColumnMask {
        column: required(&mut fields, "column"),
        text: text(&mut fields, "text"),
        last_characters: unsigned(&mut fields, "lastCharacters", false),
    };
    fields.finish();
    mask
}

fn actions(fields: &mut Fields<'_>) -> Vec<RuleAction> {
    let mut actions = Vec::new();
    for name in fields.strings("actions").unwrap_or_default() {
        match ACTIONS.iter().find(|(known, _)| *known == name) {
            Some((_, action)) if !actions.contains(action) => actions.push(*action),
            Some(_) => fields.fault("actions", format!("has {name} twice")),
            None => fields.fault("actions", "must be read, insert, update or delete"),
        }
    }
    actions
}

/// The attributes of each user.
pub(super) fn attributes(
    fields: &mut Fields<'_>,
    name: &'static str,
    faults: &PayloadFaults,
) -> RuleAttributes {
    let users = fields.entries_of(name);
    let of_user = |(user, path, json): (&String, String, &Json)| {
        let values = Fields::entries(json, &path, faults);
        let values = values
            .into_iter()
            .filter_map(|(attribute, path, json)| Some((attribute.clone(), value(json, &path, faults)?)));
        (user.clone(), values.collect::<BTreeMap<_, _>>())
    };
    users.into_iter().map(of_user).collect()
}

fn value(json: &Json, path: &str, faults: &PayloadFaults) -> Option<AttributeValue> {
    let value = match json {
        Json::Bool(value) => Some(AttributeValue::Boolean(*value)),
        Json::Number(number) => number.as_i64().map(AttributeValue::Integer),
        Json::String(text) => Some(AttributeValue::Text(text.clone())),
        Json::Array(items) => {
            let number = |item: &Json| if let Json::Number(number) = item { number.as_i64() } else { None };
            let texts: Option<_> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            let numbers = || items.iter().map(number).collect::<Option<_>>().map(AttributeValue::Integers);
            texts.map(AttributeValue::Texts).or_else(numbers)
        }
        Json::Null | Json::Object(_) => None,
    };
    if value.is_none() {
        faults.add(
            path,
            "must be a text, a whole number, a truth value, or an array of texts or of whole numbers",
        );
    }
    value
}
