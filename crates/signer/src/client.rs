//! The side of the server.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use oauth::signing::SigningAlgorithm;
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::frame::{self, FrameFault};
use crate::protocol::{ListedKey, SignerRequest, SignerResponse};
use crate::{SignerError, socket};

/// How much the signer is asked at the same time, and how long the server waits.
#[derive(Debug, Clone, Copy)]
pub struct ClientLimits {
    /// The maximum number of connections; each carries one request at a time.
    pub connections: usize,
    /// The maximum number of requests that have a connection or wait for one.
    pub requests: usize,
    /// How long a request waits for a connection.
    pub wait: Duration,
    /// How long the signer may take for an answer.
    pub answer: Duration,
}

impl ClientLimits {
    /// The limits of a server.
    pub const DEFAULT: Self =
        Self { connections: 8, requests: 256, wait: Duration::from_secs(1), answer: Duration::from_secs(2) };
}

/// Asks a signer. Connections are opened when they are needed, and kept.
#[derive(Debug)]
pub struct Client {
    socket: PathBuf,
    limits: ClientLimits,
    permits: Semaphore,
    requests: AtomicUsize,
    idle: Mutex<Vec<UnixStream>>,
}

impl Client {
    /// A client for the signer at this socket. Nothing is connected yet.
    pub fn new(socket: PathBuf, limits: ClientLimits) -> Self {
        let permits = Semaphore::new(limits.connections);
        Self { socket, limits, permits, requests: AtomicUsize::new(0), idle: Mutex::default() }
    }

    /// The keys of the signer.
    ///
    /// # Errors
    /// [`SignerError`].
    pub async fn list(&self) -> Result<Vec<ListedKey>, SignerError> {
        match self.ask(&SignerRequest::List).await? {
            SignerResponse::Keys { keys } => Ok(keys),
            other => Err(unfit(other)),
        }
    }

    /// A signature, which is not verified.
    ///
    /// # Errors
    /// [`SignerError`].
    pub async fn sign(
        &self,
        key: &str,
        algorithm: SigningAlgorithm,
        bytes: &[u8],
    ) -> Result<Vec<u8>, SignerError> {
        match self.ask(&SignerRequest::Sign { key: key.to_owned(), algorithm, bytes: bytes.to_vec() }).await?
        {
            SignerResponse::Signature { signature } => Ok(signature),
            other => Err(unfit(other)),
        }
    }

    async fn ask(&self, request: &SignerRequest) -> Result<SignerResponse, SignerError> {
        let _counted = self.count()?;
        let frame = frame::framed(&request.to_message())?;
        let permit = timeout(self.limits.wait, self.permits.acquire()).await;
        let Ok(Ok(_permit)) = permit else { return Err(SignerError::Busy) };
        let answered = timeout(self.limits.answer, self.exchange(&frame)).await;
        Ok(SignerResponse::parse(&answered.map_err(|_| SignerError::TimedOut)??)?)
    }

    /// Exchanges messages over an idle connection. If the signer has ended that one meanwhile, over a new one: a signature
    /// that is made twice does no harm. A connection whose answer is awaited no more is closed.
    async fn exchange(&self, frame: &[u8]) -> Result<Vec<u8>, SignerError> {
        if let Some(mut stream) = self.take_idle() {
            match frame::exchange(&mut stream, frame).await {
                Ok(message) => return Ok(self.keep(stream, message)),
                // The other connections may be as old.
                Err(FrameFault::Broken(_)) => self.idle().clear(),
                Err(fault) => return Err(fault.into()),
            }
        }
        let mut stream = socket::connect(&self.socket).await?;
        let message = frame::exchange(&mut stream, frame).await?;
        Ok(self.keep(stream, message))
    }

    fn keep(&self, stream: UnixStream, message: Vec<u8>) -> Vec<u8> {
        self.idle().push(stream);
        message
    }

    fn take_idle(&self) -> Option<UnixStream> {
        self.idle().pop()
    }

    /// Never locked while something is awaited.
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<UnixStream>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) -> Result<Counted<'_>, SignerError> {
        let counted = Counted(&self.requests);
        if self.requests.fetch_add(1, Ordering::AcqRel) < self.limits.requests {
            Ok(counted)
        } else {
            Err(SignerError::Busy)
        }
    }
}

/// A request that is counted until it ends.
struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn unfit(response: SignerResponse) -> SignerError {
    match response {
        SignerResponse::Error(refusal) => SignerError::Refused(refusal),
        SignerResponse::Keys { .. } | SignerResponse::Signature { .. } => SignerError::AnotherAnswer,
    }
}

#[cfg(test)]
mod tests;
