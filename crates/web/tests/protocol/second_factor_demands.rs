//! A second factor that a role, an application or a request demands.

use app::node::clock::Clock as _;
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, ClientKey, TestServer, USER};

use crate::backchannel::{self, ask, ask_with, newest, requests_of, till, till_with};
use crate::client::{
    APPLICATIONS, CALLBACK, CHALLENGE, Client, Tokens, allow, assert_refused, parameter, password_fields,
};
use crate::openid::{decoded, server};
use crate::second_factor::{half_signed_in, holder, now_code, set_up_as_demanded, type_code};

const ACR: &str = "https://refeds.org/profile/mfa";
const PASSWORD_ACR: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
const OPENID: (&str, &str) = ("scope", "openid");
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn client_with(server: &TestServer, members: Value) -> Client {
    let mut all = json!({ "scopes": ["odata", "openid"] });
    all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    Client::register_with(server, all).await
}

fn essential(acr: &str) -> String {
    json!({ "id_token": { "acr": { "essential": true, "value": acr } } }).to_string()
}

fn is_led(page: &Answer) -> bool {
    page.status() == 200 && page.text().contains("id=\"second-factor-needed\"")
}

/// The claims of the ID token for the code in this response.
async fn id_token(server: &TestServer, client: &Client, answer: &Answer) -> Value {
    let code = parameter(answer, "code").unwrap();
    let reply = client.exchange_verified(server, &code).await.expect(200).json();
    decoded(reply["id_token"].as_str().unwrap()).1
}

#[tokio::test]
async fn a_request_for_a_second_factor_leads_to_one() {
    let server = server().await;
    let client = client_with(&server, json!({})).await;
    let challenge = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let url = |more: &[(&str, &str)]| client.authorize_url(&[&challenge[..], &[OPENID], more].concat());
    let mut browser = server.browser();
    let claims = essential(ACR);
    browser.get(&url(&[("acr_values", ACR)])).await;
    assert!(is_led(&browser.sign_in(&USER).await), "{}", browser.page().text());
    for demand in
        [("acr_values", ACR), ("acr_values", "gold https://refeds.org/profile/mfa"), ("claims", &claims)]
    {
        assert!(is_led(&browser.get(&url(&[demand])).await), "{demand:?}");
        let silent = browser.get(&url(&[demand, ("prompt", "none")])).await.expect(303);
        assert_eq!(parameter(&silent, "error").as_deref(), Some("interaction_required"));
    }
    let voluntary = json!({ "id_token": { "acr": { "value": ACR } } }).to_string();
    let both = format!("{ACR} {PASSWORD_ACR}");
    for wish in [("acr_values", both.as_str()), ("acr_values", "gold"), ("claims", &voluntary)] {
        assert!(browser.get(&url(&[wish])).await.expect(200).text().contains("consent-allow"), "{wish:?}");
    }
    let unmet = browser.get(&url(&[("claims", &essential("gold"))])).await.expect(303);
    assert_eq!(parameter(&unmet, "error").as_deref(), Some("unmet_authentication_requirements"));
    browser.get(&url(&[("acr_values", ACR)])).await;
    set_up_as_demanded(&server, &mut browser, &USER).await;
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    let answer = browser.submit(form).await;
    assert_eq!(id_token(&server, &client, &answer).await["acr"], ACR);
}

/// Whoever has an authenticator shows a code on the second page, and is not asked again in the same session.
#[tokio::test]
async fn a_user_with_a_second_factor_meets_every_demand() {
    let server = server().await;
    let client = client_with(&server, json!({ "requireSecondFactor": true })).await;
    let owner = holder(&server, &USER).await;
    let challenge = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let url = client.authorize_url(&[&challenge[..], &[OPENID, ("acr_values", ACR)]].concat());
    let mut browser = server.browser();
    browser.get(&url).await;
    let page = browser.sign_in(&USER).await.expect(200);
    assert!(page.text().contains("id=\"factor-submit\""), "{}", page.text());
    type_code(&mut browser, &now_code(&server, &owner.secret)).await;
    let answer = allow(&mut browser, &USER, &url).await;
    assert_eq!(id_token(&server, &client, &answer).await["acr"], ACR);
    let silent = browser.get(&format!("{url}&prompt=none")).await.expect(303);
    assert_eq!(id_token(&server, &client, &silent).await["acr"], ACR);
}

