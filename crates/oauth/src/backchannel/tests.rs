use super::*;
use crate::application::{ApplicationSettings, ClientType};
use crate::sample::{NOW, backchannel_authentication, client, pairs};

fn registered(settings: &mut ApplicationSettings) {
    settings.scopes = [BuiltInScope::OpenId, BuiltInScope::OData].into_iter().collect();
}

fn parse_by(client: &AuthenticatedClient, given: &[(&str, &str)]) -> Result<BackchannelRequest, Refusal> {
    BackchannelRequest::parse(&pairs(given), client, &ScopeRegistry::built_in())
}

/// A good request with these parameters instead of its own.
fn parse(changes: &[(&str, &str)]) -> Result<BackchannelRequest, Refusal> {
    let mut given = vec![("scope", "openid api.access.odata"), ("login_hint", "ada")];
    given.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    given.extend(changes);
    parse_by(&client(registered), &given)
}

#[test]
fn a_request_names_scopes_and_a_user() {
    let request = parse(&[]).unwrap();
    assert!(request.scopes.contains(BuiltInScope::OpenId) && request.scopes.contains(BuiltInScope::OData));
    assert_eq!(request.hint, UserHint::Name("ada".to_owned()));
    assert_eq!((request.lifetime_secs, request.binding_message), (300, None));
    let ignored = [("acr_values", "gold"), ("user_code", "1234"), ("client_notification_token", "t")];
    assert!(parse(&ignored).is_ok());
}

#[test]
fn the_scope_openid_is_required() {
    assert_eq!(parse(&[("scope", "api.access.odata")]), Err(Refusal::ScopeWithoutOpenId));
    assert_eq!(parse(&[("scope", "")]), Err(SCOPE.missing()));
    assert_eq!(parse(&[("scope", "openid api.mgmt")]), Err(Refusal::ScopeNotRegistered));
    assert_eq!(parse(&[("scope", "openid x")]), Err(Refusal::ScopeUnknown));
}

#[test]
fn exactly_one_hint_names_the_user() {
    let by = |given: &[(&str, &str)]| {
        let given = [&[("scope", "openid")], given].concat();
        parse_by(&client(registered), &given).map(|request| request.hint)
    };
    assert_eq!(by(&[("id_token_hint", "e30")]), Ok(UserHint::IdToken("e30".to_owned())));
    assert_eq!(by(&[]), Err(Refusal::UserHintMissing));
    assert_eq!(by(&[("login_hint", "")]), Err(Refusal::UserHintMissing));
    assert_eq!(by(&[("login_hint_token", "e30")]), Err(Refusal::LoginHintTokenUnsupported));
    for two in [["login_hint", "id_token_hint"], ["login_hint", "login_hint_token"]] {
        assert_eq!(by(&two.map(|name| (name, "x"))), Err(Refusal::UserHintsTogether));
    }
}

#[test]
fn a_binding_message_is_short_and_plain() {
    let long = "x".repeat(65);
    for bad in [
        long.as_str(),
        "a\nb",
        "a\u{202E}b",
        "a\u{200B}b",
        "ok \u{2713}",
        "\u{FFFD}",
        "Sluicegate says so",
        "p\u{0430}y",
    ] {
        assert_eq!(parse(&[("binding_message", bad)]), Err(Refusal::BindingMessageUnusable), "{bad:?}");
    }
    let longest = "é".repeat(64);
    for good in ["W4SCT", "Pay 12.50 € to Müller", longest.as_str()] {
        let read = parse(&[("binding_message", good)]).unwrap().binding_message;
        assert_eq!(read.as_deref(), Some(good));
    }
}

#[test]
fn a_requested_expiry_is_positive_and_bounded() {
    for (text, secs) in [("1", 30), ("30", 30), ("120", 120), ("600", 600), ("86400", 600)] {
        assert_eq!(parse(&[("requested_expiry", text)]).unwrap().lifetime_secs, secs);
    }
    for text in ["0", "-1", "+5", "1.5", "1e2", " 5", "x", "99999999999999999999"] {
        let parsed = parse(&[("requested_expiry", text)]);
        assert_eq!(parsed, Err(Refusal::RequestedExpiryMalformed), "{text:?}");
    }
}

#[test]
fn claims_and_max_age_count_as_in_other_requests() {
    let request = parse(&[("max_age", "60"), ("claims", r#"{"id_token":{"sub":{"value":"s"}}}"#)]).unwrap();
    assert_eq!((request.max_age_secs, request.subject.as_deref()), (Some(60), Some("s")));
    assert_eq!(parse(&[("max_age", "-1")]), Err(Refusal::MaxAgeMalformed));
    assert_eq!(parse(&[("claims", "[")]), Err(Refusal::ClaimsMalformed));
}

#[test]
fn a_signed_request_is_refused_instead_of_ignored() {
    assert_eq!(parse(&[("request", "e30.e30.x")]), Err(Refusal::BackchannelRequestObject));
}

#[test]
fn only_confidential_applications_with_the_grant_type_may_ask() {
    let given = [("scope", "openid"), ("login_hint", "ada")];
    let without = client(|settings| {
        registered(settings);
        settings.grant_types.retain(|kind| *kind != GrantType::Ciba);
    });
    assert_eq!(parse_by(&without, &given), Err(Refusal::GrantTypeNotRegistered(GrantType::Ciba.as_str())));
    let public = client(|settings| {
        registered(settings);
        settings.client_type = ClientType::Public;
    });
    assert_eq!(parse_by(&public, &given), Err(Refusal::PublicCiba));
}

#[test]
fn only_the_user_who_is_asked_can_decide() {
    let asked = backchannel_authentication();
    let find = |found, user, epoch, now| find_open(found, UserId::new(user), Epoch::new(epoch), now);
    assert_eq!(find(Some(asked.clone()), 4, 5, NOW), Ok(asked.clone()));
    assert_eq!(find(None, 4, 5, NOW), Err(AnswerRefusal::Unknown));
    assert_eq!(find(Some(asked.clone()), 5, 5, NOW), Err(AnswerRefusal::Unknown));
    assert_eq!(find(Some(asked.clone()), 4, 6, NOW), Err(AnswerRefusal::Expired));
    assert_eq!(find(Some(asked.clone()), 4, 5, asked.expires_at), Err(AnswerRefusal::Expired));
    let denied = BackchannelAuthentication { decision: UserDecision::Denied, ..asked };
    assert_eq!(find(Some(denied), 4, 5, NOW), Err(AnswerRefusal::Decided));
}

#[test]
fn a_sign_in_after_the_request_is_recent_enough() {
    let within = |max_age_secs| BackchannelAuthentication { max_age_secs, ..backchannel_authentication() };
    assert!(!within(None).needs_sign_in(NOW.minus_secs(1_000_000)));
    assert!(!within(Some(60)).needs_sign_in(NOW.minus_secs(60)));
    assert!(within(Some(60)).needs_sign_in(NOW.minus_secs(61)));
    assert!(within(Some(0)).needs_sign_in(NOW.minus_secs(1)));
    assert!(!within(Some(0)).needs_sign_in(NOW.plus_secs(200)));
    assert!(!within(Some(9_999_999_999)).needs_sign_in(NOW));
}
