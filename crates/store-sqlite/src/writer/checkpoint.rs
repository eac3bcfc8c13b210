//! Checkpoints: the write-ahead log is copied back into the database on a thread of its own.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;

use super::Shared;
use crate::{OpenError, Options, connection};

/// The length in pages from which the log is copied back: 4 MiB. A longer log slows down reads and the next
/// start.
pub(super) const LONG_LOG_PAGES: usize = 1_000;

/// The checkpoint thread; it stops when this is dropped.
pub(super) struct Checkpointer {
    signal: Signal,
    thread: Option<JoinHandle<()>>,
}

/// Wakes the thread.
#[derive(Clone)]
pub(super) struct Signal(Arc<(Mutex<Wanted>, Condvar)>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Nothing,
    Copy,
    Stop,
}

impl Signal {
    pub(super) fn wake(&self) {
        self.set(Wanted::Copy);
    }

    fn set(&self, wanted: Wanted) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if *state != wanted && *state != Wanted::Stop {
            *state = wanted;
            changed.notify_one();
        }
    }

    /// Waits for work; `false` means stop.
    fn wait(&self) -> bool {
        let (state, changed) = &*self.0;
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = changed.wait_while(state, |wanted| *wanted == Wanted::Nothing);
        *state.unwrap_or_else(PoisonError::into_inner) == Wanted::Copy
    }
}

impl Checkpointer {
    pub(super) fn start(path: &Path, options: Options, shared: Arc<Shared>) -> Result<Self, OpenError> {
        let db = connection::open_writer(path, options)?;
        let signal = Signal(Arc::new((Mutex::new(Wanted::Nothing), Condvar::new())));
        let wanted = signal.clone();
        let thread = thread::Builder::new()
            .name("store-checkpointer".to_owned())
            .spawn(move || run(&db, &wanted, &shared))
            .map_err(|source| OpenError::File { path: path.to_owned(), source })?;
        Ok(Self { signal, thread: Some(thread) })
    }

    pub(super) fn signal(&self) -> Signal {
        self.signal.clone()
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.signal.set(Wanted::Stop);
        if let Some(thread) = self.thread.take() {
            // Nothing depends on the thread's result.
            let _ = thread.join();
        }
    }
}

fn run(db: &Connection, signal: &Signal, shared: &Shared) {
    while signal.wait() {
        match db.wal_checkpoint_v2(rusqlite::DEFAULT_NAME, CheckpointMode::PASSIVE) {
            Ok(_) => {
                shared.syncs.fetch_add(1, Ordering::Relaxed);
                shared.finish_checkpoint.store(true, Ordering::Release);
            }
            Err(error) => tracing::warn!(%error, "the write-ahead log cannot be copied back"),
        }
        signal.set(Wanted::Nothing);
    }
}
