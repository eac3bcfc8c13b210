//! The examples of `docs/odata.md` and `docs/odata-by-example.md`, sent to a server with the sample database.

mod by_example;

use serde_json::{Value, json};
use testkit::{Installation, Served, USER, Wire, basic};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");
const DOCUMENT: &str = include_str!("../../../../docs/odata.md");
const SOURCE: &str = "/api/odata4/harbour";

/// A server with the sample database and the view of the examples, as a source that may be changed.
fn serve(installation: &Installation) -> (Served, String) {
    let file = installation.sample_data("harbour.sqlite");
    let database = rusqlite::Connection::open(&file).expect("a database");
    let view = between(DOCUMENT, "`CREATE VIEW", "`");
    database.execute_batch(&format!("CREATE VIEW{view}")).expect("the view of the examples");
    let served =
        installation.serve_with(&[], &[("SLUICEGATE_DATA_SOURCES__SQLITE_FOLDERS", folder(installation))]);
    let source = json!({ "name": "harbour", "dataStore": 1, "connectionType": "Cloud", "writable": true,
        "options": { "path": file } });
    let made = Wire::new(served.url()).post_json("/api/mgmt/datasources", &USER, &source).expect("an answer");
    assert_eq!(made.status, 201, "{}", made.body);
    (served, made.json()["id"].to_string())
}

fn folder(installation: &Installation) -> &str {
    installation.folder().to_str().expect("a path")
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("{start} is not there"));
    rest.split_once(end).unwrap_or_else(|| panic!("{end} is not there")).0
}

/// The section with this heading.
fn section(heading: &str) -> &'static str {
    let rest =
        between(&DOCUMENT[DOCUMENT.find(heading).unwrap_or_else(|| panic!("no {heading}"))..], "\n", "\n## ");
    assert!(!rest.is_empty());
    rest
}

/// The code in the first column of the tables of a section.
fn in_first_column(heading: &str) -> impl Iterator<Item = &'static str> {
    let rows = section(heading).lines().filter(|line| line.starts_with("| `"));
    rows.flat_map(|row| row.split('|').nth(1).expect("a cell").split('`').skip(1).step_by(2))
}

fn send(wire: &Wire, method: &str, target: &str, body: Option<&str>) -> (u16, String) {
    let authorization = basic(USER.name, USER.password);
    let mut headers = vec![("authorization", authorization.as_str())];
    if body.is_some() {
        headers.push(("content-type", "application/json"));
    }
    let target = target.replace(' ', "%20").replace('\'', "%27");
    let answer = wire.send(method, &target, &headers, body).expect("an answer");
    (answer.status.as_u16(), answer.body)
}

#[test]
fn requests_that_read_are_answered() {
    let installation = Installation::new(BINARY);
    let (served, _) = serve(&installation);
    let wire = Wire::new(served.url());
    let requests: Vec<&str> =
        DOCUMENT.lines().filter_map(|line| line.strip_prefix("GET /api/odata4/harbour")).collect();
    assert!(requests.len() >= 4, "{requests:?}");
    for request in requests {
        let (status, body) = send(&wire, "GET", &format!("{SOURCE}{request}"), None);
        assert_eq!(status, 200, "{request}: {body}");
    }
    let curl = between(DOCUMENT, "http://127.0.0.1:8080", "'");
    assert_eq!(send(&wire, "GET", curl, None).0, 200, "{curl}");
}

#[test]
fn resources_are_there() {
    let installation = Installation::new(BINARY);
    let (served, _) = serve(&installation);
    let wire = Wire::new(served.url());
    let mut seen = 0;
    for resource in in_first_column("## Resources") {
        let resource = resource.replace("…)", "Flag eq 'Norway')").replace('…', SOURCE);
        let (status, body) = send(&wire, "GET", &resource, None);
        assert!(matches!(status, 200 | 204), "{resource}: {status} {body}");
        seen += 1;
    }
    assert!(seen >= 17, "{seen}");
}

/// Expressions about a set: those of the ships begin with `Visits`, those of the visits with `Ships`.
#[test]
fn expressions_with_navigation_are_understood() {
    let installation = Installation::new(BINARY);
    let (served, _) = serve(&installation);
    let wire = Wire::new(served.url());
    let mut seen = 0;
    for expression in in_first_column("## Navigation in expressions") {
        let expression = expression.replace("v:…", "v:v/BerthId ne 2");
        let set = if expression.starts_with("Ships") { "Visits" } else { "Ships" };
        let is_condition = expression.contains(" eq ") || expression.contains(" ne ");
        let is_quantified = expression.contains("any(") || expression.contains("all(");
        let option = if is_condition || is_quantified { "$filter" } else { "$orderby" };
        let (status, body) =
            send(&wire, "GET", &format!("{SOURCE}/{set}?$top=2&{option}={expression}"), None);
        assert_eq!(status, 200, "{option} {expression}: {body}");
        seen += 1;
    }
    assert!(seen >= 9, "{seen}");
}

