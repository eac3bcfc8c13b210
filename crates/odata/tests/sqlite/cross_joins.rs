//! Cross joins: what they combine, how it is shown and in which order, and what is refused.

use odata::plan::Plan;
use serde_json::{Value, json};

use crate::database::Database;
use crate::navigation::database;

/// The rows of all pages.
fn rows(database: &Database, url: &str, page_size: usize) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut position = None;
    let link = format!("{url}{}$skiptoken=x", if url.contains('?') { '&' } else { '?' });
    loop {
        let url = if rows.is_empty() { url } else { &link };
        let Plan::Entities(query) = database.plan(url, page_size, position).unwrap() else { panic!("{url}") };
        let (page, next) = database.try_page(&query).unwrap();
        let page: Value = serde_json::from_str(&page).unwrap();
        rows.extend(page["value"].as_array().unwrap().iter().cloned());
        position = next;
        if position.is_none() {
            return rows;
        }
    }
}

/// The keys in the links of each row.
fn keys(database: &Database, url: &str, sets: &[&str], page_size: usize) -> Vec<Vec<i64>> {
    let key = |row: &Value, set: &str| {
        let link = row[format!("{set}@odata.navigationLink")].as_str().unwrap();
        link.strip_prefix(&format!("{set}(")).unwrap().strip_suffix(')').unwrap().parse().unwrap()
    };
    rows(database, url, page_size).iter().map(|row| sets.iter().map(|set| key(row, set)).collect()).collect()
}

#[test]
fn entities_of_several_sets_are_combined_in_the_order_of_all_keys() {
    let database = database();
    for (url, expected) in [
        ("$crossjoin(Ports,Cranes)", "11 12 13 21 22 23"),
        ("$crossjoin(Ports,Cranes)?$filter=Ports/id eq Cranes/port", "11 12 23"),
        ("$crossjoin(Ports,Cranes)?$filter=$it/Ports/id eq Cranes/Ports/id", "11 12 23"),
        ("$crossjoin(Ports,Cranes)?$filter=Cranes/lift gt Ports/id add 5", "12 22"),
        ("$crossjoin(Ports,Cranes)?$filter=Cranes/lift eq null and Ports/name eq 'Riga'", "23"),
        ("$crossjoin(Ports,Cranes)?$filter=not (Ports/id eq Cranes/port)", "13 21 22"),
        ("$crossjoin(Ports,Cranes)?$filter=Ports/Cranes/any(c:c/lift gt Cranes/lift)", "11"),
        ("$crossjoin(Ports,Cranes)?$filter=Ports/Cranes/$count($filter=id lt $it/Cranes/id) eq 1", "12"),
        ("$crossjoin(Ports,Cranes)?$orderby=Cranes/lift desc", "22 12 21 11 23 13"),
        ("$crossjoin(Ports,Cranes)?$orderby=Ports/name,Cranes/id desc", "13 12 11 23 22 21"),
        ("$crossjoin(Ports,Cranes)?$orderby=Cranes/lift,Ports/Visits/$count desc", "13 23 11 21 12 22"),
        ("$crossjoin(Ports,Cranes)?$skip=1&$top=3", "12 13 21"),
        ("$crossjoin( Ports , Cranes )?$top=1", "11"),
    ] {
        let expected: Vec<Vec<i64>> = expected
            .split(' ')
            .map(|pair| pair.chars().map(|digit| i64::from(digit.to_digit(10).unwrap())).collect())
            .collect();
        for page_size in [1, 2, 100] {
            assert_eq!(keys(&database, url, &["Ports", "Cranes"], page_size), expected, "{url}");
        }
    }
    assert_eq!(database.body("$crossjoin(Ports,Cranes)/$count"), "6");
    assert_eq!(database.body("$crossjoin(Ports,Cranes)/$count?$filter=Ports/id eq Cranes/port"), "3");
}

