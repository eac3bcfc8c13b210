//! A dump of a shared database: what `pg_restore` restores serves nobody before `restore --after-pg-restore`
//! has run.

use serde_json::json;
use testkit::postgres::{PostgresDatabase, PostgresServer};
use testkit::{ADMIN, Installation, OTHER, USER, Wire, WireClient};

use crate::BINARY;
use crate::stage::{Cast, Handed, add_shop, authenticates, good, hand_out, is_dead, run, serve, signs_in};

const RESTORE: [&str; 2] = ["restore", "--after-pg-restore"];

/// The error message of a command that fails.
fn refusal(installation: &Installation, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let message = run(installation, arguments, variables);
    assert!(!message.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&message.stdout));
    String::from_utf8(message.stderr).unwrap()
}

/// The state when the dump was made, and after it.
struct RestoredInstallation {
    installation: Installation,
    wire: Wire,
    cast: Cast,
    handed: [Handed; 2],
    with_new_secret: WireClient,
    late: WireClient,
}

/// Serves, makes a dump, revokes access, stops, and restores the dump.
fn put_back(database: &PostgresDatabase<'_>) -> RestoredInstallation {
    let installation = Installation::shared(BINARY, &database.url());
    add_shop(&installation);
    let dump = installation.folder().join("dump");
    let served = serve(&installation);
    let wire = Wire::new(served.url());
    let cast = Cast::new(&installation, &wire);
    let before = hand_out(&wire, &cast.kept);
    database.dump(&dump);
    let after = hand_out(&wire, &cast.kept);
    let late = WireClient::register(&wire, &USER, "Late", &json!({})).unwrap();
    let with_new_secret = cast.end_access(&installation);
    assert_eq!(cast.kept.revoke(&wire, &before.refresh).unwrap().status, 200);
    assert!(served.terminate().0.success());
    database.restore_from(&dump);
    RestoredInstallation { installation, wire, cast, handed: [before, after], with_new_secret, late }
}

#[test]
fn a_restored_dump_is_not_served_before_its_access_is_revoked() {
    let database = PostgresServer::shared().create_database();
    let RestoredInstallation { installation, wire, cast, handed, with_new_secret, late } =
        put_back(&database);
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["user", "list"]] {
        let message = refusal(&installation, command, &[]);
        assert!(
            message.contains("restored from a dump") && message.contains("--after-pg-restore"),
            "{message}"
        );
    }
    let message = good(&installation, &RESTORE, &[("SLUICEGATE_ADMIN_PASSWORD", OTHER.password)]);
    for line in [
        "client secrets and keys revoked: 3",
        "users disabled: 3",
        "grants revoked: 1",
        "No credential of the dump",
    ] {
        assert!(message.contains(line), "{line}: {message}");
    }
    assert!(!message.contains(OTHER.password), "a password that was given is not printed");

    let served = serve(&installation);
    let wire = wire.at(served.url());
    let account = wire.get("/account", None).unwrap();
    assert!(account.body.contains("login-submit"), "the cookie still opens: {account:?}");
    for refused in [&cast.kept, &cast.reset, &cast.deleted, &with_new_secret, &late] {
        assert!(!authenticates(&wire, refused), "{refused:?}");
    }
    for name in [USER.name, OTHER.name, "off", ADMIN.name] {
        for password in [USER.password, ADMIN.password] {
            assert!(!signs_in(&wire, name, password), "{name}");
        }
    }
    assert!(signs_in(&wire, ADMIN.name, OTHER.password));
    assert!(!signs_in(&wire, OTHER.name, OTHER.password) && !signs_in(&wire, "off", OTHER.password));
    // The next steps that the command prints give a client and a user their access back, but no credential
    // that was issued before.
    let number = cast.kept.id.to_string();
    let printed = good(&installation, &["application", "reset-secret", &number, "--yes"], &[]);
    let secret = printed.split_whitespace().find(|word| word.starts_with("sgs_")).unwrap();
    let kept = WireClient { client_secret: secret.to_owned(), ..cast.kept.clone() };
    crate::stage::with_password(
        &installation,
        &["user", "set-password", USER.name, "--password-stdin"],
        USER.password,
    );
    good(&installation, &["user", "enable", USER.name], &[]);
    let fresh = hand_out(&wire, &kept);
    for old in &handed {
        is_dead(old, &wire, &kept, Some(&fresh));
    }
    let events = wire.get(
        "/api/admin/audit?action=system.restore",
        Some(&testkit::TestUser { password: OTHER.password, ..ADMIN }),
    );
    let events = events.unwrap();
    assert!(events.body.contains("no credential of the backup is trusted"), "{events:?}");
}

#[test]
fn trusting_the_credentials_of_a_dump_still_revokes_its_tokens() {
    let database = PostgresServer::shared().create_database();
    let RestoredInstallation { installation, wire, cast, handed, .. } = put_back(&database);
    let message = good(&installation, &[RESTORE[0], RESTORE[1], "--danger-trust-credentials-of-backup"], &[]);
    assert!(message.contains("WARNING"), "{message}");
    let served = serve(&installation);
    let wire = wire.at(served.url());
    assert!(authenticates(&wire, &cast.kept) && authenticates(&wire, &cast.reset));
    assert!(signs_in(&wire, "off", OTHER.password) && signs_in(&wire, USER.name, USER.password));
    let fresh = hand_out(&wire, &cast.kept);
    for old in &handed {
        is_dead(old, &wire, &cast.kept, Some(&fresh));
    }
}

#[test]
fn inapplicable_restores_and_backups_are_refused_without_changes() {
    let database = PostgresServer::shared().create_database();
    let installation = Installation::shared(BINARY, &database.url());
    let dump = installation.folder().join("dump");
    let file = dump.to_str().unwrap();
    database.dump(&dump);
    database.restore_from(&dump);
    let state = || database.run("SELECT (SELECT sum(epoch) FROM users), (SELECT count(*) FROM audit_events)");
    let before = state();
    let message = refusal(&installation, &["restore", "--from", file], &[]);
    assert!(message.contains("pg_restore"), "{message}");
    let message = refusal(&installation, &["backup", "--to", file], &[]);
    assert!(message.contains("pg_dump"), "{message}");
    let key = "A".repeat(43);
    let message = refusal(&installation, &RESTORE, &[("SLUICEGATE_MASTER_KEY", &key)]);
    assert!(message.contains("is not the one of the dump; nothing was changed"), "{message}");
    let message = refusal(&installation, &[RESTORE[0], RESTORE[1], "--administrator", "nobody"], &[]);
    assert!(message.contains("Its Administrators are: d2cadmin"), "{message}");
    assert_eq!(state(), before);
    let embedded = Installation::new(BINARY);
    let message = refusal(&embedded, &RESTORE, &[]);
    assert!(message.contains("SLUICEGATE_DATABASE"), "{message}");
    // A generated password is printed once.
    let message = good(&installation, &RESTORE, &[]);
    assert!(message.contains("d2cadmin is an active Administrator with a new password: "), "{message}");
}
