//! The server's own TLS.

use crate::messages::date_time;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context, anyhow, bail};
use app::node::clock::{Clock, SystemClock};
use domain::time::Timestamp;
use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, ParsedCertificate};
use tokio_rustls::TlsAcceptor;

use super::any_client::AnyClient;
use super::certificate::{Certificate, Validity, rsa_bits};

/// A certificate with its key, which can be reloaded while the server is running.
#[derive(Clone)]
pub(crate) struct ServerTls {
    inner: Arc<Inner>,
    asks_for_certificates: bool,
}

struct Inner {
    cert_file: PathBuf,
    key_file: PathBuf,
    loaded: RwLock<Loaded>,
}

#[derive(Clone)]
struct Loaded {
    config: Arc<ServerConfig>,
    /// The same, which asks for the certificates of clients.
    asking: Arc<ServerConfig>,
    validity: Validity,
    /// The server's own certificate.
    own: CertificateDer<'static>,
}

impl ServerTls {
    /// Reads both files.
    ///
    /// # Errors
    /// Which files are wrong, and why.
    pub(crate) fn read(cert_file: PathBuf, key_file: PathBuf) -> Result<Self, Vec<anyhow::Error>> {
        let loaded = RwLock::new(load(&cert_file, &key_file)?);
        Ok(Self { inner: Arc::new(Inner { cert_file, key_file, loaded }), asks_for_certificates: false })
    }

    /// The same, which also asks for the certificates of clients.
    pub(crate) fn asking_for_certificates(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), asks_for_certificates: true }
    }

    /// Reads both files again; new connections use the new content.
    ///
    /// # Errors
    /// As for [`ServerTls::read`]; the previous certificate stays in use then.
    pub(crate) fn reload(&self) -> anyhow::Result<()> {
        let fresh = load(&self.inner.cert_file, &self.inner.key_file).map_err(|faults| {
            let sentences: Vec<String> = faults.iter().map(|fault| format!("{fault:#}")).collect();
            anyhow!("{}", sentences.join("; "))
        })?;
        *self.inner.loaded.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// The validity period of the current certificate.
    pub(crate) fn validity(&self) -> Validity {
        self.loaded().validity
    }

    /// Whether clients accept the certificate for this host name or address.
    pub(crate) fn is_for(&self, host: &str) -> bool {
        let loaded = self.loaded();
        let (Ok(certificate), Ok(name)) =
            (ParsedCertificate::try_from(&loaded.own), ServerName::try_from(host))
        else {
            return false;
        };
        rustls::client::verify_server_name(&certificate, &name).is_ok()
    }

    /// Problems that do not keep the server from working.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(mode) = excessive_permissions(&self.inner.key_file) {
            warnings.push(format!(
                "{KEY}: {} has mode {mode:03o}, so that others on this machine can read or change the private key: give \
                 it mode 600, or 640 with a group of its own",
                self.inner.key_file.display()
            ));
        }
        let left = self.validity().ends.as_secs() - SystemClock.now().as_secs();
        if left < SOON_SECS {
            warnings.push(format!(
                "{CERT}: the certificate in {} expires at {}",
                self.inner.cert_file.display(),
                date_time(self.validity().ends)
            ));
        }
        warnings
    }

    /// The acceptor for the handshake of one connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let loaded = self.loaded();
        TlsAcceptor::from(if self.asks_for_certificates { loaded.asking } else { loaded.config })
    }

    fn loaded(&self) -> Loaded {
        self.inner.loaded.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The setting for the certificate.
const CERT: &str = "tls.cert_file (--tls-cert)";

/// The setting for its key.
const KEY: &str = "tls.key_file (--tls-key)";

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A certificate that expires within two weeks causes a warning.
const SOON_SECS: i64 = 14 * 86_400;

/// Reads both files, and reports the faults of both.
fn load(cert_file: &Path, key_file: &Path) -> Result<Loaded, Vec<anyhow::Error>> {
    match (certificate_chain(cert_file), private_key(key_file)) {
        (Ok((chain, validity)), Ok(key)) => {
            joined(&chain, validity, &key, [cert_file, key_file]).map_err(|fault| vec![fault])
        }
        (chain, key) => Err(chain.err().into_iter().chain(key.err()).collect()),
    }
}

fn certificate_chain(file: &Path) -> anyhow::Result<(Vec<CertificateDer<'static>>, Validity)> {
    let pem = read_pem(CERT, file)?;
    let chain = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unreadable(CERT, file, "certificate", &error))?;
    if chain.is_empty() {
        return Err(unreadable(CERT, file, "certificate", &pem::Error::NoItemsFound));
    }
    let validity = check(&chain, file, SystemClock.now())?;
    Ok((chain, validity))
}

