//! What the rules of a data source leave to a caller of a table.

use std::sync::Arc;

use super::document::RuleAction;
use super::mask::Mask;
use super::{EntityType, Model};

/// The rows of a table that a caller reaches.
#[derive(Debug, Clone)]
pub struct RowRule(Arc<Content>);

#[derive(Debug)]
struct Content {
    /// The model with all tables, rows and columns, which the condition may need although the caller does not see them.
    model: Arc<Model>,
    /// The place of the type in it.
    at: usize,
    condition: String,
    /// What the caller sees in place of the values of properties of that type, in the order of their places.
    masks: Vec<(usize, Mask)>,
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
    /// The rows for which an expression is true: a filter about rows of the type, with nothing else to replace.
    pub(crate) fn new(model: Arc<Model>, at: usize, condition: String, masks: Vec<(usize, Mask)>) -> Self {
        Self(Arc::new(Content { model, at, condition, masks }))
    }

    /// What the caller sees in place of the values of the property at a place of the type, if it is masked.
    pub(crate) fn mask(&self, place: usize) -> Option<&Mask> {
        let found = self.0.masks.binary_search_by_key(&place, |(masked, _)| *masked).ok()?;
        Some(&self.0.masks[found].1)
    }

    /// The model without rules.
    pub(crate) fn model(&self) -> &Model {
        &self.0.model
    }

    /// The type with all columns of the table.
    pub(crate) fn entity_type(&self) -> &EntityType {
        &self.0.model.entity_types[self.0.at]
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
