//! A code ends with the browser session in which it was issued.

use app::identity::caller::RequestOrigin;
use app::node::clock::Clock as _;
use serde_json::json;
use testkit::{ADMIN, Browser, OTHER, TestServer, USER};

use crate::client::{Client, allow, assert_refused, parameter};
use crate::ended_access::revoke;

/// A way in which a session ends.
#[derive(Debug, Clone, Copy)]
enum End {
    SignOut,
    LogoutWithHint,
    AgreedLogout,
    AnotherUser,
    ByAdministrator,
    AccessOfUser,
    OlderAccess,
    NewPassword,
    DisabledUser,
    DeletedUser,
}

impl End {
    /// Whether all sessions of the user end.
    const fn is_everywhere(self) -> bool {
        match self {
            Self::SignOut
            | Self::LogoutWithHint
            | Self::AgreedLogout
            | Self::AnotherUser
            | Self::ByAdministrator => false,
            Self::AccessOfUser
            | Self::OlderAccess
            | Self::NewPassword
            | Self::DisabledUser
            | Self::DeletedUser => true,
        }
    }
}

async fn end(server: &TestServer, browser: &mut Browser<'_>, hint: &str, by: End) {
    let user = server.user(&USER).await.id;
    match by {
        End::SignOut => sign_out(browser).await,
        End::LogoutWithHint => {
            browser.get(&format!("/oauth2/logout?id_token_hint={hint}")).await.expect(200);
        }
        End::AgreedLogout => {
            browser.get("/oauth2/logout").await.expect(200);
            let form = browser.form("/oauth2/logout/confirm");
            browser.submit(form).await.expect(200);
        }
        End::AnotherUser => {
            browser.get("/login").await.expect(200);
            browser.sign_in(&OTHER).await.expect(200);
        }
        End::ByAdministrator => {
            let (sessions, from) = (server.app().user_sessions(), RequestOrigin::command_line());
            let operator = server.app().operator().caller().await.unwrap().unwrap();
            let oldest = sessions.list(&operator, user, &from).await.unwrap().remove(0).id;
            sessions.end(&operator, user, oldest, &from).await.unwrap();
        }
        End::AccessOfUser => revoke(server, json!({ "user": user.get() })).await,
        End::OlderAccess => {
            server.clock().advance_secs(1);
            let now = jiff::Timestamp::from_microsecond(server.clock().now().as_micros()).unwrap();
            revoke(server, json!({ "issuedBefore": now.to_string() })).await;
        }
        End::NewPassword => {
            browser.get("/account/password").await.expect(200);
            let form = browser.form("/account/password").fill("current", USER.password);
            let new = "a lantern over the lock";
            browser.submit(form.fill("new", new).fill("again", new)).await.expect(200);
        }
        End::DisabledUser => {
            let off = json!({ "statusInfo": { "status": 0 } });
            server.put(&format!("/api/admin/users/{user}")).basic(&ADMIN).json(&off).send().await.expect(200);
        }
        End::DeletedUser => {
            server.delete(&format!("/api/admin/users/{user}")).basic(&ADMIN).send().await.expect(204);
        }
    }
}

async fn sign_out(browser: &mut Browser<'_>) {
    browser.get("/logout").await.expect(200);
    let form = browser.form("/logout");
    browser.submit(form).await;
}

async fn code(browser: &mut Browser<'_>, client: &Client, scope: &str) -> String {
    let answer = allow(browser, &USER, &client.authorize_url(&[("scope", scope)])).await;
    parameter(&answer, "code").unwrap()
}

async fn client(server: &TestServer) -> Client {
    let members = json!({ "scopes": ["openid", "offline_access", "odata"] });
    Client::register_as(server, &ADMIN, members).await
}

#[tokio::test]
async fn a_code_ends_with_its_session_however_that_ends() {
    for by in [
        End::SignOut,
        End::LogoutWithHint,
        End::AgreedLogout,
        End::AnotherUser,
        End::ByAdministrator,
        End::AccessOfUser,
        End::OlderAccess,
        End::NewPassword,
        End::DisabledUser,
        End::DeletedUser,
    ] {
        let server = crate::openid::server().await;
        let client = client(&server).await;
        let (mut browser, mut elsewhere) = (server.browser(), server.browser());
        let first = code(&mut browser, &client, "openid").await;
        let hint = client.exchange(&server, &first).await.expect(200).json()["id_token"].clone();
        let mut codes = Vec::new();
        for scope in ["odata", "openid", "openid offline_access odata"] {
            codes.push(code(&mut browser, &client, scope).await);
        }
        let other = code(&mut elsewhere, &client, "odata").await;
        end(&server, &mut browser, hint.as_str().unwrap(), by).await;
        for code in codes {
            assert_refused(&client.exchange(&server, &code).await, 400, "invalid_grant");
        }
        let status = client.exchange(&server, &other).await.status();
        assert_eq!(status, if by.is_everywhere() { 400 } else { 200 }, "{by:?}");
    }
}

#[tokio::test]
async fn a_code_stays_valid_when_its_user_signs_in_again() {
    let server = crate::openid::server().await;
    let client = client(&server).await;
    let mut browser = server.browser();
    let first = code(&mut browser, &client, "odata").await;
    server.clock().advance_secs(1);
    browser.get(&client.authorize_url(&[("scope", "odata"), ("prompt", "login")])).await.expect(200);
    browser.sign_in(&USER).await;
    client.exchange(&server, &first).await.expect(200);
}

/// The attack: a consent page that was left open at a shared computer.
#[tokio::test]
async fn a_consent_page_that_was_open_at_the_sign_out_allows_nothing() {
    let server = crate::openid::server().await;
    let client = client(&server).await;
    let mut browser = server.browser();
    browser.get(&client.authorize_url(&[("scope", "odata")])).await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    let left_open = browser.form_with_button("consent-allow").press("consent-allow");
    sign_out(&mut browser).await;
    assert_ne!(browser.submit(left_open).await.status(), 303);
    let path = "/api/mgmt/oauth/client/allowedapplications";
    let allowed = server.get(path).basic(&USER).send().await.expect(200).json();
    assert_eq!(allowed["applications"], json!([]), "{allowed}");
}
