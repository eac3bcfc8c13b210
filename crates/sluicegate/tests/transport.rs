//! Tests of malicious and broken clients: they are refused or disconnected, and everybody else is served
//! meanwhile.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use testkit::{Installation, Random, Served, Wire};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");

/// The maximum time that a test waits for a response or a disconnection.
const PATIENCE: Duration = Duration::from_secs(20);

fn connect(served: &Served) -> TcpStream {
    let stream = TcpStream::connect(served.url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Reads until the server closes the connection.
fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        // The server closed the connection while more data was on its way.
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the server neither answers nor closes: {error}"),
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends bytes and reads until the server closes the connection.
fn exchange(served: &Served, bytes: &[u8]) -> String {
    let mut stream = connect(served);
    // The server may close before it has read everything.
    let _ = stream.write_all(bytes);
    read_to_end(&mut stream)
}

fn status_of(answer: &str) -> &str {
    answer.get(9..12).unwrap_or_default()
}

/// Checks that other clients are served and that nothing has broken.
fn is_well(served: &Served) {
    assert_eq!(Wire::new(served.url()).get("/readyz", None).unwrap().status, 200);
    assert!(!served.printed().contains("panic"), "{}", served.printed());
}

#[test]
fn a_slow_request_head_is_disconnected() {
    let installation = Installation::new(BINARY);
    let served = installation.serve_with(&[], &[("SLUICEGATE_LIMITS__HEADER_TIMEOUT_SECS", "1")]);
    let mut slow: Vec<TcpStream> = (0..50).map(|_| connect(&served)).collect();
    for (number, stream) in slow.iter_mut().enumerate() {
        let head = b"GET /healthz HTTP/1.1\r\nHost: x\r\n";
        stream.write_all(&head[..number % head.len()]).unwrap();
    }
    is_well(&served);
    for stream in &mut slow {
        let answer = read_to_end(stream);
        assert!(answer.is_empty() || status_of(&answer) == "408", "{answer}");
    }
    is_well(&served);
}

#[test]
fn a_stalled_body_gets_408_and_is_disconnected() {
    let installation = Installation::new(BINARY);
    let served = installation.serve_with(&[], &[("SLUICEGATE_LIMITS__BODY_TIMEOUT_SECS", "1")]);
    let kind = "Content-Type: application/x-www-form-urlencoded";
    for path in ["/oauth2/token", "/login"] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{kind}\r\nContent-Length: 100\r\n\r\ngrant");
        let answer = exchange(&served, head.as_bytes());
        assert_eq!(status_of(&answer), "408", "{path}: {answer}");
    }
    is_well(&served);
}

#[test]
fn forms_of_unauthenticated_senders_are_limited() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let pages = ["/login", "/oauth2/authorize", "/oauth2/consent", "/account/password", "/logout"];
    let limits = pages.map(|path| (path, 128 * 1024)).into_iter().chain([("/oauth2/token", 64 * 1024)]);
    for (path, most) in limits {
        for length in [most + 1, 1_000_000] {
            let kind = "Content-Type: application/x-www-form-urlencoded";
            let head =
                format!("POST {path} HTTP/1.1\r\nHost: x\r\n{kind}\r\nContent-Length: {length}\r\n\r\n");
            let answer = exchange(&served, &[head.as_bytes(), &vec![b'a'; length]].concat());
            assert!(answer.is_empty() || status_of(&answer) == "413", "{path} {length}: {answer}");
        }
    }
    is_well(&served);
}

#[test]
fn a_request_names_one_host() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let get = |target: &str, hosts: &str| {
        exchange(&served, format!("GET {target} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n").as_bytes())
    };
    for target in ["/healthz", "/api/odata4", "/oauth2/token", "/login", "/api/admin/users"] {
        for hosts in [
            "",
            "Host: a\r\nHost: b\r\n",
            "Host: a\r\nHost: a\r\n",
            "Host:\r\n",
            "Host: u@a\r\n",
            "Host: a:x\r\n",
        ] {
            let answer = get(target, hosts);
            assert_eq!(status_of(&answer), "400", "{target} {hosts}: {answer}");
        }
    }
    assert_eq!(status_of(&get("http://a/healthz", "Host: b\r\n")), "400");
    assert_eq!(status_of(&get("http://a/healthz", "Host: a\r\n")), "200");
    assert_eq!(status_of(&get("/healthz", "Host: gate.example.org:8080\r\n")), "200");
    is_well(&served);
}

