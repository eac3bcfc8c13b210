//! The values that a change gives to properties.

use std::borrow::Cow;

use super::typed::Constant;

/// A value for a property.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NewValue {
    Null,
    /// The default that the database has for it, with its expression if statements must evaluate it.
    Default(Option<String>),
    Value(Constant),
}

/// Values of properties, by their index. Those of a body are borrowed: a statement makes the only copy.
pub(crate) type NewValues<'v> = [(usize, Cow<'v, NewValue>)];
