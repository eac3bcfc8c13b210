//! Compares the key of a certificate with registered JSON Web Keys ([RFC 7518
//! §6](https://www.rfc-editor.org/rfc/rfc7518#section-6)).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use oauth::jwt::Object;
use serde_json::Value;

use super::names::Parts;
use crate::der::Der;

const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `rsaEncryption`, `id-ecPublicKey` and `id-Ed25519`.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const ELLIPTIC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// The curves, with their names in a JSON Web Key and the lengths of a coordinate in bytes.
const CURVES: [(&[u8], &str, usize); 3] = [
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], "P-256", 32),
    (&[0x2b, 0x81, 0x04, 0x00, 0x22], "P-384", 48),
    (&[0x2b, 0x81, 0x04, 0x00, 0x23], "P-521", 66),
];
/// The byte before an uncompressed point.
const UNCOMPRESSED: u8 = 4;

/// Whether a key set contains a certificate in DER ([RFC 8705
/// §2.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.2)): a key with `x5c` stands for that certificate only, any other
/// key for all certificates with it.
pub fn is_registered(certificate: &[u8], keys: &Object) -> bool {
    let Some(parts) = Parts::of(certificate) else { return false };
    let Some(Value::Array(keys)) = keys.get("keys") else { return false };
    keys.iter().filter_map(Value::as_object).any(|jwk| match jwk.get("x5c") {
        Some(chain) => is_first_of(chain, certificate),
        None => is_key(&parts, jwk).unwrap_or(false),
    })
}

/// Whether the first certificate of `x5c` is this one.
fn is_first_of(chain: &Value, certificate: &[u8]) -> bool {
    let first = chain.as_array().and_then(|chain| chain.first()).and_then(Value::as_str);
    first.and_then(|text| STANDARD.decode(text).ok()).is_some_and(|der| der == certificate)
}

fn is_key(parts: &Parts<'_>, jwk: &serde_json::Map<String, Value>) -> Option<bool> {
    let text = |name| jwk.get(name).and_then(Value::as_str);
    let bytes = |name| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    let mut algorithm = parts.algorithm.clone();
    let same = match algorithm.read(OBJECT_IDENTIFIER)? {
        RSA => {
            let mut key = Der(Der(parts.key).read(SEQUENCE)?);
            let (modulus, exponent) = (key.read(INTEGER)?, key.read(INTEGER)?);
            text("kty")? == "RSA"
                && without_zeros(&bytes("n")?) == without_zeros(modulus)
                && without_zeros(&bytes("e")?) == without_zeros(exponent)
        }
        ELLIPTIC => {
            let named = algorithm.read(OBJECT_IDENTIFIER)?;
            let (_, curve, length) = CURVES.iter().find(|(curve, ..)| *curve == named)?;
            let point = [&[UNCOMPRESSED][..], &bytes("x")?, &bytes("y")?].concat();
            text("kty")? == "EC"
                && text("crv")? == *curve
                && parts.key == point
                && point.len() == 1 + 2 * length
        }
        ED25519 => text("kty")? == "OKP" && text("crv")? == "Ed25519" && parts.key == bytes("x")?,
        _ => return None,
    };
    Some(same)
}

fn without_zeros(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}
