//! One sign-in attempt, from the budget that it takes before the hash to the records after it.

use domain::account::{LockoutPolicy, User};
use domain::time::Timestamp;
use store::{ComesFrom, SignInFacts};
use vault::{Share, Verdict};

use super::familiar_networks::adds_information;
use super::refusal::SignInRefusal;
use super::refusing::{Reason, Refusing, end_of_budget};
use super::{SignInCredentials, has_failures_to_forget};
use crate::identity::caller::RequestOrigin;
use crate::node::rates::PasswordToken;
use crate::{Context, Fault};

/// How often the password is verified again if it was changed during the verification.
const TRIES: usize = 3;

pub(super) struct Attempt {
    credentials: SignInCredentials,
    origin: RequestOrigin,
    facts: Option<SignInFacts>,
    policy: LockoutPolicy,
    token: PasswordToken,
}

impl Attempt {
    /// Takes the budget, before anything costly is done.
    pub(super) fn begin(
        context: &Context,
        credentials: &SignInCredentials,
        facts: Option<SignInFacts>,
        policy: LockoutPolicy,
        origin: &RequestOrigin,
    ) -> Result<Self, SignInRefusal> {
        let familiar = facts.as_ref().filter(|facts| facts.familiar.is_some()).map(|facts| facts.user.id);
        let token =
            context.rates.begin_password(origin.network(), familiar, context.now()).map_err(|wait| {
                SignInRefusal::TooOften { retry_after_secs: context.metrics.count_rate_limited(wait) }
            })?;
        Ok(Self { credentials: credentials.clone(), origin: origin.clone(), facts, policy, token })
    }

    /// Verifies, counts and records. The budget is returned after a success, and if there was no result.
    pub(super) async fn finish(self, context: &Context) -> Result<User, SignInRefusal> {
        let outcome = self.verify(context).await;
        end_of_budget(context, self.token, outcome)
    }

    /// If the password was changed during the verification, the result is about the old one, and the new one
    /// is verified instead.
    async fn verify(&self, context: &Context) -> Result<User, SignInRefusal> {
        let mut known = self.facts.clone();
        for _ in 0..TRIES {
            let verdict = self.hash(context, known.as_ref()).await?;
            let now = context.store.find_sign_in(&self.credentials.name, self.from(context.now())).await?;
            match (known, now) {
                (Some(before), Some(after)) if before.user.id == after.user.id => {
                    if before.user.epoch == after.user.epoch {
                        return self.settle(context, verdict, before.user, after).await;
                    }
                    known = Some(after);
                }
                (Some(_), _) => {
                    return Err(self.refuse(context, None, Reason::new("the user was deleted")).await?);
                }
                (None, _) => return Err(self.refuse(context, None, Reason::new("unknown user")).await?),
            }
        }
        Err(Fault::Busy.into())
    }

    async fn hash(&self, context: &Context, facts: Option<&SignInFacts>) -> Result<Verdict, SignInRefusal> {
        let (password, share) = (self.credentials.password.clone(), self.share(facts));
        let verdict = match facts {
            Some(facts) => context.vault.verify_password(&facts.user.password, password, share).await,
            None => context.vault.verify_unknown_user(password, share).await.map(|()| Verdict::Wrong),
        };
        verdict.map_err(|_| Fault::Busy.into())
    }

    fn share(&self, facts: Option<&SignInFacts>) -> Share {
        let network = self.origin.network();
        if let (Some(SignInFacts { user, familiar: Some(_) }), Some(network)) = (facts, network) {
            return Share::Familiar { user: user.id, network };
        }
        let name = vault::sha256(store::fold_name(&self.credentials.name).as_bytes());
        let account = name.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        Share::Stranger { network, account }
    }

    fn from(&self, now: Timestamp) -> ComesFrom {
        self.origin.comes_from(now)
    }

    /// `verified` is the user whose hash was verified, `facts` are the current ones. Other attempts may have
    /// locked the account while the hash was computed, and a correct guess among them must not pass.
    async fn settle(
        &self,
        context: &Context,
        verdict: Verdict,
        verified: User,
        facts: SignInFacts,
    ) -> Result<User, SignInRefusal> {
        let now = context.now();
        let user = &facts.user;
        let reason = if facts.lockout().is_locked(now) {
            Reason::new("the account is locked")
        } else if !verdict.is_right() {
            Reason { counts: true, ..Reason::new("wrong password") }
        } else if !user.active {
            Reason::new("the account is inactive")
        } else if user.password_expires_at.is_some_and(|end| end.is_past(now)) {
            Reason { answer: SignInRefusal::PasswordExpired, ..Reason::new("the password has expired") }
        } else {
            self.after_success(context, verdict, &facts).await?;
            return Ok(User { password: verified.password, ..facts.user });
        };
        Err(self.refuse(context, Some(&facts), reason).await?)
    }

    async fn after_success(
        &self,
        context: &Context,
        verdict: Verdict,
        facts: &SignInFacts,
    ) -> Result<(), SignInRefusal> {
        let now = context.now();
        let user = &facts.user;
        // With a second factor this is half of a sign-in: whoever knows only the password would clear the failures of codes.
        if !user.has_second_factor {
            self.note(context, facts, now).await?;
        }
        if verdict == Verdict::RightAsTyped || context.vault.needs_rehash(&user.password) {
            let password = self.credentials.password.clone();
            let new = context.vault.hash_password(password).await.map_err(|_| Fault::Busy)?;
            context.store.replace_password_hash(user.id, user.password.clone(), new).await?;
        }
        Ok(())
    }

    async fn note(
        &self,
        context: &Context,
        facts: &SignInFacts,
        now: Timestamp,
    ) -> Result<(), SignInRefusal> {
        let adds_information = self.origin.address.is_some() && adds_information(facts, now);
        if adds_information || has_failures_to_forget(facts) {
            context.store.note_sign_in(self.origin.succeeded(&facts.user, now)).await?;
        }
        Ok(())
    }

    async fn refuse(
        &self,
        context: &Context,
        facts: Option<&SignInFacts>,
        reason: Reason,
    ) -> Result<SignInRefusal, SignInRefusal> {
        let unknown = self.credentials.name.chars().count();
        Refusing { context, origin: &self.origin, policy: self.policy }.refuse(facts, unknown, reason).await
    }
}
