//! The master key: 32 bytes that live outside the database. It seals the keys of the ring, and the keys for digests are
//! derived from it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::subkey;

/// Secret. The root of all keys of an installation.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(redacted)")
    }
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The text is not 43 characters of base64url.
    #[error("a master key is 43 characters of base64url (32 bytes)")]
    Malformed,
    /// Others than the owner may read the file.
    #[error("{} may be read by others; run: chmod 600 {}", .0.display(), .0.display())]
    TooOpen(PathBuf),
    /// The file cannot be read or made.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl MasterKey {
    /// A fresh one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(&mut *bytes);
        Self(bytes)
    }

    /// From its text: 43 characters of base64url, surrounding blanks aside.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn from_text(text: &str) -> Result<Self, MasterKeyError> {
        let decoded = URL_SAFE_NO_PAD
            .decode(text.trim())
            .map(Zeroizing::new)
            .map_err(|_| MasterKeyError::Malformed)?;
        let bytes = decoded
            .as_slice()
            .try_into()
            .map_err(|_| MasterKeyError::Malformed)?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// From a file that only its owner may read.
    ///
    /// # Errors
    /// When others may read it, when it cannot be read, or when it holds something else.
    pub fn load(path: &Path) -> Result<Self, MasterKeyError> {
        let fault = |source| MasterKeyError::File {
            path: path.to_owned(),
            source,
        };
        let mut file = File::open(path).map_err(fault)?;
        if file.metadata().map_err(fault)?.permissions().mode() & 0o077 != 0 {
            return Err(MasterKeyError::TooOpen(path.to_owned()));
        }
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text).map_err(fault)?;
        Self::from_text(&text)
    }

    /// Writes it to a new file of mode 0600 and makes that durable; an existing file is never touched.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn create_file(&self, path: &Path) -> Result<(), MasterKeyError> {
        let fault = |source| MasterKeyError::File {
            path: path.to_owned(),
            source,
        };
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(&*self.0) + "\n");
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(fault)?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(fault)?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(fault)
    }

    pub(crate) fn subkey(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        subkey::expand(&self.0, purpose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn a_key_file_is_for_its_owner_only_and_gives_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let key = MasterKey::generate(&SeededEntropy::new(1));
        key.create_file(&path).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(*MasterKey::load(&path).unwrap().0, *key.0);
        assert!(
            key.create_file(&path).is_err(),
            "an existing key is never overwritten"
        );
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        MasterKey::generate(&SeededEntropy::new(1))
            .create_file(&path)
            .unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        assert!(matches!(MasterKey::load(&path), Err(MasterKeyError::TooOpen(_))));
    }

    #[test]
    fn only_43_characters_of_base64url_are_a_key() {
        assert!(MasterKey::from_text(&"A".repeat(43)).is_ok());
        for text in ["", "A", &"A".repeat(42), &"A".repeat(44), &"+".repeat(43)] {
            assert!(MasterKey::from_text(text).is_err(), "{text}");
        }
    }
}
