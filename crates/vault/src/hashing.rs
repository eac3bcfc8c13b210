//! Threads for hashing passwords: a hash takes milliseconds and 19 MiB, so no more of them run than there are threads, and
//! no more wait than can be answered in reasonable time.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use oauth::secret::{Password, PasswordHash};
use tokio::sync::oneshot;

use crate::password::{self, Cost};

/// How passwords are hashed.
#[derive(Debug, Clone, Copy)]
pub struct HashingSettings {
    /// What one hash costs.
    pub cost: Cost,
    /// How many run at once.
    pub threads: usize,
    /// How many may wait.
    pub queue: usize,
}

impl HashingSettings {
    /// OWASP's parameters on so many threads.
    pub fn owasp(threads: usize) -> Self {
        let threads = threads.max(1);
        Self {
            cost: Cost::OWASP,
            threads,
            queue: threads * 32,
        }
    }

    /// As cheap as the algorithm allows.
    #[cfg(any(test, feature = "testing"))]
    pub fn cheap() -> Self {
        Self {
            cost: Cost {
                memory_kib: 8,
                passes: 1,
            },
            threads: 2,
            queue: 10_000,
        }
    }
}

/// Too many hashes wait already.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("too many passwords are being checked")]
pub struct Busy;

type Job = Box<dyn FnOnce() + Send>;

pub(crate) struct Hasher {
    settings: HashingSettings,
    /// Started with the first hash, so that an idle server stays small.
    queue: OnceLock<SyncSender<Job>>,
}

impl Hasher {
    pub(crate) fn new(settings: HashingSettings) -> Self {
        Self {
            settings,
            queue: OnceLock::new(),
        }
    }

    pub(crate) async fn hash(&self, password: Password, salt: [u8; 16]) -> Result<PasswordHash, Busy> {
        let cost = self.settings.cost;
        self.run(move || password::hash(&password, salt, cost)).await
    }

    pub(crate) async fn verify(&self, hash: PasswordHash, password: Password) -> Result<bool, Busy> {
        self.run(move || password::verify(&hash, &password)).await
    }

    pub(crate) fn needs_rehash(&self, hash: &PasswordHash) -> bool {
        password::differs_from(hash, self.settings.cost)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move || {
            if !answer.is_closed() {
                let _ = answer.send(work());
            }
        });
        self.queue
            .get_or_init(|| start(self.settings))
            .try_send(job)
            .map_err(|_| Busy)?;
        answered.await.map_err(|_| Busy)
    }
}

fn start(settings: HashingSettings) -> SyncSender<Job> {
    let (queue, jobs) = sync_channel::<Job>(settings.queue);
    let jobs = Arc::new(Mutex::new(jobs));
    for number in 0..settings.threads {
        let jobs = jobs.clone();
        let worker = std::thread::Builder::new().name(format!("hash-{number}"));
        // Without any thread every request is answered with "busy"; the others still serve when only one is missing.
        let _ = worker.spawn(move || work(&jobs));
    }
    queue
}

/// Runs until the hasher is dropped.
fn work(jobs: &Mutex<Receiver<Job>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_one_thread_hashed_another_verifies() {
        let hasher = Hasher::new(HashingSettings::cheap());
        let hash = hasher.hash(Password::new("long enough"), [1; 16]).await.unwrap();
        assert!(
            hasher
                .verify(hash.clone(), Password::new("long enough"))
                .await
                .unwrap()
        );
        assert!(
            !hasher
                .verify(hash, Password::new("something else"))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn when_too_many_wait_the_next_is_told_at_once() {
        let settings = HashingSettings {
            threads: 1,
            queue: 1,
            ..HashingSettings::cheap()
        };
        let hasher = Hasher::new(settings);
        let (release, held) = sync_channel::<()>(0);
        let blocking = hasher.run(move || held.recv());
        let mut blocking = std::pin::pin!(blocking);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(Future::poll(blocking.as_mut(), &mut context).is_pending());
        let mut refused = false;
        let mut waiting = Vec::new();
        for _ in 0..3 {
            let mut next = Box::pin(hasher.run(|| ()));
            refused |= matches!(
                Future::poll(next.as_mut(), &mut context),
                std::task::Poll::Ready(Err(Busy))
            );
            waiting.push(next);
        }
        assert!(refused);
        release.send(()).unwrap();
        assert!(blocking.await.is_ok());
    }
}
