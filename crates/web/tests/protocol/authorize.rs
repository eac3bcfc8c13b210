//! The authorization endpoint: what is shown as a page, what is sent to the client, and what a link can make
//! a browser do.

use serde_json::json;
use testkit::{Answer, TestServer, USER};

use crate::client::{CALLBACK, CHALLENGE, Client, Fields, S256, Tokens, allow, parameter};

const UNKNOWN: &str = "0f7c9b3e-0000-4000-8000-000000000000";

fn assert_error_page(answer: &Answer) {
    assert_eq!(answer.status(), 400, "{}", answer.location());
    assert_eq!(answer.location(), "");
    assert!(answer.text().contains("id=\"error-title\""), "{}", answer.text());
}

fn assert_told(answer: &Answer, error: &str) {
    assert_eq!(answer.status(), 303, "{}", answer.text());
    assert!(answer.location().starts_with("https://client.example/cb?error="), "{}", answer.location());
    assert_eq!(parameter(answer, "error").as_deref(), Some(error));
    assert!(!parameter(answer, "error_description").unwrap().is_empty());
    assert_eq!(parameter(answer, "state").as_deref(), Some("s"));
    assert_eq!(parameter(answer, "iss").as_deref(), Some("http://127.0.0.1:8080"));
    assert_eq!(parameter(answer, "code"), None);
}

#[tokio::test]
async fn a_wrong_client_or_redirect_url_gets_a_page_and_never_a_redirect() {
    let server = TestServer::start().await;
    let id = Client::register(&server).await.identifier;
    let redirect = "redirect_uri=https%3A%2F%2Fclient.example%2Fcb";
    let queries = [
        String::new(),
        format!("response_type=code&{redirect}"),
        format!("response_type=code&client_id=&{redirect}"),
        format!("response_type=code&client_id={UNKNOWN}&{redirect}"),
        format!("response_type=code&client_id=nonsense&{redirect}"),
        format!("response_type=code&client_id={id}&redirect_uri=https%3A%2F%2Fevil.example%2Fcb"),
        format!("response_type=code&client_id={id}&redirect_uri=https%3A%2F%2Fclient.example%2Fcb%2Fx"),
        format!("response_type=code&client_id={id}&redirect_uri=https%3A%2F%2Fclient.example.evil%2Fcb"),
        format!("response_type=code&client_id={id}&redirect_uri=https%3A%2F%2Fclient.example%40evil%2Fcb"),
        format!("response_type=code&client_id={id}&redirect_uri=javascript%3Aalert(1)"),
        format!("response_type=code&client_id={id}&redirect_uri=%2Fcb"),
        format!("response_type=code&client_id={id}&{redirect}%23x"),
    ];
    for query in queries {
        for prefix in ["", "/api/mgmt"] {
            let path = format!("{prefix}/oauth2/authorize?{query}");
            assert_error_page(&server.get(&path).send().await);
            let session = format!("sluicegate={}", server.session(&USER).await);
            assert_error_page(&server.get(&path).header("cookie", session).send().await);
        }
    }
}

#[tokio::test]
async fn repeated_parameters_get_an_error_page() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    for again in
        [("client_id", client.identifier.as_str()), ("redirect_uri", CALLBACK), ("clientId", UNKNOWN)]
    {
        assert_error_page(&server.get(&client.authorize_url(&[again])).send().await);
    }
    for name in ["client_id", "redirect_uri", "state"] {
        assert_error_page(&server.get(&client.authorize_url(&[(name, "a"), (name, "a")])).send().await);
    }
}

#[tokio::test]
async fn parameters_that_cannot_be_read_are_told_to_the_client() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let answered = async |more: Fields<'_>| {
        let more: Vec<_> = more.iter().copied().chain([("state", "s")]).collect();
        assert_told(&server.get(&client.authorize_url(&more)).basic(&USER).send().await, "invalid_request");
    };
    let names =
        ["response_type", "scope", "prompt", "code_challenge", "code_challenge_method", "nonce", "request"];
    for name in names {
        answered(&[(name, "a"), (name, "a")]).await;
    }
    let long = "a".repeat(9_000);
    for name in ["nonce", "code_challenge", "login_hint", "max_age", "response_mode"] {
        answered(&[(name, &long)]).await;
    }
    answered(&[("request", "x"), ("request_uri", "https://a.example")]).await;
    let long_state = client.authorize_url(&[("state", &long)]);
    assert_error_page(&server.get(&long_state).send().await);
}

