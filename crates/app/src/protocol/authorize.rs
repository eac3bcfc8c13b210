//! The authorization endpoint: from a client's request through sign-in and consent to a code.

use std::sync::Arc;

use domain::account::network::Network;
use domain::audit::{Action, NewAuditEvent};
use oauth::application::Application;
use oauth::authorize::{
    self, AcceptedSignIn, AuthorizeRefusal, AuthorizeRequest, Choice, DataChange, DataQuestion, Delivered,
    Facts, Judgement, NextStep, ValidRequest,
};
use oauth::parameters::Parameters;
use oauth::refusal::Refusal;
use oauth::scope::ScopeRegistry;
use store::{NewConsent, StoredConsent};

use crate::identity::caller::RequestOrigin;
use crate::identity::refusals::Refusals;
use crate::node::entity_cache::Entities;
use crate::node::lifetimes::revocations_expire_at;
use crate::node::refusal_reason::RefusalReason;
use crate::node::revocations::Revocations;
use crate::protocol::client_document::DescribedClients;
use crate::protocol::data_access::{ReachableData, chosen_in_words};
use crate::protocol::id_token_hint::IdTokenHints;
use crate::{Context, Fault, node::access_note};

mod browser;
mod consent;
mod leaving;
mod received;
mod requesting;
mod response;
mod sign_in;

pub use browser::{RequestingBrowser, SignedInBrowser};
pub use consent::ConsentQuestion;
pub use leaving::LeavingError;
use received::{Received, RequestReference};
pub use requesting::RequestingApplication;
pub use response::ClientResponse;

/// What the browser shows next.
#[derive(Debug)]
pub enum AuthorizeAnswer {
    /// A page that says what is wrong; the client is not informed.
    Page(Refusal),
    /// The response, on its way to an address that was validated as one of the client's.
    Respond(ClientResponse),
    /// The sign-in page, followed by the same request again.
    SignIn {
        /// The request as a query string.
        query: String,
    },
    /// The page on which the user sets up a second factor, followed by the same request again.
    SetUpSecondFactor {
        /// The request as a query string.
        query: String,
    },
    /// The consent page.
    Consent(Box<ConsentQuestion>),
    /// The page on which the user decides whether an error goes to a stranger.
    Leave(Box<LeavingError>),
}

/// The button that was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentDecision {
    /// Allow.
    Allow,
    /// Deny.
    Deny,
    /// Look at other data sources first; nothing is decided.
    Browse,
}

impl ConsentDecision {
    /// What is recorded; `None` if nothing is decided.
    pub(crate) const fn action(self) -> Option<Action> {
        match self {
            Self::Allow => Some(Action::AllowApplication),
            Self::Deny => Some(Action::DenyApplication),
            Self::Browse => None,
        }
    }
}

/// A request that cannot be shown to a user.
struct Refused {
    refusal: AuthorizeRefusal,
    /// The pushed request that is answered when the error leaves.
    pushed: Option<RequestReference>,
}

impl Refused {
    /// Refused before its parameters were found.
    fn unread(refusal: AuthorizeRefusal) -> Self {
        Self { refusal, pushed: None }
    }
}

/// A validated request that can be shown to a user, with its application.
struct Checked {
    request: AuthorizeRequest,
    pushed: Option<RequestReference>,
    delivered: Delivered,
    valid: ValidRequest,
    application: Arc<Application>,
    registry: Arc<ScopeRegistry>,
    /// The `sub` values by which the request identifies the user.
    expected: Vec<String>,
    /// The network of the browser.
    network: Option<Network>,
}

impl Checked {
    /// The request as a query string, for the form of the consent page.
    fn query(&self) -> String {
        match &self.pushed {
            Some(pushed) => self.request.query_of_pushed(&pushed.request_uri),
            None => self.request.query(),
        }
    }

    /// The same for the return after a sign-in.
    fn query_after_sign_in(&self) -> String {
        match &self.pushed {
            Some(_) => self.query(),
            None => self.request.query_after_sign_in(),
        }
    }
}

/// The authorization endpoint: checks a request, asks for consent, sends codes.
#[derive(Clone)]
pub struct AuthorizationService {
    context: Arc<Context>,
}

service!(AuthorizationService);

