//! Access tokens of trusted issuers, whose service a header names.

use app::node::clock::Clock as _;
use oauth::application::Profile;
use serde_json::{Value, json};
use testkit::host::{Reply, TestHost};
use testkit::{ADMIN, Answer, ClientKey, Setup, USER};

use crate::fixture::{Fixture, ROOT, code};

const ISSUERS: &str = "/api/admin/trustedissuers";
const IDP: &str = "https://idp.example";
const DATA: &str = "http://127.0.0.1:8080/api/odata4";

/// A server that accepts the access tokens of an issuer.
struct Stage {
    fixture: Fixture,
    key: ClientKey,
    issuer: i64,
}

impl Stage {
    async fn open(members: &Value) -> Self {
        Self::open_with(Setup::default(), members).await
    }

    async fn open_with(setup: Setup, members: &Value) -> Self {
        let (fixture, key) = (Fixture::open_with(setup).await, ClientKey::new(9));
        let mut jwk = key.jwk();
        jwk["kid"] = json!("i");
        let mut body = json!({
            "issuer": IDP, "jwks": { "keys": [jwk] }, "purposes": ["access_token"], "clients": ["bi"],
            "service": "corporate", "subjects": { "employee-7": USER.name },
            "scopeNames": { "data.read": "api.access.odata" },
        });
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let made = fixture.server.post(ISSUERS).basic(&ADMIN).json(&body).send().await.expect(201).json();
        Self { issuer: made["id"].as_i64().unwrap(), fixture, key }
    }

    /// A token with these claims replaced; `null` removes one.
    fn token(&self, typ: Option<&str>, changes: &Value) -> String {
        let now = self.fixture.server.clock().now().as_secs();
        let mut claims = json!({
            "iss": IDP, "sub": "employee-7", "aud": DATA, "client_id": "bi", "scope": "data.read", "iat": now,
            "exp": now + 300, "jti": "1",
        });
        let all = claims.as_object_mut().unwrap();
        all.extend(changes.as_object().unwrap().clone());
        all.retain(|_, value| !value.is_null());
        let header = match typ {
            Some(typ) => json!({ "alg": "EdDSA", "kid": "i", "typ": typ }),
            None => json!({ "alg": "EdDSA", "kid": "i" }),
        };
        self.key.sign_with_header(&header, &claims)
    }

    async fn get(&self, path: &str, token: &str, service: Option<&str>) -> Answer {
        let mut call = self.fixture.server.get(path).bearer(token);
        if let Some(service) = service {
            call = call.header("x-datadirect-authservice", service);
        }
        call.send().await
    }
}

#[tokio::test]
async fn a_token_of_the_named_service_reads_what_its_user_may_read() {
    let stage = Stage::open(&json!({})).await;
    let token = stage.token(Some("at+jwt"), &json!({}));
    for _ in 0..2 {
        let rows = stage.get(&format!("{ROOT}/Ships?$top=2"), &token, Some("corporate")).await;
        assert_eq!(rows.expect(200).json()["value"].as_array().unwrap().len(), 2, "it may be used again");
    }
    stage.get("/api/mgmt/datasources", &token, Some("corporate")).await.expect(401);
    let id = stage.fixture.server.user(&USER).await.id;
    let disabled = json!({ "userName": USER.name, "statusInfo": { "status": 0 } });
    let path = format!("/api/admin/users/{id}");
    stage.fixture.server.put(&path).basic(&ADMIN).json(&disabled).send().await.expect(200);
    stage.get(ROOT, &token, Some("corporate")).await.expect(401);
}

#[tokio::test]
async fn a_server_that_demands_bound_tokens_accepts_none_of_other_services() {
    let mut setup = Setup::default();
    setup.app.minimum_profile = Profile::Fapi2;
    let stage = Stage::open_with(setup, &json!({})).await;
    let token = stage.token(Some("at+jwt"), &json!({}));
    let refused = stage.get(ROOT, &token, Some("corporate")).await.expect(401);
    assert_eq!(code(&refused), "InvalidToken");
    assert!(refused.json()["error"]["message"].as_str().unwrap().contains("bound to no key"));
}

