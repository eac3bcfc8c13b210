//! The connections for short reads: assigning them, and closing them.

use std::cell::Cell;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::{Instant, SystemTime};

use super::connection::OpenConnection;
use super::file::{Access, beside};
use crate::budget::{ConnectionPermit, Reclaim};
use crate::deadline::monotonic_now;
use crate::{ConnectionBudget, Limits, SourceError};

/// The interval in milliseconds at which the path is checked for another file.
const CHECK_EVERY_MILLIS: u64 = 1000;

/// A slot for one connection. The holder of the lock uses the connection.
type Slot = Mutex<Option<OpenConnection>>;

/// The connections of one source.
#[derive(Debug)]
pub(super) struct Pool {
    path: PathBuf,
    limits: Limits,
    budget: Arc<ConnectionBudget>,
    slots: Box<[Slot]>,
    closed: Arc<AtomicBool>,
    last_used: AtomicU64,
    watch: Watch,
}

/// Detects that the path names another file than the one that connections have open.
#[derive(Debug)]
struct Watch {
    since: Instant,
    next_check_millis: AtomicU64,
    generation: AtomicU64,
    immutable: AtomicBool,
    seen: Mutex<Fingerprint>,
}

/// Identifies the file that a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fingerprint {
    device: u64,
    inode: u64,
    /// For an immutable file, what reveals a change: modification time, length, and the presence of a log.
    content: Option<(Option<SystemTime>, u64, bool)>,
}

impl Pool {
    /// Resolves the path and opens the first connection.
    pub(super) fn open(
        path: &Path,
        limits: &Limits,
        budget: &Arc<ConnectionBudget>,
    ) -> Result<Arc<Self>, SourceError> {
        let path = fs::canonicalize(path).map_err(|error| unreachable_file(&error))?;
        let metadata = fs::metadata(&path).map_err(|error| unreachable_file(&error))?;
        if !metadata.is_file() {
            return Err(SourceError::NotAFile);
        }
        // SQLite would take an empty file for a database without tables.
        if metadata.len() == 0 {
            return Err(SourceError::NotADatabase);
        }
        let pool = Arc::new(Self {
            watch: Watch::new(fingerprint(&path, Access::Shared)?),
            path,
            limits: limits.clone(),
            budget: Arc::clone(budget),
            slots: (0..limits.inline_connections.max(1)).map(|_| Slot::default()).collect(),
            closed: Arc::default(),
            last_used: AtomicU64::new(0),
        });
        let weak: Weak<Self> = Arc::downgrade(&pool);
        budget.enlist(weak);
        pool.with(|_| Ok(()))?;
        Ok(pool)
    }

    /// Lends a connection to `read`, opening it if necessary. A connection whose file failed is closed
    /// afterwards.
    pub(super) fn with<T>(
        &self,
        read: impl FnOnce(&mut OpenConnection) -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(SourceError::Closed);
        }
        self.last_used.store(self.budget.tick(), Ordering::Relaxed);
        let generation = self.generation()?;
        let mut slot = self.check_out();
        if slot.as_ref().is_some_and(|connection| connection.generation != generation) {
            *slot = None;
        }
        let connection = match &mut *slot {
            Some(connection) => connection,
            empty => {
                let permit = self.budget.acquire().ok_or(SourceError::Busy)?;
                empty.insert(self.connect_as(generation, Some(permit))?)
            }
        };
        let outcome = read(connection);
        if outcome.as_ref().is_err_and(SourceError::taints_connection) || self.closed.load(Ordering::Relaxed)
        {
            *slot = None;
        }
        outcome
    }

    /// The file that the path names, as device and inode number.
    pub(super) fn file(&self) -> (u64, u64) {
        let seen = self.watch.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.device, seen.inode)
    }

    /// Makes the next read check the path, without waiting for the interval.
    pub(super) fn expect_changed_structure(&self) {
        self.watch.next_check_millis.store(0, Ordering::Relaxed);
    }

    /// Stops running reads and closes idle connections; running reads close their own.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.close_idle();
    }

    /// The generation of connections that read the file which the path names now.
    pub(super) fn generation(&self) -> Result<u64, SourceError> {
        self.watch.check(&self.path)?;
        Ok(self.watch.generation.load(Ordering::Acquire))
    }

    /// Opens a connection that belongs to no slot.
    pub(super) fn connect(&self, permit: Option<ConnectionPermit>) -> Result<OpenConnection, SourceError> {
        self.connect_as(self.generation()?, permit)
    }

    /// Opens a connection to change the database.
    pub(super) fn connect_to_change(&self) -> Result<OpenConnection, SourceError> {
        OpenConnection::open_to_change(&self.path, &self.limits, &self.closed, self.generation()?)
    }

    fn connect_as(
        &self,
        generation: u64,
        permit: Option<ConnectionPermit>,
    ) -> Result<OpenConnection, SourceError> {
        let (connection, access) =
            OpenConnection::open(&self.path, &self.limits, &self.closed, permit, generation)?;
        if access == Access::Immutable {
            self.watch.immutable.store(true, Ordering::Relaxed);
        }
        Ok(connection)
    }

    /// A slot: the thread's own if it is free, otherwise any free one, otherwise the own one once it is free.
    fn check_out(&self) -> MutexGuard<'_, Option<OpenConnection>> {
        let slots = &self.slots;
        let home = thread_number() % slots.len();
        let (before, from_home) = slots.split_at(home);
        from_home.iter().chain(before).find_map(free).unwrap_or_else(|| {
            slots[home].lock().unwrap_or_else(|poisoned| {
                slots[home].clear_poison();
                emptied(poisoned.into_inner())
            })
        })
    }
}

