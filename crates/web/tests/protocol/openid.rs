//! OpenID Connect: ID tokens, userinfo, and what a request may ask of the sign-in.

use app::identity::caller::RequestOrigin;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use testkit::{ADMIN, OTHER, TestServer, USER};

use crate::client::{Client, allow, parameter};

const USERINFO: &str = "/oauth2/userinfo";
/// Every scope of OpenID Connect.
const ALL: &str = "openid profile email address phone offline_access";

/// A server that has its signing keys, which a running one creates at its start.
pub(crate) async fn server() -> TestServer {
    with_signing_keys(TestServer::start().await).await
}

/// The server, after it has created its keys.
pub(crate) async fn with_signing_keys(server: TestServer) -> TestServer {
    server.app().signing_keys().create_missing(&RequestOrigin::command_line()).await.unwrap();
    server
}

async fn client_with(server: &TestServer, members: Value) -> Client {
    let mut body =
        json!({ "scopes": ["odata", "openid", "profile", "email", "address", "phone", "offline_access"] });
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    Client::register_with(server, body).await
}

async fn client(server: &TestServer) -> Client {
    client_with(server, json!({})).await
}

/// The header and the claims of a compact JWS, without looking at the signature.
pub(crate) fn decoded(jwt: &str) -> (Value, Value) {
    let part = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let parts: Vec<&str> = jwt.split('.').collect();
    assert_eq!(parts.len(), 3, "{jwt}");
    (part(parts[0]), part(parts[1]))
}

async fn describe(server: &TestServer, attributes: Value) {
    let path = format!("/api/admin/users/{}", server.user(&USER).await.id);
    let body = json!({ "attributes": attributes });
    server.put(&path).basic(&ADMIN).json(&body).send().await.expect(200);
}

/// The token response of a flow with these additional request parameters.
async fn flow(server: &TestServer, client: &Client, more: &[(&str, &str)]) -> Value {
    let code = client.code_with(server, &USER, more).await;
    client.exchange(server, &code).await.expect(200).json()
}

fn id_token(response: &Value) -> Value {
    decoded(response["id_token"].as_str().unwrap_or_else(|| panic!("no id_token in {response}"))).1
}

async fn userinfo(server: &TestServer, response: &Value) -> Value {
    let access = response["access_token"].as_str().unwrap();
    server.get(USERINFO).bearer(access).send().await.expect(200).json()
}

/// The error with which the browser returns to the client.
async fn error_of(server: &TestServer, client: &Client, more: &[(&str, &str)]) -> String {
    let mut browser = server.browser();
    browser.get("/login").await;
    browser.sign_in(&USER).await;
    let answer = browser.get(&client.authorize_url(more)).await.expect(303);
    parameter(&answer, "error").unwrap_or_else(|| panic!("no error in {}", answer.location()))
}

#[tokio::test]
async fn the_walk_from_request_to_userinfo() {
    let server = server().await;
    describe(&server, json!({ "givenName": "Ada", "email": "ada@example.com", "emailVerified": true })).await;
    let client = client(&server).await;
    let response = flow(&server, &client, &[("scope", ALL), ("nonce", "n-0S6_WzA2Mj")]).await;
    assert_eq!(response["scope"], "openid profile email address phone offline_access");
    let (header, claims) = decoded(response["id_token"].as_str().unwrap());
    assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
    assert_eq!(claims["aud"], client.identifier);
    assert_eq!((&claims["nonce"], &claims["amr"]), (&json!("n-0S6_WzA2Mj"), &json!(["pwd"])));
    let age = claims["iat"].as_i64().unwrap() - claims["auth_time"].as_i64().unwrap();
    assert!((0..60).contains(&age), "{claims}");
    let metadata = server.get("/.well-known/openid-configuration").send().await.expect(200).json();
    assert_eq!(
        (&claims["iss"], &metadata["claims_parameter_supported"]),
        (&metadata["issuer"], &json!(true))
    );
    assert!(claims.get("email").is_none(), "claims of scopes come from userinfo");

    let known = userinfo(&server, &response).await;
    assert_eq!(known["sub"], claims["sub"]);
    assert_eq!((&known["email"], &known["email_verified"]), (&json!("ada@example.com"), &json!(true)));
    assert_eq!((&known["given_name"], &known["name"]), (&json!("Ada"), &json!("Ada")));
    assert!(known.get("address").is_none() && known.get("phone_number").is_none());

    let refreshed =
        client.refresh(&server, response["refresh_token"].as_str().unwrap()).await.expect(200).json();
    let again = id_token(&refreshed);
    for same in ["iss", "sub", "aud", "auth_time", "acr", "sid"] {
        assert_eq!(again[same], claims[same], "{same}");
    }
    assert!(again.get("nonce").is_none());
    assert_ne!(again["at_hash"], claims["at_hash"]);
}

