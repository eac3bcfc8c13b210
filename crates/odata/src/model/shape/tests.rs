use crate::edm_type::EdmType;
use crate::model::document::ModelDocument;
use crate::model::{Column, ForeignKey, Model, Schema, Storage, Table, TableChanges};

fn table(schema: Option<&str>, name: &str, columns: &[&str]) -> Table {
    let ty = |name: &str| if name == "Name" { EdmType::String { max_length: None } } else { EdmType::Int32 };
    let column = |name: &&str| Column {
        name: (*name).into(),
        ty: ty(name),
        nullable: false,
        storage: Storage::default(),
    };
    Table {
        schema: schema.map(str::to_owned),
        set_name: None,
        name: name.into(),
        columns: columns.iter().map(column).collect(),
        primary_key: vec![columns[0].into()],
        key_is_enforced: true,
        foreign_keys: Vec::new(),
        has_unusable_index: false,
        changes: TableChanges { possible: true, ..TableChanges::default() },
    }
}

fn document(json: &str) -> ModelDocument {
    let document: ModelDocument = serde_json::from_str(json).unwrap();
    assert_eq!(document.faults(), []);
    document
}

/// Ships with a port each, in a database without schemas.
fn harbour() -> Schema {
    let mut ships = table(None, "Ships", &["Id", "Name", "Port", "Secret"]);
    ships.foreign_keys.push(ForeignKey {
        columns: vec!["Port".into()],
        target_schema: None,
        target_table: "Ports".into(),
        target_columns: vec!["Id".into()],
    });
    let logs = table(None, "Logs", &["Id", "Ship", "order"]);
    Schema { tables: vec![table(None, "Ports", &["Id", "Name"]), ships, logs] }
}

fn shaped(json: &str) -> Model {
    Model::shaped("Harbour", harbour(), &document(json))
}

fn sets(model: &Model) -> Vec<&str> {
    model.entity_types.iter().map(|entity| entity.name.as_str()).collect()
}

fn properties<'m>(model: &'m Model, set: &str) -> Vec<&'m str> {
    let entity = model.entity_type(set).unwrap();
    entity.properties.iter().map(|property| property.name.as_str()).collect()
}

fn findings(model: &Model) -> Vec<String> {
    model.findings.iter().map(|finding| format!("{}: {}", finding.subject, finding.message)).collect()
}

