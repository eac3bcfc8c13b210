//! What comes after a request was pushed has no effect, and what has changed meanwhile counts ([RFC 9126
//! §4](https://www.rfc-editor.org/rfc/rfc9126#section-4)).

use oauth::authorize::AuthorizeRequest;
use oauth::parameters::Name;
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, Browser, TestServer, USER};

use crate::client::{APPLICATIONS, CALLBACK, CHALLENGE, Client, Fields, allow, parameter};

const PAR: &str = "/oauth2/par";
const REQUEST: Fields<'_> = &[
    ("response_type", "code"),
    ("redirect_uri", CALLBACK),
    ("state", "s"),
    ("scope", "odata"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

/// The parameters that a reference does not stand for: they say which request is meant.
const OF_THE_ENVELOPE: [&str; 3] = ["client_id", "request", "request_uri"];

async fn push(server: &TestServer, client: &Client, fields: Fields<'_>) -> String {
    let answer = client.post(server, PAR, fields).await.expect(201);
    answer.json()["request_uri"].as_str().unwrap().to_owned()
}

fn query(client: &Client, reference: &str, more: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("client_id", &client.identifier).append_pair("request_uri", reference);
    query.extend_pairs(more).finish()
}

/// A value of the parameter that would be understood alone, and differs from the pushed one.
fn other_value(name: &str) -> &'static str {
    match name {
        "response_type" => "code id_token",
        "response_mode" => "form_post",
        "redirect_uri" => "https://evil.example/",
        "scope" => "api.mgmt openid",
        "code_challenge" => "2jmj7l5rSw0yVb_vlWAYkK_YBwk_2jmj7l5rSw0yVb_",
        "code_challenge_method" => "plain",
        "prompt" => "login",
        "max_age" => "0",
        "claims" => r#"{"userinfo":{"email":null}}"#,
        "resource" => "http://127.0.0.1:8080/api/odata4",
        "authorization_details" => r#"[{"type":"data_source"}]"#,
        _ => "evil",
    }
}

fn error_code(page: &Answer) -> String {
    let text = page.text();
    let code = text.split("id=\"error-code\">").nth(1).and_then(|rest| rest.split('<').next());
    code.unwrap_or_else(|| panic!("no error page: {} {text}", page.status())).to_owned()
}

/// A browser whose user has allowed the request before.
async fn familiar<'a>(server: &'a TestServer, client: &Client) -> Browser<'a> {
    let mut browser = server.browser();
    let reference = push(server, client, REQUEST).await;
    let address = format!("/oauth2/authorize?{}", query(client, &reference, &[]));
    allow(&mut browser, &USER, &address).await;
    browser
}

#[tokio::test]
async fn no_parameter_beside_a_reference_has_an_effect_in_any_form() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let mut browser = familiar(&server, &client).await;
    let long = "x".repeat(20_000);
    for Name { spelling: name, .. } in AuthorizeRequest::KNOWN {
        if OF_THE_ENVELOPE.contains(name) {
            continue;
        }
        let other = (*name, other_value(name));
        for beside in [&[other][..], &[(*name, "")], &[(*name, "\u{1}")], &[other, other], &[(*name, &long)]]
        {
            let reference = push(&server, &client, REQUEST).await;
            // A long address is another fault, which the limit on addresses tells.
            let beside = query(&client, &reference, beside);
            let answer = if beside.len() < 8_000 {
                browser.get(&format!("/oauth2/authorize?{beside}")).await
            } else {
                let cookie = browser.cookie_line();
                let call = server.post("/oauth2/authorize").header("cookie", cookie);
                call.body("application/x-www-form-urlencoded", beside).send().await
            };
            let answer = answer.expect(303);
            assert!(answer.location().starts_with(CALLBACK), "{name}: {}", answer.location());
            assert_eq!(parameter(&answer, "state").as_deref(), Some("s"), "{name}");
            let tokens = client.exchange_verified(&server, &parameter(&answer, "code").unwrap()).await;
            let tokens = tokens.expect(200).json();
            assert_eq!(tokens["scope"], "api.access.odata", "{name}");
            assert_eq!((&tokens["authorization_details"], &tokens["id_token"]), (&Value::Null, &Value::Null));
            let reported = client.introspect(&server, tokens["access_token"].as_str().unwrap()).await;
            assert_eq!(reported["aud"], "http://127.0.0.1:8080", "{name}");
        }
    }
}

#[tokio::test]
async fn what_names_another_request_beside_a_reference_is_refused_and_uses_nothing_up() {
    let server = TestServer::start().await;
    let (client, other) = (Client::register(&server).await, Client::register(&server).await);
    let mut browser = familiar(&server, &client).await;
    let reference = push(&server, &client, REQUEST).await;
    let plain = query(&client, &reference, &[]);
    let unknown = "urn:ietf:params:oauth:request_uri:unknown";
    for (query, expected) in [
        (query(&client, &reference, &[("request", "e30.e30.e30")]), "client: invalid_request"),
        (query(&client, &reference, &[("request_uri", unknown)]), "client: invalid_request"),
        (query(&client, &reference, &[("request_uri", &reference)]), "client: invalid_request"),
        (query(&client, &reference, &[("client_id", &other.identifier)]), "page: invalid_request"),
        (query(&other, &reference, &[]), "page: invalid_request_uri"),
        (query(&client, &format!("{reference}x"), &[]), "page: invalid_request_uri"),
        (query(&client, unknown, &[("redirect_uri", CALLBACK)]), "page: invalid_request_uri"),
    ] {
        let answer = browser.get(&format!("/oauth2/authorize?{query}")).await;
        let reported = match answer.status() {
            303 if answer.location().starts_with(CALLBACK) => {
                format!("client: {}", parameter(&answer, "error").unwrap())
            }
            _ => format!("page: {}", error_code(&answer)),
        };
        assert_eq!(reported, expected, "{query}");
    }
    let answer = browser.get(&format!("/oauth2/authorize?{plain}")).await.expect(303);
    assert!(parameter(&answer, "code").is_some(), "{}", answer.location());
}

