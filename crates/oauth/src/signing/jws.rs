//! The algorithms of signatures that others make.

use serde::{Deserialize, Serialize};

use super::SigningAlgorithm;

/// An algorithm with which clients and trusted issuers may sign ([RFC 7518
/// §3.1](https://www.rfc-editor.org/rfc/rfc7518#section-3.1)). The server verifies more algorithms than it signs with, because
/// the others choose theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum JwsAlgorithm {
    /// Ed25519 ([RFC 8037 §3.1](https://www.rfc-editor.org/rfc/rfc8037#section-3.1)).
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// ECDSA with P-521 and SHA-512.
    Es512,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
}

impl JwsAlgorithm {
    /// Every algorithm, those with which the server signs first.
    pub const ALL: [Self; 10] = [
        Self::EdDsa,
        Self::Es256,
        Self::Rs256,
        Self::Ps256,
        Self::Es384,
        Self::Es512,
        Self::Rs384,
        Self::Rs512,
        Self::Ps384,
        Self::Ps512,
    ];

    /// Their names in a sentence.
    pub const NAMES: &str = "EdDSA, ES256, RS256, PS256, ES384, ES512, RS384, RS512, PS384 or PS512";

    /// The value of `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
        }
    }

    /// The algorithm with that value of `alg`, if it is one of these. `Ed25519` is the newer name of the only kind of
    /// `EdDSA` that is used here ([RFC 9864 §2.2](https://www.rfc-editor.org/rfc/rfc9864#section-2.2)).
    pub fn from_name(name: &str) -> Option<Self> {
        let name = if name == "Ed25519" { "EdDSA" } else { name };
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

impl From<SigningAlgorithm> for JwsAlgorithm {
    fn from(algorithm: SigningAlgorithm) -> Self {
        match algorithm {
            SigningAlgorithm::EdDsa => Self::EdDsa,
            SigningAlgorithm::Es256 => Self::Es256,
            SigningAlgorithm::Rs256 => Self::Rs256,
            SigningAlgorithm::Ps256 => Self::Ps256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_algorithm_of_others_is_found_by_its_exact_name() {
        for algorithm in JwsAlgorithm::ALL {
            assert_eq!(JwsAlgorithm::from_name(algorithm.as_str()), Some(algorithm));
            assert_eq!(serde_json::to_value(algorithm).unwrap(), algorithm.as_str());
        }
        for name in ["none", "HS256", "rs256", "eddsa", "ES256K", "ed25519", "Ed448", ""] {
            assert_eq!(JwsAlgorithm::from_name(name), None, "{name}");
        }
        let [names @ .., last] = JwsAlgorithm::ALL.map(JwsAlgorithm::as_str);
        assert_eq!(JwsAlgorithm::NAMES, format!("{} or {last}", names.join(", ")));
    }

    #[test]
    fn others_may_call_eddsa_by_its_newer_name() {
        assert_eq!(JwsAlgorithm::from_name("Ed25519"), Some(JwsAlgorithm::EdDsa));
    }

    #[test]
    fn the_server_verifies_what_it_signs_with() {
        for algorithm in SigningAlgorithm::ALL {
            assert_eq!(JwsAlgorithm::from(algorithm).as_str(), algorithm.as_str());
        }
    }
}