#[test]
fn each_set_is_a_link_or_what_is_expanded() {
    let database = database();
    let context = "https://host/api/odata4/test/$metadata#Collection(Edm.ComplexType)";
    for (options, row) in [
        ("", json!({ "Ports@odata.navigationLink": "Ports(1)", "Cranes@odata.navigationLink": "Cranes(1)" })),
        ("&$select=Cranes", json!({ "Cranes@odata.navigationLink": "Cranes(1)" })),
        (
            "&$expand=Cranes",
            json!({ "Ports@odata.navigationLink": "Ports(1)", "Cranes": { "id": 1, "port": 1, "lift": 3 } }),
        ),
        (
            "&$select=Ports&$expand=Cranes($select=lift)",
            json!({ "Ports@odata.navigationLink": "Ports(1)", "Cranes": { "lift": 3 } }),
        ),
        (
            "&$expand=*,Ports/$ref",
            json!({
                "Ports": { "@odata.id": "https://host/api/odata4/test/Ports(1)" },
                "Cranes": { "id": 1, "port": 1, "lift": 3 },
            }),
        ),
    ] {
        let url = format!("$crossjoin(Ports,Cranes)?$top=1&$count=true{options}");
        let body: Value = serde_json::from_str(&database.body(&url)).unwrap();
        assert_eq!(body, json!({ "@odata.context": context, "@odata.count": 6, "value": [row] }), "{url}");
    }
    let none = "$crossjoin(Ports,Cranes)?$top=1&$format=application/json;odata.metadata=none";
    assert_eq!(database.body(none), r#"{"value":[{}]}"#);
}

#[test]
fn groups_are_made_of_combinations() {
    let database = database();
    let context = "https://host/api/odata4/test/$metadata#Collection(Edm.ComplexType)";
    for (apply, expected) in [
        ("aggregate($count as Number)", json!([{ "Number": 6 }])),
        ("groupby((Cranes/lift))&$filter=Cranes/lift eq null", json!([{ "Cranes": { "lift": null } }])),
        (
            "groupby((Ports/name,Cranes/lift))&$filter=Cranes/lift ne null and Ports/name ne 'Oslo' and null ne Cranes/lift&$top=1",
            json!([{ "Ports": { "name": "Riga" }, "Cranes": { "lift": 3 } }]),
        ),
        (
            "filter(Ports/id eq Cranes/port)/groupby((Ports/name),aggregate(Cranes/lift with sum as Total))",
            json!([{ "Ports": { "name": "Oslo" }, "Total": 11 }, { "Ports": { "name": "Riga" }, "Total": null }]),
        ),
        (
            "compute(Cranes/lift mul Ports/id as Product)/groupby((Ports/id,Cranes/Ports/name),aggregate(Product with max as Most))/filter(Most gt 5)",
            json!([
                { "Cranes": { "Ports": { "name": "Oslo" } }, "Ports": { "id": 1 }, "Most": 8 },
                { "Cranes": { "Ports": { "name": "Oslo" } }, "Ports": { "id": 2 }, "Most": 16 },
            ]),
        ),
    ] {
        let url = format!("$crossjoin(Ports,Cranes)?$apply={apply}");
        let body: Value = serde_json::from_str(&database.body(&url)).unwrap();
        assert_eq!(body, json!({ "@odata.context": context, "value": expected }), "{url}");
        assert_eq!(Value::Array(rows(&database, &url, 1)), expected, "{url}");
    }
}

#[test]
fn what_a_cross_join_cannot_mean_is_refused() {
    let database = database();
    for (url, message) in [
        ("$crossjoin()", "expected the names of entity sets in $crossjoin"),
        ("$crossjoin(1)", "expected the names of entity sets in $crossjoin"),
        ("$crossjoin(Ports(1))", "expected the names of entity sets in $crossjoin"),
        ("$crossjoin(Ports,Ships,Ports)", "expected each entity set once in $crossjoin"),
        ("$crossjoin(Ports,cranes)", "(at position 17 of path); did you mean Cranes?"),
        ("$crossjoin", "the path segment $crossjoin is not supported"),
        (
            "$crossjoin(Ports,Cranes)?$filter=name eq 'Oslo'",
            "a path begins with an entity set, such as Ports/",
        ),
        ("$crossjoin(Ports,Cranes)?$filter=ports/name eq 'Oslo'", "did you mean Ports?"),
        (
            "$crossjoin(Ports,Cranes)?$filter=Ships/name eq 'Anna'",
            "the type $crossjoin has no property Ships",
        ),
        ("$crossjoin(Ports,Cranes)?$orderby=Ports", "an entity as a value"),
        ("$crossjoin(Ports,Cranes)?$select=name", "the type $crossjoin has no property name"),
        ("$crossjoin(Ports,Cranes)?$expand=Ships", "the type $crossjoin has no property Ships"),
        ("$crossjoin(Ports,Cranes)?$expand=Ports,Ports", "expanded twice"),
        ("$crossjoin(Ports,Cranes)?$expand=Ports($top=1)", "$top"),
        ("$crossjoin(Ports,Cranes)?$expand=Ports($expand=Visits)", "not supported"),
        ("$crossjoin(Ports,Cranes)/$count?$expand=Ports", "$expand"),
        ("$crossjoin(Ports,Cranes)?$format=csv", "the format csv for this resource"),
        ("$crossjoin(Ports,Cranes)?$apply=groupby((Ports))", "grouping by entities"),
    ] {
        let found = database.error(url).to_string();
        assert!(found.contains(message), "{url}: {found}");
    }
}
