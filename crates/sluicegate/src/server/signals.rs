//! The signals that a server handles.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Tells all waiting tasks that the server should stop.
#[derive(Debug, Clone)]
pub(crate) struct StopSignal(Arc<watch::Sender<bool>>);

impl StopSignal {
    /// Creates it, not yet triggered.
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Triggers it.
    pub(crate) fn trigger(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it is triggered.
    pub(crate) async fn triggered(&self) {
        let mut receiver = self.0.subscribe();
        // The sender lives as long as `self`.
        let _ = receiver.wait_for(|is_triggered| *is_triggered).await;
    }
}

/// The registered signals.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Replaces the default handlers of the signals.
    pub(crate) fn hear() -> anyhow::Result<Self> {
        let hear = |kind| signal(kind).context("signals cannot be handled");
        Ok(Self {
            terminate: hear(SignalKind::terminate())?,
            interrupt: hear(SignalKind::interrupt())?,
            hang_up: hear(SignalKind::hangup())?,
        })
    }

    /// Handles signals until one asks to stop. Then the server starts draining: it continues to serve for
    /// `draining`, so that load balancers notice. A second signal stops it at once.
    pub(crate) async fn act(
        mut self,
        stop: StopSignal,
        reload: impl Fn(),
        draining: Duration,
        drain: impl FnOnce(),
    ) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hang_up.recv() => reload(),
                () = stop.triggered() => return,
            }
        }
        tracing::info!("told to stop");
        drain();
        tokio::select! {
            () = tokio::time::sleep(draining) => {}
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        stop.trigger();
    }
}
