//! Access that is revoked while a response is being sent.

use std::pin::pin;

use app::node::clock::Clock;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::account::{DataSource, Permission, Role};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::RoleId;
use domain::limit::Limit;
use domain::secret::PasswordHash;
use domain::time::Timestamp;
use http::Request;
use http_body_util::BodyExt;
use oauth::application::ApplicationSettings;
use oauth::scope::BuiltInScope;
use store::{Amendment, Applications, Audit, AuditFilter, DataSources, Grants, UserChange, Users};
use testkit::{OTHER, TestUser};

use crate::fixture::{Fixture, poll_once, token};

/// A user who reads a shared source, with a role that can lose the permission.
const READER: TestUser = TestUser { name: "reader", password: "reads until it is told not to" };

/// Many chunks.
const ROWS: &str = "
    CREATE TABLE T (Id INTEGER PRIMARY KEY, Text TEXT);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    INSERT INTO T SELECT i, 'some text that fills the chunks of the stream' FROM n;
";

struct Scene {
    fixture: Fixture,
    pier: DataSource,
    role: RoleId,
    token: String,
}

impl Scene {
    async fn new() -> Self {
        let fixture = Fixture::open().await;
        let pier = fixture.add_source("Pier", ROWS).await;
        let role = fixture.server.add_role("reader", &[Permission::UseDataSourceWithOData]).await;
        fixture.server.add_user(&READER, &[role]).await;
        fixture.share(&pier, &READER).await;
        let token = token(&fixture.server, &READER).await;
        Self { fixture, pier, role, token }
    }

    /// The body of the response to a request for every row, whose first bytes were read.
    async fn begin(&self, authorization: &str) -> Body {
        let call = Request::get("/api/odata4/Pier/T").header("prefer", "maxpagesize=100000");
        let call = call.header("authorization", authorization).body(Body::empty());
        let response = self.fixture.server.service().answer(call.unwrap()).await;
        assert_eq!(response.status(), 200);
        let mut body = response.into_body();
        assert!(!body.frame().await.unwrap().unwrap().into_data().unwrap().is_empty());
        body
    }

    async fn by_token(&self) -> Body {
        self.begin(&format!("Bearer {}", self.token)).await
    }

    async fn by_password(&self) -> Body {
        let pair = STANDARD.encode(format!("{}:{}", READER.name, READER.password));
        self.begin(&format!("Basic {pair}")).await
    }

    async fn change(&self, change: UserChange) {
        let id = self.fixture.server.user(&READER).await.id;
        let changed = self.fixture.server.store().update_user(id, change, audit(Action::UpdateUser));
        changed.await.unwrap().unwrap();
    }

    async fn revoke_token(&self) {
        let server = &self.fixture.server;
        let token = server.vault().open_access_token(&self.token).unwrap();
        let over = server.clock().now().plus_secs(86_400);
        server.store().revoke_token(token.id, over, audit(Action::RevokeToken)).await.unwrap();
    }

    async fn share(&self, sharing: store::Sharing) {
        let shared = self.fixture.server.store().share_data_source(
            self.pier.id,
            sharing,
            audit(Action::ShareDataSource),
        );
        shared.await.unwrap().unwrap();
    }

    async fn set_permissions(&self, permissions: Vec<Permission>) {
        let role = Role {
            id: self.role,
            name: "reader".to_owned(),
            description: String::new(),
            permissions,
            requires_second_factor: false,
        };
        let changed = self.fixture.server.store().update_role(role, audit(Action::UpdateRole)).await;
        changed.unwrap().unwrap();
    }

    /// Makes this node poll the change feed, as it does several times a second.
    async fn poll_feed(&self) {
        self.fixture.server.app().node().refresh().await.unwrap();
    }

    /// How often a refusal of the reader was written.
    async fn refusals(&self) -> usize {
        let filter = AuditFilter {
            action: Some(Action::RefuseAccess),
            actor_name: Some(READER.name.to_owned()),
            limit: 100,
            ..AuditFilter::default()
        };
        self.fixture.server.store().list_audit(filter).await.unwrap().len()
    }
}

fn audit(action: Action) -> NewAuditEvent {
    NewAuditEvent::new(action, Outcome::Success, Timestamp::from_secs(1_767_268_800))
}

fn change() -> UserChange {
    let at = Timestamp::from_secs(1_767_268_800);
    UserChange { at, revocation_expires_at: at.plus_secs(86_400), ..UserChange::default() }
}

async fn is_whole(body: Body) -> bool {
    body.collect().await.is_ok()
}

