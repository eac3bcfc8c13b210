//! What became of values that were written.

/// Values that did not fit the type of their column and were written as null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InvalidValues {
    /// The number of such values.
    pub values: u64,
    /// How many nulls were written for properties that are never null according to the model, which is
    /// therefore outdated.
    pub promised: u64,
}

impl InvalidValues {
    pub(super) fn add(&mut self, Self { values, promised }: Self) {
        self.values += values;
        self.promised += promised;
    }
}

/// Whether a property had a value to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The body is complete.
    Value,
    /// The property is null: nothing was written.
    Null,
    /// The stored value is not a value of the property's type: nothing was written.
    Invalid,
}
