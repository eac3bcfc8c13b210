//! One-time links: invitations and links for a new password, from the management API to the page.

use domain::audit::{Action, Outcome};
use serde_json::{Value, json};
use store::{Audit as _, AuditFilter};
use testkit::{ADMIN, Answer, Browser, Logged, OTHER, TestServer, TestUser, USER};

use crate::second_factor::{half_signed_in, holder, now_code, type_code};

const CHOSEN: TestUser = TestUser { name: USER.name, password: "a buoy in the fog at six" };

async fn link_for(server: &TestServer, user: &TestUser) -> String {
    let id = server.user(user).await.id;
    let made = server.post(&format!("/api/admin/users/{id}/onetimelinks")).basic(&ADMIN);
    let made = made.json(&json!({})).send().await.expect(201).json();
    path_of(&made)
}

/// The path and query of a link.
fn path_of(made: &Value) -> String {
    let link = made["link"].as_str().unwrap();
    link[link.find("/reset?key=sgl_").unwrap()..].to_owned()
}

async fn choose(browser: &mut Browser<'_>, link: &str, password: &str) -> Answer {
    browser.get(link).await.expect(200);
    let form = browser.form_with_button("reset-submit").fill("new", password).fill("again", password);
    browser.submit(form.press("reset-submit")).await
}

async fn events(server: &TestServer, action: Action) -> Vec<(Outcome, Option<String>, Option<String>)> {
    let filter = AuditFilter { action: Some(action), limit: 50, ..AuditFilter::default() };
    let events = server.store().list_audit(filter).await.unwrap();
    events.into_iter().map(|one| (one.event.outcome, one.event.actor_name, one.event.detail)).collect()
}

async fn accepts(server: &TestServer, user: &TestUser) -> bool {
    let answer = server.get("/api/mgmt/permissions").basic(user).send().await;
    assert!([200, 401].contains(&answer.status()));
    answer.status() == 200
}

#[tokio::test]
async fn who_follows_a_link_chooses_the_password_once() {
    let server = TestServer::start().await;
    let other_session = server.session(&USER).await;
    let link = link_for(&server, &USER).await;
    for _ in 0..3 {
        // Programs that scan mail follow every link.
        let page = server.get(&link).send().await.expect(200);
        assert!(page.text().contains("id=\"reset-submit\""), "{}", page.text());
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("cache-control"), "no-store");
    }
    assert!(accepts(&server, &USER).await, "looking changes nothing");
    let mut browser = server.browser();
    let page = choose(&mut browser, &link, "short").await.expect(400);
    assert!(page.text().contains("too short"), "{}", page.text());
    let form = browser.form_with_button("reset-submit").fill("new", CHOSEN.password).fill("again", "other");
    let page = browser.submit(form.press("reset-submit")).await.expect(400);
    assert!(page.text().contains("differ"), "{}", page.text());
    let page = choose(&mut browser, &link, CHOSEN.password).await.expect(200);
    assert!(page.text().contains("id=\"login-notice\""), "{}", page.text());
    assert!(!accepts(&server, &USER).await && accepts(&server, &CHOSEN).await);
    let cookie = format!("sluicegate={other_session}");
    let page = server.get("/account").header("cookie", cookie).send().await.expect(200);
    assert!(page.text().contains("login-submit"), "other sessions have ended");
    let over = server.get(&link).send().await.expect(410);
    assert!(over.text().contains("data-error=\"link-over\""), "{}", over.text());
    let changes = events(&server, Action::ChangePassword).await;
    let words = "by a link of an administrator for a new password".to_owned();
    assert_eq!(changes, [(Outcome::Success, Some(USER.name.to_owned()), Some(words))]);
    let made = events(&server, Action::CreateOneTimeLink).await;
    assert_eq!((made.len(), made[0].1.as_deref()), (1, Some(ADMIN.name)));
}

#[tokio::test]
async fn a_link_does_not_sign_in_and_the_second_factor_is_still_demanded() {
    let server = TestServer::start().await;
    let holder = holder(&server, &USER).await;
    let link = link_for(&server, &USER).await;
    let mut browser = server.browser();
    choose(&mut browser, &link, CHOSEN.password).await.expect(200);
    let account = browser.get("/account").await;
    assert!(account.text().contains("login-submit"), "nobody is signed in");
    let mut browser = half_signed_in(&server, &CHOSEN).await;
    let page = browser.get("/account").await;
    assert!(page.text().contains("login-submit"), "the password is half of a sign-in");
    let mut browser = half_signed_in(&server, &CHOSEN).await;
    type_code(&mut browser, &now_code(&server, &holder.secret)).await.expect(200);
    assert!(browser.get("/account").await.text().contains("logout-submit"));
}

