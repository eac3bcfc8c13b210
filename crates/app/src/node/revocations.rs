//! The revocation index. A genuine, unexpired access token is checked against nothing else.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use domain::id::{ApplicationId, Epoch, GrantId, TokenId, UserId};
use domain::time::Timestamp;
use oauth::revocation::{Revocation, RevokedSubject};
use oauth::token_payload::AccessToken;

use oauth::grant::Exchanged;

use crate::Context;
use crate::node::logout_deliveries::LogoutsStored;

/// All revocations that can still matter, by subject. Five look-ups decide about a token.
#[derive(Debug, Default)]
pub struct RevocationIndex {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    tokens: HashMap<TokenId, Timestamp>,
    grants: HashMap<GrantId, Timestamp>,
    allowances: HashMap<(UserId, ApplicationId), (GrantId, Timestamp)>,
    applications: HashMap<ApplicationId, (Epoch, Timestamp)>,
    users: HashMap<UserId, (Epoch, Timestamp)>,
    issued_before: Option<Timestamp>,
    last_seq: i64,
}

impl RevocationIndex {
    /// Whether a revocation applies to the token.
    pub fn ends(&self, token: &AccessToken) -> bool {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).ends(token)
    }

    /// The position in the feed up to which no revocation applies to the token; `None` if one does.
    pub fn holds_up_to(&self, token: &AccessToken) -> Option<i64> {
        let index = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        (!index.ends(token)).then_some(index.last_seq)
    }

    /// Applies revocations. Their order does not matter, and applying one twice has no effect.
    pub fn apply(&self, events: &[Revocation]) {
        if events.is_empty() {
            return;
        }
        let mut index = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            index.apply(event);
        }
    }

    /// Records that every revocation up to `seq` was applied from the feed. Revocations of this node are
    /// applied without moving the position, because an earlier one of another node may not have been read
    /// yet.
    pub fn advance(&self, seq: i64) {
        let mut index = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        index.last_seq = index.last_seq.max(seq);
    }

    /// Moves the position back to the beginning of the feed. Known revocations stay.
    pub fn start_again(&self) {
        self.inner.write().unwrap_or_else(PoisonError::into_inner).last_seq = 0;
    }

    /// Drops revocations whose tokens have all expired.
    pub fn purge(&self, now: Timestamp) {
        let mut index = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        index.tokens.retain(|_, expiry| !expiry.is_past(now));
        index.grants.retain(|_, expiry| !expiry.is_past(now));
        index.allowances.retain(|_, (_, expiry)| !expiry.is_past(now));
        index.applications.retain(|_, (_, expiry)| !expiry.is_past(now));
        index.users.retain(|_, (_, expiry)| !expiry.is_past(now));
    }

    /// Whether everything issued at this time is revoked.
    pub fn ends_all_of(&self, issued_at: Timestamp) -> bool {
        let index = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        index.issued_before.is_some_and(|instant| issued_at < instant)
    }

    /// The position in the feed up to which this index is complete.
    pub fn last_seq(&self) -> i64 {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).last_seq
    }

    /// The number of revocations.
    pub fn len(&self) -> usize {
        let index = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        index.tokens.len()
            + index.grants.len()
            + index.allowances.len()
            + index.applications.len()
            + index.users.len()
            + usize::from(index.issued_before.is_some())
    }

    /// Whether there are no revocations.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The revocations that an operation of this node has stored.
#[derive(Clone, Copy)]
pub(crate) struct Revocations<'a> {
    index: &'a RevocationIndex,
    logouts_stored: &'a LogoutsStored,
}

impl<'a> Revocations<'a> {
    pub(crate) fn of(context: &'a Context) -> Self {
        Self { index: &context.revocations, logouts_stored: &context.logouts_stored }
    }

    /// Applies them to the index before the response is sent.
    pub(crate) fn apply(self, events: &[Revocation]) {
        self.index.apply(events);
        if !events.is_empty() {
            self.logouts_stored.announce();
        }
    }
}

impl Inner {
    fn ends(&self, token: &AccessToken) -> bool {
        self.issued_before.is_some_and(|instant| token.id.at() < instant)
            || self.tokens.contains_key(&token.id)
            || token.grant.is_some_and(|grant| self.grant_has_ended(grant, token.user, token.application))
            || self
                .applications
                .get(&token.application)
                .is_some_and(|(epoch, _)| token.application_epoch < *epoch)
            || self.users.get(&token.user).is_some_and(|(epoch, _)| token.user_epoch < *epoch)
            || token.details.exchanged.as_ref().is_some_and(|exchanged| self.ends_exchanged(token, exchanged))
    }

    /// Whether a revocation applies to a token that this one was exchanged for.
    fn ends_exchanged(&self, token: &AccessToken, exchanged: &Exchanged) -> bool {
        exchanged.from.iter().any(|before| {
            let application = before.application();
            self.issued_before.is_some_and(|instant| before.id().at() < instant)
                || self.tokens.contains_key(&before.id())
                || token.grant.is_some_and(|grant| self.grant_has_ended(grant, token.user, application))
                || self.applications.get(&application).is_some_and(|(epoch, _)| before.epoch() < *epoch)
        })
    }

