//! Tests of resource servers and their scopes, and of sets of scopes in applications, consents and grants.

use std::sync::Arc;

use domain::account::Permission;
use domain::audit::Action;
use domain::id::{ResourceServerId, ScopeId};
use oauth::application::ApplicationSettings;
use oauth::scope::{
    Assignment, BUILT_IN_SERVER, BuiltInScope, ImplicationFault, MOST_SCOPES_OF_SERVER, NewResourceServer,
    NewScope, ResourceServer, Risk, Scope, ScopeRegistry, ScopeSet,
};

use super::{OVER, START, World, at_once, event, event_at, granted, settings_named};
use crate::{
    Amendment, ApplicationRefusal, AuditFilter, Judged, NewConsent, NewGrant, ResourceServerRefusal, Store,
};

fn new_server(identifier: &str) -> NewResourceServer {
    NewResourceServer { identifier: identifier.to_owned(), name: "Orders".to_owned() }
}

fn new_scope(name: &str) -> NewScope {
    NewScope {
        name: name.to_owned(),
        description: format!("Use {name}"),
        risk: Risk::Elevated,
        assignment: Assignment::Permission(Permission::ViewRole),
        implies: Vec::new(),
    }
}

async fn add_server(
    store: &Arc<dyn Store>,
    identifier: &str,
) -> Judged<ResourceServer, ResourceServerRefusal> {
    let audit = event(Action::CreateResourceServer);
    store.insert_resource_server(new_server(identifier), audit).await.unwrap()
}

async fn add_scope(
    store: &Arc<dyn Store>,
    server: ResourceServerId,
    name: &str,
) -> Judged<Scope, ResourceServerRefusal> {
    store.insert_scope(server, new_scope(name), event(Action::CreateScope)).await.unwrap()
}

async fn remove_scope(store: &Arc<dyn Store>, scope: &Scope) -> Judged<Scope, ResourceServerRefusal> {
    store.delete_scope(scope.resource_server, scope.id, event(Action::DeleteScope)).await.unwrap()
}

async fn registry(store: &Arc<dyn Store>) -> ScopeRegistry {
    store.scope_registry().await.unwrap()
}

/// Changes the scopes of the application of the world.
async fn register(world: &World, scopes: ScopeSet) -> Result<(), ApplicationRefusal> {
    let amendment = Amendment::to(ApplicationSettings { scopes, ..settings_named("Report") });
    let audit = event(Action::UpdateApplication);
    let updated = world.store.update_application(world.application.id, amendment, audit).await.unwrap();
    updated.map(drop)
}

pub async fn a_new_installation_has_the_built_in_scopes(store: Arc<dyn Store>) {
    let (stored, built_in) = (registry(&store).await, ScopeRegistry::built_in());
    assert_eq!(stored.servers(), built_in.servers());
    assert_eq!(stored.scopes(), built_in.scopes());
}

