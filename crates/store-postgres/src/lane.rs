//! Group commit: what is asked for by many at once goes to the database as one statement of many rows.
//!
//! Requests of one kind queue in a lane. A task takes everything that waits and runs it; while it runs, the next batch
//! gathers. A lone caller never waits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::StoreError;
use tokio::sync::oneshot;

use crate::error::Failure;
use crate::unit::{Present, Shared, Tries};

/// Most requests in one statement.
const BATCH: usize = 256;

/// Something that many callers may want at once.
pub(crate) trait Request: Send + Sync + Sized + 'static {
    /// What one caller is answered.
    type Answer: Send;

    /// Statements of this kind that may run at once, each on a connection of its own.
    const AT_ONCE: usize;

    /// Whether the two must not be in one statement.
    fn clashes(&self, other: &Self) -> bool;

    /// Runs a batch: one answer for each request, in their order.
    fn run(
        shared: &Shared,
        batch: &[Self],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, Failure>> + Send;
}

/// The queue of one kind of request.
pub(crate) struct Lane<R: Request>(Arc<Inner<R>>);

struct Inner<R: Request> {
    state: Mutex<State<R>>,
    capacity: usize,
}

struct State<R: Request> {
    waiting: VecDeque<Waiting<R>>,
    running: usize,
}

struct Waiting<R: Request> {
    request: R,
    caller: oneshot::Sender<Result<R::Answer, StoreError>>,
}

impl<R: Request> Lane<R> {
    /// A lane in which at most so many wait.
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State { waiting: VecDeque::new(), running: 0 };
        Self(Arc::new(Inner { state: Mutex::new(state), capacity }))
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().waiting.len()
    }

    /// Queues a request and waits until the database has acknowledged it.
    pub(crate) async fn ask(&self, shared: &Arc<Shared>, request: R) -> Result<R::Answer, StoreError> {
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
            let (lane, present) = (Arc::clone(&self.0), Present::enter(Arc::clone(shared)));
            let shared = Arc::clone(shared);
            #[expect(clippy::disallowed_methods, reason = "counted in `running`, for which closing waits")]
            tokio::spawn(async move {
                lane.work(&shared).await;
                drop(present);
            });
        }
        answer.await.unwrap_or_else(|_| Err(Failure::Closed.into_store_error()))
    }
}

impl<R: Request> Inner<R> {
    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs batch after batch until nothing waits.
    async fn work(&self, shared: &Shared) {
        let turn = Turn(self);
        loop {
            // Those who were answered last are about to come back: let them.
            tokio::task::yield_now().await;
            let Some((requests, callers)) = turn.take() else { return };
            match run(shared, &requests).await {
                Ok(answers) => {
                    shared.committed(requests.len() as u64);
                    for (caller, answer) in callers.into_iter().zip(answers) {
                        // Who has gone is not told; it was done all the same.
                        let _ = caller.send(Ok(answer));
                    }
                }
                Err(failure) => refuse(callers, failure),
            }
        }
    }
}

/// The right to run batches of a lane; given back when it is dropped, also by a panic.
struct Turn<'a, R: Request>(&'a Inner<R>);

type Batch<R> = (Vec<R>, Vec<oneshot::Sender<Result<<R as Request>::Answer, StoreError>>>);

impl<R: Request> Turn<'_, R> {
    /// Takes what waits, in order; what clashes with something taken waits on. `None` when nothing waits: the turn is
    /// over then, in the same breath, so that nobody is forgotten.
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

impl<R: Request> Drop for Turn<'_, R> {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
    }
}

async fn run<R: Request>(shared: &Shared, batch: &[R]) -> Result<Vec<R::Answer>, Failure> {
    let mut tries = Tries::default();
    loop {
        match shared.connections.within_time(R::run(shared, batch)).await {
            Ok(answers) if answers.len() == batch.len() => return Ok(answers),
            Ok(_) => return Err(Failure::Inconsistent("answers are missing".to_owned())),
            Err(failure) => tries.again(failure).await?,
        }
    }
}

/// One failure answers everybody of the batch.
fn refuse<T>(callers: Vec<oneshot::Sender<Result<T, StoreError>>>, failure: Failure) {
    let failure = Arc::new(failure);
    for caller in callers {
        let _ = caller.send(Err(Failure::Shared(Arc::clone(&failure)).into_store_error()));
    }
}
