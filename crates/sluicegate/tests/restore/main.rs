//! Restoring an older backup never brings back revoked access: the real binary, from a backup under load to
//! the next start.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod postgres;
mod registrations;
mod scopes;
mod stage;

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use testkit::{ADMIN, Installation, OTHER, Served, USER, Wire, WireClient};

use stage::{Cast, add_shop, authenticates, good, hand_out, is_dead, run, serve, signs_in};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");

/// Makes a backup while clients register, sign in and refresh.
fn back_up_under_load(installation: &Installation, served: &Served, to: &Path) -> String {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let done = &done;
            scope.spawn(move || {
                let wire = Wire::new(served.url());
                let client =
                    WireClient::register(&wire, &USER, &format!("Load {worker}"), &json!({})).unwrap();
                let mut newest = hand_out(&wire, &client).refresh;
                while !done.load(Ordering::SeqCst) {
                    let answer = client.refresh(&wire, &newest).unwrap();
                    assert_eq!(answer.status, 200, "{answer:?}");
                    if let Some(next) = answer.json()["refresh_token"].as_str() {
                        next.clone_into(&mut newest);
                    }
                    WireClient::register(&wire, &USER, &format!("Load {worker}"), &json!({})).unwrap();
                }
            });
        }
        let message = good(installation, &["backup", "--to", to.to_str().unwrap()], &[]);
        done.store(true, Ordering::SeqCst);
        message
    })
}

#[test]
fn after_a_restore_revoked_access_stays_revoked_and_the_rest_works() {
    let installation = Installation::new(BINARY);
    add_shop(&installation);
    let served = serve(&installation);
    let wire = Wire::new(served.url());
    let cast = Cast::new(&installation, &wire);
    let before = hand_out(&wire, &cast.kept);
    let backup = installation.folder().join("backup.db");
    let message = back_up_under_load(&installation, &served, &backup);
    assert!(message.contains("The master key is not in it"), "{message}");
    let after = hand_out(&wire, &cast.kept);
    let late = WireClient::register(&wire, &USER, "Late", &json!({})).unwrap();
    let with_new_secret = cast.end_access(&installation);
    assert!(served.terminate().0.success());

    let message = good(&installation, &["restore", "--from", backup.to_str().unwrap()], &[]);
    for line in
        ["applications stay deleted: 1", "users disabled: 1", "passwords are the newer ones: 1", "Late"]
    {
        assert!(message.contains(line), "{line}: {message}");
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
fn without_the_previous_database_no_credential_of_the_backup_works() {
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
    let message = good(&installation, &["restore", "--from", backup], &variables);
    assert!(message.contains("No credential of the backup is trusted"), "{message}");
    assert!(
        message.contains("client secrets and keys revoked: 1") && message.contains("reset-secret"),
        "{message}"
    );
    assert!(!message.contains(OTHER.password), "a password that was given is not printed");
    let served = serve(&installation);
    let wire = wire.at(served.url());
    assert!(!authenticates(&wire, &client));
    assert_eq!(wire.get_with_token("/api/odata4", &handed.access).unwrap().status, 401);
    assert!(!signs_in(&wire, USER.name, USER.password) && !signs_in(&wire, ADMIN.name, ADMIN.password));
    assert!(signs_in(&wire, ADMIN.name, OTHER.password));
    good(&installation, &["user", "enable", USER.name], &[]);
    assert!(!signs_in(&wire, USER.name, USER.password), "a password that may have leaked is good again");
    // The operator may vouch for the backup, and learns what that means.
    assert!(served.terminate().0.success());
    let trust = ["restore", "--from", backup, "--danger-trust-credentials-of-backup"];
    assert!(good(&installation, &trust, &[]).contains("WARNING"));
    let served = serve(&installation);
    let wire = wire.at(served.url());
    assert!(authenticates(&wire, &client) && signs_in(&wire, USER.name, USER.password));
    is_dead(&handed, &wire, &client, None);
}

#[test]
fn a_restore_is_refused_beside_a_running_server_and_with_a_foreign_key() {
    let installation = Installation::new(BINARY);
    let backup = installation.folder().join("backup.db");
    let backup = backup.to_str().unwrap();
    good(&installation, &["backup", "--to", backup], &[]);
    let served = installation.serve();
    let refused = run(&installation, &["restore", "--from", backup], &[]);
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && message.contains("stop the server"), "{message}");
    assert_eq!(Wire::new(served.url()).get("/readyz", None).unwrap().status, 200);
    assert!(served.terminate().0.success());
    let key = "A".repeat(43);
    let refused = run(&installation, &["restore", "--from", backup], &[("SLUICEGATE_MASTER_KEY", &key)]);
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(message.contains("is not that of the backup; nothing was changed"), "{message}");
    good(&installation, &["user", "list"], &[]);
    assert!(!installation.data_dir().join("unfinished-restore").exists());
}

/// After each `kill -9` the folder contains either the old database or the new one, and a restore that
/// completes results in the new one.
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

/// Deletes everything except the key.
fn clear(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("sluicegate.db") {
            std::fs::remove_file(path).unwrap();
        }
    }
}