pub async fn resource_servers_and_scopes_are_added_changed_and_deleted(store: Arc<dyn Store>) {
    let mut before = store.versions().await.unwrap().limits;
    let mut nodes_learn = async |what: &str| {
        let now = store.versions().await.unwrap().limits;
        assert!(now > before, "{what}");
        before = now;
    };
    let server = add_server(&store, "https://orders.example.com").await.unwrap();
    nodes_learn("a new resource server").await;
    assert!(server.id > BUILT_IN_SERVER && server.created_at == START && server.updated_at == START);
    let scope = add_scope(&store, server.id, "orders.read").await.unwrap();
    nodes_learn("a new scope").await;
    assert!(scope.id >= ScopeId::new(100), "the numbers below are kept for built-in scopes");
    assert_eq!(registry(&store).await.servers().last(), Some(&server));
    assert_eq!(registry(&store).await.scope(scope.id), Some(&scope));

    let later = START.plus_secs(60);
    let changed = NewScope { assignment: Assignment::Anyone, risk: Risk::High, ..new_scope("orders.all") };
    let update = store.update_scope(server.id, scope.id, changed, event_at(Action::UpdateScope, later));
    let changed = update.await.unwrap().unwrap();
    nodes_learn("a changed scope").await;
    assert_eq!((changed.created_at, changed.updated_at), (START, later));
    assert_eq!(registry(&store).await.named("orders.all"), Ok(&changed));
    assert!(registry(&store).await.named("orders.read").is_err());
    let moved = new_server("https://orders.example.net");
    let audit = event_at(Action::UpdateResourceServer, later);
    let moved = store.update_resource_server(server.id, moved, audit).await.unwrap().unwrap();
    nodes_learn("a changed resource server").await;
    assert_eq!(registry(&store).await.servers().last(), Some(&moved));

    assert_eq!(remove_scope(&store, &changed).await, Ok(changed.clone()));
    nodes_learn("a deleted scope").await;
    assert_eq!(remove_scope(&store, &changed).await, Err(ResourceServerRefusal::Unknown));
    let delete = event(Action::DeleteResourceServer);
    assert_eq!(store.delete_resource_server(server.id, delete.clone()).await.unwrap(), Ok(moved));
    nodes_learn("a deleted resource server").await;
    let again = store.delete_resource_server(server.id, delete).await.unwrap();
    assert_eq!(again, Err(ResourceServerRefusal::Unknown));
    assert_eq!(registry(&store).await.scopes(), ScopeRegistry::built_in().scopes());
    let events = store.list_audit(AuditFilter { limit: 10, ..AuditFilter::default() }).await.unwrap();
    assert_eq!(events.len(), 6, "one event for each change, none for refusals");
}

pub async fn refused_changes_of_the_registry_change_nothing(store: Arc<dyn Store>) {
    let server = add_server(&store, "https://orders.example.com").await.unwrap();
    let scope = add_scope(&store, server.id, "orders.read").await.unwrap();
    let (before, version) = (registry(&store).await, store.versions().await.unwrap().limits);
    let refused = ResourceServerRefusal::IdentifierTaken;
    assert_eq!(add_server(&store, "https://orders.example.com").await, Err(refused));
    assert_eq!(add_scope(&store, server.id, "api.mgmt").await, Err(ResourceServerRefusal::NameTaken));
    let unknown = ResourceServerId::new(77);
    assert_eq!(add_scope(&store, unknown, "more").await, Err(ResourceServerRefusal::Unknown));
    assert_eq!(add_scope(&store, BUILT_IN_SERVER, "more").await, Err(ResourceServerRefusal::BuiltIn));
    let delete = store.delete_resource_server(server.id, event(Action::DeleteResourceServer)).await.unwrap();
    assert_eq!(delete, Err(ResourceServerRefusal::HasScopes(1)));
    let built_in = before.named("api.mgmt").unwrap().clone();
    assert_eq!(remove_scope(&store, &built_in).await, Err(ResourceServerRefusal::BuiltIn));
    let elsewhere = Scope { resource_server: BUILT_IN_SERVER, ..scope };
    assert_eq!(remove_scope(&store, &elsewhere).await, Err(ResourceServerRefusal::Unknown));
    assert_eq!(registry(&store).await.scopes(), before.scopes());
    assert_eq!(registry(&store).await.servers(), before.servers());
    assert_eq!(store.versions().await.unwrap().limits, version);
}

pub async fn the_description_of_a_built_in_scope_may_change(store: Arc<dyn Store>) {
    let scope = registry(&store).await.named("odata").unwrap().clone();
    let new = |name: &str| NewScope {
        name: name.to_owned(),
        description: "Read your data".to_owned(),
        risk: scope.risk,
        assignment: scope.assignment,
        implies: Vec::new(),
    };
    let update = async |new| {
        store.update_scope(BUILT_IN_SERVER, scope.id, new, event(Action::UpdateScope)).await.unwrap()
    };
    assert_eq!(update(new("data")).await, Err(ResourceServerRefusal::BuiltIn));
    let broad = NewScope { implies: vec![BuiltInScope::Management.id()], ..new("api.access.odata") };
    assert_eq!(update(broad).await, Err(ResourceServerRefusal::BuiltIn));
    assert_eq!(update(new("api.access.odata")).await.unwrap().description, "Read your data");
    assert_eq!(registry(&store).await.named("odata").unwrap().description, "Read your data");
}

