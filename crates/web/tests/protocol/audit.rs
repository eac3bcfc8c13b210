//! The audit log: an event for everything that changes or refuses access, and none for an issued token.

use domain::audit::{Action, Outcome};
use domain::id::ApplicationId;
use serde_json::json;
use store::{Audit, AuditFilter};
use testkit::{OTHER, TestServer, USER};

use crate::client::{CALLBACK, Client, Tokens};

async fn all(server: &TestServer) -> Vec<(Action, Outcome)> {
    let filter = AuditFilter { limit: 1_000, ..AuditFilter::default() };
    let events = server.store().list_audit(filter).await.unwrap();
    events.iter().rev().map(|event| (event.event.action, event.event.outcome)).collect()
}

#[tokio::test]
async fn issuing_and_refreshing_write_no_audit_event() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let code = client.code(&server).await;
    let before = all(&server).await;
    let tokens = Tokens::of(&client.exchange(&server, &code).await);
    Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    Tokens::of(&client.password(&server, &USER).await);
    client.introspect(&server, &tokens.access).await;
    assert_eq!(all(&server).await, before);
}

#[tokio::test]
async fn every_refusal_of_access_writes_one_event() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let stranger = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    let code = client.code(&server).await;
    let wrong = Client { secret: Some("wrong".to_owned()), ..client.clone() };
    let wrong_user = testkit::TestUser { name: USER.name, password: "wrong" };
    let nobody = testkit::TestUser { name: "nobody", password: "wrong" };
    let mut events = all(&server).await.len();
    let mut added = async |expected: Action| {
        let now = all(&server).await;
        assert_eq!(now[events..], [(expected, Outcome::Refused)]);
        events = now.len();
    };
    wrong.refresh(&server, &tokens.refresh).await.expect(400);
    added(Action::AuthenticateClient).await;
    stranger.refresh(&server, &tokens.refresh).await.expect(400);
    added(Action::RefuseToken).await;
    stranger.exchange(&server, &code).await.expect(400);
    added(Action::RefuseToken).await;
    client.refresh(&server, "sgr_forged").await.expect(400);
    added(Action::RefuseToken).await;
    client.token(&server, &[("grant_type", "client_credentials")]).await.expect(400);
    added(Action::RefuseToken).await;
    client.password(&server, &wrong_user).await.expect(400);
    added(Action::SignIn).await;
    client.password(&server, &nobody).await.expect(400);
    added(Action::SignIn).await;
    Tokens::of(&client.exchange(&server, &code).await);
    client.exchange(&server, &code).await.expect(400);
    added(Action::ReplayCode).await;
    client.token(&server, &[("grant_type", "nonsense")]).await.expect(400);
    assert_eq!(all(&server).await.len(), events, "what is only malformed refuses nobody anything");
}

#[tokio::test]
async fn equal_refusals_of_a_client_are_written_ten_times_a_minute() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let stranger = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    let before = all(&server).await.len();
    for _ in 0..20 {
        stranger.refresh(&server, &tokens.refresh).await.expect(400);
        client.refresh(&server, "sgr_forged").await.expect(400);
        stranger.refresh(&server, "sgr_forged").await.expect(400);
    }
    assert_eq!(all(&server).await[before..], [(Action::RefuseToken, Outcome::Refused); 30]);
    assert!(
        server
            .app()
            .node()
            .encode_metrics()
            .contains(r#"sluicegate_audit_repeats_total{outcome="refused"} 30"#)
    );
    server.clock().advance_secs(60);
    client.refresh(&server, "sgr_forged").await.expect(400);
    assert_eq!(all(&server).await.len(), before + 31);
}

#[tokio::test]
async fn replays_of_one_code_are_written_ten_times_a_minute() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let code = client.code(&server).await;
    Tokens::of(&client.exchange(&server, &code).await);
    let before = all(&server).await.len();
    for written in [10, 20] {
        for _ in 0..20 {
            client.exchange(&server, &code).await.expect(400);
        }
        assert_eq!(all(&server).await[before..], vec![(Action::ReplayCode, Outcome::Refused); written]);
        server.clock().advance_secs(60);
    }
}

