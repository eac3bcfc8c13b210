//! Certificates of authorities that owners of data sources trust.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The certificates of authorities in a PEM text.
///
/// # Errors
/// A description of the fault, as the end of a sentence.
pub(crate) fn authorities_in(pem: &str) -> Result<RootCertStore, &'static str> {
    const FAULT: &str = "must contain certificates of authorities in PEM";
    // What is not secret is shown to whoever manages the data source.
    if pem.contains("PRIVATE KEY") {
        return Err("must not contain a private key");
    }
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| FAULT)?;
        roots.add(certificate).map_err(|_| FAULT)?;
    }
    if roots.is_empty() { Err(FAULT) } else { Ok(roots) }
}
