//! How an application authenticates.

use super::{ApplicationPayload, Findings, RegistrationContext, certificate};
use crate::application::{AuthenticationMetadata, AuthenticationMethod, ClientType};
use crate::jwt::Object;
use crate::signing::{JwsAlgorithm, SECRET_ALGORITHM};
use url::Url;

/// The maximum length of an address in bytes.
const LONGEST_URL: usize = 2_048;

/// The keys themselves are read by the caller, because that is cryptography.
pub(super) fn decide(
    payload: &ApplicationPayload,
    client_type: ClientType,
    existing: &AuthenticationMetadata,
    findings: &mut Findings,
) -> AuthenticationMetadata {
    let (jwks, jwks_uri) = keys(payload, existing, findings);
    let method = method(payload, client_type, existing, findings);
    let decided = AuthenticationMetadata {
        token_endpoint_auth_method: method,
        token_endpoint_auth_signing_alg: signing_alg(payload, method, existing, findings),
        jwks,
        jwks_uri,
        tls_client_auth: certificate::name(payload, existing, findings),
    };
    if decided.needs_keys() && decided.jwks.is_none() && decided.jwks_uri.is_none() {
        findings.fault("jwks", "is required for private_key_jwt, unless the address of the keys is given");
    }
    match decided.token_endpoint_auth_method {
        Some(AuthenticationMethod::TlsClientAuth) if decided.tls_client_auth.is_none() => {
            findings.fault("tlsClientAuth", "is required for tls_client_auth");
        }
        Some(AuthenticationMethod::SelfSignedTlsClientAuth)
            if decided.jwks.is_none() && decided.jwks_uri.is_none() =>
        {
            findings.fault(
                "jwks",
                "is required for self_signed_tls_client_auth, unless the address of the keys is given",
            );
        }
        _ => {}
    }
    decided
}

/// An application that needs an attestation gets no token before an attester may attest it. An Administrator may have yet to
/// trust one for its client id, so this is no fault.
pub(super) fn warn_if_nobody_attests(
    payload: &ApplicationPayload,
    decided: &AuthenticationMetadata,
    context: RegistrationContext<'_>,
    findings: &mut Findings,
) {
    let needs_one = decided.token_endpoint_auth_method == Some(AuthenticationMethod::AttestJwtClientAuth);
    if payload.token_endpoint_auth_method.is_some() && needs_one && !context.attestable {
        findings.warn(
            "tokenEndpointAuthMethod",
            "needs an attester, and none is trusted for this application: add a trusted issuer with the purpose \
             client_attestation whose clients contain its client id",
        );
    }
}

/// The keys, or their address: "The `jwks_uri` and `jwks` parameters MUST NOT both be present in the same request or
/// response" ([RFC 7591 §2](https://www.rfc-editor.org/rfc/rfc7591#section-2)). The one that is named replaces the other.
fn keys(
    payload: &ApplicationPayload,
    existing: &AuthenticationMetadata,
    findings: &mut Findings,
) -> (Option<Object>, Option<String>) {
    let new_keys = payload.new_keys().cloned();
    let new_address = payload.jwks_uri.as_deref().map(str::trim).filter(|address| !address.is_empty());
    if let Some(address) = new_address {
        if new_keys.is_some() {
            findings.fault("jwksUri", "must not be given together with jwks");
        }
        if !may_have_keys(address) {
            findings.fault("jwksUri", "must be an https URL without user name, password and fragment");
        }
        return (new_keys, Some(address.to_owned()));
    }
    let kept_address = if payload.jwks_uri.is_some() { None } else { existing.jwks_uri.clone() };
    match &payload.jwks {
        Some(_) if new_keys.is_some() => (new_keys, None),
        Some(_) => (None, kept_address),
        None => (existing.jwks.clone(), kept_address),
    }
}

/// Only `https`, so that nobody on the way can replace the keys.
fn may_have_keys(address: &str) -> bool {
    let is_plain = address.len() <= LONGEST_URL && address.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain
        && Url::parse(address).is_ok_and(|url| {
            let has_nobody = url.username().is_empty() && url.password().is_none();
            url.scheme() == "https" && url.has_host() && has_nobody && url.fragment().is_none()
        })
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
        let [names @ .., last] = AuthenticationMethod::ALL.map(AuthenticationMethod::as_str);
        findings.fault("tokenEndpointAuthMethod", format!("must be {} or {last}", names.join(", ")));
    } else if client_type == ClientType::Public && !is_none {
        findings.fault("tokenEndpointAuthMethod", "must be none for a public application");
    } else if client_type == ClientType::Confidential && is_none {
        findings.fault("tokenEndpointAuthMethod", "must not be none for a confidential application");
    }
    method
}

/// Assertions that a secret authenticates have one algorithm, which is not stored.
fn signing_alg(
    payload: &ApplicationPayload,
    method: Option<AuthenticationMethod>,
    existing: &AuthenticationMetadata,
    findings: &mut Findings,
) -> Option<JwsAlgorithm> {
    let name = payload.token_endpoint_auth_signing_alg.as_deref();
    if method == Some(AuthenticationMethod::ClientSecretJwt) {
        if name.is_some_and(|name| name != SECRET_ALGORITHM) {
            findings.fault("tokenEndpointAuthSigningAlg", "must be HS256 for client_secret_jwt");
        }
        return None;
    }
    let Some(name) = name else {
        return existing.token_endpoint_auth_signing_alg;
    };
    let algorithm = JwsAlgorithm::from_name(name);
    if algorithm.is_none() {
        findings.fault("tokenEndpointAuthSigningAlg", format!("must be {}", JwsAlgorithm::NAMES));
    }
    algorithm
}
