//! What an attester says about an instance of a client
//! ([draft-ietf-oauth-attestation-based-client-auth-11 §4](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-4)): the
//! instance is genuine, and holds the private key that belongs to the public key in `cnf`.

use domain::time::Timestamp;
use serde_json::Value;

use super::claims::is_of;
use super::{EVERY_CLIENT, IssuerSettings, Purpose, TrustedIssuer};
use crate::jwt::{Claims, JwtFault, Object, TimeRules};
use crate::refusal::Refusal;

/// The accepted values of `typ` ([draft §4](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-4)).
pub const ATTESTATION_TYPES: [Option<&str>; 1] = [Some("oauth-client-attestation+jwt")];

/// An instance may present the same attestation until it expires. The attester decides how long that is, within a bound.
const TIMES: TimeRules =
    TimeRules { expiry_required: true, most_lifetime_secs: 30 * 86_400, most_age_secs: None };

impl IssuerSettings {
    /// Whether it may attest the instances of the client.
    pub fn attests(&self, client: &str) -> bool {
        self.has(Purpose::ClientAttestation) && self.accepts_client(client)
    }

    /// Whether it may attest the instances of every client that uses attestations.
    pub fn attests_every_client(&self) -> bool {
        self.attests(EVERY_CLIENT)
    }
}

/// The facts that are compared with the claims.
#[derive(Debug, Clone, Copy)]
pub struct AttestationFacts<'a> {
    /// The attester whose key has signed the attestation.
    pub trusted: &'a TrustedIssuer,
    /// The client id of the application that sends it.
    pub client: &'a str,
    /// The current time.
    pub now: Timestamp,
}

/// Judges the claims of an attestation whose signature a key of the attester verifies, and returns the public key of the
/// instance, which is not read yet.
///
/// # Errors
/// `invalid_client_attestation`, or `use_fresh_attestation` if it has expired.
pub fn accept_attestation<'a>(
    claims: &'a Claims,
    facts: AttestationFacts<'_>,
) -> Result<&'a Object, Refusal> {
    attester_is_trusted_for_the_client(claims, facts)?;
    subject_is_the_client(claims, facts.client)?;
    claims.times_hold(facts.now, TIMES).map_err(of_times)?;
    key_of_the_instance(claims)
}

/// "The signature of the Client Attestation JWT verifies with the public key of a known and trusted Client Attester" ([draft
/// §7.1](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-7.1)). The draft has no `iss`, earlier ones had; a wrong one is
/// never accepted.
fn attester_is_trusted_for_the_client(claims: &Claims, facts: AttestationFacts<'_>) -> Result<(), Refusal> {
    let is_the_issuer = claims.get("iss").is_none() || is_of(claims, facts.trusted);
    let trusted = is_the_issuer && facts.trusted.settings.attests(facts.client);
    if trusted { Ok(()) } else { Err(Refusal::AttesterUnknown) }
}

/// "The `sub` (subject) claim MUST specify the `client_id` value of the OAuth Client".
fn subject_is_the_client(claims: &Claims, client: &str) -> Result<(), Refusal> {
    let same = claims.required_text("sub") == Ok(client);
    if same { Ok(()) } else { Err(Refusal::AttestationOfAnotherClient) }
}

/// "The key MUST be expressed using the `jwk` representation."
fn key_of_the_instance(claims: &Claims) -> Result<&Object, Refusal> {
    let key = claims.get("cnf").and_then(|confirmation| confirmation.get("jwk"));
    key.and_then(Value::as_object).ok_or(Refusal::AttestationKey)
}

/// "`use_fresh_attestation` MUST be used when the Client Attestation JWT is deemed to be not fresh enough" ([draft
/// §7.4](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-7.4)).
fn of_times(fault: JwtFault) -> Refusal {
    match fault {
        JwtFault::Expired => Refusal::AttestationExpired,
        _ => Refusal::AttestationTimes,
    }
}
