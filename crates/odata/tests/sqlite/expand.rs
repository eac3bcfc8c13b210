//! `$expand`: what is read, what is refused, and what the context and the links say.

use odata::error::Kind;

use crate::database::{Database, reference, table};
use odata::edm_type::EdmType;

const TEXT: EdmType = EdmType::String { max_length: None };

fn database() -> Database {
    let mut ships = table(
        "Ships",
        &[("id", EdmType::Int32, false), ("name", TEXT, true), ("sister", EdmType::Int32, true)],
        &["id"],
    );
    ships.foreign_keys.push(reference("sister", "Ships"));
    let mut visits = table(
        "Visits",
        &[("ship", EdmType::Int32, false), ("number", EdmType::Int32, false), ("note", TEXT, true)],
        &["ship", "number"],
    );
    visits.foreign_keys.push(reference("ship", "Ships"));
    let sql = "CREATE TABLE Ships (id INTEGER PRIMARY KEY, name TEXT, sister INTEGER);
        CREATE TABLE Visits (ship INTEGER NOT NULL, number INTEGER NOT NULL, note TEXT, PRIMARY KEY (ship, number));
        INSERT INTO Ships VALUES (1, 'Anna', NULL), (2, 'Berta', 1), (3, 'Clara', 2);
        INSERT INTO Visits VALUES (1, 1, 'x'), (1, 2, NULL), (3, 1, 'y');";
    Database::new(sql, vec![ships, visits])
}

/// The response to a request, without the address of the service.
fn body(url: &str) -> String {
    database().body(url).replace("https://host/api/odata4/test/", "~/")
}

#[test]
fn related_entities_are_nested_and_null_or_empty_if_there_are_none() {
    assert_eq!(
        body("Ships?$expand=Ships,Visits&$select=id"),
        r#"{"@odata.context":"~/$metadata#Ships(id,Ships(),Visits())","value":[{"id":1,"Ships":null,"Visits":[{"ship":1,"number":1,"note":"x"},{"ship":1,"number":2,"note":null}]},{"id":2,"Ships":{"id":1,"name":"Anna","sister":null},"Visits":[]},{"id":3,"Ships":{"id":2,"name":"Berta","sister":1},"Visits":[{"ship":3,"number":1,"note":"y"}]}]}"#
    );
    assert_eq!(
        body("Visits(ship=3,number=1)?$expand=Ships($select=name;$expand=Ships($select=name))"),
        r#"{"@odata.context":"~/$metadata#Visits(Ships(name,Ships(name)))/$entity","ship":3,"number":1,"note":"y","Ships":{"name":"Clara","Ships":{"name":"Berta"}}}"#
    );
    assert_eq!(body("Ships(9)?$expand=Visits"), "");
}

#[test]
fn options_apply_to_the_related_entities_of_each_parent() {
    assert_eq!(
        body("Ships?$select=id&$expand=Visits($orderby=number desc;$top=1;$select=number;$count=true)"),
        r#"{"@odata.context":"~/$metadata#Ships(id,Visits(number))","value":[{"id":1,"Visits@odata.count":2,"Visits":[{"number":2}]},{"id":2,"Visits@odata.count":0,"Visits":[]},{"id":3,"Visits@odata.count":1,"Visits":[{"number":1}]}]}"#
    );
    assert_eq!(
        body("Ships?$select=id&$expand=Visits/$count($filter=note eq null)"),
        r#"{"@odata.context":"~/$metadata#Ships(id)","value":[{"id":1,"Visits@odata.count":1},{"id":2,"Visits@odata.count":0},{"id":3,"Visits@odata.count":0}]}"#
    );
    assert_eq!(
        body("Ships?$select=Visits&$expand=Visits/$ref&$filter=id ne 1"),
        r#"{"@odata.context":"~/$metadata#Ships(Visits())","value":[{"Visits":[]},{"Visits":[{"@odata.id":"~/Visits(ship=3,number=1)"}]}]}"#
    );
}

