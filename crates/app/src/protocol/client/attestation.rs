//! Clients that authenticate with an attestation of an attester, and a proof of the instance that it describes
//! ([draft-ietf-oauth-attestation-based-client-auth-11](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11)).

use std::fmt::Debug;
use std::sync::Arc;

use domain::time::Timestamp;
use oauth::application::Application;
use oauth::client_authentication::attestation::{
    self, AttestationHeaders, PROOF_TYPES, ProofFacts, SentAttestation, SentHeader, VerifiedProof,
};
use oauth::client_authentication::{AuthenticatedClient, Presented};
use oauth::jwt::{Claims, JwtFault, Object};
use oauth::refusal::Refusal;
use oauth::trusted_issuer::{ATTESTATION_TYPES, AttestationFacts, TrustedIssuer, accept_attestation};
use vault::jose::{self, AcceptedJwt};

use super::ClientAuthentication;
use crate::Fault;
use crate::node::access_note;
use crate::node::issuer_keys::{NoIssuerKeys, Unverified};
use crate::node::trusted_issuers::IssuerTokens;
use crate::protocol::attesters::Attesters;

/// A request that may have the headers of an attestation. They are looked for only if the client needs them.
pub trait MayBeAttested: Debug + Sync {
    /// The headers.
    fn attestation_headers(&self) -> AttestationHeaders<'_>;
}

/// An attestation that proves the client of a request, and the request.
pub(super) struct Attested<'a> {
    pub(super) presented: &'a Presented,
    pub(super) headers: AttestationHeaders<'a>,
    pub(super) application: &'a Arc<Application>,
    pub(super) now: Timestamp,
}

/// The client that a request names nowhere but in its attestation.
pub(super) fn named_by(request: &dyn MayBeAttested) -> Option<Presented> {
    let SentHeader::One(bytes) = request.attestation_headers().attestation else { return None };
    let claims = jose::unverified_claims(std::str::from_utf8(bytes).ok()?).ok()?;
    Some(Presented::by_attestation(claims.required_text("sub").ok()?))
}

impl ClientAuthentication<'_> {
    /// The client that the attestation and its proof authenticate. A correct proof is used up, on all nodes.
    pub(super) async fn judge_attestation(
        self,
        attested: Attested<'_>,
    ) -> Result<Result<AuthenticatedClient, Refusal>, Fault> {
        let verified = match self.verify_attested(&attested).await? {
            Ok(verified) => verified,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let digest = jose::use_digest(&format!("attestation {}", verified.instance()), verified.id());
        let is_first_use = self.context.store.use_assertion(digest, verified.remembered_until()).await?;
        Ok(verified.used(is_first_use))
    }

    async fn verify_attested(self, attested: &Attested<'_>) -> Result<Result<VerifiedProof, Refusal>, Fault> {
        let application = attested.application;
        let sent = attestation::attestation_is_alone(attested.presented, application)
            .and_then(|()| attested.headers.both());
        let sent = match sent {
            Ok(sent) => sent,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let attesters = Attesters::of(self.context).of_client(&application.client_id).await?;
        let signed = self.signed_by_one_of(&attesters, sent.attestation).await;
        Ok(signed.and_then(|(attester, claims)| {
            let client = application.client_id.as_str();
            let facts = AttestationFacts { trusted: attester, client, now: attested.now };
            self.verify_proof(sent, accept_attestation(&claims, facts)?, attested)
        }))
    }

    /// The attester whose key has signed the attestation, and its claims. An attestation with `iss` is of that attester;
    /// without one, which the draft does not have, the key tells.
    async fn signed_by_one_of<'a>(
        self,
        attesters: &'a [Arc<TrustedIssuer>],
        text: &str,
    ) -> Result<(&'a TrustedIssuer, Claims), Refusal> {
        let unverified = jose::unverified_claims(text).map_err(|_| Refusal::AttestationUnverified)?;
        let issuer = unverified.text("iss").map_err(|_| Refusal::AttestationUnverified)?;
        let is_named = |attester: &TrustedIssuer| issuer.is_none_or(|issuer| attester.issuer == issuer);
        if !attesters.iter().any(|attester| is_named(attester)) {
            return Err(Refusal::AttesterUnknown);
        }
        // What may pass is told, whatever the keys of the others say.
        let mut refusal = Refusal::AttestationUnverified;
        for attester in attesters {
            if !is_named(attester) {
                continue;
            }
            match IssuerTokens::of(self.context).verify(text, attester, &ATTESTATION_TYPES).await {
                Ok(claims) => return Ok((attester, claims)),
                Err(Unverified::NoKeys(NoIssuerKeys::Unavailable)) => {
                    refusal = Refusal::AttesterKeysUnavailable;
                }
                Err(Unverified::NoKeys(NoIssuerKeys::Unusable)) if !refusal.may_pass() => {
                    refusal = Refusal::AttesterKeys;
                }
                Err(Unverified::NoKeys(_) | Unverified::Jwt(_)) => {}
            }
        }
        Err(refusal)
    }

    fn verify_proof(
        self,
        sent: SentAttestation<'_>,
        key: &Object,
        attested: &Attested<'_>,
    ) -> Result<VerifiedProof, Refusal> {
        let settings = &attested.application.settings;
        let rules = settings.profile.rules();
        let only = settings.client_metadata.authentication.token_endpoint_auth_signing_alg.as_ref();
        let accepted = AcceptedJwt { algorithms: rules.algorithms.only(only), types: &PROOF_TYPES };
        let verified = jose::verify_with_key(sent.proof, key, accepted);
        let (claims, instance) = verified.map_err(|fault| match fault {
            JwtFault::KeyUnusable => Refusal::AttestationKey,
            _ => Refusal::AttestationProofUnverified,
        })?;
        let facts = ProofFacts {
            issuer: &self.context.settings.public_url,
            needs_challenge: rules.dpop_nonce || self.context.settings.require_dpop_nonce,
            now: attested.now,
        };
        if facts.needs_challenge || claims.get("challenge").is_some() {
            access_note::offer_challenge();
        }
        let application = Arc::clone(attested.application);
        attestation::decide(&claims, application, instance, facts, |challenge| {
            self.context.vault.dpop_nonce_is_fresh(challenge, attested.now)
        })
    }
}
