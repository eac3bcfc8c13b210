//! A load balancer in front of several nodes, as in production.
//!
//! Requests are distributed over the nodes whose `/readyz` answers 200, so a draining node gets no more of
//! them. A request that could not be sent is sent to another node: if nobody was listening, nothing is lost.
//! A request that was sent but not answered may have been processed, so it is answered with 502 and never
//! sent again.

mod node;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, TRANSFER_ENCODING};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::watched::Watched;
use node::{Attempt, Node};

/// The interval of the health checks.
const ASKING: Duration = Duration::from_millis(100);

/// A header on responses of the balancer itself: why there is no response of a node.
pub const BALANCER: &str = "x-balancer";

/// A node was sent the request and did not answer; it may or may not have processed it.
pub const LOST: &str = "lost";

/// No node accepted the request; it was not processed.
pub const NOT_SENT: &str = "not sent";

/// The counters of a balancer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Requests that a node has answered.
    pub answered: usize,
    /// Attempts that found no listener, after which another node was tried.
    pub moved: usize,
    /// Requests that were sent and not answered.
    pub lost: usize,
    /// Requests that no node accepted.
    pub not_sent: usize,
}

/// A balancer that listens on the loopback address, on a thread of its own.
pub struct Balancer {
    address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

struct Shared {
    nodes: Vec<Node>,
    /// Which nodes are ready.
    ready: Watched<Vec<bool>>,
    figures: Watched<Figures>,
    next: AtomicUsize,
}

impl Balancer {
    /// Starts a balancer for the nodes at these URLs, and waits until each of them is ready.
    ///
    /// # Panics
    /// If a URL is not plain HTTP with address and port, or no thread can be started.
    pub fn start(nodes: &[&str]) -> Self {
        let shared = Arc::new(Shared {
            nodes: nodes.iter().map(|url| Node::new(url)).collect(),
            ready: Watched::new(vec![false; nodes.len()]),
            figures: Watched::default(),
            next: AtomicUsize::new(0),
        });
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket of ours");
        let address = listener.local_addr().expect("it has one");
        runtime.spawn(serve(listener, Arc::clone(&shared)));
        let balancer = Self { address, shared, runtime: Some(runtime) };
        balancer.wait_until(|ready| ready.iter().all(|ready| *ready));
        balancer
    }

    /// The URL of the balancer, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Records that the node at this index has moved to another URL, as after a restart. It gets requests
    /// once it is ready there.
    ///
    /// # Panics
    /// If the URL is not plain HTTP with address and port.
    pub fn replace(&self, place: usize, url: &str) {
        self.shared.nodes[place].move_to(url);
        self.shared.set_ready(place, false);
    }

    /// Waits until the condition holds for the readiness of the nodes.
    ///
    /// # Panics
    /// If that takes minutes.
    pub fn wait_until(&self, holds: impl Fn(&[bool]) -> bool) {
        self.shared.ready.wait_until(|ready| holds(ready));
    }

    /// Which nodes are ready.
    pub fn ready(&self) -> Vec<bool> {
        self.shared.ready.read().clone()
    }

    /// The counters so far.
    pub fn figures(&self) -> Figures {
        *self.shared.figures.read()
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    /// Records whether a node is ready. Connections to a node that is not ready are closed, so that it need
    /// not wait for them.
    fn set_ready(&self, place: usize, ready: bool) {
        self.ready.change(|all| all[place] = ready);
        if !ready {
            self.nodes[place].hang_up();
        }
    }

    /// The indexes of the ready nodes, starting with a different one each time.
    fn in_sequence(&self) -> Vec<usize> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let ready = self.ready.read();
        let places = (0..self.nodes.len()).map(|offset| (first + offset) % self.nodes.len());
        places.filter(|&place| ready[place]).collect()
    }

    async fn forward(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let (mut parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        parts.headers.remove(CONNECTION);
        parts.headers.remove(TRANSFER_ENCODING);
        for place in self.in_sequence() {
            let request = Request::from_parts(parts.clone(), Full::new(body.clone()));
            match self.nodes[place].ask(request).await {
                Attempt::Answered(answer) => {
                    self.figures.change(|figures| figures.answered += 1);
                    return Ok(answer);
                }
                Attempt::Lost => {
                    self.figures.change(|figures| figures.lost += 1);
                    return Ok(own_answer(StatusCode::BAD_GATEWAY, LOST));
                }
                Attempt::NotSent => {
                    self.figures.change(|figures| figures.moved += 1);
                    self.set_ready(place, false);
                }
            }
        }
        self.figures.change(|figures| figures.not_sent += 1);
        Ok(own_answer(StatusCode::SERVICE_UNAVAILABLE, NOT_SENT))
    }
}

fn own_answer(status: StatusCode, why: &'static str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer.headers_mut().insert(BALANCER, http::HeaderValue::from_static(why));
    answer
}

async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let listener = TcpListener::from_std(listener).expect("a socket of ours");
    let mut tasks = JoinSet::new();
    for place in 0..shared.nodes.len() {
        tasks.spawn(keep_asking(place, Arc::clone(&shared)));
    }
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| {
            let shared = Arc::clone(&shared);
            async move { shared.forward(request).await }
        });
        tasks.spawn(async move {
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while tasks.try_join_next().is_some() {}
    }
}

/// Checks the readiness of one node again and again.
async fn keep_asking(place: usize, shared: Arc<Shared>) {
    let mut interval = tokio::time::interval(ASKING);
    loop {
        interval.tick().await;
        let at = shared.nodes[place].address();
        let ready = shared.nodes[place].is_ready().await;
        // A result from the old address says nothing about the new one.
        if at == shared.nodes[place].address() {
            shared.set_ready(place, ready);
        }
    }
}
