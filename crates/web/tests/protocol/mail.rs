//! Mail: forgotten passwords, invitations that are sent, and what happens if they cannot be sent.

use std::time::Duration;

use app::node::clock::Clock as _;
use domain::account::attributes::{Attribute, UserAttributes};
use domain::audit::{Action, NewAuditEvent, Outcome};
use mail::{MailSettings, MailTls, Mailer};
use serde_json::{Value, json};
use store::{Audit as _, AuditFilter, NewAttributes, UserChange, Users as _};
use testkit::{
    ADMIN, Answer, Browser, Logged, OTHER, Setup, SinkTls, SmtpSink, SunkMail, TestServer, TestUser, USER,
};

const CHOSEN: TestUser = TestUser { name: USER.name, password: "a buoy in the fog at six" };
const ADDRESS: &str = "ada@example.com";

fn mailer(sink: &SmtpSink) -> Mailer {
    let settings = MailSettings {
        host: "127.0.0.1".to_owned(),
        port: sink.address().port(),
        tls: MailTls::DangerNone,
        authorities: None,
        credentials: None,
        from: "Harbour Gate <gate@example.org>".to_owned(),
        hello: None,
        time: Duration::from_secs(20),
    };
    Mailer::new(&settings).unwrap()
}

struct Scene {
    server: TestServer,
    sink: SmtpSink,
}

impl Scene {
    /// A server with a mail server, and a user with a verified address.
    async fn new() -> Self {
        let sink = SmtpSink::start(SinkTls::None);
        let mut setup = Setup::default();
        setup.app.mail = Some(mailer(&sink));
        let scene = Self { server: TestServer::start_with(setup).await, sink };
        scene.set_address(&USER, ADDRESS, true).await;
        scene
    }

    async fn set_address(&self, user: &TestUser, address: &str, verified: bool) {
        let mut attributes = UserAttributes::default();
        attributes.email_verified = verified;
        attributes.set(Attribute::Email, address);
        self.change(
            user,
            UserChange { attributes: Some(NewAttributes::Set(attributes)), ..UserChange::default() },
        )
        .await;
    }

    async fn change(&self, user: &TestUser, change: UserChange) {
        let event = NewAuditEvent::new(Action::UpdateUser, Outcome::Success, self.server.clock().now());
        let id = self.server.user(user).await.id;
        self.server.store().update_user(id, change, event).await.unwrap().unwrap();
    }

    /// Asks for a link on the page.
    async fn ask(&self, browser: &mut Browser<'_>, name: &str) -> Answer {
        browser.get("/forgot").await.expect(200);
        let form = browser.form_with_button("forgot-submit").fill("username", name);
        browser.submit(form.press("forgot-submit")).await
    }

    /// Does what the tasks of a running server do.
    async fn work(&self) {
        self.server.app().forgotten_passwords().examine().await.unwrap();
        self.server.app().node().send_mails().await.unwrap();
    }

    async fn events(&self, action: Action) -> Vec<(Outcome, Option<String>)> {
        let filter = AuditFilter { action: Some(action), limit: 50, ..AuditFilter::default() };
        let events = self.server.store().list_audit(filter).await.unwrap();
        events.into_iter().map(|one| (one.event.outcome, one.event.detail)).collect()
    }
}

/// The path and query of the link in a mail.
fn link_in(mail: &SunkMail) -> String {
    let text = mail.text();
    let line = text.lines().find(|line| line.contains("/reset?key=sgl_")).unwrap();
    line[line.find("/reset").unwrap()..].trim_end().to_owned()
}

