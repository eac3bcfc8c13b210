//! Checking a person's password: at the login page, in Basic and in the password grant, with one counter for all.

use std::sync::Arc;

use oauth::account::{LockoutPolicy, User};
use oauth::audit::{Action, NewAuditEvent, Outcome};
use oauth::limit::Limit;
use oauth::secret::Password;
use store::StoreError;

use crate::caller::{Caller, Origin, Via};
use crate::directory::Member;
use crate::metrics::{OutcomeLabels, Word};
use crate::{App, Fault};

/// A user name and password as they were given.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Compared without case.
    pub name: String,
    /// In the clear.
    pub password: Password,
}

/// Why signing in was refused.
#[derive(Debug, thiserror::Error)]
pub enum SignInRefusal {
    /// Unknown user, wrong password, locked or inactive account: one answer for all, after the same time.
    #[error("the user name or the password is wrong, or the account is locked")]
    Refused,
    /// The password is right but no longer accepted.
    #[error("the password has expired; ask an administrator for a new one")]
    PasswordExpired,
    /// Too many attempts from this address.
    #[error("too many attempts; try again in {retry_after_secs} seconds")]
    TooOften {
        /// After how many seconds an attempt will be heard again.
        retry_after_secs: u32,
    },
    /// The server cannot tell at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<StoreError> for SignInRefusal {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl App {
    /// The caller whom a user name and password in the request stand for. What was right a moment ago is remembered for
    /// a short while, since a client sends it with every request and a hash takes milliseconds.
    ///
    /// # Errors
    /// As [`App::sign_in`].
    pub async fn caller_by_password(
        &self,
        credentials: &Credentials,
        origin: &Origin,
    ) -> Result<Caller, SignInRefusal> {
        let now = self.now();
        if let Some(user) = self.store.find_user_by_name(&credentials.name).await?
            && user.active
            && !user.lockout.is_locked(now)
            && !has_failures_to_forget(&user)
            && user.password_expires_at.is_none_or(|end| !end.is_past(now))
            && self.vault.remembers(&user.password, user.id, &credentials.password, now)
        {
            let member = Arc::new(self.with_permissions(user).await?);
            return Ok(Caller::new(member, Via::Basic));
        }
        let member = self.sign_in(credentials, origin).await?;
        self.vault.remember(&member.user.password, member.user.id, &credentials.password, now);
        Ok(Caller::new(member, Via::Basic))
    }

    /// Checks a user name and password. Failures count towards the lock of the account and are audited; a success
    /// forgets earlier failures. The success itself is for the caller to audit, with what it was for.
    ///
    /// # Errors
    /// [`SignInRefusal`]; the reasons that an attacker could tell apart share one answer.
    pub async fn sign_in(
        &self,
        credentials: &Credentials,
        origin: &Origin,
    ) -> Result<Arc<Member>, SignInRefusal> {
        let signed_in = self.check_password(credentials, origin).await;
        let outcome = Word(match &signed_in {
            Ok(_) => "success",
            Err(SignInRefusal::Refused | SignInRefusal::PasswordExpired) => "refused",
            Err(SignInRefusal::TooOften { .. }) => "too_often",
            Err(SignInRefusal::Fault(_)) => "fault",
        });
        self.metrics().sign_ins.get_or_create(&OutcomeLabels { outcome }).inc();
        signed_in
    }

    async fn check_password(
        &self,
        credentials: &Credentials,
        origin: &Origin,
    ) -> Result<Arc<Member>, SignInRefusal> {
        if let Err(wait) = self.rates.may_try_credentials(origin.address, self.now()) {
            self.metrics().rate_limited.inc();
            return Err(SignInRefusal::TooOften { retry_after_secs: wait });
        }
        let password = credentials.password.clone();
        let Some(user) = self.store.find_user_by_name(&credentials.name).await? else {
            self.vault.verify_unknown_user(password).await.map_err(|_| Fault::Busy)?;
            return self.refuse(credentials, None, "unknown user", origin).await;
        };
        let right = self.vault.verify_password(&user.password, password).await.map_err(|_| Fault::Busy)?;
        // Read again: while the hash was computed, other attempts may have locked the account, and their failures
        // must not be forgotten by a guess that was among them.
        let Some(user) = self.store.find_user(user.id).await? else {
            return self.refuse(credentials, None, "the user was deleted", origin).await;
        };
        let now = self.now();
        if user.lockout.is_locked(now) {
            return self.refuse(credentials, Some(&user), "the account is locked", origin).await;
        }
        if !right {
            return self.count_failure(credentials, &user, origin).await;
        }
        if !user.active {
            return self.refuse(credentials, Some(&user), "the account is inactive", origin).await;
        }
        if user.password_expires_at.is_some_and(|end| end.is_past(now)) {
            let audit = self.refused(credentials, Some(&user), "the password has expired", origin);
            self.rates.credentials_failed(origin.address, now);
            self.store.append_audit(vec![audit]).await?;
            return Err(SignInRefusal::PasswordExpired);
        }
        self.after_success(&user, &credentials.password).await?;
        Ok(Arc::new(self.with_permissions(user).await?))
    }

    async fn after_success(&self, user: &User, password: &Password) -> Result<(), SignInRefusal> {
        if has_failures_to_forget(user) {
            self.store.forget_sign_in_failures(user.id).await?;
        }
        if self.vault.needs_rehash(&user.password) {
            let new = self.vault.hash_password(password.clone()).await.map_err(|_| Fault::Busy)?;
            self.store.replace_password_hash(user.id, user.password.clone(), new).await?;
        }
        Ok(())
    }

    async fn count_failure(
        &self,
        credentials: &Credentials,
        user: &User,
        origin: &Origin,
    ) -> Result<Arc<Member>, SignInRefusal> {
        self.rates.credentials_failed(origin.address, self.now());
        let audit = self.refused(credentials, Some(user), "wrong password", origin);
        self.store.count_sign_in_failure(user.id, self.lockout_policy().await?, audit).await?;
        Err(SignInRefusal::Refused)
    }

    async fn refuse(
        &self,
        credentials: &Credentials,
        user: Option<&User>,
        why: &str,
        origin: &Origin,
    ) -> Result<Arc<Member>, SignInRefusal> {
        self.rates.credentials_failed(origin.address, self.now());
        self.store.append_audit(vec![self.refused(credentials, user, why, origin)]).await?;
        Err(SignInRefusal::Refused)
    }

    fn refused(
        &self,
        credentials: &Credentials,
        user: Option<&User>,
        why: &str,
        origin: &Origin,
    ) -> NewAuditEvent {
        let mut event = origin.audit(Action::SignIn, Outcome::Refused, self.now());
        event.actor = user.map(|user| user.id);
        // A name that nobody has may be a password typed into the wrong field: it is not kept.
        event.actor_name = user.map(|user| user.name.clone());
        event.subject =
            user.is_none().then(|| format!("a name of {} characters", credentials.name.chars().count()));
        event.detail = Some(why.to_owned());
        event
    }

    pub(crate) async fn lockout_policy(&self) -> Result<LockoutPolicy, StoreError> {
        Ok(LockoutPolicy {
            interval_secs: self.limit(Limit::PasswordLockoutInterval).await?,
            failures: u32::try_from(self.limit(Limit::PasswordLockoutLimit).await?).unwrap_or(0),
            lock_secs: self.limit(Limit::PasswordLockoutPeriod).await?,
        })
    }
}

/// Whether a success has something to forget; a lock that is over is forgotten by the next failure.
fn has_failures_to_forget(user: &User) -> bool {
    user.lockout.failures > 0 && user.lockout.locked_until.is_none()
}
