//! The data directory: its files, its state, and how a new one is created.
//!
//! An installation exists once its database does. `init` prepares everything in a folder with another name
//! and moves the database into place last, so that a crash leaves either nothing or something that is
//! recognised as unfinished.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use vault::{MasterKey, SystemEntropy};

use crate::config::Environment;

mod occupied;

pub(crate) use occupied::Occupied;

/// A data directory.
#[derive(Debug, Clone)]
pub(crate) struct DataDirectory {
    folder: PathBuf,
}

/// The state of a data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    /// It contains no installation.
    Empty,
    /// It is ready for use.
    Complete,
    /// `init` was interrupted.
    Unfinished,
    /// There is a master key but no database.
    WithoutDatabase,
    /// There is a database but no master key, and the environment has none either.
    WithoutKey,
}

impl DataDirectory {
    /// The installation in a folder, whether or not it exists.
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The path of the data directory.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of the system database.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join("sluicegate.db")
    }

    /// The folder for SQLite files that are data sources.
    pub(crate) fn sources(&self) -> PathBuf {
        self.folder.join("sources")
    }

    /// The file of the master key.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.folder.join("master.key")
    }

    fn staging(&self) -> PathBuf {
        self.folder.join("unfinished-init")
    }

    /// The file whose modification time is the time of the last backup.
    pub(crate) fn backup_mark(&self) -> PathBuf {
        self.folder.join("last-backup")
    }

    /// Records that a backup was made, for the metrics of the server. A failure does not affect the backup.
    pub(crate) fn note_backup(&self) {
        let _ = fs::write(self.backup_mark(), "The time of this file is that of the last backup.\n");
    }

    /// Whether the folder contains a database.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub(crate) fn holds_database(&self) -> anyhow::Result<bool> {
        self.has(&self.database())
    }

    fn has(&self, path: &Path) -> anyhow::Result<bool> {
        is_there(&self.folder, path)
    }

    /// # Errors\nIf the folder cannot be read.
    fn condition(&self, environment: &Environment) -> anyhow::Result<Condition> {
        let has_key = self.has(&self.key_file())?;
        Ok(match (self.has(&self.database())?, self.has(&self.staging())?) {
            (true, _) if has_key || environment.master_key().is_some() => Condition::Complete,
            (true, _) => Condition::WithoutKey,
            (false, true) => Condition::Unfinished,
            (false, false) if has_key => Condition::WithoutDatabase,
            (false, false) => Condition::Empty,
        })
    }

    /// Whether nothing exists yet. A partial installation is an error.
    ///
    /// # Errors
    /// A sentence that says what is missing and what to do.
    pub(crate) fn is_empty(&self, environment: &Environment) -> anyhow::Result<bool> {
        match self.condition(environment)? {
            Condition::Empty => Ok(true),
            Condition::Complete => Ok(false),
            half => Err(self.mend(half)),
        }
    }

    /// The master key of a complete installation with an embedded database.
    ///
    /// # Errors
    /// A sentence that says what is missing and what to do.
    pub(crate) fn key_of_installation(&self, environment: &Environment) -> anyhow::Result<MasterKey> {
        match self.condition(environment)? {
            Condition::Complete => {}
            Condition::Empty => bail!(
                "{} contains no installation: create one with `sluicegate init --data-dir {}`",
                self.folder.display(),
                self.folder.display()
            ),
            half => return Err(self.mend(half)),
        }
        self.read_key(environment)
    }

    /// The master key for a node on a shared database; every node has the same one.
    ///
    /// # Errors
    /// A sentence that says what is missing and what to do.
    pub(crate) fn key_of_node(&self, environment: &Environment) -> anyhow::Result<MasterKey> {
        if environment.master_key().is_none() && !self.has(&self.key_file())? {
            bail!(
                "this node has no master key: copy {} from a node that has it, or set SLUICEGATE_MASTER_KEY. The first node \
                 makes it with `sluicegate init`",
                self.key_file().display()
            );
        }
        self.read_key(environment)
    }

    fn read_key(&self, environment: &Environment) -> anyhow::Result<MasterKey> {
        match environment.master_key() {
            Some(text) => MasterKey::from_text(text).context("SLUICEGATE_MASTER_KEY is not a master key"),
            None => Ok(MasterKey::load(&self.key_file())?),
        }
    }

    /// The master key for a new installation in a shared database: the existing one, or a new one that is
    /// written to its file before it seals anything.
    ///
    /// # Errors
    /// If the folder contains an embedded database, or cannot be written.
    pub(crate) fn key_for_shared(&self, environment: &Environment) -> anyhow::Result<MasterKey> {
        if self.has(&self.database())? {
            bail!(
                "{} contains an embedded database: choose another folder, or migrate the installation with \
                 `sluicegate copy`",
                self.folder.display()
            );
        }
        if environment.master_key().is_some() || self.has(&self.key_file())? {
            return self.read_key(environment);
        }
        self.make_folder()?;
        let master = MasterKey::generate(&SystemEntropy);
        master.create_file(&self.key_file())?;
        sync(&self.folder).map_err(|error| cannot_write(&self.folder, &error))?;
        Ok(master)
    }

    /// The master key of an installation whose database may be lost. The folder is created if necessary.
    ///
    /// # Errors
    /// A sentence that says what is missing and what to do.
    pub(crate) fn key_for_restore(&self, environment: &Environment) -> anyhow::Result<MasterKey> {
        match self.condition(environment)? {
            Condition::Complete | Condition::WithoutDatabase => {}
            Condition::Empty if environment.master_key().is_some() => self.make_folder()?,
            Condition::Empty => bail!(
                "{} contains no master key, and neither does a backup of the database: restore {} from where you \
                 keep it \
                 (mode 0600), or set SLUICEGATE_MASTER_KEY, and try again",
                self.folder.display(),
                self.key_file().display()
            ),
            half => return Err(self.mend(half)),
        }
        self.read_key(environment)
    }

    /// Creates a staging directory in which a database can be prepared. The remains of an interrupted restore
    /// are deleted, so the caller must have exclusive access to the installation.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(crate) fn restore_staging(&self) -> anyhow::Result<RestoreStaging> {
        let folder = self.folder.join("unfinished-restore");
        let message = |error: std::io::Error| cannot_write(&self.folder, &error);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(message)?;
        }
        DirBuilder::new().mode(0o700).create(&folder).map_err(message)?;
        Ok(RestoreStaging(folder))
    }

    /// Starts a new installation.
    ///
    /// # Errors
    /// A sentence that says why there cannot be one and what to do; nothing was changed then.
    pub(crate) fn begin(&self, environment: &Environment) -> anyhow::Result<Unfinished> {
        if !self.is_empty(environment)? {
            bail!(
                "{} is initialised already; nothing was changed. Start it with `sluicegate serve --data-dir {}`",
                self.folder.display(),
                self.folder.display()
            );
        }
        let master = match environment.master_key() {
            Some(text) => MasterKey::from_text(text).context("SLUICEGATE_MASTER_KEY is not a master key")?,
            None => MasterKey::generate(&SystemEntropy),
        };
        self.make_folder()?;
        let made = DirBuilder::new().mode(0o700).create(self.staging());
        made.map_err(|error| cannot_write(&self.folder, &error))?;
        if environment.master_key().is_none() {
            master.create_file(&self.staging().join("master.key"))?;
        }
        Ok(Unfinished { data_directory: self.clone(), master })
    }

    fn make_folder(&self) -> anyhow::Result<()> {
        let made = DirBuilder::new().mode(0o700).recursive(true).create(&self.folder);
        made.map_err(|error| cannot_write(&self.folder, &error))
    }

    /// Marks the folder as that of a demo, whose passwords may be replaced.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(crate) fn mark_as_demo(&self) -> anyhow::Result<()> {
        self.make_folder()?;
        let text = "Everything in this folder belongs to `sluicegate demo` and may be deleted.\n";
        fs::write(self.demo_mark(), text).map_err(|error| cannot_write(&self.folder, &error))
    }

    /// Whether the folder is that of a demo.
    pub(crate) fn is_demo(&self) -> bool {
        self.demo_mark().exists()
    }

    fn demo_mark(&self) -> PathBuf {
        self.folder.join("this-is-a-demo.txt")
    }

    fn mend(&self, condition: Condition) -> anyhow::Error {
        let folder = self.folder.display();
        match condition {
            Condition::Unfinished => anyhow!(
                "{folder} is only half initialised, because an earlier start was interrupted. Nothing in it was \
                 ever used: delete {} and {} (if it exists), then try again",
                self.staging().display(),
                self.key_file().display(),
            ),
            Condition::WithoutDatabase => anyhow!(
                "{folder} contains a master key but no database: restore one with `sluicegate restore --data-dir \
                 {folder} --from FILE`, or, if there never was one, move {} away and run init again",
                self.key_file().display(),
            ),
            Condition::WithoutKey => anyhow!(
                "{folder} contains a database but not its master key: restore {} from where you keep it, or set \
                 SLUICEGATE_MASTER_KEY. Without the key the database is useless",
                self.key_file().display(),
            ),
            Condition::Empty | Condition::Complete => anyhow!("{folder} is in order"),
        }
    }
}

