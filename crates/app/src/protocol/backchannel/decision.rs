//! What a user is asked, and what the user decides.

use std::sync::Arc;

use domain::audit::{Action, NewAuditEvent};
use domain::id::BackchannelAuthenticationId;
use domain::time::Timestamp;
use oauth::application::Application;
use oauth::authorize::{self, Choice, DataChange, Offer, RequestedSource};
use oauth::backchannel::{self, AnswerRefusal, BackchannelAuthentication};
use oauth::grant::GrantDetails;
use oauth::oidc::authentication::SignInDetails;
use oauth::scope::{BuiltInScope, ScopeRegistry};
use store::{AccessAnswer, AccessAnswered, NewConsent};

use super::{BackchannelService, MOST_WAITING};
use crate::Fault;
use crate::identity::access_note;
use crate::identity::caller::{LiveSession, RequestOrigin};
use crate::node::refusal_reason::RefusalReason;
use crate::protocol::authorize::Decision;

/// A request that waits for the user's decision, for a list.
#[derive(Debug)]
pub struct WaitingRequest {
    /// The number in the address of its page.
    pub id: BackchannelAuthenticationId,
    /// The name of the application.
    pub application: String,
    /// The message that the application shows too.
    pub binding_message: Option<String>,
    /// When the application asked.
    pub asked_at: Timestamp,
    /// When the request expires.
    pub expires_at: Timestamp,
}

/// Everything that a person must know to decide about a request.
#[derive(Debug)]
pub struct BackchannelQuestion {
    /// The stored request.
    pub request: BackchannelAuthentication,
    /// The application that asks.
    pub application: Application,
    /// The descriptions of the requested scopes.
    pub scopes: Vec<String>,
    /// The data sources that it asks for; `None` if it asks for no data.
    pub data: Option<Offer>,
    /// Whether the user must enter the password again before allowing it.
    pub needs_sign_in: bool,
}

/// What became of a decision.
#[derive(Debug)]
pub enum BackchannelAnswer {
    /// It was carried out; the name of the application.
    Done(String),
    /// The user pressed Allow without choosing any data, and is asked again.
    NothingChosen(Box<BackchannelQuestion>),
}

/// Why a user cannot decide.
#[derive(Debug, thiserror::Error)]
pub enum BackchannelRefusal {
    /// A rule refused it.
    #[error(transparent)]
    Refused(#[from] AnswerRefusal),
    /// The user has signed out or has changed the password, or the request demands a newer sign-in.
    #[error("sign in again")]
    SignInAgain,
    /// The server cannot do this at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<store::StoreError> for BackchannelRefusal {
    fn from(error: store::StoreError) -> Self {
        Self::Fault(error.into())
    }
}

/// An open request, with what belongs to it.
struct Open {
    request: BackchannelAuthentication,
    application: Application,
    registry: Arc<ScopeRegistry>,
}

impl Open {
    fn question(self, data: Option<Offer>, session: &LiveSession) -> BackchannelQuestion {
        let scopes = self.registry.scopes_in(&self.request.scopes);
        BackchannelQuestion {
            needs_sign_in: self.request.needs_sign_in(session.session.auth_time),
            scopes: scopes.map(|scope| scope.description.clone()).collect(),
            request: self.request,
            application: self.application,
            data,
        }
    }

    /// What is stored if the user allows it with this change of the consent.
    fn allowed(
        &self,
        session: &LiveSession,
        data: DataChange,
        revocations_expire_at: Timestamp,
    ) -> AccessAnswer {
        let auth_time = session.session.auth_time.as_secs();
        AccessAnswer::Allow {
            details: Box::new(GrantDetails {
                data: data.chosen().map(Box::new),
                // The browser in which the user decides is not the one that the application signs in.
                sign_in: Some(SignInDetails { auth_time, sid: None }),
                ..self.request.details.clone()
            }),
            consent: NewConsent {
                user: session.session.user,
                user_epoch: session.session.user_epoch,
                application: self.application.id,
                application_epoch: self.request.application_epoch,
                scopes: self.request.scopes.clone(),
                data,
                revocations_expire_at,
            },
        }
    }
}

impl BackchannelService {
    /// The requests that wait for the user of a session, oldest first; at most ten.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn waiting(&self, session: &LiveSession) -> Result<Vec<WaitingRequest>, Fault> {
        let (user, epoch, now) = (session.session.user, session.session.user_epoch, self.context.now());
        let store = &self.context.store;
        let found = store.list_waiting_backchannel_authentications(user, epoch, now, MOST_WAITING).await?;
        let mut waiting = Vec::with_capacity(found.len());
        for request in found {
            let application = self.context.application(request.application).await?;
            let application = application.filter(|found| found.epoch == request.application_epoch);
            waiting.extend(application.map(|application| WaitingRequest {
                id: request.id,
                application: application.settings.name.clone(),
                binding_message: request.binding_message,
                asked_at: request.created_at,
                expires_at: request.expires_at,
            }));
        }
        Ok(waiting)
    }

