//! An operation as the writer sees it: work to run inside a transaction, and a caller who waits for the
//! result.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;
use store::StoreError;
use tokio::sync::oneshot;

use crate::error::Failure;
use crate::sql;

pub(crate) trait WriteJob: Send {
    /// Runs the work and stores its result. Called again if the surrounding transaction was rolled back.
    fn run(&mut self, db: &Connection) -> Result<(), Failure>;

    /// Stores a failure as the result, while the other operations of the transaction continue.
    fn fail(&mut self, failure: Failure);

    /// Sends the result to the caller, or reports that the transaction failed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Unit<Work, T> {
    work: Work,
    outcome: Option<Result<T, StoreError>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

/// Creates an operation, and the receiver of its result.
pub(crate) fn unit<T: Send + 'static>(
    work: impl Fn(&Connection) -> sql::Result<T> + Send + 'static,
) -> (Box<dyn WriteJob>, oneshot::Receiver<Result<T, StoreError>>) {
    let (caller, answer) = oneshot::channel();
    (Box::new(Unit { work, outcome: None, caller }), answer)
}

impl<T: Send, Work: Fn(&Connection) -> sql::Result<T> + Send> WriteJob for Unit<Work, T> {
    fn run(&mut self, db: &Connection) -> Result<(), Failure> {
        // A panic must not stop the writer: all other callers would wait forever.
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.work)(db)))
            .unwrap_or_else(|panic| Err(Failure::Inconsistent(words_of(panic.as_ref()))));
        self.outcome = Some(Ok(outcome?));
        Ok(())
    }

    fn fail(&mut self, failure: Failure) {
        self.outcome = Some(Err(failure.into_store_error()));
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let outcome = match (committed, self.outcome) {
            (Err(error), _) => Err(error),
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(StoreError::Inconsistent("an operation was never run".to_owned())),
        };
        // The caller may have gone away; the operation is done anyway.
        let _ = self.caller.send(outcome);
    }
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let words =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("an operation panicked: {}", words.unwrap_or("without words"))
}
