use domain::id::ResourceServerId;
use domain::time::Timestamp;

use super::*;
use crate::scope::ResourceServer;

const URL: &str = "https://gate.example";

fn registry() -> ScopeRegistry {
    let at = Timestamp::from_micros(0);
    let other = ResourceServer {
        id: ResourceServerId::new(7),
        identifier: "https://orders.example/".to_owned(),
        name: "Orders".to_owned(),
        created_at: at,
        updated_at: at,
    };
    let built_in = ScopeRegistry::built_in();
    ScopeRegistry::new([built_in.servers(), &[other]].concat(), built_in.scopes().to_vec())
}

fn found(text: &str) -> Option<Resource> {
    let normal = normalised([text].into_iter()).unwrap().remove(0);
    find(&normal, &registry(), URL)
}

#[test]
fn a_resource_is_an_absolute_uri_without_a_fragment() {
    for bad in [
        "",
        "orders",
        "/api/odata4",
        "//gate.example",
        "https://gate.example/#x",
        "https://gate.example#",
        "https://a b/",
    ] {
        assert_eq!(normalised([bad].into_iter()), Err(Refusal::ResourceMalformed), "{bad}");
    }
    let many: Vec<String> = (0..=MOST_RESOURCES).map(|n| format!("https://{n}.example")).collect();
    assert_eq!(normalised(many.iter().map(String::as_str)), Err(Refusal::TooManyResources));
    for long in ["a".repeat(LONGEST_RESOURCE), "<".repeat(LONGEST_RESOURCE / 2)] {
        let long = format!("https://gate.example/{long}");
        assert_eq!(normalised([long.as_str()].into_iter()), Err(Refusal::ResourceMalformed), "{long}");
    }
}

#[test]
fn resources_are_compared_in_their_normal_form() {
    let source = Some(Resource::Source(DataEndpoint::OData, "Sea Ships".to_owned()));
    for (text, resource) in [
        ("https://gate.example", Some(Resource::Server)),
        ("HTTPS://Gate.Example:443/", Some(Resource::Server)),
        ("https://gate.example/api/odata4", Some(Resource::Data(DataEndpoint::OData))),
        ("https://gate.example/api/%6Fdata4/", Some(Resource::Data(DataEndpoint::OData))),
        ("https://gate.example/x/../api/odata4", Some(Resource::Data(DataEndpoint::OData))),
        ("https://gate.example/api/odata4/Sea%20Ships", source.clone()),
        ("https://gate.example/api/odata4/Sea%20Ships/", source),
        ("https://gate.example/mcp/", Some(Resource::Data(DataEndpoint::Mcp))),
        ("https://gate.example/mcp/Ports", Some(Resource::Source(DataEndpoint::Mcp, "Ports".to_owned()))),
        ("https://gate.example/mcp/Ports/Ships", None),
        ("https://gate.example/mcps", None),
        ("https://orders.example", Some(Resource::Other("https://orders.example/".to_owned()))),
        ("https://gate.example/api/odata4/Ships/Tables", None),
        ("https://gate.example/api/odata4?x", None),
        ("https://gate.example.evil.example/", None),
        ("https://gate.example:8443/", None),
        ("http://gate.example/", None),
        ("urn:orders", None),
    ] {
        assert_eq!(found(text), resource, "{text}");
    }
}

#[test]
fn the_address_for_certificates_names_the_same_resources() {
    for (alias, resource, expected) in [
        (Some("https://gate.example:8443"), "https://gate.example:8443", URL),
        (
            Some("https://gate.example:8443"),
            "https://gate.example:8443/api/odata4/x",
            "https://gate.example/api/odata4/x",
        ),
        (Some("https://gate.example:8443"), "https://gate.example:84430/x", "https://gate.example:84430/x"),
        (Some("https://gate.example:8443"), "https://gate.example/x", "https://gate.example/x"),
        (None, "https://gate.example:8443/x", "https://gate.example:8443/x"),
    ] {
        let urls = ServerUrls { public: URL, for_certificates: alias };
        assert_eq!(urls.at_public_url(resource), expected, "{resource}");
    }
}

#[test]
fn a_resource_in_two_spellings_is_one() {
    let both = || {
        ["https://gate.example/api/odata4/Ships", "https://gate.example/api/odata4/ships"]
            .map(|text| Requested { resource: text.to_owned(), found: Some("Ships".to_owned()) })
            .to_vec()
    };
    assert_eq!(all_exist(both()), Ok(vec!["Ships".to_owned()]));
    assert_eq!(narrowed(&[], both(), true, URL), Ok(vec!["Ships".to_owned()]));
}

