//! The chunks that wait for a receiver, bounded in bytes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use bytes::Bytes;

use super::CHUNK;
use crate::SourceError;

/// The number of bytes that may always wait for the receiver. A longer chunk waits alone.
pub(super) const QUEUED_BYTES: usize = 4 * CHUNK;
/// The maximum number of bytes that all streams of a source may buffer for slow receivers.
pub(super) const OVERFLOW_BYTES: usize = 16 * 1024 * 1024;
/// The maximum for one of them.
pub(super) const STREAM_OVERFLOW_BYTES: usize = OVERFLOW_BYTES / 4;

/// The memory that the streams of one source hold beyond their queues.
#[derive(Debug, Default)]
pub(crate) struct Overflow(pub(super) AtomicUsize);

impl Overflow {
    pub(super) fn take(&self, bytes: usize) -> bool {
        let within = |held: usize| held.checked_add(bytes).filter(|&sum| sum <= OVERFLOW_BYTES);
        self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, within).is_ok()
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) chunks: VecDeque<Bytes>,
    /// The total size of the chunks.
    pub(super) bytes: usize,
    pub(super) borrowed: usize,
    /// Wakes the receiver.
    pub(super) waker: Option<Waker>,
    /// Wakes a task that waits for room.
    pub(super) sender: Option<Waker>,
    /// Set once by the sender; taken by the receiver when the queue is empty.
    pub(super) end: Option<Result<(), SourceError>>,
    pub(super) ended: bool,
}

impl Queue {
    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        self.chunks.is_empty() || self.bytes.saturating_add(bytes) <= QUEUED_BYTES
    }

    /// Takes bytes from the overflow, if it and the share of this stream have them.
    pub(super) fn borrow(&mut self, overflow: &Overflow, bytes: usize) -> bool {
        let taken = self.borrowed.saturating_add(bytes) <= STREAM_OVERFLOW_BYTES && overflow.take(bytes);
        if taken {
            self.borrowed += bytes;
        }
        taken
    }
}
