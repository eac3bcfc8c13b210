//! From the schema of a database to a model in terms of OData.

use super::names::Names;
use super::references::connect;
use super::{Column, EntityType, Finding, ForeignKey, Model, Property, Schema, Table};
use crate::hash::Fnv;

/// The name of the entity container. No entity type may have it, because both are members of the schema.
pub(crate) const CONTAINER: &str = "Container";

impl Model {
    /// Compiles the schema of a driver. Nothing is an error: what cannot be served is dropped with a
    /// [`Finding`].
    pub fn compile(namespace: &str, schema: Schema) -> Self {
        let mut findings = Vec::new();
        let mut names = Names::of([CONTAINER.to_owned()]);
        names.reserve(schema.tables.iter().filter(|table| !key(table).is_empty()).map(Table::wanted_name));
        let mut entity_types = Vec::with_capacity(schema.tables.len());
        let mut references = Vec::with_capacity(schema.tables.len());
        for table in schema.tables {
            if let Some((entity_type, foreign_keys)) = entity_type(table, &mut names, &mut findings) {
                entity_types.push(entity_type);
                references.push(foreign_keys);
            }
        }
        connect(&mut entity_types, &references, &mut findings);
        let by_name =
            entity_types.iter().enumerate().map(|(index, entity)| (entity.name.clone(), index)).collect();
        let version = version(namespace, &entity_types);
        let plan_version = version_of_plans(namespace, &entity_types);
        Self { namespace: namespace.to_owned(), entity_types, findings, version, plan_version, by_name }
    }
}

/// The type of one table, and the foreign keys that are still to become navigation properties; `None` if the
/// table cannot be served.
fn entity_type(
    table: Table,
    names: &mut Names,
    findings: &mut Vec<Finding>,
) -> Option<(EntityType, Vec<ForeignKey>)> {
    let finding = |subject: String, message: &str| Finding { subject, message: message.to_owned() };
    let key = key(&table);
    if key.is_empty() {
        findings.push(finding(
            table.full_name(),
            "not served: it has no key, so its rows have no address. Declare the columns that distinguish its rows with the \
             data source's option keys, such as {\"View\": [\"a\", \"b\"]}",
        ));
        return None;
    }
    let full_name = table.full_name();
    let name = names.identifier(table.wanted_name());
    if name != *table.wanted_name() {
        findings.push(finding(full_name.clone(), &served_as(&name)));
    }
    let mut property_names = Names::of([]);
    property_names.reserve(table.columns.iter().map(|column| &column.name));
    let (mut properties, mut loose_key) = (Vec::with_capacity(table.columns.len()), Vec::new());
    for (index, column) in table.columns.into_iter().enumerate() {
        let name = property_names.identifier(&column.name);
        let subject = || format!("{full_name}.{}", column.name);
        if name != column.name {
            findings.push(finding(subject(), &served_as(&name)));
        }
        let in_key = key.contains(&index);
        if in_key && column.nullable {
            findings.push(finding(
                subject(),
                "a key column that may be null: rows in which it is null are not served",
            ));
        }
        findings.extend(invalid_values(&column, in_key).map(|message| finding(subject(), &message)));
        if in_key && (column.nullable || !column.storage.is_guaranteed) {
            loose_key.push(index);
        }
        let may_be_invalid = !column.storage.is_guaranteed && !in_key;
        // A property can only be declared non-null if it is known to be a value.
        let is_doubtful = column
            .storage
            .found
            .is_some_and(|found| (may_be_invalid && !found.all) || found.invalid_values > 0);
        properties.push(Property {
            name,
            column: column.name,
            ty: column.ty,
            nullable: (column.nullable || is_doubtful) && !in_key,
            storage: column.storage,
            may_be_invalid,
        });
    }
    let entity_type = EntityType {
        name,
        schema: table.schema,
        table: table.name,
        properties,
        key,
        loose_key,
        key_is_enforced: table.key_is_enforced,
        navigations: Vec::new(),
        has_unusable_index: table.has_unusable_index,
    };
    Some((entity_type, table.foreign_keys))
}

/// The remark about a name in the model that differs from the one in the database.
fn served_as(name: &str) -> String {
    format!("served as {name}, because its own name is not an identifier in OData or is taken")
}

/// The columns of a table's key; empty if one of them is missing.
fn key(table: &Table) -> Vec<usize> {
    let place = |name: &String| table.columns.iter().position(|column| column.name == *name);
    table.primary_key.iter().map(place).collect::<Option<_>>().unwrap_or_default()
}

/// The remark about cells that represent no value of the column's type.
fn invalid_values(column: &Column, in_key: bool) -> Option<String> {
    let found = column.storage.found?;
    let ty = column.ty.name();
    let seen = if found.all { "" } else { " among the rows that were examined" };
    if in_key {
        let rows = found.invalid_values;
        return (rows > 0)
            .then(|| format!("a key column: {rows} rows{seen} contain no {ty} there and are not served"));
    }
    (found.invalid_values > 0).then(|| {
        format!(
            "{} values{seen} are not {ty} and are shown as null; the option storageForms can declare how the column is stored",
            found.invalid_values
        )
    })
}

fn version(namespace: &str, types: &[EntityType]) -> u64 {
    hash(namespace, types).finish()
}

/// Also depends on the survey of the data, which must not invalidate next links.
fn version_of_plans(namespace: &str, types: &[EntityType]) -> u64 {
    let mut hash = hash(namespace, types);
    for entity in types {
        hash.field(&[entity.has_unusable_index.into(), entity.key_is_enforced.into()]);
        for property in &entity.properties {
            hash.field(format!("{} {:?}", property.nullable, property.storage).as_bytes());
        }
    }
    hash.finish()
}

fn hash(namespace: &str, types: &[EntityType]) -> Fnv {
    let mut hash = Fnv::new();
    hash.field(namespace.as_bytes());
    for entity in types {
        hash.field(entity.name.as_bytes());
        if let Some(schema) = &entity.schema {
            hash.field(schema.as_bytes());
        }
        hash.field(entity.table.as_bytes());
        for property in &entity.properties {
            hash.field(property.name.as_bytes());
            hash.field(property.column.as_bytes());
            hash.field(format!("{:?} {:?}", property.ty, property.storage.form).as_bytes());
        }
        hash.field(format!("{:?} {:?}", entity.key, entity.loose_key).as_bytes());
        for navigation in &entity.navigations {
            hash.field(navigation.name.as_bytes());
            hash.field(
                format!("{} {} {:?}", navigation.target, navigation.collection, navigation.on).as_bytes(),
            );
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edm_type::EdmType;
    use crate::model::Storage;

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
        let properties: Vec<&str> =
            types[0].properties.iter().map(|property| property.name.as_str()).collect();
        assert_eq!(properties, ["a_b_2", "a_b", "Ports", "x"]);
        assert_eq!(types[0].property("a_b").unwrap().1.column, "a_b");
        // The reference to `Ports_Ports` comes last and still gets the bare name.
        let navigations: Vec<&str> =
            types[0].navigations.iter().map(|navigation| navigation.name.as_str()).collect();
        assert_eq!(navigations, ["Ports_a_b_2", "Ports_Ports_2", "Ports_Ports"]);
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
        let tables =
            vec![refers("Crew", "Ships"), table("Ports", &["Id"], &["Id"]), refers("Ships", "Ports")];
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
}
