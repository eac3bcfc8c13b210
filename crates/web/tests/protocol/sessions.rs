//! Where a user is signed in: the page with which they sign out elsewhere, and the same for administrators.

use serde_json::Value;
use testkit::{ADMIN, Answer, Browser, OTHER, TestServer, USER};

const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0";
const PHONE: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1";
const STRANGE: &str = "<b>Your bank</b> says: click here";

/// Browsers of the user, signed in a minute after each other.
async fn signed_in<'a>(server: &'a TestServer, user_agents: &[&'static str]) -> Vec<Browser<'a>> {
    let mut browsers = Vec::new();
    for user_agent in user_agents {
        let mut browser = server.browser();
        browser.call_itself(user_agent);
        browser.get("/account/sessions").await;
        browser.sign_in(&USER).await.expect(200);
        browsers.push(browser);
        server.clock().advance_secs(60);
    }
    browsers
}

async fn page(browser: &mut Browser<'_>) -> String {
    browser.get("/account/sessions").await.expect(200).text().to_owned()
}

async fn is_in(browser: &mut Browser<'_>) -> bool {
    !browser.get("/account").await.expect(200).text().contains("login-submit")
}

#[tokio::test]
async fn a_user_sees_where_they_are_signed_in() {
    let server = TestServer::start().await;
    let mut browsers = signed_in(&server, &[FIREFOX, PHONE, STRANGE]).await;
    let mut other = server.browser();
    other.get("/account/sessions").await;
    other.sign_in(&OTHER).await.expect(200);
    let seen = page(&mut browsers[0]).await;
    for said in
        ["Firefox on Windows <span", "<h2>Safari on an iPhone</h2>", "An unknown browser", "127.0.0.1"]
    {
        assert!(seen.contains(said), "{said} is missing in {seen}");
    }
    assert!(!seen.contains("Your bank"), "{seen}");
    assert_eq!(seen.matches("This browser").count(), 1);
    assert_eq!(seen.matches("Sign out there</button>").count(), 2);
    let alone = page(&mut other).await;
    assert!(!alone.contains("Sign out there") && !alone.contains("end-others"), "{alone}");

    server.clock().advance_secs(240);
    assert!(is_in(&mut browsers[1]).await);
    server.app().node().flush_usage().await.unwrap();
    let seen = page(&mut browsers[0]).await;
    assert!(seen.contains("<dt>Last seen</dt><dd><time datetime=\"2026-01-01T12:07:00Z\""), "{seen}");
    server.clock().advance_secs(60);
    assert!(is_in(&mut browsers[1]).await);
    server.app().node().flush_usage().await.unwrap();
    let seen = page(&mut browsers[0]).await;
    assert!(seen.contains("12:07:00Z") && !seen.contains("12:08:00Z"), "a use soon after is not written");
}

#[tokio::test]
async fn a_user_signs_out_elsewhere() {
    let server = TestServer::start().await;
    let mut browsers = signed_in(&server, &[FIREFOX, PHONE, STRANGE]).await;
    page(&mut browsers[0]).await;
    let forms = browsers[0].forms();
    let ends: Vec<_> = forms.into_iter().filter(|form| form.action.ends_with("/end")).collect();
    assert_eq!(browsers[1].submit(ends[0].clone()).await.status(), 403, "a form of another browser");
    let answer = browsers[0].submit(ends[0].clone()).await.expect(200);
    assert!(answer.text().contains("You are signed out there."), "{}", answer.text());
    assert!(!is_in(&mut browsers[2]).await, "the newest is the first in the list");
    assert!(is_in(&mut browsers[1]).await);
    assert_eq!(browsers[0].submit(ends[0].clone()).await.status(), 404, "it has ended already");

    page(&mut browsers[0]).await;
    let form = browsers[0].form_with_button("end-others").press("end-others");
    let answer = browsers[0].submit(form).await.expect(200);
    assert!(answer.text().contains("You are signed out everywhere else."), "{}", answer.text());
    assert!(!is_in(&mut browsers[1]).await && is_in(&mut browsers[0]).await);
}

#[tokio::test]
async fn signing_out_everywhere_ends_this_session_too() {
    let server = TestServer::start().await;
    let mut browsers = signed_in(&server, &[FIREFOX, PHONE]).await;
    let cookie = browsers[0].cookie_line();
    page(&mut browsers[0]).await;
    let form = browsers[0].form_with_button("end-all").press("end-all");
    let answer = browsers[0].submit(form).await.expect(200);
    assert!(answer.text().contains("You are signed out"), "{}", answer.text());
    for browser in &mut browsers {
        assert!(!is_in(browser).await);
    }
    let again = server.get("/account").header("cookie", cookie).send().await.expect(200);
    assert!(again.text().contains("login-submit"), "a copied cookie is of no use");
    let log =
        server.get("/api/admin/audit?action=user.sign_out").basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(log["events"][0]["detail"], "all sessions");
    let log =
        server.get("/api/admin/audit?action=user.sign_in").basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(log["events"][0]["detail"], "Safari on an iPhone");
}

#[tokio::test]
async fn an_administrator_sees_and_ends_the_sessions_of_a_user() {
    let server = TestServer::start().await;
    let mut browsers = signed_in(&server, &[FIREFOX, PHONE, STRANGE]).await;
    let path = format!("/api/admin/users/{}/sessions", server.user(&USER).await.id);
    let list = async |query: &str| -> Vec<Value> {
        let listed: Answer = server.get(&format!("{path}{query}")).basic(&ADMIN).send().await.expect(200);
        listed.json()["sessions"].as_array().expect("a list").clone()
    };
    let all = list("").await;
    assert_eq!(all.len(), 3);
    assert_eq!((&all[0]["device"], &all[0]["address"]), (&"Firefox on Windows".into(), &"127.0.0.1".into()));
    assert_eq!(all[0]["signedInAt"], "2026-01-01T12:00:00Z");
    assert_eq!((all[0]["secondFactor"].as_bool(), all[2].get("device")), (Some(false), None));
    let second = list(&format!("?limit=1&after={}", all[0]["id"])).await;
    assert_eq!((second.len(), &second[0]["id"]), (1, &all[1]["id"]));
    assert_eq!(list("?query=iphone").await.len(), 1);

    let one = format!("{path}/{}", all[1]["id"]);
    server.delete(&one).basic(&OTHER).send().await.expect(403);
    server.delete(&one).basic(&ADMIN).send().await.expect(204);
    server.delete(&one).basic(&ADMIN).send().await.expect(404);
    let of_other = format!("/api/admin/users/{}/sessions/{}", server.user(&OTHER).await.id, all[0]["id"]);
    server.delete(&of_other).basic(&ADMIN).send().await.expect(404);
    assert!(is_in(&mut browsers[0]).await && !is_in(&mut browsers[1]).await);
    server.delete(&path).basic(&ADMIN).send().await.expect(204);
    assert!(!is_in(&mut browsers[0]).await && !is_in(&mut browsers[2]).await);
    assert_eq!(list("").await.len(), 0);
    server.get("/api/admin/users/999999/sessions").basic(&ADMIN).send().await.expect(404);
}