#[tokio::test]
async fn one_address_cannot_hold_every_connection() {
    let installation = Installation::new(BINARY);
    let served = installation.serve_with(&[], &[("SLUICEGATE_LIMITS__MAX_CONNECTIONS_PER_ADDRESS", "3")]);
    let address: std::net::SocketAddr = served.url().trim_start_matches("http://").parse().unwrap();
    let ask = async |from: &str| {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
        let mut stream = socket.connect(address).await.unwrap().into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        let answered = stream.read_exact(&mut [0; 15]).is_ok();
        (stream, answered)
    };
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(ask("127.0.0.1").await);
    }
    assert!(held.iter().all(|(_, answered)| *answered));
    assert!(!ask("127.0.0.1").await.1, "the fourth is closed");
    assert!(ask("127.0.0.2").await.1, "somebody else is served");
    held.pop();
    while !ask("127.0.0.1").await.1 {
        tokio::task::yield_now().await;
    }
    let metrics = Wire::new(&served.observed_url()).get("/metrics", None).unwrap().body;
    assert!(metrics.contains("sluicegate_connections_refused_total"), "{metrics}");
}

#[test]
fn a_client_that_does_not_read_is_disconnected() {
    const REQUESTS: usize = 2_000;
    let installation = Installation::new(BINARY);
    let served = installation.serve_with(&[], &[("SLUICEGATE_LIMITS__BODY_TIMEOUT_SECS", "1")]);
    let mut stream = connect(&served);
    let requests = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(REQUESTS);
    let mut writer = stream.try_clone().unwrap();
    let writing = std::thread::spawn(move || writer.write_all(requests.as_bytes()));
    std::thread::sleep(Duration::from_secs(3));
    is_well(&served);
    let answers = read_to_end(&mut stream).matches("HTTP/1.1 200 OK").count();
    assert!((1..REQUESTS).contains(&answers), "{answers}");
    let _ = writing.join().unwrap();
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let get = |rest: &str| exchange(&served, format!("GET {rest}\r\nConnection: close\r\n\r\n").as_bytes());
    let long = "x".repeat(33_000);
    assert_eq!(status_of(&get(&format!("/{long} HTTP/1.1\r\nHost: x"))), "414");
    assert_eq!(status_of(&get(&format!("/api/odata4/{long} HTTP/1.1\r\nHost: x"))), "414");
    let huge = "x".repeat(200_000);
    assert!(matches!(status_of(&get(&format!("/{huge} HTTP/1.1\r\nHost: x"))), "414" | "431"));
    assert_eq!(status_of(&get(&format!("/healthz HTTP/1.1\r\nHost: x\r\nA: {huge}"))), "431");
    let many =
        |number: usize| (0..number).map(|n| ["\r\nH", &n.to_string(), ": v"].concat()).collect::<String>();
    assert_eq!(status_of(&get(&format!("/healthz HTTP/1.1\r\nHost: x{}", many(90)))), "200");
    assert_eq!(status_of(&get(&format!("/healthz HTTP/1.1\r\nHost: x{}", many(500)))), "431");
    assert_eq!(status_of(&get(&format!("/healthz HTTP/1.1\r\nHost: x{}", many(10_000)))), "431");
    is_well(&served);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let mut requests = Vec::new();
    for number in 0..100 {
        write!(requests, "GET /nothing/{number} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        requests.extend_from_slice(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    requests.extend_from_slice(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let answers = exchange(&served, &requests);
    let statuses: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses.len(), 201, "{answers}");
    assert!(statuses.chunks(2).take(100).all(|pair| pair == ["404", "200"]), "{statuses:?}");
    is_well(&served);
}

/// Who is not told that the connection ends sends the next request into it.
#[test]
fn a_refusal_before_the_body_says_that_the_connection_ends_or_reads_the_body() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    for path in ["/api/odata4/none/Rows", "/oauth2/userinfo", "/api/mgmt/datasources", "/nothing"] {
        let head = |length: usize, more: &str| {
            let kind = "Content-Type: application/json";
            format!("POST {path} HTTP/1.1\r\nHost: x\r\n{kind}\r\nContent-Length: {length}\r\n{more}\r\n")
        };
        for (length, more) in [(10_000_000, ""), (5, "Expect: 100-continue\r\n")] {
            let answer = exchange(&served, head(length, more).as_bytes()).to_ascii_lowercase();
            assert!(answer.contains("\r\nconnection: close\r\n"), "{path} {length}: {answer}");
            assert!(!answer.contains("100 continue"), "{path}: {answer}");
        }
        let short = [head(5, "").as_bytes(), b"[1,2]"].concat();
        let last = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let answers = exchange(&served, &[&short, &short, last.as_bytes()].concat());
        assert_eq!(answers.matches("HTTP/1.1 4").count(), 2, "{path}: {answers}");
        assert!(answers.ends_with("ok\n"), "{path}: {answers}");
    }
    is_well(&served);
}

