//! A value that another thread changes and a test waits for.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
pub(crate) struct Noticed<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T> Noticed<T> {
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

    pub(crate) fn wait_until(&self, holds: impl Fn(&T) -> bool) {
        drop(self.changed.wait_while(self.read(), |value| !holds(value)));
    }
}
