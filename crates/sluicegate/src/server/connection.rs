//! One connection, from its handshake to its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use web::{Front, PeerAddress};

use super::body::Attended;
use super::patient::Patient;
use super::{Stop, Tls};

/// What a client may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of a request's head.
    pub(crate) header_bytes: usize,
    /// How long the handshake, and the head of a request, may take.
    pub(crate) header_time: Duration,
    /// How long nothing may come in the middle of a body, and nothing of an answer be taken.
    pub(crate) body_silence: Duration,
    /// Connections at once.
    pub(crate) connections: usize,
    /// How long running requests may take to finish at the end.
    pub(crate) drain: Duration,
}

/// Serves connections.
#[derive(Clone)]
pub(super) struct Connections {
    builder: Builder<TokioExecutor>,
    front: Front,
    tls: Option<Tls>,
    limits: Limits,
    stop: Stop,
}

/// Streams of one HTTP/2 connection at once.
const MOST_STREAMS: u32 = 256;

impl Connections {
    pub(super) fn new(front: Front, tls: Option<Tls>, limits: Limits, stop: Stop) -> Self {
        let mut builder = Builder::new(TokioExecutor::new());
        // Not `pipeline_flush`: with it hyper does not send what it answers to a head that it cannot read.
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_time)
            .max_buf_size(limits.header_bytes);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(limits.header_time)
            .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
            .max_concurrent_streams(MOST_STREAMS);
        Self { builder, front, tls, limits, stop }
    }

    /// Serves one connection until it ends, or until its watcher ends it.
    pub(super) async fn serve(self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        // Small answers must not wait for the acknowledgement of earlier ones.
        let _ = stream.set_nodelay(true);
        match &self.tls {
            None => self.exchange(stream, peer, watcher).await,
            Some(tls) => {
                if let Some(stream) = self.shake_hands(tls, stream, peer).await {
                    self.exchange(stream, peer, watcher).await;
                }
            }
        }
    }

    /// Nothing was asked yet, so the handshake is given up when the server stops.
    async fn shake_hands(
        &self,
        tls: &Tls,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> Option<TlsStream<TcpStream>> {
        let handshake = tokio::time::timeout(self.limits.header_time, tls.acceptor().accept(stream));
        let outcome = tokio::select! {
            outcome = handshake => outcome,
            () = self.stop.said() => return None,
        };
        match outcome {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
        }
        None
    }

    async fn exchange<S>(&self, stream: S, peer: SocketAddr, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(PeerAddress(peer));
            let request = request.map(|body| Body::new(Attended::new(body, self.limits.body_silence)));
            let front = self.front.clone();
            async move { Ok::<_, Infallible>(front.answer(request).await) }
        });
        let stream = TokioIo::new(Patient::new(stream, self.limits.header_time, self.limits.body_silence));
        let connection = self.builder.serve_connection(stream, service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%peer, %error, "a connection ended early");
        }
    }
}
