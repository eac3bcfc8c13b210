use super::*;
use crate::edm_type::EdmType;
use crate::form::Form;
use crate::model::document::EntityShape;
use crate::model::{ForeignKey, Storage};

fn table(name: &str, columns: &[&str], key: &[&str]) -> Table {
    let column = |name: &&str| Column {
        name: (*name).into(),
        ty: EdmType::Int32,
        nullable: false,
        storage: Storage::default(),
    };
    Table {
        schema: None,
        set_name: None,
        name: name.into(),
        columns: columns.iter().map(column).collect(),
        primary_key: key.iter().map(|name| (*name).into()).collect(),
        key_is_enforced: true,
        foreign_keys: Vec::new(),
        has_unusable_index: false,
        changes: crate::model::TableChanges::default(),
    }
}

#[test]
fn names_are_mended_and_stay_unique() {
    let tables = vec![
        table("order details", &["1st", "a b", "a-b", "ä"], &["ä"]),
        table("order-details", &["x"], &["x"]),
    ];
    let model = Model::compile("S", Schema { tables });
    let names: Vec<_> =
        model.entity_types[0].properties.iter().map(|property| property.name.as_str()).collect();
    assert_eq!(names, ["_1st", "a_b", "a_b_2", "ä"]);
    assert_eq!(model.entity_types[1].name, "order_details_2");
    assert_eq!(model.entity_type("order_details").unwrap().table, "order details");
    assert_eq!(model.findings.len(), 5);
}

#[test]
fn names_of_the_greatest_length_stay_so_with_a_number() {
    let long = "ä".repeat(200);
    let columns = [format!("{long}1"), format!("{long}2"), format!("{long}3")];
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let tables = vec![table(&format!("{long}x"), &columns, &columns[..1]), table(&long, &["x"], &["x"])];
    let model = Model::compile("S", Schema { tables });
    for entity in &model.entity_types {
        assert_eq!(entity.name.chars().count(), 128);
        assert!(entity.properties.iter().all(|property| property.name.chars().count() <= 128));
    }
    assert!(model.entity_types[1].name.ends_with("_2"));
    assert!(model.entity_types[0].properties[2].name.ends_with("_3"));
}

#[test]
fn tables_are_told_apart_by_the_case_of_ascii_letters_only() {
    let mut from = table("From", &["Id", "Ä"], &["Id"]);
    from.foreign_keys.push(ForeignKey {
        columns: vec!["Ä".into()],
        target_schema: None,
        target_table: "stÄdte".into(),
        target_columns: Vec::new(),
    });
    let tables = vec![table("Städte", &["Id"], &["Id"]), table("STÄDTE", &["Id"], &["Id"]), from];
    let model = Model::compile("S", Schema { tables });
    assert_eq!(model.entity_types[2].navigations[0].name, "STÄDTE");
}

#[test]
fn tables_of_two_schemas_are_told_apart() {
    let of =
        |schema: &str, name: &str| Table { schema: Some(schema.into()), ..table(name, &["Id"], &["Id"]) };
    let mut visits = of("sales", "visits");
    for (schema, target) in [("public", "ports"), ("sales", "ports"), ("sales", "gone")] {
        visits.foreign_keys.push(ForeignKey {
            columns: vec!["Id".into()],
            target_schema: Some(schema.into()),
            target_table: target.into(),
            target_columns: Vec::new(),
        });
    }
    let other = Table { set_name: Some("sales_ports".into()), ..of("sales", "ports") };
    let model = Model::compile("S", Schema { tables: vec![of("public", "ports"), visits, other] });
    let names: Vec<&str> = model.entity_types.iter().map(|entity| entity.name.as_str()).collect();
    assert_eq!(names, ["ports", "visits", "sales_ports"]);
    let targets: Vec<usize> =
        model.entity_types[1].navigations.iter().map(|navigation| navigation.target).collect();
    assert_eq!(targets, [0, 2]);
    let [finding] = model.findings.as_slice() else { panic!("{:?}", model.findings) };
    assert_eq!(finding.subject, "sales.visits.Id");
    assert_eq!(finding.message, "no navigation to sales.gone: its target is not served");
}