/// An installation that is being created. It is removed again if this is dropped before it is finished.
#[derive(Debug)]
pub(crate) struct Unfinished {
    data_directory: DataDirectory,
    master: MasterKey,
}

impl Unfinished {
    /// The master key of the new installation.
    pub(crate) fn master_key(&self) -> &MasterKey {
        &self.master
    }

    /// The path at which to create the database; it must be closed before [`Self::finish`].
    pub(crate) fn database(&self) -> PathBuf {
        self.data_directory.staging().join("sluicegate.db")
    }

    /// Moves everything into place, the database last.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        let DataDirectory { folder } = &self.data_directory;
        let message = |error: std::io::Error| cannot_write(folder, &error);
        let key = self.data_directory.staging().join("master.key");
        if key.exists() {
            fs::rename(key, self.data_directory.key_file()).map_err(message)?;
        }
        let sources = DirBuilder::new().mode(0o700).recursive(true).create(self.data_directory.sources());
        sources.map_err(message)?;
        sync(folder).map_err(message)?;
        fs::rename(self.database(), self.data_directory.database()).map_err(message)?;
        sync(folder).map_err(message)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // If the deletion fails, the next start recognises the installation as unfinished.
        let _ = fs::remove_dir_all(self.data_directory.staging());
        if !self.data_directory.database().exists() {
            let _ = fs::remove_file(self.data_directory.key_file());
        }
    }
}

