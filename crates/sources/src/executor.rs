//! Runs the work of a source on its driver, in the same way for every kind of database.
//!
//! A job gets a connection of its own for one transaction. Jobs of a driver whose futures block run on worker
//! threads, those of a driver whose futures wait as tasks; both are limited in number and wait in a bounded queue.
//! A job stops at its deadline, when its receiver is gone, and when the source is closed.

mod personal;
mod pool;
mod queue;
mod tasks;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use odata::sql::Dialect;

use self::personal::{Connections, PersonalConnections};
use self::pool::Lent;
use self::queue::JobQueue;
use crate::approval::{Approver, JobPurpose};
use crate::chunks::{Overflow, chunks};
use crate::deadline::monotonic_now;
use crate::driver::{Connection, Driver, Intent, Job, Placement, Runner};
use crate::stop::{Signal, Stop, unless};
use crate::{
    ChunkSink, Chunks, Deadline, Described, Examined, Limits, Login, RequestUser, Resources, Run,
    SchemaVersion, SourceError, UserLogin,
};

/// How long a connection may take to end a transaction, to cancel a statement, or to close.
const GRACE: Duration = Duration::from_secs(1);

/// How long a connection may take to make changes durable. It is not stopped before, because nobody would know what
/// became of them.
const COMMIT_WITHIN: Duration = Duration::from_secs(20);

/// The number of idle connections for changes that are kept.
const IDLE_WRITERS: usize = 2;

/// The executor of one source.
#[derive(Debug)]
pub struct Executor<D: Driver> {
    shared: Arc<Shared<D>>,
    queue: JobQueue,
}

/// How a job runs.
struct BoundRun<'r> {
    purpose: JobPurpose,
    approver: &'r Approver,
    stop: &'r Stop,
    max_rows: usize,
    user: Option<&'r RequestUser>,
}

/// A user who signs in.
#[derive(Clone, Copy)]
struct Personal<'r> {
    subject: &'r str,
    own: &'r UserLogin,
}

/// What running jobs share.
struct Shared<D: Driver> {
    driver: D,
    /// Those of the source itself.
    connections: Connections<D::Connection>,
    /// Those of users.
    personal: PersonalConnections<D::Connection>,
    limits: Limits,
    overflow: Arc<Overflow>,
    closed: Arc<Signal>,
}

impl<D: Driver> fmt::Debug for Shared<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").field("driver", &self.driver).finish_non_exhaustive()
    }
}

impl<D: Driver> Executor<D> {
    /// Creates the executor of a driver; opens nothing yet.
    pub fn new(driver: D, resources: &Resources) -> Self {
        let Resources { limits, budget, .. } = resources;
        let queue = JobQueue::new(D::PLACEMENT, limits.workers, limits.queued);
        let shared = Arc::new(Shared {
            driver,
            connections: Connections::new(budget, limits.workers, IDLE_WRITERS),
            personal: PersonalConnections::new(budget),
            limits: limits.clone(),
            overflow: Arc::default(),
            closed: Arc::default(),
        });
        Self { shared, queue }
    }

    /// The driver.
    pub fn driver(&self) -> &D {
        &self.shared.driver
    }

    /// Reads the structure. Blocks the thread if the driver does.
    ///
    /// # Errors
    /// [`SourceError::TimedOut`] after the deadline, or why the database cannot be read.
    pub async fn describe(&self, deadline: Deadline) -> Result<Described, SourceError> {
        let shared = &self.shared;
        shared.driver.expect_changed_structure();
        let stop = shared.stop(deadline, &Arc::default());
        let mut lent = shared.lend(Intent::Read, None, &stop).await?;
        let work = async {
            lent.connection().begin(&stop).await?;
            shared.driver.describe(lent.connection()).await
        };
        let outcome = unless(work, || stop.requested()).await;
        shared.settle(lent, outcome).await
    }

    /// Finds out which server it is, and reads the structure. Blocks the thread if the driver does.
    ///
    /// # Errors
    /// As for [`Executor::describe`].
    pub async fn examine(&self, deadline: Deadline) -> Result<Examined, SourceError> {
        let shared = &self.shared;
        let stop = shared.stop(deadline, &Arc::default());
        let mut lent = shared.lend(Intent::Read, None, &stop).await?;
        let work = async {
            lent.connection().begin(&stop).await?;
            let product = shared.driver.product(lent.connection()).await?;
            Ok(Examined { product, described: shared.driver.describe(lent.connection()).await? })
        };
        let outcome = unless(work, || stop.requested()).await;
        shared.settle(lent, outcome).await
    }

