//! Tests of users, roles and sessions.

use std::sync::Arc;

use domain::account::attributes::{Attribute, UserAttributes};
use domain::account::device::SessionOrigin;
use domain::account::{ADMINISTRATOR_ROLE, Permission, Role, Session, USER_ROLE, User};
use domain::audit::Action;
use domain::id::{Epoch, RoleId, SessionId, UserId};
use domain::secret::{Digest, PasswordHash};
use oauth::revocation::{Revocation, RevokedSubject};

use super::{OVER, START, World, event, insert_application, insert_user};
use crate::{
    AuditFilter, GrantCreation, MOST_SESSIONS, NewAttributes, NewSession, PasswordChange, Possessions,
    ReplacedSession, Store, UserChange, UserRefusal,
};

pub async fn a_user_is_found_by_id_and_by_name_without_case(store: Arc<dyn Store>) {
    let user = insert_user(&store, "Zoë", &[USER_ROLE]).await.unwrap();
    assert_eq!(store.find_user(user.id).await.unwrap().unwrap().name, "Zoë");
    assert_eq!(store.find_user_by_name("zOË").await.unwrap().unwrap().id, user.id);
    assert!(store.find_user_by_name("zoe").await.unwrap().is_none());
    assert_eq!(user.roles, [USER_ROLE]);
    let second = insert_user(&store, "yan", &[]).await.unwrap();
    let listed = store.list_users(Some(user.id), 10).await.unwrap();
    assert_eq!(listed.iter().map(|user| user.id).collect::<Vec<_>>(), [second.id]);
    assert_eq!(store.list_users(None, 1).await.unwrap().len(), 1);
    let searched = async |after, limit, text: &str| {
        let found = store.search_users(after, limit, text.to_owned()).await.unwrap();
        found.into_iter().map(|user| user.id).collect::<Vec<_>>()
    };
    assert_eq!(searched(None, 10, "OË").await, [user.id]);
    assert_eq!(searched(Some(user.id), 10, "a").await, [second.id]);
    assert_eq!(searched(None, 10, "").await.len(), 2);
    assert_eq!(searched(None, 1, "").await, [user.id]);
    for none in ["%", "_", "\0", "zoe"] {
        assert_eq!(searched(None, 10, none).await, [], "{none:?}");
    }
    let roles = store.list_roles().await.unwrap();
    assert_eq!(store.page_of_roles(None, 1).await.unwrap(), roles[..1]);
    assert_eq!(store.page_of_roles(Some(roles[0].id), 10).await.unwrap(), roles[1..]);
}

pub async fn ids_of_users_are_never_given_twice(store: Arc<dyn Store>) {
    let first = insert_user(&store, "first", &[]).await.unwrap();
    store.delete_user(first.id, Possessions::Keep, OVER, event(Action::DeleteUser)).await.unwrap().unwrap();
    assert!(insert_user(&store, "second", &[]).await.unwrap().id > first.id);
}

pub async fn attributes_are_stored_and_identifiers_never_change(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let stored = r#"{"email_verified":true,"email":"ada@example.com"}"#;
    let mut attributes = UserAttributes::from_json(Some(stored)).unwrap();
    let set = UserChange { attributes: Some(NewAttributes::Set(attributes.clone())), ..change() };
    let (user, _) = update(&world, &world.user, set).await.unwrap();
    assert_eq!(user.attributes.as_deref(), Some(&attributes));
    attributes.set(Attribute::Email, "other@example.com");
    let renamed = UserChange {
        name: Some("lovelace".to_owned()),
        attributes: Some(NewAttributes::Edited(attributes)),
        ..change()
    };
    let (user, _) = update(&world, &user, renamed).await.unwrap();
    let edited = user.attributes.unwrap();
    assert_eq!((edited.get(Attribute::Email), edited.email_verified), (Some("other@example.com"), false));
    assert_eq!(user.subject_seed, world.user.subject_seed);
    let other = insert_user(&world.store, "another", &[]).await.unwrap();
    assert_eq!(other.subject_seed.expose().len(), 32);
    assert_ne!(other.subject_seed, user.subject_seed);
    assert_eq!(other.attributes, None);
    let none = UserChange { attributes: Some(NewAttributes::Set(UserAttributes::default())), ..change() };
    let (user, _) = update(&world, &world.user, none).await.unwrap();
    assert_eq!(user.attributes, None);
}

