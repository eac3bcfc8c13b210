//! A bounded number of tasks for work that waits, with a bounded queue.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;

use crate::SourceError;
use crate::workers::Demand;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tasks of the runtime, at most a certain number at once. Dropping it drops queued work and lets running work
/// finish.
#[derive(Debug)]
pub(super) struct Tasks {
    shared: Arc<Shared>,
    queued: usize,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    demand: Demand,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Work>,
    free: usize,
    closed: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "State({} queued, {} free)", self.queue.len(), self.free)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Work runs outside the lock, so a panic cannot leave the state inconsistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tasks {
    /// At most `tasks` run at once and `queued` wait.
    pub(super) fn new(tasks: usize, queued: usize) -> Self {
        let shared = Shared::default();
        shared.lock().free = tasks.max(1);
        Self { shared: Arc::new(shared), queued }
    }

    /// Whether others wait, for work that can give way.
    pub(super) fn demand(&self) -> Demand {
        self.shared.demand.clone()
    }

    /// Queues work; it is dropped without running if the set is closed first.
    pub(super) fn submit(&self, work: impl Future<Output = ()> + Send + 'static) -> Result<(), SourceError> {
        let runtime = Handle::try_current()
            .map_err(|error| SourceError::Failed { detail: format!("no task can be started: {error}") })?;
        let mut state = self.shared.lock();
        if state.closed {
            return Err(SourceError::Closed);
        }
        if state.free > 0 {
            state.free -= 1;
            drop(state);
            RunningTask { shared: Arc::clone(&self.shared), runtime }.run(Box::pin(work));
            return Ok(());
        }
        if state.queue.len() >= self.queued {
            return Err(SourceError::Busy);
        }
        state.queue.push_back(Box::pin(work));
        self.shared.demand.set(state.queue.len());
        Ok(())
    }

    /// Drops queued work and refuses more.
    pub(super) fn close(&self) {
        let mut state = self.shared.lock();
        state.closed = true;
        let dropped = std::mem::take(&mut state.queue);
        self.shared.demand.set(0);
        drop(state);
        drop(dropped);
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.close();
    }
}

/// The right to run as a task. When it is dropped, even by a panic, the next work gets it.
struct RunningTask {
    shared: Arc<Shared>,
    runtime: Handle,
}

impl RunningTask {
    fn run(self, work: Work) {
        let runtime = self.runtime.clone();
        // The work ends when its source is closed, so it does not outlive the shutdown.
        drop(runtime.spawn(async move {
            let _running = self;
            work.await;
        }));
    }
}

impl Drop for RunningTask {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let next = state.queue.pop_front();
        self.shared.demand.set(state.queue.len());
        if next.is_none() {
            state.free += 1;
        }
        drop(state);
        if let Some(next) = next {
            Self { shared: Arc::clone(&self.shared), runtime: self.runtime.clone() }.run(next);
        }
    }
}
