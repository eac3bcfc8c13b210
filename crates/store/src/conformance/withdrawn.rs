//! Tests of credentials that are revoked between the decision and the write.

use std::sync::Arc;

use domain::account::device::SessionOrigin;
use domain::account::{Authority, CallerSession, CallerToken, Credential, Permission, TokenIssue, User};
use domain::audit::{Action, NewAuditEvent};
use domain::id::{GrantId, TokenId};
use domain::secret::Digest;
use oauth::application::{ApplicationSettings, AuthenticationMethod, GrantType};
use oauth::scope::{BuiltInScope, ScopeSet};

use super::rights::{refused_everywhere, rights};
use super::{OVER, START, World, event, insert_user, new_secret, settings_named};
use crate::{AccessOf, Amendment, ApplicationRefusal, NewApplication, NewSession, Store};

const TOKEN: TokenId = TokenId::from_bytes([7; 16]);

/// A token of the application of this world, which is valid now.
async fn token(world: &World, grant: Option<GrantId>) -> Credential {
    let application = world.store.find_application(world.application.id).await.unwrap().unwrap();
    Credential::Token(Box::new(CallerToken {
        issued: TokenIssue { id: TOKEN, application: application.id, epoch: application.epoch },
        ancestors: Vec::new(),
        grant,
        checked_up_to: world.store.versions().await.unwrap().revocations,
    }))
}

/// A session of the user of this world.
async fn session(world: &World) -> CallerSession {
    let user = world.store.find_user(world.user.id).await.unwrap().unwrap();
    let new = NewSession {
        user: user.id,
        user_epoch: user.epoch,
        digest: Digest::from_bytes([7; 32]),
        auth_time: START,
        expires_at: OVER,
        sid: "a".to_owned(),
        second_factor: false,
        origin: SessionOrigin::default(),
        replaces: None,
    };
    let opened = world.store.insert_session(new, event(Action::SignIn)).await.unwrap().unwrap();
    let checked_up_to = world.store.versions().await.unwrap().revocations;
    CallerSession { id: opened.id, auth_time: opened.auth_time, checked_up_to }
}

fn judged(world: &World, credential: Credential) -> impl Fn(Action) -> NewAuditEvent {
    let caller = rights(&world.user, &[]);
    let authority = Authority { caller, subject: None, credential };
    move |action| NewAuditEvent { authority: Some(Box::new(authority.clone())), ..event(action) }
}

/// Whether a write is accepted from the caller with this credential.
async fn accepts(world: &World, credential: &Credential) -> bool {
    let event = judged(world, credential.clone())(Action::UpdateApplication);
    let kept = Amendment::by(|now| Ok((now.clone(), vec![])));
    world.store.update_application(world.application.id, kept, event).await.unwrap().is_ok()
}

async fn is_refused_everywhere(world: &World, credential: Credential) {
    let access = AccessOf::UserAtApplication { user: world.user.id, application: world.application.id };
    let event = judged(world, credential.clone())(Action::RevokeAllowed);
    assert!(world.store.revoke_access(access, OVER, event).await.unwrap().is_err());
    let refused = refused_everywhere(world, judged(world, credential.clone())).await;
    assert!(refused.iter().all(|refused| *refused), "{credential:?}: {refused:?}");
}

/// The application of this world may manage.
async fn managing(store: Arc<dyn Store>) -> World {
    let world = World::new(store).await;
    let scopes: ScopeSet = [BuiltInScope::OData, BuiltInScope::Management].into_iter().collect();
    let wider = Amendment::to(ApplicationSettings { scopes, ..settings_named("Manages") });
    let event = event(Action::UpdateApplication);
    world.store.update_application(world.application.id, wider, event).await.unwrap().unwrap();
    world
}

pub async fn a_write_needs_its_token(store: Arc<dyn Store>) {
    let world = managing(store).await;
    let grant = world.grant(1).await;
    let other = world.grant(2).await;
    let by_token = token(&world, Some(grant)).await;
    world.store.revoke_grant(other, OVER, event(Action::RevokeGrant)).await.unwrap();
    world.store.revoke_token(TokenId::from_bytes([8; 16]), OVER, event(Action::RevokeToken)).await.unwrap();
    assert!(accepts(&world, &by_token).await, "only others were revoked");
    world.store.revoke_grant(grant, OVER, event(Action::RevokeGrant)).await.unwrap();
    is_refused_everywhere(&world, by_token).await;

    let service = token(&world, None).await;
    let Credential::Token(mut exchanged) = service.clone() else { panic!("it is a token") };
    exchanged.ancestors.push(exchanged.issued);
    exchanged.issued.id = TokenId::from_bytes([9; 16]);
    assert!(accepts(&world, &service).await);
    world.store.revoke_token(TOKEN, OVER, event(Action::RevokeToken)).await.unwrap();
    is_refused_everywhere(&world, service).await;
    is_refused_everywhere(&world, Credential::Token(exchanged)).await;
    assert!(
        accepts(&world, &token(&world, None).await).await,
        "what was revoked before was considered before"
    );
}