pub async fn a_taken_name_or_an_unknown_role_is_refused_and_changes_nothing(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let taken = insert_user(&world.store, "BOB", &[]).await;
    assert_eq!(taken.unwrap_err(), UserRefusal::NameTaken);
    let unknown = insert_user(&world.store, "eve", &[RoleId::new(77)]).await;
    assert_eq!(unknown.unwrap_err(), UserRefusal::UnknownRole);
    assert!(world.store.find_user_by_name("eve").await.unwrap().is_none());
    let renamed = UserChange { name: Some("Ada".to_owned()), ..change() };
    assert_eq!(update(&world, &world.user, renamed).await.unwrap_err(), UserRefusal::NameTaken);
    let roles = UserChange { roles: Some(vec![RoleId::new(77)]), password: Some(new_password()), ..change() };
    assert_eq!(update(&world, &world.user, roles).await.unwrap_err(), UserRefusal::UnknownRole);
    assert_eq!(world.store.find_user(world.user.id).await.unwrap().unwrap().epoch, world.user.epoch);
    let own_name = UserChange { name: Some("BOB".to_owned()), ..change() };
    assert_eq!(update(&world, &world.user, own_name).await.unwrap().0.name, "BOB");
    let nobody = world.store.update_user(UserId::new(77), change(), event(Action::UpdateUser)).await.unwrap();
    assert_eq!(nobody.unwrap_err(), UserRefusal::Unknown);
}

pub async fn a_new_password_ends_access(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (session, grant) = (open_session(&world).await, world.grant(1).await);
    let changed = UserChange { password: Some(new_password()), ..change() };
    let (user, ended) = update(&world, &world.user, changed).await.unwrap();
    assert!(user.epoch > world.user.epoch);
    assert_eq!(subjects(&ended), [RevokedSubject::User { user: user.id, epoch: user.epoch }]);
    assert!(world.store.find_session(session.id).await.unwrap().is_none());
    assert_eq!(world.store.find_grant(grant).await.unwrap(), None);
    assert_eq!(user.password.as_phc(), "$argon2id$two");
}

pub async fn a_chosen_password_leaves_one_new_session(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (session, grant) = (open_session(&world).await, world.grant(1).await);
    let choosing = world.store.change_password(chosen_password(&world), event(Action::ChangePassword));
    let (fresh, ended) = choosing.await.unwrap().unwrap();
    let user = world.store.find_user(world.user.id).await.unwrap().unwrap();
    assert!(user.epoch > world.user.epoch);
    assert_eq!(subjects(&ended), [RevokedSubject::User { user: user.id, epoch: user.epoch }]);
    assert_eq!(user.password.as_phc(), "$argon2id$two");
    assert!(world.store.find_session(session.id).await.unwrap().is_none(), "a copied cookie is of no use");
    let found = world.store.find_session(fresh.id).await.unwrap().unwrap();
    assert_eq!((found.user_epoch, found.digest.as_bytes()), (user.epoch, &[9; 32]));
    assert_eq!(world.store.find_grant(grant).await.unwrap(), None);
}

pub async fn a_password_is_chosen_only_in_the_epoch_of_the_current_one(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let stale = chosen_password(&world);
    let by_another = UserChange { password: Some(PasswordHash::new("$argon2id$three")), ..change() };
    let (user, _) = update(&world, &world.user, by_another).await.unwrap();
    let chosen = world.store.change_password(stale.clone(), event(Action::ChangePassword)).await.unwrap();
    assert_eq!(chosen.unwrap_err(), UserRefusal::Unknown);
    let off = UserChange { active: Some(false), ..change() };
    let (user, _) = update(&world, &user, off).await.unwrap();
    let inactive = PasswordChange { user_epoch: user.epoch, ..stale.clone() };
    assert!(world.store.change_password(inactive, event(Action::ChangePassword)).await.unwrap().is_err());
    let nobody = PasswordChange { user: UserId::new(77), ..stale };
    assert!(world.store.change_password(nobody, event(Action::ChangePassword)).await.unwrap().is_err());
    let user = world.store.find_user(user.id).await.unwrap().unwrap();
    assert_eq!(user.password.as_phc(), "$argon2id$three");
    let events = AuditFilter { action: Some(Action::ChangePassword), limit: 9, ..AuditFilter::default() };
    assert!(world.store.list_audit(events).await.unwrap().is_empty());
}

