//! Files that may become data sources.
//!
//! The creator of a data source names a path, and must not be able to read the server's own secrets or other
//! people's files. The check resolves symbolic links first and compares whole path components. Its result
//! does not reveal whether a file outside the allowed folders exists.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::SourceError;

/// The folders below which data sources may be, and those below which they may not.
///
/// If one folder is within another, the inner one decides: with `DIR` forbidden and `DIR/sources` allowed, a
/// file in `DIR/sources` is allowed and one in `DIR` is not. A folder that is both is forbidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedFolders {
    allowed: Vec<PathBuf>,
    forbidden: Vec<PathBuf>,
    elsewhere: Elsewhere,
}

/// The rule for a file that is in none of the named folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Elsewhere {
    Refused,
    Allowed,
}

impl AllowedFolders {
    /// Allows only files below `allowed` that are not below `forbidden`.
    #[must_use]
    pub fn below(allowed: Vec<PathBuf>, forbidden: Vec<PathBuf>) -> Self {
        Self { allowed, forbidden, elsewhere: Elsewhere::Refused }
    }

    /// The same folders, for a caller who may name any file of the machine that is not below a forbidden
    /// folder.
    #[must_use]
    pub fn or_anywhere(mut self) -> Self {
        self.elsewhere = Elsewhere::Allowed;
        self
    }

    /// The real path of a file that may be a data source, with links resolved, so that opening it opens the
    /// checked file. A relative path is looked up in each allowed folder in turn.
    ///
    /// # Errors
    /// [`SourceError::NotAllowed`] for any path outside, whether or not the file exists, or instead
    /// [`SourceError::ServersOwn`] for a caller who may name any other file; [`SourceError::Missing`],
    /// [`SourceError::NotAFile`] and [`SourceError::Unreadable`] for paths inside.
    pub fn check(&self, path: &Path) -> Result<PathBuf, SourceError> {
        if path.is_absolute() {
            return self.check_absolute(path);
        }
        let mut outcome = Err(SourceError::NotAllowed);
        for folder in &self.allowed {
            outcome = self.check_absolute(&folder.join(path));
            if !matches!(outcome, Err(SourceError::Missing)) {
                break;
            }
        }
        outcome
    }

    fn check_absolute(&self, path: &Path) -> Result<PathBuf, SourceError> {
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) => return Err(self.absent(path, &error)),
        };
        if !self.covers(&real) {
            return Err(self.outside());
        }
        let metadata =
            fs::metadata(&real).map_err(|error| SourceError::Unreadable { detail: error.to_string() })?;
        if !metadata.is_file() {
            return Err(SourceError::NotAFile);
        }
        if self.is_linked_from_forbidden(&metadata) {
            return Err(self.outside());
        }
        Ok(real)
    }

    /// The error for a path that is not allowed: if the caller may name any file except the server's own, it
    /// is one of those.
    fn outside(&self) -> SourceError {
        match self.elsewhere {
            Elsewhere::Refused => SourceError::NotAllowed,
            Elsewhere::Allowed => SourceError::ServersOwn,
        }
    }

    /// The error for a path that cannot be resolved. It is exact only if the folder that should contain it is
    /// allowed. If the caller may name any file, a missing folder is not a secret either.
    fn absent(&self, path: &Path, error: &std::io::Error) -> SourceError {
        let most = match self.elsewhere {
            Elsewhere::Refused => 1,
            Elsewhere::Allowed => usize::MAX,
        };
        let mut folders = path.ancestors().skip(1).take(most);
        let folder = folders.find_map(|folder| fs::canonicalize(folder).ok());
        let inside = folder.is_some_and(|folder| self.covers(&folder));
        match error.kind() {
            _ if !inside => self.outside(),
            ErrorKind::PermissionDenied => SourceError::Unreadable { detail: error.to_string() },
            _ => SourceError::Missing,
        }
    }

    /// Whether the innermost named folder around a real path is an allowed one.
    fn covers(&self, real: &Path) -> bool {
        let allowed = innermost(&self.allowed, real);
        let forbidden = innermost(&self.forbidden, real);
        match (allowed, forbidden) {
            (Some(allowed), Some(forbidden)) => allowed > forbidden,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => self.elsewhere == Elsewhere::Allowed,
        }
    }

    /// Whether the file is a hard link to one that is directly in a forbidden folder.
    #[cfg(unix)]
    fn is_linked_from_forbidden(&self, metadata: &Metadata) -> bool {
        use std::os::unix::fs::MetadataExt;
        let same = |other: &Metadata| other.dev() == metadata.dev() && other.ino() == metadata.ino();
        metadata.nlink() > 1
            && self
                .forbidden
                .iter()
                .filter_map(|folder| fs::read_dir(folder).ok())
                .flat_map(Iterator::flatten)
                .filter_map(|entry| entry.metadata().ok())
                .any(|other| same(&other))
    }

    #[cfg(not(unix))]
    fn is_linked_from_forbidden(&self, _metadata: &Metadata) -> bool {
        false
    }
}

/// The number of components of the longest of `folders` that contains `real`.
fn innermost(folders: &[PathBuf], real: &Path) -> Option<usize> {
    folders
        .iter()
        .filter_map(|folder| fs::canonicalize(folder).ok())
        .filter(|folder| real.starts_with(folder))
        .map(|folder| folder.components().count())
        .max()
}

#[cfg(test)]
mod tests;
