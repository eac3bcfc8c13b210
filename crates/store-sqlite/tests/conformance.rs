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
