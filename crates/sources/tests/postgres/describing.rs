//! What is described of a database.

use odata::edm_type::EdmType;
use odata::form::Form;
use odata::model::{Model, Table};
use sources::{Described, Limits, Resources, SourceError};

use crate::fixture::{Scene, far, here, open, options, scene, scene_with};

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
async fn each_type_is_served_as_what_it_means() {
    let scene = scene(
        "CREATE TYPE colour AS ENUM ('red'); CREATE TYPE pair AS (a integer, b text); \
         CREATE DOMAIN amount AS numeric(10,2) NOT NULL; CREATE DOMAIN total AS amount; \
         CREATE TABLE t(id bigint PRIMARY KEY, b boolean NOT NULL, i2 smallint, i4 integer, f4 real, f8 double precision, \
         n numeric, n2 numeric(12,4), m money, d total, tx text, v varchar(40), c char(3), e colour, j jsonb, a integer[], \
         p pair, r int4range, x xml, ip inet, by bytea, u uuid, dt date, ti time, tz timetz, ts timestamp(3), tt timestamptz, \
         iv interval, g integer GENERATED ALWAYS AS (i2 + 1) STORED)",
    );
    let described = described(&scene).await;
    let table = table(&described, "t");
    let text = |max_length| EdmType::String { max_length };
    let decimal = |precision, scale| EdmType::Decimal { precision, scale };
    for (name, ty, form, nullable) in [
        ("id", EdmType::Int64, Form::Canonical, false),
        ("b", EdmType::Boolean, Form::Canonical, false),
        ("i2", EdmType::Int16, Form::Canonical, true),
        ("i4", EdmType::Int32, Form::Canonical, true),
        ("f4", EdmType::Single, Form::Canonical, true),
        ("f8", EdmType::Double, Form::Canonical, true),
        ("n", decimal(None, None), Form::Canonical, true),
        ("n2", decimal(Some(12), Some(4)), Form::Canonical, true),
        ("m", decimal(Some(19), None), Form::Converted, true),
        ("d", decimal(Some(10), Some(2)), Form::Canonical, false),
        ("tx", text(None), Form::Canonical, true),
        ("v", text(Some(40)), Form::Canonical, true),
        ("c", text(Some(3)), Form::Padded, true),
        ("e", text(None), Form::Converted, true),
        ("j", text(None), Form::Converted, true),
        ("a", text(None), Form::Converted, true),
        ("p", text(None), Form::Converted, true),
        ("r", text(None), Form::Converted, true),
        ("x", text(None), Form::Converted, true),
        ("ip", text(None), Form::Converted, true),
        ("by", EdmType::Binary, Form::Canonical, true),
        ("u", EdmType::Guid, Form::Canonical, true),
        ("dt", EdmType::Date, Form::Canonical, true),
        ("ti", EdmType::TimeOfDay, Form::Canonical, true),
        ("tz", text(None), Form::Converted, true),
        ("ts", EdmType::DateTimeOffset, Form::Local, true),
        ("tt", EdmType::DateTimeOffset, Form::Canonical, true),
        ("iv", EdmType::Duration, Form::Canonical, true),
        ("g", EdmType::Int32, Form::Canonical, true),
    ] {
        let column = table.columns.iter().find(|column| column.name == name).unwrap();
        assert_eq!((column.ty, column.storage.form, column.nullable), (ty, form, nullable), "{name}");
    }
    assert_eq!(table.columns.len(), 29);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_views_and_partitioned_tables_have_the_keys_that_the_database_ensures() {
    let scene = scene_with(
        "CREATE TABLE plain(b integer, a integer, PRIMARY KEY (a, b)); \
         CREATE TABLE by_unique(code text NOT NULL UNIQUE, other integer UNIQUE); \
         CREATE TABLE without(a integer, b integer); CREATE TABLE maybe(a integer UNIQUE); \
         CREATE UNIQUE INDEX ON without(b) WHERE a > 0; CREATE UNIQUE INDEX ON without((a + 1)); \
         CREATE TABLE parted(id integer, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at); \
         CREATE TABLE parted_2024 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01'); \
         CREATE VIEW seen AS SELECT a, b FROM plain; CREATE VIEW unkeyed AS SELECT 1 AS one; \
         CREATE MATERIALIZED VIEW kept AS SELECT a, b FROM plain; CREATE UNIQUE INDEX ON kept(a); \
         CREATE MATERIALIZED VIEW empty AS SELECT 1 AS one WITH NO DATA; \
         CREATE TABLE parent(id integer PRIMARY KEY); CREATE TABLE child(more integer) INHERITS (parent)",
        Limits::default(),
        &[(
            "keys",
            r#"{"public.seen": ["a", "b"], "plain": ["b"], "gone": ["x"], "maybe": ["a"], "without": ["c"]}"#,
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
    assert_eq!(key("parted"), ("id,at".to_owned(), true));
    assert_eq!(key("seen"), ("a,b".to_owned(), false));
    assert_eq!(key("unkeyed").0, "");
    assert_eq!(key("kept"), ("a".to_owned(), true));
    assert_eq!(key("parent"), ("id".to_owned(), false), "its heirs may repeat a key");
    assert!(!described.schema.tables.iter().any(|table| table.name == "parted_2024"), "a part of its table");
    let found = findings(&described);
    let has = |start: &str| found.iter().filter(|finding| finding.starts_with(start)).count();
    assert_eq!(has("public.empty: omitted, because it is a materialized view without data"), 1, "{found:?}");
    assert_eq!(
        has("public.seen: no unique index ensures that the declared key a, b is unique"),
        1,
        "{found:?}"
    );
    assert_eq!(has("public.parent: other tables inherit from it"), 1, "{found:?}");
    let refused: Vec<String> = described
        .refused
        .iter()
        .map(|(key, finding)| format!("{key} {}: {}", finding.subject, finding.message))
        .collect();
    assert_eq!(
        refused,
        [
            "keys public.plain: the declared key is ignored, because it has a key",
            "keys public.without: the declared key names c, which is not one of its columns",
            "keys gone: a key is declared for it, but there is no such table or view",
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declared_key_is_compared_with_the_rows() {
    let scene = scene_with(
        "CREATE TABLE twice(a integer, b integer); INSERT INTO twice VALUES (1, 1), (1, 2), (1, 2), (NULL, 3), (NULL, 3); \
         CREATE VIEW once AS SELECT DISTINCT a, b FROM twice; CREATE VIEW broken AS SELECT 1 / (a - a) AS a FROM twice",
        Limits::default(),
        &[("keys", r#"{"twice": ["a", "b"], "once": ["a", "b"], "broken": ["a"]}"#)],
    );
    let described = described(&scene).await;
    let [(_, refused)] = described.refused.as_slice() else { panic!("{described:?}") };
    assert_eq!(refused.subject, "public.twice");
    assert_eq!(refused.message, "2 rows share the values of the declared key a, b: they are not served");
    let found = findings(&described);
    let [broken, once] = found.as_slice() else { panic!("{found:?}") };
    assert!(broken.starts_with("public.broken: it could not be found out soon"), "{broken}");
    assert!(once.starts_with("public.once: no unique index ensures"), "{once}");
    assert_eq!(table(&described, "twice").primary_key, ["a", "b"], "rows with a key of their own are served");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_examination_names_the_server_and_counts_what_the_user_may_not_read() {
    let scene = scene("");
    let role = format!("poor_{}", scene.database.name());
    scene.database.run(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'reads'; CREATE TABLE one(id integer PRIMARY KEY); CREATE VIEW two AS TABLE one"
    ));
    let mut options = options(&scene.database.url());
    options.extend([("User".to_owned(), role.clone()), ("Password".to_owned(), "reads".to_owned())]);
    let source = open(options, &Resources::new(Limits::default(), 4, here()));
    let examined = source.examine(far()).await.unwrap();
    assert!(examined.product.starts_with("PostgreSQL 1"), "{}", examined.product);
    assert_eq!((examined.described.schema.tables.len(), examined.described.unreadable), (0, 2));
    source.close();
    source.closed().await;
    scene.database.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn references_lead_to_other_tables_and_to_the_same() {
    let scene = scene(
        "CREATE TABLE \"Ports\"(country text, code text, PRIMARY KEY (country, code)); \
         CREATE SCHEMA fleet; CREATE TABLE fleet.\"Ships\"(id integer PRIMARY KEY, sister integer REFERENCES fleet.\"Ships\"); \
         CREATE TABLE visits(id integer PRIMARY KEY, c text, p text, ship integer REFERENCES fleet.\"Ships\", \
         FOREIGN KEY (c, p) REFERENCES \"Ports\")",
    );
    let described = described(&scene).await;
    let model = Model::compile("Harbour", described.schema);
    assert!(model.findings.is_empty(), "{:?}", model.findings);
    let names: Vec<&str> = model.entity_types.iter().map(|entity| entity.name.as_str()).collect();
    assert_eq!(names, ["Ports", "visits", "fleet_Ships"]);
    let ways = |name: &str| -> Vec<String> {
        let found = model.entity_type(name).unwrap().navigations.iter();
        found.map(|way| format!("{} {:?}", way.name, way.on)).collect()
    };
    assert_eq!(ways("visits"), ["Ports [(1, 0), (2, 1)]", "fleet_Ships [(3, 0)]"]);
    assert_eq!(ways("fleet_Ships").len(), 3, "its visits, and its sisters in both directions");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_schemas_that_the_owner_names_are_served() {
    let sql = "CREATE SCHEMA sales; CREATE SCHEMA hidden; CREATE TABLE public.t(id integer PRIMARY KEY); \
               CREATE TABLE sales.t(id integer PRIMARY KEY); CREATE TABLE hidden.t(id integer PRIMARY KEY)";
    let sets = async |schemas: &str| -> Vec<String> {
        let scene = scene_with(sql, Limits::default(), &[("Schemas", schemas)]);
        let model = Model::compile("S", described(&scene).await.schema);
        model
            .entity_types
            .iter()
            .map(|entity| format!("{} {}", entity.name, entity.full_table_name()))
            .collect()
    };
    assert_eq!(sets("sales, public").await, ["t sales.t", "public_t public.t"]);
    assert_eq!(sets("hidden").await, ["t hidden.t"]);
    assert!(sets("pg_catalog").await.is_empty());
    let all = scene(sql);
    let model = Model::compile("S", described(&all).await.schema);
    let names: Vec<&str> = model.entity_types.iter().map(|entity| entity.name.as_str()).collect();
    assert_eq!(names, ["t", "hidden_t", "sales_t"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_user_may_not_read_is_a_finding() {
    let scene = scene("");
    let role = format!("reader_of_{}", scene.database.name());
    scene.database.run(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'reads'; CREATE SCHEMA closed; CREATE TABLE closed.t(id integer PRIMARY KEY); \
         CREATE TABLE open(id integer PRIMARY KEY, name text, salary integer); CREATE TABLE secret(id integer PRIMARY KEY); \
         GRANT SELECT (id, name) ON open TO {role}; GRANT SELECT ON closed.t TO {role}"
    ));
    let mut options = options(&scene.database.url());
    options.extend([("User".to_owned(), role.clone()), ("Password".to_owned(), "reads".to_owned())]);
    let source = open(options, &Resources::new(Limits::default(), 4, here()));
    let described = source.describe(far()).await.unwrap();
    let [table] = described.schema.tables.as_slice() else { panic!("{described:?}") };
    assert_eq!((table.name.as_str(), table.columns.len()), ("open", 2));
    assert_eq!(
        findings(&described),
        [
            "closed.t: omitted, because the user of the data source may not read it",
            "public.open.salary: omitted, because the user of the data source may not read it",
            "public.secret: omitted, because the user of the data source may not read it",
        ]
    );
    source.close();
    source.closed().await;
    scene.database.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_system_database_is_never_served() {
    let tables = ["audit_events", "data_source_shares", "grants", "revocations", "ring_keys", "user_roles"];
    let sql: Vec<String> = tables.iter().map(|table| format!("CREATE TABLE {table}(id integer)")).collect();
    let scene = scene(&sql.join(";"));
    assert_eq!(scene.source.describe(far()).await, Err(SourceError::OwnFile));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_version_changes_with_every_change_of_the_structure_and_not_with_the_data() {
    let scene = scene(
        "CREATE TABLE t(id integer PRIMARY KEY, name varchar(10)); CREATE TABLE o(id integer PRIMARY KEY)",
    );
    let mut before = scene.source.version(far()).await.unwrap();
    for sql in [
        "ALTER TABLE t ALTER name TYPE varchar(20)",
        "ALTER TABLE t RENAME name TO title",
        "ALTER TABLE t ALTER title SET NOT NULL",
        "ALTER TABLE o ADD t integer REFERENCES t",
        "CREATE UNIQUE INDEX ON t(title)",
        "ALTER TABLE t DROP CONSTRAINT t_pkey CASCADE",
        "CREATE VIEW v AS SELECT id FROM t",
        "CREATE OR REPLACE VIEW v AS SELECT id, title FROM t",
        "GRANT SELECT ON t TO PUBLIC",
        "ALTER TABLE t RENAME TO u",
        "DROP VIEW v",
        "CREATE SCHEMA more",
    ] {
        scene.database.run(sql);
        let after = scene.source.version(far()).await.unwrap();
        assert_ne!(after, before, "{sql}");
        before = after;
    }
    scene.database.run(
        "INSERT INTO u SELECT n, n::text FROM generate_series(1, 10000) n; DELETE FROM u WHERE id < 5000",
    );
    scene.database.run("ANALYZE u");
    scene.database.run("VACUUM u");
    assert_eq!(scene.source.version(far()).await, Ok(before));
}
