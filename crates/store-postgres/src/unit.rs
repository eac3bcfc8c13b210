//! Operations. Each runs on a task of its own, so that a caller that goes away leaves nothing half done; one
//! that lost against a concurrent operation is tried again, a bounded number of times.
//!
//! An operation that changes records that nodes cache, or that revokes access, runs in a **serialized
//! transaction**: it first locks the only row of `versions` until its commit. Across all nodes only one such
//! transaction runs at a time. Its statements therefore see everything that earlier ones committed, and the
//! numbers that it assigns in the revocation feed become visible in order.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use store::StoreError;
use tokio::sync::{Mutex, MutexGuard, Notify, oneshot};

use crate::error::Failure;
use crate::pool::{Connections, PooledConnection};
use crate::sql;

/// The maximum number of attempts.
const TRIES: u32 = 5;

/// Settings for each transaction, so that a node that vanishes in the middle of one blocks nobody.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '4s';
    SET LOCAL idle_in_transaction_session_timeout = '5s'";

const COMMIT: &str = "COMMIT";

/// A serialized transaction has changed something that other nodes must know; they are woken when it becomes
/// visible.
const WAKE_AND_COMMIT: &str = "NOTIFY sluicegate; COMMIT";

pub(crate) const LOCK_VERSIONS: &str = "SELECT id FROM versions WHERE id = 1 FOR UPDATE";

/// An operation that has started. If it is dropped without a commit, its connection is closed and everything
/// is rolled back.
pub(crate) struct Unit<'a> {
    connection: PooledConnection,
    /// `None` if the server commits each statement by itself.
    commit: Option<&'static str>,
    /// Only one operation of this node waits for the row lock; the others wait here and hold no connection.
    _queue_guard: Option<MutexGuard<'a, ()>>,
}

impl<'a> Unit<'a> {
    pub(crate) async fn begin(shared: &'a Shared) -> Result<Self, Failure> {
        let connection = shared.connections.get().await?;
        connection.client().batch_execute(BEGIN).await?;
        Ok(Self { connection, commit: Some(COMMIT), _queue_guard: None })
    }

    /// Starts an operation of a single statement, without a transaction.
    pub(crate) async fn without_transaction(shared: &'a Shared) -> Result<Self, Failure> {
        Ok(Self { connection: shared.connections.get().await?, commit: None, _queue_guard: None })
    }

    /// Starts a serialized transaction, in one round trip. No other statement may be sent along: if the
    /// transaction failed to start, it would run outside of it.
    pub(crate) async fn begin_serialized(shared: &'a Shared) -> Result<Self, Failure> {
        let queue_guard = Some(shared.queue_lock.lock().await);
        let connection = shared.connections.get().await?;
        let client = connection.client();
        let (begun, locked) =
            tokio::join!(biased; client.batch_execute(BEGIN), sql::rows(client, LOCK_VERSIONS, &[]));
        begun?;
        if locked?.len() != 1 {
            return Err(Failure::Inconsistent("the row of versions is missing".to_owned()));
        }
        let commit = if shared.notifies { WAKE_AND_COMMIT } else { COMMIT };
        Ok(Self { connection, commit: Some(commit), _queue_guard: queue_guard })
    }

    pub(crate) fn client(&self) -> &tokio_postgres::Client {
        self.connection.client()
    }

    /// Commits. Sent together with the last statement of the operation, the commit costs no round trip; if
    /// that statement fails, the server rolls back everything.
    pub(crate) async fn end(&self) -> Result<(), Failure> {
        if let Some(commit) = self.commit {
            self.client().batch_execute(commit).await?;
        }
        Ok(())
    }

    /// Marks the connection as idle after the operation has succeeded.
    pub(crate) fn at_rest(self) {
        self.connection.at_rest();
    }

    pub(crate) async fn commit<T>(self, outcome: T) -> Result<T, Failure> {
        self.end().await?;
        self.at_rest();
        Ok(outcome)
    }
}

/// The state that a store shares with its tasks.
pub(crate) struct Shared {
    pub(crate) connections: Connections,
    pub(crate) figures: Figures,
    running: Running,
    queue_lock: Mutex<()>,
    /// Whether the server supports `NOTIFY`.
    pub(crate) notifies: bool,
}

/// The counters of a store.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) commits: AtomicU64,
    pub(crate) writes: AtomicU64,
}

impl Shared {
    pub(crate) fn new(connections: Connections, notifies: bool) -> Self {
        Self {
            connections,
            figures: Figures::default(),
            running: Running::default(),
            queue_lock: Mutex::default(),
            notifies,
        }
    }

    /// Counts a committed transaction with `units` operations.
    pub(crate) fn committed(&self, units: u64) {
        self.figures.commits.fetch_add(1, Ordering::Relaxed);
        self.figures.writes.fetch_add(units, Ordering::Relaxed);
    }

    /// Operations that have started and not ended.
    pub(crate) fn running(&self) -> u64 {
        self.running.count.load(Ordering::Acquire)
    }

