//! Groups by properties of related entities.

use odata::edm_type::EdmType;
use odata::model::{Column, ForeignKey, Storage, Table};
use serde_json::json;

use crate::database::Database;

/// Ships of ports, which are in countries; names are quoted as the database wants.
pub(crate) fn sql(quote: char) -> String {
    let sql = "CREATE TABLE ~C~ (~id~ int PRIMARY KEY, ~name~ varchar(40));
        INSERT INTO ~C~ VALUES (1, 'Norway'), (2, NULL);
        CREATE TABLE ~P~ (~id~ int PRIMARY KEY, ~name~ varchar(40), ~c~ int REFERENCES ~C~ (~id~));
        INSERT INTO ~P~ VALUES (1, 'Bergen', 1), (2, 'Oslo', 1), (3, 'Turku', 2), (4, 'Bergen', NULL);
        CREATE TABLE ~S~ (~id~ int PRIMARY KEY, ~p~ int REFERENCES ~P~ (~id~), ~size~ int NOT NULL);
        INSERT INTO ~S~ VALUES (1, 1, 10), (2, 1, 20), (3, 2, 5), (4, 3, 7), (5, 4, 1), (6, NULL, 2);";
    sql.replace('~', &quote.to_string())
}

pub(crate) fn tables() -> Vec<Table> {
    let text = EdmType::String { max_length: Some(40) };
    let of = |name: &str, columns: &[(&str, EdmType, bool)], reference: Option<(&str, &str)>| Table {
        schema: None,
        set_name: None,
        name: name.to_owned(),
        columns: columns
            .iter()
            .map(|(name, ty, nullable)| Column {
                name: (*name).to_owned(),
                ty: *ty,
                nullable: *nullable,
                storage: Storage { is_guaranteed: true, is_textual: *ty == text, ..Storage::default() },
            })
            .collect(),
        primary_key: vec!["id".to_owned()],
        key_is_enforced: true,
        foreign_keys: reference
            .map(|(column, target)| ForeignKey {
                columns: vec![column.to_owned()],
                target_schema: None,
                target_table: target.to_owned(),
                target_columns: Vec::new(),
            })
            .into_iter()
            .collect(),
        has_unusable_index: false,
        changes: odata::model::TableChanges::default(),
    };
    let int = EdmType::Int32;
    vec![
        of("C", &[("id", int, false), ("name", text, true)], None),
        of("P", &[("id", int, false), ("name", text, true), ("c", int, true)], Some(("c", "C"))),
        of("S", &[("id", int, false), ("p", int, true), ("size", int, false)], Some(("p", "P"))),
    ]
}

pub(crate) fn group_as_the_standard_says(database: &impl Database) {
    let by = |url: &str| {
        let whole = database.walk(url, 100).unwrap();
        for page_size in 1..4 {
            assert_eq!(database.walk(url, page_size).unwrap(), whole, "{url} by {page_size}");
        }
        whole
    };
    assert_eq!(
        by("/S?$apply=groupby((P/name),aggregate(size%20with%20sum%20as%20Sum))"),
        [
            json!({"P": {"name": null}, "Sum": 2}),
            json!({"P": {"name": "Bergen"}, "Sum": 31}),
            json!({"P": {"name": "Oslo"}, "Sum": 5}),
            json!({"P": {"name": "Turku"}, "Sum": 7}),
        ]
    );
    assert_eq!(
        by(
            "/S?$apply=groupby((P/C/name,P/C/id,P/c),aggregate($count%20as%20N))&$orderby=P/C/id%20desc&$filter=P/C/id%20ne%202"
        ),
        [
            json!({"P": {"C": {"name": "Norway", "id": 1}, "c": 1}, "N": 3}),
            json!({"P": {"C": {"name": null, "id": null}, "c": null}, "N": 2}),
        ]
    );
    assert_eq!(
        by(
            "/S?$apply=groupby((P/C/name),aggregate(size%20with%20max%20as%20Most))/aggregate(Most%20with%20sum%20as%20All)"
        ),
        [json!({"All": 27})]
    );
    assert_eq!(
        by(
            "/S?$apply=filter(P/name%20ne%20'Oslo')/groupby((rollup($all,P/C/name)),aggregate($count%20as%20N,P/id%20with%20max%20as%20Last))"
        ),
        [
            json!({"P": {"C": {"name": null}}, "N": 3, "Last": 4}),
            json!({"P": {"C": {"name": "Norway"}}, "N": 2, "Last": 1}),
            json!({"N": 5, "Last": 4}),
        ]
    );
}

/// Values of related entities, and sums that are reached.
pub(crate) fn derived_rows_are_what_the_standard_says(database: &impl Database) {
    let by = |url: &str| {
        let mut whole = database.walk(url, 100).unwrap();
        for page_size in 1..4 {
            assert_eq!(database.walk(url, page_size).unwrap(), whole, "{url} by {page_size}");
        }
        // Whether entities have a tag depends on the database.
        for row in &mut whole {
            row.as_object_mut().unwrap().remove("@odata.etag");
        }
        whole
    };
    assert_eq!(
        by("/P?$compute=S/$count%20as%20N,C/name%20as%20Land&$select=id,N,Land&$orderby=N%20desc"),
        [
            json!({"id": 1, "N": 2, "Land": "Norway"}),
            json!({"id": 4, "N": 1, "Land": null}),
            json!({"id": 3, "N": 1, "Land": null}),
            json!({"id": 2, "N": 1, "Land": "Norway"}),
        ]
    );
    assert_eq!(by("/P?$apply=aggregate(S/$count%20with%20sum%20as%20N)"), [json!({"N": 5})]);
    assert_eq!(
        by(
            "/S?$apply=orderby(P/name%20desc,size)/top(3)/topsum(7,size)/compute(P/name%20as%20Port)&$select=id,Port"
        ),
        [json!({"id": 4, "Port": "Turku"})]
    );
    assert_eq!(
        by(
            "/S?$apply=concat(topsum(25,size),bottompercent(10,size),aggregate(size%20with%20sum%20as%20All))&$select=id,All"
        ),
        [
            json!({"id": 1}),
            json!({"id": 2}),
            json!({"id": 3}),
            json!({"id": 5}),
            json!({"id": 6}),
            json!({"All": 45}),
        ]
    );
}
