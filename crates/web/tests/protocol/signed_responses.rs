//! Signed authorization responses ([JARM](https://openid.net/specs/oauth-v2-jarm-final.html)).

use app::node::clock::Clock as _;
use oauth::signing::{JwtType, SigningAlgorithm};
use serde_json::{Value, json};
use testkit::{Browser, TestServer, USER};
use url::Url;

use crate::client::{CALLBACK, Client, S256, Tokens};
use crate::openid::{decoded, server};

/// The claims of a response that a published key has signed, and that is valid for ten minutes.
fn claims(server: &TestServer, response: &str, algorithm: SigningAlgorithm) -> Value {
    assert!(server.vault().verify_own_jwt(JwtType::Plain, response).is_ok());
    let (header, claims) = decoded(response);
    assert_eq!(header["alg"], algorithm.as_str());
    assert_eq!(claims["exp"], server.clock().now().as_secs() + 600);
    claims
}

/// The parameter `response`, which is the only one.
fn response(pairs: impl Iterator<Item = (String, String)>) -> String {
    let pairs: Vec<_> = pairs.collect();
    assert_eq!(pairs.len(), 1, "{pairs:?}");
    assert_eq!(pairs[0].0, "response");
    pairs[0].1.clone()
}

async fn response_of(browser: &mut Browser<'_>, client: &Client, mode: &str) -> String {
    let url = client.authorize_url(&[&S256[..], &[("state", "a b&<c>"), ("response_mode", mode)]].concat());
    let mut answer = browser.get(&url).await;
    if answer.text().contains("login-submit") {
        answer = browser.sign_in(&USER).await;
    }
    if answer.status() == 200 && answer.text().contains("consent-allow") {
        answer = browser.submit(browser.form_with_button("consent-allow").press("consent-allow")).await;
    }
    if mode == "form_post.jwt" {
        answer.expect(200);
        let form = browser.form_with_button("form-post-submit");
        assert_eq!(form.action, CALLBACK);
        return response(form.fields.into_iter());
    }
    let location = Url::parse(answer.expect(303).location()).unwrap();
    let parameters = if mode == "fragment.jwt" { location.fragment() } else { location.query() };
    response(url::form_urlencoded::parse(parameters.unwrap().as_bytes()).into_owned())
}

#[tokio::test]
async fn a_signed_response_carries_the_code_in_every_mode() {
    let server = server().await;
    let client = Client::register(&server).await;
    let mut browser = server.browser();
    for mode in ["jwt", "query.jwt", "fragment.jwt", "form_post.jwt"] {
        let response = response_of(&mut browser, &client, mode).await;
        let claims = claims(&server, &response, SigningAlgorithm::Rs256);
        assert_eq!(claims["iss"], "http://127.0.0.1:8080", "{mode}");
        assert_eq!(claims["aud"], client.identifier.as_str());
        assert_eq!(claims["state"], "a b&<c>");
        Tokens::of(&client.exchange_verified(&server, claims["code"].as_str().unwrap()).await);
    }
}

#[tokio::test]
async fn a_signed_response_has_the_registered_algorithm() {
    let server = server().await;
    for algorithm in SigningAlgorithm::ALL {
        let members = json!({ "authorizationSignedResponseAlg": algorithm.as_str() });
        let client = Client::register_with(&server, members).await;
        let response = response_of(&mut server.browser(), &client, "jwt").await;
        assert!(claims(&server, &response, algorithm)["code"].is_string());
    }
}

#[tokio::test]
async fn an_error_is_signed_too() {
    let server = server().await;
    let client = Client::register(&server).await;
    let more = [("response_mode", "jwt"), ("scope", "nonsense"), ("state", "s")];
    let answer = server.get(&client.authorize_url(&more)).basic(&USER).send().await.expect(303);
    let location = Url::parse(answer.location()).unwrap();
    let response = response(location.query_pairs().into_owned());
    let claims = claims(&server, &response, SigningAlgorithm::Rs256);
    assert_eq!(claims["error"], "invalid_scope");
    assert!(claims["error_description"].is_string());
    assert_eq!((claims["state"].as_str(), claims.get("code")), (Some("s"), None));
}

#[tokio::test]
async fn a_signed_response_is_no_hint_and_no_token() {
    let server = server().await;
    let client = Client::register(&server).await;
    let response = response_of(&mut server.browser(), &client, "jwt").await;
    server.get("/oauth2/userinfo").bearer(&response).send().await.expect(401);
    server.get("/api/odata4/").bearer(&response).send().await.expect(401);
    let hint = [("id_token_hint", response.as_str()), ("scope", "odata")];
    let answer = server.get(&client.authorize_url(&hint)).basic(&USER).send().await.expect(303);
    assert!(answer.location().contains("error=invalid_request"), "{}", answer.location());
}

#[tokio::test]
async fn the_metadata_names_the_signed_modes() {
    let server = server().await;
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
        let metadata = server.get(path).send().await.expect(200).json();
        let modes = metadata["response_modes_supported"].as_array().unwrap();
        for mode in ["jwt", "query.jwt", "fragment.jwt", "form_post.jwt"] {
            assert!(modes.contains(&json!(mode)), "{mode}");
        }
        let algorithms = metadata["authorization_signing_alg_values_supported"].as_array().unwrap();
        assert!(algorithms.contains(&json!("RS256")) && !algorithms.contains(&json!("none")));
    }
}
