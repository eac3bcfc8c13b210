//! Budgets for bytes that wait for clients: of one connection, of one address, of the whole process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A maximum number of buffered bytes, as a part of a larger budget.
#[derive(Debug)]
pub(super) struct Budget {
    held: AtomicUsize,
    most: usize,
    within: Option<Arc<Budget>>,
}

impl Budget {
    /// Creates a budget that is part of no other.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { held: AtomicUsize::new(0), most, within: None })
    }

    /// Creates a part of this budget. Bytes taken from the part are taken from this budget too.
    pub(super) fn part(self: &Arc<Self>, most: usize) -> Arc<Self> {
        Arc::new(Self { held: AtomicUsize::new(0), most, within: Some(Arc::clone(self)) })
    }

    /// Takes bytes, if this budget and all those around it have them.
    pub(super) fn take(self: &Arc<Self>, bytes: usize) -> Option<Held> {
        self.reserve(bytes).then(|| Held { budget: Arc::clone(self), bytes })
    }

    /// The size of the budget in bytes.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    #[cfg(test)]
    fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn reserve(&self, bytes: usize) -> bool {
        let fits = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= self.most);
        if self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_err() {
            return false;
        }
        let granted = self.within.as_ref().is_none_or(|around| around.reserve(bytes));
        if !granted {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
        }
        granted
    }

    fn release(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(around) = &self.within {
            around.release(bytes);
        }
    }
}

/// Bytes taken from a budget; they are returned on drop.
#[derive(Debug)]
pub(super) struct Held {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Held {
    /// Takes more bytes, if there are more.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let granted = self.budget.reserve(bytes);
        if granted {
            self.bytes += bytes;
        }
        granted
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.release(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_part_are_taken_from_and_returned_to_the_whole() {
        let process = Budget::new(100);
        let (one, other) = (process.part(80), process.part(80));
        let mut held = one.take(50).unwrap();
        assert!(held.grow(30));
        assert!(!held.grow(1), "the part is used up");
        assert!(other.take(21).is_none(), "the whole is used up");
        assert_eq!((one.held(), other.held(), process.held()), (80, 0, 80));
        drop(held);
        assert_eq!((one.held(), process.held()), (0, 0));
        assert!(other.take(80).is_some());
        assert!(other.take(usize::MAX).is_none());
    }
}
