//! How an application authenticates.

use super::{ApplicationPayload, Findings};
use crate::application::{AuthenticationMetadata, AuthenticationMethod, ClientType};
use crate::signing::SigningAlgorithm;

/// The keys themselves are read by the caller, because that is cryptography.
pub(super) fn decide(
    payload: &ApplicationPayload,
    client_type: ClientType,
    existing: &AuthenticationMetadata,
    findings: &mut Findings,
) -> AuthenticationMetadata {
    let decided = AuthenticationMetadata {
        token_endpoint_auth_method: method(payload, client_type, existing, findings),
        token_endpoint_auth_signing_alg: signing_alg(payload, existing, findings),
        jwks: if payload.jwks.is_some() { payload.new_keys() } else { existing.jwks.as_ref() }.cloned(),
    };
    if decided.needs_assertion() && decided.jwks.is_none() {
        findings.fault("jwks", "is required for private_key_jwt");
    }
    decided
}

fn method(
    payload: &ApplicationPayload,
    client_type: ClientType,
    existing: &AuthenticationMetadata,
    findings: &mut Findings,
) -> Option<AuthenticationMethod> {
    let Some(name) = payload.token_endpoint_auth_method.as_deref() else {
        return existing.token_endpoint_auth_method;
    };
    let method = AuthenticationMethod::from_name(name);
    let is_none = method == Some(AuthenticationMethod::None);
    if method.is_none() {
        let message = "must be client_secret_basic, client_secret_post, private_key_jwt or none";
        findings.fault("tokenEndpointAuthMethod", message);
    } else if client_type == ClientType::Public && !is_none {
        findings.fault("tokenEndpointAuthMethod", "must be none for a public application");
    } else if client_type == ClientType::Confidential && is_none {
        findings.fault("tokenEndpointAuthMethod", "must not be none for a confidential application");
    }
    method
}

fn signing_alg(
    payload: &ApplicationPayload,
    existing: &AuthenticationMetadata,
    findings: &mut Findings,
) -> Option<SigningAlgorithm> {
    let Some(name) = payload.token_endpoint_auth_signing_alg.as_deref() else {
        return existing.token_endpoint_auth_signing_alg;
    };
    let algorithm = SigningAlgorithm::from_name_of_others(name);
    if algorithm.is_none() {
        findings.fault("tokenEndpointAuthSigningAlg", "must be EdDSA, ES256, RS256 or PS256");
    }
    algorithm
}
