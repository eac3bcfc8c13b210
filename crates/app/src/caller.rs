//! Who is asking: a request proves it with a password, a session cookie or a bearer token.

use std::net::IpAddr;
use std::sync::Arc;

use oauth::account::{Authority, Permission, Session};
use oauth::audit::{Action, NewAuditEvent, Outcome};
use oauth::id::{ApplicationId, SessionId};
use oauth::scope::{Scope, ScopeSet};
use oauth::sealed::AccessToken;
use oauth::secret::{CsrfToken, SessionCookie};
use oauth::time::Timestamp;

use crate::directory::Member;
use crate::metrics::{OutcomeLabels, Word};
use crate::refusals::DeadToken;
use crate::{App, Fault};

/// Where a request came from, for the audit log and for rate limits.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The address of the client, behind trusted proxies the one that they name.
    pub address: Option<IpAddr>,
    /// The id under which the request stands in the logs.
    pub request_id: String,
}

/// Somebody whose identity was proved. Only this crate makes one.
#[derive(Debug, Clone)]
pub struct Caller {
    member: Arc<Member>,
    via: Via,
    /// The token that proved it, where one did.
    token: Option<Arc<AccessToken>>,
}

/// How the identity was proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// User name and password in the request itself.
    Basic,
    /// A browser session.
    Session(SessionId),
    /// The shell of the machine: see [`App::operator`].
    CommandLine,
    /// An access token.
    Bearer {
        /// To which application it was issued.
        application: ApplicationId,
        /// What it may be used for: of the token's scopes those that the application has now.
        scopes: ScopeSet,
    },
}

/// What the audit log calls whoever works at the command line; such events name no user.
pub(crate) const COMMAND_LINE: &str = "command line";

impl Caller {
    pub(crate) fn new(member: Arc<Member>, via: Via) -> Self {
        Self { member, via, token: None }
    }

    /// The user as whom the request acts.
    pub fn member(&self) -> &Member {
        &self.member
    }

    /// The same, for whoever keeps it longer than the caller.
    pub fn shared_member(&self) -> &Arc<Member> {
        &self.member
    }

    /// How the identity was proved.
    pub fn via(&self) -> &Via {
        &self.via
    }

    /// What the audit log calls whoever acts.
    pub(crate) fn name_in_audit(&self) -> &str {
        if self.via == Via::CommandLine { COMMAND_LINE } else { &self.member.user.name }
    }

    /// Whether the user has the permission.
    pub fn may(&self, permission: Permission) -> bool {
        self.member.may(permission)
    }

    /// Whether the way of proving covers the scope: a token must carry it, a password or session is the user's own.
    pub fn covers(&self, scope: Scope) -> bool {
        match &self.via {
            Via::Basic | Via::Session(_) | Via::CommandLine => true,
            Via::Bearer { scopes, .. } => scopes.contains(scope),
        }
    }

    /// The rights by which acts of this caller are judged; none for the shell of the machine, which can do everything.
    fn authority(&self) -> Option<Authority> {
        let application = match self.via {
            Via::CommandLine => return None,
            Via::Bearer { application, .. } => Some(application),
            Via::Basic | Via::Session(_) => None,
        };
        Some(Authority { caller: self.member.rights(), subject: None, application })
    }

