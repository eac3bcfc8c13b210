//! Fills an empty database with the rows of another one, batch by batch.
//!
//! While the table `unfinished_copy` exists, nothing else opens the database. It is created first and dropped last, so
//! that an interrupted copy is never taken for an installation. The rows themselves show where an interrupted copy
//! stopped: each table is filled in key order, and a batch is either complete or absent.

use store::StoreError;
use store::columns::{Ids, Key, StoredRow, StoredTable, TABLES};
use tokio_postgres::Client;

use crate::error::Failure;
use crate::sql::{self, values};
use crate::unit::{Shared, Unit};
use crate::{DatabaseUrl, OpenError, Opening, Options, migrations};

mod batch;
mod fit;

pub use fit::fit;

/// What the target database of a copy contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportTarget {
    /// Nothing.
    Nothing,
    /// The copy of that number, unfinished.
    Unfinished(i32),
    /// An installation.
    Installation,
}

/// The target database of a copy.
pub struct Import {
    shared: Shared,
}

impl Import {
    /// Connects, and changes nothing.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn open(url: &DatabaseUrl, options: Options) -> Result<Self, OpenError> {
        let opening = Opening::begin(url, options).await?;
        opening.connection.at_rest();
        Ok(Self { shared: Shared::new(opening.connections, false) })
    }

    /// What the database contains.
    ///
    /// # Errors
    /// If it belongs to another program or to a newer version, or cannot be read.
    pub async fn found(&self) -> Result<ImportTarget, OpenError> {
        const NUMBER: &str = "SELECT number FROM unfinished_copy WHERE id = 1";
        let connection = self.shared.connections.get().await?;
        let db = connection.client();
        let found = if migrations::table_exists(db, migrations::UNFINISHED_COPY).await? {
            let number: i64 = sql::value(db, NUMBER, &[]).await?;
            let number = i32::try_from(number);
            ImportTarget::Unfinished(
                number.map_err(|_| Failure::Inconsistent("the number of a copy".to_owned()))?,
            )
        } else if migrations::missing(db).await?.first().is_some_and(|first| first.number == 1) {
            ImportTarget::Nothing
        } else {
            ImportTarget::Installation
        };
        connection.at_rest();
        Ok(found)
    }

    /// Starts the copy with that number in an empty database.
    ///
    /// # Errors
    /// If another copy was started first, or the database cannot be written.
    pub async fn begin(&self, number: i32) -> Result<(), OpenError> {
        const TABLE: &str = "CREATE TABLE unfinished_copy
            (id BIGINT PRIMARY KEY CHECK (id = 1), number BIGINT NOT NULL, emptied BOOLEAN NOT NULL)";
        const CLAIM: &str = "INSERT INTO unfinished_copy VALUES (1, $1, false)";
        let unit = Unit::begin(&self.shared).await?;
        unit.client().batch_execute(TABLE).await.map_err(Failure::from)?;
        sql::execute(unit.client(), CLAIM, values![i64::from(number)]).await?;
        if migrations::table_exists(unit.client(), "migrations").await? {
            return Err(OpenError::Exists);
        }
        Ok(unit.commit(()).await?)
    }

    /// Creates the empty tables. Rows of an interrupted copy are kept.
    ///
    /// # Errors
    /// If this fails.
    pub async fn prepare(&self) -> Result<(), OpenError> {
        const EMPTIED: &str = "SELECT emptied FROM unfinished_copy WHERE id = 1";
        let connection = self.shared.connections.get().await?;
        migrations::run(&self.shared.connections, connection.client()).await?;
        let emptied: bool = sql::value(connection.client(), EMPTIED, &[]).await?;
        connection.at_rest();
        if !emptied {
            self.empty().await.map_err(|error| OpenError::Database(Box::new(error)))?;
        }
        Ok(())
    }

    /// Deletes every row, so that the copy can start again.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn empty(&self) -> Result<(), StoreError> {
        const NOTE: &str = "UPDATE unfinished_copy SET emptied = true WHERE id = 1";
        let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        let truncate = format!("TRUNCATE {}", names.join(", "));
        self.in_time(async {
            let unit = Unit::begin(&self.shared).await?;
            held(unit.client()).await?;
            unit.client().batch_execute(&truncate).await?;
            sql::execute(unit.client(), NOTE, &[]).await?;
            unit.commit(()).await
        })
        .await
    }

    /// Inserts rows of a table, in key order; all of them or none.
    ///
    /// # Errors
    /// If they cannot be written.
    pub async fn insert(&self, table: &StoredTable, rows: &[StoredRow]) -> Result<(), StoreError> {
        self.in_time(async {
            let unit = Unit::begin(&self.shared).await?;
            held(unit.client()).await?;
            batch::insert(unit.client(), table, rows).await?;
            unit.commit(()).await
        })
        .await
    }

    /// The first rows of a table whose keys are above `after`, in key order, at most `limit`.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn window(
        &self,
        table: &StoredTable,
        after: &Key,
        limit: usize,
    ) -> Result<Vec<StoredRow>, StoreError> {
        self.in_time(async {
            let connection = self.shared.connections.get().await?;
            let rows = batch::window(connection.client(), table, after, limit).await?;
            connection.at_rest();
            Ok(rows)
        })
        .await
    }

    /// Completes the copy: from now on the database is an installation. New ids continue above those that
    /// were assigned before.
    ///
    /// # Errors
    /// If the database cannot be written; the copy is unfinished then.
    pub async fn finish(
        &self,
        last_id: impl Fn(&StoredTable) -> Result<i64, StoreError>,
    ) -> Result<(), StoreError> {
        let given = TABLES.iter().filter(|table| table.ids == Ids::GivenOnce);
        let given: Vec<(&StoredTable, i64)> =
            given.map(|table| Ok((table, last_id(table)?))).collect::<Result<_, StoreError>>()?;
        for table in TABLES {
            let analyze = format!("ANALYZE {}", table.name);
            self.in_time(async {
                let connection = self.shared.connections.get().await?;
                connection.client().batch_execute(&analyze).await?;
                connection.at_rest();
                Ok(())
            })
            .await?;
        }
        self.in_time(async {
            let unit = Unit::begin(&self.shared).await?;
            for (table, last) in given {
                go_on_after(unit.client(), table, last).await?;
            }
            unit.client().batch_execute("DROP TABLE unfinished_copy").await?;
            unit.commit(()).await
        })
        .await
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, StoreError> {
        self.shared.connections.within_time(work).await.map_err(Failure::into_store_error)
    }
}

/// Makes sure that only an unfinished copy is written to, never an installation.
async fn held(db: &Client) -> sql::Result<()> {
    const HOLD: &str = "SELECT id FROM unfinished_copy WHERE id = 1 FOR UPDATE";
    sql::value::<i64>(db, HOLD, &[]).await.map(drop)
}

/// Sets the next id of the table to the one after `last`.
async fn go_on_after(db: &Client, table: &StoredTable, last: i64) -> sql::Result<()> {
    const GO_ON: &str = "SELECT setval(pg_get_serial_sequence($1, 'id'), greatest($2, 1), $2 > 0)";
    sql::value::<i64>(db, GO_ON, values![table.name, last]).await.map(drop)
}
