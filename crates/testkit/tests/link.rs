//! Tests of links to a server that echoes what it receives.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use testkit::link::Link;

/// Longer than anything in these tests takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Long enough to be distinguished from no delay.
const DELAY: Duration = Duration::from_millis(150);

/// A server that repeats, after `word`, what each connection sends, and reports how each connection has
/// ended.
fn echo(word: &'static str) -> (String, Receiver<std::io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (ends, ended) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, ends) = (stream.unwrap(), ends.clone());
            std::thread::spawn(move || {
                let outcome = repeat(word, &mut stream);
                let _ = ends.send(outcome);
            });
        }
    });
    (address, ended)
}

fn repeat(word: &str, stream: &mut TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        stream.write_all(word.as_bytes())?;
        stream.write_all(&buffer[..length])?;
    }
}

fn connect(link: &Link) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(link.address())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn ask(stream: &mut TcpStream, answer: &str) {
    stream.write_all(b"!").unwrap();
    hear(stream, answer);
}

fn hear(stream: &mut TcpStream, answer: &str) {
    let mut heard = vec![0; answer.len()];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(String::from_utf8(heard).unwrap(), answer);
}

fn hears_nothing(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(DELAY)).unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error:?}");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "the delay of a real wire is measured by the machine's clock")]
fn time(act: impl FnOnce()) -> Duration {
    let start = Instant::now();
    act();
    start.elapsed()
}

#[test]
fn a_link_forwards_in_both_directions_and_forwards_both_ends() {
    let (server, ended) = echo("");
    let link = Link::start(&server);
    let mut stream = connect(&link).unwrap();
    ask(&mut stream, "!");
    assert_eq!(link.connections(), 1);
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0, "the end comes back");
    ended.recv_timeout(PATIENCE).unwrap().unwrap();
}

#[test]
fn data_arrives_complete_and_in_order_with_any_delay() {
    let (server, _ended) = echo("");
    let link = Link::start(&server);
    link.delay(Duration::from_millis(20), Duration::from_millis(20));
    let sent: Vec<u8> = (0..1_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    let mut stream = connect(&link).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let copy = sent.clone();
    let writing = std::thread::spawn(move || writer.write_all(&copy).unwrap());
    let mut heard = vec![0; sent.len()];
    stream.read_exact(&mut heard).unwrap();
    writing.join().unwrap();
    assert!(heard == sent);
}

#[test]
fn each_direction_has_its_own_delay() {
    let (server, _ended) = echo("");
    let link = Link::start(&server);
    let mut stream = connect(&link).unwrap();
    for (there, back, expected) in
        [(DELAY, Duration::ZERO, DELAY), (Duration::ZERO, DELAY, DELAY), (DELAY, DELAY, DELAY * 2)]
    {
        link.delay(there, back);
        let took = time(|| ask(&mut stream, "!"));
        assert!(took >= expected && took < expected + Duration::from_secs(10), "{took:?}");
    }
    link.pass();
    let took = time(|| ask(&mut stream, "!"));
    assert!(took < DELAY, "{took:?}");
}

#[test]
fn a_cut_resets_open_connections_and_refuses_new_ones() {
    let (server, ended) = echo("");
    let link = Link::start(&server);
    let mut stream = connect(&link).unwrap();
    ask(&mut stream, "!");
    link.cut();
    assert_eq!(link.connections(), 0);
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    let failure = ended.recv_timeout(PATIENCE).unwrap().unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::ConnectionReset, "the server sees the reset too");
    assert_eq!(connect(&link).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    link.cut();
    link.pass();
    ask(&mut connect(&link).unwrap(), "!");
}

#[test]
fn a_cut_also_ends_delayed_and_silent_connections() {
    let (server, _ended) = echo("");
    let link = Link::start(&server);
    let mut delayed = connect(&link).unwrap();
    link.delay(PATIENCE, PATIENCE);
    delayed.write_all(b"!").unwrap();
    link.half_open();
    let mut silent = connect(&link).unwrap();
    link.cut();
    for stream in [&mut delayed, &mut silent] {
        assert!(stream.read(&mut [0]).is_err());
    }
}

#[test]
fn a_half_open_link_is_silent_and_then_continues() {
    let (server, ended) = echo("");
    let link = Link::start(&server);
    let mut open = connect(&link).unwrap();
    let mut leaving = connect(&link).unwrap();
    ask(&mut open, "!");
    ask(&mut leaving, "!");
    link.half_open();
    open.write_all(b"!").unwrap();
    hears_nothing(&mut open);
    let mut new = connect(&link).unwrap();
    new.write_all(b"?").unwrap();
    hears_nothing(&mut new);
    drop(leaving);
    assert!(ended.recv_timeout(DELAY).is_err(), "the server does not learn that somebody has left");
    link.pass();
    hear(&mut open, "!");
    hear(&mut new, "?");
    ended.recv_timeout(PATIENCE).unwrap().unwrap();
}

#[test]
fn a_link_can_forward_new_connections_to_another_server() {
    let ((first, _ended), (second, _also_ended)) = (echo("first"), echo("second"));
    let link = Link::start(&first);
    let mut old = connect(&link).unwrap();
    ask(&mut old, "first!");
    link.retarget(&second);
    ask(&mut connect(&link).unwrap(), "second!");
    ask(&mut old, "first!");
}

#[test]
fn a_link_to_a_stopped_server_refuses_connections() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let link = Link::start(&nobody);
    let mut stream = connect(&link).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn an_asynchronous_test_may_drop_a_link() {
    let (server, _ended) = echo("");
    let link = Link::start(&server);
    link.cut();
    drop(link);
}
