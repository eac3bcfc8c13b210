//! Tests of rights that are withdrawn between the decision and the write.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::account::{Authority, Credential, Permission, Rights, Role, StoredOptions, USER_ROLE, User};
use domain::audit::{Action, NewAuditEvent};
use domain::id::RoleId;
use domain::limit::Limit;
use domain::secret::PasswordHash;
use oauth::application::ApplicationSettings;
use oauth::scope::{BuiltInScope, ScopeSet};

use super::{OVER, START, World, at_once, event, insert_user, new_secret, settings_named};
use crate::{
    Amendment, ApplicationRefusal, DataSourceChange, DataSourceRefusal, MembersChange, ModelChange,
    ModelPrecondition, NewApplication, NewDataSource, NewUser, Possessions, RightsChanged, Sealing, Sharing,
    Store, UserChange, UserRefusal,
};

/// The permissions of the clerk in these tests.
const CLERK: &[Permission] = &[
    Permission::MgmtAPI,
    Permission::CreateUsers,
    Permission::ModifyUsers,
    Permission::DeleteUsers,
    Permission::CreateRole,
    Permission::ModifyRole,
    Permission::DeleteRole,
];

/// A user with a role of their own, and the rights at the time of the decision.
pub(super) struct Clerk {
    user: User,
    role: Role,
    authority: Authority,
}

/// Creates a clerk who has all permissions of a user and manages users and roles.
pub(super) async fn clerk(store: &Arc<dyn Store>) -> Clerk {
    let roles = store.list_roles().await.unwrap();
    let user_role = roles.into_iter().find(|role| role.id == USER_ROLE).unwrap();
    let mut permissions = user_role.permissions;
    permissions.extend_from_slice(CLERK);
    permissions.sort_unstable();
    permissions.dedup();
    let role = insert_role(store, "Clerk", permissions).await;
    let user = insert_user(store, "clerk", &[role.id]).await.unwrap();
    let caller = rights(&user, &role.permissions);
    Clerk { user, role, authority: Authority { caller, subject: None, credential: Credential::Password } }
}

impl Clerk {
    /// An audit event whose decision rests on the clerk's rights.
    pub(super) fn event(&self, action: Action) -> NewAuditEvent {
        NewAuditEvent { authority: Some(Box::new(self.authority.clone())), ..event(action) }
    }

    async fn loses_a_permission(&self, store: &Arc<dyn Store>) {
        let left = self.role.permissions.iter().copied().filter(|kept| *kept != Permission::ModifyRole);
        let role = Role { permissions: left.collect(), ..self.role.clone() };
        store.update_role(role, event(Action::UpdateRole)).await.unwrap().unwrap();
    }
}

pub(super) fn rights(user: &User, permissions: &[Permission]) -> Rights {
    Rights { user: user.id, epoch: user.epoch, permissions: permissions.to_vec() }
}

pub(super) async fn insert_role(store: &Arc<dyn Store>, name: &str, permissions: Vec<Permission>) -> Role {
    let role = Role {
        id: RoleId::new(0),
        name: name.to_owned(),
        description: String::new(),
        permissions,
        requires_second_factor: false,
    };
    store.insert_role(role, event(Action::CreateRole)).await.unwrap().unwrap()
}

fn new_user(name: &str, roles: &[RoleId]) -> NewUser {
    NewUser {
        name: name.to_owned(),
        password: PasswordHash::new("$argon2id$one"),
        active: true,
        password_expires_at: None,
        roles: roles.to_vec(),
        attributes: domain::account::attributes::UserAttributes::default(),
        at: START,
    }
}

fn change() -> UserChange {
    UserChange { unlock: true, at: START, revocation_expires_at: OVER, ..UserChange::default() }
}

/// Runs every operation. Each result says whether the operation was refused because rights have changed.
pub(super) async fn refused_everywhere(world: &World, judged: impl Fn(Action) -> NewAuditEvent) -> Vec<bool> {
    let mut refused = applications_refused(world, &judged).await;
    refused.extend(data_sources_refused(world, &judged).await);
    refused.extend(people_refused(world, &judged).await);
    refused
}

