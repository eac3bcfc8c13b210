//! Tests of a full disk, a locked database and failing commits: the server answers 503, acknowledges nothing
//! that is not durable, continues to read, and recovers without a restart.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use store_sqlite::faults::CommitFault;
use testkit::{ADMIN, Installation, Random, Served, TestServer, TestUser, USER, Wire, WireClient};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");
const APPLICATIONS: &str = "/api/mgmt/oauth/client/applications";

/// A server that ignores the signal for exceeding the file size limit, so that it gets an error instead.
fn serve_without_signal(installation: &Installation) -> Served {
    let plain = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(plain.get_program()).args(plain.get_args());
    command.env_clear().env("SLUICEGATE_RATE_LIMIT__ENABLED", "false");
    Served::start(command)
}

/// Stops the files of a running server from growing, or ends that.
fn fill_disk(server: &Served, full: bool) {
    let limit = if full { "--fsize=0:unlimited" } else { "--fsize=unlimited:unlimited" };
    let status = Command::new("prlimit").args(["--pid", &server.id().to_string(), limit]).status();
    assert!(status.expect("prlimit, of util-linux, runs").success());
}

/// A fixture: a user, an application with a token, and a code that was not exchanged.
struct Stage {
    base: String,
    wire: Wire,
    client: WireClient,
    access: String,
    refresh: String,
    code: String,
    verifier: String,
}

impl Stage {
    fn new(server: &Served) -> Self {
        let wire = Wire::new(server.url());
        let client = WireClient::register(&wire, &USER, "Before", &json!({"profile": "oauth21"})).unwrap();
        let verifier = Random::new(1).verifier();
        let code = client.code(&wire, &USER, &verifier).unwrap();
        let tokens = client.exchange(&wire, &code, &verifier).unwrap().json();
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        let (access, refresh) = (text("access_token"), text("refresh_token"));
        let code = client.code(&wire, &USER, &verifier).unwrap();
        Self { base: server.url().to_owned(), wire, client, access, refresh, code, verifier }
    }

    fn status(&self, path: &str) -> u16 {
        self.wire.get(path, None).unwrap().status.as_u16()
    }

    /// Requests that must write are refused in the format of their API, and the error says that nothing was
    /// changed or stored.
    fn refuses_to_write(&self) {
        let registered = self.wire.post_json(APPLICATIONS, &USER, &payload("During")).unwrap();
        assert_eq!(registered.status, 503, "{registered:?}");
        assert_eq!(registered.json()["error"]["code"], 222_206_628, "{registered:?}");
        let refreshed = self.client.refresh(&self.wire, &self.refresh).unwrap();
        assert_eq!(refreshed.status, 503, "{refreshed:?}");
        assert_eq!(refreshed.json()["error"], "temporarily_unavailable", "{refreshed:?}");
        let exchanged = self.client.exchange(&self.wire, &self.code, &self.verifier).unwrap();
        assert_eq!(exchanged.status, 503, "{exchanged:?}");
        let revoked = self.client.revoke(&self.wire, &self.access).unwrap();
        assert_eq!(revoked.status, 503, "a revocation is not acknowledged: {revoked:?}");
        let stranger = TestUser { name: USER.name, password: "not the password at all" };
        let data = self.wire.get("/api/odata4", Some(&stranger)).unwrap();
        assert_eq!(data.status, 503, "a failure that cannot be counted is not an answer: {data:?}");
        assert!(data.json()["error"]["message"].is_string(), "{data:?}");
        let page = Wire::new(&self.base);
        let login = page.get("/login", None).unwrap();
        let csrf = login.body.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let form = [("csrf", csrf), ("username", USER.name), ("password", USER.password)];
        let signed = page.post_form("/login", &form).unwrap();
        assert_eq!(signed.status, 503, "{signed:?}");
        assert!(signed.body.contains("id=\"error-title\""), "{signed:?}");
        for answer in [&registered, &refreshed, &exchanged, &revoked, &data, &signed] {
            assert!(!answer.body.contains("SQL") && !answer.body.contains("disk"), "{answer:?}");
        }
    }

    /// Waits until `/readyz` returns this status, at the latest when the cached result has expired.
    fn becomes(&self, status: u16) {
        let answers = (0..100_000).any(|_| self.status("/readyz") == status);
        assert!(answers, "it does not answer {status}");
    }

