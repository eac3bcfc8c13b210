//! Keys for signatures that others verify, and the JSON Web Tokens that they sign.
//!
//! Sealed texts are for this server alone; a signature is for other servers, which verify it with the public key. A
//! private key is stored sealed under the master key, like the keys of the [ring](crate::key_ring), or it is in a signer
//! outside of this process. For each algorithm the newest active key signs; the public keys of all of them are published.

use std::sync::Arc;

use domain::time::Timestamp;
use oauth::signing::{JwtType, SigningAlgorithm};
use zeroize::Zeroizing;

use crate::Vault;
use crate::seal::Unsealed;

mod access_token;
mod external;
mod key;
mod set;

pub use access_token::OpenedJwt;
pub use external::{ExternalKey, ExternalUse, IssuedJwt, SealedExternalKey, UnsignedJwt, WrongSignature};
pub use key::{SigningFailed, SigningKey};
pub(crate) use set::SigningKeySet;
pub use set::{BrokenExternalKey, BrokenSigningKey, KeyPlace, PublishedKeys, SealedSigningKey};

impl Vault {
    /// Generates a key for signatures that others verify, sealed for storage. It is used once it is among the keys that
    /// [`Vault::replace_signing_keys`] receives. RSA takes a good part of a second.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn new_signing_key(
        &self,
        id: u32,
        algorithm: SigningAlgorithm,
        activates_at: Timestamp,
    ) -> Result<SealedSigningKey, SigningFailed> {
        let seed = Zeroizing::new(self.random());
        self.signing.generate(id, algorithm, activates_at, &seed, self.random())
    }

    /// Opens a key for signatures.
    ///
    /// # Errors
    /// If it was not sealed under the master key.
    pub fn open_signing_key(&self, sealed: &SealedSigningKey) -> Result<SigningKey, Unsealed> {
        self.signing.open(sealed)
    }

    /// Replaces the signing keys by those that are stored now.
    ///
    /// # Errors
    /// If one of them was not sealed under the master key; nothing is replaced then.
    pub fn replace_signing_keys(&self, keys: &[SealedSigningKey]) -> Result<(), BrokenSigningKey> {
        self.signing.replace(keys)
    }

    /// The public keys for signatures, of every algorithm.
    pub fn published_keys(&self) -> Arc<PublishedKeys> {
        self.signing.published()
    }

    /// Seals the public half of a key in a signer for storage.
    pub fn seal_external_key(&self, key: &ExternalKey) -> Vec<u8> {
        self.signing.seal_external(key, self.random())
    }

    /// Replaces the keys in signers by those that are stored now, in the order in which they were found.
    ///
    /// # Errors
    /// If one of them was not sealed under the master key; nothing is replaced then.
    pub fn replace_external_keys(
        &self,
        keys: &[SealedExternalKey],
        used: &ExternalUse,
    ) -> Result<(), BrokenExternalKey> {
        self.signing.replace_external(keys, used)
    }

    /// Where the key of the algorithm is that signs at `now`; `None` if it has no key.
    pub fn signs_with(&self, algorithm: SigningAlgorithm, now: Timestamp) -> Option<KeyPlace> {
        self.signing.signs_with(algorithm, now)
    }

    /// Signs claims, a JSON object, with the key of the algorithm that is active at `now`; `None` if it has no key yet.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn sign_jwt(
        &self,
        jwt: JwtType,
        algorithm: SigningAlgorithm,
        now: Timestamp,
        claims: &[u8],
    ) -> Option<Result<IssuedJwt, SigningFailed>> {
        self.signing.sign(jwt, algorithm, now, claims)
    }

    /// The claims of a text that this server signed with this type. The caller checks its issuer, audience and expiry.
    ///
    /// # Errors
    /// If it is anything else, or if its key is not published any more.
    pub fn verify_own_jwt(&self, jwt: JwtType, text: &str) -> Result<Vec<u8>, Unsealed> {
        self.signing.opened().verify(jwt, text)
    }
}
