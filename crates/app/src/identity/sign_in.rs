//! Checking a person's password: on the sign-in page, in Basic credentials and in the password grant, with
//! one set of counters for all.
//!
//! Everything that uses the result depends on the verified state: the epoch under which the password was
//! correct goes into the session, the grant and the remembered credential, and the store refuses it if the
//! epoch has advanced. `docs/decisions/limits-of-failures.md` explains the limits.

use std::sync::Arc;

use domain::account::LockoutPolicy;
use domain::limit::Limit;
use domain::secret::Password;
use store::{SignInFacts, StoreError};

use crate::identity::caller::{Caller, RequestOrigin, Via};
use crate::identity::refusals::Refusals;
use crate::node::entity_cache::{Account, Entities};
use crate::node::metrics::{OutcomeLabels, Word};
use crate::node::refusal_reason::RefusalReason;
use crate::{Context, Fault, node::access_note};

mod address;
mod attempt;
mod familiar_networks;
mod refusal;
mod refusing;
mod second_step;

pub(crate) use address::demand_address;
use attempt::Attempt;
pub use refusal::SignInRefusal;
pub use second_step::ShownFactor;

/// A user name and a password from a request.
#[derive(Debug, Clone)]
pub struct SignInCredentials {
    /// Compared ignoring case.
    pub name: String,
    /// In clear text.
    pub password: Password,
}

/// Sign-in by user name and password.
#[derive(Clone)]
pub struct SignInService {
    context: Arc<Context>,
}

service!(SignInService);

impl SignInService {
    /// The caller with this user name and password. A correct password is remembered for a short time,
    /// because some clients send it with every request and a hash takes milliseconds.
    ///
    /// # Errors
    /// As for [`SignInService::sign_in`].
    pub async fn caller_by_password(
        &self,
        credentials: &SignInCredentials,
        origin: &RequestOrigin,
    ) -> Result<Caller, SignInRefusal> {
        self.is_no_personal_access_token(credentials, origin).await?;
        let facts = self.sign_in_facts(credentials, origin).await?;
        if let Some(facts) = &facts
            && self.is_remembered(facts, &credentials.password)
        {
            self.note_network(facts, origin).await?;
            let account = Arc::new(Entities::of(&self.context).with_permissions(facts.user.clone()).await?);
            self.password_is_enough(&account, origin).await?;
            access_note::user(&account);
            return Ok(Caller::new(account, Via::Basic));
        }
        let account = self.check_and_count(credentials, facts, origin).await?;
        self.password_is_enough(&account, origin).await?;
        self.context.vault.remember(
            &account.user.password,
            account.user.id,
            &credentials.password,
            self.context.now(),
        );
        Ok(Caller::new(account, Via::Basic))
    }

    fn is_remembered(&self, facts: &SignInFacts, password: &Password) -> bool {
        let (user, now) = (&facts.user, self.context.now());
        user.active
            && !user.has_second_factor
            && !facts.lockout().is_locked(now)
            && !has_failures_to_forget(facts)
            && user.password_expires_at.is_none_or(|end| !end.is_past(now))
            && self.context.vault.remembers(&user.password, user.id, password, now)
    }

    /// Records the network of the user, if it is new.
    async fn note_network(&self, facts: &SignInFacts, origin: &RequestOrigin) -> Result<(), StoreError> {
        let now = self.context.now();
        match origin.network() {
            Some(network)
                if familiar_networks::adds_information(facts, now)
                    && self.context.rates.may_note(network, facts.user.id, now) =>
            {
                self.context.store.note_sign_in(origin.succeeded(&facts.user, now)).await
            }
            _ => Ok(()),
        }
    }

    /// Checks a user name and a password, where no second factor can be asked for.
    ///
    /// # Errors
    /// As for [`SignInService::check_password`]; [`SignInRefusal::SecondFactorNeeded`] if the user has one.
    pub async fn sign_in(
        &self,
        credentials: &SignInCredentials,
        origin: &RequestOrigin,
    ) -> Result<Arc<Account>, SignInRefusal> {
        let account = self.check_password(credentials, origin).await?;
        self.password_is_enough(&account, origin).await?;
        Ok(account)
    }

    /// Refuses the password of a user who has a second factor, or needs one by a role. It was correct, so the answer may say why.
    async fn password_is_enough(
        &self,
        account: &Arc<Account>,
        origin: &RequestOrigin,
    ) -> Result<(), SignInRefusal> {
        if !account.user.has_second_factor && !account.requires_second_factor {
            return Ok(());
        }
        let caller = Caller::new(Arc::clone(account), Via::Basic);
        let reason = RefusalReason::SecondFactorNeeded;
        Refusals::of(&self.context).note_request(reason, Some(&caller), origin).await;
        Err(SignInRefusal::SecondFactorNeeded)
    }