    fn grant_has_ended(&self, grant: GrantId, user: UserId, application: ApplicationId) -> bool {
        self.grants.contains_key(&grant)
            || self.allowances.get(&(user, application)).is_some_and(|(last, _)| grant <= *last)
    }

    fn apply(&mut self, event: &Revocation) {
        let expiry = event.expires_at;
        match event.subject {
            RevokedSubject::Token(id) => keep_later(self.tokens.entry(id), expiry),
            RevokedSubject::Grant(id) => keep_later(self.grants.entry(id), expiry),
            RevokedSubject::Allowance { user, application, last_grant } => {
                keep_furthest(self.allowances.entry((user, application)), last_grant, expiry);
            }
            RevokedSubject::Application { application, epoch } => {
                keep_furthest(self.applications.entry(application), epoch, expiry);
            }
            RevokedSubject::User { user, epoch } => keep_furthest(self.users.entry(user), epoch, expiry),
            RevokedSubject::IssuedBefore(instant) => {
                self.issued_before = self.issued_before.max(Some(instant));
            }
        }
    }
}

fn keep_later<K: Eq + Hash>(entry: Entry<'_, K, Timestamp>, expiry: Timestamp) {
    entry.and_modify(|kept| *kept = (*kept).max(expiry)).or_insert(expiry);
}

fn keep_furthest<K: Eq + Hash, B: Ord + Copy>(
    entry: Entry<'_, K, (B, Timestamp)>,
    bound: B,
    expiry: Timestamp,
) {
    entry
        .and_modify(|(kept, until)| {
            *kept = (*kept).max(bound);
            *until = (*until).max(expiry);
        })
        .or_insert((bound, expiry));
}

#[cfg(test)]
mod tests {
    use oauth::scope::ScopeSet;

    use super::*;

    fn token() -> AccessToken {
        AccessToken {
            id: TokenId::compose(Timestamp::from_secs(100), [7; 8]),
            expires_at: Timestamp::from_secs(200),
            application: ApplicationId::new(1),
            application_epoch: Epoch::new(4),
            user: UserId::new(2),
            user_epoch: Epoch::new(5),
            grant: Some(GrantId::new(30)),
            scopes: ScopeSet::EMPTY,
            binding: None,
            details: oauth::grant::AccessTokenDetails::default(),
        }
    }

    fn subjects() -> Vec<RevokedSubject> {
        let allowance = |last| RevokedSubject::Allowance {
            user: UserId::new(2),
            application: ApplicationId::new(1),
            last_grant: GrantId::new(last),
        };
        let application = |epoch| RevokedSubject::Application {
            application: ApplicationId::new(1),
            epoch: Epoch::new(epoch),
        };
        let user = |epoch| RevokedSubject::User { user: UserId::new(2), epoch: Epoch::new(epoch) };
        vec![
            RevokedSubject::Token(token().id),
            RevokedSubject::Token(TokenId::compose(Timestamp::from_secs(100), [8; 8])),
            RevokedSubject::Grant(GrantId::new(30)),
            RevokedSubject::Grant(GrantId::new(31)),
            allowance(29),
            allowance(30),
            application(4),
            application(5),
            user(5),
            user(6),
            RevokedSubject::IssuedBefore(Timestamp::from_secs(100)),
            RevokedSubject::IssuedBefore(Timestamp::from_secs(101)),
        ]
    }

    #[test]
    fn the_index_agrees_with_the_definition_for_every_subject() {
        for subject in subjects() {
            let index = RevocationIndex::default();
            let at = Timestamp::from_secs(100);
            index.apply(&[Revocation { seq: 1, subject, at, expires_at: Timestamp::from_secs(200) }]);
            assert_eq!(index.ends(&token()), subject.ends(&token()), "{subject:?}");
        }
    }

    #[test]
    fn a_later_smaller_bound_does_not_restore_access() {
        let index = RevocationIndex::default();
        let event = |seq, epoch| Revocation {
            seq,
            subject: RevokedSubject::User { user: UserId::new(2), epoch: Epoch::new(epoch) },
            at: Timestamp::from_secs(100),
            expires_at: Timestamp::from_secs(200),
        };
        index.apply(&[event(2, 9), event(1, 3)]);
        assert!(index.ends(&token()));
    }

    #[test]
    fn a_revocation_is_dropped_when_its_tokens_have_expired() {
        let index = RevocationIndex::default();
        let subject = RevokedSubject::Grant(GrantId::new(30));
        let at = Timestamp::from_secs(100);
        index.apply(&[Revocation { seq: 1, subject, at, expires_at: Timestamp::from_secs(200) }]);
        index.purge(Timestamp::from_secs(199));
        assert_eq!(index.len(), 1);
        index.purge(Timestamp::from_secs(200));
        assert!(index.is_empty());
    }
}
