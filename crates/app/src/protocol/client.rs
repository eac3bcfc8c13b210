//! Client authentication, for the token, introspection and revocation endpoints.

use std::sync::Arc;

use domain::audit::{Action, Outcome};
use domain::id::{ApplicationId, ClientId};
use domain::secret::ClientSecret;
use domain::time::Timestamp;
use oauth::application::{Application, StoredSecret};
use oauth::client_authentication::binding::token_binding;
use oauth::client_authentication::{
    AcceptedCredential, AuthenticatedClient, Basic, ClientCredential, Presented, authenticate, certificate,
};
use oauth::error::ErrorCode;
use oauth::parameters::{CLIENT_ID, Parameters};
use oauth::profile::Algorithms;
use oauth::proof::{DpopHeader, KeyBinding, PresentedCertificate, RequestFacts, Thumbprint};
use oauth::refusal::Refusal;
use store::StoreError;
use vault::jose;

use crate::identity::caller::RequestOrigin;
use crate::identity::refusals::Refusals;
use crate::node::dpop_proofs::{DpopProofs, ProofFailure, Prover};
use crate::node::entity_cache::Entities;
use crate::node::feed::ChangeFeed;
use crate::node::refusal_reason::RefusalReason;
use crate::protocol::client_document::DescribedClients;
use crate::protocol::client_keys::NoClientKeys;
use crate::protocol::rate_limits::RateLimits;
use crate::protocol::refusal::ProtocolRefusal;
use crate::{Context, Fault, node::access_note};

mod assertion;
mod attestation;
mod credentials;
mod presented_certificate;
mod workload;

use assertion::Asserted;
use attestation::Attested;
pub use attestation::MayBeAttested;
pub(crate) use credentials::NewCredentials;

/// A request of a client, of which nothing is authenticated yet.
#[derive(Debug, Clone, Copy)]
pub struct ClientRequest<'a> {
    /// The decoded `Authorization: Basic` header, if any.
    pub basic: Option<&'a Basic>,
    /// The parameters of the body.
    pub parameters: &'a Parameters,
    /// What a proof of possession covers.
    pub facts: RequestFacts<'a>,
    /// Where the headers of an attestation are, if there are any.
    pub attested: &'a dyn MayBeAttested,
    /// The origin of the request.
    pub origin: &'a RequestOrigin,
}

/// Authenticates clients.
#[derive(Clone, Copy)]
pub(crate) struct ClientAuthentication<'a> {
    context: &'a Context,
}

component!(ClientAuthentication);

