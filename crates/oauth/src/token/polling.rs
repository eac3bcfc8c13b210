//! What a client gets that polls the token endpoint until its user has decided elsewhere. The device flow ([RFC 8628
//! §3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)) and backchannel authentication ([CIBA Core
//! §11](https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.11))
//! differ only in the names of their codes.

use super::{GrantDecision, access_token_lifetime_secs, gets_a_refresh_token, still_registered};
use crate::client_authentication::AuthenticatedClient;
use crate::grant::{GrantDetails, GrantOrigin};
use crate::refusal::Refusal;
use crate::scope::{ScopeRegistry, ScopeSet};
use domain::account::User;
use domain::id::{ApplicationId, CodeId, ConsentId, Epoch, UserId};
use domain::time::Timestamp;

/// How long a client must wait between two polls: `interval` of the answer that gives it its code.
pub const INTERVAL_SECS: i64 = 5;

/// A poll may come this much earlier, because networks delay one request more than the next.
const TOLERANCE_SECS: i64 = 1;

/// The latest time of the previous accepted poll for which another poll is accepted at `now`. "A client MUST wait"
/// the interval between polls ([RFC 8628 §3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)); polls that were refused
/// do not count, so that a client that asks too often is not locked out.
pub fn accepts_poll_after(now: Timestamp) -> Timestamp {
    now.minus_secs(INTERVAL_SECS - TOLERANCE_SECS)
}

/// What the user has decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserDecision {
    /// Nothing yet.
    Pending,
    /// The client gets no access.
    Denied,
    /// The client gets access.
    Allowed {
        /// The user who allowed it.
        user: UserId,
        /// The user's epoch.
        user_epoch: Epoch,
        /// The consent, which must still be valid when the grant is created.
        consent: ConsentId,
    },
}

/// What differs between the requests for which clients poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolledKind {
    /// A device authorization request.
    Device,
    /// A backchannel authentication request.
    Backchannel,
}

impl PolledKind {
    /// The refusal of a code that is unknown.
    pub const fn unknown(self) -> Refusal {
        match self {
            Self::Device => Refusal::DeviceCodeUnknown,
            Self::Backchannel => Refusal::AuthReqIdUnknown,
        }
    }

    const fn of_another_client(self) -> Refusal {
        match self {
            Self::Device => Refusal::DeviceCodeOfAnotherClient,
            Self::Backchannel => Refusal::AuthReqIdOfAnotherClient,
        }
    }

    const fn of_another_instance(self) -> Refusal {
        match self {
            Self::Device => Refusal::DeviceCodeOfAnotherInstance,
            Self::Backchannel => Refusal::AuthReqIdOfAnotherInstance,
        }
    }

    const fn expired(self) -> Refusal {
        match self {
            Self::Device => Refusal::DeviceCodeExpired,
            Self::Backchannel => Refusal::AuthReqIdExpired,
        }
    }

    /// The refusal if the access behind the code was revoked.
    pub const fn revoked(self) -> Refusal {
        match self {
            Self::Device => Refusal::DeviceAccessRevoked,
            Self::Backchannel => Refusal::BackchannelAccessRevoked,
        }
    }

    const fn origin(self, code: CodeId) -> GrantOrigin {
        match self {
            Self::Device => GrantOrigin::Device(code),
            Self::Backchannel => GrantOrigin::Backchannel(code),
        }
    }
}

/// A stored request, as far as polling is concerned.
#[derive(Debug, Clone, Copy)]
pub struct PolledRequest<'a> {
    /// Its kind.
    pub kind: PolledKind,
    /// The id under which the grant is created, at most once.
    pub code: CodeId,
    /// The application that asked.
    pub application: ApplicationId,
    /// The application's epoch when it asked.
    pub application_epoch: Epoch,
    /// The requested scopes; after the decision, those that were allowed.
    pub scopes: &'a ScopeSet,
    /// What else the grant keeps.
    pub details: &'a GrantDetails,
    /// The first moment at which it is no longer valid.
    pub expires_at: Timestamp,
    /// When the last poll was accepted.
    pub polled_at: Option<Timestamp>,
    /// What the user decided.
    pub decision: UserDecision,
}

/// The facts for the decision.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// All scopes.
    pub scopes: &'a ScopeRegistry,
    /// The client that polls.
    pub client: &'a AuthenticatedClient,
    /// The stored user who allowed it.
    pub user: Option<&'a User>,
    /// Limit 100, in seconds.
    pub lifetime_limit_secs: i64,
    /// The current time.
    pub now: Timestamp,
}

