//! A bounded set of threads for blocking work, with a bounded queue.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::SourceError;

/// How long an idle worker waits before its thread ends.
const IDLE: Duration = Duration::from_secs(5);

type Job = Box<dyn FnOnce() + Send>;

/// Threads that are started when there is work and end when there is none. Dropping it drops queued jobs and
/// lets running jobs finish.
#[derive(Debug)]
pub(crate) struct Workers {
    shared: Arc<Shared>,
    threads: usize,
    queued: usize,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
    demand: Demand,
}

/// Tells running jobs whether others wait for a worker.
#[derive(Debug, Clone, Default)]
pub(crate) struct Demand(Arc<AtomicUsize>);

impl Demand {
    /// Whether a job waits for a free thread.
    pub(crate) fn is_there(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    fn note(&self, state: &State) {
        self.set(state.jobs.len().saturating_sub(state.idle));
    }

    /// Sets the number of waiting jobs.
    pub(crate) fn set(&self, jobs: usize) {
        self.0.store(jobs, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    closed: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "State({} queued, {} threads, {} idle)", self.jobs.len(), self.threads, self.idle)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Jobs run outside the lock, so a panic cannot leave the state inconsistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Workers {
    /// At most `threads` jobs run at once and `queued` wait.
    pub(crate) fn new(threads: usize, queued: usize) -> Self {
        Self { shared: Arc::default(), threads: threads.max(1), queued }
    }

    /// Whether others wait, for jobs that can give way.
    pub(crate) fn demand(&self) -> Demand {
        self.shared.demand.clone()
    }

    /// Queues a job; it is dropped without running if the set is closed first.
    pub(crate) fn submit(&self, job: impl FnOnce() + Send + 'static) -> Result<(), SourceError> {
        let mut state = self.shared.lock();
        if state.closed {
            return Err(SourceError::Closed);
        }
        let free = state.idle + (self.threads - state.threads.min(self.threads));
        if state.jobs.len() >= free + self.queued {
            return Err(SourceError::Busy);
        }
        if state.idle <= state.jobs.len() && state.threads < self.threads {
            self.start_thread(&mut state)?;
        }
        state.jobs.push_back(Box::new(job));
        self.shared.demand.note(&state);
        drop(state);
        self.shared.work.notify_one();
        Ok(())
    }

    /// Drops queued jobs and refuses more.
    pub(crate) fn close(&self) {
        let mut state = self.shared.lock();
        state.closed = true;
        let dropped = std::mem::take(&mut state.jobs);
        self.shared.demand.note(&state);
        drop(state);
        drop(dropped);
        self.shared.work.notify_all();
    }

    fn start_thread(&self, state: &mut State) -> Result<(), SourceError> {
        let shared = Arc::clone(&self.shared);
        let started = thread::Builder::new().name("source-worker".to_owned()).spawn(move || work(&shared));
        match started {
            Ok(_) => {
                state.threads += 1;
                Ok(())
            }
            // No thread can be started; the running ones will process the job.
            Err(_) if state.threads > 0 => Ok(()),
            Err(_) => Err(SourceError::Busy),
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.close();
    }
}

fn work(shared: &Shared) {
    let mut state = shared.lock();
    loop {
        if let Some(job) = state.jobs.pop_front() {
            shared.demand.note(&state);
            drop(state);
            // The values that the job owned are dropped while unwinding, which wakes the waiting callers.
            let _ = catch_unwind(AssertUnwindSafe(job));
            state = shared.lock();
            continue;
        }
        if state.closed {
            break;
        }
        state.idle += 1;
        let (woken, timeout) = shared.work.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
        state = woken;
        state.idle -= 1;
        if timeout.timed_out() && state.jobs.is_empty() {
            break;
        }
    }
    state.threads -= 1;
}

#[cfg(test)]
mod tests;