#[tokio::test]
async fn a_request_with_openid_names_its_redirect_uri() {
    let server = TestServer::start().await;
    let scopes = json!({ "scopes": ["openid", "api.access.odata"] });
    let client = Client::register_with(&server, scopes).await;
    let without = |scope: &str| {
        format!("/oauth2/authorize?response_type=code&client_id={}&state=s&scope={scope}", client.identifier)
    };
    assert_told(&server.get(&without("openid")).basic(&USER).send().await, "invalid_request");
    server.get(&without("api.access.odata")).send().await.expect(200);
}

#[tokio::test]
async fn a_request_without_scope_gets_what_the_application_is_registered_for() {
    let server = TestServer::start().await;
    let client = Client::register_with(&server, json!({ "scopes": ["openid", "email"] })).await;
    let answer = allow(&mut server.browser(), &USER, &client.authorize_url(&[])).await;
    let tokens = client.exchange(&server, &parameter(&answer, "code").unwrap()).await.expect(200).json();
    assert_eq!(tokens["scope"], "openid email");
}

#[tokio::test]
async fn all_other_errors_are_sent_to_the_client() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let strict = Client::strict(&server).await;
    let public = Client::public(&server).await;
    let service = Client::register_with(&server, json!({ "grantTypes": ["client_credentials"] })).await;
    let cases: [(&Client, Fields<'_>, &str); 13] = [
        (&client, &[("scope", "unknown")], "invalid_scope"),
        (&client, &[("scope", "api.mgmt")], "invalid_scope"),
        (&client, &[("code_challenge", CHALLENGE)], "invalid_request"),
        (&client, &[("code_challenge", CHALLENGE), ("code_challenge_method", "plain")], "invalid_request"),
        (&client, &[("code_challenge", "abc"), ("code_challenge_method", "S256")], "invalid_request"),
        (&client, &[("code_challenge_method", "S256")], "invalid_request"),
        (&client, &[("response_mode", "web_message")], "invalid_request"),
        (&client, &[("prompt", "none login")], "invalid_request"),
        (&client, &[("request", "x")], "invalid_request_object"),
        (&client, &[("request_uri", "https://a.example")], "invalid_request_uri"),
        (&strict, &[], "invalid_request"),
        (&public, &[], "invalid_request"),
        (&service, &[], "unauthorized_client"),
    ];
    for (client, more, error) in cases {
        let more: Vec<_> = more.iter().copied().chain([("state", "s")]).collect();
        assert_told(&server.get(&client.authorize_url(&more)).basic(&USER).send().await, error);
    }
    for (kind, error) in [("token", "unsupported_response_type"), ("", "invalid_request")] {
        let url = client
            .authorize_url(&[("state", "s")])
            .replace("response_type=code", &format!("response_type={kind}"));
        assert_told(&server.get(&url).basic(&USER).send().await, error);
    }
}

#[tokio::test]
async fn the_prompt_parameter_is_obeyed() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let mut browser = server.browser();
    let none = client.authorize_url(&[("prompt", "none"), ("state", "s")]);
    assert_told(&browser.get(&none).await, "login_required");
    browser.get("/account").await;
    browser.sign_in(&USER).await.expect(200);
    assert_told(&browser.get(&none).await, "consent_required");
    allow(&mut browser, &USER, &client.authorize_url(&[])).await;
    assert!(parameter(&browser.get(&none).await, "code").is_some());
    let again = browser.get(&client.authorize_url(&[("prompt", "consent")])).await;
    assert!(again.text().contains("consent-allow"));
    let login = browser.get(&client.authorize_url(&[("prompt", "login")])).await;
    assert!(login.text().contains("login-submit"));
    let answer = browser.sign_in(&USER).await;
    assert!(parameter(&answer, "code").is_some(), "it asks once, not for ever");
}

