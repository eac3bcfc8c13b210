//! Logout by an application ([RP-Initiated Logout](https://openid.net/specs/openid-connect-rpinitiated-1_0.html)), and
//! notifying applications that a session has ended.

use std::sync::Arc;

use domain::audit::Action;
use oauth::application::Application;
use oauth::oidc::logout::{self, CurrentSession, LogoutDecision, LogoutRequest, Onward};
use oauth::parameters::Parameters;
use oauth::refusal::Refusal;

use crate::identity::caller::{LiveSession, RequestOrigin};
use crate::identity::sessions::Sessions;
use crate::node::entity_cache::Entities;
use crate::protocol::id_token_hint::IdTokenHints;
use crate::{Context, Fault};

/// What follows a logout request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogoutAnswer {
    /// A page that says what is wrong; nothing has ended.
    Refused(Refusal),
    /// The user is asked.
    Ask {
        /// The name of the application that asks for it, if the request names one.
        application: Option<String>,
        /// Where the browser goes after the user has agreed, if the request says so.
        onward: Option<Onward>,
    },
    /// Nobody is signed in at this browser any more.
    Done(AfterLogout),
}

/// What the browser does after a logout.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AfterLogout {
    /// The pages of applications to be loaded in frames ([Front-Channel
    /// Logout §3](https://openid.net/specs/openid-connect-frontchannel-1_0.html#OPLogout)).
    pub frames: Vec<String>,
    /// Where the browser goes afterwards.
    pub onward: Option<Onward>,
}

/// Logout by an application.
#[derive(Clone)]
pub struct LogoutService {
    context: Arc<Context>,
}

service!(LogoutService);

impl LogoutService {
    /// Handles a logout request. A request that proves with an ID token that it comes from an application of this
    /// session ends it; otherwise the user is asked.
    ///
    /// # Errors
    /// If the server fails; a fault of the request is [`LogoutAnswer::Refused`].
    pub async fn request(
        &self,
        parameters: &Parameters,
        session: Option<&LiveSession>,
        origin: &RequestOrigin,
    ) -> Result<LogoutAnswer, Fault> {
        let (decided, application) = match self.decide(parameters, session).await? {
            Ok(decided) => decided,
            Err(refusal) => return Ok(LogoutAnswer::Refused(refusal)),
        };
        if decided.asks {
            let application = application.map(|one| one.settings.name.clone());
            return Ok(LogoutAnswer::Ask { application, onward: decided.onward });
        }
        self.end(decided, session, origin).await
    }

    /// Ends the session after the user has agreed. The request is validated again, because the content of a form proves
    /// nothing.
    ///
    /// # Errors
    /// As for [`LogoutService::request`].
    pub async fn confirm(
        &self,
        parameters: &Parameters,
        session: &LiveSession,
        origin: &RequestOrigin,
    ) -> Result<LogoutAnswer, Fault> {
        match self.decide(parameters, Some(session)).await? {
            Ok((decided, _)) => {
                let onward = decided.onward.map(Onward::agreed);
                self.end(LogoutDecision { onward, ..decided }, Some(session), origin).await
            }
            Err(refusal) => Ok(LogoutAnswer::Refused(refusal)),
        }
    }

    async fn decide(
        &self,
        parameters: &Parameters,
        session: Option<&LiveSession>,
    ) -> Result<Result<(LogoutDecision, Option<Arc<Application>>), Refusal>, Fault> {
        let request = match LogoutRequest::parse(parameters) {
            Ok(request) => request,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let hint = request.hint.as_deref().and_then(|text| IdTokenHints::of(&self.context).read(text));
        let named = hint.as_ref().map(|hint| &hint.client_id).or(request.client_id.as_ref());
        let application = match named {
            Some(id) => Entities::of(&self.context).application_by_client_id(id).await?,
            None => None,
        };
        let subject = session.zip(application.as_deref()).map(|(session, application)| {
            crate::subject::subject_of(&session.caller.account().user, application)
        });
        let current = session.map(|session| CurrentSession {
            subject: subject.as_deref().unwrap_or_default(),
            sid: session.session.sid.as_deref(),
        });
        let decided = logout::decide(&request, hint.as_ref(), application.as_deref(), current);
        Ok(decided.map(|decided| (decided, application)))
    }

    async fn end(
        &self,
        decided: LogoutDecision,
        session: Option<&LiveSession>,
        origin: &RequestOrigin,
    ) -> Result<LogoutAnswer, Fault> {
        let frames = match session {
            Some(live) => {
                let audit = live.caller.audit(Action::SignOut, self.context.now(), origin);
                Sessions::of(&self.context).end(&live.session, audit).await?
            }
            None => Vec::new(),
        };
        Ok(LogoutAnswer::Done(AfterLogout { frames, onward: decided.onward }))
    }
}