fn joined(
    chain: &[CertificateDer<'static>],
    validity: Validity,
    key: &PrivateKeyDer<'static>,
    [cert_file, key_file]: [&Path; 2],
) -> anyhow::Result<Loaded> {
    let rsa_bits = rsa_bits(key.secret_der());
    let config = |verifier: Arc<dyn ClientCertVerifier>| {
        server_config(verifier, chain.to_vec(), key.clone_key())
            .map_err(|error| unusable(&error, cert_file, key_file, rsa_bits))
    };
    let asking = Arc::new(config(Arc::new(AnyClient::new()))?);
    let own = chain.first().context("the chain has no certificate")?.clone();
    Ok(Loaded { config: Arc::new(config(Arc::new(NoClientAuth))?), asking, validity, own })
}

fn server_config(
    verifier: Arc<dyn ClientCertVerifier>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
    Ok(config)
}

/// Reads a PEM file, without the byte order mark that some editors put before it.
fn read_pem(setting: &str, file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut pem = read_file(file).map_err(|why| anyhow!("{setting}: {why}"))?;
    if pem.starts_with(BYTE_ORDER_MARK) {
        pem.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(pem)
}

/// Reads a file that a setting names.
///
/// # Errors
/// The file, why it cannot be read, and what to do.
pub(crate) fn read_file(file: &Path) -> Result<Vec<u8>, String> {
    let why = |error| format!("{} cannot be read: {}", file.display(), why_unreadable(&error));
    std::fs::read(file).map_err(why)
}

fn private_key(file: &Path) -> anyhow::Result<PrivateKeyDer<'static>> {
    let pem = read_pem(KEY, file)?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| {
        if !is_encrypted(&pem) {
            return unreadable(KEY, file, "private key", &error);
        }
        let file = file.display();
        anyhow!(
            "{KEY}: the private key in {file} is encrypted, and the server asks for no password: remove the password \
             with `openssl pkey -in {file} -out NEW.pem`, give the new file mode 600, and name it instead"
        )
    })
}

/// Whether a private key is encrypted, in the form of PKCS#8 ([RFC 7468
/// §11](https://www.rfc-editor.org/rfc/rfc7468#section-11)) or with the older headers of a PKCS#1 or SEC1 key.
fn is_encrypted(pem: &[u8]) -> bool {
    pem.split(|byte| matches!(byte, b'\n' | b'\r')).map(<[u8]>::trim_ascii).any(|line| {
        line == b"-----BEGIN ENCRYPTED PRIVATE KEY-----"
            || line.strip_prefix(b"Proc-Type:").is_some_and(|rest| rest.ends_with(b",ENCRYPTED"))
    })
}

/// Why a PEM file cannot be used. Its content is not repeated, because it may be a key.
fn unreadable(setting: &str, file: &Path, wanted: &str, error: &pem::Error) -> anyhow::Error {
    let file = file.display();
    let why = match error {
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
            bail!("{CERT}: {which} in {file} expired at {}: renew it", date_time(validity.ends));
        }
        if validity.begins > now {
            bail!(
                "{CERT}: {which} in {file} is not valid before {}: use it later, or correct the clock of this \
                 machine",
                date_time(validity.begins)
            );
        }
        own.get_or_insert(validity);
    }
    own.with_context(|| format!("{CERT}: {file} contains no certificate"))
}

