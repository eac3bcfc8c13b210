//! Tests of one-time links.

use std::sync::Arc;

use domain::account::attributes::{Attribute, UserAttributes};
use domain::account::one_time_link::{LinkPurpose, OneTimeLink};
use domain::account::{ADMINISTRATOR_ROLE, Authority, Credential, Permission, USER_ROLE, User};
use domain::audit::{Action, NewAuditEvent};
use domain::id::{Epoch, UserId};
use domain::secret::{Digest, PasswordHash};
use domain::time::Timestamp;

use super::purging::at as purge_at;
use super::rights::{insert_role, rights};
use super::{OVER, START, World, at_once, event, insert_user};
use crate::{
    AccessOf, AuditFilter, LinkUse, NewAttributes, NewLink, NewOneTimeLink, NewUser, OneTimeLinkRefusal,
    Possessions, Store, UserChange, UserRefusal,
};

const SOON: Timestamp = START.plus_secs(60);

fn digest(number: u8) -> Digest {
    Digest::from_bytes([number; 32])
}

fn link(number: u8) -> NewLink {
    NewLink {
        purpose: LinkPurpose::Reset,
        digest: digest(number),
        sent_to: None,
        continue_to: None,
        mail: None,
        expires_at: SOON,
    }
}

fn new(user: &User, link: NewLink) -> NewOneTimeLink {
    NewOneTimeLink { user: user.id, user_epoch: user.epoch, link, unless_since: None }
}

fn chosen(number: u8) -> LinkUse {
    LinkUse {
        digest: digest(number),
        password: PasswordHash::new("$argon2id$chosen"),
        at: START,
        revocation_expires_at: OVER,
    }
}

async fn insert(store: &Arc<dyn Store>, new: NewOneTimeLink) -> Result<OneTimeLink, OneTimeLinkRefusal> {
    store.insert_one_time_link(new, event(Action::CreateOneTimeLink)).await.unwrap()
}

async fn is_valid(store: &Arc<dyn Store>, number: u8) -> bool {
    store.find_one_time_link(&digest(number), START).await.unwrap().is_some()
}

async fn try_out(store: &Arc<dyn Store>, number: u8) -> Result<OneTimeLink, OneTimeLinkRefusal> {
    let used = store.use_one_time_link(chosen(number), event(Action::ChangePassword)).await.unwrap();
    used.map(|(link, _)| link)
}

async fn user(store: &Arc<dyn Store>, id: UserId) -> User {
    store.find_user(id).await.unwrap().unwrap()
}

pub async fn a_link_sets_the_password_once_and_ends_all_other_access(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (store, bob) = (&world.store, &world.user);
    let kept = NewLink { continue_to: Some("/oauth2/authorize?a=b".to_owned()), ..link(1) };
    let stored = insert(store, new(bob, kept)).await.unwrap();
    assert_eq!(store.find_one_time_link(&digest(1), START).await.unwrap(), Some(stored.clone()));
    assert_eq!((stored.user, stored.created_at, stored.expires_at), (bob.id, START, SOON));
    insert(store, new(bob, NewLink { purpose: LinkPurpose::Forgotten, ..link(2) })).await.unwrap();
    assert_eq!(store.list_one_time_links(bob.id, START).await.unwrap().len(), 2);
    let grant = world.grant(1).await;
    let versions = store.versions().await.unwrap();
    let used = store.use_one_time_link(chosen(1), event(Action::ChangePassword)).await.unwrap();
    let (link, ended) = used.unwrap();
    assert_eq!((link.continue_to.as_deref(), ended.len()), (Some("/oauth2/authorize?a=b"), 1));
    let after = user(store, bob.id).await;
    assert_eq!(after.password.as_phc(), "$argon2id$chosen");
    assert_eq!(after.epoch, Epoch::new(bob.epoch.get() + 1));
    assert!(store.find_grant(grant).await.unwrap().is_none_or(|found| found.user_epoch != after.epoch));
    assert_ne!(store.versions().await.unwrap().users, versions.users, "other nodes learn of it");
    assert_eq!(try_out(store, 1).await, Err(OneTimeLinkRefusal::Unknown));
    assert!(!is_valid(store, 2).await, "the other links end too");
    let filter = AuditFilter { action: Some(Action::ChangePassword), limit: 9, ..AuditFilter::default() };
    assert_eq!(store.list_audit(filter).await.unwrap().len(), 1, "only the one that counted is recorded");
}

