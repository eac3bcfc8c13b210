//! Verifying tokens that others sign ([RFC 7515](https://www.rfc-editor.org/rfc/rfc7515)), with keys that they publish as
//! JSON Web Keys ([RFC 7517](https://www.rfc-editor.org/rfc/rfc7517)).
//!
//! A key is for one family of algorithms, and the caller says which algorithms it accepts. The header of a token can only
//! agree with both. Shared secrets have a function of their own, so that a public key is never used as a secret.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::secret::Digest;
use oauth::jwt::{Claims, Header, JwtFault, MOST_CHARACTERS};
use oauth::signing::{JwsAlgorithm, SECRET_ALGORITHM};

mod key;
mod key_set;
mod one_key;
mod own_key;
mod roca;

pub(crate) use key::PreparedKey;
pub use key::{KeyFault, PublicKey};
pub use key_set::{KeySet, KeySetFault};
pub use one_key::verify_with_key;
pub use own_key::OwnKeys;

/// The shortest key in bytes: "A key of the same size as the hash output […] or larger MUST be used with this algorithm"
/// ([RFC 7518 §3.2](https://www.rfc-editor.org/rfc/rfc7518#section-3.2)).
const SHORTEST_SECRET: usize = 32;

/// What a place accepts.
#[derive(Debug, Clone, Copy)]
pub struct AcceptedJwt<'a> {
    /// The algorithms.
    pub algorithms: &'a [JwsAlgorithm],
    /// The values of `typ`, in lower case; `None` stands for a token without one.
    pub types: &'a [Option<&'a str>],
}

impl AcceptedJwt<'_> {
    /// The algorithm of a header, if the place accepts it and its type.
    fn algorithm(self, header: &Header) -> Result<JwsAlgorithm, JwtFault> {
        header.has_type(self.types)?;
        let algorithm = JwsAlgorithm::from_name(&header.algorithm);
        algorithm.filter(|algorithm| self.algorithms.contains(algorithm)).ok_or(JwtFault::AlgorithmNotAllowed)
    }
}

/// A token in its parts, which is not verified.
struct Parts<'a> {
    /// The header as it is sent.
    header: &'a str,
    payload: Vec<u8>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Result<Self, JwtFault> {
        if text.len() > MOST_CHARACTERS {
            return Err(JwtFault::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(JwtFault::NotCompact)?;
        let (header, payload) = signed.split_once('.').ok_or(JwtFault::NotCompact)?;
        Ok(Self { header, payload: decoded(payload)?, signed, signature: decoded(signature)? })
    }

    fn header(&self) -> Result<Header, JwtFault> {
        Header::parse(&decoded(self.header)?)
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, JwtFault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtFault::NotCompact)
}

/// Verifies a token with the keys of its issuer. With a `kid`, only the keys with that id count; keys without an id
/// count in any case.
///
/// # Errors
/// [`JwtFault`]; the claims themselves are not checked.
pub fn verify(text: &str, keys: &KeySet, accepted: AcceptedJwt<'_>) -> Result<Claims, JwtFault> {
    let parts = Parts::of(text)?;
    let header = parts.header()?;
    let algorithm = accepted.algorithm(&header)?;
    let mut fault = JwtFault::NoKey;
    for key in keys.fitting(header.key_id.as_deref(), algorithm) {
        if key.verifies(algorithm, parts.signed.as_bytes(), &parts.signature) {
            return Claims::parse(&parts.payload);
        }
        fault = JwtFault::BadSignature;
    }
    Err(fault)
}

/// The algorithm that the header of a token names, which is not verified; `None` also for a malformed token.
pub fn named_algorithm(text: &str) -> Option<JwsAlgorithm> {
    let (header, _) = text.split_once('.').filter(|_| text.len() <= MOST_CHARACTERS)?;
    let header = Header::parse(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    JwsAlgorithm::from_name(&header.algorithm)
}

/// Verifies a token that is authenticated with a shared secret, `HS256` ([RFC 7518
/// §3.2](https://www.rfc-editor.org/rfc/rfc7518#section-3.2)), in constant time.
///
/// # Errors
/// [`JwtFault`]; the claims themselves are not checked.
pub fn verify_with_secret(text: &str, secret: &[u8], types: &[Option<&str>]) -> Result<Claims, JwtFault> {
    let parts = Parts::of(text)?;
    let header = parts.header()?;
    header.has_type(types)?;
    if header.algorithm != SECRET_ALGORITHM {
        return Err(JwtFault::AlgorithmNotAllowed);
    }
    if secret.len() < SHORTEST_SECRET {
        return Err(JwtFault::KeyUnusable);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::verify(&key, parts.signed.as_bytes(), &parts.signature).map_err(|_| JwtFault::BadSignature)?;
    Claims::parse(&parts.payload)
}

/// A digest of the id of a token and of its issuer, under which its use is recorded.
pub fn use_digest(issuer: &str, id: &str) -> Digest {
    let mut named = Vec::with_capacity(8 + issuer.len() + id.len());
    named.extend((issuer.len() as u64).to_be_bytes());
    named.extend(issuer.as_bytes());
    named.extend(id.as_bytes());
    Digest::from_bytes(crate::sha256(&named))
}

/// A digest of what is signed in a token and of its issuer, under which the use of a token without an id is recorded. The
/// signature is not covered, because some have several valid forms.
pub fn content_digest(issuer: &str, text: &str) -> Digest {
    let signed = text.rsplit_once('.').map_or(text, |(signed, _)| signed);
    use_digest(&format!("content {issuer}"), signed)
}

/// The `kid` of a token, which is not verified; only to find out whether a set of keys may be outdated.
pub fn unverified_key_id(text: &str) -> Option<String> {
    let (header, _) = text.get(..MOST_CHARACTERS.min(text.len()))?.split_once('.')?;
    Header::parse(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?.key_id
}

/// The claims of a token, none of which is verified; only to find out whose keys verify it.
///
/// # Errors
/// [`JwtFault`].
pub fn unverified_claims(text: &str) -> Result<Claims, JwtFault> {
    if text.len() > MOST_CHARACTERS {
        return Err(JwtFault::TooLong);
    }
    let mut parts = text.split('.');
    let payload = parts.nth(1).ok_or(JwtFault::NotCompact)?;
    Claims::parse(&URL_SAFE_NO_PAD.decode(payload).map_err(|_| JwtFault::NotCompact)?)
}

#[cfg(test)]
mod algorithm_tests;
#[cfg(test)]
mod tests;
