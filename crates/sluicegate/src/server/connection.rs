//! One connection, from the handshake to the end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use app::node::client_certificates::presented;
use axum::body::Body;
use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use web::{ClientCertificate, HttpService, PeerAddress};

use super::addresses::Guest;
use super::body::{BodyTimeouts, TimeoutBody};
use super::budget::Budget;
use super::idle::Activity;
use super::streams::{Answer, Streams};
use super::timeout_stream::TimeoutStream;
use super::{ServerTls, StopSignal};

/// The limits of a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionLimits {
    /// Bytes of a request's head.
    pub(crate) header_bytes: usize,
    /// The maximum time for the handshake, and for the head of a request.
    pub(crate) header_time: Duration,
    /// The maximum time without data in the middle of a body, or without progress of a response.
    pub(crate) body_silence: Duration,
    /// The maximum time for a whole body.
    pub(crate) body_time: Duration,
    /// Bytes of a request's body.
    pub(crate) body_bytes: usize,
    /// Concurrent connections.
    pub(crate) connections: usize,
    /// Concurrent connections of one address.
    pub(crate) connections_per_address: usize,
    /// Bytes that may be buffered for clients, on all connections.
    pub(crate) buffered_bytes: usize,
    /// How long running requests may take to finish during shutdown.
    pub(crate) drain: Duration,
}

/// Serves connections.
#[derive(Clone)]
pub(super) struct Connections {
    service: HttpService,
    tls: Option<ServerTls>,
    limits: ConnectionLimits,
    stop: StopSignal,
}

/// Concurrent streams of one HTTP/2 connection; the minimum that [RFC 9113
/// §6.5.2](https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2) recommends.
const MOST_STREAMS: u32 = 100;

/// Bytes that a client may send on one stream, and on a whole connection, before the server has read them.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;

/// Bytes of one stream's response that hyper may buffer.
const SEND_BUFFER: usize = 64 * 1024;

/// Bytes that one connection may buffer besides a body: several portions of a response for each stream.
const MOST_HELD: usize = 8 * 1024 * 1024;

/// How long an idle connection may take to close.
const FAREWELL: Duration = Duration::from_secs(5);

impl Connections {
    pub(super) fn new(
        service: HttpService,
        tls: Option<ServerTls>,
        limits: ConnectionLimits,
        stop: StopSignal,
    ) -> Self {
        Self { service, tls, limits, stop }
    }

    fn builder(&self, budget: &Arc<Budget>) -> Builder<Streams> {
        let limits = &self.limits;
        let streams = Streams { patience: limits.body_silence, budget: Arc::clone(budget) };
        let mut builder = Builder::new(streams);
        // Not `pipeline_flush`: with it hyper does not send its response to an unreadable head.
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
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .max_concurrent_streams(MOST_STREAMS);
        builder
    }

    /// Serves one connection until it ends. When the server stops, it ends after the running requests.
    pub(super) async fn serve(self, stream: TcpStream, peer: SocketAddr, guest: Guest) {
        // Small responses must not wait for the acknowledgement of earlier ones.
        let _ = stream.set_nodelay(true);
        match &self.tls {
            None => self.exchange(stream, peer, None, &guest).await,
            Some(tls) => {
                if let Some(stream) = self.shake_hands(tls, stream, peer).await {
                    let certificate = certificate_of(&stream);
                    self.exchange(stream, peer, certificate, &guest).await;
                }
            }
        }
    }

    /// Performs the TLS handshake. No request was sent yet, so the handshake is aborted when the server
    /// stops.
    async fn shake_hands(
        &self,
        tls: &ServerTls,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> Option<TlsStream<TcpStream>> {
        let handshake = tokio::time::timeout(self.limits.header_time, tls.acceptor().accept(stream));
        let outcome = tokio::select! {
            outcome = handshake => outcome,
            () = self.stop.triggered() => return None,
        };
        match outcome {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
        }
        None
    }

    async fn exchange<S>(
        &self,
        stream: S,
        peer: SocketAddr,
        certificate: Option<ClientCertificate>,
        guest: &Guest,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limits = &self.limits;
        let budget = guest.budget.part(MOST_HELD.max(limits.body_bytes.saturating_mul(2)));
        let activity = Activity::new();
        let service = service_fn(|mut request: Request<Incoming>| {
            if let Some(certificate) = &certificate {
                request.extensions_mut().insert(certificate.clone());
            }
            self.answer(request, peer, &activity, &budget)
        });
        let stream = TokioIo::new(TimeoutStream::new(stream, limits.header_time, limits.body_silence));
        let builder = self.builder(&budget);
        let mut connection = pin!(builder.serve_connection(stream, service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.triggered() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = activity.is_idle(limits.header_time) => {
                connection.as_mut().graceful_shutdown();
                loop {
                    match tokio::time::timeout(FAREWELL, connection.as_mut()).await {
                        Ok(ended) => break ended,
                        // A request that arrived meanwhile is answered.
                        Err(_) if activity.is_resting() => break Ok(()),
                        Err(_) => {}
                    }
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a connection ended early");
        }
    }

    fn answer(
        &self,
        mut request: Request<Incoming>,
        peer: SocketAddr,
        activity: &Arc<Activity>,
        budget: &Arc<Budget>,
    ) -> impl Future<Output = Result<Response<Answer>, Infallible>> + Send + use<> {
        request.extensions_mut().insert(PeerAddress(peer));
        let busy = if request.version() == Version::HTTP_2 {
            Some(activity.begin())
        } else {
            activity.use_http1();
            None
        };
        let timeouts = BodyTimeouts { silence: self.limits.body_silence, total: self.limits.body_time };
        let (head, body) = request.into_parts();
        let body = TimeoutBody::new(body, &head.headers, timeouts, Arc::clone(budget));
        let request = Request::from_parts(head, Body::new(body));
        let service = self.service.clone();
        // The inner future is created in here: as a captured variable it would be stored twice, and moved once more.
        async move {
            Ok(service.answer_from_network(request).await.map(|body| match busy {
                Some(busy) => Answer::in_portions(body, busy),
                None => Answer::whole(body),
            }))
        }
    }
}

/// The certificate that the client presented, if any. A chain that is too long counts as none.
fn certificate_of(stream: &TlsStream<TcpStream>) -> Option<ClientCertificate> {
    let chain = stream.get_ref().1.peer_certificates()?;
    let certificate = presented(chain.iter().map(|certificate| certificate.to_vec()).collect())?;
    Some(ClientCertificate(Arc::new(certificate)))
}
