use super::*;
use crate::application::SelfRegistered;
use crate::sample::{self, NOW};

const BYE: &str = "https://client.example.com/bye?x=1";

fn application() -> Application {
    sample::application(|settings| {
        settings.client_metadata.openid.post_logout_redirect_uris = vec![BYE.to_owned()];
    })
}

fn hint() -> Hint {
    let client_id = sample::CLIENT_ID.parse().unwrap();
    Hint { client_id, subject: "ada".to_owned(), sid: Some("s1".to_owned()) }
}

fn request(pairs: &[(&str, &str)]) -> LogoutRequest {
    LogoutRequest::parse(&sample::pairs(pairs)).unwrap()
}

const ADA: CurrentSession<'_> = CurrentSession { subject: "ada", sid: Some("s1") };

#[test]
fn a_hint_of_this_session_logs_out_without_a_question() {
    let request = request(&[("id_token_hint", "x"), ("post_logout_redirect_uri", BYE), ("state", "a b")]);
    let decided = decide(&request, Some(&hint()), Some(&application()), Some(ADA)).unwrap();
    assert!(!decided.asks);
    let onward = decided.onward.unwrap();
    assert_eq!(onward.location, "https://client.example.com/bye?x=1&state=a+b");
    assert_eq!(onward.destination, Destination::Site { origin: "https://client.example.com".to_owned() });
    assert!(onward.goes_by_itself);
}

#[test]
fn the_browser_goes_on_by_itself_only_with_a_hint_and_for_a_stranger_only_with_one_of_the_session() {
    let by_itself = |application: &Application, hint: Option<&Hint>, current| {
        let mut pairs = vec![("client_id", sample::CLIENT_ID), ("post_logout_redirect_uri", BYE)];
        pairs.extend(hint.map(|_| ("id_token_hint", "x")));
        decide(&request(&pairs), hint, Some(application), current).unwrap().onward.unwrap().goes_by_itself
    };
    let mut stranger = application();
    stranger.settings.client_metadata.self_registered = Some(SelfRegistered::default());
    let other = CurrentSession { subject: "bob", sid: Some("s2") };
    for (has_hint, current, of_people, of_stranger) in [
        (false, None, false, false),
        (false, Some(ADA), false, false),
        (true, None, true, false),
        (true, Some(other), true, false),
        (true, Some(ADA), true, true),
    ] {
        let hint = Some(hint()).filter(|_| has_hint);
        assert_eq!(by_itself(&application(), hint.as_ref(), current), of_people, "{has_hint} {current:?}");
        assert_eq!(by_itself(&stranger, hint.as_ref(), current), of_stranger, "{has_hint} {current:?}");
    }
}

#[test]
fn without_a_hint_of_this_session_the_user_is_asked() {
    let asks = |pairs: &[(&str, &str)], hint: Option<&Hint>, current| {
        decide(&request(pairs), hint, Some(&application()), current).unwrap().asks
    };
    assert!(asks(&[], None, Some(ADA)));
    assert!(asks(&[("client_id", sample::CLIENT_ID)], None, Some(ADA)));
    let other = CurrentSession { subject: "bob", sid: Some("s1") };
    let later = CurrentSession { subject: "ada", sid: Some("s2") };
    for foreign in [other, later] {
        assert!(asks(&[("id_token_hint", "x")], Some(&hint()), Some(foreign)));
    }
    assert!(!asks(&[], None, None), "there is nothing to end");
}

#[test]
fn a_redirect_is_only_to_an_address_that_is_registered_exactly() {
    let at = |url: &str, application: Option<&Application>| {
        let pairs = [("client_id", sample::CLIENT_ID), ("post_logout_redirect_uri", url)];
        decide(&request(&pairs), None, application, None)
    };
    assert!(at(BYE, Some(&application())).is_ok());
    for url in
        ["https://client.example.com/bye", "https://client.example.com/bye?x=1&y=2", "https://evil.example/"]
    {
        assert_eq!(at(url, Some(&application())), Err(Refusal::PostLogoutUriUnknown), "{url}");
    }
    assert_eq!(at(BYE, None), Err(Refusal::UnknownClientId));
    let nobody = request(&[("post_logout_redirect_uri", BYE)]);
    assert_eq!(decide(&nobody, None, None, None), Err(Refusal::PostLogoutUriUnknown));
}

#[test]
fn a_hint_must_be_ours_and_of_the_named_client() {
    let foreign = request(&[("id_token_hint", "x")]);
    assert_eq!(decide(&foreign, None, None, Some(ADA)), Err(Refusal::IdTokenHintInvalid));
    let other = "00000000-0000-4000-8000-000000000000";
    let mixed = request(&[("id_token_hint", "x"), ("client_id", other)]);
    let decided = decide(&mixed, Some(&hint()), Some(&application()), Some(ADA));
    assert_eq!(decided, Err(Refusal::IdTokenHintOfAnotherClient));
    let malformed = sample::pairs(&[("client_id", "nobody")]);
    assert_eq!(LogoutRequest::parse(&malformed), Err(Refusal::UnknownClientId));
}

#[test]
fn only_an_id_token_of_this_issuer_is_a_hint() {
    let claims = |change: fn(&mut Value)| {
        let mut claims = json!({
            "iss": "https://gate.example", "aud": sample::CLIENT_ID, "sub": "ada", "sid": "s1", "auth_time": 7, "exp": 8,
        });
        change(&mut claims);
        Hint::of(claims.to_string().as_bytes(), "https://gate.example")
    };
    assert_eq!(claims(|_| {}), Some(hint()), "also if it has expired");
    assert_eq!(claims(|claims| claims["iss"] = "https://other.example".into()), None);
    assert_eq!(claims(|claims| claims["aud"] = json!([sample::CLIENT_ID])), None);
    assert_eq!(claims(|claims| claims["auth_time"] = Value::Null), None);
    assert_eq!(Hint::of(b"[]", "https://gate.example"), None);
}

#[test]
fn a_logout_token_has_the_event_and_no_nonce() {
    let token = LogoutToken {
        issuer: "https://gate.example",
        client_id: "c",
        subject: "ada",
        sid: Some("s1"),
        id: "j",
        now: NOW,
    };
    let claims: Value = serde_json::from_slice(&token.claims()).unwrap();
    assert_eq!(claims["events"], json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
    assert_eq!((&claims["sid"], &claims["jti"], &claims["aud"]), (&json!("s1"), &json!("j"), &json!("c")));
    assert_eq!(claims["exp"], NOW.as_secs() + 120);
    assert!(claims.get("nonce").is_none());
}

#[test]
fn a_front_channel_address_names_issuer_and_session_if_the_application_needs_them() {
    let address = |page: &str, needs_session| {
        let application = sample::application(|settings| {
            settings.redirect_urls = vec!["https://a.example/cb".to_owned()];
            let openid = &mut settings.client_metadata.openid;
            openid.frontchannel_logout_uri = Some(page.to_owned());
            openid.frontchannel_logout_session_required = needs_session;
        });
        frontchannel_address(&application.settings, "https://gate.example", Some("s1"))
    };
    let page = "https://a.example/out?b=c";
    assert_eq!(address(page, false).as_deref(), Some(page));
    let named = "https://a.example/out?b=c&iss=https%3A%2F%2Fgate.example&sid=s1";
    assert_eq!(address(page, true).as_deref(), Some(named));
    for other in ["https://b.example/out", "http://a.example/out", "https://a.example:8443/out", "out"] {
        assert_eq!(address(other, true), None, "the page of another origin is not loaded: {other}");
    }
    assert_eq!(frontchannel_address(&application().settings, "https://gate.example", None), None);
}
