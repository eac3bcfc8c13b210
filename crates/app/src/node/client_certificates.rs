//! Certificates that clients present in TLS ([RFC 8705](https://www.rfc-editor.org/rfc/rfc8705)).

use oauth::application::AcceptedCertificates;

pub use vault::certificate::{ClientAuthorities, InvalidAuthorities, presented};

/// Whether clients can present certificates, and who issues them.
#[derive(Debug, Clone, Default)]
pub struct ClientCertificates {
    /// Whether a listener asks for certificates, or a proxy passes them on.
    pub accepted: bool,
    /// The URL without a trailing slash at which clients can present certificates, if it is another one than the issuer.
    pub public_url: Option<String>,
    /// The authorities that issue certificates of clients, if there are any.
    pub authorities: Option<ClientAuthorities>,
}

impl ClientCertificates {
    /// Which certificates are accepted.
    pub fn kinds(&self) -> AcceptedCertificates {
        match &self.authorities {
            _ if !self.accepted => AcceptedCertificates::None,
            None => AcceptedCertificates::SelfSigned,
            Some(_) => AcceptedCertificates::Issued,
        }
    }
}