pub async fn deactivating_ends_access_and_reactivating_brings_none_back(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (session, grant) = (open_session(&world).await, world.grant(1).await);
    let off = UserChange { active: Some(false), ..change() };
    let (user, ended) = update(&world, &world.user, off).await.unwrap();
    assert_eq!(ended.len(), 1);
    assert!(!user.active);
    assert!(world.store.find_session(session.id).await.unwrap().is_none());
    let on = UserChange { active: Some(true), ..change() };
    let (user, ended) = update(&world, &world.user, on).await.unwrap();
    assert!(user.active && ended.is_empty());
    assert_eq!(world.store.find_grant(grant).await.unwrap(), None);
}

pub async fn the_last_administrator_stays(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let last = |refused: Result<_, UserRefusal>| refused.unwrap_err() == UserRefusal::LastAdministrator;
    let demotion = UserChange { roles: Some(vec![USER_ROLE]), ..change() };
    assert!(last(update(&world, &world.administrator, demotion.clone()).await));
    let off = UserChange { active: Some(false), ..change() };
    assert!(last(update(&world, &world.administrator, off).await));
    let deleted = world
        .store
        .delete_user(world.administrator.id, Possessions::Keep, OVER, event(Action::DeleteUser))
        .await
        .unwrap();
    assert_eq!(deleted.unwrap_err(), UserRefusal::LastAdministrator);
    let role = Role { permissions: vec![Permission::WebUI], ..administrator_role(&world).await };
    let weaker = world.store.update_role(role, event(Action::UpdateRole)).await.unwrap();
    assert_eq!(weaker.unwrap_err(), UserRefusal::LastAdministrator);
    insert_user(&world.store, "second", &[ADMINISTRATOR_ROLE]).await.unwrap();
    update(&world, &world.administrator, demotion).await.unwrap();
}

pub async fn a_deleted_user_leaves_nothing_that_works(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let guest = insert_user(&world.store, "guest", &[USER_ROLE]).await.unwrap();
    let world = World { user: guest, ..world };
    let (consent, grant, session) = (world.allow().await, world.grant(1).await, open_session(&world).await);
    let ended = world
        .store
        .delete_user(world.user.id, Possessions::Keep, OVER, event(Action::DeleteUser))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(subjects(&ended.ended), [RevokedSubject::User { user: world.user.id, epoch: Epoch::GONE }]);
    assert_eq!(world.store.find_grant(grant).await.unwrap(), None);
    assert_eq!(world.store.find_consent(world.user.id, world.application.id).await.unwrap(), None);
    assert!(world.store.find_session(session.id).await.unwrap().is_none());
    assert_eq!(world.create_grant(world.new_grant(2, Some(&consent))).await, GrantCreation::Gone);
}

pub async fn a_password_hash_is_replaced_only_if_it_is_still_the_old_one(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let hash = |text: &str| PasswordHash::new(text);
    let replace =
        |old: &str, new: &str| world.store.replace_password_hash(world.user.id, hash(old), hash(new));
    replace("$argon2id$other", "$argon2id$three").await.unwrap();
    let stored = async || world.store.find_user(world.user.id).await.unwrap().unwrap();
    assert_eq!(stored().await.password.as_phc(), "$argon2id$one");
    replace("$argon2id$one", "$argon2id$three").await.unwrap();
    assert_eq!(stored().await.password.as_phc(), "$argon2id$three");
    assert_eq!(stored().await.epoch, world.user.epoch);
}

