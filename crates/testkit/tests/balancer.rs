//! Tests of the balancer in front of nodes that count their requests.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use http::StatusCode;
use testkit::Wire;
use testkit::balancer::{BALANCER, Balancer, Figures, LOST, NOT_SENT};
use tokio::sync::{Notify, oneshot};

#[derive(Default)]
struct Seen {
    leaving: AtomicBool,
    requests: AtomicUsize,
    /// Lets a request at `/slow` continue.
    go_on: Notify,
}

/// A node that drains: it reports that it is leaving, and finishes its requests before it ends.
struct TestNode {
    url: String,
    seen: Arc<Seen>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl TestNode {
    fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap())
    }

    fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Seen::default());
        let routes = Router::new()
            .route("/readyz", get(readyz))
            .route("/echo", post(echo))
            .route("/slow", get(slow))
            .with_state(Arc::clone(&seen));
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let stopped = async { drop(stopped.await) };
                axum::serve(listener, routes).with_graceful_shutdown(stopped).await.unwrap();
            });
        });
        Self { url, seen, stop: Some(stop), thread: Some(thread) }
    }

    fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }

    fn leave(&self) {
        self.seen.leaving.store(true, Ordering::SeqCst);
    }

    fn end(mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

async fn readyz(State(seen): State<Arc<Seen>>) -> StatusCode {
    if seen.leaving.load(Ordering::SeqCst) { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
}

async fn echo(State(seen): State<Arc<Seen>>, body: String) -> String {
    seen.requests.fetch_add(1, Ordering::SeqCst);
    body
}

async fn slow(State(seen): State<Arc<Seen>>) -> &'static str {
    seen.requests.fetch_add(1, Ordering::SeqCst);
    seen.go_on.notified().await;
    "slow"
}

/// A node that is ready and closes the connection in the middle of every other request.
fn unfaithful() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 1024];
            let length = stream.read(&mut head).unwrap();
            if head[..length].starts_with(b"GET /readyz ") {
                let _ =
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            } else {
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    (url, requests)
}

fn ask(wire: &Wire) -> u16 {
    let answer = wire.send("POST", "/echo", &[("content-type", "text/plain")], Some("hello")).unwrap();
    assert!(answer.status != 200 || answer.body == "hello", "{answer:?}");
    answer.status.as_u16()
}

#[test]
fn requests_are_distributed_over_the_nodes() {
    let nodes = [TestNode::start(), TestNode::start(), TestNode::start()];
    let balancer = Balancer::start(&nodes.each_ref().map(|node| &*node.url));
    let wire = Wire::new(&balancer.url());
    for _ in 0..30 {
        assert_eq!(ask(&wire), 200);
    }
    assert_eq!(nodes.each_ref().map(TestNode::requests), [10; 3]);
    assert_eq!(balancer.figures(), Figures { answered: 30, ..Figures::default() });
}

#[test]
fn a_client_keeps_its_connection() {
    let node = TestNode::start();
    let balancer = Balancer::start(&[&node.url]);
    let mut stream = TcpStream::connect(balancer.url().trim_start_matches("http://")).unwrap();
    for _ in 0..3 {
        write!(stream, "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello").unwrap();
        let mut answer = String::new();
        while !answer.ends_with("hello") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(char::from(byte[0]));
        }
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
}

#[test]
fn a_draining_node_gets_no_new_requests_and_finishes_its_own() {
    let (leaving, staying) = (TestNode::start(), TestNode::start());
    let balancer = Balancer::start(&[&leaving.url, &staying.url]);
    let wire = Wire::new(&balancer.url());
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| wire.get("/slow", None).unwrap());
        while leaving.requests() + staying.requests() == 0 {
            std::thread::yield_now();
        }
        let busy = usize::from(leaving.requests() == 0);
        let [busy_node, other] = if busy == 0 { [&leaving, &staying] } else { [&staying, &leaving] };
        busy_node.leave();
        balancer.wait_until(|ready| !ready[busy]);
        for _ in 0..10 {
            assert_eq!(ask(&wire), 200);
        }
        assert_eq!((busy_node.requests(), other.requests()), (1, 10));
        busy_node.seen.go_on.notify_one();
        assert_eq!(slow.join().unwrap().body, "slow");
    });
}

