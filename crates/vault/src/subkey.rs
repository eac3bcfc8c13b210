//! Keys derived from keys: HKDF-Expand with one block
//! ([RFC 5869 §2.3](https://www.rfc-editor.org/rfc/rfc5869#section-2.3)). The keys that it starts from are uniformly
//! random, so the extracting step is skipped, as §3.3 allows.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::seal::Unsealed;

/// The length of a nonce in bytes.
pub(crate) const NONCE: usize = 12;
/// The length of an authentication tag in bytes.
pub(crate) const TAG: usize = 16;

/// 32 bytes for one purpose.
pub(crate) fn expand(key: &[u8; 32], purpose: &str) -> Zeroizing<[u8; 32]> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    context.update(purpose.as_bytes());
    context.update(&[1]);
    let mut derived = Zeroizing::new([0; 32]);
    derived.copy_from_slice(context.sign().as_ref());
    derived
}

/// A key for AES-256-GCM-SIV. Random nonces of 96 bits are safe with it for far more messages than a key ever seals
/// ([RFC 8452 §6](https://www.rfc-editor.org/rfc/rfc8452#section-6)), and a nonce that came up twice would only show
/// whether two messages are the same.
pub(crate) fn aead(key: &[u8; 32]) -> LessSafeKey {
    let unbound = UnboundKey::new(&AES_256_GCM_SIV, key).expect("32 bytes are a key of this algorithm");
    LessSafeKey::new(unbound)
}

/// Seals what `bytes` holds from `from` on, in place, and appends the tag.
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
    let opened = key
        .open_in_place(nonce, Aad::from(context), &mut bytes)
        .map_err(|_| Unsealed)?
        .len();
    bytes.truncate(opened);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expanding_is_hkdf_expand_of_one_block() {
        use aws_lc_rs::hkdf::{HKDF_SHA256, Prk};
        let key = [9; 32];
        let reference = Prk::new_less_safe(HKDF_SHA256, &key);
        let mut expected = [0; 32];
        reference
            .expand(&[b"purpose"], HKDF_SHA256)
            .unwrap()
            .fill(&mut expected)
            .unwrap();
        assert_eq!(*expand(&key, "purpose"), expected);
    }
}
