//! Tests of the commands that work on an installation, with and without a running server.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use testkit::Installation;
use testkit::Wire;
use testkit::{ADMIN, TestUser, USER};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");

/// The output of a command, and whether it succeeded.
struct Printed {
    success: bool,
    out: String,
    err: String,
}

fn run(mut command: Command) -> Printed {
    let output = command.output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints UTF-8");
    Printed { success: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs a command that must succeed.
fn good(installation: &Installation, arguments: &[&str]) -> String {
    let message = run(installation.command(arguments));
    assert!(message.success, "{arguments:?}: {}", message.err);
    message.out
}

/// Waits until a running server has polled for the change of the command line, at most a quarter of a second
/// later.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    assert!((0..20_000).any(|_| holds()), "{what}");
}

fn init(folder: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.env_clear().args(["init", "--data-dir"]).arg(folder).stdin(Stdio::null());
    command
}

fn init_if_needed(folder: &Path) -> Command {
    let mut command = init(folder);
    command.arg("--if-needed");
    command
}

#[test]
fn the_master_key_is_for_its_owner_alone() {
    let installation = Installation::new(BINARY);
    for file in ["master.key", "sluicegate.db"] {
        let mode = std::fs::metadata(installation.data_dir().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn a_second_init_is_refused_and_changes_nothing() {
    let installation = Installation::new(BINARY);
    let read = |file: &str| std::fs::read(installation.data_dir().join(file)).unwrap();
    let before = (read("master.key"), read("sluicegate.db"));
    let message = run(init(&installation.data_dir()));
    assert!(!message.success);
    assert!(message.err.contains("nothing was changed"), "{}", message.err);
    assert!(before == (read("master.key"), read("sluicegate.db")));
    let message = run(init_if_needed(&installation.data_dir()));
    assert!(message.success && message.out.contains("nothing was changed"), "{}{}", message.out, message.err);
    assert!(before == (read("master.key"), read("sluicegate.db")));
    std::fs::rename(installation.data_dir().join("master.key"), installation.folder().join("key")).unwrap();
    let message = run(init_if_needed(&installation.data_dir()));
    assert!(!message.success && message.err.contains("not its master key"), "{}", message.err);
}

#[test]
fn omitted_passwords_are_generated_and_printed_once() {
    let folder = tempfile::tempdir().unwrap();
    let message = run(init(&folder.path().join("data")));
    assert!(message.success, "{}", message.err);
    assert_eq!(message.out.matches("it is shown only now").count(), 2, "{}", message.out);
}

#[test]
fn an_invalid_password_is_refused_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = init(&data);
    command.env("SLUICEGATE_ADMIN_PASSWORD", "short");
    let message = run(command);
    assert!(!message.success);
    assert!(message.err.contains("at least 12 characters"), "{}", message.err);
    assert!(!data.exists());
}

#[test]
fn a_half_initialised_folder_is_reported_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("unfinished-init")).unwrap();
    let message = run(init(folder.path()));
    assert!(!message.success);
    assert!(message.err.contains("half initialised") && message.err.contains("delete"), "{}", message.err);
}

#[test]
fn a_master_key_in_the_environment_is_not_written_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let key = "A".repeat(43);
    let mut command = init(&data);
    command.env("SLUICEGATE_MASTER_KEY", &key);
    assert!(run(command).success);
    assert!(!data.join("master.key").exists());
    let list = |key: Option<&str>| {
        let mut command = Command::new(BINARY);
        command.env_clear().args(["user", "list", "--data-dir"]).arg(&data);
        command.envs(key.map(|key| ("SLUICEGATE_MASTER_KEY", key)));
        run(command)
    };
    assert!(list(Some(&key)).success);
    assert!(list(None).err.contains("not its master key"));
    let wrong = format!("B{}", &key[1..]);
    assert!(list(Some(&wrong)).err.contains("not the one of this database"));
}

#[test]
fn users_are_managed_beside_a_running_server() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let ada = TestUser { name: "ada", password: "walks-along-the-quay-at-night" };
    let mut add =
        installation.command(&["user", "add", ada.name, "--role", "Administrator", "--password-stdin"]);
    let mut child = add.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", ada.password).unwrap();
    assert!(child.wait().unwrap().success());
    let status = || Wire::new(served.url()).get("/api/admin/users", Some(&ada)).unwrap().status.as_u16();
    eventually("it is let in", || status() == 200);
    assert!(good(&installation, &["user", "list"]).contains("ada"));
    good(&installation, &["user", "disable", "ADA"]);
    eventually("it is refused", || status() == 401);
    good(&installation, &["user", "enable", "ada"]);
    good(&installation, &["user", "unlock", "ada"]);
    eventually("it is let in", || status() == 200);
    let message = good(&installation, &["user", "set-password", "ada"]);
    assert!(message.contains("it is shown only now"), "{message}");
    eventually("it is refused", || status() == 401);
    good(&installation, &["user", "delete", "ada", "--yes"]);
    let message = run(installation.command(&["user", "delete", "ada", "--yes"]));
    assert!(message.err.contains("there is no user ada"), "{}", message.err);
}

