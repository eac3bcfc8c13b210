//! The signatures of this server: the algorithms, and the types of signed texts.

use serde::{Deserialize, Serialize};

mod jws;

pub use jws::JwsAlgorithm;

/// The `alg` of what is authenticated with a shared secret ([RFC 7518
/// §3.2](https://www.rfc-editor.org/rfc/rfc7518#section-3.2)). It is not a [`SigningAlgorithm`], so that no public key
/// is ever used as such a secret.
pub const SECRET_ALGORITHM: &str = "HS256";

/// A signature algorithm of this server. Each has keys of its own, because a key is for one algorithm only ([RFC 8725
/// §3.1](https://www.rfc-editor.org/rfc/rfc8725#section-3.1)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SigningAlgorithm {
    /// Ed25519 ([RFC 8037 §3.1](https://www.rfc-editor.org/rfc/rfc8037#section-3.1)).
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA with P-256 and SHA-256 ([RFC 7518 §3.4](https://www.rfc-editor.org/rfc/rfc7518#section-3.4)).
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256 ([RFC 7518 §3.3](https://www.rfc-editor.org/rfc/rfc7518#section-3.3)).
    Rs256,
    /// RSASSA-PSS with SHA-256 ([RFC 7518 §3.5](https://www.rfc-editor.org/rfc/rfc7518#section-3.5)).
    Ps256,
}

impl SigningAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 4] = [Self::EdDsa, Self::Es256, Self::Rs256, Self::Ps256];

    /// Their names in a sentence.
    pub const NAMES: &str = "EdDSA, ES256, RS256 or PS256";

    /// The value of `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }

    /// The algorithm with that value of `alg`, if it is one of these.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    /// Whether a key is generated in less than a millisecond. RSA takes a hundred times longer.
    pub const fn is_quick_to_generate(self) -> bool {
        matches!(self, Self::EdDsa | Self::Es256)
    }
}

/// The `typ` of a signed text. It keeps one kind of text from being taken for another ([RFC 8725
/// §3.11](https://www.rfc-editor.org/rfc/rfc8725#section-3.11)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JwtType {
    /// An access token ([RFC 9068 §2.1](https://www.rfc-editor.org/rfc/rfc9068#section-2.1)).
    AccessToken,
    /// An answer of the introspection endpoint ([RFC 9701 §5](https://www.rfc-editor.org/rfc/rfc9701#section-5)).
    Introspection,
    /// A logout token ([OpenID Connect Back-Channel Logout
    /// §2.4](https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken)).
    Logout,
    /// A text without a type of its own, such as an ID token.
    Plain,
}

impl JwtType {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::AccessToken, Self::Introspection, Self::Logout, Self::Plain];

    /// The value of `typ`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "at+jwt",
            Self::Introspection => "token-introspection+jwt",
            Self::Logout => "logout+jwt",
            Self::Plain => "JWT",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_algorithm_is_found_by_its_exact_name() {
        for algorithm in SigningAlgorithm::ALL {
            assert_eq!(SigningAlgorithm::from_name(algorithm.as_str()), Some(algorithm));
            assert_eq!(serde_json::to_value(algorithm).unwrap(), algorithm.as_str());
        }
        for name in ["none", "HS256", "rs256", "eddsa", ""] {
            assert_eq!(SigningAlgorithm::from_name(name), None, "{name}");
        }
    }
}
