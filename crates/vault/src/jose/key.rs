//! A public key as a JSON Web Key.

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth::jwt::Object;
use oauth::proof::Thumbprint;
use oauth::signing::SigningAlgorithm;
use serde_json::Value;

use super::roca;
use crate::jwk::{self, POINT};

/// The lengths of RSA moduli in bits. Shorter ones are weak, and longer ones make a verification expensive.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// The members of private and symmetric keys ([RFC 7518 §6](https://www.rfc-editor.org/rfc/rfc7518#section-6)).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why a JSON Web Key is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// It contains a private or symmetric key, which must never be sent.
    #[error("contains a private key")]
    Private,
    /// It is of a type, curve or use that is not for signatures here.
    #[error("is of a kind that is not used here")]
    Unknown,
    /// A member is missing or malformed, or the key is weak.
    #[error("is malformed or too weak")]
    Malformed,
}

/// A public key for signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: Option<String>,
    /// `alg`, if the key is for one algorithm only.
    algorithm: Option<SigningAlgorithm>,
    material: Material,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Ed25519([u8; 32]),
    /// The uncompressed point.
    P256([u8; POINT]),
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

impl PublicKey {
    /// Reads a JSON Web Key.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn parse(jwk: &Object) -> Result<Self, KeyFault> {
        if PRIVATE.iter().any(|member| jwk.contains_key(*member)) {
            return Err(KeyFault::Private);
        }
        is_for_verification(jwk)?;
        let material = match (text(jwk, "kty")?, jwk.get("crv").and_then(Value::as_str)) {
            ("OKP", Some("Ed25519")) => Material::Ed25519(exactly(jwk, "x")?),
            ("EC", Some("P-256")) => Material::P256(point(&exactly(jwk, "x")?, &exactly(jwk, "y")?)),
            ("RSA", _) => rsa(jwk)?,
            _ => return Err(KeyFault::Unknown),
        };
        let mut key = Self { id: optional_text(jwk, "kid")?.map(str::to_owned), algorithm: None, material };
        if let Some(name) = optional_text(jwk, "alg")? {
            let algorithm = SigningAlgorithm::from_name_of_others(name).ok_or(KeyFault::Unknown)?;
            if !key.fits(algorithm) {
                return Err(KeyFault::Malformed);
            }
            key.algorithm = Some(algorithm);
        }
        Ok(key)
    }

    /// `kid`.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether signatures of this algorithm can be made with the key.
    pub fn fits(&self, algorithm: SigningAlgorithm) -> bool {
        let family = match self.material {
            Material::Ed25519(_) => matches!(algorithm, SigningAlgorithm::EdDsa),
            Material::P256(_) => matches!(algorithm, SigningAlgorithm::Es256),
            Material::Rsa { .. } => matches!(algorithm, SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256),
        };
        family && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Whether the signature of the message was made with this key.
    pub(super) fn verifies(&self, algorithm: SigningAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        let verified = match (&self.material, algorithm) {
            (Material::Ed25519(key), SigningAlgorithm::EdDsa) => {
                UnparsedPublicKey::new(&ED25519, key).verify(message, signature)
            }
            (Material::P256(key), SigningAlgorithm::Es256) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(message, signature)
            }
            (Material::Rsa { modulus, exponent }, SigningAlgorithm::Rs256) => {
                let key = PublicKeyComponents { n: modulus, e: exponent };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            (Material::Rsa { modulus, exponent }, SigningAlgorithm::Ps256) => {
                let key = PublicKeyComponents { n: modulus, e: exponent };
                key.verify(&RSA_PSS_2048_8192_SHA256, message, signature)
            }
            _ => return false,
        };
        verified.is_ok()
    }

    /// The thumbprint ([RFC 7638
    /// §3](https://www.rfc-editor.org/rfc/rfc7638#section-3)).
    pub fn thumbprint(&self) -> Thumbprint {
        let members = match &self.material {
            Material::Ed25519(x) => jwk::ed25519(x),
            Material::P256(point) => jwk::p256(point),
            Material::Rsa { modulus, exponent } => jwk::rsa(modulus, exponent),
        };
        Thumbprint::from_bytes(jwk::thumbprint(&members))
    }
}

/// `use` and `key_ops` must allow verification if they are present ([RFC 7517
/// §4.2](https://www.rfc-editor.org/rfc/rfc7517#section-4.2), §4.3).
fn is_for_verification(jwk: &Object) -> Result<(), KeyFault> {
    if optional_text(jwk, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(KeyFault::Unknown);
    }
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(operations)) => {
            let verifies = operations.iter().any(|operation| operation.as_str() == Some("verify"));
            if verifies { Ok(()) } else { Err(KeyFault::Unknown) }
        }
        Some(_) => Err(KeyFault::Malformed),
    }
}

fn rsa(jwk: &Object) -> Result<Material, KeyFault> {
    let (modulus, exponent) = (integer(jwk, "n")?, integer(jwk, "e")?);
    let bits = modulus.len() * 8 - modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    // The usual exponent is 65537. One of more than four bytes only makes a verification expensive.
    let usable =
        RSA_BITS.contains(&bits) && odd(&modulus) && odd(&exponent) && exponent.len() <= 4 && exponent != [1];
    let strong = usable && !roca::is_affected(&modulus);
    if strong { Ok(Material::Rsa { modulus, exponent }) } else { Err(KeyFault::Malformed) }
}

fn point(x: &[u8; 32], y: &[u8; 32]) -> [u8; POINT] {
    let mut point = [4; POINT];
    point[1..33].copy_from_slice(x);
    point[33..].copy_from_slice(y);
    point
}

fn text<'a>(jwk: &'a Object, name: &str) -> Result<&'a str, KeyFault> {
    optional_text(jwk, name)?.ok_or(KeyFault::Malformed)
}

fn optional_text<'a>(jwk: &'a Object, name: &str) -> Result<Option<&'a str>, KeyFault> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(KeyFault::Malformed),
    }
}

fn bytes(jwk: &Object, name: &str) -> Result<Vec<u8>, KeyFault> {
    URL_SAFE_NO_PAD.decode(text(jwk, name)?).map_err(|_| KeyFault::Malformed)
}

fn exactly<const N: usize>(jwk: &Object, name: &str) -> Result<[u8; N], KeyFault> {
    bytes(jwk, name)?.try_into().map_err(|_| KeyFault::Malformed)
}

/// A positive number in the fewest bytes ([RFC 7518 §2](https://www.rfc-editor.org/rfc/rfc7518#section-2),
/// `Base64urlUInt`), because a thumbprint covers the bytes.
fn integer(jwk: &Object, name: &str) -> Result<Vec<u8>, KeyFault> {
    bytes(jwk, name).and_then(|number| match number.first() {
        None | Some(0) => Err(KeyFault::Malformed),
        Some(_) => Ok(number),
    })
}
