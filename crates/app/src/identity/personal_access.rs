//! Callers by personal access tokens: as bearer tokens, or as the password of Basic credentials.

use std::sync::Arc;

use domain::secret::Password;
use oauth::personal_access_token::PersonalAccessToken;
use store::fold_name;
use vault::personal_access_tokens;

use crate::identity::caller::{Caller, PersonalAccess, RequestOrigin, Via};
use crate::identity::refusals::Refusals;
use crate::identity::sign_in::SignInCredentials;
use crate::node::entity_cache::{Account, Entities};
use crate::node::metrics::{OutcomeLabels, Word};
use crate::node::refusal_reason::RefusalReason;
use crate::{Context, Fault};

/// Why a personal access token does not authenticate a caller.
#[derive(Debug, thiserror::Error)]
pub enum PersonalAccessRefusal {
    /// It is unknown, has expired, was ended, or came with the name of another user; the response does not say which.
    #[error("the personal access token is invalid, has expired or was ended, or is not of the named user")]
    Dead,
    /// The server accepts none.
    #[error("this server accepts no personal access tokens")]
    SwitchedOff,
    /// Too many wrong ones came from this address. A valid one is still accepted.
    #[error("too many attempts; try again in {retry_after_secs} seconds")]
    TooOften {
        /// The number of seconds after which a wrong one is answered as such again.
        retry_after_secs: u32,
    },
    /// The server cannot decide at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Callers by personal access tokens.
#[derive(Clone)]
pub struct PersonalAccessService {
    context: Arc<Context>,
}

service!(PersonalAccessService);

impl PersonalAccessService {
    /// Whether a bearer token is meant to be a personal access token, valid or not.
    pub fn is_meant(token: &str) -> bool {
        personal_access_tokens::is_meant(token)
    }

    /// Whether the password of Basic credentials is meant to be a personal access token. It is then never checked as a
    /// password, which would cost a hash and count towards a lock.
    pub fn is_meant_by(password: &Password) -> bool {
        Self::is_meant(password.expose())
    }

    /// The caller with this token.
    ///
    /// # Errors
    /// [`PersonalAccessRefusal`].
    pub async fn caller_by_token(
        &self,
        token: &str,
        origin: &RequestOrigin,
    ) -> Result<Caller, PersonalAccessRefusal> {
        self.caller(token, None, origin).await
    }

    /// The caller with this token as the password of Basic credentials, whose name must be that of its user.
    ///
    /// # Errors
    /// [`PersonalAccessRefusal`].
    pub async fn caller_by_credentials(
        &self,
        credentials: &SignInCredentials,
        origin: &RequestOrigin,
    ) -> Result<Caller, PersonalAccessRefusal> {
        self.caller(credentials.password.expose(), Some(&credentials.name), origin).await
    }

    async fn caller(
        &self,
        token: &str,
        name: Option<&str>,
        origin: &RequestOrigin,
    ) -> Result<Caller, PersonalAccessRefusal> {
        let judged = self.judge(token, name).await;
        let outcome = Word(match judged {
            Ok(_) => "live",
            Err(PersonalAccessRefusal::Fault(_)) => "fault",
            Err(_) => "dead",
        });
        self.context.metrics.bearer_checks.inc(OutcomeLabels { outcome });
        match judged {
            Ok(caller) => {
                caller.note_access();
                Ok(caller)
            }
            Err(PersonalAccessRefusal::Dead) => Err(Box::pin(self.refused(origin)).await),
            Err(refusal) => Err(refusal),
        }
    }

    /// Counts and records a wrong token. Only a network is counted, never a name, which anybody may give.
    async fn refused(&self, origin: &RequestOrigin) -> PersonalAccessRefusal {
        let counted = self.context.rates.authentication_failed(origin.address, self.context.now());
        if let Err(retry_after_secs) = counted {
            return PersonalAccessRefusal::TooOften { retry_after_secs };
        }
        let reason = RefusalReason::PersonalAccessTokenInvalid;
        Refusals::of(&self.context).note_request(reason, None, origin).await;
        PersonalAccessRefusal::Dead
    }

    async fn judge(&self, token: &str, name: Option<&str>) -> Result<Caller, PersonalAccessRefusal> {
        if !self.context.settings.accepts_personal_access_tokens() {
            return Err(PersonalAccessRefusal::SwitchedOff);
        }
        let digest = self.context.vault.personal_access_token_digest(token);
        let digest = digest.ok_or(PersonalAccessRefusal::Dead)?;
        let entities = Entities::of(&self.context);
        let found = entities.personal_access_token(&digest).await.map_err(Fault::from)?;
        let token = found.filter(|token| self.holds(token)).ok_or(PersonalAccessRefusal::Dead)?;
        let account = entities.account(token.user).await.map_err(Fault::from)?;
        let is_of = |account: &Arc<Account>| {
            let user = &account.user;
            user.active && user.epoch == token.user_epoch && name.is_none_or(|name| is_name_of(name, account))
        };
        let account = account.filter(is_of).ok_or(PersonalAccessRefusal::Dead)?;
        self.context.usage.personal_access_token(token.id, self.context.now());
        Ok(Caller::new(account, Via::Personal(Arc::new(PersonalAccess { token, digest }))))
    }

    fn holds(&self, token: &PersonalAccessToken) -> bool {
        !token.expires_at.is_past(self.context.now())
            && !self.context.revocations.ends_all_of(token.created_at)
    }
}

/// Whether it is the name of the user, in any form in which the user could sign in.
fn is_name_of(name: &str, account: &Account) -> bool {
    fold_name(name) == fold_name(&account.user.name)
}
