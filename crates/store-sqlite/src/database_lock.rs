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
///
/// Dropping unlocks, not only closes, the file. The lock belongs to the open file, not to its descriptor. A
/// process that another thread is just starting has a copy of the descriptor until it runs its program, and
/// would keep the lock for that time.
#[derive(Debug)]
pub struct DatabaseLock {
    file: File,
}

impl Drop for DatabaseLock {
    fn drop(&mut self) {
        // If unlocking fails, closing the file still releases the lock.
        let _ = self.file.unlock();
    }
}

impl DatabaseLock {
    /// Takes the lock shared, as one of many users of the database.
    ///
    /// # Errors
    /// If the database is being restored or migrated, or the folder cannot be written.
    pub(crate) fn shared(database: &Path) -> Result<Self, OpenError> {
        let (file, path) = open(database)?;
        match file.try_lock_shared() {
            Ok(()) => Ok(Self { file }),
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
            Ok(()) => Ok(Self { file }),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_lock_is_free_though_a_copy_of_its_descriptor_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("sluicegate.db");
        let shared = DatabaseLock::shared(&database).unwrap();
        let inherited = shared.file.try_clone().unwrap();
        assert!(matches!(DatabaseLock::alone(&database), Err(OpenError::InUse(_))));
        drop(shared);
        let alone = DatabaseLock::alone(&database).unwrap();
        let inherited = (inherited, alone.file.try_clone().unwrap());
        assert!(matches!(DatabaseLock::shared(&database), Err(OpenError::Restoring(_))));
        drop(alone);
        DatabaseLock::shared(&database).unwrap();
        drop(inherited);
    }
}
