//! The rules of a model: which of them apply to a caller, and what they leave of the model.
//!
//! [`AccessRules`] are those of a document, prepared for the entity types of a model. A [`Policy`] is what distinguishes one
//! caller from another as far as rules are concerned. [`Model::for_policy`] is the model for such a caller and one action: without
//! the entity sets and columns that the caller may not see, and with a [`RowRule`] for each table some of whose rows are hidden.
//! Every statement reads tables through scans, and a scan reads only the rows that meet the rule.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::bind::condition::bound;
use crate::model::document::condition::TARGET;
use crate::model::document::{
    AccessRule, AttributeValue, ColumnMask, DocumentFault, ModelDocument, RuleAction, TableName, condition,
    quoted,
};
use crate::model::mask::Mask;
use crate::model::part::TypePart;
use crate::model::row_rule::{AllowedChanges, RowRule};
use crate::model::spelling::{self, TablesByName};
use crate::model::{EntityType, Finding, Model, full_name};
use crate::syntax::expression::Parser;
use crate::tree::typed::Failing;

/// Any value shows whether a condition is well formed.
const PLACEHOLDER: &str = "('')";

/// The condition that every row meets.
const EVERYTHING: &str = "(true)";

/// The condition that no row meets.
const NOTHING: &str = "(false)";

/// Folds the case of a name of a user or a role, so that equal names are the same text.
pub type FoldName = fn(&str) -> String;

/// The maximum number of attributes that the conditions of a document name, because each request looks them up.
const MOST_ATTRIBUTES: usize = 100;

/// The maximum number of times that findings try a condition on a table. A rule about all tables of a large database would take long.
const MOST_TRIED: usize = 20_000;

/// The rules of a document for the entity types of a model.
#[derive(Debug)]
pub struct AccessRules {
    fold: FoldName,
    /// The model without rules; empty if there are none.
    model: Arc<Model>,
    rules: Vec<PreparedRule>,
    /// The rules about all tables, in their order.
    of_all: Vec<usize>,
    /// For each entity type, the rules that name its table, in their order.
    of_type: Vec<Vec<usize>>,
    attributes: HashMap<String, BTreeMap<String, AttributeValue>>,
    /// The attributes that conditions name.
    named: BTreeSet<String>,
}

#[derive(Debug)]
struct PreparedRule {
    rule: AccessRule,
    /// The names that the rule gives, with their case folded.
    roles: HashSet<String>,
    users: HashSet<String>,
}

/// Who wants to do something with rows.
#[derive(Debug, Clone, Copy)]
pub struct RuleSubject<'a> {
    /// The name of the user.
    pub user: &'a str,
    /// The names of the user's roles.
    pub roles: &'a [String],
    /// The id of the application, unless the user acts without one.
    pub application: Option<i64>,
}

/// What distinguishes callers as far as rules are concerned. Callers with equal policies see the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Policy {
    /// The rules that apply to the caller, by their place.
    applying: Vec<usize>,
    /// The attributes that conditions name, as literals; `None` where no value can meet a condition.
    attributes: BTreeMap<String, Option<String>>,
}

impl Policy {
    /// An estimate of its size in memory.
    pub fn bytes(&self) -> usize {
        let literal = |literal: &Option<String>| literal.as_ref().map_or(0, String::len);
        let attributes = self.attributes.iter().map(|(name, value)| name.len() + literal(value));
        std::mem::size_of_val(self.applying.as_slice()) + attributes.sum::<usize>()
    }
}

impl AccessRules {
    /// The rules of a document for a model that was compiled with it. `fold` is how names of users and roles are compared.
    pub fn of(document: &ModelDocument, model: &Model, fold: FoldName) -> Self {
        let lookup = lookup(model);
        let (mut of_all, mut of_type) = (Vec::new(), vec![Vec::new(); model.entity_types.len()]);
        for (at, rule) in document.rules.iter().enumerate() {
            if rule.tables.is_empty() {
                of_all.push(at);
            }
            for name in &rule.tables {
                for &place in lookup.find(name.schema.as_deref(), &name.table) {
                    let rules: &mut Vec<usize> = &mut of_type[place];
                    if rules.last() != Some(&at) {
                        rules.push(at);
                    }
                }
            }
        }
        let attributes =
            document.user_attributes.iter().map(|(user, values)| (fold(user), values.clone())).collect();
        let rules: Vec<PreparedRule> = document.rules.iter().map(|rule| prepared(rule, fold)).collect();
        let model = if rules.is_empty() { Model::default() } else { model.clone() };
        Self { fold, model: Arc::new(model), rules, of_all, of_type, attributes, named: named(document) }
    }

