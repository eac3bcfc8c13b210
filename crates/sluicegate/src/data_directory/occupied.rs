//! Makes sure that only one server at a time serves a data directory. Two servers would each cache what the
//! other has changed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};

use super::{DataDirectory, cannot_write};

/// The lock on the folder, held until this is dropped. The operating system releases it whenever and however
/// the process ends.
///
/// Dropping unlocks, not only closes, the file: a process that another thread is just starting has a copy of the
/// descriptor until it runs its program.
#[derive(Debug)]
pub(crate) struct Occupied {
    file: File,
}

impl Drop for Occupied {
    fn drop(&mut self) {
        // If unlocking fails, closing the file still releases the lock.
        let _ = self.file.unlock();
    }
}

/// More than the length of a process id and an address.
const MOST_TOLD: u64 = 512;

impl Occupied {
    /// Locks the folder of an embedded installation; `None` if it contains nothing to serve.
    ///
    /// # Errors
    /// A sentence that names the server that holds the lock, or says why the lock file cannot be written.
    pub(crate) fn take(data_directory: &DataDirectory) -> anyhow::Result<Option<Self>> {
        let folder = data_directory.folder();
        if !data_directory.holds_database()? {
            return Ok(None);
        }
        let mut file = open(&path(folder)).map_err(|error| cannot_write(folder, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(served_already(folder, &mut file)),
            Err(TryLockError::Error(error)) => return Err(cannot_write(folder, &error)),
        }
        let mut occupied = Self { file };
        // The entry of an earlier server.
        occupied.write_url("").map_err(|error| cannot_write(folder, &error))?;
        Ok(Some(occupied))
    }

    /// Writes the address of this server into the lock file, for the error message of the next process.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn write_url(&mut self, url: &str) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        writeln!(self.file, "{} {url}", std::process::id())
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("server.lock")
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn served_already(folder: &Path, file: &mut File) -> anyhow::Error {
    let folder = folder.display();
    anyhow!(
        "{folder} is already served by {}: stop that server first, or name another folder with --data-dir DIR. \
         Several servers can share a PostgreSQL database (--database)",
        message(file)
    )
}

/// The server that holds the lock, in words.
fn message(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(MOST_TOLD).read_to_string(&mut text);
    let mut words = text.split_whitespace();
    let pid = words.next().and_then(|word| word.parse::<u32>().ok());
    match (read, pid, words.next()) {
        (Ok(_), Some(pid), Some(url)) if url.bytes().all(|byte| byte.is_ascii_graphic()) => {
            format!("process {pid} at {url}")
        }
        (Ok(_), Some(pid), _) => format!("process {pid}"),
        _ => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_on_a_folder_is_refused_and_names_the_holder() {
        let folder = tempfile::tempdir().unwrap();
        let data_directory = DataDirectory::at(folder.path());
        assert!(Occupied::take(&data_directory).unwrap().is_none(), "there is nothing to serve");
        std::fs::write(data_directory.database(), "").unwrap();
        std::fs::write(path(folder.path()), "99 http://left.example\n").unwrap();
        let mut first = Occupied::take(&data_directory).unwrap().unwrap();
        let refused = || Occupied::take(&data_directory).unwrap_err().to_string();
        let pid = std::process::id();
        assert!(refused().contains(&format!("already served by process {pid}:")), "{}", refused());
        first.write_url("http://127.0.0.1:8080").unwrap();
        assert!(refused().contains(&format!("process {pid} at http://127.0.0.1:8080")));
        let inherited = first.file.try_clone().unwrap();
        drop(first);
        assert!(Occupied::take(&data_directory).unwrap().is_some());
        drop(inherited);
    }
}
