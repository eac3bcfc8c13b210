use super::*;
use crate::application::GrantType;
use crate::backchannel::BackchannelAuthentication;
use crate::device::DeviceAuthorization;
use crate::sample::{
    NOW, backchannel_authentication, built_in_scopes, client, device_authorization, other_client, user,
};
use crate::scope::BuiltInScope;

const ALLOWED: UserDecision =
    UserDecision::Allowed { user: UserId::new(4), user_epoch: Epoch::new(5), consent: ConsentId::new(11) };

fn allowed() -> DeviceAuthorization {
    DeviceAuthorization { decision: ALLOWED, ..device_authorization() }
}

fn poll(request: &DeviceAuthorization, now: Timestamp) -> Result<PollDecision, Refusal> {
    poll_as(request.polled(), &client(|_| {}), Some(&user(4)), now)
}

fn poll_as(
    request: PolledRequest<'_>,
    client: &AuthenticatedClient,
    user: Option<&User>,
    now: Timestamp,
) -> Result<PollDecision, Refusal> {
    decide(request, Facts { scopes: built_in_scopes(), client, user, lifetime_limit_secs: 60, now })
}

#[test]
fn a_client_waits_for_its_user() {
    assert_eq!(poll(&device_authorization(), NOW), Ok(PollDecision::Pending));
    let asked = backchannel_authentication();
    assert_eq!(poll_as(asked.polled(), &client(|_| {}), None, NOW), Ok(PollDecision::Pending));
}

#[test]
fn what_the_user_allowed_becomes_a_grant() {
    let Ok(PollDecision::Create(grant)) = poll(&allowed(), NOW) else { panic!("a grant") };
    assert_eq!(grant.origin, GrantOrigin::Device(allowed().code));
    assert_eq!((grant.user, grant.consent), (UserId::new(4), Some(ConsentId::new(11))));
    assert_eq!(grant.scopes, BuiltInScope::OData.into());
    assert!(grant.refreshable && grant.lifetime_secs == 60);
    let no_refresh = client(|all| all.grant_types = vec![GrantType::DeviceCode]);
    let allowed = allowed();
    let decided = poll_as(allowed.polled(), &no_refresh, Some(&user(4)), NOW);
    let Ok(PollDecision::Create(grant)) = decided else { panic!("a grant") };
    assert!(!grant.refreshable);
    let asked = BackchannelAuthentication { decision: ALLOWED, ..backchannel_authentication() };
    let Ok(PollDecision::Create(grant)) =
        poll_as(asked.polled(), &client(|all| all.scopes = asked.scopes.clone()), Some(&user(4)), NOW)
    else {
        panic!("a grant")
    };
    assert_eq!(grant.origin, GrantOrigin::Backchannel(asked.code));
}

#[test]
fn the_interval_counts_from_the_last_accepted_poll() {
    let polled = DeviceAuthorization { polled_at: Some(NOW), ..device_authorization() };
    for (secs, answer) in [
        (0, Err(Refusal::PolledTooSoon)),
        (3, Err(Refusal::PolledTooSoon)),
        (4, Ok(PollDecision::Pending)),
        (5, Ok(PollDecision::Pending)),
    ] {
        assert_eq!(poll(&polled, NOW.plus_secs(secs)), answer, "{secs}");
    }
}

#[test]
fn a_request_that_is_decided_never_slows_its_client_down() {
    let polled = |request| DeviceAuthorization { polled_at: Some(NOW), ..request };
    assert!(matches!(poll(&polled(allowed()), NOW), Ok(PollDecision::Create(_))));
    let denied = DeviceAuthorization { decision: UserDecision::Denied, ..device_authorization() };
    assert_eq!(poll(&polled(denied), NOW), Err(Refusal::UserDenied));
    let asked =
        BackchannelAuthentication { decision: ALLOWED, polled_at: Some(NOW), ..backchannel_authentication() };
    let client = client(|all| all.scopes = asked.scopes.clone());
    let decided = poll_as(asked.polled(), &client, Some(&user(4)), NOW);
    assert!(matches!(decided, Ok(PollDecision::Create(_))));
}

