//! Permits: how many requests of one user run and wait (limits 24 and 25), and how many paged responses are
//! open (limit 6).

use super::DataService;
use crate::node::entity_cache::Entities;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::id::UserId;
use domain::limit::Limit;
use tokio::sync::oneshot;

use super::DataRefusal;
use crate::Fault;

/// The concurrency limiter for all users.
#[derive(Debug, Default)]
pub(super) struct ConcurrencyLimiter(Arc<Table>);

#[derive(Debug, Default)]
struct Table(Mutex<HashMap<UserId, Queue>>);

#[derive(Debug, Default)]
struct Queue {
    running: usize,
    waiting: VecDeque<oneshot::Sender<Permit>>,
}

/// The right to run; dropping it lets the next request of the user run.
#[derive(Debug)]
pub(super) struct Permit {
    table: Arc<Table>,
    user: UserId,
}

/// The result of asking for a permit.
enum PermitResult {
    Taken(Permit),
    Waiting(oneshot::Receiver<Permit>),
    Full,
}

impl DataService {
    /// A permit for a request of the user; `None` if there is no limit.
    pub(super) async fn acquire_permit(&self, user: UserId) -> Result<Option<Permit>, DataRefusal> {
        self.acquire_from(&self.context.data.limiter, Limit::ODataMaxConcurrentRequests, user).await
    }

    /// A permit for a paged response of the user. Whoever waits for it already has a permit for the request,
    /// and its holders wait for nothing.
    pub(super) async fn acquire_paging_permit(&self, user: UserId) -> Result<Option<Permit>, DataRefusal> {
        self.acquire_from(&self.context.data.paging, Limit::ODataMaxConcurrentPagingQueries, user).await
    }

    async fn acquire_from(
        &self,
        limiter: &ConcurrencyLimiter,
        most: Limit,
        user: UserId,
    ) -> Result<Option<Permit>, DataRefusal> {
        let running = Entities::of(&self.context).limit(most).await.map_err(Fault::from)?;
        let Some(running) = bound(running) else { return Ok(None) };
        let waiting =
            Entities::of(&self.context).limit(Limit::ODataMaxWaitingRequests).await.map_err(Fault::from)?;
        match limiter.ask(user, running, bound(waiting).unwrap_or(usize::MAX)) {
            PermitResult::Taken(permit) => Ok(Some(permit)),
            PermitResult::Full => Err(DataRefusal::TooManyRequests),
            PermitResult::Waiting(permit) => {
                let patience = Duration::from_secs(self.context.settings.odata_timeout_secs.into());
                match tokio::time::timeout(patience, permit).await {
                    Ok(Ok(permit)) => Ok(Some(permit)),
                    Ok(Err(_)) | Err(_) => Err(DataRefusal::WaitedTooLong),
                }
            }
        }
    }
}

/// The value of a limit; 0 means no limit.
fn bound(limit: i64) -> Option<usize> {
    usize::try_from(limit).ok().filter(|limit| *limit > 0)
}

impl ConcurrencyLimiter {
    fn ask(&self, user: UserId, most_running: usize, most_waiting: usize) -> PermitResult {
        let mut table = self.0.lock();
        let queue = table.entry(user).or_default();
        if queue.running < most_running {
            queue.running += 1;
            return PermitResult::Taken(Permit { table: Arc::clone(&self.0), user });
        }
        queue.waiting.retain(|waiting| !waiting.is_closed());
        if queue.waiting.len() >= most_waiting {
            return PermitResult::Full;
        }
        let (sender, permit) = oneshot::channel();
        queue.waiting.push_back(sender);
        PermitResult::Waiting(permit)
    }
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Queue>> {
        // Nothing in here panics in the middle of a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request of the user that has waited longest, if any; otherwise the permit is free.
    fn next(&self, user: UserId) -> Option<oneshot::Sender<Permit>> {
        let mut table = self.lock();
        let queue = table.get_mut(&user)?;
        while let Some(waiting) = queue.waiting.pop_front() {
            if !waiting.is_closed() {
                return Some(waiting);
            }
        }
        queue.running -= 1;
        if queue.running == 0 {
            table.remove(&user);
        }
        None
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(waiting) = self.table.next(self.user) {
            // A request that has just given up drops the permit, which passes it on.
            let _ = waiting.send(Self { table: Arc::clone(&self.table), user: self.user });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> UserId {
        UserId::new(1)
    }

    fn taken(result: PermitResult) -> Permit {
        match result {
            PermitResult::Taken(permit) => permit,
            _ => panic!("no place was free"),
        }
    }

    fn waiting(result: PermitResult) -> oneshot::Receiver<Permit> {
        match result {
            PermitResult::Waiting(permit) => permit,
            _ => panic!("it does not wait"),
        }
    }

    #[test]
    fn a_released_permit_goes_to_the_longest_waiting_request() {
        let limiter = ConcurrencyLimiter::default();
        let first = taken(limiter.ask(user(), 1, 2));
        let mut second = waiting(limiter.ask(user(), 1, 2));
        let third = waiting(limiter.ask(user(), 1, 2));
        assert!(matches!(limiter.ask(user(), 1, 2), PermitResult::Full));
        assert!(matches!(limiter.ask(UserId::new(2), 1, 2), PermitResult::Taken(_)));
        drop(first);
        let second = second.try_recv().unwrap();
        drop(third);
        drop(second);
        assert!(limiter.0.lock().is_empty(), "whoever gave up waiting leaves nothing behind");
        drop(taken(limiter.ask(user(), 1, 2)));
    }

    #[test]
    fn a_permit_of_an_abandoned_request_is_passed_on() {
        let limiter = ConcurrencyLimiter::default();
        let first = taken(limiter.ask(user(), 1, 9));
        let second = waiting(limiter.ask(user(), 1, 9));
        let mut third = waiting(limiter.ask(user(), 1, 9));
        drop(first);
        drop(second);
        drop(third.try_recv().unwrap());
        assert!(limiter.0.lock().is_empty());
    }
}