pub async fn roles_keep_their_rules(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let role = Role {
        id: RoleId::new(0),
        name: "Auditor".to_owned(),
        description: String::new(),
        permissions: vec![Permission::ViewUsers, Permission::ViewRole],
        requires_second_factor: true,
    };
    let inserted = world.store.insert_role(role.clone(), event(Action::CreateRole)).await.unwrap().unwrap();
    assert_eq!(world.store.list_roles().await.unwrap().last(), Some(&inserted));
    let relaxed = Role { requires_second_factor: false, ..inserted.clone() };
    world.store.update_role(relaxed.clone(), event(Action::UpdateRole)).await.unwrap().unwrap();
    assert_eq!(world.store.list_roles().await.unwrap().last(), Some(&relaxed));
    let again = Role { name: "AUDITOR".to_owned(), ..role };
    assert_eq!(
        world.store.insert_role(again, event(Action::CreateRole)).await.unwrap(),
        Err(UserRefusal::NameTaken)
    );
    let taken = Role { name: "user".to_owned(), ..inserted.clone() };
    assert_eq!(
        world.store.update_role(taken, event(Action::UpdateRole)).await.unwrap(),
        Err(UserRefusal::NameTaken)
    );
    let delete = |id| world.store.delete_role(id, event(Action::DeleteRole));
    assert_eq!(delete(ADMINISTRATOR_ROLE).await.unwrap(), Err(UserRefusal::RoleInUse));
    assert_eq!(delete(USER_ROLE).await.unwrap(), Err(UserRefusal::RoleInUse));
    assert_eq!(delete(RoleId::new(77)).await.unwrap(), Err(UserRefusal::Unknown));
    let roles = UserChange { roles: Some(vec![inserted.id, USER_ROLE]), ..change() };
    assert_eq!(update(&world, &world.user, roles).await.unwrap().0.roles, [USER_ROLE, inserted.id]);
    assert_eq!(delete(inserted.id).await.unwrap(), Err(UserRefusal::RoleInUse));
    update(&world, &world.user, UserChange { roles: Some(vec![]), ..change() }).await.unwrap();
    assert_eq!(delete(inserted.id).await.unwrap(), Ok(()));
}

pub async fn sessions_open_and_close(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let session = open_session(&world).await;
    let found = world.store.find_session(session.id).await.unwrap().unwrap();
    assert_eq!((found.user, found.user_epoch, found.expires_at), (world.user.id, world.user.epoch, OVER));
    assert_eq!(found.digest.as_bytes(), &[7; 32]);
    let other = open_session(&world).await;
    let listed = listed_sessions(&world).await;
    assert_eq!(listed.iter().map(|session| session.id).collect::<Vec<_>>(), [other.id, session.id]);
    assert_eq!(listed[0].digest.as_bytes(), &[7; 32]);
    world.store.delete_session(session.id, OVER, event(Action::SignOut)).await.unwrap();
    let listed = listed_sessions(&world).await;
    assert_eq!(listed.iter().map(|session| session.id).collect::<Vec<_>>(), [other.id]);
    assert!(world.store.find_session(session.id).await.unwrap().is_none());
}

pub async fn a_session_is_opened_only_in_the_epoch_of_its_password(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let stale = new_session(&world);
    let old = open_session(&world).await;
    let changed = UserChange { password: Some(new_password()), ..change() };
    let (user, _) = update(&world, &world.user, changed).await.unwrap();
    let replaces = Some(ReplacedSession { id: old.id, digest: old.digest, revocations_expire_at: OVER });
    let opened = async |new| world.store.insert_session(new, event(Action::SignIn)).await.unwrap();
    assert!(opened(NewSession { replaces, ..stale.clone() }).await.is_none());
    let off = UserChange { active: Some(false), ..change() };
    let (user, _) = update(&world, &user, off).await.unwrap();
    assert!(opened(NewSession { user_epoch: user.epoch, ..stale.clone() }).await.is_none());
    assert!(opened(NewSession { user: UserId::new(77), ..stale }).await.is_none());
}

pub async fn a_session_that_is_replaced_ends(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (old, other) = (open_session(&world).await, open_session(&world).await);
    let replace = async |id, byte| {
        let replaces =
            Some(ReplacedSession { id, digest: Digest::from_bytes([byte; 32]), revocations_expire_at: OVER });
        let new = NewSession { replaces, ..new_session(&world) };
        world.store.insert_session(new, event(Action::SignIn)).await.unwrap().unwrap()
    };
    replace(old.id, 6).await;
    assert!(
        world.store.find_session(old.id).await.unwrap().is_some(),
        "whoever knows the number alone ends nothing"
    );
    let new = replace(old.id, 7).await;
    assert!(world.store.find_session(old.id).await.unwrap().is_none());
    for session in [other, new] {
        assert!(world.store.find_session(session.id).await.unwrap().is_some());
    }
}