#[test]
fn a_poll_learns_how_the_request_ended() {
    let expired = allowed().expires_at;
    assert_eq!(poll(&allowed(), expired), Err(Refusal::DeviceCodeExpired));
    assert_eq!(poll(&device_authorization(), expired), Err(Refusal::DeviceCodeExpired));
    let denied = DeviceAuthorization { decision: UserDecision::Denied, ..device_authorization() };
    assert_eq!(poll(&denied, NOW), Err(Refusal::UserDenied));
    let reset = DeviceAuthorization { application_epoch: Epoch::new(2), ..allowed() };
    assert_eq!(poll(&reset, NOW), Err(Refusal::DeviceAccessRevoked));
}

#[test]
fn a_device_code_is_for_its_client_and_its_user() {
    let (client, other) = (client(|_| {}), other_client(|_| {}));
    let allowed = allowed();
    let poll = |client, user| poll_as(allowed.polled(), client, user, NOW);
    assert_eq!(poll(&other, None), Err(Refusal::DeviceCodeOfAnotherClient));
    assert_eq!(poll(&client, None), Err(Refusal::DeviceAccessRevoked));
    let inactive = User { active: false, ..user(4) };
    assert_eq!(poll(&client, Some(&inactive)), Err(Refusal::UserInactive));
    let later = User { epoch: Epoch::new(6), ..user(4) };
    assert_eq!(poll(&client, Some(&later)), Err(Refusal::DeviceAccessRevoked));
}

#[test]
fn an_auth_req_id_is_for_its_client_and_ends_like_a_device_code() {
    let asked = BackchannelAuthentication { decision: ALLOWED, ..backchannel_authentication() };
    let (client, other) = (client(|all| all.scopes = asked.scopes.clone()), other_client(|_| {}));
    let (now, later) = (user(4), User { epoch: Epoch::new(6), ..user(4) });
    let poll = |asked: &BackchannelAuthentication, client, user, now| {
        poll_as(asked.polled(), client, user, now).unwrap_err()
    };
    let reset = BackchannelAuthentication { application_epoch: Epoch::new(2), ..asked.clone() };
    let denied = BackchannelAuthentication { decision: UserDecision::Denied, ..asked.clone() };
    assert_eq!(poll(&asked, &other, None, NOW), Refusal::AuthReqIdOfAnotherClient);
    assert_eq!(poll(&asked, &client, None, asked.expires_at), Refusal::AuthReqIdExpired);
    assert_eq!(poll(&asked, &client, Some(&later), NOW), Refusal::BackchannelAccessRevoked);
    assert_eq!(poll(&reset, &client, Some(&now), NOW), Refusal::BackchannelAccessRevoked);
    assert_eq!(poll(&denied, &client, Some(&now), NOW), Refusal::UserDenied);
}

#[test]
fn a_poll_after_the_interval_is_accepted() {
    assert!(accepts_poll_after(NOW) >= NOW.minus_secs(INTERVAL_SECS));
    assert!(accepts_poll_after(NOW) < NOW.minus_secs(INTERVAL_SECS - 2));
}

#[test]
fn a_poll_waits_for_no_clock_that_was_set_back() {
    let client = client(|all| all.scopes = backchannel_authentication().scopes);
    let poll = |last| {
        let asked = BackchannelAuthentication { polled_at: Some(last), ..backchannel_authentication() };
        poll_as(asked.polled(), &client, None, NOW)
    };
    assert_eq!(poll(NOW.plus_secs(4)), Err(Refusal::PolledTooSoon), "another poll overtook it");
    assert_eq!(poll(NOW.plus_secs(3_600)), Ok(PollDecision::Pending));
}

#[test]
fn a_code_that_is_bound_to_an_instance_is_refused_without_it() {
    let details = || GrantDetails::of_instance(Some(crate::proof::Thumbprint::from_bytes([1; 32])));
    let of_device = DeviceAuthorization { details: details(), ..allowed() };
    assert_eq!(poll(&of_device, NOW), Err(Refusal::DeviceCodeOfAnotherInstance));
    let asked = BackchannelAuthentication { details: details(), ..backchannel_authentication() };
    let refused = poll_as(asked.polled(), &client(|_| {}), None, NOW);
    assert_eq!(refused, Err(Refusal::AuthReqIdOfAnotherInstance));
}