#[test]
fn a_table_that_is_spelled_alike_is_meant_before_one_in_another_case() {
    let mut visits = table("Visits", &["Id"], &["Id"]);
    for target in ["ports", "Ports", "PORTS"] {
        visits.foreign_keys.push(ForeignKey {
            columns: vec!["Id".into()],
            target_schema: None,
            target_table: target.into(),
            target_columns: Vec::new(),
        });
    }
    let tables = vec![visits, table("Ports", &["Id"], &["Id"]), table("ports", &["id", "Id"], &["Id"])];
    let model = Model::compile("S", Schema { tables });
    let ways: Vec<_> = model.entity_types[0]
        .navigations
        .iter()
        .map(|navigation| (navigation.target, navigation.on.as_slice()))
        .collect();
    assert_eq!(ways, [(2, [(0, 1)].as_slice()), (1, &[(0, 0)]), (2, &[(0, 1)])]);
}

#[test]
fn a_table_without_a_key_is_dropped_with_a_finding() {
    let model = Model::compile("S", Schema { tables: vec![table("v", &["x"], &[])] });
    assert!(model.entity_types.is_empty());
    assert_eq!(model.findings[0].subject, "v");
}

#[test]
fn foreign_keys_become_navigation_in_both_directions() {
    let mut visits = table("Visits", &["Id", "From", "To"], &["Id"]);
    for column in ["From", "To"] {
        visits.foreign_keys.push(ForeignKey {
            columns: vec![column.into()],
            target_schema: None,
            target_table: "ports".into(),
            target_columns: Vec::new(),
        });
    }
    let model = Model::compile("S", Schema { tables: vec![visits, table("Ports", &["Id"], &["Id"])] });
    let names = |index: usize| -> Vec<_> {
        model.entity_types[index].navigations.iter().map(|navigation| navigation.name.clone()).collect()
    };
    assert_eq!(names(0), ["Ports_From", "Ports_To"]);
    assert_eq!(names(1), ["Visits_From", "Visits_To"]);
    assert_eq!(model.entity_types[1].navigations[1].on, [(0, 2)]);
}

#[test]
fn navigation_properties_are_in_the_order_of_the_columns_of_their_keys() {
    let mut visits = table("Visits", &["Id", "Ship", "Berth", "Pilot"], &["Id"]);
    for (column, target) in [("Pilot", "Pilots"), ("Ship", "Ships"), ("Berth", "Berths")] {
        visits.foreign_keys.push(ForeignKey {
            columns: vec![column.into()],
            target_schema: None,
            target_table: target.into(),
            target_columns: Vec::new(),
        });
    }
    let others = ["Berths", "Pilots", "Ships"].map(|name| table(name, &["Id"], &["Id"]));
    let tables = [visits].into_iter().chain(others).collect();
    let model = Model::compile("S", Schema { tables });
    let names: Vec<_> =
        model.entity_types[0].navigations.iter().map(|navigation| navigation.name.as_str()).collect();
    assert_eq!(names, ["Ships", "Berths", "Pilots"]);
}

#[test]
fn real_names_come_before_mended_ones() {
    let mut visits = table("a-b", &["a b", "a_b", "Ports", "x"], &["x"]);
    for column in ["a b", "Ports", "x"] {
        visits.foreign_keys.push(ForeignKey {
            columns: vec![column.into()],
            target_schema: None,
            target_table: if column == "x" { "Ports_Ports" } else { "Ports" }.into(),
            target_columns: Vec::new(),
        });
    }
    let tables = vec![
        visits,
        // Not served, so it does not use up a name.
        table("a_b_2", &["x"], &[]),
        table("a_b", &["x"], &["x"]),
        table("Ports", &["a_b", "x"], &["x"]),
        table("Ports_Ports", &["x"], &["x"]),
    ];
    let model = Model::compile("S", Schema { tables });
    let types = &model.entity_types;
    let names: Vec<&str> = types.iter().map(|entity| entity.name.as_str()).collect();
    assert_eq!(names, ["a_b_2", "a_b", "Ports", "Ports_Ports"]);
    let properties: Vec<&str> = types[0].properties.iter().map(|property| property.name.as_str()).collect();
    assert_eq!(properties, ["a_b_2", "a_b", "Ports", "x"]);
    assert_eq!(types[0].property("a_b").unwrap().1.column, "a_b");
    // The reference to `Ports_Ports` comes last and still gets the bare name.
    let navigations: Vec<&str> =
        types[0].navigations.iter().map(|navigation| navigation.name.as_str()).collect();
    assert_eq!(navigations, ["Ports_a_b_2", "Ports_Ports_2", "Ports_Ports"]);
}

