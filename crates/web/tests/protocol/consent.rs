//! The consent page: consent is stored, more scopes are asked for again, and nobody can press the button for
//! another user.

use domain::audit::Action;
use domain::id::ApplicationId;
use serde_json::json;
use testkit::{ADMIN, Browser, OTHER, TestServer, USER};

use crate::client::{CALLBACK, Client, S256, allow, parameter};

/// A browser that shows the consent page of the client.
async fn consent_page<'a>(server: &'a TestServer, client: &Client, more: &[(&str, &str)]) -> Browser<'a> {
    let mut browser = server.browser();
    browser.get(&client.authorize_url(more)).await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    assert!(browser.page().text().contains("consent-allow"), "{}", browser.page().text());
    browser
}

#[tokio::test]
async fn a_consent_is_stored_and_further_scopes_need_a_new_one() {
    let server = TestServer::start().await;
    let both = json!({ "scopes": ["api.access.odata", "api.mgmt"] });
    let client = Client::register_as(&server, &ADMIN, both).await;
    let mut browser = consent_page(&server, &client, &[]).await;
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    browser.submit(form).await.expect(303);
    let again = browser.get(&client.authorize_url(&[("scope", "odata")])).await.expect(303);
    assert!(parameter(&again, "code").is_some());
    let wider = [("scope", "odata api.mgmt")];
    let page = browser.get(&client.authorize_url(&wider)).await.expect(200);
    assert!(page.text().contains("consent-allow") && page.text().contains("managing"));
    allow(&mut browser, &USER, &client.authorize_url(&wider)).await;
    for more in [&wider[..], &[]] {
        browser.get(&client.authorize_url(more)).await.expect(303);
    }
    let other = Client::register(&server).await;
    assert!(browser.get(&other.authorize_url(&[])).await.text().contains("consent-allow"));
}

#[tokio::test]
async fn the_consent_page_warns_of_an_app_on_this_device() {
    let server = TestServer::start().await;
    for (callback, shown, is_warned) in [
        ("http://127.0.0.1:7777/cb", "http://127.0.0.1:7777", true),
        ("http://localhost:7777/cb", "http://localhost:7777", true),
        ("https://client.example/cb", "https://client.example", false),
    ] {
        let body = json!({ "redirectUrls": [callback], "clientType": "public" });
        let client = Client::register_as(&server, &USER, body).await;
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let request = client.authorize_url(&S256).replace(&encode(CALLBACK), &encode(callback));
        let mut browser = server.browser();
        browser.get(&request).await.expect(200);
        let page = browser.sign_in(&USER).await.expect(200);
        let text = page.text();
        assert!(text.contains(&format!("<code id=\"destination\">{shown}</code>")), "{text}");
        assert_eq!(text.contains("Any program on this device"), is_warned, "{text}");
    }
}

#[tokio::test]
async fn denying_sends_the_documented_error_and_allows_nothing() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let mut browser = consent_page(&server, &client, &[("state", "s")]).await;
    let form = browser.form_with_button("consent-deny").press("consent-deny");
    let answer = browser.submit(form).await.expect(303);
    assert_eq!(parameter(&answer, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&answer, "error_description").as_deref(), Some("User denied OAuth access"));
    assert_eq!(parameter(&answer, "state").as_deref(), Some("s"));
    assert!(parameter(&answer, "iss").is_some());
    let page = browser.get(&client.authorize_url(&[])).await.expect(200);
    assert!(page.text().contains("consent-allow"));
    let audit = server.audit_of(ApplicationId::new(client.id)).await;
    assert!(audit.iter().any(|event| event.action == Action::DenyApplication));
}