#[test]
fn a_request_that_finds_no_listener_is_sent_to_another_node() {
    let (gone, there) = (TestNode::start(), TestNode::start());
    let balancer = Balancer::start(&[&gone.url, &there.url]);
    let wire = Wire::new(&balancer.url());
    for _ in 0..4 {
        assert_eq!(ask(&wire), 200);
    }
    gone.end();
    for _ in 0..10 {
        assert_eq!(ask(&wire), 200);
    }
    let figures = balancer.figures();
    assert_eq!((figures.answered, figures.lost, figures.not_sent), (14, 0, 0));
    assert_eq!(there.requests(), 12);
}

#[test]
fn a_request_that_was_sent_is_never_sent_again() {
    let (url, requests) = unfaithful();
    let other = TestNode::start();
    let balancer = Balancer::start(&[&url, &other.url]);
    let wire = Wire::new(&balancer.url());
    let answers = [(); 2].map(|()| wire.send("POST", "/echo", &[], Some("hello")).unwrap());
    let lost: Vec<_> = answers.iter().filter(|answer| answer.status == 502).collect();
    assert_eq!(lost.len(), 1);
    assert_eq!(lost[0].headers[BALANCER], LOST);
    assert_eq!((requests.load(Ordering::SeqCst), other.requests()), (1, 1));
}

#[test]
fn without_nodes_the_balancer_reports_that_nothing_was_sent() {
    let node = TestNode::start();
    let balancer = Balancer::start(&[&node.url]);
    node.leave();
    balancer.wait_until(|ready| !ready[0]);
    let answer = Wire::new(&balancer.url()).get("/echo", None).unwrap();
    assert_eq!(answer.status, 503);
    assert_eq!(answer.headers[BALANCER], NOT_SENT);
    assert_eq!(balancer.ready(), [false]);
}

#[test]
fn a_rolling_restart_of_draining_nodes_loses_no_request() {
    let mut nodes = [TestNode::start(), TestNode::start(), TestNode::start()];
    let balancer = Balancer::start(&nodes.each_ref().map(|node| &*node.url));
    let stop = AtomicBool::new(false);
    let requests = [(); 4].map(|()| AtomicUsize::new(0));
    let counts = || requests.each_ref().map(|requests| requests.load(Ordering::SeqCst));
    std::thread::scope(|scope| {
        for requests in &requests {
            let (wire, stop) = (Wire::new(&balancer.url()), &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    let status = ask(&wire);
                    // Threads that wait for this one must learn that it has failed.
                    stop.fetch_or(status != 200, Ordering::SeqCst);
                    assert_eq!(status, 200);
                    requests.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for round in 0..6 {
            let place = round % nodes.len();
            nodes[place].leave();
            balancer.wait_until(|ready| !ready[place]);
            // A draining node listens until no request can be on its way to it any more.
            let before = counts();
            while !stop.load(Ordering::SeqCst)
                && counts().iter().zip(before).any(|(now, before)| *now < before + 2)
            {
                std::thread::yield_now();
            }
            let fresh = TestNode::start();
            balancer.replace(place, &fresh.url);
            std::mem::replace(&mut nodes[place], fresh).end();
            balancer.wait_until(|ready| ready[place]);
        }
        stop.store(true, Ordering::SeqCst);
    });
    let figures = balancer.figures();
    assert_eq!((figures.lost, figures.not_sent), (0, 0));
    assert_eq!(figures.answered, counts().iter().sum::<usize>());
    assert!(figures.answered > 100, "{figures:?}");
}
