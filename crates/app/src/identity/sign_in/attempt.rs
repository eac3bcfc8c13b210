//! One sign-in attempt, from the budget that it takes before the hash to the records after it.

use domain::account::network::address_text;
use domain::account::{LockoutPolicy, User};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::time::Timestamp;
use store::{ComesFrom, RefusedSignIn, SignInFacts};
use vault::{Share, Verdict};

use super::familiar_networks::adds_information;
use super::{SignInCredentials, SignInRefusal, has_failures_to_forget};
use crate::identity::caller::RequestOrigin;
use crate::node::metrics::{LockLabels, Word};
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

/// Why a sign-in is refused, for the audit log, and whether it counts as a failure.
struct Reason {
    words: &'static str,
    counts: bool,
    answer: SignInRefusal,
}

impl Reason {
    fn new(words: &'static str) -> Self {
        Self { words, counts: false, answer: SignInRefusal::Refused }
    }
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
        let refusal = match outcome {
            Ok(_) | Err(SignInRefusal::Fault(_)) => {
                context.rates.give_back(self.token);
                return outcome;
            }
            Err(refusal) => refusal,
        };
        // Above the limit a failure gets no verdict; it was counted and recorded like every other.
        match context.rates.wait_after_failure(self.token, context.now()) {
            Some(wait) => {
                Err(SignInRefusal::TooOften { retry_after_secs: context.metrics.count_rate_limited(wait) })
            }
            None => Err(refusal),
        }
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
        let adds_information = self.origin.address.is_some() && adds_information(facts, now);
        if adds_information || has_failures_to_forget(facts) {
            context.store.note_sign_in(self.origin.succeeded(user, now)).await?;
        }
        if verdict == Verdict::RightAsTyped || context.vault.needs_rehash(&user.password) {
            let password = self.credentials.password.clone();
            let new = context.vault.hash_password(password).await.map_err(|_| Fault::Busy)?;
            context.store.replace_password_hash(user.id, user.password.clone(), new).await?;
        }
        Ok(())
    }

    /// Records the refusal, in the same way whether or not the name exists, and returns what the caller may
    /// learn of it.
    async fn refuse(
        &self,
        context: &Context,
        facts: Option<&SignInFacts>,
        reason: Reason,
    ) -> Result<SignInRefusal, SignInRefusal> {
        let now = context.now();
        let user = facts.map(|facts| &facts.user);
        let refused = RefusedSignIn {
            user: user.map(|user| user.id),
            from: self.from(now),
            policy: reason.counts.then_some(self.policy),
            audit: self.audit(user, reason.words, now),
        };
        let counted = context.store.refuse_sign_in(refused).await?;
        if let Some(user) = user.filter(|_| counted.locked_now) {
            log_lock(context, user, counted.familiar, &self.origin);
        }
        let lockout = match facts {
            Some(facts) if !reason.counts => facts.lockout(),
            _ => counted.lockout,
        };
        match lockout.locked_until {
            Some(until) if facts.is_some_and(|facts| facts.familiar.is_some()) && !until.is_past(now) => {
                Ok(SignInRefusal::Locked { minutes: minutes_until(until, now) })
            }
            _ => Ok(reason.answer),
        }
    }

    fn audit(&self, user: Option<&User>, why: &str, now: Timestamp) -> NewAuditEvent {
        let mut event = self.origin.audit(Action::SignIn, Outcome::Refused, now);
        event.actor = user.map(|user| user.id);
        // An unknown name may be a password typed into the wrong field, so it is not stored.
        event.actor_name = user.map(|user| user.name.clone());
        let length = self.credentials.name.chars().count();
        event.subject = user.is_none().then(|| format!("a name of {length} characters"));
        event.detail = Some(why.to_owned());
        event
    }
}

/// Logs the lock: an operator may have to unlock the account, or to block an attacker.
fn log_lock(context: &Context, user: &User, familiar: bool, origin: &RequestOrigin) {
    let network = Word(if familiar { "familiar" } else { "other" });
    context.metrics.account_locks.inc(LockLabels { network });
    tracing::warn!(
        request_id = origin.request_id,
        user = user.name,
        address = origin.address.map(address_text),
        familiar,
        "too many wrong passwords: the account is locked for sign-ins from {}",
        if familiar { "this network" } else { "a network from which its user has not signed in recently" }
    );
}

fn minutes_until(until: Timestamp, now: Timestamp) -> u32 {
    let micros = until.as_micros().saturating_sub(now.as_micros()).max(1);
    u32::try_from((micros + 59_999_999) / 60_000_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_duration_of_a_lock_is_rounded_up_to_minutes() {
        let now = Timestamp::from_secs(1_000);
        for (secs, minutes) in [(0, 1), (1, 1), (60, 1), (61, 2), (1_800, 30)] {
            assert_eq!(minutes_until(now.plus_secs(secs), now), minutes, "{secs}");
        }
    }
}
