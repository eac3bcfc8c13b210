//! A server that follows a script: it signs everybody in and answers the first statement with what it is told.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use sources::testing::Lines;
use sources::{
    Deadline, Limits, Login, LoginAttempts, RequestUser, Resources, Source, SourceError, UserLogin,
};

use crate::fixture::{here, lines_within, open, options, run, statement};

/// A message of the server.
fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag], &length.to_be_bytes()[..], body].concat()
}

/// The answers to the beginning of the transaction, and the description of one text.
fn answer() -> Vec<u8> {
    let described =
        [&[0, 1], b"c\0".as_slice(), &[0; 6], &[0, 0, 0, 25], &[0, 4, 255, 255, 255, 255, 0, 1]].concat();
    [
        message(b'1', b""),
        message(b'2', b""),
        message(b'C', b"BEGIN\0"),
        message(b'1', b""),
        message(b'2', b""),
        message(b'D', &[0, 0]),
        message(b'C', b"SELECT 1\0"),
        message(b'1', b""),
        message(b'2', b""),
        message(b'T', &described),
    ]
    .concat()
}

/// Reads once; whether something came.
fn read(stream: &mut TcpStream) -> bool {
    stream.read(&mut [0; 16 * 1024]).is_ok_and(|length| length > 0)
}

/// Signs in the first connection, sends the answer and these rows, and keeps the connection until the client closes it.
fn serve(rows: Vec<u8>) -> (Source, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://reader:secret@{}/sales", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(read(&mut stream));
        let ready = message(b'Z', b"I");
        stream.write_all(&[message(b'R', &[0; 4]), ready].concat()).unwrap();
        assert!(read(&mut stream));
        let _ = stream.write_all(&[answer(), rows].concat());
        while read(&mut stream) {}
    });
    let resources = Resources::new(Limits { max_row_bytes: 64 * 1024, ..Limits::default() }, 4, here());
    (open(options(&url), &resources), serving)
}

async fn outcome(rows: Vec<u8>) -> Result<Vec<String>, SourceError> {
    let (source, serving) = serve(rows);
    let deadline = Deadline::after(Duration::from_millis(500));
    let outcome = lines_within(&source, statement("SELECT 1", 1, Vec::new()), deadline).await;
    source.close();
    source.closed().await;
    tokio::task::spawn_blocking(|| serving.join()).await.unwrap().unwrap();
    outcome
}

/// A row with one text.
fn row(text: &[u8]) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap();
    message(b'D', &[&[0, 1], &length.to_be_bytes()[..], text].concat())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_in_the_middle_of_a_row_is_given_up() {
    let half = row(b"a whole row")[..12].to_vec();
    assert_eq!(outcome(half).await, Err(SourceError::TimedOut));
    assert_eq!(outcome([row(b"one"), row(b"two")[..3].to_vec()].concat()).await, Err(SourceError::TimedOut));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_announced_to_be_too_long_is_not_waited_for() {
    let announced = [&[b'D'][..], &0x4000_0000_u32.to_be_bytes()].concat();
    assert_eq!(outcome(announced).await, Err(SourceError::ValueTooLarge));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_well_formed_ends_the_connection() {
    for rows in [
        message(b'D', &[0, 1, 0, 0, 0, 9, b'x']),
        message(b'D', &[0, 2, 255, 255, 255, 255, 255, 255, 255, 255]),
        message(b'D', b""),
    ] {
        let failed = outcome(rows).await.unwrap_err();
        assert!(matches!(failed, SourceError::Failed { .. }), "{failed:?}");
    }
    let too_long = [&[b'E'][..], &0x4000_0000_u32.to_be_bytes()].concat();
    let failed = outcome(too_long).await.unwrap_err();
    assert!(matches!(failed, SourceError::Unreachable { .. }), "{failed:?}");
    let fatal = message(b'E', b"SFATAL\0C57P01\0Mterminating connection\0\0");
    let failed = outcome(fatal).await.unwrap_err();
    assert!(matches!(failed, SourceError::Unreachable { .. } | SourceError::TimedOut), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_not_sent_in_clear_without_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://reader:secret@{}/sales", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(read(&mut stream));
        stream.write_all(&message(b'R', &[0, 0, 0, 3])).unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        rest
    });
    let source = open(options(&url), &Resources::new(Limits::default(), 4, here()));
    let deadline = Deadline::after(Duration::from_secs(5));
    let refused = lines_within(&source, statement("SELECT 1", 1, Vec::new()), deadline).await.unwrap_err();
    assert!(matches!(refused, SourceError::SignInRefused { .. }), "{refused:?}");
    assert_eq!(serving.join().unwrap(), b"", "nothing more was sent");
}

/// A user who may try as often as the user likes.
struct Unlimited;

impl LoginAttempts for Unlimited {
    fn begin(&self) -> Result<(), u32> {
        Ok(())
    }

    fn was_not_refused(&self) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_let_in_without_a_password_where_users_sign_in_themselves() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = options(&format!("postgres://reader:secret@{}/sales", listener.local_addr().unwrap()));
    options.insert("UserCredentials".to_owned(), "request".to_owned());
    // Whoever names a user is that user, as with `trust`.
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(read(&mut stream));
        stream.write_all(&[message(b'R', &[0; 4]), message(b'Z', b"I")].concat()).unwrap();
        while read(&mut stream) {}
    });
    let source = open(options, &Resources::new(Limits::default(), 4, here()));
    let user = |login| RequestUser { subject: "1".to_owned(), name: "ada".to_owned(), login };
    let own = UserLogin {
        login: Login::new("postgres", "any".to_owned().into()).unwrap(),
        attempts: std::sync::Arc::new(Unlimited),
    };
    for (user, expected) in [
        (None, SourceError::NoLogin),
        (Some(user(None)), SourceError::NoLogin),
        (Some(user(Some(own))), SourceError::LoginRefused),
    ] {
        let job = Lines(vec![statement("SELECT 1", 1, Vec::new())]);
        let mut chunks = source.stream_for(user.map(std::sync::Arc::new), run(), job).unwrap();
        assert_eq!(chunks.next().await.unwrap().map(drop), Err(expected));
    }
    source.close();
    serving.join().unwrap();
}