#[tokio::test]
async fn an_invited_user_signs_in_only_after_choosing_a_password() {
    let server = TestServer::start().await;
    let guest = TestUser { name: "grace", password: "a lantern on the outer mole" };
    let body = json!({ "userName": guest.name, "attributes": { "email": "grace@example.com" } });
    let invited = server.post("/api/admin/invitations").basic(&ADMIN).json(&body).send().await.expect(201);
    let (place, invited) = (invited.location().to_owned(), invited.json());
    assert_eq!(invited["user"]["userName"], guest.name);
    assert_eq!(invited["oneTimeLink"]["purpose"], "invitation");
    assert!(place.ends_with(&format!("/api/admin/users/{}", invited["user"]["id"])), "{place}");
    assert!(!accepts(&server, &guest).await && !accepts(&server, &TestUser { password: "", ..guest }).await);
    let mut browser = server.browser();
    let page = choose(&mut browser, &path_of(&invited["oneTimeLink"]), guest.password).await.expect(200);
    assert!(page.text().contains("login-submit"));
    browser.sign_in(&guest).await.expect(200);
    assert!(browser.page().text().contains("logout-submit"), "{}", browser.page().text());
    let taken = server.post("/api/admin/invitations").basic(&ADMIN).json(&body).send().await.expect(400);
    assert!(taken.error_message().contains("has the name"), "{}", taken.error_message());
    for (member, value) in [
        ("passwordInfo", json!({ "password": guest.password })),
        ("statusInfo", json!({ "status": 0 })),
        ("permissions", json!({ "roles": [999] })),
    ] {
        let mut body = json!({ "userName": "heidi" });
        body[member] = value;
        server.post("/api/admin/invitations").basic(&ADMIN).json(&body).send().await.expect(400);
    }
}

#[tokio::test]
async fn a_link_is_listed_without_its_secret_and_can_be_ended() {
    let server = TestServer::start().await;
    let path = format!("/api/admin/users/{}/onetimelinks", server.user(&USER).await.id);
    let first = link_for(&server, &USER).await;
    let second = link_for(&server, &USER).await;
    server.get(&first).send().await.expect(410);
    let listed = server.get(&path).basic(&ADMIN).send().await.expect(200);
    assert!(!listed.text().contains("sgl_"), "{}", listed.text());
    assert_eq!(listed.json()["oneTimeLinks"].as_array().map(Vec::len), Some(1));
    server.get(&second).send().await.expect(200);
    server.clock().advance_secs(86_400);
    server.get(&second).send().await.expect(410);
    let third = link_for(&server, &USER).await;
    server.delete(&path).basic(&ADMIN).send().await.expect(204);
    server.get(&third).send().await.expect(410);
    server.delete(&path).basic(&ADMIN).send().await.expect(404);
    let wrong = server.post(&path).basic(&ADMIN).json(&json!({ "purpose": "forgotten" })).send().await;
    assert_eq!(wrong.expect(400).faulty_fields(), ["purpose"]);
}

#[tokio::test]
async fn the_secret_of_a_link_is_in_no_log_and_not_in_the_database() {
    let server = TestServer::start().await;
    let logged = Logged::here();
    let link = link_for(&server, &USER).await;
    let secret = link.split_once("key=").unwrap().1.to_owned();
    let mut browser = server.browser();
    choose(&mut browser, &link, "short").await.expect(400);
    choose(&mut browser, &link, CHOSEN.password).await.expect(200);
    server.get(&link).send().await.expect(410);
    // Also where a path has it that nothing serves.
    server.get(&format!("/reset/{secret}")).send().await.expect(404);
    let lines = logged.take("access");
    assert!(!lines.is_empty() && !lines.iter().any(|line| format!("{line:?}").contains(&secret[4..20])));
    for file in std::fs::read_dir(server.folder()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(16).any(|part| part == &secret.as_bytes()[4..20]);
            assert!(!found, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn a_guessed_or_foreign_form_changes_nothing() {
    let server = TestServer::start().await;
    let link = link_for(&server, &USER).await;
    let key = link.split_once("key=").unwrap().1;
    let fields = [("key", key), ("new", CHOSEN.password), ("again", CHOSEN.password)];
    server.post("/reset").form(&fields).send().await.expect(403);
    let foreign = server.post("/reset").header("origin", "https://evil.example").form(&fields);
    foreign.send().await.expect(403);
    for wrong in ["sgl_x", "", "sgp_x"] {
        server.get(&format!("/reset?key={wrong}")).send().await.expect(410);
    }
    assert!(accepts(&server, &USER).await && accepts(&server, &OTHER).await);
}
