use super::*;
use crate::application::{ClientType, GrantType, Profile};
use crate::grant::GrantDetails;
use crate::sample::{self, NOW, built_in_scopes};
use crate::scope::{BuiltInScope, ScopeSet};
use domain::id::{ApplicationId, CodeId, ConsentId, Epoch, UserId};

const DIGEST: [u8; 32] = [7; 32];

fn code() -> AuthorizationCode {
    AuthorizationCode {
        id: CodeId::compose(NOW, [1; 8]),
        expires_at: NOW.plus_secs(60),
        application: ApplicationId::new(7),
        application_epoch: Epoch::new(3),
        user: UserId::new(4),
        user_epoch: Epoch::new(5),
        consent: ConsentId::new(11),
        scopes: BuiltInScope::OData.into(),
        details: GrantDetails::default(),
        redirect_digest: None,
        challenge: None,
        auth_time: NOW,
    }
}

fn facts<'a>(client: &'a AuthenticatedClient, code: &'a AuthorizationCode, user: &'a User) -> Facts<'a> {
    Facts {
        scopes: built_in_scopes(),
        client,
        code: Some(code),
        user: Some(user),
        redirect_digest: None,
        verifier_digest: None,
        all_revoked: false,
        lifetime_limit_secs: 3600,
        now: NOW,
    }
}

fn decided(code: &AuthorizationCode, change: impl FnOnce(&mut Facts<'_>)) -> Result<GrantDecision, Refusal> {
    let (client, user) = (sample::client(|_| {}), sample::user(4));
    let mut facts = facts(&client, code, &user);
    change(&mut facts);
    decide(facts)
}

#[test]
fn a_valid_code_creates_a_grant() {
    let decision = decided(&code(), |_| {}).unwrap();
    assert_eq!((decision.user, decision.consent), (UserId::new(4), Some(ConsentId::new(11))));
    assert_eq!(decision.origin, GrantOrigin::Code(code().id), "by which the store sees a replay");
    assert_eq!((decision.lifetime_secs, decision.refreshable), (3600, true));
}

#[test]
fn a_code_of_another_server_is_refused() {
    assert_eq!(decided(&code(), |facts| facts.code = None), Err(Refusal::CodeForged));
}

#[test]
fn a_code_is_valid_until_its_expiry() {
    let at = |now| decided(&code(), |facts| facts.now = now).map(|_| ());
    assert_eq!(at(Timestamp::from_micros(code().expires_at.as_micros() - 1)), Ok(()));
    assert_eq!(at(code().expires_at), Err(Refusal::CodeExpired));
}

#[test]
fn expiry_of_a_code_is_checked_after_everything_else() {
    let bound = AuthorizationCode { redirect_digest: Some(DIGEST), challenge: Some(DIGEST), ..code() };
    let late = |code: &AuthorizationCode, redirect_digest, verifier_digest| {
        let facts = |facts: &mut Facts<'_>| {
            *facts = Facts { redirect_digest, verifier_digest, now: NOW.plus_secs(600), ..*facts };
        };
        decided(code, facts).map(|_| ())
    };
    assert_eq!(late(&bound, Some(DIGEST), Some(DIGEST)), Err(Refusal::CodeExpired));
    assert_eq!(late(&bound, None, Some(DIGEST)), Err(Refusal::RedirectUrlDiffers));
    assert_eq!(late(&bound, Some(DIGEST), None), Err(Refusal::VerifierMissing));
    let stolen = AuthorizationCode { application: ApplicationId::new(8), ..bound };
    assert_eq!(late(&stolen, Some(DIGEST), Some(DIGEST)), Err(Refusal::CodeOfAnotherClient));
}

#[test]
fn a_code_of_another_client_is_refused() {
    let stolen = AuthorizationCode { application: ApplicationId::new(8), ..code() };
    assert_eq!(decided(&stolen, |_| {}), Err(Refusal::CodeOfAnotherClient));
}

#[test]
fn the_redirect_url_must_equal_that_of_the_authorization_request() {
    let bound = AuthorizationCode { redirect_digest: Some(DIGEST), ..code() };
    let with =
        |code: &AuthorizationCode, digest| decided(code, |facts| facts.redirect_digest = digest).map(|_| ());
    assert_eq!(with(&bound, Some(DIGEST)), Ok(()));
    assert_eq!(with(&bound, None), Err(Refusal::RedirectUrlDiffers));
    assert_eq!(with(&bound, Some([8; 32])), Err(Refusal::RedirectUrlDiffers));
    assert_eq!(with(&code(), Some(DIGEST)), Ok(()));
}