impl AuthorizationService {
    /// Handles an authorization request.
    ///
    /// # Errors
    /// If the server fails; faults of the client or the user are an [`AuthorizeAnswer`].
    pub async fn authorize(
        &self,
        parameters: &Parameters,
        browser: RequestingBrowser<'_>,
        origin: &RequestOrigin,
    ) -> Result<AuthorizeAnswer, Fault> {
        let valid = match self.check_request(parameters, Some(origin)).await? {
            Ok(valid) => valid,
            Err(refused) => return self.refused(&refused, parameters, browser, origin).await,
        };
        let session = browser.session;
        let signed_in = session.map(|session| sign_in::signed_in(&valid, session));
        let user = session.map(|session| session.session.user);
        let consent = match user {
            Some(user) => self.context.store.find_consent(user, valid.application.id).await?,
            None => None,
        };
        match authorize::next_step(
            &valid.valid,
            signed_in,
            consent.as_ref(),
            &valid.registry,
            self.context.now(),
        ) {
            Err(refused) => self.leave_checked(&valid, &refused, browser).await,
            Ok(NextStep::IssueCode(approval)) => self.send_code(&valid, approval, browser).await,
            Ok(NextStep::SignIn) => self.ask_to_sign_in(valid).await,
            Ok(NextStep::SetUpSecondFactor) => self.ask_for_second_factor(valid).await,
            Ok(NextStep::Consent { .. }) => {
                let offer = match user {
                    Some(user) => self.offer(&valid, user, consent.as_ref()).await?,
                    None => None,
                };
                if offer.as_ref().is_some_and(|offer| offer.names_unknown) {
                    return self.leave_checked(&valid, &valid.valid.refuse_datatypes(), browser).await;
                }
                self.ask_consent(valid, offer.map(DataQuestion::from)).await
            }
        }
    }

    /// Carries out the user's decision on the consent page. The request is validated again, because the
    /// content of a form proves nothing. Without a `choice`, everything that the page offered is allowed.
    ///
    /// # Errors
    /// If the decision cannot be stored; nothing was allowed then.
    pub async fn decide_consent(
        &self,
        parameters: &Parameters,
        browser: SignedInBrowser<'_>,
        decision: ConsentDecision,
        choice: Option<&Choice>,
        origin: &RequestOrigin,
    ) -> Result<AuthorizeAnswer, Fault> {
        let mut checked = self.check_request(parameters, Some(origin)).await?;
        if let Ok(valid) = &checked
            && decision == ConsentDecision::Allow
            && DescribedClients::of(&self.context).store(&valid.application, origin).await?
        {
            checked = self.check_request(parameters, Some(origin)).await?;
        }
        let valid = match checked {
            Ok(valid) => valid,
            Err(refused) => return self.refused(&refused, parameters, browser.into(), origin).await,
        };
        let session = browser.session;
        let Some(action) = decision.action() else {
            return self.ask_meanwhile(valid, session.session.user, choice).await;
        };
        let mut audit = session.caller.audit(action, self.context.now(), origin);
        audit.application = Some(valid.application.id);
        audit.subject = Some(valid.registry.text(valid.valid.consent_scopes()));
        if decision == ConsentDecision::Deny {
            self.context.store.append_audit(vec![audit]).await?;
            return self.deny(&valid, browser.into()).await;
        }
        // The sign-in may have become too old while the page was open, and a form proves nothing.
        let signed_in = sign_in::signed_in(&valid, session);
        match authorize::accept_sign_in(&valid.valid, Some(signed_in), self.context.now()) {
            Ok(Judgement::Accepted(signed_in)) => {
                self.allow(valid, browser, &signed_in, choice, audit, origin).await
            }
            Ok(Judgement::Again) => self.ask_to_sign_in(valid).await,
            Ok(Judgement::WithoutSecondFactor) => self.ask_for_second_factor(valid).await,
            Err(refused) => self.leave_checked(&valid, &refused, browser.into()).await,
        }
    }

