//! OpenID Connect across endpoints: sectors, subjects that agree, and keys that are missing.

use domain::audit::{Action, Outcome};
use serde_json::{Value, json};
use store::{Audit as _, AuditFilter};
use testkit::host::{Reply, TestHost};
use testkit::{Answer, TestServer, USER};

use crate::client::{APPLICATIONS, CALLBACK, Client};
use crate::openid::decoded;

const SECTOR: &str = "/sector.json";

async fn tokens(server: &TestServer, client: &Client) -> Value {
    let code = client.code_with(server, &USER, &[("scope", "openid api.access.odata")]).await;
    client.exchange(server, &code).await.expect(200).json()
}

#[tokio::test]
async fn every_place_shows_the_same_subject() {
    let server = crate::openid::server().await;
    for format in ["opaque", "jwt"] {
        let members = json!({
            "scopes": ["openid", "odata"], "tokenFormat": format, "openid": { "subjectType": "pairwise" },
        });
        let client = Client::register_with(&server, members).await;
        let response = tokens(&server, &client).await;
        let text = |name: &str| response[name].as_str().unwrap().to_owned();
        let subject = decoded(&text("id_token")).1["sub"].clone();
        let access = text("access_token");
        let userinfo = server.get("/oauth2/userinfo").bearer(&access).send().await.expect(200).json();
        assert_eq!(userinfo["sub"], subject);
        assert_eq!(client.introspect(&server, &access).await["sub"], subject);
        assert_eq!(client.introspect(&server, &text("refresh_token")).await["sub"], subject);
        if format == "jwt" {
            assert_eq!(decoded(&access).1["sub"], subject);
        }
        let plain = client.code_with(&server, &USER, &[("scope", "api.access.odata")]).await;
        let plain = client.exchange(&server, &plain).await.expect(200).json();
        let shown = client.introspect(&server, plain["access_token"].as_str().unwrap()).await;
        assert_eq!(shown["sub"], subject, "a pairwise application never learns the number");
        if format == "jwt" {
            assert_eq!(decoded(plain["access_token"].as_str().unwrap()).1["sub"], subject);
        }
    }
}

#[tokio::test]
async fn introspection_names_the_audience() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let issuer = "http://127.0.0.1:8080";
    let tokens = client.tokens(&server).await;
    assert_eq!(client.introspect(&server, &tokens.access).await["aud"], issuer);
    assert!(client.introspect(&server, &tokens.refresh).await["aud"].is_null());
    let data = format!("{issuer}/api/odata4");
    let code = client.code_with(&server, &USER, &[("resource", &data)]).await;
    let limited = client.exchange(&server, &code).await.expect(200).json();
    let shown = client.introspect(&server, limited["access_token"].as_str().unwrap()).await;
    assert_eq!(shown["aud"], data.as_str());
}

#[tokio::test]
async fn a_code_is_not_lost_while_a_key_is_missing() {
    let server = TestServer::start().await;
    let algorithms = async || -> Vec<_> {
        let keys = server.app().signing_keys().list().await.unwrap();
        keys.into_iter().map(|key| key.algorithm.as_str()).collect()
    };
    assert!(!algorithms().await.contains(&"RS256"), "a new installation has none yet");
    let client = Client::register_with(&server, json!({ "scopes": ["openid", "odata"] })).await;
    let response = tokens(&server, &client).await;
    assert_eq!(decoded(response["id_token"].as_str().unwrap()).0["alg"], "RS256");
    let keys = algorithms().await;
    assert!(keys.contains(&"RS256") && !keys.contains(&"PS256"), "only what is needed: {keys:?}");
}

async fn register(server: &TestServer, sector: &str, urls: &[&str]) -> Answer {
    let body = json!({
        "name": "Ship", "redirectUrls": urls, "scopes": ["openid", "odata"],
        "openid": { "subjectType": "pairwise", "sectorIdentifierUri": sector },
    });
    server.post(APPLICATIONS).basic(&USER).json(&body).send().await
}