#[tokio::test]
async fn a_posted_request_takes_parameters_only_from_its_body() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let fields =
        [("response_type", "code"), ("client_id", client.identifier.as_str()), ("redirect_uri", CALLBACK)];
    let evil = "/oauth2/authorize?redirect_uri=https%3A%2F%2Fevil.example&client_id=x&state=evil";
    for path in [evil, "/api/mgmt/oauth2/authorize"] {
        let page = server.post(path).form(&fields).send().await.expect(200);
        assert!(page.text().contains("login-submit") && !page.text().contains("evil"), "{}", page.text());
    }
    let empty = server.post(&client.authorize_url(&[])).form(&[]).send().await;
    assert_error_page(&empty);
    server.post("/oauth2/authorize").json(&json!({})).send().await.expect(415);
}

#[tokio::test]
async fn basic_credentials_of_a_program_open_a_session_at_authorize() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let url = client.authorize_url(&[("prompt", "login")]);
    let page = server.get(&url).basic(&USER).send().await.expect(200);
    assert!(page.text().contains("consent-allow"), "{}", page.text());
    assert!(page.header("set-cookie").starts_with("sluicegate="), "{}", page.header("set-cookie"));
    allow(&mut server.browser(), &USER, &client.authorize_url(&[])).await;
    for more in [&[][..], &[("prompt", "none")]] {
        let answer = server.get(&client.authorize_url(more)).basic(&USER).send().await.expect(303);
        Tokens::of(&client.exchange(&server, &parameter(&answer, "code").unwrap()).await);
    }
}

#[tokio::test]
async fn a_wrong_basic_header_leads_to_the_sign_in_page_and_back_to_the_request() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let url = client.authorize_url(&[("state", "kept")]);
    let page = server.get(&url).basic_as(USER.name, "wrong").send().await.expect(401);
    assert!(page.header("www-authenticate").starts_with("Basic "));
    assert!(page.text().contains("login-submit") && page.text().contains("state=kept"), "{}", page.text());
    assert_eq!(page.header("set-cookie").split('=').next(), Some("sluicegate-visitor"));
}

#[tokio::test]
async fn no_password_is_checked_for_an_invalid_request() {
    let server = TestServer::start().await;
    let page = server.get("/oauth2/authorize?client_id=x").basic(&USER).send().await;
    assert_error_page(&page);
    assert_eq!(page.header("set-cookie"), "", "no session is opened");
}

#[tokio::test]
async fn a_client_secret_in_the_query_is_ignored_and_not_passed_on() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let secret = client.secret.clone().unwrap();
    let page = server.get(&client.authorize_url(&[("clientSecret", &secret)])).send().await.expect(200);
    assert!(page.text().contains("login-submit") && !page.text().contains(&secret));
}

#[tokio::test]
async fn a_state_with_any_character_is_returned_unchanged() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let state = "a&b=c d+e%20/?#[]@!$'()*,;\"<script>é🚢";
    let answer = allow(&mut server.browser(), &USER, &client.authorize_url(&[("state", state)])).await;
    assert_eq!(parameter(&answer, "state").as_deref(), Some(state));
    let failing = client.authorize_url(&[("state", state), ("scope", "x")]);
    let denied = server.get(&failing).basic(&USER).send().await;
    assert_eq!(parameter(&denied, "state").as_deref(), Some(state));
}

#[tokio::test]
async fn loopback_ports_and_bare_hosts_match_as_the_profile_says() {
    let server = TestServer::start().await;
    let urls = json!({ "redirectUrls": ["http://127.0.0.1/cb", "reports.example.com"] });
    let client = Client::register_with(&server, urls).await;
    let url = |redirect: &str| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("response_type", "code").append_pair("client_id", &client.identifier);
        query.append_pair("redirect_uri", redirect);
        query.extend_pairs(S256);
        format!("/oauth2/authorize?{}", query.finish())
    };
    for good in ["http://127.0.0.1:49152/cb", "https://reports.example.com/any/where"] {
        let answer = allow(&mut server.browser(), &USER, &url(good)).await;
        assert!(answer.location().starts_with(good), "{}", answer.location());
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &parameter(&answer, "code").unwrap()),
            ("redirect_uri", good),
            ("code_verifier", crate::client::VERIFIER),
        ];
        Tokens::of(&client.token(&server, &fields).await);
    }
    for bad in [
        "http://127.0.0.2:49152/cb",
        "http://127.0.0.1:49152/other",
        "http://reports.example.com/",
        "https://reports.example.com.evil.example/",
        "https://evil.example/reports.example.com",
        "https://a:b@reports.example.com/",
    ] {
        assert_error_page(&server.get(&url(bad)).send().await);
    }
}
