use oauth::scope::{Assignment, BuiltInScope, ImplicationFault, Risk};

use super::*;

const AT: Timestamp = Timestamp::from_secs(5);
const ORDERS: ResourceServerId = ResourceServerId::new(2);

fn server(identifier: &str) -> NewResourceServer {
    NewResourceServer { identifier: identifier.to_owned(), name: "Orders".to_owned() }
}

fn scope(name: &str) -> NewScope {
    NewScope {
        name: name.to_owned(),
        description: "Read your orders".to_owned(),
        risk: Risk::Low,
        assignment: Assignment::Anyone,
        implies: Vec::new(),
    }
}

/// The built-in rows, and a resource server with `scopes` scopes.
fn registry(scopes: usize) -> ScopeRegistry {
    let built_in = ScopeRegistry::built_in();
    let mut servers = built_in.servers().to_vec();
    servers.push(added_server(ORDERS, &server("https://orders.example.com"), AT));
    let mut all = built_in.scopes().to_vec();
    let added = (0..scopes).map(|at| {
        let id = ScopeId::new(100 + i64::try_from(at).unwrap());
        added_scope(id, ORDERS, &scope(&format!("orders.{at}")), AT)
    });
    all.extend(added);
    ScopeRegistry::new(servers, all)
}

#[test]
fn an_identifier_belongs_to_one_resource_server() {
    let registry = registry(0);
    let taken = Err(ResourceServerRefusal::IdentifierTaken);
    assert_eq!(server_may_be_added(&registry, &server("https://orders.example.com")), taken);
    assert_eq!(server_may_be_added(&registry, &server("sluicegate")), taken);
    assert_eq!(server_may_be_added(&registry, &server("https://ships.example.com")), Ok(()));
    let same = changed_server(&registry, ORDERS, &server("https://orders.example.com"), AT);
    assert!(same.is_ok(), "its own identifier");
}

#[test]
fn the_built_in_resource_server_stays_as_it_is() {
    let registry = registry(0);
    let built_in = ResourceServerRefusal::BuiltIn;
    let changed = changed_server(&registry, BUILT_IN_SERVER, &server("https://a.example.com"), AT);
    assert_eq!(changed, Err(built_in));
    assert_eq!(deletable_server(&registry, BUILT_IN_SERVER), Err(built_in));
    assert_eq!(scope_may_be_added(&registry, BUILT_IN_SERVER, &scope("more")), Err(built_in));
}

#[test]
fn a_resource_server_with_scopes_is_not_deleted() {
    assert_eq!(deletable_server(&registry(2), ORDERS), Err(ResourceServerRefusal::HasScopes(2)));
    assert!(deletable_server(&registry(0), ORDERS).is_ok());
    let unknown = ResourceServerId::new(3);
    assert_eq!(deletable_server(&registry(0), unknown), Err(ResourceServerRefusal::Unknown));
}

#[test]
fn a_name_belongs_to_one_scope_of_all_resource_servers() {
    let registry = registry(2);
    let taken = ResourceServerRefusal::NameTaken;
    for name in ["api.mgmt", "orders.0"] {
        assert_eq!(scope_may_be_added(&registry, ORDERS, &scope(name)), Err(taken), "{name}");
        let renamed = changed_scope(&registry, ORDERS, ScopeId::new(101), &scope(name), AT);
        assert_eq!(renamed, Err(taken), "{name}");
    }
    assert_eq!(scope_may_be_added(&registry, ORDERS, &scope("orders.2")), Ok(()));
    assert!(changed_scope(&registry, ORDERS, ScopeId::new(101), &scope("orders.1"), AT).is_ok());
}

#[test]
fn resource_servers_and_scopes_have_limits() {
    let full = registry(MOST_SCOPES_OF_SERVER);
    let refused = scope_may_be_added(&full, ORDERS, &scope("one.more"));
    assert_eq!(refused, Err(ResourceServerRefusal::TooManyScopes));
    let servers = (1..=100)
        .map(|id| added_server(ResourceServerId::new(id), &server(&format!("https://{id}.example.com")), AT));
    let full = ScopeRegistry::new(servers.collect(), Vec::new());
    let refused = server_may_be_added(&full, &server("https://one.more"));
    assert_eq!(refused, Err(ResourceServerRefusal::TooManyServers));
}

#[test]
fn a_scope_is_reached_only_through_its_resource_server() {
    let registry = registry(1);
    let unknown = Err(ResourceServerRefusal::Unknown);
    assert_eq!(deletable_scope(&registry, BUILT_IN_SERVER, ScopeId::new(100), 0), unknown);
    assert_eq!(changed_scope(&registry, ORDERS, ScopeId::new(1), &scope("x"), AT), unknown);
}

#[test]
fn a_scope_that_applications_have_or_that_is_built_in_is_not_deleted() {
    let registry = registry(1);
    let id = ScopeId::new(100);
    assert_eq!(deletable_scope(&registry, ORDERS, id, 3), Err(ResourceServerRefusal::StillRegistered(3)));
    assert!(deletable_scope(&registry, ORDERS, id, 0).is_ok());
    let built_in = deletable_scope(&registry, BUILT_IN_SERVER, BuiltInScope::OData.id(), 0);
    assert_eq!(built_in, Err(ResourceServerRefusal::BuiltIn));
}

#[test]
fn an_application_gains_only_scopes_that_exist() {
    let before: ScopeSet = [ScopeId::new(100)].into_iter().collect();
    let after: ScopeSet = [1, 100, 101].map(ScopeId::new).into_iter().collect();
    let gained = gained_scopes(&before, &after);
    assert_eq!(
        gained,
        [ScopeId::new(101)],
        "built-in scopes always exist, and kept ones are not asked about"
    );
    assert_eq!(gained_scopes_exist(&gained, 1), Ok(()));
    assert_eq!(gained_scopes_exist(&gained, 0), Err(ApplicationRefusal::ScopeDeleted));
}

#[test]
fn a_scope_that_another_implies_is_not_deleted() {
    let mut registry = registry(2);
    let implied = registry.named("orders.0").unwrap().clone();
    let mut scopes = registry.scopes().to_vec();
    scopes
        .iter_mut()
        .filter(|scope| scope.name == "orders.1")
        .for_each(|scope| scope.implies = vec![implied.id]);
    registry = ScopeRegistry::new(registry.servers().to_vec(), scopes);
    let refused = Err(ResourceServerRefusal::StillImplied(1));
    assert_eq!(deletable_scope(&registry, ORDERS, implied.id, 0), refused);
    let circle = NewScope { implies: vec![registry.named("orders.1").unwrap().id], ..scope("orders.0") };
    let refused = Err(ResourceServerRefusal::Implication(ImplicationFault::Circle));
    assert_eq!(changed_scope(&registry, ORDERS, implied.id, &circle, AT), refused);
}
