//! Tests of making a backup.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::account::USER_ROLE;
use domain::audit::Action;
use rusqlite::Connection;
use store_sqlite::{Backup, CopyError, OpenError};
use tokio::task::JoinSet;

use crate::stage::{Stage, event, insert_user};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backup_beside_a_busy_writer_ends_and_is_one_state() {
    let stage = Stage::new().await;
    let store = Arc::new(stage.open());
    let busy = Arc::new(AtomicBool::new(true));
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let (store, busy) = (Arc::clone(&store), Arc::clone(&busy));
        writers.spawn(async move {
            let mut number = 0;
            while busy.load(Ordering::Relaxed) {
                insert_user(&store, &format!("user {writer} {number}"), USER_ROLE, 1).await;
                number += 1;
            }
        });
    }
    for number in 0..5 {
        let to = stage.path(&format!("{number}.db"));
        let event = event(Action::TakeBackup, 2);
        let order = Backup { from: &stage.database(), to: &to, event: &event };
        let figures = tokio::task::block_in_place(|| store_sqlite::backup(&order, &mut |_| {}).unwrap());
        // Every user came with an event, and a copy contains both or neither. Two more events are those of
        // the key and the backup.
        assert_eq!(figures.users + 2, figures.audit_events);
        assert_eq!(figures.taken_at, event.at);
    }
    busy.store(false, Ordering::Relaxed);
    writers.join_all().await;
}

#[tokio::test]
async fn a_backup_is_one_private_file_that_nothing_stands_beside() {
    let stage = Stage::new().await;
    let to = stage.back_up("backup.db", 1);
    assert_eq!(to.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let names: Vec<_> = std::fs::read_dir(to.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("backup.db"))
        .collect();
    assert_eq!(names, ["backup.db"]);
    let db = Connection::open(&to).unwrap();
    let mode: String = db.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "delete", "it can be read where nobody may write");
}

#[tokio::test]
async fn a_backup_overwrites_nothing_and_says_so() {
    let stage = Stage::new().await;
    let event = event(Action::TakeBackup, 2);
    let try_to = |name: &str| {
        let to = stage.path(name);
        store_sqlite::backup(&Backup { from: &stage.database(), to: &to, event: &event }, &mut |_| {})
    };
    std::fs::write(stage.path("there"), "something").unwrap();
    assert!(matches!(try_to("there"), Err(CopyError::Exists(_))));
    assert_eq!(std::fs::read_to_string(stage.path("there")).unwrap(), "something");
    std::fs::write(stage.path("new.unfinished"), "something").unwrap();
    let Err(unfinished) = try_to("new") else { panic!("refused") };
    assert!(unfinished.to_string().contains("delete that file"), "{unfinished}");
    assert!(matches!(try_to("no folder/new"), Err(CopyError::File { .. })));
}

#[tokio::test]
async fn what_is_no_database_of_ours_gives_no_backup_and_leaves_no_file() {
    let stage = Stage::new().await;
    let event = event(Action::TakeBackup, 2);
    let (from, to) = (stage.path("from"), stage.path("to"));
    for content in [&b""[..], b"no database", &[7; 8_192]] {
        std::fs::write(&from, content).unwrap();
        let refused = store_sqlite::backup(&Backup { from: &from, to: &to, event: &event }, &mut |_| {});
        assert!(refused.is_err(), "{refused:?}");
        assert!(!to.exists());
        assert!(!stage.path("to.unfinished").exists());
    }
    std::fs::remove_file(&from).unwrap();
    let missing = store_sqlite::backup(&Backup { from: &from, to: &to, event: &event }, &mut |_| {});
    assert!(matches!(missing, Err(CopyError::Open(OpenError::Missing(_)))), "{missing:?}");
}