#[tokio::test]
async fn revoking_the_token_aborts_its_running_response() {
    let scene = Scene::new().await;
    let (by_token, by_password) = (scene.by_token().await, scene.by_password().await);
    scene.revoke_token().await;
    scene.poll_feed().await;
    assert!(!is_whole(by_token).await);
    assert!(is_whole(by_password).await, "the password still holds");
    assert_eq!((scene.fixture.counted("odata_broken_streams"), scene.refusals().await), (1, 1));
}

#[tokio::test]
async fn unsharing_the_source_aborts_running_responses() {
    let scene = Scene::new().await;
    let (by_token, by_password) = (scene.by_token().await, scene.by_password().await);
    let reader = scene.fixture.server.user(&READER).await.id;
    scene.share(store::Sharing::Without(reader)).await;
    scene.poll_feed().await;
    assert!(!is_whole(by_token).await && !is_whole(by_password).await);
}

#[tokio::test]
async fn deactivating_the_user_or_a_new_password_aborts_running_responses() {
    let deactivated = UserChange { active: Some(false), ..change() };
    let new_password = UserChange { password: Some(PasswordHash::new("$argon2id$other")), ..change() };
    for ends in [deactivated, new_password] {
        let scene = Scene::new().await;
        let (by_token, by_password) = (scene.by_token().await, scene.by_password().await);
        scene.change(ends).await;
        scene.poll_feed().await;
        assert!(!is_whole(by_token).await && !is_whole(by_password).await);
    }
}

#[tokio::test]
async fn losing_the_permission_aborts_running_responses() {
    let scene = Scene::new().await;
    let (by_token, by_password) = (scene.by_token().await, scene.by_password().await);
    scene.set_permissions(vec![Permission::ViewDataSource]).await;
    scene.poll_feed().await;
    assert!(!is_whole(by_token).await && !is_whole(by_password).await);
}

#[tokio::test]
async fn withdrawing_a_scope_aborts_only_responses_to_tokens_of_the_application() {
    let scene = Scene::new().await;
    let server = &scene.fixture.server;
    let application = server.vault().open_access_token(&scene.token).unwrap().application;
    let (by_token, by_password) = (scene.by_token().await, scene.by_password().await);
    let narrower = Amendment::by(|settings| {
        let scopes = BuiltInScope::Management.into();
        Ok((ApplicationSettings { scopes, ..settings.clone() }, Vec::new()))
    });
    let updated = server.store().update_application(application, narrower, audit(Action::UpdateApplication));
    updated.await.unwrap().unwrap();
    scene.poll_feed().await;
    assert!(!is_whole(by_token).await);
    assert!(is_whole(by_password).await, "the user's own right still holds");
    assert_eq!((scene.fixture.counted("odata_broken_streams"), scene.refusals().await), (1, 1));
}

#[tokio::test]
async fn a_stale_node_polls_before_it_sends_more() {
    let scene = Scene::new().await;
    let body = scene.by_token().await;
    scene.revoke_token().await;
    scene.fixture.server.clock().advance_micros(1_000_001);
    assert!(!is_whole(body).await);
}

#[tokio::test]
async fn unrelated_changes_do_not_abort_responses() {
    let scene = Scene::new().await;
    let (by_token, by_password) = (scene.by_token().await, scene.by_password().await);
    let other = scene.fixture.server.user(&OTHER).await.id;
    scene.share(store::Sharing::Also(vec![other])).await;
    scene.fixture.rename(&scene.pier, "Quay").await;
    scene.set_permissions(vec![Permission::UseDataSourceWithOData, Permission::MgmtAPI]).await;
    scene.fixture.server.clock().advance_secs(4_000);
    scene.poll_feed().await;
    assert!(is_whole(by_token).await, "an expired token was good for what began in time");
    assert!(is_whole(by_password).await);
    assert_eq!((scene.fixture.counted("odata_broken_streams"), scene.refusals().await), (0, 0));
}

#[tokio::test]
async fn a_request_is_authorised_again_after_waiting_for_its_permit() {
    for (revokes, status) in [(true, 401), (false, 404)] {
        let scene = Scene::new().await;
        scene.fixture.limit(Limit::ODataMaxConcurrentRequests, 1).await;
        let running = scene.by_password().await;
        let server = &scene.fixture.server;
        let mut waiting = pin!(server.get("/api/odata4/Pier/T(1)").bearer(&scene.token).send());
        assert!(poll_once(waiting.as_mut()).await.is_none(), "it waits for the first to end");
        if revokes {
            scene.revoke_token().await;
        } else {
            scene.share(store::Sharing::With(vec![])).await;
        }
        server.clock().advance_micros(1_000_001);
        drop(running);
        waiting.await.expect(status);
    }
}
