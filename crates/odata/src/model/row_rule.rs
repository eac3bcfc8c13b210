//! What the rules of a data source leave to a caller of a table.

use std::sync::Arc;

use super::EntityType;
use super::document::RuleAction;

/// The rows of a table that a caller reaches.
#[derive(Debug, Clone)]
pub struct RowRule(Arc<Content>);

#[derive(Debug)]
struct Content {
    /// The type with all of its columns, which the condition may need although the caller does not see them.
    entity_type: EntityType,
    condition: String,
}

/// Which changes of its rows rules allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowedChanges {
    /// Rows can be inserted.
    pub insert: bool,
    /// Rows can be changed.
    pub update: bool,
    /// Rows can be deleted.
    pub delete: bool,
}

impl RowRule {
    /// The rows for which an expression is true: a filter about properties of the type, with nothing else to replace.
    pub(crate) fn new(entity_type: EntityType, condition: String) -> Self {
        Self(Arc::new(Content { entity_type, condition }))
    }

    /// The type with all columns of the table.
    pub(crate) fn entity_type(&self) -> &EntityType {
        &self.0.entity_type
    }

    /// The expression.
    pub(crate) fn condition(&self) -> &str {
        &self.0.condition
    }
}

/// Two rules are the same only if they are one.
impl PartialEq for RowRule {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for RowRule {}

impl AllowedChanges {
    /// What holds without rules.
    pub const ALL: Self = Self { insert: true, update: true, delete: true };

    /// Whether an action is allowed.
    pub fn allows(self, action: RuleAction) -> bool {
        match action {
            RuleAction::Read => true,
            RuleAction::Insert => self.insert,
            RuleAction::Update => self.update,
            RuleAction::Delete => self.delete,
        }
    }
}
