//! The sign-in page: one response for every failure, forms bound to the browser, and no redirect to other
//! sites.

use testkit::{Setup, TestServer, TestUser, USER};

const WRONG: TestUser = TestUser { name: USER.name, password: "wrong" };

async fn fresh_form(server: &TestServer) -> testkit::Browser<'_> {
    let mut browser = server.browser();
    browser.get("/login").await.expect(200);
    browser
}

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_get_the_same_page() {
    let server = TestServer::start().await;
    let mut pages = Vec::new();
    for user in
        [WRONG, TestUser { name: "nobody", password: "wrong" }, TestUser { name: "a:b\u{e9}", password: "" }]
    {
        let mut browser = fresh_form(&server).await;
        let page = browser.sign_in(&user).await.expect(401);
        let csrf = browser.form("/login").fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
        assert_eq!(browser.cookie("sluicegate"), None);
        pages.push(page.text().replace(user.name, "").replace(&csrf, ""));
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[0], pages[2]);
}

#[tokio::test]
async fn a_form_of_another_browser_is_refused() {
    let server = TestServer::start().await;
    let browser = fresh_form(&server).await;
    let form = browser.form("/login").fill("username", USER.name).fill("password", USER.password);
    let fields: Vec<(&str, &str)> = form.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    let other = fresh_form(&server).await.cookie_line();
    for cookie in ["", other.as_str(), "sluicegate-visitor=", "sluicegate-visitor=AAAAAAAAAAAAAAAAAAAAAA"] {
        let answer = server.post("/login").header("cookie", cookie).form(&fields).send().await.expect(403);
        assert_eq!(answer.header("set-cookie"), "");
    }
    let elsewhere = server.post("/login").header("cookie", browser.cookie_line()).form(&fields);
    elsewhere.header("sec-fetch-site", "cross-site").send().await.expect(403);
    server.post("/login").header("cookie", browser.cookie_line()).form(&fields).send().await.expect(303);
}

#[tokio::test]
async fn a_sign_in_leads_only_to_our_own_pages() {
    let server = TestServer::start().await;
    for wanted in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/account//evil.example",
        "javascript:alert(1)",
        "/account\r\nlocation: x",
        "http://127.0.0.1:8080@evil.example/",
        "",
    ] {
        let mut browser = fresh_form(&server).await;
        let form = browser.form("/login").fill("username", USER.name).fill("password", USER.password);
        browser.submit(form.fill("continue", wanted)).await.expect(200);
        assert_eq!(browser.address().as_str(), "http://127.0.0.1:8080/account", "{wanted}");
    }
    let link = server.get("/login?continue=https%3A%2F%2Fevil.example").send().await.expect(200);
    assert!(!link.text().contains("evil"));
}

#[tokio::test]
async fn a_sign_in_always_opens_a_new_session() {
    let server = TestServer::start().await;
    let mut browser = fresh_form(&server).await;
    let planted = server.session(&testkit::OTHER).await;
    browser.set_cookie("sluicegate", &planted);
    browser.get("/login").await;
    let page = browser.sign_in(&USER).await.expect(200);
    assert!(page.text().contains(USER.name));
    assert_ne!(browser.cookie("sluicegate"), Some(planted.as_str()));
    let first = browser.cookie("sluicegate").unwrap().to_owned();
    browser.get("/login").await;
    browser.sign_in(&USER).await.expect(200);
    assert_ne!(browser.cookie("sluicegate"), Some(first.as_str()));
}

#[tokio::test]
async fn a_forged_or_expired_session_is_invalid() {
    let server = TestServer::start().await;
    let cookie = server.session(&USER).await;
    let mut flipped = cookie.clone();
    let last = flipped.pop().unwrap();
    flipped.push(if last == 'A' { 'B' } else { 'A' });
    let show = async |value: &str| {
        let page =
            server.get("/account").header("cookie", format!("sluicegate={value}")).send().await.expect(200);
        !page.text().contains("login-submit")
    };
    assert!(show(&cookie).await);
    for bad in [flipped.as_str(), "", "x", &cookie[1..], &"A".repeat(10_000)] {
        assert!(!show(bad).await, "{bad}");
    }
    server.clock().advance_secs(3_600);
    assert!(!show(&cookie).await);
}

#[tokio::test]
async fn cookies_are_bound_to_the_host_and_to_tls_if_users_connect_over_tls() {
    let mut setup = Setup::default();
    setup.web.tls = true;
    setup.app.public_url = "https://gate.example".to_owned();
    let server = TestServer::start_with(setup).await;
    let mut browser = fresh_form(&server).await;
    let visitor = browser.page().header("set-cookie");
    assert!(visitor.starts_with("__Host-sluicegate-visitor=") && visitor.ends_with("; Secure"), "{visitor}");
    assert!(browser.page().header("strict-transport-security").starts_with("max-age="));
    browser.sign_in(&USER).await.expect(200);
    assert!(browser.cookie("__Host-sluicegate").is_some());
    let form = browser.form("/logout");
    let answer = browser.submit(form).await.expect(200);
    let cookie = answer.header("set-cookie");
    for part in ["__Host-sluicegate=;", "Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=0", "Secure"] {
        assert!(cookie.contains(part), "{cookie}");
    }
}
