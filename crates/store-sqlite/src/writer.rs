//! The thread that writes.
//!
//! A batch runs as one transaction without savepoints. An operation refuses before it writes, so normally
//! each operation has done everything or nothing. If an operation fails unexpectedly, the transaction is
//! rolled back and the batch runs again with a savepoint for each operation, so that only the failed one is
//! undone. Callers are answered only after the commit has returned.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;
use tokio::sync::watch;

use crate::error::{Failure, store_error};
use crate::faults::Faults;
use crate::job::WriteJob;
use crate::queue::Queue;
use crate::{OpenError, Options, connection, sql};

mod checkpoint;

use checkpoint::{Checkpointer, LONG_LOG_PAGES, Signal};

type Batch = Vec<Box<dyn WriteJob>>;

/// The writer thread and its counters.
pub(crate) struct WriterHandle {
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    checkpointer: Option<Checkpointer>,
    /// Nothing is ever sent; the channel closes when the thread ends.
    alive: watch::Receiver<()>,
}

/// The state that the writer shares with its observers.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) commits: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) syncs: AtomicU64,
    /// The number of pages in the write-ahead log after the last commit.
    pub(crate) log_pages: AtomicUsize,
    /// The checkpoint thread has copied as much as it could; the writer should copy the rest, so that the log
    /// starts again.
    pub(crate) finish_checkpoint: AtomicBool,
    pub(crate) faults: Faults,
}

impl WriterHandle {
    pub(crate) fn start(
        path: &Path,
        options: Options,
        db: Connection,
        queue: Arc<Queue>,
    ) -> Result<Self, OpenError> {
        let shared = Arc::new(Shared::default());
        let checkpointer = Checkpointer::start(path, options, Arc::clone(&shared))?;
        let (life, alive) = watch::channel(());
        let thread = WriterThread {
            db: prepare(db, &shared)?,
            path: path.to_owned(),
            options,
            shared: Arc::clone(&shared),
            signal: checkpointer.signal(),
            _life: life,
        };
        let queued = Arc::clone(&queue);
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || thread.run(&queued))
            .map_err(|source| OpenError::File { path: path.to_owned(), source })?;
        Ok(Self { queue, shared, thread: Some(thread), checkpointer: Some(checkpointer), alive })
    }

    /// Waits until the thread has ended. It ends when the queue is closed and empty.
    pub(crate) async fn finished(&self) {
        let mut alive = self.alive.clone();
        while alive.changed().await.is_ok() {}
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    #[cfg(feature = "faults")]
    pub(crate) fn faults(&self) -> &Faults {
        &self.shared.faults
    }
}

impl Drop for WriterHandle {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // The thread catches panics of operations. If it died anyway, there is nothing left to wait for.
            let _ = thread.join();
        }
        drop(self.checkpointer.take());
    }
}

/// Installs the hook that replaces automatic checkpoints and records the length of the log.
fn prepare(mut db: Connection, shared: &Arc<Shared>) -> rusqlite::Result<Connection> {
    let shared = Arc::clone(shared);
    db.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
        shared.log_pages.store(usize::try_from(pages).unwrap_or(0), Ordering::Relaxed);
        Ok(())
    }))?;
    Ok(db)
}

/// The state that the writer thread owns.
struct WriterThread {
    db: Connection,
    path: PathBuf,
    options: Options,
    shared: Arc<Shared>,
    signal: Signal,
    /// The last field, so that it is dropped after the connection is closed.
    _life: watch::Sender<()>,
}

