//! Origins whose web pages may read answers: those that an administrator trusts, and those of applications.

use oauth::audit::NewAuditEvent;
use oauth::cors::{NewTrustedOrigin, TrustedOrigin};
use oauth::id::TrustedOriginId;

use crate::{Answer, Judged};

/// Why an act on the list of trusted origins was refused; then nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustedOriginRefusal {
    /// There is none of that id.
    Unknown,
    /// The rights by which the act was judged do not hold any more.
    RightsChanged,
    /// Another entry names the same domain; which of the new ones does, counted from 0.
    Listed(usize),
    /// The list would have more than [`MOST_TRUSTED`](oauth::cors::MOST_TRUSTED) entries.
    Full,
}

/// Trusted origins and those of applications.
pub trait TrustedOrigins {
    /// The whole list, by id.
    fn list_trusted_origins(&self) -> Answer<'_, Vec<TrustedOrigin>>;
    /// Adds all of them or none. One audit event is written for each, with its domain as the subject.
    fn insert_trusted_origins(
        &self,
        new: Vec<NewTrustedOrigin>,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Vec<TrustedOrigin>, TrustedOriginRefusal>>;
    /// Replaces what an entry says.
    fn update_trusted_origin(
        &self,
        id: TrustedOriginId,
        new: NewTrustedOrigin,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedOrigin, TrustedOriginRefusal>>;
    /// Takes an entry from the list, and answers what it said. The audit event gets its domain as the subject.
    fn delete_trusted_origin(
        &self,
        id: TrustedOriginId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedOrigin, TrustedOriginRefusal>>;
    /// Whether the origin, in its shortest form, is one of
    /// [`ApplicationSettings::web_origins`](oauth::application::ApplicationSettings::web_origins) of any application.
    fn is_origin_of_an_application<'a>(&'a self, origin: &'a str) -> Answer<'a, bool>;
}
