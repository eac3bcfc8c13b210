//! How an application authenticates.

use serde::{Deserialize, Serialize};

use crate::certificate::CertificateSubject;
use crate::jwt::Object;
use crate::signing::{JwsAlgorithm, SECRET_ALGORITHM};

/// The members of a registration about client authentication ([RFC 7591
/// §2](https://www.rfc-editor.org/rfc/rfc7591#section-2)).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthenticationMetadata {
    /// The method; if there is none, a confidential application uses a secret in the header or in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<AuthenticationMethod>,
    /// The only algorithm of the assertions that its keys sign; any that the keys fit if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<JwsAlgorithm>,
    /// Its public keys as a JSON Web Key Set, which has at least one usable key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Object>,
    /// The `https` address of its public keys; never beside `jwks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The name in its certificate, for `tls_client_auth`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth: Option<CertificateSubject>,
}

impl AuthenticationMetadata {
    /// Removes everything by which the application proves who it is, and says whether there was anything. A restore does
    /// this to an application whose credentials it cannot trust, and a handover to an application that gets a new owner.
    pub fn remove_credentials(&mut self) -> bool {
        // Without `..`, so that a new member is considered here.
        let Self {
            token_endpoint_auth_method: _,
            token_endpoint_auth_signing_alg: _,
            jwks,
            jwks_uri,
            tls_client_auth,
        } = self;
        // Whoever could publish keys at the address may have lost it.
        let removed = [jwks.take().is_some(), jwks_uri.take().is_some(), tls_client_auth.take().is_some()];
        removed.contains(&true)
    }

    /// Whether it has keys or a certificate that are not in `before`, or no longer all of those.
    pub fn keys_differ_from(&self, before: &Self) -> bool {
        (&self.jwks, &self.jwks_uri, &self.tls_client_auth)
            != (&before.jwks, &before.jwks_uri, &before.tls_client_auth)
    }

    /// Whether nothing is left of the keys and of the certificate of `before`.
    pub fn has_no_keys_of(&self, before: &Self) -> bool {
        let is_other = |new: bool, same: bool| !new || !same;
        is_other(self.jwks.is_some(), self.jwks == before.jwks)
            && is_other(self.jwks_uri.is_some(), self.jwks_uri == before.jwks_uri)
            && is_other(self.tls_client_auth.is_some(), self.tls_client_auth == before.tls_client_auth)
    }

    /// Whether keys or a certificate are registered, by themselves or by an address.
    pub fn has_keys(&self) -> bool {
        self.jwks.is_some() || self.jwks_uri.is_some() || self.tls_client_auth.is_some()
    }

    /// Whether its keys may change without a change of the registration, because they are at an address.
    pub fn keys_may_change(&self) -> bool {
        self.jwks.is_none() && self.jwks_uri.is_some()
    }

    /// Whether it needs public keys, which verify its assertions.
    pub fn needs_keys(&self) -> bool {
        self.token_endpoint_auth_method == Some(AuthenticationMethod::PrivateKeyJwt)
    }

    /// Whether the server must be able to read its secrets, because they verify its assertions.
    pub fn needs_readable_secret(&self) -> bool {
        self.token_endpoint_auth_method == Some(AuthenticationMethod::ClientSecretJwt)
    }

    /// The `alg` of its assertions, if only one is accepted.
    pub fn assertion_algorithm(&self) -> Option<&'static str> {
        if self.needs_readable_secret() {
            Some(SECRET_ALGORITHM)
        } else {
            self.token_endpoint_auth_signing_alg.map(JwsAlgorithm::as_str)
        }
    }

    /// Whether it is registered for a method without a secret.
    pub fn has_no_secret(&self) -> bool {
        self.token_endpoint_auth_method.is_some_and(|method| {
            method.proves_a_key() || method == AuthenticationMethod::AttestJwtClientAuth
        })
    }
}

/// The certificates of clients that the server accepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AcceptedCertificates {
    /// None, because nothing asks for them.
    #[default]
    None,
    /// Those that clients have registered themselves, because there is no authority for others.
    SelfSigned,
    /// Those of authorities too.
    Issued,
}

/// A method of client authentication ([OpenID Connect Core
/// §9](https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationMethod {
    /// A secret in the `Authorization` header.
    ClientSecretBasic,
    /// A secret in the body.
    ClientSecretPost,
    /// An assertion that the application authenticates with its secret.
    ClientSecretJwt,
    /// An assertion that the application signs with a private key.
    PrivateKeyJwt,
    /// A certificate of an authority, in TLS ([RFC 8705 §2.1](https://www.rfc-editor.org/rfc/rfc8705#section-2.1)).
    TlsClientAuth,
    /// A certificate among its own keys, in TLS ([RFC 8705 §2.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.2)).
    SelfSignedTlsClientAuth,
    /// An attestation of its attester for one instance of it ([draft-ietf-oauth-attestation-based-client-auth-11
    /// §7.5](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-7.5)).
    AttestJwtClientAuth,
    /// None: a public application.
    None,
}

impl AuthenticationMethod {
    /// Every method.
    pub const ALL: [Self; 8] = [
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::ClientSecretJwt,
        Self::PrivateKeyJwt,
        Self::TlsClientAuth,
        Self::SelfSignedTlsClientAuth,
        Self::AttestJwtClientAuth,
        Self::None,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
            Self::AttestJwtClientAuth => "attest_jwt_client_auth",
            Self::None => "none",
        }
    }

    /// Whether the client proves to hold a private key of its own. The key of an attestation is that of an instance.
    pub const fn proves_a_key(self) -> bool {
        match self {
            Self::PrivateKeyJwt | Self::TlsClientAuth | Self::SelfSignedTlsClientAuth => true,
            Self::ClientSecretBasic
            | Self::ClientSecretPost
            | Self::ClientSecretJwt
            | Self::AttestJwtClientAuth
            | Self::None => false,
        }
    }

    /// Whether a client can authenticate with it at a server that accepts these certificates, and attestations of the client
    /// if `attestable`.
    pub fn works_with(self, certificates: AcceptedCertificates, attestable: bool) -> bool {
        match self {
            Self::TlsClientAuth => certificates == AcceptedCertificates::Issued,
            Self::SelfSignedTlsClientAuth => certificates != AcceptedCertificates::None,
            Self::AttestJwtClientAuth => attestable,
            Self::ClientSecretBasic
            | Self::ClientSecretPost
            | Self::ClientSecretJwt
            | Self::PrivateKeyJwt
            | Self::None => true,
        }
    }

    /// The method with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_with_a_certificate_works_where_the_server_accepts_such_certificates() {
        use AcceptedCertificates::{Issued, None, SelfSigned};
        for method in AuthenticationMethod::ALL {
            let expected = match method {
                AuthenticationMethod::TlsClientAuth => [false, false, true],
                AuthenticationMethod::SelfSignedTlsClientAuth => [false, true, true],
                _ => [true, true, true],
            };
            let works = |accepted| method.works_with(accepted, true);
            assert_eq!([None, SelfSigned, Issued].map(works), expected, "{method:?}");
        }
    }

    #[test]
    fn an_attestation_works_where_the_client_has_an_attester() {
        for method in AuthenticationMethod::ALL {
            let is_attestation = method == AuthenticationMethod::AttestJwtClientAuth;
            assert_eq!(method.works_with(AcceptedCertificates::Issued, false), !is_attestation, "{method:?}");
        }
    }
}