#[tokio::test]
async fn a_wrong_or_missing_name_of_the_service_is_told() {
    let stage = Stage::open(&json!({})).await;
    let token = stage.token(Some("at+jwt"), &json!({}));
    let refused = async |token: &str, service: Option<&str>| -> (String, String) {
        let answer = stage.get(ROOT, token, service).await.expect(401);
        assert!(answer.header("www-authenticate").starts_with("Bearer error=\"invalid_token\""));
        (code(&answer), answer.json()["error"]["message"].as_str().unwrap().to_owned())
    };
    for service in ["other", "", "CORPORATE"] {
        let (code, message) = refused(&token, Some(service)).await;
        assert_eq!(code, "UnknownService");
        assert!(message.contains("names no service"), "{message}");
    }
    let (code, message) = refused(&token, None).await;
    assert_eq!(code, "UnknownService");
    assert!(message.contains("must name the service"), "{message}");
    let own = &stage.fixture.token;
    assert_eq!(refused(own, Some("corporate")).await.0, "InvalidToken", "a token of this server names none");
    assert_eq!(refused("sga_dead", None).await.0, "InvalidToken");
    let twice = stage.fixture.server.get(ROOT).bearer(&token).header("x-datadirect-authservice", "corporate");
    let twice = twice.header("x-datadirect-authservice", "corporate").send().await;
    assert_eq!(crate::fixture::code(&twice.expect(401)), "UnknownService");
}

#[tokio::test]
async fn a_token_that_breaks_a_rule_is_refused() {
    let stage = Stage::open(&json!({})).await;
    let now = stage.fixture.server.clock().now().as_secs();
    let typed = Some("at+jwt");
    let mut tokens: Vec<String> = [
        json!({ "iss": "https://other.example" }),
        json!({ "aud": "https://other.example" }),
        json!({ "aud": "http://127.0.0.1:8080.other.example" }),
        json!({ "aud": null }),
        json!({ "client_id": "other" }),
        json!({ "client_id": null }),
        json!({ "sub": "employee-8" }),
        json!({ "scope": null }),
        json!({ "exp": now }),
        json!({ "exp": null }),
        json!({ "iat": null }),
        json!({ "iat": now + 120 }),
        json!({ "cnf": { "jkt": "x" } }),
    ]
    .iter()
    .map(|changes| stage.token(typed, changes))
    .collect();
    tokens.push(stage.token(None, &json!({})));
    tokens.push(stage.token(Some("JWT"), &json!({})));
    tokens.push(stage.token(Some("oauth-id-jag+jwt"), &json!({})));
    tokens.push(
        ClientKey::new(2)
            .sign_with_header(&json!({ "alg": "EdDSA", "typ": "at+jwt" }), &json!({ "iss": IDP })),
    );
    for token in tokens {
        let refused = stage.get(ROOT, &token, Some("corporate")).await.expect(401);
        assert_eq!(code(&refused), "InvalidToken", "{token}");
    }
    let without = stage.token(typed, &json!({ "scope": "profile" }));
    stage.get(ROOT, &without, Some("corporate")).await.expect(403);
}

#[tokio::test]
async fn a_token_is_limited_to_its_audience() {
    let stage = Stage::open(&json!({})).await;
    stage.fixture.add_source("Other", "CREATE TABLE \"Ports\" (\"Id\" INTEGER PRIMARY KEY)").await;
    let token =
        stage.token(Some("at+jwt"), &json!({ "aud": ["https://x.example", format!("{DATA}/Harbour")] }));
    stage.get(ROOT, &token, Some("corporate")).await.expect(200);
    stage.get("/api/odata4/Other", &token, Some("corporate")).await.expect(401);
}

#[tokio::test]
async fn an_issuer_without_types_is_accepted_by_its_record_and_no_longer_after_its_deletion() {
    let stage = Stage::open(&json!({ "untypedAccessTokens": true })).await;
    let token =
        stage.token(None, &json!({ "scope": null, "scp": ["data.read"], "client_id": null, "azp": "bi" }));
    stage.get(ROOT, &token, Some("corporate")).await.expect(200);
    let path = format!("{ISSUERS}/{}", stage.issuer);
    stage.fixture.server.delete(&path).basic(&ADMIN).send().await.expect(204);
    let refused = stage.get(ROOT, &token, Some("corporate")).await.expect(401);
    assert_eq!(code(&refused), "UnknownService");
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_now_are_no_fault_of_the_token() {
    let host = TestHost::start().await;
    let stage = Stage::open(&json!({ "jwks": null, "jwksUri": host.url("issuer.test", "/keys") })).await;
    let token = stage.token(Some("at+jwt"), &json!({}));
    for (status, expected) in [(503, 503), (404, 401)] {
        host.reply("/keys", Reply::text("no").status(status));
        let refused = stage.get(ROOT, &token, Some("corporate")).await.expect(expected);
        let wait = refused.headers().get("retry-after").map(|secs| secs.to_str().unwrap());
        assert_eq!(wait, (expected == 503).then_some("5"), "{status}");
        stage.fixture.server.clock().advance_secs(31);
    }
}
