use super::super::ScopeRegistry;
use super::*;

#[test]
fn an_identifier_is_an_absolute_uri_without_a_fragment() {
    for good in [
        "https://orders.example.com",
        "https://orders.example.com/v1?tenant=7",
        "http://127.0.0.1:9000/",
        "urn:example:orders",
        "api://orders",
    ] {
        assert_eq!(check_identifier(good), Ok(()), "{good}");
    }
    for bad in [
        "",
        "orders",
        "/orders",
        "//orders.example.com",
        "sluicegate",
        "https://orders.example.com#top",
        "https://orders.example.com/#",
        "https://orders.example.com/a b",
        " https://orders.example.com",
        "https://orders.example.com\n",
        "https://örders.example.com",
        "https:\\\\orders.example.com",
        "https://orders.example.com/\"<>",
    ] {
        assert_eq!(check_identifier(bad), Err(ResourceServerFault::Identifier), "{bad}");
    }
    let credentials = Err(ResourceServerFault::IdentifierWithCredentials);
    assert_eq!(check_identifier("https://ada:secret@orders.example.com"), credentials);
    let long = format!("https://{}.example.com", "a".repeat(255));
    assert!(matches!(check_identifier(&long), Err(ResourceServerFault::IdentifierTooLong(_))));
}

#[test]
fn a_name_of_a_scope_is_a_scope_token() {
    for good in ["a", "orders.read", "https://example.com/orders:read", "!#[]~", &"x".repeat(128)] {
        assert_eq!(check_scope_name(good), Ok(()), "{good}");
    }
    for bad in ["", "orders read", "a\"b", "a\\b", "ä", "a\u{7f}", "\t", &"x".repeat(129)] {
        assert_eq!(check_scope_name(bad), Err(ScopeFault::Name), "{bad}");
    }
    for reserved in RESERVED_NAMES {
        assert_eq!(check_scope_name(reserved), Err(ScopeFault::NameReserved(reserved)));
    }
}

#[test]
fn a_description_is_one_line_of_words() {
    assert_eq!(check_description("Read your orders"), Ok(()));
    assert_eq!(check_description(" "), Err(ScopeFault::DescriptionEmpty));
    assert_eq!(check_description(&"x".repeat(257)), Err(ScopeFault::DescriptionTooLong(257)));
    for bad in ["Read\nyour orders", "Read \u{202e}your orders", "\u{2705} safe"] {
        assert!(matches!(check_description(bad), Err(ScopeFault::DescriptionCharacter(_))), "{bad:?}");
    }
}

#[test]
fn all_faults_are_named_at_once() {
    let server = NewResourceServer::default();
    let fields: Vec<_> = server.faults().into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["identifier", "name"]);
    let scope = NewScope {
        name: String::new(),
        description: String::new(),
        risk: Risk::default(),
        assignment: Assignment::default(),
        implies: Vec::new(),
    };
    let fields: Vec<_> = scope.faults().into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["name", "description"]);
}

#[test]
fn risks_and_assignments_come_back_from_their_names() {
    for risk in Risk::ALL {
        assert_eq!(risk.as_str().parse(), Ok(risk));
    }
    assert_eq!("medium".parse::<Risk>(), Err(UnknownRisk));
    for permission in Permission::ALL {
        let assignment = Assignment::Permission(*permission);
        assert_eq!(assignment.as_str().parse(), Ok(assignment));
    }
    assert_eq!("anyone".parse(), Ok(Assignment::Anyone));
    assert_eq!("nobody".parse::<Assignment>(), Err(UnknownAssignment));
}

#[test]
fn a_scope_is_assigned_by_those_who_have_the_permission_and_by_administrators() {
    let viewers = Assignment::Permission(Permission::ViewRole);
    assert!(Assignment::Anyone.is_open_to(&[]));
    assert!(viewers.is_open_to(&[Permission::ViewRole]));
    assert!(viewers.is_open_to(&[Permission::Administrator]));
    assert!(!viewers.is_open_to(&[Permission::CreateRole]));
    assert!(!Assignment::default().is_open_to(&[Permission::ViewRole]));
}

#[test]
fn only_the_description_of_a_built_in_scope_may_change() {
    let registry = ScopeRegistry::built_in();
    let scope = registry.named("odata").unwrap();
    let same = NewScope {
        name: scope.name.clone(),
        description: "Read your data".to_owned(),
        risk: scope.risk,
        assignment: scope.assignment,
        implies: Vec::new(),
    };
    assert!(scope.may_become(&same));
    assert!(!scope.may_become(&NewScope { name: "data".to_owned(), ..same.clone() }));
    assert!(!scope.may_become(&NewScope { risk: Risk::Low, ..same.clone() }));
    assert!(!scope.may_become(&NewScope { assignment: Assignment::ADMINISTRATORS, ..same.clone() }));
    let own = Scope { id: ScopeId::new(100), ..scope.clone() };
    assert!(own.may_become(&NewScope { name: "data".to_owned(), ..same }));
}
