//! SQLite passes the conformance suite.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

use std::sync::Arc;

use store::Store;
use store_sqlite::{Options, SqliteStore};
use tempfile::TempDir;

async fn open_fresh() -> (Arc<dyn Store>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(&folder.path().join("system.db"), Options::default()).unwrap();
    (Arc::new(store), folder)
}

store::conformance_tests!(open_fresh);

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_without_a_stored_origin_shows_it_by_its_code() {
    let (store, folder) = open_fresh().await;
    let clear_origins = || {
        let db = rusqlite::Connection::open(folder.path().join("system.db")).unwrap();
        assert_eq!(db.execute("UPDATE grants SET origin = NULL WHERE origin IS NOT NULL", []), Ok(2));
    };
    store::conformance::grants::a_grant_without_a_stored_origin_shows_it_by_its_code(store, clear_origins)
        .await;
}