/// What a poll that is accepted gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PollDecision {
    /// `authorization_pending`.
    Pending,
    /// A grant, which the store creates at most once for each code.
    Create(Box<GrantDecision>),
}

/// Decides what a poll gets. The store counts an accepted poll of a pending request, and refuses it if another one was accepted
/// within the interval. What the user has decided does not change any more, so the answer is the same at any time.
///
/// # Errors
/// `invalid_grant`, `expired_token`, `access_denied` and `slow_down`.
pub fn decide(request: PolledRequest<'_>, facts: Facts<'_>) -> Result<PollDecision, Refusal> {
    code_belongs_to_client(request, facts)?;
    sender_is_the_instance(request, facts)?;
    code_is_unexpired(request, facts)?;
    application_access_was_not_revoked(request, facts)?;
    user_did_not_deny(request)?;
    let UserDecision::Allowed { user, user_epoch, consent } = request.decision else {
        interval_is_over(request, facts)?;
        return Ok(PollDecision::Pending);
    };
    let user = facts.user.filter(|found| found.id == user && found.epoch == user_epoch);
    let user = user.ok_or(request.kind.revoked())?;
    user_is_active(user)?;
    let settings = &facts.client.application().settings;
    Ok(PollDecision::Create(Box::new(GrantDecision {
        user: user.id,
        user_epoch,
        origin: request.kind.origin(request.code),
        consent: Some(consent),
        session: None,
        scopes: still_registered(request.scopes, settings, facts.scopes)?,
        details: request.details.clone(),
        refreshable: gets_a_refresh_token(settings),
        lifetime_secs: access_token_lifetime_secs(settings, facts.lifetime_limit_secs),
    })))
}

/// [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2): "or was issued to another client".
fn code_belongs_to_client(request: PolledRequest<'_>, facts: Facts<'_>) -> Result<(), Refusal> {
    let same = request.application == facts.client.application().id;
    if same { Ok(()) } else { Err(request.kind.of_another_client()) }
}

/// A device code and an `auth_req_id` are bound to the instance that asked, if it was attested
/// ([draft-ietf-oauth-attestation-based-client-auth-11 §10.4](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-10.4)).
fn sender_is_the_instance(request: PolledRequest<'_>, facts: Facts<'_>) -> Result<(), Refusal> {
    let is_same = request.details.are_of_instance(facts.client.instance());
    if is_same { Ok(()) } else { Err(request.kind.of_another_instance()) }
}

/// "`expired_token`: The `device_code` has expired, and the device authorization session has concluded" ([RFC 8628
/// §3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)).
fn code_is_unexpired(request: PolledRequest<'_>, facts: Facts<'_>) -> Result<(), Refusal> {
    if request.expires_at.is_past(facts.now) { Err(request.kind.expired()) } else { Ok(()) }
}

/// Resetting a secret and similar operations also invalidate outstanding codes.
fn application_access_was_not_revoked(request: PolledRequest<'_>, facts: Facts<'_>) -> Result<(), Refusal> {
    let stands = request.application_epoch == facts.client.application().epoch;
    if stands { Ok(()) } else { Err(request.kind.revoked()) }
}

/// "`access_denied`: The authorization request was denied" ([RFC 8628
/// §3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)).
fn user_did_not_deny(request: PolledRequest<'_>) -> Result<(), Refusal> {
    if request.decision == UserDecision::Denied { Err(Refusal::UserDenied) } else { Ok(()) }
}

/// "`slow_down`: A variant of `authorization_pending`, the authorization request is still pending and polling should
/// continue" ([RFC 8628 §3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)). So it is not an answer to a request that is
/// decided.
fn interval_is_over(request: PolledRequest<'_>, facts: Facts<'_>) -> Result<(), Refusal> {
    let just_before =
        |last: Timestamp| last > accepts_poll_after(facts.now) && !last.is_before_set_back(facts.now);
    let too_soon = request.polled_at.is_some_and(just_before);
    if too_soon { Err(Refusal::PolledTooSoon) } else { Ok(()) }
}

fn user_is_active(user: &User) -> Result<(), Refusal> {
    if user.active { Ok(()) } else { Err(Refusal::UserInactive) }
}

#[cfg(test)]
mod tests;
