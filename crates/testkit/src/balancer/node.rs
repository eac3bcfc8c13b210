//! One node, and the connections to it.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Handle;

type Sender = SendRequest<Full<Bytes>>;

/// How long a node may take to answer a health check.
const PATIENCE: Duration = Duration::from_secs(1);

/// The result of a request.
pub(super) enum Attempt {
    Answered(Response<Full<Bytes>>),
    /// It was sent, at least in part, and not answered.
    Lost,
    NotSent,
}

pub(super) struct Node(Mutex<Upstream>);

struct Upstream {
    address: SocketAddr,
    /// Idle connections.
    idle: Vec<Sender>,
}

impl Node {
    pub(super) fn new(url: &str) -> Self {
        Self(Mutex::new(Upstream { address: parse(url), idle: Vec::new() }))
    }

    pub(super) fn move_to(&self, url: &str) {
        *self.upstream() = Upstream { address: parse(url), idle: Vec::new() };
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.upstream().address
    }

    /// Closes the idle connections.
    pub(super) fn hang_up(&self) {
        self.upstream().idle.clear();
    }

    /// Whether the node answers a health check in time, on a new connection.
    pub(super) async fn is_ready(&self) -> bool {
        let address = self.address();
        let is_healthy = async {
            let mut sender = connect(address).await?;
            let mut request = Request::new(Full::default());
            *request.uri_mut() = "/readyz".parse().ok()?;
            request.headers_mut().insert(HOST, HeaderValue::from_str(&address.to_string()).ok()?);
            let answer = sender.send_request(request).await.ok()?;
            Some(answer.status() == StatusCode::OK)
        };
        matches!(tokio::time::timeout(PATIENCE, is_healthy).await, Ok(Some(true)))
    }

    /// Sends a request, and reads the response to its end.
    pub(super) async fn ask(&self, request: Request<Full<Bytes>>) -> Attempt {
        let address = self.address();
        let mut request = request;
        // If the node has closed the connection meanwhile, the request is returned unsent.
        while let Some(mut sender) = self.idle_one() {
            match sender.try_send_request(request).await {
                Ok(answer) => return self.finish(address, sender, answer).await,
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Attempt::Lost,
                },
            }
        }
        let Some(mut sender) = connect(address).await else { return Attempt::NotSent };
        match sender.send_request(request).await {
            Ok(answer) => self.finish(address, sender, answer).await,
            Err(_) => Attempt::Lost,
        }
    }

    async fn finish(
        &self,
        address: SocketAddr,
        mut sender: Sender,
        answer: Response<hyper::body::Incoming>,
    ) -> Attempt {
        let (mut parts, body) = answer.into_parts();
        let Ok(body) = body.collect().await else { return Attempt::Lost };
        let body = body.to_bytes();
        if sender.ready().await.is_ok() {
            let mut upstream = self.upstream();
            if upstream.address == address {
                upstream.idle.push(sender);
            }
        }
        // These headers belong to the connection to the node.
        parts.headers.remove(CONNECTION);
        parts.headers.remove(TRANSFER_ENCODING);
        Attempt::Answered(Response::from_parts(parts, Full::new(body)))
    }

    fn idle_one(&self) -> Option<Sender> {
        let mut upstream = self.upstream();
        while let Some(sender) = upstream.idle.pop() {
            if sender.is_ready() {
                return Some(sender);
            }
        }
        None
    }

    fn upstream(&self) -> MutexGuard<'_, Upstream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse(url: &str) -> SocketAddr {
    let address = url.strip_prefix("http://").and_then(|rest| rest.trim_end_matches('/').parse().ok());
    address.unwrap_or_else(|| panic!("no URL of plain HTTP with address and port: {url}"))
}

/// Opens a connection, which a task drives while it lives.
async fn connect(address: SocketAddr) -> Option<Sender> {
    let stream = TcpStream::connect(address).await.ok()?;
    let _ = stream.set_nodelay(true);
    let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
    Handle::current().spawn(connection);
    Some(sender)
}