pub async fn a_write_needs_the_access_of_its_application(store: Arc<dyn Store>) {
    let world = managing(store).await;
    let (user, application) = (world.user.id, world.application.id);
    let allowed = token(&world, Some(world.grant(1).await)).await;
    let revoke = async |access| {
        world.store.revoke_access(access, OVER, event(Action::RevokeAccess)).await.unwrap().unwrap().unwrap()
    };
    revoke(AccessOf::UserAtApplication { user, application }).await;
    is_refused_everywhere(&world, allowed).await;
    let service = token(&world, None).await;
    revoke(AccessOf::Application(application)).await;
    is_refused_everywhere(&world, service).await;
    let service = token(&world, None).await;
    let reset = world.store.reset_secret(application, new_secret(9), OVER, event(Action::ResetSecret)).await;
    reset.unwrap().unwrap();
    is_refused_everywhere(&world, service).await;
    let service = token(&world, None).await;
    revoke(AccessOf::IssuedBefore(TOKEN.at().plus_secs(1))).await;
    is_refused_everywhere(&world, service).await;
}

/// The credentials of an application that acts as its owner would give all rights of the owner, even later.
pub async fn who_acts_for_another_gets_no_credentials_of_that_user(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let deputy = insert_user(&world.store, "deputy", &[]).await.unwrap();
    let acting = |user: &User, permissions: &[Permission]| {
        let (caller, subject) = (rights(user, permissions), Some(rights(&world.user, &[])));
        let authority = Authority { caller, subject, credential: Credential::Password };
        move |action| NewAuditEvent { authority: Some(Box::new(authority.clone())), ..event(action) }
    };
    let of_deputy = acting(&deputy, &[]);
    let of_administrator = acting(&world.administrator, &[Permission::Administrator]);
    let interactive = settings_named("Acts");
    let acts_as_owner =
        ApplicationSettings { grant_types: vec![GrantType::ClientCredentials], ..interactive.clone() };
    let mut with_keys = acts_as_owner.clone();
    with_keys.client_metadata.authentication.jwks_uri = Some("https://deputy.example.com/keys".to_owned());
    let id = world.application.id;
    let update = async |settings: &ApplicationSettings, event: NewAuditEvent| {
        world.store.update_application(id, Amendment::to(settings.clone()), event).await.unwrap().err()
    };
    let refused = Some(ApplicationRefusal::ActsAsOwner);
    let new = |n: u8| NewApplication {
        client_id: format!("00000000-0000-4000-8000-{n:012x}").parse().unwrap(),
        owner: world.user.id,
        settings: acts_as_owner.clone(),
        secret: None,
        at: START,
    };
    let insert = async |n, event| world.store.insert_application(new(n), event).await.unwrap().err();
    assert_eq!(insert(70, of_deputy(Action::RegisterApplication)).await, refused);
    assert_eq!(insert(71, of_administrator(Action::RegisterApplication)).await, None);
    assert_eq!(update(&acts_as_owner, of_deputy(Action::UpdateApplication)).await, refused);
    assert_eq!(update(&interactive, of_deputy(Action::UpdateApplication)).await, None);
    let reset = async |event| world.store.reset_secret(id, new_secret(50), OVER, event).await.unwrap().err();
    assert_eq!(reset(of_deputy(Action::ResetSecret)).await, None, "a user has to allow it");
    let known = update(&acts_as_owner, event(Action::UpdateApplication)).await;
    assert!(matches!(known, Some(ApplicationRefusal::Faulty(_))), "the deputy knows the secret: {known:?}");
    assert_eq!(reset(event(Action::ResetSecret)).await, None);
    assert_eq!(update(&acts_as_owner, event(Action::UpdateApplication)).await, None);
    let renamed = ApplicationSettings { name: "Renamed".to_owned(), ..acts_as_owner.clone() };
    assert_eq!(update(&renamed, of_deputy(Action::UpdateApplication)).await, None);
    assert_eq!(update(&with_keys, of_deputy(Action::UpdateApplication)).await, refused);
    assert_eq!(reset(of_deputy(Action::ResetSecret)).await, refused);
    let add = world.store.add_secret(id, new_secret(51), OVER, of_deputy(Action::AddSecret)).await;
    assert_eq!(add.unwrap().err(), refused);
    assert_eq!(reset(of_administrator(Action::ResetSecret)).await, None);
    assert_eq!(update(&interactive, of_deputy(Action::UpdateApplication)).await, None, "that takes away");
}

