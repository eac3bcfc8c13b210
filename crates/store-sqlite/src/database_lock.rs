//! The database lock: every process that opens the database holds it shared, and a process that replaces the
//! file or migrates it to another database holds it exclusively.
//!
//! SQLite's own locks belong to the file. A server that opened the old file just before another took its name
//! would continue with the old file and the write-ahead log of the new one. This lock is therefore on a
//! separate file beside the database. That file is empty and never deleted, and the operating system releases
//! the lock when a process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::{OpenError, connection};

/// The lock, held until this is dropped.
#[derive(Debug)]
pub struct DatabaseLock {
    _file: File,
}

impl DatabaseLock {
    /// Takes the lock shared, as one of many users of the database.
    ///
    /// # Errors
    /// If the database is being restored or migrated, or the folder cannot be written.
    pub(crate) fn shared(database: &Path) -> Result<Self, OpenError> {
        let (file, path) = open(database)?;
        match file.try_lock_shared() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Restoring(database.to_owned())),
            Err(TryLockError::Error(source)) => Err(OpenError::File { path, source }),
        }
    }

    /// Takes the lock exclusively, to replace the database.
    ///
    /// # Errors
    /// If a server or a command uses the database, or the folder cannot be written.
    pub fn alone(database: &Path) -> Result<Self, OpenError> {
        let (file, path) = open(database)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse(database.to_owned())),
            Err(TryLockError::Error(source)) => Err(OpenError::File { path, source }),
        }
    }
}

fn open(database: &Path) -> Result<(File, PathBuf), OpenError> {
    let path = connection::beside(database, "-lock");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(&path) {
        Ok(file) => Ok((file, path)),
        Err(source) => Err(OpenError::File { path, source }),
    }
}
