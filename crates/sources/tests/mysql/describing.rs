//! What is described of a database.

use odata::edm_type::EdmType;
use odata::form::Form;
use odata::model::{Collation, Model, Table};
use sources::{Described, Limits, Resources, SourceError};

use crate::fixture::{Scene, at, far, here, open, options, scene, scene_with};

async fn described(scene: &Scene) -> Described {
    scene.source.describe(far()).await.unwrap()
}

fn table<'d>(described: &'d Described, name: &str) -> &'d Table {
    let found = described.schema.tables.iter().find(|table| table.name == name);
    found.unwrap_or_else(|| panic!("{name} is not described"))
}

fn findings(described: &Described) -> Vec<String> {
    described.findings.iter().map(|finding| format!("{}: {}", finding.subject, finding.message)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_have_their_types_and_collations() {
    let scene = scene(
        "CREATE TABLE t(id bigint unsigned PRIMARY KEY, flag tinyint(1) NOT NULL, n decimal(12,4), e enum('a','b'), j json, \
         u uuid, at datetime(3), g int AS (id + 1) STORED, hidden int INVISIBLE, place point, \
         ci varchar(40), cs varchar(40) COLLATE utf8mb4_bin, exact varchar(40) COLLATE utf8mb4_nopad_bin, \
         cut varchar(40), KEY (ci), KEY (cut(3)), KEY (at)) COMMENT 'ignored'",
    );
    let described = described(&scene).await;
    let table = table(&described, "t");
    let column = |name: &str| table.columns.iter().find(|column| column.name == name).unwrap();
    for (name, ty, form, nullable) in [
        ("id", EdmType::Decimal { precision: Some(20), scale: Some(0) }, Form::Canonical, false),
        ("flag", EdmType::Boolean, Form::Canonical, false),
        ("n", EdmType::Decimal { precision: Some(12), scale: Some(4) }, Form::Canonical, true),
        ("e", EdmType::String { max_length: None }, Form::Converted, true),
        ("j", EdmType::String { max_length: None }, Form::Canonical, true),
        ("u", EdmType::Guid, Form::Canonical, true),
        ("at", EdmType::DateTimeOffset, Form::Local, true),
        ("g", EdmType::Int32, Form::Canonical, true),
        ("hidden", EdmType::Int32, Form::Canonical, true),
        ("ci", EdmType::String { max_length: Some(40) }, Form::Canonical, true),
    ] {
        let found = column(name);
        assert_eq!((found.ty, found.storage.form, found.nullable), (ty, form, nullable), "{name}");
    }
    assert_eq!(column("ci").storage.collation, Collation::Unknown);
    assert_eq!(column("cs").storage.collation, Collation::Unknown, "it adds blanks");
    assert_eq!(column("exact").storage.collation, Collation::Binary);
    assert_eq!(column("ci").storage.index, Some(Collation::Unknown));
    assert_eq!(column("cut").storage.index, None, "it has the start of each text only");
    assert_eq!(column("at").storage.index, Some(Collation::Binary));
    assert_eq!(
        findings(&described),
        ["t.place: omitted, because the type point has no counterpart in OData"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_and_views_have_the_keys_that_the_database_ensures() {
    let scene = scene_with(
        "CREATE TABLE plain(b integer, a integer, PRIMARY KEY (a, b)); \
         CREATE TABLE by_unique(code varchar(10) NOT NULL UNIQUE, other integer UNIQUE); \
         CREATE TABLE flags(flag tinyint(1) PRIMARY KEY, other tinyint(1)); \
         CREATE TABLE without(a integer, b integer); CREATE TABLE maybe(a integer UNIQUE); CREATE SEQUENCE s; \
         CREATE VIEW seen AS SELECT a, b FROM plain; CREATE VIEW unkeyed AS SELECT 1 AS one",
        Limits::default(),
        &[(
            "keys",
            r#"{"seen": ["a", "b"], "plain": ["b"], "gone": ["x"], "maybe": ["a"], "without": ["c"]}"#,
        )],
    );
    let described = described(&scene).await;
    let key = |name: &str| {
        let table = table(&described, name);
        (table.primary_key.join(","), table.key_is_enforced)
    };
    assert_eq!(key("plain"), ("a,b".to_owned(), true));
    assert_eq!(key("by_unique"), ("code".to_owned(), true));
    assert_eq!(key("without"), (String::new(), true));
    assert_eq!(key("maybe"), ("a".to_owned(), true), "declared, and unique");
    assert_eq!(key("seen"), ("a,b".to_owned(), false));
    assert_eq!(key("unkeyed").0, "");
    let flags: Vec<EdmType> = table(&described, "flags").columns.iter().map(|column| column.ty).collect();
    assert_eq!(flags, [EdmType::SByte, EdmType::Boolean], "a key stays a number");
    assert!(!described.schema.tables.iter().any(|table| table.name == "s"), "a sequence is no table");
    let mut refused: Vec<String> = described
        .refused
        .iter()
        .map(|(key, finding)| format!("{key} {}: {}", finding.subject, finding.message))
        .collect();
    refused.sort();
    assert_eq!(
        refused,
        [
            "keys gone: a key is declared for it, but there is no such table or view",
            "keys plain: the declared key is ignored, because it has a key",
            "keys without: the declared key names c, which is not one of its columns",
        ]
    );
    assert!(findings(&described)[0].starts_with("seen: no unique index ensures that the declared key a, b"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_keys_become_navigation() {
    let scene = scene(
        "CREATE TABLE ports(country char(2), code varchar(5), PRIMARY KEY (country, code)); \
         CREATE TABLE ships(id int PRIMARY KEY, country char(2), code varchar(5), sister int, \
         CONSTRAINT home FOREIGN KEY (country, code) REFERENCES ports(country, code), \
         CONSTRAINT sister FOREIGN KEY (sister) REFERENCES ships(id))",
    );
    let described = described(&scene).await;
    let model = Model::compile("S", described.schema);
    let ships = model.entity_type("ships").unwrap();
    let ways: Vec<_> = ships
        .navigations
        .iter()
        .map(|navigation| (navigation.name.as_str(), navigation.collection, navigation.on.as_slice()))
        .collect();
    assert!(ways.contains(&("ports", false, &[(1, 0), (2, 1)])), "{ways:?}");
    assert!(ways.iter().any(|(_, collection, on)| !collection && **on == [(3, 0)]), "{ways:?}");
    assert!(ways.iter().any(|(_, collection, on)| *collection && **on == [(0, 3)]), "{ways:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_the_user_may_read_is_described() {
    let scene = scene(
        "CREATE TABLE open(id int PRIMARY KEY, secret int); CREATE TABLE closed(id int PRIMARY KEY); \
         CREATE TABLE filled(id int PRIMARY KEY)",
    );
    let name = scene.database.name();
    let user = format!("reader_of_{name}");
    scene.database.run(&format!(
        "CREATE USER {user}@'%' IDENTIFIED BY 'its own'; GRANT SELECT (id) ON {name}.open TO {user}@'%'; \
         GRANT INSERT ON {name}.filled TO {user}@'%'"
    ));
    let port = scene.database.server().port();
    let source =
        open(at(port, [("Database", name), ("User", &user), ("Password", "its own")]), &scene.resources);
    let described = source.describe(far()).await.unwrap();
    let [table] = described.schema.tables.as_slice() else { panic!("{described:?}") };
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!((table.name.as_str(), names.as_slice()), ("open", ["id"].as_slice()));
    let found = findings(&described);
    assert!(
        found.contains(&"filled: omitted, because the user of the data source may not read it".to_owned()),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_version_changes_with_the_structure_and_only_then() {
    let scene = scene("CREATE TABLE t(id int PRIMARY KEY, name varchar(10))");
    let version = async || scene.source.version(far()).await.unwrap();
    let mut last = version().await;
    scene.database.run("INSERT INTO t VALUES (1, 'a'); ANALYZE TABLE t");
    assert_eq!(version().await, last, "data is no structure");
    for change in [
        "ALTER TABLE t ADD COLUMN more int",
        "ALTER TABLE t MODIFY COLUMN more bigint",
        "ALTER TABLE t MODIFY COLUMN name varchar(10) COLLATE utf8mb4_bin",
        "CREATE INDEX by_name ON t(name)",
        "CREATE VIEW v AS SELECT id FROM t",
        "CREATE TABLE other(id int PRIMARY KEY)",
        "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES other(id)",
        "DROP VIEW v",
    ] {
        if change.contains("FOREIGN") {
            scene.database.run("INSERT INTO other VALUES (1)");
        }
        scene.database.run(change);
        let next = version().await;
        assert_ne!(next, last, "{change}");
        last = next;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_system_database_of_the_server_is_refused() {
    let tables = ["audit_events", "data_source_shares", "grants", "revocations", "ring_keys", "user_roles"];
    let sql: Vec<String> = tables.iter().map(|table| format!("CREATE TABLE {table}(id int)")).collect();
    let scene = scene(&sql.join(";"));
    assert_eq!(scene.source.describe(far()).await, Err(SourceError::OwnFile));
    let resources = Resources::new(Limits::default(), 4, here());
    let mut elsewhere = options(scene.database.server(), "gone");
    elsewhere.remove("Password");
    let refused = open(elsewhere, &resources).describe(far()).await.unwrap_err();
    assert!(matches!(refused, SourceError::SignInRefused { .. }), "without its password: {refused:?}");
}
