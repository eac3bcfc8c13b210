use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use odata::cell::{Cell, Row, Value};
use odata::model::{EdmType, Table};
use odata::statement::Statement;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::{ConnectionBudget, Deadline, Ended, Limits, Ran, Run, Source, SourceError, SourceSpec};

const ENDLESS: &str =
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";
const COUNTING: &str =
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x, 'row' FROM c";

struct Fixture {
    _folder: TempDir,
    path: PathBuf,
    source: Arc<Source>,
}

fn limits() -> Limits {
    Limits {
        inline_connections: 2,
        workers: 1,
        queued: 1,
        lock_wait: Duration::ZERO,
        ..Limits::default()
    }
}

fn fixture(sql: &str) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let source = Arc::new(open(&path).unwrap());
    Fixture {
        _folder: folder,
        path,
        source,
    }
}

fn open(path: &std::path::Path) -> Result<Source, SourceError> {
    Source::open(
        &SourceSpec::Sqlite {
            path: path.to_owned(),
        },
        &limits(),
        &ConnectionBudget::new(8),
    )
}

fn run() -> Run {
    Run {
        deadline: Deadline::after(Duration::from_mins(1)),
        max_rows: usize::MAX,
    }
}

fn statement(sql: &str, columns: usize) -> Statement {
    Statement {
        sql: sql.to_owned(),
        parameters: Vec::new(),
        columns,
    }
}