#[tokio::test]
async fn without_openid_there_is_no_id_token_and_no_userinfo() {
    let server = server().await;
    let client = client(&server).await;
    let response = flow(&server, &client, &[("scope", "odata"), ("nonce", "n")]).await;
    assert!(response.get("id_token").is_none());
    let access = response["access_token"].as_str().unwrap();
    let refused = server.get(USERINFO).bearer(access).send().await.expect(403);
    assert_eq!(refused.json()["error"], "insufficient_scope");
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope=\"openid\""));
}

#[tokio::test]
async fn userinfo_answers_get_and_post_and_refuses_in_the_form_of_bearer_tokens() {
    let server = server().await;
    let client = client(&server).await;
    let response = flow(&server, &client, &[("scope", "openid")]).await;
    let access = response["access_token"].as_str().unwrap();
    for call in [server.get(USERINFO), server.post(USERINFO), server.post("/api/mgmt/oauth2/userinfo")] {
        let answer = call.bearer(access).send().await.expect(200);
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let claims = answer.json();
        assert_eq!(claims.as_object().unwrap().len(), 1, "{claims}");
    }
    let nobody = server.get(USERINFO).send().await.expect(401);
    let challenge = nobody.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert!(challenge.starts_with("Bearer") && !challenge.contains("error="), "{challenge}");
    let id_token = response["id_token"].as_str().unwrap();
    for wrong in ["nonsense", id_token, response["refresh_token"].as_str().unwrap()] {
        let refused = server.get(USERINFO).bearer(wrong).send().await.expect(401);
        assert_eq!(refused.json()["error"], "invalid_token");
        assert!(refused.headers()["www-authenticate"].to_str().unwrap().contains("invalid_token"));
    }
    server.get(USERINFO).basic(&USER).send().await.expect(401);
    server.get("/api/odata4").bearer(id_token).send().await.expect(401);
}

#[tokio::test]
async fn a_renamed_user_keeps_the_subject() {
    let server = server().await;
    let client = client(&server).await;
    let before = id_token(&flow(&server, &client, &[("scope", "openid")]).await);
    let path = format!("/api/admin/users/{}", server.user(&USER).await.id);
    server.put(&path).basic(&ADMIN).json(&json!({ "userName": "lovelace" })).send().await.expect(200);
    let renamed = testkit::TestUser { name: "lovelace", password: USER.password };
    let code = client.code_with(&server, &renamed, &[("scope", "openid")]).await;
    let after = id_token(&client.exchange(&server, &code).await.expect(200).json());
    assert_eq!(before["sub"], after["sub"]);
    assert_eq!(before["sub"].as_str().unwrap().len(), 22, "opaque");
}

#[tokio::test]
async fn pairwise_subjects_differ_between_sectors() {
    let server = server().await;
    let public = client(&server).await;
    let pairwise = client_with(&server, json!({ "openid": { "subjectType": "pairwise" } })).await;
    let same = client_with(&server, json!({ "openid": { "subjectType": "pairwise" } })).await;
    let mut subjects = Vec::new();
    for client in [&public, &pairwise, &same] {
        let response = flow(&server, client, &[("scope", "openid")]).await;
        let subject = id_token(&response)["sub"].clone();
        assert_eq!(userinfo(&server, &response).await["sub"], subject);
        subjects.push(subject);
    }
    assert!(subjects[0] != subjects[1] && subjects[1] == subjects[2], "one sector, one subject");
}

#[tokio::test]
async fn an_application_chooses_the_algorithms() {
    let server = server().await;
    for algorithm in ["EdDSA", "ES256", "PS256", "RS256"] {
        let members = json!({ "openid": {
            "idTokenSignedResponseAlg": algorithm, "userinfoSignedResponseAlg": algorithm,
        } });
        let client = client_with(&server, members).await;
        let response = flow(&server, &client, &[("scope", "openid")]).await;
        let (header, claims) = decoded(response["id_token"].as_str().unwrap());
        assert_eq!(header["alg"], algorithm);
        let at_hash = claims["at_hash"].as_str().unwrap();
        assert_eq!(at_hash.len(), if algorithm == "EdDSA" { 43 } else { 22 });
        let access = response["access_token"].as_str().unwrap();
        let answer = server.get(USERINFO).bearer(access).send().await.expect(200);
        assert_eq!(answer.headers()["content-type"], "application/jwt");
        let (header, signed) = decoded(answer.text());
        assert_eq!(header["alg"], algorithm);
        assert_eq!((&signed["sub"], &signed["aud"]), (&claims["sub"], &json!(client.identifier)));
    }
}