pub async fn a_repeated_sign_in_keeps_what_applications_know_of_the_session(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let old = open_session(&world).await;
    let (application, ids) =
        (world.application.id, async |id| world.store.list_session_applications(id).await.unwrap());
    world.store.note_session_application(old.id, application).await.unwrap();
    world.store.note_session_application(old.id, application).await.unwrap();
    world.store.note_session_application(SessionId::new(7_777), application).await.unwrap();
    assert_eq!(ids(old.id).await, [application]);
    let again = async |user: &User, sid: &str, digest: &Session| {
        let replaces =
            Some(ReplacedSession { id: digest.id, digest: digest.digest, revocations_expire_at: OVER });
        let new = NewSession {
            user: user.id,
            user_epoch: user.epoch,
            sid: sid.to_owned(),
            second_factor: false,
            replaces,
            ..new_session(&world)
        };
        world.store.insert_session(new, event(Action::SignIn)).await.unwrap().unwrap()
    };
    let new = again(&world.user, "new", &old).await;
    assert_eq!((new.sid.as_deref(), ids(new.id).await), (Some("one"), vec![application]));
    let other = insert_user(&world.store, "another", &[]).await.unwrap();
    let others = again(&other, "other", &new).await;
    assert_eq!((others.sid.as_deref(), ids(others.id).await), (Some("other"), vec![]));
    world.store.note_session_application(others.id, application).await.unwrap();
    let ended =
        async || world.store.delete_session(others.id, OVER, event(Action::SignOut)).await.unwrap().informed;
    assert_eq!(ended().await, [application]);
    assert_eq!(ended().await, []);
    assert_eq!(ids(others.id).await, []);
}

async fn listed_sessions(world: &World) -> Vec<Session> {
    world.store.list_sessions(world.user.id, START, MOST_SESSIONS).await.unwrap()
}

pub(super) fn new_session(world: &World) -> NewSession {
    NewSession {
        user: world.user.id,
        user_epoch: world.user.epoch,
        digest: Digest::from_bytes([7; 32]),
        auth_time: START,
        expires_at: OVER,
        sid: "one".to_owned(),
        second_factor: false,
        origin: SessionOrigin::default(),
        replaces: None,
    }
}

async fn open_session(world: &World) -> Session {
    world.store.insert_session(new_session(world), event(Action::SignIn)).await.unwrap().unwrap()
}

pub(super) fn chosen_password(world: &World) -> PasswordChange {
    PasswordChange {
        user: world.user.id,
        user_epoch: world.user.epoch,
        password: new_password(),
        session_digest: Digest::from_bytes([9; 32]),
        session_sid: "two".to_owned(),
        second_factor: false,
        session_expires_at: OVER,
        session_origin: SessionOrigin::default(),
        network: None,
        at: START,
        revocation_expires_at: OVER,
    }
}

async fn administrator_role(world: &World) -> Role {
    world.store.list_roles().await.unwrap().into_iter().find(|role| role.id == ADMINISTRATOR_ROLE).unwrap()
}

pub(super) fn change() -> UserChange {
    UserChange { at: START, revocation_expires_at: OVER, ..UserChange::default() }
}

fn new_password() -> PasswordHash {
    PasswordHash::new("$argon2id$two")
}

pub(super) async fn update(
    world: &World,
    user: &User,
    change: UserChange,
) -> Result<(User, Vec<Revocation>), UserRefusal> {
    world.store.update_user(user.id, change, event(Action::UpdateUser)).await.unwrap()
}

pub(super) fn subjects(ended: &[Revocation]) -> Vec<RevokedSubject> {
    ended.iter().map(|revocation| revocation.subject).collect()
}

/// Registers another application, of the same owner.
pub(super) async fn second_application(world: &World) -> oauth::application::Application {
    insert_application(&world.store, &world.user, 2).await
}
