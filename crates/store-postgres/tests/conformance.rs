//! PostgreSQL passes the suite of the contract.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

use std::sync::Arc;
use std::time::Duration;

use store::Store;
use store_postgres::{Options, PostgresStore};
use testkit::postgres::{PostgresDatabase, PostgresServer};

async fn open_fresh() -> (Arc<dyn Store>, PostgresDatabase<'static>) {
    let database = PostgresServer::shared().create_database();
    // Dozens of stores share the machine here: what is slow is not away.
    let patient = Duration::from_secs(30);
    let options = Options { connections: 8, wait: patient, patience: patient, ..Options::default() };
    let store = PostgresStore::create(&database.url().parse().unwrap(), options).await.unwrap();
    (Arc::new(store), database)
}

store::conformance_tests!(open_fresh);
