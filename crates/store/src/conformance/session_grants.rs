//! Tests of the grants that end with a session.

use std::sync::Arc;

use domain::account::device::SessionOrigin;
use domain::account::{Authority, CallerSession, Credential, Rights, User};
use domain::audit::{Action, NewAuditEvent};
use domain::id::{GrantId, UserId};
use domain::secret::Digest;
use oauth::application::Application;
use oauth::grant::GrantDetails;
use oauth::revocation::{Revocation, RevokedSubject};
use oauth::scope::{BuiltInScope, ScopeSet};
use oauth::user_authentication::SignInDetails;

use super::{OVER, START, World, at_once, create_grant, event, granted, insert_user};
use crate::{AccessOf, GrantCreation, NewGrant, NewSession, Possessions, ReplacedSession, Store};

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
        let sign_in = Some(SignInDetails { auth_time: 7, sid: sid.map(str::to_owned), second_factor: false });
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
            second_factor: false,
            origin: SessionOrigin::default(),
            replaces,
        }
    }

    async fn session(&self, new: NewSession) -> ReplacedSession {
        let session = self.world.store.insert_session(new, event(Action::SignIn)).await.unwrap().unwrap();
        ReplacedSession { id: session.id, digest: session.digest, revocations_expire_at: OVER }
    }

    /// Redeems a new code of the session of this name.
    async fn redeem(&mut self, sid: &str) -> GrantCreation {
        self.codes += 1;
        let new = NewGrant { session: Some(sid.to_owned()), ..self.world.new_grant(self.codes, None) };
        self.world.create_grant(new).await
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

pub async fn a_code_creates_a_grant_only_while_its_session_lasts(store: Arc<dyn Store>) {
    let mut scene = Scene::open(store).await;
    let store = Arc::clone(&scene.world.store);
    let user = scene.user(scene.world.user.id).await;
    let other = insert_user(&store, "another", &[]).await.unwrap();
    let later = |sid| NewSession { auth_time: START.plus_secs(9), ..Scene::session_of(&user, sid, None) };
    let first = scene.session(Scene::session_of(&user, "first", None)).await;
    let second = scene.session(later("second")).await;
    scene.session(Scene::session_of(&other, "of another", None)).await;
    scene.session(NewSession { expires_at: START, ..later("expired") }).await;
    for (sid, lasts) in [("first", true), ("second", true), ("of another", false), ("expired", false)] {
        assert_eq!(granted(&scene.redeem(sid).await).is_some(), lasts, "{sid}");
    }

    let again = scene.session(Scene::session_of(&user, "new", Some(first))).await;
    assert!(granted(&scene.redeem("first").await).is_some(), "the same user has signed in again");
    assert_eq!(scene.redeem("new").await, GrantCreation::Gone, "the session keeps its name");

    let older = AccessOf::IssuedBefore(START.plus_secs(9));
    store.revoke_access(older, OVER, event(Action::RevokeAccess)).await.unwrap().unwrap().unwrap();
    assert_eq!(scene.redeem("first").await, GrantCreation::Gone, "it is older than what was revoked");
    assert!(granted(&scene.redeem("second").await).is_some());
    assert!(store.find_session(again.id).await.unwrap().is_none());

    store.delete_session(second.id, OVER, event(Action::SignOut)).await.unwrap();
    assert_eq!(scene.redeem("second").await, GrantCreation::Gone);

    let third = scene.session(later("third")).await;
    scene.session(Scene::session_of(&other, "fourth", Some(third))).await;
    assert_eq!(scene.redeem("third").await, GrantCreation::Gone, "another user has signed in");

    scene.session(later("fifth")).await;
    let deleted = store.delete_user(user.id, Possessions::Delete, OVER, event(Action::DeleteUser)).await;
    deleted.unwrap().unwrap();
    assert_eq!(scene.redeem("fifth").await, GrantCreation::Gone);
}

pub async fn redeeming_beside_a_sign_out_is_either_dead_or_gone(store: Arc<dyn Store>) {
    const MANY: usize = 32;
    let scene = Scene::open(store).await;
    let user = scene.user(scene.world.user.id).await;
    let session = scene.session(Scene::session_of(&user, "one", None)).await.id;
    let new = |code| {
        let sign_in = Some(SignInDetails { auth_time: 7, sid: Some("one".to_owned()), second_factor: false });
        NewGrant {
            session: Some("one".to_owned()),
            scopes: ONLINE.into_iter().collect::<ScopeSet>(),
            details: GrantDetails { sign_in, ..GrantDetails::default() },
            ..scene.world.new_grant(code, None)
        }
    };
    let outcomes = at_once(MANY, |task| {
        let (store, new) = (Arc::clone(&scene.world.store), new(task as u64));
        async move {
            if task == 16 {
                store.delete_session(session, OVER, event(Action::SignOut)).await.unwrap();
            }
            create_grant(&store, new).await
        }
    });
    for outcome in outcomes.await {
        match granted(&outcome) {
            None => assert_eq!(outcome, GrantCreation::Gone),
            Some(grant) => assert!(!scene.is_live(grant).await, "{grant:?} outlives its session"),
        }
    }
}

pub async fn a_consent_needs_the_session_in_which_it_is_given(store: Arc<dyn Store>) {
    let scene = Scene::open(store).await;
    let user = scene.user(scene.world.user.id).await;
    let session = scene.session(Scene::session_of(&user, "one", None)).await.id;
    let credential = Credential::Session(CallerSession { id: session, auth_time: START, checked_up_to: 0 });
    let caller = Rights { user: user.id, epoch: user.epoch, permissions: Vec::new() };
    let authority = Authority { caller, subject: None, credential };
    let event_of =
        || NewAuditEvent { authority: Some(Box::new(authority.clone())), ..event(Action::AllowApplication) };
    let allow = async || {
        let new = scene.world.new_consent().await;
        scene.world.store.allow(new, event_of()).await.unwrap()
    };
    assert!(allow().await.is_some());
    scene.world.store.delete_session(session, OVER, event(Action::SignOut)).await.unwrap();
    assert_eq!(allow().await, None);
}
