//! Credentials that browsers send by themselves, cookies and remembered Basic credentials, only work for what
//! the user or one of our pages requested. `docs/decisions/ambient-credentials.md` has the rule.

use http::Method;
use serde_json::json;
use testkit::{Call, TestServer, USER};

use crate::client::{APPLICATIONS, CALLBACK, Client, allow, parameter};

const OWN: &str = "http://127.0.0.1:8080";

/// The headers of browsers for a page of another origin: of the same site, hiding its origin, or from before
/// `Sec-Fetch-Site`.
const OTHERS: [(&str, &str); 7] = [
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-site", "same-site"),
    ("sec-fetch-site", "a-value-of-the-future"),
    ("origin", "https://evil.example"),
    ("origin", "http://127.0.0.1:8081"),
    ("origin", "http://127.0.0.1"),
    ("origin", "evil"),
];

/// Their headers for our own pages.
const OURS: [(&str, &str); 2] = [("sec-fetch-site", "same-origin"), ("origin", OWN)];

fn form<'a>(call: Call<'a>, csrf: &str) -> Call<'a> {
    call.form(&[("csrf", csrf), ("username", USER.name), ("password", USER.password), ("decision", "allow")])
}

#[tokio::test]
async fn no_page_of_another_origin_changes_anything_with_remembered_basic_credentials() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let one = format!("{APPLICATIONS}/{}", client.id);
    let allowed = format!("/api/mgmt/oauth/client/allowedapplications/{}", client.id);
    let body = json!({ "name": "Taken over", "redirectUrls": ["https://evil.example/cb"] });
    let changes = [
        (Method::POST, APPLICATIONS.to_owned()),
        (Method::PUT, one.clone()),
        (Method::PUT, format!("{one}/reset")),
        (Method::POST, format!("{one}/secrets")),
        (Method::DELETE, one.clone()),
        (Method::DELETE, allowed),
    ];
    for (name, value) in OTHERS.into_iter().chain([("origin", "null")]) {
        for (method, path) in &changes {
            let call = server.call(method.clone(), path).basic(&USER).header(name, value).json(&body);
            let refused = call.send().await;
            assert_eq!(refused.status(), 403, "{method} {path} {name}: {value}");
            assert!(refused.text().contains("another origin"), "{}", refused.text());
        }
    }
    let kept = server.get(&one).basic(&USER).header("sec-fetch-site", "same-site").send().await.expect(200);
    assert_eq!(kept.json()["name"], "Harbour Reports");
    for (name, value) in OURS {
        server.put(&one).basic(&USER).header(name, value).json(&body).send().await.expect(200);
    }
}

#[tokio::test]
async fn no_page_of_another_origin_changes_anything_with_the_cookie_even_if_it_learned_the_token() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let mut browser = server.browser();
    browser.get("/account").await;
    browser.sign_in(&USER).await.expect(200);
    let csrf = browser.form("/logout").fields[0].1.clone();
    let path = format!("{APPLICATIONS}/{}/reset", client.id);
    let reset = |name, value| {
        let call = server.put(&path).header("cookie", browser.cookie_line()).header("x-csrf-token", &csrf);
        call.header(name, value).send()
    };
    for (name, value) in OTHERS {
        assert_eq!(reset(name, value).await.status(), 403, "{name}: {value}");
    }
    for (name, value) in OURS {
        reset(name, value).await.expect(200);
    }
}

#[tokio::test]
async fn a_form_of_another_origin_is_refused_and_sets_no_cookie() {
    let server = TestServer::start().await;
    let session = format!("sluicegate={}", server.session(&USER).await);
    let forms =
        ["/login", "/logout", "/oauth2/consent", "/account/password", "/account/applications/1/revoke"];
    for path in forms {
        for (name, value) in OTHERS {
            for cookie in ["a=b", &session, "sluicegate-visitor=AAAAAAAAAAAAAAAAAAAAAA"] {
                let call = server.post(path).header("cookie", cookie).header(name, value);
                let refused = form(call, "x").send().await;
                assert_eq!(refused.status(), 403, "{path} {name}: {value}");
                assert_eq!(refused.header("set-cookie"), "", "{path} {name}: {value}");
            }
        }
    }
    let page = server.get("/account").header("cookie", session).send().await.expect(200);
    assert!(page.text().contains("Your account"), "nobody was signed out");
}

