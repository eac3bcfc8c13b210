//! A public key as a JSON Web Key.

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use oauth::jwt::{JwtFault, Object};
use oauth::proof::Thumbprint;
use oauth::signing::JwsAlgorithm;
use serde_json::Value;

use super::roca;
use crate::certificate;
use crate::jwk::{self, Material};

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
    algorithm: Option<JwsAlgorithm>,
    material: Material,
    /// The SHA-256 digest of the certificate in `x5c`, in a set of keys.
    certificate: Option<[u8; 32]>,
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
            ("EC", Some("P-256")) => Material::P256(point::<32, 65>(jwk)?),
            ("EC", Some("P-384")) => Material::P384(point::<48, 97>(jwk)?),
            ("EC", Some("P-521")) => Material::P521(point::<66, 133>(jwk)?),
            ("RSA", _) => rsa(jwk)?,
            _ => return Err(KeyFault::Unknown),
        };
        let id = optional_text(jwk, "kid")?.map(str::to_owned);
        let mut key = Self { id, algorithm: None, material, certificate: None };
        if let Some(name) = optional_text(jwk, "alg")? {
            let algorithm = JwsAlgorithm::from_name(name).ok_or(KeyFault::Unknown)?;
            if !key.fits(algorithm) {
                return Err(KeyFault::Malformed);
            }
            key.algorithm = Some(algorithm);
        }
        Ok(key)
    }

    /// Reads a JSON Web Key with the certificate in `x5c`, whose key must be the same ([RFC 7517
    /// §4.7](https://www.rfc-editor.org/rfc/rfc7517#section-4.7)). The member is optional, and without a readable certificate
    /// it says nothing.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub(super) fn parse_with_certificate(jwk: &Object) -> Result<Self, KeyFault> {
        let mut key = Self::parse(jwk)?;
        let chain = jwk.get("x5c").and_then(Value::as_array);
        let first = chain.and_then(|chain| chain.first()).and_then(Value::as_str);
        let der = first.and_then(|text| STANDARD.decode(text).ok());
        if let Some(der) = der.filter(|der| certificate::is_certificate(der)) {
            if certificate::key(&der).as_ref() != Some(&key.material) {
                return Err(KeyFault::Malformed);
            }
            key.certificate = Some(crate::sha256(&der));
        }
        Ok(key)
    }

    /// Whether this key stands for a certificate with this key and this SHA-256 digest ([RFC 8705
    /// §2.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.2)): with `x5c` for that certificate only, otherwise for all
    /// with the key.
    pub(super) fn stands_for(&self, material: &Material, digest: &[u8; 32]) -> bool {
        match &self.certificate {
            Some(own) => own == digest,
            None => self.material == *material,
        }
    }

    /// `kid`.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether signatures of this algorithm can be made with the key.
    pub fn fits(&self, algorithm: JwsAlgorithm) -> bool {
        let family = match self.material {
            Material::Rsa { .. } => rsa_parameters(algorithm).is_some(),
            _ => self.curve(algorithm).is_some(),
        };
        family && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Whether the signature of the message was made with this key.
    pub(super) fn verifies(&self, algorithm: JwsAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        if let Material::Rsa { modulus, exponent } = &self.material {
            let key = PublicKeyComponents { n: modulus, e: exponent };
            return rsa_parameters(algorithm)
                .is_some_and(|parameters| key.verify(parameters, message, signature).is_ok());
        }
        self.curve(algorithm).is_some_and(|(curve, point)| {
            UnparsedPublicKey::new(curve, point).verify(message, signature).is_ok()
        })
    }

    /// The key in the form that verifies signatures of this algorithm fastest.
    ///
    /// # Errors
    /// If the key does not fit the algorithm, or its point is not on the curve.
    pub(crate) fn prepare(self, algorithm: JwsAlgorithm) -> Result<PreparedKey, JwtFault> {
        if !self.fits(algorithm) {
            return Err(JwtFault::NoKey);
        }
        let parsed = self.curve(algorithm).map(|(curve, point)| ParsedPublicKey::new(curve, point));
        let parsed = parsed.transpose().map_err(|_| JwtFault::KeyUnusable)?;
        Ok(PreparedKey { key: self, algorithm, parsed })
    }

    /// The curve of the key with its point, if the algorithm is that of the curve ([RFC 7518
    /// §3.4](https://www.rfc-editor.org/rfc/rfc7518#section-3.4), [RFC 8037
    /// §3.1](https://www.rfc-editor.org/rfc/rfc8037#section-3.1)).
    fn curve(&self, algorithm: JwsAlgorithm) -> Option<(&'static dyn VerificationAlgorithm, &[u8])> {
        match (&self.material, algorithm) {
            (Material::Ed25519(key), JwsAlgorithm::EdDsa) => Some((&ED25519, key)),
            (Material::P256(point), JwsAlgorithm::Es256) => Some((&ECDSA_P256_SHA256_FIXED, point)),
            (Material::P384(point), JwsAlgorithm::Es384) => Some((&ECDSA_P384_SHA384_FIXED, point)),
            (Material::P521(point), JwsAlgorithm::Es512) => Some((&ECDSA_P521_SHA512_FIXED, point)),
            _ => None,
        }
    }

    /// The required members, in the order in which the thumbprint covers them, without braces.
    pub(crate) fn members(&self) -> String {
        self.material.members()
    }

    /// The thumbprint ([RFC 7638
    /// §3](https://www.rfc-editor.org/rfc/rfc7638#section-3)).
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint::from_bytes(jwk::thumbprint(&self.material.members()))
    }
}

/// A key that was prepared once to verify many signatures of one algorithm.
pub(crate) struct PreparedKey {
    key: PublicKey,
    algorithm: JwsAlgorithm,
    /// `None` for an RSA key, whose preparation is a small part of a verification.
    parsed: Option<ParsedPublicKey>,
}

impl PreparedKey {
    /// Whether the signature of the message was made with this key.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.parsed {
            Some(key) => key.verify_sig(message, signature).is_ok(),
            None => self.key.verifies(self.algorithm, message, signature),
        }
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

/// The scheme of an algorithm of RSA.
fn rsa_parameters(algorithm: JwsAlgorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        JwsAlgorithm::Rs256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        JwsAlgorithm::Rs384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        JwsAlgorithm::Rs512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        JwsAlgorithm::Ps256 => Some(&RSA_PSS_2048_8192_SHA256),
        JwsAlgorithm::Ps384 => Some(&RSA_PSS_2048_8192_SHA384),
        JwsAlgorithm::Ps512 => Some(&RSA_PSS_2048_8192_SHA512),
        JwsAlgorithm::EdDsa | JwsAlgorithm::Es256 | JwsAlgorithm::Es384 | JwsAlgorithm::Es512 => None,
    }
}

/// The uncompressed point of `N` bytes with coordinates of `C` bytes.
fn point<const C: usize, const N: usize>(jwk: &Object) -> Result<[u8; N], KeyFault> {
    let mut point = [4; N];
    point[1..=C].copy_from_slice(&exactly::<C>(jwk, "x")?);
    point[1 + C..].copy_from_slice(&exactly::<C>(jwk, "y")?);
    Ok(point)
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
