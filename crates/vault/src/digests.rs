//! Digests of public texts, without a key.

use aws_lc_rs::digest;

/// The SHA-512 digest of the bytes.
pub fn sha512(bytes: &[u8]) -> [u8; 64] {
    let mut sum = [0; 64];
    sum.copy_from_slice(digest::digest(&digest::SHA512, bytes).as_ref());
    sum
}

/// The SHA-256 digest of the bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    sum
}
