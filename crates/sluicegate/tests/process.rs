//! Tests of the real binary from start to end: the ready line, signals, and refusals.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use app::node::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use testkit::{Installation, Served, TestUser, USER, Wire, WireClient};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");

/// Attempts of a few hundredths of a millisecond each; far more than a signal needs.
const ATTEMPTS: usize = 100_000;

fn connect(served: &Served) -> std::io::Result<TcpStream> {
    TcpStream::connect(served.url().trim_start_matches("http://"))
}

/// Runs a command to its end; returns its status, standard output and standard error.
fn run(mut command: Command) -> (Option<i32>, String, String) {
    let output = command.output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_ready_line_names_the_port_on_which_the_server_answers() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    assert!(!served.url().ends_with(":0"), "{}", served.url());
    let answer = Wire::new(served.url()).get("/readyz", None).unwrap();
    assert_eq!(answer.status.as_u16(), 200);
}

#[test]
fn a_signal_stops_it_in_order() {
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
fn a_running_request_is_finished_at_shutdown() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let body = "grant_type=client_credentials";
    let mut running = connect(&served).unwrap();
    let head =
        "POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    write!(running, "{head}Content-Length: {}\r\n\r\n{}", body.len(), &body[..5]).unwrap();
    // The response to a second request shows that the first was accepted.
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
fn sighup_without_tls_changes_nothing() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    served.signal("HUP");
    let answer = Wire::new(served.url()).get("/healthz", None).unwrap();
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(served.terminate().0.code(), Some(0));
}

#[test]
fn all_faults_of_the_configuration_are_reported_at_once_with_status_2() {
    let installation = Installation::new(BINARY);
    let file = installation.folder().join("gate.toml");
    std::fs::write(&file, "lisden = \"127.0.0.1:1\"\n[log]\nformat = \"xml\"\n").unwrap();
    for command in ["serve", "check-config", "init"] {
        let mut command = installation.command(&[command, "--config", &file.to_string_lossy()]);
        command.env("SLUICEGATE_TOKENS__CODE_LIFETIME_SECS", "3600").env("SLUICEGATE_NO_SUCH", "1");
        let (status, _, message) = run(command);
        assert_eq!(status, Some(2), "{message}");
        for part in [
            "gate.toml:1: lisden",
            "gate.toml:3: log.format",
            "tokens.code_lifetime_secs",
            "SLUICEGATE_NO_SUCH",
        ] {
            assert!(message.contains(part), "{part} is missing in: {message}");
        }
    }
}

#[test]
fn a_valid_configuration_is_reported_as_valid() {
    let installation = Installation::new(BINARY);
    let (status, message, _) = run(installation.command(&["check-config"]));
    assert_eq!((status, message.as_str()), (Some(0), "the configuration is valid\n"));
}

#[test]
fn plain_http_beyond_loopback_is_refused_unless_a_proxy_terminates_tls() {
    let installation = Installation::new(BINARY);
    let (status, _, message) = run(installation.command(&["serve", "--listen", "0.0.0.0:0"]));
    assert_eq!(status, Some(2));
    assert!(message.contains("--behind-tls-proxy"), "{message}");
    let mut command = installation.command(&["serve", "--listen", "0.0.0.0:0", "--behind-tls-proxy"]);
    command.env("SLUICEGATE_PUBLIC_URL", "https://gate.example.org");
    let served = Served::start(command);
    let metadata = Wire::new(served.url()).get("/.well-known/oauth-authorization-server", None).unwrap();
    assert_eq!(metadata.json()["issuer"], "https://gate.example.org");
}

#[test]
fn a_port_in_use_is_reported_with_advice() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let other = Installation::new(BINARY);
    let address = served.url().trim_start_matches("http://").to_owned();
    let (status, _, message) = run(other.command(&["serve", "--listen", &address]));
    assert_eq!(status, Some(1));
    assert!(message.contains("is taken by another program") && message.contains("--listen"), "{message}");
}

#[test]
fn a_folder_without_an_installation_is_reported_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(BINARY);
    command.env_clear().args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(folder.path());
    let (status, _, message) = run(command);
    assert_eq!(status, Some(1));
    assert!(message.contains("sluicegate init --data-dir"), "{message}");
}