pub async fn an_id_of_the_registry_is_never_given_twice(store: Arc<dyn Store>) {
    let server = add_server(&store, "https://orders.example.com").await.unwrap();
    let scope = add_scope(&store, server.id, "orders.read").await.unwrap();
    remove_scope(&store, &scope).await.unwrap();
    assert!(add_scope(&store, server.id, "orders.read").await.unwrap().id > scope.id);
}

pub async fn a_resource_server_has_a_limited_number_of_scopes(store: Arc<dyn Store>) {
    let server = add_server(&store, "https://orders.example.com").await.unwrap();
    for at in 0..MOST_SCOPES_OF_SERVER {
        add_scope(&store, server.id, &format!("orders.{at}")).await.unwrap();
    }
    let refused = add_scope(&store, server.id, "one.more").await;
    assert_eq!(refused, Err(ResourceServerRefusal::TooManyScopes));
}

pub async fn applications_consents_and_grants_keep_further_scopes(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let server = add_server(&world.store, "https://orders.example.com").await.unwrap();
    let read = add_scope(&world.store, server.id, "orders.read").await.unwrap().id;
    let write = add_scope(&world.store, server.id, "orders.write").await.unwrap().id;
    let both = ScopeSet::from(read).union(&write.into());
    let all = both.union(&BuiltInScope::OData.into());
    register(&world, all.clone()).await.unwrap();
    let stored = world.store.find_application(world.application.id).await.unwrap().unwrap();
    assert_eq!(stored.settings.scopes, all);

    let consent = NewConsent { scopes: write.into(), ..world.new_consent().await };
    world.store_consent(consent).await.unwrap();
    let consent = NewConsent { scopes: read.into(), ..world.new_consent().await };
    let consent = world.store_consent(consent).await.unwrap().consent;
    assert_eq!(consent.scopes, both, "a consent grows");
    let found = world.store.find_consent(world.user.id, world.application.id).await.unwrap();
    assert_eq!(found, Some(consent));

    for (code, scopes) in [(1, all.clone()), (2, read.into()), (3, BuiltInScope::OData.into())] {
        let new = NewGrant { scopes: ScopeSet::clone(&scopes), ..world.new_grant(code, None) };
        let id = granted(&world.create_grant(new).await).unwrap();
        assert_eq!(world.store.find_grant(id).await.unwrap().unwrap().scopes, scopes);
    }
    let allowed = world.store.list_allowed(world.user.id, START, None, 10).await.unwrap();
    assert_eq!(allowed[0].scopes, all, "everything that was allowed, together");
}

pub async fn a_scope_stays_while_an_application_is_registered_for_it(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let server = add_server(&world.store, "https://orders.example.com").await.unwrap();
    let scope = add_scope(&world.store, server.id, "orders.read").await.unwrap();
    let other = add_scope(&world.store, server.id, "orders.write").await.unwrap();
    register(&world, ScopeSet::from(scope.id).union(&BuiltInScope::OData.into())).await.unwrap();
    let refused = remove_scope(&world.store, &scope).await;
    assert_eq!(refused, Err(ResourceServerRefusal::StillRegistered(1)));
    remove_scope(&world.store, &other).await.unwrap();
    let deleted = register(&world, other.id.into()).await;
    assert_eq!(deleted, Err(ApplicationRefusal::ScopeDeleted));
    let stored = world.store.find_application(world.application.id).await.unwrap().unwrap();
    assert!(stored.settings.scopes.contains_id(scope.id), "a refusal changes nothing");
    let delete = event(Action::DeleteApplication);
    world.store.delete_application(world.application.id, OVER, delete).await.unwrap().unwrap();
    remove_scope(&world.store, &scope).await.unwrap();
}

