//! Client authentication, for the token, introspection and revocation endpoints.

use std::sync::Arc;

use domain::account::network::Network;
use domain::audit::{Action, Outcome};
use domain::id::{ApplicationId, ClientId};
use domain::secret::ClientSecret;
use domain::time::Timestamp;
use oauth::application::{Application, StoredSecret};
use oauth::client_authentication::binding::token_binding;
use oauth::client_authentication::{
    AcceptedCredential, AuthenticatedClient, Basic, ClientCredential, Presented, authenticate, certificate,
};
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
use crate::node::strangers::Left;
use crate::protocol::client_keys::NoClientKeys;
use crate::{Context, Fault, node::access_note};

mod assertion;
mod credentials;
mod presented_certificate;
mod workload;

use assertion::Asserted;

/// Why a protocol request was refused.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolRefusal {
    /// A rule of the protocol refused it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Too many wrong attempts from this address, or more than one application may make.
    #[error("too many attempts; try again in {retry_after_secs} seconds")]
    TooOften {
        /// The number of seconds after which another attempt is accepted.
        retry_after_secs: u32,
    },
    /// The server cannot do this at present; nothing was changed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<ProofFailure> for ProtocolRefusal {
    fn from(failure: ProofFailure) -> Self {
        match failure {
            ProofFailure::Refused(refusal) => Self::Refused(refusal),
            ProofFailure::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl From<StoreError> for ProtocolRefusal {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

/// A request of a client, of which nothing is authenticated yet.
#[derive(Debug, Clone, Copy)]
pub struct ClientRequest<'a> {
    /// The decoded `Authorization: Basic` header, if any.
    pub basic: Option<&'a Basic>,
    /// The parameters of the body.
    pub parameters: &'a Parameters,
    /// What a proof of possession covers.
    pub facts: RequestFacts<'a>,
    /// The origin of the request.
    pub origin: &'a RequestOrigin,
}

impl Context {
    /// The application that the request authenticates, or a public application that it names.
    ///
    /// # Errors
    /// `invalid_client` with the same response for all reasons, `invalid_request`, or too many attempts.
    pub(crate) async fn authenticate_client(
        &self,
        request: ClientRequest<'_>,
    ) -> Result<AuthenticatedClient, ProtocolRefusal> {
        let now = self.now();
        let certificate = request.facts.certificate.map(PresentedCertificate::thumbprint);
        let presented = match Presented::find(request.basic, request.parameters, certificate) {
            Ok(presented) => presented,
            Err(refusal) => {
                let reason = match refusal {
                    Refusal::NoClientAuthentication => RefusalReason::ClientUnnamed,
                    _ => RefusalReason::ClientContradictory,
                };
                Refusals::of(self).note_request(reason, None, request.origin).await;
                return Err(refusal.into());
            }
        };
        let mut named = None;
        let address = request.origin.address;
        // The secret is checked before any limit, because anybody may name an application and send a wrong
        // secret.
        let facts = request.facts;
        let mut judged = self.judge_client(&presented, facts, now, &mut named).await?;
        if judged.as_ref().is_err_and(|refusal| may_be_new(*refusal)) {
            // Boxed, so that right secrets do not pay for the state that only this path needs.
            judged = Box::pin(self.judge_client_again(&presented, facts, now, &mut named)).await?;
        }
        match judged {
            Ok(client) => {
                let proved = client.is_confidential().then(|| client.application().id);
                self.rates.authenticated(proved, address, now).map_err(|wait| self.too_often(wait))?;
                // Anybody may name a public client, so only what it obtains counts as its use.
                if client.is_confidential() && client.application().is_stored() {
                    self.usage.application(client.application().id, client.secret(), now);
                }
                access_note::client(&client);
                Ok(client)
            }
            Err(refusal) => {
                // Above the limit a failure is neither answered as such nor recorded.
                self.rates.authentication_failed(address, now).map_err(|wait| self.too_often(wait))?;
                self.note_failed_authentication(named, refusal, request.origin).await?;
                Err(refusal.into())
            }
        }
    }

    /// The client of a request that begins something new. If a document describes it, what the document says now counts.
    ///
    /// # Errors
    /// As for [`Self::authenticate_client`], or if the document cannot be fetched or breaks a rule.
    pub(crate) async fn authenticate_beginning_client(
        &self,
        request: ClientRequest<'_>,
    ) -> Result<AuthenticatedClient, ProtocolRefusal> {
        let id = request.parameters.one(CLIENT_ID)?.and_then(|text| text.parse::<ClientId>().ok());
        if let Some(id) = id.filter(ClientId::is_url)
            && Entities::of(self).application_by_client_id(&id).await?.is_some()
            && let Err(refusal) = Box::pin(self.client_named(&id)).await?
        {
            let address = request.origin.address;
            self.rates.authentication_failed(address, self.now()).map_err(|wait| self.too_often(wait))?;
            return Err(refusal.into());
        }
        self.authenticate_client(request).await
    }

    /// The client with the key that the request proves, or with the certificate of the connection, to which its tokens are
    /// bound.
    ///
    /// # Errors
    /// `invalid_dpop_proof` if the proof is invalid, or if there is none and the application needs one; `invalid_request`
    /// if it needs a certificate and there is none.
    pub(crate) fn with_proved_key(
        &self,
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
        &self,
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
        DpopProofs::of(self)
            .proved_key(facts, Prover::Client { needs_nonce: rules.dpop_nonce, is_open_to_strangers })
    }

    async fn judge_client(
        &self,
        presented: &Presented,
        facts: RequestFacts<'_>,
        now: Timestamp,
        named: &mut Option<ApplicationId>,
    ) -> Result<Result<AuthenticatedClient, Refusal>, Fault> {
        if let ClientCredential::Assertion(text) = &presented.credential {
            // Boxed, so that secrets do not pay for it.
            let asserted = Asserted { presented, text, facts, now };
            return Box::pin(self.judge_assertion(asserted, named)).await;
        }
        let found = match &presented.unverified_client_id {
            Some(id) => match self.client_presented(id).await? {
                Ok(found) => found,
                Err(refusal) => return Ok(Err(refusal)),
            },
            None => None,
        };
        *named = found.as_deref().filter(|application| application.is_stored()).map(|found| found.id);
        let needs_certificate = |application: &&Arc<Application>| {
            AcceptedCredential::of(&application.settings) == AcceptedCredential::Certificate
        };
        if let Some(application) = found.as_ref().filter(needs_certificate) {
            // Boxed, so that secrets do not pay for it.
            return Ok(Box::pin(self.judge_certificate(presented, application, facts, now)).await);
        }
        let is_secret =
            |given: &ClientSecret, stored: &StoredSecret| self.vault.secret_matches(given, &stored.digest);
        Ok(authenticate(presented, found, now, is_secret))
    }

    async fn judge_certificate(
        &self,
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
        &self,
        presented: &Presented,
        facts: RequestFacts<'_>,
        now: Timestamp,
        named: &mut Option<ApplicationId>,
    ) -> Result<Result<AuthenticatedClient, Refusal>, Fault> {
        ChangeFeed::of(self).ensure_polled_since(self.clock.steady_micros()).await?;
        if let ClientCredential::Assertion(text) = &presented.credential
            && let Ok(id) = assertion::client_of(presented, text.expose())
            && let Err(refusal) = self.find_new_keys(&id).await?
        {
            return Ok(Err(refusal));
        }
        self.judge_client(presented, facts, now, named).await
    }

    /// Counts something that strangers may leave too, if they can send requests as this client.
    ///
    /// # Errors
    /// [`ProtocolRefusal::TooOften`], if their network has left too much.
    pub(crate) fn leave_as(
        &self,
        client: &AuthenticatedClient,
        left: Left,
        origin: &RequestOrigin,
    ) -> Result<(), ProtocolRefusal> {
        if !client.application().is_open_to_strangers() {
            return Ok(());
        }
        self.leave_from(left, origin.network())
    }

    /// Counts something that somebody in a network leaves.
    ///
    /// # Errors
    /// [`ProtocolRefusal::TooOften`], if the network has left too much.
    pub(crate) fn leave_from(&self, left: Left, network: Option<Network>) -> Result<(), ProtocolRefusal> {
        self.strangers.leave(left, network, self.now()).map_err(|wait| self.too_often(wait))
    }

    /// The refusal by a rate limit, which is counted.
    pub(crate) fn too_often(&self, retry_after_secs: u32) -> ProtocolRefusal {
        ProtocolRefusal::TooOften { retry_after_secs: self.metrics.count_rate_limited(retry_after_secs) }
    }

    async fn note_failed_authentication(
        &self,
        named: Option<ApplicationId>,
        refusal: Refusal,
        origin: &RequestOrigin,
    ) -> Result<(), StoreError> {
        let mut audit = origin.audit(Action::AuthenticateClient, Outcome::Refused, self.now());
        audit.application = named;
        audit.detail = Some(refusal.to_string());
        self.store.append_audit(vec![audit]).await
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
    )
}
