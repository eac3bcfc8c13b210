//! The requests of well-known programs, byte by byte as they send them, replayed in order against the real binary.
//!
//! A recording is a file `NAME.http` in this folder. It starts with the application (`@application` and its JSON), and perhaps
//! with a trusted issuer (`@issuer` and its JSON), whose token is `{{foreign_token}}`. Each request follows a line `###` and ends
//! with a line `===` that says what must come back: a status with members of the JSON, or `redirect` with the address to which
//! the browser returns and its parameters. `{{name}}` stands for a value of the registration or of an earlier response,
//! `{{length}}` for the length of the body.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::{ADMIN, ClientKey, Installation, Served, USER, Wire};
use url::Url;

/// Longer than any response takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server with a data source that the user may read, and the values that the requests contain.
struct Replay {
    server: Served,
    values: BTreeMap<String, String>,
    _installation: Installation,
}

impl Replay {
    fn of(recording: &str) -> Self {
        let installation = Installation::new(env!("CARGO_BIN_EXE_sluicegate"));
        let path = installation.folder().join("shop.sqlite");
        let database = rusqlite::Connection::open(&path).unwrap();
        database.execute_batch("CREATE TABLE Items (Id INTEGER PRIMARY KEY, Name TEXT); INSERT INTO Items VALUES (1, 'rope');").unwrap();
        let server = installation.serve();
        let wire = Wire::new(server.url());
        let source =
            json!({"name": "shop", "dataStore": 1, "connectionType": "Cloud", "options": {"path": path}});
        assert_eq!(
            wire.post_json("/api/mgmt/datasources?user=d2cuser", &ADMIN, &source).unwrap().status,
            201
        );
        let line = recording.lines().find_map(|line| line.strip_prefix("@application ")).unwrap();
        let mut application: Value = serde_json::from_str(line).unwrap();
        application["name"] = "A program".into();
        let registered = wire.post_json("/api/mgmt/oauth/client/applications", &USER, &application).unwrap();
        assert_eq!(registered.status, 201, "{registered:?}");
        let shown = registered.json();
        let (id, secret) = (text(&shown["clientId"]), text(&shown["clientSecret"]));
        let host = server.url().strip_prefix("http://").unwrap().to_owned();
        let values = [
            ("host", host),
            ("basic", STANDARD.encode(format!("{id}:{secret}"))),
            ("user_basic", STANDARD.encode(format!("{}:{}", USER.name, USER.password))),
            ("client_id", id),
            ("client_secret", secret),
        ];
        let mut values: BTreeMap<String, String> =
            values.map(|(name, value)| (name.to_owned(), value)).into();
        if let Some(issuer) = recording.lines().find_map(|line| line.strip_prefix("@issuer ")) {
            let issuer = serde_json::from_str(issuer).unwrap();
            values.insert("foreign_token".to_owned(), foreign_token(&wire, server.url(), issuer));
        }
        Self { server, values, _installation: installation }
    }

    /// The text with its values filled in.
    fn filled(&self, text: &str) -> String {
        let fill =
            |text: String, (name, value): (&String, &String)| text.replace(&format!("{{{{{name}}}}}"), value);
        self.values.iter().fold(text.to_owned(), fill)
    }

    /// Sends a request and checks the response.
    fn step(&mut self, step: &str) {
        let (request, expected) = step.split_once("\n=== ").unwrap();
        let (_, request) = request.split_once('\n').unwrap();
        let (request, expected) = (self.filled(request), self.filled(expected.lines().next().unwrap()));
        let mut expected = expected.split(' ');
        let found = match expected.next().unwrap() {
            "redirect" => self.browse(&request, expected.next().unwrap()),
            status => self.send(&request, status),
        };
        for member in expected {
            let (name, value) =
                member.split_once('=').map_or((member, None), |(name, value)| (name, Some(value)));
            let given = &found[name];
            assert!(!given.is_null(), "{name} is missing in {found}, the response to {request}");
            assert!(value.is_none_or(|value| given.as_str() == Some(value)), "{name} in {found}");
            self.values.extend(given.as_str().map(|given| (name.to_owned(), given.to_owned())));
        }
        assert!(!request.replace("{{length}}", "").contains("{{"), "a value is missing: {request}");
    }

