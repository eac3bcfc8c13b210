use super::*;
use crate::SqliteKind;
use crate::sqlite::connection::{Bounds, OpenConnection};
use crate::sqlite::{Declarations, SqliteOptions, schema};

fn open_with(options: &SqliteOptions) -> Source {
    SourceSpec::new(Arc::new(SqliteKind), options.values().unwrap()).open(&resources()).unwrap()
}

fn described(sql: &str) -> crate::Described {
    described_with(sql, &[])
}

fn described_with(sql: &str, keys: &[(&str, &[&str])]) -> crate::Described {
    let fixture = fixture(sql);
    let named = |columns: &&[&str]| columns.iter().map(|column| (*column).to_owned()).collect();
    let keys = keys.iter().map(|(table, columns)| ((*table).to_owned(), named(columns))).collect();
    let declared = Declarations { keys, ..Declarations::default() };
    let source = open_with(&SqliteOptions { path: fixture.path.clone(), declared });
    source.read_schema(Deadline::after(Duration::from_mins(1))).unwrap()
}

fn subjects(findings: &[odata::model::Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.subject.as_str()).collect()
}

fn refused(described: &crate::Described) -> Vec<odata::model::Finding> {
    described.refused.iter().map(|(_, finding)| finding.clone()).collect()
}

fn table<'a>(tables: &'a [Table], name: &str) -> &'a Table {
    tables.iter().find(|table| table.name == name).unwrap()
}

fn nullable(table: &Table) -> Vec<bool> {
    table.columns.iter().map(|column| column.nullable).collect()
}

#[test]
fn keys_are_not_null_only_where_sqlite_makes_sure() {
    let found = described(
        "CREATE TABLE alias(id INTEGER PRIMARY KEY, a);
         CREATE TABLE descending(id INTEGER PRIMARY KEY DESC);
         CREATE TABLE word(id TEXT PRIMARY KEY);
         CREATE TABLE declared(id TEXT PRIMARY KEY NOT NULL);
         CREATE TABLE narrow(id INT PRIMARY KEY);
         CREATE TABLE bare(a, b);
         CREATE TABLE pair(a TEXT, b INTEGER, c, PRIMARY KEY (b, a)) WITHOUT ROWID;",
    );
    let tables = &found.schema.tables;
    assert_eq!(nullable(table(tables, "alias")), [false, true]);
    assert_eq!(nullable(table(tables, "descending")), [true]);
    assert_eq!(nullable(table(tables, "word")), [true]);
    assert_eq!(nullable(table(tables, "declared")), [false]);
    assert_eq!(nullable(table(tables, "narrow")), [true]);
    assert_eq!(nullable(table(tables, "pair")), [false, false, true]);
    assert_eq!(table(tables, "pair").primary_key, ["b", "a"]);
    assert_eq!(table(tables, "bare").primary_key, ["rowid"]);
    assert_eq!(subjects(&found.findings), ["bare"]);
}

#[test]
fn hostile_names_survive_unchanged() {
    let found = described(
        r#"CREATE TABLE "a ""quoted"" 'table'; DROP" ("select" INTEGER PRIMARY KEY, "ü 漢 🚢" TEXT, "x]y`z" INT);
           CREATE TABLE "order"("group" INTEGER PRIMARY KEY, "from" INTEGER REFERENCES "A ""QUOTED"" 'table'; DROP");"#,
    );
    let tables = &found.schema.tables;
    let hostile = table(tables, "a \"quoted\" 'table'; DROP");
    let names: Vec<&str> = hostile.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["select", "ü 漢 🚢", "x]y`z"]);
    let reference = &table(tables, "order").foreign_keys[0];
    assert_eq!(reference.target_table, hostile.name);
    assert_eq!(reference.target_columns, ["select"]);
}

