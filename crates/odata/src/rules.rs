//! The rules of a model: which of them apply to a caller, and what they leave of the model.
//!
//! [`AccessRules`] are those of a document, prepared for the entity types of a model. A [`Policy`] is what distinguishes one
//! caller from another as far as rules are concerned. [`Model::for_policy`] is the model for such a caller and one action: without
//! the entity sets and columns that the caller may not see, and with a [`RowRule`] for each table some of whose rows are hidden.
//! Every statement reads tables through scans, and a scan reads only the rows that meet the rule.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::bind;
use crate::model::document::condition::TARGET;
use crate::model::document::{
    AccessRule, AttributeValue, DocumentFault, ModelDocument, RuleAction, TableName, condition, quoted,
};
use crate::model::part::TypePart;
use crate::model::row_rule::{AllowedChanges, RowRule};
use crate::model::{EntityType, Finding, Model, full_name};
use crate::syntax::expression::Parser;
use crate::tree::typed::Failing;

/// Any value shows whether a condition is well formed.
const PLACEHOLDER: &str = "('')";

/// The condition that no row meets.
const NOTHING: &str = "false";

/// Folds the case of a name of a user or a role, so that equal names are the same text.
pub type FoldName = fn(&str) -> String;

/// The rules of a document for the entity types of a model.
#[derive(Debug)]
pub struct AccessRules {
    fold: FoldName,
    rules: Vec<PreparedRule>,
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

impl AccessRules {
    /// The rules of a document for a model that was compiled with it. `fold` is how names of users and roles are compared.
    pub fn of(document: &ModelDocument, model: &Model, fold: FoldName) -> Self {
        let rules: Vec<PreparedRule> = document.rules.iter().map(|rule| prepared(rule, fold)).collect();
        let of_type = model.entity_types.iter().map(|entity_type| {
            let named = rules.iter().enumerate().filter(|(_, rule)| rule.names(entity_type));
            named.map(|(at, _)| at).collect()
        });
        let of_type = of_type.collect();
        let attributes =
            document.user_attributes.iter().map(|(user, values)| (fold(user), values.clone())).collect();
        let conditions = document.rules.iter().filter_map(|rule| rule.condition.as_deref());
        let named = conditions.flat_map(condition::attributes).collect();
        Self { fold, rules, of_type, attributes, named }
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
        let mut findings = Vec::new();
        for (at, PreparedRule { rule, .. }) in self.rules.iter().enumerate() {
            let mut add =
                |message: String| findings.push(Finding { subject: format!("rules[{at}]"), message });
            for name in &rule.tables {
                if !model.entity_types.iter().any(|entity_type| is_named(name, entity_type)) {
                    add(format!("names {}, and no such table or view is served", shown(name)));
                }
            }
            let ruled = model.entity_types.iter().zip(&self.of_type);
            let ruled: Vec<&EntityType> =
                ruled.filter(|(_, rules)| rules.contains(&at)).map(|(entity_type, _)| entity_type).collect();
            for column in &rule.hidden_columns {
                if !ruled.iter().any(|entity_type| has_column(entity_type, column)) {
                    add(format!("hides the column {column}, and none of its tables has it"));
                }
            }
            for entity_type in ruled {
                if let Some(message) = self.wrong(rule, entity_type) {
                    add(format!("allows nothing in {}: {message}", entity_type.name));
                }
            }
        }
        findings
    }

    /// Why the condition of a rule cannot be about rows of this type; `None` if it can.
    fn wrong(&self, rule: &AccessRule, entity_type: &EntityType) -> Option<String> {
        let text = rule.condition.as_deref()?;
        let literal = |name: &str| self.example(name);
        usable(text, entity_type, literal).err()
    }

