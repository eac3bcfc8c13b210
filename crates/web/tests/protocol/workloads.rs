//! Applications that authenticate with an assertion of their platform: Kubernetes, build servers.

use app::node::clock::Clock as _;
use serde_json::{Value, json};
use testkit::{Answer, ClientKey, TestServer, USER};

use crate::client::{Client, TOKEN, assert_refused, is_alive};
use crate::identity_assertions::{GRANT, Issuer, changed};

const SERVER: &str = "http://127.0.0.1:8080";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const SUBJECT: &str = "system:serviceaccount:shop:reports";

/// An application, and the cluster whose service account it is.
struct Workload {
    client: Client,
    cluster: Issuer,
}

impl Workload {
    async fn start(server: &TestServer, members: &Value) -> Self {
        let grants = json!({ "grantTypes": ["client_credentials", GRANT] });
        let client = Client::register_with(server, grants).await;
        let cluster = Issuer { key: ClientKey::new(9), url: "https://cluster.example".to_owned() };
        let own = json!({
            "purposes": ["workload"],
            "workloads": [{ "subject": "system:serviceaccount:shop:*", "client": client.identifier }],
        });
        cluster.record(server, &changed(own, members)).await.expect(201);
        Self { client, cluster }
    }

    fn assertion(&self, server: &TestServer, changes: &Value) -> String {
        let now = server.clock().now().as_secs();
        let claims = json!({
            "iss": self.cluster.url, "sub": SUBJECT, "aud": [SERVER], "iat": now, "exp": now + 3_600, "jti": "1",
        });
        self.cluster.sign(None, &changed(claims, changes))
    }
}

#[tokio::test]
async fn a_workload_is_no_client_of_the_profile_fapi2() {
    let server = TestServer::start().await;
    let own = ClientKey::new(3);
    let members = json!({
        "profile": "fapi2", "tokenEndpointAuthMethod": "private_key_jwt", "jwks": { "keys": [own.jwk()] },
        "grantTypes": ["client_credentials"], "redirectUrls": [],
    });
    let strict = Client::register_with(&server, members).await;
    let mapped =
        json!({ "workloads": [{ "subject": "system:serviceaccount:shop:*", "client": strict.identifier }] });
    let workload = Workload::start(&server, &mapped).await;
    let refused = authenticate(&server, &workload.assertion(&server, &json!({})), &[]).await;
    assert_eq!(refused.json()["error"], "invalid_client", "{refused:?}");
}

/// The application has registered a key of its own; whoever runs its workload is somebody else.
#[tokio::test]
async fn a_workload_replaces_a_secret_only() {
    let server = TestServer::start().await;
    let own = ClientKey::new(3);
    let members = json!({
        "tokenEndpointAuthMethod": "private_key_jwt", "jwks": { "keys": [own.jwk()] },
        "grantTypes": ["client_credentials"],
    });
    let keyed = Client::register_with(&server, members).await;
    let mapped =
        json!({ "workloads": [{ "subject": "system:serviceaccount:shop:*", "client": keyed.identifier }] });
    let workload = Workload::start(&server, &mapped).await;
    let refused = authenticate(&server, &workload.assertion(&server, &json!({})), &[]).await;
    assert_eq!(refused.json()["error"], "invalid_client", "{refused:?}");
}

