//! Concurrent callers.

use tokio::task::JoinSet;

/// Runs the same operation on many tasks concurrently.
pub(crate) async fn at_once<T, F>(tasks: usize, act: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut set = JoinSet::new();
    for task in 0..tasks {
        set.spawn(act(task));
    }
    set.join_all().await
}