async fn applications_refused(world: &World, judged: &impl Fn(Action) -> NewAuditEvent) -> Vec<bool> {
    let (store, id) = (&world.store, world.application.id);
    let new = NewApplication {
        client_id: "00000000-0000-4000-8000-0000000000ff".parse().unwrap(),
        owner: world.user.id,
        settings: settings_named("New"),
        secret: None,
        at: START,
    };
    let amendment = Amendment::to(settings_named("Changed"));
    let secret = world.application.secrets[0].id;
    let refusals = [
        store.insert_application(new, judged(Action::RegisterApplication)).await.unwrap().err(),
        store.update_application(id, amendment, judged(Action::UpdateApplication)).await.unwrap().err(),
        store.reset_secret(id, new_secret(5), OVER, judged(Action::ResetSecret)).await.unwrap().err(),
        store.add_secret(id, new_secret(6), OVER, judged(Action::AddSecret)).await.unwrap().err(),
        store.end_secret(id, secret, judged(Action::EndSecret)).await.unwrap().err(),
        store.delete_application(id, OVER, judged(Action::DeleteApplication)).await.unwrap().err(),
    ];
    refusals.map(|refusal| refusal == Some(ApplicationRefusal::RightsChanged)).to_vec()
}

async fn data_sources_refused(world: &World, judged: &impl Fn(Action) -> NewAuditEvent) -> Vec<bool> {
    let store = &world.store;
    let name = format!("s{}", world.user.id);
    // It may exist already.
    drop(super::data_sources::insert(world, &name).await);
    let id = store.find_data_source_by_name(&name).await.unwrap().unwrap().id;
    let new = NewDataSource {
        max_authentication_age: None,
        requires_second_factor: false,
        writable: false,
        name: "new".to_owned(),
        description: String::new(),
        data_store: 1,
        options: BTreeMap::new(),
        sealing: Sealing::default(),
        owner: world.user.id,
        at: START,
    };
    let change = DataSourceChange {
        max_authentication_age: None,
        requires_second_factor: None,
        writable: None,
        name: None,
        description: "changed".to_owned(),
        options: None,
        judged_for: None,
        at: START,
    };
    let sharing = Sharing::With(vec![]);
    let members = MembersChange::With(vec![]);
    let model =
        ModelChange { document: Some("{}".to_owned()), precondition: ModelPrecondition::None, at: START };
    let refusals = [
        store.insert_data_source(new, judged(Action::CreateDataSource)).await.unwrap().err(),
        store.update_data_source(id, change, judged(Action::UpdateDataSource)).await.unwrap().err(),
        store.share_data_source(id, sharing, judged(Action::ShareDataSource)).await.unwrap().err(),
        store.change_members(id, members, judged(Action::UpdateDataSource)).await.unwrap().err(),
        store.touch_data_source(id, START, judged(Action::ReloadModel)).await.unwrap().err(),
        store.change_model_document(id, model, judged(Action::UpdateModel)).await.unwrap().err(),
        store
            .change_credentials(id, world.user.id, None, judged(Action::DeleteCredentials))
            .await
            .unwrap()
            .err(),
        store.delete_data_source(id, judged(Action::DeleteDataSource)).await.unwrap().err(),
    ];
    refusals.map(|refusal| refusal == Some(DataSourceRefusal::RightsChanged)).to_vec()
}

async fn people_refused(world: &World, judged: &impl Fn(Action) -> NewAuditEvent) -> Vec<bool> {
    let (store, user) = (&world.store, world.user.id);
    let role = Role {
        id: USER_ROLE,
        name: "New".to_owned(),
        description: String::new(),
        permissions: vec![Permission::MgmtAPI],
        requires_second_factor: false,
    };
    let limit = store.set_limit(Limit::MaxFetchRows, Some(9), judged(Action::SetLimit)).await.unwrap();
    let refusals = [
        limit.map_err(|RightsChanged| UserRefusal::RightsChanged).err(),
        store.insert_user(new_user("new", &[]), judged(Action::CreateUser)).await.unwrap().err(),
        store.update_user(user, change(), judged(Action::UpdateUser)).await.unwrap().err(),
        store.insert_role(role.clone(), judged(Action::CreateRole)).await.unwrap().err(),
        store.update_role(role, judged(Action::UpdateRole)).await.unwrap().err(),
        store.delete_role(USER_ROLE, judged(Action::DeleteRole)).await.unwrap().err(),
        store.delete_user(user, Possessions::Delete, OVER, judged(Action::DeleteUser)).await.unwrap().err(),
    ];
    refusals.map(|refusal| refusal == Some(UserRefusal::RightsChanged)).to_vec()
}