    /// Lets the user sign in and allow, and returns the parameters with which the browser returns.
    fn browse(&self, request: &str, address: &str) -> Value {
        let target = request.split(' ').nth(1).unwrap();
        let back = Wire::new(self.server.url()).allow(target, &USER).unwrap();
        let url = Url::parse(&back).unwrap();
        assert_eq!(back.split('?').next(), Some(address));
        url.query_pairs().map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))).collect()
    }

    /// Sends the bytes on a connection of their own, and returns the JSON.
    fn send(&self, request: &str, status: &str) -> Value {
        let (head, body) = request.split_once("\n\n").unwrap_or((request.trim_end(), ""));
        let head = head.replace("{{length}}", &body.len().to_string()).replace('\n', "\r\n");
        let mut socket = TcpStream::connect(&self.values["host"]).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
        let (head, body) = response(&mut socket);
        assert_eq!(head.split(' ').nth(1), Some(status), "{request}\n\n{head}\n\n{body}");
        serde_json::from_str(&body).unwrap_or_else(|_| panic!("no JSON: {head}\n\n{body}"))
    }
}

/// Registers an issuer with a key, and returns an access token of it for the first of its clients and subjects.
#[expect(clippy::disallowed_methods, reason = "the real binary compares the token with the real time")]
fn foreign_token(wire: &Wire, url: &str, mut issuer: Value) -> String {
    let key = ClientKey::new(9);
    let mut jwk = key.jwk();
    jwk["kid"] = "i".into();
    issuer["jwks"] = json!({ "keys": [jwk] });
    let made = wire.post_json("/api/admin/trustedissuers", &ADMIN, &issuer).unwrap();
    assert_eq!(made.status, 201, "{made:?}");
    let first = |member: &str| issuer[member].as_object().unwrap().keys().next().unwrap().clone();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({
        "iss": issuer["issuer"], "sub": first("subjects"), "aud": format!("{url}/api/odata4"),
        "client_id": issuer["clients"][0], "scope": first("scopeNames"), "iat": now, "exp": now + 300, "jti": "1",
    });
    key.sign_with_header(&json!({ "alg": "EdDSA", "kid": "i", "typ": "at+jwt" }), &claims)
}

/// Reads the head and the body of a response, which has a length or comes in chunks, and may be compressed.
fn response(socket: &mut TcpStream) -> (String, String) {
    let mut received: Vec<u8> = Vec::new();
    loop {
        if let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let (head, body) = (String::from_utf8_lossy(&received[..end]).into_owned(), &received[end + 4..]);
            let header = |name: &str| {
                let mut lines = head.lines().filter_map(|line| line.split_once(": "));
                lines.find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
            };
            let length = header("content-length").map(|length| length.parse::<usize>().unwrap());
            let whole = match length {
                Some(length) => (body.len() >= length).then(|| body.to_vec()),
                None => unchunked(body),
            };
            if let Some(body) = whole {
                let is_coded = header("content-encoding").as_deref() == Some("gzip");
                let body = if is_coded { testkit::uncompressed(&body).to_vec() } else { body };
                return (head, String::from_utf8(body).unwrap());
            }
        }
        let mut buffer = [0; 4096];
        let read = socket.read(&mut buffer).unwrap();
        assert!(read > 0, "the connection ended: {}", String::from_utf8_lossy(&received));
        received.extend(&buffer[..read]);
    }
}

/// The content of chunks; `None` if the last one is not there.
fn unchunked(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let end = body.windows(2).position(|bytes| bytes == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        let chunk = body.get(end + 2..end + 2 + length + 2)?;
        if length == 0 {
            return Some(content);
        }
        content.extend_from_slice(&chunk[..length]);
        body = &body[end + 2 + length + 2..];
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn replay(recording: &str) {
    let mut replay = Replay::of(recording);
    let steps: Vec<&str> = recording.split("\n### ").skip(1).collect();
    assert!(!steps.is_empty());
    for step in steps {
        replay.step(step);
    }
}

#[test]
fn power_bi_with_the_connector_2_signs_in_reads_and_refreshes() {
    replay(include_str!("power-bi-2.http"));
}

#[test]
fn power_bi_with_the_connector_2_and_pkce_sends_an_origin() {
    replay(include_str!("power-bi-2-pkce.http"));
}

#[test]
fn power_bi_with_the_connector_1_refreshes_with_the_grant_type_of_codes() {
    replay(include_str!("power-bi-1.http"));
}

#[test]
fn power_bi_with_openid_connect_names_the_service_of_its_token() {
    replay(include_str!("power-bi-oidc.http"));
}

#[test]
fn postman_refreshes_with_basic_whatever_was_configured() {
    replay(include_str!("postman.http"));
}

#[test]
fn tableau_sends_an_empty_secret() {
    replay(include_str!("tableau.http"));
}

#[test]
fn salesforce_gets_a_refresh_token_at_once() {
    replay(include_str!("salesforce.http"));
}

#[test]
fn excel_probes_with_an_empty_token_and_reads_with_a_password() {
    replay(include_str!("excel.http"));
}
