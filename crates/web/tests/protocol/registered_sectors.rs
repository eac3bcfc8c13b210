//! Clients that register themselves with pairwise subjects: the sector of whose document they name the redirect URIs.

use app::AppSettings;
use app::identity::caller::RequestOrigin;
use app::protocol::client_registration::{ClientRegistrationSettings, RegistrationMode};
use serde_json::{Value, json};
use testkit::host::{Reply, TestHost};
use testkit::{Answer, Setup, TestServer, USER};

use crate::client::{CALLBACK, Client, S256};
use crate::client_registration::{REGISTER, applications, members};
use crate::openid::decoded;

const SECTOR: &str = "/sector.json";
const OTHER: &str = "https://other.example/cb";

/// A server where anybody may register clients, with the key for ID tokens.
async fn server() -> TestServer {
    let mut setup = Setup::default();
    let mode = RegistrationMode::Open;
    let client_registration = ClientRegistrationSettings { mode, ..ClientRegistrationSettings::default() };
    setup.app = AppSettings { client_registration, ..setup.app };
    let server = TestServer::start_with(setup).await;
    server.app().signing_keys().create_missing(&RequestOrigin::command_line()).await.unwrap();
    server
}

/// A client of the sector with these redirect URIs.
fn client_of(sector: &str, uris: &[&str]) -> Value {
    members(&json!({
        "subject_type": "pairwise", "sector_identifier_uri": sector, "redirect_uris": uris, "scope": "openid",
    }))
}

async fn send(server: &TestServer, members: &Value) -> Answer {
    server.post(REGISTER).json(members).send().await
}

/// The subject that the client sees of the user.
async fn subject(server: &TestServer, response: &Value) -> Value {
    let client =
        Client { id: 0, identifier: response["client_id"].as_str().unwrap().to_owned(), secret: None };
    let code = client.code_with(server, &USER, &[S256[0], S256[1], ("scope", "openid")]).await;
    let answer = client.exchange_verified(server, &code).await.expect(200).json();
    decoded(answer["id_token"].as_str().unwrap()).1["sub"].clone()
}

#[tokio::test]
async fn clients_whose_sites_one_document_lists_see_the_same_subject() {
    let (server, host) = (server().await, TestHost::start().await);
    let sector = host.url("client.test", SECTOR);
    host.reply(SECTOR, Reply::json(&json!([CALLBACK, OTHER])));
    let mut subjects = Vec::new();
    for uris in [&[CALLBACK][..], &[CALLBACK, OTHER]] {
        let response = send(&server, &client_of(&sector, uris)).await.expect(201).json();
        assert_eq!(response["sector_identifier_uri"], sector.as_str());
        assert_eq!(response["subject_type"], "pairwise");
        subjects.push(subject(&server, &response).await);
    }
    assert_eq!(subjects[0], subjects[1]);
    let own = members(&json!({"subject_type": "pairwise", "scope": "openid"}));
    let own = send(&server, &own).await.expect(201).json();
    assert_ne!(subject(&server, &own).await, subjects[0], "without a document, a sector of its own");
}

#[tokio::test]
async fn a_client_that_the_document_of_its_sector_does_not_list_is_refused() {
    let (server, host) = (server().await, TestHost::start().await);
    let sector = host.url("client.test", SECTOR);
    let refused = async |members: Value| {
        let refused = send(&server, &members).await.expect(400).json();
        assert_eq!(refused["error"], "invalid_client_metadata");
        let words = refused["error_description"].as_str().unwrap();
        assert!(words.starts_with("sector_identifier_uri"), "{words}");
    };
    refused(client_of(&sector, &[CALLBACK])).await;
    for reply in [
        Reply::json(&json!([OTHER])),
        Reply::json(&json!({ "redirect_uris": [CALLBACK] })),
        Reply::text("no JSON"),
        Reply::json(&json!([CALLBACK])).status(500),
        Reply::json(&json!([CALLBACK])).status(302).header("location", "https://other.test/"),
    ] {
        host.reply(SECTOR, reply);
        refused(client_of(&sector, &[CALLBACK])).await;
    }
    for sector in ["https://10.0.0.1/sector.json", "http://client.test/", "sector"] {
        refused(client_of(sector, &[CALLBACK])).await;
    }
    host.reply(SECTOR, Reply::json(&json!([CALLBACK])));
    let mut on_device = client_of(&sector, &[CALLBACK]);
    on_device["grant_types"] = json!(["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"]);
    refused(on_device).await;
    assert!(applications(&server).await.is_empty());
}

#[tokio::test]
async fn a_replaced_registration_is_judged_by_the_document_of_its_sector_again() {
    let (server, host) = (server().await, TestHost::start().await);
    let sector = host.url("client.test", SECTOR);
    host.reply(SECTOR, Reply::json(&json!([CALLBACK])));
    let mut response = send(&server, &client_of(&sector, &[CALLBACK])).await.expect(201).json();
    let path = format!("{REGISTER}/{}", response["client_id"].as_str().unwrap());
    let replace = async |response: &Value, uris: &[&str]| {
        let mut members = client_of(&sector, uris);
        members["client_id"] = response["client_id"].clone();
        let token = response["registration_access_token"].as_str().unwrap();
        server.put(&path).bearer(token).json(&members).send().await
    };
    response = replace(&response, &[CALLBACK]).await.expect(200).json();
    assert_eq!(host.received(SECTOR).len(), 1, "nothing has changed");
    let refused = replace(&response, &[CALLBACK, OTHER]).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_client_metadata");
    host.reply(SECTOR, Reply::json(&json!([CALLBACK, OTHER])));
    response = replace(&response, &[CALLBACK, OTHER]).await.expect(200).json();
    assert_eq!(response["redirect_uris"], json!([CALLBACK, OTHER]));
    assert_eq!(host.received(SECTOR).len(), 3);
}

#[tokio::test]
async fn attack_a_client_that_makes_the_server_fetch_by_replacing_its_registration() {
    let host = TestHost::start().await;
    let server = crate::client_registration::start_with(ClientRegistrationSettings {
        mode: RegistrationMode::Open,
        per_address_per_minute: 2,
        ..ClientRegistrationSettings::default()
    })
    .await;
    let response = send(&server, &members(&json!({}))).await.expect(201).json();
    let path = format!("{REGISTER}/{}", response["client_id"].as_str().unwrap());
    let replace = async |sector: &str| {
        let mut members = client_of(sector, &[CALLBACK]);
        members["client_id"] = response["client_id"].clone();
        let token = response["registration_access_token"].as_str().unwrap();
        server.put(&path).bearer(token).json(&members).send().await
    };
    replace(&host.url("client.test", "/1")).await.expect(400);
    let limited = replace(&host.url("client.test", "/2")).await.expect(429);
    assert!(limited.headers().contains_key("retry-after"));
    assert_eq!((host.received("/1").len(), host.received("/2").len()), (1, 0));
}
