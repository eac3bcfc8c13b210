use proptest::prelude::*;

use super::*;
use crate::application::ClientType;
use crate::application::Profile;
use crate::sample::{self, NOW, built_in_scopes};
use crate::scope::BuiltInScope;
use domain::id::Epoch;

const GRACE: i64 = 60;

fn refresh(scopes: Option<ScopeSet>) -> Refresh {
    Refresh { token: RefreshTokenText::new("sgr_1"), scopes, sent_as_a_code: false }
}

fn rotating() -> AuthenticatedClient {
    sample::client(|settings| settings.profile = Profile::OAuth21)
}

fn decided(
    client: &AuthenticatedClient,
    generation: i64,
    grant: &Grant,
    now: Timestamp,
) -> Result<RefreshDecision, Refusal> {
    decision(&refresh(None), client, generation, grant, now)
}

fn decision(
    request: &Refresh,
    client: &AuthenticatedClient,
    generation: i64,
    grant: &Grant,
    now: Timestamp,
) -> Result<RefreshDecision, Refusal> {
    let (token, user) = (RefreshToken { grant: grant.id, generation }, sample::user(4));
    decide(request, facts(client, &token, grant, &user, now))
}

fn facts<'a>(
    client: &'a AuthenticatedClient,
    token: &'a RefreshToken,
    grant: &'a Grant,
    user: &'a User,
    now: Timestamp,
) -> Facts<'a> {
    let (token, grant, user) = (Some(token), Some(grant), Some(user));
    Facts {
        scopes: built_in_scopes(),
        client,
        token,
        grant,
        user,
        grace_secs: GRACE,
        limits: RefreshLimits::default(),
        lifetime_limit_secs: 3600,
        now,
    }
}

