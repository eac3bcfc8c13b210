//! The connections of one source that wait for work.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

use crate::budget::{ConnectionPermit, Reclaim};
use crate::{ConnectionBudget, SourceError};

/// The connections of a source.
pub(super) struct Pool<C> {
    idle: Mutex<Vec<Open<C>>>,
    max_idle: usize,
    budget: Arc<ConnectionBudget>,
    last_used: AtomicU64,
    closed: AtomicBool,
    count: Arc<Count>,
}

/// The number of open connections of a source.
#[derive(Debug, Default)]
struct Count {
    open: AtomicUsize,
    none: Notify,
}

/// An open connection with the right to it.
struct Open<C> {
    connection: C,
    right: Right,
}

/// The right to a connection; it is dropped after the connection.
pub(super) struct Right {
    _permit: ConnectionPermit,
    count: Arc<Count>,
}

impl Drop for Right {
    fn drop(&mut self) {
        if self.count.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.count.none.notify_waiters();
        }
    }
}

impl<C: Send + 'static> Pool<C> {
    /// Keeps at most `max_idle` connections.
    pub(super) fn new(budget: &Arc<ConnectionBudget>, max_idle: usize) -> Arc<Self> {
        let pool = Arc::new(Self {
            idle: Mutex::default(),
            max_idle: max_idle.max(1),
            budget: Arc::clone(budget),
            last_used: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            count: Arc::default(),
        });
        let weak: Weak<Self> = Arc::downgrade(&pool);
        budget.enlist(weak);
        pool
    }

    /// An idle connection.
    pub(super) fn take(self: &Arc<Self>) -> Option<Lent<C>> {
        self.last_used.store(self.budget.tick(), Ordering::Relaxed);
        let open = self.lock().pop()?;
        Some(Lent { open: Some(open), pool: Arc::clone(self) })
    }

    /// The right to one more connection.
    pub(super) fn permit(&self) -> Result<ConnectionPermit, SourceError> {
        self.budget.acquire().ok_or(SourceError::Busy)
    }

    /// Lends a new connection.
    pub(super) fn lend(self: &Arc<Self>, connection: C, permit: ConnectionPermit) -> Lent<C> {
        self.count.open.fetch_add(1, Ordering::AcqRel);
        let right = Right { _permit: permit, count: Arc::clone(&self.count) };
        Lent { open: Some(Open { connection, right }), pool: Arc::clone(self) }
    }

    /// Closes idle connections, and lent ones when they come back.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.close_idle();
    }

    /// Waits until no connection is open.
    pub(super) async fn closed(&self) {
        loop {
            let mut none = std::pin::pin!(self.count.none.notified());
            none.as_mut().enable();
            if self.count.open.load(Ordering::Acquire) == 0 {
                return;
            }
            none.await;
        }
    }
}

impl<C> Pool<C> {
    fn lock(&self) -> MutexGuard<'_, Vec<Open<C>>> {
        // A list of connections is consistent between any two operations under the lock.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> std::fmt::Debug for Pool<C> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Pool({:?})", self.count)
    }
}

impl<C: Send> Reclaim for Pool<C> {
    fn last_used(&self) -> u64 {
        self.last_used.load(Ordering::Relaxed)
    }

    fn close_idle(&self) -> usize {
        let idle = std::mem::take(&mut *self.lock());
        idle.len()
    }
}

/// A connection in use. Unless it is given back, it is closed by being dropped.
pub(super) struct Lent<C> {
    open: Option<Open<C>>,
    pool: Arc<Pool<C>>,
}

impl<C> Lent<C> {
    /// The connection.
    pub(super) fn connection(&mut self) -> &mut C {
        &mut self.open.as_mut().expect(GIVEN_BACK).connection
    }

    /// The connection, to look at.
    pub(super) fn shared(&self) -> &C {
        &self.open.as_ref().expect(GIVEN_BACK).connection
    }

    /// The connection and the right to it, which must be kept until the connection is closed.
    pub(super) fn into_parts(mut self) -> (C, Right) {
        let Open { connection, right } = self.open.take().expect(GIVEN_BACK);
        (connection, right)
    }

    /// Keeps the connection for the next job, unless the source is closed or keeps enough already.
    pub(super) fn give_back(mut self) {
        let Some(open) = self.open.take() else { return };
        let mut idle = self.pool.lock();
        if idle.len() < self.pool.max_idle && !self.pool.closed.load(Ordering::Acquire) {
            idle.push(open);
            return;
        }
        drop(idle);
        drop(open);
    }
}

/// Only giving back takes the connection away, and ends the loan.
const GIVEN_BACK: &str = "a connection that is not given back yet";