#[tokio::test]
async fn the_claims_parameter_names_claims_for_either_place() {
    let server = server().await;
    describe(
        &server,
        json!({ "email": "ada@example.com", "nickname": "Ada", "phoneNumber": "+44 20 7946 0123" }),
    )
    .await;
    let client = client(&server).await;
    let claims = r#"{"userinfo":{"email":{"essential":true}},"id_token":{"nickname":null,"unknown":null}}"#;
    let mut browser = server.browser();
    browser.get(&client.authorize_url(&[("scope", "openid"), ("claims", claims)])).await;
    let page = browser.sign_in(&USER).await.expect(200).text().to_owned();
    assert!(page.contains("See your email address"), "the user allows what the claims reveal: {page}");
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    let answer = browser.submit(form).await;
    let code = parameter(&answer, "code").unwrap();
    let response = client.exchange(&server, &code).await.expect(200).json();
    assert_eq!(response["scope"], "openid", "a claim is not a scope");
    let token = id_token(&response);
    assert_eq!(token["nickname"], "Ada");
    assert!(token.get("email").is_none());
    let known = userinfo(&server, &response).await;
    assert_eq!(known["email"], "ada@example.com");
    assert!(known.get("nickname").is_none() && known.get("phone_number").is_none());
}

#[tokio::test]
async fn malformed_requests_get_an_error_and_never_a_server_error() {
    let server = server().await;
    let client = client(&server).await;
    for max_age in ["-1", " 10", "1e9", "12345678901234567890", "1.0"] {
        let more = [("scope", "openid"), ("max_age", max_age)];
        assert_eq!(error_of(&server, &client, &more).await, "invalid_request", "{max_age:?}");
    }
    for claims in ["[]", "7", "null", "{", r#"{"userinfo":[]}"#] {
        let more = [("scope", "openid"), ("claims", claims)];
        assert_eq!(error_of(&server, &client, &more).await, "invalid_request", "{claims}");
    }
    let acr = r#"{"id_token":{"acr":{"essential":true,"values":["gold"]}}}"#;
    let error = error_of(&server, &client, &[("scope", "openid"), ("claims", acr)]).await;
    assert_eq!(error, "unmet_authentication_requirements");
    let harmless = [
        ("scope", "openid"),
        ("acr_values", "gold silver"),
        ("display", "hologram"),
        ("ui_locales", "xx"),
        ("claims_locales", "de"),
    ];
    assert!(flow(&server, &client, &harmless).await.get("id_token").is_some());
}

#[tokio::test]
async fn max_age_asks_for_a_new_sign_in_once() {
    let server = server().await;
    let client = client(&server).await;
    let url = |max_age| client.authorize_url(&[("scope", "openid"), ("max_age", max_age)]);
    let mut browser = server.browser();
    allow(&mut browser, &USER, &url("600")).await;
    server.clock().advance_secs(300);
    assert!(parameter(&browser.get(&url("600")).await.expect(303), "code").is_some());
    server.clock().advance_secs(301);
    let silent = client.authorize_url(&[("scope", "openid"), ("max_age", "600"), ("prompt", "none")]);
    assert_eq!(
        parameter(&browser.get(&silent).await.expect(303), "error").as_deref(),
        Some("login_required")
    );
    for max_age in ["600", "0"] {
        let page = browser.get(&url(max_age)).await.expect(200).text().to_owned();
        assert!(page.contains("login-submit"), "{page}");
        let answer = browser.sign_in(&USER).await.expect(303);
        let code = parameter(&answer, "code").unwrap();
        let token = id_token(&client.exchange(&server, &code).await.expect(200).json());
        assert_eq!(token["auth_time"], token["iat"]);
    }
}

