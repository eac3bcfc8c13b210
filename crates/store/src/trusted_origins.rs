//! Origins whose web pages may read responses: those that an administrator trusts, and those of applications.

use domain::audit::NewAuditEvent;
use domain::id::TrustedOriginId;
use oauth::cors::{NewTrustedOrigin, TrustedOrigin};

use crate::{Answer, Judged};

/// Why a change to the list of trusted origins was refused; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustedOriginRefusal {
    /// No entry has that id.
    Unknown,
    /// The rights on which the decision rests were withdrawn.
    RightsChanged,
    /// Another entry names the same domain; the value is the index, from 0, of the new entry.
    Listed(usize),
    /// The list would exceed [`MOST_TRUSTED`](oauth::cors::MOST_TRUSTED) entries.
    Full,
}

/// Trusted origins and those of applications.
pub trait TrustedOrigins {
    /// Lists all entries, by id.
    fn list_trusted_origins(&self) -> Answer<'_, Vec<TrustedOrigin>>;
    /// Adds all of the entries or none. One audit event is written for each, with its domain as the subject.
    fn insert_trusted_origins(
        &self,
        new: Vec<NewTrustedOrigin>,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Vec<TrustedOrigin>, TrustedOriginRefusal>>;
    /// Replaces the content of an entry.
    fn update_trusted_origin(
        &self,
        id: TrustedOriginId,
        new: NewTrustedOrigin,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedOrigin, TrustedOriginRefusal>>;
    /// Deletes an entry and returns its content. The audit event receives its domain as the subject.
    fn delete_trusted_origin(
        &self,
        id: TrustedOriginId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedOrigin, TrustedOriginRefusal>>;
    /// Whether the origin, in its shortest form, is one of the
    /// [origins](oauth::cors::of_application) of any application.
    fn is_origin_of_an_application<'a>(&'a self, origin: &'a str) -> Answer<'a, bool>;
}