pub async fn of_many_uses_of_a_link_at_once_one_succeeds(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let store = &world.store;
    insert(store, new(&world.user, link(1))).await.unwrap();
    let tries = at_once(8, |_| {
        let store = Arc::clone(store);
        async move { try_out(&store, 1).await.is_ok() }
    });
    assert_eq!(tries.await.into_iter().filter(|used| *used).count(), 1);
    assert_eq!(user(store, world.user.id).await.epoch, Epoch::new(world.user.epoch.get() + 1));
}

pub async fn a_new_link_ends_the_earlier_ones_of_its_purpose(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (store, bob) = (&world.store, &world.user);
    insert(store, new(bob, link(1))).await.unwrap();
    insert(store, new(bob, NewLink { purpose: LinkPurpose::Forgotten, ..link(2) })).await.unwrap();
    insert(store, new(bob, link(3))).await.unwrap();
    assert!(!is_valid(store, 1).await && is_valid(store, 2).await && is_valid(store, 3).await);
    let again = |since: Timestamp| NewOneTimeLink { unless_since: Some(since), ..new(bob, link(4)) };
    assert_eq!(insert(store, again(START.minus_secs(1))).await, Err(OneTimeLinkRefusal::TooSoon));
    assert!(is_valid(store, 3).await, "a refused one ends nothing");
    insert(store, again(START)).await.unwrap();
    assert!(!is_valid(store, 3).await && is_valid(store, 4).await);
    let end = async || store.end_one_time_links(bob.id, event(Action::EndOneTimeLinks)).await.unwrap();
    assert_eq!((end().await, end().await), (Ok(()), Err(OneTimeLinkRefusal::Unknown)));
    assert!(!is_valid(store, 2).await && !is_valid(store, 4).await);
}

pub async fn links_end_with_their_time_and_with_the_access_of_their_user(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let store = &world.store;
    let bob = &world.user;
    insert(store, new(bob, link(1))).await.unwrap();
    assert_eq!(store.find_one_time_link(&digest(1), SOON).await.unwrap(), None);
    let late = LinkUse { at: SOON, ..chosen(1) };
    let late = store.use_one_time_link(late, event(Action::ChangePassword)).await.unwrap();
    assert_eq!(late.err(), Some(OneTimeLinkRefusal::Unknown));
    assert_eq!(store.purge(purge_at(START)).await.unwrap().one_time_links, 0);
    assert_eq!(store.purge(purge_at(SOON)).await.unwrap().one_time_links, 1);
    for (number, name) in (10_u8..).zip(["password", "revoked", "inactive", "deleted"]) {
        let user = insert_user(store, name, &[]).await.unwrap();
        insert(store, new(&user, link(number))).await.unwrap();
        let audit = event(Action::UpdateUser);
        match name {
            "revoked" => drop(store.revoke_access(AccessOf::User(user.id), OVER, audit).await.unwrap()),
            "deleted" => drop(store.delete_user(user.id, Possessions::Keep, OVER, audit).await.unwrap()),
            "password" => {
                let password = Some(PasswordHash::new("$argon2id$other"));
                let change = UserChange { password, ..UserChange::default() };
                store.update_user(user.id, change, audit).await.unwrap().unwrap();
            }
            _ => {
                let change = UserChange { active: Some(false), ..UserChange::default() };
                store.update_user(user.id, change, audit).await.unwrap().unwrap();
                let refused = insert(store, new(&user, link(99))).await;
                assert_eq!(refused, Err(OneTimeLinkRefusal::RightsChanged));
            }
        }
        assert!(!is_valid(store, number).await, "{name}");
        assert_eq!(try_out(store, number).await, Err(OneTimeLinkRefusal::Unknown), "{name}");
    }
}

