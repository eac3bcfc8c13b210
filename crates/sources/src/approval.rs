//! Whether a change may be made durable.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use tokio::runtime::Handle;

use crate::SourceError;
use crate::driver::{Intent, Placement};
use crate::stop::{Stop, unless};

/// Says whether changes may be made durable. It is asked after all statements and just before that, because the rights may
/// have ended while they ran.
pub struct CommitApproval(Pin<Box<dyn Future<Output = Result<(), SourceError>> + Send>>);

impl CommitApproval {
    /// What the future decides. It is polled when it is asked; an error undoes the changes.
    pub fn new(decision: impl Future<Output = Result<(), SourceError>> + Send + 'static) -> Self {
        Self(Box::pin(decision))
    }
}

impl fmt::Debug for CommitApproval {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CommitApproval").finish_non_exhaustive()
    }
}

/// What a job does, and what must approve it.
#[derive(Debug)]
pub(crate) enum JobPurpose {
    /// It reads.
    Read,
    /// It changes the database, if that is approved.
    Change(CommitApproval),
}

impl JobPurpose {
    pub(crate) fn intent(&self) -> Intent {
        match self {
            Self::Read => Intent::Read,
            Self::Change(_) => Intent::Change,
        }
    }
}

/// Asks where the work of a source runs.
#[derive(Debug)]
pub(crate) struct Approver {
    placement: Placement,
    /// What decides for a job on a thread; `None` if there is no runtime.
    runtime: Option<Handle>,
}

impl Approver {
    /// For a job that is started here.
    pub(crate) fn here(placement: Placement) -> Self {
        Self { placement, runtime: Handle::try_current().ok() }
    }

    /// The decision. The outer error says that the work must stop.
    pub(crate) async fn ask(
        &self,
        approval: CommitApproval,
        stop: &Stop,
    ) -> Result<Result<(), SourceError>, SourceError> {
        let decision = unless(approval.0, || stop.requested());
        match (self.placement, &self.runtime) {
            (Placement::Task, _) => decision.await,
            (Placement::Thread, Some(runtime)) => runtime.block_on(decision),
            (Placement::Thread, None) => {
                Err(SourceError::Failed { detail: "a change was started outside of a runtime".to_owned() })
            }
        }
    }
}
