//! The user for whom a job acts.

/// The user for whom a job reads or changes something. A data source may give the rights of this user to its statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestUser {
    /// The identifier of the user, which nobody else ever has.
    pub subject: String,
    /// The name with which the user signs in.
    pub name: String,
}