pub async fn a_link_is_worth_no_more_than_the_rights_of_who_made_it(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (store, bob) = (&world.store, &world.user);
    let role = insert_role(store, "Helpers", vec![Permission::ModifyUsers]).await;
    let helper = insert_user(store, "helper", &[USER_ROLE, role.id]).await.unwrap();
    let permissions: Vec<Permission> = {
        let roles = store.list_roles().await.unwrap();
        let own = roles.into_iter().filter(|one| helper.roles.contains(&one.id));
        own.flat_map(|one| one.permissions).collect()
    };
    let by_helper = || NewAuditEvent {
        actor: Some(helper.id),
        authority: Some(Box::new(Authority {
            caller: rights(&helper, &permissions),
            subject: None,
            credential: Credential::Password,
        })),
        ..event(Action::CreateOneTimeLink)
    };
    let beyond = store.insert_one_time_link(new(&world.administrator, link(1)), by_helper()).await.unwrap();
    assert_eq!(beyond, Err(OneTimeLinkRefusal::BeyondRights));
    let made = store.insert_one_time_link(new(bob, link(2)), by_helper()).await.unwrap().unwrap();
    assert_eq!(made.created_by, Some(helper.id));
    let set = async |roles: Vec<domain::id::RoleId>| {
        let change = UserChange { roles: Some(roles), ..UserChange::default() };
        store.update_user(bob.id, change, event(Action::UpdateUser)).await.unwrap().unwrap();
    };
    set(vec![ADMINISTRATOR_ROLE]).await;
    assert!(is_valid(store, 2).await);
    assert_eq!(try_out(store, 2).await, Err(OneTimeLinkRefusal::Unknown), "bob has become an Administrator");
    assert_eq!(user(store, bob.id).await.password.as_phc(), bob.password.as_phc());
    set(vec![USER_ROLE]).await;
    let roles_of_helper = async |roles: Vec<domain::id::RoleId>| {
        let change = UserChange { roles: Some(roles), ..UserChange::default() };
        store.update_user(helper.id, change, event(Action::UpdateUser)).await.unwrap().unwrap();
    };
    store.insert_one_time_link(new(bob, link(4)), by_helper()).await.unwrap().unwrap();
    roles_of_helper(vec![USER_ROLE]).await;
    assert_eq!(try_out(store, 4).await, Err(OneTimeLinkRefusal::Unknown), "the helper could not make it now");
    roles_of_helper(vec![USER_ROLE, role.id]).await;
    store.insert_one_time_link(new(bob, link(3)), by_helper()).await.unwrap().unwrap();
    store.delete_user(helper.id, Possessions::Keep, OVER, event(Action::DeleteUser)).await.unwrap().unwrap();
    assert!(!is_valid(store, 3).await, "it ends with who made it");
}

pub async fn a_link_of_an_administrator_renews_an_expired_password_and_clears_a_lock(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (store, bob) = (&world.store, &world.user);
    for (purpose, renewed) in [(LinkPurpose::Forgotten, false), (LinkPurpose::Invitation, true)] {
        let change =
            UserChange { password_expires_at: Some(Some(START.minus_secs(5))), ..UserChange::default() };
        store.update_user(bob.id, change, event(Action::UpdateUser)).await.unwrap().unwrap();
        let now = user(store, bob.id).await;
        insert(store, new(&now, NewLink { purpose, ..link(1) })).await.unwrap();
        try_out(store, 1).await.unwrap();
        assert_eq!(user(store, bob.id).await.password_expires_at.is_none(), renewed, "{purpose:?}");
    }
    assert_eq!(user(store, bob.id).await.lockout.failures, 0);
}

/// Sets the mail address of a user, and returns the user as stored.
async fn with_address(store: &Arc<dyn Store>, id: UserId, address: Option<&str>) -> User {
    let mut attributes = UserAttributes::default();
    if let Some(address) = address {
        attributes.set(Attribute::Email, address);
    }
    let change = UserChange { attributes: Some(NewAttributes::Set(attributes)), ..UserChange::default() };
    store.update_user(id, change, event(Action::UpdateUser)).await.unwrap().unwrap();
    user(store, id).await
}