#[test]
fn the_second_server_on_a_folder_is_refused_and_names_the_first() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let (status, _, message) = run(installation.command(&["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(status, Some(1), "{message}");
    let first = format!("is already served by process {} at {}", served.id(), served.url());
    assert!(message.contains(&first), "{message}");
    assert_eq!(Wire::new(served.url()).get("/readyz", None).unwrap().status, 200);
    // Commands still work beside it, and the remains of a killed server block nobody.
    assert_eq!(run(installation.command(&["user", "list"])).0, Some(0));
    served.kill();
    let served = installation.serve();
    assert_eq!(served.terminate().0.code(), Some(0));
}

#[test]
fn an_unreadable_folder_is_not_reported_as_empty() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    std::fs::write(&file, "").unwrap();
    let circle = place.path().join("circle");
    std::os::unix::fs::symlink(&circle, &circle).unwrap();
    for folder in [file, circle] {
        for command in
            [&["serve", "--listen", "127.0.0.1:0"][..], &["user", "list"], &["backup", "--to", "x"]]
        {
            let mut started = Command::new(BINARY);
            started.env_clear().current_dir(place.path()).args(command).arg("--data-dir").arg(&folder);
            let (status, _, message) = run(started);
            assert_eq!(status, Some(1), "{command:?}: {message}");
            assert!(!message.contains("init") && !message.contains("contains no"), "{command:?}: {message}");
            assert!(message.contains("data directory"), "{command:?}: {message}");
        }
    }
}

#[test]
fn a_public_url_without_tls_is_refused_except_on_loopback() {
    let installation = Installation::new(BINARY);
    for command in ["serve", "check-config"] {
        let mut command = installation.command(&[command, "--public-url", "http://gate.example.org"]);
        command.args(["--listen", "127.0.0.1:0"]);
        let (status, _, message) = run(command);
        assert_eq!(status, Some(2), "{message}");
        assert!(message.contains("public_url: must begin with https://"), "{message}");
    }
}

#[test]
fn metrics_are_served_only_by_the_metrics_listener() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let wire = Wire::new(served.url());
    assert_eq!(wire.get("/metrics", None).unwrap().status, 404);
    let backup = installation.folder().join("backup.db");
    let (status, _, message) = run(installation.command(&["backup", "--to", &backup.to_string_lossy()]));
    assert_eq!(status, Some(0), "{message}");
    let address = served.observed_url();
    assert!(address.starts_with("http://127.0.0.1:"), "{address}");
    let observer = Wire::new(&address);
    let metrics = observer.get("/metrics", None).unwrap().body;
    let value = |name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} is missing: {metrics}")).parse::<f64>().unwrap()
    };
    for name in ["process_resident_memory_bytes", "process_threads", "process_open_fds", "process_max_fds"] {
        assert!(value(&format!("sluicegate_{name}")) > 0.0, "{name}");
    }
    for name in ["start_time_seconds", "newest_key_seconds", "last_backup_seconds"] {
        assert!(value(&format!("sluicegate_{name}")) > 1_700_000_000.0, "{name}");
    }
    assert!(metrics.contains(&format!("sluicegate_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))));
    assert!(metrics.contains("sluicegate_request_seconds_count{area=\"page\"}"), "{metrics}");
    assert!(metrics.contains("sluicegate_certificate_not_after_seconds 0\n"), "{metrics}");
    for path in ["/healthz", "/readyz"] {
        assert_eq!(observer.get(path, None).unwrap().status, 200, "{path}");
        assert_eq!(wire.get(path, None).unwrap().status, 200, "{path}");
    }
    for path in ["/api/odata4", "/login", "/oauth2/token", "/openapi.json"] {
        assert_eq!(observer.get(path, None).unwrap().status, 404, "{path}: it is for observing alone");
    }
}

/// Exit status 2 keeps a service manager from starting the server again.
#[test]
fn faults_of_files_that_settings_name_are_reported_together_by_serve_and_by_check_config() {
    let installation = Installation::new(BINARY);
    let file = installation.folder().join("gate.toml");
    std::fs::write(
        &file,
        "public_url = \"https://gate.example.org\"\n[tls]\ncert_file = \"/no/chain.pem\"\nkey_file = \"/no/key.pem\"\n\
         [client_certificates]\nlisten = \"127.0.0.1:0\"\nauthorities_file = \"/no/authorities.pem\"\n\
         [outbound]\ndanger_loopback_authority = \"/no/authority.pem\"\n",
    )
    .unwrap();
    for command in ["serve", "check-config"] {
        let mut command = installation.command(&[command, "--listen", "127.0.0.1:0"]);
        command.arg("--config").arg(&file);
        let (status, _, message) = run(command);
        assert_eq!(status, Some(2), "{message}");
        for setting in [
            "client_certificates.authorities_file: /no/authorities.pem",
            "outbound.danger_loopback_authority: /no/authority.pem",
            "tls.cert_file (--tls-cert): /no/chain.pem",
            "tls.key_file (--tls-key): /no/key.pem",
        ] {
            assert!(
                message.contains(&format!("\n  {setting} cannot be read: there is no such file")),
                "{message}"
            );
        }
    }
    std::fs::write(&file, "listen = \"127.0.0.1:0\"\npublic_url = \"http://gate.example.org\"\n").unwrap();
    let mut command = installation.command(&["check-config"]);
    command.arg("--config").arg(&file);
    let (status, _, message) = run(command);
    assert_eq!(status, Some(2));
    assert!(message.contains("gate.toml:2: public_url: must begin with https://"), "{message}");
}

#[test]
fn a_taken_metrics_port_is_an_error_only_if_it_was_configured() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let taken = served.observed_url().trim_start_matches("http://").to_owned();
    let other = Installation::new(BINARY);
    let mut command = other.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("SLUICEGATE_OBSERVATION__LISTEN", &taken);
    let (status, _, message) = run(command);
    assert_eq!(status, Some(1), "{message}");
    assert!(message.contains("SLUICEGATE_OBSERVATION__LISTEN=") && message.contains("is taken"), "{message}");
    assert!(!message.contains("--listen"), "{message}");
    // Two servers with default settings: at the latest the second one finds the port taken.
    let third = Installation::new(BINARY);
    let start = |installation: &Installation| {
        Served::start(installation.command(&["serve", "--listen", "127.0.0.1:0"]))
    };
    let (one, two) = (start(&other), start(&third));
    for served in [&one, &two] {
        assert_eq!(Wire::new(served.url()).get("/readyz", None).unwrap().status, 200);
    }
    assert!(two.printed().contains("the metrics listener could not be opened"), "{}", two.printed());
}

#[test]
fn repeated_readiness_checks_do_not_write_each_time() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let syncs = || {
        let metrics = Wire::new(&served.observed_url()).get("/metrics", None).unwrap().body;
        let line = metrics.lines().find_map(|line| line.strip_prefix("sluicegate_store_commits "));
        line.unwrap().parse::<u64>().unwrap()
    };
    let wire = Wire::new(served.url());
    let (before, began) = (syncs(), SystemClock.steady_micros());
    for _ in 0..200 {
        assert_eq!(wire.get("/readyz", None).unwrap().status, 200);
    }
    // One every two seconds, and those that the server makes itself.
    let allowed = 3 + (SystemClock.steady_micros() - began).unsigned_abs() / 1_000_000;
    assert!(syncs() - before <= allowed, "{} commits", syncs() - before);
}

