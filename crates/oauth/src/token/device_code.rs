//! Polling with a device code: [RFC 8628 §3.4](https://www.rfc-editor.org/rfc/rfc8628#section-3.4) and
//! [§3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5).

use super::{GrantDecision, access_token_lifetime_secs, gets_a_refresh_token, still_registered};
use crate::client_authentication::AuthenticatedClient;
use crate::device::{self, DeviceAuthorization, DeviceDecision};
use crate::grant::GrantOrigin;
use crate::parameters::{Name, Parameters};
use crate::refusal::Refusal;
use crate::scope::ScopeRegistry;
use domain::account::User;
use domain::secret::DeviceCodeText;
use domain::time::Timestamp;

const DEVICE_CODE: Name = Name::opaque("device_code");

/// The parameters of a poll.
#[derive(Debug, Clone)]
pub struct DevicePoll {
    /// The device code as received.
    pub code: DeviceCodeText,
}

impl DevicePoll {
    pub(super) fn parse(
        parameters: &Parameters,
        _client: &AuthenticatedClient,
        _registry: &ScopeRegistry,
    ) -> Result<Self, Refusal> {
        Ok(Self { code: DeviceCodeText::new(parameters.required(DEVICE_CODE)?) })
    }
}

/// The facts for the decision.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The client that polls.
    pub client: &'a AuthenticatedClient,
    /// The stored request of the device; `None` if there is none with this code.
    pub request: Option<&'a DeviceAuthorization>,
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

/// Decides what a poll gets. The store counts an accepted poll, and refuses it if another one was accepted within the
/// interval.
///
/// # Errors
/// `invalid_grant`, `expired_token`, `access_denied` and `slow_down`.
pub fn decide(facts: Facts<'_>) -> Result<PollDecision, Refusal> {
    let request = facts.request.ok_or(Refusal::DeviceCodeUnknown)?;
    code_belongs_to_client(request, facts)?;
    code_is_unexpired(request, facts)?;
    application_access_was_not_revoked(request, facts)?;
    user_did_not_deny(request)?;
    interval_is_over(request, facts)?;
    let DeviceDecision::Allowed { user, user_epoch, consent } = request.decision else {
        return Ok(PollDecision::Pending);
    };
    let user = facts.user.filter(|found| found.id == user && found.epoch == user_epoch);
    let user = user.ok_or(Refusal::DeviceAccessRevoked)?;
    user_is_active(user)?;
    let settings = &facts.client.application().settings;
    Ok(PollDecision::Create(Box::new(GrantDecision {
        user: user.id,
        user_epoch,
        origin: GrantOrigin::Device(request.code),
        consent: Some(consent),
        scopes: still_registered(&request.scopes, settings)?,
        details: request.details.clone(),
        refreshable: gets_a_refresh_token(settings),
        lifetime_secs: access_token_lifetime_secs(settings, facts.lifetime_limit_secs),
    })))
}

/// [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2): "or was issued to another client".
fn code_belongs_to_client(request: &DeviceAuthorization, facts: Facts<'_>) -> Result<(), Refusal> {
    let same = request.application == facts.client.application().id;
    if same { Ok(()) } else { Err(Refusal::DeviceCodeOfAnotherClient) }
}

/// "`expired_token`: The `device_code` has expired, and the device authorization session has concluded" ([RFC 8628
/// §3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)).
fn code_is_unexpired(request: &DeviceAuthorization, facts: Facts<'_>) -> Result<(), Refusal> {
    if request.is_expired(facts.now) { Err(Refusal::DeviceCodeExpired) } else { Ok(()) }
}

/// Resetting a secret and similar operations also invalidate outstanding codes.
fn application_access_was_not_revoked(
    request: &DeviceAuthorization,
    facts: Facts<'_>,
) -> Result<(), Refusal> {
    let stands = request.application_epoch == facts.client.application().epoch;
    if stands { Ok(()) } else { Err(Refusal::DeviceAccessRevoked) }
}

/// "`access_denied`: The authorization request was denied" ([RFC 8628
/// §3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)).
fn user_did_not_deny(request: &DeviceAuthorization) -> Result<(), Refusal> {
    if request.decision == DeviceDecision::Denied { Err(Refusal::UserDenied) } else { Ok(()) }
}

/// `slow_down` ([RFC 8628 §3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)).
fn interval_is_over(request: &DeviceAuthorization, facts: Facts<'_>) -> Result<(), Refusal> {
    let too_soon = request.polled_at.is_some_and(|last| last > device::accepts_poll_after(facts.now));
    if too_soon { Err(Refusal::DevicePolledTooSoon) } else { Ok(()) }
}

