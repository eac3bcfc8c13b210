//! An executor without the type of its driver.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use odata::sql::Dialect;

use super::{Described, Examined, SchemaVersion};
use crate::approval::JobPurpose;
use crate::driver::{AnyJob, Driver, ErasedJob, Placement};
use crate::{Chunks, Deadline, Executor, RequestUser, Run, SourceError, UserLogins};

/// A future on the heap.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A source of any kind.
pub(super) trait AnySource: fmt::Debug + Send + Sync {
    fn placement(&self) -> Placement;
    fn dialect(&self) -> Dialect;
    fn describe(&self, deadline: Deadline) -> Boxed<'_, Result<Described, SourceError>>;
    fn examine(&self, deadline: Deadline) -> Boxed<'_, Result<Examined, SourceError>>;
    fn version(&self, deadline: Deadline) -> Boxed<'_, Result<SchemaVersion, SourceError>>;
    fn needs_user(&self) -> bool;
    fn user_logins(&self) -> UserLogins;
    fn give_up_idle(&self);
    fn start(
        &self,
        purpose: JobPurpose,
        run: Run,
        user: Option<Arc<RequestUser>>,
        job: Box<dyn AnyJob>,
    ) -> Result<Chunks, SourceError>;
    fn close(&self);
    fn closed(&self) -> Boxed<'_, ()>;
}

impl<D: Driver> AnySource for Executor<D> {
    fn placement(&self) -> Placement {
        Executor::placement(self)
    }

    fn dialect(&self) -> Dialect {
        Executor::dialect(self)
    }

    fn describe(&self, deadline: Deadline) -> Boxed<'_, Result<Described, SourceError>> {
        Box::pin(Executor::describe(self, deadline))
    }

    fn examine(&self, deadline: Deadline) -> Boxed<'_, Result<Examined, SourceError>> {
        Box::pin(Executor::examine(self, deadline))
    }

    fn version(&self, deadline: Deadline) -> Boxed<'_, Result<SchemaVersion, SourceError>> {
        Box::pin(Executor::version(self, deadline))
    }

    fn needs_user(&self) -> bool {
        self.driver().needs_user()
    }

    fn user_logins(&self) -> UserLogins {
        self.driver().user_logins()
    }

    fn give_up_idle(&self) {
        Executor::give_up_idle(self);
    }

    fn start(
        &self,
        purpose: JobPurpose,
        run: Run,
        user: Option<Arc<RequestUser>>,
        job: Box<dyn AnyJob>,
    ) -> Result<Chunks, SourceError> {
        Executor::start(self, purpose, run, user, ErasedJob(job))
    }

    fn close(&self) {
        Executor::close(self);
    }

    fn closed(&self) -> Boxed<'_, ()> {
        Box::pin(Executor::closed(self))
    }
}
