//! Tests of the response bodies, byte for byte.

use odata::edm_type::EdmType;
use odata::model::Table;
use serde_json::{Value, json};

use crate::database::{Database, reference, table};

fn tables() -> Vec<Table> {
    let text = |max_length| EdmType::String { max_length };
    let mut visits = table(
        "Visits",
        &[
            ("ship", EdmType::Int64, false),
            ("berth", text(Some(5)), false),
            ("arrived at", EdmType::DateTimeOffset, true),
            ("fee", EdmType::Decimal { precision: Some(10), scale: Some(2) }, false),
            ("paid", EdmType::Boolean, false),
            ("weight", EdmType::Double, true),
            ("log", EdmType::Binary, true),
        ],
        &["ship", "berth"],
    );
    visits.foreign_keys.push(reference("ship", "Ships"));
    vec![table("Ships", &[("id", EdmType::Int64, false), ("name", text(None), true)], &["id"]), visits]
}

fn database() -> Database {
    let sql = r#"CREATE TABLE Ships (id INTEGER PRIMARY KEY, name TEXT);
        CREATE TABLE Visits (ship INTEGER NOT NULL, berth TEXT NOT NULL, "arrived at" DATETIME, fee DECIMAL(10,2) NOT NULL,
          paid BOOLEAN NOT NULL, weight REAL, log BLOB, PRIMARY KEY (ship, berth));
        INSERT INTO Ships VALUES (1, 'Ä "quoted"' || char(10)), (9007199254740993, NULL);
        INSERT INTO Visits VALUES
          (1, 'A/1', '2024-05-01 14:00:00+02:00', 12.5, 1, 9e999, x'FBFF'),
          (1, 'B''2', NULL, 0.1 + 0.2, 0, 1.5, NULL)"#;
    Database::new(sql, tables())
}

#[test]
fn minimal_metadata_has_context_and_values() {
    let database = database();
    assert_eq!(
        database.body("Ships"),
        r#"{"@odata.context":"https://host/api/odata4/test/$metadata#Ships","value":[{"id":1,"name":"Ä \"quoted\"\n"},{"id":9007199254740993,"name":null}]}"#
    );
    assert_eq!(
        database.body("Visits"),
        r#"{"@odata.context":"https://host/api/odata4/test/$metadata#Visits","value":[{"ship":1,"berth":"A/1","arrived_at":"2024-05-01T12:00:00Z","fee":12.50,"paid":true,"weight":"INF","log":"-_8"},{"ship":1,"berth":"B'2","arrived_at":null,"fee":0.30,"paid":false,"weight":1.5,"log":null}]}"#
    );
}

#[test]
fn an_entity_is_addressed_by_its_key() {
    let database = database();
    assert_eq!(
        database.body("Ships(1)?$select=name"),
        r#"{"@odata.context":"https://host/api/odata4/test/$metadata#Ships(name)/$entity","name":"Ä \"quoted\"\n"}"#
    );
    let composite =
        r#"{"@odata.context":"https://host/api/odata4/test/$metadata#Visits(fee)/$entity","fee":12.50}"#;
    assert_eq!(database.body("Visits(ship=1,berth='A%2F1')?$select=fee"), composite);
    assert_eq!(database.body("Visits(berth='A%2F1',ship=1)?$select=fee"), composite);
    assert_eq!(database.body("Ships(3)"), "");
}

#[test]
fn a_property_has_a_body_and_a_bare_value() {
    let database = database();
    assert_eq!(
        database.body("Ships(1)/name"),
        r#"{"@odata.context":"https://host/api/odata4/test/$metadata#Ships(1)/name","value":"Ä \"quoted\"\n"}"#
    );
    assert_eq!(database.body("Ships(1)/name/$value"), "Ä \"quoted\"\n");
    assert_eq!(database.body("Ships(9007199254740993)/name"), "");
    assert_eq!(database.body("Visits(ship=1,berth='A%2F1')/fee/$value"), "12.50");
}

