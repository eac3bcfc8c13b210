//! The driver: its futures never wait, so it runs on worker threads.

use std::sync::Arc;

use odata::sql::Dialect;
use odata::statement::Statement;

use super::connection::{Bounds, OpenConnection};
use super::options::Declarations;
use super::pool::Pool;
use super::{schema, statement};
use crate::driver::{Connection, Driver, Intent, Placement, RowConsumer, Statements, Stop};
use crate::{Described, Login, SchemaVersion, SourceError};

/// The driver of a SQLite database file.
#[derive(Debug)]
pub(crate) struct SqliteDriver {
    pub(super) pool: Arc<Pool>,
    pub(super) declared: Declarations,
}

/// A connection that streams, or reads the structure.
#[derive(Debug)]
pub(crate) struct SqliteConnection(OpenConnection);

impl Driver for SqliteDriver {
    type Connection = SqliteConnection;

    const PLACEMENT: Placement = Placement::Thread;

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn connect(
        &self,
        intent: Intent,
        _login: Option<&Login>,
        _stop: &Stop,
    ) -> Result<SqliteConnection, SourceError> {
        let connection = match intent {
            Intent::Read => self.pool.connect(None),
            Intent::Change => self.pool.connect_to_change(),
        };
        connection.map(SqliteConnection)
    }

    fn is_current(&self, connection: &SqliteConnection) -> Result<bool, SourceError> {
        Ok(self.pool.generation()? == connection.0.generation)
    }

    async fn product(&self, _connection: &mut SqliteConnection) -> Result<String, SourceError> {
        Ok(format!("SQLite {}", rusqlite::version()))
    }

    async fn describe(&self, connection: &mut SqliteConnection) -> Result<Described, SourceError> {
        schema::describe(&connection.0, &self.declared)
    }

    async fn version(&self, connection: &mut SqliteConnection) -> Result<SchemaVersion, SourceError> {
        let counter = connection.0.schema_counter()?;
        let (device, inode) = self.pool.file();
        Ok(SchemaVersion::new([device, inode, counter.cast_unsigned()]))
    }

    fn expect_changed_structure(&self) {
        self.pool.expect_changed_structure();
    }

    fn close(&self) {
        self.pool.close();
    }
}

impl Statements for SqliteConnection {
    async fn run<R: RowConsumer>(&mut self, statement: &Statement, rows: &mut R) -> Result<(), SourceError> {
        statement::run(&self.0, statement, rows)
    }
}

impl Connection for SqliteConnection {
    async fn begin(&mut self, stop: &Stop) -> Result<(), SourceError> {
        self.0.bound(Bounds { deadline: Some(stop.deadline()), cancelled: Some(stop.cancelled()) });
        self.0.stop_if_due()?;
        self.0.begin()
    }

    async fn commit(&mut self) -> Result<(), SourceError> {
        self.0.commit()
    }

    async fn end(&mut self) -> Result<(), SourceError> {
        self.0.roll_back();
        Ok(())
    }

    /// A statement stops by itself, through its bounds.
    async fn cancel(self) {}

    async fn close(self) {}
}
