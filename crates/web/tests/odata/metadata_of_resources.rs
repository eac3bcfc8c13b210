//! Metadata of protected resources and the challenges that lead to it ([RFC 9728](https://www.rfc-editor.org/rfc/rfc9728)).

use app::node::client_certificates::ClientCertificates;
use domain::id::ApplicationId;
use oauth::application::Profile;
use oauth::scope::{BuiltInScope, ScopeSet};
use serde_json::json;
use testkit::{Answer, Setup, USER};

use crate::fixture::{Fixture, ROOT};

const ISSUER: &str = "http://127.0.0.1:8080";
const CERTIFIED: &str = "https://mtls.gate.example";
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

fn challenges(answer: &Answer) -> Vec<&str> {
    answer.headers().get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect()
}

/// The path of the URL that each challenge for a token names.
fn metadata_path(challenge: &str) -> &str {
    let url = challenge.split("resource_metadata=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    url.strip_prefix(ISSUER).unwrap()
}

#[tokio::test]
async fn the_metadata_of_each_resource_names_exactly_the_resource_that_was_asked_for() {
    let fixture = Fixture::open().await;
    for path in ["", "/", "/api/odata4", "/api/odata4/", ROOT, "/api/odata4/Harbour/", "/api/odata4/HARBOUR"]
    {
        let answer = fixture.server.get(&format!("{WELL_KNOWN}{path}")).send().await.expect(200);
        assert_eq!(answer.header("content-type"), "application/json", "{path}");
        assert_eq!(answer.header("cache-control"), "public, max-age=300", "{path}");
        let document = answer.json();
        assert_eq!(document["resource"], format!("{ISSUER}{path}"));
        assert_eq!(document["authorization_servers"], json!([ISSUER]));
        assert_eq!(document["scopes_supported"], json!(["api.access.odata"]));
        assert_eq!(document["bearer_methods_supported"], json!(["header"]));
    }
}

/// A server with an address of its own for clients with certificates, and this minimum profile.
async fn with_certificates(minimum_profile: Profile) -> Fixture {
    let mut setup = Setup::default();
    setup.app.minimum_profile = minimum_profile;
    setup.app.client_certificates =
        ClientCertificates { accepted: true, public_url: Some(CERTIFIED.to_owned()), authorities: None };
    Fixture::open_with(setup).await
}

#[tokio::test]
async fn the_address_for_certificates_has_resources_and_challenges_of_its_own() {
    let fixture = with_certificates(Profile::Compatible).await;
    for (host, address) in [
        ("127.0.0.1:8080", ISSUER),
        ("mtls.gate.example", CERTIFIED),
        ("MTLS.gate.example:443", CERTIFIED),
        ("evil.example", ISSUER),
        ("mtls.gate.example:8443", ISSUER),
    ] {
        for path in ["", "/", "/api/odata4", "/api/odata4/", ROOT, "/api/odata4/Harbour/"] {
            let call = fixture.server.get(&format!("{WELL_KNOWN}{path}")).header("host", host);
            let document = call.send().await.expect(200).json();
            assert_eq!(document["resource"], format!("{address}{path}"), "{host}");
            assert_eq!(document["authorization_servers"], json!([ISSUER]), "there is one issuer");
            let takes_certificates = address == CERTIFIED;
            assert_eq!(document["tls_client_certificate_bound_access_tokens"], takes_certificates);
            assert_eq!(document["dpop_bound_access_tokens_required"], false);
        }
        let refused = fixture.server.get(ROOT).header("host", host).send().await.expect(401);
        let expected = format!("resource_metadata=\"{address}{WELL_KNOWN}{ROOT}\"");
        let all = challenges(&refused);
        assert!(all.iter().filter(|text| text.contains(&expected)).count() == 2, "{host} {all:?}");
    }
}

#[tokio::test]
async fn a_strict_server_demands_proofs_where_no_certificate_can_be_presented() {
    let fixture = with_certificates(Profile::Fapi2).await;
    for (host, required) in [("127.0.0.1:8080", true), ("mtls.gate.example", false)] {
        let call = fixture.server.get(&format!("{WELL_KNOWN}{ROOT}")).header("host", host);
        let document = call.send().await.expect(200).json();
        assert_eq!(document["dpop_bound_access_tokens_required"], required);
        assert_eq!(document["dpop_signing_alg_values_supported"], json!(["EdDSA", "ES256", "PS256"]));
        assert_eq!(document["authorization_details_types_supported"], json!(["data_source"]));
        // What the document says holds: a token that is bound to nothing is of no use.
        fixture.server.get(ROOT).header("host", host).bearer(&fixture.token).send().await.expect(401);
    }
}

#[tokio::test]
async fn the_server_names_the_resource_that_names_it() {
    let fixture = Fixture::open().await;
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
        let server = fixture.server.get(path).send().await.expect(200).json();
        let named = server["protected_resources"].as_array().unwrap();
        assert_eq!(named.len(), 2, "the names of data sources are not public");
        for (resource, scope) in named.iter().zip(["api.access.odata", "mcp.read"]) {
            let below = resource.as_str().unwrap().strip_prefix(ISSUER).unwrap();
            let document =
                fixture.server.get(&format!("{WELL_KNOWN}{below}")).send().await.expect(200).json();
            assert_eq!(document["resource"], *resource);
            assert_eq!(document["authorization_servers"], json!([server["issuer"]]));
            assert_eq!(document["scopes_supported"], json!([scope]));
        }
    }
}

