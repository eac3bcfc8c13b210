//! Tests of signed answers of the introspection endpoint ([RFC 9701](https://www.rfc-editor.org/rfc/rfc9701)).

use app::identity::caller::RequestOrigin;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth::signing::JwtType;
use serde_json::{Value, json};
use testkit::{Answer, TestServer};

use crate::client::{Client, assert_refused};

const PATH: &str = "/oauth2/introspect";
const SIGNED: &str = "application/token-introspection+jwt";

async fn ask(server: &TestServer, client: &Client, token: &str, accept: &str) -> Answer {
    let fields = [
        ("client_id", client.identifier.as_str()),
        ("client_secret", client.secret.as_deref().unwrap()),
        ("token", token),
    ];
    server.post(PATH).header("accept", accept).form(&fields).send().await
}

fn part(jwt: &str, at: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').nth(at).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_signed_answer_holds_the_members_of_a_plain_one() {
    let server = TestServer::start().await;
    let algorithm = json!({ "introspectionSignedResponseAlg": "ES256" });
    let client = Client::register_with(&server, algorithm).await;
    let token = client.tokens(&server).await.access;
    let plain = client.introspect(&server, &token).await;
    let answer = ask(&server, &client, &token, SIGNED).await.expect(200);
    assert_eq!(answer.header("content-type"), SIGNED);
    assert_eq!(answer.header("cache-control"), "no-store");
    let jwt = answer.text();
    assert!(server.vault().verify_own_jwt(JwtType::Introspection, jwt).is_ok());
    let header = part(jwt, 0);
    assert_eq!((&header["typ"], &header["alg"]), (&json!("token-introspection+jwt"), &json!("ES256")));
    let expected = json!({
        "iss": "http://127.0.0.1:8080", "aud": client.identifier, "iat": plain["iat"], "token_introspection": plain,
    });
    assert_eq!(part(jwt, 1), expected);
}

#[tokio::test]
async fn a_signed_answer_about_an_unknown_token_says_only_that_it_is_inactive() {
    let server = TestServer::start().await;
    let client = Client::register_with(&server, json!({ "introspectionSignedResponseAlg": "EdDSA" })).await;
    let answer = ask(&server, &client, "unknown", SIGNED).await.expect(200);
    assert_eq!(part(answer.text(), 1)["token_introspection"], json!({ "active": false }));
}

#[tokio::test]
async fn an_answer_is_signed_with_rs256_unless_the_client_registered_another_algorithm() {
    let server = TestServer::start().await;
    server.app().signing_keys().create_missing(&RequestOrigin::command_line()).await.unwrap();
    let client = Client::register(&server).await;
    let answer = ask(&server, &client, "unknown", SIGNED).await.expect(200);
    assert_eq!(part(answer.text(), 0)["alg"], "RS256");
}

#[tokio::test]
async fn an_answer_is_signed_only_if_its_type_is_asked_for() {
    let server = TestServer::start().await;
    let client = Client::register_with(&server, json!({ "introspectionSignedResponseAlg": "EdDSA" })).await;
    for accept in ["*/*", "application/*", "application/json", "application/jwt", ""] {
        let answer = ask(&server, &client, "unknown", accept).await.expect(200);
        assert_eq!(answer.header("content-type"), "application/json", "{accept}");
    }
}

#[tokio::test]
async fn a_refusal_is_not_signed() {
    let server = TestServer::start().await;
    let public = Client::public(&server).await;
    let fields = [("client_id", public.identifier.as_str()), ("token", "unknown")];
    let answer = server.post(PATH).header("accept", SIGNED).form(&fields).send().await;
    assert_refused(&answer, 400, "unauthorized_client");
}

/// The attack of [RFC 9701 §8.1](https://www.rfc-editor.org/rfc/rfc9701#section-8.1): an answer is not an access token.
#[tokio::test]
async fn a_signed_answer_is_no_access_token() {
    let server = TestServer::start().await;
    let members = json!({ "tokenFormat": "jwt", "introspectionSignedResponseAlg": "EdDSA" });
    let client = Client::register_with(&server, members).await;
    let token = client.tokens(&server).await.access;
    let jwt = ask(&server, &client, &token, SIGNED).await.expect(200).text().to_owned();
    assert!(part(&jwt, 1).get("sub").is_none() && part(&jwt, 1).get("exp").is_none());
    server.get("/api/odata4").bearer(&jwt).send().await.expect(401);
}
