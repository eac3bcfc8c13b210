//! Group commit: requests of many callers go to the database as one statement with many rows.
//!
//! Requests of one kind wait in a batch queue. A batch worker takes everything that waits and runs it;
//! meanwhile the next batch gathers. A single caller never waits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::StoreError;
use tokio::sync::oneshot;

use crate::error::Failure;
use crate::unit::{Present, Shared, Tries};

/// The maximum number of requests in one statement.
const BATCH: usize = 256;

/// A request that many callers may make at the same time.
pub(crate) trait BatchedRequest: Send + Sync + Sized + 'static {
    /// The answer to one caller.
    type Answer: Send;

    /// The number of statements of this kind that may run concurrently, each on its own connection.
    const AT_ONCE: usize;

    /// Whether the two must not share a statement.
    fn clashes(&self, other: &Self) -> bool;

    /// Runs a batch and returns one answer for each request, in order. If the server refuses a statement, nothing of the
    /// batch is done.
    fn run(
        shared: &Arc<Shared>,
        batch: &[Self],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, Failure>> + Send;
}

/// The batch queue for one kind of request.
pub(crate) struct BatchQueue<R: BatchedRequest>(Arc<Inner<R>>);

struct Inner<R: BatchedRequest> {
    state: Mutex<State<R>>,
    capacity: usize,
}

struct State<R: BatchedRequest> {
    waiting: VecDeque<Waiting<R>>,
    running: usize,
}

struct Waiting<R: BatchedRequest> {
    request: R,
    caller: Caller<R>,
}

impl<R: BatchedRequest> BatchQueue<R> {
    /// Creates a queue in which at most `capacity` requests wait.
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State { waiting: VecDeque::new(), running: 0 };
        Self(Arc::new(Inner { state: Mutex::new(state), capacity }))
    }

    /// The number of waiting requests.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().waiting.len()
    }

    /// Queues a request and waits until the database has acknowledged it.
    pub(crate) async fn ask(&self, shared: &Arc<Shared>, request: R) -> Result<R::Answer, StoreError> {
        self.submit(shared, request)?.received().await
    }

    /// Queues a request, which runs even if nobody waits for the answer.
    pub(crate) fn submit(
        &self,
        shared: &Arc<Shared>,
        request: R,
    ) -> Result<PendingAnswer<R::Answer>, StoreError> {
        let (caller, answer) = oneshot::channel();
        let starts = {
            let mut state = self.0.lock();
            if state.waiting.len() >= self.0.capacity {
                return Err(StoreError::Busy);
            }
            state.waiting.push_back(Waiting { request, caller });
            let starts = state.running < R::AT_ONCE;
            state.running += usize::from(starts);
            starts
        };
        if starts {
            let (queue, present) = (Arc::clone(&self.0), Present::enter(Arc::clone(shared)));
            let shared = Arc::clone(shared);
            #[expect(clippy::disallowed_methods, reason = "counted in `running`, for which closing waits")]
            tokio::spawn(async move {
                queue.work(&shared).await;
                drop(present);
            });
        }
        Ok(PendingAnswer(answer))
    }
}

impl<R: BatchedRequest> Clone for BatchQueue<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// The answer to a queued request.
pub(crate) struct PendingAnswer<T>(oneshot::Receiver<Result<T, StoreError>>);

impl<T> PendingAnswer<T> {
    /// Waits until the database has acknowledged the request.
    pub(crate) async fn received(self) -> Result<T, StoreError> {
        self.0.await.unwrap_or_else(|_| Err(Failure::Closed.into_store_error()))
    }
}

impl<R: BatchedRequest> Inner<R> {
    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs batches until nothing waits.
    async fn work(&self, shared: &Arc<Shared>) {
        let worker = BatchWorker(self);
        loop {
            // The callers that were just answered usually return at once: let them queue.
            tokio::task::yield_now().await;
            let Some((requests, callers)) = worker.take() else { return };
            match run(shared, &requests).await {
                Ok(answers) => answer(shared, callers, answers),
                Err(failure) if requests.len() > 1 && failure.is_about_a_value() => {
                    run_apart(shared, &requests, callers).await;
                }
                Err(failure) => refuse(callers, failure),
            }
        }
    }
}

/// The right to run batches of this queue. It is returned on drop, even after a panic.
struct BatchWorker<'a, R: BatchedRequest>(&'a Inner<R>);

type Caller<R> = oneshot::Sender<Result<<R as BatchedRequest>::Answer, StoreError>>;

type Batch<R> = (Vec<R>, Vec<Caller<R>>);

impl<R: BatchedRequest> BatchWorker<'_, R> {
    /// Takes the waiting requests, in order; a request that clashes with one that was taken stays. Returns
    /// `None` if nothing waits, and gives up the right to run under the same lock, so that no request is
    /// forgotten.
    fn take(&self) -> Option<Batch<R>> {
        let mut state = self.0.lock();
        let mut taken: Batch<R> = (Vec::new(), Vec::new());
        let mut left = VecDeque::new();
        while let Some(next) = state.waiting.pop_front() {
            if taken.0.len() >= BATCH || taken.0.iter().any(|other| next.request.clashes(other)) {
                left.push_back(next);
            } else {
                taken.0.push(next.request);
                taken.1.push(next.caller);
            }
        }
        state.waiting = left;
        (!taken.0.is_empty()).then_some(taken)
    }
}

impl<R: BatchedRequest> Drop for BatchWorker<'_, R> {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
    }
}

async fn run<R: BatchedRequest>(shared: &Arc<Shared>, batch: &[R]) -> Result<Vec<R::Answer>, Failure> {
    let mut tries = Tries::default();
    loop {
        match shared.connections.within_time(R::run(shared, batch)).await {
            Ok(answers) if answers.len() == batch.len() => return Ok(answers),
            Ok(_) => return Err(Failure::Inconsistent("answers are missing".to_owned())),
            Err(failure) => tries.again(failure).await?,
        }
    }
}

/// Runs each request of a refused batch by itself, so that only the one with the refused value fails.
async fn run_apart<R: BatchedRequest>(shared: &Arc<Shared>, batch: &[R], callers: Vec<Caller<R>>) {
    for (request, caller) in batch.iter().zip(callers) {
        match run(shared, std::slice::from_ref(request)).await {
            Ok(answers) => answer(shared, vec![caller], answers),
            Err(failure) => refuse(vec![caller], failure),
        }
    }
}

/// Sends each caller the answer. A caller that has gone away gets no answer, but its operation is done.
fn answer<T>(shared: &Shared, callers: Vec<oneshot::Sender<Result<T, StoreError>>>, answers: Vec<T>) {
    shared.committed(answers.len() as u64);
    for (caller, answer) in callers.into_iter().zip(answers) {
        let _ = caller.send(Ok(answer));
    }
}

/// Sends one failure to all callers of the batch.
fn refuse<T>(callers: Vec<oneshot::Sender<Result<T, StoreError>>>, failure: Failure) {
    let failure = Arc::new(failure);
    for caller in callers {
        let _ = caller.send(Err(Failure::Shared(Arc::clone(&failure)).into_store_error()));
    }
}
