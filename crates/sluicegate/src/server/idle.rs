//! Detects an idle HTTP/2 connection: no request is running, although its client may still answer PING.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The activity of a connection.
#[derive(Debug)]
pub(super) struct Activity {
    /// Requests whose response is not complete.
    busy: AtomicUsize,
    began: Instant,
    /// When the last of them ended, in milliseconds since the connection started.
    rested_since: AtomicU64,
    /// With HTTP/1, hyper enforces the idle time itself.
    use_http1: AtomicBool,
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            busy: AtomicUsize::new(0),
            began: Instant::now(),
            rested_since: AtomicU64::new(0),
            use_http1: AtomicBool::new(false),
        })
    }

    /// Records that the connection uses HTTP/1.
    pub(super) fn use_http1(&self) {
        self.use_http1.store(true, Ordering::Relaxed);
    }

    /// Records the start of a request, which lasts until the result is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    /// Waits until no request has been running for `patience`.
    pub(super) async fn is_idle(&self, patience: Duration) {
        loop {
            let rested = if self.is_resting() { self.rested() } else { Duration::ZERO };
            match patience.checked_sub(rested) {
                Some(left) if !left.is_zero() => tokio::time::sleep(left).await,
                _ => return,
            }
        }
    }

    fn rested(&self) -> Duration {
        let since = Duration::from_millis(self.rested_since.load(Ordering::Acquire));
        self.began.elapsed().saturating_sub(since)
    }

    /// Whether no request is running.
    pub(super) fn is_resting(&self) -> bool {
        self.busy.load(Ordering::Acquire) == 0 && !self.use_http1.load(Ordering::Relaxed)
    }
}

/// A request whose response is not complete.
#[derive(Debug)]
pub(super) struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        if self.0.busy.fetch_sub(1, Ordering::AcqRel) == 1 {
            let since = u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.0.rested_since.store(since, Ordering::Release);
        }
    }
}
