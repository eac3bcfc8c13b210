//! Fault injection for tests: the errors of a failing disk, on demand.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ffi};

/// The faults to inject into a store.
#[derive(Debug, Default)]
pub struct Faults {
    failing: AtomicU32,
    code: AtomicI32,
    delay_micros: AtomicU64,
    most_pages: AtomicI64,
    read_only: AtomicBool,
    is_read_only: AtomicBool,
}

/// The error with which a commit fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum CommitFault {
    /// The disk is full.
    Full = ffi::SQLITE_FULL,
    /// Writing the log failed.
    Write = ffi::SQLITE_IOERR_WRITE,
    /// Syncing the log failed.
    Sync = ffi::SQLITE_IOERR_FSYNC,
}

impl Faults {
    /// Makes the next `commits` commits fail.
    pub fn fail_commits(&self, commits: u32, fault: CommitFault) {
        self.code.store(fault as i32, Ordering::Release);
        self.failing.store(commits, Ordering::Release);
    }

    /// Makes every commit take longer by `delay`, as on a slow disk.
    pub fn delay_commits(&self, delay: Duration) {
        self.delay_micros.store(u64::try_from(delay.as_micros()).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// Stops the database file from growing, as on a full disk; `false` ends this.
    pub fn fill_disk(&self, full: bool) {
        self.most_pages.store(if full { 1 } else { i64::from(u32::MAX) - 1 }, Ordering::Release);
    }

    /// Refuses every write, as on a file system that is mounted read-only.
    pub fn set_read_only(&self, read_only: bool) {
        self.read_only.store(read_only, Ordering::Release);
    }

    pub(crate) fn prepare(&self, db: &Connection) {
        let pages = self.most_pages.swap(0, Ordering::AcqRel);
        if pages > 0 {
            db.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
                .expect("SQLite rounds the number up to the pages that there are");
        }
        let read_only = self.read_only.load(Ordering::Acquire);
        // The pragma makes SQLite compile every statement again, so it runs only on a change.
        if self.is_read_only.swap(read_only, Ordering::AcqRel) != read_only {
            db.pragma_update(None, "query_only", read_only).expect("the pragma has no way to fail");
        }
    }

    pub(crate) fn before_commit(&self, _: &Connection) -> rusqlite::Result<()> {
        let delay = self.delay_micros.load(Ordering::Acquire);
        if delay > 0 {
            thread::sleep(Duration::from_micros(delay));
        }
        let left = self.failing.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
        match left {
            Ok(_) => {
                Err(rusqlite::Error::SqliteFailure(ffi::Error::new(self.code.load(Ordering::Acquire)), None))
            }
            Err(_) => Ok(()),
        }
    }
}