fn unusable(
    error: &rustls::Error,
    cert_file: &Path,
    key_file: &Path,
    rsa_bits: Option<usize>,
) -> anyhow::Error {
    match error {
        rustls::Error::InconsistentKeys(_) => {
            anyhow!("{KEY}: the key in {} does not match the certificate of {CERT}", key_file.display())
        }
        rustls::Error::InvalidCertificate(_) => {
            anyhow!("{CERT}: the certificate in {} cannot be used: {error}", cert_file.display())
        }
        _ => {
            let key = key_file.display();
            match rsa_bits {
                Some(bits @ ..2048) => anyhow!(
                    "{KEY}: the RSA key in {key} has {bits} bits, which is too short: make a key and a certificate with \
                     at least 2048 bits"
                ),
                _ => anyhow!(
                    "{KEY}: the key in {key} cannot be used ({error}): it must be RSA with 2048 to 8192 bits, ECDSA on \
                     P-256, P-384 or P-521, or Ed25519"
                ),
            }
        }
    }
}

/// The permissions of a file, if everybody on this machine can read it or users other than its owner can
/// change it.
pub(crate) fn excessive_permissions(file: &Path) -> Option<u32> {
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    (mode & 0o027 != 0).then_some(mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/certificates/");

    fn load_key(content: &[u8]) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("k.pem");
        std::fs::write(&file, content).unwrap();
        let loaded = load(&Path::new(CERTIFICATES).join("first.pem"), &file);
        loaded.map(drop).map_err(|faults| format!("{faults:#?}"))
    }

    #[test]
    fn an_unreadable_file_is_not_reported_as_empty() {
        let missing = private_key(Path::new("/no/k.pem")).unwrap_err().to_string();
        assert_eq!(missing, "tls.key_file (--tls-key): /no/k.pem cannot be read: there is no such file");
        assert!(why_unreadable(&ErrorKind::PermissionDenied.into()).starts_with("this user may not."));
    }

    #[test]
    fn an_encrypted_key_is_distinguished_from_a_missing_one() {
        let old = |kind: &str| {
            format!(
                "-----BEGIN {kind} PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: AES-256-CBC,00FF\r\n\r\n\
                 AAAA\r\n-----END {kind} PRIVATE KEY-----\r\n"
            )
        };
        let new =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n".to_owned();
        for pem in [old("RSA"), old("EC"), new.clone(), format!("\u{feff}{new}")] {
            let message = load_key(pem.as_bytes()).unwrap_err();
            assert!(message.contains("is encrypted") && message.contains("openssl pkey -in"), "{message}");
        }
        assert!(load_key(b"").unwrap_err().contains("contains no private key in PEM"));
    }

    #[test]
    fn a_byte_order_mark_before_pem_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let marked = |name: &str| {
            let pem = std::fs::read(Path::new(CERTIFICATES).join(name)).unwrap();
            let file = folder.path().join(name);
            std::fs::write(&file, [BYTE_ORDER_MARK, &pem].concat()).unwrap();
            file
        };
        load(&marked("first.pem"), &marked("first.key")).unwrap();
    }

    #[test]
    fn a_short_rsa_key_is_reported_as_too_short() {
        for key in ["rsa-1024.key", "rsa-1024-pkcs1.key"] {
            let pem = std::fs::read(Path::new(CERTIFICATES).join(key)).unwrap();
            let message = load_key(&pem).unwrap_err();
            assert!(message.contains("has 1024 bits, which is too short"), "{message}");
        }
    }

    #[test]
    fn errors_do_not_repeat_the_content_of_a_key_file() {
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
