//! The real binary from its start to its end: the ready line, signals, and what it refuses.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use testkit::Wire;
use testkit::{Installation, Served};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");

/// Attempts that take a few hundredths of a millisecond each; far more than a signal needs.
const ATTEMPTS: usize = 100_000;

fn connect(served: &Served) -> std::io::Result<TcpStream> {
    TcpStream::connect(served.url().trim_start_matches("http://"))
}

/// Runs a command to its end; answers status, standard output and standard error.
fn run(mut command: Command) -> (Option<i32>, String, String) {
    let output = command.output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_ready_line_names_the_real_port_and_the_server_answers_there() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    assert!(!served.url().ends_with(":0"), "{}", served.url());
    let answer = Wire::new(served.url()).get("/readyz", None).unwrap();
    assert_eq!(answer.status.as_u16(), 200);
}

#[test]
fn told_to_stop_it_ends_in_order() {
    for signal in ["TERM", "INT"] {
        let installation = Installation::new(BINARY);
        let served = installation.serve();
        served.signal(signal);
        let (status, printed) = served.terminate();
        assert_eq!(status.code(), Some(0), "{signal}: {printed}");
        assert!(printed.contains("stopped"), "{printed}");
    }
}

#[test]
fn a_request_that_runs_when_it_is_told_to_stop_is_finished() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let body = "grant_type=client_credentials";
    let mut running = connect(&served).unwrap();
    let head =
        "POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    write!(running, "{head}Content-Length: {}\r\n\r\n{}", body.len(), &body[..5]).unwrap();
    // An answer to a second request shows that the first was taken up.
    Wire::new(served.url()).get("/healthz", None).unwrap();
    served.signal("TERM");
    assert!(
        (0..ATTEMPTS).any(|_| connect(&served).is_err()),
        "it accepts connections after it was told to stop"
    );
    running.write_all(&body.as_bytes()[5..]).unwrap();
    let mut answer = String::new();
    running.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let (status, printed) = served.terminate();
    assert_eq!(status.code(), Some(0), "{printed}");
}

#[test]
fn hanging_up_without_tls_changes_nothing() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    served.signal("HUP");
    let answer = Wire::new(served.url()).get("/healthz", None).unwrap();
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(served.terminate().0.code(), Some(0));
}

#[test]
fn every_fault_of_the_configuration_is_told_at_once_with_status_2() {
    let installation = Installation::new(BINARY);
    let file = installation.folder().join("gate.toml");
    std::fs::write(&file, "lisden = \"127.0.0.1:1\"\n[log]\nformat = \"xml\"\n").unwrap();
    for command in ["serve", "check-config", "init"] {
        let mut command = installation.command(&[command, "--config", &file.to_string_lossy()]);
        command.env("SLUICEGATE_TOKENS__CODE_LIFETIME_SECS", "3600").env("SLUICEGATE_NO_SUCH", "1");
        let (status, _, told) = run(command);
        assert_eq!(status, Some(2), "{told}");
        for part in [
            "gate.toml:1: lisden",
            "gate.toml:3: log.format",
            "tokens.code_lifetime_secs",
            "SLUICEGATE_NO_SUCH",
        ] {
            assert!(told.contains(part), "{part} is missing in: {told}");
        }
    }
}

#[test]
fn a_good_configuration_is_called_good() {
    let installation = Installation::new(BINARY);
    let (status, told, _) = run(installation.command(&["check-config"]));
    assert_eq!((status, told.as_str()), (Some(0), "the configuration is good\n"));
}

#[test]
fn plain_http_beyond_loopback_is_refused_unless_a_proxy_terminates_tls() {
    let installation = Installation::new(BINARY);
    let (status, _, told) = run(installation.command(&["serve", "--listen", "0.0.0.0:0"]));
    assert_eq!(status, Some(2));
    assert!(told.contains("--behind-tls-proxy"), "{told}");
    let mut command = installation.command(&["serve", "--listen", "0.0.0.0:0", "--behind-tls-proxy"]);
    command.env("SLUICEGATE_PUBLIC_URL", "https://gate.example.org");
    let served = Served::start(command);
    let metadata = Wire::new(served.url()).get("/.well-known/oauth-authorization-server", None).unwrap();
    assert_eq!(metadata.json()["issuer"], "https://gate.example.org");
}

#[test]
fn a_port_that_is_taken_is_told_with_what_to_do() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let other = Installation::new(BINARY);
    let address = served.url().trim_start_matches("http://").to_owned();
    let (status, _, told) = run(other.command(&["serve", "--listen", &address]));
    assert_eq!(status, Some(1));
    assert!(told.contains("is taken by another program") && told.contains("--listen"), "{told}");
}

#[test]
fn a_folder_without_an_installation_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(BINARY);
    command.env_clear().args(["serve", "--data-dir"]).arg(folder.path()).stdin(Stdio::null());
    let (status, _, told) = run(command);
    assert_eq!(status, Some(1));
    assert!(told.contains("sluicegate init --data-dir"), "{told}");
}

#[test]
fn a_request_that_is_too_large_is_refused_by_its_parts() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let status_of = |request: String| {
        let mut stream = connect(&served).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[9..]).into_owned()
    };
    let long = "x".repeat(40_000);
    assert_eq!(status_of(format!("GET /?{long} HTTP/1.1\r\nHost: x\r\n\r\n")), "414");
    let longer = "x".repeat(200_000);
    assert_eq!(status_of(format!("GET / HTTP/1.1\r\nHost: x\r\nA: {longer}\r\n\r\n")), "431");
}
