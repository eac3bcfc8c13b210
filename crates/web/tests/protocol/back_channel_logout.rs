//! Logout tokens that the server sends to applications when a session ends.

use app::identity::caller::RequestOrigin;
use app::node::clock::Clock as _;
use serde_json::{Value, json};
use testkit::host::{Reply, TestHost, client_of};
use testkit::{ADMIN, Browser, OTHER, Setup, TestServer, TestUser, USER};

use crate::client::{APPLICATIONS, Client, allow, parameter};
use crate::openid::decoded;

const OUT: &str = "/out?by=server";

/// An application of which the server at the origin takes logout tokens.
async fn client(server: &TestServer, host: &TestHost, more: Value) -> Client {
    let mut openid = json!({ "backchannelLogoutUri": host.url("client.test", OUT) });
    openid.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    host.reply(OUT, Reply::text(""));
    Client::register_with(server, json!({ "scopes": ["openid", "odata"], "openid": openid })).await
}

/// Signs in at the application, and returns the claims of the ID token.
async fn sign_in(server: &TestServer, browser: &mut Browser<'_>, client: &Client, user: &TestUser) -> Value {
    let answer = allow(browser, user, &client.authorize_url(&[("scope", "openid")])).await;
    let code = parameter(&answer, "code").unwrap();
    let response = client.exchange(server, &code).await.expect(200).json();
    decoded(response["id_token"].as_str().unwrap()).1
}

async fn sign_out(browser: &mut Browser<'_>) {
    browser.get("/logout").await.expect(200);
    let form = browser.form("/logout");
    browser.submit(form).await;
}

/// The claims of the logout tokens that have arrived, after what was due has been sent.
async fn received_tokens(server: &TestServer, host: &TestHost) -> Vec<Value> {
    server.app().node().deliver_logouts().await.unwrap();
    let token = |body: &[u8]| {
        let text = std::str::from_utf8(body).unwrap().strip_prefix("logout_token=").unwrap().to_owned();
        let (header, claims) = decoded(&text);
        assert_eq!((&header["typ"], &header["alg"]), (&json!("logout+jwt"), &json!("RS256")));
        claims
    };
    host.received(OUT).iter().map(|received| token(&received.body)).collect()
}

fn names(received_tokens: &[Value]) -> Vec<(Value, Value)> {
    received_tokens.iter().map(|claims| (claims["sub"].clone(), claims["sid"].clone())).collect()
}

