//! Tests of applications that the metadata documents of clients describe.

use std::sync::Arc;

use domain::audit::Action;
use domain::id::ClientId;
use oauth::application::Application;
use tokio::task::JoinSet;

use super::{START, World, event, settings_named};
use crate::{ApplicationRefusal, NewApplication, NewConsent, Store};

fn new(world: &World, path: &str) -> NewApplication {
    NewApplication {
        client_id: format!("https://app.example.com/{path}").parse().unwrap(),
        owner: world.administrator.id,
        settings: settings_named("Agent"),
        secret: None,
        at: START,
    }
}

async fn insert(world: &World, path: &str, most: u32) -> Result<Option<Application>, ApplicationRefusal> {
    let audit = event(Action::RegisterApplication);
    world.store.insert_document_client(new(world, path), most, audit).await.unwrap()
}

async fn allow(world: &World, application: &Application) {
    let consent = NewConsent { application: application.id, ..world.new_consent().await };
    world.store_consent(consent).await.unwrap();
}

async fn is_stored(world: &World, path: &str) -> bool {
    let id: ClientId = new(world, path).client_id;
    world.store.find_application_by_client_id(&id).await.unwrap().is_some()
}

pub async fn only_so_many_clients_wait_to_be_allowed(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let first = insert(&world, "1", 2).await.unwrap().unwrap();
    insert(&world, "2", 2).await.unwrap().unwrap();
    assert!(insert(&world, "3", 2).await.unwrap().is_none());
    assert!(!is_stored(&world, "3").await);
    allow(&world, &first).await;
    insert(&world, "3", 2).await.unwrap().unwrap();
    assert_eq!(insert(&world, "3", 9).await.unwrap_err(), ApplicationRefusal::ClientIdTaken);
}

pub async fn of_concurrent_clients_only_so_many_are_stored(store: Arc<dyn Store>) {
    let world = Arc::new(World::new(store).await);
    let mut all = JoinSet::new();
    for number in 0..16 {
        let world = Arc::clone(&world);
        all.spawn(async move { insert(&world, &number.to_string(), 5).await.unwrap().is_some() });
    }
    let stored = all.join_all().await.into_iter().filter(|stored| *stored).count();
    assert_eq!(stored, 5);
}

pub async fn unused_clients_of_documents_are_purged(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    for path in ["1", "2", "3"] {
        insert(&world, path, 9).await.unwrap().unwrap();
    }
    let allowed = insert(&world, "4", 9).await.unwrap().unwrap();
    allow(&world, &allowed).await;
    let purge =
        async |secs, batch| world.store.purge_document_clients(START.plus_secs(secs), batch).await.unwrap();
    assert_eq!(purge(0, 9).await, 0, "they were changed at the start");
    assert_eq!(purge(1, 2).await, 2);
    assert_eq!(purge(1, 2).await, 1);
    assert_eq!(purge(1, 2).await, 0);
    assert!(is_stored(&world, "4").await && !is_stored(&world, "1").await);
    assert!(world.store.find_application(world.application.id).await.unwrap().is_some(), "it is registered");
}
