//! The way of encoded bytes from a worker thread to an async receiver.
//!
//! The queue is bounded. A receiver that is merely slower than the database gets the rest of a short answer buffered,
//! so that it does not pin a worker; one that takes nothing at all is given up after [`Limits::stall`]; one that is
//! gone stops the statement at its next thousand steps.
//!
//! [`Limits::stall`]: crate::Limits::stall

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;

use crate::{Deadline, SourceError};

/// Size at which a chunk is sent. The first is sent earlier, for the sake of the time to the first byte.
const CHUNK: usize = 64 * 1024;
const FIRST_CHUNK: usize = 8 * 1024;
/// Room for the row that crosses the size, so that it seldom reallocates the chunk.
const SLACK: usize = 4 * 1024;
/// How many chunks wait for the receiver without further ado.
const QUEUED_CHUNKS: usize = 4;
/// How long a full queue is waited for before the stream borrows from the overflow.
const PATIENCE: Duration = Duration::from_millis(100);
/// What all streams of a source together may buffer for slow receivers.
const OVERFLOW_BYTES: usize = 16 * 1024 * 1024;

/// What the streams of one source hold in memory beyond their queues.
#[derive(Debug, Default)]
pub(crate) struct Overflow(AtomicUsize);

impl Overflow {
    fn take(&self, bytes: usize) -> bool {
        let within = |held: usize| held.checked_add(bytes).filter(|&sum| sum <= OVERFLOW_BYTES);
        self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, within).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    space: Condvar,
    cancelled: Arc<AtomicBool>,
    overflow: Arc<Overflow>,
}

#[derive(Debug, Default)]
struct Queue {
    chunks: VecDeque<Bytes>,
    borrowed: usize,
    waker: Option<Waker>,
    /// Set once by the sender; taken by the receiver when the queue is empty.
    end: Option<Result<(), SourceError>>,
    ended: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing in here panics halfway through a change.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both ends of a stream.
pub(crate) fn chunks(stall: Duration, deadline: Deadline, overflow: Arc<Overflow>) -> (ChunkSink, Chunks) {
    let shared = Arc::new(Shared {
        queue: Mutex::default(),
        space: Condvar::new(),
        cancelled: Arc::default(),
        overflow,
    });
    let sink = ChunkSink {
        shared: Arc::clone(&shared),
        buffer: Vec::new(),
        threshold: FIRST_CHUNK,
        stall,
        deadline,
    };
    (sink, Chunks { shared })
}

/// The end into which a job encodes its rows.
#[derive(Debug)]
pub struct ChunkSink {
    shared: Arc<Shared>,
    buffer: Vec<u8>,
    threshold: usize,
    stall: Duration,
    deadline: Deadline,
}

impl ChunkSink {
    /// Where to append bytes. Call [`ChunkSink::row_written`] after each row, so that full chunks leave.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        if self.buffer.capacity() == 0 {
            self.buffer.reserve_exact(self.threshold + SLACK);
        }
        &mut self.buffer
    }

    /// Sends what has been written if it fills a chunk. Waits while the receiver is behind.
    ///
    /// # Errors
    /// [`SourceError::Cancelled`] when the receiver is gone, [`SourceError::Stalled`] when it took nothing for too
    /// long, [`SourceError::TimedOut`] when the deadline passed meanwhile: the job returns at once.
    #[inline]
    pub fn row_written(&mut self) -> Result<(), SourceError> {
        if self.buffer.len() < self.threshold { Ok(()) } else { self.flush() }
    }

    /// Sends what has been written, however little it is.
    ///
    /// # Errors
    /// As for [`ChunkSink::row_written`].
    pub fn flush(&mut self) -> Result<(), SourceError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.threshold = CHUNK;
        let chunk = Bytes::from(std::mem::take(&mut self.buffer));
        self.send(chunk)
    }

    pub(crate) fn cancelled(&self) -> &Arc<AtomicBool> {
        &self.shared.cancelled
    }

    /// Ends the stream: what is buffered leaves, then the outcome.
    pub(crate) fn finish(mut self, outcome: Result<(), SourceError>) {
        let outcome = outcome.and_then(|()| self.flush());
        self.end(outcome);
    }

    fn send(&self, chunk: Bytes) -> Result<(), SourceError> {
        let mut queue = self.shared.lock();
        let stalled = Deadline::after(self.stall);
        let mut patience = PATIENCE.min(self.stall);
        loop {
            if self.shared.cancelled.load(Ordering::Relaxed) {
                return Err(SourceError::Cancelled);
            }
            if queue.chunks.len() < QUEUED_CHUNKS {
                break;
            }
            if patience.is_zero() && self.shared.overflow.take(chunk.len()) {
                queue.borrowed += chunk.len();
                break;
            }
            if self.deadline.has_passed() {
                return Err(SourceError::TimedOut);
            }
            if stalled.has_passed() {
                return Err(SourceError::Stalled);
            }
            let wait = if patience.is_zero() { stalled.remaining() } else { patience };
            let wait = wait.min(self.deadline.remaining());
            let (woken, timeout) =
                self.shared.space.wait_timeout(queue, wait).unwrap_or_else(PoisonError::into_inner);
            queue = woken;
            if timeout.timed_out() {
                patience = Duration::ZERO;
            }
        }
        queue.chunks.push_back(chunk);
        wake(queue);
        Ok(())
    }

    fn end(&self, outcome: Result<(), SourceError>) {
        let mut queue = self.shared.lock();
        if !queue.ended {
            queue.ended = true;
            queue.end = Some(outcome);
            wake(queue);
        }
    }
}

impl Drop for ChunkSink {
    /// A job that never finished its stream was dropped from the queue or panicked: the receiver must not take what
    /// it got for a whole answer.
    fn drop(&mut self) {
        self.end(Err(SourceError::Failed {
            detail: "the job ended without finishing its stream".to_owned(),
        }));
    }
}

fn wake(mut queue: MutexGuard<'_, Queue>) {
    let waker = queue.waker.take();
    drop(queue);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The receiving end. Dropping it stops the job.
#[derive(Debug)]
pub struct Chunks {
    shared: Arc<Shared>,
}

impl Chunks {
    /// The next chunk; `None` once the job has ended well. An error ends the stream: what came before it is not a
    /// whole answer.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, SourceError>>> {
        let mut queue = self.shared.lock();
        if let Some(chunk) = queue.chunks.pop_front() {
            let returned = queue.borrowed.min(chunk.len());
            queue.borrowed -= returned;
            self.shared.overflow.give_back(returned);
            drop(queue);
            self.shared.space.notify_one();
            return Poll::Ready(Some(Ok(chunk)));
        }
        match queue.end.take() {
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            Some(Ok(())) => Poll::Ready(None),
            None if queue.ended => Poll::Ready(None),
            None => {
                queue.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Waits for the next chunk, as [`Chunks::poll_next`].
    pub async fn next(&mut self) -> Option<Result<Bytes, SourceError>> {
        poll_fn(|context| self.poll_next(context)).await
    }
}

impl Drop for Chunks {
    fn drop(&mut self) {
        self.shared.cancelled.store(true, Ordering::Relaxed);
        let mut queue = self.shared.lock();
        self.shared.overflow.give_back(std::mem::take(&mut queue.borrowed));
        queue.chunks.clear();
        drop(queue);
        self.shared.space.notify_all();
    }
}

#[cfg(test)]
mod tests;