/// What somebody provides on behalf of the owner must be replaced before the application acts for the owner.
pub async fn credentials_of_a_deputy_never_act_for_the_owner(store: Arc<dyn Store>) {
    let world = managing(store).await;
    let deputy = insert_user(&world.store, "deputy", &[]).await.unwrap();
    let authority = Authority {
        caller: rights(&deputy, &[]),
        subject: Some(rights(&world.user, &[])),
        credential: Credential::Password,
    };
    let of_deputy = |action| NewAuditEvent { authority: Some(Box::new(authority.clone())), ..event(action) };
    let id = world.application.id;
    let with = |key: Option<&str>, acts_as_owner: bool| {
        let mut settings = settings_named("Acts");
        if acts_as_owner {
            settings.grant_types = vec![GrantType::ClientCredentials];
        }
        let authentication = &mut settings.client_metadata.authentication;
        authentication.jwks_uri = key.map(|name| format!("https://{name}.example.com/keys"));
        authentication.token_endpoint_auth_method = key.map(|_| AuthenticationMethod::PrivateKeyJwt);
        settings
    };
    let update = async |settings: ApplicationSettings, event: NewAuditEvent| {
        world.store.update_application(id, Amendment::to(settings), event).await.unwrap().map(drop)
    };
    let by_owner = || event(Action::UpdateApplication);
    let refused =
        |judged: Result<(), ApplicationRefusal>| matches!(judged, Err(ApplicationRefusal::Faulty(_)));
    // A second secret of a deputy stays known until all are replaced.
    let add = world.store.add_secret(id, new_secret(60), OVER, of_deputy(Action::AddSecret)).await;
    add.unwrap().unwrap();
    assert!(refused(update(with(None, true), by_owner()).await));
    let reset = async |n, event| world.store.reset_secret(id, new_secret(n), OVER, event).await.unwrap();
    reset(61, event(Action::ResetSecret)).await.unwrap();
    update(with(None, true), by_owner()).await.unwrap();
    update(with(None, false), by_owner()).await.unwrap();
    // Keys count when the application authenticates with them.
    update(with(Some("deputy"), false), of_deputy(Action::UpdateApplication)).await.unwrap();
    assert!(refused(update(with(Some("deputy"), true), by_owner()).await));
    assert!(!refused(update(with(None, true), by_owner()).await), "the secret is of the owner");
    update(with(Some("deputy"), false), of_deputy(Action::UpdateApplication)).await.unwrap();
    update(with(Some("owner"), true), by_owner()).await.unwrap();
    // What a deputy registers is known to the deputy.
    let new = NewApplication {
        client_id: "00000000-0000-4000-8000-0000000000aa".parse().unwrap(),
        owner: world.user.id,
        settings: settings_named("New"),
        secret: Some(new_secret(62)),
        at: START,
    };
    let made = world.store.insert_application(new, of_deputy(Action::RegisterApplication)).await;
    let made = made.unwrap().unwrap().id;
    let amendment = Amendment::to(with(None, true));
    let judged = world.store.update_application(made, amendment, by_owner()).await.unwrap();
    assert!(refused(judged.map(drop)));
}

pub async fn a_write_needs_its_session(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let first = session(&world).await;
    let by_session = Credential::Session(first);
    assert!(accepts(&world, &by_session).await);
    world.store.delete_session(first.id, OVER, event(Action::SignOut)).await.unwrap();
    is_refused_everywhere(&world, by_session).await;
    let second = Credential::Session(session(&world).await);
    let revoke = async |instant| {
        let access = AccessOf::IssuedBefore(instant);
        world.store.revoke_access(access, OVER, event(Action::RevokeAccess)).await.unwrap().unwrap();
    };
    revoke(START).await;
    assert!(accepts(&world, &second).await, "the session is not older");
    revoke(START.plus_secs(1)).await;
    is_refused_everywhere(&world, second.clone()).await;
    // A feed that has lost its end assigns positions again that a node has considered.
    let Credential::Session(mut ahead) = second else { panic!("it is a session") };
    ahead.checked_up_to += 1_000;
    is_refused_everywhere(&world, Credential::Session(ahead)).await;
}

pub async fn a_token_that_proved_the_caller_must_still_have_the_scope(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let caller = rights(&world.user, &[]);
    let credential = token(&world, None).await;
    let by_token = Authority { caller, subject: None, credential };
    let judged = |action| NewAuditEvent { authority: Some(Box::new(by_token.clone())), ..event(action) };
    let refused = refused_everywhere(&world, judged).await;
    assert!(refused.iter().all(|refused| *refused), "it has api.access.odata only: {refused:?}");
    let scopes: ScopeSet = [BuiltInScope::OData, BuiltInScope::Management].into_iter().collect();
    let wider = Amendment::to(ApplicationSettings { scopes, ..settings_named("Wider") });
    let id = world.application.id;
    world.store.update_application(id, wider, event(Action::UpdateApplication)).await.unwrap().unwrap();
    let added = world.store.add_secret(id, new_secret(8), OVER, judged(Action::AddSecret)).await.unwrap();
    assert!(added.is_ok());
}