pub async fn a_scope_is_deleted_or_registered_but_not_both(store: Arc<dyn Store>) {
    let world = Arc::new(World::new(store).await);
    let server = add_server(&world.store, "https://orders.example.com").await.unwrap();
    for round in 0..10 {
        let scope = add_scope(&world.store, server.id, &format!("orders.{round}")).await.unwrap();
        let outcomes = at_once(2, |task| {
            let (world, scope) = (Arc::clone(&world), scope.clone());
            async move {
                if task == 0 {
                    register(&world, scope.id.into()).await.is_ok()
                } else {
                    remove_scope(&world.store, &scope).await.is_ok()
                }
            }
        });
        assert_eq!(outcomes.await.into_iter().filter(|done| *done).count(), 1, "round {round}");
        register(&world, BuiltInScope::OData.into()).await.unwrap();
    }
}

pub async fn a_name_of_a_scope_is_given_once_however_many_ask_at_once(store: Arc<dyn Store>) {
    let server = add_server(&store, "https://orders.example.com").await.unwrap();
    let outcomes = at_once(8, |_| {
        let store = Arc::clone(&store);
        async move { add_scope(&store, server.id, "orders.read").await.is_ok() }
    });
    assert_eq!(outcomes.await.into_iter().filter(|added| *added).count(), 1);
}

async fn let_imply(
    store: &Arc<dyn Store>,
    scope: &Scope,
    implies: &[ScopeId],
) -> Judged<Scope, ResourceServerRefusal> {
    let new = NewScope { implies: implies.to_vec(), ..new_scope(&scope.name) };
    store.update_scope(scope.resource_server, scope.id, new, event(Action::UpdateScope)).await.unwrap()
}

pub async fn a_scope_implies_others_of_its_resource_server(store: Arc<dyn Store>) {
    let server = add_server(&store, "https://orders.example.com").await.unwrap();
    let read = add_scope(&store, server.id, "orders.read").await.unwrap();
    let new = NewScope { implies: vec![read.id], ..new_scope("orders.all") };
    let all = store.insert_scope(server.id, new, event(Action::CreateScope)).await.unwrap().unwrap();
    assert_eq!(registry(&store).await.scope(all.id), Some(&all));
    assert_eq!(registry(&store).await.effective(&all.id.into()), [read.id, all.id].into_iter().collect());

    let refused = |fault| Err(ResourceServerRefusal::Implication(fault));
    assert_eq!(let_imply(&store, &read, &[all.id]).await, refused(ImplicationFault::Circle));
    let built_in = BuiltInScope::OData.id();
    assert_eq!(let_imply(&store, &all, &[built_in]).await, refused(ImplicationFault::Unknown));
    let other = add_server(&store, "https://ships.example.com").await.unwrap();
    let ships = add_scope(&store, other.id, "ships.read").await.unwrap();
    assert_eq!(let_imply(&store, &all, &[ships.id]).await, refused(ImplicationFault::Unknown));
    let stricter = NewScope { assignment: Assignment::ADMINISTRATORS, ..new_scope("orders.read") };
    let stricter =
        store.update_scope(server.id, read.id, stricter, event(Action::UpdateScope)).await.unwrap();
    assert_eq!(stricter, refused(ImplicationFault::AssignableByMore));
    assert_eq!(remove_scope(&store, &read).await, Err(ResourceServerRefusal::StillImplied(1)));
    assert_eq!(registry(&store).await.scope(all.id), Some(&all), "a refusal changes nothing");

    assert_eq!(let_imply(&store, &all, &[]).await.unwrap().implies, []);
    assert_eq!(remove_scope(&store, &read).await, Ok(read));
}

pub async fn two_scopes_never_imply_each_other_however_many_ask_at_once(store: Arc<dyn Store>) {
    let server = add_server(&store, "https://orders.example.com").await.unwrap();
    let some = add_scope(&store, server.id, "orders.some").await.unwrap();
    let more = add_scope(&store, server.id, "orders.more").await.unwrap();
    let (own, pair) = (Arc::clone(&store), (some.clone(), more.clone()));
    let outcomes = at_once(2, move |at| {
        let (store, (some, more)) = (Arc::clone(&own), pair.clone());
        async move {
            let (broad, narrow) = if at == 0 { (some, more) } else { (more, some) };
            let_imply(&store, &broad, &[narrow.id]).await
        }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    let refused = Err(ResourceServerRefusal::Implication(ImplicationFault::Circle));
    assert!(outcomes.contains(&refused), "{outcomes:?}");
}