#[test]
fn levels_expand_a_property_again_in_the_related_entities() {
    let expected = r#"{"@odata.context":"~/$metadata#Ships(name,Ships+(name))/$entity","name":"Clara","Ships":{"name":"Berta","Ships":{"name":"Anna","Ships":null}}}"#;
    assert_eq!(body("Ships(3)?$select=name&$expand=Ships($levels=3;$select=name)"), expected);
    let short = r#"{"@odata.context":"~/$metadata#Ships(name,Ships(name))/$entity","name":"Clara","Ships":{"name":"Berta"}}"#;
    assert_eq!(body("Ships(3)?$select=name&$expand=Ships($select=name;$levels=1)"), short);
    let all = body("Ships(3)?$expand=Ships($levels=max)");
    assert_eq!(all.matches("\"Ships\":").count(), 3, "{all}");
}

#[test]
fn a_star_expands_all_properties_on_each_level() {
    let each =
        |inner: &str| ["Ships", "Ships_sister", "Visits"].map(|name| format!("{name}{inner}")).join(",");
    let two = body(&format!("Ships?$expand={}", each("($expand=*)")));
    assert!(two.contains(r#""Visits":[{"ship":3,"number":1,"note":"y","Ships":{"id":3,"#), "{two}");
    assert_eq!(body("Ships?$expand=*($levels=2)"), two);
    // A third level would be more than 16 properties.
    assert_eq!(body("Ships?$expand=*($levels=max)"), two);
    assert_eq!(body("Ships?$expand=*($levels=1)"), body(&format!("Ships?$expand={}", each(""))));
    assert_eq!(body("Ships?$expand=*/$ref"), body(&format!("Ships?$expand={}", each("/$ref"))));
    assert_eq!(
        body("Ships?$select=*&$expand=Ships($select=id),*($levels=1)"),
        body("Ships?$expand=Ships($select=id),Ships_sister,Visits")
    );
}

#[test]
fn full_metadata_has_the_ids_and_links_of_nested_entities() {
    let found =
        body("Visits?$top=1&$expand=Ships($select=name)&$format=application/json;odata.metadata=full");
    assert_eq!(
        found,
        r##"{"@odata.context":"~/$metadata#Visits(Ships(name))","value":[{"@odata.type":"#Test.Visits","@odata.id":"Visits(ship=1,number=1)","@odata.editLink":"Visits(ship=1,number=1)","Ships@odata.associationLink":"Visits(ship=1,number=1)/Ships/$ref","Ships@odata.navigationLink":"Visits(ship=1,number=1)/Ships","ship@odata.type":"#Int32","ship":1,"number@odata.type":"#Int32","number":1,"note":"x","Ships":{"@odata.type":"#Test.Ships","@odata.id":"Ships(1)","@odata.editLink":"Ships(1)","name":"Anna"}}]}"##
    );
    assert_eq!(
        body("Ships?$top=1&$select=id&$expand=Ships&$format=application/json;odata.metadata=none"),
        r#"{"value":[{"id":1,"Ships":null}]}"#
    );
}

#[test]
fn a_path_leads_through_navigation_properties() {
    for (url, expected) in [
        (
            "Ships(1)/Visits?$select=number",
            r#"{"@odata.context":"~/$metadata#Visits(number)","value":[{"number":1},{"number":2}]}"#,
        ),
        ("Ships(1)/Visits/$count", "2"),
        ("Ships(2)/Visits", r#"{"@odata.context":"~/$metadata#Visits","value":[]}"#),
        ("Ships(3)/Ships/Ships/name/$value", "Anna"),
        ("Ships(3)/Ships?$select=id", r#"{"@odata.context":"~/$metadata#Ships(id)/$entity","id":2}"#),
        (
            "Ships(1)/Visits(ship=1,number=2)",
            r#"{"@odata.context":"~/$metadata#Visits/$entity","ship":1,"number":2,"note":null}"#,
        ),
        ("Ships(1)/Visits(ship=3,number=1)", ""),
        (
            "Ships(1)/Ships_sister?$select=id&$expand=Ships($select=id)",
            r#"{"@odata.context":"~/$metadata#Ships(id,Ships(id))","value":[{"id":2,"Ships":{"id":1}}]}"#,
        ),
        (
            "Visits(ship=3,number=1)/Ships/$ref",
            r#"{"@odata.context":"~/$metadata#$ref","@odata.id":"~/Ships(3)"}"#,
        ),
        (
            "Ships(1)/Visits/$ref?$skip=1",
            r#"{"@odata.context":"~/$metadata#Collection($ref)","value":[{"@odata.id":"~/Visits(ship=1,number=2)"}]}"#,
        ),
    ] {
        assert_eq!(body(url), expected, "{url}");
    }
}

#[test]
fn what_is_wrong_with_an_expansion_is_refused_with_its_place() {
    let database = database();
    let sixteen = vec!["Visits/$count"; 17].join(",");
    let deep = format!("{}Ships{}", "Ships($expand=".repeat(5), ")".repeat(5));
    let path = format!("Ships(1){}", "/Ships".repeat(6));
    for (url, code, offset) in [
        ("Ships?$expand=", "SyntaxError", 0),
        ("Ships?$expand=Visits,", "SyntaxError", 7),
        ("Ships?$expand=Visits(", "SyntaxError", 7),
        ("Ships?$expand=Visits()", "SyntaxError", 7),
        ("Ships?$expand=Visits($top=1", "SyntaxError", 13),
        ("Ships?$expand=Visits($top=1;)", "SyntaxError", 14),
        ("Ships?$expand=Visits($top=x)", "BadOptionValue", 12),
        ("Ships?$expand=Visits($top=1;top=2)", "DuplicateOption", 14),
        ("Ships?$expand=Visits($frob=1)", "UnknownOption", 7),
        ("Ships?$expand=Visits($format=json)", "OptionNotApplicable", 7),
        ("Ships?$expand=Visits($filter=nothing eq 1)", "UnknownProperty", 15),
        ("Ships?$expand=Visits($filter=number eq)", "SyntaxError", 22),
        ("Ships?$expand=Visits($select=nothing)", "UnknownProperty", 15),
        ("Ships?$expand=Visits($orderby=nothing)", "UnknownProperty", 16),
        ("Ships?$expand=Visits($levels=2)", "OptionNotApplicable", 15),
        ("Ships?$expand=Ships($levels=0)", "BadOptionValue", 14),
        ("Ships?$expand=Ships($levels=6)", "TooComplex", 14),
        ("Ships?$expand=Ships($top=1)", "OptionNotApplicable", 0),
        ("Ships?$expand=Ships($filter=id eq 1)", "OptionNotApplicable", 0),
        ("Ships?$expand=Ships/$count", "BadOptionValue", 0),
        ("Ships?$expand=Visits/$ref($select=note)", "OptionNotApplicable", 0),
        ("Ships?$expand=Visits/$count($top=1)", "OptionNotApplicable", 0),
        ("Ships?$expand=Visits,Visits", "BadOptionValue", 7),
        ("Ships?$expand=visits", "UnknownProperty", 0),
        ("Ships?$expand=*($levels=3)", "TooComplex", 0),
        ("Ships?$expand=*($levels=6)", "TooComplex", 10),
        ("Ships?$expand=*/$count", "BadOptionValue", 0),
        ("Ships?$expand=*($select=id)", "BadOptionValue", 0),
        ("Ships?$expand=*/$ref($levels=2)", "OptionNotApplicable", 0),
        ("Ships?$expand=name", "UnknownProperty", 0),
        (&format!("Ships?$expand={sixteen}"), "TooComplex", 224),
        (&format!("Ships?$expand={deep}"), "TooComplex", 70),
        (&path, "TooComplex", 39),
        ("Ships/$count?$expand=Visits", "OptionNotApplicable", 0),
        ("Ships(1)/name?$expand=Visits", "OptionNotApplicable", 0),
    ] {
        let error = database.error(url);
        assert_eq!((error.code(), error.offset()), (code, Some(offset)), "{url}: {error}");
    }
    for url in [
        "Ships?$expand=Visits/Ns.Type",
        "Ships?$expand=Ns.Type/Visits",
        "Ships?$expand=Visits/Ships",
        "Ships?$expand=Visits($search=x)",
        "Ships?$expand=Visits($compute=number add 1 as more)",
    ] {
        assert_eq!(database.error(url).kind(), Kind::NotImplemented, "{url}");
    }
}

#[test]
fn a_set_that_is_not_reached_is_expanded_by_no_name() {
    let mut database = database();
    database.model = database.model.limited_to(&["Ships".to_owned()]);
    assert_eq!(database.error("Ships?$expand=Visits").code(), "UnknownProperty");
    assert_eq!(database.error("Ships(1)/Visits").code(), "ResourceNotFound");
    let all = database.body("Ships?$expand=*");
    assert!(all.contains("Ships_sister") && !all.contains("Visits"), "{all}");
}
