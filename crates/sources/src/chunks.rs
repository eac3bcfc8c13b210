//! Passes encoded bytes from a job, on a thread or in a task, to an async receiver.
//!
//! The queue is bounded in bytes. If a receiver is merely slower than the database, the rest of a short
//! response is buffered, so that it does not occupy a worker. Beyond that, the job is asked to [end its
//! response](Pace::End): if other jobs wait for a worker, if the receiver has taken nothing for
//! [`Limits::stall`], or if the deadline passes meanwhile. When the receiver is gone, the statement stops.
//!
//! [`Limits::stall`]: crate::Limits::stall

mod queue;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;

use self::queue::Queue;
use crate::deadline::monotonic_now;
use crate::stop::Signal;
use crate::workers::Demand;
use crate::{Deadline, SourceError};

pub(crate) use self::queue::Overflow;

/// The size at which a chunk is sent. The first one is sent earlier, to shorten the time to the first byte.
const CHUNK: usize = 64 * 1024;
const FIRST_CHUNK: usize = 8 * 1024;
/// Room for the row that crosses the size, so that the chunk is seldom reallocated.
const SLACK: usize = 4 * 1024;
/// How long a chunk waits for a full queue before the stream borrows from the overflow, and how often to check
/// whether other jobs wait for the worker.
const PATIENCE: Duration = Duration::from_millis(100);
/// The maximum total time for which a stream may wait for its receiver while other jobs wait for the worker.
/// After that, its chunks borrow from the overflow at once; when it is used up, the response ends.
const COURTESY: Duration = Duration::from_secs(1);
/// Whether a job should continue to write rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// There is room for more.
    Go,
    /// The receiver is behind: wait for room before writing more.
    Wait,
    /// The worker is needed elsewhere, or the receiver does not keep up: end the response here, with a link to the
    /// rest. A job that nevertheless writes another chunk of rows fails with [`SourceError::Stalled`].
    End,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// Wakes a thread that waits for room.
    space: Condvar,
    cancelled: Arc<Signal>,
    overflow: Arc<Overflow>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing in here panics in the middle of a change.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the job decide again whether there is room.
    fn wake_sender(&self, mut queue: MutexGuard<'_, Queue>) {
        let waker = queue.sender.take();
        drop(queue);
        self.space.notify_one();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Both ends of a stream.
pub(crate) fn chunks(
    stall: Duration,
    deadline: Deadline,
    overflow: Arc<Overflow>,
    demand: Demand,
    cancelled: Arc<Signal>,
) -> (ChunkSink, Chunks) {
    let shared = Arc::new(Shared { queue: Mutex::default(), space: Condvar::new(), cancelled, overflow });
    let sink = ChunkSink {
        shared: Arc::clone(&shared),
        buffer: Vec::new(),
        waiting: None,
        timer: None,
        threshold: FIRST_CHUNK,
        stall,
        deadline,
        demand,
        waited: Duration::ZERO,
        ending: false,
    };
    (sink, Chunks { shared })
}

/// The end into which a job encodes its rows.
#[derive(Debug)]
pub struct ChunkSink {
    shared: Arc<Shared>,
    buffer: Vec<u8>,
    /// A chunk for which the queue has no room, and since when it waits.
    waiting: Option<(Bytes, Instant)>,
    /// Wakes a task that waits for room when it must decide again.
    timer: Option<Pin<Box<tokio::time::Sleep>>>,
    threshold: usize,
    stall: Duration,
    deadline: Deadline,
    demand: Demand,
    /// The total time for which the stream has waited for its receiver.
    waited: Duration,
    /// Whether the job was asked to end its response.
    ending: bool,
}

impl ChunkSink {
    /// The buffer to which bytes are appended. Call [`ChunkSink::row_written`] after each row, so that full
    /// chunks are sent.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        if self.buffer.capacity() == 0 {
            self.buffer.reserve_exact(self.threshold + SLACK);
        }
        &mut self.buffer
    }

    /// Sends the written bytes if they fill a chunk and the receiver keeps up.
    ///
    /// # Errors
    /// [`SourceError::Cancelled`] if the receiver is gone, [`SourceError::Stalled`] if the job continued
    /// although it was asked to wait or to end; the job must return at once.
    #[inline]
    pub fn row_written(&mut self) -> Result<Pace, SourceError> {
        if self.buffer.len() < self.threshold { Ok(Pace::Go) } else { self.flush() }
    }

    /// Sends the written bytes, however few they are.
    ///
    /// # Errors
    /// As for [`ChunkSink::row_written`].
    pub fn flush(&mut self) -> Result<Pace, SourceError> {
        if self.ending || self.waiting.is_some() {
            return Err(SourceError::Stalled);
        }
        let Some(chunk) = self.written() else { return Ok(Pace::Go) };
        self.waiting = Some((chunk, monotonic_now()));
        let shared = Arc::clone(&self.shared);
        match self.try_send(shared.lock())? {
            Attempt::Sent(pace) => Ok(pace),
            Attempt::Full(..) => Ok(Pace::Wait),
        }
    }

    /// Blocks the thread while the receiver is behind, after [`Pace::Wait`]. Returns [`Pace::Go`] or
    /// [`Pace::End`].
    ///
    /// # Errors
    /// [`SourceError::Cancelled`] if the receiver is gone.
    pub fn wait_for_room(&mut self) -> Result<Pace, SourceError> {
        let shared = Arc::clone(&self.shared);
        let mut queue = shared.lock();
        loop {
            match self.try_send(queue)? {
                Attempt::Sent(pace) => return Ok(pace),
                Attempt::Full(full, next_check) => {
                    let woken = shared.space.wait_timeout(full, next_check);
                    queue = woken.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    /// Like [`ChunkSink::wait_for_room`], for a task.
    ///
    /// # Errors
    /// As there.
    pub fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Result<Pace, SourceError>> {
        let shared = Arc::clone(&self.shared);
        loop {
            let next_check = match self.try_send(shared.lock()) {
                Err(error) => return Poll::Ready(Err(error)),
                Ok(Attempt::Sent(pace)) => {
                    self.timer = None;
                    return Poll::Ready(Ok(pace));
                }
                Ok(Attempt::Full(mut queue, next_check)) => {
                    queue.sender = Some(context.waker().clone());
                    next_check
                }
            };
            let mut timer = Box::pin(tokio::time::sleep(next_check));
            let is_due = timer.as_mut().poll(context).is_ready();
            self.timer = Some(timer);
            if !is_due {
                return Poll::Pending;
            }
        }
    }

    /// Ends the stream: sends the buffered bytes, then the outcome.
    pub(crate) fn finish(mut self, outcome: Result<(), SourceError>) {
        // The end of a response does not wait, because the job is over.
        self.ending = true;
        let outcome = outcome.and_then(|()| self.send_rest());
        self.end(outcome);
    }

    fn send_rest(&mut self) -> Result<(), SourceError> {
        let shared = Arc::clone(&self.shared);
        self.try_send(shared.lock())?;
        if let Some(chunk) = self.written() {
            self.waiting = Some((chunk, monotonic_now()));
            self.try_send(shared.lock())?;
        }
        Ok(())
    }

    /// What was written since the last chunk.
    fn written(&mut self) -> Option<Bytes> {
        if self.buffer.is_empty() {
            return None;
        }
        self.threshold = CHUNK;
        Some(Bytes::from(std::mem::take(&mut self.buffer)))
    }

    /// Sends the waiting chunk if the queue has room for it, or if it has waited long enough.
    fn try_send<'q>(&mut self, mut queue: MutexGuard<'q, Queue>) -> Result<Attempt<'q>, SourceError> {
        let Some((chunk, since)) = self.waiting.take() else { return Ok(Attempt::Sent(Pace::Go)) };
        let waits = monotonic_now().saturating_duration_since(since);
        let pace = match self.decide(&mut queue, chunk.len(), waits)? {
            Decision::Send(pace) => pace,
            Decision::Wait(next_check) => {
                self.waiting = Some((chunk, since));
                return Ok(Attempt::Full(queue, next_check));
            }
        };
        self.waited += waits;
        queue.bytes += chunk.len();
        queue.chunks.push_back(chunk);
        wake(queue);
        self.ending |= pace == Pace::End;
        Ok(Attempt::Sent(pace))
    }

    /// What to do with a chunk of this many bytes that has waited for a while.
    fn decide(&self, queue: &mut Queue, bytes: usize, waits: Duration) -> Result<Decision, SourceError> {
        // What has ended is not cancelled any more.
        if self.shared.cancelled.is_raised() && !self.ending {
            return Err(SourceError::Cancelled);
        }
        if self.ending || queue.has_room_for(bytes) {
            return Ok(Decision::Send(Pace::Go));
        }
        // Once the courtesy is used up, no chunk waits while other jobs do.
        let is_unwelcome = self.waited + waits >= COURTESY && self.demand.is_there();
        let may_borrow = is_unwelcome || waits >= PATIENCE.min(self.stall);
        if may_borrow && queue.borrow(&self.shared.overflow, bytes) {
            return Ok(Decision::Send(Pace::Go));
        }
        if is_unwelcome || waits >= self.stall || self.deadline.has_passed() {
            return Ok(Decision::Send(Pace::End));
        }
        let next_check = PATIENCE.min(self.stall.saturating_sub(waits)).min(self.deadline.remaining());
        Ok(Decision::Wait(next_check))
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

/// The result of an attempt to send a chunk.
enum Attempt<'q> {
    Sent(Pace),
    /// The queue has no room; try again after this time at the latest.
    Full(MutexGuard<'q, Queue>, Duration),
}

/// What to do with a chunk.
enum Decision {
    Send(Pace),
    /// Decide again after this time.
    Wait(Duration),
}

impl Drop for ChunkSink {
    /// A job that never finished its stream was dropped from the queue or panicked; the receiver must not
    /// take its bytes for a complete response.
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
    /// The next chunk; `None` once the job has succeeded. An error ends the stream: the bytes before it are
    /// not a complete response.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, SourceError>>> {
        let mut queue = self.shared.lock();
        if let Some(chunk) = queue.chunks.pop_front() {
            queue.bytes -= chunk.len();
            let returned = queue.borrowed.min(chunk.len());
            queue.borrowed -= returned;
            self.shared.overflow.give_back(returned);
            self.shared.wake_sender(queue);
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

    /// Lets somebody else stop the job, who drops the result for that. Whether the job had ended before is the end of the
    /// stream.
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.shared))
    }

    /// Waits for the next chunk, like [`Chunks::poll_next`].
    pub async fn next(&mut self) -> Option<Result<Bytes, SourceError>> {
        poll_fn(|context| self.poll_next(context)).await
    }
}

impl Drop for Chunks {
    fn drop(&mut self) {
        self.shared.cancelled.raise();
        let mut queue = self.shared.lock();
        self.shared.overflow.give_back(std::mem::take(&mut queue.borrowed));
        queue.chunks.clear();
        queue.bytes = 0;
        self.shared.wake_sender(queue);
    }
}

/// Stops a job when it is dropped.
#[derive(Debug)]
pub struct Stopper(Arc<Shared>);

impl Drop for Stopper {
    fn drop(&mut self) {
        self.0.cancelled.raise();
        self.0.wake_sender(self.0.lock());
    }
}

#[cfg(test)]
mod tests;