#[tokio::test]
async fn every_failed_authentication_is_written() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let wrong = Client { secret: Some("wrong".to_owned()), ..client.clone() };
    let nobody = testkit::TestUser { name: "nobody", password: "wrong" };
    let before = all(&server).await.len();
    for _ in 0..20 {
        wrong.refresh(&server, "sgr_any").await.expect(400);
        client.password(&server, &nobody).await.expect(400);
    }
    assert_eq!(all(&server).await.len(), before + 40);
}

#[tokio::test]
async fn operations_are_recorded_with_actor_subject_and_address() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    client.post(&server, "/oauth2/revoke", &[("token", &tokens.access)]).await.expect(200);
    client.post(&server, "/oauth2/revoke", &[("token", &tokens.refresh)]).await.expect(200);
    client.post(&server, "/oauth2/revoke", &[("token", "nonsense")]).await.expect(200);
    let path = format!("/api/mgmt/oauth/client/allowedapplications/{}", client.id);
    server.delete(&path).basic(&USER).send().await.expect(204);
    let events = server.audit_of(ApplicationId::new(client.id)).await;
    let actions: Vec<_> = events.iter().map(|event| event.action).collect();
    let expected = [
        Action::RegisterApplication,
        Action::AllowApplication,
        Action::RevokeToken,
        Action::RevokeGrant,
        Action::RevokeAllowed,
    ];
    assert_eq!(actions, expected);
    for event in &events {
        assert_eq!(event.outcome, Outcome::Success);
        assert_eq!(event.address.as_deref(), Some("127.0.0.1"));
        assert!(event.request_id.as_deref().is_some_and(|id| !id.is_empty()));
    }
    for event in [&events[0], &events[1], &events[4]] {
        assert_eq!(event.actor_name.as_deref(), Some(USER.name), "{event:?}");
    }
}

#[tokio::test]
async fn the_audit_log_contains_no_secret() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let code = client.code_with(&server, &USER, &[("state", "the state")]).await;
    let tokens = Tokens::of(&client.exchange(&server, &code).await);
    client.exchange(&server, &code).await.expect(400);
    client.refresh(&server, &tokens.refresh).await.expect(400);
    let misplaced = testkit::TestUser { name: "my pass phrase, typed too early", password: "x" };
    client.password(&server, &misplaced).await.expect(400);
    let filter = AuditFilter { limit: 1_000, ..AuditFilter::default() };
    let log = format!("{:?}", server.store().list_audit(filter).await.unwrap());
    let secret = client.secret.as_deref().unwrap();
    for hidden in [&code, &tokens.access, &tokens.refresh, secret, USER.password, misplaced.name] {
        assert!(!log.contains(hidden), "{hidden}");
    }
    assert!(!log.contains(CALLBACK));
}

/// The events that were written since `before`, oldest first: who, which application, and why.
async fn since(server: &TestServer, before: usize) -> Vec<(Option<String>, Option<i64>, String)> {
    let filter = AuditFilter { limit: 1_000, ..AuditFilter::default() };
    let mut events = server.store().list_audit(filter).await.unwrap();
    events.reverse();
    let response = |written: &domain::audit::AuditEvent| {
        let event = &written.event;
        assert!(event.address.is_some() && event.request_id.is_some(), "{event:?}");
        let why = event.detail.clone().or(event.subject.clone()).unwrap_or_default();
        (event.actor_name.clone(), event.application.map(ApplicationId::get), why)
    };
    events[before..].iter().map(response).collect()
}

const APPLICATIONS: &str = "/api/mgmt/oauth/client/applications";

#[tokio::test]
async fn forged_forms_and_missing_csrf_tokens_write_an_event_with_the_signed_in_user() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let session = server.session(&USER).await;
    let cookie = format!("sluicegate={session}");
    let before = all(&server).await.len();
    let forged = [("csrf", "forged"), ("request", "x"), ("decision", "allow")];
    for path in ["/oauth2/consent", "/account/password", "/logout"] {
        server.post(path).header("cookie", &cookie).form(&forged).send().await.expect(403);
    }
    server
        .post("/login")
        .form(&[("csrf", "forged"), ("username", "a"), ("password", "b")])
        .send()
        .await
        .expect(403);
    let path = format!("{APPLICATIONS}/{}", client.id);
    server.delete(&path).header("cookie", &cookie).send().await.expect(403);
    server.delete(&path).header("cookie", &cookie).header("x-csrf-token", "forged").send().await.expect(403);
    let foreign = server.post("/logout").header("cookie", &cookie).header("sec-fetch-site", "cross-site");
    foreign.form(&forged).send().await.expect(403);
    let user = Some(USER.name.to_owned());
    let form = "a form that was not rendered for this browser";
    let token = "a change by cookie without the right X-CSRF-Token";
    let expected = [
        (user.clone(), form),
        (user.clone(), form),
        (user.clone(), form),
        (None, form),
        (user.clone(), token),
        (user, token),
        (None, "a change that a page of another origin asked for"),
    ];
    let expected = expected.map(|(who, why)| (who, None, why.to_owned()));
    assert_eq!(since(&server, before).await, expected);
}

