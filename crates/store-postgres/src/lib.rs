//! The system database for many nodes: PostgreSQL.
//!
//! Any number of nodes share one database, and no caller needs to return to the same node. Requests of many
//! callers travel as one statement with many rows (`batch_queue`). Operations that change records that nodes cache,
//! or that revoke access, run in serialized transactions, one at a time across all nodes (`unit`); this makes
//! the revocation feed free of gaps.
//!
//! **Architecture invariant:** this crate knows no OAuth error code and no HTTP. Nothing is checked outside
//! and written later. No statement leaves state on its connection, so that a pooler in transaction mode may
//! stand in between.
//!
//! Start reading at [`PostgresStore`], then `unit`, `tables`, `batch_queue`, and `create_grants`, `replays`, `rotating`,
//! `pending_revocations` for the most important operations.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::time::Timestamp;
use tokio::sync::Notify;

mod address;
mod allow_lists;
mod allowed;
mod applications;
mod audit;
mod backchannel_authentications;
mod batch_queue;
mod cells;
mod client_registrations;
mod create_grants;
mod data_sources;
mod device_authorizations;
mod document_clients;
mod dump_detection;
mod error;
mod grants;
pub mod import;
mod listen;
mod logout_deliveries;
mod mails;
mod maintenance;
mod migrations;
mod one_time_links;
mod pending_revocations;
mod personal_access_tokens;
mod pool;
mod purge;
mod pushed_requests;
mod replays;
mod resource_servers;
mod restore;
mod revocations;
mod rotating;
mod second_factors;
mod settings;
mod sign_ins;
mod signing_keys;
mod sql;
mod tables;
mod tls;
mod trusted_issuers;
mod trusted_origins;
mod unit;
mod used_assertions;
mod users;

pub use address::DatabaseUrl;
pub use error::OpenError;
pub use migrations::Migration;
pub use restore::{RestoreError, RestoredDump};

use address::ConnectionTarget;
use batch_queue::BatchQueue;
use create_grants::CreateGrant;
use listen::Listener;
use pending_revocations::PendingRevocation;
use pool::{Connections, PooledConnection};
use replays::Replay;
use rotating::PendingRotation;
use unit::Shared;

/// The options of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The maximum number of connections of this node.
    pub connections: usize,
    /// How long a caller waits for a free or a new connection.
    pub wait: Duration,
    /// The maximum total time of an operation or a read.
    pub patience: Duration,
    /// The maximum number of requests in one batch queue; more are answered with [`store::StoreError::Busy`].
    pub queue: usize,
}

impl Options {
    /// The documented defaults.
    pub const DEFAULT: Self =
        Self { connections: 16, wait: Duration::from_secs(1), patience: Duration::from_secs(5), queue: 4096 };
}

impl Default for Options {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The system database in PostgreSQL.
pub struct PostgresStore {
    shared: Arc<Shared>,
    new_grants: BatchQueue<CreateGrant>,
    replays: BatchQueue<Replay>,
    rotations: BatchQueue<PendingRotation>,
    revocations: BatchQueue<PendingRevocation>,
    target: Arc<ConnectionTarget>,
    changes: Arc<Notify>,
    listener: Mutex<Option<Listener>>,
}

/// The oldest supported PostgreSQL version, in the server's own numbering.
const OLDEST_SERVER: i32 = 140_000;

impl PostgresStore {
    /// Creates a new installation in an empty database, and opens it.
    ///
    /// # Errors
    /// If an installation exists, if the database belongs to another program, or if it cannot be reached.
    pub async fn create(url: &DatabaseUrl, options: Options) -> Result<Self, OpenError> {
        let opening = Opening::begin(url, options).await?;
        let lacking = migrations::lacking(opening.client()).await?;
        if lacking.first().is_none_or(|first| first.number > 1) {
            return Err(OpenError::Exists);
        }
        // Another process may have been faster; it may even be a copy.
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

    /// Opens an installation and runs pending migrations.
    ///
    /// # Errors
    /// If there is no installation, if it belongs to a newer version or was restored from a dump, or if it
    /// cannot be reached.
    pub async fn open(url: &DatabaseUrl, options: Options) -> Result<Self, OpenError> {
        let opening = Opening::begin(url, options).await?;
        opening.refuse_empty().await?;
        dump_detection::check(opening.client()).await?;
        migrations::run(&opening.connections, opening.client()).await?;
        opening.finish().await
    }

    fn new(target: ConnectionTarget, connections: Connections, notifies: bool, options: Options) -> Self {
        Self {
            shared: Arc::new(Shared::new(connections, notifies)),
            new_grants: BatchQueue::new(options.queue),
            replays: BatchQueue::new(options.queue),
            rotations: BatchQueue::new(options.queue),
            revocations: BatchQueue::new(options.queue),
            target: Arc::new(target),
            changes: Arc::new(Notify::new()),
            listener: Mutex::new(None),
        }
    }

    /// Starts to listen for notifications, if not already started.
    fn listen(&self) {
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if listener.is_none() && self.shared.notifies {
            *listener = Some(Listener::start(Arc::clone(&self.target), Arc::clone(&self.changes)));
        }
    }

    fn stop_listening(&self) {
        drop(self.listener.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// The migrations that the database lacks. Changes nothing.
///
/// # Errors
/// If it belongs to a newer version, or cannot be reached.
pub async fn pending(url: &DatabaseUrl) -> Result<&'static [Migration], OpenError> {
    let opening = Opening::begin(url, Options::default()).await?;
    migrations::lacking(opening.client()).await
}

/// Runs the migrations that the database lacks, and returns them. Safe while nodes are running.
///
/// # Errors
/// As for [`pending`]; a migration that is not returned has not run.
pub async fn migrate(url: &DatabaseUrl) -> Result<Vec<&'static Migration>, OpenError> {
    let opening = Opening::begin(url, Options::default()).await?;
    migrations::lacking(opening.client()).await?;
    migrations::run(&opening.connections, opening.client()).await
}

/// A database that is being opened.
struct Opening {
    target: ConnectionTarget,
    connections: Connections,
    connection: PooledConnection,
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
            tracing::info!(
                "the database does not support NOTIFY; nodes poll for changes several times a second"
            );
        }
        self.connection.at_rest();
        Ok(PostgresStore::new(self.target, self.connections, notifies, self.options))
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
