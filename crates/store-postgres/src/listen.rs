//! Wakes this node by `NOTIFY` when another node has changed something.
//!
//! This only speeds up propagation: nodes poll several times a second anyway. If the server does not support
//! `NOTIFY`, or a pooler drops it, nothing is lost.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use store::WithCauses;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, NoTls, Socket};

use crate::address::{ConnectionTarget, Verify};
use crate::error::Failure;
use crate::tls::DatabaseTls;

/// The pause before a lost connection is opened again.
const PAUSE: Duration = Duration::from_secs(1);

/// A task that listens on a connection of its own until it is dropped.
pub(crate) struct Listener {
    task: JoinHandle<()>,
}

impl Listener {
    pub(crate) fn start(target: Arc<ConnectionTarget>, changes: Arc<Notify>) -> Self {
        #[expect(clippy::disallowed_methods, reason = "ended when the listener is dropped")]
        let task = tokio::spawn(async move {
            loop {
                if let Err(failure) = listen(&target, &changes).await {
                    tracing::debug!(error = %WithCauses(&failure), "this node receives no notifications at present; \
                        it polls for changes");
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self { task }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(target: &ConnectionTarget, changes: &Notify) -> Result<(), Failure> {
    match &target.verify {
        Verify::Off => listen_over(target, NoTls, changes).await,
        verify => {
            let tls = DatabaseTls::new(verify).map_err(|error| Failure::NoConnection(Box::new(error)))?;
            listen_over(target, tls, changes).await
        }
    }
}

async fn listen_over<T>(target: &ConnectionTarget, tls: T, changes: &Notify) -> Result<(), Failure>
where
    T: MakeTlsConnect<Socket>,
{
    let (client, mut connection) = target.config.connect(tls).await?;
    let listening = client.batch_execute("LISTEN sluicegate");
    tokio::pin!(listening);
    let mut begun = false;
    loop {
        tokio::select! {
            started = &mut listening, if !begun => {
                started?;
                begun = true;
                // Changes from before the task started to listen were not announced to it.
                changes.notify_one();
            }
            message = poll_fn(|cx| connection.poll_message(cx)) => match message {
                Some(Ok(AsyncMessage::Notification(_))) => changes.notify_one(),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            },
        }
    }
}
