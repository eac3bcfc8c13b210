use super::*;

const WHOLE: &str = r#"{"formatVersion": 1,
    "schemas": {"include": ["public"], "exclude": ["audit"]},
    "tables": {"include": [{"schema": "public", "table": "ships"}], "exclude": [{"table": "logs"}]},
    "entities": [{"schema": "public", "table": "ships", "entitySet": "Ships", "entityType": "Ship", "key": ["id"],
        "shownColumns": ["id", "name"], "hiddenColumns": ["secret"], "searchableColumns": ["name"],
        "columns": [{"column": "id", "property": "Id", "storageForm": "integer"}], "readOnly": true}],
    "relations": [{"from": {"table": "ships"}, "columns": ["port"], "to": {"table": "ports"}, "toColumns": ["id"],
        "navigation": "Port", "inverse": "Ships"}],
    "pageSize": 50, "readOnly": true, "recordRequests": true, "repeatableRequests": {"schema": "log", "table": "requests"},
    "importFindings": [{"subject": "a", "message": "b"}]}"#;

fn faults(json: &str) -> Vec<String> {
    let faults = read(json.as_bytes()).unwrap_err();
    faults.into_iter().map(|fault| format!("{} {}", fault.field, fault.message)).collect()
}

#[test]
fn a_document_is_read_and_written_without_loss() {
    let document = read(WHOLE.as_bytes()).unwrap();
    let given: serde_json::Value = serde_json::from_str(WHOLE).unwrap();
    let written = serde_json::to_value(&document).unwrap();
    assert_eq!(written, given);
    let with_summary = WHOLE.replacen('{', r#"{"version": "1", "entitySets": [], "findings": [],"#, 1);
    assert_eq!(read(with_summary.as_bytes()).unwrap(), document, "the result of a GET can be sent back");
}

#[test]
fn every_fault_has_the_path_of_its_member() {
    for (json, expected) in [
        ("{}", vec!["formatVersion is required"]),
        (r#"{"formatVersion": 2}"#, vec!["formatVersion must be 1"]),
        (r#"{"formatVersion": 1, "rowRules": []}"#, vec!["rowRules is not a member of this payload"]),
        (
            r#"{"formatVersion": 1, "entities": [{"table": "a", "colour": 1}, {"entitySet": 5}]}"#,
            vec![
                "entities[0].colour is not a member of this payload",
                "entities[1].table is required",
                "entities[1].entitySet must be a string, not the number 5",
            ],
        ),
        (
            r#"{"formatVersion": 1, "tables": {"include": [{"schema": 1, "table": "a"}], "only": []}}"#,
            vec![
                "tables.include[0].schema must be a string, not the number 1",
                "tables.only is not a member of this payload",
            ],
        ),
        (
            r#"{"formatVersion": 1, "relations": [{"from": {"table": "a"}, "columns": ["x"]}]}"#,
            vec!["relations[0].to is required"],
        ),
        (
            r#"{"formatVersion": 1, "pageSize": -1}"#,
            vec!["pageSize must be a whole number from 0 to 4294967295"],
        ),
        (
            r#"{"formatVersion": 1, "entities": [{"table": "a"}, {"table": "a"}]}"#,
            vec!["entities[1] is given twice"],
        ),
    ] {
        assert_eq!(faults(json), expected, "{json}");
    }
    assert!(
        faults(r#"{"formatVersion": 1, "readOnly": true, "readOnly": false}"#)[0].contains("given twice")
    );
}

/// A table as one text.
fn in_words(name: &TableName) -> String {
    let TableName { schema, table } = name;
    schema.as_ref().map_or_else(|| table.clone(), |schema| format!("{schema}.{table}"))
}

const SCHEMA_MAP: &str = r#"{"odata_mapping_v3": {
    "timeAsString": true, "guidAsString": false, "entityNameMode": "pluralize",
    "schemas": [{"name": "sales", "tables": {
        "orders": {"ODataAlias": "Order", "ODataPluralAlias": "Orders", "searchMode": "contains",
            "columns": {
                "no": {"primaryKeyComponent": 2, "alias": "Number"},
                "year": {"primaryKeyComponent": 1, "searchable": true, "indexType": "text"},
                "note": {"typeInfo": {"columnSize": 40, "dataType": "VARCHAR"}}},
            "excludedColumns": ["secret"]},
        "plain": {}}, "excludedTables": ["old"]}]}}"#;

#[test]
fn a_schema_map_becomes_a_document_and_its_rest_findings() {
    let document = read(SCHEMA_MAP.as_bytes()).unwrap();
    let included: Vec<String> = document.tables.include.iter().map(in_words).collect();
    assert_eq!(included, ["sales.orders", "sales.plain"]);
    assert!(
        document.tables.exclude.is_empty(),
        "the list of excluded tables counts without other tables only"
    );
    let orders = &document.entities[0];
    assert_eq!(orders.entity_set.as_deref(), Some("Orders"));
    assert_eq!(orders.entity_type.as_deref(), Some("Order"));
    assert_eq!(orders.key, ["year", "no"]);
    assert_eq!(orders.hidden_columns, ["secret"]);
    assert_eq!(orders.shown_columns, ["no", "year", "note"]);
    assert_eq!(orders.searchable_columns, ["year"]);
    assert_eq!(orders.columns[0].property.as_deref(), Some("Number"));
    let findings = document.import_findings.iter();
    let findings: Vec<String> =
        findings.map(|found| format!("{}: {}", found.subject, found.message)).collect();
    let ignored = |subject: &str, member: &str| {
        format!("{subject}: {member} of the schema map has no counterpart and is ignored")
    };
    let ty = "sales.orders.note: typeInfo of the schema map is ignored: the type in the database decides";
    let plural =
        "sales.plain: without ODataPluralAlias, the entity set has the name of the table, not a plural of it";
    assert_eq!(
        findings,
        [
            ignored("odata_mapping_v3", "timeAsString"),
            ignored("odata_mapping_v3", "entityNameMode"),
            ignored("sales.orders", "searchMode"),
            ignored("sales.orders.year", "indexType"),
            ty.to_owned(),
            plural.to_owned(),
        ]
    );
}

#[test]
fn a_schema_of_a_map_without_tables_is_served_as_a_whole() {
    let of = |map: &str| {
        let document = read(map.as_bytes()).unwrap();
        let excluded: Vec<String> = document.tables.exclude.iter().map(in_words).collect();
        assert_eq!(document.import_findings, [], "{map}");
        (document.schemas.include, excluded)
    };
    let map = r#"{"odata_mapping_v3": {"schemas": [{"name": "sales", "excludedTables": ["old"]}]}}"#;
    assert_eq!(of(map), (vec!["sales".to_owned()], vec!["sales.old".to_owned()]));
    let map =
        r#"{"odata_mapping_v3": {"schemas": [{"name": null, "tables": {}, "excludedTables": ["old"]}]}}"#;
    assert_eq!(of(map), (vec![], vec!["old".to_owned()]));
}

#[test]
fn a_faulty_schema_map_is_refused_with_paths() {
    for (map, path) in [
        (r#"{"odata_mapping_v3": []}"#, "odata_mapping_v3"),
        (r#"{"odata_mapping_v3": {"schemas": {}}}"#, "odata_mapping_v3.schemas"),
        (
            r#"{"odata_mapping_v3": {"schemas": [{"name": "a", "tables": {"t": {"columns": {"c": {"alias": 1}}}}}]}}"#,
            "odata_mapping_v3.schemas[0].tables.t.columns.c.alias",
        ),
        (r#"{"odata_mapping_v2": {"schemas": []}}"#, "odata_mapping_v2"),
        (
            r#"{"odata_mapping_v3": {"schemas": [{"name": "a", "tables": {"t": {"ODataAlias": "a b"}}}]}}"#,
            "entities[0].entityType",
        ),
    ] {
        let faults = read(map.as_bytes()).unwrap_err();
        assert!(faults.iter().any(|fault| fault.field == path), "{map}: {faults:?}");
    }
}