    /// Requests that only read still work, and refused revocations have not happened.
    fn still_reads(&self) {
        assert_eq!(self.wire.get_with_token("/api/odata4", &self.access).unwrap().status, 200);
        assert!(self.client.is_active(&self.wire, &self.access).unwrap());
        let listed = self.wire.get(APPLICATIONS, Some(&USER)).unwrap();
        assert_eq!(listed.status, 200, "{listed:?}");
        assert!(!listed.body.contains("During"), "{listed:?}");
        assert_eq!(self.status("/healthz"), 200);
    }

    /// The refused operations can now be done, and were not done before.
    fn recovers(&self) {
        self.becomes(200);
        self.still_reads();
        let exchanged = self.client.exchange(&self.wire, &self.code, &self.verifier).unwrap();
        assert_eq!(exchanged.status, 200, "the code was not used up: {exchanged:?}");
        let refreshed = self.client.refresh(&self.wire, &self.refresh).unwrap();
        assert_eq!(refreshed.status, 200, "the refresh token was not used up: {refreshed:?}");
        assert_eq!(self.client.revoke(&self.wire, &self.access).unwrap().status, 200);
        assert_eq!(self.wire.get_with_token("/api/odata4", &self.access).unwrap().status, 401);
        WireClient::register(&self.wire, &USER, "After", &json!({})).unwrap();
    }
}

fn payload(name: &str) -> Value {
    json!({"name": name, "redirectUrls": ["https://app.example/callback"]})
}

#[test]
fn a_full_disk_stops_only_writes_until_it_has_space() {
    let installation = Installation::new(BINARY);
    let server = serve_without_signal(&installation);
    let stage = Stage::new(&server);
    stage.becomes(200);
    fill_disk(&server, true);
    stage.becomes(503);
    stage.refuses_to_write();
    stage.still_reads();
    assert_eq!(stage.status("/readyz"), 503);
    fill_disk(&server, false);
    stage.recovers();
    assert!(server.terminate().0.success());
    let server = installation.serve();
    let listed = Wire::new(server.url()).get(APPLICATIONS, Some(&USER)).unwrap().body;
    assert!(listed.contains("Before") && listed.contains("After") && !listed.contains("During"), "{listed}");
}

#[test]
fn a_server_killed_on_a_full_disk_loses_nothing() {
    let installation = Installation::new(BINARY);
    let server = serve_without_signal(&installation);
    let stage = Stage::new(&server);
    fill_disk(&server, true);
    let _ = stage.wire.post_json(APPLICATIONS, &USER, &payload("During")).unwrap();
    server.kill();
    let server = installation.serve();
    let wire = Wire::new(server.url());
    let listed = wire.get(APPLICATIONS, Some(&USER)).unwrap().body;
    assert!(listed.contains("Before") && !listed.contains("During"), "{listed}");
    assert_eq!(stage.client.exchange(&wire, &stage.code, &stage.verifier).unwrap().status, 200);
    assert_eq!(stage.client.refresh(&wire, &stage.refresh).unwrap().status, 200);
}

#[test]
fn a_locked_database_is_read_but_not_written() {
    let installation = Installation::new(BINARY);
    let server = installation.serve();
    let stage = Stage::new(&server);
    let other = rusqlite::Connection::open(installation.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| stage.wire.post_json(APPLICATIONS, &USER, &payload("During")).unwrap());
        let asking = scope.spawn(|| stage.status("/readyz"));
        for _ in 0..20 {
            stage.still_reads();
        }
        assert_eq!(writing.join().unwrap().status, 503);
        assert!(matches!(asking.join().unwrap(), 200 | 503));
        stage.becomes(503);
    });
    other.execute_batch("ROLLBACK").unwrap();
    stage.recovers();
}

#[tokio::test]
async fn a_commit_that_fails_acknowledges_nothing_and_changes_nothing() {
    for fault in [CommitFault::Full, CommitFault::Write, CommitFault::Sync] {
        let server = TestServer::start().await;
        let register = async |name: &str| {
            let call = server.post(APPLICATIONS).basic(&USER).json(&payload(name));
            call.send().await.status()
        };
        assert_eq!(register("before").await, 201);
        server.store().faults().fail_commits(1, fault);
        assert_eq!(register("during").await, 503, "{fault:?}");
        assert_eq!(register("after").await, 201);
        let listed = server.get(APPLICATIONS).basic(&USER).send().await.expect(200);
        let listed_names = listed.json()["applications"].as_array().unwrap().len();
        assert_eq!(listed_names, 2, "{fault:?}: {}", listed.text());
        assert!(!listed.text().contains("during"), "{fault:?}: {}", listed.text());
    }
}

