//! The server's own TLS.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context, bail};
use app::clock::{Clock, SystemClock};
use oauth::time::Timestamp;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::certificate::{Certificate, Validity};

/// A certificate with its key, which can be read again while the server runs.
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
    /// Which file is not what it should be, and why.
    pub(crate) fn read(cert_file: PathBuf, key_file: PathBuf) -> anyhow::Result<Self> {
        let loaded = RwLock::new(load(&cert_file, &key_file)?);
        Ok(Self(Arc::new(Inner { cert_file, key_file, loaded })))
    }

    /// Reads both files again; new connections use what they hold.
    ///
    /// # Errors
    /// As [`Tls::read`]; the old certificate then stays.
    pub(crate) fn reload(&self) -> anyhow::Result<()> {
        let fresh = load(&self.0.cert_file, &self.0.key_file)?;
        *self.0.loaded.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// From when to when the certificate in use is valid.
    pub(crate) fn validity(&self) -> Validity {
        self.loaded().validity
    }

    /// What is not as it should be, and does not keep the server from working.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(mode) = mode_that_is_too_open(&self.0.key_file) {
            warnings.push(format!(
                "tls.key_file: {} has mode {mode:03o}, so that others on this machine can read or change the private key: give \
                 it mode 600, or 640 with a group of its own",
                self.0.key_file.display()
            ));
        }
        let left = self.validity().ends.as_secs() - SystemClock.now().as_secs();
        if left < SOON_SECS {
            warnings.push(format!(
                "tls.cert_file: the certificate in {} expires at {}",
                self.0.cert_file.display(),
                moment(self.validity().ends)
            ));
        }
        warnings
    }

    /// For the handshake of one connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.loaded().config)
    }

    fn loaded(&self) -> Loaded {
        self.0.loaded.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A certificate that expires within two weeks is told.
const SOON_SECS: i64 = 14 * 86_400;

fn load(cert_file: &Path, key_file: &Path) -> anyhow::Result<Loaded> {
    let chain = CertificateDer::pem_file_iter(cert_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("tls.cert_file: {} cannot be read as PEM", cert_file.display()))?;
    if chain.is_empty() {
        bail!("tls.cert_file: {} holds no certificate", cert_file.display());
    }
    let validity = check(&chain, cert_file, SystemClock.now())?;
    let key = PrivateKeyDer::from_pem_file(key_file)
        .with_context(|| format!("tls.key_file: {} holds no private key in PEM", key_file.display()))?;
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

/// Holds every certificate of the chain against the time and the version that TLS needs, and answers how long the server's
/// own one is valid.
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
            bail!("tls.cert_file: {which} in {file} is no X.509 certificate");
        };
        if version != 3 {
            bail!(
                "tls.cert_file: {which} in {file} is of X.509 version {version}, which browsers and this server refuse: make one \
                 of version 3, which carries extensions such as subjectAltName"
            );
        }
        if validity.ends < now {
            bail!("tls.cert_file: {which} in {file} expired at {}: renew it", moment(validity.ends));
        }
        if validity.begins > now {
            bail!(
                "tls.cert_file: {which} in {file} is not valid before {}: use it later, or set the clock of this machine right",
                moment(validity.begins)
            );
        }
        own.get_or_insert(validity);
    }
    own.with_context(|| format!("tls.cert_file: {file} holds no certificate"))
}

fn unusable(error: &rustls::Error, cert_file: &Path, key_file: &Path) -> anyhow::Error {
    match error {
        rustls::Error::InconsistentKeys(_) => anyhow::anyhow!(
            "tls.key_file: the key in {} does not fit the certificate of tls.cert_file",
            key_file.display()
        ),
        rustls::Error::InvalidCertificate(_) => anyhow::anyhow!(
            "tls.cert_file: the certificate in {} cannot be used: {error}",
            cert_file.display()
        ),
        _ => anyhow::anyhow!("tls.key_file: the key in {} cannot be used: {error}", key_file.display()),
    }
}

/// The permissions of a file that everybody on this machine can read, or others than its owner can change.
fn mode_that_is_too_open(file: &Path) -> Option<u32> {
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    (mode & 0o027 != 0).then_some(mode)
}

fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_secs()).map_or_else(|_| "?".to_owned(), |at| at.to_string())
}