    /// Waits until no operation is running.
    pub(crate) async fn at_rest(&self) {
        loop {
            let ended = self.running.ended.notified();
            if self.running() == 0 {
                return;
            }
            ended.await;
        }
    }

    /// Runs work to completion on a task of its own, even if the caller goes away.
    pub(crate) async fn to_the_end<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let present = Present::enter(Arc::clone(self));
        let (caller, answer) = oneshot::channel();
        // Boxed, so that the code of a task exists once and not once for each operation.
        let running: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
            let outcome = work.await;
            drop(present);
            // The caller may have gone away; the operation is done anyway.
            let _ = caller.send(outcome);
        });
        #[expect(clippy::disallowed_methods, reason = "counted in `running`, for which closing waits")]
        tokio::spawn(running);
        match answer.await {
            Ok(outcome) => outcome.map_err(Failure::into_store_error),
            Err(_) => Err(StoreError::Inconsistent("an operation panicked".to_owned())),
        }
    }
}

#[derive(Default)]
struct Running {
    count: AtomicU64,
    ended: Notify,
}

/// Counts one running operation while it lives.
pub(crate) struct Present(Arc<Shared>);

impl Present {
    pub(crate) fn enter(shared: Arc<Shared>) -> Self {
        shared.running.count.fetch_add(1, Ordering::AcqRel);
        Self(shared)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.running.count.fetch_sub(1, Ordering::AcqRel);
        self.0.running.ended.notify_waiters();
    }
}

/// The number of attempts so far.
#[derive(Default)]
pub(crate) struct Tries(u32);

impl Tries {
    /// Waits briefly if another attempt may succeed; otherwise returns the failure.
    pub(crate) async fn again(&mut self, failure: Failure) -> Result<(), Failure> {
        self.0 += 1;
        if self.0 >= TRIES || !failure.is_conflict() {
            return Err(failure);
        }
        tracing::debug!(tries = self.0, "an operation lost against a concurrent one and is run again");
        tokio::time::sleep(Duration::from_millis(2 << self.0)).await;
        Ok(())
    }
}

/// Runs an operation in a serialized transaction: `$work` is a future over the client `$db`. It may run
/// several times.
macro_rules! serialized {
    ($store:expr, $db:ident => $work:expr) => {
        $crate::unit::unit!($store, begin_serialized, $db => $work)
    };
}
pub(crate) use serialized;

/// Runs an operation in a transaction that is not serialized.
macro_rules! in_transaction {
    ($store:expr, $db:ident => $work:expr) => {
        $crate::unit::unit!($store, begin, $db => $work)
    };
}
pub(crate) use in_transaction;

/// Runs an operation in a transaction that is serialized if it may append revocations: only such operations wait for the
/// others that do.
macro_rules! serialized_if {
    ($store:expr, $condition:expr, $db:ident => $work:expr) => {
        if $condition {
            $crate::unit::serialized!($store, $db => $work)
        } else {
            $crate::unit::in_transaction!($store, $db => $work)
        }
    };
}
pub(crate) use serialized_if;

macro_rules! unit {
    ($store:expr, $begin:ident, $db:ident => $work:expr) => {{
        let shared = std::sync::Arc::clone(&$store.shared);
        Box::pin(async move {
            let own = std::sync::Arc::clone(&shared);
            let work = async move {
                let mut tries = $crate::unit::Tries::default();
                loop {
                    let outcome = own.connections.within_time(async {
                        let unit = $crate::unit::Unit::$begin(&own).await?;
                        let $db = unit.client();
                        let done = $work.await?;
                        unit.commit(done).await
                    });
                    match outcome.await {
                        Ok(done) => {
                            own.committed(1);
                            return Ok(done);
                        }
                        Err(failure) => tries.again(failure).await?,
                    }
                }
            };
            shared.to_the_end(work).await
        })
    }};
}
pub(crate) use unit;

/// Runs an operation that is a single statement.
macro_rules! in_one_statement {
    ($store:expr, $db:ident => $work:expr) => {
        $crate::unit::unit!($store, without_transaction, $db => $work)
    };
}
pub(crate) use in_one_statement;

/// Reads with one statement, which is repeated on a new connection if the first one is broken.
macro_rules! read {
    ($store:expr, $db:ident => $work:expr) => {
        Box::pin(async move {
            let shared = &$store.shared;
            let mut repeated = false;
            loop {
                let outcome = shared.connections.within_time(async {
                    let connection = shared.connections.get().await?;
                    let $db = connection.client();
                    let read = $work.await?;
                    connection.at_rest();
                    Ok(read)
                });
                match outcome.await {
                    Ok(read) => return Ok(read),
                    Err(failure) if failure.is_broken_connection() && !repeated => {
                        repeated = true;
                        shared.connections.close_idle();
                    }
                    Err(failure) => return Err($crate::error::Failure::into_store_error(failure)),
                }
            }
        })
    };
}
pub(crate) use read;