    /// What the request with this number asks of the user.
    ///
    /// # Errors
    /// [`BackchannelRefusal`].
    pub async fn question(
        &self,
        id: BackchannelAuthenticationId,
        session: &LiveSession,
    ) -> Result<BackchannelQuestion, BackchannelRefusal> {
        let open = self.find(id, session).await?;
        let offer = self.offer(&open.request, session).await?;
        Ok(open.question(offer, session))
    }

    /// Carries out the user's decision. Without a `choice`, everything that the page offered is allowed.
    ///
    /// # Errors
    /// [`BackchannelRefusal`]; nothing was stored then.
    pub async fn decide(
        &self,
        id: BackchannelAuthenticationId,
        session: &LiveSession,
        decision: Decision,
        choice: Option<&Choice>,
        origin: &RequestOrigin,
    ) -> Result<BackchannelAnswer, BackchannelRefusal> {
        let open = self.find(id, session).await?;
        let answer = match decision {
            Decision::Deny => AccessAnswer::Deny,
            Decision::Allow if open.request.needs_sign_in(session.session.auth_time) => {
                return Err(BackchannelRefusal::SignInAgain);
            }
            Decision::Allow => {
                let offer = self.offer(&open.request, session).await?;
                let change = match &offer {
                    Some(offer) => authorize::choose(offer, choice),
                    None => Some(DataChange::Keep),
                };
                let Some(data) = change else {
                    return Ok(BackchannelAnswer::NothingChosen(Box::new(open.question(offer, session))));
                };
                open.allowed(session, data, self.context.revocations_expire_at())
            }
        };
        let audit = self.audit(&open, session, decision, origin);
        let user = session.session.user;
        match self.context.store.answer_backchannel_authentication(id, user, answer, audit).await? {
            AccessAnswered::Stored(ended) => {
                self.context.apply_revocations(&ended);
                Ok(BackchannelAnswer::Done(open.application.settings.name.clone()))
            }
            AccessAnswered::Closed => Err(AnswerRefusal::Decided.into()),
            AccessAnswered::Gone => {
                let reason = RefusalReason::PasswordChanged;
                self.context.note_refused_request(reason, Some(&session.caller), origin).await;
                Err(BackchannelRefusal::SignInAgain)
            }
        }
    }

    /// The data that the page offers; `None` if the application asks for none.
    async fn offer(
        &self,
        request: &BackchannelAuthentication,
        session: &LiveSession,
    ) -> Result<Option<Offer>, Fault> {
        if !request.scopes.contains(BuiltInScope::OData) {
            return Ok(None);
        }
        let named = request.details.data.as_deref().map(RequestedSource::all_of);
        self.context.offer(named.as_deref(), session.session.user, None).await.map(Some)
    }

    fn audit(
        &self,
        open: &Open,
        session: &LiveSession,
        decision: Decision,
        origin: &RequestOrigin,
    ) -> NewAuditEvent {
        let action = match decision {
            Decision::Allow => Action::AllowApplication,
            Decision::Deny => Action::DenyApplication,
        };
        let mut audit = session.caller.audit(action, self.context.now(), origin);
        audit.application = Some(open.application.id);
        audit.subject = Some(open.registry.text(&open.request.scopes));
        audit.detail = Some("asked by the application".to_owned());
        audit
    }

    async fn find(
        &self,
        id: BackchannelAuthenticationId,
        session: &LiveSession,
    ) -> Result<Open, BackchannelRefusal> {
        let found = self.context.store.find_backchannel_authentication(id).await?;
        let (user, epoch) = (session.session.user, session.session.user_epoch);
        let request = backchannel::find_open(found, user, epoch, self.context.now())?;
        let application = self.context.application(request.application).await?;
        let application = application.filter(|found| found.epoch == request.application_epoch);
        let application = application.ok_or(AnswerRefusal::Expired)?;
        access_note::application(application.id);
        Ok(Open { request, application, registry: self.context.scope_registry().await? })
    }
}
