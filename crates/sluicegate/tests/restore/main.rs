//! Restoring an older backup never brings back revoked access: the real binary, from the backup under load to the next start.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use testkit::{ADMIN, Installation, OTHER, Random, Served, TestUser, USER, Wire, WireClient};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");
const ALLOWED: &str = "/api/mgmt/oauth/client/allowedapplications";

fn run(installation: &Installation, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    installation.command(arguments).envs(variables.iter().copied()).output().unwrap()
}

fn good(installation: &Installation, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let told = run(installation, arguments, variables);
    assert!(told.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).unwrap()
}

fn with_password(installation: &Installation, arguments: &[&str], password: &str) {
    let mut command = installation.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "{arguments:?}");
}

fn serve(installation: &Installation) -> Served {
    installation.serve_with(&[], &[("SLUICEGATE_DATA_SOURCES__PAGE_SIZE", "2")])
}

/// A table of five rows, which takes three pages.
fn add_shop(installation: &Installation) {
    let path = installation.folder().join("shop.sqlite");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(
        "CREATE TABLE Items (id INTEGER PRIMARY KEY); INSERT INTO Items VALUES (1), (2), (3), (4), (5)",
    )
    .unwrap();
    good(installation, &["data-source", "add", "shop", path.to_str().unwrap(), "--owner", USER.name], &[]);
}

/// Everything that one client was handed out.
struct Handed {
    access: String,
    refresh: String,
    code: String,
    next_link: String,
}

const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more-x";

fn hand_out(wire: &Wire, client: &WireClient) -> Handed {
    let verifier = Random::new(7).verifier();
    let code = client.code(wire, &USER, &verifier).unwrap();
    let answer = client.exchange(wire, &code, &verifier).unwrap();
    let text = |name: &str| answer.json()[name].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    let access = text("access_token");
    let page = wire.get_with_token("/api/odata4/shop/Items", &access).unwrap();
    let next_link = page.json()["@odata.nextLink"].as_str().unwrap_or_else(|| panic!("{page:?}")).to_owned();
    let (_, next_link) = next_link.split_once("/api/").unwrap();
    let code = client.code(wire, &USER, VERIFIER).unwrap();
    Handed { access, refresh: text("refresh_token"), code, next_link: format!("/api/{next_link}") }
}

fn is_dead(handed: &Handed, wire: &Wire, client: &WireClient, fresh: Option<&Handed>) {
    assert_eq!(wire.get_with_token("/api/odata4", &handed.access).unwrap().status, 401);
    assert!(!client.is_active(wire, &handed.access).unwrap());
    assert_eq!(client.refresh(wire, &handed.refresh).unwrap().status, 400);
    assert_eq!(client.exchange(wire, &handed.code, VERIFIER).unwrap().status, 400);
    if let Some(fresh) = fresh {
        assert_eq!(wire.get_with_token(&fresh.next_link, &fresh.access).unwrap().status, 200);
        assert_eq!(wire.get_with_token(&handed.next_link, &fresh.access).unwrap().status, 400);
    }
}

/// Whether client id and secret are accepted; what is refreshed is nothing.
fn authenticates(wire: &Wire, client: &WireClient) -> bool {
    client.refresh(wire, "sgr_nothing").unwrap().status != 401
}

fn signs_in(wire: &Wire, name: &'static str, password: &'static str) -> bool {
    Wire::get(wire, ALLOWED, Some(&TestUser { name, password })).unwrap().status == 200
}

/// Backs up while clients register, sign in and refresh.
fn back_up_under_load(installation: &Installation, served: &Served, to: &Path) -> String {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for hand in 0..2 {
            let done = &done;
            scope.spawn(move || {
                let wire = Wire::new(served.url());
                let client = WireClient::register(&wire, &USER, &format!("Load {hand}"), &json!({})).unwrap();
                let mut newest = hand_out(&wire, &client).refresh;
                while !done.load(Ordering::SeqCst) {
                    let answer = client.refresh(&wire, &newest).unwrap();
                    assert_eq!(answer.status, 200, "{answer:?}");
                    if let Some(next) = answer.json()["refresh_token"].as_str() {
                        next.clone_into(&mut newest);
                    }
                    WireClient::register(&wire, &USER, &format!("Load {hand}"), &json!({})).unwrap();
                }
            });
        }
        let told = good(installation, &["backup", "--to", to.to_str().unwrap()], &[]);
        done.store(true, Ordering::SeqCst);
        told
    })
}

