//! The signing keys of an installation: which one signs, and what is published.

use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::aead::LessSafeKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::Timestamp;
use oauth::signing::{JwtType, SigningAlgorithm};
use zeroize::Zeroizing;

use super::access_token::{Verified, nothing_verified};
use super::key::{SigningFailed, SigningKey};
use crate::master_key::MasterKey;
use crate::seal::Unsealed;
use crate::sha256;
use crate::subkey::{self, NONCE};

/// A signing key as it is stored: the private key is sealed under the master key.
#[derive(Clone)]
pub struct SealedSigningKey {
    /// The number of the key.
    pub id: u32,
    /// The algorithm of its signatures.
    pub algorithm: SigningAlgorithm,
    /// The time from which it signs.
    pub activates_at: Timestamp,
    /// Nonce, ciphertext and tag, bound to the number and to the algorithm.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for SealedSigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedSigningKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// A signing key was not sealed under this master key.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("signing key {0} was not sealed under this master key: is it the key file of this database?")]
pub struct BrokenSigningKey(pub u32);

/// The public keys, as they are published.
#[derive(Debug)]
pub struct PublishedKeys {
    /// The JSON Web Key Set ([RFC 7517 §5](https://www.rfc-editor.org/rfc/rfc7517#section-5)).
    pub json: String,
    /// A strong entity tag, in quotes; the same on every node.
    pub etag: String,
}

/// The signing keys, ready for use.
pub(crate) struct SigningKeySet {
    wrapping: LessSafeKey,
    opened: RwLock<Arc<OpenedKeys>>,
}

pub(super) struct OpenedKeys {
    /// By number.
    keys: Vec<OpenedKey>,
    /// Part of the keys, so that nothing is remembered of a key that is gone.
    verified: Verified,
    published: Arc<PublishedKeys>,
}

struct OpenedKey {
    id: u32,
    activates_at: Timestamp,
    key: SigningKey,
}

impl SigningKeySet {
    pub(crate) fn derive(master: &MasterKey) -> Self {
        let wrapping = subkey::aead(&master.subkey("signing keys"));
        Self { wrapping, opened: RwLock::new(Arc::new(OpenedKeys::of(Vec::new()))) }
    }

    /// Generates a key and seals its private half.
    pub(crate) fn generate(
        &self,
        id: u32,
        algorithm: SigningAlgorithm,
        activates_at: Timestamp,
        seed: &[u8; 32],
        nonce: [u8; NONCE],
    ) -> Result<SealedSigningKey, SigningFailed> {
        let private = SigningKey::generate(algorithm, seed)?;
        let mut bytes = Vec::with_capacity(NONCE + private.len() + subkey::TAG);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&private);
        subkey::seal_in_place(&self.wrapping, nonce, &context(id, algorithm), &mut bytes, NONCE);
        Ok(SealedSigningKey { id, algorithm, activates_at, bytes })
    }

    /// Opens a private key.
    pub(crate) fn open(&self, sealed: &SealedSigningKey) -> Result<SigningKey, Unsealed> {
        let (nonce, rest) = sealed.bytes.split_first_chunk::<NONCE>().ok_or(Unsealed)?;
        let context = context(sealed.id, sealed.algorithm);
        let opened = Zeroizing::new(subkey::open(&self.wrapping, *nonce, &context, rest)?);
        SigningKey::from_pkcs8(sealed.algorithm, &opened)
    }

    pub(crate) fn replace(&self, sealed: &[SealedSigningKey]) -> Result<(), BrokenSigningKey> {
        let open = |sealed: &SealedSigningKey| {
            let key = self.open(sealed).map_err(|_| BrokenSigningKey(sealed.id))?;
            Ok(OpenedKey { id: sealed.id, activates_at: sealed.activates_at, key })
        };
        let mut keys = sealed.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        keys.sort_by_key(|key| key.id);
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(OpenedKeys::of(keys));
        Ok(())
    }

    pub(crate) fn published(&self) -> Arc<PublishedKeys> {
        Arc::clone(&self.opened().published)
    }

    /// Signs with the active key of the algorithm; `None` if it has no key yet.
    pub(crate) fn sign(
        &self,
        jwt: JwtType,
        algorithm: SigningAlgorithm,
        now: Timestamp,
        claims: &[u8],
    ) -> Option<Result<String, SigningFailed>> {
        let opened = self.opened();
        Some(opened.active(algorithm, now)?.key.sign(jwt, claims))
    }

    /// Whether the algorithm has a key.
    pub(crate) fn can_sign(&self, algorithm: SigningAlgorithm, now: Timestamp) -> bool {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        opened.active(algorithm, now).is_some()
    }

    pub(super) fn opened(&self) -> Arc<OpenedKeys> {
        Arc::clone(&self.opened.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl OpenedKeys {
    fn of(keys: Vec<OpenedKey>) -> Self {
        let jwks: Vec<String> = keys.iter().map(|key| key.key.jwk()).collect();
        let json = format!(r#"{{"keys":[{}]}}"#, jwks.join(","));
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&sha256(json.as_bytes())[..16]));
        Self { keys, verified: nothing_verified(), published: Arc::new(PublishedKeys { json, etag }) }
    }

    /// The texts that were verified with these keys.
    pub(super) fn verified(&self) -> &Verified {
        &self.verified
    }

    /// The claims of a text that one of these keys signed.
    pub(super) fn verify(&self, jwt: JwtType, text: &str) -> Result<Vec<u8>, Unsealed> {
        let key = self.keys.iter().find(|key| key.key.has_header(jwt, text)).ok_or(Unsealed)?;
        key.key.verify(jwt, text)
    }

    /// The newest active key. If none is active yet, the first one: others know it for longest.
    fn active(&self, algorithm: SigningAlgorithm, now: Timestamp) -> Option<&OpenedKey> {
        let of_algorithm = || self.keys.iter().filter(|key| key.key.algorithm() == algorithm);
        of_algorithm().rfind(|key| key.activates_at.is_past(now)).or_else(|| of_algorithm().next())
    }
}

/// What a sealed private key is bound to.
fn context(id: u32, algorithm: SigningAlgorithm) -> Vec<u8> {
    [&id.to_be_bytes(), algorithm.as_str().as_bytes()].concat()
}

#[cfg(test)]
mod tests;
