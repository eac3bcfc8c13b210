//! Connections: a bounded number, a bounded wait for one, and no wait while the database is unreachable.

mod dialer;

use std::sync::Mutex;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Object, Pool, Timeouts};
use store::WithCauses;
use tokio::time::Instant;
use tokio_postgres::Client;

use crate::address::Target;
use crate::error::Failure;
use crate::{OpenError, Options};
use dialer::Dialer;

/// The time between two attempts to reach an unreachable database.
const COOLING: Duration = Duration::from_millis(200);

/// The connection pool of one node.
pub(crate) struct Connections {
    pool: Pool<Dialer>,
    options: Options,
    health: Health,
}

impl Connections {
    pub(crate) fn new(target: &Target, options: Options) -> Result<Self, OpenError> {
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

    /// Runs a database operation within its time limit, and learns from it whether the database is reachable.
    pub(crate) async fn within_time<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        self.health.admit()?;
        let outcome = tokio::time::timeout(self.options.patience, work).await.unwrap_or(Err(Failure::Late));
        self.health.learn(outcome.as_ref().err());
        outcome
    }

    /// Takes a connection for one operation or one read.
    pub(crate) async fn get(&self) -> Result<Connection, Failure> {
        Ok(Connection { object: Some(self.pool.get().await?) })
    }

    /// Hands out no more connections.
    pub(crate) fn close(&self) {
        self.pool.close();
    }
}

/// A connection that returns to the pool only if it was marked as idle. Otherwise it is closed, so that the
/// server rolls back what was started on it.
pub(crate) struct Connection {
    object: Option<Object<Dialer>>,
}

impl Connection {
    pub(crate) fn client(&self) -> &Client {
        self.object.as_ref().expect("it is taken when it goes back alone").client()
    }

    /// Marks the connection as idle: no transaction is open, so another caller may use it.
    pub(crate) fn at_rest(mut self) {
        drop(self.object.take());
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            drop(Object::take(object));
        }
    }
}

/// Whether the database is reachable, as far as this node knows. While it is not, one caller in every
/// [`COOLING`] tries, and all others fail at once.
#[derive(Default)]
struct Health(Mutex<Option<Instant>>);

impl Health {
    fn admit(&self) -> Result<(), Failure> {
        let mut next_try = self.lock();
        match *next_try {
            Some(at) if Instant::now() < at => {
                Err(Failure::NoConnection("it is unreachable at present".into()))
            }
            Some(_) => {
                *next_try = Some(Instant::now() + COOLING);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn learn(&self, failure: Option<&Failure>) {
        let mut next_try = self.lock();
        match failure {
            None => *next_try = None,
            Some(failure) if failure.is_outage() => {
                if next_try.is_none() {
                    tracing::warn!(error = %WithCauses(failure), "the system database is unreachable");
                }
                *next_try = Some(Instant::now() + COOLING);
            }
            Some(_) => {}
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
