//! The number of database connections that all sources together may hold open.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A pool that can be asked to close idle connections.
pub(crate) trait Reclaim: Send + Sync {
    /// When the pool was last used, in ticks of [`ConnectionBudget::tick`].
    fn last_used(&self) -> u64;
    /// Closes every idle connection that is available without waiting; returns how many.
    fn close_idle(&self) -> usize;
}

/// The maximum number of open connections of all sources. If it is reached, the source that was read longest
/// ago gives up its idle connections.
#[derive(Debug)]
pub struct ConnectionBudget {
    limit: usize,
    open: AtomicUsize,
    clock: AtomicU64,
    pools: Mutex<Vec<Weak<dyn Reclaim>>>,
}

impl std::fmt::Debug for dyn Reclaim {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "pool last used at {}", self.last_used())
    }
}

impl ConnectionBudget {
    /// Creates a budget of `limit` connections, at least one.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit: limit.max(1),
            open: AtomicUsize::new(0),
            clock: AtomicU64::new(1),
            pools: Mutex::default(),
        })
    }

    /// The number of open connections.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(crate) fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn enlist(&self, pool: Weak<dyn Reclaim>) {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|pool| pool.strong_count() > 0);
        pools.push(pool);
    }

    /// Takes the right to one more connection; `None` if all are in use.
    pub(crate) fn acquire(self: &Arc<Self>) -> Option<ConnectionPermit> {
        self.try_acquire().or_else(|| {
            self.reclaim();
            self.try_acquire()
        })
    }

    fn try_acquire(self: &Arc<Self>) -> Option<ConnectionPermit> {
        let one_more = |open: usize| (open < self.limit).then_some(open + 1);
        self.open.try_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(ConnectionPermit { budget: Arc::clone(self) })
    }

    fn reclaim(&self) {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pools: Vec<Arc<dyn Reclaim>> = pools.iter().filter_map(Weak::upgrade).collect();
        pools.sort_by_key(|pool| pool.last_used());
        for pool in pools {
            if pool.close_idle() > 0 {
                return;
            }
        }
    }
}

/// The right to one open connection, returned on drop.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    budget: Arc<ConnectionBudget>,
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.budget.open.fetch_sub(1, Ordering::Relaxed);
    }
}
