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
    let echo =
        Statement { sql: "SELECT ?1, ?2, ?3, ?4, ?5".to_owned(), parameters, columns: 5, quicker: None };
    let mut seen = false;
    let ran = fixture.source.query(&echo, run(), |row| {
        seen = row.cell(0) == Cell::Null
            && row.cell(1) == Cell::Integer(i64::MIN)
            && row.cell(2) == Cell::Real(0.1)
            && row.cell(3) == Cell::Text("ü'\";--".as_bytes())
            && row.cell(4) == Cell::Blob(&[0, 255]);
        ControlFlow::Continue(())
    });
    assert_eq!(ran, Ok(Ran { rows: 1, ended: Ended::Complete }));
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
        fixture.source.query(&select, Run { max_rows, ..run() }, |_| flow).unwrap()
    };
    assert_eq!(with(3, ControlFlow::Continue(())), Ran { rows: 3, ended: Ended::Complete });
    assert_eq!(with(2, ControlFlow::Continue(())), Ran { rows: 2, ended: Ended::RowLimit });
    assert_eq!(with(3, ControlFlow::Break(())), Ran { rows: 1, ended: Ended::ByCaller });
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
    assert_eq!(found, "äöü σας STRASSE Null 7");
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
        let refused = fixture.source.query(&statement(sql, columns), run(), |_| ControlFlow::Continue(()));
        assert!(refused.is_err(), "{sql}");
    }
    assert!(!other.exists());
    assert_eq!(one_integer(&fixture.source, "SELECT sum(a) FROM t"), Ok(1));
}

#[test]
fn a_statement_that_does_not_fit_says_that_the_structure_changed() {
    let fixture = fixture("CREATE TABLE t(a, b)");
    for (sql, columns) in [("SELECT gone FROM t", 1), ("SELECT a FROM gone", 1), ("SELECT a, b FROM t", 1)] {
        let refused = rows(&fixture.source, &statement(sql, columns)).unwrap_err();
        assert!(matches!(refused, SourceError::StructureChanged { .. }), "{sql}: {refused:?}");
        assert!(!refused.to_string().contains("gone"));
    }
}

#[test]
fn a_statement_is_stopped_at_its_deadline() {
    let fixture = fixture("CREATE TABLE t(a)");
    let soon = Run { deadline: Deadline::after(Duration::from_millis(20)), max_rows: usize::MAX };
    let outcome = fixture.source.query(&statement(ENDLESS, 1), soon, |_| ControlFlow::Continue(()));
    assert_eq!(outcome, Err(SourceError::TimedOut));
    assert_eq!(one_integer(&fixture.source, "SELECT 7"), Ok(7));
}

#[test]
fn a_value_beyond_the_limit_is_refused_before_it_fills_the_memory() {
    let fixture = fixture("CREATE TABLE t(a)");
    let outcome = rows(&fixture.source, &statement("SELECT zeroblob(900000000)", 1));
    assert_eq!(outcome, Err(SourceError::ValueTooLarge));
}

/// Attack: a small file with a row that computes as much as its author likes.
#[test]
fn what_the_values_of_one_row_take_together_is_bounded() {
    let columns = (0..100).map(|n| format!(", g{n} TEXT AS (hex(zeroblob(2000000 + {n} * id)))"));
    let columns = columns.collect::<Vec<_>>().concat();
    let fixture =
        fixture(&format!("CREATE TABLE t(id INTEGER PRIMARY KEY{columns}); INSERT INTO t VALUES (1)"));
    let list: Vec<String> = (0..100).map(|n| format!("\"g{n}\"")).collect();
    let all = statement(&format!("SELECT {} FROM \"t\"", list.join(", ")), 100);
    assert_eq!(rows(&fixture.source, &all), Err(SourceError::ValueTooLarge));
    let nested = list.iter().fold("''".to_owned(), |inner, name| format!("({name} || {inner})"));
    let nested = statement(&format!("SELECT 1 FROM \"t\" WHERE {nested} = ''"), 1);
    assert_eq!(rows(&fixture.source, &nested), Err(SourceError::ValueTooLarge));
    let mut length = 0;
    let one = fixture.source.query(&statement("SELECT \"g1\" FROM \"t\"", 1), run(), |row| {
        length = if let Cell::Text(text) = row.cell(0) { text.len() } else { 0 };
        ControlFlow::Continue(())
    });
    assert_eq!((one.map(|ran| ran.rows), length), (Ok(1), 4_000_002));
}

#[test]
fn a_wide_table_whose_declaration_is_long_is_read_all_the_same() {
    let columns: Vec<String> =
        (0..1900).map(|n| format!("\"a column with a rather long name {n}\"")).collect();
    let list = columns.join(", ");
    let fixture = fixture(&format!("CREATE TABLE t({list}); INSERT INTO t DEFAULT VALUES"));
    assert!(list.len() > 64 * 1024);
    assert_eq!(rows(&fixture.source, &statement(&format!("SELECT {list} FROM t"), 1900)).unwrap().len(), 1);
    assert!(fixture.source.read_schema(run().deadline).is_ok());
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
    let counts = sqlite_of(&fixture.source).read(run(), |runner| {
        let mut counts = Vec::new();
        for _ in 0..2 {
            let mut note = |row: &SourceRow<'_>| {
                counts.push(format!("{:?}", row.cell(0)));
                ControlFlow::Continue(())
            };
            ready(runner.query(&count, &mut note))?;
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

#[test]
fn a_statement_is_compiled_once_whatever_is_bound_to_it() {
    use rusqlite::StatementStatus;

    let fixture = fixture(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y'); ANALYZE",
    );
    let by_key = |id| Statement {
        sql: "SELECT id, a FROM t WHERE id = ?1 LIMIT 2".to_owned(),
        parameters: vec![Value::Integer(id)],
        columns: 2,
        quicker: None,
    };
    for id in 1..=3 {
        let with = sqlite_of(&fixture.source).with(|connection| {
            super::super::statement::run(connection, &by_key(id), &mut |_: &SourceRow<'_>| {
                ControlFlow::Continue(())
            })?;
            let compiled = connection.prepare(&by_key(id))?;
            assert_eq!(compiled.get_status(StatementStatus::RePrepare), 0, "for the value {id}");
            Ok(())
        });
        with.unwrap();
    }
}

#[test]
fn a_quicker_statement_is_chosen_only_while_its_checks_hold() {
    use odata::statement::Quicker;
    let fixture = fixture("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)");
    let quicker = Quicker {
        checks: vec!["SELECT NOT EXISTS (SELECT 1 FROM t WHERE typeof(a) <> 'integer')".to_owned()],
        patience_millis: 2_000,
        statement: statement("SELECT 'quick'", 1),
    };
    let careful = Statement { quicker: Some(Box::new(quicker)), ..statement("SELECT 'careful'", 1) };
    let chosen = || rows(&fixture.source, &careful).unwrap();
    let quick = chosen();
    assert_eq!(quick, rows(&fixture.source, &statement("SELECT 'quick'", 1)).unwrap());
    assert_eq!(chosen(), quick);
    // Changes of another program are visible to the next statement.
    Connection::open(&fixture.path).unwrap().execute_batch("INSERT INTO t VALUES ('x')").unwrap();
    assert_eq!(chosen(), rows(&fixture.source, &statement("SELECT 'careful'", 1)).unwrap());
    Connection::open(&fixture.path).unwrap().execute_batch("DELETE FROM t WHERE a = 'x'").unwrap();
    assert_eq!(chosen(), quick);
}
