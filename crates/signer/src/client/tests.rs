//! Tests of the client against a socket that behaves in every way.

use std::io::Write as _;
use std::os::unix::net::{UnixListener, UnixStream as BlockingStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use tempfile::TempDir;

use super::*;
use crate::protocol::{SignerRefusal, SignerRefusalReason};
use crate::server::{SocketRights, listen};

const LIMITS: ClientLimits = ClientLimits {
    connections: 2,
    requests: 4,
    wait: Duration::from_millis(100),
    answer: Duration::from_millis(400),
};

/// What is done with a connection.
type Behaviour = fn(BlockingStream);

/// A signer that handles each connection as the test says next.
struct Scripted {
    folder: TempDir,
    script: Option<Sender<Behaviour>>,
    thread: Option<JoinHandle<()>>,
}

impl Scripted {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = listen(&folder.path().join("s"), SocketRights::Owner).unwrap();
        let (script, next) = channel();
        let thread = Some(thread::spawn(move || run(&listener, &next)));
        Self { folder, script: Some(script), thread }
    }

    fn client(&self) -> Client {
        Client::new(self.folder.path().join("s"), LIMITS)
    }

    fn next(&self, behaviour: Behaviour) {
        self.script.as_ref().unwrap().send(behaviour).unwrap();
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        drop(self.script.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

fn run(listener: &UnixListener, script: &Receiver<Behaviour>) {
    thread::scope(|scope| {
        while let Ok(behaviour) = script.recv() {
            let (stream, _) = listener.accept().unwrap();
            scope.spawn(move || behaviour(stream));
        }
    });
}

fn signs_once(mut stream: BlockingStream) {
    let Ok(Some(message)) = frame::read(&mut stream) else { return };
    let Ok(SignerRequest::Sign { bytes, .. }) = SignerRequest::parse(&message) else { return };
    frame::write(&mut stream, &SignerResponse::Signature { signature: bytes }.to_message()).unwrap();
}

fn signs_twice(mut stream: BlockingStream) {
    for _ in 0..2 {
        signs_once(stream.try_clone().unwrap());
    }
    let _ = stream.flush();
}

fn reads_and_stays_silent(mut stream: BlockingStream) {
    while let Ok(Some(_)) = frame::read(&mut stream) {}
}

fn replies(stream: &mut BlockingStream, bytes: &[u8]) {
    let _ = frame::read(stream);
    let _ = stream.write_all(bytes);
}

async fn sign(client: &Client) -> Result<Vec<u8>, SignerError> {
    client.sign("k", SigningAlgorithm::EdDsa, b"text").await
}

#[tokio::test]
async fn a_connection_is_used_again_and_replaced_when_the_signer_has_ended_it() {
    let signer = Scripted::start();
    let client = signer.client();
    signer.next(signs_twice);
    for _ in 0..2 {
        assert_eq!(sign(&client).await.unwrap(), b"text");
    }
    signer.next(signs_once);
    assert_eq!(sign(&client).await.unwrap(), b"text");
}

#[tokio::test]
async fn a_signer_that_stays_silent_is_waited_for_as_long_as_the_limit_says() {
    let signer = Scripted::start();
    let client = signer.client();
    signer.next(reads_and_stays_silent);
    assert!(matches!(sign(&client).await, Err(SignerError::TimedOut)));
    signer.next(signs_once);
    assert_eq!(sign(&client).await.unwrap(), b"text", "the late answer of the first connection is not read");
}

#[tokio::test]
async fn garbage_is_no_answer() {
    let signer = Scripted::start();
    let client = signer.client();
    let http: Behaviour = |mut stream| replies(&mut stream, b"HTTP/1.1 200 OK\r\n\r\n");
    let cut: Behaviour = |mut stream| replies(&mut stream, &[0, 0, 0, 9, b'{']);
    signer.next(http);
    assert!(matches!(sign(&client).await, Err(SignerError::Frame(FrameFault::Size(_)))));
    signer.next(cut);
    assert!(matches!(sign(&client).await, Err(SignerError::Frame(FrameFault::Broken(_)))));
    signer.next(|mut stream| replies(&mut stream, &frame::framed(b"not JSON").unwrap()));
    assert!(matches!(sign(&client).await, Err(SignerError::Message(_))));
    signer.next(|mut stream| {
        let keys = SignerResponse::Keys { keys: Vec::new() }.to_message();
        replies(&mut stream, &frame::framed(&keys).unwrap());
    });
    assert!(matches!(sign(&client).await, Err(SignerError::AnotherAnswer)));
    signer.next(|mut stream| {
        let refusal = SignerRefusal::new(SignerRefusalReason::Unavailable, "the token is gone");
        replies(&mut stream, &frame::framed(&SignerResponse::Error(refusal).to_message()).unwrap());
    });
    let refused = sign(&client).await.unwrap_err();
    assert!(matches!(refused, SignerError::Refused(refusal) if refusal.message == "the token is gone"));
}

#[tokio::test]
async fn only_so_many_requests_wait_and_each_only_for_so_long() {
    let signer = Scripted::start();
    let client = Arc::new(signer.client());
    for _ in 0..LIMITS.connections {
        signer.next(reads_and_stays_silent);
    }
    let tasks: Vec<_> = (0..=LIMITS.requests)
        .map(|_| {
            let client = Arc::clone(&client);
            async move { sign(&client).await }
        })
        .collect();
    let mut set = tokio::task::JoinSet::new();
    for task in tasks {
        set.spawn(task);
    }
    let ended = set.join_all().await;
    let count = |wanted: fn(&SignerError) -> bool| {
        ended.iter().filter(|ended| ended.as_ref().is_err_and(wanted)).count()
    };
    assert_eq!(count(|error| matches!(error, SignerError::TimedOut)), LIMITS.connections);
    assert_eq!(
        count(|error| matches!(error, SignerError::Busy)),
        3,
        "two waited in vain, and one not at all"
    );
}

#[tokio::test]
async fn without_a_signer_the_error_names_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let client = Client::new(folder.path().join("nobody"), LIMITS);
    let error = client.list().await.unwrap_err();
    assert!(matches!(error, SignerError::Unreachable { .. }));
    assert!(error.to_string().ends_with("/nobody"), "{error}");
}