#[test]
fn the_normal_form_stays_as_it_is() {
    for (text, normal) in [
        ("https://gate.example/", "https://gate.example"),
        ("https://gate.example//", "https://gate.example//"),
        ("https://gate.example/a//", "https://gate.example/a//"),
        ("https://gate.example/?x=/", "https://gate.example/?x=/"),
    ] {
        assert_eq!(normalised([text].into_iter()), Ok(vec![normal.to_owned()]));
        assert_eq!(normalised([normal].into_iter()), Ok(vec![normal.to_owned()]));
    }
}

#[test]
fn an_unknown_resource_is_an_invalid_target() {
    let one = |found: Option<&str>| Requested {
        resource: "https://a.example".to_owned(),
        found: found.map(str::to_owned),
    };
    assert_eq!(all_exist(vec![one(Some("x")), one(None)]), Err(Refusal::ResourceUnknown));
    assert_eq!(all_exist(vec![one(Some("x"))]), Ok(vec!["x".to_owned()]));
}

#[test]
fn a_token_is_narrowed_to_resources_of_its_grant() {
    let data = "https://gate.example/api/odata4".to_owned();
    let (ships, ports) = (format!("{data}/Ships"), format!("{data}/Ports"));
    let tools = format!("{URL}/mcp/Ships");
    let known = |resource: &String| Requested { resource: resource.clone(), found: Some(resource.clone()) };
    let gone = |resource: &String| Requested { resource: resource.clone(), found: None };
    let (invalid, vanished) = (Err(Refusal::ResourceNotGranted), Err(Refusal::ResourceGone));
    for (granted, asked, is_named, expected) in [
        (vec![], vec![], false, Ok(vec![])),
        (vec![], vec![known(&ships)], true, Ok(vec![ships.clone()])),
        (vec![data.clone()], vec![known(&ships)], true, Ok(vec![ships.clone()])),
        (vec![ships.clone()], vec![known(&data)], true, invalid.clone()),
        (vec![ships.clone()], vec![known(&ports)], true, invalid.clone()),
        (vec![data.clone()], vec![known(&tools)], true, invalid.clone()),
        (vec![tools.clone()], vec![known(&ships)], true, invalid),
        (vec![URL.to_owned()], vec![known(&tools)], true, Ok(vec![tools.clone()])),
        (vec![ships.clone()], vec![known(&ships)], false, Ok(vec![ships.clone()])),
        (vec![ships.clone()], vec![gone(&ships)], false, vanished.clone()),
        (vec![ships.clone()], vec![gone(&ships)], true, vanished),
        (
            vec![ships.clone(), ports.clone()],
            vec![gone(&ships), known(&ports)],
            false,
            Ok(vec![ports.clone()]),
        ),
        (vec![ships.clone()], vec![gone(&ports)], true, Err(Refusal::ResourceUnknown)),
    ] {
        assert_eq!(narrowed(&granted, asked.clone(), is_named, URL), expected, "{granted:?} {asked:?}");
    }
}

#[test]
fn a_limited_token_reaches_only_its_resources() {
    let limited = |resources: &[&str]| resources.iter().map(|one| format!("{URL}{one}")).collect::<Vec<_>>();
    let orders = vec!["https://orders.example/".to_owned()];
    for (resources, at_all, beyond_data, ships, ports, tools) in [
        (vec![], true, true, true, true, true),
        (limited(&[""]), true, true, true, true, true),
        (limited(&["/api/odata4"]), true, false, true, true, false),
        (limited(&["/api/odata4/Sea%20Ships"]), true, false, true, false, false),
        (limited(&["/mcp"]), true, false, false, false, true),
        (limited(&["/mcp/Sea%20Ships"]), true, false, false, false, true),
        (limited(&["/mcp/Ports"]), true, false, false, false, false),
        (orders, false, false, false, false, false),
        (vec!["https://gate.example.evil.example/".to_owned()], false, false, false, false, false),
    ] {
        assert_eq!(include_this_server(&resources, URL), at_all, "{resources:?}");
        assert_eq!(include_more_than_data(&resources, URL), beyond_data, "{resources:?}");
        let include = |endpoint, name| include_source(&resources, endpoint, name, URL);
        assert_eq!(include(DataEndpoint::OData, "Sea Ships"), ships, "{resources:?}");
        assert_eq!(include(DataEndpoint::OData, "Ports"), ports, "{resources:?}");
        assert_eq!(include(DataEndpoint::Mcp, "Sea Ships"), tools, "{resources:?}");
    }
}

#[test]
fn a_token_keeps_the_resources_that_its_data_include() {
    let all = ["https://a.example".to_owned(), "https://b.example".to_owned()];
    assert_eq!(reached(&all, &[true, true]).as_deref(), Some(&all[..]));
    assert_eq!(reached(&all, &[false, true]).as_deref(), Some(&all[1..]));
    assert_eq!(reached(&all, &[false, false]), None);
}
