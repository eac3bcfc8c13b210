//! How a bearer token is presented and refused, clause by clause ([RFC 6750](https://www.rfc-editor.org/rfc/rfc6750)).

use domain::id::ApplicationId;
use oauth::scope::{BuiltInScope, ScopeSet};
use testkit::{Answer, TestServer, USER};

use crate::client::Client;

/// A place for each form of refusal: OData, the management API, and OpenID Connect.
const RESOURCES: [&str; 3] = ["/api/odata4", "/api/mgmt/oauth/client/applications", "/oauth2/userinfo"];

/// A token that the first two of the resources accept.
async fn token(server: &TestServer) -> String {
    let scopes: ScopeSet = [BuiltInScope::OData, BuiltInScope::Management].into_iter().collect();
    let application = server.add_application(&USER, |settings| settings.scopes = scopes.clone()).await;
    server.access_token(&USER, application.id, scopes).await
}

fn bearer_challenges(answer: &Answer) -> Vec<String> {
    let all = answer.headers().get_all("www-authenticate").iter();
    let all = all.map(|value| value.to_str().unwrap().to_owned());
    all.filter(|challenge| challenge.starts_with("Bearer")).collect()
}

#[tokio::test]
async fn the_scheme_of_a_token_is_read_in_any_case() {
    let server = TestServer::start().await;
    let token = token(&server).await;
    for path in &RESOURCES[..2] {
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let call = server.get(path).header("authorization", format!("{scheme} {token}"));
            call.send().await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_token_in_the_address_or_in_a_form_is_no_credential() {
    let server = TestServer::start().await;
    let token = token(&server).await;
    for path in RESOURCES {
        let answer = server.get(&format!("{path}?access_token={token}")).send().await;
        let answer = answer.expect(401);
        assert!(!answer.text().contains(&token), "{path}");
    }
    let form = [("access_token", token.as_str())];
    server.post("/oauth2/userinfo").form(&form).send().await.expect(401);
}

#[tokio::test]
async fn a_refusal_has_one_challenge_for_tokens_whose_attributes_occur_once() {
    let server = TestServer::start().await;
    for path in RESOURCES {
        let nobody = server.get(path).send().await.expect(401);
        let wrong = server.get(path).bearer("sga_dead").send().await.expect(401);
        for (answer, has_error) in [(&nobody, false), (&wrong, true)] {
            let challenges = bearer_challenges(answer);
            assert_eq!(challenges.len(), 1, "{path}: {challenges:?}");
            let challenge = &challenges[0];
            assert_eq!(challenge.contains("error=\"invalid_token\""), has_error, "{path}: {challenge}");
            for attribute in ["realm=", "scope=", "error=", "error_description=", "error_uri="] {
                assert!(challenge.matches(&format!(" {attribute}")).count() <= 1, "{path}: {challenge}");
            }
            assert!(challenge.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{challenge}");
            assert!(!challenge.contains("sga_"), "{path}: {challenge}");
        }
    }
}

#[tokio::test]
async fn a_missing_scope_is_403_and_the_challenge_names_it() {
    let server = TestServer::start().await;
    let data = server.access_token(&USER, ApplicationId::new(1), BuiltInScope::OData.into()).await;
    let management = server.access_token(&USER, ApplicationId::new(1), BuiltInScope::Management.into()).await;
    for (path, token, scope) in [
        (RESOURCES[0], &management, "scope=\"api.access.odata\""),
        (RESOURCES[1], &data, "scope=\"api.mgmt\""),
        (RESOURCES[2], &data, ""),
    ] {
        let answer = server.get(path).bearer(token).send().await.expect(403);
        let challenge = bearer_challenges(&answer).remove(0);
        assert!(challenge.contains("error=\"insufficient_scope\""), "{path}: {challenge}");
        assert!(challenge.contains(scope), "{path}: {challenge}");
    }
}

#[tokio::test]
async fn two_credentials_and_a_scheme_without_a_token_are_an_invalid_request() {
    let server = TestServer::start().await;
    let token = token(&server).await;
    for path in RESOURCES {
        let twice = server.get(path).bearer(&token).header("authorization", format!("Bearer {token}"));
        let mixed = server.get(path).bearer(&token).basic(&USER);
        let empty = ["Bearer", "Bearer ", "DPoP"].map(|text| server.get(path).header("authorization", text));
        // Excel sends an empty token to learn from a 401 which schemes there are.
        let asks = path == RESOURCES[0];
        for (call, is_empty) in
            [(twice, false), (mixed, false)].into_iter().chain(empty.map(|call| (call, true)))
        {
            if asks && is_empty {
                assert!(
                    !call.send().await.expect(401).header("www-authenticate").contains("error"),
                    "{path}"
                );
                continue;
            }
            let answer = call.send().await.expect(400);
            let challenge = answer.header("www-authenticate");
            assert!(challenge.contains("error=\"invalid_request\""), "{path}: {challenge}");
        }
    }
}

#[tokio::test]
async fn without_credentials_nothing_tells_of_an_error() {
    let server = TestServer::start().await;
    for path in RESOURCES {
        let answer = server.get(path).send().await.expect(401);
        let all = answer.headers().get_all("www-authenticate").iter();
        let all: Vec<_> = all.map(|value| value.to_str().unwrap()).collect();
        for scheme in ["Bearer ", "DPoP "] {
            let of_scheme: Vec<_> = all.iter().filter(|text| text.starts_with(scheme)).collect();
            assert_eq!(of_scheme.len(), 1, "{path}: {all:?}");
        }
        assert!(all.iter().all(|text| !text.contains("error")), "{path}: {all:?}");
    }
    let userinfo = server.get(RESOURCES[2]).send().await.expect(401);
    assert_eq!(userinfo.text(), "");
}

#[tokio::test]
async fn a_token_is_never_in_an_address_or_a_cookie() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let code = client.code(&server).await;
    let answer = client.exchange(&server, &code).await.expect(200);
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
    assert_eq!((answer.header("set-cookie"), answer.header("location")), ("", ""));
    assert_eq!(answer.json()["token_type"], "Bearer");
    let expires_in = answer.json()["expires_in"].as_i64().unwrap();
    assert!(expires_in <= 3_600, "a bearer token is short-lived: {expires_in}");
}

#[tokio::test]
async fn answers_about_tokens_are_not_cached() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    let pushed = [("response_type", "code"), ("redirect_uri", crate::client::CALLBACK)];
    for (path, fields) in [
        ("/oauth2/introspect", &[("token", tokens.access.as_str())][..]),
        ("/oauth2/revoke", &[("token", tokens.access.as_str())]),
        ("/oauth2/par", &pushed),
        ("/oauth2/token", &[("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())]),
        ("/oauth2/token", &[("grant_type", "refresh_token"), ("refresh_token", "sgr_none")]),
    ] {
        let answer = client.post(&server, path, fields).await;
        assert_eq!(answer.header("cache-control"), "no-store", "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_form_is_answered_with_303_and_never_307() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let mut browser = server.browser();
    browser.get(&client.authorize_url(&[])).await.expect(200);
    let form = browser.form_with_button("login-submit").press("login-submit");
    let form = form.fill("username", USER.name).fill("password", USER.password);
    let fields: Vec<(&str, &str)> = form.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    let answer = server.post(&form.action).header("cookie", browser.cookie_line()).form(&fields).send().await;
    let answer = answer.expect(303);
    assert!(answer.location().contains("/oauth2/authorize?"), "{}", answer.location());
    browser.submit(form).await.expect(200);
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    let answer = browser.submit(form).await.expect(303);
    assert!(answer.location().starts_with(crate::client::CALLBACK), "{}", answer.location());
}
