//! Digests: of public texts without a key, and of secrets with one.

use aws_lc_rs::{digest, hmac};
use domain::secret::Digest;

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

/// The HMAC-SHA256 of a secret, which is stored instead of the secret. The key must be one for SHA-256.
pub(crate) fn keyed_digest(key: &hmac::Key, secret: &[u8]) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hmac::sign(key, secret).as_ref());
    Digest::from_bytes(bytes)
}