#[test]
fn references_are_resolved_in_the_order_of_declaration() {
    let found = described(
        "CREATE TABLE ship(id INTEGER PRIMARY KEY, Flag TEXT NOT NULL, No TEXT NOT NULL, UNIQUE (Flag, No));
         CREATE TABLE visit(id INTEGER PRIMARY KEY, ship INT REFERENCES SHIP, f TEXT, n TEXT, gone INT REFERENCES nowhere(x),
            FOREIGN KEY (f, n) REFERENCES ship(FLAG, no));",
    );
    let visit = table(&found.schema.tables, "visit");
    let targets: Vec<_> =
        visit.foreign_keys.iter().map(|key| (key.columns.join(","), key.target_columns.join(","))).collect();
    assert_eq!(
        targets,
        [("ship".into(), "id".into()), ("gone".into(), "x".into()), ("f,n".into(), "Flag,No".into())]
    );
}

#[test]
fn views_and_generated_columns_are_tables_and_columns_too() {
    let found = described(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, price DECIMAL(9,2), twice REAL AS (price * 2), kept TEXT AS ('x') STORED);
         CREATE VIEW v AS SELECT id, price, count(*) OVER () AS n FROM t;",
    );
    let types: Vec<EdmType> =
        table(&found.schema.tables, "t").columns.iter().map(|column| column.ty).collect();
    let price = EdmType::Decimal { precision: Some(9), scale: Some(2) };
    let text = EdmType::String { max_length: None };
    assert_eq!(types, [EdmType::Int64, price, EdmType::Double, text]);
    let view = table(&found.schema.tables, "v");
    assert_eq!((view.columns.len(), view.columns[1].ty, view.primary_key.len()), (3, price, 0));
}

#[test]
fn what_sqlite_keeps_for_itself_is_left_out_and_one_broken_view_breaks_nothing_else() {
    let found = described(
        "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT UNIQUE);
         CREATE TABLE sqlitex(id INTEGER PRIMARY KEY);
         CREATE VIRTUAL TABLE words USING fts5(body);
         CREATE TABLE lost(a); CREATE VIEW broken AS SELECT a FROM lost; DROP TABLE lost; ANALYZE;",
    );
    let names: Vec<&str> = found.schema.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["sqlitex", "t"]);
    let findings: Vec<&str> = found.findings.iter().map(|finding| finding.subject.as_str()).collect();
    assert_eq!(findings, ["broken", "words"]);
}

#[test]
fn a_change_of_structure_changes_the_version_and_a_change_of_data_does_not() {
    let fixture = fixture("CREATE TABLE t(a)");
    let before = fixture.source.schema_version().unwrap();
    let writer = Connection::open(&fixture.path).unwrap();
    writer.execute_batch("INSERT INTO t VALUES (1)").unwrap();
    assert_eq!(fixture.source.schema_version().unwrap(), before);
    writer.execute_batch("ALTER TABLE t ADD COLUMN b").unwrap();
    assert_ne!(fixture.source.schema_version().unwrap(), before);
}

#[test]
fn a_table_without_a_key_is_read_by_its_row_number() {
    let found = described(
        "CREATE TABLE free(a); CREATE TABLE taken(RowId TEXT); CREATE TABLE full(rowid, _rowid_, oid);
         CREATE TABLE keyed(a TEXT PRIMARY KEY NOT NULL);",
    );
    let tables = &found.schema.tables;
    assert_eq!(table(tables, "free").primary_key, ["rowid"]);
    assert_eq!(table(tables, "taken").primary_key, ["_rowid_"]);
    assert_eq!(table(tables, "full").primary_key, [""; 0]);
    assert_eq!(table(tables, "keyed").primary_key, ["a"]);
    assert_eq!(table(tables, "free").columns.len(), 2);
    assert_eq!(table(tables, "free").columns[1].ty, EdmType::Int64);
    let fixture = fixture("CREATE TABLE free(a); INSERT INTO free VALUES ('x'), ('y')");
    let sql = "SELECT \"a\" FROM \"free\" WHERE (\"rowid\") > (1) ORDER BY \"rowid\"";
    assert_eq!(rows(&fixture.source, &statement(sql, 1)).unwrap().len(), 1);
}

#[test]
fn a_declared_key_that_does_not_hold_any_more_is_kept_and_what_shares_it_is_counted() {
    let found = described_with("CREATE TABLE t(a); INSERT INTO t VALUES (1), (1), (2)", &[("t", &["a"])]);
    assert_eq!(subjects(&refused(&found)), ["t"]);
    let table = table(&found.schema.tables, "t");
    assert_eq!((&table.primary_key[..], table.key_is_enforced), (&["a".to_owned()][..], false));
    assert!(found.findings.iter().any(|finding| finding.message.starts_with("2 rows are not served")));
}

