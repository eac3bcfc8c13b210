//! The audit throttle: of equal refusals and exchanges of tokens, a few in each minute are written to the audit log,
//! and the rest are counted and logged, so that nobody can fill the database by being refused.

use domain::audit::{Action, NewAuditEvent};
use domain::id::{ApplicationId, CodeId, UserId};
use domain::time::Timestamp;
use store::{Store, StoreError};

use crate::Context;
use crate::node::metrics::{Metrics, OutcomeLabels, Word};
use crate::node::rates::Buckets;
use crate::node::refusal_reason::RefusalReason;

/// The number of equal refusals that are written in a minute.
const WRITTEN_PER_MINUTE: u32 = 10;

/// The recent refusals, and how often they occurred.
#[derive(Debug)]
pub struct AuditThrottle(Buckets<ThrottleKey>);

/// The key of the throttle: refusals with the same key are equal.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) enum ThrottleKey {
    /// The same caller was refused the same for the same reason, or exchanged a token of the same application.
    Event {
        action: Action,
        actor: Option<UserId>,
        application: Option<ApplicationId>,
        subject: Option<String>,
        detail: Option<String>,
    },
    /// A request was refused for the same reason, for the same authenticated caller if there is one. A
    /// stranger can choose none of these values.
    Request { reason: RefusalReason, actor: Option<UserId>, application: Option<ApplicationId> },
    /// The code was presented again.
    Replay(CodeId),
}

impl ThrottleKey {
    /// The key for a refused request; actor and application are the authenticated ones.
    pub(crate) const fn request(
        reason: RefusalReason,
        actor: Option<UserId>,
        application: Option<ApplicationId>,
    ) -> Self {
        Self::Request { reason, actor, application }
    }

    fn of(event: &NewAuditEvent) -> Self {
        Self::Event {
            action: event.action,
            actor: event.actor,
            application: event.application,
            subject: event.subject.clone(),
            detail: event.detail.clone(),
        }
    }
}

impl Default for AuditThrottle {
    fn default() -> Self {
        Self(Buckets::new(WRITTEN_PER_MINUTE))
    }
}

impl AuditThrottle {
    /// Counts it, and returns whether to write it.
    fn note(&self, key: ThrottleKey, now: Timestamp) -> bool {
        self.0.take(key, now).is_ok()
    }

    /// Drops entries that no longer throttle anything.
    pub fn purge(&self, now: Timestamp) {
        self.0.purge(now);
    }
}

/// The audit log for events that somebody may cause at will.
#[derive(Clone, Copy)]
pub(crate) struct ThrottledAudit<'a> {
    store: &'a dyn Store,
    throttle: &'a AuditThrottle,
    metrics: &'a Metrics,
}

impl<'a> ThrottledAudit<'a> {
    pub(crate) fn of(context: &'a Context) -> Self {
        Self { store: &*context.store, throttle: &context.throttle, metrics: &context.metrics }
    }

    /// Writes a refusal to the audit log, unless an equal one was written often enough within the last
    /// minute. Failed authentications are not handled here: each of them is written, and rate limits bound
    /// them.
    pub(crate) async fn note_refused(self, event: NewAuditEvent) -> Result<(), StoreError> {
        self.note_as(ThrottleKey::of(&event), event).await
    }

    /// Writes an event that a client may cause at will and that changes nothing, unless an equal one was written often
    /// enough within the last minute.
    pub(crate) async fn note_repeatable(self, event: NewAuditEvent) -> Result<(), StoreError> {
        self.note_as(ThrottleKey::of(&event), event).await
    }

    /// Like [`ThrottledAudit::note_refused`], with the given key.
    pub(crate) async fn note_as(self, key: ThrottleKey, event: NewAuditEvent) -> Result<(), StoreError> {
        if self.throttle.note(key, event.at) {
            return self.store.append_audit(vec![event]).await;
        }
        self.count_repeat(&event);
        Ok(())
    }

    /// Whether the code was replayed so often within the last minute that nothing more is written about it.
    /// Its grant is then certainly revoked.
    pub(crate) fn is_known_replay(self, code: CodeId, event: &NewAuditEvent) -> bool {
        let known = self.throttle.0.has_room(&ThrottleKey::Replay(code), event.at).is_err();
        if known {
            self.count_repeat(event);
        }
        known
    }

    /// Counts a replay that was written.
    pub(crate) fn note_replay(self, code: CodeId, at: Timestamp) {
        self.throttle.note(ThrottleKey::Replay(code), at);
    }

    fn count_repeat(self, event: &NewAuditEvent) {
        let outcome = Word(event.outcome.as_str());
        self.metrics.audit_throttled.inc(OutcomeLabels { outcome });
        tracing::info!(
            target: "audit",
            request_id = event.request_id,
            action = event.action.as_str(),
            outcome = event.outcome.as_str(),
            actor = event.actor_name,
            application = event.application.map(ApplicationId::get),
            subject = event.subject,
            detail = event.detail,
            address = event.address,
            "an event that is not written, because the audit log contains enough equal ones"
        );
    }
}

#[cfg(test)]
mod tests {
    use domain::audit::Outcome;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn refusal(actor: i64, detail: &str) -> ThrottleKey {
        ThrottleKey::of(&NewAuditEvent {
            actor: Some(UserId::new(actor)),
            detail: Some(detail.to_owned()),
            ..NewAuditEvent::new(Action::RefuseAccess, Outcome::Refused, NOW)
        })
    }

    #[test]
    fn equal_refusals_are_written_a_few_times_a_minute() {
        let throttle = AuditThrottle::default();
        let written = |at| (0..100).filter(|_| throttle.note(refusal(1, "lacks OAuth"), at)).count();
        assert_eq!(written(NOW), 10);
        assert_eq!(written(NOW.plus_secs(5)), 0);
        assert_eq!(written(NOW.plus_secs(60)), 10);
    }

    #[test]
    fn refusals_with_another_caller_or_reason_are_throttled_separately() {
        let throttle = AuditThrottle::default();
        while throttle.note(refusal(1, "lacks OAuth"), NOW) {}
        assert!(throttle.note(refusal(2, "lacks OAuth"), NOW));
        assert!(throttle.note(refusal(1, "lacks Limits"), NOW));
    }
}
