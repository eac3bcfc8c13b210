//! Connections: a bounded number, a bounded wait for one, and no wait while the database is unreachable.

mod dialer;

use std::sync::Mutex;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Object, Pool, Timeouts};
use store::WithCauses;
use tokio::time::Instant;
use tokio_postgres::Client;

use crate::address::ConnectionTarget;
use crate::error::Failure;
use crate::{OpenError, Options};
use dialer::Dialer;

/// The time between two attempts to reach an unreachable database.
const COOLING: Duration = Duration::from_millis(200);

/// The number of operations that must be late, while the database answers nobody, before it counts as unreachable.
const LATE_IN_A_ROW: u32 = 3;

/// The connection pool of one node.
pub(crate) struct Connections {
    pool: Pool<Dialer>,
    options: Options,
    health: Health,
}

impl Connections {
    pub(crate) fn new(target: &ConnectionTarget, options: Options) -> Result<Self, OpenError> {
        let timeouts =
            Timeouts { wait: Some(options.wait), create: Some(options.wait), recycle: Some(options.wait) };
        let pool = Pool::builder(Dialer::new(target)?)
            .max_size(options.connections)
            .timeouts(timeouts)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| OpenError::Database(Box::new(error)))?;
        Ok(Self { pool, options, health: Health::default() })
    }

    /// Runs a database operation within its time limit, and learns from it whether the database is reachable. The
    /// connection of a late operation is closed.
    pub(crate) async fn within_time<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let answers_before = self.health.admit()?;
        let outcome = tokio::time::timeout(self.options.patience, work).await.unwrap_or(Err(Failure::Late));
        self.health.learn(answers_before, outcome.as_ref().err());
        outcome
    }

    /// Takes a connection for one operation or one read.
    pub(crate) async fn get(&self) -> Result<PooledConnection, Failure> {
        Ok(PooledConnection { object: Some(self.pool.get().await?) })
    }

    /// Closes the connections that nobody uses, so that the next operation gets a new one. When a connection breaks,
    /// the others usually broke with it.
    pub(crate) fn close_idle(&self) {
        drop(self.pool.retain(|_, _| false));
    }

    /// Hands out no more connections.
    pub(crate) fn close(&self) {
        self.pool.close();
    }
}

/// A connection that returns to the pool only if it was marked as idle. Otherwise it is closed and its statement is
/// cancelled, so that the server rolls back what was started on it.
pub(crate) struct PooledConnection {
    object: Option<Object<Dialer>>,
}

impl PooledConnection {
    pub(crate) fn client(&self) -> &Client {
        self.object.as_ref().expect("it is taken when it goes back alone").client()
    }

    /// Marks the connection as idle: no transaction is open, so another caller may use it.
    pub(crate) fn at_rest(mut self) {
        drop(self.object.take());
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            Object::take(object).abandon();
        }
    }
}

/// Whether the database is reachable, as far as this node knows. While it is not, one caller in every
/// [`COOLING`] tries, and all others fail at once.
///
/// A failure says nothing about the database if somebody else was answered meanwhile: a single statement may wait for a
/// lock or read a large table.
#[derive(Default)]
struct Health(Mutex<Observed>);

#[derive(Default)]
struct Observed {
    /// The time of the next attempt; `None` while the database is reachable.
    next_try: Option<Instant>,
    /// The number of its answers.
    answers: u64,
    /// The number of operations that were late since its last answer.
    late: u32,
}

impl Health {
    /// Admits an operation, and returns the number of answers so far.
    fn admit(&self) -> Result<u64, Failure> {
        let mut observed = self.lock();
        if let Some(at) = observed.next_try {
            if Instant::now() < at {
                return Err(Failure::NoConnection("it is unreachable at present".into()));
            }
            observed.next_try = Some(Instant::now() + COOLING);
        }
        Ok(observed.answers)
    }

    /// Learns how an operation ended, before which there were that many answers.
    fn learn(&self, answers_before: u64, failure: Option<&Failure>) {
        let mut observed = self.lock();
        let Some(failure) = failure.filter(|failure| !failure.is_an_answer()) else {
            *observed = Observed { answers: observed.answers + 1, ..Observed::default() };
            return;
        };
        let is_outage = match failure {
            _ if observed.answers > answers_before => false,
            Failure::NoConnection(_) => true,
            Failure::Late => {
                observed.late += 1;
                observed.next_try.is_some() || observed.late >= LATE_IN_A_ROW
            }
            _ => false,
        };
        if is_outage {
            if observed.next_try.is_none() {
                tracing::warn!(error = %WithCauses(failure), "the system database is unreachable");
            }
            observed.next_try = Some(Instant::now() + COOLING);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Observed> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_connection() -> Failure {
        Failure::NoConnection("refused".into())
    }

    fn is_open(health: &Health) -> bool {
        health.lock().next_try.is_none()
    }

    #[test]
    fn a_late_operation_alone_is_no_outage() {
        let health = Health::default();
        for _ in 0..10 {
            for _ in 1..LATE_IN_A_ROW {
                let before = health.admit().unwrap();
                health.learn(before, Some(&Failure::Late));
                assert!(is_open(&health));
            }
            let before = health.admit().unwrap();
            health.learn(before, None);
        }
    }

    #[test]
    fn several_late_operations_in_a_row_are_an_outage_until_the_next_answer() {
        let health = Health::default();
        let before = health.admit().unwrap();
        for late in 1..=LATE_IN_A_ROW {
            health.learn(before, Some(&Failure::Late));
            assert_eq!(is_open(&health), late < LATE_IN_A_ROW);
        }
        health.learn(before, None);
        assert_eq!(health.admit().unwrap(), before + 1);
        health.learn(before + 1, Some(&Failure::Late));
        assert!(is_open(&health), "the count starts again");
    }

    #[test]
    fn a_failure_is_no_outage_if_others_are_answered_meanwhile() {
        let health = Health::default();
        let before = health.admit().unwrap();
        health.learn(before, None);
        for failure in [Failure::Late, no_connection()] {
            for _ in 0..LATE_IN_A_ROW {
                health.learn(before, Some(&failure));
            }
            assert!(is_open(&health), "{failure:?}");
        }
    }

    #[test]
    fn a_missing_connection_is_an_outage_and_a_busy_pool_is_none() {
        let health = Health::default();
        for _ in 0..LATE_IN_A_ROW {
            health.learn(0, Some(&Failure::Exhausted));
        }
        assert!(is_open(&health));
        health.learn(0, Some(&no_connection()));
        assert!(!is_open(&health));
        health.learn(0, Some(&Failure::Exhausted));
        assert!(!is_open(&health), "it says nothing about the database");
        health.learn(0, Some(&Failure::Inconsistent("a row".to_owned())));
        assert!(is_open(&health), "whatever the answer");
    }
}
