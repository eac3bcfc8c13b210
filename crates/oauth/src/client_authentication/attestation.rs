//! Client authentication with an attestation, `attest_jwt_client_auth`
//! ([draft-ietf-oauth-attestation-based-client-auth-11](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11)): an attester says that a
//! key is that of a genuine instance of the client, and the instance proves to hold the key. The rules about what the attester
//! says are in [`crate::trusted_issuer`]; here are those about the headers and about the proof.

use std::sync::Arc;

use domain::id::ClientId;
use domain::time::Timestamp;

use super::{AuthenticatedClient, ClientCredential, Presented, id_belongs_to_application};
use crate::application::Application;
use crate::jwt::{Claims, JwtFault, TimeRules};
use crate::proof::Thumbprint;
use crate::refusal::Refusal;

/// The accepted values of `typ` of a proof ([draft §5.1](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-5.1)).
pub const PROOF_TYPES: [Option<&str>; 1] = [Some("oauth-client-attestation-pop+jwt")];

/// How old a proof may be, in seconds; the same as for `DPoP`.
const MOST_AGE_SECS: i64 = 300;
const TIMES: TimeRules =
    TimeRules { expiry_required: false, most_lifetime_secs: 3_600, most_age_secs: Some(MOST_AGE_SECS) };
/// How long a proof is remembered after it became too old: the clock of another node may be behind.
const REMEMBERED_SECS: i64 = 300;
/// The longest `challenge` in bytes.
const LONGEST_CHALLENGE: usize = 256;

/// A header of a request, which is not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentHeader<'a> {
    /// There is none.
    None,
    /// There is one.
    One(&'a [u8]),
    /// There are several.
    Several,
}

/// The headers with which a client authenticates.
#[derive(Debug, Clone, Copy)]
pub struct AttestationHeaders<'a> {
    /// `OAuth-Client-Attestation`.
    pub attestation: SentHeader<'a>,
    /// `OAuth-Client-Attestation-PoP`.
    pub proof: SentHeader<'a>,
}

/// An attestation and its proof, neither of which is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentAttestation<'a> {
    /// The attestation.
    pub attestation: &'a str,
    /// The proof that the sender holds the key in it.
    pub proof: &'a str,
}

impl<'a> AttestationHeaders<'a> {
    /// "There is precisely one" of each ([draft §7.1](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-7.1),
    /// [§7.2](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-7.2)).
    ///
    /// # Errors
    /// `invalid_client_attestation`, or `invalid_client` if there is neither.
    pub fn both(self) -> Result<SentAttestation<'a>, Refusal> {
        use SentHeader::{None, One, Several};
        match (self.attestation, self.proof) {
            (Several, _) | (_, Several) => Err(Refusal::AttestationRepeated),
            (None, None) => Err(Refusal::AttestationRequired),
            (None, One(_)) => Err(Refusal::AttestationMissing),
            (One(_), None) => Err(Refusal::AttestationProofMissing),
            (One(attestation), One(proof)) => Ok(SentAttestation {
                attestation: std::str::from_utf8(attestation).map_err(|_| Refusal::AttestationUnverified)?,
                proof: std::str::from_utf8(proof).map_err(|_| Refusal::AttestationProofUnverified)?,
            }),
        }
    }
}

impl Presented {
    /// A client that only the `sub` of its attestation names, because the request has no `client_id` ([draft
    /// §7.5](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-7.5)).
    pub fn by_attestation(subject: &str) -> Self {
        let unverified_client_id = subject.parse::<ClientId>().ok();
        Self { unverified_client_id, credential: ClientCredential::Attestation, is_grant: false }
    }
}

/// The application sends no other credential: "The client MUST NOT use more than one authentication method in each request"
/// ([RFC 6749 §2.3](https://www.rfc-editor.org/rfc/rfc6749#section-2.3)). A certificate alone is none.
///
/// # Errors
/// `invalid_client`.
pub fn attestation_is_alone(presented: &Presented, application: &Application) -> Result<(), Refusal> {
    id_belongs_to_application(presented, application)?;
    match presented.credential {
        ClientCredential::Attestation | ClientCredential::None | ClientCredential::Certificate(_) => Ok(()),
        ClientCredential::Secret(..) | ClientCredential::Assertion(_) => Err(Refusal::AttestationNotAlone),
    }
}

