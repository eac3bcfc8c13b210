//! PostgreSQL passes the conformance suite, directly and behind a pooler in transaction mode.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use store::Store;
use store_postgres::{Options, PostgresStore};
use testkit::postgres::{Pooler, PostgresDatabase, PostgresServer};

type Fresh = (Arc<dyn Store>, PostgresDatabase<'static>);

async fn create(url: &str) -> Arc<dyn Store> {
    // Dozens of stores share the machine here, so a slow database is not an unreachable one.
    let patient = Duration::from_secs(30);
    let options = Options { connections: 8, wait: patient, patience: patient, ..Options::default() };
    Arc::new(PostgresStore::create(&url.parse().unwrap(), options).await.unwrap())
}

mod directly {
    use super::*;

    async fn open_fresh() -> Fresh {
        let database = PostgresServer::shared().create_database();
        (create(&database.url()).await, database)
    }

    store::conformance_tests!(open_fresh);

    #[tokio::test(flavor = "multi_thread")]
    async fn a_grant_without_a_stored_origin_shows_it_by_its_code() {
        let (store, database) = open_fresh().await;
        let clear_origins = || {
            let cleared =
                database.run("UPDATE grants SET origin = NULL WHERE origin IS NOT NULL RETURNING id");
            assert_eq!(cleared.lines().count(), 2);
        };
        store::conformance::grants::a_grant_without_a_stored_origin_shows_it_by_its_code(
            store,
            clear_origins,
        )
        .await;
    }
}

mod pooled {
    use super::*;

    async fn open_fresh() -> Fresh {
        static POOLER: OnceLock<Pooler> = OnceLock::new();
        let server = PostgresServer::shared();
        let pooler = POOLER.get_or_init(|| server.start_pooler());
        let database = server.create_database();
        (create(&pooler.url(&database)).await, database)
    }

    store::conformance_tests!(open_fresh);
}
