//! The embedded system database: SQLite with group commit.
//!
//! One thread writes. Everything that was queued during the last commit is committed together, so that one
//! disk sync serves all waiting callers; each operation is still atomic. Reads run on the caller's thread, on
//! connections that the store keeps open. A third thread copies the write-ahead log back, so that no commit
//! waits for it.
//!
//! **Architecture invariant:** this crate knows no OAuth error code and no HTTP. A rule about several records
//! is a condition of one statement or of one operation; nothing is checked outside and written later.
//!
//! Start reading at [`SqliteStore`], then `queue`, `writer`, `tables`, and `grants` for the most important operations.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::time::Timestamp;
use rusqlite::Connection;
use store::{Answer, StoreError};

mod allow_lists;
mod allowed;
mod applications;
mod audit;
mod backchannel_authentications;
mod backup;
mod cells;
mod client_registrations;
mod connection;
mod data_sources;
mod device_authorizations;
mod error;
mod export;
#[cfg(feature = "faults")]
pub mod faults;
#[cfg(not(feature = "faults"))]
mod faults {
    //! Stands in for fault injection when the feature `faults` is off.

    #[derive(Default)]
    pub(crate) struct Faults;

    impl Faults {
        #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the shape of the real one")]
        pub(crate) fn before_commit(&self, _: &rusqlite::Connection) -> rusqlite::Result<()> {
            Ok(())
        }

        #[expect(clippy::unused_self, reason = "the shape of the real one")]
        pub(crate) fn prepare(&self, _: &rusqlite::Connection) {}
    }
}
mod database_lock;
mod document_clients;
mod grants;
mod job;
mod logout_deliveries;
mod mails;
mod maintenance;
mod migrations;
mod one_time_links;
mod personal_access_tokens;
mod purge;
mod pushed_requests;
mod queue;
mod readers;
mod resource_servers;
mod restore;
mod revocations;
mod second_factors;
mod settings;
mod sign_ins;
mod signing_keys;
mod sql;
mod tables;
mod trusted_issuers;
mod trusted_origins;
mod used_assertions;
mod users;
mod writer;

pub use backup::{Backup, CopyError, Figures, backup};
pub use database_lock::DatabaseLock;
pub use error::{OpenError, in_words};
pub use export::Export;
pub use migrations::{Migration, migrate, pending};
pub use restore::{Current, StagedRestore, keep_aside};

use error::Failure;
use queue::{Queue, Rejected};
use readers::Readers;
use writer::WriterHandle;

/// Tuning options that no operator needs to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The maximum number of queued operations; more are answered with [`StoreError::Busy`].
    pub queue: usize,
    /// How long a write waits for another process that is writing, such as the command line.
    pub busy_timeout: Duration,
    /// The maximum number of read connections; additional threads share them.
    pub readers: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { queue: 4096, busy_timeout: Duration::from_secs(5), readers: 16 }
    }
}

/// The system database in one SQLite file. Dropping it commits everything queued and closes every connection.
pub struct SqliteStore {
    queue: Arc<Queue>,
    readers: Readers,
    writer: Option<WriterHandle>,
    /// The last field, so that the lock is released after every connection is closed.
    _lock: DatabaseLock,
}

impl SqliteStore {
    /// Creates a new database at `path`, readable by its owner only, and opens it.
    ///
    /// # Errors
    /// If the file exists, or cannot be written.
    pub fn create(path: &Path, options: Options) -> Result<Self, OpenError> {
        connection::check_library()?;
        connection::create_file(path)?;
        let lock = DatabaseLock::shared(path)?;
        let db = connection::open_new(path, options)?;
        Self::start(path, options, lock, db)
    }

    /// Opens a database and runs pending migrations.
    ///
    /// # Errors
    /// If the file does not exist, is not ours, is damaged, belongs to a newer version, or cannot be written.
    pub fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        connection::check_file(path)?;
        let lock = DatabaseLock::shared(path)?;
        let db = connection::open_writer(path, options)?;
        Self::start(path, options, lock, db)
    }

    fn start(
        path: &Path,
        options: Options,
        lock: DatabaseLock,
        mut db: Connection,
    ) -> Result<Self, OpenError> {
        migrations::run(&mut db)?;
        connection::keep_private(path)?;
        let queue = Arc::new(Queue::new(options.queue));
        let writer = WriterHandle::start(path, options, db, Arc::clone(&queue))?;
        Ok(Self { queue, readers: Readers::new(path, options), writer: Some(writer), _lock: lock })
    }

    /// The injected faults of this store.
    #[cfg(feature = "faults")]
    pub fn faults(&self) -> &faults::Faults {
        self.writer().faults()
    }

    fn writer(&self) -> &WriterHandle {
        self.writer.as_ref().expect("it is taken by dropping alone")
    }

    /// Runs a read on the caller's thread, on a connection of the store.
    fn read<'a, T: Send + 'a>(
        &'a self,
        work: impl FnOnce(&Connection) -> sql::Result<T> + Send + 'a,
    ) -> Answer<'a, T> {
        Box::pin(async move { self.read_now(work) })
    }

    fn read_now<T>(&self, work: impl FnOnce(&Connection) -> sql::Result<T>) -> Result<T, StoreError> {
        self.readers.with(work).map_err(Failure::into_store_error)
    }

    /// Queues an operation and waits until it is committed. It may run twice if another operation of its
    /// batch failed, and it must refuse before it writes.
    fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> sql::Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(async move {
            let (unit, answer) = job::unit(work);
            self.queue.push(unit).map_err(|rejected| match rejected {
                Rejected::Full => StoreError::Busy,
                Rejected::Closed => error::closed(),
            })?;
            answer.await.unwrap_or_else(|_| Err(error::closed()))
        })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // The last connection to close deletes the log, which a read-only connection cannot do.
        self.readers.close();
        drop(self.writer.take());
    }
}

/// A time in its stored form: microseconds since the Unix epoch.
fn micros(at: Timestamp) -> i64 {
    at.as_micros()
}

/// An optional time in its stored form.
fn micros_of(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_micros)
}
