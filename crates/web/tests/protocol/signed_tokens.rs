//! Tests of access tokens that others can read ([RFC 9068](https://www.rfc-editor.org/rfc/rfc9068)).

use app::identity::caller::RequestOrigin;
use app::node::clock::Clock as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth::signing::{JwtType, SigningAlgorithm};
use oauth::user_authentication::PASSWORD_ACR;
use serde_json::{Value, json};
use testkit::{ADMIN, TestServer, USER};

use crate::client::{Client, Tokens, is_alive};

const ISSUER: &str = "http://127.0.0.1:8080";

/// A part of a token, decoded.
pub(crate) fn part(token: &str, at: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap()).unwrap()
}

async fn client(server: &TestServer, more: Value) -> Client {
    let mut members = json!({ "tokenFormat": "jwt" });
    members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Client::register_with(server, members).await
}

/// The claims of a live token, with these members replaced.
fn with_claims(token: &str, changes: &Value) -> String {
    let mut claims = part(token, 1);
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims.to_string()
}

#[tokio::test]
async fn a_signed_token_has_the_header_and_the_claims_of_rfc_9068() {
    let server = TestServer::start().await;
    server.app().signing_keys().create_missing(&RequestOrigin::command_line()).await.unwrap();
    let user = server.user(&USER).await.id.to_string();
    for algorithm in SigningAlgorithm::ALL {
        let client = client(&server, json!({ "accessTokenSigningAlg": algorithm.as_str() })).await;
        let token = client.tokens(&server).await.access;
        let keys = server.get("/oauth2/jwks").send().await.expect(200).json();
        let header = part(&token, 0);
        let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
        assert_eq!((&header["alg"], &header["typ"]), (&key["alg"], &json!("at+jwt")));
        assert_eq!(header["alg"], algorithm.as_str());
        let claims = part(&token, 1);
        let iat = claims["iat"].as_i64().unwrap();
        let expected = json!({
            "iss": ISSUER, "aud": ISSUER, "sub": user, "client_id": client.identifier, "iat": iat,
            "exp": iat + 3600, "jti": claims["jti"], "scope": "api.access.odata",
            "sluicegate": claims["sluicegate"], "auth_time": claims["auth_time"], "acr": PASSWORD_ACR,
        });
        assert_eq!(claims, expected);
        assert!(is_alive(&server, &token).await, "{algorithm:?}");
    }
}

#[tokio::test]
async fn a_signed_token_for_client_credentials_names_the_client() {
    let server = TestServer::start().await;
    let client = client(&server, json!({ "grantTypes": ["client_credentials"] })).await;
    let answer = client.token(&server, &[("grant_type", "client_credentials")]).await;
    let claims = part(&Tokens::of(&answer).access, 1);
    assert_eq!(
        (&claims["sub"], &claims["client_id"]),
        (&json!(client.identifier), &json!(client.identifier))
    );
}

/// What no scope of ours belongs to is for others.
#[tokio::test]
async fn a_token_for_other_resource_servers_is_not_for_us() {
    let server = TestServer::start().await;
    let new = json!({ "identifier": "https://orders.example", "name": "Orders" });
    let orders = server.post("/api/admin/resourceservers").basic(&ADMIN).json(&new).send().await.expect(201);
    let path = format!("/api/admin/resourceservers/{}/scopes", orders.json()["id"]);
    let scope = json!({ "name": "orders.read", "description": "Read orders", "risk": "low" });
    server.post(&path).basic(&ADMIN).json(&scope).send().await.expect(201);
    let members = json!({
        "tokenFormat": "jwt", "scopes": ["api.access.odata", "orders.read"], "grantTypes": ["client_credentials"],
    });
    let client = Client::register_as(&server, &ADMIN, members).await;
    let token = async |scope| {
        let fields = [("grant_type", "client_credentials"), ("scope", scope)];
        Tokens::of(&client.token(&server, &fields).await).access
    };
    let theirs = token("orders.read").await;
    assert_eq!(part(&theirs, 1)["aud"], "https://orders.example");
    server.get("/api/odata4").bearer(&theirs).send().await.expect(401);
    assert_eq!(client.introspect(&server, &theirs).await["active"], true);
    let both = token("api.access.odata orders.read").await;
    assert_eq!(part(&both, 1)["aud"], json!([ISSUER, "https://orders.example"]));
    server.get("/api/odata4").bearer(&both).send().await.expect(200);
}

#[tokio::test]
async fn a_signed_token_is_introspected_revoked_and_expires_like_an_opaque_one() {
    let server = TestServer::start().await;
    let client = client(&server, json!({})).await;
    let tokens = client.tokens(&server).await;
    let answer = client.introspect(&server, &tokens.access).await;
    assert_eq!((&answer["active"], &answer["jti"]), (&json!(true), &part(&tokens.access, 1)["jti"]));
    client.post(&server, "/oauth2/revoke", &[("token", &tokens.access)]).await.expect(200);
    assert!(!is_alive(&server, &tokens.access).await);
    assert_eq!(client.introspect(&server, &tokens.access).await, json!({ "active": false }));
    let next = Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    assert!(is_alive(&server, &next.access).await);
    client.post(&server, "/oauth2/revoke", &[("token", &next.refresh)]).await.expect(200);
    assert!(!is_alive(&server, &next.access).await, "its grant is over");
    let last = client.tokens(&server).await.access;
    server.clock().advance_secs(3_600);
    assert!(!is_alive(&server, &last).await);
}