#[test]
fn a_key_is_enforced_by_the_database_or_it_is_not() {
    const SQL: &str = "CREATE TABLE p(a TEXT PRIMARY KEY, b); CREATE TABLE u(a, b, c); CREATE TABLE v(a, b);
        CREATE TABLE w(a, b); CREATE UNIQUE INDEX u_ab ON u(b, a); CREATE UNIQUE INDEX w_a ON w(a) WHERE b > 1;
        CREATE UNIQUE INDEX v_a ON v(a, abs(b)); CREATE TABLE r(a);";
    let declared: [(&str, &[&str]); 3] = [("u", &["a", "b"]), ("v", &["a", "b"]), ("w", &["a"])];
    let found = described_with(SQL, &declared);
    for (name, expected) in [("p", true), ("u", true), ("v", false), ("w", false), ("r", true)] {
        assert_eq!(table(&found.schema.tables, name).key_is_enforced, expected, "{name}");
    }
    // A narrower index also identifies the rows.
    assert!(table(&described_with(SQL, &[("u", &["c", "a", "b"])]).schema.tables, "u").key_is_enforced);
}

#[test]
fn a_key_declared_for_what_cannot_be_read_is_refused() {
    const SQL: &str = "CREATE TABLE lost(a); CREATE VIEW broken AS SELECT a FROM lost; DROP TABLE lost;
        CREATE VIRTUAL TABLE words USING fts5(body);";
    for name in ["broken", "BROKEN", "words"] {
        let found = described_with(SQL, &[(name, &["a"])]);
        assert_eq!(subjects(&refused(&found)), [name]);
        assert!(found.refused[0].1.message.contains("cannot be read"), "{:?}", found.refused);
    }
}

#[test]
fn rows_whose_key_is_stored_otherwise_are_counted_only_where_they_share_an_address() {
    const MOMENTS: &str =
        "CREATE TABLE t(k DATETIME PRIMARY KEY); INSERT INTO t VALUES ('2024-05-01 12:00:00'),
        ('2024-05-02 12:00:00'), ('2024-05-03T12:00:00Z'), ('never')";
    let messages = |sql: &str| {
        let found = described(sql);
        let model = odata::model::Model::compile("m", found.schema);
        let findings = found.findings.into_iter().chain(model.findings);
        findings.map(|finding| finding.message).collect::<Vec<_>>().join("; ")
    };
    let alone = messages(MOMENTS);
    assert!(
        alone.contains("1 rows contain no Edm.DateTimeOffset")
            && !alone.contains("another row has the same address"),
        "{alone}"
    );
    let shared = messages(&format!("{MOMENTS}, ('2024-05-01T12:00:00Z')"));
    assert!(shared.contains("1 rows are not served, because another row has the same address"), "{shared}");
}

#[test]
fn a_null_in_a_column_declared_not_null_is_counted() {
    let found = described(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a REAL, b REAL) STRICT; INSERT INTO t VALUES (1, NULL, NULL), (2, 1.0, NULL);
         PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'a REAL', 'a REAL NOT NULL') WHERE name = 't'",
    );
    let columns = &table(&found.schema.tables, "t").columns;
    assert!(!columns[1].nullable && columns[1].storage.found.is_some_and(|found| found.invalid_values == 1));
    assert_eq!(columns[2].storage.found, None);
    let model = odata::model::Model::compile("m", found.schema);
    assert!(model.entity_types[0].properties[1].nullable);
}

#[test]
fn long_values_hide_no_rows_and_take_nothing_else_away() {
    const SQL: &str = "CREATE TABLE a(id PRIMARY KEY NOT NULL, b); CREATE TABLE fine(id INTEGER PRIMARY KEY);
        INSERT INTO a VALUES (1, printf('%.*c', 3000000, 'a')), (2, 'x');
        CREATE VIEW v AS SELECT id + 0 AS k, b || '' AS b FROM a;
        CREATE VIEW big AS SELECT 1 AS k, hex(zeroblob(60000000)) AS b;";
    let found = described_with(SQL, &[("v", &["k"]), ("big", &["k"])]);
    let view = table(&found.schema.tables, "v");
    let key = view.columns.iter().find(|column| column.name == "k").unwrap();
    let looked = key.storage.found.as_ref().unwrap();
    assert!(looked.all && looked.strays == 0, "{looked:?}");
    assert_eq!(table(&found.schema.tables, "fine").primary_key, ["id"]);
}

