//! The challenges for access tokens that are bound to a key ([RFC 9449
//! §7.1](https://www.rfc-editor.org/rfc/rfc9449#section-7.1)), which name the algorithms of proofs.

use app::identity::authentication::BearerRefusal;
use oauth::error::ErrorCode;

/// The access token is invalid or bound to no key.
const DEAD: &str = r#"DPoP error="invalid_token", realm="Sluicegate", algs="EdDSA ES256 RS256 PS256 ES384 ES512 RS384 RS512 PS384 PS512""#;
/// The proof is missing or invalid.
const UNPROVED: &str = r#"DPoP error="invalid_dpop_proof", realm="Sluicegate", algs="EdDSA ES256 RS256 PS256 ES384 ES512 RS384 RS512 PS384 PS512""#;
/// The proof needs a new nonce of the server ([RFC 9449 §9](https://www.rfc-editor.org/rfc/rfc9449#section-9)).
const STALE: &str = r#"DPoP error="use_dpop_nonce", realm="Sluicegate", algs="EdDSA ES256 RS256 PS256 ES384 ES512 RS384 RS512 PS384 PS512""#;

/// The challenge after a refused access token that was presented with the scheme `DPoP`.
pub(crate) fn of_bound_token(refusal: &BearerRefusal) -> &'static [&'static str] {
    match code_of_bound_token(refusal) {
        ErrorCode::InvalidDpopProof => &[UNPROVED],
        ErrorCode::UseDpopNonce => &[STALE],
        _ => &[DEAD],
    }
}

/// The error of that challenge.
pub(crate) fn code_of_bound_token(refusal: &BearerRefusal) -> ErrorCode {
    match refusal {
        BearerRefusal::Unproved(refusal) => refusal.code(),
        _ => ErrorCode::InvalidToken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_names_the_algorithms_of_proofs() {
        let names = oauth::dpop::ALGORITHMS.map(oauth::signing::JwsAlgorithm::as_str).join(" ");
        for challenge in [DEAD, UNPROVED, STALE] {
            assert!(challenge.ends_with(&format!("algs=\"{names}\"")), "{challenge}");
        }
    }
}
