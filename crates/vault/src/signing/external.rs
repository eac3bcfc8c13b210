//! Keys whose private half is in a signer outside of this process.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::Timestamp;
use oauth::jwt::Object;
use oauth::signing::{JwtType, SigningAlgorithm};

use super::key::{header, published, push_signature, verified};
use crate::jose::{KeyFault, PreparedKey, PublicKey};
use crate::jwk;
use crate::seal::Unsealed;

/// The public half of a key in a signer.
pub struct ExternalKey {
    algorithm: SigningAlgorithm,
    key: PreparedKey,
    members: String,
    key_id: String,
    /// The encoded headers with a dot, in the order of [`JwtType::ALL`].
    headers: [String; JwtType::ALL.len()],
}

impl std::fmt::Debug for ExternalKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExternalKey")
            .field("algorithm", &self.algorithm)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

impl ExternalKey {
    /// Reads a JSON Web Key for signatures of this algorithm.
    ///
    /// # Errors
    /// [`KeyFault`], also if the key is for another algorithm.
    pub fn parse(algorithm: SigningAlgorithm, jwk: &Object) -> Result<Self, KeyFault> {
        let key = PublicKey::parse(jwk)?;
        let members = key.members();
        let key = key.prepare(algorithm.into()).map_err(|_| KeyFault::Unknown)?;
        let key_id = URL_SAFE_NO_PAD.encode(jwk::thumbprint(&members));
        let headers = JwtType::ALL.map(|jwt| header(algorithm, jwt, &key_id));
        Ok(Self { algorithm, key, members, key_id, headers })
    }

    /// Reads what [`ExternalKey::sealed_text`] wrote.
    pub(super) fn from_members(algorithm: SigningAlgorithm, members: &[u8]) -> Result<Self, Unsealed> {
        let json = [b"{", members, b"}"].concat();
        let jwk: Object = serde_json::from_slice(&json).map_err(|_| Unsealed)?;
        Self::parse(algorithm, &jwk).map_err(|_| Unsealed)
    }

    /// What is sealed of the key.
    pub(super) fn sealed_text(&self) -> &[u8] {
        self.members.as_bytes()
    }

    /// The algorithm of its signatures.
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// The `kid`: the thumbprint of the public key ([RFC 7638 §3](https://www.rfc-editor.org/rfc/rfc7638#section-3)).
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The public key as a JSON Web Key.
    pub fn jwk(&self) -> String {
        published(self.algorithm, &self.key_id, &self.members)
    }

    /// Whether the signature of the message was made with this key.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verifies(message, signature)
    }

    /// The claims of a compact JWS if this key signed it with this type.
    pub(super) fn verify(&self, jwt: JwtType, text: &str) -> Result<Vec<u8>, Unsealed> {
        verified(&self.headers[jwt as usize], text, |signed, signature| self.verifies(signed, signature))
    }

    pub(super) fn has_header(&self, jwt: JwtType, text: &str) -> bool {
        text.starts_with(self.headers[jwt as usize].as_str())
    }
}

/// A key in a signer as it is stored: the public half is sealed under the master key, so that nobody who can only write to
/// the database can publish a key.
#[derive(Debug, Clone)]
pub struct SealedExternalKey {
    /// The algorithm of its signatures.
    pub algorithm: SigningAlgorithm,
    /// The `kid`.
    pub key_id: String,
    /// The time from which it signs.
    pub activates_at: Timestamp,
    /// Nonce, ciphertext and tag, bound to the algorithm and the `kid`.
    pub bytes: Vec<u8>,
}

/// Which of the keys in signers this node uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExternalUse {
    /// The algorithms whose keys are in the signer.
    pub algorithms: Vec<SigningAlgorithm>,
    /// The `kid` of each key that the signer of this node holds now.
    pub held: Vec<String>,
}

/// The keys in signers, ready for use.
#[derive(Default)]
pub(super) struct ExternalKeys {
    /// In the order in which they were found.
    pub(super) keys: Vec<FoundKey>,
    pub(super) algorithms: Vec<SigningAlgorithm>,
}

pub(super) struct FoundKey {
    pub(super) key: ExternalKey,
    pub(super) activates_at: Timestamp,
    /// Whether the signer of this node holds it.
    pub(super) is_held: bool,
}

/// Which key in a signer signs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// The key at this index.
    Key(usize),
    /// None: its keys are in use, and the signer of this node holds none.
    Nobody,
    /// None yet; a sealed key still signs, or the first of these if there is none.
    NotYet(Option<usize>),
}

impl ExternalKeys {
    /// The newest active key that the signer holds, or the first one that it holds if those in use are gone. Once one of the
    /// keys is active, no sealed key takes its place.
    pub(super) fn choose(&self, algorithm: SigningAlgorithm, now: Timestamp) -> Choice {
        let of_algorithm =
            || self.keys.iter().enumerate().filter(move |(_, found)| found.key.algorithm() == algorithm);
        let is_active = |found: &FoundKey| found.activates_at.is_past(now);
        let newest = of_algorithm().rfind(|(_, found)| found.is_held && is_active(found));
        if let Some((at, _)) = newest {
            return Choice::Key(at);
        }
        let first = of_algorithm().find(|(_, found)| found.is_held).map(|(at, _)| at);
        if of_algorithm().any(|(_, found)| is_active(found)) {
            return first.map_or(Choice::Nobody, Choice::Key);
        }
        Choice::NotYet(first)
    }
}

/// A JSON Web Token: complete, or without the signature that a signer makes.
#[derive(Debug)]
pub enum IssuedJwt {
    /// It is complete.
    Signed(String),
    /// A signer must sign it.
    Unsigned(UnsignedJwt),
}

impl IssuedJwt {
    /// The complete token.
    pub fn signed(self) -> Option<String> {
        match self {
            Self::Signed(text) => Some(text),
            Self::Unsigned(_) => None,
        }
    }
}

/// A JSON Web Token that lacks its signature.
pub struct UnsignedJwt {
    keys: Arc<ExternalKeys>,
    /// The index of its key.
    at: usize,
    text: String,
}

impl std::fmt::Debug for UnsignedJwt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnsignedJwt").field("key", self.key()).finish_non_exhaustive()
    }
}

impl UnsignedJwt {
    pub(super) fn new(keys: Arc<ExternalKeys>, at: usize, jwt: JwtType, claims: &[u8]) -> Self {
        let mut text = keys.keys[at].key.headers[jwt as usize].clone();
        URL_SAFE_NO_PAD.encode_string(claims, &mut text);
        Self { keys, at, text }
    }

    /// The key that must sign.
    pub fn key(&self) -> &ExternalKey {
        &self.keys.keys[self.at].key
    }

    /// What must be signed.
    pub fn to_be_signed(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The token with its signature.
    ///
    /// # Errors
    /// If the key did not make this signature.
    pub fn with_signature(mut self, signature: &[u8]) -> Result<String, WrongSignature> {
        if !self.key().verifies(self.text.as_bytes(), signature) {
            return Err(WrongSignature);
        }
        push_signature(&mut self.text, signature);
        Ok(self.text)
    }
}

/// A signature is not that of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify with the public key")]
pub struct WrongSignature;

#[cfg(test)]
mod tests;