#[tokio::test]
async fn a_database_that_became_read_only_is_reported_by_every_area_and_recovers() {
    let server = TestServer::start().await;
    let session = server.session(&USER).await;
    let cookie = format!("sluicegate={session}");
    server.get(APPLICATIONS).basic(&USER).send().await.expect(200);
    server.store().faults().set_read_only(true);
    server.clock().advance_secs(2);
    server.get("/readyz").send().await.expect(503);
    let refused = server.post(APPLICATIONS).basic(&USER).json(&payload("during")).send().await.expect(503);
    assert_eq!(refused.error_code(), 222_206_628);
    assert!(refused.error_message().contains("nothing was changed"), "{}", refused.error_message());
    let wrong = server.post("/oauth2/token").basic_as("nobody", "wrong").form(&[("grant_type", "password")]);
    let wrong = wrong.send().await.expect(503);
    assert_eq!(wrong.json()["error"], "temporarily_unavailable");
    let data = server.get("/api/odata4").basic_as(USER.name, "wrong").send().await.expect(503);
    assert!(data.json()["error"]["message"].as_str().unwrap().contains("nothing was changed"));
    let page = server.get("/logout").header("cookie", &cookie).send().await.expect(200);
    let csrf =
        page.text().split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let page = server.post("/logout").header("cookie", &cookie).form(&[("csrf", &csrf)]).send().await;
    assert!(page.expect(503).text().contains("id=\"error-title\""));
    // A revocation that was not acknowledged has not happened.
    server.get("/account").header("cookie", &cookie).send().await.expect(200);
    server.get(APPLICATIONS).basic(&USER).send().await.expect(200);
    server.store().faults().set_read_only(false);
    server.clock().advance_secs(1);
    server.get("/readyz").send().await.expect(200);
    let page = server.post("/logout").header("cookie", &cookie).form(&[("csrf", &csrf)]).send().await;
    page.expect(200);
    server.post(APPLICATIONS).basic(&USER).json(&payload("after")).send().await.expect(201);
}

#[tokio::test]
async fn a_server_stops_in_order_even_if_its_database_is_read_only() {
    let server = TestServer::start().await;
    let registered = server.post(APPLICATIONS).basic(&USER).json(&payload("used")).send().await.expect(201);
    let registered = registered.json();
    let text = |name: &str| registered[name].as_str().unwrap();
    let request = server.post("/oauth2/introspect").basic_as(text("clientId"), text("clientSecret"));
    request.form(&[("token", "of nobody")]).send().await.expect(200);
    server.store().faults().set_read_only(true);
    server.app().node().close().await.unwrap();
    server.store().faults().set_read_only(false);
    server.post(APPLICATIONS).basic(&USER).json(&payload("after")).send().await.expect(503);
}

#[tokio::test]
async fn after_random_failures_exactly_the_acknowledged_changes_exist() {
    let seed = Random::fresh_seed();
    let mut random = Random::new(seed);
    let server = TestServer::start().await;
    server.store().faults().delay_commits(Duration::from_micros(200));
    let mut acknowledged = Vec::new();
    for round in 0..60 {
        let faults = [CommitFault::Full, CommitFault::Write, CommitFault::Sync];
        if random.below(2) == 0 {
            server.store().faults().fail_commits(1, faults[random.place(faults.len())]);
        }
        let names: Vec<String> = (0..6).map(|place| format!("application-{round}-{place}-")).collect();
        let [first, second, third, fourth, fifth, sixth] = [0, 1, 2, 3, 4, 5]
            .map(|place| server.post(APPLICATIONS).basic(&USER).json(&payload(&names[place])).send());
        let answers = tokio::join!(first, second, third, fourth, fifth, sixth);
        let answers = [answers.0, answers.1, answers.2, answers.3, answers.4, answers.5];
        for (name, answer) in names.into_iter().zip(answers) {
            match answer.status() {
                201 => acknowledged.push(name),
                503 => {}
                status => panic!("seed {seed}: {status}"),
            }
        }
    }
    server.store().faults().fail_commits(0, CommitFault::Full);
    let listed = server.get(APPLICATIONS).basic(&USER).send().await.expect(200).json();
    let mut listed: Vec<String> = listed["applications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|application| application["name"].as_str().unwrap().to_owned())
        .collect();
    listed.sort();
    acknowledged.sort();
    assert_eq!(listed, acknowledged, "seed {seed}");
    assert!(acknowledged.len() > 60 && acknowledged.len() < 360, "seed {seed}: {}", acknowledged.len());
    server.get("/api/admin/users").basic(&ADMIN).send().await.expect(200);
}
