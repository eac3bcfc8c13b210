//! The caller of a request, authenticated by a password, a session cookie or a bearer token.

use std::net::IpAddr;
use std::sync::Arc;

use domain::account::{Authority, Permission, Session};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::{ApplicationId, SessionId};
use domain::secret::{CsrfToken, SessionCookie};
use domain::time::Timestamp;
use oauth::scope::{Scope, ScopeSet};
use oauth::token_payload::AccessToken;

use crate::entity_cache::Account;
use crate::metrics::{OutcomeLabels, Word};
use crate::refusals::DeadToken;
use crate::{App, Fault, access_note};

/// The origin of a request, for the audit log and for rate limits.
#[derive(Debug, Clone)]
pub struct RequestOrigin {
    /// The address of the client; behind a trusted proxy, the one that the proxy reports.
    pub address: Option<IpAddr>,
    /// The id of the request in the logs.
    pub request_id: String,
}

/// An authenticated caller. Only this crate creates one.
#[derive(Debug, Clone)]
pub struct Caller {
    account: Arc<Account>,
    via: Via,
    /// The token that authenticated the caller, if any.
    token: Option<Arc<AccessToken>>,
}

/// How the caller was authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// User name and password in the request itself.
    Basic,
    /// A browser session.
    Session(SessionId),
    /// The shell of the machine; see [`App::operator`].
    CommandLine,
    /// An access token.
    Bearer {
        /// The application to which it was issued.
        application: ApplicationId,
        /// The scopes of the token that the application still has.
        scopes: ScopeSet,
    },
}

/// The actor name of the command line in the audit log; such events name no user.
pub(crate) const COMMAND_LINE: &str = "command line";

impl Caller {
    pub(crate) fn new(account: Arc<Account>, via: Via) -> Self {
        Self { account, via, token: None }
    }

    /// The user on whose behalf the request acts.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The same as a shared reference, for code that keeps it longer than the caller.
    pub fn shared_account(&self) -> &Arc<Account> {
        &self.account
    }

    /// How the caller was authenticated.
    pub fn via(&self) -> &Via {
        &self.via
    }

    /// The actor name in the audit log.
    pub(crate) fn name_in_audit(&self) -> &str {
        if self.via == Via::CommandLine { COMMAND_LINE } else { &self.account.user.name }
    }

    /// Whether the user has the permission.
    pub fn may(&self, permission: Permission) -> bool {
        self.account.may(permission)
    }

    /// Whether the authentication covers the scope: a token must carry it; a password or a session covers
    /// all.
    pub fn covers(&self, scope: Scope) -> bool {
        match &self.via {
            Via::Basic | Via::Session(_) | Via::CommandLine => true,
            Via::Bearer { scopes, .. } => scopes.contains(scope),
        }
    }

    /// The rights on which decisions about this caller rest; `None` for the shell of the machine, which may
    /// do everything.
    fn authority(&self) -> Option<Authority> {
        let application = match self.via {
            Via::CommandLine => return None,
            Via::Bearer { application, .. } => Some(application),
            Via::Basic | Via::Session(_) => None,
        };
        Some(Authority { caller: self.account.rights(), subject: None, application })
    }

    /// An audit event about an operation of this caller, to be completed by the use case. The store performs
    /// the operation only while the caller still has the rights on which the decision rests.
    pub(crate) fn audit(&self, action: Action, at: Timestamp, origin: &RequestOrigin) -> NewAuditEvent {
        let mut event = origin.audit(action, Outcome::Success, at);
        event.actor = Some(self.account.user.id);
        event.actor_name = Some(self.account.user.name.clone());
        event.authority = self.authority().map(Box::new);
        match self.via {
            Via::Bearer { application, .. } => event.application = Some(application),
            Via::CommandLine => {
                event.actor = None;
                event.actor_name = Some(COMMAND_LINE.to_owned());
            }
            Via::Basic | Via::Session(_) => {}
        }
        event
    }
}

impl RequestOrigin {
    /// An audit event with this origin, which does not name an actor or a subject yet.
    pub(crate) fn audit(&self, action: Action, outcome: Outcome, at: Timestamp) -> NewAuditEvent {
        NewAuditEvent {
            address: self.address.map(|address| address.to_string()),
            request_id: Some(self.request_id.clone()),
            ..NewAuditEvent::new(action, outcome, at)
        }
    }
}

