//! The connections of a source on which users have signed in themselves: each is for one user, one name and one password.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::pool::Pool;
use crate::driver::Intent;
use crate::{ConnectionBudget, Login};

/// How many users keep connections that wait. Above it, those go that were used longest ago.
const MOST: usize = 64;

/// How long connections wait for their user.
const IDLE: Duration = Duration::from_mins(1);

/// How many connections of one user wait.
const IDLE_CONNECTIONS: usize = 2;

/// The connections for reads and those for changes.
pub(super) struct Connections<C> {
    reads: Arc<Pool<C>>,
    changes: Arc<Pool<C>>,
}

impl<C> Clone for Connections<C> {
    fn clone(&self) -> Self {
        Self { reads: Arc::clone(&self.reads), changes: Arc::clone(&self.changes) }
    }
}

impl<C: Send + 'static> Connections<C> {
    /// Keeps at most so many of each.
    pub(super) fn new(budget: &Arc<ConnectionBudget>, reads: usize, changes: usize) -> Self {
        Self { reads: Pool::new(budget, reads), changes: Pool::new(budget, changes) }
    }

    /// Those for this intent.
    pub(super) fn pool(&self, intent: Intent) -> &Arc<Pool<C>> {
        match intent {
            Intent::Read => &self.reads,
            Intent::Change => &self.changes,
        }
    }

    /// Closes idle connections, and lent ones when they come back.
    pub(super) fn close(&self) {
        self.reads.close();
        self.changes.close();
    }

    /// Waits until no connection is open.
    pub(super) async fn closed(&self) {
        self.reads.closed().await;
        self.changes.closed().await;
    }
}

/// The connections of users.
pub(super) struct PersonalConnections<C> {
    budget: Arc<ConnectionBudget>,
    kept: Mutex<Kept<C>>,
}

struct Kept<C> {
    /// Those that were used last are the last ones.
    own: Vec<Own<C>>,
    is_closed: bool,
}

/// The connections of one user with one name and one password.
struct Own<C> {
    /// The identifier of the user.
    subject: String,
    login: Login,
    connections: Connections<C>,
    used_at: Instant,
}

impl<C: Send + 'static> PersonalConnections<C> {
    pub(super) fn new(budget: &Arc<ConnectionBudget>) -> Self {
        let kept = Kept { own: Vec::new(), is_closed: false };
        Self { budget: Arc::clone(budget), kept: Mutex::new(kept) }
    }

    /// The connections of a user who signs in so. New ones are [kept](Self::keep) after the database has let the user in.
    pub(super) fn of(&self, subject: &str, login: &Login, now: Instant) -> Connections<C> {
        let mut kept = self.lock();
        kept.give_up_idle(now);
        match kept.own.iter().position(|own| own.is_of(subject, login)) {
            Some(at) => {
                let own = Own { used_at: now, ..kept.own.remove(at) };
                let connections = own.connections.clone();
                kept.own.push(own);
                connections
            }
            None => Connections::new(&self.budget, IDLE_CONNECTIONS, 1),
        }
    }

    /// Keeps the connections of a user whom the database has let in. Those with another password of the same name are closed.
    pub(super) fn keep(&self, subject: &str, login: &Login, connections: &Connections<C>, now: Instant) {
        let mut kept = self.lock();
        if kept.is_closed {
            connections.close();
        }
        if kept.is_closed || kept.own.iter().any(|own| own.is_of(subject, login)) {
            return;
        }
        let is_outdated = |own: &Own<C>| own.subject == subject && own.login.user() == login.user();
        kept.close_if(is_outdated);
        if kept.own.len() >= MOST {
            kept.own.remove(0).connections.close();
        }
        let (subject, login) = (subject.to_owned(), login.clone());
        kept.own.push(Own { subject, login, connections: connections.clone(), used_at: now });
    }

    /// Closes connections that have waited for long.
    pub(super) fn give_up_idle(&self, now: Instant) {
        self.lock().give_up_idle(now);
    }

    /// Closes idle connections, and lent ones when they come back.
    pub(super) fn close(&self) {
        let mut kept = self.lock();
        kept.is_closed = true;
        kept.own.iter().for_each(|own| own.connections.close());
    }

    /// Waits until no connection that is kept is open.
    pub(super) async fn closed(&self) {
        let all: Vec<_> = self.lock().own.iter().map(|own| own.connections.clone()).collect();
        for connections in all {
            connections.closed().await;
        }
    }
}