#[test]
fn an_empty_document_changes_nothing() {
    let plain = Model::compile("Harbour", harbour());
    assert_eq!(shaped("{}"), plain);
    assert_eq!(shaped(r#"{"formatVersion": 1}"#), plain);
}

#[test]
fn lists_say_which_tables_are_served() {
    for (json, expected) in [
        (r#"{"tables": {"include": [{"table": "Ships"}, {"table": "Ports"}]}}"#, vec!["Ports", "Ships"]),
        (r#"{"tables": {"exclude": [{"table": "logs"}]}}"#, vec!["Ports", "Ships"]),
        (r#"{"tables": {"include": [{"table": "Ships"}], "exclude": [{"table": "Ships"}]}}"#, vec![]),
        (r#"{"schemas": {"include": ["public"]}}"#, vec![]),
        (r#"{"tables": {"include": [{"schema": "public", "table": "Ships"}]}}"#, vec![]),
    ] {
        assert_eq!(sets(&shaped(json)), expected, "{json}");
    }
    let model = shaped(r#"{"tables": {"include": [{"table": "Ships"}, {"table": "Gone"}]}}"#);
    assert_eq!(
        findings(&model),
        [
            "Gone: the document lists it, but there is no such table or view that can be served",
            "Ships.Port: no navigation to Ports: its target is not served",
        ]
    );
    assert!(model.entity_types[0].navigations.is_empty());
}

#[test]
fn schemas_are_served_by_their_lists() {
    let of = |schema, name| Table {
        set_name: Some(format!("{schema}_{name}")),
        ..table(Some(schema), name, &["Id", "x"])
    };
    let schema = || Schema { tables: vec![of("a", "t"), of("b", "t"), of("c", "t")] };
    for (json, expected) in [
        (r#"{"schemas": {"include": ["a", "c"]}}"#, vec!["a_t", "c_t"]),
        (r#"{"schemas": {"include": ["A"]}}"#, vec!["a_t"]),
        (r#"{"schemas": {"exclude": ["b"]}}"#, vec!["a_t", "c_t"]),
        (r#"{"tables": {"exclude": [{"table": "t"}]}}"#, vec![]),
        (r#"{"tables": {"exclude": [{"schema": "a", "table": "t"}]}}"#, vec!["b_t", "c_t"]),
        (
            r#"{"schemas": {"include": ["b", "d"]}, "tables": {"include": [{"schema": "a", "table": "t"}]}}"#,
            vec![],
        ),
        (
            r#"{"entities": [{"table": "t", "entityType": "T", "hiddenColumns": ["x"]},
                {"schema": "b", "table": "t", "entitySet": "Bs"}]}"#,
            vec!["a_t", "Bs", "c_t"],
        ),
    ] {
        assert_eq!(sets(&Model::shaped("S", schema(), &document(json))), expected, "{json}");
    }
}

#[test]
fn hidden_columns_do_not_exist_for_any_reader() {
    let model = shaped(r#"{"entities": [{"table": "Ships", "hiddenColumns": ["Secret", "port", "Wreck"]}]}"#);
    assert_eq!(properties(&model, "Ships"), ["Id", "Name"]);
    assert!(model.entity_types.iter().all(|entity| entity.navigations.is_empty()));
    assert_eq!(
        findings(&model),
        [
            "Ships.Wreck: the document names it, but there is no such column that is served",
            "Ships.Port: no navigation to Ports: its target is not served",
        ]
    );
    let shown = shaped(r#"{"entities": [{"table": "Ships", "shownColumns": ["Id", "Secret"]}]}"#);
    assert_eq!(properties(&shown, "Ships"), ["Id", "Secret"]);
    let both = r#"{"entities": [{"table": "Ships", "shownColumns": ["Id", "Secret"], "hiddenColumns": ["Secret"]}]}"#;
    assert_eq!(properties(&shaped(both), "Ships"), ["Id"]);
}

#[test]
fn a_table_whose_key_is_hidden_is_not_served() {
    let model = shaped(r#"{"entities": [{"table": "Logs", "hiddenColumns": ["Id"]}]}"#);
    assert_eq!(sets(&model), ["Ports", "Ships"]);
    assert_eq!(findings(&model), ["Logs: not served: the column Id of its key is hidden"]);
}

#[test]
fn names_that_the_owner_gives_come_before_those_of_tables_and_columns() {
    let model = shaped(
        r#"{"entities": [
            {"table": "Logs", "entitySet": "Ships", "entityType": "Ship",
                "columns": [{"column": "order", "property": "Id"}]},
            {"table": "Ships", "entityType": "Logs"}]}"#,
    );
    assert_eq!(sets(&model), ["Ports", "Ships_2", "Ships"]);
    let types: Vec<&str> = model.entity_types.iter().map(|entity| entity.type_name.as_str()).collect();
    assert_eq!(types, ["Ports", "Logs", "Ship"]);
    assert_eq!(properties(&model, "Ships"), ["Id_2", "Ship", "Id"]);
    let entity = model.entity_type("Ships").unwrap();
    assert_eq!(entity.table, "Logs");
    assert_eq!(entity.properties[entity.key[0]].column, "Id");
}

#[test]
fn a_name_that_is_taken_is_not_given_again() {
    let json = r#"{"entities": [
        {"table": "Logs", "entitySet": "Container", "entityType": "Container"}]}"#;
    let model = shaped(json);
    assert_eq!(sets(&model), ["Ports", "Ships", "Logs"]);
    assert_eq!(
        findings(&model),
        [
            "Logs: its entity set is not named Container, because that name is taken",
            "Logs: its entity type is not named Container, because that name is taken",
        ]
    );
}

#[test]
fn relations_are_added_or_named() {
    let model = shaped(
        r#"{"relations": [
            {"from": {"table": "Ships"}, "columns": ["Port"], "to": {"table": "Ports"},
                "navigation": "HomePort", "inverse": "Fleet"},
            {"from": {"table": "Logs"}, "columns": ["ship"], "to": {"table": "Ships"}, "toColumns": ["Id"],
                "navigation": "Vessel"},
            {"from": {"table": "Logs"}, "columns": ["Ship"], "to": {"table": "Gone"}},
            {"from": {"table": "Gone"}, "columns": ["Ship"], "to": {"table": "Logs"}},
            {"from": {"table": "Logs"}, "columns": ["nothing"], "to": {"table": "Ports"}, "inverse": "Id"}]}"#,
    );
    let ways = |set: &str| -> Vec<String> {
        let navigations = model.entity_type(set).unwrap().navigations.iter();
        navigations
            .map(|way| format!("{}>{} {:?}", way.name, model.entity_types[way.target].name, way.on))
            .collect()
    };
    assert_eq!(ways("Ports"), ["Fleet>Ships [(0, 2)]"]);
    assert_eq!(ways("Ships"), ["HomePort>Ports [(2, 0)]", "Logs>Logs [(0, 1)]"]);
    assert_eq!(ways("Logs"), ["Vessel>Ships [(1, 0)]"]);
    assert_eq!(
        findings(&model),
        [
            "Logs: no relation to Gone: there is no such table or view that is served",
            "Gone: no relation: there is no such table or view that is served",
            "Logs.nothing: no navigation to Ports: its target is not served",
        ]
    );
}

#[test]
fn a_relation_without_a_schema_leads_to_the_table_beside_it() {
    let tables =
        vec![table(Some("a"), "t", &["Id"]), table(Some("a"), "u", &["Id"]), table(Some("b"), "u", &["Id"])];
    let json = r#"{"relations": [{"from": {"table": "t"}, "columns": ["Id"], "to": {"table": "u"}}]}"#;
    let model = Model::shaped("S", Schema { tables: tables.clone() }, &document(json));
    assert_eq!(model.entity_types[0].navigations[0].target, 1);
    let ambiguous = r#"{"schemas": {"exclude": ["c"]}, "relations": [{"from": {"table": "v"}, "columns": ["Id"], "to": {"table": "u"}}]}"#;
    let tables = tables.into_iter().chain([table(Some("d"), "v", &["Id"])]).collect();
    let model = Model::shaped("S", Schema { tables }, &document(ambiguous));
    assert!(
        findings(&model)
            .contains(&"v: no relation to u: several schemas have such a table; name one of them".to_owned())
    );
}

/// The entity sets that can be changed, if all tables of the database can be.
fn changeable(model: &Model) -> Vec<&str> {
    let changeable = model.entity_types.iter().filter(|entity| entity.changes.is_some());
    changeable.map(|entity| entity.name.as_str()).collect()
}

#[test]
fn what_the_owner_makes_read_only_cannot_be_changed() {
    for (json, expected) in [
        ("{}", vec!["Ports", "Ships", "Logs"]),
        (r#"{"entities": [{"table": "Ships", "readOnly": true}]}"#, vec!["Ports", "Logs"]),
        (r#"{"readOnly": true}"#, vec![]),
        (r#"{"readOnly": true, "entities": [{"table": "Ships", "readOnly": false}]}"#, vec![]),
    ] {
        assert_eq!(changeable(&shaped(json)), expected, "{json}");
    }
}

#[test]
fn sizes_and_bans_are_part_of_the_model_but_not_of_its_version() {
    let model = shaped(
        r#"{"pageSize": 50, "readOnly": true,
            "entities": [{"table": "Ships", "readOnly": true, "searchableColumns": ["Name"]}]}"#,
    );
    assert_eq!((model.page_size, changeable(&model)), (Some(50), vec![]));
    let ships = model.entity_type("Ships").unwrap();
    assert_eq!((ships.changes.as_ref(), ships.searchable.as_slice()), (None, [1].as_slice()));
    assert_eq!(model.version, shaped("{}").version, "next links stay valid");
    let elsewhere = r#"{"entities": [{"table": "Ships", "searchableColumns": ["Port"]}]}"#;
    assert_ne!(shaped(elsewhere).plan_version, shaped("{}").plan_version, "plans of searches do not");
    let hidden =
        r#"{"entities": [{"table": "Ships", "hiddenColumns": ["Name"], "searchableColumns": ["Name"]}]}"#;
    assert!(shaped(hidden).entity_type("Ships").unwrap().searchable.is_empty(), "not in other texts instead");
    let renamed = r#"{"entities": [{"table": "Ships", "entityType": "Ship"}]}"#;
    assert_ne!(model.version, shaped(renamed).version);
}

#[test]
fn every_fault_of_a_document_has_its_path() {
    let of = |json: &str| -> Vec<String> {
        let document: ModelDocument = serde_json::from_str(json).unwrap();
        document.faults().into_iter().map(|fault| format!("{} {}", fault.path, fault.message)).collect()
    };
    let identifier = "must be an identifier of OData: at most 128 letters, digits and underscores, and no digit at the start";
    for (json, faults) in [
        (r#"{"formatVersion": 2}"#, vec!["formatVersion must be 1".to_owned()]),
        (r#"{"schemas": {"include": ["a", "a"]}}"#, vec!["schemas.include[1] is given twice".to_owned()]),
        (
            r#"{"tables": {"exclude": [{"table": ""}, {"table": "a\nb"}]}}"#,
            vec![
                "tables.exclude[0].table must not be empty".to_owned(),
                "tables.exclude[1].table must not contain control characters".to_owned(),
            ],
        ),
        (r#"{"pageSize": 0}"#, vec!["pageSize must be a number of rows from 1 to 100000".to_owned()]),
        (
            r#"{"entities": [{"table": "a", "entitySet": "1st"}, {"table": "a", "entityType": "a b"}]}"#,
            vec![
                "entities[1] is given twice".to_owned(),
                format!("entities[0].entitySet {identifier}"),
                format!("entities[1].entityType {identifier}"),
            ],
        ),
        (
            r#"{"entities": [{"table": "a", "entitySet": "A"}, {"table": "b", "entitySet": "A"}]}"#,
            vec!["entities[1].entitySet is the name of another entity too".to_owned()],
        ),
        (
            r#"{"entities": [{"table": "a", "key": ["x", "x"], "columns": [{"column": "c", "property": "P"},
                {"column": "c", "property": "P"}]}]}"#,
            vec![
                "entities[0].key[1] is given twice".to_owned(),
                "entities[0].columns[1].column is given twice".to_owned(),
                "entities[0].columns[1].property is the name of another column too".to_owned(),
            ],
        ),
        (
            r#"{"relations": [{"from": {"table": "a"}, "columns": [], "to": {"table": "b"}, "toColumns": ["x"]}]}"#,
            vec![
                "relations[0].columns must not be empty".to_owned(),
                "relations[0].toColumns must have as many entries as columns".to_owned(),
            ],
        ),
    ] {
        assert_eq!(of(json), faults, "{json}");
    }
    let form =
        of(r#"{"entities": [{"table": "a", "columns": [{"column": "c", "storageForm": "fortnights"}]}]}"#);
    assert!(form[0].starts_with("entities[0].columns[0].storageForm must be one of 0/1, "), "{form:?}");
    let key: Vec<String> = (0..33).map(|at| format!("\"c{at}\"")).collect();
    let long = of(&format!(r#"{{"entities": [{{"table": "a", "key": [{}]}}]}}"#, key.join(",")));
    assert_eq!(long, ["entities[0].key has 33 entries; at most 32 are allowed"]);
}
