//! Tests of the server metadata ([RFC 8414](https://www.rfc-editor.org/rfc/rfc8414)).

use oauth::signing::JwsAlgorithm;
use serde_json::json;
use testkit::TestServer;

#[tokio::test]
async fn the_metadata_lists_what_is_supported() {
    let server = TestServer::start().await;
    let answer = server.get("/.well-known/oauth-authorization-server").send().await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let body = answer.json();
    let issuer = "http://127.0.0.1:8080";
    assert_eq!(body["issuer"], issuer);
    assert_eq!(body["code_challenge_methods_supported"], json!(["S256"]));
    let algorithms = json!(["EdDSA", "ES256", "RS256", "PS256"]);
    assert_eq!(body["introspection_signing_alg_values_supported"], algorithms);
    assert_eq!(body["response_types_supported"], json!(["code"]));
    let modes = ["query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"];
    assert_eq!(body["response_modes_supported"], json!(modes));
    let of_others = JwsAlgorithm::ALL.map(JwsAlgorithm::as_str);
    assert_eq!(body["request_object_signing_alg_values_supported"], json!(of_others));
    assert_eq!(body["request_parameter_supported"], true);
    assert_eq!(body["request_uri_parameter_supported"], true);
    assert_eq!(body["require_request_uri_registration"], true);
    assert_eq!(body["authorization_response_iss_parameter_supported"], true);
    let grants = body["grant_types_supported"].as_array().unwrap();
    for grant in ["authorization_code", "refresh_token", "password", "client_credentials"] {
        assert!(grants.contains(&json!(grant)), "{grant}");
    }
    for (member, path, status) in [
        ("authorization_endpoint", "/oauth2/authorize", 400),
        ("token_endpoint", "/oauth2/token", 405),
        ("introspection_endpoint", "/oauth2/introspect", 405),
        ("pushed_authorization_request_endpoint", "/oauth2/par", 405),
        ("revocation_endpoint", "/oauth2/revoke", 405),
        ("jwks_uri", "/oauth2/jwks", 200),
        ("service_documentation", "/docs", 200),
    ] {
        assert_eq!(body[member], format!("{issuer}{path}"));
        server.get(path).send().await.expect(status);
    }
}

#[tokio::test]
async fn both_well_known_addresses_have_the_same_document() {
    let server = TestServer::start().await;
    let at = async |path: &str| server.get(path).send().await.expect(200);
    let openid = at("/.well-known/openid-configuration").await;
    assert_eq!(openid.header("access-control-allow-origin"), "*");
    assert_eq!(openid.json(), at("/.well-known/oauth-authorization-server").await.json());
    for path in ["/.well-known/oauth-authorization-server/other", "/.well-known/openid-configuration/other"] {
        server.get(path).send().await.expect(404);
    }
}
