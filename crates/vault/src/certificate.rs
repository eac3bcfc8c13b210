//! Certificates of clients ([RFC 8705](https://www.rfc-editor.org/rfc/rfc8705)): parsed, compared with registered keys, and
//! verified with the certificates of authorities.

use std::fmt;
use std::time::Duration;

use domain::time::Timestamp;
use oauth::proof::{PresentedCertificate, Thumbprint};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

mod names;
mod public_key;

pub use names::names;
pub(crate) use public_key::{is_certificate, key};

/// A chain of certificates in DER with the client's own one first; `None` if it is empty or too long.
pub fn presented(chain: Vec<Vec<u8>>) -> Option<PresentedCertificate> {
    let digest = crate::sha256(chain.first()?);
    PresentedCertificate::new(Thumbprint::from_bytes(digest), chain)
}

/// Why a file contains no authorities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAuthorities {
    /// It is not PEM.
    #[error("it contains no certificate in PEM")]
    NoCertificate,
    /// One cannot be used.
    #[error("certificate {0} in it cannot be used as an authority")]
    Unusable(usize),
}

/// The authorities that issue the certificates of clients.
#[derive(Clone)]
pub struct ClientAuthorities(Vec<TrustAnchor<'static>>);

impl ClientAuthorities {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// [`InvalidAuthorities`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, InvalidAuthorities> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let certificates = read.map_err(|_| InvalidAuthorities::NoCertificate)?;
        if certificates.is_empty() {
            return Err(InvalidAuthorities::NoCertificate);
        }
        let anchor = |(at, der): (usize, &CertificateDer<'_>)| {
            let anchor = anchor_from_trusted_cert(der).map_err(|_| InvalidAuthorities::Unusable(at + 1))?;
            Ok(anchor.to_owned())
        };
        certificates.iter().enumerate().map(anchor).collect::<Result<_, _>>().map(Self)
    }

    /// Whether one of them issued the client's own certificate, directly or through the others of the chain, for the
    /// authentication of clients, and all of them are valid now.
    pub fn issued(&self, certificate: &PresentedCertificate, now: Timestamp) -> bool {
        let own = CertificateDer::from(certificate.own());
        let Ok(own) = EndEntityCert::try_from(&own) else { return false };
        let others: Vec<CertificateDer<'_>> =
            certificate.intermediates().iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let Ok(seconds) = u64::try_from(now.as_secs()) else { return false };
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let usage = KeyUsage::client_auth();
        own.verify_for_usage(ALL_VERIFICATION_ALGS, &self.0, &others, time, usage, None, None).is_ok()
    }
}

impl fmt::Debug for ClientAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientAuthorities({})", self.0.len())
    }
}

#[cfg(test)]
mod tests;
