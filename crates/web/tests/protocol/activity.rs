//! What a user sees of what happened on the account.

use domain::audit::{Action, NewAuditEvent, Outcome};
use serde_json::json;
use store::Audit as _;
use testkit::{ADMIN, Browser, OTHER, TestServer, USER};

use crate::client::Client;

async fn activity(browser: &mut Browser<'_>) -> String {
    browser.get("/account/activity").await.expect(200).text().to_owned()
}

/// The sentences on the page, newest first.
fn sentences(page: &str) -> Vec<&str> {
    page.split("<h2>").skip(1).filter_map(|rest| rest.split(['<', '\n']).next()).map(str::trim).collect()
}

#[tokio::test]
async fn a_user_reads_what_happened_on_the_account() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    client.tokens(&server).await;
    let mut browser = server.browser();
    browser.get("/account/activity").await;
    let wrong = testkit::TestUser { name: USER.name, password: "not the password" };
    browser.sign_in(&wrong).await.expect(401);
    browser.call_itself("Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0");
    browser.sign_in(&USER).await.expect(200);
    let user = format!("/api/admin/users/{}", server.user(&USER).await.id);
    let body = json!({ "attributes": { "email": "ada@example.com" } });
    server.put(&user).basic(&ADMIN).json(&body).send().await.expect(200);
    // What others do, and what is not about the account, is not there.
    server.get("/api/mgmt/permissions").basic(&OTHER).send().await.expect(200);
    server.post("/api/admin/roles").basic(&USER).json(&json!({})).send().await.expect(403);

    let page = activity(&mut browser).await;
    let expected = [
        "An administrator changed the account",
        "You signed in",
        "A sign-in was refused",
        "You allowed an application",
        "You signed in",
    ];
    assert_eq!(sentences(&page), expected, "{page}");
    for said in ["Firefox on Linux", "wrong password", "127.0.0.1", "Harbour Reports", "1 January 2026"] {
        assert!(page.contains(said), "{said} is missing in {page}");
    }
    assert!(!page.contains(ADMIN.name), "{page}");
    let of_admin = server.browser_of(&ADMIN, "/account/activity").await;
    assert_eq!(sentences(of_admin.page().text()), ["You signed in"], "what was done to others is not there");
}

#[tokio::test]
async fn activity_is_read_a_page_at_a_time() {
    let server = TestServer::start().await;
    let mut browser = server.browser_of(&USER, "/account/activity").await;
    let user = server.user(&USER).await;
    let event = |application: u32| NewAuditEvent {
        actor: Some(user.id),
        detail: Some(format!("<i>number {application}</i>")),
        ..NewAuditEvent::new(Action::SignOut, Outcome::Success, user.created_at)
    };
    server.store().append_audit((0..69).map(event).collect()).await.unwrap();
    let first = activity(&mut browser).await;
    assert_eq!(sentences(&first).len(), 30);
    assert!(first.contains("number 68&#60;") && !first.contains("<i>"), "{first}");
    let mut pages = 1;
    let mut page = first;
    while let Some((_, rest)) = page.split_once("id=\"earlier\" href=\"") {
        let address = rest.split('"').next().unwrap().to_owned();
        page = browser.get(&address).await.expect(200).text().to_owned();
        pages += 1;
    }
    assert_eq!((pages, sentences(&page).len()), (3, 10), "{page}");
    assert!(page.contains("You signed in") && page.contains(">Newest</a>"), "{page}");
    for odd in ["?before=x", "?before=-1", "?before=1&before=2"] {
        let page = browser.get(&format!("/account/activity{odd}")).await.expect(200).text().to_owned();
        assert_eq!(sentences(&page).len(), 30, "{odd}");
    }
    let empty = browser.get("/account/activity?before=1").await.expect(200);
    assert!(empty.text().contains("Nothing earlier was recorded."), "{}", empty.text());
}
