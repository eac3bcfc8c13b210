//! The second step of a sign-in: the code of an authenticator, or a recovery code.
//!
//! Whoever comes here has shown the password. Wrong codes are limited and counted as wrong passwords are, for the user of
//! the password: six digits would be guessed otherwise.

use std::sync::Arc;

use domain::account::second_factor::TypedCode;
use domain::account::{LockoutPolicy, User};
use domain::audit::{Action, Outcome};
use domain::id::{Epoch, UserId};
use domain::secret::StepTicket;
use store::SignInFacts;
use vault::second_factor::HalfSignIn;

use super::SignInService;
use super::address::demand_address;
use super::refusal::SignInRefusal;
use super::refusing::{Reason, Refusing, end_of_budget};
use crate::identity::caller::RequestOrigin;
use crate::node::access_note;
use crate::node::entity_cache::{Account, Entities};
use crate::{Context, Fault};

/// How long a code may come after the password, in seconds.
const STEP_SECS: i64 = 600;

/// What a user has shown besides the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownFactor {
    /// A code of an authenticator.
    Totp,
    /// A recovery code.
    RecoveryCode,
}

impl ShownFactor {
    /// The text for the audit log.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "with a code of an authenticator",
            Self::RecoveryCode => "with a recovery code",
        }
    }
}

impl SignInService {
    /// The ticket with which the browser that has this cookie comes back with a code, after its password was correct.
    ///
    /// # Errors
    /// [`SignInRefusal::AddressNotAllowed`].
    pub async fn half(
        &self,
        account: &Account,
        cookie: &str,
        origin: &RequestOrigin,
    ) -> Result<StepTicket, SignInRefusal> {
        let mut audit = origin.audit(Action::SignIn, Outcome::Success, self.context.now());
        audit.actor = Some(account.user.id);
        audit.actor_name = Some(account.user.name.clone());
        demand_address(&self.context, &audit, origin).await?;
        let until = self.context.now().plus_secs(STEP_SECS);
        let half = HalfSignIn { user: account.user.id, epoch: account.user.epoch, until };
        Ok(self.context.vault.seal_half_sign_in(half, cookie))
    }

    /// Completes a sign-in by a code.
    ///
    /// # Errors
    /// [`SignInRefusal::StepExpired`] if the ticket is not of this browser or too old, or the password was changed since;
    /// [`SignInRefusal::WrongCode`]; others as for a password.
    pub async fn finish(
        &self,
        ticket: &str,
        cookie: &str,
        code: &str,
        origin: &RequestOrigin,
    ) -> Result<(Arc<Account>, ShownFactor), SignInRefusal> {
        let now = self.context.now();
        let half = self.context.vault.open_half_sign_in(ticket, cookie, now);
        let half = half.map_err(|_| SignInRefusal::StepExpired)?;
        // Before the code, which is used up.
        let mut audit = origin.audit(Action::SignIn, Outcome::Success, now);
        audit.actor = Some(half.user);
        demand_address(&self.context, &audit, origin).await?;
        let (user, shown) = self.check_code(half.user, half.epoch, code, origin).await?;
        let account = Arc::new(Entities::of(&self.context).with_permissions(user).await?);
        access_note::user(&account);
        Ok((account, shown))
    }

    /// Checks and uses up a code of a user whose password was correct in this epoch. Failures count towards a lock, even if
    /// the caller goes away meanwhile.
    ///
    /// # Errors
    /// As for [`SignInService::finish`].
    pub(crate) async fn check_code(
        &self,
        user: UserId,
        epoch: Epoch,
        code: &str,
        origin: &RequestOrigin,
    ) -> Result<(User, ShownFactor), SignInRefusal> {
        let policy = self.lockout_policy().await?;
        let attempt =
            CodeAttempt { user, epoch, code: TypedCode::read(code), origin: origin.clone(), policy };
        let context = Arc::clone(&self.context);
        // From here on the attempt is counted and recorded, even if the caller goes away.
        #[expect(
            clippy::disallowed_methods,
            reason = "bounded by the time limits of the store, and ends by itself"
        )]
        let task = tokio::spawn(async move { attempt.run(&context).await });
        let checked = task.await.map_err(|failed| Fault::Broken(Box::new(failed)))?;
        self.count(&checked);
        checked
    }
}