#[test]
fn full_metadata_has_ids_and_types() {
    let database = database();
    assert_eq!(
        database.body("Visits?$select=fee,berth&$format=application/json;odata.metadata=full&$top=1"),
        r##"{"@odata.context":"https://host/api/odata4/test/$metadata#Visits(fee,berth)","value":[{"@odata.type":"#Test.Visits","@odata.id":"Visits(ship=1,berth='A%2F1')","@odata.editLink":"Visits(ship=1,berth='A%2F1')","fee@odata.type":"#Decimal","fee":12.50,"berth":"A/1"}]}"##
    );
    assert_eq!(
        database.body("Ships(1)?$format=application/json;metadata=full"),
        r##"{"@odata.context":"https://host/api/odata4/test/$metadata#Ships/$entity","@odata.type":"#Test.Ships","@odata.id":"Ships(1)","@odata.editLink":"Ships(1)","Visits@odata.associationLink":"Ships(1)/Visits/$ref","Visits@odata.navigationLink":"Ships(1)/Visits","id@odata.type":"#Int64","id":1,"name":"Ä \"quoted\"\n"}"##
    );
}

#[test]
fn no_metadata_leaves_values_only() {
    let database = database();
    let none = "$format=application/json;odata.metadata=none";
    assert_eq!(
        database.body(&format!("Ships?$select=id&{none}")),
        r#"{"value":[{"id":1},{"id":9007199254740993}]}"#
    );
    assert_eq!(database.body(&format!("Ships(1)?$select=id&{none}")), r#"{"id":1}"#);
    assert_eq!(
        database.body(&format!("Ships?$top=0&$count=true&{none}")),
        r#"{"@odata.count":2,"value":[]}"#
    );
}

#[test]
fn large_numbers_are_strings_when_asked() {
    let database = database();
    assert_eq!(
        database.body("Ships?$select=id&$count=true&$format=application/json;IEEE754Compatible=true"),
        r#"{"@odata.context":"https://host/api/odata4/test/$metadata#Ships(id)","@odata.count":"2","value":[{"id":"1"},{"id":"9007199254740993"}]}"#
    );
}

#[test]
fn the_service_document_lists_the_entity_sets() {
    assert_eq!(
        database().body(""),
        r#"{"@odata.context":"https://host/api/odata4/test/$metadata","value":[{"name":"Ships","kind":"EntitySet","url":"Ships"},{"name":"Visits","kind":"EntitySet","url":"Visits"}]}"#
    );
}

#[test]
fn the_metadata_document_is_the_one_on_file() {
    let document = database().body("$metadata").replace("><", ">\n<");
    assert_eq!(document, include_str!("../snapshots/metadata.xml").trim_end());
}

#[test]
fn the_metadata_document_says_the_same_in_json() {
    let database = database();
    let document: Value = serde_json::from_str(&database.body("$metadata?$format=json")).unwrap();
    assert_eq!(document["$Version"], "4.01");
    assert_eq!(document["$EntityContainer"], "Test.Container");
    let core = "https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.Core.V1.xml";
    assert_eq!(document["$Reference"][core], json!({ "$Include": [{ "$Namespace": "Org.OData.Core.V1" }] }));
    assert_eq!(
        document["Sluicegate.V1"]["OriginalName"],
        json!({ "$Kind": "Term", "$AppliesTo": ["EntitySet", "Property"] })
    );
    assert_eq!(
        document["Test"]["Visits"],
        json!({
            "$Kind": "EntityType", "$Key": ["ship", "berth"],
            "ship": { "$Type": "Edm.Int64" },
            "berth": { "$MaxLength": 5 },
            "arrived_at": {
                "$Type": "Edm.DateTimeOffset", "$Nullable": true, "$Precision": 12,
                "@Sluicegate.V1.OriginalName": "arrived at",
            },
            "fee": { "$Type": "Edm.Decimal", "$Precision": 10, "$Scale": 2 },
            "paid": { "$Type": "Edm.Boolean" },
            "weight": { "$Type": "Edm.Double", "$Nullable": true },
            "log": { "$Type": "Edm.Binary", "$Nullable": true },
            "Ships": {
                "$Kind": "NavigationProperty", "$Type": "Test.Ships", "$Partner": "Visits",
                "$ReferentialConstraint": { "ship": "id" },
            },
        })
    );
    let many = json!({
        "$Kind": "NavigationProperty", "$Collection": true, "$Type": "Test.Visits", "$Partner": "Ships",
    });
    assert_eq!(document["Test"]["Ships"]["Visits"], many);
    let container = &document["Test"]["Container"];
    assert_eq!(container["$Kind"], "EntityContainer");
    let capabilities = |term: &str| &container[format!("@Org.OData.Capabilities.V1.{term}")];
    assert_eq!(*capabilities("ConformanceLevel"), "Minimal");
    assert_eq!(*capabilities("TopSupported"), true);
    assert_eq!(capabilities("FilterFunctions")[0], "contains");
    let set = &container["Visits"];
    assert_eq!((&set["$Collection"], &set["$Type"]), (&json!(true), &json!("Test.Visits")));
    assert_eq!(set["$NavigationPropertyBinding"], json!({ "Ships": "Ships" }));
    let expands = &set["@Org.OData.Capabilities.V1.ExpandRestrictions"];
    assert_eq!((&expands["Expandable"], &expands["MaxLevels"]), (&json!(true), &json!(5)));
    // Nothing of the XML form is lost.
    let xml = database.body("$metadata");
    let in_xml = |start: &str| xml.matches(start).count();
    assert_eq!(in_xml("<Annotation "), members(&document, &|name, _| name.starts_with('@')));
    assert_eq!(
        in_xml("<PropertyValue "),
        members(&document, &|name, parent| parent.starts_with('@') && name != "@type")
    );
    let kinds = ["<EntityType ", "<NavigationProperty ", "<EntityContainer ", "<Term "];
    let kinds: usize = kinds.into_iter().map(in_xml).sum();
    assert_eq!(kinds, members(&document, &|name, _| name == "$Kind"));
}

/// How many members of all objects there are for which this holds of their own name and that of the member that contains them.
fn members(value: &Value, holds: &dyn Fn(&str, &str) -> bool) -> usize {
    fn count(value: &Value, parent: &str, holds: &dyn Fn(&str, &str) -> bool) -> usize {
        match value {
            Value::Object(object) => object
                .iter()
                .map(|(name, value)| usize::from(holds(name, parent)) + count(value, name, holds))
                .sum(),
            Value::Array(items) => items.iter().map(|item| count(item, parent, holds)).sum(),
            _ => 0,
        }
    }
    count(value, "", holds)
}

#[test]
fn what_does_not_fit_its_type_is_null_and_the_body_stays_json() {
    let columns = [
        ("id", EdmType::Int64, false),
        ("i", EdmType::Int16, true),
        ("d", EdmType::Date, true),
        ("t", EdmType::DateTimeOffset, true),
        ("g", EdmType::Guid, true),
        ("n", EdmType::Decimal { precision: None, scale: None }, true),
        ("s", EdmType::String { max_length: None }, true),
        ("f", EdmType::Boolean, true),
    ];
    let sql = "CREATE TABLE T (id INTEGER PRIMARY KEY, i, d, t, g, n, s, f);
        INSERT INTO T VALUES (1, 'abc', 'soon', '2024-02-31 00:00:00', x'00', '1e5', CAST(x'61FF' AS TEXT), 7),
          (2, 40000, 20240501, 1700000000, 'no', '007', 42, 'maybe'),
          (3, 7.0, '2024-05-01 00:00:00', '2024-05-31', x'0123456789ABCDEF0123456789ABCDEF', 12.30, 1.5, 1)";
    let database = Database::new(sql, vec![table("T", &columns, &["id"])]);
    let body: serde_json::Value = serde_json::from_str(&database.body("T")).unwrap();
    let null = serde_json::Value::Null;
    for name in ["i", "d", "t", "g", "n", "f"] {
        assert_eq!(body["value"][0][name], null, "{name}");
        assert_eq!(body["value"][1][name], null, "{name}");
    }
    assert_eq!(body["value"][0]["s"], "a\u{fffd}");
    assert_eq!(
        body["value"][2],
        serde_json::json!({"id": 3, "i": 7, "d": "2024-05-01", "t": "2024-05-31T00:00:00Z",
            "g": "01234567-89ab-cdef-0123-456789abcdef", "n": 12.3, "s": "1.5", "f": true})
    );
}