#[tokio::test]
async fn pages_in_a_flow_allow_further_redirects_and_cannot_be_framed() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let mut browser = server.browser();
    let login = browser.get(&client.authorize_url(&[])).await.expect(200);
    assert!(login.text().contains("https://client.example"), "{}", login.text());
    let consent = browser.sign_in(&USER).await.expect(200);
    for page in [login, consent] {
        let policy = page.header("content-security-policy");
        assert!(
            !policy.contains("form-action"),
            "the client may send the browser on, wherever it likes: {policy}"
        );
        assert_eq!(page.header("cross-origin-opener-policy"), "", "the window that opened ours waits for it");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert!(!page.text().contains("<script") && page.text().contains("<html lang=\"en\">"));
    }
    let plain = server.get("/login").send().await.expect(200);
    assert!(plain.header("content-security-policy").ends_with("form-action 'self'"));
    assert_eq!(plain.header("cross-origin-opener-policy"), "");
    let error = server.get("/oauth2/authorize?client_id=x").send().await.expect(400);
    assert!(error.header("content-security-policy").ends_with("form-action 'self'"));
    assert_eq!(error.header("cross-origin-opener-policy"), "");
    for own in ["/", "/account", "/account/password", "/docs", "/logout"] {
        let page = browser.get(own).await.expect(200);
        assert_eq!(page.header("cross-origin-opener-policy"), "same-origin", "{own}");
        assert!(page.header("content-security-policy").ends_with("form-action 'self'"), "{own}");
    }
}

#[tokio::test]
async fn the_sign_in_page_keeps_its_destination_after_a_wrong_password() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let mut browser = server.browser();
    browser.get(&client.authorize_url(&[])).await.expect(200);
    let wrong = testkit::TestUser { name: USER.name, password: "wrong" };
    let page = browser.sign_in(&wrong).await.expect(401);
    assert!(page.text().contains("Harbour Reports"), "{}", page.text());
    assert!(!page.header("content-security-policy").contains("form-action"));
    assert!(browser.sign_in(&USER).await.expect(200).text().contains("consent-allow"));
}

#[tokio::test]
async fn a_consent_form_of_another_browser_or_site_is_refused() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let browser = consent_page(&server, &client, &[]).await;
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    let field = |name: &str| form.fields.iter().find(|(given, _)| given == name).unwrap().1.clone();
    let (csrf, request) = (field("csrf"), field("request"));
    let session = format!("sluicegate={}", server.session(&USER).await);
    let cookie = browser.cookie_line();
    let post = async |cookie: &str, csrf: &str, decision: &str, site: Option<&str>| {
        let fields = [("csrf", csrf), ("request", request.as_str()), ("decision", decision)];
        let mut call = server.post("/oauth2/consent").header("cookie", cookie).form(&fields);
        if let Some(site) = site {
            call = call.header("sec-fetch-site", site);
        }
        call.send().await
    };
    for (cookie, csrf, decision, site) in [
        (&session, csrf.as_str(), "allow", None),
        (&cookie, "", "allow", None),
        (&cookie, "AAAA", "allow", None),
        (&cookie, csrf.as_str(), "allow", Some("cross-site")),
        (&cookie, csrf.as_str(), "allow", Some("same-site")),
        (&cookie, csrf.as_str(), "", None),
    ] {
        let answer = post(cookie, csrf, decision, site).await.expect(403);
        assert!(answer.text().contains("error-title"));
    }
    let nobody = post("a=b", &csrf, "allow", None).await.expect(200);
    assert!(nobody.text().contains("login-submit"));
    let consented = server.store();
    let user = server.user(&USER).await.id;
    let found = store::Grants::find_consent(consented, user, ApplicationId::new(client.id)).await.unwrap();
    assert_eq!(found, None, "nothing was allowed");
    post(&cookie, &csrf, "allow", Some("same-origin")).await.expect(303);
}

#[tokio::test]
async fn the_request_in_the_consent_form_is_validated_again() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let mut browser = consent_page(&server, &client, &[]).await;
    let evil =
        format!("response_type=code&client_id={}&redirect_uri=https%3A%2F%2Fevil.example", client.identifier);
    let form = browser.form_with_button("consent-allow").press("consent-allow").fill("request", &evil);
    let answer = browser.submit(form).await.expect(400);
    assert!(answer.text().contains("error-title"));
}

