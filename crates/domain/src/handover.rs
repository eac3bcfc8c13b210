//! Applications and data sources that were handed over to another owner when their creator was deleted.

use crate::time::Timestamp;

/// Records that the current owner got an application or a data source when another user was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// The user name of the creator at the time of the deletion. Further handovers do not change it.
    pub created_by: String,
    /// The time at which the current owner got it.
    pub at: Timestamp,
}

impl Handover {
    /// The columns contain both values or neither.
    pub fn from_columns(created_by: Option<String>, at: Option<Timestamp>) -> Option<Self> {
        let (created_by, at) = created_by.zip(at)?;
        Some(Self { created_by, at })
    }
}

/// The name of the creator: the owner, unless it was handed over.
pub fn created_by<'a>(handed_over: Option<&'a Handover>, owner_name: &'a str) -> &'a str {
    handed_over.map_or(owner_name, |handover| &handover.created_by)
}
