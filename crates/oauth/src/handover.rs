//! What was handed over to another owner, since the one who made it was deleted.

use crate::time::Timestamp;

/// That an application or a data source came to its present owner when another user was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// The user name of who made it, as it was when that user was deleted. Being handed over again changes nothing of it.
    pub created_by: String,
    /// When the present owner got it.
    pub at: Timestamp,
}

impl Handover {
    /// As the columns say it: both or none.
    pub fn from_columns(created_by: Option<String>, at: Option<Timestamp>) -> Option<Self> {
        let (created_by, at) = created_by.zip(at)?;
        Some(Self { created_by, at })
    }
}

/// The name of who made a thing: the owner, unless somebody else had it before.
pub fn created_by<'a>(handed_over: Option<&'a Handover>, owner_name: &'a str) -> &'a str {
    handed_over.map_or(owner_name, |handover| &handover.created_by)
}
