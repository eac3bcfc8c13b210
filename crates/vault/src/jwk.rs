//! The members of a public key as a JSON Web Key, in the order in which a thumbprint needs them ([RFC 7638
//! §3.2](https://www.rfc-editor.org/rfc/rfc7638#section-3.2)), without the braces.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The length of an uncompressed point of P-256: a byte for the form, then both coordinates.
pub(crate) const POINT: usize = 65;

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An Ed25519 key.
pub(crate) fn ed25519(x: &[u8]) -> String {
    format!(r#""crv":"Ed25519","kty":"OKP","x":"{}""#, encode(x))
}

/// A key on P-256, from its uncompressed point.
pub(crate) fn p256(point: &[u8; POINT]) -> String {
    let (x, y) = point[1..].split_at((POINT - 1) / 2);
    format!(r#""crv":"P-256","kty":"EC","x":"{}","y":"{}""#, encode(x), encode(y))
}

/// An RSA key, from its numbers without leading zeros.
pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> String {
    format!(r#""e":"{}","kty":"RSA","n":"{}""#, encode(exponent), encode(modulus))
}

/// The SHA-256 thumbprint of the key with these members.
pub(crate) fn thumbprint(members: &str) -> [u8; 32] {
    crate::sha256(format!("{{{members}}}").as_bytes())
}