#[tokio::test]
async fn an_application_demands_a_second_factor_of_its_users() {
    let server = server().await;
    let client = client_with(
        &server,
        json!({ "requireSecondFactor": true, "grantTypes": ["authorization_code", "password"] }),
    )
    .await;
    let path = format!("{APPLICATIONS}/{}", client.id);
    assert_eq!(server.get(&path).basic(&USER).send().await.expect(200).json()["requireSecondFactor"], true);
    assert_refused(&client.token(&server, &password_fields(&USER)).await, 400, "unauthorized_client");
    let mut browser = server.browser();
    browser.get("/login").await;
    browser.sign_in(&USER).await.expect(200);
    let weaker = client.authorize_url(&[("acr_values", PASSWORD_ACR)]);
    assert!(is_led(&browser.get(&weaker).await), "a request cannot ask for less");
    let silent = browser.get(&format!("{weaker}&prompt=none")).await.expect(303);
    assert_eq!(parameter(&silent, "error").as_deref(), Some("interaction_required"));
    server.get(&weaker).basic(&USER).send().await.expect(200);
    browser.get(&weaker).await;
    set_up_as_demanded(&server, &mut browser, &USER).await;
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    Tokens::of(&client.exchange(&server, &parameter(&browser.submit(form).await, "code").unwrap()).await);
}

/// The form of the consent page proves nothing: the application may have demanded a second factor meanwhile.
#[tokio::test]
async fn a_demand_counts_although_the_consent_page_was_open_before() {
    let server = server().await;
    let client = client_with(&server, json!({})).await;
    let mut browser = server.browser();
    browser.get(&client.authorize_url(&[])).await;
    browser.sign_in(&USER).await.expect(200);
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    let path = format!("{APPLICATIONS}/{}", client.id);
    let mut members = server.get(&path).basic(&USER).send().await.expect(200).json();
    members["requireSecondFactor"] = json!(true);
    let changed = json!({ "name": members["name"], "redirectUrls": members["redirectUrls"], "requireSecondFactor": true });
    server.put(&path).basic(&USER).json(&changed).send().await.expect(200);
    assert!(is_led(&browser.submit(form).await));
}

#[tokio::test]
async fn pushed_and_signed_requests_go_on_after_a_second_factor_was_set_up() {
    let server = server().await;
    let key = ClientKey::new(1);
    let client = client_with(&server, json!({ "jwks": { "keys": [key.jwk()] } })).await;
    let request = [
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid"),
        ("acr_values", ACR),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
    ];
    for name in ["request_uri", "request"] {
        let value = if name == "request" {
            let mut claims = json!({
                "iss": client.identifier, "aud": "http://127.0.0.1:8080", "client_id": client.identifier,
                "exp": server.clock().now().as_secs() + 60,
            });
            for (name, value) in request {
                claims[name] = json!(value);
            }
            key.sign_with_header(&json!({ "alg": "EdDSA", "typ": "oauth-authz-req+jwt" }), &claims)
        } else {
            let pushed = client.post(&server, "/oauth2/par", &request).await.expect(201).json();
            pushed["request_uri"].as_str().unwrap().to_owned()
        };
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("client_id", &client.identifier).append_pair(name, &value);
        let mut browser = server.browser();
        browser.get(&format!("/oauth2/authorize?{}", query.finish())).await;
        assert!(is_led(&browser.sign_in(&USER).await), "{name}: {}", browser.page().text());
        server.clock().advance_secs(120);
        let page = set_up_as_demanded(&server, &mut browser, &USER).await;
        // The second time, the user has allowed it before.
        let answer = match page.status() {
            303 => page,
            _ => browser.submit(browser.form_with_button("consent-allow").press("consent-allow")).await,
        };
        assert_eq!(id_token(&server, &client, &answer).await["acr"], ACR, "{name}");
        let path = format!("/api/admin/users/{}/secondfactor", server.user(&USER).await.id);
        server.delete(&path).basic(&ADMIN).send().await.expect(204);
    }
}

#[tokio::test]
async fn a_device_is_allowed_after_a_second_factor_was_set_up() {
    let server = server().await;
    let members = json!({
        "clientType": "public", "grantTypes": [DEVICE_GRANT], "redirectUrls": [], "requireSecondFactor": true,
    });
    let client = Client::register_with(&server, members).await;
    let codes = client.post(&server, "/oauth2/device_authorization", &[]).await.expect(200).json();
    let code = codes["user_code"].as_str().unwrap();
    let mut browser = server.browser();
    browser.get(&format!("/device?user_code={code}")).await;
    browser.sign_in(&USER).await.expect(200);
    let form = browser.form_with_button("device-continue");
    assert!(is_led(&browser.submit(form).await), "{}", browser.page().text());
    set_up_as_demanded(&server, &mut browser, &USER).await;
    let form = browser.form_with_button("device-continue");
    browser.submit(form).await.expect(200);
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    assert!(browser.submit(form).await.expect(200).text().contains("device-allowed"));
    let poll = [("grant_type", DEVICE_GRANT), ("device_code", codes["device_code"].as_str().unwrap())];
    client.token(&server, &poll).await.expect(200);
}

