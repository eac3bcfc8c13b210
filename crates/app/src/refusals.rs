//! Requests that are refused before anybody has proved who asks, or although somebody has: the one place through which
//! they reach the audit log.
//!
//! They cost a stranger nothing, so what is written is bounded by what no stranger can name: by the reason, and by who
//! proved to be asking ([`crate::repeats`]). A refusal stands whether or not it can be written down.

use oauth::audit::{Action, NewAuditEvent, Outcome};
use oauth::id::UserId;
use oauth::sealed::AccessToken;

use crate::caller::{Caller, Origin};
use crate::repeats::Noted;
use crate::{App, Fault};

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A form of our pages without the value that was rendered for this browser.
    ForgedForm,
    /// A change by session cookie without the right `X-CSRF-Token`.
    CsrfTokenWrong,
    /// A change with a cookie or Basic, asked for by a page of another origin.
    AnotherOrigin,
    /// An `Authorization` header of a person or of a client that cannot be read.
    AuthorizationMalformed,
    /// A request of a client that names none.
    ClientUnnamed,
    /// A bearer token that this server did not issue.
    TokenUnknown,
    /// A bearer token that has expired.
    TokenExpired,
    /// A bearer token that was revoked, or whose user is no longer active.
    TokenRevoked,
    /// An application that does not exist or is somebody else's.
    ApplicationOutOfReach,
    /// A data source that does not exist or is somebody else's.
    DataSourceOutOfReach,
    /// An application that the user has not allowed.
    NotAllowed,
}

impl Reason {
    /// The reason in words, as the audit log shows it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::ForgedForm => "a form that was not rendered for this browser",
            Self::CsrfTokenWrong => "a change by cookie without the right X-CSRF-Token",
            Self::AnotherOrigin => "a change that a page of another origin asked for",
            Self::AuthorizationMalformed => "an Authorization header that cannot be read",
            Self::ClientUnnamed => "a request that names no client",
            Self::TokenUnknown => "an access token that this server did not issue",
            Self::TokenExpired => "an access token that has expired",
            Self::TokenRevoked => "an access token that was revoked",
            Self::ApplicationOutOfReach => "no application of that id within reach",
            Self::DataSourceOutOfReach => "no data source of that id within reach",
            Self::NotAllowed => "no application of that id among those that the user has allowed",
        }
    }
}

/// Why an access token proves nothing.
#[derive(Debug)]
pub(crate) enum DeadToken {
    /// Not sealed here.
    Unknown,
    /// Too old.
    Expired(AccessToken),
    /// Ended before its time.
    Revoked(AccessToken),
}

impl App {
    /// Writes down that a request was refused; `caller` is who proved to be asking, if anybody did.
    pub async fn note_refused_request(&self, reason: Reason, caller: Option<&Caller>, origin: &Origin) {
        let event = self.refusing(caller, origin);
        let noted = Noted::request(reason, event.actor, event.application);
        self.write_refusal(reason, noted, event).await;
    }

    /// Writes down that somebody asked for what is not within reach; `subject` names it by its kind and id.
    pub(crate) async fn note_out_of_reach(
        &self,
        reason: Reason,
        caller: &Caller,
        subject: String,
        origin: &Origin,
    ) {
        let mut event = self.refusing(Some(caller), origin);
        let noted = Noted::request(reason, event.actor, event.application);
        event.subject = Some(subject);
        self.write_refusal(reason, noted, event).await;
    }

    /// Writes down that a token proved nothing. That of a live grant expires every hour, so those that expired are bounded
    /// together.
    pub(crate) async fn note_dead_token(&self, dead: &DeadToken, origin: &Origin) {
        let mut event = self.refusing(None, origin);
        let (reason, token) = match dead {
            DeadToken::Unknown => (Reason::TokenUnknown, None),
            DeadToken::Expired(token) => (Reason::TokenExpired, Some(token)),
            DeadToken::Revoked(token) => (Reason::TokenRevoked, Some(token)),
        };
        if let Some(token) = token {
            event.application = Some(token.application);
            self.name_user(&mut event, token.user).await;
        }
        let noted = match reason {
            Reason::TokenRevoked => Noted::request(reason, event.actor, event.application),
            _ => Noted::request(reason, None, None),
        };
        self.write_refusal(reason, noted, event).await;
    }

    /// Names the user whose access an event is about; one who is gone by id alone.
    pub(crate) async fn name_user(&self, event: &mut NewAuditEvent, user: UserId) {
        event.actor = Some(user);
        if let Ok(Some(member)) = self.member(user).await {
            event.actor_name = Some(member.user.name.clone());
        }
    }

    fn refusing(&self, caller: Option<&Caller>, origin: &Origin) -> NewAuditEvent {
        let (action, now) = (Action::RefuseAccess, self.now());
        let mut event = match caller {
            Some(caller) => caller.audit(action, now, origin),
            None => origin.audit(action, Outcome::Refused, now),
        };
        event.outcome = Outcome::Refused;
        event
    }

    async fn write_refusal(&self, reason: Reason, noted: Noted, mut event: NewAuditEvent) {
        event.detail = Some(reason.as_str().to_owned());
        if let Err(error) = self.note_refused_as(noted, event).await {
            Fault::from(error).note("a refusal is missing in the audit log");
        }
    }
}
