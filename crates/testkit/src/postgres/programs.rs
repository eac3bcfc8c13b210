//! The location of the server's programs, and the user as whom they run.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::chown;

/// The folder below which Debian has one folder for each release.
const DEBIAN: &str = "/usr/lib/postgresql";

const MISSING: &str = "PostgreSQL's server is not installed: install the Debian package postgresql";

/// The user that Debian's package creates. The server refuses to run as root.
const SYSTEM_USER: &str = "postgres";

/// The programs of one release.
pub(super) struct Programs {
    folder: PathBuf,
    /// The user and group to run as, if this process is root.
    owner: Option<(u32, u32)>,
}

impl Programs {
    /// Searches the search path, then takes Debian's newest release.
    pub(super) fn find() -> Result<Self, &'static str> {
        let folder = on_the_path().or_else(newest_of_debian).ok_or(MISSING)?;
        let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        let owner = if is_root { Some(system_user().ok_or(MISSING)?) } else { None };
        Ok(Self { folder, owner })
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }

    pub(super) fn psql(&self) -> PathBuf {
        self.folder.join("psql")
    }

    pub(super) fn pg_dump(&self) -> PathBuf {
        self.folder.join("pg_dump")
    }

    pub(super) fn pg_restore(&self) -> PathBuf {
        self.folder.join("pg_restore")
    }

    /// A command that runs as the owner of the data directory, in an empty environment.
    pub(super) fn as_owner(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").current_dir("/").stdin(Stdio::null());
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }

    /// Makes the owner of the data directory own a file or folder.
    pub(super) fn give(&self, path: &Path) {
        if let Some((user, group)) = self.owner {
            chown(path, Some(user), Some(group)).expect("root gives away what it likes");
        }
    }
}

fn is_complete(folder: &Path) -> bool {
    ["postgres", "initdb", "psql"].iter().all(|program| folder.join(program).is_file())
}

fn on_the_path() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the search path is the environment's matter")]
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| is_complete(folder))
}

fn newest_of_debian() -> Option<PathBuf> {
    let releases = fs::read_dir(DEBIAN).ok()?.flatten();
    let releases = releases.filter_map(|entry| {
        let release: u32 = entry.file_name().to_str()?.parse().ok()?;
        let folder = entry.path().join("bin");
        is_complete(&folder).then_some((release, folder))
    });
    releases.max().map(|(_, folder)| folder)
}

/// The id and the group of the package's user: the third and fourth field of its line.
fn system_user() -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.split(':').next() == Some(SYSTEM_USER))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}
