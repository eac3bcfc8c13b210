//! Tests of clients that register themselves ([RFC 7591](https://www.rfc-editor.org/rfc/rfc7591)) and manage their
//! registration ([RFC 7592](https://www.rfc-editor.org/rfc/rfc7592)).

use app::AppSettings;
use app::protocol::client_registration::{ClientRegistrationSettings, RegistrationMode};
use oauth::application::{AuthenticationMethod, GrantType};
use oauth::client_registration::ClientPolicy;
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, ClientKey, Setup, TestServer, USER};

use crate::client::{APPLICATIONS, CALLBACK, Client, S256, Tokens, VERIFIER, is_alive};

pub(crate) const REGISTER: &str = "/oauth2/register";

pub(crate) async fn start_with(registration: ClientRegistrationSettings) -> TestServer {
    let mut setup = Setup::default();
    setup.app = AppSettings { client_registration: registration, ..setup.app };
    TestServer::start_with(setup).await
}

pub(crate) fn openly() -> ClientRegistrationSettings {
    ClientRegistrationSettings { mode: RegistrationMode::Open, ..ClientRegistrationSettings::default() }
}

pub(crate) async fn open_server() -> TestServer {
    start_with(openly()).await
}

pub(crate) async fn send(server: &TestServer, more: &Value) -> Answer {
    server.post(REGISTER).json(&members(more)).send().await
}

/// The members of a public client, with these replaced.
pub(crate) fn members(more: &Value) -> Value {
    let mut members = json!({
        "client_name": "Harbour Agent", "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none",
    });
    members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    members
}

/// A registered client, and what the server said about it.
struct Registered {
    client: Client,
    reply: Value,
}

impl Registered {
    async fn new(server: &TestServer, more: &Value) -> Self {
        Self::of(send(server, more).await.expect(201).json())
    }

    fn of(reply: Value) -> Self {
        let client = Client {
            id: 0,
            identifier: reply["client_id"].as_str().unwrap().to_owned(),
            secret: reply["client_secret"].as_str().map(str::to_owned),
        };
        Self { client, reply }
    }

    fn token(&self) -> &str {
        self.reply["registration_access_token"].as_str().unwrap()
    }

    fn path(&self) -> String {
        format!("{REGISTER}/{}", self.client.identifier)
    }

    async fn read(&self, server: &TestServer) -> Answer {
        server.get(&self.path()).bearer(self.token()).send().await
    }

    async fn replace(&self, server: &TestServer, members: &Value) -> Answer {
        server.put(&self.path()).bearer(self.token()).json(members).send().await
    }
}