/// The facts that are compared with the claims of a proof.
#[derive(Debug, Clone, Copy)]
pub struct ProofFacts<'a> {
    /// The issuer of this server.
    pub issuer: &'a str,
    /// Whether the proof needs a challenge of this server.
    pub needs_challenge: bool,
    /// The current time.
    pub now: Timestamp,
}

/// A proof that the sender is the instance that the attestation describes, unless it was used before.
#[derive(Debug)]
pub struct VerifiedProof {
    application: Arc<Application>,
    instance: Thumbprint,
    id: String,
    remembered_until: Timestamp,
}

impl VerifiedProof {
    /// The key of the instance.
    pub fn instance(&self) -> Thumbprint {
        self.instance
    }

    /// `jti`, which the instance must not repeat.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Until when its use must be remembered.
    pub fn remembered_until(&self) -> Timestamp {
        self.remembered_until
    }

    /// The client, if this was the first use ([draft §12.1](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-12.1)).
    ///
    /// # Errors
    /// [`Refusal::AttestationProofReplayed`].
    pub fn used(self, is_first_use: bool) -> Result<AuthenticatedClient, Refusal> {
        if is_first_use {
            let instance = Some(self.instance);
            Ok(AuthenticatedClient { instance, ..AuthenticatedClient::new(self.application) })
        } else {
            Err(Refusal::AttestationProofReplayed)
        }
    }
}

/// Judges the claims of a proof that the key in the attestation verifies. `is_fresh` says whether this server issued a
/// challenge a short time ago.
///
/// # Errors
/// `invalid_client_attestation`, or `use_attestation_challenge` if everything else holds.
pub fn decide(
    claims: &Claims,
    application: Arc<Application>,
    instance: Thumbprint,
    facts: ProofFacts<'_>,
    is_fresh: impl FnOnce(&str) -> bool,
) -> Result<VerifiedProof, Refusal> {
    audience_is_this_server_alone(claims, facts.issuer)?;
    claims.times_hold(facts.now, TIMES).map_err(of_times)?;
    let issued = claims.time("iat").map_err(of_times)?.ok_or(Refusal::AttestationProofTimes)?;
    let id = claims.required_text("jti").map_err(|_| Refusal::AttestationProofWithoutId)?.to_owned();
    challenge_is_fresh(claims, facts.needs_challenge, is_fresh)?;
    let remembered_until = issued.plus_secs(MOST_AGE_SECS + REMEMBERED_SECS);
    Ok(VerifiedProof { application, instance, id, remembered_until })
}

/// "it is the issuer identifier URL of the Authorization Server", and "A Client Attestation `PoP` JWT is intended for a single
/// audience" ([draft §7.2](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-7.2), [§5.1](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-5.1)).
fn audience_is_this_server_alone(claims: &Claims, issuer: &str) -> Result<(), Refusal> {
    let is_ours = claims.audiences().is_ok_and(|audiences| audiences == [issuer]);
    if is_ours { Ok(()) } else { Err(Refusal::AttestationProofForAnotherServer) }
}

/// "the `challenge` claim of the Client Attestation `PoP` JWT matches a Challenge provided by the server" ([draft
/// §7.2](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-7.2)). One that is sent is checked also where none is needed.
fn challenge_is_fresh(
    claims: &Claims,
    is_needed: bool,
    is_fresh: impl FnOnce(&str) -> bool,
) -> Result<(), Refusal> {
    match claims.text("challenge").map_err(|_| Refusal::AttestationChallengeMalformed)? {
        None if is_needed => Err(Refusal::AttestationChallengeMissing),
        None => Ok(()),
        Some(challenge) if challenge.len() <= LONGEST_CHALLENGE && is_fresh(challenge) => Ok(()),
        Some(_) => Err(Refusal::AttestationChallengeStale),
    }
}

fn of_times(_: JwtFault) -> Refusal {
    Refusal::AttestationProofTimes
}

#[cfg(test)]
mod tests;