pub async fn an_act_needs_the_rights_by_which_it_was_judged(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let clerk = clerk(&world.store).await;
    clerk.loses_a_permission(&world.store).await;
    let source = super::data_sources::insert(&world, &format!("s{}", world.user.id)).await.unwrap();
    let before = world.store.versions().await.unwrap();
    let refused = refused_everywhere(&world, |action| clerk.event(action)).await;
    assert!(refused.iter().all(|refused| *refused), "{refused:?}");
    assert_eq!(world.store.versions().await.unwrap(), before, "nothing has changed");
    assert_eq!(world.store.find_data_source(source.id).await.unwrap(), Some(source));
    let ended = UserChange { active: Some(false), ..change() };
    let administrator = rights(&world.administrator, &[Permission::Administrator]);
    let gone = Clerk { authority: Authority { caller: administrator, ..clerk.authority.clone() }, ..clerk };
    insert_user(&world.store, "second", &[domain::account::ADMINISTRATOR_ROLE]).await.unwrap();
    world.store.update_user(world.administrator.id, ended, event(Action::UpdateUser)).await.unwrap().unwrap();
    let refused = refused_everywhere(&world, |action| gone.event(action)).await;
    assert!(refused.iter().all(|refused| *refused), "an administrator who was switched off: {refused:?}");
}

pub async fn an_act_needs_the_rights_of_whom_it_is_done_for(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let clerk = clerk(&world.store).await;
    let caller = rights(&world.administrator, &[Permission::Administrator]);
    let subject = Some(rights(&clerk.user, &clerk.role.permissions));
    let acting =
        Clerk { authority: Authority { caller, subject, credential: Credential::Password }, ..clerk };
    acting.loses_a_permission(&world.store).await;
    let refused = refused_everywhere(&world, |action| acting.event(action)).await;
    assert!(refused.iter().all(|refused| *refused), "{refused:?}");
}

pub async fn what_belongs_to_others_is_unknown(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let clerk = clerk(&world.store).await;
    let source = super::data_sources::insert(&world, "sales").await.unwrap();
    let (store, id) = (&world.store, world.application.id);
    let amendment = Amendment::to(settings_named("Taken"));
    let updated =
        store.update_application(id, amendment, clerk.event(Action::UpdateApplication)).await.unwrap();
    assert_eq!(updated.unwrap_err(), ApplicationRefusal::Unknown);
    let reset = store.reset_secret(id, new_secret(5), OVER, clerk.event(Action::ResetSecret)).await.unwrap();
    assert_eq!(reset.unwrap_err(), ApplicationRefusal::Unknown);
    let deleted = store.delete_application(id, OVER, clerk.event(Action::DeleteApplication)).await.unwrap();
    assert_eq!(deleted.unwrap_err(), ApplicationRefusal::Unknown);
    let sharing = Sharing::Also(vec![clerk.user.id]);
    let shared = store.share_data_source(source.id, sharing, clerk.event(Action::ShareDataSource)).await;
    assert_eq!(shared.unwrap(), Err(DataSourceRefusal::Unknown));
    let deleted = store.delete_data_source(source.id, clerk.event(Action::DeleteDataSource)).await.unwrap();
    assert_eq!(deleted, Err(DataSourceRefusal::Unknown));
}

pub async fn nobody_reaches_beyond_the_own_permissions(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let clerk = clerk(&world.store).await;
    let store = &world.store;
    let strong = insert_role(store, "Strong", vec![Permission::Limits]).await;
    let holder = insert_user(store, "holder", &[strong.id]).await.unwrap();
    let beyond = |refusal: Option<UserRefusal>| assert_eq!(refusal, Some(UserRefusal::BeyondRights));
    let event = |action| clerk.event(action);
    beyond(store.insert_user(new_user("new", &[strong.id]), event(Action::CreateUser)).await.unwrap().err());
    let promotion = UserChange { roles: Some(vec![strong.id]), ..change() };
    beyond(store.update_user(clerk.user.id, promotion, event(Action::UpdateUser)).await.unwrap().err());
    beyond(store.update_user(holder.id, change(), event(Action::UpdateUser)).await.unwrap().err());
    let deleted = store.delete_user(holder.id, Possessions::Keep, OVER, event(Action::DeleteUser)).await;
    beyond(deleted.unwrap().err());
    beyond(store.update_role(strong.clone(), event(Action::UpdateRole)).await.unwrap().err());
    let weaker = Role { permissions: vec![], ..strong.clone() };
    beyond(store.update_role(weaker, event(Action::UpdateRole)).await.unwrap().err());
    beyond(store.delete_role(strong.id, event(Action::DeleteRole)).await.unwrap().err());
    let stronger = Role { permissions: vec![Permission::Limits], ..clerk.role.clone() };
    beyond(store.update_role(stronger, event(Action::UpdateRole)).await.unwrap().err());
}