async fn choose(browser: &mut Browser<'_>, link: &str) -> Answer {
    browser.get(link).await.expect(200);
    let form = browser.form_with_button("reset-submit");
    let form = form.fill("new", CHOSEN.password).fill("again", CHOSEN.password);
    browser.submit(form.press("reset-submit")).await
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_link_in_a_mail() {
    let scene = Scene::new().await;
    let server = &scene.server;
    let mut browser = server.browser();
    let page = browser.get("/login").await;
    assert!(page.text().contains("id=\"login-forgot\""), "{}", page.text());
    let page = scene.ask(&mut browser, USER.name).await.expect(200);
    assert!(page.text().contains("id=\"forgot-asked\""), "{}", page.text());
    assert_eq!(scene.sink.mails().len(), 0, "the answer waits for nothing");
    scene.work().await;
    let mails = scene.sink.mails();
    let [mail] = &mails[..] else { panic!("{mails:?}") };
    assert_eq!((mail.from.as_str(), &mail.to[..]), ("gate@example.org", &[ADDRESS.to_owned()][..]));
    assert_eq!(mail.header("to").as_deref(), Some(ADDRESS));
    assert_eq!(mail.header("auto-submitted").as_deref(), Some("auto-generated"));
    assert!(mail.header("content-type").unwrap().starts_with("text/plain"), "it has a text part");
    assert!(mail.header("from").unwrap().contains("<gate@example.org>"));
    assert!(mail.header("message-id").is_some() && mail.header("date").is_some());
    assert!(mail.text().contains(USER.name), "{}", mail.text());
    choose(&mut browser, &link_in(mail)).await.expect(200);
    browser.sign_in(&CHOSEN).await.expect(200);
    assert!(browser.page().text().contains("logout-submit"));
    assert_eq!(scene.events(Action::SendMail).await, [(Outcome::Success, None)]);
}

#[tokio::test]
async fn the_answer_is_the_same_for_every_name_and_nobody_else_gets_a_mail() {
    let scene = Scene::new().await;
    let server = &scene.server;
    scene.set_address(&OTHER, "other@example.com", false).await;
    let answer = async |name: &str| {
        let mut browser = server.browser();
        let page = scene.ask(&mut browser, name).await.expect(200);
        (page.text().to_owned(), browser.address().path().to_owned())
    };
    let known = answer(USER.name).await;
    for name in ["nobody", "nobody@example.com", OTHER.name, "other@example.com", ADMIN.name, "%"] {
        assert_eq!(answer(name).await, known, "{name}");
    }
    scene.work().await;
    let to: Vec<_> = scene.sink.mails().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(to, [ADDRESS], "only who has a verified address");
    let metrics = scene.server.app().node().encode_metrics();
    assert!(metrics.contains("sluicegate_forgotten_passwords_total{outcome=\"mailed\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_user_gets_few_mails_and_a_link_that_was_sent_stays_valid() {
    let scene = Scene::new().await;
    let server = &scene.server;
    for name in [USER.name, "ADA@example.com", USER.name] {
        scene.ask(&mut server.browser(), name).await.expect(200);
    }
    scene.work().await;
    let mails = scene.sink.mails();
    assert_eq!(mails.len(), 1);
    server.clock().advance_secs(899);
    scene.ask(&mut server.browser(), USER.name).await.expect(200);
    scene.work().await;
    assert_eq!(scene.sink.mails().len(), 1);
    server.get(&link_in(&mails[0])).send().await.expect(200);
    server.clock().advance_secs(1);
    scene.ask(&mut server.browser(), USER.name).await.expect(200);
    scene.work().await;
    assert_eq!(scene.sink.mails().len(), 2);
    // Whoever asks does not end the link that the user has in hand.
    server.get(&link_in(&mails[0])).send().await.expect(200);
}

#[tokio::test]
async fn one_network_asks_a_limited_number_of_times() {
    let scene = Scene::new().await;
    let mut browser = scene.server.browser();
    for _ in 0..10 {
        scene.ask(&mut browser, "nobody").await.expect(200);
    }
    let refused = scene.ask(&mut browser, USER.name).await.expect(429);
    assert!(!refused.header("retry-after").is_empty());
    scene.work().await;
    assert!(scene.sink.mails().is_empty());
    scene.server.clock().advance_secs(60);
    scene.ask(&mut browser, USER.name).await.expect(200);
}

#[tokio::test]
async fn who_may_not_change_the_password_gets_no_link() {
    let scene = Scene::new().await;
    let now = scene.server.clock().now();
    for change in [
        UserChange { password_expires_at: Some(Some(now.minus_secs(1))), ..UserChange::default() },
        UserChange { active: Some(false), password_expires_at: Some(None), ..UserChange::default() },
        UserChange { active: Some(true), roles: Some(Vec::new()), ..UserChange::default() },
    ] {
        scene.change(&USER, change).await;
        scene.ask(&mut scene.server.browser(), USER.name).await.expect(200);
        scene.work().await;
        assert!(scene.sink.mails().is_empty());
    }
}

#[tokio::test]
async fn the_request_that_waits_goes_on_after_the_new_password() {
    let scene = Scene::new().await;
    let server = &scene.server;
    let mut browser = server.browser();
    let waiting = "/oauth2/authorize?client_id=nobody";
    browser.get("/forgot?continue=%2Foauth2%2Fauthorize%3Fclient_id%3Dnobody").await.expect(200);
    let form = browser.form_with_button("forgot-submit").fill("username", ADDRESS);
    browser.submit(form.press("forgot-submit")).await.expect(200);
    scene.work().await;
    // The mail is read in another browser.
    let mut other = server.browser();
    choose(&mut other, &link_in(&scene.sink.mails()[0])).await.expect(200);
    assert!(other.page().text().contains(waiting), "{}", other.page().text());
    let mut browser = server.browser();
    browser.get("/forgot?continue=https%3A%2F%2Fevil.example%2F").await.expect(200);
    assert!(!browser.page().text().contains("evil"), "{}", browser.page().text());
    server.clock().advance_secs(900);
    let mut stranger = server.browser();
    stranger.get("/forgot?continue=%2Fdevice%3Fuser_code%3DABCD-EFGH").await.expect(200);
    let form = stranger.form_with_button("forgot-submit").fill("username", ADDRESS);
    stranger.submit(form.press("forgot-submit")).await.expect(200);
    scene.work().await;
    let mut victim = server.browser();
    choose(&mut victim, &link_in(&scene.sink.mails()[1])).await.expect(200);
    assert!(!victim.page().text().contains("ABCD-EFGH"), "a stranger fills in no code");
}

#[tokio::test]
async fn an_invitation_is_sent_and_following_it_verifies_the_address() {
    let scene = Scene::new().await;
    let server = &scene.server;
    let invite =
        async |body: Value| server.post("/api/admin/invitations").basic(&ADMIN).json(&body).send().await;
    let attributes = json!({ "email": "grace@example.com" });
    let invited = invite(json!({ "userName": "grace", "attributes": attributes })).await.expect(201).json();
    assert_eq!(invited["oneTimeLink"]["sentTo"], "grace@example.com");
    assert!(invited["oneTimeLink"].get("link").is_none(), "{invited}");
    server.app().node().send_mails().await.unwrap();
    let mail = scene.sink.mails().remove(0);
    assert_eq!(mail.to, ["grace@example.com"]);
    choose(&mut server.browser(), &link_in(&mail)).await.expect(200);
    let path = format!("/api/admin/users/{}", invited["user"]["id"]);
    let grace = server.get(&path).basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(grace["attributes"]["emailVerified"], true);
    let shown = json!({ "userName": "heidi", "attributes": attributes, "send": false });
    assert!(invite(shown).await.expect(201).json()["oneTimeLink"]["link"].is_string());
    let without = invite(json!({ "userName": "ivan" })).await.expect(201).json();
    assert!(without["oneTimeLink"]["link"].is_string(), "there is no address");
    let refused = invite(json!({ "userName": "judy", "send": true })).await.expect(400);
    assert_eq!(refused.faulty_fields(), ["send"]);
}

#[tokio::test]
async fn without_a_mail_server_links_are_shown_and_nobody_can_ask() {
    let server = TestServer::start().await;
    assert!(!server.get("/login").send().await.text().contains("login-forgot"));
    server.get("/forgot").send().await.expect(404);
    let body = json!({ "userName": "grace", "attributes": { "email": "grace@example.com" } });
    let invited = server.post("/api/admin/invitations").basic(&ADMIN).json(&body).send().await.expect(201);
    assert!(invited.json()["oneTimeLink"]["link"].is_string());
    let tested = server.post("/api/admin/mail/test").basic(&ADMIN).json(&json!({ "to": ADDRESS }));
    let tested = tested.send().await.expect(200).json();
    assert_eq!(
        (&tested["sent"], &tested["problem"]),
        (&json!(false), &json!("no mail server is set (mail.host)"))
    );
}

#[tokio::test]
async fn a_mail_that_is_refused_for_now_is_sent_later_and_one_that_is_refused_for_good_is_not() {
    let scene = Scene::new().await;
    let server = &scene.server;
    let logged = Logged::here();
    scene.ask(&mut server.browser(), USER.name).await.expect(200);
    scene.sink.refuse_next(&[451]);
    scene.work().await;
    assert!(scene.sink.mails().is_empty());
    scene.work().await;
    assert_eq!(scene.sink.connections(), 1, "it is not due yet");
    server.clock().advance_secs(10);
    scene.work().await;
    let mails = scene.sink.mails();
    assert_eq!(mails.len(), 1);
    server.clock().advance_secs(900);
    scene.ask(&mut server.browser(), USER.name).await.expect(200);
    scene.sink.refuse_next(&[550]);
    scene.work().await;
    server.clock().advance_secs(3_000);
    scene.work().await;
    assert_eq!(scene.sink.mails().len(), 1);
    let sent = scene.events(Action::SendMail).await;
    let refused = "the mail server refused it with code 550, at attempt 1".to_owned();
    assert_eq!(sent, [(Outcome::Refused, Some(refused)), (Outcome::Success, None)]);
    let secret = link_in(&mails[0]).split_once("sgl_").unwrap().1[..16].to_owned();
    let lines: Vec<_> =
        ["access", "app::node::mail_deliveries"].into_iter().flat_map(|one| logged.take(one)).collect();
    let text = format!("{lines:?}");
    assert!(!text.contains(&secret) && !text.contains(ADDRESS), "{text}");
}

#[tokio::test]
async fn a_mail_whose_link_is_over_is_not_sent() {
    let scene = Scene::new().await;
    let server = &scene.server;
    scene.ask(&mut server.browser(), USER.name).await.expect(200);
    server.app().forgotten_passwords().examine().await.unwrap();
    scene.change(&USER, UserChange { active: Some(false), ..UserChange::default() }).await;
    server.app().node().send_mails().await.unwrap();
    assert!(scene.sink.mails().is_empty());
}

#[tokio::test]
async fn several_senders_at_once_send_each_mail_once() {
    let scene = Scene::new().await;
    let server = &scene.server;
    for number in 0..12 {
        let body = json!({
            "userName": format!("guest{number}"), "attributes": { "email": format!("guest{number}@example.com") },
        });
        server.post("/api/admin/invitations").basic(&ADMIN).json(&body).send().await.expect(201);
    }
    let node = server.app().node();
    let sent = tokio::join!(node.send_mails(), node.send_mails(), node.send_mails());
    assert!(sent.0.is_ok() && sent.1.is_ok() && sent.2.is_ok());
    let mut to: Vec<_> = scene.sink.mails().into_iter().flat_map(|mail| mail.to).collect();
    to.sort();
    to.dedup();
    assert_eq!((to.len(), scene.sink.mails().len()), (12, 12));
}

#[tokio::test]
async fn an_administrator_tests_the_mail_server() {
    let scene = Scene::new().await;
    let server = &scene.server;
    let test = async |to: &str| {
        server.post("/api/admin/mail/test").basic(&ADMIN).json(&json!({ "to": to })).send().await
    };
    assert_eq!(test(ADDRESS).await.expect(200).json(), json!({ "sent": true }));
    scene.sink.refuse_next(&[550]);
    let refused = test(ADDRESS).await.expect(200).json();
    assert_eq!(refused, json!({ "sent": false, "problem": "the mail server refused it with code 550" }));
    for bad in ["", "ada", "ada@example.com\r\nBcc: eve@example.com", "<ada@example.com>", "a b@example.com"]
    {
        assert_eq!(test(bad).await.expect(400).faulty_fields(), ["to"], "{bad}");
    }
    server.post("/api/admin/mail/test").basic(&USER).json(&json!({ "to": ADDRESS })).send().await.expect(403);
    assert_eq!(scene.sink.mails().len(), 1);
    let events: Vec<_> =
        scene.events(Action::TestMail).await.into_iter().map(|(outcome, _)| outcome).collect();
    assert_eq!(events, [Outcome::Refused, Outcome::Success]);
}

#[tokio::test]
async fn nothing_that_a_person_chooses_becomes_a_header() {
    let scene = Scene::new().await;
    let server = &scene.server;
    for attributes in [
        json!({ "email": "a@example.com\r\nBcc: eve@example.com" }),
        json!({ "email": "\"a\r\nBcc: eve@example.com\"@example.com" }),
        json!({ "email": "a@example.com, eve@example.com" }),
    ] {
        let body = json!({ "userName": "mallory", "attributes": attributes });
        server.post("/api/admin/invitations").basic(&ADMIN).json(&body).send().await.expect(400);
    }
    let name = "Bcc eve@example.com = ?utf-8?q?=0d=0a";
    let body = json!({ "userName": name, "attributes": { "email": "m@example.com", "name": "Eve <eve@example.com>" } });
    server.post("/api/admin/invitations").basic(&ADMIN).json(&body).send().await.expect(201);
    server.app().node().send_mails().await.unwrap();
    let mail = scene.sink.mails().remove(0);
    let mut names = mail.header_names();
    names.sort();
    let known = [
        "Auto-Submitted",
        "Content-Transfer-Encoding",
        "Content-Type",
        "Date",
        "From",
        "MIME-Version",
        "Message-ID",
        "Subject",
        "To",
    ];
    assert_eq!(names, known);
    assert_eq!(
        (mail.header("subject").as_deref(), &mail.to[..]),
        (Some("Your new account"), &["m@example.com".to_owned()][..])
    );
    assert!(mail.text().contains(name), "{}", mail.text());
}
