//! Which responses tell the state of the browser, and to whom.

use super::*;
use crate::oidc::session_state::{BrowserState, Observer, Salt, SessionState};

fn openid(settings: &mut ApplicationSettings) {
    settings.scopes = [BuiltInScope::OpenId, BuiltInScope::OData].into_iter().collect();
}

fn observed(response: &AuthorizationResponse) -> Option<Observer> {
    response.observer()
}

/// The observer of the code, or of the error, in the response to this request.
fn observer(more: &[(&str, &str)], redirect_url: &str) -> Option<Observer> {
    let change = |settings: &mut ApplicationSettings| {
        openid(settings);
        settings.redirect_urls = vec![redirect_url.to_owned()];
    };
    let more = [more, &[("redirect_uri", redirect_url)]].concat();
    match checked(&more, change) {
        Ok(valid) => observed(&valid.route().with_code(&CodeText::new("sgc_1"), ISSUER)),
        Err(AuthorizeRefusal::Redirect(refused)) => observed(&refused.response(ISSUER)),
        Err(AuthorizeRefusal::Page(refusal)) => panic!("{refusal:?}"),
    }
}

fn at(origin: &str) -> Observer {
    Observer::new(sample::CLIENT_ID.parse().unwrap(), origin.to_owned())
}

#[test]
fn only_requests_of_openid_connect_learn_the_session_state() {
    let here = Some(at("https://client.example.com"));
    for (more, expected) in [
        (vec![("scope", "openid")], &here),
        (vec![("scope", "odata openid")], &here),
        (vec![("scope", "openid"), ("prompt", "none")], &here),
        (vec![("scope", "openid nonsense")], &here),
        (vec![("scope", "openid"), ("response_type", "token")], &here),
        (vec![("scope", "openid"), ("response_mode", "web_message")], &here),
        (vec![("scope", "odata")], &None),
        (vec![("scope", "odata"), ("prompt", "none")], &None),
        (vec![("scope", "openid_connect")], &None),
        (vec![("scope", "OPENID")], &None),
        (vec![], &None),
    ] {
        assert_eq!(observer(&more, REDIRECT), *expected, "{more:?}");
    }
}

/// An application without access to data gets its other scopes if it names none.
#[test]
fn openid_by_default_counts_like_openid_by_name() {
    let only_openid = |settings: &mut ApplicationSettings| settings.scopes = BuiltInScope::OpenId.into();
    let valid = checked(&[("redirect_uri", REDIRECT)], only_openid).unwrap();
    let response = valid.route().with_code(&CodeText::new("sgc_1"), ISSUER);
    assert_eq!(observed(&response), Some(at("https://client.example.com")));
}

#[test]
fn the_origin_is_that_of_the_redirect_url_and_native_applications_have_none() {
    for (url, origin) in [
        ("https://client.example.com/cb?app=1", Some(at("https://client.example.com"))),
        ("https://client.example.com:443/cb", Some(at("https://client.example.com"))),
        ("https://client.example.com:8443/cb", Some(at("https://client.example.com:8443"))),
        ("http://client.example.com/cb", Some(at("http://client.example.com"))),
        ("https://xn--80ak6aa92e.example/cb", Some(at("https://xn--80ak6aa92e.example"))),
        ("http://127.0.0.1:5000/cb", Some(at("http://127.0.0.1:5000"))),
        ("http://[::1]:5000/cb", Some(at("http://[::1]:5000"))),
        ("com.example.app:/cb", None),
        ("com.example.app://client.example.com/cb", None),
        ("com.example.app:https://client.example.com/", None),
    ] {
        assert_eq!(observer(&[("scope", "openid")], url), origin, "{url}");
        assert_eq!(observer(&[("scope", "openid"), ("prompt", "nonsense")], url), origin, "error at {url}");
    }
}

#[test]
fn an_unreadable_request_of_openid_connect_learns_the_session_state_too() {
    let twice = [
        ("client_id", sample::CLIENT_ID),
        ("redirect_uri", REDIRECT),
        ("scope", "openid"),
        ("nonce", "a"),
        ("nonce", "b"),
    ];
    let parameters = sample::pairs(&twice);
    let refusal = AuthorizeRequest::parse(&parameters).unwrap_err();
    let addressed = AuthorizeRequest::addressed(&parameters).unwrap();
    let AuthorizeRefusal::Redirect(refused) = refuse(&addressed, Some(&sample::application(openid)), refusal)
    else {
        panic!("a page")
    };
    assert_eq!(observed(&refused.response(ISSUER)), Some(at("https://client.example.com")));
}

fn with_state(mode: &str) -> Deliverable {
    let members = [("scope", "openid"), ("redirect_uri", REDIRECT), ("response_mode", mode)];
    let valid = checked(&members, openid).unwrap();
    let response = valid.route().with_code(&CodeText::new("sgc_1"), ISSUER);
    let (state, salt) = (BrowserState::from_bytes([1; 16]), Salt::from_bytes([0; 16]));
    assert!(response.observer().unwrap().content(&state, &salt).ends_with(" AAAAAAAAAAAAAAAAAAAAAA"));
    response.with_session_state(SessionState::new([0; 32], &salt)).deliver(NOW)
}

#[test]
fn the_session_state_travels_with_the_other_parameters_in_every_mode() {
    let state = format!("{}.{}", "A".repeat(43), "A".repeat(22));
    let pairs = format!("code=sgc_1&state=xyz&iss=https%3A%2F%2Fgate.example&session_state={state}");
    let delivered = |mode| match with_state(mode) {
        Deliverable::Ready(delivery) => delivery,
        Deliverable::Unsigned(unsigned) => panic!("{unsigned:?}"),
    };
    assert_eq!(delivered("query"), redirect(&format!("{REDIRECT}?{pairs}")));
    assert_eq!(delivered("fragment"), redirect(&format!("{REDIRECT}#{pairs}")));
    let Delivery::Form(form) = delivered("form_post") else { panic!("no form") };
    assert_eq!(form.fields.last(), Some(&("session_state", state.clone())));
    for mode in ["jwt", "query.jwt", "fragment.jwt", "form_post.jwt"] {
        let Deliverable::Unsigned(unsigned) = with_state(mode) else { panic!("{mode} is unsigned") };
        let claims: serde_json::Value = serde_json::from_slice(unsigned.claims()).unwrap();
        assert_eq!((&claims["session_state"], &claims["iss"]), (&state.as_str().into(), &ISSUER.into()));
    }
}