    /// Whether there are none, so that every reader of the data source sees everything.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The policy for a caller.
    pub fn policy(&self, subject: RuleSubject<'_>) -> Policy {
        let fold = self.fold;
        let user = fold(subject.user);
        let roles: Vec<String> = subject.roles.iter().map(|role| fold(role)).collect();
        let applies = |prepared: &PreparedRule| {
            let PreparedRule { rule, roles: of_roles, users } = prepared;
            (users.is_empty() || users.contains(&user))
                && (of_roles.is_empty() || roles.iter().any(|role| of_roles.contains(role)))
                && (rule.applications.is_empty()
                    || subject.application.is_some_and(|id| rule.applications.contains(&id)))
        };
        let applying = self.rules.iter().enumerate().filter(|(_, prepared)| applies(prepared));
        let own = self.attributes.get(&user);
        let literal = |name: &str| match name {
            "name" => Some(quoted(subject.user)),
            _ => own.and_then(|own| own.get(name)).and_then(AttributeValue::literal),
        };
        Policy {
            applying: applying.map(|(at, _)| at).collect(),
            attributes: self.named.iter().map(|name| (name.clone(), literal(name))).collect(),
        }
    }

    /// What rules name that the model does not have, and conditions that cannot be met because they are wrong.
    pub fn findings(&self, model: &Model) -> Vec<Finding> {
        let (lookup, examples) = (lookup(model), self.examples());
        let mut tables: Vec<Vec<&EntityType>> = vec![Vec::new(); self.rules.len()];
        for (entity_type, rules) in model.entity_types.iter().zip(&self.of_type) {
            rules.iter().chain(&self.of_all).for_each(|at| tables[*at].push(entity_type));
        }
        let mut tried = 0;
        let mut findings = Vec::new();
        for (at, (PreparedRule { rule, .. }, tables)) in self.rules.iter().zip(tables).enumerate() {
            let mut add =
                |message: String| findings.push(Finding { subject: format!("rules[{at}]"), message });
            for TableName { schema, table } in &rule.tables {
                if lookup.find(schema.as_deref(), table).is_empty() {
                    let name = full_name(schema.as_deref(), table);
                    add(format!("names {name}, and no such table or view is served"));
                }
            }
            for column in &rule.hidden_columns {
                if !tables.iter().any(|entity_type| column_place(entity_type, column).is_some()) {
                    add(format!("hides the column {column}, and none of its tables has it"));
                }
            }
            masks_that_do_not_fit(rule, &tables, &mut tried).into_iter().for_each(&mut add);
            let Some(text) = &rule.condition else { continue };
            let literal = |name: &str| examples.get(name).cloned();
            let text = condition::substituted(text, literal);
            for entity_type in tables {
                tried += 1;
                if tried > MOST_TRIED {
                    add(format!(
                        "was not tried on all tables, because there are more than {MOST_TRIED} to try"
                    ));
                    break;
                }
                if let Err(message) =
                    text.as_ref().map_err(String::clone).and_then(|text| fits(text, model, entity_type))
                {
                    add(format!("allows nothing in {}: {message}", entity_type.name));
                }
            }
        }
        findings
    }

    /// A value of each attribute that some user has.
    fn examples(&self) -> BTreeMap<&str, String> {
        let mut examples = BTreeMap::from([("name", quoted("name"))]);
        for (name, value) in self.attributes.values().flatten() {
            if !examples.contains_key(name.as_str())
                && let Some(literal) = value.literal()
            {
                examples.insert(name, literal);
            }
        }
        examples
    }
}

fn lookup(model: &Model) -> TablesByName {
    let types = model.entity_types.iter();
    TablesByName::of(types.map(|entity_type| (entity_type.schema.as_deref(), entity_type.table.as_str())))
}