#[test]
fn the_verifier_must_match_the_challenge() {
    let bound = AuthorizationCode { challenge: Some(DIGEST), ..code() };
    let with =
        |code: &AuthorizationCode, digest| decided(code, |facts| facts.verifier_digest = digest).map(|_| ());
    assert_eq!(with(&bound, Some(DIGEST)), Ok(()));
    assert_eq!(with(&bound, None), Err(Refusal::VerifierMissing));
    assert_eq!(with(&bound, Some([8; 32])), Err(Refusal::VerifierWrong));
}

#[test]
fn a_verifier_for_a_code_without_challenge_is_a_downgrade_and_refused() {
    let downgraded = decided(&code(), |facts| facts.verifier_digest = Some(DIGEST));
    assert_eq!(downgraded, Err(Refusal::VerifierUnexpected));
}

#[test]
fn revoking_all_access_invalidates_outstanding_codes() {
    let before_reset = AuthorizationCode { application_epoch: Epoch::new(2), ..code() };
    assert_eq!(decided(&before_reset, |_| {}), Err(Refusal::CodeOutlived));
    let before_password_change = AuthorizationCode { user_epoch: Epoch::new(4), ..code() };
    assert_eq!(decided(&before_password_change, |_| {}), Err(Refusal::CodeOutlived));
    assert_eq!(decided(&code(), |facts| facts.user = None), Err(Refusal::CodeOutlived));
}

#[test]
fn the_code_of_an_inactive_user_is_refused() {
    let inactive = User { active: false, ..sample::user(4) };
    let client = sample::client(|_| {});
    let code = code();
    let facts = facts(&client, &code, &inactive);
    assert_eq!(decide(facts), Err(Refusal::UserInactive));
}

#[test]
fn scopes_that_the_application_has_lost_are_not_issued() {
    let all: ScopeSet = BuiltInScope::ALL.into_iter().collect();
    let wide = AuthorizationCode { scopes: all, ..code() };
    assert_eq!(decided(&wide, |_| {}).unwrap().scopes, BuiltInScope::OData.into());
    let lost = AuthorizationCode { scopes: BuiltInScope::Management.into(), ..code() };
    assert_eq!(decided(&lost, |_| {}), Err(Refusal::NoScopeLeft));
}

#[test]
fn only_an_application_registered_for_it_gets_a_refresh_token() {
    let client = sample::client(|settings| settings.grant_types = vec![GrantType::AuthorizationCode]);
    let code = code();
    let user = sample::user(4);
    let facts = facts(&client, &code, &user);
    assert!(!decide(facts).unwrap().refreshable);
}

#[test]
fn a_code_without_a_challenge_is_refused_if_one_is_now_required() {
    let strict = [
        sample::client(|settings| settings.profile = Profile::OAuth21),
        sample::client(|settings| settings.client_type = ClientType::Public),
    ];
    for client in &strict {
        let (code, user) = (code(), sample::user(4));
        let facts = facts(client, &code, &user);
        assert_eq!(decide(facts), Err(Refusal::ChallengeNowRequired));
    }
}

#[test]
fn a_code_that_is_older_than_a_revocation_of_everything_is_refused() {
    assert_eq!(decided(&code(), |facts| facts.all_revoked = true).unwrap_err(), Refusal::CodeOutlived);
}

#[test]
fn a_code_names_its_session_and_a_grant_only_one_with_openid() {
    let sign_in =
        SignInDetails { auth_time: NOW.as_secs(), sid: Some("one".to_owned()), second_factor: false };
    for (scope, of_grant) in [(BuiltInScope::OData, None), (BuiltInScope::OpenId, Some("one".to_owned()))] {
        let details = GrantDetails { sign_in: Some(sign_in.clone()), ..GrantDetails::default() };
        let code = AuthorizationCode { details, scopes: scope.into(), ..code() };
        let (client, user) = (sample::client(|settings| settings.scopes = scope.into()), sample::user(4));
        let facts = facts(&client, &code, &user);
        let decision = decide(facts).unwrap();
        assert_eq!(decision.session.as_deref(), Some("one"));
        assert_eq!(decision.details.sign_in.unwrap().sid, of_grant);
    }
    assert_eq!(decided(&code(), |_| {}).unwrap().session, None, "a code of an earlier version");
}

#[test]
fn a_code_that_is_bound_to_an_instance_is_refused_without_it() {
    let key = Some(crate::proof::Thumbprint::from_bytes([1; 32]));
    let bound = AuthorizationCode { details: GrantDetails::of_instance(key), ..code() };
    assert_eq!(decided(&bound, |_| {}), Err(Refusal::CodeOfAnotherInstance));
}
