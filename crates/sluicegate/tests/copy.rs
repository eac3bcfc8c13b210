//! Tests of migrating an installation: served from its folder, copied by the real binary, served from
//! PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use testkit::link::Link;
use testkit::postgres::{PostgresDatabase, PostgresServer};
use testkit::{ADMIN, Installation, Random, USER, Wire, WireClient};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");

/// Runs a command, and returns its output and whether it succeeded. The output must not contain the password
/// of the database.
fn run(mut command: Command, database: &PostgresDatabase<'_>) -> (bool, String) {
    let output = command.output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let url = database.url();
    let password = url.split_once("sluicegate:").unwrap().1.split_once('@').unwrap().0;
    assert!(!text.contains(password), "{text}");
    (output.status.success(), text)
}

/// Runs a copy into the database that the environment names.
fn copy(installation: &Installation, database: &PostgresDatabase<'_>) -> Command {
    let mut command = installation.command(&["copy"]);
    command.env("SLUICEGATE_DATABASE", database.url());
    command
}

fn tokens(wire: &Wire, client: &WireClient, code: &str, verifier: &str) -> (String, String) {
    let answer = client.exchange(wire, code, verifier).unwrap();
    let text = |name: &str| answer.json()[name].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    (text("access_token"), text("refresh_token"))
}

#[test]
fn credentials_are_as_valid_after_a_migration_as_before() {
    let installation = Installation::new(BINARY);
    let database = PostgresServer::shared().create_database();
    let served = installation.serve();
    let wire = Wire::new(served.url());
    let client = WireClient::register(&wire, &USER, "Reports", &json!({})).unwrap();
    let mut random = Random::new(7);
    let verifiers: Vec<String> = (0..3).map(|_| random.verifier()).collect();
    let codes: Vec<String> =
        verifiers.iter().map(|verifier| client.code(&wire, &USER, verifier).unwrap()).collect();
    let (access, refresh) = tokens(&wire, &client, &codes[0], &verifiers[0]);
    let (ended, ended_refresh) = tokens(&wire, &client, &codes[1], &verifiers[1]);
    client.revoke(&wire, &ended_refresh).unwrap();
    let (message, text) = run(copy(&installation, &database), &database);
    assert!(!message && text.contains("is in use: stop the server"), "{text}");
    assert!(served.terminate().0.success());

    let (message, text) = run(copy(&installation, &database), &database);
    assert!(message, "{text}");
    for part in ["rows were copied and compared", "grants", "master.key", "is no longer served"] {
        assert!(text.contains(part), "{part} is missing in: {text}");
    }
    let (message, text) = run(copy(&installation, &database), &database);
    assert!(message && text.contains("nothing left to do"), "{text}");
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["user", "list"], &["migrate"]] {
        let (message, text) = run(installation.command(command), &database);
        assert!(!message && text.contains("was copied into a shared database"), "{command:?}: {text}");
    }

    let served = installation.serve_with(&[], &[("SLUICEGATE_DATABASE", &database.url())]);
    let wire = wire.at(served.url());
    let opens = |token: &str| wire.get_with_token("/api/odata4", token).unwrap().status.as_u16();
    assert_eq!((opens(&access), opens(&ended)), (200, 401));
    let page = wire.get("/account", None).unwrap();
    assert!(page.status == 200 && !page.body.contains("login-submit"), "{page:?}");
    let refreshed = client.refresh(&wire, &refresh).unwrap();
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    assert_eq!(client.refresh(&wire, &ended_refresh).unwrap().status, 400);
    // A code that was not redeemed yields tokens once; one that was redeemed before the migration revokes
    // what it yielded.
    tokens(&wire, &client, &codes[2], &verifiers[2]);
    assert_eq!(client.exchange(&wire, &codes[2], &verifiers[2]).unwrap().status, 400);
    assert_eq!(client.exchange(&wire, &codes[0], &verifiers[0]).unwrap().status, 400);
    assert_eq!(opens(&access), 401);
    assert_eq!(wire.get("/api/admin/users", Some(&ADMIN)).unwrap().status, 200);
}

#[test]
fn an_interrupted_copy_keeps_nodes_out_until_it_is_completed() {
    let installation = Installation::new(BINARY);
    let database = PostgresServer::shared().create_database();
    // Slow enough that a signal arrives long before the end.
    let link = Link::start(&database.server().address());
    let slow = Duration::from_millis(10);
    link.delay(slow, slow);
    for signal in ["INT", "KILL"] {
        let mut command = installation.command(&["copy"]);
        command.env("SLUICEGATE_DATABASE", database.url_by_way_of(&link.address()));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.starts_with("copying users: ")), "{signal}");
        let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        let ended = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success() && (signal == "KILL" || text.contains("interrupted;")), "{text}");
        for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["user", "list"], &["migrate"]] {
            let mut command = installation.command(command);
            command.env("SLUICEGATE_DATABASE", database.url());
            let (message, text) = run(command, &database);
            assert!(!message && text.contains("unfinished copy of an installation"), "{text}");
        }
    }
    let (message, text) = run(copy(&installation, &database), &database);
    assert!(message, "{text}");
    let served = installation.serve_with(&[], &[("SLUICEGATE_DATABASE", &database.url())]);
    assert_eq!(Wire::new(served.url()).get("/api/admin/users", Some(&ADMIN)).unwrap().status, 200);
}

#[test]
fn the_error_of_a_copy_names_what_is_missing() {
    let installation = Installation::new(BINARY);
    let database = PostgresServer::shared().create_database();
    let (message, text) = run(installation.command(&["copy"]), &database);
    assert!(!message && text.contains("set SLUICEGATE_DATABASE, or pass --to"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(BINARY);
    command.env_clear().args(["copy", "--to", &database.url(), "--from"]).arg(folder.path());
    let (message, text) = run(command, &database);
    assert!(!message && text.contains("contains no embedded database"), "{text}");
    let mut command = installation.command(&["copy"]);
    command.env("SLUICEGATE_DATABASE", database.url().replace("test_", "none_"));
    let (message, text) = run(command, &database);
    assert!(!message && text.contains("nothing can be copied into the database"), "{text}");
    assert!(installation.serve().terminate().0.success());
}
