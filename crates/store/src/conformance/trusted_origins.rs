//! Tests of trusted origins and the origins of applications.

use std::sync::Arc;

use domain::audit::Action;
use domain::id::TrustedOriginId;
use oauth::application::ApplicationSettings;
use oauth::cors::{MOST_TRUSTED, NewTrustedOrigin, TrustedOrigin};

use super::{OVER, START, World, at_once, event, settings_named};
use crate::{AuditFilter, Judged, Store, TrustedOriginRefusal};

fn new(domain: &str) -> NewTrustedOrigin {
    NewTrustedOrigin {
        domain: domain.to_owned(),
        description: format!("of {domain}"),
        modified_by: "ada".to_owned(),
        at: START,
    }
}

async fn add(store: &Arc<dyn Store>, domains: &[&str]) -> Judged<Vec<TrustedOrigin>, TrustedOriginRefusal> {
    let entries = domains.iter().map(|domain| new(domain)).collect();
    store.insert_trusted_origins(entries, event(Action::TrustOrigin)).await.unwrap()
}

async fn domains(store: &Arc<dyn Store>) -> Vec<String> {
    store.list_trusted_origins().await.unwrap().into_iter().map(|entry| entry.domain).collect()
}

pub async fn trusted_origins_are_added_all_or_none(store: Arc<dyn Store>) {
    let before = store.versions().await.unwrap().limits;
    let added = add(&store, &["https://a.example", "https://*.b.example"]).await.unwrap();
    assert!(store.versions().await.unwrap().limits > before, "nodes learn of it");
    assert_eq!(store.list_trusted_origins().await.unwrap(), added);
    assert_eq!(
        (added[0].description.as_str(), added[0].modified_by.as_str()),
        ("of https://a.example", "ada")
    );
    assert_eq!(added[0].modified_at, START);
    let listed = |at| Err(TrustedOriginRefusal::Listed(at));
    assert_eq!(add(&store, &["https://c.example", "https://a.example"]).await, listed(1));
    assert_eq!(add(&store, &["https://d.example", "https://d.example"]).await, listed(1));
    assert_eq!(domains(&store).await, ["https://a.example", "https://*.b.example"]);
    let events = store.list_audit(AuditFilter { limit: 10, ..AuditFilter::default() }).await.unwrap();
    let subjects: Vec<_> = events.iter().map(|written| written.event.subject.as_deref().unwrap()).collect();
    assert_eq!(subjects, ["https://*.b.example", "https://a.example"], "one event each, none for refusals");
}

pub async fn a_trusted_origin_is_replaced_and_taken_from_the_list(store: Arc<dyn Store>) {
    let added = add(&store, &["https://a.example", "https://b.example"]).await.unwrap();
    let update = async |id, domain: &str| {
        store.update_trusted_origin(id, new(domain), event(Action::UpdateTrustedOrigin)).await.unwrap()
    };
    assert_eq!(update(added[0].id, "https://b.example").await, Err(TrustedOriginRefusal::Listed(0)));
    let mut before = store.versions().await.unwrap().limits;
    let same = update(added[0].id, "https://a.example").await.unwrap();
    assert_eq!(same, added[0]);
    assert_eq!(update(added[0].id, "https://c.example").await.unwrap().id, added[0].id);
    assert!(store.versions().await.unwrap().limits > before);
    before = store.versions().await.unwrap().limits;
    let delete =
        async |id| store.delete_trusted_origin(id, event(Action::DeleteTrustedOrigin)).await.unwrap();
    assert_eq!(delete(added[0].id).await.unwrap().domain, "https://c.example");
    assert!(store.versions().await.unwrap().limits > before);
    assert_eq!(delete(added[0].id).await, Err(TrustedOriginRefusal::Unknown));
    let unknown = TrustedOriginId::new(77);
    assert_eq!(update(unknown, "https://d.example").await, Err(TrustedOriginRefusal::Unknown));
    assert_eq!(domains(&store).await, ["https://b.example"]);
    let again = add(&store, &["https://a.example"]).await.unwrap();
    assert!(again[0].id > added[1].id, "an id is never given twice");
}

pub async fn the_list_of_trusted_origins_has_an_end(store: Arc<dyn Store>) {
    let many: Vec<String> = (0..MOST_TRUSTED).map(|n| format!("https://a{n}.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    add(&store, &many).await.unwrap();
    assert_eq!(add(&store, &["https://b.example"]).await, Err(TrustedOriginRefusal::Full));
    assert_eq!(domains(&store).await.len(), MOST_TRUSTED);
}

pub async fn a_domain_is_listed_once_however_many_add_it_at_once(store: Arc<dyn Store>) {
    let outcomes = at_once(8, |_| {
        let store = Arc::clone(&store);
        async move { add(&store, &["https://a.example"]).await.is_ok() }
    });
    assert_eq!(outcomes.await.into_iter().filter(|added| *added).count(), 1);
    assert_eq!(domains(&store).await, ["https://a.example"]);
}

pub async fn the_origins_of_an_application_are_those_of_now(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let is = async |origin: &str| world.store.is_origin_of_an_application(origin).await.unwrap();
    assert!(is("https://example.com").await, "of a redirect URL");
    assert!(is("https://pages.example.com").await, "named besides");
    for other in
        ["https://example.com/", "http://example.com", "com.example.app://", "https://other.example", ""]
    {
        assert!(!is(other).await, "{other}");
    }
    let settings = ApplicationSettings {
        redirect_urls: vec!["https://new.example/cb".to_owned(), "https://new.example/other".to_owned()],
        cors_origins: vec![],
        ..settings_named("Report")
    };
    let id = world.application.id;
    world
        .store
        .update_application(id, crate::Amendment::to(settings), event(Action::UpdateApplication))
        .await
        .unwrap()
        .unwrap();
    assert!(is("https://new.example").await);
    assert!(!is("https://example.com").await && !is("https://pages.example.com").await);
    world.store.delete_application(id, OVER, event(Action::DeleteApplication)).await.unwrap().unwrap();
    assert!(!is("https://new.example").await);
}
