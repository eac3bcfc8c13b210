use super::*;

/// The built-in scopes, and two of an API for orders.
fn registry() -> ScopeRegistry {
    let built_in = ScopeRegistry::built_in();
    let mut servers = built_in.servers().to_vec();
    let server = ResourceServerId::new(2);
    servers.push(ResourceServer {
        id: server,
        identifier: "https://orders.example.com".to_owned(),
        name: "Orders".to_owned(),
        ..servers[0].clone()
    });
    let mut scopes = built_in.scopes().to_vec();
    for (id, name) in [(101, "orders.write"), (100, "orders.read")] {
        scopes.push(Scope {
            id: ScopeId::new(id),
            resource_server: server,
            name: name.to_owned(),
            ..scopes[0].clone()
        });
    }
    ScopeRegistry::new(servers, scopes)
}

#[test]
fn names_are_read_with_alias_and_surrounding_blanks() {
    let registry = registry();
    for text in ["odata", " api.access.odata ", "odata api.access.odata"] {
        assert_eq!(registry.parse(text), Ok(ScopeSet::from(BuiltInScope::OData)), "{text:?}");
    }
    assert_eq!(registry.parse(""), Ok(ScopeSet::EMPTY));
    for unknown in ["OpenID", "ORDERS.READ", "orders", "odata\torders.read"] {
        assert_eq!(registry.parse(unknown), Err(UnknownScope), "{unknown:?}");
    }
}

#[test]
fn printing_and_reading_a_set_is_identity() {
    let registry = registry();
    let all: Vec<ScopeId> = registry.scopes().iter().map(|scope| scope.id).collect();
    for chosen in 0..1 << all.len() {
        let set: ScopeSet =
            all.iter().enumerate().filter(|(at, _)| chosen & (1 << at) != 0).map(|(_, id)| *id).collect();
        assert_eq!(registry.parse(&registry.text(&set)), Ok(set));
    }
}

#[test]
fn names_are_written_in_the_order_of_their_numbers() {
    let registry = registry();
    let set = registry.parse("orders.write api.mgmt orders.read odata").unwrap();
    assert_eq!(registry.text(&set), "api.access.odata api.mgmt orders.read orders.write");
}

#[test]
fn a_deleted_scope_is_not_shown() {
    let set = registry().parse("orders.read odata").unwrap();
    assert_eq!(ScopeRegistry::built_in().text(&set), "api.access.odata");
}

#[test]
fn a_resource_server_lists_its_own_scopes() {
    let registry = registry();
    let names = |server| registry.scopes_of(server).map(|scope| scope.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names(ResourceServerId::new(2)), ["orders.read", "orders.write"]);
    assert_eq!(names(BUILT_IN_SERVER), BuiltInScope::ALL.map(BuiltInScope::as_str));
}