struct CodeAttempt {
    user: UserId,
    epoch: Epoch,
    code: Option<TypedCode>,
    origin: RequestOrigin,
    policy: LockoutPolicy,
}

impl CodeAttempt {
    async fn run(self, context: &Context) -> Result<(User, ShownFactor), SignInRefusal> {
        let facts = self.facts(context).await?;
        let familiar = facts.familiar.as_ref().map(|_| facts.user.id);
        let token =
            context.rates.begin_password(self.origin.network(), familiar, context.now()).map_err(|wait| {
                SignInRefusal::TooOften { retry_after_secs: context.metrics.count_rate_limited(wait) }
            })?;
        let outcome = self.verify(context, facts).await;
        end_of_budget(context, token, outcome)
    }

    /// The user as it is now, if it is still the one whose password was correct.
    async fn facts(&self, context: &Context) -> Result<SignInFacts, SignInRefusal> {
        let user = context.store.find_user(self.user).await?.ok_or(SignInRefusal::StepExpired)?;
        let from = self.origin.comes_from(context.now());
        let facts = context.store.find_sign_in(&user.name, from).await?;
        let same = |facts: &SignInFacts| {
            let found = &facts.user;
            found.id == self.user && found.epoch == self.epoch && found.active && found.has_second_factor
        };
        facts.filter(same).ok_or(SignInRefusal::StepExpired)
    }

    /// A lock counts before the code and after it: other attempts may have caused it meanwhile.
    async fn verify(
        &self,
        context: &Context,
        facts: SignInFacts,
    ) -> Result<(User, ShownFactor), SignInRefusal> {
        let refusing = Refusing { context, origin: &self.origin, policy: self.policy };
        let locked = || Reason::new("the account is locked");
        if facts.lockout().is_locked(context.now()) {
            return Err(refusing.refuse(Some(&facts), 0, locked()).await?);
        }
        let Some(shown) = self.shown(context).await? else {
            let answer = SignInRefusal::WrongCode;
            let reason = Reason { words: "wrong code of the second factor", counts: true, answer };
            return Err(refusing.refuse(Some(&facts), 0, reason).await?);
        };
        let facts = self.facts(context).await?;
        let now = context.now();
        if facts.lockout().is_locked(now) {
            return Err(refusing.refuse(Some(&facts), 0, locked()).await?);
        }
        if self.origin.address.is_some() {
            context.store.note_sign_in(self.origin.succeeded(&facts.user, now)).await?;
        }
        Ok((facts.user, shown))
    }

    /// What the code is, if it is right. It is used up then.
    async fn shown(&self, context: &Context) -> Result<Option<ShownFactor>, SignInRefusal> {
        match &self.code {
            None => Ok(None),
            Some(TypedCode::Totp(code)) => {
                Ok(self.is_code_of_now(context, *code).await?.then_some(ShownFactor::Totp))
            }
            Some(TypedCode::Recovery(code)) => {
                let digest = context.vault.recovery_digest(self.user, code);
                let mut audit = self.origin.audit(Action::UseRecoveryCode, Outcome::Success, context.now());
                audit.actor = Some(self.user);
                audit.actor_name = context.store.find_user(self.user).await?.map(|user| user.name);
                let used = context.store.use_recovery_code(self.user, digest, audit).await?;
                Ok(used.then_some(ShownFactor::RecoveryCode))
            }
        }
    }

    async fn is_code_of_now(&self, context: &Context, code: u32) -> Result<bool, SignInRefusal> {
        let Some(factor) = context.store.find_second_factor(self.user).await? else { return Ok(false) };
        let secret = context.vault.open_totp_secret(self.user, &factor.secret);
        let secret = secret.map_err(|error| Fault::Broken(error.into()))?;
        match secret.step_of_code(code, context.now()) {
            Some(step) => Ok(context.store.use_totp_step(self.user, step).await?),
            None => Ok(false),
        }
    }
}