    /// The value of an attribute for some user.
    fn example(&self, name: &str) -> Option<String> {
        let of_any = || self.attributes.values().find_map(|own| own.get(name)?.literal());
        if name == "name" { Some(quoted("name")) } else { of_any() }
    }
}

/// The conditions of a document that cannot be understood, whatever the tables are.
pub fn faults(document: &ModelDocument) -> Vec<DocumentFault> {
    let rules = document.rules.iter().enumerate();
    let fault = |(at, rule): (usize, &AccessRule)| {
        let text = condition::substituted(rule.condition.as_deref()?, |_| Some(PLACEHOLDER.to_owned()));
        let parsed = text
            .and_then(|text| Parser::new(&text, TARGET).whole().map(drop).map_err(|error| error.to_string()));
        let message = format!("cannot be understood: {}", parsed.err()?);
        Some(DocumentFault { path: format!("rules[{at}].where"), message })
    };
    rules.filter_map(fault).collect()
}

fn prepared(rule: &AccessRule, fold: FoldName) -> PreparedRule {
    let folded = |names: &[String]| names.iter().map(|name| fold(name)).collect();
    PreparedRule { roles: folded(&rule.roles), users: folded(&rule.users), rule: rule.clone() }
}

impl PreparedRule {
    /// Whether it is about the table of a type.
    fn names(&self, entity_type: &EntityType) -> bool {
        self.rule.tables.is_empty() || self.rule.tables.iter().any(|name| is_named(name, entity_type))
    }
}

/// Names of tables and columns are compared ignoring case, because a rule that misses its table would protect nothing.
fn is_named(name: &TableName, entity_type: &EntityType) -> bool {
    let schema = entity_type.schema.as_deref();
    name.table.eq_ignore_ascii_case(&entity_type.table)
        && name
            .schema
            .as_deref()
            .is_none_or(|wanted| schema.is_some_and(|schema| schema.eq_ignore_ascii_case(wanted)))
}

fn has_column(entity_type: &EntityType, column: &str) -> bool {
    entity_type.properties.iter().any(|property| property.column.eq_ignore_ascii_case(column))
}

fn shown(name: &TableName) -> String {
    full_name(name.schema.as_deref(), &name.table)
}

impl AccessRules {
    /// The rule that decides: the first one about a table and an action that applies to the caller.
    fn deciding(&self, of_table: &[usize], policy: &Policy, action: RuleAction) -> Option<&AccessRule> {
        let applying = of_table.iter().filter(|at| policy.applying.binary_search(at).is_ok());
        applying.map(|at| &self.rules[*at].rule).find(|rule| rule.actions.contains(&action))
    }

    /// What callers with a policy may do with the rows of a table; `None` if they may not read it.
    fn part(
        &self,
        (entity_type, of_table): (&EntityType, &[usize]),
        policy: &Policy,
        action: RuleAction,
    ) -> Option<TypePart> {
        let reading = self.deciding(of_table, policy, RuleAction::Read)?;
        let allows = |action| self.deciding(of_table, policy, action).is_some();
        let mut part = TypePart::whole(entity_type);
        part.hide(|property| {
            reading.hidden_columns.iter().any(|name| name.eq_ignore_ascii_case(&property.column))
        });
        part.entity_type.allowed_changes = AllowedChanges {
            insert: allows(RuleAction::Insert),
            update: allows(RuleAction::Update),
            delete: allows(RuleAction::Delete),
        };
        let deciding = [Some(reading), self.deciding(of_table, policy, action)];
        let texts = deciding.into_iter().flatten().filter_map(|rule| rule.condition.as_deref());
        let literal = |name: &str| policy.attributes.get(name).cloned().flatten();
        // What cannot be understood allows nothing.
        let nothing = || NOTHING.to_owned();
        let condition = |text| usable(text, entity_type, literal).unwrap_or_else(|_| nothing());
        let mut conditions: Vec<String> = texts.map(condition).collect();
        conditions.dedup();
        let of_all =
            conditions.iter().map(|condition| format!("({condition})")).collect::<Vec<_>>().join(" and ");
        part.entity_type.rule = (!conditions.is_empty())
            .then(|| RowRule::new(EntityType { navigations: Vec::new(), ..entity_type.clone() }, of_all));
        Some(part)
    }
}

/// The condition with the values of attributes, if it can be about rows of a table.
///
/// # Errors
/// Why it can be true for no row: it is wrong, or the user lacks an attribute.
fn usable(
    text: &str,
    entity_type: &EntityType,
    literal: impl Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let text = condition::substituted(text, literal)?;
    let (bound, uses_now) = bind::condition(entity_type, &text).map_err(|error| error.to_string())?;
    if uses_now {
        return Err("now() is not supported in a rule".to_owned());
    }
    // A failure would tell something about a row that the user must not see.
    if bound.can_fail(Failing::ANYWHERE) {
        return Err("an expression that may fail is not supported in a rule".to_owned());
    }
    Ok(text)
}

impl Model {
    /// The model for callers with this policy who want to do this. Only what they may read is in it, and only rows with which they
    /// may do it are reached. The versions stay, so plans must be distinguished by something else.
    #[must_use]
    pub fn for_policy(&self, rules: &AccessRules, policy: &Policy, action: RuleAction) -> Self {
        self.with_parts(|at, entity_type| match rules.of_type.get(at).map(Vec::as_slice) {
            None | Some([]) => Some(TypePart::whole(entity_type)),
            Some(of_table) => rules.part((entity_type, of_table), policy, action),
        })
    }
}

#[cfg(test)]
mod tests;
