//! Connections: a bounded number of them, a bounded wait for one, and no wait at all while the database is away.

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

/// While the database is away, so long passes between two attempts to reach it.
const COOLING: Duration = Duration::from_millis(200);

/// The pool of one node.
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

    /// Runs something that speaks to the database within its time, and learns from it whether the database is there.
    pub(crate) async fn within_time<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        self.health.admit()?;
        let outcome = tokio::time::timeout(self.options.patience, work).await.unwrap_or(Err(Failure::Late));
        self.health.learn(outcome.as_ref().err());
        outcome
    }

    /// A connection for one unit of work or one read.
    pub(crate) async fn get(&self) -> Result<Connection, Failure> {
        Ok(Connection { object: Some(self.pool.get().await?) })
    }

    /// Hands out no connection any more.
    pub(crate) fn close(&self) {
        self.pool.close();
    }
}

/// A connection that goes back to the pool only when it was said to be at rest; otherwise it is closed, which makes the
/// server undo what was begun on it.
pub(crate) struct Connection {
    object: Option<Object<Dialer>>,
}

impl Connection {
    pub(crate) fn client(&self) -> &Client {
        self.object.as_ref().expect("it is taken when it goes back alone").client()
    }

    /// Nothing is open on it: somebody else may have it.
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

/// Whether the database is there, as far as this node has seen. While it is away one caller in every [`COOLING`] tries,
/// and everybody else is told at once.
#[derive(Default)]
struct Health(Mutex<Option<Instant>>);

impl Health {
    fn admit(&self) -> Result<(), Failure> {
        let mut next_try = self.lock();
        match *next_try {
            Some(at) if Instant::now() < at => Err(Failure::NoConnection("it is away at present".into())),
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
                    tracing::warn!(error = %WithCauses(failure), "the system database is away");
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