/// The text of the page without its markup.
fn words(page: &str) -> String {
    let parts = page.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    parts.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_consent_page_shows_scheme_host_and_port_of_the_destination() {
    let server = TestServer::start().await;
    for (redirect, response, never) in [
        (
            "com.evil.app://accounts.google.com/cb",
            "an app on this device that answers to com.evil.app:",
            "google",
        ),
        ("http://127.0.0.1:5000/google.com", "an app on this device, at http://127.0.0.1:5000", "google"),
        ("https://evil.example:8443/google.com", "the web site https://evil.example:8443", "google"),
        ("http://plain.example/cb", "the web site http://plain.example", "an app on this device"),
        ("https://client.example/cb", "the web site https://client.example", "not encrypted"),
    ] {
        let client = Client::register_with(&server, json!({ "redirectUrls": [redirect] })).await;
        let url = client.authorize_url(&[]).split("&redirect_uri").next().unwrap().to_owned();
        let mut browser = server.browser();
        browser.get(&url).await.expect(200);
        let login = words(browser.page().text());
        browser.sign_in(&USER).await.expect(200);
        for page in [login, words(browser.page().text())] {
            assert!(page.contains(response), "{response} is missing in {page}");
            let (before, _) = page.split_once("value=").unwrap_or((&page, ""));
            assert!(!before.contains(never), "{never} is in {page}");
        }
        assert_eq!(browser.page().text().contains("not encrypted"), redirect.starts_with("http://plain"));
    }
}

#[tokio::test]
async fn the_consent_page_names_the_creator_and_marks_the_developers_texts() {
    let server = TestServer::start().await;
    let members = json!({
        "description": "Verified by Microsoft",
        "contacts": ["ops@client.example", "+49 30 1234"],
        "logoUrl": "https://client.example/logo.png",
    });
    let client = Client::register_as(&server, &ADMIN, members).await;
    let browser = consent_page(&server, &client, &[]).await;
    let page = browser.page().text();
    let all = words(page);
    for part in ["Registered by d2cadmin , on 1 January 2026", "Allow Harbour Reports"] {
        assert!(all.contains(part), "{part} is missing in {all}");
    }
    assert!(!page.contains("Not verified"), "an Administrator answers for it: {page}");
    let said = page.split("<section class=\"said\"").nth(1).unwrap().split("</section>").next().unwrap();
    for part in
        ["Its developer writes", "Verified by Microsoft", "ops@client.example", "+49 30 1234", "not checked"]
    {
        assert!(said.contains(part), "{part} is missing in {said}");
    }
    assert!(
        said.contains("https://client.example/logo.png") && !page.contains("<img"),
        "no picture is loaded"
    );
    assert_eq!(page.matches("Verified by Microsoft").count(), 1, "never in the server's own voice");
}

#[tokio::test]
async fn only_an_application_that_an_administrator_registered_and_owns_is_not_called_unverified() {
    let server = TestServer::start().await;
    for (owner, is_verified) in [(&ADMIN, true), (&USER, false)] {
        let client = Client::register_as(&server, owner, json!({})).await;
        let mut browser = server.browser();
        let login = browser.get(&client.authorize_url(&[])).await.expect(200);
        let consent = browser.sign_in(&OTHER).await.expect(200);
        for page in [login, consent] {
            assert_eq!(!page.text().contains("Not verified"), is_verified, "{}: {}", owner.name, page.text());
        }
    }
    // Whoever inherits an application has not looked at it.
    let client = Client::register(&server).await;
    let path = format!("/api/admin/users/{}?transferTo={}", server.user(&USER).await.id, ADMIN.name);
    server.delete(&path).basic(&ADMIN).send().await.expect(204);
    let mut browser = server.browser();
    browser.get(&client.authorize_url(&[])).await.expect(200);
    let page = browser.sign_in(&OTHER).await.expect(200);
    assert!(page.text().contains("Not verified"), "{}", page.text());
}

#[tokio::test]
async fn pages_show_the_creator_of_an_application_after_a_handover() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let mut other = server.browser();
    allow(&mut other, &OTHER, &client.authorize_url(&[])).await;
    server.clock().advance_secs(3_600);
    let path = format!("/api/admin/users/{}?transferTo={}", server.user(&USER).await.id, OTHER.name);
    server.delete(&path).basic(&ADMIN).send().await.expect(204);
    let mut browser = server.browser();
    browser.get(&client.authorize_url(&[])).await.expect(200);
    browser.sign_in(&ADMIN).await.expect(200);
    let consent = words(browser.page().text());
    let connected = words(other.get("/account/applications").await.expect(200).text());
    assert!(consent.contains("Registered by d2cuser , on 1 January 2026"), "{consent}");
    assert!(connected.contains("Registered by d2cuser "), "{connected}");
    for page in [consent, connected] {
        assert!(page.contains("Handed over to other , on 1 January 2026"), "{page}");
    }
}

