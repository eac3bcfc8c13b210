//! Which credential authenticates an application.

use crate::application::{ApplicationSettings, AuthenticationMethod, ClientType};

/// Where a request has a secret ([RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretPlace {
    /// In `Authorization`: `client_secret_basic`.
    Header,
    /// In the body: `client_secret_post`.
    Body,
}

/// The credential that authenticates an application. The registered method alone decides ([RFC 7591
/// §2](https://www.rfc-editor.org/rfc/rfc7591#section-2), `token_endpoint_auth_method`), so that nothing that was registered for
/// something else stands in for it, such as the keys of request objects for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptedCredential {
    /// A live secret, sent as it is, in this place only if one is named. Many clients use another of the two than the one that
    /// they registered, which a lenient profile accepts.
    Secret(Option<SecretPlace>),
    /// An assertion that a live secret authenticates.
    SecretAssertion,
    /// An assertion that one of its keys signs.
    KeyAssertion,
    /// The certificate of the connection.
    Certificate,
    /// An attestation of its attester for the instance that sends the request.
    Attestation,
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
        let rules = settings.profile.rules();
        let only = |place| Some(place).filter(|_| rules.registered_method);
        match settings.client_metadata.authentication.token_endpoint_auth_method {
            Some(AuthenticationMethod::TlsClientAuth | AuthenticationMethod::SelfSignedTlsClientAuth) => {
                Self::Certificate
            }
            Some(AuthenticationMethod::AttestJwtClientAuth) if rules.attestations => Self::Attestation,
            Some(AuthenticationMethod::PrivateKeyJwt | AuthenticationMethod::AttestJwtClientAuth) => {
                Self::KeyAssertion
            }
            _ if rules.key_authentication => Self::KeyAssertion,
            Some(AuthenticationMethod::ClientSecretJwt) => Self::SecretAssertion,
            Some(AuthenticationMethod::ClientSecretBasic) => Self::Secret(only(SecretPlace::Header)),
            Some(AuthenticationMethod::ClientSecretPost) => Self::Secret(only(SecretPlace::Body)),
            None | Some(AuthenticationMethod::None) => Self::Secret(None),
        }
    }

    /// Whether it is a secret, which the assertion of a trusted issuer about a workload may replace.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Secret(_) | Self::SecretAssertion)
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
        use AcceptedCredential::{Attestation, Certificate, KeyAssertion, Secret, SecretAssertion};
        let (any, header, body) =
            (Secret(None), Secret(Some(SecretPlace::Header)), Secret(Some(SecretPlace::Body)));
        for (method, credentials) in [
            (None, [any, any, KeyAssertion]),
            (Some(AuthenticationMethod::ClientSecretBasic), [any, header, KeyAssertion]),
            (Some(AuthenticationMethod::ClientSecretPost), [any, body, KeyAssertion]),
            (Some(AuthenticationMethod::ClientSecretJwt), [SecretAssertion, SecretAssertion, KeyAssertion]),
            (Some(AuthenticationMethod::PrivateKeyJwt), [KeyAssertion; 3]),
            (Some(AuthenticationMethod::TlsClientAuth), [Certificate; 3]),
            (Some(AuthenticationMethod::SelfSignedTlsClientAuth), [Certificate; 3]),
            (Some(AuthenticationMethod::AttestJwtClientAuth), [Attestation, Attestation, KeyAssertion]),
        ] {
            for (profile, expected) in Profile::ALL.into_iter().zip(credentials) {
                let credential = accepted(ClientType::Confidential, profile, method);
                assert_eq!(credential, expected, "{profile:?} {method:?}");
            }
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
