//! Where jobs run, and how many of them.

use std::future::Future;

use super::tasks::Tasks;
use crate::SourceError;
use crate::driver::{Placement, ready};
use crate::workers::{Demand, Workers};

/// A bounded number of jobs that run, and of jobs that wait.
#[derive(Debug)]
pub(super) enum JobQueue {
    Threads(Workers),
    Tasks(Tasks),
}

impl JobQueue {
    pub(super) fn new(placement: Placement, running: usize, queued: usize) -> Self {
        match placement {
            Placement::Thread => Self::Threads(Workers::new(running, queued)),
            Placement::Task => Self::Tasks(Tasks::new(running, queued)),
        }
    }

    /// Queues a job.
    ///
    /// # Errors
    /// [`SourceError::Busy`], [`SourceError::Closed`].
    pub(super) fn submit(&self, job: impl Future<Output = ()> + Send + 'static) -> Result<(), SourceError> {
        match self {
            // A job that waits on a thread is dropped, which its receiver notices.
            Self::Threads(workers) => workers.submit(move || {
                drop(ready(async {
                    job.await;
                    Ok(())
                }));
            }),
            Self::Tasks(tasks) => tasks.submit(job),
        }
    }

    /// Whether others wait, for jobs that can give way.
    pub(super) fn demand(&self) -> Demand {
        match self {
            Self::Threads(workers) => workers.demand(),
            Self::Tasks(tasks) => tasks.demand(),
        }
    }

    /// Drops queued jobs and refuses more.
    pub(super) fn close(&self) {
        match self {
            Self::Threads(workers) => workers.close(),
            Self::Tasks(tasks) => tasks.close(),
        }
    }
}