#[test]
fn transformations_are_understood() {
    let installation = Installation::new(BINARY);
    let (served, _) = serve(&installation);
    let wire = Wire::new(served.url());
    let mut seen = 0;
    for transformation in in_first_column("## Groups and computed values") {
        let steps = transformation.replace(",…", "").replace("aggregate(…)", "aggregate($count as Number)");
        let (status, body) = send(&wire, "GET", &format!("{SOURCE}/Ships?$apply={steps}"), None);
        assert_eq!(status, 200, "{steps}: {body}");
        seen += 1;
    }
    assert!(seen >= 10, "{seen}");
}

/// In the order of the document: the entity that is created first is changed and deleted by the rows of the table.
#[test]
fn changes_are_made() {
    let installation = Installation::new(BINARY);
    let (served, _) = serve(&installation);
    let wire = Wire::new(served.url());
    let text = section("## Changes");
    let posted = between(text, "Content-Type: application/json\n\n", "\n");
    let (status, created) = send(&wire, "POST", &format!("{SOURCE}/Ships"), Some(posted));
    assert_eq!(status, 201, "{created}");
    let created: Value = serde_json::from_str(&created).expect("JSON");
    let location = between(text, "Location: http://127.0.0.1:8080", "\n");
    assert_eq!(location, format!("{SOURCE}/Ships({})", created["ShipId"]));
    for (request, body) in [
        ("PATCH …/Ships(321)", Some(r#"{"Flag":"Japan"}"#)),
        ("PUT …/Ships(321)", Some(posted)),
        ("PUT …/Ships(321)/Name", Some(r#"{"value":"Borealis"}"#)),
        ("DELETE …/Ships(321)/Owner", None),
        ("DELETE …/Ships(321)", None),
    ] {
        assert!(text.contains(&format!("`{request}`")), "{request}");
        let (method, resource) = request.split_once(' ').expect("a method");
        let (status, body) = send(&wire, method, &resource.replace('…', SOURCE), body);
        assert_eq!(status, 204, "{request}: {body}");
    }
    let batch = between(section("## Batches"), "Content-Type: application/json\n\n", "\n```");
    let (status, body) = send(&wire, "POST", &format!("{SOURCE}/$batch"), Some(batch));
    assert_eq!(status, 200, "{body}");
    assert_eq!(body.matches(r#""status":200"#).count(), 2, "{body}");
}

#[test]
fn the_rules_hold() {
    let installation = Installation::new(BINARY);
    let (served, id) = serve(&installation);
    let wire = Wire::new(served.url());
    let document = format!("{{{}", between(section("## Rules"), "\n{", "\n```"));
    let (status, body) = send(&wire, "PUT", &format!("/api/mgmt/datasources/{id}/model"), Some(&document));
    assert_eq!(status, 200, "{body}");
    let (status, body) = send(&wire, "GET", &format!("{SOURCE}/Visits?$apply=groupby((BerthId))"), None);
    assert_eq!((status, body.matches("BerthId\":").count()), (200, 2), "{body}");
    for (resource, expected) in [("Visits?$orderby=HarbourDues", 400), ("Ships/$count", 200), ("Berths", 404)]
    {
        let (status, body) = send(&wire, "GET", &format!("{SOURCE}/{resource}"), None);
        assert_eq!(status, expected, "{resource}: {body}");
    }
}

#[test]
fn the_model_document_is_accepted() {
    let installation = Installation::new(BINARY);
    let (served, id) = serve(&installation);
    let wire = Wire::new(served.url());
    let document = format!("{{{}", between(section("## Shape the model"), "\n{", "\n```"));
    let address = format!("/api/mgmt/datasources/{id}/model");
    let (status, body) = send(&wire, "PUT", &address, Some(&document));
    assert_eq!(status, 200, "{body}");
    for (resource, expected) in [("Vessels(7)/Title", 200), ("Cargo", 404), ("Arrivals(1)/Vessel", 200)] {
        let (status, body) = send(&wire, "GET", &format!("{SOURCE}/{resource}"), None);
        assert_eq!(status, expected, "{resource}: {body}");
    }
}