pub(crate) async fn applications(server: &TestServer) -> Vec<Value> {
    let listed = server.get(APPLICATIONS).basic(&ADMIN).send().await.expect(200).json();
    listed["applications"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_client_registers_itself_and_gets_tokens() {
    let server = open_server().await;
    let registered = Registered::new(&server, &json!({})).await;
    assert_eq!(registered.reply["client_secret"], Value::Null);
    assert_eq!(registered.reply["token_endpoint_auth_method"], "none");
    let address = registered.reply["registration_client_uri"].as_str().unwrap();
    assert!(address.ends_with(&registered.path()), "{address}");
    let tokens = registered.client.tokens(&server).await;
    server.get("/api/odata4/").bearer(&tokens.access).send().await.expect(200);
    let next = Tokens::of(&registered.client.refresh(&server, &tokens.refresh).await);
    assert_ne!(next.refresh, tokens.refresh);
}

#[tokio::test]
async fn without_a_method_a_client_gets_a_secret_for_the_header() {
    let server = open_server().await;
    let answer = send(&server, &json!({"token_endpoint_auth_method": null})).await.expect(201);
    assert_eq!(answer.headers().get("cache-control").unwrap(), "no-store");
    let registered = Registered::of(answer.json());
    assert_eq!(registered.reply["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(registered.reply["client_secret_expires_at"], 0);
    let code = registered.client.code_with(&server, &USER, &S256).await;
    // In the body, which is the way of another method.
    registered.client.exchange_verified(&server, &code).await.expect(400);
    let (id, secret) = (&registered.client.identifier, registered.client.secret.as_deref().unwrap());
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let exchange = server.post("/oauth2/token").basic_as(id, secret).form(&fields);
    let tokens = Tokens::of(&exchange.send().await);
    let stranger = Client { secret: None, ..registered.client };
    stranger.refresh(&server, &tokens.refresh).await.expect(400);
}

#[tokio::test]
async fn the_answer_says_what_the_client_got_instead_of_what_it_asked_for() {
    let server = open_server().await;
    let asked = json!({
        "grant_types": ["authorization_code", "implicit", "client_credentials", "password"],
        "response_types": ["code", "token"], "scope": "api.access.odata api.mgmt nothing", "resource": "x",
        "jwks": {"keys": [ClientKey::new(1).jwk()]},
    });
    let reply = Registered::new(&server, &asked).await.reply;
    assert_eq!(reply["grant_types"], json!(["authorization_code"]));
    assert_eq!(reply["response_types"], json!(["code"]));
    assert_eq!((&reply["scope"], &reply["resource"]), (&json!("api.access.odata"), &Value::Null));
    assert_eq!(reply["application_type"], "web");
    assert_eq!(reply["jwks"], asked["jwks"]);
}

#[tokio::test]
async fn a_registration_that_cannot_be_used_is_refused_by_name_and_stores_nothing() {
    let server = open_server().await;
    for (more, code) in [
        (json!({"redirect_uris": []}), "invalid_redirect_uri"),
        (json!({"redirect_uris": null}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["javascript:alert(1)"]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["https://a.example/#f"]}), "invalid_redirect_uri"),
        (json!({"client_name": 7}), "invalid_client_metadata"),
        (json!({"grant_types": ["client_credentials"]}), "invalid_client_metadata"),
        (json!({"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}), "invalid_client_metadata"),
        (json!({"jwks_uri": "http://a.example/"}), "invalid_client_metadata"),
    ] {
        let refused = send(&server, &more).await.expect(400).json();
        assert_eq!(refused["error"], code, "{more}: {refused}");
    }
    for body in ["", "[]", "null", "{\"a\":1,\"a\":2}", "{", &"[".repeat(1_000)] {
        let sent = server.post(REGISTER).body("application/json", body).send().await;
        assert_eq!(sent.expect(400).json()["error"], "invalid_client_metadata", "{body}");
    }
    server.post(REGISTER).form(&[("client_name", "x")]).send().await.expect(415);
    assert!(applications(&server).await.is_empty());
}

#[tokio::test]
async fn a_method_that_the_metadata_do_not_name_is_refused() {
    let server = open_server().await;
    let named = server.get("/.well-known/oauth-authorization-server").send().await.expect(200).json();
    let jwks = json!({"keys": [ClientKey::new(1).jwk()]});
    for method in AuthenticationMethod::ALL.map(AuthenticationMethod::as_str) {
        let mut more = json!({"token_endpoint_auth_method": method});
        match method {
            "private_key_jwt" | "self_signed_tls_client_auth" => more["jwks"] = jwks.clone(),
            "tls_client_auth" => more["tls_client_auth_san_dns"] = "a.example".into(),
            _ => {}
        }
        let answer = send(&server, &more).await;
        let is_named =
            named["token_endpoint_auth_methods_supported"].as_array().unwrap().contains(&method.into());
        assert_eq!(answer.status() == 201, is_named, "{method}: {}", answer.text());
        if !is_named {
            assert_eq!(answer.expect(400).json()["error"], "invalid_client_metadata");
        }
    }
    let bound = json!({"tls_client_certificate_bound_access_tokens": true});
    assert_eq!(send(&server, &bound).await.expect(400).json()["error"], "invalid_client_metadata");
}

#[tokio::test]
async fn the_setting_decides_who_may_register() {
    for (mode, status) in [
        (RegistrationMode::Off, 404),
        (RegistrationMode::InitialAccessToken, 401),
        (RegistrationMode::Open, 201),
    ] {
        let server = start_with(ClientRegistrationSettings { mode, ..openly() }).await;
        send(&server, &json!({})).await.expect(status);
        let metadata = server.get("/.well-known/oauth-authorization-server").send().await.json();
        assert_eq!(metadata.get("registration_endpoint").is_some(), mode != RegistrationMode::Off);
    }
}

#[tokio::test]
async fn the_policy_is_the_one_of_the_settings() {
    let policy = ClientPolicy {
        grant_types: vec![GrantType::AuthorizationCode],
        scopes: vec!["openid".to_owned()],
        redirect_hosts: vec!["client.example".parse().unwrap()],
        requires_software_statement: false,
    };
    let server = start_with(ClientRegistrationSettings { policy, ..openly() }).await;
    let reply = Registered::new(&server, &json!({"scope": "openid api.access.odata"})).await.reply;
    assert_eq!((&reply["grant_types"], &reply["scope"]), (&json!(["authorization_code"]), &json!("openid")));
    let refused = send(&server, &json!({"redirect_uris": ["https://other.example/cb"]})).await.expect(400);
    assert_eq!(refused.json()["error"], "invalid_redirect_uri");
}

#[tokio::test]
async fn the_number_of_clients_is_limited() {
    let server = start_with(ClientRegistrationSettings { most_clients: 1, ..openly() }).await;
    let first = Registered::new(&server, &json!({})).await;
    assert_eq!(send(&server, &json!({})).await.expect(403).json()["error"], "access_denied");
    server.delete(&first.path()).bearer(first.token()).send().await.expect(204);
    Registered::new(&server, &json!({})).await;
}

#[tokio::test]
async fn registrations_of_one_network_are_limited() {
    let server = start_with(ClientRegistrationSettings { per_address_per_minute: 2, ..openly() }).await;
    for _ in 0..2 {
        Registered::new(&server, &json!({})).await;
    }
    let refused = send(&server, &json!({"client_name": "Another"})).await.expect(429);
    assert!(refused.headers().get("retry-after").is_some());
    server.clock().advance_secs(61);
    Registered::new(&server, &json!({})).await;
}

#[tokio::test]
async fn a_client_reads_and_replaces_its_registration_with_its_token() {
    let server = open_server().await;
    let registered = Registered::new(&server, &json!({"contacts": ["me"]})).await;
    assert_eq!(registered.read(&server).await.expect(200).json(), registered.reply);
    let id = &registered.client.identifier;
    let members = json!({
        "client_id": id, "client_name": "Harbour Agent 2", "redirect_uris": ["https://client.example/other"],
        "token_endpoint_auth_method": "none",
    });
    let replaced = Registered::of(registered.replace(&server, &members).await.expect(200).json());
    assert_eq!(
        (&replaced.reply["client_name"], &replaced.reply["contacts"]),
        (&json!("Harbour Agent 2"), &Value::Null)
    );
    assert_eq!(replaced.reply["grant_types"], json!(["authorization_code"]));
    assert_ne!(replaced.token(), registered.token());
    registered.read(&server).await.expect(401);
    replaced.read(&server).await.expect(200);
    server.get(&registered.client.authorize_url(&S256)).send().await.expect(400);
    assert_eq!(applications(&server).await[0]["name"], "Harbour Agent 2");
}

#[tokio::test]
async fn a_client_manages_its_registration_in_every_mode() {
    for mode in RegistrationMode::ALL {
        let server = start_with(ClientRegistrationSettings { mode, ..openly() }).await;
        let refused = server.get("/oauth2/register/x").bearer("sgm_x").send().await.expect(401);
        assert_eq!(
            refused.header("www-authenticate"),
            "Bearer realm=\"Sluicegate\", error=\"invalid_token\""
        );
    }
    let server = open_server().await;
    let registered = Registered::new(&server, &json!({})).await;
    let mut sent_back = registered.reply.clone();
    for (name, value) in [
        ("registration_access_token", json!("sgm_mine")),
        ("registration_client_uri", json!("https://client.example/mine")),
        ("client_id_issued_at", json!(1)),
        ("client_secret_expires_at", json!(1)),
    ] {
        sent_back[name] = value;
    }
    let replaced = registered.replace(&server, &sent_back).await.expect(200).json();
    let mut expected = registered.reply.clone();
    expected["registration_access_token"] = replaced["registration_access_token"].clone();
    assert_eq!(replaced, expected);
    assert_ne!(replaced["registration_access_token"], "sgm_mine");
}

#[tokio::test]
async fn a_refused_replacement_changes_nothing() {
    let server = open_server().await;
    let registered =
        Registered::new(&server, &json!({"token_endpoint_auth_method": "client_secret_post"})).await;
    let id = registered.client.identifier.clone();
    let good = json!({
        "client_id": id, "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "client_secret_post",
        "client_secret": registered.client.secret,
    });
    for (name, value) in [
        ("client_id", json!(null)),
        ("client_id", json!("3f2504e0-4f89-41d3-9a0c-0305e82c3301")),
        ("client_secret", json!("sgs_wrong")),
        ("client_secret", json!(7)),
        ("redirect_uris", json!([])),
        ("token_endpoint_auth_method", json!("none")),
    ] {
        let mut members = good.clone();
        members[name] = value;
        registered.replace(&server, &members).await.expect(400);
    }
    assert_eq!(registered.read(&server).await.expect(200).json()["client_name"], "Harbour Agent");
    registered.replace(&server, &good).await.expect(200);
}

#[tokio::test]
async fn a_client_deletes_itself_with_everything_that_it_was_granted() {
    let server = open_server().await;
    let registered = Registered::new(&server, &json!({})).await;
    let tokens = registered.client.tokens(&server).await;
    server.delete(&registered.path()).bearer(registered.token()).send().await.expect(204);
    assert!(!is_alive(&server, &tokens.access).await);
    registered.read(&server).await.expect(401);
    assert!(applications(&server).await.is_empty());
}

#[tokio::test]
async fn a_registration_belongs_to_its_token_alone() {
    let server = open_server().await;
    let (one, other) =
        (Registered::new(&server, &json!({})).await, Registered::new(&server, &json!({})).await);
    let owned = Client::register(&server).await;
    let paths = [one.path(), format!("{REGISTER}/{}", owned.identifier), format!("{REGISTER}/x")];
    for path in &paths {
        for token in [other.token(), "sgm_x", "x", ""] {
            let refused = server.get(path).bearer(token).send().await.expect(401);
            assert!(refused.headers().get("www-authenticate").is_some());
            server.put(path).bearer(token).json(&json!({})).send().await.expect(401);
            server.delete(path).bearer(token).send().await.expect(401);
        }
        server.get(path).basic(&ADMIN).send().await.expect(401);
    }
    one.read(&server).await.expect(200);
}

#[tokio::test]
async fn the_consent_page_says_that_nobody_here_registered_the_client() {
    let server = open_server().await;
    let registered = Registered::new(&server, &json!({})).await;
    let mut browser = server.browser();
    browser.get(&registered.client.authorize_url(&S256)).await.expect(200);
    let page = browser.sign_in(&USER).await.expect(200);
    assert!(page.text().contains("id=\"registered-itself\""), "{}", page.text());
    assert!(page.text().contains("id=\"destination\"") && !page.text().contains("d2cadmin"));
}

#[tokio::test]
async fn a_changed_client_asks_its_users_again_even_if_it_authenticates() {
    let server = open_server().await;
    let secret = json!({"token_endpoint_auth_method": "client_secret_basic"});
    let registered = Registered::new(&server, &secret).await;
    let url = registered.client.authorize_url(&S256);
    let mut browser = server.browser();
    browser.get(&url).await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    assert!(browser.submit(form).await.location().starts_with(CALLBACK));
    let moved = json!({
        "client_id": registered.client.identifier, "client_name": "Another Agent",
        "redirect_uris": ["https://elsewhere.example/cb"], "token_endpoint_auth_method": "client_secret_basic",
    });
    registered.replace(&server, &moved).await.expect(200);
    let page = browser.get(&url.replace("client.example", "elsewhere.example")).await.expect(200);
    assert!(page.text().contains("elsewhere.example"), "{}", page.text());
    browser.form_with_button("consent-allow");
}

#[tokio::test]
async fn administrators_see_and_remove_clients_that_registered_themselves_and_others_do_not() {
    let server = open_server().await;
    let registered = Registered::new(&server, &json!({})).await;
    let listed = applications(&server).await;
    let path = format!("{APPLICATIONS}/{}", listed[0]["id"]);
    assert_eq!(server.get(&path).basic(&ADMIN).send().await.expect(200).json()["selfRegistered"], true);
    server.get(&path).basic(&USER).send().await.expect(404);
    server.delete(&path).basic(&USER).send().await.expect(404);
    server.delete(&path).basic(&ADMIN).send().await.expect(204);
    registered.read(&server).await.expect(401);
}

#[tokio::test]
async fn an_unused_client_is_deleted_and_a_used_one_stays() {
    let server = start_with(ClientRegistrationSettings { unused_days: 1, ..openly() }).await;
    let (used, unused) =
        (Registered::new(&server, &json!({})).await, Registered::new(&server, &json!({})).await);
    used.client.tokens(&server).await;
    server.app().node().maintain().await.unwrap();
    used.read(&server).await.expect(200);
    unused.read(&server).await.expect(200);
    server.clock().advance_secs(24 * 60 * 60 + 3_601);
    server.app().node().maintain().await.unwrap();
    used.read(&server).await.expect(200);
    unused.read(&server).await.expect(401);
}
