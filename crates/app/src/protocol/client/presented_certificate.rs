//! Authentication with the certificate that a client presents in TLS ([RFC
//! 8705](https://www.rfc-editor.org/rfc/rfc8705)).

use domain::time::Timestamp;
use oauth::application::{Application, AuthenticationMethod};
use oauth::client_authentication::certificate::Facts;
use oauth::proof::PresentedCertificate;
use vault::certificate;

use super::ClientAuthentication;
use crate::protocol::client_keys::{KeyAge, NoClientKeys};

impl ClientAuthentication<'_> {
    /// What is known of a presented certificate and of this application, as far as its method of authentication needs it. Keys
    /// at an address are fetched once more if they do not contain the certificate, because the application may have replaced
    /// them.
    ///
    /// # Errors
    /// [`NoClientKeys::Unreachable`], [`NoClientKeys::Busy`] and [`NoClientKeys::Unusable`].
    pub(super) async fn certificate_facts(
        self,
        presented: &PresentedCertificate,
        application: &Application,
        now: Timestamp,
    ) -> Result<Facts, NoClientKeys> {
        let registered = &application.settings.client_metadata.authentication;
        if registered.token_endpoint_auth_method == Some(AuthenticationMethod::SelfSignedTlsClientAuth) {
            let is_registered = self.keys_contain(presented, application, KeyAge::Fresh, now).await?
                || registered.keys_may_change()
                    && self.keys_contain(presented, application, KeyAge::Recent, now).await?;
            return Ok(Facts { is_registered, ..Facts::default() });
        }
        let authorities = self.context.settings.client_certificates.authorities.as_ref();
        Ok(Facts {
            names: certificate::names(presented.own()),
            is_issued: authorities.is_some_and(|authorities| authorities.issued(presented, now)),
            is_registered: false,
        })
    }

    async fn keys_contain(
        self,
        presented: &PresentedCertificate,
        application: &Application,
        age: KeyAge,
        now: Timestamp,
    ) -> Result<bool, NoClientKeys> {
        match self.context.client_keys.of(application, age, now).await {
            Ok(keys) => Ok(keys.contains_certificate(presented.own())),
            Err(NoClientKeys::NotRegistered) => Ok(false),
            // Without newer keys it is as unknown as before.
            Err(NoClientKeys::Unusable) if age == KeyAge::Recent => Ok(false),
            Err(none) => Err(none),
        }
    }
}