async fn authenticate(server: &TestServer, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let mut fields = vec![
        ("grant_type", "client_credentials"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
    ];
    fields.extend(more);
    server.post(TOKEN).form(&fields).send().await
}

async fn present(server: &TestServer, assertion: &str) -> Answer {
    server.post(TOKEN).form(&[("grant_type", GRANT), ("assertion", assertion)]).send().await
}

fn access(answer: &Answer) -> String {
    answer.clone().expect(200).json()["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_workload_authenticates_without_a_secret() {
    let server = TestServer::start().await;
    let workload = Workload::start(&server, &json!({})).await;
    let id = workload.client.identifier.as_str();
    let assertion = workload.assertion(&server, &json!({}));
    let token = access(&authenticate(&server, &assertion, &[("client_id", id)]).await);
    assert!(is_alive(&server, &token).await);
    let shown = workload.client.introspect(&server, &token).await;
    assert_eq!((&shown["client_id"], &shown["username"]), (&json!(id), &json!(USER.name)));
    let again = authenticate(&server, &assertion, &[]).await;
    assert_refused(&again, 400, "invalid_client");
}

#[tokio::test]
async fn an_assertion_without_an_id_is_known_by_its_content() {
    let server = TestServer::start().await;
    let workload = Workload::start(&server, &json!({})).await;
    let assertion = workload.assertion(&server, &json!({ "jti": null }));
    authenticate(&server, &assertion, &[]).await.expect(200);
    assert_refused(&authenticate(&server, &assertion, &[]).await, 400, "invalid_client");
    let now = server.clock().now().as_secs();
    let next = workload.assertion(&server, &json!({ "jti": null, "exp": now + 100 }));
    authenticate(&server, &next, &[]).await.expect(200);
}

#[tokio::test]
async fn an_assertion_is_reused_where_its_issuer_may() {
    let server = TestServer::start().await;
    let workload = Workload::start(&server, &json!({ "reusableAssertions": true })).await;
    let assertion = workload.assertion(&server, &json!({}));
    for _ in 0..2 {
        authenticate(&server, &assertion, &[]).await.expect(200);
    }
    server.clock().advance_secs(3_600);
    assert_refused(&authenticate(&server, &assertion, &[]).await, 400, "invalid_client");
}

#[tokio::test]
async fn an_assertion_of_another_workload_server_or_key_is_refused() {
    let server = TestServer::start().await;
    let workload = Workload::start(&server, &json!({})).await;
    let other = Client::register(&server).await;
    let now = server.clock().now().as_secs();
    for changes in [
        json!({ "sub": "system:serviceaccount:other:reports" }),
        json!({ "sub": "system:serviceaccount:shop:reports:x" }),
        json!({ "sub": null }),
        json!({ "aud": ["https://kubernetes.default.svc"] }),
        json!({ "aud": [SERVER, "https://kubernetes.default.svc"] }),
        json!({ "iss": "https://other.example" }),
        json!({ "exp": now + 100_000 }),
        json!({ "iat": now - 4_000 }),
        json!({ "cnf": {} }),
    ] {
        let answer = authenticate(&server, &workload.assertion(&server, &changes), &[]).await;
        assert_eq!(answer.json()["error"], "invalid_client", "{changes}");
    }
    let assertion = workload.assertion(&server, &json!({}));
    let answer = authenticate(&server, &assertion, &[("client_id", &other.identifier)]).await;
    assert_refused(&answer, 400, "invalid_client");
    let stranger = Issuer { key: ClientKey::new(2), url: workload.cluster.url.clone() };
    let forged = stranger.sign(
        None,
        &json!({ "iss": stranger.url, "sub": SUBJECT, "aud": SERVER, "iat": now, "exp": now + 60 }),
    );
    assert_refused(&authenticate(&server, &forged, &[]).await, 400, "invalid_client");
    authenticate(&server, &assertion, &[]).await.expect(200);
}

#[tokio::test]
async fn a_workload_presents_its_assertion_as_a_grant_where_its_issuer_may() {
    let server = TestServer::start().await;
    let members = json!({ "workloadGrant": true, "audience": "token_endpoint" });
    let workload = Workload::start(&server, &members).await;
    let audience = format!("{SERVER}/oauth2/token");
    let assertion = workload.assertion(&server, &json!({ "aud": audience }));
    let answer = present(&server, &assertion).await;
    let token = access(&answer);
    assert!(answer.json()["refresh_token"].is_null());
    assert_eq!(
        workload.client.introspect(&server, &token).await["client_id"],
        workload.client.identifier.as_str()
    );
    assert_refused(&present(&server, &assertion).await, 400, "invalid_client");
    let for_issuer = workload.assertion(&server, &json!({ "jti": "2" }));
    assert_refused(&present(&server, &for_issuer).await, 400, "invalid_client");
}

#[tokio::test]
async fn a_workload_names_its_client_unless_its_issuer_need_not() {
    let server = TestServer::start().await;
    let workload = Workload::start(&server, &json!({})).await;
    let assertion = workload.assertion(&server, &json!({}));
    assert_refused(&present(&server, &assertion).await, 400, "invalid_client");
    authenticate(&server, &assertion, &[]).await.expect(200);
}

#[tokio::test]
async fn the_assertion_of_a_workload_says_nothing_about_users() {
    let server = TestServer::start().await;
    let members = json!({ "workloadGrant": true, "subjects": { SUBJECT: "d2cadmin" } });
    let workload = Workload::start(&server, &members).await;
    let assertion = workload.assertion(&server, &json!({ "aud": SERVER }));
    let fields = [("grant_type", GRANT), ("assertion", assertion.as_str())];
    assert_refused(&workload.client.token(&server, &fields).await, 400, "invalid_grant");
}