#[test]
fn the_access_log_contains_address_user_application_and_bytes_but_no_secret() {
    let installation = Installation::new(BINARY);
    let served = installation.serve_with(&[], &[("SLUICEGATE_LOG__FORMAT", "json")]);
    let wire = Wire::new(served.url());
    let client = WireClient::register(&wire, &USER, "Logged", &json!({})).unwrap();
    let access = client.post(
        &wire,
        "/oauth2/token",
        &[("grant_type", "password"), ("username", USER.name), ("password", USER.password)],
    );
    let access = access.unwrap().json()["access_token"].as_str().unwrap().to_owned();
    let read = wire.get_with_token("/api/odata4", &access).unwrap();
    let wrong = TestUser { name: "secret-name", password: "secret-word" };
    assert_eq!(wire.get("/api/odata4", Some(&wrong)).unwrap().status, 401);
    assert_eq!(
        wire.get("/api/odata4/a('b)secret-key')/c%28%27d%29secret-key", Some(&USER)).unwrap().status,
        404
    );
    let (_, printed) = served.terminate();
    let lines: Vec<Value> = printed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of = |status: u16, path: &str| {
        let is_it =
            |line: &&Value| line["target"] == "access" && line["path"] == path && line["status"] == status;
        lines.iter().rfind(is_it).cloned().unwrap_or_else(|| panic!("{path}: {printed}"))
    };
    let line = of(200, "/api/odata4");
    assert_eq!(line["address"], "127.0.0.1", "{line}");
    assert_eq!(line["user"], USER.name, "{line}");
    assert!(line["application"].is_number(), "{line}");
    assert_eq!(line["bytes"], read.body.len(), "{line}");
    assert!(of(401, "/api/odata4")["user"].is_null());
    assert!(!printed.contains("secret-"), "{printed}");
}

#[test]
fn oversized_parts_of_a_request_are_refused_separately() {
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
