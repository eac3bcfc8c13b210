//! Rules about who may do what with which rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::TableName;

/// What one rule allows. Of the rules for a table and an action, the first that applies to the caller decides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AccessRule {
    /// The tables; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableName>,
    /// The names of the roles to whose users it applies; empty for users of any role.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The names of the users to whom it applies; empty for everybody.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// The ids of the applications to which it applies; empty for all, and for requests without an application.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub applications: Vec<i64>,
    /// What it allows.
    pub actions: Vec<RuleAction>,
    /// A condition that a row must meet, in the syntax of `$filter`. `@user.name` is the name of the user, and `@user.region` the
    /// attribute `region` of the user. Without it, all rows are allowed.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Columns that do not exist for those who read by this rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hidden_columns: Vec<String>,
    /// Columns whose values those who read by this rule do not see.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub masked_columns: Vec<ColumnMask>,
}

/// A column whose values are replaced: by null, if nothing else is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ColumnMask {
    /// The name of the column in the database.
    pub column: String,
    /// The text that replaces each value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How many characters at the end of a text stay, if it is longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_characters: Option<u32>,
}

/// What can be done with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RuleAction {
    /// Read it.
    Read,
    /// Insert it.
    Insert,
    /// Change it.
    Update,
    /// Delete it.
    Delete,
}

impl RuleAction {
    /// All actions.
    pub(crate) const ALL: [Self; 4] = [Self::Read, Self::Insert, Self::Update, Self::Delete];
}

/// The attributes of users that conditions can name, by the name of the user.
pub type RuleAttributes = BTreeMap<String, BTreeMap<String, AttributeValue>>;

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// A truth value.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A text, which is also how dates, times and GUIDs are written.
    Text(String),
    /// Several numbers, for the operator `in`.
    Integers(Vec<i64>),
    /// Several texts, likewise.
    Texts(Vec<String>),
}

impl AttributeValue {
    /// The value as a literal in an expression; `None` for an empty list, in which nothing is.
    pub(crate) fn literal(&self) -> Option<String> {
        match self {
            Self::Boolean(value) => Some(value.to_string()),
            Self::Integer(value) => Some(value.to_string()),
            Self::Text(text) => Some(quoted(text)),
            Self::Integers(numbers) => list(numbers.iter().map(i64::to_string)),
            Self::Texts(texts) => list(texts.iter().map(|text| quoted(text))),
        }
    }
}

fn list(literals: impl ExactSizeIterator<Item = String>) -> Option<String> {
    (literals.len() > 0).then(|| format!("({})", literals.collect::<Vec<_>>().join(",")))
}

/// A text as a literal in an expression.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
