//! Replacing the database file. A crash at any time leaves either the old database or the new one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::backup::{CopyError, sync_folder};
use crate::connection::beside;

/// The files that SQLite puts beside a database. A log that stayed would be replayed into the new file.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Gives the current database a second name, `sluicegate.db.before-restore-TIME`, under which it stays. An
/// unreadable database keeps its log under that name too. Returns the name, or `None` if there is no
/// database.
///
/// # Errors
/// If the folder cannot be written; the database is unchanged then.
pub fn keep_aside(database: &Path, time: &str) -> Result<Option<PathBuf>, CopyError> {
    let of = CopyError::of_file;
    forget_interrupted(database).map_err(of(database))?;
    if database.symlink_metadata().is_err() {
        return Ok(None);
    }
    let aside = free_name(database, time);
    second_name(database, &aside).map_err(of(&aside))?;
    for companion in COMPANIONS {
        let (old, kept) = (beside(database, companion), beside(&aside, companion));
        if old.exists() {
            second_name(&old, &kept).map_err(of(&kept))?;
        }
    }
    sync_folder(database).map_err(of(database))?;
    Ok(Some(aside))
}

/// Renames the work file to the name of the database.
pub(super) fn put_in_place(work: &Path, database: &Path) -> Result<(), CopyError> {
    let of = CopyError::of_file;
    crate::backup::sync(work).map_err(of(work))?;
    for companion in COMPANIONS {
        match fs::remove_file(beside(database, companion)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(of(database)(error)),
            _ => {}
        }
    }
    sync_folder(database).map_err(of(database))?;
    fs::rename(work, database).map_err(of(database))?;
    sync_folder(database).map_err(of(database))
}

fn free_name(database: &Path, time: &str) -> PathBuf {
    let name = |more: &str| beside(database, &format!(".before-restore-{time}{more}"));
    let names = (2..).map(|number| name(&format!("-{number}")));
    let free = std::iter::once(name("")).chain(names).find(|path| path.symlink_metadata().is_err());
    free.unwrap_or_else(|| name("-last"))
}

/// Creates a hard link, or a copy if the file system has no hard links.
fn second_name(old: &Path, new: &Path) -> io::Result<()> {
    if fs::hard_link(old, new).is_ok() {
        return Ok(());
    }
    fs::copy(old, new)?;
    fs::File::open(new)?.sync_all()
}

/// A restore that was interrupted after [`keep_aside`] leaves a second name of the database that is still in
/// use. It preserves nothing, but looks as if it did, so it is deleted.
#[cfg(unix)]
fn forget_interrupted(database: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let companions = COMPANIONS.map(|companion| beside(database, companion));
    let used: Vec<_> = companions
        .iter()
        .map(PathBuf::as_path)
        .chain([database])
        .filter_map(|path| path.symlink_metadata().ok())
        .map(|file| (file.dev(), file.ino()))
        .collect();
    let Some((folder, name)) = database.parent().zip(database.file_name()) else { return Ok(()) };
    let prefix = format!("{}.before-restore-", name.to_string_lossy());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kept = entry.metadata()?;
        if used.contains(&(kept.dev(), kept.ino()))
            && entry.file_name().to_string_lossy().starts_with(&prefix)
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn forget_interrupted(_: &Path) -> io::Result<()> {
    Ok(())
}
