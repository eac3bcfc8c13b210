//! Opening connections for the pool.

use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use store::WithCauses;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Connection, Error, NoTls};

use crate::OpenError;
use crate::address::{ConnectionTarget, Verify};
use crate::tls::DatabaseTls;

/// How long it may take to tell the server that a statement is given up.
const CANCEL_WITHIN: Duration = Duration::from_secs(1);

/// Opens connections to one database, with or without TLS.
pub(crate) struct Dialer {
    config: Config,
    tls: Option<DatabaseTls>,
}

impl Dialer {
    pub(super) fn new(target: &ConnectionTarget) -> Result<Self, OpenError> {
        let tls = match &target.verify {
            Verify::Off => None,
            verify => Some(DatabaseTls::new(verify)?),
        };
        Ok(Self { config: target.config.clone(), tls })
    }
}

impl Manager for Dialer {
    type Type = LiveConnection;
    type Error = Error;

    async fn create(&self) -> Result<LiveConnection, Error> {
        // Boxed, so that the large state of connecting is not part of every future that may need a
        // connection.
        Ok(match &self.tls {
            None => LiveConnection::over(Box::pin(self.config.connect(NoTls)).await?, None),
            Some(tls) => {
                LiveConnection::over(Box::pin(self.config.connect(tls.clone())).await?, Some(tls.clone()))
            }
        })
    }

    async fn recycle(&self, connection: &mut LiveConnection, _: &Metrics) -> RecycleResult<Error> {
        if connection.client.is_closed() { Err(RecycleError::message("it is closed")) } else { Ok(()) }
    }
}

/// A connection and the task that drives it. The task ends with the connection, even if nothing arrives any
/// more.
pub(crate) struct LiveConnection {
    client: Client,
    carrying: JoinHandle<()>,
    tls: Option<DatabaseTls>,
}

impl LiveConnection {
    fn over<S, T>((client, connection): (Client, Connection<S, T>), tls: Option<DatabaseTls>) -> Self
    where
        Connection<S, T>: Future<Output = Result<(), Error>>,
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let carry = async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = %WithCauses(&error), "a connection to the system database was lost");
            }
        };
        #[expect(clippy::disallowed_methods, reason = "ended when the line is dropped")]
        let carrying = tokio::spawn(carry);
        Self { client, carrying, tls }
    }

    /// Tells the server to give up what it is doing for the connection, and closes it. By itself the server notices the
    /// end of a connection only when it has an answer, and would keep its locks and its connection slot until then.
    pub(super) fn abandon(self) {
        let Ok(runtime) = Handle::try_current() else { return };
        if self.client.is_closed() {
            return;
        }
        runtime.spawn(tokio::time::timeout(CANCEL_WITHIN, async move {
            let token = self.client.cancel_token();
            let cancelled = match &self.tls {
                None => token.cancel_query(NoTls).await,
                Some(tls) => token.cancel_query(tls.clone()).await,
            };
            if let Err(error) = cancelled {
                tracing::debug!(error = %WithCauses(&error), "a statement cannot be cancelled");
            }
        }));
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }
}

impl Drop for LiveConnection {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}