/// A staging directory for a database; it is deleted when this is dropped.
#[derive(Debug)]
pub(crate) struct RestoreStaging(PathBuf);

impl RestoreStaging {
    /// The path of the work file.
    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("sluicegate.db")
    }
}

impl Drop for RestoreStaging {
    fn drop(&mut self) {
        // If the deletion fails, the next restore deletes it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Whether the path exists in the folder. An error is reported; it does not count as "no".
fn is_there(folder: &Path, path: &Path) -> anyhow::Result<bool> {
    path.try_exists().map_err(|error| {
        let folder = folder.display();
        match error.kind() {
            std::io::ErrorKind::PermissionDenied => anyhow!(
                "{folder} cannot be read: this user may not ({error}). Run this as the user to whom the folder \
                 belongs, \
                 or give it to this one"
            ),
            std::io::ErrorKind::NotADirectory => {
                anyhow!("{folder} is a file, not a folder: name the data directory with --data-dir DIR")
            }
            _ => anyhow!("{folder} cannot be read ({error}): name the data directory with --data-dir DIR"),
        }
    })
}

fn cannot_write(folder: &Path, error: &std::io::Error) -> anyhow::Error {
    anyhow!(
        "{} cannot be written ({error}): run this as the user to whom the folder belongs, or choose one that this user may \
         write, with --data-dir DIR",
        folder.display()
    )
}

#[cfg(test)]
mod tests;
