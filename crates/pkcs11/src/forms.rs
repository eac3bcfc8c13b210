//! The forms of keys and signatures: those of PKCS #11, and those of JSON Web Keys and Signatures.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth::jwt::Object;
use serde_json::json;

/// The DER of the object identifier of P-256 ([RFC 5480
/// §2.1.1.1](https://www.rfc-editor.org/rfc/rfc5480#section-2.1.1.1)).
pub(crate) const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

const COORDINATE: usize = 32;
const OCTET_STRING: u8 = 0x04;
const BIT_STRING: u8 = 0x03;
const UNCOMPRESSED: u8 = 0x04;

fn object(members: serde_json::Value) -> Object {
    match members {
        serde_json::Value::Object(object) => object,
        _ => Object::new(),
    }
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An RSA key, from its numbers with or without leading zeros.
pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Object {
    let number = |bytes: &[u8]| encoded(&bytes[bytes.iter().take_while(|byte| **byte == 0).count()..]);
    object(json!({ "kty": "RSA", "n": number(modulus), "e": number(exponent) }))
}

/// A key on P-256, from `CKA_EC_POINT`.
pub(crate) fn p256(stored: &[u8]) -> Option<Object> {
    let point = unwrapped(stored, 1 + 2 * COORDINATE)?;
    let (x, y) = point.strip_prefix(&[UNCOMPRESSED])?.split_at(COORDINATE);
    Some(object(json!({ "kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y) })))
}

/// An Ed25519 key, from `CKA_EC_POINT`.
pub(crate) fn ed25519(stored: &[u8]) -> Option<Object> {
    let x = unwrapped(stored, COORDINATE)?;
    Some(object(json!({ "kty": "OKP", "crv": "Ed25519", "x": encoded(x) })))
}

/// A point of this length. Modules store it as an octet string in DER, as a bit string, or as it is.
fn unwrapped(stored: &[u8], length: usize) -> Option<&[u8]> {
    let short = u8::try_from(length).ok().filter(|length| *length < 0x7f)?;
    if stored.len() == length {
        return Some(stored);
    }
    let octets = stored.strip_prefix(&[OCTET_STRING, short]);
    let bits = || stored.strip_prefix(&[BIT_STRING, short + 1, 0]);
    octets.or_else(bits).filter(|point| point.len() == length)
}

/// The two numbers of an ECDSA signature, each in 32 bytes ([RFC 7518
/// §3.4](https://www.rfc-editor.org/rfc/rfc7518#section-3.4)). PKCS #11 has them one after the other in equal lengths, and some
/// modules leave out leading zeros of both.
pub(crate) fn ecdsa(signature: &[u8]) -> Option<Vec<u8>> {
    let half = signature.len() / 2;
    if !signature.len().is_multiple_of(2) || half == 0 || half > COORDINATE {
        return None;
    }
    let mut fixed = vec![0; 2 * COORDINATE];
    fixed[COORDINATE - half..COORDINATE].copy_from_slice(&signature[..half]);
    fixed[2 * COORDINATE - half..].copy_from_slice(&signature[half..]);
    Some(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_read_in_every_form_in_which_modules_store_it() {
        let point = [&[UNCOMPRESSED][..], &[1; 32], &[2; 32]].concat();
        let expected = p256(&point).unwrap();
        assert_eq!(expected["x"], encoded(&[1; 32]));
        assert_eq!(expected["y"], encoded(&[2; 32]));
        for prefix in [&[OCTET_STRING, 65][..], &[BIT_STRING, 66, 0]] {
            assert_eq!(p256(&[prefix, &point].concat()).unwrap(), expected);
        }
        let x = ed25519(&[3; 32]).unwrap();
        assert_eq!(x["x"], encoded(&[3; 32]));
        assert_eq!(ed25519(&[&[OCTET_STRING, 32][..], &[3; 32]].concat()).unwrap(), x);
        let compressed = [&[2][..], &[1; 32]].concat();
        for stored in [&[][..], &point[1..], &compressed, &[&[OCTET_STRING, 64][..], &point].concat()] {
            assert_eq!(p256(stored), None, "{stored:?}");
        }
    }

    #[test]
    fn the_numbers_of_an_rsa_key_have_no_leading_zeros() {
        assert_eq!(rsa(&[0, 0, 5, 0], &[1, 0, 1]), rsa(&[5, 0], &[0, 1, 0, 1]));
    }

    #[test]
    fn the_numbers_of_an_ecdsa_signature_are_filled_up() {
        let full: Vec<u8> = (0..64).collect();
        assert_eq!(ecdsa(&full).unwrap(), full);
        let short = ecdsa(&[vec![7; 31], vec![8; 31]].concat()).unwrap();
        assert_eq!(short, [vec![0], vec![7; 31], vec![0], vec![8; 31]].concat());
        for length in [0, 63, 66, 72] {
            assert_eq!(ecdsa(&vec![1; length]), None, "{length}");
        }
    }
}
