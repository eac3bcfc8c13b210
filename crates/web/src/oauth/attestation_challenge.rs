//! `POST /oauth2/challenge`: challenges for the proofs of attestations
//! ([draft-ietf-oauth-attestation-based-client-auth-11 §6.3](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-6.3)).

use app::protocol::attesters::AttesterService;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

use crate::extract::Use;
use crate::respond::oauth as respond;

#[derive(Debug, Serialize)]
struct ChallengeBody<'a> {
    attestation_challenge: &'a str,
}

/// Tells the current challenge, and the nonce for `DPoP` proofs.
pub async fn tell(Use(attesters): Use<AttesterService>) -> Response {
    respond::json(StatusCode::OK, &ChallengeBody { attestation_challenge: &attesters.challenge() })
}