/// Clients and users, some of whom lose their access after the backup.
struct Cast {
    kept: WireClient,
    reset: WireClient,
    deleted: WireClient,
}

impl Cast {
    fn new(installation: &Installation, wire: &Wire) -> Self {
        let register = |name: &str| WireClient::register(wire, &USER, name, &json!({})).unwrap();
        with_password(installation, &["user", "add", OTHER.name, "--password-stdin"], OTHER.password);
        with_password(installation, &["user", "add", "off", "--password-stdin"], OTHER.password);
        Self { kept: register("Kept"), reset: register("Reset"), deleted: register("Deleted") }
    }

    /// Answers the client with its new secret.
    fn end_access(&self, installation: &Installation) -> WireClient {
        let number = |client: &WireClient| client.id.to_string();
        let printed = good(installation, &["application", "reset-secret", &number(&self.reset)], &[]);
        let secret = printed.split_whitespace().find(|word| word.starts_with("sgs_")).unwrap();
        good(installation, &["application", "delete", &number(&self.deleted)], &[]);
        good(installation, &["user", "disable", "off"], &[]);
        with_password(installation, &["user", "set-password", OTHER.name, "--password-stdin"], USER.password);
        WireClient { client_secret: secret.to_owned(), ..self.reset.clone() }
    }
}

#[test]
fn what_was_handed_out_or_ended_is_dead_after_a_restore_and_the_rest_works() {
    let installation = Installation::new(BINARY);
    add_shop(&installation);
    let served = serve(&installation);
    let wire = Wire::new(served.url());
    let cast = Cast::new(&installation, &wire);
    let before = hand_out(&wire, &cast.kept);
    let backup = installation.folder().join("backup.db");
    let told = back_up_under_load(&installation, &served, &backup);
    assert!(told.contains("The master key is not in it"), "{told}");
    let after = hand_out(&wire, &cast.kept);
    let late = WireClient::register(&wire, &USER, "Late", &json!({})).unwrap();
    let with_new_secret = cast.end_access(&installation);
    assert!(served.terminate().0.success());

    let told = good(&installation, &["restore", "--from", backup.to_str().unwrap()], &[]);
    for line in
        ["applications stay deleted: 1", "users switched off: 1", "passwords are the newer ones: 1", "Late"]
    {
        assert!(told.contains(line), "{line}: {told}");
    }
    let served = serve(&installation);
    let wire = wire.at(served.url());
    let account = wire.get("/account", None).unwrap();
    assert!(account.body.contains("login-submit"), "the cookie still opens: {account:?}");
    let fresh = hand_out(&wire, &cast.kept);
    for old in [&before, &after] {
        is_dead(old, &wire, &cast.kept, Some(&fresh));
    }
    assert!(authenticates(&wire, &cast.kept) && authenticates(&wire, &with_new_secret));
    for refused in [&cast.reset, &cast.deleted, &late] {
        assert!(!authenticates(&wire, refused), "{refused:?}");
    }
    assert!(!signs_in(&wire, "off", OTHER.password));
    assert!(!signs_in(&wire, OTHER.name, OTHER.password));
    assert!(signs_in(&wire, OTHER.name, USER.password) && signs_in(&wire, USER.name, USER.password));
}

