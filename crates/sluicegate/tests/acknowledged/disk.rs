//! A disk that fails on demand, through a small library that is loaded before all others.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/acknowledged/disk.c");

/// The behaviour of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DiskFault {
    /// Written data does not become durable.
    Sync,
    Write,
    Full,
}

impl DiskFault {
    pub(crate) const ALL: [Self; 3] = [Self::Sync, Self::Write, Self::Full];
}

pub(crate) struct Disk {
    folder: TempDir,
}

impl Disk {
    /// Creates a disk that works.
    ///
    /// # Panics
    /// If the library cannot be compiled.
    pub(crate) fn new() -> Self {
        let disk = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        disk.heal();
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(disk.library()).arg(SOURCE);
        assert!(
            compiler.arg("-ldl").status().expect("a C compiler, which the build needs as well").success()
        );
        disk
    }

    /// Makes a command use this disk.
    pub(crate) fn hold(&self, command: &mut Command) {
        command.env("LD_PRELOAD", self.library()).env("DISK_FAULT", self.fault_file());
    }

    /// Makes the disk fail from now on.
    pub(crate) fn fail(&self, fault: DiskFault) {
        self.write(match fault {
            DiskFault::Sync => b's',
            DiskFault::Write => b'w',
            DiskFault::Full => b'f',
        });
    }

    pub(crate) fn heal(&self) {
        self.write(b'-');
    }

    /// The process reads the file at any time, so it must never be empty.
    fn write(&self, what: u8) {
        let file = File::options().create(true).write(true).truncate(false).open(self.fault_file());
        file.and_then(|mut file| file.write_all(&[what])).expect("the folder can be written");
    }

    fn fault_file(&self) -> PathBuf {
        self.folder.path().join("fault")
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("disk.so")
    }
}