    /// The state of the structure.
    ///
    /// # Errors
    /// As for [`Executor::describe`].
    pub async fn version(&self, deadline: Deadline) -> Result<SchemaVersion, SourceError> {
        let shared = &self.shared;
        shared.driver.expect_changed_structure();
        let stop = shared.stop(deadline, &Arc::default());
        let mut lent = shared.lend(Intent::Read, None, &stop).await?;
        let work = async {
            lent.connection().begin(&stop).await?;
            shared.driver.version(lent.connection()).await
        };
        let outcome = unless(work, || stop.requested()).await;
        shared.settle(lent, outcome).await
    }

    /// Runs a job in one transaction, its statements all on the same snapshot of the data, and returns its output in chunks of
    /// about 64 KiB. Take the first chunk before starting a response: an error before the first row is the first item.
    ///
    /// If the job [changes](JobPurpose::Change) the database, its output arrives when the changes are durable; the job must not
    /// send a part of it before. If it fails, is not approved, or its receiver gives up before, nothing is changed.
    ///
    /// # Errors
    /// [`SourceError::Busy`] if too many are already waiting; [`SourceError::Closed`].
    pub(crate) fn start<J: Job>(
        &self,
        purpose: JobPurpose,
        run: Run,
        user: Option<Arc<RequestUser>>,
        job: J,
    ) -> Result<Chunks, SourceError> {
        let shared = Arc::clone(&self.shared);
        let cancelled = Arc::<Signal>::default();
        let stop = shared.stop(run.deadline, &cancelled);
        let overflow = Arc::clone(&shared.overflow);
        let approver = Approver::here(D::PLACEMENT);
        let (mut sink, receiver) =
            chunks(shared.limits.stall, run.deadline, overflow, self.queue.demand(), cancelled);
        self.queue.submit(async move {
            let (max_rows, user) = (run.max_rows, user.as_deref());
            let run = BoundRun { purpose, approver: &approver, stop: &stop, max_rows, user };
            let outcome = shared.run(run, job, &mut sink).await;
            sink.finish(outcome);
        })?;
        Ok(receiver)
    }

    /// Where the work of the driver runs.
    pub fn placement(&self) -> Placement {
        D::PLACEMENT
    }

    /// The SQL dialect of its statements.
    pub fn dialect(&self) -> Dialect {
        self.shared.driver.dialect()
    }

    /// Closes the source: running statements stop, idle connections close, and every later call is
    /// [`SourceError::Closed`].
    pub fn close(&self) {
        self.shared.closed.raise();
        self.queue.close();
        self.shared.connections.close();
        self.shared.personal.close();
        self.shared.driver.close();
    }

    /// Closes connections of users that have waited for long.
    pub fn give_up_idle(&self) {
        self.shared.personal.give_up_idle(monotonic_now());
    }

    /// Waits until every connection is closed; call [`Executor::close`] first.
    pub async fn closed(&self) {
        self.shared.connections.closed().await;
        self.shared.personal.closed().await;
    }
}

impl<D: Driver> Drop for Executor<D> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<D: Driver> Shared<D> {
    fn stop(&self, deadline: Deadline, cancelled: &Arc<Signal>) -> Stop {
        Stop::new(deadline, &self.closed, cancelled)
    }

    async fn run<J: Job>(&self, run: BoundRun<'_>, job: J, sink: &mut ChunkSink) -> Result<(), SourceError> {
        let BoundRun { purpose, approver, stop, max_rows, user } = run;
        let personal = self.personal_of(user)?;
        let mut lent = self.lend(purpose.intent(), personal, stop).await?;
        let work = async {
            lent.connection().begin(stop).await?;
            lent.connection().act_for(user)?;
            job.run(&mut Runner::new(lent.connection(), max_rows), sink).await
        };
        let outcome = unless(work, || stop.requested()).await;
        let outcome = match (outcome, purpose) {
            (Ok(Ok(())), JobPurpose::Change(approval)) => match approver.ask(approval, stop).await {
                Ok(Ok(())) => self.committed(&mut lent, stop).await,
                refused => refused,
            },
            (outcome, _) => outcome,
        };
        let ended = self.settle(lent, outcome).await;
        if personal.is_some() { ended.map_err(SourceError::of_user) } else { ended }
    }

