//! The caller of a request, and what it may do.

use std::sync::Arc;

use domain::account::{Authority, CallerSession, Credential, Permission, Session};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::{ApplicationId, TrustedIssuerId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::application::Application;
use oauth::data_access::DataAccess;
use oauth::personal_access_token::PersonalAccessToken;
use oauth::proof::KeyBinding;
use oauth::scope::{BuiltInScope, ScopeSet};
use oauth::token_payload::AccessToken;
use sources::Login;

use crate::node::access_note;
use crate::node::entity_cache::Account;
use crate::node::request_origin::COMMAND_LINE;

pub use crate::node::request_origin::RequestOrigin;

/// An authenticated caller. Only this crate creates one.
#[derive(Debug, Clone)]
pub struct Caller {
    account: Arc<Account>,
    via: Via,
    revocable: Revocable,
    database_login: Option<Arc<DatabaseLogin>>,
}

/// What a request says about a name and a password for the database behind a data source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseLogin {
    /// A name and a password.
    Given(Login),
    /// A part of them, or something that is none.
    Malformed,
}

impl DatabaseLogin {
    /// What a request says that has this name and this password, if it has them once.
    pub fn of(user: Option<&str>, password: Option<&str>) -> Self {
        let login =
            user.zip(password).and_then(|(user, password)| Login::new(user, password.to_owned().into()));
        login.map_or(Self::Malformed, Self::Given)
    }
}

/// What is revoked apart from the user and the application.
#[derive(Debug, Clone)]
enum Revocable {
    /// Nothing.
    None,
    Session(CallerSession),
    /// The token, and the position in the feed of revocations up to which it was checked.
    Token(Arc<AccessToken>, i64),
}

/// How the caller was authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// User name and password in the request itself.
    Basic,
    /// A browser session.
    Session,
    /// The shell of the machine; see [`OperatorService`](crate::identity::operator::OperatorService).
    CommandLine,
    /// An access token.
    Bearer {
        /// The application to which it was issued.
        application: ApplicationId,
        /// The scopes of the token that the application still has.
        scopes: ScopeSet,
    },
    /// An access token of a trusted issuer, which reads data only.
    Issuer(Arc<IssuedAccess>),
    /// A personal access token, which reads and changes data only.
    Personal(Arc<PersonalAccess>),
}

/// What a personal access token gives its caller.
#[derive(Debug, Clone)]
pub struct PersonalAccess {
    /// The token.
    pub(crate) token: Arc<PersonalAccessToken>,
    /// The digest under which it is stored.
    pub(crate) digest: Digest,
}

impl PartialEq for PersonalAccess {
    fn eq(&self, other: &Self) -> bool {
        self.token.id == other.token.id
    }
}

impl Eq for PersonalAccess {}

/// What a token of an issuer gives its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedAccess {
    /// The issuer.
    pub(crate) issuer: TrustedIssuerId,
    /// The scopes.
    pub(crate) scopes: ScopeSet,
    /// The resources to which it is limited.
    pub(crate) resources: Vec<String>,
    /// When the token was issued.
    pub(crate) issued_at: Timestamp,
    /// When the user signed in at the issuer, if the token says so.
    pub(crate) signed_in_at: Option<Timestamp>,
}

impl Caller {
    pub(crate) fn new(account: Arc<Account>, via: Via) -> Self {
        Self { account, via, revocable: Revocable::None, database_login: None }
    }

    /// The caller of a session that no revocation ends up to the position in the feed.
    pub(crate) fn of_session(account: Arc<Account>, session: &Session, checked_up_to: i64) -> Self {
        let Session { id, auth_time, .. } = *session;
        let revocable = Revocable::Session(CallerSession { id, auth_time, checked_up_to });
        Self { account, via: Via::Session, revocable, database_login: None }
    }

    /// The caller that the token authenticates, with the scopes that its application still has. No revocation ends the
    /// token up to the position in the feed.
    pub(crate) fn of_token(
        account: Arc<Account>,
        token: AccessToken,
        scopes: ScopeSet,
        checked_up_to: i64,
    ) -> Self {
        let via = Via::Bearer { application: token.application, scopes };
        let revocable = Revocable::Token(Arc::new(token), checked_up_to);
        Self { account, via, revocable, database_login: None }
    }

    /// The same caller, who signs in to databases in this way where data sources take it.
    #[must_use]
    pub fn with_database_login(self, login: Option<DatabaseLogin>) -> Self {
        Self { database_login: login.map(Arc::new), ..self }
    }