impl Reclaim for Pool {
    fn last_used(&self) -> u64 {
        self.last_used.load(Ordering::Relaxed)
    }

    fn close_idle(&self) -> usize {
        self.slots.iter().filter_map(free).filter_map(|mut slot| slot.take()).count()
    }
}

/// The slot, if nobody uses it.
fn free(slot: &Slot) -> Option<MutexGuard<'_, Option<OpenConnection>>> {
    match slot.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::WouldBlock) => None,
        Err(TryLockError::Poisoned(poisoned)) => {
            slot.clear_poison();
            Some(emptied(poisoned.into_inner()))
        }
    }
}

/// A reader panicked with this connection, so its state is unknown.
fn emptied(mut slot: MutexGuard<'_, Option<OpenConnection>>) -> MutexGuard<'_, Option<OpenConnection>> {
    *slot = None;
    slot
}

impl Watch {
    fn new(seen: Fingerprint) -> Self {
        Self {
            since: monotonic_now(),
            next_check_millis: AtomicU64::new(CHECK_EVERY_MILLIS),
            generation: AtomicU64::new(0),
            immutable: AtomicBool::new(false),
            seen: Mutex::new(seen),
        }
    }

    /// Checks the path if it is time; a new file starts a new generation of connections.
    fn check(&self, path: &Path) -> Result<(), SourceError> {
        let now = monotonic_now().saturating_duration_since(self.since).as_millis();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        if now < self.next_check_millis.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let immutable = self.immutable.load(Ordering::Relaxed);
        let found = fingerprint(path, if immutable { Access::Immutable } else { Access::Shared })?;
        // The first check of a file known to be immutable records its state, and distrusts everything read
        // before.
        if found != *seen {
            *seen = found;
            self.immutable.store(false, Ordering::Relaxed);
            self.generation.fetch_add(1, Ordering::Release);
        }
        self.next_check_millis.store(now.saturating_add(CHECK_EVERY_MILLIS), Ordering::Relaxed);
        Ok(())
    }
}

fn fingerprint(path: &Path, access: Access) -> Result<Fingerprint, SourceError> {
    let metadata = fs::symlink_metadata(path).map_err(|error| unreachable_file(&error))?;
    let content = (access == Access::Immutable)
        .then(|| (metadata.modified().ok(), metadata.len(), beside(path, "-wal").exists()));
    Ok(Fingerprint { device: metadata.dev(), inode: metadata.ino(), content })
}

fn unreachable_file(error: &std::io::Error) -> SourceError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => SourceError::Missing,
        _ => SourceError::Unreadable { detail: error.to_string() },
    }
}

/// A small number for the calling thread, so that it returns to the same slot.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed));
    }
    OWN.get()
}