#[tokio::test]
async fn a_hint_names_the_user_who_must_be_signed_in() {
    let server = server().await;
    let client = client(&server).await;
    let response = flow(&server, &client, &[("scope", "openid")]).await;
    let hint = response["id_token"].as_str().unwrap();
    let url = client.authorize_url(&[("scope", "openid"), ("prompt", "none"), ("id_token_hint", hint)]);
    let mut browser = server.browser();
    browser.get("/login").await;
    browser.sign_in(&USER).await;
    assert!(parameter(&browser.get(&url).await.expect(303), "code").is_some());
    let mut browser = server.browser();
    browser.get("/login").await;
    browser.sign_in(&OTHER).await;
    assert_eq!(parameter(&browser.get(&url).await.expect(303), "error").as_deref(), Some("login_required"));
    for wrong in ["nonsense", response["access_token"].as_str().unwrap()] {
        let more = [("scope", "openid"), ("id_token_hint", wrong)];
        assert_eq!(error_of(&server, &client, &more).await, "invalid_request");
    }
    let others = self::client(&server).await;
    let more = [("scope", "openid"), ("id_token_hint", hint)];
    assert_eq!(error_of(&server, &others, &more).await, "invalid_request", "the hint of another application");
}

#[tokio::test]
async fn a_login_hint_fills_the_sign_in_page() {
    let server = server().await;
    let client = client(&server).await;
    let url = client.authorize_url(&[("scope", "openid"), ("login_hint", "ada\"><script>")]);
    let page = server.browser().get(&url).await.expect(200).text().to_owned();
    assert!(page.contains("value=\"ada&#34;&#62;&#60;script&#62;\""), "{page}");
}

#[tokio::test]
async fn a_password_grant_gives_no_id_token() {
    let server = server().await;
    let client = client_with(&server, json!({ "grantTypes": ["password", "refresh_token"] })).await;
    let mut fields = crate::client::password_fields(&USER).to_vec();
    fields.push(("scope", "openid"));
    let response = client.token(&server, &fields).await.expect(200).json();
    assert!(response.get("id_token").is_none());
    let refreshed = client.refresh(&server, response["refresh_token"].as_str().unwrap()).await.expect(200);
    assert!(refreshed.json().get("id_token").is_none(), "{refreshed:?}");
}

#[tokio::test]
async fn members_of_openid_are_checked_and_returned() {
    let server = server().await;
    let members = json!({
        "subjectType": "pairwise", "defaultMaxAge": 600, "requireAuthTime": true,
        "postLogoutRedirectUris": ["https://client.example/bye"],
        "frontchannelLogoutUri": "https://client.example/logout",
    });
    let body = json!({ "name": "Ship", "redirectUrls": [crate::client::CALLBACK], "openid": members });
    let made =
        server.post(crate::client::APPLICATIONS).basic(&USER).json(&body).send().await.expect(201).json();
    assert_eq!(made["openid"], members);
    let path = format!("{}/{}", crate::client::APPLICATIONS, made["id"]);
    let kept = json!({ "name": "Ship", "redirectUrls": [crate::client::CALLBACK] });
    let kept = server.put(&path).basic(&USER).json(&kept).send().await.expect(200).json();
    assert_eq!(kept["openid"], members, "an omitted object keeps what is stored");
    let wrong = json!({ "name": "Ship", "redirectUrls": [crate::client::CALLBACK], "openid": {
        "idTokenSignedResponseAlg": "none", "postLogoutRedirectUris": ["javascript:alert(1)"],
        "frontchannelLogoutUri": "http://client.example/",
    } });
    let refused = server.put(&path).basic(&USER).json(&wrong).send().await.expect(400);
    let mut fields = refused.faulty_fields();
    fields.sort_unstable();
    assert_eq!(
        fields,
        ["openid.frontchannelLogoutUri", "openid.idTokenSignedResponseAlg", "openid.postLogoutRedirectUris"]
    );
}

#[tokio::test]
async fn applications_in_a_browser_reach_userinfo() {
    let server = server().await;
    let client = client_with(&server, json!({ "corsOrigins": ["https://pages.example"] })).await;
    let response = flow(&server, &client, &[("scope", "openid")]).await;
    let access = response["access_token"].as_str().unwrap();
    for (origin, may_read) in [("https://pages.example", true), ("https://evil.example", false)] {
        let answer = server.get(USERINFO).header("origin", origin).bearer(access).send().await.expect(200);
        let allowed = answer.headers().get("access-control-allow-origin");
        assert_eq!(allowed.is_some_and(|allowed| allowed == origin), may_read, "{origin}");
    }
}
