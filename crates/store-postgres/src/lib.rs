//! The system database for many nodes: PostgreSQL.
//!
//! Any number of nodes work on one database, and nothing that they write needs a caller to come back to the same node.
//! What many callers want at once travels as one statement of many rows (`lane`); what changes things that nodes
//! remember, or ends access, is done by one at a time on all nodes together (`unit`), which is what makes the feed of
//! revocations gap-free.
//!
//! **Architecture invariant:** no OAuth error code and no HTTP here. Nothing is checked outside and written later. No
//! statement leaves anything behind on its connection, so that a pooler in transaction mode may stand in between.
//!
//! Start reading at [`PostgresStore`], then `unit`, `lane`, and `founding`, `rotating`, `ending` for the operations that
//! matter most.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oauth::time::Timestamp;
use tokio::sync::Notify;

mod address;
mod applications;
mod audit;
mod authority;
mod consents;
mod data_sources;
mod ending;
mod error;
mod founding;
mod grants;
pub mod import;
mod lane;
mod listen;
mod maintenance;
mod migrations;
mod origin;
mod pool;
mod purge;
mod restore;
mod revocations;
mod roles;
mod rotating;
mod secrets;
mod sessions;
mod settings;
mod sign_ins;
mod sql;
mod tls;
mod trusted_origins;
mod unit;
mod users;
mod versions;

pub use address::DatabaseUrl;
pub use error::OpenError;
pub use migrations::Migration;
pub use restore::{RestoreError, RestoredDump};

use address::Target;
use ending::ToEnd;
use founding::Founding;
use lane::Lane;
use listen::Listener;
use pool::{Connection, Connections};
use rotating::Rotation;
use unit::Shared;

/// How a store behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Most connections of this node.
    pub connections: usize,
    /// How long a caller waits for a free connection, or for a new one.
    pub wait: Duration,
    /// How long a unit of work or a read may take altogether.
    pub patience: Duration,
    /// Requests that may wait in one lane; what comes on top is answered [`store::StoreError::Busy`].
    pub queue: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { connections: 16, wait: Duration::from_secs(1), patience: Duration::from_secs(5), queue: 4096 }
    }
}

/// The system database in PostgreSQL.
pub struct PostgresStore {
    shared: Arc<Shared>,
    founding: Lane<Founding>,
    rotating: Lane<Rotation>,
    ending: Lane<ToEnd>,
    target: Arc<Target>,
    news: Arc<Notify>,
    listener: Mutex<Option<Listener>>,
}

/// PostgreSQL before it is too old for us, as the server numbers itself.
const OLDEST_SERVER: i32 = 140_000;

impl PostgresStore {
    /// Makes a new installation in an empty database, and opens it.
    ///
    /// # Errors
    /// When there is one already, when the database is somebody else's, or cannot be reached.
    pub async fn create(url: &DatabaseUrl, options: Options) -> Result<Self, OpenError> {
        let opening = Opening::begin(url, options).await?;
        let lacking = migrations::lacking(opening.client()).await?;
        if lacking.first().is_none_or(|first| first.number > 1) {
            return Err(OpenError::Exists);
        }
        // Somebody else may have been quicker, a copy included.
        if migrations::run(&opening.connections, opening.client())
            .await?
            .first()
            .is_none_or(|first| first.number > 1)
        {
            return Err(OpenError::Exists);
        }
        migrations::lacking(opening.client()).await?;
        opening.finish().await
    }

    /// Opens an installation, running the migrations that it lacks.
    ///
    /// # Errors
    /// When there is none, when it belongs to a newer version or was restored from a dump, or cannot be reached.
    pub async fn open(url: &DatabaseUrl, options: Options) -> Result<Self, OpenError> {
        let opening = Opening::begin(url, options).await?;
        opening.refuse_empty().await?;
        origin::check(opening.client()).await?;
        migrations::run(&opening.connections, opening.client()).await?;
        opening.finish().await
    }

    fn new(target: Target, connections: Connections, notifies: bool, options: Options) -> Self {
        Self {
            shared: Arc::new(Shared::new(connections, notifies)),
            founding: Lane::new(options.queue),
            rotating: Lane::new(options.queue),
            ending: Lane::new(options.queue),
            target: Arc::new(target),
            news: Arc::new(Notify::new()),
            listener: Mutex::new(None),
        }
    }

    /// Begins to listen for news, if that was not done before.
    fn listen(&self) {
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if listener.is_none() && self.shared.notifies {
            *listener = Some(Listener::start(Arc::clone(&self.target), Arc::clone(&self.news)));
        }
    }

    fn stop_listening(&self) {
        drop(self.listener.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// The steps that the database lacks; changes nothing.
///
/// # Errors
/// When it belongs to a newer version, or cannot be reached.
pub async fn pending(url: &DatabaseUrl) -> Result<&'static [Migration], OpenError> {
    let opening = Opening::begin(url, Options::default()).await?;
    migrations::lacking(opening.client()).await
}

/// Runs the steps that the database lacks, and answers which those were. Safe beside running nodes.
///
/// # Errors
/// As for [`pending`]; what was not answered has not happened.
pub async fn migrate(url: &DatabaseUrl) -> Result<Vec<&'static Migration>, OpenError> {
    let opening = Opening::begin(url, Options::default()).await?;
    migrations::lacking(opening.client()).await?;
    migrations::run(&opening.connections, opening.client()).await
}

/// A database that is being opened.
struct Opening {
    target: Target,
    connections: Connections,
    connection: Connection,
    options: Options,
}

impl Opening {
    async fn begin(url: &DatabaseUrl, options: Options) -> Result<Self, OpenError> {
        let target = url.target()?;
        let connections = Connections::new(&target, options)?;
        let connection = connections.get().await?;
        let version: String =
            sql::value(connection.client(), "SELECT current_setting('server_version_num')", &[]).await?;
        if version.parse::<i32>().is_ok_and(|number| number < OLDEST_SERVER) {
            return Err(OpenError::OldServer(version));
        }
        Ok(Self { target, connections, connection, options })
    }

    fn client(&self) -> &tokio_postgres::Client {
        self.connection.client()
    }

    async fn refuse_empty(&self) -> Result<(), OpenError> {
        let lacking = migrations::lacking(self.client()).await?;
        if lacking.first().is_some_and(|first| first.number == 1) { Err(OpenError::Missing) } else { Ok(()) }
    }

    async fn finish(self) -> Result<PostgresStore, OpenError> {
        let notifies = self.client().batch_execute("NOTIFY sluicegate").await.is_ok();
        if !notifies {
            tracing::info!("the database knows no NOTIFY; nodes look for news several times a second");
        }
        self.connection.at_rest();
        Ok(PostgresStore::new(self.target, self.connections, notifies, self.options))
    }
}

/// A moment as it is stored.
fn micros(at: Timestamp) -> i64 {
    at.as_micros()
}

/// An optional moment as it is stored.
fn micros_of(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_micros)
}
