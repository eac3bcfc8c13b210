//! Keys derived from keys: HKDF-Expand with SHA-256 ([RFC 5869
//! §2.3](https://www.rfc-editor.org/rfc/rfc5869#section-2.3)). The input keys are uniformly random, so the
//! extract step is skipped, as §3.3 allows.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk};
use zeroize::Zeroizing;

use crate::seal::Unsealed;

/// The length of a nonce in bytes.
pub(crate) const NONCE: usize = 12;
/// The length of an authentication tag in bytes.
pub(crate) const TAG: usize = 16;

/// Derives 32 bytes for one purpose.
pub(crate) fn expand(key: &[u8; 32], purpose: &str) -> Zeroizing<[u8; 32]> {
    derive(key, purpose.as_bytes())
}

fn derive(key: &[u8; 32], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut derived = Zeroizing::new([0; 32]);
    Prk::new_less_safe(HKDF_SHA256, key)
        .expand(&[info], HKDF_SHA256)
        .and_then(|output| output.fill(&mut *derived))
        .expect("32 bytes are one block of the output");
    derived
}

/// Creates a key for AES-256-GCM-SIV. Random 96-bit nonces are safe with it for far more messages than a key
/// ever seals ([RFC 8452 §6](https://www.rfc-editor.org/rfc/rfc8452#section-6)), and a repeated nonce would
/// only reveal whether two messages are equal.
pub(crate) fn aead(key: &[u8; 32]) -> LessSafeKey {
    let unbound = UnboundKey::new(&AES_256_GCM_SIV, key).expect("32 bytes are a key of this algorithm");
    LessSafeKey::new(unbound)
}

/// Seals `bytes` from the offset `from`, in place, and appends the tag.
pub(crate) fn seal_in_place(
    key: &LessSafeKey,
    nonce: [u8; NONCE],
    context: &[u8],
    bytes: &mut Vec<u8>,
    from: usize,
) {
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = key
        .seal_in_place_separate_tag(nonce, Aad::from(context), &mut bytes[from..])
        .expect("the text is far below the limit of the algorithm");
    bytes.extend_from_slice(tag.as_ref());
}

/// Opens a ciphertext with its tag.
pub(crate) fn open(
    key: &LessSafeKey,
    nonce: [u8; NONCE],
    context: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, Unsealed> {
    let mut bytes = sealed.to_vec();
    let nonce = Nonce::assume_unique_for_key(nonce);
    let opened = key.open_in_place(nonce, Aad::from(context), &mut bytes).map_err(|_| Unsealed)?.len();
    bytes.truncate(opened);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const N: usize>(hexadecimal: &str) -> [u8; N] {
        std::array::from_fn(|at| u8::from_str_radix(&hexadecimal[2 * at..2 * at + 2], 16).unwrap())
    }

    /// [RFC 5869 A.1](https://www.rfc-editor.org/rfc/rfc5869#appendix-A.1): the first 32 bytes of the output.
    #[test]
    fn key_expansion_matches_the_example_of_rfc_5869() {
        let prk = bytes("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
        let info: [u8; 10] = bytes("f0f1f2f3f4f5f6f7f8f9");
        let expected: [u8; 32] = bytes("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
        assert_eq!(*derive(&prk, &info), expected);
    }

    /// Stored keys, secrets and tokens depend on it: the expected value comes from the code that derived keys
    /// before, HMAC-SHA256 of the purpose and the byte 1.
    #[test]
    fn the_derived_keys_of_a_purpose_never_change() {
        let key = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let expected: [u8; 32] = bytes("dae657c6d7bfcd1676f0ea0d2f78cd45b0b71be1af255a5b5e35f5035acb9055");
        assert_eq!(*expand(&key, "seal access token"), expected);
    }

    #[test]
    fn each_purpose_has_its_own_key() {
        assert_ne!(*expand(&[9; 32], "one"), *expand(&[9; 32], "two"));
        assert_ne!(*expand(&[9; 32], "one"), *expand(&[8; 32], "one"));
    }

    /// [RFC 8452 C.2](https://www.rfc-editor.org/rfc/rfc8452#appendix-C.2): one byte of additional data, eight of text.
    #[test]
    fn sealing_matches_the_example_of_rfc_8452() {
        let mut key = [0; 32];
        key[0] = 1;
        let mut nonce = [0; NONCE];
        nonce[0] = 3;
        let mut sealed: Vec<u8> = bytes::<8>("0200000000000000").to_vec();
        seal_in_place(&aead(&key), nonce, &[1], &mut sealed, 0);
        assert_eq!(sealed, bytes::<24>("1de22967237a813291213f267e3b452f02d01ae33e4ec854"));
        assert_eq!(open(&aead(&key), nonce, &[1], &sealed).unwrap(), bytes::<8>("0200000000000000"));
        assert!(open(&aead(&key), nonce, &[2], &sealed).is_err());
    }
}
