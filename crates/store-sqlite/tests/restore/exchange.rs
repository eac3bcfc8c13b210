//! Replacing a database takes exclusive access and happens completely or not at all.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use domain::account::USER_ROLE;
use domain::audit::Action;
use rusqlite::Connection;
use store_sqlite::{Backup, CopyError, DatabaseLock, OpenError, Options, SqliteStore};

use crate::stage::{Stage, event, insert_user};

#[tokio::test]
async fn a_database_that_a_server_uses_is_not_restored() {
    let stage = Stage::new().await;
    let backup = stage.back_up("backup.db", 2);
    let server = stage.open();
    let refused = stage.restore_as(&backup, 3, None, None).unwrap_err();
    assert!(matches!(refused, CopyError::Open(OpenError::InUse(_))), "{refused:?}");
    assert!(refused.to_string().contains("stop the server"), "{refused}");
    drop(server);
    stage.restore(&backup, 4);
}

#[tokio::test]
async fn a_database_that_another_program_has_open_is_not_restored() {
    let stage = Stage::new().await;
    let backup = stage.back_up("backup.db", 2);
    let shell = Connection::open(stage.database()).unwrap();
    shell.pragma_update(None, "journal_mode", "wal").unwrap();
    shell.query_row("SELECT count(*) FROM users", [], |_| Ok(())).unwrap();
    let refused = stage.restore_as(&backup, 3, None, None).unwrap_err();
    assert!(matches!(refused, CopyError::Open(OpenError::InUse(_))), "{refused:?}");
    drop(shell);
    stage.restore(&backup, 4);
}

#[tokio::test]
async fn nobody_opens_a_database_that_is_being_restored() {
    let stage = Stage::new().await;
    let alone = DatabaseLock::alone(&stage.database()).unwrap();
    let Err(refused) = SqliteStore::open(&stage.database(), Options::default()) else { panic!("refused") };
    assert!(refused.to_string().contains("is being restored"), "{refused}");
    let event = event(Action::TakeBackup, 1);
    let order = Backup { from: &stage.database(), to: &stage.path("backup.db"), event: &event };
    let refused = store_sqlite::backup(&order, &mut |_| {});
    assert!(matches!(refused, Err(CopyError::Open(OpenError::Restoring(_)))), "{refused:?}");
    drop(alone);
    stage.open();
}

#[tokio::test]
async fn the_old_database_is_kept_private_and_whole() {
    let stage = Stage::new().await;
    let backup = stage.back_up("backup.db", 2);
    let store = stage.open();
    insert_user(&store, "late", USER_ROLE, 3).await;
    drop(store);
    let aside = stage.restore(&backup, 4).aside.unwrap();
    assert_eq!(aside, stage.path("sluicegate.db.before-restore-4"));
    for file in [&aside, &stage.database()] {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let old = Connection::open(&aside).unwrap();
    let late: i64 =
        old.query_row("SELECT count(*) FROM users WHERE name = 'late'", [], |row| row.get(0)).unwrap();
    assert_eq!(late, 1);
    assert!(!stage.path("sluicegate.db-wal").exists() && !stage.path("work.db").exists());
    assert_eq!(stage.restore(&backup, 4).aside.unwrap(), stage.path("sluicegate.db.before-restore-4-2"));
}

#[tokio::test]
async fn a_restore_that_was_cut_short_leaves_the_old_database_and_the_next_one_works() {
    let stage = Stage::new().await;
    let backup = stage.back_up("backup.db", 2);
    let store = stage.open();
    insert_user(&store, "late", USER_ROLE, 3).await;
    drop(store);
    // Everything except the last step.
    let cut_short = store_sqlite::keep_aside(&stage.database(), "cut-short").unwrap().unwrap();
    assert_eq!(cut_short.metadata().unwrap().ino(), stage.database().metadata().unwrap().ino());
    assert_eq!(stage.value::<i64>("SELECT count(*) FROM users"), 2);
    let aside = stage.restore(&backup, 4).aside.unwrap();
    assert!(!cut_short.exists(), "a second name of what was in use keeps nothing");
    assert!(aside.exists());
    assert_eq!(stage.value::<i64>("SELECT count(*) FROM users"), 1);
}

#[tokio::test]
async fn a_damaged_backup_is_refused_and_nothing_changes() {
    let stage = Stage::new().await;
    let backup = stage.back_up("backup.db", 2);
    let mut bytes = std::fs::read(&backup).unwrap();
    let end = bytes.len();
    bytes[8_192..end].fill(0x55);
    std::fs::write(&backup, &bytes).unwrap();
    let refused = stage.restore_as(&backup, 3, None, Some("root")).unwrap_err();
    assert!(matches!(refused, CopyError::Damaged { .. }), "{refused:?}");
    bytes.truncate(4_096);
    std::fs::write(&backup, &bytes).unwrap();
    assert!(stage.restore_as(&backup, 3, None, Some("root")).is_err());
    std::fs::write(&backup, "no database").unwrap();
    let refused = stage.restore_as(&backup, 3, None, Some("root")).unwrap_err();
    assert!(matches!(refused, CopyError::Open(OpenError::Foreign(_))), "{refused:?}");
    assert_eq!(stage.value::<i64>("SELECT count(*) FROM users"), 1);
}