#[test]
fn after_the_loss_of_the_database_no_credential_of_the_backup_works() {
    let installation = Installation::new(BINARY);
    add_shop(&installation);
    let served = serve(&installation);
    let wire = Wire::new(served.url());
    let client = WireClient::register(&wire, &USER, "Reports", &json!({})).unwrap();
    let handed = hand_out(&wire, &client);
    let backup = installation.folder().join("backup.db");
    let backup = backup.to_str().unwrap();
    good(&installation, &["backup", "--to", backup], &[]);
    drop(served.kill());
    for file in ["sluicegate.db", "sluicegate.db-wal", "sluicegate.db-shm"] {
        drop(std::fs::remove_file(installation.data_dir().join(file)));
    }
    let variables = [("SLUICEGATE_ADMIN_PASSWORD", OTHER.password)];
    let told = good(&installation, &["restore", "--from", backup], &variables);
    assert!(told.contains("No credential of the backup is trusted"), "{told}");
    assert!(told.contains("client secrets ended: 1") && told.contains("reset-secret"), "{told}");
    assert!(!told.contains(OTHER.password), "a password that was given is not printed");
    let served = serve(&installation);
    let wire = wire.at(served.url());
    assert!(!authenticates(&wire, &client));
    assert_eq!(wire.get_with_token("/api/odata4", &handed.access).unwrap().status, 401);
    assert!(!signs_in(&wire, USER.name, USER.password) && !signs_in(&wire, ADMIN.name, ADMIN.password));
    assert!(signs_in(&wire, ADMIN.name, OTHER.password));
    good(&installation, &["user", "enable", USER.name], &[]);
    assert!(!signs_in(&wire, USER.name, USER.password), "a password that may have leaked is good again");
    // The operator may vouch for the backup, and is told what that means.
    assert!(served.terminate().0.success());
    let trust = ["restore", "--from", backup, "--danger-trust-credentials-of-backup"];
    assert!(good(&installation, &trust, &[]).contains("WARNING"));
    let served = serve(&installation);
    let wire = wire.at(served.url());
    assert!(authenticates(&wire, &client) && signs_in(&wire, USER.name, USER.password));
    is_dead(&handed, &wire, &client, None);
}

#[test]
fn a_running_server_is_not_restored_and_a_foreign_key_neither() {
    let installation = Installation::new(BINARY);
    let backup = installation.folder().join("backup.db");
    let backup = backup.to_str().unwrap();
    good(&installation, &["backup", "--to", backup], &[]);
    let served = installation.serve();
    let refused = run(&installation, &["restore", "--from", backup], &[]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && told.contains("stop the server"), "{told}");
    assert_eq!(Wire::new(served.url()).get("/readyz", None).unwrap().status, 200);
    assert!(served.terminate().0.success());
    let key = "A".repeat(43);
    let refused = run(&installation, &["restore", "--from", backup], &[("SLUICEGATE_MASTER_KEY", &key)]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("is not the one of the backup; nothing was changed"), "{told}");
    good(&installation, &["user", "list"], &[]);
    assert!(!installation.data_dir().join("unfinished-restore").exists());
}

/// After each `kill -9` the folder holds the old database or the new one, and a restore that runs through gives the new.
#[test]
fn a_restore_that_is_killed_leaves_the_old_database_or_the_new_one() {
    let installation = Installation::new(BINARY);
    let folder = installation.folder().to_owned();
    let (backup, template) = (folder.join("backup.db"), folder.join("template.db"));
    let restore = ["restore", "--from", backup.to_str().unwrap()];
    good(&installation, &["backup", "--to", backup.to_str().unwrap()], &[]);
    good(&installation, &["user", "add", "late"], &[]);
    std::fs::copy(installation.database(), &template).unwrap();
    let is_old = || good(&installation, &["user", "list"], &[]).contains("late");
    let whole = duration(|| drop(good(&installation, &restore, &[])));
    for round in 0..30 {
        clear(&installation.data_dir());
        std::fs::copy(&template, installation.database()).unwrap();
        let mut child = installation.command(&restore).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole * round / 25);
        child.kill().unwrap();
        let ended = child.wait().unwrap();
        let old = is_old();
        assert!(old || !installation.data_dir().join("sluicegate.db-wal").exists());
        assert!(!ended.success() || !old, "round {round}: it said that it was done");
        assert!(good(&installation, &restore, &[]).contains("is now the database"));
        assert!(!is_old(), "round {round}");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the moments of killing are spread over what a restore takes here and now"
)]
fn duration(act: impl FnOnce()) -> Duration {
    let began = std::time::Instant::now();
    act();
    began.elapsed()
}

/// Takes away everything but the key.
fn clear(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("sluicegate.db") {
            std::fs::remove_file(path).unwrap();
        }
    }
}
