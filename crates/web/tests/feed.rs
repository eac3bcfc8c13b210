//! How a node learns of revocations that others have appended.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

use app::node::clock::Clock;
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::TokenId;
use oauth::scope::{BuiltInScope, ScopeSet};
use serde_json::json;
use store::{Applications as _, Grants, NewSecret, SealedSecret};
use testkit::{TestServer, USER};

/// The number of revocations in one read.
const AT_ONCE: usize = 1_000;

struct Scene {
    server: TestServer,
    application: domain::id::ApplicationId,
}

impl Scene {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let wanted = json!({"name": "reader", "redirectUrls": ["https://reader.example/back"]});
        let made = server.post("/api/mgmt/oauth/client/applications").basic(&USER).json(&wanted).send().await;
        let id = made.expect(201).json()["id"].as_i64().unwrap();
        Self { server, application: domain::id::ApplicationId::new(id) }
    }

    async fn token(&self) -> String {
        self.server.access_token(&USER, self.application, ScopeSet::from(BuiltInScope::OData)).await
    }

    /// Revokes a token, as another node would.
    async fn end(&self, id: TokenId) {
        let now = self.server.clock().now();
        let event = NewAuditEvent::new(Action::RevokeToken, Outcome::Success, now);
        self.server.store().revoke_token(id, now.plus_secs(3_600), event).await.unwrap();
    }

    async fn end_what(&self, token: &str) {
        self.end(self.server.vault().open_access_token(token).unwrap().id).await;
    }

    async fn status(&self, token: &str) -> u16 {
        self.server.get("/api/odata4").bearer(token).send().await.status()
    }
}

#[tokio::test]
async fn revocations_are_applied_even_if_they_exceed_one_read() {
    let scene = Scene::new().await;
    let (first, last, other) = (scene.token().await, scene.token().await, scene.token().await);
    scene.end_what(&first).await;
    for _ in 1..AT_ONCE {
        scene.end(scene.server.vault().new_token_id(scene.server.clock().now())).await;
    }
    scene.end_what(&last).await;
    assert_eq!(scene.status(&last).await, 200, "nobody has looked yet");
    scene.server.app().node().refresh().await.unwrap();
    assert_eq!([scene.status(&first).await, scene.status(&last).await], [401, 401]);
    assert_eq!(scene.status(&other).await, 200);
}

#[tokio::test]
async fn a_change_feed_that_lost_its_end_is_read_again() {
    let scene = Scene::new().await;
    let (before, after) = (scene.token().await, scene.token().await);
    scene.end_what(&before).await;
    scene.end(scene.server.vault().new_token_id(scene.server.clock().now())).await;
    scene.server.app().node().refresh().await.unwrap();
    let database = rusqlite::Connection::open(scene.server.folder().join("system.db")).unwrap();
    database.execute_batch("DELETE FROM revocations; UPDATE versions SET revocations = 0").unwrap();
    scene.end_what(&after).await;
    scene.server.app().node().refresh().await.unwrap();
    assert_eq!([scene.status(&before).await, scene.status(&after).await], [401, 401]);
}

#[tokio::test]
async fn a_secret_that_another_node_has_just_issued_is_accepted() {
    let scene = Scene::new().await;
    let application = scene.server.store().find_application(scene.application).await.unwrap().unwrap();
    let introspect = async |secret: &str| {
        let client = application.client_id.as_str();
        let form = [("client_id", client), ("client_secret", secret), ("token", "x")];
        scene.server.post("/oauth2/introspect").form(&form).send().await.status()
    };
    assert_eq!(introspect("sgs_wrong").await, 400, "now this node knows the application");
    let now = scene.server.clock().now();
    let fresh = scene.server.vault().new_client_secret();
    let new = NewSecret { digest: fresh.digest, hint: fresh.hint, sealed: SealedSecret::None };
    let event = NewAuditEvent::new(Action::ResetSecret, Outcome::Success, now);
    let reset = scene.server.store().reset_secret(scene.application, new, now.plus_secs(60), event);
    reset.await.unwrap().unwrap();
    assert_eq!(introspect(fresh.secret.expose()).await, 200);
    assert_eq!(introspect("sgs_wrong").await, 400);
}