    /// An audit event about an act of this caller, to be completed by the use case. The store does the act only while
    /// the caller still has the rights by which it is judged here.
    pub(crate) fn audit(&self, action: Action, at: Timestamp, origin: &Origin) -> NewAuditEvent {
        let mut event = origin.audit(action, Outcome::Success, at);
        event.actor = Some(self.member.user.id);
        event.actor_name = Some(self.member.user.name.clone());
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

impl Origin {
    /// An audit event from here, with nobody and nothing named yet.
    pub(crate) fn audit(&self, action: Action, outcome: Outcome, at: Timestamp) -> NewAuditEvent {
        NewAuditEvent {
            address: self.address.map(|address| address.to_string()),
            request_id: Some(self.request_id.clone()),
            ..NewAuditEvent::new(action, outcome, at)
        }
    }
}

/// Why a bearer token does not prove anything.
#[derive(Debug, thiserror::Error)]
pub enum BearerRefusal {
    /// It is no token of ours, has expired or was revoked; which of them is nobody's business.
    #[error("the access token is invalid, has expired or was revoked")]
    Dead,
    /// The server cannot tell at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A live session with its user.
#[derive(Debug, Clone)]
pub struct LiveSession {
    /// The session as stored.
    pub session: Session,
    /// Its user.
    pub caller: Caller,
}

impl App {
    /// Opens an access token and holds it against its expiry and everything that was revoked.
    async fn check_access_token(&self, text: &str) -> Result<Result<AccessToken, DeadToken>, Fault> {
        let now = self.now();
        let Ok(token) = self.vault.open_access_token(text) else { return Ok(Err(DeadToken::Unknown)) };
        if token.expires_at.is_past(now) {
            return Ok(Err(DeadToken::Expired(token)));
        }
        self.ensure_fresh().await?;
        Ok(if self.revocations.ends(&token) { Err(DeadToken::Revoked(token)) } else { Ok(token) })
    }

    /// The caller whom a bearer token stands for. That one is dead is written to the audit log.
    ///
    /// # Errors
    /// [`BearerRefusal::Dead`] for whatever is not a live token of an active user; a fault when this node cannot know.
    pub async fn caller_by_bearer(&self, text: &str, origin: &Origin) -> Result<Caller, BearerRefusal> {
        let checked = self.live_bearer(text).await;
        let outcome = Word(match checked {
            Ok(Ok(_)) => "live",
            Ok(Err(_)) => "dead",
            Err(_) => "fault",
        });
        self.metrics().bearer_checks.get_or_create(&OutcomeLabels { outcome }).inc();
        match checked? {
            Ok(caller) => Ok(caller),
            Err(dead) => {
                // In a box, so that a live token does not carry what only this needs.
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
        let member = self.member(token.user).await?;
        let Some(member) = member.filter(|member| member.user.active) else {
            return Ok(Err(DeadToken::Revoked(token)));
        };
        if let Some(grant) = token.grant {
            self.usage.grant(grant, self.now());
        }
        let Some(now) = self.scopes_now(token.application).await? else {
            return Ok(Err(DeadToken::Revoked(token)));
        };
        let via = Via::Bearer { application: token.application, scopes: token.scopes.intersection(now) };
        Ok(Ok(Caller { token: Some(Arc::new(token)), ..Caller::new(member, via) }))
    }

    /// The caller's user as of now, while what proved the caller still would. A token that expires meanwhile does: it
    /// was good for what began in time.
    pub(crate) async fn still_proved(&self, caller: &Caller) -> Result<Option<Arc<Member>>, Fault> {
        self.ensure_fresh().await?;
        if caller.token.as_ref().is_some_and(|token| self.revocations.ends(token)) {
            return Ok(None);
        }
        let then = &caller.member.user;
        let member = self.member(then.id).await?;
        Ok(member.filter(|member| member.user.active && member.user.epoch == then.epoch))
    }

    /// Whether the way in which the caller was proved covers the scope now.
    pub(crate) async fn still_covers(&self, caller: &Caller, scope: Scope) -> Result<bool, Fault> {
        let Some(token) = &caller.token else { return Ok(caller.covers(scope)) };
        let now = self.scopes_now(token.application).await?;
        Ok(now.is_some_and(|now| token.scopes.intersection(now).contains(scope)))
    }

    /// What a form or script of the browser that holds this cookie must send along where it changes something.
    pub fn csrf_token(&self, cookie: &str) -> CsrfToken {
        self.vault.csrf_token(cookie)
    }

    /// Whether this is what the browser that holds the cookie must send along; in constant time.
    pub fn csrf_holds(&self, cookie: &str, given: &CsrfToken) -> bool {
        self.vault.csrf_holds(cookie, given)
    }

    /// The caller whom a session cookie stands for; `None` when it is no live session.
    ///
    /// # Errors
    /// When the database cannot tell.
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
        let member = Arc::new(self.with_permissions(user).await?);
        Ok(Some(LiveSession { caller: Caller::new(member, Via::Session(session.id)), session }))
    }
}
