//! Tests of the PostgreSQL test servers: their settings, what survives `kill -9`, and that nothing is left
//! behind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use testkit::postgres::{PostgresServer, PostgresSettings, PostgresTls};

fn durable() -> PostgresServer {
    PostgresServer::start(&PostgresSettings { durable: true, ..PostgresSettings::default() })
}

/// The ids of the processes that work in a folder.
fn processes_in(folder: &Path) -> Vec<String> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let here = all.filter(|entry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|at| at == folder));
    here.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// The error message of a client that is not allowed to connect.
fn refusal(url: &str) -> String {
    let output = Command::new("psql").args(["--no-password", "--command", "SELECT 1", url]).output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn each_test_has_its_own_database_on_the_shared_server() {
    let server = PostgresServer::shared();
    let (first, second) = (server.create_database(), server.create_database());
    first.run("CREATE TABLE ships (name text); INSERT INTO ships VALUES ('Anna'), ('Berta')");
    assert_eq!(first.run("SELECT name, length(name) FROM ships ORDER BY 1"), "Anna|4\nBerta|5");
    assert_eq!(second.run("SELECT count(*) FROM pg_tables WHERE tablename = 'ships'"), "0");
    let third = server.create_database_from(first.name());
    assert_eq!(third.run("SELECT count(*) FROM ships"), "2");
    let name = first.name().to_owned();
    drop(first);
    let left = server.run("postgres", &format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'"));
    assert_eq!(left.unwrap(), "0");
}

#[test]
fn errors_of_statements_are_returned() {
    let message = PostgresServer::shared().run("postgres", "SELECT nonsense").unwrap_err();
    assert!(message.contains("column \"nonsense\" does not exist"), "{message}");
}

#[test]
fn passwords_are_verified_by_scram() {
    let database = PostgresServer::shared().create_database();
    let hashed = database.run("SELECT rolpassword FROM pg_authid WHERE rolname = current_user");
    assert!(hashed.starts_with("SCRAM-SHA-256$"), "{hashed}");
    let wrong = database.url().replacen("sluicegate:", "sluicegate:not-", 1);
    let message = refusal(&wrong);
    assert!(message.contains("password authentication failed"), "{wrong}: {message}");
}

#[test]
fn commits_survive_kill_9_and_processes_do_not() {
    let server = durable();
    let database = server.create_database();
    database.run("CREATE TABLE ships (name text)");
    for round in 1..=3 {
        database.run("INSERT INTO ships VALUES ('Anna')");
        let before = processes_in(server.data_folder());
        assert!(before.len() > 3, "a postmaster and its children: {before:?}");
        server.kill();
        assert!(processes_in(server.data_folder()).is_empty());
        assert!(server.run(database.name(), "SELECT 1").is_err());
        server.start_again();
        assert_eq!(database.run("SELECT count(*) FROM ships"), round.to_string());
    }
    assert!(server.log().contains("automatic recovery in progress"), "{}", server.log());
}

#[test]
fn a_server_that_was_stopped_in_order_has_nothing_to_recover() {
    let server = durable();
    let database = server.create_database();
    server.stop();
    server.start_again();
    assert_eq!(database.run("SELECT 1"), "1");
    assert!(!server.log().contains("automatic recovery in progress"), "{}", server.log());
}

#[test]
fn only_the_durable_server_waits_for_the_disk() {
    let query = "SELECT current_setting('fsync'), current_setting('synchronous_commit')";
    assert_eq!(durable().run("postgres", query).unwrap(), "on|on");
    assert_eq!(PostgresServer::shared().run("postgres", query).unwrap(), "off|off");
}

#[test]
fn a_server_with_a_certificate_refuses_connections_without_tls() {
    let certificates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sluicegate/tests/certificates");
    let (certificate, key) = (certificates.join("first.pem"), certificates.join("first.key"));
    let tls = Some(PostgresTls { certificate, key });
    let server = PostgresServer::start(&PostgresSettings { tls, ..PostgresSettings::default() });
    let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(server.run("postgres", query).unwrap(), "t");
    let message = refusal(&format!("{}?sslmode=disable", server.url("postgres")));
    assert!(message.contains("no encryption"), "{message}");
}

#[test]
fn a_dropped_server_leaves_neither_processes_nor_files_nor_shared_memory() {
    let memory = || std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    for killed_before in [false, true] {
        let server = durable();
        let (data, pid_file) = (server.data_folder().to_owned(), server.data_folder().join("postmaster.pid"));
        let id = std::fs::read_to_string(pid_file).unwrap();
        let id = id.lines().nth(6).unwrap().split_whitespace().nth(1).unwrap().to_owned();
        let has_memory = || memory().lines().any(|line| line.split_whitespace().nth(1) == Some(&id));
        assert!(has_memory());
        if killed_before {
            server.kill();
        }
        drop(server);
        assert!(processes_in(&data).is_empty());
        assert!(!data.parent().unwrap().exists());
        assert!(!has_memory());
    }
}

#[test]
fn a_killed_test_process_leaves_nothing_behind() {
    let mut process = Command::new(env!("CARGO_BIN_EXE_test-postgres"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("postgres://sluicegate:"));
    let data = PathBuf::from(lines.next().unwrap().unwrap());
    assert!(processes_in(&data).len() > 3);
    process.kill().unwrap();
    process.wait().unwrap();
    // The watchdog holds the other end of this pipe until it has cleaned up.
    let mut message = String::new();
    process.stderr.take().unwrap().read_to_string(&mut message).unwrap();
    assert!(processes_in(&data).is_empty(), "{message}");
    assert!(!data.parent().unwrap().exists(), "{message}");
}
