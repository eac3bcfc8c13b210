//! Addresses for special use are refused when they are registered, in each way of registering. The switch for tests permits
//! loopback only.

use app::node::settings::AppSettings;
use app::protocol::client_registration::{ClientRegistrationSettings, RegistrationMode};
use serde_json::{Value, json};
use testkit::{Setup, TestServer, USER};

use crate::client::{APPLICATIONS, CALLBACK};
use crate::client_registration::{REGISTER, members};

/// The address of the metadata service of cloud machines.
const INTERNAL: &str = "https://169.254.169.254/x";
const LOOPBACK: &str = "https://127.0.0.1/x";

/// A server where anybody may register.
async fn server(permits_loopback: bool) -> TestServer {
    let mut setup = Setup::default();
    if !permits_loopback {
        setup.app.outbound = AppSettings::default().outbound;
    }
    setup.app.client_registration =
        ClientRegistrationSettings { mode: RegistrationMode::Open, ..ClientRegistrationSettings::default() };
    TestServer::start_with(setup).await
}

/// The members with which a client names an address, in RFC 7591 and in the management API.
fn naming(url: &str) -> [(&'static str, Value, &'static str, Value); 3] {
    [
        ("jwks_uri", json!({"jwks_uri": url}), "jwksUri", json!({"jwksUri": url})),
        ("logo_uri", json!({"logo_uri": url}), "logoUrl", json!({"logoUrl": url})),
        (
            "backchannel_logout_uri",
            json!({"backchannel_logout_uri": url}),
            "openid.backchannelLogoutUri",
            json!({"openid": {"backchannelLogoutUri": url}}),
        ),
    ]
}

#[tokio::test]
async fn a_special_use_address_is_refused_by_name_in_each_way_of_registering() {
    let server = server(false).await;
    for url in [INTERNAL, LOOPBACK, "https://localhost/x", "https://[::ffff:10.0.0.1]/x"] {
        for (member, itself, field, by_api) in naming(url) {
            let refused = server.post(REGISTER).json(&members(&itself)).send().await.expect(400).json();
            assert_eq!(refused["error"], "invalid_client_metadata", "{refused}");
            let words = refused["error_description"].as_str().unwrap();
            assert!(words.starts_with(&format!("{member} must name a public host")), "{words}");
            let mut payload = json!({"name": "Crane", "redirectUrls": [CALLBACK]});
            payload.as_object_mut().unwrap().extend(by_api.as_object().unwrap().clone());
            let refused = server.post(APPLICATIONS).basic(&USER).json(&payload).send().await;
            assert_eq!(refused.expect(400).json()["error"]["details"][0]["field"], field);
        }
        let sector =
            json!({"name": "Crane", "redirectUrls": [CALLBACK], "openid": {"sectorIdentifierUri": url}});
        let refused = server.post(APPLICATIONS).basic(&USER).json(&sector).send().await.expect(400);
        assert_eq!(refused.json()["error"]["details"][0]["field"], "openid.sectorIdentifierUri");
    }
    for (_, itself, _, _) in naming("https://client.example/x") {
        server.post(REGISTER).json(&members(&itself)).send().await.expect(201);
    }
    // The browser of the user loads it, not the server.
    let front = members(&json!({
        "redirect_uris": ["https://10.0.0.1/cb"], "frontchannel_logout_uri": "https://10.0.0.1/out",
    }));
    server.post(REGISTER).json(&front).send().await.expect(201);
}

#[tokio::test]
async fn the_switch_for_tests_permits_loopback_only() {
    let server = server(true).await;
    for (url, status) in [(LOOPBACK, 201), (INTERNAL, 400)] {
        for (_, itself, _, _) in naming(url) {
            server.post(REGISTER).json(&members(&itself)).send().await.expect(status);
        }
    }
}
