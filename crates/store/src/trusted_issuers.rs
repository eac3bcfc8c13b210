//! Trusted issuers.

use domain::audit::NewAuditEvent;
use domain::id::{TrustedIssuerId, UserId};
use oauth::trusted_issuer::{NewTrustedIssuer, TrustedIssuer};

use crate::{Answer, Judged};

/// Why a change to a trusted issuer was refused; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustedIssuerRefusal {
    /// No issuer has that id.
    Unknown,
    /// The rights on which the decision rests were withdrawn.
    RightsChanged,
    /// Another entry is about the same issuer.
    IssuerTaken,
    /// Another entry has the same name of a service.
    ServiceTaken,
    /// There would be more than
    /// [`MOST_TRUSTED_ISSUERS`](oauth::trusted_issuer::MOST_TRUSTED_ISSUERS).
    TooMany,
}

/// Trusted issuers, and the users whom they name. The time of a change is that of its audit event. Each change advances
/// [`Versions::limits`](crate::Versions::limits).
pub trait TrustedIssuers {
    /// Lists all issuers, by id.
    fn list_trusted_issuers(&self) -> Answer<'_, Vec<TrustedIssuer>>;
    /// Adds an issuer.
    fn insert_trusted_issuer(
        &self,
        new: NewTrustedIssuer,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedIssuer, TrustedIssuerRefusal>>;
    /// Replaces the content of an issuer.
    fn update_trusted_issuer(
        &self,
        id: TrustedIssuerId,
        new: NewTrustedIssuer,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedIssuer, TrustedIssuerRefusal>>;
    /// Deletes an issuer and returns its content.
    fn delete_trusted_issuer(
        &self,
        id: TrustedIssuerId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedIssuer, TrustedIssuerRefusal>>;
    /// The users with this mail address for which an administrator vouches, ignoring the case of ASCII letters; at most
    /// five. An address of several users names none of them where it identifies somebody.
    fn users_with_verified_email<'a>(&'a self, email: &'a str) -> Answer<'a, Vec<UserId>>;
}
