//! Threads for hashing passwords. A hash takes milliseconds and 19 MiB, so the number of concurrent hashes is
//! that of the threads, and the queue is short enough to be worked off in reasonable time. Callers take
//! turns, so that one with many requests does not delay the others.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::secret::{Password, PasswordHash};
use tokio::sync::oneshot;

use crate::password::{self, Cost, Scratch, Verdict};

mod fair_queue;

use fair_queue::FairQueue;
pub use fair_queue::Share;

/// The settings of password hashing.
#[derive(Debug, Clone, Copy)]
pub struct HashingSettings {
    /// The cost of a hash.
    pub cost: Cost,
    /// The number of threads.
    pub threads: usize,
    /// The maximum number of waiting hashes.
    pub queue: usize,
}

impl HashingSettings {
    /// OWASP's parameters, on `threads` threads.
    pub fn owasp(threads: usize) -> Self {
        let threads = threads.max(1);
        Self { cost: Cost::OWASP, threads, queue: threads * 32 }
    }

    /// As cheap as the algorithm allows.
    #[cfg(any(test, feature = "testing"))]
    pub fn cheap() -> Self {
        Self { cost: Cost { memory_kib: 8, passes: 1 }, threads: 2, queue: 10_000 }
    }
}

/// Too many hashes are already waiting.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("too many passwords are being checked")]
pub struct Busy;

type Job = Box<dyn FnOnce(&mut Scratch) + Send>;

/// How long a thread keeps its memory after the last hash. Under load the memory is reused; an idle server
/// returns it.
const MEMORY_KEPT: Duration = Duration::from_secs(5);

pub(crate) struct Hasher {
    cost: Cost,
    queue: Arc<Queue>,
}

impl Hasher {
    pub(crate) fn new(settings: HashingSettings) -> Self {
        let queue = Queue {
            most_threads: settings.threads,
            state: Mutex::new(State {
                waiting: FairQueue::new(settings.queue),
                threads: 0,
                idle: 0,
                closed: false,
            }),
            changed: Condvar::new(),
        };
        Self { cost: settings.cost, queue: Arc::new(queue) }
    }

    /// Hashes a password in its normal form.
    pub(crate) async fn hash(&self, password: Password, salt: [u8; 16]) -> Result<PasswordHash, Busy> {
        let cost = self.cost;
        let work = move |scratch: &mut Scratch| {
            let normal = password.normalised();
            password::hash_with(normal.as_ref().unwrap_or(&password), salt, cost, scratch)
        };
        self.run(Share::Own, work).await
    }

    pub(crate) async fn verify(
        &self,
        hash: PasswordHash,
        password: Password,
        share: Share,
    ) -> Result<Verdict, Busy> {
        self.run(share, move |scratch| password::judge(&hash, &password, scratch)).await
    }

    /// Takes as long as a verification, for a name that nobody has.
    pub(crate) async fn verify_unknown_name(&self, password: Password, share: Share) -> Result<(), Busy> {
        let cost = self.cost;
        let work = move |scratch: &mut Scratch| {
            for form in [password.normalised().as_ref(), Some(&password)].into_iter().flatten() {
                let _ = password::hash_with(form, [0; 16], cost, scratch);
            }
        };
        self.run(share, work).await
    }

    pub(crate) fn needs_rehash(&self, hash: &PasswordHash) -> bool {
        password::differs_from(hash, self.cost)
    }

    async fn run<T: Send + 'static>(
        &self,
        share: Share,
        work: impl FnOnce(&mut Scratch) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |scratch| {
            // If the client has gone away, nobody waits for the answer any more.
            if !answer.is_closed() {
                let _ = answer.send(work(scratch));
            }
        });
        self.queue.push(share, job)?;
        answered.await.map_err(|_| Busy)
    }
}

impl Drop for Hasher {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.changed.notify_all();
    }
}

