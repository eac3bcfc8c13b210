//! The server's own TLS.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context, anyhow, bail};
use app::clock::{Clock, SystemClock};
use domain::time::Timestamp;
use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::certificate::{Certificate, Validity};

/// A certificate with its key, which can be reloaded while the server is running.
#[derive(Clone)]
pub(crate) struct Tls(Arc<Inner>);

struct Inner {
    cert_file: PathBuf,
    key_file: PathBuf,
    loaded: RwLock<Loaded>,
}

#[derive(Clone)]
struct Loaded {
    config: Arc<ServerConfig>,
    validity: Validity,
}

impl Tls {
    /// Reads both files.
    ///
    /// # Errors
    /// Which file is wrong, and why.
    pub(crate) fn read(cert_file: PathBuf, key_file: PathBuf) -> anyhow::Result<Self> {
        let loaded = RwLock::new(load(&cert_file, &key_file)?);
        Ok(Self(Arc::new(Inner { cert_file, key_file, loaded })))
    }

    /// Reads both files again; new connections use the new content.
    ///
    /// # Errors
    /// As for [`Tls::read`]; the previous certificate stays in use then.
    pub(crate) fn reload(&self) -> anyhow::Result<()> {
        let fresh = load(&self.0.cert_file, &self.0.key_file)?;
        *self.0.loaded.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// The validity period of the current certificate.
    pub(crate) fn validity(&self) -> Validity {
        self.loaded().validity
    }

    /// Problems that do not keep the server from working.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(mode) = mode_that_is_too_open(&self.0.key_file) {
            warnings.push(format!(
                "{KEY}: {} has mode {mode:03o}, so that others on this machine can read or change the private key: give \
                 it mode 600, or 640 with a group of its own",
                self.0.key_file.display()
            ));
        }
        let left = self.validity().ends.as_secs() - SystemClock.now().as_secs();
        if left < SOON_SECS {
            warnings.push(format!(
                "{CERT}: the certificate in {} expires at {}",
                self.0.cert_file.display(),
                moment(self.validity().ends)
            ));
        }
        warnings
    }

    /// The acceptor for the handshake of one connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.loaded().config)
    }

    fn loaded(&self) -> Loaded {
        self.0.loaded.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The setting for the certificate.
const CERT: &str = "tls.cert_file (--tls-cert)";

/// The setting for its key.
const KEY: &str = "tls.key_file (--tls-key)";

/// A certificate that expires within two weeks causes a warning.
const SOON_SECS: i64 = 14 * 86_400;

fn load(cert_file: &Path, key_file: &Path) -> anyhow::Result<Loaded> {
    let chain = CertificateDer::pem_file_iter(cert_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(CERT, cert_file, "certificate", &error))?;
    if chain.is_empty() {
        return Err(unreadable(CERT, cert_file, "certificate", &pem::Error::NoItemsFound));
    }
    let validity = check(&chain, cert_file, SystemClock.now())?;
    let key = PrivateKeyDer::from_pem_file(key_file)
        .map_err(|error| unreadable(KEY, key_file, "private key", &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| unusable(&error, cert_file, key_file))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
    Ok(Loaded { config: Arc::new(config), validity })
}

/// Why a PEM file cannot be used. Its content is not repeated, because it may be a key.
fn unreadable(setting: &str, file: &Path, wanted: &str, error: &pem::Error) -> anyhow::Error {
    let file = file.display();
    let why = match error {
        pem::Error::Io(error) => {
            return anyhow!("{setting}: {file} cannot be read: {}", why_unreadable(error));
        }
        pem::Error::NoItemsFound => "",
        pem::Error::MissingSectionEnd { .. } => ": a section has no line that ends it",
        _ => ": the content is not PEM",
    };
    anyhow!("{setting}: {file} contains no {wanted} in PEM{why}")
}

/// Why the operating system does not allow a file to be read.
fn why_unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => {
            "this user may not. Give the file to the user that runs the server, with mode 600".to_owned()
        }
        ErrorKind::IsADirectory => "it is a folder, not a file".to_owned(),
        _ => error.to_string(),
    }
}

/// Checks the validity and the version of every certificate in the chain, and returns the validity period of
/// the server's own.
fn check(chain: &[CertificateDer<'_>], file: &Path, now: Timestamp) -> anyhow::Result<Validity> {
    let file = file.display();
    let mut own = None;
    for (at, der) in chain.iter().enumerate() {
        let which = if at == 0 {
            "the certificate".to_owned()
        } else {
            format!("certificate {} of the chain", at + 1)
        };
        let Some(Certificate { version, validity }) = Certificate::parse(der) else {
            bail!("{CERT}: {which} in {file} is not an X.509 certificate");
        };
        if version != 3 {
            bail!(
                "{CERT}: {which} in {file} is of X.509 version {version}, which browsers and this server refuse: make one \
                 of version 3, which carries extensions such as subjectAltName"
            );
        }
        if validity.ends < now {
            bail!("{CERT}: {which} in {file} expired at {}: renew it", moment(validity.ends));
        }
        if validity.begins > now {
            bail!(
                "{CERT}: {which} in {file} is not valid before {}: use it later, or correct the clock of this \
                 machine",
                moment(validity.begins)
            );
        }
        own.get_or_insert(validity);
    }
    own.with_context(|| format!("{CERT}: {file} contains no certificate"))
}

fn unusable(error: &rustls::Error, cert_file: &Path, key_file: &Path) -> anyhow::Error {
    match error {
        rustls::Error::InconsistentKeys(_) => {
            anyhow!("{KEY}: the key in {} does not match the certificate of {CERT}", key_file.display())
        }
        rustls::Error::InvalidCertificate(_) => {
            anyhow!("{CERT}: the certificate in {} cannot be used: {error}", cert_file.display())
        }
        _ => anyhow!("{KEY}: the key in {} cannot be used: {error}", key_file.display()),
    }
}

/// The permissions of a file, if everybody on this machine can read it or users other than its owner can
/// change it.
fn mode_that_is_too_open(file: &Path) -> Option<u32> {
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    (mode & 0o027 != 0).then_some(mode)
}

fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_secs()).map_or_else(|_| "?".to_owned(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_is_not_called_empty() {
        let message = |kind: ErrorKind| {
            unreadable(KEY, Path::new("k.pem"), "private key", &pem::Error::Io(kind.into())).to_string()
        };
        assert_eq!(
            message(ErrorKind::NotFound),
            "tls.key_file (--tls-key): k.pem cannot be read: there is no such file"
        );
        assert!(message(ErrorKind::PermissionDenied).contains("k.pem cannot be read: this user may not."));
    }

    #[test]
    fn what_stands_in_a_key_file_is_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("k.pem");
        std::fs::write(&file, "-----BEGIN hidden-key\n").unwrap();
        let error = PrivateKeyDer::from_pem_file(&file).unwrap_err();
        let message = unreadable(KEY, &file, "private key", &error).to_string();
        assert!(
            message.contains("contains no private key in PEM") && !message.contains("hidden"),
            "{message}"
        );
    }
}
