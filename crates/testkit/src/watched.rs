//! A value that another thread changes and for which a test waits.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Longer than any wait takes.
const PATIENCE: Duration = Duration::from_mins(2);

#[derive(Debug, Default)]
pub(crate) struct Watched<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T> Watched<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Mutex::new(value), changed: Condvar::new() }
    }

    pub(crate) fn read(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.read());
        self.changed.notify_all();
        result
    }

    /// Waits until the condition holds, for a bounded time: a test must not wait forever.
    pub(crate) fn wait_until(&self, holds: impl Fn(&T) -> bool) {
        let waited = self.changed.wait_timeout_while(self.read(), PATIENCE, |value| !holds(value));
        let timed_out = waited.unwrap_or_else(PoisonError::into_inner).1.timed_out();
        assert!(!timed_out, "what was waited for did not come");
    }
}
