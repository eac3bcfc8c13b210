//! A server that follows a script. It plays what a server of MySQL 8 does and MariaDB does not.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use sources::{Deadline, Limits, Resources, Source, SourceError};

use crate::fixture::{at, here, lines_within, open, statement};

const CHALLENGE: &[u8] = b"abcdefghijklmnopqrst";

/// A connection to a client.
struct Peer {
    stream: TcpStream,
    sequence: u8,
}

impl Peer {
    fn send(&mut self, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
        let header = [length[0], length[1], length[2], self.sequence];
        self.sequence = self.sequence.wrapping_add(1);
        self.stream.write_all(&[&header, payload].concat()).unwrap();
    }

    /// The next packet; `None` if the client has gone.
    fn receive(&mut self) -> Option<Vec<u8>> {
        let mut header = [0; 4];
        self.stream.read_exact(&mut header).ok()?;
        let mut payload = vec![0; usize::from(header[0]) | usize::from(header[1]) << 8];
        self.stream.read_exact(&mut payload).ok()?;
        self.sequence = header[3].wrapping_add(1);
        Some(payload)
    }

    /// Greets as a server of MySQL, and returns the answer.
    fn greet(&mut self, version: &str, method: &str) -> Vec<u8> {
        let greeting = [
            &[10],
            version.as_bytes(),
            &[0, 7, 0, 0, 0],
            &CHALLENGE[..8],
            &[0, 0xff, 0xf7, 255, 2, 0, 0xff, 0xdf, 21],
            &[0; 10],
            &CHALLENGE[8..],
            &[0],
            method.as_bytes(),
            &[0],
        ];
        self.send(&greeting.concat());
        self.receive().unwrap()
    }

    /// Confirms statements without rows until one is prepared.
    fn confirm_until_prepared(&mut self, statements: &mut Vec<String>) -> Option<()> {
        loop {
            let packet = self.receive()?;
            let (code, text) = packet.split_first()?;
            statements.push(String::from_utf8_lossy(text).into_owned());
            if *code == 22 {
                return Some(());
            }
            self.send(OK);
        }
    }
}

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];

/// The description of a column with a text.
fn column() -> Vec<u8> {
    [&[3], b"def".as_slice(), &[0; 5], &[12, 45, 0, 255, 255, 0, 0, 253, 0, 0, 0, 0, 0]].concat()
}

/// Lets the peer play its part on one connection.
fn serve<T: Send + 'static>(play: impl FnOnce(&mut Peer) -> T + Send + 'static) -> (Source, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        play(&mut Peer { stream, sequence: 0 })
    });
    let resources = Resources::new(Limits { max_row_bytes: 64 * 1024, ..Limits::default() }, 4, here());
    (open(at(port, [("Database", "sales"), ("User", "reader"), ("Password", "secret")]), &resources), serving)
}

async fn outcome<T: Send + 'static>(
    play: impl FnOnce(&mut Peer) -> T + Send + 'static,
) -> (Result<Vec<String>, SourceError>, T) {
    let (source, serving) = serve(play);
    let deadline = Deadline::after(Duration::from_millis(700));
    let outcome = lines_within(&source, statement("SELECT 1", 1, Vec::new()), deadline).await;
    source.close();
    source.closed().await;
    (outcome, tokio::task::spawn_blocking(|| serving.join()).await.unwrap().unwrap())
}

