//! What is wrong with the input of a user.

/// A fault of a field in the input. The message continues after the name of the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// The member by its name on the wire, such as `passwordInfo.password`.
    pub field: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl FieldFault {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}
