//! Tests of the grants that end with a session.

use std::sync::Arc;

use domain::account::User;
use domain::audit::Action;
use domain::id::{GrantId, UserId};
use domain::secret::Digest;
use oauth::application::Application;
use oauth::grant::GrantDetails;
use oauth::revocation::{Revocation, RevokedSubject};
use oauth::scope::{BuiltInScope, ScopeSet};
use oauth::user_authentication::SignInDetails;

use super::{OVER, START, World, event, granted, insert_user};
use crate::{NewGrant, NewSession, ReplacedSession, Store};

const ONLINE: [BuiltInScope; 2] = [BuiltInScope::OpenId, BuiltInScope::OData];
const OFFLINE: [BuiltInScope; 2] = [BuiltInScope::OpenId, BuiltInScope::OfflineAccess];

struct Scene {
    world: World,
    application: Application,
    codes: u64,
}

impl Scene {
    async fn open(store: Arc<dyn Store>) -> Self {
        let world = World::new(store).await;
        let application = world.store.find_application(world.application.id).await.unwrap().unwrap();
        Self { world, application, codes: 0 }
    }

    async fn user(&self, id: UserId) -> User {
        self.world.store.find_user(id).await.unwrap().unwrap()
    }

    /// A grant of a sign-in in the session of this name.
    async fn grant(&mut self, scopes: &[BuiltInScope], sid: Option<&str>, refreshable: bool) -> GrantId {
        self.codes += 1;
        let sign_in = Some(SignInDetails { auth_time: 7, sid: sid.map(str::to_owned) });
        let new = NewGrant {
            user_epoch: self.user(self.world.user.id).await.epoch,
            application_epoch: self.application.epoch,
            scopes: scopes.iter().copied().collect::<ScopeSet>(),
            details: GrantDetails { sign_in, ..GrantDetails::default() },
            refreshable,
            expires_at: (!refreshable).then_some(OVER),
            ..self.world.new_grant(self.codes, None)
        };
        granted(&self.world.create_grant(new).await).unwrap()
    }

    fn session_of(user: &User, sid: &str, replaces: Option<ReplacedSession>) -> NewSession {
        NewSession {
            user: user.id,
            user_epoch: user.epoch,
            digest: Digest::from_bytes([7; 32]),
            auth_time: START,
            expires_at: OVER,
            sid: sid.to_owned(),
            replaces,
        }
    }

    async fn session(&self, new: NewSession) -> ReplacedSession {
        let session = self.world.store.insert_session(new, event(Action::SignIn)).await.unwrap().unwrap();
        ReplacedSession { id: session.id, digest: session.digest, revocations_expire_at: OVER }
    }

    async fn is_live(&self, grant: GrantId) -> bool {
        self.world.store.find_grant(grant).await.unwrap().unwrap().revoked_at.is_none()
    }

    async fn feed(&self) -> Vec<RevokedSubject> {
        let all = self.world.store.revocations_after(0, START, 1_000).await.unwrap();
        all.into_iter().map(|revocation: Revocation| revocation.subject).collect()
    }
}

pub async fn a_sign_out_revokes_the_grants_of_its_session_without_offline_access(store: Arc<dyn Store>) {
    let mut scene = Scene::open(store).await;
    let user = scene.user(scene.world.user.id).await;
    let session = scene.session(Scene::session_of(&user, "one%_", None)).await;
    let own = scene.grant(&ONLINE, Some("one%_"), true).await;
    let mut staying = Vec::new();
    for (scopes, sid, refreshable) in [
        (&OFFLINE[..], Some("one%_"), true),
        (&[BuiltInScope::OData][..], Some("one%_"), true),
        (&ONLINE[..], Some("one%_"), false),
        (&ONLINE[..], Some("oneXX"), true),
        (&ONLINE[..], None, true),
    ] {
        staying.push(scene.grant(scopes, sid, refreshable).await);
    }
    let before = scene.feed().await.len();
    let end = || scene.world.store.delete_session(session.id, OVER, event(Action::SignOut));
    let ended = end().await.unwrap();
    let subjects: Vec<_> = ended.revoked.iter().map(|revocation| revocation.subject).collect();
    assert_eq!(subjects, [RevokedSubject::Grant(own)]);
    assert_eq!(scene.feed().await[before..], subjects, "other nodes learn of it");
    assert!(!scene.is_live(own).await);
    for grant in staying {
        assert!(scene.is_live(grant).await, "{grant:?}");
    }
    assert_eq!(end().await.unwrap(), crate::EndedSession::default(), "nothing is left to end");
}

pub async fn another_user_at_the_browser_ends_the_grants_of_its_session(store: Arc<dyn Store>) {
    let mut scene = Scene::open(store).await;
    let user = scene.user(scene.world.user.id).await;
    let first = scene.session(Scene::session_of(&user, "one", None)).await;
    let own = scene.grant(&ONLINE, Some("one"), true).await;
    let again = scene.session(Scene::session_of(&user, "new", Some(first))).await;
    assert!(scene.is_live(own).await, "the session goes on");
    let other = insert_user(&scene.world.store, "another", &[]).await.unwrap();
    scene.session(Scene::session_of(&other, "other", Some(again))).await;
    assert!(!scene.is_live(own).await);
    assert!(scene.feed().await.contains(&RevokedSubject::Grant(own)));
}

pub async fn a_sign_out_ends_a_bounded_number_of_grants(store: Arc<dyn Store>) {
    let mut scene = Scene::open(store).await;
    let user = scene.user(scene.world.user.id).await;
    let session = scene.session(Scene::session_of(&user, "one", None)).await;
    let mut grants = Vec::new();
    for _ in 0..=200 {
        grants.push(scene.grant(&ONLINE, Some("one"), true).await);
    }
    let ended = scene.world.store.delete_session(session.id, OVER, event(Action::SignOut)).await.unwrap();
    assert_eq!(ended.revoked.len(), 200);
    assert!(scene.is_live(grants[0]).await && !scene.is_live(grants[1]).await, "the newest end");
}