/// Why a transaction failed.
enum Trouble {
    /// One operation failed; the others can be done without it.
    Unit,
    /// The database failed.
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl WriterThread {
    fn run(mut self, queue: &Queue) {
        let mut batch = Batch::new();
        while queue.take(&mut batch) {
            self.commit(queue, &mut batch);
            self.maintain_log();
        }
        if let Err(error) = self.db.wal_checkpoint_v2(rusqlite::DEFAULT_NAME, CheckpointMode::TRUNCATE) {
            tracing::debug!(%error, "the last checkpoint is left to the next start");
        }
    }

    fn commit(&mut self, queue: &Queue, batch: &mut Batch) {
        let changes = self.db.total_changes();
        let mut outcome = self.attempt(|db| run_together(db, batch));
        if matches!(outcome, Err(Trouble::Unit)) {
            outcome = self.attempt(|db| run_apart(db, batch));
        }
        let failure = match outcome {
            Ok(()) => None,
            Err(Trouble::Database(error)) => Some(Arc::new(error)),
            Err(Trouble::Unit) => Some(Arc::new(rusqlite::Error::InvalidQuery)),
        };
        match &failure {
            None => self.count(batch.len(), self.db.total_changes() != changes),
            Some(error) => tracing::error!(%error, units = batch.len(), "a commit failed"),
        }
        queue.note_crowd(batch.len());
        for job in batch.drain(..) {
            job.answer(failure.as_ref().map_or(Ok(()), |error| Err(store_error(error))));
        }
    }

    fn count(&self, units: usize, wrote: bool) {
        self.shared.writes.fetch_add(units as u64, Ordering::Relaxed);
        if wrote {
            self.shared.commits.fetch_add(1, Ordering::Relaxed);
            self.shared.syncs.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Runs `work` in one transaction; on any failure the transaction is rolled back.
    fn attempt(&mut self, work: impl FnOnce(&Connection) -> Result<(), Trouble>) -> Result<(), Trouble> {
        self.shared.faults.prepare(&self.db);
        let outcome = self.transaction(work);
        if outcome.is_err() && !self.db.is_autocommit() && sql::run(&self.db, "ROLLBACK").is_err() {
            self.reopen();
        }
        outcome
    }

    fn transaction(&self, work: impl FnOnce(&Connection) -> Result<(), Trouble>) -> Result<(), Trouble> {
        sql::run(&self.db, "BEGIN IMMEDIATE")?;
        work(&self.db)?;
        self.shared.faults.before_commit(&self.db)?;
        sql::run(&self.db, "COMMIT")?;
        Ok(())
    }

    /// Replaces a connection that cannot even roll back; if that fails too, the next batch tries again.
    fn reopen(&mut self) {
        let fresh = connection::open_writer(&self.path, self.options)
            .and_then(|db| prepare(db, &self.shared).map_err(OpenError::from));
        match fresh {
            Ok(db) => self.db = db,
            Err(error) => tracing::error!(%error, "the system database cannot be opened again"),
        }
    }

    /// Wakes the checkpoint thread when the log is long. After that thread has copied nearly all of the log,
    /// the rest is copied here, where nobody can append to it, so that the next commit starts the log again.
    fn maintain_log(&self) {
        if self.shared.finish_checkpoint.swap(false, Ordering::AcqRel) {
            match self.db.wal_checkpoint_v2(rusqlite::DEFAULT_NAME, CheckpointMode::PASSIVE) {
                Ok(_) => drop(self.shared.syncs.fetch_add(1, Ordering::Relaxed)),
                Err(error) => tracing::warn!(%error, "the write-ahead log cannot be copied back"),
            }
        } else if self.shared.log_pages.load(Ordering::Relaxed) >= LONG_LOG_PAGES {
            self.signal.wake();
        }
    }
}

fn run_together(db: &Connection, batch: &mut Batch) -> Result<(), Trouble> {
    for job in batch {
        job.run(db).map_err(trouble)?;
    }
    Ok(())
}

fn run_apart(db: &Connection, batch: &mut Batch) -> Result<(), Trouble> {
    for job in batch {
        sql::run(db, "SAVEPOINT unit")?;
        if let Err(failure) = job.run(db) {
            if failure.spoils_transaction() {
                return Err(trouble(failure));
            }
            job.fail(failure);
            sql::run(db, "ROLLBACK TO unit")?;
        }
        sql::run(db, "RELEASE unit")?;
    }
    Ok(())
}

fn trouble(failure: Failure) -> Trouble {
    let spoils = failure.spoils_transaction();
    match failure {
        Failure::Sql(error) if spoils => Trouble::Database(error),
        _ => Trouble::Unit,
    }
}
