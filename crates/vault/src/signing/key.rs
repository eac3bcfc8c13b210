//! One key pair: its signatures, its public key and its prepared headers.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth::signing::{JwtType, SigningAlgorithm};
use zeroize::Zeroizing;

use crate::jwk;
use crate::seal::Unsealed;

/// A signature or a key could not be computed, because the operating system gives no randomness.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the key cannot be used: no randomness")]
pub struct SigningFailed;

/// A key pair, ready to sign.
pub struct SigningKey {
    algorithm: SigningAlgorithm,
    pair: Pair,
    public: ParsedPublicKey,
    /// The members of the public key, as in a JSON Web Key.
    members: String,
    key_id: String,
    /// The encoded headers with a dot, in the order of [`JwtType::ALL`].
    headers: [String; JwtType::ALL.len()],
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(rsa::KeyPair),
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Generates a private key in PKCS #8 form.
    pub(crate) fn generate(
        algorithm: SigningAlgorithm,
        seed: &[u8; 32],
    ) -> Result<Zeroizing<Vec<u8>>, SigningFailed> {
        let document = match algorithm {
            SigningAlgorithm::EdDsa => {
                Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| SigningFailed)?.to_pkcs8()
            }
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            }
            SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256 => return generate_rsa(),
        };
        document.map(|document| Zeroizing::new(document.as_ref().to_vec())).map_err(|_| SigningFailed)
    }

    /// Reads a private key in PKCS #8 form.
    pub(crate) fn from_pkcs8(algorithm: SigningAlgorithm, pkcs8: &[u8]) -> Result<Self, Unsealed> {
        let pair = match algorithm {
            SigningAlgorithm::EdDsa => Ed25519KeyPair::from_pkcs8(pkcs8).map(Pair::Ed25519),
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map(Pair::P256)
            }
            SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256 => {
                rsa::KeyPair::from_pkcs8(pkcs8).map(Pair::Rsa)
            }
        };
        let pair = pair.map_err(|_| Unsealed)?;
        let public =
            ParsedPublicKey::new(verification(algorithm), pair.public_key()).map_err(|_| Unsealed)?;
        let members = pair.members()?;
        let key_id = URL_SAFE_NO_PAD.encode(jwk::thumbprint(&members));
        let headers = JwtType::ALL.map(|jwt| header(algorithm, jwt, &key_id));
        Ok(Self { algorithm, pair, public, members, key_id, headers })
    }

    /// The algorithm of its signatures.
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// The `kid`: the thumbprint of the public key ([RFC 7638 §3](https://www.rfc-editor.org/rfc/rfc7638#section-3)).
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The public key as a JSON Web Key ([RFC 7517 §4](https://www.rfc-editor.org/rfc/rfc7517#section-4)).
    pub fn jwk(&self) -> String {
        published(self.algorithm, &self.key_id, &self.members)
    }

    /// Signs claims, a JSON object, as a compact JWS ([RFC 7515
    /// §7.1](https://www.rfc-editor.org/rfc/rfc7515#section-7.1)).
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn sign(&self, jwt: JwtType, claims: &[u8]) -> Result<String, SigningFailed> {
        let header = &self.headers[jwt as usize];
        let mut text =
            String::with_capacity(header.len() + (claims.len() + self.signature_len()) * 4 / 3 + 4);
        text.push_str(header);
        URL_SAFE_NO_PAD.encode_string(claims, &mut text);
        match &self.pair {
            Pair::Ed25519(pair) => {
                let signature = pair.try_sign(text.as_bytes()).map_err(|_| SigningFailed)?;
                push_signature(&mut text, signature.as_ref());
            }
            Pair::P256(pair) => {
                let signature =
                    pair.sign(&SystemRandom::new(), text.as_bytes()).map_err(|_| SigningFailed)?;
                push_signature(&mut text, signature.as_ref());
            }
            Pair::Rsa(pair) => {
                let encoding: &dyn signature::RsaEncoding = match self.algorithm {
                    SigningAlgorithm::Ps256 => &signature::RSA_PSS_SHA256,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &SystemRandom::new(), text.as_bytes(), &mut signature)
                    .map_err(|_| SigningFailed)?;
                push_signature(&mut text, &signature);
            }
        }
        Ok(text)
    }

    /// The claims of a compact JWS if this key signed it with this type. The header must be the one that
    /// [`SigningKey::sign`] writes, byte for byte; nothing in the text chooses an algorithm or a key.
    ///
    /// # Errors
    /// If the text is anything else.
    pub fn verify(&self, jwt: JwtType, text: &str) -> Result<Vec<u8>, Unsealed> {
        verified(&self.headers[jwt as usize], text, |signed, signature| {
            self.public.verify_sig(signed, signature).is_ok()
        })
    }

    /// Whether the text starts with the header of this key for the type.
    pub(crate) fn has_header(&self, jwt: JwtType, text: &str) -> bool {
        text.starts_with(self.headers[jwt as usize].as_str())
    }

    fn signature_len(&self) -> usize {
        match &self.pair {
            Pair::Ed25519(_) | Pair::P256(_) => 64,
            Pair::Rsa(pair) => pair.public_modulus_len(),
        }
    }
}

impl Pair {
    fn public_key(&self) -> &[u8] {
        match self {
            Self::Ed25519(pair) => pair.public_key().as_ref(),
            Self::P256(pair) => pair.public_key().as_ref(),
            Self::Rsa(pair) => pair.public_key().as_ref(),
        }
    }

    /// The required members of the public key.
    fn members(&self) -> Result<String, Unsealed> {
        Ok(match self {
            Self::Ed25519(pair) => jwk::ed25519(pair.public_key().as_ref()),
            Self::P256(pair) => jwk::p256(pair.public_key().as_ref().try_into().map_err(|_| Unsealed)?),
            Self::Rsa(pair) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                jwk::rsa(n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero())
            }
        })
    }
}