/// All rows, each as text.
fn rows(source: &Source, statement: &Statement) -> Result<Vec<String>, SourceError> {
    let mut found = Vec::new();
    source.query(statement, run(), |row| {
        let cells: Vec<String> = (0..statement.columns)
            .map(|at| format!("{:?}", row.cell(at)))
            .collect();
        found.push(cells.join("|"));
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

fn one_integer(source: &Source, sql: &str) -> Result<i64, SourceError> {
    let mut found = 0;
    source.query(&statement(sql, 1), run(), |row| {
        if let Cell::Integer(integer) = row.cell(0) {
            found = integer;
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

fn sqlite_of(source: &Source) -> &super::SqliteSource {
    let Source::Sqlite(source) = source;
    source
}

mod opening {
    use super::*;

    #[test]
    fn what_is_no_database_file_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("empty"), "").unwrap();
        std::fs::write(at("secret"), "root:x:0:0:the contents of another file".repeat(50)).unwrap();
        std::fs::write(at("short"), "SQLite format 3\0").unwrap();
        std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        assert_eq!(open(&at("none")).unwrap_err(), SourceError::Missing);
        assert_eq!(open(&at("secret/below")).unwrap_err(), SourceError::Missing);
        assert_eq!(open(folder.path()).unwrap_err(), SourceError::NotAFile);
        assert_eq!(open(&at("socket")).unwrap_err(), SourceError::NotAFile);
        assert_eq!(open(&at("empty")).unwrap_err(), SourceError::NotADatabase);
        assert_eq!(open(&at("short")).unwrap_err(), SourceError::NotADatabase);
        let secret = open(&at("secret")).unwrap_err();
        assert_eq!(secret, SourceError::NotADatabase);
        assert!(!format!("{secret} {secret:?}").contains("root"));
    }

    #[test]
    fn opening_never_creates_a_file() {
        let folder = tempfile::tempdir().unwrap();
        open(&folder.path().join("new.db")).unwrap_err();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_database_in_write_ahead_mode_is_read_while_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wal.db");
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1)")
            .unwrap();
        let source = open(&path).unwrap();
        assert_eq!(one_integer(&source, "SELECT count(*) FROM t"), Ok(1));
        writer.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        assert_eq!(one_integer(&source, "SELECT count(*) FROM t"), Ok(2));
    }
}

mod schema {
    use super::*;

    fn described(sql: &str) -> crate::Described {
        fixture(sql)
            .source
            .read_schema(Deadline::after(Duration::from_mins(1)))
            .unwrap()
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
        assert_eq!(table(tables, "bare").primary_key, [""; 0]);
        assert_eq!(found.findings, []);
    }

    #[test]
    fn hostile_names_survive_unchanged() {
        let found = described(
            r#"CREATE TABLE "a ""quoted"" 'table'; DROP" ("select" INTEGER PRIMARY KEY, "ü 漢 🚢" TEXT, "x]y`z" INT);
               CREATE TABLE "order"("group" INTEGER PRIMARY KEY, "from" INTEGER REFERENCES "A ""QUOTED"" 'table'; DROP");"#,
        );
        let tables = &found.schema.tables;
        let hostile = table(tables, "a \"quoted\" 'table'; DROP");
        let names: Vec<&str> = hostile
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
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
        let targets: Vec<_> = visit
            .foreign_keys
            .iter()
            .map(|key| (key.columns.join(","), key.target_columns.join(",")))
            .collect();
        assert_eq!(
            targets,
            [
                ("ship".into(), "id".into()),
                ("gone".into(), "x".into()),
                ("f,n".into(), "Flag,No".into())
            ]
        );
    }

    #[test]
    fn views_and_generated_columns_are_tables_and_columns_too() {
        let found = described(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, price DECIMAL(9,2), twice REAL AS (price * 2), kept TEXT AS ('x') STORED);
             CREATE VIEW v AS SELECT id, price, count(*) OVER () AS n FROM t;",
        );
        let types: Vec<EdmType> = table(&found.schema.tables, "t")
            .columns
            .iter()
            .map(|column| column.ty)
            .collect();
        let price = EdmType::Decimal {
            precision: Some(9),
            scale: Some(2),
        };
        let text = EdmType::String { max_length: None };
        assert_eq!(types, [EdmType::Int64, price, EdmType::Double, text]);
        let view = table(&found.schema.tables, "v");
        assert_eq!(
            (view.columns.len(), view.columns[1].ty, view.primary_key.len()),
            (3, price, 0)
        );
    }

    #[test]
    fn what_sqlite_keeps_for_itself_is_left_out_and_one_broken_view_breaks_nothing_else() {
        let found = described(
            "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT UNIQUE);
             CREATE TABLE sqlitex(id INTEGER PRIMARY KEY);
             CREATE VIRTUAL TABLE words USING fts5(body);
             CREATE TABLE lost(a); CREATE VIEW broken AS SELECT a FROM lost; DROP TABLE lost; ANALYZE;",
        );
        let names: Vec<&str> = found
            .schema
            .tables
            .iter()
            .map(|table| table.name.as_str())
            .collect();
        assert_eq!(names, ["sqlitex", "t"]);
        let findings: Vec<&str> = found
            .findings
            .iter()
            .map(|finding| finding.subject.as_str())
            .collect();
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
}

mod reading {
    use super::*;

    #[test]
    fn parameters_and_cells_keep_their_kind() {
        let fixture = fixture("CREATE TABLE t(a)");
        let parameters = vec![
            Value::Null,
            Value::Integer(i64::MIN),
            Value::Real(0.1),
            Value::Text("ü'\";--".to_owned()),
            Value::Blob(vec![0, 255]),
        ];
        let echo = Statement {
            sql: "SELECT ?1, ?2, ?3, ?4, ?5".to_owned(),
            parameters,
            columns: 5,
        };
        let mut seen = false;
        let ran = fixture.source.query(&echo, run(), |row| {
            seen = row.cell(0) == Cell::Null
                && row.cell(1) == Cell::Integer(i64::MIN)
                && row.cell(2) == Cell::Real(0.1)
                && row.cell(3) == Cell::Text("ü'\";--".as_bytes())
                && row.cell(4) == Cell::Blob(&[0, 255]);
            ControlFlow::Continue(())
        });
        assert_eq!(
            ran,
            Ok(Ran {
                rows: 1,
                ended: Ended::Complete
            })
        );
        assert!(seen);
    }

    #[test]
    fn text_that_is_not_utf8_is_handed_out_as_it_is() {
        let fixture = fixture("CREATE TABLE t(a TEXT); INSERT INTO t VALUES (CAST(x'ff41' AS TEXT))");
        let found = rows(&fixture.source, &statement("SELECT a FROM t", 1));
        assert_eq!(found, Ok(vec!["Text([255, 65])".to_owned()]));
    }

    #[test]
    fn a_run_ends_at_its_row_limit_or_when_the_caller_has_enough() {
        let fixture = fixture("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3)");
        let select = statement("SELECT a FROM t", 1);
        let with = |max_rows, flow: ControlFlow<()>| {
            fixture
                .source
                .query(&select, Run { max_rows, ..run() }, |_| flow)
                .unwrap()
        };
        assert_eq!(
            with(3, ControlFlow::Continue(())),
            Ran {
                rows: 3,
                ended: Ended::Complete
            }
        );
        assert_eq!(
            with(2, ControlFlow::Continue(())),
            Ran {
                rows: 2,
                ended: Ended::RowLimit
            }
        );
        assert_eq!(
            with(3, ControlFlow::Break(())),
            Ran {
                rows: 1,
                ended: Ended::ByCaller
            }
        );
    }

    #[test]
    fn upper_and_lower_know_all_letters() {
        let fixture = fixture("CREATE TABLE t(a)");
        let sql = "SELECT sluicegate_lower('ÄÖÜ ΣΑΣ'), sluicegate_upper('straße'), sluicegate_lower(NULL), sluicegate_upper(7)";
        let mut found = String::new();
        let text = |cell: Cell<'_>| match cell {
            Cell::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
            other => format!("{other:?}"),
        };
        fixture
            .source
            .query(&statement(sql, 4), run(), |row| {
                found = (0..4).map(|at| text(row.cell(at))).collect::<Vec<_>>().join(" ");
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(found, "äöü σας STRASSE Null Integer(7)");
    }

    #[test]
    fn nothing_can_be_written_attached_or_configured() {
        let fixture = fixture("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
        let other = fixture.path.with_file_name("other.db");
        for sql in [
            "INSERT INTO t VALUES (2)",
            "INSERT INTO t VALUES (2) RETURNING a",
            "UPDATE t SET a = 2",
            "DELETE FROM t",
            "DROP TABLE t",
            "CREATE TEMP TABLE x(a)",
            "PRAGMA query_only = OFF",
            "PRAGMA writable_schema = ON",
            "PRAGMA journal_mode = WAL",
            "VACUUM",
            "SAVEPOINT s",
            "SELECT load_extension('x')",
            &format!("ATTACH '{}' AS other", other.display()),
        ] {
            let columns = usize::from(sql.starts_with("SELECT") || sql.ends_with("RETURNING a"));
            let refused =
                fixture
                    .source
                    .query(&statement(sql, columns), run(), |_| ControlFlow::Continue(()));
            assert!(refused.is_err(), "{sql}");
        }
        assert!(!other.exists());
        assert_eq!(one_integer(&fixture.source, "SELECT sum(a) FROM t"), Ok(1));
    }

    #[test]
    fn a_statement_that_does_not_fit_says_that_the_structure_changed() {
        let fixture = fixture("CREATE TABLE t(a, b)");
        for (sql, columns) in [
            ("SELECT gone FROM t", 1),
            ("SELECT a FROM gone", 1),
            ("SELECT a, b FROM t", 1),
        ] {
            let refused = rows(&fixture.source, &statement(sql, columns)).unwrap_err();
            assert!(
                matches!(refused, SourceError::StructureChanged { .. }),
                "{sql}: {refused:?}"
            );
            assert!(!refused.to_string().contains("gone"));
        }
    }

    #[test]
    fn a_statement_is_stopped_at_its_deadline() {
        let fixture = fixture("CREATE TABLE t(a)");
        let soon = Run {
            deadline: Deadline::after(Duration::from_millis(20)),
            max_rows: usize::MAX,
        };
        let outcome = fixture
            .source
            .query(&statement(ENDLESS, 1), soon, |_| ControlFlow::Continue(()));
        assert_eq!(outcome, Err(SourceError::TimedOut));
        assert_eq!(one_integer(&fixture.source, "SELECT 7"), Ok(7));
    }

    #[test]
    fn a_value_beyond_the_limit_is_refused_before_it_fills_the_memory() {
        let fixture = fixture("CREATE TABLE t(a)");
        let outcome = rows(&fixture.source, &statement("SELECT zeroblob(900000000)", 1));
        assert_eq!(outcome, Err(SourceError::ValueTooLarge));
    }

    #[test]
    fn a_lock_of_another_program_is_worth_trying_again() {
        let fixture = fixture("CREATE TABLE t(a)");
        let writer = Connection::open(&fixture.path).unwrap();
        writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let outcome = one_integer(&fixture.source, "SELECT count(*) FROM t");
        assert_eq!(outcome, Err(SourceError::Locked));
        assert!(SourceError::Locked.is_transient());
        writer.execute_batch("COMMIT").unwrap();
        assert_eq!(one_integer(&fixture.source, "SELECT count(*) FROM t"), Ok(0));
    }

    #[test]
    fn statements_of_one_read_see_one_state() {
        let fixture = fixture("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1)");
        let writer = Connection::open(&fixture.path).unwrap();
        let count = statement("SELECT count(*) FROM t", 1);
        let counts = fixture.source.read(run(), |runner| {
            let mut counts = Vec::new();
            for _ in 0..2 {
                runner.query(&count, |row| {
                    counts.push(format!("{:?}", row.cell(0)));
                    ControlFlow::Continue(())
                })?;
                writer.execute_batch("INSERT INTO t VALUES (2)").unwrap();
            }
            Ok(counts)
        });
        assert_eq!(counts, Ok(vec!["Integer(1)".to_owned(); 2]));
        assert_eq!(one_integer(&fixture.source, "SELECT count(*) FROM t"), Ok(3));
    }

    #[test]
    fn many_threads_read_at_once() {
        let fixture = fixture("CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3)");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        assert_eq!(one_integer(&fixture.source, "SELECT sum(a) FROM t"), Ok(6));
                    }
                });
            }
        });
    }

    #[test]
    fn a_reader_that_panics_leaves_a_working_source() {
        let fixture = fixture("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
        for _ in 0..3 {
            let source = Arc::clone(&fixture.source);
            let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
                source.query(&statement("SELECT a FROM t", 1), run(), |_| panic!("on purpose"))
            }));
            assert!(panicked.is_err());
        }
        assert_eq!(one_integer(&fixture.source, "SELECT count(*) FROM t"), Ok(1));
    }
}

