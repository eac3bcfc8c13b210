//! Certificates: those of authorities that owners of data sources trust, and why those of servers are not accepted.

use std::io;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, RootCertStore};

use crate::SourceError;
use crate::error::CertificateFault;

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

/// Why a TLS handshake with a database server failed.
pub(crate) fn handshake_failure(error: &io::Error) -> SourceError {
    let detail = error.to_string();
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(refused)) => {
            SourceError::CertificateRefused { fault: fault_of(refused), detail }
        }
        _ => SourceError::NotEncrypted { detail },
    }
}

fn fault_of(refused: &CertificateError) -> CertificateFault {
    match refused {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => CertificateFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateFault::NotYetValid
        }
        CertificateError::UnknownIssuer => CertificateFault::UnknownAuthority,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateFault::OtherName
        }
        _ => CertificateFault::Invalid,
    }
}
