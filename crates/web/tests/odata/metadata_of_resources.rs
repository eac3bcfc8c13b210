//! Metadata of protected resources and the challenges that lead to it ([RFC 9728](https://www.rfc-editor.org/rfc/rfc9728)).

use domain::id::ApplicationId;
use oauth::scope::{BuiltInScope, ScopeSet};
use serde_json::json;
use testkit::{Answer, USER};

use crate::fixture::{Fixture, ROOT};

const ISSUER: &str = "http://127.0.0.1:8080";
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
