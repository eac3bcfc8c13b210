//! Tests of clients that register themselves, and of initial access tokens.

use std::sync::Arc;

use domain::account::{ADMINISTRATOR_ROLE, USER_ROLE};
use domain::audit::Action;
use domain::id::{ApplicationId, InitialAccessTokenId, UserId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::application::Application;

use super::{OVER, START, World, at_once, event, insert_user, settings_named};
use crate::{
    Amendment, ApplicationRefusal, InitialAccessTokenRefusal, Judged, NewApplication, NewInitialAccessToken,
    NewRegistration, Possessions, RegistrationTokens, Store, Usage, UserChange,
};

const HELD: Digest = Digest::from_bytes([1; 32]);
const NEXT: Digest = Digest::from_bytes([2; 32]);
const INITIAL: Digest = Digest::from_bytes([3; 32]);

async fn register(
    world: &World,
    number: u8,
    registration: NewRegistration,
) -> Judged<Application, ApplicationRefusal> {
    let new = new_client(world, number);
    world.store.register_client(new, registration, event(Action::RegisterApplication)).await.unwrap()
}

fn new_client(world: &World, number: u8) -> NewApplication {
    NewApplication {
        client_id: format!("00000000-0000-4000-9000-{number:012x}").parse().unwrap(),
        owner: world.administrator.id,
        settings: settings_named("Agent"),
        secret: None,
        at: START.plus_secs(i64::from(number)),
    }
}

async fn update_user(world: &World, id: UserId, change: UserChange) {
    let audit = event(Action::UpdateUser);
    world.store.update_user(id, change, audit).await.unwrap().unwrap();
}

const fn openly(most_clients: u32) -> NewRegistration {
    NewRegistration { token: HELD, initial_token: None, most_clients }
}

async fn insert_token(world: &World, most_uses: Option<u32>, expires_at: Timestamp) -> InitialAccessTokenId {
    let new = NewInitialAccessToken {
        digest: INITIAL,
        description: "For the harbour".to_owned(),
        created_by: world.administrator.id,
        at: START,
        expires_at,
        most_uses,
    };
    let audit = event(Action::CreateInitialAccessToken);
    world.store.insert_initial_access_token(new, audit).await.unwrap().unwrap().id
}

pub async fn a_client_that_registered_itself_manages_itself_by_its_token(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let client = register(&world, 1, openly(1)).await.unwrap();
    let find = async |token: &Digest| {
        world.store.find_registered_client(&client.client_id, token).await.unwrap().map(|found| found.id)
    };
    assert_eq!((find(&HELD).await, find(&NEXT).await), (Some(client.id), None));
    let other = &world.application.client_id;
    assert!(world.store.find_registered_client(other, &HELD).await.unwrap().is_none());
    let rename = || Amendment::to(settings_named("Agent 2"));
    let update = async |id: ApplicationId, held, next| {
        let tokens = RegistrationTokens { held, next };
        let audit = event(Action::UpdateApplication);
        world.store.update_registered_client(id, tokens, rename(), audit).await.unwrap().map(|_| ())
    };
    assert_eq!(update(client.id, NEXT, HELD).await, Err(ApplicationRefusal::Unknown));
    assert_eq!(update(world.application.id, HELD, NEXT).await, Err(ApplicationRefusal::Unknown));
    assert_eq!(update(client.id, HELD, NEXT).await, Ok(()));
    assert_eq!(update(client.id, HELD, NEXT).await, Err(ApplicationRefusal::Unknown), "it was replaced");
    assert_eq!((find(&HELD).await, find(&NEXT).await), (None, Some(client.id)));
    let delete = async |token| {
        let audit = event(Action::DeleteApplication);
        world
            .store
            .delete_registered_client(client.id, token, OVER, audit)
            .await
            .unwrap()
            .map(|ended| ended.len())
    };
    assert_eq!(delete(HELD).await, Err(ApplicationRefusal::Unknown));
    assert_eq!(delete(NEXT).await, Ok(1));
    assert_eq!(delete(NEXT).await, Err(ApplicationRefusal::Unknown));
    assert!(world.store.find_application(client.id).await.unwrap().is_none());
    register(&world, 2, openly(1)).await.unwrap();
}

pub async fn a_refused_registration_changes_nothing(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    register(&world, 1, openly(1)).await.unwrap();
    let full = register(&world, 2, openly(1)).await;
    assert_eq!(full.unwrap_err(), ApplicationRefusal::TooManyRegistrations);
    let by_token = NewRegistration { initial_token: Some(INITIAL), ..openly(9) };
    let refused = register(&world, 2, by_token.clone()).await;
    assert_eq!(refused.unwrap_err(), ApplicationRefusal::InitialTokenUnusable);
    insert_token(&world, None, START).await;
    let expired = register(&world, 2, by_token).await;
    assert_eq!(expired.unwrap_err(), ApplicationRefusal::InitialTokenUnusable);
    let all = world.store.list_applications(crate::ApplicationFilter::default()).await.unwrap();
    assert_eq!(all.len(), 2);
}

pub async fn an_initial_access_token_is_used_a_limited_number_of_times(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    insert_token(&world, Some(2), OVER).await;
    let by_token = || NewRegistration { initial_token: Some(INITIAL), ..openly(9) };
    for number in 1..=2 {
        register(&world, number, by_token()).await.unwrap();
    }
    let third = register(&world, 3, by_token()).await;
    assert_eq!(third.unwrap_err(), ApplicationRefusal::InitialTokenUnusable);
    assert_eq!(world.store.list_initial_access_tokens().await.unwrap()[0].uses, 2);
}

pub async fn an_initial_access_token_is_usable_while_its_creator_is_an_active_administrator(
    store: Arc<dyn Store>,
) {
    let world = World::new(store).await;
    insert_token(&world, Some(1), OVER).await;
    let usable = async |digest: &Digest, at| {
        let found = world.store.find_usable_initial_access_token(digest, at).await.unwrap();
        found.map(|token| token.created_by)
    };
    let creator = world.administrator.id;
    assert_eq!(usable(&INITIAL, START).await, Some(creator));
    assert_eq!((usable(&HELD, START).await, usable(&INITIAL, OVER).await), (None, None));
    let second = insert_user(&world.store, "grace", &[ADMINISTRATOR_ROLE]).await.unwrap();
    for change in [
        UserChange { active: Some(false), ..UserChange::default() },
        UserChange { roles: Some(vec![USER_ROLE]), ..UserChange::default() },
    ] {
        update_user(&world, creator, change).await;
        assert_eq!(usable(&INITIAL, START).await, None);
        let by_token = NewRegistration { initial_token: Some(INITIAL), ..openly(9) };
        let refused = register(&world, 1, by_token).await;
        assert_eq!(refused.unwrap_err(), ApplicationRefusal::InitialTokenUnusable);
        let restored =
            UserChange { active: Some(true), roles: Some(vec![ADMINISTRATOR_ROLE]), ..UserChange::default() };
        update_user(&world, creator, restored).await;
    }
    let of_another = NewApplication { owner: second.id, ..new_client(&world, 1) };
    let by_token = || NewRegistration { initial_token: Some(INITIAL), ..openly(9) };
    let audit = event(Action::RegisterApplication);
    let refused = world.store.register_client(of_another, by_token(), audit).await.unwrap();
    assert_eq!(refused.unwrap_err(), ApplicationRefusal::InitialTokenUnusable);
    assert_eq!(register(&world, 1, by_token()).await.unwrap().owner, creator);
    assert_eq!(usable(&INITIAL, START).await, None, "it is used up");
}

pub async fn of_many_registrations_at_once_as_many_succeed_as_may(store: Arc<dyn Store>) {
    let world = Arc::new(World::new(store).await);
    insert_token(&world, Some(3), OVER).await;
    let registered = at_once(8, |task| {
        let world = Arc::clone(&world);
        async move {
            let registration = NewRegistration { initial_token: Some(INITIAL), ..openly(9) };
            register(&world, u8::try_from(task).unwrap(), registration).await.is_ok()
        }
    });
    assert_eq!(registered.await.into_iter().filter(|is_ok| *is_ok).count(), 3);
    let registered = at_once(8, |task| {
        let world = Arc::clone(&world);
        async move { register(&world, u8::try_from(task + 8).unwrap(), openly(5)).await.is_ok() }
    });
    assert_eq!(registered.await.into_iter().filter(|is_ok| *is_ok).count(), 2);
}

pub async fn unused_clients_are_found_and_deleted_and_used_ones_stay(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let mut ids = Vec::new();
    for number in 1..=3 {
        ids.push(register(&world, number, openly(9)).await.unwrap().id);
    }
    let usage = Usage { applications: vec![(ids[0], START.plus_secs(60))], ..Usage::default() };
    world.store.record_usage(usage).await.unwrap();
    let before = START.plus_secs(3);
    let unused = async || world.store.unused_registered_clients(before, 9).await.unwrap();
    assert_eq!(unused().await, [ids[1]]);
    for (id, is_deleted) in [(ids[0], false), (ids[1], true), (ids[2], false), (world.application.id, false)]
    {
        let audit = event(Action::DeleteApplication);
        let deleted = world.store.delete_unused_client(id, before, OVER, audit).await.unwrap();
        assert_eq!(deleted.is_ok(), is_deleted, "{id}");
    }
    assert!(unused().await.is_empty());
}

/// Whoever has the token could register keys, and act for the new owner by them.
pub async fn a_handover_ends_the_token_of_a_registration(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let heir = insert_user(&world.store, "grace", &[ADMINISTRATOR_ROLE]).await.unwrap();
    let handed_over = register(&world, 1, openly(9)).await.unwrap();
    let of_heir = NewApplication { owner: heir.id, ..new_client(&world, 2) };
    let audit = event(Action::RegisterApplication);
    let of_heir = world.store.register_client(of_heir, openly(9), audit).await.unwrap().unwrap();
    let possessions = Possessions::HandOver(heir.id);
    let audit = event(Action::DeleteUser);
    world.store.delete_user(world.administrator.id, possessions, OVER, audit).await.unwrap().unwrap();
    let find = async |client: &Application| {
        world.store.find_registered_client(&client.client_id, &HELD).await.unwrap()
    };
    assert!(find(&handed_over).await.is_none());
    assert_eq!(find(&of_heir).await.map(|client| client.owner), Some(heir.id), "its owner stays");
    let stays = world.store.find_application(handed_over.id).await.unwrap().unwrap();
    assert_eq!((stays.owner, stays.created_by()), (heir.id, "ada"));
    let unused = world.store.unused_registered_clients(OVER, 9).await.unwrap();
    assert_eq!(unused, [handed_over.id, of_heir.id], "it is still one that registered itself");
}

pub async fn initial_access_tokens_are_listed_deleted_and_purged(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let id = insert_token(&world, Some(7), START.plus_secs(10)).await;
    let listed = world.store.list_initial_access_tokens().await.unwrap();
    let [token] = listed.as_slice() else { panic!("one token") };
    assert_eq!(
        (token.id, token.description.as_str(), token.created_by),
        (id, "For the harbour", world.administrator.id)
    );
    assert_eq!(token.created_by_name.as_ref(), Some(&world.administrator.name));
    assert_eq!((token.most_uses, token.uses, token.expires_at), (Some(7), 0, START.plus_secs(10)));
    let delete = async || {
        let audit = event(Action::DeleteInitialAccessToken);
        world.store.delete_initial_access_token(id, audit).await.unwrap()
    };
    assert_eq!((delete().await, delete().await), (Ok(()), Err(InitialAccessTokenRefusal::Unknown)));
    insert_token(&world, None, START.plus_secs(10)).await;
    assert_eq!(world.store.purge_initial_access_tokens(START.plus_secs(9)).await.unwrap(), 0);
    assert_eq!(world.store.purge_initial_access_tokens(START.plus_secs(10)).await.unwrap(), 1);
}