impl ClientAuthentication<'_> {
    /// The application that the request authenticates, or a public application that it names.
    ///
    /// # Errors
    /// `invalid_client` with the same response for all reasons, `invalid_request`, or too many attempts.
    pub(crate) async fn authenticate(
        self,
        request: ClientRequest<'_>,
    ) -> Result<AuthenticatedClient, ProtocolRefusal> {
        let now = self.context.now();
        let certificate = request.facts.certificate.map(PresentedCertificate::thumbprint);
        let found = Presented::find(request.basic, request.parameters, certificate);
        let found = found.or_else(|refusal| {
            let unnamed = refusal == Refusal::NoClientAuthentication;
            unnamed.then(|| attestation::named_by(request.attested)).flatten().ok_or(refusal)
        });
        let presented = match found {
            Ok(presented) => presented,
            Err(refusal) => {
                let reason = match refusal {
                    Refusal::NoClientAuthentication => RefusalReason::ClientUnnamed,
                    _ => RefusalReason::ClientContradictory,
                };
                Refusals::of(self.context).note_request(reason, None, request.origin).await;
                return Err(refusal.into());
            }
        };
        let mut named = None;
        let address = request.origin.address;
        // The secret is checked before any limit, because anybody may name an application and send a wrong
        // secret.
        let mut judged = self.judge_client(&presented, request, now, &mut named).await?;
        if judged.as_ref().is_err_and(|refusal| may_be_new(*refusal)) {
            // Boxed, so that right secrets do not pay for the state that only this path needs.
            judged = Box::pin(self.judge_client_again(&presented, request, now, &mut named)).await?;
        }
        match judged {
            Ok(client) => {
                let proved = client.is_confidential().then(|| client.application().id);
                self.context
                    .rates
                    .authenticated(proved, address, now)
                    .map_err(|wait| RateLimits::of(self.context).too_often(wait))?;
                // Anybody may name a public client, so only what it obtains counts as its use.
                if client.is_confidential() && client.application().is_stored() {
                    self.context.usage.application(client.application().id, client.secret(), now);
                }
                access_note::client(&client);
                Ok(client)
            }
            // The client has authenticated, and is told what its next request needs.
            Err(refusal) if refusal.code() == ErrorCode::UseAttestationChallenge => Err(refusal.into()),
            Err(refusal) => {
                // Above the limit a failure is neither answered as such nor recorded.
                self.context
                    .rates
                    .authentication_failed(address, now)
                    .map_err(|wait| RateLimits::of(self.context).too_often(wait))?;
                self.note_failed_authentication(named, refusal, request.origin).await?;
                Err(refusal.into())
            }
        }
    }

    /// The client of a request that begins something new. If a document describes it, what the document says now counts.
    ///
    /// # Errors
    /// As for [`Self::authenticate`], or if the document cannot be fetched or breaks a rule.
    pub(crate) async fn authenticate_beginning(
        self,
        request: ClientRequest<'_>,
    ) -> Result<AuthenticatedClient, ProtocolRefusal> {
        let id = request.parameters.one(CLIENT_ID)?.and_then(|text| text.parse::<ClientId>().ok());
        if let Some(id) = id.filter(ClientId::is_url)
            && Entities::of(self.context).application_by_client_id(&id).await?.is_some()
            && let Err(refusal) = Box::pin(DescribedClients::of(self.context).named(&id)).await?
        {
            let address = request.origin.address;
            self.context
                .rates
                .authentication_failed(address, self.context.now())
                .map_err(|wait| RateLimits::of(self.context).too_often(wait))?;
            return Err(refusal.into());
        }
        self.authenticate(request).await
    }

    /// The client with the key that the request proves, or with the certificate of the connection, to which its tokens are
    /// bound.
    ///
    /// # Errors
    /// `invalid_dpop_proof` if the proof is invalid, or if there is none and the application needs one; `invalid_request`
    /// if it needs a certificate and there is none.
    pub(crate) fn with_proved_key(
        self,
        client: AuthenticatedClient,
        facts: &RequestFacts<'_>,
    ) -> Result<AuthenticatedClient, ProtocolRefusal> {
        let proved = self.key_proved_by(&client, facts)?.map(KeyBinding::Key);
        let certificate = facts.certificate.map(PresentedCertificate::thumbprint);
        let binding = token_binding(&client.application().settings, proved, certificate)?;
        Ok(client.holding(binding))
    }

    /// The key that the request of a client proves to hold, if it proves one, as its profile demands.
    ///
    /// # Errors
    /// `invalid_dpop_proof`.
    pub(crate) fn key_proved_by(
        self,
        client: &AuthenticatedClient,
        facts: &RequestFacts<'_>,
    ) -> Result<Option<Thumbprint>, ProofFailure> {
        let rules = client.application().settings.profile.rules();
        if let DpopHeader::One(bytes) = facts.dpop
            && rules.algorithms != Algorithms::All
        {
            let named = std::str::from_utf8(bytes).ok().and_then(jose::named_algorithm);
            if !named.is_some_and(|algorithm| rules.algorithms.contain(algorithm)) {
                return Err(ProofFailure::Refused(Refusal::DpopUnverified));
            }
        }
        let is_open_to_strangers = client.application().is_open_to_strangers();
        DpopProofs::of(self.context)
            .proved_key(facts, Prover::Client { needs_nonce: rules.dpop_nonce, is_open_to_strangers })
    }

    async fn judge_client(
        self,
        presented: &Presented,
        request: ClientRequest<'_>,
        now: Timestamp,
        named: &mut Option<ApplicationId>,
    ) -> Result<Result<AuthenticatedClient, Refusal>, Fault> {
        let facts = request.facts;
        if let ClientCredential::Assertion(text) = &presented.credential {
            // Boxed, so that secrets do not pay for it.
            let asserted = Asserted { presented, text, facts, now };
            return Box::pin(self.judge_assertion(asserted, named)).await;
        }
        let found = match &presented.unverified_client_id {
            Some(id) => match DescribedClients::of(self.context).presented(id).await? {
                Ok(found) => found,
                Err(refusal) => return Ok(Err(refusal)),
            },
            None => None,
        };
        *named = found.as_deref().filter(|application| application.is_stored()).map(|found| found.id);
        if let Some(application) = &found {
            // Boxed, so that secrets do not pay for it.
            match AcceptedCredential::of(&application.settings) {
                AcceptedCredential::Certificate => {
                    return Ok(Box::pin(self.judge_certificate(presented, application, facts, now)).await);
                }
                AcceptedCredential::Attestation => {
                    let headers = request.attested.attestation_headers();
                    let attested = Attested { presented, headers, application, now };
                    return Box::pin(self.judge_attestation(attested)).await;
                }
                _ => {}
            }
        }
        let is_secret = |given: &ClientSecret, stored: &StoredSecret| {
            self.context.vault.secret_matches(given, &stored.digest)
        };
        Ok(authenticate(presented, found, now, is_secret))
    }

    async fn judge_certificate(
        self,
        presented: &Presented,
        application: &Arc<Application>,
        facts: RequestFacts<'_>,
        now: Timestamp,
    ) -> Result<AuthenticatedClient, Refusal> {
        let known = match facts.certificate {
            None => None,
            Some(shown) => {
                let known = self.certificate_facts(shown, application, now).await;
                Some(known.map_err(NoClientKeys::refusal)?)
            }
        };
        certificate::decide(presented, Arc::clone(application), known.as_ref())
    }

    /// The secret or the key may have been issued a moment ago by another node, so what this node knows of the
    /// application is brought up to date first.
    async fn judge_client_again(
        self,
        presented: &Presented,
        request: ClientRequest<'_>,
        now: Timestamp,
        named: &mut Option<ApplicationId>,
    ) -> Result<Result<AuthenticatedClient, Refusal>, Fault> {
        ChangeFeed::of(self.context).ensure_polled_since(self.context.clock.steady_micros()).await?;
        if let ClientCredential::Assertion(text) = &presented.credential
            && let Ok(id) = assertion::client_of(presented, text.expose())
            && let Err(refusal) = DescribedClients::of(self.context).find_new_keys(&id).await?
        {
            return Ok(Err(refusal));
        }
        self.judge_client(presented, request, now, named).await
    }

    async fn note_failed_authentication(
        self,
        named: Option<ApplicationId>,
        refusal: Refusal,
        origin: &RequestOrigin,
    ) -> Result<(), StoreError> {
        let mut audit = origin.audit(Action::AuthenticateClient, Outcome::Refused, self.context.now());
        audit.application = named;
        audit.detail = Some(refusal.to_string());
        self.context.store.append_audit(vec![audit]).await
    }
}

/// Whether another node may know a newer secret or key that authenticates the client.
fn may_be_new(refusal: Refusal) -> bool {
    matches!(
        refusal,
        Refusal::WrongSecret
            | Refusal::AssertionUnverified
            | Refusal::AssertionNotRegistered
            | Refusal::CertificateOfAnotherSubject
            | Refusal::CertificateNotRegistered
            | Refusal::AttesterUnknown
            | Refusal::AttestationNotRegistered
    )
}
