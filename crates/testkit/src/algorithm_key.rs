//! The key of a client for each algorithm of signatures.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth::signing::JwsAlgorithm;
use serde_json::{Value, json};

/// A new key that signs with one algorithm.
#[derive(Debug)]
pub struct AlgorithmKey {
    algorithm: JwsAlgorithm,
    pair: Pair,
}

#[derive(Debug)]
enum Pair {
    Edwards(Ed25519KeyPair),
    Elliptic(EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl AlgorithmKey {
    /// A new key for this algorithm.
    ///
    /// # Panics
    /// If no key can be generated.
    pub fn new(algorithm: JwsAlgorithm) -> Self {
        let elliptic = |kind| Pair::Elliptic(EcdsaKeyPair::generate(kind).expect("a key"));
        let pair = match algorithm {
            JwsAlgorithm::EdDsa => Pair::Edwards(Ed25519KeyPair::generate().expect("a key")),
            JwsAlgorithm::Es256 => elliptic(&ECDSA_P256_SHA256_FIXED_SIGNING),
            JwsAlgorithm::Es384 => elliptic(&ECDSA_P384_SHA384_FIXED_SIGNING),
            JwsAlgorithm::Es512 => elliptic(&ECDSA_P521_SHA512_FIXED_SIGNING),
            _ => Pair::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"))),
        };
        Self { algorithm, pair }
    }

    /// The public key as a JSON Web Key.
    pub fn jwk(&self) -> Value {
        match &self.pair {
            Pair::Edwards(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encoded(pair.public_key()) }),
            Pair::Elliptic(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = match x.len() {
                    32 => "P-256",
                    48 => "P-384",
                    _ => "P-521",
                };
                json!({ "kty": "EC", "crv": curve, "x": encoded(x), "y": encoded(y) })
            }
            Pair::Rsa(pair) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
                json!({ "kty": "RSA", "n": encoded(n), "e": encoded(e) })
            }
        }
    }

    /// A signed text with this header, to which `alg` is added, and these claims.
    ///
    /// # Panics
    /// If the header is no object, or nothing can be signed.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let mut header = header.clone();
        header["alg"] = json!(self.algorithm.as_str());
        let signed = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        format!("{signed}.{}", encoded(self.sign_bytes(signed.as_bytes())))
    }

    /// The signature of these bytes.
    ///
    /// # Panics
    /// If nothing can be signed.
    pub fn sign_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Edwards(pair) => pair.sign(bytes).as_ref().to_vec(),
            Pair::Elliptic(pair) => pair.sign(&random, bytes).expect("a signature").as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding(self.algorithm), &random, bytes, &mut signature).expect("a signature");
                signature
            }
        }
    }

    /// The algorithm.
    pub fn algorithm(&self) -> JwsAlgorithm {
        self.algorithm
    }
}

fn encoding(algorithm: JwsAlgorithm) -> &'static dyn RsaEncoding {
    match algorithm {
        JwsAlgorithm::Rs256 => &RSA_PKCS1_SHA256,
        JwsAlgorithm::Rs384 => &RSA_PKCS1_SHA384,
        JwsAlgorithm::Rs512 => &RSA_PKCS1_SHA512,
        JwsAlgorithm::Ps256 => &RSA_PSS_SHA256,
        JwsAlgorithm::Ps384 => &RSA_PSS_SHA384,
        _ => &RSA_PSS_SHA512,
    }
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