impl<C> PersonalConnections<C> {
    fn lock(&self) -> MutexGuard<'_, Kept<C>> {
        // The list is consistent between any two operations under the lock.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Send + 'static> Kept<C> {
    fn give_up_idle(&mut self, now: Instant) {
        self.close_if(|own| now.saturating_duration_since(own.used_at) >= IDLE);
    }

    fn close_if(&mut self, is_unwanted: impl Fn(&Own<C>) -> bool) {
        for own in self.own.extract_if(.., |own| is_unwanted(own)) {
            own.connections.close();
        }
    }
}

impl<C> Own<C> {
    fn is_of(&self, subject: &str, login: &Login) -> bool {
        self.subject == subject && self.login == *login
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadline::monotonic_now;

    fn login(user: &str, password: &str) -> Login {
        Login::new(user, password.to_owned().into()).unwrap()
    }

    /// Signs a user in, or uses a connection that waits; its number.
    fn used(
        all: &PersonalConnections<usize>,
        subject: &str,
        login: &Login,
        number: usize,
        now: Instant,
    ) -> usize {
        let connections = all.of(subject, login, now);
        let pool = connections.pool(Intent::Read);
        let mut lent = pool.take().unwrap_or_else(|| {
            all.keep(subject, login, &connections, now);
            pool.lend(number, pool.permit().unwrap())
        });
        let number = *lent.connection();
        lent.give_back();
        number
    }

    #[test]
    fn nobody_gets_the_connection_of_another_user_name_or_password() {
        let budget = ConnectionBudget::new(100);
        let all = PersonalConnections::new(&budget);
        let now = monotonic_now();
        let ada = login("ada", "a");
        assert_eq!(used(&all, "1", &ada, 1, now), 1);
        assert_eq!(used(&all, "1", &ada, 2, now), 1, "the same one");
        assert_eq!(used(&all, "2", &ada, 3, now), 3, "another user with the same login");
        assert_eq!(used(&all, "1", &login("bob", "a"), 4, now), 4, "another name");
        assert_eq!(used(&all, "1", &login("ada", "b"), 5, now), 5, "another password");
        assert_eq!(budget.open(), 3, "with the new password, the connection of the old one was closed");
        assert_eq!(used(&all, "1", &ada, 6, now), 6);
        assert_eq!(used(&all, "2", &ada, 7, now), 3);
    }

    #[test]
    fn connections_that_wait_are_few_and_go() {
        let budget = ConnectionBudget::new(1_000);
        let all = PersonalConnections::new(&budget);
        let now = monotonic_now();
        for subject in 0..MOST * 2 {
            used(&all, &subject.to_string(), &login("ada", "a"), subject, now);
        }
        assert_eq!(budget.open(), MOST);
        let later = now + IDLE;
        assert_eq!(used(&all, "127", &login("ada", "a"), 1_000, later), 1_000);
        assert_eq!(budget.open(), 1);
        all.give_up_idle(later + IDLE);
        assert_eq!(budget.open(), 0);
        let connections = all.of("1", &login("ada", "a"), later);
        all.close();
        all.keep("1", &login("ada", "a"), &connections, later);
        let pool = connections.pool(Intent::Read);
        pool.lend(1, pool.permit().unwrap()).give_back();
        assert_eq!(budget.open(), 0, "a closed source keeps none");
    }

    #[test]
    fn a_refused_login_displaces_nobody() {
        let budget = ConnectionBudget::new(100);
        let all = PersonalConnections::new(&budget);
        let now = monotonic_now();
        used(&all, "1", &login("ada", "a"), 1, now);
        for guess in 0..MOST * 2 {
            // Nobody is let in, so nothing is kept.
            let _ = all.of("2", &login("ada", &guess.to_string()), now);
        }
        assert_eq!(used(&all, "1", &login("ada", "a"), 2, now), 1);
    }
}
