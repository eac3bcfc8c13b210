//! What stops running work.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use crate::{Deadline, SourceError};

/// A signal that is raised once. A thread looks at its flag; a task waits for it.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    flag: Arc<AtomicBool>,
    raised: Notify,
}

impl Signal {
    pub(crate) fn raise(&self) {
        self.flag.store(true, Ordering::Relaxed);
        self.raised.notify_waiters();
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// Waits until the signal is raised.
    async fn wait(&self) {
        let mut raised = pin!(self.raised.notified());
        // From here on, no signal is missed.
        raised.as_mut().enable();
        if !self.is_raised() {
            raised.await;
        }
    }
}

/// Says when work on a source must stop: at its deadline, if the receiver of its rows is gone, or if the source
/// is closed.
#[derive(Debug, Clone)]
pub struct Stop {
    deadline: Deadline,
    closed: Arc<Signal>,
    cancelled: Arc<Signal>,
}

impl Stop {
    pub(crate) fn new(deadline: Deadline, closed: &Arc<Signal>, cancelled: &Arc<Signal>) -> Self {
        Self { deadline, closed: Arc::clone(closed), cancelled: Arc::clone(cancelled) }
    }

    /// When it stops at the latest.
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// A flag that is set once the receiver is gone.
    pub fn cancelled(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancelled.flag)
    }

    /// Why the work must stop now, if it must. Once there is a reason, there always is one.
    pub fn reason(&self) -> Option<SourceError> {
        if self.closed.is_raised() {
            Some(SourceError::Closed)
        } else if self.cancelled.is_raised() {
            Some(SourceError::Cancelled)
        } else if self.deadline.has_passed() {
            Some(SourceError::TimedOut)
        } else {
            None
        }
    }

    /// Waits until there is a reason to stop. Needs the timer of a runtime.
    pub async fn requested(&self) -> SourceError {
        loop {
            if let Some(reason) = self.reason() {
                return reason;
            }
            tokio::select! {
                () = self.closed.wait() => {}
                () = self.cancelled.wait() => {}
                () = tokio::time::sleep(self.deadline.remaining()) => {}
            }
        }
    }
}

/// Waits for `work`, unless what `stop` returns is ready before. `stop` is called only if the work waits, so that
/// work that is ready at once needs neither a timer nor an allocation.
pub(crate) async fn unless<T, S: Future>(
    work: impl Future<Output = T>,
    stop: impl FnOnce() -> S,
) -> Result<T, S::Output> {
    let mut work = pin!(work);
    let (mut stop, mut stopping): (_, Option<Pin<Box<S>>>) = (Some(stop), None);
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Ok(done));
        }
        if let Some(stop) = stop.take() {
            stopping = Some(Box::pin(stop()));
        }
        match &mut stopping {
            Some(stopping) => stopping.as_mut().poll(context).map(Err),
            None => Poll::Pending,
        }
    })
    .await
}

/// The result of a future that never waits; [`SourceError::Failed`] if it waits anyway.
///
/// # Errors
/// The error of the future.
#[inline]
pub fn ready<T>(work: impl Future<Output = Result<T, SourceError>>) -> Result<T, SourceError> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Err(SourceError::Failed { detail: "a driver waited on a thread".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn stop(deadline: Deadline) -> (Stop, Arc<Signal>, Arc<Signal>) {
        let (closed, cancelled) = (Arc::<Signal>::default(), Arc::<Signal>::default());
        (Stop::new(deadline, &closed, &cancelled), closed, cancelled)
    }

    #[tokio::test]
    async fn each_reason_ends_the_wait() {
        let far = Deadline::after(Duration::from_mins(1));
        let (by_deadline, _, _) = stop(Deadline::after(Duration::from_millis(1)));
        assert_eq!(by_deadline.requested().await, SourceError::TimedOut);
        let (cancelled, _, signal) = stop(far);
        assert_eq!(cancelled.reason(), None);
        let (reason, ()) = tokio::join!(cancelled.requested(), async { signal.raise() });
        assert_eq!(reason, SourceError::Cancelled);
        let (closed, signal, _) = stop(far);
        let (reason, ()) = tokio::join!(closed.requested(), async { signal.raise() });
        assert_eq!(reason, SourceError::Closed);
        assert_eq!(closed.requested().await, SourceError::Closed, "for good");
    }

    #[tokio::test]
    async fn work_that_is_ready_is_not_stopped() {
        let (late, _, _) = stop(Deadline::after(Duration::ZERO));
        assert_eq!(unless(async { 7 }, || late.requested()).await, Ok(7));
        let never = std::future::pending::<()>();
        assert_eq!(unless(never, || late.requested()).await, Err(SourceError::TimedOut));
    }

    #[test]
    fn work_that_waits_on_a_thread_fails() {
        assert_eq!(ready(async { Ok(7) }), Ok(7));
        assert!(matches!(ready::<()>(std::future::pending()), Err(SourceError::Failed { .. })));
    }
}
