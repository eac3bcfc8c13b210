//! Tests of applications that the metadata documents of clients describe.

use std::sync::Arc;

use domain::audit::Action;
use domain::id::ClientId;
use oauth::application::Application;
use tokio::task::JoinSet;

use super::{START, World, event, settings_named};
use crate::{ApplicationRefusal, DocumentClientLimits, NewApplication, NewConsent, Store};

fn new(world: &World, path: &str) -> NewApplication {
    NewApplication {
        client_id: format!("https://app.example.com/{path}").parse().unwrap(),
        owner: world.administrator.id,
        settings: settings_named("Agent"),
        secret: None,
        at: START,
    }
}

fn limits(of_host: u32, total: u32) -> DocumentClientLimits {
    DocumentClientLimits { of_host, total, host: "app.example.com".to_owned() }
}

async fn insert(world: &World, path: &str, most: u32) -> Result<Application, ApplicationRefusal> {
    let audit = event(Action::RegisterApplication);
    world.store.insert_document_client(new(world, path), limits(most, 9), audit).await.unwrap()
}

/// Stores an application of another host.
async fn insert_other(world: &World, host: &str, total: u32) {
    let limits = DocumentClientLimits { host: host.to_owned(), ..limits(9, total) };
    let new = NewApplication { client_id: format!("https://{host}/").parse().unwrap(), ..new(world, "") };
    let audit = event(Action::RegisterApplication);
    world.store.insert_document_client(new, limits, audit).await.unwrap().unwrap();
}

async fn allow(world: &World, application: &Application) {
    let consent = NewConsent { application: application.id, ..world.new_consent().await };
    world.store_consent(consent).await.unwrap();
}

async fn is_stored(world: &World, path: &str) -> bool {
    let id: ClientId = new(world, path).client_id;
    world.store.find_application_by_client_id(&id).await.unwrap().is_some()
}

pub async fn a_client_replaces_the_oldest_that_waits(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let first = insert(&world, "1", 2).await.unwrap();
    insert(&world, "2", 2).await.unwrap();
    let is_allowed =
        async |path| world.store.document_client_is_allowed(new(&world, path).client_id).await.unwrap();
    assert!(!is_allowed("1").await);
    allow(&world, &first).await;
    assert!(is_allowed("1").await && !is_allowed("2").await && !is_allowed("3").await);
    insert(&world, "3", 2).await.unwrap();
    assert_eq!(insert(&world, "3", 2).await.unwrap_err(), ApplicationRefusal::ClientIdTaken);
    assert!(is_stored(&world, "2").await, "a refused one replaces nothing");
    insert_other(&world, "other.example.com", 9).await;
    insert(&world, "4", 2).await.unwrap();
    assert!(is_stored(&world, "1").await, "a user has allowed it");
    assert!(!is_stored(&world, "2").await && is_stored(&world, "3").await && is_stored(&world, "4").await);
    insert_other(&world, "third.example.com", 3).await;
    assert!(!is_stored(&world, "3").await && is_stored(&world, "4").await, "in total");
    let at_port =
        NewApplication { client_id: "https://app.example.com:8443/5".parse().unwrap(), ..new(&world, "5") };
    let audit = event(Action::RegisterApplication);
    world.store.insert_document_client(at_port, limits(1, 9), audit).await.unwrap().unwrap();
    assert!(!is_stored(&world, "4").await, "another port is the same host");
    insert_other(&world, "app_example.com", 9).await;
    let other =
        NewApplication { client_id: "https://app.example.com/6".parse().unwrap(), ..new(&world, "6") };
    let limits = DocumentClientLimits { host: "app_example.com".to_owned(), ..limits(1, 9) };
    let audit = event(Action::RegisterApplication);
    world.store.insert_document_client(other, limits, audit).await.unwrap().unwrap();
    let id: ClientId = "https://app.example.com:8443/5".parse().unwrap();
    let found = world.store.find_application_by_client_id(&id).await.unwrap();
    assert!(found.is_some(), "an underscore stands for itself");
}

pub async fn of_concurrent_clients_only_so_many_stay(store: Arc<dyn Store>) {
    let world = Arc::new(World::new(store).await);
    let mut all = JoinSet::new();
    for number in 0..16 {
        let world = Arc::clone(&world);
        all.spawn(async move { insert(&world, &number.to_string(), 5).await.unwrap() });
    }
    all.join_all().await;
    let mut stored = 0;
    for number in 0..16 {
        stored += i32::from(is_stored(&world, &number.to_string()).await);
    }
    assert_eq!(stored, 5);
}

pub async fn unused_clients_of_documents_are_purged(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    for path in ["1", "2", "3"] {
        insert(&world, path, 9).await.unwrap();
    }
    let allowed = insert(&world, "4", 9).await.unwrap();
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