    /// How the caller signs in to databases, if the request says so.
    pub(crate) fn database_login(&self) -> Option<&DatabaseLogin> {
        self.database_login.as_deref()
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

    /// The token that authenticated the caller, if any.
    pub(crate) fn token(&self) -> Option<&AccessToken> {
        match &self.revocable {
            Revocable::Token(token, _) => Some(token),
            Revocable::None | Revocable::Session(_) => None,
        }
    }

    /// Whether its token is bound to a certificate, so that it is accepted only where the client presents that one ([RFC 8705
    /// §3](https://www.rfc-editor.org/rfc/rfc8705#section-3)).
    pub(crate) fn must_present_a_certificate(&self) -> bool {
        matches!(self.token().and_then(|token| token.binding), Some(KeyBinding::Certificate(_)))
    }

    /// The data to which the token that authenticated the caller is limited, if it is.
    pub(crate) fn data(&self) -> Option<&DataAccess> {
        match &self.via {
            Via::Personal(access) => access.token.data.as_deref(),
            _ => self.token().and_then(|token| token.details.data.as_deref()),
        }
    }

    /// The resources to which the token that authenticated the caller is limited, if there is one; empty if it is not
    /// limited.
    pub(crate) fn resources(&self) -> Option<&[String]> {
        match &self.via {
            Via::Issuer(access) => Some(&access.resources),
            _ => self.token().map(|token| token.details.resources.as_slice()),
        }
    }

    /// Records the caller for the access log.
    pub(crate) fn note_access(&self) {
        let application = match self.via {
            Via::Bearer { application, .. } => Some(application),
            Via::Basic | Via::Session | Via::CommandLine | Via::Issuer(_) | Via::Personal(_) => None,
        };
        access_note::caller(&self.account, application);
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
    pub fn covers(&self, scope: BuiltInScope) -> bool {
        match &self.via {
            Via::Basic | Via::Session | Via::CommandLine => true,
            Via::Bearer { scopes, .. } => scopes.contains(scope),
            Via::Issuer(access) => access.scopes.contains(scope),
            Via::Personal(access) => access.token.scopes.contains(scope),
        }
    }

    /// The rights on which decisions about this caller rest; `None` for the shell of the machine, which may
    /// do everything.
    fn authority(&self) -> Option<Authority> {
        if self.via == Via::CommandLine {
            return None;
        }
        let credential = match &self.revocable {
            Revocable::None => Credential::Password,
            Revocable::Session(session) => Credential::Session(*session),
            Revocable::Token(token, checked_up_to) => {
                Credential::Token(Box::new(token.of_caller(*checked_up_to)))
            }
        };
        Some(Authority { caller: self.account.rights(), subject: None, credential })
    }

    /// An audit event about an operation of this caller, to be completed by the use case. The store performs
    /// the operation only while the caller still has the rights on which the decision rests.
    pub(crate) fn audit(&self, action: Action, at: Timestamp, origin: &RequestOrigin) -> NewAuditEvent {
        let mut event = origin.audit(action, Outcome::Success, at);
        event.actor = Some(self.account.user.id);
        event.actor_name = Some(self.account.user.name.clone());
        event.authority = self.authority().map(Box::new);
        match &self.via {
            Via::Bearer { application, .. } => event.application = Some(*application),
            Via::CommandLine => {
                event.actor = None;
                event.actor_name = Some(COMMAND_LINE.to_owned());
            }
            Via::Personal(access) => {
                event.detail = Some(format!("with personal access token {}", access.token.in_words()));
            }
            Via::Basic | Via::Session | Via::Issuer(_) => {}
        }
        event
    }
}

/// A valid session with its user.
#[derive(Debug, Clone)]
pub struct LiveSession {
    /// The stored session.
    pub session: Session,
    /// The user of the session.
    pub caller: Caller,
}

impl LiveSession {
    /// Whether a role of the user demands a second factor, and the user has none. Such a session is only good for setting one
    /// up.
    pub fn must_set_up_second_factor(&self) -> bool {
        self.caller.account().lacks_second_factor()
    }

    /// Whether the application demands a second factor that was not shown. Whoever has one shows it at every sign-in.
    pub fn lacks_second_factor_for(&self, application: &Application) -> bool {
        application.settings.client_metadata.require_second_factor && !self.session.second_factor
    }
}
