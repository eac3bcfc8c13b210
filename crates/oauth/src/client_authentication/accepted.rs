//! Which credential authenticates an application.

use crate::application::{ApplicationSettings, AuthenticationMethod, ClientType};

/// The credential that authenticates an application. The registered method alone decides ([RFC 7591
/// §2](https://www.rfc-editor.org/rfc/rfc7591#section-2), `token_endpoint_auth_method`), so that nothing that was registered for
/// something else stands in for it, such as the keys of request objects for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptedCredential {
    /// A live secret, sent as it is, in the header or in the body; many clients use another of the two than the one that they
    /// registered.
    Secret,
    /// An assertion that a live secret authenticates.
    SecretAssertion,
    /// An assertion that one of its keys signs.
    KeyAssertion,
    /// The certificate of the connection.
    Certificate,
    /// None is needed, because the application is public. It may have keys, and prove them with an assertion.
    Nothing,
}

impl AcceptedCredential {
    /// The credential of an application with these settings. A profile that demands a key of the application accepts no
    /// secret, whatever was registered before the application got the profile.
    pub fn of(settings: &ApplicationSettings) -> Self {
        if settings.client_type == ClientType::Public {
            return Self::Nothing;
        }
        match settings.client_metadata.authentication.token_endpoint_auth_method {
            Some(AuthenticationMethod::TlsClientAuth | AuthenticationMethod::SelfSignedTlsClientAuth) => {
                Self::Certificate
            }
            Some(AuthenticationMethod::PrivateKeyJwt) => Self::KeyAssertion,
            _ if settings.profile.rules().key_authentication => Self::KeyAssertion,
            Some(AuthenticationMethod::ClientSecretJwt) => Self::SecretAssertion,
            None
            | Some(
                AuthenticationMethod::ClientSecretBasic
                | AuthenticationMethod::ClientSecretPost
                | AuthenticationMethod::None,
            ) => Self::Secret,
        }
    }

    /// Whether it is a secret, which the assertion of a trusted issuer about a workload may replace.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::SecretAssertion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::Profile;
    use crate::sample;

    fn accepted(
        client_type: ClientType,
        profile: Profile,
        method: Option<AuthenticationMethod>,
    ) -> AcceptedCredential {
        AcceptedCredential::of(
            &sample::application(|settings| {
                settings.client_type = client_type;
                settings.profile = profile;
                settings.client_metadata.authentication.token_endpoint_auth_method = method;
            })
            .settings,
        )
    }

    #[test]
    fn the_registered_method_decides() {
        use AcceptedCredential::{Certificate, KeyAssertion, Secret, SecretAssertion};
        for (method, expected, strict) in [
            (None, Secret, KeyAssertion),
            (Some(AuthenticationMethod::ClientSecretBasic), Secret, KeyAssertion),
            (Some(AuthenticationMethod::ClientSecretPost), Secret, KeyAssertion),
            (Some(AuthenticationMethod::ClientSecretJwt), SecretAssertion, KeyAssertion),
            (Some(AuthenticationMethod::PrivateKeyJwt), KeyAssertion, KeyAssertion),
            (Some(AuthenticationMethod::TlsClientAuth), Certificate, Certificate),
            (Some(AuthenticationMethod::SelfSignedTlsClientAuth), Certificate, Certificate),
        ] {
            for profile in [Profile::Compatible, Profile::OAuth21] {
                assert_eq!(accepted(ClientType::Confidential, profile, method), expected, "{method:?}");
            }
            let strict_credential = accepted(ClientType::Confidential, Profile::Fapi2, method);
            assert_eq!(strict_credential, strict, "{method:?}");
        }
    }

    #[test]
    fn a_public_application_needs_none() {
        for method in [None, Some(AuthenticationMethod::None)] {
            let credential = accepted(ClientType::Public, Profile::OAuth21, method);
            assert_eq!(credential, AcceptedCredential::Nothing);
            assert!(!credential.is_secret());
        }
    }
}