    /// The user who signs in, if the driver demands that. Nobody ever has the connection of the source instead.
    fn personal_of<'r>(&self, user: Option<&'r RequestUser>) -> Result<Option<Personal<'r>>, SourceError> {
        if !self.driver.user_logins().is_demanded() {
            return Ok(None);
        }
        let personal =
            user.and_then(|user| user.login.as_ref().map(|own| Personal { subject: &user.subject, own }));
        personal.map(Some).ok_or(SourceError::NoLogin)
    }

    /// Makes the changes of the transaction durable, unless the work must stop. The outer error says that it was stopped.
    async fn committed(
        &self,
        lent: &mut Lent<D::Connection>,
        stop: &Stop,
    ) -> Result<Result<(), SourceError>, SourceError> {
        stop.reason().map_or(Ok(()), Err)?;
        let unknown =
            |()| SourceError::OutcomeUnknown { detail: "the database did not answer in time".to_owned() };
        let answer = unless(lent.connection().commit(), || tokio::time::sleep(COMMIT_WITHIN)).await;
        answer.map(|committed| committed.map_err(in_commit)).map_err(unknown)
    }

    /// A connection of the user who signs in, or of the source: an idle one, or a new one within the budget.
    async fn lend(
        &self,
        intent: Intent,
        personal: Option<Personal<'_>>,
        stop: &Stop,
    ) -> Result<Lent<D::Connection>, SourceError> {
        stop.reason().map_or(Ok(()), Err)?;
        let connections = match personal {
            None => self.connections.clone(),
            Some(Personal { subject, own }) => self.personal.of(subject, &own.login, monotonic_now()),
        };
        let pool = connections.pool(intent);
        while let Some(lent) = pool.take() {
            if self.driver.is_current(lent.shared())? {
                return Ok(lent);
            }
            close(lent).await;
        }
        let permit = pool.permit()?;
        let connection = match personal {
            None => self.connect(intent, None, stop).await?,
            Some(personal) => {
                let connection = self.signed_in(intent, personal, stop).await?;
                self.personal.keep(personal.subject, &personal.own.login, &connections, monotonic_now());
                connection
            }
        };
        Ok(pool.lend(connection, permit))
    }

    async fn connect(
        &self,
        intent: Intent,
        login: Option<&Login>,
        stop: &Stop,
    ) -> Result<D::Connection, SourceError> {
        unless(self.driver.connect(intent, login, stop), || stop.requested())
            .await
            .and_then(|connected| connected)
    }

    /// A connection on which a user has signed in. Only so many attempts of a user may be refused.
    async fn signed_in(
        &self,
        intent: Intent,
        Personal { own: UserLogin { login, attempts }, .. }: Personal<'_>,
        stop: &Stop,
    ) -> Result<D::Connection, SourceError> {
        attempts.begin().map_err(|seconds| SourceError::TooManyLogins { seconds })?;
        let connected = self.connect(intent, Some(login), stop).await.map_err(SourceError::of_user);
        if connected.as_ref().map_or_else(comes_before_the_password, |_| true) {
            attempts.was_not_refused();
        }
        connected
    }

    /// Takes a connection back after its work. The outer error says that the work was stopped.
    async fn settle<T>(
        &self,
        mut lent: Lent<D::Connection>,
        outcome: Result<Result<T, SourceError>, SourceError>,
    ) -> Result<T, SourceError> {
        match outcome {
            Err(reason) => {
                let (connection, _right) = lent.into_parts();
                within_grace(connection.cancel()).await;
                Err(reason)
            }
            Ok(outcome) => {
                let is_usable = !outcome.as_ref().is_err_and(SourceError::taints_connection)
                    && !self.closed.is_raised()
                    && matches!(within_grace(lent.connection().end()).await, Some(Ok(())));
                if is_usable {
                    lent.give_back();
                } else {
                    close(lent).await;
                }
                outcome
            }
        }
    }
}

/// Whether the database has not judged the password when this happens. What was broken off may have been about to be refused.
fn comes_before_the_password(error: &SourceError) -> bool {
    matches!(
        error,
        SourceError::Busy
            | SourceError::HostNotAllowed
            | SourceError::Unresolved { .. }
            | SourceError::ConnectionRefused { .. }
            | SourceError::NoTls
            | SourceError::CertificateRefused { .. }
            | SourceError::NotEncrypted { .. }
            | SourceError::LoginLacksRight
    )
}

/// The error of a commit. If the database did not refuse it but was lost, failed or is damaged, nobody knows what became of
/// the changes.
fn in_commit(error: SourceError) -> SourceError {
    match error {
        SourceError::Unreachable { detail }
        | SourceError::Failed { detail }
        | SourceError::Damaged { detail } => SourceError::OutcomeUnknown { detail },
        error => error,
    }
}

/// Closes a connection.
async fn close<C: Connection>(lent: Lent<C>) {
    let (connection, _right) = lent.into_parts();
    within_grace(connection.close()).await;
}

/// The result, unless it takes too long.
async fn within_grace<T>(work: impl Future<Output = T>) -> Option<T> {
    unless(work, || tokio::time::sleep(GRACE)).await.ok()
}

#[cfg(test)]
mod tests;