#[tokio::test]
async fn applications_of_one_sector_see_the_same_subject() {
    let (server, host) = (crate::openid::server().await, TestHost::start().await);
    let other = "https://other.example/cb";
    host.reply(SECTOR, Reply::json(&json!([CALLBACK, other])));
    let sector = host.url("client.test", SECTOR);
    let mut subjects = Vec::new();
    for urls in [&[CALLBACK][..], &[CALLBACK, other]] {
        let made = register(&server, &sector, urls).await.expect(201).json();
        assert_eq!(made["openid"]["sectorIdentifierUri"], sector.as_str());
        let client = Client {
            id: made["id"].as_i64().unwrap(),
            identifier: made["clientId"].as_str().unwrap().to_owned(),
            secret: made["clientSecret"].as_str().map(str::to_owned),
        };
        let response = tokens(&server, &client).await;
        subjects.push(decoded(response["id_token"].as_str().unwrap()).1["sub"].clone());
    }
    assert_eq!(subjects[0], subjects[1]);
}

#[tokio::test]
async fn a_sector_whose_document_lacks_a_redirect_url_is_refused() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let sector = host.url("client.test", SECTOR);
    let refused = async |url: &str| {
        let answer = register(&server, url, &[CALLBACK]).await.expect(400);
        assert_eq!(answer.faulty_fields(), ["openid.sectorIdentifierUri"], "{}", answer.text());
    };
    refused(&sector).await;
    for reply in [
        Reply::json(&json!([])),
        Reply::json(&json!({ "redirect_uris": [CALLBACK] })),
        Reply::text("no JSON"),
        Reply::text(" ".repeat(100_000)),
        Reply::json(&json!([CALLBACK])).status(302).header("location", "https://other.test/"),
    ] {
        host.reply(SECTOR, reply);
        refused(&sector).await;
    }
    refused("http://client.test/").await;
    refused("https://10.0.0.1/sector.json").await;
    host.reply(SECTOR, Reply::json(&json!([CALLBACK])));
    register(&server, &sector, &[CALLBACK]).await.expect(201);
}

#[tokio::test]
async fn a_sector_document_is_read_again_when_a_redirect_url_is_added() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    host.reply(SECTOR, Reply::json(&json!([CALLBACK])));
    let made = register(&server, &host.url("client.test", SECTOR), &[CALLBACK]).await.expect(201).json();
    let path = format!("{APPLICATIONS}/{}", made["id"]);
    let put = async |urls: Value| {
        server.put(&path).basic(&USER).json(&json!({ "name": "Ship", "redirectUrls": urls })).send().await
    };
    put(json!([CALLBACK])).await.expect(200);
    assert_eq!(host.received(SECTOR).len(), 1, "nothing has changed");
    let more = json!([CALLBACK, "https://other.example/cb"]);
    assert_eq!(put(more.clone()).await.expect(400).faulty_fields(), ["openid.sectorIdentifierUri"]);
    host.reply(SECTOR, Reply::json(&more));
    put(more).await.expect(200);
    assert_eq!(host.received(SECTOR).len(), 3);
}

#[tokio::test]
async fn an_exchange_is_recorded_and_equal_ones_are_throttled() {
    let server = TestServer::start().await;
    let front = Client::register(&server).await;
    let service = crate::exchange::service(&server, &front, true).await;
    let tokens = front.tokens(&server).await;
    for _ in 0..20 {
        crate::exchange::exchange(&server, &service, &tokens.access, &[]).await.expect(200);
    }
    crate::exchange::exchange(&server, &service, "nonsense", &[]).await.expect(400);
    let filter = AuditFilter { limit: 100, action: Some(Action::ExchangeToken), ..AuditFilter::default() };
    let events = server.store().list_audit(filter).await.unwrap();
    assert_eq!((events.len(), events[0].event.outcome), (11, Outcome::Refused));
    let done = &events[10].event;
    assert_eq!((done.outcome, done.actor_name.as_deref()), (Outcome::Success, Some(USER.name)));
    assert_eq!(done.subject, Some(format!("a token of application {}", front.id)));
}