#[tokio::test]
async fn a_response_sets_no_cookie_if_the_browser_may_have_withheld_ours() {
    let server = TestServer::start().await;
    for path in
        ["/login", "/logout", "/oauth2/consent", "/account/password", "/account/applications/1/revoke"]
    {
        for cookie in ["", "a=b"] {
            let call = server.post(path).header("cookie", cookie).header("origin", "null");
            let answer = form(call, "x").send().await;
            assert_eq!(answer.header("set-cookie"), "", "{path}");
        }
    }
    let program = form(server.post("/logout"), "").send().await.expect(200);
    assert_eq!(program.header("set-cookie"), "", "there is no session to take away");
    let inside =
        server.get("/login").header("sec-fetch-site", "cross-site").header("sec-fetch-dest", "image");
    assert_eq!(inside.send().await.expect(200).header("set-cookie"), "");
    let link =
        server.get("/login").header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "navigate");
    let link = link.header("sec-fetch-dest", "document").send().await.expect(200);
    assert!(link.header("set-cookie").starts_with("sluicegate-visitor="), "a link may lead to a sign-in");
}

#[tokio::test]
async fn an_invalid_session_cookie_is_deleted() {
    let server = TestServer::start().await;
    for cookie in ["sluicegate=dead", "sluicegate=a; sluicegate=b"] {
        let answer = form(server.post("/logout").header("cookie", cookie), "").send().await.expect(200);
        assert!(answer.header("set-cookie").starts_with("sluicegate=; "), "{}", answer.header("set-cookie"));
    }
}

#[tokio::test]
async fn basic_credentials_of_a_browser_open_no_session_at_authorize() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    allow(&mut server.browser(), &USER, &client.authorize_url(&[])).await;
    let url = client.authorize_url(&[("state", "kept")]);
    for (name, value) in OTHERS.into_iter().chain([("origin", "null"), ("sec-fetch-site", "none")]) {
        let page = server.get(&url).basic(&USER).header(name, value).send().await.expect(200);
        assert!(
            page.text().contains("login-submit") && page.text().contains("state=kept"),
            "{name}: {value}"
        );
        assert!(!page.header("set-cookie").starts_with("sluicegate="), "{name}: {value}");
    }
    let program = server.get(&url).basic(&USER).send().await.expect(303);
    assert!(parameter(&program, "code").is_some());
}

#[tokio::test]
async fn an_authorization_request_posted_by_a_client_uses_the_existing_session() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let mut browser = server.browser();
    allow(&mut browser, &USER, &client.authorize_url(&[])).await;
    let fields = [
        ("response_type", "code"),
        ("clientId", client.identifier.as_str()),
        ("redirect_uri", CALLBACK),
        ("state", "a&b"),
        ("prompt", "none"),
        ("clientSecret", "sgs_x"),
    ];
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("origin", "https://client.example"), ("origin", "null")]
    {
        let answer =
            server.post("/oauth2/authorize").header(name, value).form(&fields).send().await.expect(303);
        assert_eq!(answer.header("set-cookie"), "", "{name}: {value}");
        assert!(!answer.location().contains("sgs_x"), "no secret gets into an address");
        let answer = browser.get(answer.location()).await.expect(303);
        assert!(parameter(&answer, "code").is_some(), "{}", answer.location());
        assert_eq!(parameter(&answer, "state").as_deref(), Some("a&b"));
    }
    let twice = [("client_id", client.identifier.as_str()), ("state", "a"), ("state", "b")];
    let answer =
        server.post("/oauth2/authorize").header("sec-fetch-site", "cross-site").form(&twice).send().await;
    let page = server.get(answer.location()).send().await.expect(400);
    assert!(page.text().contains("error-title"), "nothing is mended on the way");
}

#[tokio::test]
async fn a_server_recognises_its_own_pages_by_the_requested_host() {
    let server = TestServer::start().await;
    let path = format!("{APPLICATIONS}?limit=1");
    let body = json!({ "name": "From another name", "redirectUrls": [CALLBACK] });
    let call = server.post(&path).basic(&USER).header("host", "gate.intern:8080");
    call.header("origin", "http://gate.intern:8080").json(&body).send().await.expect(201);
    let call = server.post(&path).basic(&USER).header("host", "gate.intern:8080");
    call.header("origin", "http://gate.intern").json(&body).send().await.expect(403);

    let settings = web::WebSettings { tls: true, ..web::WebSettings::default() };
    let server = TestServer::start_with(testkit::Setup { web: settings, ..testkit::Setup::default() }).await;
    for (origin, status) in [("https://gate.intern", 201), ("http://gate.intern", 403)] {
        let call =
            server.post(APPLICATIONS).basic(&USER).header("host", "gate.intern").header("origin", origin);
        assert_eq!(call.json(&body).send().await.status(), status, "{origin}");
    }
}

#[tokio::test]
async fn a_state_of_eight_kilobytes_survives_sign_in_and_consent() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    for state in ["x".repeat(8192), "&".repeat(8192)] {
        let url = client.authorize_url(&[("state", &state)]);
        let answer = allow(&mut server.browser(), &USER, &url).await;
        assert_eq!(parameter(&answer, "state"), Some(state));
    }
    let longer = client.authorize_url(&[("state", &"x".repeat(8193))]);
    assert!(server.get(&longer).send().await.expect(400).text().contains("state is too long"));
}