#[tokio::test]
async fn a_backchannel_request_is_allowed_after_a_second_factor_was_set_up() {
    let server = server().await;
    let plain = till(&server).await;
    let unmet =
        ask_with(&server, &plain, &[OPENID, ("login_hint", USER.name), ("claims", &essential(ACR))]).await;
    assert_refused(&unmet, 400, "unmet_authentication_requirements");
    let client = till_with(&server, json!({ "requireSecondFactor": true })).await;
    let id = ask(&server, &client, &[]).await;
    let mut browser = requests_of(&server, &USER).await;
    let address = newest(&browser);
    assert!(is_led(&browser.get(&address).await));
    set_up_as_demanded(&server, &mut browser, &USER).await;
    backchannel::press(&mut browser, "consent-allow").await.expect(200);
    let reply = backchannel::poll(&server, &client, &id).await.expect(200).json();
    assert_eq!(decoded(reply["id_token"].as_str().unwrap()).1["acr"], ACR);
    server.clock().advance_secs(5);
    ask(&server, &plain, &[("claims", &essential(ACR))]).await;
}

/// A role that demands a second factor, given to the user. Returns the path of the role.
async fn demanding_role(server: &TestServer) -> String {
    let member =
        json!({ "name": "Careful", "description": "", "permissions": [11], "requireSecondFactor": true });
    let role = server.post("/api/admin/roles").basic(&ADMIN).json(&member).send().await.expect(201).json();
    assert_eq!(role["requireSecondFactor"], true);
    let user = format!("/api/admin/users/{}", server.user(&USER).await.id);
    let roles = json!({ "permissions": { "roles": [2, role["id"]] } });
    server.put(&user).basic(&ADMIN).json(&roles).send().await.expect(200);
    format!("/api/admin/roles/{}", role["id"])
}

#[tokio::test]
async fn a_role_demands_a_second_factor_of_its_users() {
    let server = server().await;
    let client = client_with(&server, json!({ "grantTypes": ["authorization_code", "password"] })).await;
    let mut browser = server.browser();
    browser.get("/login").await;
    browser.sign_in(&USER).await.expect(200);
    server.get(APPLICATIONS).basic(&USER).send().await.expect(200);
    let path = demanding_role(&server).await;
    for refused in [APPLICATIONS, "/api/odata4/shop"] {
        let answer = server.get(refused).basic(&USER).send().await.expect(401);
        assert!(answer.text().contains("second factor"), "{}", answer.text());
    }
    assert_refused(&client.token(&server, &password_fields(&USER)).await, 400, "invalid_grant");
    server.get(&client.authorize_url(&[])).basic(&USER).send().await.expect(401);
    let cookie = browser.cookie_line();
    let refused = server.get(APPLICATIONS).header("cookie", &cookie).send().await.expect(401);
    assert!(refused.text().contains("/account/security"), "{}", refused.text());
    let url = client.authorize_url(&[]);
    for page in ["/account", "/account/tokens", "/account/password", "/account/requests", "/device", &url] {
        assert!(is_led(&browser.get(page).await), "{page}");
    }
    let silent = browser.get(&format!("{url}&prompt=none")).await.expect(303);
    assert_eq!(parameter(&silent, "error").as_deref(), Some("interaction_required"));
    browser.get("/account/profile").await;
    let page = set_up_as_demanded(&server, &mut browser, &USER).await.expect(200);
    assert!(page.text().contains("profile-submit"), "{}", page.text());
    let cookie = browser.cookie_line();
    server.get(APPLICATIONS).header("cookie", &cookie).send().await.expect(200);
    allow(&mut browser, &USER, &url).await;
    let without = json!({ "name": "Careful", "description": "all", "permissions": [11] });
    let kept = server.put(&path).basic(&ADMIN).json(&without).send().await.expect(200).json();
    assert_eq!(kept["requireSecondFactor"], true, "a member that is left out stays");
    let free =
        json!({ "name": "Careful", "description": "all", "permissions": [11], "requireSecondFactor": false });
    let ended = server.put(&path).basic(&ADMIN).json(&free).send().await.expect(200).json();
    assert!(ended.get("requireSecondFactor").is_none());
    let events = server.get("/api/admin/audit?action=role.update").basic(&ADMIN).send().await;
    assert!(events.text().contains("its users need a second factor"), "{}", events.text());
}

/// Sign-in, with a role that demands a second factor and a user who has none, leads to nothing else.
#[tokio::test]
async fn a_sign_in_of_a_role_with_a_demand_is_complete_with_a_code() {
    let server = server().await;
    demanding_role(&server).await;
    let mut browser = server.browser();
    browser.get("/login").await;
    assert!(is_led(&browser.sign_in(&USER).await));
    set_up_as_demanded(&server, &mut browser, &USER).await;
    server.clock().advance_secs(30);
    let secret = browser.get("/account/security").await.expect(200);
    assert!(secret.text().contains("10 recovery codes left"), "{}", secret.text());
    let half = half_signed_in(&server, &USER).await;
    assert!(!half.page().text().contains("logout-submit"));
    browser.get("/account/security/remove").await;
    let path = format!("/api/admin/users/{}/secondfactor", server.user(&USER).await.id);
    server.delete(&path).basic(&ADMIN).send().await.expect(204);
    assert!(is_led(&browser.get("/account").await), "who has removed it sets up another one");
}