    /// Checks a user name and a password. If the user has a second factor, this is half of a sign-in: nothing may be given
    /// for it yet. Failures count towards a lock and are audited, even if the caller
    /// goes away meanwhile; a success clears the failures that apply to its network. The caller audits the
    /// success together with its purpose. The epoch in the result is the one under which the password was
    /// verified.
    ///
    /// # Errors
    /// [`SignInRefusal`]; reasons that would help an attacker share one response.
    pub async fn check_password(
        &self,
        credentials: &SignInCredentials,
        origin: &RequestOrigin,
    ) -> Result<Arc<Account>, SignInRefusal> {
        self.is_no_personal_access_token(credentials, origin).await?;
        let facts = self.sign_in_facts(credentials, origin).await?;
        self.check_and_count(credentials, facts, origin).await
    }

    /// Refuses a personal access token where a password is needed, before it costs a hash or counts towards a lock: a
    /// program that sends it to the wrong address would lock its user.
    async fn is_no_personal_access_token(
        &self,
        credentials: &SignInCredentials,
        origin: &RequestOrigin,
    ) -> Result<(), SignInRefusal> {
        if self.context.vault.personal_access_token_digest(credentials.password.expose()).is_none() {
            return Ok(());
        }
        let reason = RefusalReason::PersonalAccessTokenElsewhere;
        Refusals::of(&self.context).note_request(reason, None, origin).await;
        Err(SignInRefusal::Refused)
    }

    async fn sign_in_facts(
        &self,
        credentials: &SignInCredentials,
        origin: &RequestOrigin,
    ) -> Result<Option<SignInFacts>, StoreError> {
        self.context.store.find_sign_in(&credentials.name, origin.comes_from(self.context.now())).await
    }

    async fn check_and_count(
        &self,
        credentials: &SignInCredentials,
        facts: Option<SignInFacts>,
        origin: &RequestOrigin,
    ) -> Result<Arc<Account>, SignInRefusal> {
        let signed_in = self.attempt(credentials, facts, origin).await;
        self.count(&signed_in);
        signed_in.inspect(access_note::user)
    }

    fn count<T>(&self, signed_in: &Result<T, SignInRefusal>) {
        let outcome = Word(match signed_in {
            Ok(_) => "success",
            Err(
                SignInRefusal::Refused
                | SignInRefusal::Locked { .. }
                | SignInRefusal::PasswordExpired
                | SignInRefusal::SecondFactorNeeded
                | SignInRefusal::AddressNotAllowed
                | SignInRefusal::WrongCode
                | SignInRefusal::StepExpired,
            ) => "refused",
            Err(SignInRefusal::TooOften { .. }) => "too_often",
            Err(SignInRefusal::Fault(_)) => "fault",
        });
        self.context.metrics.sign_ins.inc(OutcomeLabels { outcome });
    }

    async fn attempt(
        &self,
        credentials: &SignInCredentials,
        facts: Option<SignInFacts>,
        origin: &RequestOrigin,
    ) -> Result<Arc<Account>, SignInRefusal> {
        let policy = self.lockout_policy().await?;
        let attempt = Attempt::begin(&self.context, credentials, facts, policy, origin)?;
        let context = Arc::clone(&self.context);
        // From here on the attempt is counted and recorded, even if the caller goes away.
        #[expect(
            clippy::disallowed_methods,
            reason = "bounded by the queue of the hasher, and ends by itself"
        )]
        let task = tokio::spawn(async move { attempt.finish(&context).await });
        let user = task.await.map_err(|failed| Fault::Broken(Box::new(failed)))??;
        Ok(Arc::new(Entities::of(&self.context).with_permissions(user).await?))
    }

    /// How many minutes an account is locked after too many wrong passwords; `None` if accounts are not
    /// locked.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn lock_minutes(&self) -> Result<Option<i64>, Fault> {
        let policy = self.lockout_policy().await?;
        Ok((policy.failures > 0).then_some((policy.lock_secs + 59) / 60))
    }

    async fn lockout_policy(&self) -> Result<LockoutPolicy, StoreError> {
        Ok(LockoutPolicy {
            interval_secs: Entities::of(&self.context).limit(Limit::PasswordLockoutInterval).await?,
            failures: u32::try_from(Entities::of(&self.context).limit(Limit::PasswordLockoutLimit).await?)
                .unwrap_or(0),
            lock_secs: Entities::of(&self.context).limit(Limit::PasswordLockoutPeriod).await?,
        })
    }
}

/// Whether a success has failures to clear; an expired lock is cleared by the next failure.
fn has_failures_to_forget(facts: &SignInFacts) -> bool {
    let lockout = facts.lockout();
    lockout.failures > 0 && lockout.locked_until.is_none()
}
