//! Certificates that clients present in TLS ([RFC 8705](https://www.rfc-editor.org/rfc/rfc8705)).

use oauth::application::Application;
use oauth::client_authentication::certificate::Facts;
use oauth::proof::PresentedCertificate;
use vault::certificate;

use crate::Context;

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

impl Context {
    /// What is known of a presented certificate and of this application.
    pub(crate) fn certificate_facts(
        &self,
        presented: &PresentedCertificate,
        application: &Application,
    ) -> Facts {
        let authorities = self.settings.client_certificates.authorities.as_ref();
        let keys = application.settings.client_metadata.authentication.jwks.as_ref();
        Facts {
            names: certificate::names(presented.own()),
            is_issued: authorities.is_some_and(|authorities| authorities.issued(presented, self.now())),
            is_registered: keys.is_some_and(|keys| certificate::is_registered(presented.own(), keys)),
        }
    }
}