fn user_is_active(user: &User) -> Result<(), Refusal> {
    if user.active { Ok(()) } else { Err(Refusal::UserInactive) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::GrantType;
    use crate::sample::{NOW, client, device_authorization, other_client, user};
    use crate::scope::BuiltInScope;
    use domain::id::{ConsentId, Epoch, UserId};

    fn allowed() -> DeviceAuthorization {
        let decision = DeviceDecision::Allowed {
            user: UserId::new(4),
            user_epoch: Epoch::new(5),
            consent: ConsentId::new(11),
        };
        DeviceAuthorization { decision, ..device_authorization() }
    }

    fn poll(request: &DeviceAuthorization, now: Timestamp) -> Result<PollDecision, Refusal> {
        let (client, user) = (client(|_| {}), user(4));
        decide(Facts {
            client: &client,
            request: Some(request),
            user: Some(&user),
            lifetime_limit_secs: 3_600,
            now,
        })
    }

    #[test]
    fn a_device_waits_for_its_user() {
        assert_eq!(poll(&device_authorization(), NOW), Ok(PollDecision::Pending));
    }

    #[test]
    fn what_the_user_allowed_becomes_a_grant() {
        let Ok(PollDecision::Create(grant)) = poll(&allowed(), NOW) else { panic!("a grant") };
        assert_eq!(grant.origin, GrantOrigin::Device(allowed().code));
        assert_eq!((grant.user, grant.consent), (UserId::new(4), Some(ConsentId::new(11))));
        assert_eq!(grant.scopes, BuiltInScope::OData.into());
        assert!(grant.refreshable);
        let (no_refresh, user) = (client(|all| all.grant_types = vec![GrantType::DeviceCode]), user(4));
        let facts = Facts {
            client: &no_refresh,
            request: Some(&allowed()),
            user: Some(&user),
            lifetime_limit_secs: 60,
            now: NOW,
        };
        let Ok(PollDecision::Create(grant)) = decide(facts) else { panic!("a grant") };
        assert!(!grant.refreshable && grant.lifetime_secs == 60);
    }

    #[test]
    fn the_interval_counts_from_the_last_accepted_poll() {
        let polled = DeviceAuthorization { polled_at: Some(NOW), ..device_authorization() };
        for (secs, answer) in [
            (0, Err(Refusal::DevicePolledTooSoon)),
            (3, Err(Refusal::DevicePolledTooSoon)),
            (4, Ok(PollDecision::Pending)),
            (5, Ok(PollDecision::Pending)),
        ] {
            assert_eq!(poll(&polled, NOW.plus_secs(secs)), answer, "{secs}");
        }
    }

    #[test]
    fn a_poll_learns_how_the_request_ended() {
        let expired = allowed().expires_at;
        assert_eq!(poll(&allowed(), expired), Err(Refusal::DeviceCodeExpired));
        assert_eq!(poll(&device_authorization(), expired), Err(Refusal::DeviceCodeExpired));
        let denied = DeviceAuthorization { decision: DeviceDecision::Denied, ..device_authorization() };
        assert_eq!(poll(&denied, NOW), Err(Refusal::UserDenied));
        let reset = DeviceAuthorization { application_epoch: Epoch::new(2), ..allowed() };
        assert_eq!(poll(&reset, NOW), Err(Refusal::DeviceAccessRevoked));
    }

    #[test]
    fn a_device_code_is_for_its_client_and_its_user() {
        let (client, other) = (client(|_| {}), other_client(|_| {}));
        let allowed = allowed();
        let facts =
            Facts { client: &client, request: Some(&allowed), user: None, lifetime_limit_secs: 60, now: NOW };
        assert_eq!(decide(Facts { client: &other, ..facts }), Err(Refusal::DeviceCodeOfAnotherClient));
        assert_eq!(decide(Facts { request: None, ..facts }), Err(Refusal::DeviceCodeUnknown));
        assert_eq!(decide(facts), Err(Refusal::DeviceAccessRevoked));
        let inactive = User { active: false, ..user(4) };
        assert_eq!(decide(Facts { user: Some(&inactive), ..facts }), Err(Refusal::UserInactive));
        let later = User { epoch: Epoch::new(6), ..user(4) };
        assert_eq!(decide(Facts { user: Some(&later), ..facts }), Err(Refusal::DeviceAccessRevoked));
    }
}
