//! The form of an application's access tokens, and of what the server says about them.

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
    let asked = payload.access_token_signing_alg.as_deref();
    algorithm("accessTokenSigningAlg", asked, existing.access_token_signing_alg, findings)
}

pub(super) fn introspection_signing_alg(
    payload: &ApplicationPayload,
    existing: &ClientMetadata,
    findings: &mut Findings,
) -> Option<SigningAlgorithm> {
    let asked = payload.introspection_signed_response_alg.as_deref();
    algorithm("introspectionSignedResponseAlg", asked, existing.introspection_signed_response_alg, findings)
}

fn algorithm(
    field: &str,
    asked: Option<&str>,
    existing: Option<SigningAlgorithm>,
    findings: &mut Findings,
) -> Option<SigningAlgorithm> {
    let Some(name) = asked else { return existing };
    let algorithm = SigningAlgorithm::from_name(name);
    if algorithm.is_none() {
        findings.fault(field, format!("must be {}", SigningAlgorithm::NAMES));
    }
    algorithm
}
