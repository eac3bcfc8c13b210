//! The form of an application's access tokens.

use super::{ApplicationPayload, Findings, RegistrationContext};
use crate::application::{ClientMetadata, TokenFormat};
use crate::signing::SigningAlgorithm;

pub(super) fn format(
    payload: &ApplicationPayload,
    context: RegistrationContext<'_>,
    findings: &mut Findings,
) -> TokenFormat {
    let existing = context.existing.map_or(TokenFormat::Opaque, |existing| existing.token_format);
    match payload.token_format.as_deref() {
        None => existing,
        Some("opaque") => TokenFormat::Opaque,
        Some("jwt") => TokenFormat::Jwt,
        Some(_) => {
            findings.fault("tokenFormat", "must be opaque or jwt");
            existing
        }
    }
}

pub(super) fn signing_alg(
    payload: &ApplicationPayload,
    existing: &ClientMetadata,
    findings: &mut Findings,
) -> Option<SigningAlgorithm> {
    let Some(name) = payload.access_token_signing_alg.as_deref() else {
        return existing.access_token_signing_alg;
    };
    let algorithm = SigningAlgorithm::from_name(name);
    if algorithm.is_none() {
        findings.fault("accessTokenSigningAlg", "must be EdDSA, ES256, RS256 or PS256");
    }
    algorithm
}