mod replacing {
    use super::*;

    #[test]
    fn a_file_that_was_replaced_is_read_anew() {
        let fixture = fixture("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
        let version = fixture.source.schema_version().unwrap();
        assert_eq!(one_integer(&fixture.source, "SELECT a FROM t"), Ok(1));
        let next = fixture.path.with_extension("next");
        Connection::open(&next)
            .unwrap()
            .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (2)")
            .unwrap();
        std::fs::rename(&next, &fixture.path).unwrap();
        sqlite_of(&fixture.source).pool.look_again();
        assert_eq!(one_integer(&fixture.source, "SELECT a FROM t"), Ok(2));
        assert_ne!(fixture.source.schema_version().unwrap(), version);
    }

    #[test]
    fn a_file_that_vanished_is_missing_until_it_is_back() {
        let fixture = fixture("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
        let away = fixture.path.with_extension("away");
        std::fs::rename(&fixture.path, &away).unwrap();
        sqlite_of(&fixture.source).pool.look_again();
        assert_eq!(
            one_integer(&fixture.source, "SELECT a FROM t"),
            Err(SourceError::Missing)
        );
        std::fs::rename(&away, &fixture.path).unwrap();
        assert_eq!(one_integer(&fixture.source, "SELECT a FROM t"), Ok(1));
    }

    #[test]
    fn a_file_that_was_overwritten_in_place_is_read_anew() {
        let fixture = fixture("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
        assert_eq!(one_integer(&fixture.source, "SELECT a FROM t"), Ok(1));
        let next = fixture.path.with_extension("next");
        Connection::open(&next)
            .unwrap()
            .execute_batch("CREATE TABLE other(x); CREATE TABLE t(a); INSERT INTO t VALUES (2); INSERT INTO t VALUES (3)")
            .unwrap();
        std::fs::copy(&next, &fixture.path).unwrap();
        assert_eq!(one_integer(&fixture.source, "SELECT max(a) FROM t"), Ok(3));
        std::fs::write(&fixture.path, "no database any more ".repeat(500)).unwrap();
        one_integer(&fixture.source, "SELECT max(a) FROM t").unwrap_err();
        std::fs::copy(&next, &fixture.path).unwrap();
        assert_eq!(one_integer(&fixture.source, "SELECT max(a) FROM t"), Ok(3));
    }

    #[test]
    fn a_file_that_became_a_link_is_not_followed() {
        let fixture = fixture("CREATE TABLE t(a)");
        let elsewhere = fixture.path.with_extension("elsewhere");
        Connection::open(&elsewhere)
            .unwrap()
            .execute_batch("CREATE TABLE t(a)")
            .unwrap();
        std::fs::remove_file(&fixture.path).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &fixture.path).unwrap();
        sqlite_of(&fixture.source).pool.look_again();
        let refused = one_integer(&fixture.source, "SELECT count(*) FROM t").unwrap_err();
        assert!(matches!(refused, SourceError::Unreadable { .. }), "{refused:?}");
    }
}

mod streaming {
    use std::fmt::Write as _;
    use std::sync::mpsc;

    use super::*;
    use crate::{ChunkSink, Chunks, Runner};

    /// Encodes every row as a line.
    fn lines(runner: &Runner<'_>, sink: &mut ChunkSink, select: &Statement) -> Result<(), SourceError> {
        let mut outcome = Ok(());
        runner.query(select, |row| {
            if let Cell::Integer(number) = row.cell(0) {
                sink.buffer()
                    .extend_from_slice(format!("{number} some more bytes\n").as_bytes());
            }
            outcome = sink.row_written();
            if outcome.is_ok() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        outcome
    }

    fn stream(source: &Source, sql: &str, run: Run) -> Result<Chunks, SourceError> {
        let select = statement(sql, 2);
        source.stream(run, move |runner, sink| lines(runner, sink, &select))
    }

    /// Occupies the only worker until the returned sender is dropped.
    fn occupy(source: &Source) -> (mpsc::Sender<()>, Chunks) {
        let (release, held) = mpsc::channel::<()>();
        let (started, running) = mpsc::channel();
        let chunks = source.stream(run(), move |_, _| {
            started.send(()).unwrap();
            let _ = held.recv();
            Ok(())
        });
        running.recv().unwrap();
        (release, chunks.unwrap())
    }

    #[tokio::test]
    async fn a_stream_hands_out_every_row_in_order() {
        let fixture = fixture("CREATE TABLE t(a)");
        let mut chunks = stream(&fixture.source, &format!("{COUNTING} LIMIT 50000"), run()).unwrap();
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.unwrap();
            assert!(chunk.len() < 70_000);
            bytes.extend_from_slice(&chunk);
        }
        let mut expected = String::new();
        for number in 1..=50_000 {
            writeln!(expected, "{number} some more bytes").unwrap();
        }
        assert!(bytes == expected.as_bytes());
    }

    #[tokio::test]
    async fn an_error_before_the_first_row_is_the_first_item() {
        let fixture = fixture("CREATE TABLE t(a)");
        let mut chunks = stream(&fixture.source, "SELECT a, a FROM gone", run()).unwrap();
        assert!(matches!(
            chunks.next().await,
            Some(Err(SourceError::StructureChanged { .. }))
        ));
        assert!(chunks.next().await.is_none());
    }

    #[tokio::test]
    async fn a_stream_is_stopped_at_its_deadline() {
        let fixture = fixture("CREATE TABLE t(a)");
        let soon = Run {
            deadline: Deadline::after(Duration::from_millis(20)),
            max_rows: usize::MAX,
        };
        let mut chunks = stream(&fixture.source, &ENDLESS.replace("count(*)", "count(*), 1"), soon).unwrap();
        assert_eq!(chunks.next().await, Some(Err(SourceError::TimedOut)));
    }

    #[tokio::test]
    async fn dropping_the_receiver_frees_the_worker_at_once() {
        let fixture = fixture("CREATE TABLE t(a)");
        // Each gets the one place in the queue only once the worker has come back from the one before.
        let patiently = |sql: &str| loop {
            match stream(&fixture.source, sql, run()) {
                Err(SourceError::Busy) => std::thread::yield_now(),
                chunks => break chunks.unwrap(),
            }
        };
        for sql in [&ENDLESS.replace("count(*)", "count(*), 1"), COUNTING, COUNTING] {
            drop(patiently(sql));
        }
        let mut chunks = patiently("SELECT 7, 1");
        assert_eq!(
            chunks.next().await.unwrap().unwrap().as_ref(),
            b"7 some more bytes\n"
        );
    }

    #[tokio::test]
    async fn one_more_than_the_queue_holds_is_busy() {
        let fixture = fixture("CREATE TABLE t(a)");
        let (release, _held) = occupy(&fixture.source);
        let mut waiting = stream(&fixture.source, "SELECT 1, 1", run()).unwrap();
        assert_eq!(
            stream(&fixture.source, "SELECT 1, 1", run()).unwrap_err(),
            SourceError::Busy
        );
        drop(release);
        assert!(waiting.next().await.unwrap().is_ok());
    }

    #[test]
    fn short_reads_do_not_wait_for_streams() {
        let fixture = fixture("CREATE TABLE t(a)");
        let (_release, _held) = occupy(&fixture.source);
        assert_eq!(one_integer(&fixture.source, "SELECT 7"), Ok(7));
    }

    #[tokio::test]
    async fn a_job_that_panics_does_not_pass_for_a_whole_answer() {
        let fixture = fixture("CREATE TABLE t(a)");
        let mut chunks = fixture
            .source
            .stream(run(), |_, sink| {
                sink.buffer().extend_from_slice(b"half an answer");
                sink.flush()?;
                panic!("on purpose")
            })
            .unwrap();
        assert!(chunks.next().await.unwrap().is_ok());
        assert!(matches!(
            chunks.next().await,
            Some(Err(SourceError::Failed { .. }))
        ));
        let mut next = stream(&fixture.source, "SELECT 7, 1", run()).unwrap();
        assert!(next.next().await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn closing_stops_what_runs_and_what_waits() {
        let fixture = fixture("CREATE TABLE t(a)");
        let mut running = stream(&fixture.source, COUNTING, run()).unwrap();
        assert!(running.next().await.unwrap().is_ok());
        let mut waiting = stream(&fixture.source, "SELECT 1, 1", run()).unwrap();
        fixture.source.close();
        let last = loop {
            match running.next().await {
                Some(Ok(_)) => {}
                last => break last,
            }
        };
        assert_eq!(last, Some(Err(SourceError::Closed)));
        assert!(waiting.next().await.unwrap().is_err());
        assert_eq!(one_integer(&fixture.source, "SELECT 7"), Err(SourceError::Closed));
        assert_eq!(
            stream(&fixture.source, "SELECT 7, 1", run()).unwrap_err(),
            SourceError::Closed
        );
    }
}
