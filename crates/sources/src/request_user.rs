//! The user for whom a job acts.

use crate::UserLogin;

/// The user for whom a job reads or changes something. A data source may give the rights of this user to its statements.
#[derive(Debug, Clone)]
pub struct RequestUser {
    /// The identifier of the user, which nobody else ever has.
    pub subject: String,
    /// The name with which the user signs in.
    pub name: String,
    /// With what the user signs in to the database, if the source [demands](crate::Source::user_logins) that.
    pub login: Option<UserLogin>,
}