#[test]
fn a_key_that_the_owner_declares_must_exist_and_tell_the_rows_apart() {
    const SQL: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT); CREATE TABLE u(a, b);
        INSERT INTO t VALUES (1, 'x', 'y'), (2, 'x', 'z'); INSERT INTO u VALUES (1, 2), (1, NULL), (1, NULL);
        CREATE VIEW v AS SELECT a, b FROM t;";
    let found = described_with(SQL, &[("V", &["B", "a"]), ("u", &["b"])]);
    assert_eq!(table(&found.schema.tables, "v").primary_key, ["b", "a"]);
    // Rows without a key have no address, so they cannot share one.
    assert_eq!(table(&found.schema.tables, "u").primary_key, ["b"]);
    assert_eq!(found.refused, []);
    for (key, subject, words) in [
        (("v", &["a"][..]), "v", "share the values"),
        (("v", &["a", "gone"][..]), "v", "not one of its columns"),
        (("gone", &["a"][..]), "gone", "no such table"),
        (("t", &["a"][..]), "t", "a primary key"),
    ] {
        let found = described_with(SQL, &[key]);
        assert_eq!(subjects(&refused(&found)), [subject], "{key:?}");
        assert!(found.refused[0].1.message.contains(words), "{:?}", found.refused);
        let is_kept = words == "share the values";
        assert_eq!(table(&found.schema.tables, "v").primary_key.is_empty(), !is_kept);
    }
}

#[test]
fn what_needs_a_function_or_collation_of_another_program_is_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.db");
    let maker = Connection::open(&path).unwrap();
    maker.create_collation("german", str::cmp).unwrap();
    let flags = rusqlite::functions::FunctionFlags::SQLITE_DETERMINISTIC
        | rusqlite::functions::FunctionFlags::SQLITE_UTF8;
    maker.create_scalar_function("own", 1, flags, |context| context.get::<i64>(0)).unwrap();
    maker
        .execute_batch(
            "CREATE TABLE plain(id INTEGER PRIMARY KEY, name TEXT);
             CREATE TABLE named(id INTEGER PRIMARY KEY, name TEXT COLLATE german); INSERT INTO named VALUES (1, 'x');
             CREATE TABLE keyed(name TEXT COLLATE german PRIMARY KEY NOT NULL); INSERT INTO keyed VALUES ('a'), ('A');
             CREATE TABLE beside(id INTEGER PRIMARY KEY, n INT, name TEXT); CREATE INDEX beside_n ON beside(n, name COLLATE german);
             CREATE TABLE bare(name TEXT COLLATE german PRIMARY KEY NOT NULL) WITHOUT ROWID;
             CREATE TABLE computed(id INTEGER PRIMARY KEY, twice INTEGER AS (own(id)));
             CREATE VIEW ordered AS SELECT id, name FROM named ORDER BY name;
             CREATE VIEW called AS SELECT own(id) AS o FROM plain;",
        )
        .unwrap();
    drop(maker);
    let source = open(&path).unwrap();
    let found = source.read_schema(run().deadline).unwrap();
    let names: Vec<&str> = found.schema.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["beside", "computed", "keyed", "named", "plain"]);
    assert_eq!(table(&found.schema.tables, "computed").columns.len(), 1);
    assert_eq!(table(&found.schema.tables, "named").columns.len(), 2);
    for name in ["beside", "keyed"] {
        assert!(table(&found.schema.tables, name).has_unusable_index, "{name}");
    }
    let subjects = subjects(&found.findings);
    for subject in ["bare", "beside", "called", "computed.twice", "keyed.name", "named.name", "ordered"] {
        assert!(subjects.contains(&subject), "{subject}: {subjects:?}");
    }
    let finding = found.findings.iter().find(|finding| finding.subject == "named.name").unwrap();
    assert!(finding.message.contains("byte by byte") && finding.message.contains("german"), "{finding:?}");
    for (sql, columns) in [
        ("SELECT name FROM named ORDER BY name", 1),
        ("SELECT name FROM named WHERE name = 'x'", 1),
        ("SELECT o FROM called", 1),
        ("SELECT twice FROM computed", 1),
    ] {
        let refused = rows(&source, &statement(sql, columns)).unwrap_err();
        assert!(matches!(refused, SourceError::Unsupported { .. }), "{sql}: {refused:?}");
        assert!(!refused.is_transient());
    }
}

