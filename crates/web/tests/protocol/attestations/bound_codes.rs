//! What an instance asks for is given to the same instance
//! ([draft §10.4](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-10.4)).

use super::*;
use crate::client::{allow, parameter};
use crate::{backchannel, device};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const CIBA: &str = "urn:openid:params:grant-type:ciba";

/// A server with an application that may use every flow that begins at the server.
async fn scene_with_every_flow() -> (TestServer, App) {
    let server = crate::openid::server().await;
    let app = App::start(&server, &json!({})).await;
    let all = json!({
        "name": "Harbour Reports", "redirectUrls": [CALLBACK], "scopes": ["openid", "odata"],
        "grantTypes": ["authorization_code", "refresh_token", "client_credentials", DEVICE_CODE, CIBA],
    });
    let path = format!("{}/{}", crate::client::APPLICATIONS, app.client.id);
    server.put(&path).basic(&testkit::ADMIN).json(&all).send().await.expect(200);
    (server, app)
}

/// The code of a request that the instance has pushed.
async fn pushed_code(server: &TestServer, instance: &Instance<'_>) -> String {
    let request = [("response_type", "code"), ("redirect_uri", CALLBACK), S256[0], S256[1]];
    let pushed = instance.post(server, "/oauth2/par", &request).await.expect(201).json();
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("client_id", &instance.app.client.identifier);
    query.append_pair("request_uri", pushed["request_uri"].as_str().unwrap());
    let url = format!("/oauth2/authorize?{}", query.finish());
    parameter(&allow(&mut server.browser(), &USER, &url).await, "code").unwrap()
}

fn exchange(code: &str) -> [(&'static str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

#[tokio::test]
async fn a_code_is_bound_to_the_instance_that_pushed_its_request() {
    let (server, app) = scene().await;
    let (instance, other) = (app.instance(1), app.instance(2));
    let code = pushed_code(&server, &instance).await;
    assert_refused(&other.post(&server, TOKEN, &exchange(&code)).await, 400, "invalid_grant");
    // Another attestation of the same key.
    server.clock().advance_secs(1);
    instance.post(&server, TOKEN, &exchange(&code)).await.expect(200);
    let by_browser = app.client.code_with(&server, &USER, &S256).await;
    other.post(&server, TOKEN, &exchange(&by_browser)).await.expect(200);
}

#[tokio::test]
async fn a_device_code_and_an_auth_req_id_are_bound_to_the_instance_that_asked() {
    let (server, app) = scene_with_every_flow().await;
    let (instance, other) = (app.instance(1), app.instance(2));
    let fields = [("scope", "odata")];
    let codes = instance.post(&server, "/oauth2/device_authorization", &fields).await.expect(200).json();
    let device_code = codes["device_code"].as_str().unwrap();
    let poll = [("grant_type", DEVICE_CODE), ("device_code", device_code)];
    assert_refused(&other.post(&server, TOKEN, &poll).await, 400, "invalid_grant");
    assert_refused(&instance.post(&server, TOKEN, &poll).await, 400, "authorization_pending");
    device::allow(&server, codes["user_code"].as_str().unwrap()).await;
    assert_refused(&other.post(&server, TOKEN, &poll).await, 400, "invalid_grant");
    instance.post(&server, TOKEN, &poll).await.expect(200);

    let fields = [("scope", "openid odata"), ("login_hint", USER.name)];
    let asked = instance.post(&server, "/oauth2/bc-authorize", &fields).await.expect(200).json();
    let poll = [("grant_type", CIBA), ("auth_req_id", asked["auth_req_id"].as_str().unwrap())];
    backchannel::decide(&server, "consent-allow").await;
    assert_refused(&other.post(&server, TOKEN, &poll).await, 400, "invalid_grant");
    instance.post(&server, TOKEN, &poll).await.expect(200);
}
