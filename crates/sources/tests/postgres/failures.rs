//! Each row of the table of errors, and servers that do not behave.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use odata::cell::Value;
use odata::statement::Unanswerable;
use sources::{Deadline, Limits, Resources, SourceError};
use testkit::link::Link;
use testkit::postgres::{PostgresServer, PostgresSettings};

use crate::fixture::{far, here, line, lines_within, open, options, scene, statement, until_ended};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_failure_of_a_statement_has_its_reason() {
    let scene = scene("CREATE TABLE t(id integer); CREATE TABLE secret(id integer)");
    for (sql, expected) in [
        ("SELECT id FROM public.gone", "StructureChanged"),
        ("SELECT gone FROM public.t", "StructureChanged"),
        ("SELECT id FROM gone.t", "StructureChanged"),
        ("SELECT id, id FROM public.t", "StructureChanged"),
        ("SELECT", "StructureChanged"),
        ("SELECT gone(id) FROM public.t", "Unsupported"),
        ("SELECT 'a' COLLATE gone", "Unsupported"),
        ("SELECT 'abc'::integer", "Failed"),
        ("nonsense", "Failed"),
    ] {
        let failed = line(&scene.source, sql).await.unwrap_err();
        assert!(format!("{failed:?}").starts_with(expected), "{sql}: {failed:?}");
        assert!(!failed.to_string().contains("gone"), "only the log names tables");
    }
    for (sql, reason) in [
        ("SELECT 1 / (id - id) FROM (VALUES (1)) AS t(id)", Unanswerable::DivisionByZero),
        ("SELECT substring('abc' FROM 1 FOR -1)", Unanswerable::NegativeLength),
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
        move || server.run(&name, "BEGIN; LOCK TABLE t; SELECT pg_sleep(3); COMMIT")
    });
    // Other tests lock tables on the same server.
    let is_locked = "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database AND d.datname = current_database()
        WHERE relation = 'public.t'::regclass AND mode = 'AccessExclusiveLock' AND granted";
    while line(&scene.source, is_locked).await != Ok("Integer(1)".to_owned()) {
        tokio::task::yield_now().await;
    }
    assert_eq!(line(&scene.source, "SELECT count(*) FROM public.t").await, Err(SourceError::Locked));
    drop(locked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_failure_to_sign_in_has_its_reason() {
    let scene = scene(
        "CREATE ROLE stranger LOGIN PASSWORD 'a stranger''s'; REVOKE CONNECT ON DATABASE template1 FROM PUBLIC",
    );
    let url = scene.database.url();
    let refused = async |changes: &[(&str, &str)]| {
        let mut changed = options(&url);
        changed.extend(changes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let source = open(changed, &scene.resources);
        line(&source, "SELECT 1").await.unwrap_err()
    };
    for (changes, expected) in [
        ([("Password", "wrong")].as_slice(), "SignInRefused"),
        (&[("User", "nobody")], "SignInRefused"),
        (&[("Database", "gone")], "NoDatabase"),
        (&[("User", "stranger"), ("Password", "a stranger's"), ("Database", "template1")], "NotPermitted"),
        (&[("EncryptionMethod", "SSL")], "NoTls"),
        (&[("PortNumber", "1")], "ConnectionRefused"),
        (&[("ServerName", "127.0.0.2")], "HostNotAllowed"),
    ] {
        let error = refused(changes).await;
        assert!(format!("{error:?}").starts_with(expected), "{changes:?}: {error:?}");
        assert!(!format!("{error:?} {error}").contains("wrong"), "{error:?}");
    }
    scene
        .database
        .run("CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'");
    assert_eq!(refused(&[("Database", "bytes")]).await, SourceError::UnknownCharacters);
    scene.database.run("DROP DATABASE bytes");
    let hosts = "gone.invalid".parse().unwrap();
    let resources = Resources::new(Limits::default(), 4, sources::AllowedHosts::new(vec![hosts]));
    let mut elsewhere = options(&url);
    elsewhere.insert("ServerName".to_owned(), "gone.invalid".to_owned());
    let error = line(&open(elsewhere, &resources), "SELECT 1").await.unwrap_err();
    assert!(matches!(error, SourceError::Unresolved { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_character_that_the_encoding_lacks_is_refused_and_those_that_it_has_are_found() {
    let scene =
        scene("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'");
    let mut latin = options(&scene.database.url());
    latin.insert("Database".to_owned(), "latin".to_owned());
    let source = open(latin, &scene.resources);
    let found = async |text: &str| {
        let statement = statement("SELECT 'ä' = $1", 1, vec![Value::Text(text.to_owned())]);
        lines_within(&source, statement, far()).await
    };
    assert_eq!(found("ä").await.unwrap(), ["Integer(1)"]);
    let refused = found("€").await.unwrap_err();
    assert!(matches!(refused, SourceError::Unsupported { .. }), "{refused:?}");
    drop(source);
    scene.database.run("DROP DATABASE latin WITH (FORCE)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_recovers_when_its_server_does() {
    let server = PostgresServer::start(&PostgresSettings::default());
    let resources = Resources::new(Limits::default(), 4, here());
    let source = open(options(&server.url("postgres")), &resources);
    assert_eq!(line(&source, "SELECT 1").await.as_deref(), Ok("Integer(1)"));
    server.kill();
    let down = line(&source, "SELECT 1").await.unwrap_err();
    assert!(down.is_of_absent_server(), "{down:?}");
    server.start_again();
    assert_eq!(line(&source, "SELECT 1").await.as_deref(), Ok("Integer(1)"), "by itself");
    // A connection that the server closed while it waited is not used.
    let ended =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'sluicegate'";
    while server.run("postgres", ended).unwrap() != "0" {}
    assert_eq!(line(&source, "SELECT 1").await.as_deref(), Ok("Integer(1)"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_falls_silent_in_the_middle_of_a_row_is_given_up() {
    let scene = scene("");
    let link = Link::start(&scene.database.server().address());
    let resources = Resources::new(Limits::default(), 4, here());
    let source = open(options(&scene.database.url_by_way_of(&link.address())), &resources);
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
async fn what_is_no_server_of_postgresql_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answers: [&[u8]; 4] = [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"R\xff\xff\xff\xff", b"R\0\0\0\0"];
    let serving = std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]);
            stream.write_all(answer).unwrap();
        }
    });
    let resources = Resources::new(Limits::default(), 4, here());
    let url = format!("postgres://reader:secret@127.0.0.1:{port}/sales");
    for _ in answers {
        let failed = open(options(&url), &resources).describe(far()).await.unwrap_err();
        assert!(matches!(failed, SourceError::Unreachable { .. }), "{failed:?}");
    }
    serving.join().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_accepts_and_stays_silent_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let resources = Resources::new(Limits::default(), 4, here());
    for encryption in ["SSL", "noEncryption"] {
        let mut options = options(&format!("postgres://reader:secret@127.0.0.1:{port}/sales"));
        options.insert("EncryptionMethod".to_owned(), encryption.to_owned());
        let silent = open(options, &resources).examine(far()).await.unwrap_err();
        assert!(matches!(silent, SourceError::NoAnswer { .. }), "{encryption}: {silent:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_icu_is_served_and_refuses_to_change_letters() {
    let scene = scene("CREATE TABLE t(id integer PRIMARY KEY, name text)");
    scene.database.run(
        "SET allow_system_table_mods = on; DELETE FROM pg_catalog.pg_collation WHERE collname = 'und-x-icu'",
    );
    let examined = scene.source.examine(far()).await.unwrap();
    assert_eq!(examined.described.schema.tables.len(), 1);
    let [finding] = examined.described.findings.as_slice() else { panic!("{examined:?}") };
    assert!(finding.message.contains("lacks the collation und-x-icu of ICU"), "{}", finding.message);
    let refused = line(&scene.source, "SELECT lower('Ä' COLLATE \"und-x-icu\")").await.unwrap_err();
    assert!(matches!(refused, SourceError::Unsupported { .. }), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_nobody_waits_for_stops_in_the_database() {
    let scene = scene("");
    let endless = statement(
        "SELECT count(*) FROM (SELECT generate_series(1, 9223372036854775807)) AS c",
        1,
        Vec::new(),
    );
    let late = lines_within(&scene.source, endless, Deadline::after(Duration::from_millis(100))).await;
    assert_eq!(late, Err(SourceError::TimedOut));
    until_ended(&scene.source, "generate_series(1, 9").await;
}