pub async fn a_link_that_was_sent_verifies_the_address_and_ends_with_it(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (store, bob) = (&world.store, &world.user);
    let sent = |number| NewLink { sent_to: Some("bob@example.com".to_owned()), ..link(number) };
    let other = with_address(store, bob.id, Some("other@example.com")).await;
    assert_eq!(insert(store, new(&other, sent(1))).await, Err(OneTimeLinkRefusal::RightsChanged));
    for changed in [Some("other@example.com"), None] {
        let now = with_address(store, bob.id, Some("bob@example.com")).await;
        insert(store, new(&now, sent(2))).await.unwrap();
        with_address(store, bob.id, changed).await;
        assert!(!is_valid(store, 2).await, "{changed:?}");
    }
    let now = with_address(store, bob.id, Some("bob@example.com")).await;
    insert(store, new(&now, sent(3))).await.unwrap();
    with_address(store, bob.id, Some("bob@example.com")).await;
    try_out(store, 3).await.unwrap();
    let after = user(store, bob.id).await.attributes.unwrap();
    assert_eq!((after.get(Attribute::Email), after.email_verified), (Some("bob@example.com"), true));
}

pub async fn links_end_with_the_access_of_who_made_them(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (store, bob) = (&world.store, &world.user);
    let maker = insert_user(store, "maker", &[ADMINISTRATOR_ROLE]).await.unwrap();
    let made = || NewAuditEvent { actor: Some(maker.id), ..event(Action::CreateOneTimeLink) };
    let before = AccessOf::IssuedBefore(START.plus_secs(1));
    for access in [AccessOf::User(maker.id), before] {
        let now = user(store, bob.id).await;
        store.insert_one_time_link(new(&now, link(1)), made()).await.unwrap().unwrap();
        store.revoke_access(access, OVER, event(Action::UpdateUser)).await.unwrap().unwrap();
        assert!(!is_valid(store, 1).await, "{access:?}");
    }
}

pub async fn links_for_a_forgotten_password_do_not_end_each_other(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (store, bob) = (&world.store, &world.user);
    let forgotten = |number| NewLink { purpose: LinkPurpose::Forgotten, ..link(number) };
    insert(store, new(bob, forgotten(1))).await.unwrap();
    insert(store, new(bob, forgotten(2))).await.unwrap();
    assert!(is_valid(store, 1).await && is_valid(store, 2).await);
    let change = UserChange { roles: Some(Vec::new()), ..UserChange::default() };
    store.update_user(bob.id, change, event(Action::UpdateUser)).await.unwrap().unwrap();
    assert_eq!(try_out(store, 1).await, Err(OneTimeLinkRefusal::Unknown), "bob may not change the password");
    let change = UserChange { roles: Some(bob.roles.clone()), ..UserChange::default() };
    store.update_user(bob.id, change, event(Action::UpdateUser)).await.unwrap().unwrap();
    try_out(store, 1).await.unwrap();
    assert!(!is_valid(store, 2).await, "a new password ends them all");
}

pub async fn a_user_is_invited_with_a_link_or_not_at_all(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let store = &world.store;
    let guest = |name: &str| NewUser {
        name: name.to_owned(),
        password: PasswordHash::new("$argon2id$unusable"),
        active: true,
        password_expires_at: None,
        roles: vec![USER_ROLE],
        attributes: UserAttributes::default(),
        at: START,
    };
    let audit = || [event(Action::CreateUser), event(Action::CreateOneTimeLink)];
    let invitation = |number| NewLink { purpose: LinkPurpose::Invitation, ..link(number) };
    let invited = store.invite_user(guest("grace"), invitation(1), audit()).await.unwrap();
    let (user, made) = invited.unwrap();
    assert_eq!((made.user, made.purpose), (user.id, LinkPurpose::Invitation));
    assert!(is_valid(store, 1).await);
    let taken = store.invite_user(guest("grace"), invitation(2), audit()).await.unwrap();
    assert_eq!(taken.err(), Some(UserRefusal::NameTaken));
    assert!(!is_valid(store, 2).await);
    for action in [Action::CreateUser, Action::CreateOneTimeLink] {
        let filter = AuditFilter { action: Some(action), limit: 9, ..AuditFilter::default() };
        let count = store.list_audit(filter).await.unwrap().len();
        assert_eq!(count, if action == Action::CreateUser { 3 } else { 1 });
    }
}
