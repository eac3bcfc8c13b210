//! A wall clock that can be changed while a node is running: `libfaketime` stands between the node and the
//! system's clock. The monotonic clock is not affected.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// How soon, in seconds, the node notices that its clock was changed.
const NOTICED_AFTER: &str = "1";

pub(crate) struct Clock {
    folder: TempDir,
    library: PathBuf,
}

impl Clock {
    /// Creates a clock that shows the correct time.
    ///
    /// # Panics
    /// If the library is not installed.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let library = library().expect("libfaketime is not installed: install the Debian package faketime");
        let clock = Self { folder, library };
        clock.move_by(0);
        clock
    }

    /// Makes a command use this clock.
    pub(crate) fn rule(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library).env("FAKETIME_TIMESTAMP_FILE", self.file());
        command.env("FAKETIME_CACHE_DURATION", NOTICED_AFTER).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }

    /// Sets the clock this far before or behind the correct time. The node notices within a second.
    pub(crate) fn move_by(&self, secs: i64) {
        let next = self.folder.path().join("next");
        std::fs::write(&next, format!("{secs:+}s\n")).expect("the folder can be written");
        std::fs::rename(next, self.file()).expect("the folder can be written");
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("moved")
    }
}

/// Debian installs the library below the name of the machine's architecture.
fn library() -> Option<PathBuf> {
    let kinds = std::fs::read_dir("/usr/lib").ok()?;
    let paths = kinds.flatten().map(|kind| kind.path().join("faketime/libfaketimeMT.so.1"));
    paths.into_iter().find(|path| path.is_file())
}

/// Deletes what the library leaves in shared memory when its process is killed.
pub(crate) fn clean_up_after(process: u32) {
    for name in [format!("faketime_shm_{process}"), format!("sem.faketime_sem_{process}")] {
        // Most processes leave nothing.
        let _ = std::fs::remove_file(format!("/dev/shm/{name}"));
    }
}