/// The place of the property of a column.
fn column_place(entity_type: &EntityType, column: &str) -> Option<usize> {
    spelling::position(&entity_type.properties.iter().map(|property| property.column.as_str()), column)
}

/// The attributes that the conditions of a document name.
fn named(document: &ModelDocument) -> BTreeSet<String> {
    let conditions = document.rules.iter().filter_map(|rule| rule.condition.as_deref());
    conditions.flat_map(condition::attributes).collect()
}

/// What is wrong with the rules of a document, whatever the tables are. `fold` is how names of users are compared.
pub fn faults(document: &ModelDocument, fold: FoldName) -> Vec<DocumentFault> {
    let fault = |(at, rule): (usize, &AccessRule)| {
        let text = condition::substituted(rule.condition.as_deref()?, |_| Some(PLACEHOLDER.to_owned()));
        let parsed = text
            .and_then(|text| Parser::new(&text, TARGET).whole().map(drop).map_err(|error| error.to_string()));
        let message = format!("cannot be understood: {}", parsed.err()?);
        Some(DocumentFault { path: format!("rules[{at}].where"), message })
    };
    let mut faults: Vec<DocumentFault> = document.rules.iter().enumerate().filter_map(fault).collect();
    let attributes = named(document).len();
    if attributes > MOST_ATTRIBUTES {
        let message = format!("name {attributes} attributes of users; at most {MOST_ATTRIBUTES} are allowed");
        faults.push(DocumentFault { path: "rules".to_owned(), message });
    }
    let mut users = HashSet::new();
    for user in document.user_attributes.keys().filter(|user| !users.insert(fold(user))) {
        let message = "is the name of another user of the list too".to_owned();
        faults.push(DocumentFault { path: format!("userAttributes.{user}"), message });
    }
    faults
}

fn prepared(rule: &AccessRule, fold: FoldName) -> PreparedRule {
    let folded = |names: &[String]| names.iter().map(|name| fold(name)).collect();
    PreparedRule { roles: folded(&rule.roles), users: folded(&rule.users), rule: rule.clone() }
}

/// What the rules decide for a policy, as far as it is the same for all tables.
struct Decisions<'r> {
    rules: &'r AccessRules,
    policy: &'r Policy,
    /// The first rule about all tables that applies and has the action.
    of_all: BTreeMap<RuleAction, usize>,
    /// The conditions of the rules that apply, with the values of attributes.
    conditions: BTreeMap<usize, String>,
}

impl<'r> Decisions<'r> {
    fn of(rules: &'r AccessRules, policy: &'r Policy) -> Self {
        let literal = |name: &str| policy.attributes.get(name).cloned().flatten();
        let condition = |at: &usize| {
            let text = rules.rules[*at].rule.condition.as_deref()?;
            // Without one of its attributes it allows nothing.
            let text = condition::substituted(text, literal).map(|text| format!("({text})"));
            Some((*at, text.unwrap_or_else(|_| NOTHING.to_owned())))
        };
        let conditions = policy.applying.iter().filter_map(condition).collect();
        let mut decisions = Self { rules, policy, of_all: BTreeMap::new(), conditions };
        let first = |action| Some((action, decisions.first(&rules.of_all, action)?));
        decisions.of_all = RuleAction::ALL.into_iter().filter_map(first).collect();
        decisions
    }

    /// The first of some rules that applies to the caller and has the action.
    fn first(&self, rules: &[usize], action: RuleAction) -> Option<usize> {
        let decides = |at: &usize| {
            self.policy.applying.binary_search(at).is_ok()
                && self.rules.rules[*at].rule.actions.contains(&action)
        };
        rules.iter().copied().find(decides)
    }

