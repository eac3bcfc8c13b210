//! Tests of signals under load: accepted requests are finished, acknowledged changes are kept, and the server
//! ends in time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;
use testkit::{Installation, Served, USER, Wire, WireClient, basic};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");
const APPLICATIONS: &str = "/api/mgmt/oauth/client/applications";

fn connect(served: &Served) -> TcpStream {
    TcpStream::connect(served.url().trim_start_matches("http://")).unwrap()
}

/// Sends a registration except for its last byte.
fn begin_registration(served: &Served, name: &str) -> TcpStream {
    let body = json!({"name": name, "redirectUrls": ["https://app.example/cb"]}).to_string();
    let mut stream = connect(served);
    let head = format!(
        "POST {APPLICATIONS} HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        basic(USER.name, USER.password),
        body.len()
    );
    stream.write_all(format!("{head}{}", &body[..body.len() - 1]).as_bytes()).unwrap();
    stream
}

/// Sends the last byte and reads the response.
fn finish_registration(mut stream: TcpStream) -> String {
    stream.write_all(b"}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn under_load_accepted_requests_finish_and_acknowledged_changes_persist() {
    for signal in ["TERM", "INT"] {
        let installation = Installation::new(BINARY);
        let served = installation.serve();
        // The first verification of the password is the slow one.
        Wire::new(served.url()).get(APPLICATIONS, Some(&USER)).unwrap();
        let begun: Vec<TcpStream> =
            (0..8).map(|number| begin_registration(&served, &format!("begun-{number}-"))).collect();
        let (acknowledged, stopping) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (status, printed) = std::thread::scope(|scope| {
            for _ in 0..4 {
                let wire = Wire::new(served.url());
                scope.spawn(|| {
                    let wire = wire;
                    loop {
                        match WireClient::register(&wire, &USER, "loaded", &json!({})) {
                            Ok(_) => acknowledged.fetch_add(1, Ordering::SeqCst),
                            Err(error) => {
                                assert!(stopping.load(Ordering::SeqCst), "{error}");
                                return;
                            }
                        };
                    }
                });
            }
            while acknowledged.load(Ordering::SeqCst) < 40 {
                std::thread::yield_now();
            }
            stopping.store(true, Ordering::SeqCst);
            served.signal(signal);
            while !served.printed().contains("told to stop") {
                std::thread::yield_now();
            }
            for stream in begun {
                let answer = finish_registration(stream);
                assert!(answer.starts_with("HTTP/1.1 201"), "{signal}: {answer}");
            }
            served.end()
        });
        assert_eq!(status.code(), Some(0), "{signal}: {printed}");
        assert!(!printed.contains("cut off") && !printed.contains("panic"), "{signal}: {printed}");
        let served = installation.serve();
        let listed = Wire::new(served.url()).get(APPLICATIONS, Some(&USER)).unwrap().body;
        assert_eq!(listed.matches("begun-").count(), 8, "{signal}");
        assert!(listed.matches("loaded").count() >= acknowledged.load(Ordering::SeqCst), "{signal}");
    }
}

#[test]
fn requests_that_never_finish_are_aborted_in_time() {
    let installation = Installation::new(BINARY);
    let served = installation.serve_with(&[], &[("SLUICEGATE_LIMITS__SHUTDOWN_SECS", "1")]);
    Wire::new(served.url()).get(APPLICATIONS, Some(&USER)).unwrap();
    let mut begun = begin_registration(&served, "never");
    Wire::new(served.url()).get("/healthz", None).unwrap();
    let (status, printed) = served.terminate();
    assert_eq!(status.code(), Some(0), "{printed}");
    assert!(printed.contains("cut off"), "{printed}");
    let mut answer = Vec::new();
    let _ = begun.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    let served = installation.serve();
    let listed = Wire::new(served.url()).get(APPLICATIONS, Some(&USER)).unwrap().body;
    assert!(!listed.contains("never"));
}

#[test]
fn an_idle_connection_does_not_delay_shutdown() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let silent = connect(&served);
    let mut idle = connect(&served);
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut first = [0; 15];
    idle.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    let (status, printed) = served.terminate();
    assert_eq!(status.code(), Some(0));
    assert!(!printed.contains("cut off"), "{printed}");
    drop(silent);
}

fn put_certificate(name: &str, folder: &Path) {
    let certificates = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates");
    for (extension, target) in [("pem", "chain.pem"), ("key", "key.pem")] {
        std::fs::copy(certificates.join(format!("{name}.{extension}")), folder.join(target)).unwrap();
    }
}

type Secured = StreamOwned<ClientConnection, TcpStream>;

fn secure(served: &Served, trusted: &str) -> Secured {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/certificates/{trusted}.pem"));
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(path).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let connection =
        ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
    let stream = TcpStream::connect(served.url().trim_start_matches("https://")).unwrap();
    StreamOwned::new(connection, stream)
}

fn ask(stream: &mut Secured) -> std::io::Result<String> {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")?;
    let mut answer = String::new();
    while !answer.ends_with("ok\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        answer.push(char::from(byte[0]));
    }
    Ok(answer)
}

#[test]
fn connections_continue_when_the_certificate_is_reloaded() {
    let installation = Installation::new(BINARY);
    put_certificate("first", installation.folder());
    let served = installation.serve_with(&["--tls-cert", "chain.pem", "--tls-key", "key.pem"], &[]);
    let mut before = secure(&served, "first");
    assert!(ask(&mut before).unwrap().starts_with("HTTP/1.1 200"));
    put_certificate("second", installation.folder());
    served.signal("HUP");
    while !served.printed().contains("were reloaded") {
        std::thread::yield_now();
    }
    assert!(ask(&mut before).unwrap().starts_with("HTTP/1.1 200"), "the old connection lives on");
    assert!(ask(&mut secure(&served, "second")).unwrap().starts_with("HTTP/1.1 200"));
    assert!(ask(&mut secure(&served, "first")).is_err(), "the old certificate is shown no more");
    assert_eq!(served.terminate().0.code(), Some(0));
}

#[test]
fn a_stalled_handshake_does_not_delay_shutdown() {
    let installation = Installation::new(BINARY);
    put_certificate("first", installation.folder());
    let served = installation.serve_with(&["--tls-cert", "chain.pem", "--tls-key", "key.pem"], &[]);
    let silent = TcpStream::connect(served.url().trim_start_matches("https://")).unwrap();
    assert!(ask(&mut secure(&served, "first")).unwrap().starts_with("HTTP/1.1 200"));
    let (status, printed) = served.terminate();
    assert_eq!(status.code(), Some(0), "{printed}");
    assert!(!printed.contains("cut off"), "{printed}");
    drop(silent);
}