/// The waiting hashes. Threads start one by one when they are needed, so that a server without sign-ins has
/// none.
struct Queue {
    most_threads: usize,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    waiting: FairQueue<Job>,
    threads: usize,
    idle: usize,
    closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(self: &Arc<Self>, share: Share, job: Job) -> Result<(), Busy> {
        let mut state = self.lock();
        if !state.waiting.has_room(share) {
            return Err(Busy);
        }
        if state.idle <= state.waiting.len() && state.threads < self.most_threads {
            let queue = Arc::clone(self);
            let thread = std::thread::Builder::new().name(format!("hash-{}", state.threads));
            // If the system provides no more threads, the existing ones continue.
            state.threads += usize::from(thread.spawn(move || queue.work()).is_ok());
        }
        if state.threads == 0 {
            return Err(Busy);
        }
        state.waiting.push(share, job);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Runs until the hasher is dropped.
    fn work(&self) {
        let mut scratch = Scratch::default();
        while let Some(job) = self.next(&mut scratch) {
            // A panic in one hash loses one answer; it must not also cost a thread.
            if catch_unwind(AssertUnwindSafe(|| job(&mut scratch))).is_err() {
                scratch = Scratch::default();
            }
        }
    }

    fn next(&self, scratch: &mut Scratch) -> Option<Job> {
        let mut state = self.lock();
        state.idle += 1;
        loop {
            if state.closed {
                return None;
            }
            if let Some(job) = state.waiting.pop() {
                state.idle -= 1;
                return Some(job);
            }
            state = if scratch.is_empty() {
                self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
            } else {
                let waited = self.changed.wait_timeout(state, MEMORY_KEPT);
                let (state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
                if waited.timed_out() {
                    *scratch = Scratch::default();
                }
                state
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[tokio::test]
    async fn a_hash_of_one_thread_is_verified_by_another() {
        let hasher = Hasher::new(HashingSettings::cheap());
        let hash = hasher.hash(Password::new("long enough"), [1; 16]).await.unwrap();
        let verdict =
            async |password| hasher.verify(hash.clone(), Password::new(password), Share::Own).await.unwrap();
        assert_eq!(verdict("long enough").await, Verdict::Right);
        assert_eq!(verdict("something else").await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_password_is_the_same_in_every_normal_form() {
        let hasher = Hasher::new(HashingSettings::cheap());
        let hash = hasher.hash(Password::new("Bru\u{308}cke am Kai"), [1; 16]).await.unwrap();
        for typed in ["Brücke am Kai", "Bru\u{308}cke am Kai", "Bru\u{308}cke am \u{ff2b}ai"] {
            let verdict = hasher.verify(hash.clone(), Password::new(typed), Share::Own).await.unwrap();
            assert_eq!(verdict, Verdict::Right, "{typed}");
        }
    }

    #[tokio::test]
    async fn a_hash_of_an_unnormalised_password_still_verifies() {
        let hasher = Hasher::new(HashingSettings::cheap());
        let typed = Password::new("Bru\u{308}cke am Kai");
        let old = password::hash(&typed, [1; 16], HashingSettings::cheap().cost);
        let verdict = async |password| hasher.verify(old.clone(), password, Share::Own).await.unwrap();
        assert_eq!(verdict(typed).await, Verdict::RightAsTyped);
        assert_eq!(verdict(Password::new("Brücke am Kai")).await, Verdict::Wrong);
    }

    fn poll_once<T>(future: &mut std::pin::Pin<Box<impl Future<Output = T>>>) -> Poll<T> {
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    fn one_thread() -> HashingSettings {
        HashingSettings { threads: 1, queue: 1, ..HashingSettings::cheap() }
    }

    #[tokio::test]
    async fn a_full_queue_refuses_the_next_hash_at_once() {
        let hasher = Hasher::new(one_thread());
        let (release, held) = sync_channel::<()>(0);
        let mut blocking = Box::pin(hasher.run(Share::Own, move |_| held.recv()));
        assert!(poll_once(&mut blocking).is_pending());
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(hasher.run(Share::Own, |_| ()))).collect();
        let refused = waiting.iter_mut().filter_map(|next| match poll_once(next) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        });
        let refused: Vec<_> = refused.collect();
        assert!(refused.len() >= 2 && refused.iter().all(|answer| matches!(answer, Err(Busy))));
        release.send(()).unwrap();
        assert!(blocking.await.is_ok());
    }

    #[tokio::test]
    async fn a_panic_in_one_hash_does_not_end_the_thread() {
        let hasher = Hasher::new(one_thread());
        let fault: Result<(), Busy> =
            hasher.run(Share::Own, |_| std::panic::resume_unwind(Box::new("fault"))).await;
        assert!(fault.is_err());
        assert!(hasher.run(Share::Own, |_| 7).await.is_ok_and(|seven| seven == 7));
        assert_eq!(hasher.queue.lock().threads, 1);
    }

    #[tokio::test]
    async fn hashing_threads_start_on_demand_and_end_with_the_hasher() {
        let hasher = Hasher::new(HashingSettings::cheap());
        let queue = Arc::downgrade(&hasher.queue);
        assert_eq!(hasher.queue.lock().threads, 0);
        hasher.hash(Password::new("long enough"), [1; 16]).await.unwrap();
        assert_eq!(hasher.queue.lock().threads, 1, "one hash needs one thread");
        let (entered, inside) = oneshot::channel();
        let (release, held) = sync_channel::<()>(0);
        let mut last = Box::pin(hasher.run(Share::Own, move |_| {
            let _ = entered.send(());
            held.recv()
        }));
        assert!(poll_once(&mut last).is_pending());
        inside.await.unwrap();
        drop(last);
        drop(hasher);
        release.send(()).unwrap();
        while queue.strong_count() > 0 {
            std::thread::yield_now();
        }
    }
}
