//! The queue between callers that write and the writer thread.
//!
//! The writer takes everything that waits at once. After a large batch it lets the next one gather briefly:
//! the callers that were just answered usually return at once, and on a fast disk the first of them would
//! otherwise pay for a commit of its own. A single caller never waits.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::job::WriteJob;

/// With fewer callers than this in a round, the writer does not wait for more.
const CROWD: usize = 8;

/// How long the queue must stay unchanged before the batch counts as complete.
const PAUSE: Duration = Duration::from_micros(200);

/// The maximum number of pauses in which a batch gathers.
const MOST_PAUSES: u32 = 10;

pub(crate) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    capacity: usize,
}

struct State {
    waiting: Vec<Box<dyn WriteJob>>,
    /// How many operations must wait before the writer is woken. While the writer works, nobody needs to wake
    /// it.
    wake_at: usize,
    /// The approximate number of concurrent callers.
    crowd: usize,
    closed: bool,
}

/// Why an operation was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejected {
    Full,
    Closed,
}

impl Queue {
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State { waiting: Vec::new(), wake_at: usize::MAX, crowd: 0, closed: false };
        Self { state: Mutex::new(state), arrived: Condvar::new(), capacity }
    }

    pub(crate) fn push(&self, job: Box<dyn WriteJob>) -> Result<(), Rejected> {
        let mut state = self.lock();
        if state.closed {
            return Err(Rejected::Closed);
        }
        if state.waiting.len() >= self.capacity {
            return Err(Rejected::Full);
        }
        state.waiting.push(job);
        let wake = state.waiting.len() >= state.wake_at;
        if wake {
            state.wake_at = usize::MAX;
        }
        drop(state);
        if wake {
            self.arrived.notify_one();
        }
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Accepts no more operations; queued ones are still handed out.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
    }

    /// Records the number of callers at the end of a round: those that are about to be answered, and those
    /// that already wait.
    pub(crate) fn note_crowd(&self, answered: usize) {
        let mut state = self.lock();
        let seen = answered + state.waiting.len();
        state.crowd = seen.max(state.crowd - state.crowd / 4);
    }

    /// Swaps everything that waits into the empty `batch`, and waits if there is nothing. Returns `false`
    /// when the queue is closed and empty.
    pub(crate) fn take(&self, batch: &mut Vec<Box<dyn WriteJob>>) -> bool {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return false;
            }
            state.wake_at = 1;
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state = self.gather(state);
        state.wake_at = usize::MAX;
        std::mem::swap(&mut state.waiting, batch);
        true
    }

    fn gather<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if state.crowd < CROWD {
            return state;
        }
        for _ in 0..MOST_PAUSES {
            let before = state.waiting.len();
            if before >= state.crowd || state.closed {
                break;
            }
            state.wake_at = state.crowd;
            let (woken, _) = self.arrived.wait_timeout(state, PAUSE).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if state.waiting.len() == before {
                break;
            }
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