fn rotation(decision: Result<RefreshDecision, Refusal>) -> Rotation {
    match decision {
        Ok(RefreshDecision::Renew(renewal)) => renewal.rotation,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_compatible_profile_returns_the_same_refresh_token() {
    let client = sample::client(|_| {});
    for _ in 0..3 {
        assert_eq!(rotation(decided(&client, 0, &sample::grant(), NOW)), Rotation::SameAgain);
    }
}

#[test]
fn oauth21_and_public_clients_rotate() {
    let public = sample::client(|settings| settings.client_type = ClientType::Public);
    for client in [rotating(), public] {
        assert_eq!(rotation(decided(&client, 0, &sample::grant(), NOW)), Rotation::Rotate { from: 0 });
    }
}

#[test]
fn a_lost_response_is_repeated_within_the_grace_period() {
    let grant = Grant { generation: 1, rotated_at: Some(NOW), ..sample::grant() };
    let last = Timestamp::from_micros(NOW.plus_secs(GRACE).as_micros() - 1);
    for now in [NOW, last] {
        assert_eq!(
            rotation(decided(&rotating(), 0, &grant, now)),
            Rotation::RepeatSuccessor { generation: 1 }
        );
    }
}

#[test]
fn a_replaced_token_after_the_grace_period_is_a_replay() {
    let grant = Grant { generation: 1, rotated_at: Some(NOW), ..sample::grant() };
    let late = decided(&rotating(), 0, &grant, NOW.plus_secs(GRACE));
    assert_eq!(late, Ok(RefreshDecision::Replay(grant.id)));
}

#[test]
fn a_replaced_token_whose_successor_was_used_is_a_replay() {
    let grant = Grant { generation: 2, rotated_at: Some(NOW), ..sample::grant() };
    assert_eq!(decided(&rotating(), 0, &grant, NOW), Ok(RefreshDecision::Replay(grant.id)));
}

#[test]
fn a_replay_is_detected_whatever_scope_it_requests() {
    let grant = Grant { generation: 2, rotated_at: Some(NOW), ..sample::grant() };
    let wide = refresh(Some(BuiltInScope::Management.into()));
    assert_eq!(decision(&wide, &rotating(), 0, &grant, NOW), Ok(RefreshDecision::Replay(grant.id)));
}

#[test]
fn a_future_generation_is_refused_and_revokes_nothing() {
    for generation in [1, i64::MAX] {
        let early = decided(&rotating(), generation, &sample::grant(), NOW);
        assert_eq!(early, Err(Refusal::RefreshTokenFromTheFuture));
    }
    let below = decided(&rotating(), i64::MIN, &sample::grant(), NOW);
    assert_eq!(below, Err(Refusal::RefreshTokenFromTheFuture), "no arithmetic overflow");
}

#[test]
fn a_token_of_another_client_is_refused_and_revokes_nothing() {
    let other = sample::other_client(|_| {});
    let grant = Grant { generation: 5, ..sample::grant() };
    assert_eq!(decided(&other, 0, &grant, NOW), Err(Refusal::RefreshTokenOfAnotherClient));
}

#[test]
fn the_token_of_a_revoked_grant_is_refused() {
    let client = sample::client(|_| {});
    let refusal = |grant: Grant| decided(&client, 0, &grant, NOW).unwrap_err();
    assert_eq!(refusal(Grant { revoked_at: Some(NOW), ..sample::grant() }), Refusal::GrantRevoked);
    assert_eq!(
        refusal(Grant { application_epoch: Epoch::new(2), ..sample::grant() }),
        Refusal::GrantOutlived
    );
    assert_eq!(refusal(Grant { user_epoch: Epoch::new(4), ..sample::grant() }), Refusal::GrantOutlived);
    assert_eq!(refusal(Grant { expires_at: Some(NOW), ..sample::grant() }), Refusal::RefreshTokenExpired);
    assert_eq!(refusal(Grant { refreshable: false, ..sample::grant() }), Refusal::GrantNotRefreshable);
}

#[test]
fn forged_and_orphaned_tokens_are_refused() {
    let (client, grant, user) = (sample::client(|_| {}), sample::grant(), sample::user(4));
    let token = RefreshToken { grant: grant.id, generation: 0 };
    let good = facts(&client, &token, &grant, &user, NOW);
    assert_eq!(decide(&refresh(None), Facts { token: None, ..good }), Err(Refusal::RefreshTokenForged));
    assert_eq!(decide(&refresh(None), Facts { grant: None, ..good }), Err(Refusal::GrantGone));
    assert_eq!(decide(&refresh(None), Facts { user: None, ..good }), Err(Refusal::GrantOutlived));
    let inactive = User { active: false, ..sample::user(4) };
    assert_eq!(decide(&refresh(None), Facts { user: Some(&inactive), ..good }), Err(Refusal::UserInactive));
}

#[test]
fn scope_may_be_narrowed_and_never_widened() {
    let client = sample::client(|settings| settings.scopes = BuiltInScope::ALL.into_iter().collect());
    let grant = Grant {
        scopes: [BuiltInScope::OData, BuiltInScope::Management].into_iter().collect(),
        ..sample::grant()
    };
    let scopes = |asked_for: Option<ScopeSet>| match decision(&refresh(asked_for), &client, 0, &grant, NOW) {
        Ok(RefreshDecision::Renew(renewal)) => Ok(renewal.scopes),
        Ok(RefreshDecision::Replay(_)) => panic!("a replay"),
        Err(refusal) => Err(refusal),
    };
    assert_eq!(scopes(None), Ok(grant.scopes.clone()));
    assert_eq!(scopes(Some(BuiltInScope::OData.into())), Ok(BuiltInScope::OData.into()));
    assert_eq!(scopes(Some(BuiltInScope::Introspect.into())), Err(Refusal::ScopeWidened));
}

/// An operation of a caller on the family: rotations as in the store, and responses that may be lost.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Load the grant and decide with the known token at that index; apply the decision later.
    Begin(usize),
    /// Apply the oldest pending decision; a rotation that lost its race changes nothing.
    Finish,
    Wait(i64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0_usize..6).prop_map(Act::Begin),
        4 => Just(Act::Finish),
        1 => (0_i64..90).prop_map(Act::Wait),
    ]
}

