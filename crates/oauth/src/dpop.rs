//! The claims of a `DPoP` proof as pure rules ([RFC 9449
//! §4.3](https://www.rfc-editor.org/rfc/rfc9449#section-4.3)). Crate `vault` verifies the signature.

use domain::time::Timestamp;

use crate::jwt::{Claims, JwtFault};
use crate::refusal::Refusal;

mod content;
mod url;

pub use content::may_name_content;

/// The value of `typ` in the header of a proof.
pub const PROOF_TYPE: &str = "dpop+jwt";
/// How old a proof may be, in seconds.
pub const MOST_AGE_SECS: i64 = 300;
/// How far ahead the clock of a client may be, in seconds.
pub const MOST_AHEAD_SECS: i64 = 60;
/// The longest time in seconds in which one proof is acceptable.
pub const LIFETIME_SECS: i64 = MOST_AGE_SECS + MOST_AHEAD_SECS;
/// The longest `nonce` in bytes.
const LONGEST_NONCE: usize = 256;
/// The longest `jti` in bytes.
const LONGEST_ID: usize = 512;

/// What a proof must say.
#[derive(Debug, Clone, Copy)]
pub struct ProvedRequest<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The URL, without query and fragment.
    pub url: &'a str,
    /// The same URL at the address for clients with certificates, if there is another one.
    pub alias: Option<&'a str>,
    /// The SHA-256 digest in base64url of the access token in the request, if it has one.
    pub access_token_digest: Option<&'a str>,
    /// The SHA-256 digest of the body.
    pub content_digest: &'a [u8; 32],
    /// The current time.
    pub now: Timestamp,
}

/// Checks the claims of a proof whose signature is verified, and returns its `jti`.
///
/// # Errors
/// `invalid_dpop_proof`.
pub fn check<'a>(claims: &'a Claims, request: ProvedRequest<'_>) -> Result<&'a str, Refusal> {
    let missing = |_: JwtFault| Refusal::DpopClaimMissing;
    let id = claims.required_text("jti").map_err(missing)?;
    if id.len() > LONGEST_ID {
        return Err(Refusal::DpopClaimMissing);
    }
    if claims.required_text("htm").map_err(missing)? != request.method {
        return Err(Refusal::DpopMethodDiffers);
    }
    let named = claims.required_text("htu").map_err(missing)?;
    if !url::same(named, request.url) && !request.alias.is_some_and(|alias| url::same(named, alias)) {
        return Err(Refusal::DpopUrlDiffers);
    }
    is_recent(claims, request.now)?;
    names_the_token(claims, request.access_token_digest)?;
    content::covers_the_body(claims, request.content_digest)?;
    Ok(id)
}

/// "the creation time of the JWT, as determined by either the `iat` claim […], is within an acceptable window".
fn is_recent(claims: &Claims, now: Timestamp) -> Result<(), Refusal> {
    let missing = |_: JwtFault| Refusal::DpopClaimMissing;
    let created = claims.time("iat").map_err(missing)?.ok_or(Refusal::DpopClaimMissing)?;
    let is_old = created.plus_secs(MOST_AGE_SECS) < now;
    let is_early = created > now.plus_secs(MOST_AHEAD_SECS);
    let has_ended = claims.time("exp").map_err(missing)?.is_some_and(|end| end.is_past(now));
    let start = claims.time("nbf").map_err(missing)?;
    let has_begun = start.is_none_or(|start| start <= now.plus_secs(MOST_AHEAD_SECS));
    if is_old || is_early || has_ended || !has_begun { Err(Refusal::DpopTimeWrong) } else { Ok(()) }
}

/// "if presented to a protected resource in conjunction with an access token, ensure that the value of the `ath` claim
/// equals the hash of that access token".
fn names_the_token(claims: &Claims, digest: Option<&str>) -> Result<(), Refusal> {
    let Some(digest) = digest else { return Ok(()) };
    let named = claims.required_text("ath").map_err(|_| Refusal::DpopClaimMissing)?;
    if named == digest { Ok(()) } else { Err(Refusal::DpopTokenDiffers) }
}

/// Judges the nonce of a proof, which is checked also where none is required: "the nonce claim matches the
/// server-provided nonce value" ([RFC 9449 §4.3](https://www.rfc-editor.org/rfc/rfc9449#section-4.3), item 10). Returns
/// whether there is one.
///
/// # Errors
/// `use_dpop_nonce`, or `invalid_dpop_proof` if the claim is malformed.
pub fn check_nonce(
    claims: &Claims,
    is_required: bool,
    is_fresh: impl FnOnce(&str) -> bool,
) -> Result<bool, Refusal> {
    match claims.text("nonce").map_err(|_| Refusal::DpopClaimMissing)? {
        None if is_required => Err(Refusal::DpopNonceMissing),
        None => Ok(false),
        Some(nonce) if nonce.len() <= LONGEST_NONCE && is_fresh(nonce) => Ok(true),
        Some(_) => Err(Refusal::DpopNonceStale),
    }
}

#[cfg(test)]
mod tests;