#[test]
fn models_of_a_group_have_names_and_ways_of_their_own() {
    let mut visits = table("Visits", &["Id", "Ship"], &["Id"]);
    visits.foreign_keys.push(ForeignKey {
        columns: vec!["Ship".into()],
        target_schema: None,
        target_table: "Ships".into(),
        target_columns: Vec::new(),
    });
    let long = "x".repeat(125);
    let tables = vec![table(&long, &["Id"], &["Id"]), visits, table("Ships", &["Id"], &["Id"])];
    let model = Model::compile("harbour", Schema { tables });
    let east = model.preceded_by("all", "east_");
    let names = |model: &Model| -> Vec<String> {
        model.entity_types.iter().map(|entity| format!("{} {}", entity.name, entity.type_name)).collect()
    };
    let of_east = ["east_Visits east_Visits", "east_Ships east_Ships"];
    assert_eq!(names(&east), of_east, "a name of 130 characters is too long");
    assert!(east.entity_type("Visits").is_none() && east.entity_type("east_Visits").is_some());
    assert_eq!((east.namespace.as_str(), east.version), ("all", model.version));
    let west = model.limited_to(&["Ships".to_owned()]).preceded_by("all", "west_");
    let group = Model::of_group("all", &[west.into(), east.into()]);
    assert_eq!(names(&group), ["west_Ships west_Ships", of_east[0], of_east[1]]);
    let way = &group.entity_type("east_Visits").unwrap().navigations[0];
    assert_eq!((way.name.as_str(), group.entity_types[way.target].name.as_str()), ("Ships", "east_Ships"));
    assert!(group.entity_type("west_Ships").unwrap().navigations.is_empty());
}

#[test]
fn what_is_wrong_with_the_table_of_repeatable_requests_is_found() {
    let mut records =
        table("Records", &["caller", "request", "content", "answer", "made"], &["caller", "request"]);
    for (column, ty) in records.columns.iter_mut().zip([EdmType::String { max_length: None }; 4]) {
        column.ty = ty;
    }
    records.columns[4].ty = EdmType::Int64;
    records.changes.possible = true;
    let other_key = Table { primary_key: vec!["caller".into()], ..records.clone() };
    let unchangeable = Table { changes: crate::model::TableChanges::default(), ..records.clone() };
    let altered = |alter: &dyn Fn(&mut Table)| {
        let mut altered = records.clone();
        alter(&mut altered);
        altered
    };
    let deferrable = altered(&|table| table.changes.key_check = crate::model::KeyCheck::Later);
    let of_length = |form: Form, at: usize, length: u32| {
        altered(&|table| {
            table.columns[at].ty = EdmType::String { max_length: Some(length) };
            table.columns[at].storage.form = form;
        })
    };
    let more = altered(&|table| {
        let more = Column { name: "more".into(), nullable: false, ..table.columns[0].clone() };
        table.columns.push(more);
    });
    let optional = altered(&|table| {
        let more = Column { name: "more".into(), nullable: true, ..table.columns[0].clone() };
        table.columns.push(more);
    });
    let missing = table("Other", &["Id"], &["Id"]);
    for (table, expected) in [
        (records.clone(), None),
        (missing, Some("no such table")),
        (other_key, Some("primary key are not those")),
        (unchangeable, Some("its rows cannot be changed")),
        (deferrable, Some("deferrable")),
        (of_length(Form::Canonical, 0, 64), None),
        (of_length(Form::Canonical, 2, 63), Some("its columns")),
        (of_length(Form::Canonical, 3, 64), Some("its columns")),
        (of_length(Form::Padded, 2, 64), None),
        (of_length(Form::Padded, 2, 65), Some("its columns")),
        (of_length(Form::Padded, 3, 1000), Some("its columns")),
        (of_length(Form::Converted, 1, 64), Some("its columns")),
        (more, Some("another column")),
        (optional, None),
    ] {
        let named = crate::model::document::TableName { schema: None, table: "Records".into() };
        let document = ModelDocument { repeatable_requests: Some(named), ..ModelDocument::default() };
        let model = Model::shaped("S", Schema { tables: vec![table] }, &document);
        assert_eq!(model.request_table.is_some(), expected.is_none(), "{expected:?}");
        let found: Vec<&str> = model.findings.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(found.len(), usize::from(expected.is_some()), "{found:?}");
        assert!(expected.is_none_or(|words| found[0].contains(words)), "{found:?}");
        assert!(model.entity_type("Records").is_none(), "it is not served");
    }
}

