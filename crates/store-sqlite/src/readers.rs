//! Connections for reading, used on the caller's thread: a point read takes less time than handing it to
//! another thread.
//!
//! Every thread has a slot of its own, so in practice nobody waits. The store owns all slots, so their number
//! is bounded and they are closed with it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use rusqlite::Connection;

use crate::{Options, connection, sql};

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The number of this thread among all threads that have read.
    static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed);
}

pub(crate) struct Readers {
    path: PathBuf,
    options: Options,
    slots: Box<[Mutex<Option<Connection>>]>,
}

impl Readers {
    pub(crate) fn new(path: &Path, options: Options) -> Self {
        let slots = (0..options.readers.max(1)).map(|_| Mutex::new(None)).collect();
        Self { path: path.to_owned(), options, slots }
    }

    /// Runs `work` on a connection, which is opened when its slot is first used.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&Connection) -> sql::Result<T>) -> sql::Result<T> {
        let mut slot = self.slot();
        let db = match slot.take() {
            Some(db) => db,
            None => connection::open_reader(&self.path, self.options)?,
        };
        let outcome = work(&db);
        // A connection that is stuck in a transaction is not used again.
        *slot = Some(db).filter(Connection::is_autocommit);
        outcome
    }

    /// Closes every connection.
    pub(crate) fn close(&self) {
        for slot in &self.slots {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<Connection>> {
        let own = THREAD.with(|thread| *thread) % self.slots.len();
        for slot in self.slots[own..].iter().chain(&self.slots[..own]) {
            match slot.try_lock() {
                Ok(slot) => return slot,
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        self.slots[own].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