    /// What the caller may do with the rows of a table that some rules name; `None` if the caller may not read it.
    fn part(&self, at: usize, of_table: &[usize], action: RuleAction) -> Option<TypePart> {
        let model = &self.rules.model;
        let entity_type = model.entity_types.get(at)?;
        let deciding =
            |action| self.first(of_table, action).into_iter().chain(self.of_all.get(&action).copied()).min();
        let reading = deciding(RuleAction::Read)?;
        let mut part = TypePart::whole(entity_type);
        let hidden = &self.rules.rules[reading].rule.hidden_columns;
        part.hide(&hidden.iter().filter_map(|column| column_place(entity_type, column)).collect());
        part.entity_type.allowed_changes = AllowedChanges {
            insert: deciding(RuleAction::Insert).is_some(),
            update: deciding(RuleAction::Update).is_some(),
            delete: deciding(RuleAction::Delete).is_some(),
        };
        let deciding: BTreeSet<usize> = deciding(action).into_iter().chain([reading]).collect();
        let conditions = deciding.iter().filter_map(|at| self.conditions.get(at));
        let mut conditions: Vec<&str> = conditions.map(String::as_str).collect();
        let masks = masks(&self.rules.rules[reading].rule, entity_type);
        part.mask(masks.iter().map(|(place, _)| *place).collect());
        if conditions.is_empty() && !masks.is_empty() {
            conditions.push(EVERYTHING);
        }
        part.entity_type.rule = (!conditions.is_empty()).then(|| {
            let all = conditions.join(" and ");
            // What cannot be understood allows nothing.
            let usable = fits(&all, model, entity_type).map_or_else(|_| NOTHING.to_owned(), |()| all);
            RowRule::new(Arc::clone(model), at, usable, masks)
        });
        Some(part)
    }
}

/// What cannot be masked in the tables of a rule as it says, as far as it is tried.
fn masks_that_do_not_fit(rule: &AccessRule, tables: &[&EntityType], tried: &mut usize) -> Vec<String> {
    let mut messages = Vec::new();
    for mask in &rule.masked_columns {
        let column = &mask.column;
        *tried += tables.len();
        if *tried > MOST_TRIED {
            break;
        }
        let places: Vec<(&EntityType, usize)> = tables
            .iter()
            .filter_map(|entity_type| Some((*entity_type, column_place(entity_type, column)?)))
            .collect();
        if places.is_empty() {
            messages.push(format!("masks the column {column}, and none of its tables has it"));
        }
        for (entity_type, place) in places {
            let name = &entity_type.name;
            if entity_type.key.contains(&place) {
                messages
                    .push(format!("lets nobody read {name}, because it masks {column}, a part of the key"));
            }
            if Mask::of(mask, &entity_type.properties[place]).is_none() {
                messages.push(format!("shows null for {column} in {name}, because it is no text"));
            }
        }
    }
    messages
}

/// What is shown in place of the values of the columns that a rule masks. A mask that does not fit is null.
fn masks(rule: &AccessRule, entity_type: &EntityType) -> Vec<(usize, Mask)> {
    let mask = |mask: &ColumnMask| {
        let place = column_place(entity_type, &mask.column)?;
        Some((place, Mask::of(mask, &entity_type.properties[place]).unwrap_or(Mask::Null)))
    };
    let mut masks: Vec<(usize, Mask)> = rule.masked_columns.iter().filter_map(mask).collect();
    masks.sort_by_key(|(place, _)| *place);
    masks
}

/// Whether a condition, with the values of attributes, can be about rows of a table.
///
/// # Errors
/// Why it can be true for no row.
fn fits(condition: &str, model: &Model, entity_type: &EntityType) -> Result<(), String> {
    let bound = bound(model, entity_type, condition).map_err(|error| error.to_string())?;
    if bound.uses_now {
        return Err("now() is not supported in a rule".to_owned());
    }
    // A failure would tell something about a row that the user must not see.
    if bound.condition.can_fail(Failing::ANYWHERE) {
        return Err("an expression that may fail is not supported in a rule".to_owned());
    }
    Ok(())
}

impl Model {
    /// The model for callers with this policy who want to do this. Only what they may read is in it, and only rows with which they
    /// may do it are reached. The versions stay, so plans must be distinguished by something else.
    #[must_use]
    pub fn for_policy(&self, rules: &AccessRules, policy: &Policy, action: RuleAction) -> Self {
        let decisions = Decisions::of(rules, policy);
        self.with_parts(|at, entity_type| match rules.of_type.get(at).map(Vec::as_slice) {
            None | Some([]) if rules.of_all.is_empty() => Some(TypePart::whole(entity_type)),
            of_table => decisions.part(at, of_table.unwrap_or_default(), action),
        })
    }
}

#[cfg(test)]
mod tests;