proptest! {
    #[test]
    fn a_family_never_has_two_live_successors(acts in prop::collection::vec(act(), 1..60)) {
        let (client, mut grant, mut now) = (rotating(), sample::grant(), NOW);
        let mut issued = vec![0_i64];
        let mut pending = Vec::new();
        for act in acts {
            match act {
                Act::Wait(secs) => now = now.plus_secs(secs),
                Act::Begin(at) => pending.push(decided(&client, issued[at % issued.len()], &grant, now)),
                Act::Finish if pending.is_empty() => {}
                Act::Finish => match pending.remove(0) {
                    // The conditional write of the store.
                    Ok(RefreshDecision::Renew(Renewal { rotation: Rotation::Rotate { from }, .. })) => {
                        if grant.generation == from && grant.revoked_at.is_none() {
                            grant = Grant { generation: from + 1, rotated_at: Some(now), ..grant };
                            issued.push(from + 1);
                        }
                    }
                    Ok(RefreshDecision::Renew(Renewal { rotation: Rotation::RepeatSuccessor { generation }, .. })) => {
                        prop_assert!(issued.contains(&generation), "the identical successor, no new one");
                    }
                    Ok(RefreshDecision::Renew(_)) => prop_assert!(false, "a rotating client gets no token twice"),
                    Ok(RefreshDecision::Replay(id)) => {
                        prop_assert_eq!(id, grant.id);
                        grant.revoked_at.get_or_insert(now);
                    }
                    Err(refusal) => prop_assert_eq!(refusal, Refusal::GrantRevoked),
                },
            }
            // Of all tokens ever issued, at most one can advance the family; the one before it yields that
            // same token.
            let moves = |generation: &&i64| {
                matches!(
                    decided(&client, **generation, &grant, now),
                    Ok(RefreshDecision::Renew(Renewal { rotation: Rotation::Rotate { .. }, .. }))
                )
            };
            let live = issued.iter().filter(moves).count();
            prop_assert_eq!(live, usize::from(grant.revoked_at.is_none()));
            prop_assert!(issued.windows(2).all(|pair| pair[1] == pair[0] + 1), "no generation is issued twice");
        }
    }
}

#[test]
fn password_grants_are_refused_once_the_application_may_not_use_them() {
    let given = Grant { origin: GrantOrigin::Password, ..sample::grant() };
    assert!(decided(&sample::client(|_| {}), 0, &given, NOW).is_ok());
    let public = sample::client(|settings| settings.client_type = ClientType::Public);
    for client in [rotating(), public] {
        assert_eq!(decided(&client, 0, &given, NOW), Err(Refusal::PasswordGrantOver));
    }
}

#[test]
fn a_refresh_token_that_was_not_used_in_time_is_refused() {
    let (client, grant, user) = (rotating(), sample::grant(), sample::user(4));
    let token = RefreshToken { grant: grant.id, generation: 0 };
    let limits = RefreshLimits { lifetime_secs: 0, idle_secs: 100 };
    let after = |secs| {
        let facts = facts(&client, &token, &grant, &user, NOW.plus_secs(secs));
        decide(&refresh(None), Facts { limits, ..facts })
    };
    assert!(after(99).is_ok());
    assert_eq!(after(100), Err(Refusal::RefreshTokenExpired));
}

#[test]
fn an_access_token_does_not_outlive_its_grant() {
    let grant = Grant { expires_at: Some(NOW.plus_secs(10)), ..sample::grant() };
    let Ok(RefreshDecision::Renew(renewal)) = decided(&rotating(), 0, &grant, NOW) else { panic!("renewed") };
    assert_eq!(renewal.lifetime_secs, 10);
    let late = decided(&rotating(), 0, &grant, NOW.plus_secs(10));
    assert_eq!(late, Err(Refusal::RefreshTokenExpired));
}

#[test]
fn a_token_of_another_instance_is_refused_and_revokes_nothing() {
    use crate::proof::Thumbprint;
    let key = Some(Thumbprint::from_bytes([1; 32]));
    let details = sample::grant().details.for_refresh_tokens(None, key);
    let grant = Grant { generation: 5, details: Box::new(details), ..sample::grant() };
    let refused = Err(Refusal::RefreshTokenOfAnotherInstance);
    assert_eq!(decided(&rotating(), 0, &grant, NOW), refused, "an application without attestations");
}
