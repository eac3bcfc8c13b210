//! Changes that contradict a rule of the database.

/// A change contradicts a rule of the database. `Display` gives the public text, without any name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct Violation {
    /// The rule.
    pub rule: BrokenRule,
    /// The columns that it is about, as the database names them; empty if it does not say so.
    pub columns: Vec<String>,
}

/// The kind of a rule that a change contradicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrokenRule {
    /// Another row has these values.
    #[error("another entity has the same values")]
    Unique,
    /// A row that is referred to does not exist, or one that is deleted is still referred to.
    #[error("the change breaks a reference between entities")]
    Reference,
    /// A value is needed.
    #[error("a value is missing")]
    Missing,
    /// A condition does not hold.
    #[error("a condition of the database does not hold")]
    Condition,
    /// A value is too long, out of range, or none of the type.
    #[error("a value does not fit")]
    Value,
    /// The database does not let anybody set the value.
    #[error("the database alone sets the value")]
    Fixed,
    /// The database counts, and has come to its end.
    #[error("the database has no number left for a new entity")]
    NumbersUsedUp,
}

impl Violation {
    /// A violation that concerns no particular column.
    pub fn of(rule: BrokenRule) -> Self {
        Self { rule, columns: Vec::new() }
    }

    /// A violation that concerns these columns.
    pub fn about(rule: BrokenRule, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { rule, columns: columns.into_iter().map(Into::into).collect() }
    }
}