/// A user with a permission writes it into their own role again and again while it is withdrawn.
pub async fn a_permission_that_is_taken_away_is_not_written_back(store: Arc<dyn Store>) {
    const WRITERS: usize = 8;
    let clerk = Arc::new(clerk(&store).await);
    let outcomes = at_once(WRITERS, |task| {
        let (store, clerk) = (Arc::clone(&store), Arc::clone(&clerk));
        async move {
            if task == WRITERS / 2 {
                clerk.loses_a_permission(&store).await;
            }
            let judged = clerk.event(Action::UpdateRole);
            store.update_role(clerk.role.clone(), judged).await.unwrap().err()
        }
    });
    let late = outcomes.await.into_iter().flatten().all(|refusal| refusal == UserRefusal::RightsChanged);
    assert!(late, "whoever comes first writes what was judged, whoever comes later nothing");
    let roles = store.list_roles().await.unwrap();
    let left = roles.into_iter().find(|role| role.id == clerk.role.id).unwrap().permissions;
    assert!(!left.contains(&Permission::ModifyRole), "{left:?}");
}

/// An owner writes the same settings again and again while a scope is withdrawn.
pub async fn a_scope_that_is_taken_away_is_not_written_back(store: Arc<dyn Store>) {
    const WRITERS: usize = 8;
    let world = World::new(store).await;
    let id = world.application.id;
    let wide: ScopeSet = [BuiltInScope::OData, BuiltInScope::Introspect].into_iter().collect();
    let wider = Amendment::to(ApplicationSettings { scopes: wide, ..settings_named("Wide") });
    world.store.update_application(id, wider, event(Action::UpdateApplication)).await.unwrap().unwrap();
    let outcomes = at_once(WRITERS, |task| {
        let store = Arc::clone(&world.store);
        async move {
            let amendment = if task == WRITERS / 2 {
                Amendment::to(settings_named("Narrow"))
            } else {
                // Like the rules of registration: a scope that is present may be kept.
                Amendment::by(|now| {
                    Ok((ApplicationSettings { scopes: now.scopes.clone(), ..settings_named("Kept") }, vec![]))
                })
            };
            store.update_application(id, amendment, event(Action::UpdateApplication)).await.unwrap().is_ok()
        }
    });
    assert!(outcomes.await.into_iter().all(|done| done), "none has to be tried again");
    let left = world.store.find_application(id).await.unwrap().unwrap().settings.scopes;
    assert_eq!(left, BuiltInScope::OData.into());
    let faults = vec![oauth::registration::InvalidField {
        field: "scopes".to_owned(),
        message: "are wrong".to_owned(),
        lacks_right: false,
    }];
    let (message, refused) = (faults.clone(), world.store.versions().await.unwrap());
    let refusing = Amendment::by(move |_| Err(message.clone()));
    let answer =
        world.store.update_application(id, refusing, event(Action::UpdateApplication)).await.unwrap();
    assert_eq!(answer.unwrap_err(), ApplicationRefusal::Faulty(faults));
    assert_eq!(world.store.versions().await.unwrap(), refused);
}

pub async fn options_that_were_kept_are_not_written_back(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let source = super::data_sources::insert(&world, "sales").await.unwrap();
    let options = |path: &str| StoredOptions::from(BTreeMap::from([("path".to_owned(), path.to_owned())]));
    let change = |to, judged_for| DataSourceChange {
        max_authentication_age: None,
        requires_second_factor: None,
        writable: None,
        name: None,
        description: String::new(),
        options: Some(to),
        judged_for,
        at: START,
    };
    let update = async |change| {
        let updated = world.store.update_data_source(source.id, change, event(Action::UpdateDataSource));
        updated.await.unwrap().map(|source| source.stored_options())
    };
    let narrowed = options("/data/narrow.db");
    assert_eq!(update(change(narrowed.clone(), None)).await, Ok(narrowed.clone()));
    let kept = change(source.stored_options(), Some(source.stored_options()));
    assert_eq!(update(kept).await, Err(DataSourceRefusal::OptionsChanged));
    assert_eq!(update(change(narrowed.clone(), Some(narrowed.clone()))).await, Ok(narrowed));
}
