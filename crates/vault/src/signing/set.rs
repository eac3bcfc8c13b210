//! The signing keys of an installation: which one signs, and what is published.

use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::aead::LessSafeKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::Timestamp;
use oauth::signing::{JwtType, SigningAlgorithm};
use zeroize::Zeroizing;

use super::access_token::{Verified, nothing_verified};
use super::external::{
    Choice, ExternalKey, ExternalKeys, ExternalUse, FoundKey, IssuedJwt, SealedExternalKey, UnsignedJwt,
};
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
    keys: Arc<Vec<OpenedKey>>,
    external: Arc<ExternalKeys>,
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
        Self { wrapping, opened: RwLock::new(Arc::new(OpenedKeys::of(Arc::default(), Arc::default()))) }
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
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        *opened = Arc::new(OpenedKeys::of(Arc::new(keys), Arc::clone(&opened.external)));
        Ok(())
    }

    /// Seals the public half of a key in a signer.
    pub(crate) fn seal_external(&self, key: &ExternalKey, nonce: [u8; NONCE]) -> Vec<u8> {
        let public = key.sealed_text();
        let mut bytes = Vec::with_capacity(NONCE + public.len() + subkey::TAG);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(public);
        let context = external_context(key.algorithm(), key.key_id());
        subkey::seal_in_place(&self.wrapping, nonce, &context, &mut bytes, NONCE);
        bytes
    }

    fn open_external(&self, sealed: &SealedExternalKey) -> Result<ExternalKey, Unsealed> {
        let (nonce, rest) = sealed.bytes.split_first_chunk::<NONCE>().ok_or(Unsealed)?;
        let context = external_context(sealed.algorithm, &sealed.key_id);
        let public = subkey::open(&self.wrapping, *nonce, &context, rest)?;
        ExternalKey::from_members(sealed.algorithm, &public)
    }

    /// Replaces the keys in signers, which are in the order in which they were found.
    pub(crate) fn replace_external(
        &self,
        sealed: &[SealedExternalKey],
        used: &ExternalUse,
    ) -> Result<(), BrokenExternalKey> {
        let open = |sealed: &SealedExternalKey| {
            let key = self.open_external(sealed).map_err(|_| BrokenExternalKey(sealed.key_id.clone()))?;
            let is_held = used.held.contains(&sealed.key_id);
            Ok(FoundKey { key, activates_at: sealed.activates_at, is_held })
        };
        let keys = sealed.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let external = Arc::new(ExternalKeys { keys, algorithms: used.algorithms.clone() });
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        *opened = Arc::new(OpenedKeys::of(Arc::clone(&opened.keys), external));
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
    ) -> Option<Result<IssuedJwt, SigningFailed>> {
        let opened = self.opened();
        match opened.active(algorithm, now)? {
            ActiveKey::Sealed(key) => Some(key.sign(jwt, claims).map(IssuedJwt::Signed)),
            ActiveKey::External(at) => {
                Some(Ok(IssuedJwt::Unsigned(UnsignedJwt::new(Arc::clone(&opened.external), at, jwt, claims))))
            }
        }
    }

    /// Where the key of the algorithm is, if it has one.
    pub(crate) fn signs_with(&self, algorithm: SigningAlgorithm, now: Timestamp) -> Option<KeyPlace> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        Some(match opened.active(algorithm, now)? {
            ActiveKey::Sealed(_) => KeyPlace::Server,
            ActiveKey::External(_) => KeyPlace::Signer,
        })
    }

    pub(super) fn opened(&self) -> Arc<OpenedKeys> {
        Arc::clone(&self.opened.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The key that signs.
enum ActiveKey<'a> {
    Sealed(&'a SigningKey),
    /// The one at this index, in a signer.
    External(usize),
}

/// Where the private half of a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPlace {
    /// Sealed in the database, and open in this process.
    Server,
    /// In a signer.
    Signer,
}

/// The public half of a key in a signer was not sealed under this master key.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "external signing key {0} was not sealed under this master key: is it the key file of this database?"
)]
pub struct BrokenExternalKey(pub String);

impl OpenedKeys {
    fn of(keys: Arc<Vec<OpenedKey>>, external: Arc<ExternalKeys>) -> Self {
        let sealed = keys.iter().map(|key| key.key.jwk());
        let jwks: Vec<String> = sealed.chain(external.keys.iter().map(|found| found.key.jwk())).collect();
        let json = format!(r#"{{"keys":[{}]}}"#, jwks.join(","));
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&sha256(json.as_bytes())[..16]));
        Self {
            keys,
            external,
            verified: nothing_verified(),
            published: Arc::new(PublishedKeys { json, etag }),
        }
    }

    /// The texts that were verified with these keys.
    pub(super) fn verified(&self) -> &Verified {
        &self.verified
    }

    /// The claims of a text that one of these keys signed.
    pub(super) fn verify(&self, jwt: JwtType, text: &str) -> Result<Vec<u8>, Unsealed> {
        if let Some(key) = self.keys.iter().find(|key| key.key.has_header(jwt, text)) {
            return key.key.verify(jwt, text);
        }
        let mut external = self.external.keys.iter();
        external.find(|found| found.key.has_header(jwt, text)).ok_or(Unsealed)?.key.verify(jwt, text)
    }

    /// The key that signs: one in the signer if the keys of the algorithm are there, otherwise a sealed one.
    fn active(&self, algorithm: SigningAlgorithm, now: Timestamp) -> Option<ActiveKey<'_>> {
        let sealed = || self.sealed(algorithm, now).map(ActiveKey::Sealed);
        if !self.external.algorithms.contains(&algorithm) {
            return sealed();
        }
        match self.external.choose(algorithm, now) {
            Choice::Key(at) => Some(ActiveKey::External(at)),
            Choice::Nobody => None,
            Choice::NotYet(first) => sealed().or_else(|| first.map(ActiveKey::External)),
        }
    }

    /// The newest active key. If none is active yet, the first one: others know it for longest.
    fn sealed(&self, algorithm: SigningAlgorithm, now: Timestamp) -> Option<&SigningKey> {
        let of_algorithm = || self.keys.iter().filter(|key| key.key.algorithm() == algorithm);
        let active = of_algorithm().rfind(|key| key.activates_at.is_past(now));
        active.or_else(|| of_algorithm().next()).map(|key| &key.key)
    }
}

/// What a sealed private key is bound to.
fn context(id: u32, algorithm: SigningAlgorithm) -> Vec<u8> {
    [&id.to_be_bytes(), algorithm.as_str().as_bytes()].concat()
}

/// What the sealed public half of a key in a signer is bound to. No name of an algorithm begins like this.
fn external_context(algorithm: SigningAlgorithm, key_id: &str) -> Vec<u8> {
    ["external ", algorithm.as_str(), " ", key_id].concat().into_bytes()
}

#[cfg(test)]
mod tests;
