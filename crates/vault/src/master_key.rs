//! The master key: 32 bytes that are kept outside the database. It seals the keys of the ring, and the keys
//! for digests are derived from it.

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

/// Why the master key is not available.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The text does not have one of the two forms of a key.
    #[error("a master key is 32 bytes: 43 characters of base64url, or 64 hexadecimal digits")]
    Malformed,
    /// The file does not contain one of the two forms of a key.
    #[error("{}: a master key is 32 bytes: 43 characters of base64url, or 64 hexadecimal digits", .0.display())]
    MalformedFile(PathBuf),
    /// Users other than the owner may read the file.
    #[error("{} may be read by others; run: chmod 600 {}", .0.display(), .0.display())]
    TooOpen(PathBuf),
    /// The file cannot be read or created.
    #[error("{} cannot be used", path.display())]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
}

impl MasterKey {
    /// Generates a new key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(&mut *bytes);
        Self(bytes)
    }

    /// Parses a key: 43 characters of base64url or 64 hexadecimal digits, ignoring surrounding whitespace.
    ///
    /// # Errors
    /// If the text is anything else.
    pub fn from_text(text: &str) -> Result<Self, MasterKeyError> {
        let text = text.trim();
        let decoded = if text.len() == 64 {
            from_hexadecimal(text)
        } else {
            URL_SAFE_NO_PAD.decode(text).ok().map(Zeroizing::new)
        };
        let decoded = decoded.ok_or(MasterKeyError::Malformed)?;
        let bytes = decoded.as_slice().try_into().map_err(|_| MasterKeyError::Malformed)?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// Reads the key from a file that only its owner may read.
    ///
    /// # Errors
    /// If others may read the file, if it cannot be read, or if it contains something else.
    pub fn load(path: &Path) -> Result<Self, MasterKeyError> {
        let fault = |source| MasterKeyError::file(path, source);
        let file = File::open(path).map_err(fault)?;
        if file.metadata().map_err(fault)?.permissions().mode() & 0o077 != 0 {
            return Err(MasterKeyError::TooOpen(path.to_owned()));
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_FILE));
        file.take(LONGEST_FILE as u64).read_to_end(&mut bytes).map_err(fault)?;
        let text = std::str::from_utf8(&bytes).ok();
        text.and_then(|text| Self::from_text(text).ok())
            .ok_or_else(|| MasterKeyError::MalformedFile(path.to_owned()))
    }

    /// Writes the key to a new file with mode 0600 and makes it durable. An existing file is never changed,
    /// and no file is left behind if writing fails.
    ///
    /// # Errors
    /// If the file exists or cannot be written.
    pub fn create_file(&self, path: &Path) -> Result<(), MasterKeyError> {
        let fault = |source| MasterKeyError::file(path, source);
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path).map_err(fault)?;
        self.write_to(&file, path).map_err(|source| {
            let _ = std::fs::remove_file(path);
            fault(source)
        })
    }

    fn write_to(&self, mut file: &File, path: &Path) -> std::io::Result<()> {
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(*self.0) + "\n");
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }

    pub(crate) fn subkey(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        subkey::expand(&self.0, purpose)
    }
}

impl MasterKeyError {
    fn file(path: &Path, source: std::io::Error) -> Self {
        let path = path.to_owned();
        Self::File { path, source }
    }
}

/// More than a key with some whitespace around it; a longer file is not read to its end.
const LONGEST_FILE: usize = 1024;

fn from_hexadecimal(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks_exact(2);
    let bytes = pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
    bytes.collect::<Option<_>>().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn a_key_file_is_private_and_loads_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let key = MasterKey::generate(&SeededEntropy::new(1));
        key.create_file(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(*MasterKey::load(&path).unwrap().0, *key.0);
        assert!(key.create_file(&path).is_err(), "an existing key is never overwritten");
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        MasterKey::generate(&SeededEntropy::new(1)).create_file(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        assert!(matches!(MasterKey::load(&path), Err(MasterKeyError::TooOpen(_))));
    }

    #[test]
    fn a_file_without_a_key_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        for content in [&b"short"[..], b"", &[0xff; 43], &[b'A'; 5_000]] {
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            let fault = MasterKey::load(&path).unwrap_err();
            assert!(fault.to_string().starts_with(path.to_str().unwrap()), "{fault}");
        }
    }

    #[test]
    fn a_key_is_32_bytes_in_base64url_or_hexadecimal() {
        let key = MasterKey::from_text(&"A".repeat(43)).unwrap();
        assert_eq!(*key.0, *MasterKey::from_text(&format!(" {}\n", "0".repeat(64))).unwrap().0);
        assert_eq!(*MasterKey::from_text(&"fF".repeat(32)).unwrap().0, [0xff; 32]);
        let wrong =
            ["", "A", &"A".repeat(42), &"A".repeat(44), &"+".repeat(43), &"g".repeat(64), &"ä".repeat(32)];
        for text in wrong {
            assert!(MasterKey::from_text(text).is_err(), "{text}");
        }
        assert!(MasterKey::from_text(&("A".repeat(42) + "B")).is_err(), "bits that encode nothing");
    }

    #[test]
    fn a_key_is_never_printed() {
        assert_eq!(format!("{:?}", MasterKey::from_text(&"A".repeat(43)).unwrap()), "MasterKey(redacted)");
    }
}