#[tokio::test]
async fn an_application_is_told_when_its_user_signs_out() {
    let (server, host) = (crate::openid::server().await, TestHost::start().await);
    let client = client(&server, &host, json!({})).await;
    let mut browser = server.browser();
    let id_token = sign_in(&server, &mut browser, &client, &USER).await;
    assert_eq!(received_tokens(&server, &host).await, Vec::<Value>::new());
    sign_out(&mut browser).await;
    let claims = received_tokens(&server, &host).await.remove(0);
    for name in ["iss", "sub", "aud", "sid"] {
        assert_eq!(claims[name], id_token[name], "{name}");
    }
    assert_eq!(claims["events"], json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
    assert!(claims.get("nonce").is_none() && claims["jti"].is_string());
    assert_eq!(received_tokens(&server, &host).await.len(), 1, "it is told once");
    let metrics = server.app().node().encode_metrics();
    assert!(metrics.contains("sluicegate_logout_deliveries_total{outcome=\"delivered\"} 1"), "{metrics}");
    let events = server.get("/api/admin/audit?action=application.notify_logout").basic(&ADMIN).send().await;
    let events = events.expect(200).json();
    assert_eq!(events["events"].as_array().unwrap().len(), 1, "{events}");
}

#[tokio::test]
async fn every_way_to_end_a_session_tells_the_application() {
    let (server, host) = (crate::openid::server().await, TestHost::start().await);
    let client = client(&server, &host, json!({ "backchannelLogoutSessionRequired": true })).await;
    let mut expected = Vec::new();
    let user = server.user(&USER).await.id;
    let mut begin = async || {
        let mut browser = server.browser();
        let claims = sign_in(&server, &mut browser, &client, &USER).await;
        expected.push((claims["sub"].clone(), claims["sid"].clone()));
        assert_eq!(names(&received_tokens(&server, &host).await).len() + 1, expected.len());
        browser
    };
    let mut browser = begin().await;
    browser.get("/oauth2/logout").await.expect(200);
    let form = browser.form("/oauth2/logout/confirm");
    browser.submit(form).await;

    let _second = begin().await;
    let (sessions, origin_of) = (server.app().user_sessions(), RequestOrigin::command_line());
    let operator = server.app().operator().caller().await.unwrap().unwrap();
    let session = sessions.list(&operator, user, &origin_of).await.unwrap().remove(0).id;
    sessions.end(&operator, user, session, &origin_of).await.unwrap();

    let both = json!({ "user": user.get(), "application": client.id });
    for access in [json!({ "user": user.get() }), json!({ "application": client.id }), both, Value::Null] {
        let _browser = begin().await;
        server.clock().advance_secs(1);
        let now = jiff::Timestamp::from_microsecond(server.clock().now().as_micros()).unwrap().to_string();
        let access = if access.is_null() { json!({ "issuedBefore": now }) } else { access };
        crate::ended_access::revoke(&server, access).await;
    }
    let _browser = begin().await;
    let off = json!({ "statusInfo": { "status": 0 } });
    server.put(&format!("/api/admin/users/{user}")).basic(&ADMIN).json(&off).send().await.expect(200);
    assert_eq!(names(&received_tokens(&server, &host).await), expected);
}

#[tokio::test]
async fn a_deleted_user_is_logged_out_at_applications() {
    let (server, host) = (crate::openid::server().await, TestHost::start().await);
    let client = client(&server, &host, json!({})).await;
    let claims = sign_in(&server, &mut server.browser(), &client, &OTHER).await;
    let path = format!("/api/admin/users/{}", server.user(&OTHER).await.id);
    server.delete(&path).basic(&ADMIN).send().await.expect(204);
    let received_tokens = received_tokens(&server, &host).await;
    assert_eq!(names(&received_tokens), [(claims["sub"].clone(), claims["sid"].clone())]);
}

#[tokio::test]
async fn a_delivery_that_fails_is_tried_again_later_and_in_the_end_abandoned() {
    let (server, host) = (crate::openid::server().await, TestHost::start().await);
    let client = client(&server, &host, json!({})).await;
    host.reply(OUT, Reply::text("").status(503));
    let mut browser = server.browser();
    sign_in(&server, &mut browser, &client, &USER).await;
    sign_out(&mut browser).await;
    assert_eq!(received_tokens(&server, &host).await.len(), 1);
    assert_eq!(received_tokens(&server, &host).await.len(), 1, "not at once");
    let mut tokens = Vec::new();
    for (attempt, secs) in [10, 60, 300, 900, 3_600, 10_800, 100_000].into_iter().enumerate() {
        server.clock().advance_secs(secs);
        tokens = received_tokens(&server, &host).await;
        assert_eq!(tokens.len(), (attempt + 2).min(7), "attempt {attempt}");
    }
    assert_ne!(tokens[0]["jti"], tokens[1]["jti"], "each attempt has a valid token");
    let metrics = server.app().node().encode_metrics();
    assert!(metrics.contains("outcome=\"abandoned\"} 1") && metrics.contains("outcome=\"postponed\"} 6"));
}

#[tokio::test]
async fn an_application_that_refuses_the_token_is_not_told_again() {
    let (server, host) = (crate::openid::server().await, TestHost::start().await);
    let client = client(&server, &host, json!({})).await;
    host.reply(OUT, Reply::text("").status(400));
    let mut browser = server.browser();
    sign_in(&server, &mut browser, &client, &USER).await;
    sign_out(&mut browser).await;
    assert_eq!(received_tokens(&server, &host).await.len(), 1);
    server.clock().advance_secs(100_000);
    assert_eq!(received_tokens(&server, &host).await.len(), 1);
}

#[tokio::test]
async fn a_sign_out_waits_for_no_application() {
    let (server, host) = (crate::openid::server().await, TestHost::start().await);
    let client = client(&server, &host, json!({})).await;
    host.reply(OUT, Reply::text("").held_back());
    let mut browser = server.browser();
    sign_in(&server, &mut browser, &client, &USER).await;
    sign_out(&mut browser).await;
    assert!(browser.get("/account").await.text().contains("login-submit"));
    assert!(host.received(OUT).is_empty());
}

#[tokio::test]
async fn an_application_that_was_deleted_is_not_told() {
    let (server, host) = (crate::openid::server().await, TestHost::start().await);
    let client = client(&server, &host, json!({})).await;
    let mut browser = server.browser();
    sign_in(&server, &mut browser, &client, &USER).await;
    sign_out(&mut browser).await;
    server.delete(&format!("{APPLICATIONS}/{}", client.id)).basic(&USER).send().await.expect(204);
    assert_eq!(received_tokens(&server, &host).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_bad_logout_address_is_refused() {
    let server = TestServer::start().await;
    for url in
        ["http://client.example/out", "https://client.example/out#x", "/out", "https://u@client.example/"]
    {
        let body = json!({
            "name": "x", "redirectUrls": ["https://client.example/cb"], "openid": { "backchannelLogoutUri": url },
        });
        let answer = server.post(APPLICATIONS).basic(&USER).json(&body).send().await.expect(400);
        assert!(
            answer.text().contains("backchannelLogoutUri")
                || answer.text().contains("backchannel_logout_uri")
        );
    }
}

#[tokio::test]
async fn a_token_that_was_never_sent_is_no_attempt() {
    let mut setup = Setup::default();
    setup.app.outbound = client_of(0);
    let (server, host) = (TestServer::start_with(setup).await, TestHost::start().await);
    server.app().signing_keys().create_missing(&RequestOrigin::command_line()).await.unwrap();
    let client = client(&server, &host, json!({})).await;
    let mut browser = server.browser();
    sign_in(&server, &mut browser, &client, &USER).await;
    sign_out(&mut browser).await;
    for _ in 0..10 {
        assert_eq!(received_tokens(&server, &host).await.len(), 0);
        server.clock().advance_secs(2);
    }
    let metrics = server.app().node().encode_metrics();
    assert!(!metrics.contains("outcome=\"postponed\"") && !metrics.contains("outcome=\"abandoned\""));
}
