//! Each row of the table of errors, and servers that do not behave.

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use odata::statement::Unanswerable;
use sources::{Deadline, Limits, Resources, SourceError};
use testkit::link::Link;
use testkit::mariadb::MariaDbServer;

use crate::fixture::{at, far, here, line, lines_within, open, options, scene, statement, until_ended};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_failure_of_a_statement_has_its_reason() {
    let scene = scene("CREATE TABLE t(id integer); INSERT INTO t VALUES (0)");
    for (sql, expected) in [
        ("SELECT id FROM gone", "StructureChanged"),
        ("SELECT gone FROM t", "StructureChanged"),
        ("SELECT id FROM gone.t", "StructureChanged"),
        ("SELECT id, id FROM t", "StructureChanged"),
        ("DO 1", "StructureChanged"),
        ("SELECT gone(id) FROM t", "Unsupported"),
        ("SELECT 'a' COLLATE utf8mb4_gone_ci", "Unsupported"),
        ("nonsense", "Failed"),
        ("SELECT ?", "Failed"),
    ] {
        let failed = line(&scene.source, sql).await.unwrap_err();
        assert!(format!("{failed:?}").starts_with(expected), "{sql}: {failed:?}");
        assert!(!failed.to_string().contains("gone"), "only the log names tables");
    }
    for (sql, reason) in [
        ("SELECT (SELECT 1 UNION ALL SELECT 2)", Unanswerable::DivisionByZero),
        ("SELECT COT(id) FROM t", Unanswerable::NegativeLength),
        ("SELECT EXP(id + 1000) FROM t", Unanswerable::OutOfRange),
        ("SELECT 9223372036854775807 + id + 1 FROM t", Unanswerable::OutOfRange),
    ] {
        assert_eq!(line(&scene.source, sql).await, Err(SourceError::Unanswerable(reason)), "{sql}");
    }
    assert_eq!(line(&scene.source, "SELECT 7").await.as_deref(), Ok("Integer(7)"), "the source still works");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_table_is_waited_for_only_for_a_moment() {
    let scene = scene("CREATE TABLE t(id integer)");
    let locked = tokio::task::spawn_blocking({
        let (server, name) = (scene.database.server(), scene.database.name().to_owned());
        move || server.run(&name, "LOCK TABLES t WRITE; SELECT SLEEP(4)")
    });
    let sleeps = "SELECT COUNT(*) FROM information_schema.processlist WHERE info = 'SELECT SLEEP(4)'";
    while line(&scene.source, sleeps).await != Ok("Integer(1)".to_owned()) {
        tokio::task::yield_now().await;
    }
    assert_eq!(line(&scene.source, "SELECT COUNT(*) FROM t").await, Err(SourceError::Locked));
    drop(locked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_failure_to_sign_in_has_its_reason() {
    let scene = scene("CREATE OR REPLACE USER stranger@'%' IDENTIFIED BY 'a stranger''s'");
    let refused = async |changes: &[(&str, &str)]| {
        let mut changed = options(scene.database.server(), scene.database.name());
        changed.extend(changes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let source = open(changed, &scene.resources);
        line(&source, "SELECT 1").await.unwrap_err()
    };
    for (changes, expected) in [
        ([("Password", "wrong")].as_slice(), "SignInRefused"),
        (&[("User", "nobody")], "SignInRefused"),
        (&[("Database", "gone")], "NoDatabase"),
        (&[("User", "stranger"), ("Password", "a stranger's")], "NotPermitted"),
        (&[("EncryptionMethod", "SSL")], "NoTls"),
        (&[("PortNumber", "1")], "ConnectionRefused"),
        (&[("ServerName", "127.0.0.2")], "HostNotAllowed"),
    ] {
        let error = refused(changes).await;
        assert!(format!("{error:?}").starts_with(expected), "{changes:?}: {error:?}");
        assert!(!format!("{error:?} {error}").contains("wrong"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_recovers_when_its_server_does() {
    let server = MariaDbServer::start(&[], None);
    let resources = Resources::new(Limits::default(), 4, here());
    let source = open(options(&server, "mysql"), &resources);
    assert_eq!(line(&source, "SELECT 1").await.as_deref(), Ok("Integer(1)"));
    server.kill();
    let down = line(&source, "SELECT 1").await.unwrap_err();
    assert!(matches!(down, SourceError::ConnectionRefused { .. }), "{down:?}");
    server.start_again();
    assert_eq!(line(&source, "SELECT 1").await.as_deref(), Ok("Integer(1)"), "by itself");
    // A connection that the server closed while it waited is not used.
    let others = "SELECT GROUP_CONCAT(id) FROM information_schema.processlist WHERE command = 'Sleep'";
    let id = server.run("mysql", others).unwrap();
    server.run("mysql", &format!("KILL {id}")).unwrap();
    assert_eq!(line(&source, "SELECT 1").await.as_deref(), Ok("Integer(1)"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_falls_silent_in_the_middle_is_given_up() {
    let scene = scene("");
    let link = Link::start(&scene.database.server().address());
    let resources = Resources::new(Limits::default(), 4, here());
    let (user, password) = scene.database.server().owner();
    let port = link.address().rsplit_once(':').unwrap().1.parse().unwrap();
    let source = open(
        at(port, [("Database", scene.database.name()), ("User", user), ("Password", password)]),
        &resources,
    );
    assert_eq!(line(&source, "SELECT 1").await.as_deref(), Ok("Integer(1)"));
    link.half_open();
    let late = lines_within(
        &source,
        statement("SELECT 1", 1, Vec::new()),
        Deadline::after(Duration::from_millis(50)),
    );
    assert_eq!(late.await, Err(SourceError::TimedOut));
    link.cut();
    let gone = line(&source, "SELECT 1").await.unwrap_err();
    assert!(gone.is_of_absent_server(), "{gone:?}");
    link.pass();
    assert_eq!(line(&source, "SELECT 1").await.as_deref(), Ok("Integer(1)"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_server_of_mysql_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answers: [&[u8]; 5] = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"",
        b"\xff\xff\xff\0",
        b"\x02\0\0\0\x0a1",
        b"\x01\0\0\x01\x0a",
    ];
    let serving = std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(answer).unwrap();
        }
    });
    let resources = Resources::new(Limits::default(), 4, here());
    for answer in answers {
        let options = at(port, [("Database", "sales"), ("User", "reader"), ("Password", "secret")]);
        let failed = open(options, &resources).describe(far()).await.unwrap_err();
        assert!(matches!(failed, SourceError::Unreachable { .. }), "{answer:?}: {failed:?}");
    }
    serving.join().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_nobody_waits_for_stops_in_the_database() {
    let scene = scene("");
    let endless = statement("SELECT SUM(seq % 11) FROM seq_1_to_9000000000000000000", 1, Vec::new());
    let late = lines_within(&scene.source, endless, Deadline::after(Duration::from_millis(100))).await;
    assert_eq!(late, Err(SourceError::TimedOut));
    until_ended(&scene.source, "SUM(seq % 11)").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_itself_ends_a_statement_at_its_time_limit() {
    let scene = scene("");
    let limit = "SELECT @@max_statement_time BETWEEN 60 AND 61, @@tx_read_only, @@time_zone, @@sql_mode";
    let found = crate::fixture::lines(&scene.source, statement(limit, 4, Vec::new())).await.unwrap();
    let expected = "Integer(1)|Integer(1)|Text(\"+00:00\")|Text(\"NO_UNSIGNED_SUBTRACTION,NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES\")";
    assert_eq!(found, [expected]);
}