#[test]
fn the_last_administrator_stays() {
    let installation = Installation::new(BINARY);
    for command in [&["user", "disable", ADMIN.name][..], &["user", "delete", ADMIN.name, "--yes"]] {
        let message = run(installation.command(command));
        assert!(message.err.contains("no active Administrator would remain"), "{}", message.err);
    }
}

#[test]
fn applications_are_managed_under_the_rules_of_the_api() {
    let installation = Installation::new(BINARY);
    let message =
        run(installation.command(&["application", "register", " ", "--redirect-url", "javascript:x"]));
    assert!(
        message.err.contains("the name ") && message.err.contains("--redirect-url (number 1) "),
        "{}",
        message.err
    );
    let url = "https://reports.example.org/callback";
    let register = ["application", "register", "Reports", "--owner", USER.name, "--redirect-url", url];
    let message = good(&installation, &register);
    assert!(message.contains("clientSecret  sgs_"), "{message}");
    assert!(good(&installation, &["application", "list", "--owner", USER.name]).contains("Reports"));
    assert!(!good(&installation, &["application", "list", "--owner", ADMIN.name]).contains("Reports"));
    assert!(good(&installation, &["application", "show", "1"]).contains(url));
    assert!(
        good(&installation, &["application", "reset-secret", "1", "--yes"])
            .contains("all earlier access is revoked")
    );
    good(&installation, &["application", "delete", "1", "--yes"]);
    let message = run(installation.command(&["application", "show", "1"]));
    assert!(message.err.contains("there is no application 1"), "{}", message.err);
}

#[test]
fn data_sources_are_added_shared_and_deleted() {
    let installation = Installation::new(BINARY);
    let file = installation.folder().join("shop.sqlite");
    let database = rusqlite::Connection::open(&file).unwrap();
    database.execute_batch("CREATE TABLE Orders (Id INTEGER PRIMARY KEY, Total DECIMAL(9, 2))").unwrap();
    drop(database);
    let served = installation.serve();
    // The path is relative to the current folder of the command.
    good(&installation, &["data-source", "add", "shop", "shop.sqlite"]);
    // A response in progress is aborted when the access is revoked.
    let read = || {
        let answer = Wire::new(served.url()).get("/api/odata4/shop/Orders", Some(&USER));
        answer.ok().map(|answer| answer.status.as_u16())
    };
    assert_eq!(read(), Some(404));
    assert!(good(&installation, &["data-source", "share", "Shop", USER.name]).contains(USER.name));
    eventually("the user reads it", || read() == Some(200));
    assert!(
        good(&installation, &["data-source", "share", "shop", USER.name, "--stop"]).contains("is not shared")
    );
    eventually("the user reads it no more", || read() == Some(404));
    assert!(good(&installation, &["data-source", "list"]).contains("shop.sqlite"));
    good(&installation, &["data-source", "delete", "shop", "--yes"]);
    assert!(file.exists());
    let own = installation.data_dir().join("sluicegate.db");
    let message = run(installation.command(&["data-source", "add", "own", own.to_str().unwrap()]));
    assert!(message.err.contains("the server's own files, which are never served"), "{}", message.err);
}

#[test]
fn keys_are_rotated_and_listed() {
    let installation = Installation::new(BINARY);
    assert!(good(&installation, &["keys", "rotate"]).contains("key 2 is created"));
    let listed = good(&installation, &["keys", "list"]);
    assert!(listed.contains("seals") && listed.contains("announced"), "{listed}");
}

#[test]
fn signing_keys_are_rotated_listed_and_retired() {
    let installation = Installation::new(BINARY);
    let keys = |arguments: &[&str]| good(&installation, &[&["keys", "signing"], arguments].concat());
    assert!(keys(&["rotate", "--algorithm", "ES256", "--now"]).contains("ES256 key 3 is created"));
    let listed = keys(&["list"]);
    assert!(listed.contains("EdDSA") && listed.contains("signs") && listed.contains("announced"), "{listed}");
    assert!(keys(&["retire", "ES256", "--yes"]).contains("keys deleted: 1"));
    let listed: serde_json::Value = serde_json::from_str(&keys(&["list", "--json"])).unwrap();
    let states: Vec<_> =
        listed.as_array().unwrap().iter().map(|key| key["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["signs", "signs"]);
    let message = run(installation.command(&["keys", "signing", "rotate", "--algorithm", "HS256"]));
    assert!(message.err.contains("it must be EdDSA, ES256, RS256 or PS256"), "{}", message.err);
}

#[test]
fn migrating_a_current_database_changes_nothing() {
    let installation = Installation::new(BINARY);
    assert!(good(&installation, &["migrate"]).contains("has the schema of this version"));
}

#[test]
fn the_generated_documents_are_the_committed_ones() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(BINARY);
    command.env_clear().arg("generate-docs").arg(folder.path());
    assert!(run(command).success);
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for name in ["configuration.md", "configuration.schema.json", "errors.md", "openapi.json"] {
        let generated = std::fs::read_to_string(folder.path().join(name)).unwrap();
        let committed = std::fs::read_to_string(committed.join(name)).unwrap_or_default();
        assert!(generated == committed, "docs/{name} is stale: run `cargo xtask docs`");
    }
}