#[tokio::test]
async fn an_unknown_source_has_no_metadata_whoever_asks() {
    let fixture = Fixture::open().await;
    for path in [
        "/api/odata4/nowhere",
        "/api/odata4/nowhere/",
        "/api/odata4/Harbour/Ships",
        "/api/odata4/%48arbour",
        "/api/odata4/Harbour?x=1",
        "/api/mgmt",
        "//",
    ] {
        let path = format!("{WELL_KNOWN}{path}");
        let nobody = fixture.server.get(&path).send().await.expect(404);
        let owner = fixture.server.get(&path).basic(&USER).send().await.expect(404);
        assert_eq!(nobody.header("content-type"), "application/json", "{path}");
        assert_eq!(nobody.json(), owner.json(), "{path}");
    }
}

#[tokio::test]
async fn a_refused_client_finds_the_metadata_and_every_scope_in_one_challenge() {
    let fixture = Fixture::open().await;
    for (path, resource) in [
        ("/api/odata4", "/api/odata4"),
        (ROOT, ROOT),
        ("/api/odata4/Harbour/", "/api/odata4/Harbour/"),
        ("/api/odata4/Harbour/Ships(1)/Name?$format=json", ROOT),
    ] {
        let nobody = fixture.server.get(path).send().await.expect(401);
        let dead = fixture.server.get(path).bearer("sga_dead").send().await.expect(401);
        for answer in [&nobody, &dead] {
            let all = challenges(answer);
            let of_tokens: Vec<&&str> = all.iter().filter(|text| !text.starts_with("Basic")).collect();
            assert_eq!(of_tokens.len(), 2, "{all:?}");
            for text in of_tokens {
                assert!(text.contains(r#"scope="api.access.odata""#), "{text}");
                assert!(!text.contains("offline_access"), "{text}");
                assert_eq!(metadata_path(text), format!("{WELL_KNOWN}{resource}"));
            }
        }
        let found = fixture.server.get(metadata_path(challenges(&nobody)[0])).send().await.expect(200);
        assert_eq!(found.json()["resource"], format!("{ISSUER}{resource}"));
    }
}

#[tokio::test]
async fn insufficient_scope_names_the_scope_of_the_operation_and_the_metadata() {
    let fixture = Fixture::open().await;
    let scopes = ScopeSet::from(BuiltInScope::Management);
    let token = fixture.server.access_token(&USER, ApplicationId::new(1), scopes).await;
    let refused = fixture.server.get(ROOT).bearer(&token).send().await.expect(403);
    let challenges = challenges(&refused);
    assert_eq!(challenges.len(), 1);
    assert!(
        challenges[0].starts_with(r#"Bearer error="insufficient_scope", scope="api.access.odata", "#),
        "{challenges:?}"
    );
    assert_eq!(metadata_path(challenges[0]), format!("{WELL_KNOWN}{ROOT}"));
}

#[tokio::test]
async fn a_refused_bound_token_is_told_to_come_back_with_a_proof() {
    let fixture = Fixture::open().await;
    let call = fixture.server.get(ROOT).header("authorization", format!("DPoP {}", fixture.token));
    let refused = call.send().await.expect(401);
    let challenges = challenges(&refused);
    assert!(challenges.iter().all(|text| text.starts_with("DPoP ")), "{challenges:?}");
    assert!(challenges[0].contains("algs=\"") && challenges[0].contains("scope=\"api.access.odata\""));
    assert_eq!(metadata_path(challenges[0]), format!("{WELL_KNOWN}{ROOT}"));
}