    /// Stores the consent and sends a code, or asks again if the user must choose other data.
    async fn allow(
        &self,
        valid: Checked,
        browser: SignedInBrowser<'_>,
        signed_in: &AcceptedSignIn,
        choice: Option<&Choice>,
        mut audit: NewAuditEvent,
        origin: &RequestOrigin,
    ) -> Result<AuthorizeAnswer, Fault> {
        let session = browser.session;
        let user = session.session.user;
        let before = self.context.store.find_consent(user, valid.application.id).await?;
        let offer = self.offer(&valid, user, before.as_ref()).await?;
        if offer.as_ref().is_some_and(|offer| offer.names_unknown) {
            return self.leave_checked(&valid, &valid.valid.refuse_datatypes(), browser.into()).await;
        }
        let chosen = match &offer {
            Some(offer) => authorize::choose(offer, choice),
            None => Ok(DataChange::keep()),
        };
        let data = match chosen {
            Ok(data) => data,
            Err(rejected) => {
                let asked = offer.map(|offer| DataQuestion::again(offer, *rejected));
                return self.ask_consent(valid, asked).await;
            }
        };
        audit.detail = offer.as_ref().map(|offer| chosen_in_words(offer, &data));
        let new = NewConsent {
            data: data.clone(),
            user,
            user_epoch: session.session.user_epoch,
            application: valid.application.id,
            application_epoch: valid.application.epoch,
            scopes: valid.valid.consent_scopes().clone(),
            revocations_expire_at: revocations_expire_at(self.context.now()),
        };
        let Some(StoredConsent { consent, ended }) = self.context.store.allow(new, audit).await? else {
            // The session has ended, or the password or the application's secret has changed, so the user is asked again.
            Refusals::of(&self.context)
                .note_request(RefusalReason::PasswordChanged, Some(&session.caller), origin)
                .await;
            return self.ask_to_sign_in(valid).await;
        };
        Revocations::of(&self.context).apply(&ended);
        match authorize::approve_chosen(&valid.valid, signed_in, &consent, &data, &valid.registry) {
            Some(approval) => self.send_code(&valid, approval, browser.into()).await,
            None => Ok(AuthorizeAnswer::Page(Refusal::UnknownClientId)),
        }
    }

    /// With the origin of a browser that presents the request; without one, a pushed request is only read.
    async fn check_request(
        &self,
        parameters: &Parameters,
        origin: Option<&RequestOrigin>,
    ) -> Result<Result<Checked, Refused>, Fault> {
        let received = match self.receive(parameters, origin).await? {
            Ok(received) => received,
            Err(refused) => return Ok(Err(Refused::unread(refused))),
        };
        let Received { request, application: found, pushed, delivered } = received;
        let registry = Entities::of(&self.context).scope_registry().await?;
        // Nothing is looked up for a request that names no application.
        let (resources, data) = match &found {
            None => (Ok(Vec::new()), Ok(None)),
            Some(_) => ReachableData::of(&self.context).limits_of_request(&request).await?,
        };
        let facts = Facts {
            data: &data,
            application: found.as_deref(),
            scopes: &registry,
            delivered,
            resources: &resources,
            pushing_is_required: self.context.settings.require_pushed_requests,
            signing_is_required: found
                .as_ref()
                .is_some_and(|application| self.context.settings.signing_is_required(application)),
            messages_are_signed: found.as_ref().is_some_and(|application| {
                self.context.settings.signs_messages(application.settings.profile)
            }),
        };
        match (authorize::check(&request, facts), found) {
            (Ok(valid), Some(application)) => {
                access_note::application(application.id);
                let expected =
                    match IdTokenHints::of(&self.context).expected_subjects(&request, &valid, &application) {
                        Ok(expected) => expected,
                        Err(refusal) => return Ok(Err(Refused { refusal, pushed })),
                    };
                Ok(Ok(Checked {
                    request,
                    pushed,
                    delivered,
                    valid,
                    application,
                    registry,
                    expected,
                    network: origin.and_then(RequestOrigin::network),
                }))
            }
            (Ok(_), None) => Ok(Err(Refused::unread(AuthorizeRefusal::Page(Refusal::UnknownClientId)))),
            (Err(refusal), _) => Ok(Err(Refused { refusal, pushed })),
        }
    }

    /// The page on which a second factor is set up. A request object is stored before, as for a sign-in; a demand for a new
    /// sign-in was met before the user was led there.
    async fn ask_for_second_factor(&self, checked: Checked) -> Result<AuthorizeAnswer, Fault> {
        Ok(match self.ask_to_sign_in(checked).await? {
            AuthorizeAnswer::SignIn { query } => AuthorizeAnswer::SetUpSecondFactor { query },
            other => other,
        })
    }

    /// The sign-in page. A request object is stored before, because it may expire meanwhile.
    async fn ask_to_sign_in(&self, mut checked: Checked) -> Result<AuthorizeAnswer, Fault> {
        match self.keep_object(&mut checked).await? {
            Ok(()) => Ok(AuthorizeAnswer::SignIn { query: checked.query_after_sign_in() }),
            Err(refusal) => Ok(AuthorizeAnswer::Page(refusal)),
        }
    }
}
