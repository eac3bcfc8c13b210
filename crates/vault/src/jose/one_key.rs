//! Tokens that one key verifies, which somebody else has vouched for.

use oauth::jwt::{Claims, JwtFault, Object};
use oauth::proof::Thumbprint;

use super::{AcceptedJwt, Parts, PublicKey};

/// Verifies a token with this public key, and returns the thumbprint of the key. A `kid` is not compared, because there is only
/// one key.
///
/// # Errors
/// [`JwtFault`]: [`JwtFault::KeyUnusable`] if it is not a public key, or a weak one. The claims themselves are not checked.
pub fn verify_with_key(
    text: &str,
    key: &Object,
    accepted: AcceptedJwt<'_>,
) -> Result<(Claims, Thumbprint), JwtFault> {
    let key = PublicKey::parse(key).map_err(|_| JwtFault::KeyUnusable)?;
    let parts = Parts::of(text)?;
    let algorithm = accepted.algorithm(&parts.header()?)?;
    if !key.fits(algorithm) {
        return Err(JwtFault::NoKey);
    }
    if !key.verifies(algorithm, parts.signed.as_bytes(), &parts.signature) {
        return Err(JwtFault::BadSignature);
    }
    Ok((Claims::parse(&parts.payload)?, key.thumbprint()))
}
