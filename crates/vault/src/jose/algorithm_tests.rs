//! Each algorithm of others with keys of each kind.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
};
use serde_json::{Value, json};

use super::*;

const ALL: AcceptedJwt<'static> = AcceptedJwt { algorithms: &JwsAlgorithm::ALL, types: &[None] };

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn set(jwk: &Value) -> KeySet {
    KeySet::parse(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap()
}

/// A private key of another party.
enum Other {
    Edwards(Ed25519KeyPair),
    Elliptic(EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl Other {
    fn for_algorithm(algorithm: JwsAlgorithm) -> Self {
        let elliptic = |kind| Self::Elliptic(EcdsaKeyPair::generate(kind).unwrap());
        match algorithm {
            JwsAlgorithm::EdDsa => Self::Edwards(Ed25519KeyPair::generate().unwrap()),
            JwsAlgorithm::Es256 => elliptic(&ECDSA_P256_SHA256_FIXED_SIGNING),
            JwsAlgorithm::Es384 => elliptic(&ECDSA_P384_SHA384_FIXED_SIGNING),
            JwsAlgorithm::Es512 => elliptic(&ECDSA_P521_SHA512_FIXED_SIGNING),
            _ => Self::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())),
        }
    }

    fn jwk(&self) -> Value {
        match self {
            Self::Edwards(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key()) }),
            Self::Elliptic(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = match x.len() {
                    32 => "P-256",
                    48 => "P-384",
                    _ => "P-521",
                };
                json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
            }
            Self::Rsa(pair) => {
                let key = pair.public_key();
                let (n, e) = (key.modulus(), key.exponent());
                let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
                json!({ "kty": "RSA", "n": encode(n), "e": encode(e) })
            }
        }
    }

    /// A token that is signed by one algorithm and names another one.
    fn token(&self, algorithm: JwsAlgorithm, named: JwsAlgorithm) -> String {
        let header = json!({ "alg": named.as_str() }).to_string();
        let signed = format!("{}.{}", encode(header), encode(br#"{"iss":"joe"}"#));
        let signature = match self {
            Self::Edwards(pair) => pair.sign(signed.as_bytes()).as_ref().to_vec(),
            Self::Elliptic(pair) => {
                pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec()
            }
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let random = SystemRandom::new();
                pair.sign(encoding(algorithm), &random, signed.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{signed}.{}", encode(signature))
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

#[test]
fn each_algorithm_of_others_is_verified_and_taken_for_no_other() {
    for algorithm in JwsAlgorithm::ALL {
        let pair = Other::for_algorithm(algorithm);
        let mut jwk = pair.jwk();
        for named in JwsAlgorithm::ALL {
            let verified = verify(&pair.token(algorithm, named), &set(&jwk), ALL);
            assert_eq!(verified.is_ok(), named == algorithm, "{algorithm:?} as {named:?}: {verified:?}");
        }
        let token = pair.token(algorithm, algorithm);
        let narrow = AcceptedJwt { algorithms: &[JwsAlgorithm::EdDsa], ..ALL };
        assert_eq!(verify(&token, &set(&jwk), narrow).is_ok(), algorithm == JwsAlgorithm::EdDsa);
        jwk["alg"] = json!(algorithm.as_str());
        assert!(verify(&token, &set(&jwk), ALL).is_ok(), "{algorithm:?} in the key");
        let forged = format!("{}A", &token[..token.len() - 1]);
        assert!(verify(&forged, &set(&jwk), ALL).is_err() || forged == token, "{algorithm:?}");
    }
}

/// [RFC 7515 A.4](https://www.rfc-editor.org/rfc/rfc7515#appendix-A.4).
#[test]
fn the_example_with_p_521_verifies() {
    let key = json!({ "kty": "EC", "crv": "P-521",
        "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
        "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2" });
    let signature = "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJ\
        ZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";
    let signature = URL_SAFE_NO_PAD.decode(signature.replace(' ', "")).unwrap();
    let key = PublicKey::parse(key.as_object().unwrap()).unwrap();
    assert!(key.verifies(JwsAlgorithm::Es512, b"eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA", &signature));
    assert!(!key.verifies(JwsAlgorithm::Es384, b"eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA", &signature));
}