fn generate_rsa() -> Result<Zeroizing<Vec<u8>>, SigningFailed> {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};

    let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).map_err(|_| SigningFailed)?;
    let document: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| SigningFailed)?;
    Ok(Zeroizing::new(document.as_ref().to_vec()))
}

fn verification(algorithm: SigningAlgorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        SigningAlgorithm::EdDsa => &ED25519,
        SigningAlgorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
        SigningAlgorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        SigningAlgorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
    }
}

/// A public key as it is published.
pub(super) fn published(algorithm: SigningAlgorithm, key_id: &str, members: &str) -> String {
    let algorithm = algorithm.as_str();
    format!(r#"{{{members},"use":"sig","alg":"{algorithm}","kid":"{key_id}"}}"#)
}

/// The claims of a text with exactly this header, if `verifies` accepts its signature.
pub(super) fn verified(
    header: &str,
    text: &str,
    verifies: impl FnOnce(&[u8], &[u8]) -> bool,
) -> Result<Vec<u8>, Unsealed> {
    let rest = text.strip_prefix(header).ok_or(Unsealed)?;
    let (claims, signature) = rest.split_once('.').ok_or(Unsealed)?;
    let signed = &text[..text.len() - signature.len() - 1];
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Unsealed)?;
    if !verifies(signed.as_bytes(), &signature) {
        return Err(Unsealed);
    }
    URL_SAFE_NO_PAD.decode(claims).map_err(|_| Unsealed)
}

/// What precedes the payload of a text: the encoded header and a dot.
pub(super) fn header(algorithm: SigningAlgorithm, jwt: JwtType, key_id: &str) -> String {
    let (algorithm, jwt) = (algorithm.as_str(), jwt.as_str());
    let json = format!(r#"{{"alg":"{algorithm}","typ":"{jwt}","kid":"{key_id}"}}"#);
    format!("{}.", URL_SAFE_NO_PAD.encode(json))
}

/// Appends a signature to what it signs.
pub(super) fn push_signature(text: &mut String, signature: &[u8]) {
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, text);
}
