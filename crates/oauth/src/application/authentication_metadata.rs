//! How an application authenticates.

use serde::{Deserialize, Serialize};

use crate::jwt::Object;
use crate::signing::SigningAlgorithm;

/// The members of a registration about client authentication ([RFC 7591
/// §2](https://www.rfc-editor.org/rfc/rfc7591#section-2)).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthenticationMetadata {
    /// The method; if there is none, a confidential application uses a secret in the header or in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<AuthenticationMethod>,
    /// The only algorithm of its assertions; any that its keys fit if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<SigningAlgorithm>,
    /// Its public keys as a JSON Web Key Set, which has at least one usable key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Object>,
    /// The `https` address of its public keys; never beside `jwks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
}

impl AuthenticationMetadata {
    /// Removes everything by which the application proves who it is, and says whether there was anything. A restore does
    /// this to an application whose credentials it cannot trust.
    pub fn remove_credentials(&mut self) -> bool {
        // Without `..`, so that a new member is considered here.
        let Self { token_endpoint_auth_method: _, token_endpoint_auth_signing_alg: _, jwks, jwks_uri } = self;
        // Whoever could publish keys at the address may have lost it.
        jwks.take().is_some() | jwks_uri.take().is_some()
    }

    /// Whether it must authenticate with an assertion, so that no secret is accepted.
    pub fn needs_assertion(&self) -> bool {
        self.token_endpoint_auth_method == Some(AuthenticationMethod::PrivateKeyJwt)
    }
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
    /// An assertion that the application signs with a private key.
    PrivateKeyJwt,
    /// None: a public application.
    None,
}

impl AuthenticationMethod {
    /// Every method.
    pub const ALL: [Self; 4] =
        [Self::ClientSecretBasic, Self::ClientSecretPost, Self::PrivateKeyJwt, Self::None];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::None => "none",
        }
    }

    /// Whether the client proves to hold a private key.
    pub const fn proves_a_key(self) -> bool {
        match self {
            Self::PrivateKeyJwt => true,
            Self::ClientSecretBasic | Self::ClientSecretPost | Self::None => false,
        }
    }

    /// The method with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}