#[tokio::test]
async fn a_new_password_ends_signed_tokens() {
    let server = TestServer::start().await;
    let client = client(&server, json!({})).await;
    let token = client.tokens(&server).await.access;
    let path = format!("/api/admin/users/{}", server.user(&USER).await.id);
    let password = json!({ "passwordInfo": { "password": "another pilot boat 7" } });
    server.put(&path).basic(&ADMIN).json(&password).send().await.expect(200);
    assert!(!is_alive(&server, &token).await);
}

#[tokio::test]
async fn revoking_everything_ends_signed_tokens() {
    let server = TestServer::start().await;
    let client = client(&server, json!({})).await;
    let user = server.user(&USER).await.id.get();
    for payload in [
        json!({ "user": user }),
        json!({ "application": client.id }),
        json!({ "user": user, "application": client.id }),
        json!({ "issuedBefore": "now" }),
    ] {
        let token = client.tokens(&server).await.access;
        server.clock().advance_secs(1);
        let mut payload = payload;
        if payload.get("issuedBefore").is_some() {
            let now = jiff::Timestamp::from_microsecond(server.clock().now().as_micros()).unwrap();
            payload = json!({ "issuedBefore": now.to_string() });
        }
        assert!(is_alive(&server, &token).await);
        server.post("/api/admin/revocations").basic(&ADMIN).json(&payload).send().await.expect(204);
        assert!(!is_alive(&server, &token).await, "{payload}");
        assert_eq!(client.introspect(&server, &token).await, json!({ "active": false }), "{payload}");
        assert!(is_alive(&server, &client.tokens(&server).await.access).await, "{payload}");
    }
}

/// The attacks of [RFC 8725 §2](https://www.rfc-editor.org/rfc/rfc8725#section-2), and texts of this server that are no
/// access tokens.
#[tokio::test]
async fn only_our_own_signed_access_tokens_are_accepted() {
    let server = TestServer::start().await;
    let client = client(&server, json!({})).await;
    let token = client.tokens(&server).await.access;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let with_header =
        |header: Value| format!("{}.{claims}.{signature}", URL_SAFE_NO_PAD.encode(header.to_string()));
    let kid = part(&token, 0)["kid"].clone();
    let resigned = |jwt, changes| {
        let claims = with_claims(&token, &changes);
        let now = part(&token, 1)["iat"].as_i64().unwrap();
        let now = domain::time::Timestamp::from_secs(now);
        let signed = server.vault().sign_jwt(jwt, SigningAlgorithm::EdDsa, now, claims.as_bytes());
        signed.unwrap().unwrap().signed().unwrap()
    };
    let foreign = TestServer::start_with(testkit::Setup { seed: 2, ..testkit::Setup::default() }).await;
    let theirs = self::client(&foreign, json!({})).await.tokens(&foreign).await.access;
    for (attack, text) in [
        ("no signature", format!("{signed}.")),
        ("no signature and no dot", signed.to_owned()),
        ("alg none", format!("{}.{claims}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#))),
        ("HMAC", with_header(json!({ "alg": "HS256", "typ": "at+jwt", "kid": kid }))),
        ("another algorithm", with_header(json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid }))),
        ("crit", with_header(json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid, "crit": ["x"], "x": 1 }))),
        ("jwk", with_header(json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid, "jwk": {} }))),
        (
            "other claims",
            format!(
                "{header}.{}.{signature}",
                URL_SAFE_NO_PAD.encode(with_claims(&token, &json!({ "exp": 9_999_999_999_i64 })))
            ),
        ),
        ("padding", format!("{signed}.{signature}=")),
        ("another part", format!("{token}.{signature}")),
        ("an ID token", resigned(JwtType::Plain, json!({ "aud": client.identifier }))),
        ("an answer of introspection", resigned(JwtType::Introspection, json!({}))),
        ("another issuer", theirs),
        ("only the sealed part", part(&token, 1)["sluicegate"].as_str().unwrap().to_owned()),
        (
            "the sealed part as an opaque token",
            part(&token, 1)["sluicegate"].as_str().unwrap().replacen("sgj_", "sga_", 1),
        ),
        ("very long", format!("{header}.{}.{signature}", "A".repeat(20_000))),
    ] {
        let answer = server.get("/api/odata4").bearer(&text).send().await.expect(401);
        assert!(answer.header("www-authenticate").contains("invalid_token"), "{attack}");
        assert_eq!(client.introspect(&server, &text).await, json!({ "active": false }), "{attack}");
    }
    assert!(is_alive(&server, &token).await);
}

#[tokio::test]
async fn an_application_changes_the_form_of_its_tokens() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let opaque = client.tokens(&server).await.access;
    let path = format!("{}/{}", crate::client::APPLICATIONS, client.id);
    let body = json!({
        "name": "Harbour Reports", "redirectUrls": [crate::client::CALLBACK],
        "tokenFormat": "jwt", "accessTokenSigningAlg": "ES256",
    });
    let updated = server.put(&path).basic(&USER).json(&body).send().await.expect(200).json();
    assert_eq!(
        (&updated["tokenFormat"], &updated["accessTokenSigningAlg"]),
        (&json!("jwt"), &json!("ES256"))
    );
    let signed = client.tokens(&server).await.access;
    assert_eq!(part(&signed, 0)["alg"], "ES256");
    assert!(is_alive(&server, &opaque).await && is_alive(&server, &signed).await);
}
