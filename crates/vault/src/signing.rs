//! Keys for signatures that others verify: ECDSA with P-256 and SHA-256, `ES256` of [RFC 7518
//! §3.4](https://www.rfc-editor.org/rfc/rfc7518#section-3.4).
//!
//! Sealed texts are for this server alone; a signature is for other servers, which verify it with the public key. A
//! private key is stored sealed under the master key, like the keys of the [ring](crate::key_ring).

use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::master_key::MasterKey;
use crate::seal::Unsealed;
use crate::sha256;
use crate::subkey::{self, NONCE};

/// The length of an uncompressed point of P-256: a byte for the form, then both coordinates.
const POINT: usize = 65;

/// A private key as it is stored: nonce, ciphertext and tag.
#[derive(Clone)]
pub struct SealedSigningKey {
    /// The number of the key, to which the sealed bytes are bound.
    pub id: u32,
    /// Nonce, ciphertext and tag.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for SealedSigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedSigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A key pair, ready to sign.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    x: String,
    y: String,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("key_id", &self.key_id()).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// The `alg` of its signatures.
    pub const ALGORITHM: &str = "ES256";

    fn of(pair: EcdsaKeyPair) -> Result<Self, Unsealed> {
        let point: &[u8; POINT] = pair.public_key().as_ref().try_into().map_err(|_| Unsealed)?;
        let (x, y) = point[1..].split_at((POINT - 1) / 2);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        Ok(Self { pair, x, y })
    }

    /// Signs a message: 64 bytes, `r` and `s` ([RFC 7518
    /// §3.4](https://www.rfc-editor.org/rfc/rfc7518#section-3.4)).
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, std::io::Error> {
        let signature = self.pair.sign(&SystemRandom::new(), message);
        signature.map(|signature| signature.as_ref().to_vec()).map_err(std::io::Error::other)
    }

    /// The `kid`: the thumbprint of the public key ([RFC 7638 §3](https://www.rfc-editor.org/rfc/rfc7638#section-3)).
    pub fn key_id(&self) -> String {
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, self.x, self.y);
        URL_SAFE_NO_PAD.encode(sha256(members.as_bytes()))
    }

    /// The coordinates of the public key in base64url, for a JSON Web Key ([RFC 7518
    /// §6.2.1](https://www.rfc-editor.org/rfc/rfc7518#section-6.2.1)).
    pub fn coordinates(&self) -> (&str, &str) {
        (&self.x, &self.y)
    }
}

/// Seals and opens private keys.
pub(crate) struct SigningKeys {
    wrapping: LessSafeKey,
}

impl SigningKeys {
    pub(crate) fn derive(master: &MasterKey) -> Self {
        Self { wrapping: subkey::aead(&master.subkey("signing keys")) }
    }

    /// Generates a key pair and seals its private key.
    pub(crate) fn generate(
        &self,
        id: u32,
        nonce: [u8; NONCE],
    ) -> Result<(SigningKey, SealedSigningKey), std::io::Error> {
        let failed = |_| std::io::Error::other("no key could be generated");
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
        let private = pair.private_key().as_be_bytes().map_err(failed)?;
        let public = pair.public_key().as_ref();
        let mut bytes = nonce.to_vec();
        bytes.extend_from_slice(private.as_ref());
        bytes.extend_from_slice(public);
        subkey::seal_in_place(&self.wrapping, nonce, &id.to_be_bytes(), &mut bytes, NONCE);
        let key = SigningKey::of(pair).map_err(std::io::Error::other)?;
        Ok((key, SealedSigningKey { id, bytes }))
    }

    /// Opens a private key.
    pub(crate) fn open(&self, sealed: &SealedSigningKey) -> Result<SigningKey, Unsealed> {
        let (nonce, rest) = sealed.bytes.split_first_chunk::<NONCE>().ok_or(Unsealed)?;
        let opened = Zeroizing::new(subkey::open(&self.wrapping, *nonce, &sealed.id.to_be_bytes(), rest)?);
        let (private, public) = opened.split_at_checked(32).ok_or(Unsealed)?;
        let pair =
            EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, private, public);
        SigningKey::of(pair.map_err(|_| Unsealed)?)
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    fn keys(digit: &str) -> SigningKeys {
        SigningKeys::derive(&MasterKey::from_text(&digit.repeat(64)).unwrap())
    }

    #[test]
    fn signatures_of_a_stored_key_verify_with_its_public_key() {
        let (key, sealed) = keys("1").generate(7, [3; NONCE]).unwrap();
        let opened = keys("1").open(&sealed).unwrap();
        assert_eq!(opened.key_id(), key.key_id());
        let (x, y) = opened.coordinates();
        let mut point = vec![4];
        point.extend(URL_SAFE_NO_PAD.decode(x).unwrap());
        point.extend(URL_SAFE_NO_PAD.decode(y).unwrap());
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        let signature = opened.sign(b"message").unwrap();
        assert_eq!(signature.len(), 64);
        public.verify(b"message", &signature).unwrap();
        assert!(public.verify(b"another", &signature).is_err());
    }

    #[test]
    fn a_key_opens_only_under_its_master_key_and_number() {
        let (_, sealed) = keys("1").generate(7, [3; NONCE]).unwrap();
        assert!(keys("2").open(&sealed).is_err());
        assert!(keys("1").open(&SealedSigningKey { id: 8, ..sealed.clone() }).is_err());
        for at in 0..sealed.bytes.len() {
            let mut bytes = sealed.bytes.clone();
            bytes[at] ^= 1;
            assert!(keys("1").open(&SealedSigningKey { id: 7, bytes }).is_err(), "byte {at}");
        }
        assert!(keys("1").open(&SealedSigningKey { id: 7, bytes: Vec::new() }).is_err());
    }

    #[test]
    fn debug_output_shows_no_private_key() {
        let (key, sealed) = keys("1").generate(7, [3; NONCE]).unwrap();
        assert_eq!(format!("{sealed:?}"), "SealedSigningKey { id: 7, .. }");
        assert_eq!(format!("{key:?}"), format!("SigningKey {{ key_id: {:?}, .. }}", key.key_id()));
    }
}