/// When something changes.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// Before the first page.
    First,
    /// On the sign-in page.
    SignIn,
    /// On the consent page.
    Consent,
}

/// What changes.
#[derive(Debug, Clone, Copy)]
enum Change {
    Registration(&'static str),
    ApplicationIsDeleted,
    ScopeIsDeleted,
}

impl Change {
    async fn apply(self, server: &TestServer, client: &Client) {
        let path = format!("{APPLICATIONS}/{}", client.id);
        match self {
            Self::Registration(members) => {
                let mut body =
                    json!({ "name": "Harbour Reports", "description": "", "redirectUrls": [CALLBACK] });
                let members: Value = serde_json::from_str(members).unwrap();
                body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
                server.put(&path).basic(&ADMIN).json(&body).send().await.expect(200);
            }
            Self::ApplicationIsDeleted => {
                server.delete(&path).basic(&ADMIN).send().await.expect(204);
            }
            Self::ScopeIsDeleted => {
                let all = server.get("/api/admin/resourceservers").basic(&ADMIN).send().await.expect(200);
                let all = all.json();
                let path = format!("/api/admin/resourceservers/{}", all["resourceServers"][1]["id"]);
                server.delete(&path).basic(&ADMIN).send().await.expect(204);
            }
        }
    }
}

/// Where the refusal goes.
#[derive(Debug, Clone, Copy)]
enum Reported {
    OnAPage(&'static str),
    TheClient(&'static str),
    Nothing,
}

const CHANGES: [(Change, Reported); 8] = [
    (
        Change::Registration(r#"{"redirectUrls":["https://new.example/cb"]}"#),
        Reported::OnAPage("invalid_request"),
    ),
    (Change::Registration(r#"{"scopes":["openid"]}"#), Reported::TheClient("invalid_scope")),
    (
        Change::Registration(r#"{"grantTypes":["client_credentials"]}"#),
        Reported::TheClient("unauthorized_client"),
    ),
    (Change::Registration(r#"{"requirePushedAuthorizationRequests":true}"#), Reported::Nothing),
    (Change::Registration(r#"{"requireSignedRequestObject":true}"#), Reported::TheClient("invalid_request")),
    (Change::Registration(r#"{"name":"Harbour"}"#), Reported::Nothing),
    (Change::ApplicationIsDeleted, Reported::OnAPage("invalid_request_uri")),
    (Change::ScopeIsDeleted, Reported::TheClient("invalid_target")),
];

#[tokio::test]
async fn what_has_changed_since_a_request_was_pushed_counts_until_it_is_answered() {
    for (change, reported) in CHANGES {
        for moment in [Moment::First, Moment::SignIn, Moment::Consent] {
            let server = TestServer::start().await;
            let orders = json!({ "identifier": "https://orders.example/api", "name": "Orders" });
            server.post("/api/admin/resourceservers").basic(&ADMIN).json(&orders).send().await.expect(201);
            let client = Client::register(&server).await;
            let named = [REQUEST, &[("resource", "https://orders.example/api")]].concat();
            let reference = push(&server, &client, &named).await;
            let address = format!("/oauth2/authorize?{}", query(&client, &reference, &[]));
            let answer = walk(&server, &client, &address, change, moment).await;
            let place = format!("{change:?} {moment:?} {} {}", answer.location(), answer.text());
            match reported {
                Reported::OnAPage(error) => assert_eq!(error_code(&answer), error, "{place}"),
                Reported::TheClient(error) => {
                    assert_eq!(parameter(&answer, "error").as_deref(), Some(error), "{place}");
                    assert_eq!(parameter(&answer, "state").as_deref(), Some("s"), "{place}");
                }
                Reported::Nothing => assert!(parameter(&answer, "code").is_some(), "{place}"),
            }
            let again = server.get(&address).send().await;
            if !matches!(reported, Reported::OnAPage("invalid_request")) {
                assert_eq!(error_code(&again), "invalid_request_uri", "it is used up: {place}");
            }
        }
    }
}

/// Walks from the first page to the answer, while something changes on the way.
async fn walk(server: &TestServer, client: &Client, address: &str, change: Change, moment: Moment) -> Answer {
    let mut browser = server.browser();
    if matches!(moment, Moment::First) {
        change.apply(server, client).await;
    }
    let mut answer = browser.get(address).await;
    if answer.status() == 200 {
        if matches!(moment, Moment::SignIn) {
            change.apply(server, client).await;
            // The page is shown again, which answers nobody.
            let form = browser.form_with_button("login-submit").press("login-submit");
            browser.submit(form.fill("username", USER.name).fill("password", "wrong")).await;
        }
        answer = browser.sign_in(&USER).await;
    }
    if answer.status() == 200 {
        if matches!(moment, Moment::Consent) {
            change.apply(server, client).await;
        }
        let form = browser.form_with_button("consent-allow").press("consent-allow");
        answer = browser.submit(form).await;
    }
    answer
}
