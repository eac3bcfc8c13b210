//! The consumer of rows.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::task::{Context, Poll};

use crate::SourceRow;

/// What a driver does after it has passed a row on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// It passes the next row on.
    Continue,
    /// It waits until there is room for more, then follows the result.
    Wait,
    /// It ends the statement.
    Stop,
}

/// Takes the rows of a statement, one by one.
pub trait RowConsumer: Send {
    /// Takes a row.
    fn row(&mut self, row: &SourceRow<'_>) -> Flow;

    /// Waits for room after [`Flow::Wait`], for drivers whose futures wait. The result is never
    /// [`Flow::Wait`].
    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Flow>;

    /// Waits for room after [`Flow::Wait`], for drivers that block their thread. The result is never
    /// [`Flow::Wait`].
    fn wait_for_room(&mut self) -> Flow;
}

/// A function that always has room. It breaks to end the statement.
impl<F> RowConsumer for F
where
    F: FnMut(&SourceRow<'_>) -> ControlFlow<()> + Send,
{
    #[inline]
    fn row(&mut self, row: &SourceRow<'_>) -> Flow {
        match self(row) {
            ControlFlow::Continue(()) => Flow::Continue,
            ControlFlow::Break(()) => Flow::Stop,
        }
    }

    fn poll_room(&mut self, _context: &mut Context<'_>) -> Poll<Flow> {
        Poll::Ready(Flow::Continue)
    }

    fn wait_for_room(&mut self) -> Flow {
        Flow::Continue
    }
}

/// Waits for room after [`Flow::Wait`], in a driver whose futures wait. The result is never [`Flow::Wait`].
pub async fn room(rows: &mut impl RowConsumer) -> Flow {
    poll_fn(|context| rows.poll_room(context)).await
}
