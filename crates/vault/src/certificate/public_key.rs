//! The public key of a certificate, which is compared with registered JSON Web Keys ([RFC 7518
//! §6](https://www.rfc-editor.org/rfc/rfc7518#section-6)).

use super::names::Parts;
use crate::der::Der;
use crate::jwk::Material;

const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `rsaEncryption`, `id-ecPublicKey` and `id-Ed25519`.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const ELLIPTIC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// The curves `secp256r1`, `secp384r1` and `secp521r1`.
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
/// The byte before an uncompressed point.
const UNCOMPRESSED: u8 = 4;

/// Whether this is a certificate in DER.
pub(crate) fn is_certificate(der: &[u8]) -> bool {
    Parts::of(der).is_some()
}

/// The public key of a certificate in DER; `None` if it is malformed or of another kind than those of key sets.
pub(crate) fn key(certificate: &[u8]) -> Option<Material> {
    let Parts { mut algorithm, key, .. } = Parts::of(certificate)?;
    match algorithm.read(OBJECT_IDENTIFIER)? {
        RSA => {
            let mut numbers = Der(Der(key).read(SEQUENCE)?);
            let (modulus, exponent) = (numbers.read(INTEGER)?, numbers.read(INTEGER)?);
            Some(Material::Rsa { modulus: without_zeros(modulus), exponent: without_zeros(exponent) })
        }
        ELLIPTIC => {
            let curve = algorithm.read(OBJECT_IDENTIFIER)?;
            let point = Some(key).filter(|point| point.first() == Some(&UNCOMPRESSED))?;
            match curve {
                P256 => point.try_into().ok().map(Material::P256),
                P384 => point.try_into().ok().map(Material::P384),
                P521 => point.try_into().ok().map(Material::P521),
                _ => None,
            }
        }
        ED25519 => key.try_into().ok().map(Material::Ed25519),
        _ => None,
    }
}

fn without_zeros(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}