fn with_forms(sql: &str, forms: &str) -> crate::Described {
    let fixture = fixture(sql);
    let options = [
        ("path".to_owned(), fixture.path.to_str().unwrap().to_owned()),
        ("storageForms".to_owned(), forms.to_owned()),
    ];
    let source = open_with(&SqliteOptions::read(&options.into()).unwrap());
    source.read_schema(Deadline::after(Duration::from_mins(1))).unwrap()
}

#[test]
fn a_declared_form_gives_a_column_its_type_and_is_not_guessed_at() {
    use odata::edm_type::EdmType;
    use odata::form::Form;
    let found = with_forms(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, day DATE, done TEXT); INSERT INTO t VALUES (1, 5, 6, 'f')",
        r#"{"T": {"AT": "unix-milliseconds", "day": "unix-seconds", "done": "t/f", "gone": "text"}, "u": {"x": "text"}}"#,
    );
    let columns = &table(&found.schema.tables, "t").columns;
    let read: Vec<_> = columns.iter().map(|column| (column.ty, column.storage.form)).collect();
    assert_eq!(
        read[1..],
        [
            (EdmType::DateTimeOffset, Form::UnixMilliseconds),
            (EdmType::Date, Form::UnixSeconds),
            (EdmType::Boolean, Form::Letters),
        ]
    );
    assert_eq!(subjects(&found.findings), [""; 0]);
    assert_eq!(subjects(&refused(&found)), ["T.gone", "u.x"]);
}

#[test]
fn what_numbers_mean_and_what_fits_nothing_is_found_in_the_data() {
    use odata::form::Form;
    let found = described(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, seconds DATETIME, julian TIMESTAMP, n INT NOT NULL, s TEXT COLLATE NOCASE);
         CREATE INDEX t_n ON t(n, s);
         INSERT INTO t VALUES (1, 1714564800, 2460432.25, 'many', 'x'), (2, '2024-05-01 12:00:00', NULL, 1, NULL)",
    );
    let columns = &table(&found.schema.tables, "t").columns;
    assert!(columns[0].storage.is_guaranteed);
    assert_eq!(columns[1].storage.form, Form::UnixSeconds);
    assert_eq!(columns[2].storage.form, Form::JulianDay);
    assert_eq!(columns[3].storage.found.map(|found| (found.all, found.invalid_values)), Some((true, 1)));
    assert!(columns[3].storage.index.is_some() && columns[4].storage.index.is_none());
    assert_ne!(columns[4].storage.collation, odata::model::Collation::Binary);
    assert_eq!(subjects(&found.findings), ["t.seconds", "t.julian"]);
    let model = odata::model::Model::compile("m", found.schema);
    assert!(model.entity_types[0].properties[3].nullable);
    assert_eq!(subjects(&model.findings), ["t.n"]);
}

#[test]
fn a_description_ends_at_its_deadline_however_short_its_statements_are() {
    let fixture = fixture("CREATE TABLE t(id INT PRIMARY KEY) STRICT");
    // Nothing of its data is examined, which is bounded in another way.
    let opened = OpenConnection::open(&fixture.path, &limits(), &Arc::default(), None, 0);
    let (connection, _) = opened.unwrap();
    let describe = || schema::describe(&connection, &Declarations::default());
    assert_eq!(describe().unwrap().schema.tables.len(), 1);
    connection.bound(Bounds { deadline: Some(Deadline::after(Duration::ZERO)), cancelled: None });
    assert_eq!(describe().unwrap_err(), SourceError::TimedOut);
}