#[tokio::test]
async fn unreadable_and_cross_origin_credentials_write_an_event() {
    let server = TestServer::start().await;
    let before = all(&server).await.len();
    let data = "/api/odata4/none";
    for path in [APPLICATIONS, data] {
        server.get(path).header("authorization", "Basic %%%").send().await.expect(401);
        server.get(path).header("authorization", "Digest x").send().await.expect(401);
    }
    server
        .post("/oauth2/token")
        .header("authorization", "Basic %%%")
        .form(&[("a", "b")])
        .send()
        .await
        .expect(401);
    server.post("/oauth2/token").form(&[("a", "b")]).send().await.expect(401);
    let foreign = server.post(APPLICATIONS).basic(&USER).header("sec-fetch-site", "cross-site");
    foreign.json(&serde_json::json!({})).send().await.expect(403);
    let unreadable = "an Authorization header that cannot be read";
    let expected = [
        unreadable,
        unreadable,
        unreadable,
        unreadable,
        unreadable,
        "a request that names no client",
        "a change that a page of another origin asked for",
    ];
    let expected: Vec<_> = expected.iter().map(|why| (None, None, (*why).to_owned())).collect();
    assert_eq!(since(&server, before).await, expected);
}

#[tokio::test]
async fn an_invalid_token_writes_an_event_that_names_its_user() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let (first, second) = (client.tokens(&server).await, client.tokens(&server).await);
    client.post(&server, "/oauth2/revoke", &[("token", &first.access)]).await.expect(200);
    let before = all(&server).await.len();
    for path in [APPLICATIONS, "/api/odata4/none"] {
        server.get(path).bearer("sga_forged").send().await.expect(401);
        server.get(path).bearer(&first.access).send().await.expect(401);
    }
    server.clock().advance_secs(3_600);
    server.get(APPLICATIONS).bearer(&second.access).send().await.expect(401);
    let whose = (Some(USER.name.to_owned()), Some(client.id));
    let event = |(who, application): &(Option<String>, Option<i64>), why: &str| {
        (who.clone(), *application, why.to_owned())
    };
    let (forged, revoked) =
        ("an access token that this server did not issue", "an access token that was revoked");
    let nobody = (None, None);
    let expected = [
        event(&nobody, forged),
        event(&whose, revoked),
        event(&nobody, forged),
        event(&whose, revoked),
        event(&whose, "an access token that has expired"),
    ];
    assert_eq!(since(&server, before).await, expected);
}

#[tokio::test]
async fn a_request_for_an_application_out_of_reach_writes_an_event_with_the_caller() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let before = all(&server).await.len();
    let path = format!("{APPLICATIONS}/{}", client.id);
    server.get(&path).basic(&OTHER).send().await.expect(404);
    server.delete(&path).basic(&OTHER).send().await.expect(404);
    server.put(&format!("{path}/reset")).basic(&OTHER).send().await.expect(404);
    server.get(&format!("{APPLICATIONS}/999")).basic(&OTHER).send().await.expect(404);
    let gone = "there is no application with that id, or it belongs to somebody else";
    let why = (Some(OTHER.name.to_owned()), None, gone.to_owned());
    assert_eq!(since(&server, before).await, vec![why; 4]);
}

