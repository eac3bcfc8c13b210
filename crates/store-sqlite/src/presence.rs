//! Who uses a database: whoever opens it shares a lock, and whoever puts another file in its place or moves it up has it
//! alone.
//!
//! SQLite's own locks hang on the file. A server that opened the old file a moment before another took its name would go on
//! with the old one, and with the new one's write-ahead log. So the lock is on a file of its own beside the database,
//! which is empty, never deleted, and let go by the operating system whenever a process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::{OpenError, connection};

/// The lock, as long as this lives.
#[derive(Debug)]
pub struct Presence {
    _file: File,
}

impl Presence {
    /// As one of many who use the database.
    ///
    /// # Errors
    /// While it is being restored or moved, or when the folder cannot be written.
    pub(crate) fn shared(database: &Path) -> Result<Self, OpenError> {
        let (file, path) = open(database)?;
        match file.try_lock_shared() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Restoring(database.to_owned())),
            Err(TryLockError::Error(source)) => Err(OpenError::File { path, source }),
        }
    }

    /// As the only one, who may put another file in the database's place.
    ///
    /// # Errors
    /// While a server or a command uses the database, or when the folder cannot be written.
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