#[test]
fn the_version_changes_with_the_schema_and_only_then() {
    let model =
        |column: &str| Model::compile("S", Schema { tables: vec![table("A", &["Id", column], &["Id"])] });
    assert_eq!(model("x").version, model("x").version);
    assert_ne!(model("x").version, model("y").version);
}

#[test]
fn a_limited_model_has_no_way_to_the_other_sets() {
    let refers = |name: &str, target: &str| {
        let mut from = table(name, &["Id", "Other"], &["Id"]);
        from.foreign_keys.push(ForeignKey {
            columns: vec!["Other".into()],
            target_schema: None,
            target_table: target.into(),
            target_columns: Vec::new(),
        });
        from
    };
    let tables = vec![refers("Crew", "Ships"), table("Ports", &["Id"], &["Id"]), refers("Ships", "Ports")];
    let model = Model::compile("S", Schema { tables });
    let limited = model.limited_to(&["Ships".to_owned(), "Ports".to_owned(), "Nothing".to_owned()]);
    let names: Vec<_> = limited.entity_types.iter().map(|entity| entity.name.as_str()).collect();
    assert_eq!(names, ["Ports", "Ships"]);
    assert!(limited.entity_type("Crew").is_none());
    let ships = limited.entity_type("Ships").unwrap();
    let ways: Vec<_> = ships
        .navigations
        .iter()
        .map(|navigation| limited.entity_types[navigation.target].name.as_str())
        .collect();
    assert_eq!(ways, ["Ports"]);
    assert_eq!(limited.version, model.version, "next links stay valid");
}

/// The hostile case: every table wants the same name.
#[test]
fn the_work_for_names_grows_with_the_number_of_tables() {
    const TABLES: usize = 10_000;
    let mut names = Names::of([CONTAINER.to_owned()]);
    for number in 0..TABLES {
        names.unique(["a", "a b", "a_2", CONTAINER][number % 4]);
    }
    assert!(names.tried() <= 3 * TABLES, "{} tries", names.tried());
}

#[test]
fn ten_thousand_tables_of_twenty_columns_are_shaped_and_compiled() {
    let columns: Vec<String> = (0..20).map(|at| format!("Column {at}")).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let refers = |at: usize| {
        let mut table = table(&format!("Table {at}"), &columns, &columns[..1]);
        table.foreign_keys.push(ForeignKey {
            columns: vec![columns[1].into()],
            target_schema: None,
            target_table: format!("Table {}", (at + 1) % 10_000),
            target_columns: vec![columns[0].into()],
        });
        table
    };
    let entity = |at: usize| EntityShape {
        table: format!("Table {at}"),
        entity_set: Some(format!("Set{at}")),
        hidden_columns: vec!["Column 19".to_owned()],
        ..EntityShape::default()
    };
    let document = ModelDocument { entities: (0..10_000).map(entity).collect(), ..ModelDocument::default() };
    let model = Model::shaped("S", Schema { tables: (0..10_000).map(refers).collect() }, &document);
    assert_eq!(model.entity_types.len(), 10_000);
    assert!(model.entity_types.iter().all(|entity| entity.properties.len() == 19));
    assert_eq!(model.entity_type("Set7").unwrap().navigations.len(), 2);
    // One for each column whose name is not an identifier.
    assert_eq!(model.findings.len(), 190_000);
}
