//! Refused requests, whether or not the caller was authenticated. They reach the audit log only through this
//! module.
//!
//! Refusals cost a stranger nothing, so the number that is written is bounded by keys that a stranger cannot
//! choose: the reason, and the authenticated caller ([`crate::node::audit_throttle`]). A refusal stands whether or not it
//! can be recorded.

use std::sync::Arc;

use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::ApplicationId;
use oauth::client_authentication::AuthenticatedClient;
use oauth::refusal::Refusal;
use oauth::token_payload::AccessToken;
use store::Judged;

use crate::identity::caller::{Caller, RequestOrigin};
use crate::node::audit_throttle::{ThrottleKey, ThrottledAudit};
use crate::node::entity_cache::Entities;
use crate::node::refusal_reason::RefusalReason;
use crate::{Context, Fault};

/// The application of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NamedClient {
    /// It is authenticated.
    Proved(ApplicationId),
    /// The request names it, or names none.
    Named(Option<ApplicationId>),
}

impl NamedClient {
    /// The application of a client; a public client is not authenticated.
    pub(crate) fn of(client: &AuthenticatedClient) -> Self {
        let id = client.application().id;
        if client.is_confidential() { Self::Proved(id) } else { Self::Named(Some(id)) }
    }

    fn id(self) -> Option<ApplicationId> {
        match self {
            Self::Proved(id) => Some(id),
            Self::Named(id) => id,
        }
    }
}

/// A refusal of the store that may be due to a right that the caller has lost or lacks.
pub(crate) trait LostRight {
    /// The reason to record, if it is.
    fn lost_right(&self) -> Option<RefusalReason>;
}

macro_rules! lost_right {
    ($($refusal:ident),+) => {
        $(impl LostRight for store::$refusal {
            fn lost_right(&self) -> Option<RefusalReason> {
                matches!(self, Self::RightsChanged).then_some(RefusalReason::RightsChanged)
            }
        })+
    };
}

lost_right!(
    AllowListRefusal,
    DataSourceRefusal,
    InitialAccessTokenRefusal,
    OneTimeLinkRefusal,
    PersonalAccessTokenRefusal,
    ResourceServerRefusal,
    TrustedIssuerRefusal,
    TrustedOriginRefusal,
    UserRefusal
);

impl LostRight for store::RightsChanged {
    fn lost_right(&self) -> Option<RefusalReason> {
        Some(RefusalReason::RightsChanged)
    }
}

impl LostRight for store::ApplicationRefusal {
    fn lost_right(&self) -> Option<RefusalReason> {
        match self {
            Self::RightsChanged => Some(RefusalReason::RightsChanged),
            Self::ActsAsOwner => Some(RefusalReason::CredentialsOfOwner),
            _ => None,
        }
    }
}

/// Why an access token is invalid.
#[derive(Debug)]
pub(crate) enum InvalidAccessToken {
    /// It was not sealed here.
    Unknown,
    /// It has expired.
    Expired(AccessToken),
    /// It was revoked.
    Revoked(AccessToken),
    /// It is limited to resources of other servers.
    Elsewhere(AccessToken),
    /// It is bound to a key, and the request does not prove it.
    Unproved(AccessToken, Refusal),
}

/// The record of refused requests.
#[derive(Clone)]
pub struct RefusalService {
    context: Arc<Context>,
}

service!(RefusalService);

impl RefusalService {
    /// Records that a request was refused; `caller` is the authenticated caller, if any.
    pub async fn note_request(&self, reason: RefusalReason, caller: Option<&Caller>, origin: &RequestOrigin) {
        Refusals::of(&self.context).note_request(reason, caller, origin).await;
    }

    /// Records that a caller was refused something, and why. Repetitions are throttled.
    ///
    /// # Errors
    /// If the database cannot store it.
    pub async fn note(&self, caller: &Caller, why: &str, origin: &RequestOrigin) -> Result<(), Fault> {
        Refusals::of(&self.context).note(caller, why, origin).await
    }
}

/// Refused requests in the audit log.
#[derive(Clone, Copy)]
pub(crate) struct Refusals<'a> {
    context: &'a Context,
}

component!(Refusals);

