//! If nobody knows what was revoked since the backup, nothing in it is trusted.

use domain::account::USER_ROLE;
use domain::audit::Action;
use store::{Credentials, ID_GAP, StoredKey, SystemSettings, Users};
use store_sqlite::Current;

use crate::stage::{Stage, at, event, insert_user, register};

async fn stage_with_a_client() -> (Stage, std::path::PathBuf) {
    let stage = Stage::new().await;
    let store = stage.open();
    let ada = insert_user(&store, "ada", USER_ROLE, 1).await;
    register(&store, &ada, "Reports", 1, 1).await;
    drop(store);
    let backup = stage.back_up("backup.db", 2);
    (stage, backup)
}

async fn nothing_is_trusted(stage: &Stage) {
    let store = stage.open();
    assert_eq!(stage.value::<i64>("SELECT count(*) FROM secrets"), 0);
    let ada = store.find_user_by_name("ada").await.unwrap().unwrap();
    assert_eq!((ada.active, ada.password.as_phc()), (false, "unusable"));
    let root = store.find_user_by_name("root").await.unwrap().unwrap();
    assert_eq!((root.active, root.password.as_phc()), (true, "appointed"));
    let late = insert_user(&store, "late", USER_ROLE, 9).await;
    assert!(late.id.get() > ID_GAP, "an id that somebody may know is given twice");
    assert_eq!(stage.value::<i64>("SELECT count(*) FROM applications"), 1);
}

#[tokio::test]
async fn a_lost_database() {
    let (stage, backup) = stage_with_a_client().await;
    std::fs::remove_file(stage.database()).unwrap();
    let outcome = stage.restore(&backup, 3);
    assert_eq!((outcome.current, outcome.aside), (Current::Missing, None));
    assert_eq!((outcome.restored.secrets, outcome.restored.users_switched_off), (1, 1));
    nothing_is_trusted(&stage).await;
}

#[tokio::test]
async fn a_damaged_database_is_kept_with_its_log() {
    let (stage, backup) = stage_with_a_client().await;
    let mut bytes = std::fs::read(stage.database()).unwrap();
    bytes[4_096..20_000].fill(0x55);
    std::fs::write(stage.database(), &bytes).unwrap();
    std::fs::write(stage.path("sluicegate.db-wal"), "torn").unwrap();
    let outcome = stage.restore(&backup, 3);
    assert!(matches!(outcome.current, Current::Unreadable(_)), "{:?}", outcome.current);
    assert!(outcome.aside.unwrap().exists());
    nothing_is_trusted(&stage).await;
}

#[tokio::test]
async fn what_is_no_database_at_all() {
    for content in ["", "nothing that SQLite knows"] {
        let (stage, backup) = stage_with_a_client().await;
        std::fs::write(stage.database(), content).unwrap();
        let outcome = stage.restore(&backup, 3);
        assert!(matches!(outcome.current, Current::Unreadable(_)), "{:?}", outcome.current);
        assert_eq!(std::fs::read_to_string(outcome.aside.unwrap()).unwrap(), content);
        nothing_is_trusted(&stage).await;
    }
}

#[tokio::test]
async fn a_new_installation_in_the_place_of_the_old_one_deletes_nobody() {
    let (stage, backup) = stage_with_a_client().await;
    std::fs::remove_file(stage.database()).unwrap();
    let store =
        store_sqlite::SqliteStore::create(&stage.database(), store_sqlite::Options::default()).unwrap();
    // The same master key, so that the keys alone do not reveal the difference.
    let key = StoredKey { id: 1, created_at: at(77), activates_at: at(77), sealed: vec![1] };
    assert!(store.insert_key(key, event(Action::RotateKeys, 77)).await.unwrap());
    insert_user(&store, "root", domain::account::ADMINISTRATOR_ROLE, 77).await;
    drop(store);
    let outcome = stage.restore(&backup, 80);
    assert_eq!(outcome.current, Current::Stranger);
    nothing_is_trusted(&stage).await;
}

#[tokio::test]
async fn the_operator_may_vouch_for_the_backup() {
    let (stage, backup) = stage_with_a_client().await;
    std::fs::remove_file(stage.database()).unwrap();
    stage.restore_as(&backup, 3, Some(Credentials::TrustBackup), None).unwrap();
    let ada = stage.open().find_user_by_name("ada").await.unwrap().unwrap();
    assert_eq!((ada.active, ada.password.as_phc()), (true, "first password of ada"));
    assert_eq!(stage.value::<i64>("SELECT count(*) FROM secrets"), 1);
}
