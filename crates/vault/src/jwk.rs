//! The members of a public key as a JSON Web Key, in the order in which a thumbprint needs them ([RFC 7638
//! §3.2](https://www.rfc-editor.org/rfc/rfc7638#section-3.2)), without the braces.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The length of an uncompressed point of P-256: a byte for the form, then both coordinates.
pub(crate) const POINT: usize = 65;

/// The numbers of a public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Material {
    Ed25519([u8; 32]),
    /// The uncompressed point, like those of the other curves.
    P256([u8; POINT]),
    P384([u8; 97]),
    P521([u8; 133]),
    /// Without leading zeros.
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

impl Material {
    /// The members.
    pub(crate) fn members(&self) -> String {
        match self {
            Self::Ed25519(x) => ed25519(x),
            Self::P256(point) => p256(point),
            Self::P384(point) => elliptic("P-384", point),
            Self::P521(point) => elliptic("P-521", point),
            Self::Rsa { modulus, exponent } => rsa(modulus, exponent),
        }
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An Ed25519 key.
pub(crate) fn ed25519(x: &[u8]) -> String {
    format!(r#""crv":"Ed25519","kty":"OKP","x":"{}""#, encode(x))
}

/// A key on P-256, from its uncompressed point.
pub(crate) fn p256(point: &[u8; POINT]) -> String {
    elliptic("P-256", point)
}

/// A key on the curve of this name, from its uncompressed point.
fn elliptic(curve: &str, point: &[u8]) -> String {
    let (x, y) = point[1..].split_at((point.len() - 1) / 2);
    format!(r#""crv":"{curve}","kty":"EC","x":"{}","y":"{}""#, encode(x), encode(y))
}

/// An RSA key, from its numbers without leading zeros.
pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> String {
    format!(r#""e":"{}","kty":"RSA","n":"{}""#, encode(exponent), encode(modulus))
}

/// The SHA-256 thumbprint of the key with these members.
pub(crate) fn thumbprint(members: &str) -> [u8; 32] {
    crate::sha256(format!("{{{members}}}").as_bytes())
}