/// Signs the client in and answers its statement with these packets.
async fn answered(packets: Vec<Vec<u8>>) -> Result<Vec<String>, SourceError> {
    let play = move |peer: &mut Peer| {
        peer.greet("8.4.3", "mysql_native_password");
        peer.send(OK);
        let _ = peer.confirm_until_prepared(&mut Vec::new());
        peer.send(&[0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        peer.send(&column());
        let _ = peer.receive();
        for packet in packets {
            peer.send(&packet);
        }
        while peer.receive().is_some() {
            peer.send(OK);
        }
    };
    outcome(play).await.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_mysql_gets_the_settings_that_it_knows() {
    let play = |peer: &mut Peer| {
        let mut statements = Vec::new();
        peer.greet("8.0.36", "caching_sha2_password");
        peer.send(&[1, 3]);
        peer.send(OK);
        let _ = peer.confirm_until_prepared(&mut statements);
        statements
    };
    let (_, statements) = outcome(play).await;
    let [settings, isolation, limit, begin, prepared] = statements.as_slice() else {
        panic!("{statements:?}")
    };
    assert!(
        settings.starts_with("SET NAMES utf8mb4") && !settings.contains("max_statement_time"),
        "{settings}"
    );
    assert_eq!(isolation, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    assert_eq!(limit, "SET SESSION max_execution_time = 2000");
    assert_eq!(begin, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
    assert_eq!(prepared, "SELECT 1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_not_sent_in_clear_without_tls() {
    // The cache does not have the user; then the server asks for another method; then for one that passes passwords on.
    let ask: [fn(&mut Peer); 3] = [
        |peer| peer.send(&[1, 4]),
        |peer| peer.send(&[&[0xfe], b"sha256_password\0".as_slice(), CHALLENGE, &[0]].concat()),
        |peer| peer.send(&[&[0xfe], b"mysql_clear_password\0".as_slice()].concat()),
    ];
    for ask in ask {
        let play = move |peer: &mut Peer| {
            let introduced = peer.greet("8.4.3", "caching_sha2_password");
            ask(peer);
            (introduced, peer.receive())
        };
        let (refused, (introduced, next)) = outcome(play).await;
        assert!(matches!(refused, Err(SourceError::SignInRefused { .. })), "{refused:?}");
        assert_eq!(next, None, "nothing more was sent");
        assert!(!introduced.windows(6).any(|window| window == b"secret"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_is_changed_when_the_server_asks_for_it() {
    for (method, length) in [("mysql_native_password", 20), ("caching_sha2_password", 32)] {
        let play = move |peer: &mut Peer| {
            peer.greet("8.4.3", "dialog");
            peer.send(&[&[0xfe], method.as_bytes(), &[0], CHALLENGE, &[0]].concat());
            let answer = peer.receive().unwrap();
            peer.send(&[&[0xff, 0x15, 0x04], b"#28000no".as_slice()].concat());
            answer
        };
        let (refused, answer) = outcome(play).await;
        assert_eq!(answer.len(), length);
        let expected = SourceError::SignInRefused { detail: "1045: no".to_owned() };
        assert_eq!(refused, Err(expected));
    }
    let play = |peer: &mut Peer| {
        peer.greet("8.4.3", "mysql_native_password");
        peer.send(&[&[0xfe], b"client_ed25519\0".as_slice(), CHALLENGE, &[0]].concat());
    };
    let detail = "the server asks for the method client_ed25519".to_owned();
    assert_eq!(outcome(play).await.0, Err(SourceError::SignInRefused { detail }));
    let play = |peer: &mut Peer| {
        peer.greet("8.4.3", "mysql_native_password");
        for _ in 0..20 {
            peer.send(&[&[0xfe], b"mysql_native_password\0".as_slice(), CHALLENGE, &[0]].concat());
            if peer.receive().is_none() {
                return;
            }
        }
        panic!("the exchange has no end");
    };
    assert!(matches!(outcome(play).await.0, Err(SourceError::SignInRefused { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_is_sent_whatever_the_server_asks_for() {
    let refused = answered(vec![b"\xfb/etc/passwd".to_vec()]).await;
    assert!(
        matches!(&refused, Err(SourceError::Failed { detail }) if !detail.contains("passwd")),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_read_to_their_end() {
    let end = vec![0xfe, 0, 0, 2, 0, 0, 0];
    let rows = vec![vec![1], column(), vec![0, 0, 1, b'a'], vec![0, 4], end];
    assert_eq!(answered(rows).await, Ok(vec![r#"Text("a")"#.to_owned(), "Null".to_owned()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_in_the_middle_of_the_rows_is_given_up() {
    let rows = vec![vec![1], column(), vec![0, 0, 1, b'a']];
    assert_eq!(answered(rows).await, Err(SourceError::TimedOut));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_well_formed_ends_the_connection() {
    for packets in [
        vec![vec![1], column(), vec![0, 0, 9, b'a']],
        vec![vec![1], column(), vec![0]],
        vec![vec![1], vec![3, b'd']],
        vec![vec![0xfe, 255, 255, 255, 255, 255, 255, 255, 255]],
        vec![vec![1], column(), vec![7, 7]],
    ] {
        let failed = answered(packets.clone()).await.unwrap_err();
        let is_expected = matches!(failed, SourceError::Failed { .. } | SourceError::Unreachable { .. });
        assert!(is_expected, "{packets:?}: {failed:?}");
    }
    let two = answered(vec![vec![2], column(), column(), vec![0xfe, 0, 0, 2, 0, 0, 0]]).await;
    assert!(matches!(two, Err(SourceError::StructureChanged { .. })), "{two:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_announced_to_be_too_long_is_not_waited_for() {
    let play = |peer: &mut Peer| {
        peer.greet("8.4.3", "mysql_native_password");
        peer.send(OK);
        let _ = peer.confirm_until_prepared(&mut Vec::new());
        peer.send(&[0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        peer.send(&column());
        let _ = peer.receive();
        peer.send(&[1]);
        peer.send(&column());
        let sequence = peer.sequence;
        peer.stream.write_all(&[0xff, 0xff, 0xff, sequence]).unwrap();
        while peer.receive().is_some() {}
    };
    assert_eq!(outcome(play).await.0, Err(SourceError::ValueTooLarge));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_server_is_refused() {
    let play = |peer: &mut Peer| {
        // The client closes the connection after the greeting.
        let payload = [&[10], b"5.7.44\0".as_slice(), &[0; 60]].concat();
        peer.send(&payload);
        peer.receive()
    };
    let (refused, next) = outcome(play).await;
    assert!(matches!(refused, Err(SourceError::OldServer { .. })), "{refused:?}");
    assert_eq!(next, None);
}