#[tokio::test]
async fn other_requests_out_of_reach_write_an_event_with_the_caller() {
    let server = TestServer::start().await;
    let path = server.sqlite_file("sample.db", "CREATE TABLE T (Id INTEGER PRIMARY KEY)");
    let source =
        json!({ "name": "harbour", "dataStore": 1, "connectionType": "Cloud", "options": { "path": path } });
    server.post("/api/mgmt/datasources").basic(&USER).json(&source).send().await.expect(201);
    let before = all(&server).await.len();
    let path = "/api/mgmt/datasources/1";
    server.get(path).basic(&OTHER).send().await.expect(404);
    server.delete(path).basic(&OTHER).send().await.expect(404);
    server.put(path).basic(&OTHER).json(&json!({ "description": "mine" })).send().await.expect(404);
    server.get(&format!("{path}/model")).basic(&OTHER).send().await.expect(404);
    server.get(&format!("{path}/sharedUsers")).basic(&OTHER).send().await.expect(404);
    let allowed = "/api/mgmt/oauth/client/allowedapplications/7";
    server.delete(allowed).basic(&OTHER).send().await.expect(404);
    let who = || Some(OTHER.name.to_owned());
    let source =
        (who(), None, "there is no data source with that id, or it belongs to somebody else".to_owned());
    let mut expected = vec![source; 5];
    let not_allowed = "the user has not allowed an application with that id";
    expected.push((who(), None, not_allowed.to_owned()));
    let mut found = since(&server, before).await;
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn values_that_a_stranger_chooses_do_not_multiply_events() {
    let server = TestServer::start().await;
    let before = all(&server).await.len();
    for n in 0..60 {
        let address = [192, 0, 2, n];
        let name = format!("Basic %%%{n}");
        server.get(APPLICATIONS).from_address(address).header("authorization", name).send().await.expect(401);
        server.get(APPLICATIONS).from_address(address).bearer(&format!("sga_{n}")).send().await.expect(401);
        server.get(&format!("{APPLICATIONS}/{}", 900 + i64::from(n))).basic(&OTHER).send().await.expect(404);
        let client = format!("client{n}");
        let forged = [("csrf", client.as_str()), ("username", client.as_str())];
        server.post("/login").from_address(address).form(&forged).send().await.expect(403);
    }
    assert_eq!(all(&server).await.len(), before + 40, "ten for each reason");
    server.clock().advance_secs(60);
    server.get(APPLICATIONS).bearer("sga_again").send().await.expect(401);
    assert_eq!(all(&server).await.len(), before + 41);
}

#[tokio::test]
async fn events_about_replays_and_revoked_tokens_name_the_user() {
    let server = TestServer::start().await;
    let client = Client::strict(&server).await;
    let code = client.code_with(&server, &USER, &crate::client::S256).await;
    let first = Tokens::of(&client.exchange_verified(&server, &code).await);
    let before = all(&server).await.len();
    client.exchange_verified(&server, &code).await.expect(400);
    let second = client.tokens(&server).await;
    let next = Tokens::of(&client.refresh(&server, &second.refresh).await);
    Tokens::of(&client.refresh(&server, &next.refresh).await);
    client.refresh(&server, &second.refresh).await.expect(400);
    let third = client.tokens(&server).await;
    client.post(&server, "/oauth2/revoke", &[("token", &third.access)]).await.expect(200);
    client.post(&server, "/oauth2/revoke", &[("token", &third.refresh)]).await.expect(200);
    drop(first);
    let named =
        AuditFilter { limit: 1_000, actor_name: Some(USER.name.to_owned()), ..AuditFilter::default() };
    let actions: Vec<_> =
        server.store().list_audit(named).await.unwrap().iter().map(|e| e.event.action).collect();
    for action in [Action::ReplayCode, Action::ReplayRefreshToken, Action::RevokeToken, Action::RevokeGrant] {
        assert!(actions.contains(&action), "{action:?}: {actions:?}");
    }
    assert!(all(&server).await.len() > before);
}

#[tokio::test]
async fn the_event_of_a_key_rotation_names_its_actor() {
    let server = TestServer::start().await;
    server.app().keys().rotate(&app::identity::caller::RequestOrigin::command_line()).await.unwrap();
    server.clock().advance_secs(91 * 86_400);
    server.app().node().maintain().await.unwrap();
    let metrics = server.app().node().encode_metrics();
    assert!(metrics.contains("sluicegate_maintenance_rounds_total 1"), "{metrics}");
    let filter = AuditFilter { limit: 1_000, action: Some(Action::RotateKeys), ..AuditFilter::default() };
    let events = server.store().list_audit(filter).await.unwrap();
    let actors: Vec<_> = events.iter().map(|written| written.event.actor_name.as_deref().unwrap()).collect();
    assert_eq!(actors[..2], ["schedule", "command line"]);
}
