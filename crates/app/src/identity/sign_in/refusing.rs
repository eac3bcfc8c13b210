//! Sign-ins that are refused: counted, recorded and answered in one way.

use domain::account::network::address_text;
use domain::account::{LockoutPolicy, User};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::time::Timestamp;
use store::{RefusedSignIn, SignInFacts};

use super::refusal::SignInRefusal;
use crate::Context;
use crate::identity::caller::RequestOrigin;
use crate::node::metrics::{LockLabels, Word};
use crate::node::rates::PasswordToken;

/// Why a sign-in is refused, for the audit log, and whether it counts as a failure.
pub(super) struct Reason {
    pub(super) words: &'static str,
    pub(super) counts: bool,
    pub(super) answer: SignInRefusal,
}

impl Reason {
    pub(super) fn new(words: &'static str) -> Self {
        Self { words, counts: false, answer: SignInRefusal::Refused }
    }
}

/// The end of an attempt. The budget is returned after a success, and if there was no result.
pub(super) fn end_of_budget<T>(
    context: &Context,
    token: PasswordToken,
    outcome: Result<T, SignInRefusal>,
) -> Result<T, SignInRefusal> {
    let refusal = match outcome {
        Ok(_) | Err(SignInRefusal::Fault(_)) => {
            context.rates.give_back(token);
            return outcome;
        }
        Err(refusal) => refusal,
    };
    // Above the limit a failure gets no verdict; it was counted and recorded like every other.
    match context.rates.wait_after_failure(token, context.now()) {
        Some(wait) => {
            Err(SignInRefusal::TooOften { retry_after_secs: context.metrics.count_rate_limited(wait) })
        }
        None => Err(refusal),
    }
}

/// What a refusal is recorded with.
pub(super) struct Refusing<'a> {
    pub(super) context: &'a Context,
    pub(super) origin: &'a RequestOrigin,
    pub(super) policy: LockoutPolicy,
}

impl Refusing<'_> {
    /// Records the refusal, in the same way whether or not the name exists, and returns what the caller may
    /// learn of it. `unknown` is the length of the name, if nobody has it.
    ///
    /// # Errors
    /// If it cannot be recorded.
    pub(super) async fn refuse(
        &self,
        facts: Option<&SignInFacts>,
        unknown: usize,
        reason: Reason,
    ) -> Result<SignInRefusal, SignInRefusal> {
        let context = self.context;
        let now = context.now();
        let user = facts.map(|facts| &facts.user);
        let refused = RefusedSignIn {
            user: user.map(|user| user.id),
            from: self.origin.comes_from(now),
            policy: reason.counts.then_some(self.policy),
            audit: self.audit(user, unknown, reason.words, now),
        };
        let counted = context.store.refuse_sign_in(refused).await?;
        if let Some(user) = user.filter(|_| counted.locked_now) {
            log_lock(context, user, counted.familiar, self.origin);
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

    fn audit(&self, user: Option<&User>, unknown: usize, why: &str, now: Timestamp) -> NewAuditEvent {
        let mut event = self.origin.audit(Action::SignIn, Outcome::Refused, now);
        event.actor = user.map(|user| user.id);
        // An unknown name may be a password typed into the wrong field, so it is not stored.
        event.actor_name = user.map(|user| user.name.clone());
        event.subject = user.is_none().then(|| format!("a name of {unknown} characters"));
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