impl Refusals<'_> {
    /// Records that a caller was refused something, and why. Repetitions are throttled.
    ///
    /// # Errors
    /// If the database cannot store it.
    pub(crate) async fn note(self, caller: &Caller, why: &str, origin: &RequestOrigin) -> Result<(), Fault> {
        let mut audit = caller.audit(Action::RefuseAccess, self.context.now(), origin);
        audit.outcome = Outcome::Refused;
        audit.describe(why.to_owned());
        Ok(ThrottledAudit::of(self.context).note_refused(audit).await?)
    }

    /// Records that a request was refused; `caller` is the authenticated caller, if any.
    pub(crate) async fn note_request(
        self,
        reason: RefusalReason,
        caller: Option<&Caller>,
        origin: &RequestOrigin,
    ) {
        let event = self.refusing(caller, origin);
        let key = ThrottleKey::request(reason, event.actor, event.application);
        self.write(reason, key, event).await;
    }

    /// Records a request for something that the caller may not see; `subject` is its kind and id.
    pub(crate) async fn note_out_of_reach(
        self,
        reason: RefusalReason,
        caller: &Caller,
        subject: String,
        origin: &RequestOrigin,
    ) {
        let mut event = self.refusing(Some(caller), origin);
        let key = ThrottleKey::request(reason, event.actor, event.application);
        event.subject = Some(subject);
        self.write(reason, key, event).await;
    }

    /// Records that a request of a client was refused. The event contains an application that the request
    /// only names too, but only an authenticated application has a limit of its own.
    pub(crate) async fn note_client(
        self,
        reason: RefusalReason,
        client: NamedClient,
        origin: &RequestOrigin,
    ) {
        let mut event = self.refusing(None, origin);
        let proved = match client {
            NamedClient::Proved(id) => Some(id),
            NamedClient::Named(_) => None,
        };
        event.application = client.id();
        self.write(reason, ThrottleKey::request(reason, None, proved), event).await;
    }

    /// Passes on the store's answer to an operation of the caller, and records a refusal that is due to a
    /// lost right.
    pub(crate) async fn judged<T, R: LostRight>(
        self,
        caller: &Caller,
        judged: Judged<T, R>,
        origin: &RequestOrigin,
    ) -> Judged<T, R> {
        if let Some(reason) = judged.as_ref().err().and_then(LostRight::lost_right) {
            self.note_request(reason, Some(caller), origin).await;
        }
        judged
    }

    /// Records an invalid token. Tokens of a live grant expire every hour, so records of expired ones are
    /// throttled together.
    pub(crate) async fn note_invalid_token(self, dead: &InvalidAccessToken, origin: &RequestOrigin) {
        let mut event = self.refusing(None, origin);
        let (reason, token) = match dead {
            InvalidAccessToken::Unknown => (RefusalReason::TokenUnknown, None),
            InvalidAccessToken::Expired(token) => (RefusalReason::TokenExpired, Some(token)),
            InvalidAccessToken::Revoked(token) => (RefusalReason::TokenRevoked, Some(token)),
            InvalidAccessToken::Elsewhere(token) => (RefusalReason::TokenUnknown, Some(token)),
            InvalidAccessToken::Unproved(token, _) => (RefusalReason::TokenUnproved, Some(token)),
        };
        if let Some(token) = token {
            event.application = Some(token.application);
            Entities::of(self.context).name_user(&mut event, token.user).await;
        }
        let key = match reason {
            RefusalReason::TokenRevoked => ThrottleKey::request(reason, event.actor, event.application),
            _ => ThrottleKey::request(reason, None, None),
        };
        self.write(reason, key, event).await;
    }

    fn refusing(self, caller: Option<&Caller>, origin: &RequestOrigin) -> NewAuditEvent {
        let (action, now) = (Action::RefuseAccess, self.context.now());
        let mut event = match caller {
            Some(caller) => caller.audit(action, now, origin),
            None => origin.audit(action, Outcome::Refused, now),
        };
        event.outcome = Outcome::Refused;
        event
    }

    async fn write(self, reason: RefusalReason, key: ThrottleKey, mut event: NewAuditEvent) {
        event.describe(reason.as_str().to_owned());
        if let Err(error) = ThrottledAudit::of(self.context).note_as(key, event).await {
            Fault::from(error).note("a refusal is missing in the audit log");
        }
    }
}