#[tokio::test]
async fn names_with_invisible_characters_or_imitations_of_the_server_are_refused() {
    let server = TestServer::start().await;
    let names = [
        "\u{200B}",
        "Bank\u{AD}",
        "A\u{61C}B",
        "\u{3164}",
        "A\u{E0041}",
        "Bank ✅",
        "Sluicegate Administration",
        "pаypal",
    ];
    for name in names {
        let application = json!({ "name": name, "redirectUrls": ["https://client.example/cb"] });
        let user = json!({ "userName": name, "passwordInfo": { "password": "a lantern over the lock" },
            "permissions": { "roles": [2] } });
        let role = json!({ "name": name, "permissions": [7] });
        for (path, body) in [
            (crate::client::APPLICATIONS, application),
            ("/api/admin/users", user),
            ("/api/admin/roles", role),
        ] {
            let refused = server.post(path).basic(&ADMIN).json(&body).send().await;
            assert_eq!(refused.status(), 400, "{path} {name:?}: {}", refused.text());
            assert!(refused.text().contains("must not "), "{path}: {}", refused.text());
        }
    }
}

#[tokio::test]
async fn names_of_operators_cannot_be_given_to_applications_or_users() {
    let server = TestServer::start().await;
    for name in ["Administrator", "5ystem", "IT Support", "Ádmin", "d2c-admin"] {
        let application = json!({ "name": name, "redirectUrls": ["https://client.example/cb"] });
        let user = json!({ "userName": name, "passwordInfo": { "password": "a lantern over the lock" },
            "permissions": { "roles": [2] } });
        for (path, body) in [(crate::client::APPLICATIONS, application), ("/api/admin/users", user)] {
            server.post(path).basic(&ADMIN).json(&body).send().await.expect(400);
        }
        let renamed = json!({ "userName": name });
        let path = format!("/api/admin/users/{}", server.user(&USER).await.id);
        server.put(&path).basic(&ADMIN).json(&renamed).send().await.expect(400);
    }
    let role = json!({ "name": "Support", "permissions": [7] });
    server.post("/api/admin/roles").basic(&ADMIN).json(&role).send().await.expect(201);
    // Stored names stay valid, even if they are sent again.
    let path = format!("/api/admin/users/{}", server.user(&ADMIN).await.id);
    let same = json!({ "userName": ADMIN.name, "statusInfo": { "status": 1 } });
    server.put(&path).basic(&ADMIN).json(&same).send().await.expect(200);
}

#[tokio::test]
async fn names_with_markup_are_shown_as_text() {
    let server = TestServer::start().await;
    let hostile = json!({ "name": "<img src=x onerror=alert(1)>", "description": "\"><script>x</script>" });
    let client = Client::register_with(&server, hostile).await;
    let browser = consent_page(&server, &client, &[]).await;
    let page = browser.page().text();
    assert!(!page.contains("<img") && !page.contains("<script"), "{page}");
}

#[tokio::test]
async fn an_application_that_is_deleted_during_consent_gets_no_code() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let mut browser = consent_page(&server, &client, &[]).await;
    let path = format!("{}/{}", crate::client::APPLICATIONS, client.id);
    server.delete(&path).basic(&USER).send().await.expect(204);
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    assert!(browser.submit(form).await.expect(400).text().contains("error-title"));
}