#[test]
fn http_1_0_clients_are_answered_and_disconnected() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let answer = exchange(&served, b"GET /healthz HTTP/1.0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.ends_with("ok\n") && !answer.to_ascii_lowercase().contains("transfer-encoding"),
        "{answer}"
    );
    is_well(&served);
}

#[test]
fn bytes_that_are_not_http_are_disconnected() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let mut random = Random::new(Random::fresh_seed());
    let garbage: Vec<u8> = (0..8_192).flat_map(|_| random.bits().to_le_bytes()).collect();
    let hello = [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(), &garbage[..500]].concat();
    let long_line = vec![b'A'; 100_000];
    let attempts: [&[u8]; 9] = [
        &garbage,
        &hello,
        &long_line,
        b"\0\0\0\0\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"G\xffT / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\nrubbish that is not a frame",
    ];
    for attempt in attempts {
        let answer = exchange(&served, attempt);
        let beginning = String::from_utf8_lossy(&attempt[..attempt.len().min(30)]);
        assert!(!answer.starts_with("HTTP/1.1 2"), "{beginning}: {answer}");
        is_well(&served);
    }
}

#[test]
fn a_request_with_an_ambiguous_length_is_refused() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let post =
        "POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let smuggled = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for lengths in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
    ] {
        let answer = exchange(&served, format!("{post}{lengths}\r\n{smuggled}").as_bytes());
        assert!(!answer.contains(" 200 OK"), "{lengths}: {answer}");
    }
    let bad_chunk = format!("{post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{smuggled}");
    assert!(!exchange(&served, bad_chunk.as_bytes()).contains(" 200 OK"));
    let answer = exchange(
        &served,
        format!("{post}Content-Length: 9999999999\r\n\r\n{}", "x".repeat(3_000_000)).as_bytes(),
    );
    assert!(answer.is_empty() || status_of(&answer) == "413", "{answer}");
    is_well(&served);
}

#[test]
fn concurrent_connections_are_limited() {
    let installation = Installation::new(BINARY);
    let served = installation.serve_with(&[], &[("SLUICEGATE_LIMITS__MAX_CONNECTIONS", "5")]);
    let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut held: Vec<TcpStream> = (0..5).map(|_| connect(&served)).collect();
    for stream in &mut held {
        stream.write_all(request).unwrap();
        stream.read_exact(&mut [0; 15]).unwrap();
    }
    let mut sixth = connect(&served);
    sixth.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    sixth.write_all(request).unwrap();
    let waits = sixth.read(&mut [0; 15]);
    assert!(matches!(&waits, Err(error) if error.kind() == ErrorKind::WouldBlock), "{waits:?}");
    held.pop();
    sixth.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = [0; 15];
    sixth.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
}