/// Why a bearer token does not authenticate a caller.
#[derive(Debug, thiserror::Error)]
pub enum BearerRefusal {
    /// It was not issued by this server, has expired or was revoked; the caller is not told which.
    #[error("the access token is invalid, has expired or was revoked")]
    Dead,
    /// The server cannot decide at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A valid session with its user.
#[derive(Debug, Clone)]
pub struct LiveSession {
    /// The stored session.
    pub session: Session,
    /// The user of the session.
    pub caller: Caller,
}

impl App {
    /// Opens an access token and checks its expiry and the revocation index.
    async fn check_access_token(&self, text: &str) -> Result<Result<AccessToken, DeadToken>, Fault> {
        let now = self.now();
        let Ok(token) = self.vault.open_access_token(text) else { return Ok(Err(DeadToken::Unknown)) };
        if token.expires_at.is_past(now) {
            return Ok(Err(DeadToken::Expired(token)));
        }
        self.ensure_fresh().await?;
        Ok(if self.revocations.ends(&token) { Err(DeadToken::Revoked(token)) } else { Ok(token) })
    }

    /// The caller behind a bearer token. An invalid token is recorded in the audit log.
    ///
    /// # Errors
    /// [`BearerRefusal::Dead`] for anything that is not a valid token of an active user; a fault if this node
    /// cannot decide.
    pub async fn caller_by_bearer(
        &self,
        text: &str,
        origin: &RequestOrigin,
    ) -> Result<Caller, BearerRefusal> {
        let checked = self.live_bearer(text).await;
        let outcome = Word(match checked {
            Ok(Ok(_)) => "live",
            Ok(Err(_)) => "dead",
            Err(_) => "fault",
        });
        self.metrics().bearer_checks.get_or_create(&OutcomeLabels { outcome }).inc();
        match checked? {
            Ok(caller) => {
                access_note::caller(&caller);
                Ok(caller)
            }
            Err(dead) => {
                // Boxed, so that valid tokens do not pay for the state that only this path needs.
                Box::pin(self.note_dead_token(&dead, origin)).await;
                Err(BearerRefusal::Dead)
            }
        }
    }

    async fn live_bearer(&self, text: &str) -> Result<Result<Caller, DeadToken>, Fault> {
        let token = match self.check_access_token(text).await? {
            Ok(token) => token,
            Err(dead) => return Ok(Err(dead)),
        };
        let account = self.account(token.user).await?;
        let Some(account) = account.filter(|account| account.user.active) else {
            return Ok(Err(DeadToken::Revoked(token)));
        };
        if let Some(grant) = token.grant {
            self.usage.grant(grant, self.now());
        }
        let Some(now) = self.scopes_now(token.application).await? else {
            return Ok(Err(DeadToken::Revoked(token)));
        };
        let via = Via::Bearer { application: token.application, scopes: token.scopes.intersection(now) };
        Ok(Ok(Caller { token: Some(Arc::new(token)), ..Caller::new(account, via) }))
    }

    /// The caller's current user, while the credential is still valid. A token that expires meanwhile counts
    /// as valid, because it was valid when the request started.
    pub(crate) async fn still_proved(&self, caller: &Caller) -> Result<Option<Arc<Account>>, Fault> {
        self.ensure_fresh().await?;
        if caller.token.as_ref().is_some_and(|token| self.revocations.ends(token)) {
            return Ok(None);
        }
        let then = &caller.account.user;
        let account = self.account(then.id).await?;
        Ok(account.filter(|account| account.user.active && account.user.epoch == then.epoch))
    }

    /// Whether the caller's authentication still covers the scope.
    pub(crate) async fn still_covers(&self, caller: &Caller, scope: Scope) -> Result<bool, Fault> {
        let Some(token) = &caller.token else { return Ok(caller.covers(scope)) };
        let now = self.scopes_now(token.application).await?;
        Ok(now.is_some_and(|now| token.scopes.intersection(now).contains(scope)))
    }

    /// The CSRF token that a form or script of the browser with this cookie must send with a change.
    pub fn csrf_token(&self, cookie: &str) -> CsrfToken {
        self.vault.csrf_token(cookie)
    }

    /// Whether this is the CSRF token of the browser with this cookie; in constant time.
    pub fn csrf_holds(&self, cookie: &str, given: &CsrfToken) -> bool {
        self.vault.csrf_holds(cookie, given)
    }

    /// The caller behind a session cookie; `None` if there is no valid session.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn caller_by_session(&self, cookie: &SessionCookie) -> Result<Option<LiveSession>, Fault> {
        let Ok((id, digest)) = self.vault.parse_session_cookie(cookie) else {
            return Ok(None);
        };
        let Some(session) = self.store.find_session(id).await? else {
            return Ok(None);
        };
        if session.expires_at.is_past(self.now()) || !self.vault.same_digest(&session.digest, &digest) {
            return Ok(None);
        }
        let Some(user) = self.store.find_user(session.user).await? else {
            return Ok(None);
        };
        if !user.active || user.epoch != session.user_epoch {
            return Ok(None);
        }
        let account = Arc::new(self.with_permissions(user).await?);
        let caller = Caller::new(account, Via::Session(session.id));
        access_note::caller(&caller);
        Ok(Some(LiveSession { session, caller }))
    }
}
