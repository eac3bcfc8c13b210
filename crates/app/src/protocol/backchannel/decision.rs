//! What a user is asked, and what the user decides.

use std::sync::Arc;

use domain::id::BackchannelAuthenticationId;
use domain::time::Timestamp;
use oauth::application::Application;
use oauth::authorize::{Choice, DataQuestion};
use oauth::backchannel::{self, AnswerRefusal, BackchannelAuthentication};
use oauth::scope::ScopeRegistry;

use super::{BackchannelService, MOST_WAITING};
use crate::Fault;
use crate::identity::caller::{LiveSession, RequestOrigin};
use crate::node::access_note;
use crate::node::entity_cache::Entities;
use crate::protocol::access_request::{AccessDecisions, AccessRequest, JudgedDecision, NotStored};
use crate::protocol::authorize::ConsentDecision;

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
    /// Whether somebody who runs this server answers for it.
    pub is_verified: bool,
    /// The descriptions of the requested scopes.
    pub scopes: Vec<String>,
    /// The data sources that it asks for; `None` if it asks for no data.
    pub data: Option<DataQuestion>,
    /// Whether the user must enter the password again before allowing it.
    pub needs_sign_in: bool,
}

/// What became of a decision.
#[derive(Debug)]
pub enum BackchannelAnswer {
    /// It was carried out; the name of the application.
    Done(String),
    /// The user must choose other data, and is asked again.
    ChooseAgain(Box<BackchannelQuestion>),
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
    /// The application demands a second factor, and the user has none.
    #[error("set up a second factor first")]
    SecondFactorMissing,
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
    is_verified: bool,
    registry: Arc<ScopeRegistry>,
}

impl Open {
    fn access(&self) -> AccessRequest<'_> {
        AccessRequest { request: self.request.polled(), registry: &self.registry }
    }

    fn question(self, data: Option<DataQuestion>, session: &LiveSession) -> BackchannelQuestion {
        BackchannelQuestion {
            is_verified: self.is_verified,
            needs_sign_in: self.request.needs_sign_in(session.session.auth_time),
            scopes: self.access().descriptions(),
            request: self.request,
            application: self.application,
            data,
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
            let application = self.context.store.find_application(request.application).await?;
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
        if session.lacks_second_factor_for(&open.application) {
            return Err(BackchannelRefusal::SecondFactorMissing);
        }
        let offer = AccessDecisions::of(&self.context).offer_of(open.access(), session.session.user).await?;
        Ok(open.question(offer.map(DataQuestion::from), session))
    }

    /// Carries out the user's decision. Without a `choice`, everything that the page offered is allowed.
    ///
    /// # Errors
    /// [`BackchannelRefusal`]; nothing was stored then.
    pub async fn decide(
        &self,
        id: BackchannelAuthenticationId,
        session: &LiveSession,
        decision: ConsentDecision,
        choice: Option<&Choice>,
        origin: &RequestOrigin,
    ) -> Result<BackchannelAnswer, BackchannelRefusal> {
        let open = self.find(id, session).await?;
        if decision == ConsentDecision::Allow && open.request.needs_sign_in(session.session.auth_time) {
            return Err(BackchannelRefusal::SignInAgain);
        }
        if decision == ConsentDecision::Allow && session.lacks_second_factor_for(&open.application) {
            return Err(BackchannelRefusal::SecondFactorMissing);
        }
        let judged = AccessDecisions::of(&self.context)
            .judge(open.access(), session, decision, choice, origin)
            .await?;
        let (answer, audit) = match judged {
            JudgedDecision::Storable(storable) => *storable,
            JudgedDecision::ChooseAgain(data) => {
                let question = open.question(data.map(|data| *data), session);
                return Ok(BackchannelAnswer::ChooseAgain(Box::new(question)));
            }
        };
        let user = session.session.user;
        let answered = self.context.store.answer_backchannel_authentication(id, user, answer, audit).await?;
        match AccessDecisions::of(&self.context).settle(answered, session, origin).await {
            Ok(()) => Ok(BackchannelAnswer::Done(open.application.settings.name.clone())),
            Err(NotStored::Closed) => Err(AnswerRefusal::Decided.into()),
            Err(NotStored::SignInAgain) => Err(BackchannelRefusal::SignInAgain),
        }
    }

    async fn find(
        &self,
        id: BackchannelAuthenticationId,
        session: &LiveSession,
    ) -> Result<Open, BackchannelRefusal> {
        let found = self.context.store.find_backchannel_authentication(id).await?;
        let (user, epoch) = (session.session.user, session.session.user_epoch);
        let request = backchannel::find_open(found, user, epoch, self.context.now())?;
        let application = self.context.store.find_application(request.application).await?;
        let application = application.filter(|found| found.epoch == request.application_epoch);
        let application = application.ok_or(AnswerRefusal::Expired)?;
        access_note::application(application.id);
        let is_verified = Entities::of(&self.context).is_verified(&application).await?;
        Ok(Open {
            request,
            application,
            is_verified,
            registry: Entities::of(&self.context).scope_registry().await?,
        })
    }
}
