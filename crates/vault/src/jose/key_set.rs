//! The public keys of an issuer as a JSON Web Key Set.

use oauth::jwt::{Object, parse_object};
use oauth::signing::JwsAlgorithm;
use serde_json::Value;

use super::{KeyFault, PublicKey};
use crate::certificate;

/// The most keys of a set; each may cost a verification.
const MOST_KEYS: usize = 20;
/// The longest set in bytes.
const MOST_BYTES: usize = 32 * 1024;

/// Why a key set is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeySetFault {
    /// It is longer than 32 kB or has more than 20 keys.
    #[error("has more than {MOST_KEYS} keys or more than {MOST_BYTES} bytes")]
    TooLarge,
    /// It is not a JSON object with an array `keys` of objects.
    #[error("is not a JSON Web Key Set")]
    Malformed,
    /// It contains a private or symmetric key.
    #[error(
        "contains a private key; register public keys only, and replace this one, because it is known now"
    )]
    Private,
    /// It has no key that can verify a signature here.
    #[error("has no key for signatures here: Ed25519, P-256, P-384, P-521, or RSA with 2048 to 4096 bits")]
    NoUsableKey,
}

/// The public keys of an issuer that can verify signatures here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySet(Vec<PublicKey>);

impl KeySet {
    /// Reads the JSON of a set.
    ///
    /// # Errors
    /// [`KeySetFault`].
    pub fn parse(json: &[u8]) -> Result<Self, KeySetFault> {
        if json.len() > MOST_BYTES {
            return Err(KeySetFault::TooLarge);
        }
        Self::of(&parse_object(json).ok_or(KeySetFault::Malformed)?)
    }

    /// Reads a set. Keys of other kinds are ignored ([RFC 7517
    /// §5](https://www.rfc-editor.org/rfc/rfc7517#section-5)).
    ///
    /// # Errors
    /// [`KeySetFault`].
    pub fn of(set: &Object) -> Result<Self, KeySetFault> {
        let Some(Value::Array(keys)) = set.get("keys") else { return Err(KeySetFault::Malformed) };
        if keys.len() > MOST_KEYS {
            return Err(KeySetFault::TooLarge);
        }
        let mut usable = Vec::new();
        for key in keys {
            let Value::Object(key) = key else { return Err(KeySetFault::Malformed) };
            match PublicKey::parse_with_certificate(key) {
                Ok(key) => usable.push(key),
                Err(KeyFault::Private) => return Err(KeySetFault::Private),
                Err(KeyFault::Unknown | KeyFault::Malformed) => {}
            }
        }
        if usable.is_empty() { Err(KeySetFault::NoUsableKey) } else { Ok(Self(usable)) }
    }

    /// The keys.
    pub fn keys(&self) -> &[PublicKey] {
        &self.0
    }

    /// Whether the set contains a certificate in DER ([RFC 8705
    /// §2.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.2)): a key with `x5c` stands for that certificate only, any other
    /// key for all certificates with it.
    pub fn contains_certificate(&self, der: &[u8]) -> bool {
        let Some(material) = certificate::key(der) else { return false };
        let digest = crate::sha256(der);
        self.0.iter().any(|key| key.stands_for(&material, &digest))
    }

    /// Whether a key has this id.
    pub fn has_id(&self, id: &str) -> bool {
        self.0.iter().any(|key| key.id() == Some(id))
    }

    /// The keys that may have made a signature of this algorithm. If the token names a key, those with another id do
    /// not count.
    pub(super) fn fitting(
        &self,
        id: Option<&str>,
        algorithm: JwsAlgorithm,
    ) -> impl Iterator<Item = &PublicKey> {
        let named = move |key: &&PublicKey| id.is_none() || key.id().is_none() || key.id() == id;
        self.0.iter().filter(move |key| key.fits(algorithm)).filter(named)
    }
}
