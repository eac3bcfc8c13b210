//! A fixture: an installation with clients and users, the credentials that they received, and checks whether
//! these are still valid.

use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::json;
use testkit::{Installation, OTHER, Random, Served, TestUser, USER, Wire, WireClient};

const ALLOWED: &str = "/api/mgmt/oauth/client/allowedapplications";

pub(crate) fn run(installation: &Installation, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    installation.command(arguments).envs(variables.iter().copied()).output().unwrap()
}

pub(crate) fn good(installation: &Installation, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let message = run(installation, arguments, variables);
    assert!(message.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&message.stderr));
    String::from_utf8(message.stdout).unwrap()
}

pub(crate) fn with_password(installation: &Installation, arguments: &[&str], password: &str) {
    let mut command = installation.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "{arguments:?}");
}

pub(crate) fn serve(installation: &Installation) -> Served {
    installation.serve_with(&[], &[("SLUICEGATE_DATA_SOURCES__PAGE_SIZE", "2")])
}

/// A table of five rows, which takes three pages.
pub(crate) fn add_shop(installation: &Installation) {
    let path = installation.folder().join("shop.sqlite");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(
        "CREATE TABLE Items (id INTEGER PRIMARY KEY); INSERT INTO Items VALUES (1), (2), (3), (4), (5)",
    )
    .unwrap();
    good(installation, &["data-source", "add", "shop", path.to_str().unwrap(), "--owner", USER.name], &[]);
}

/// Everything that one client received.
pub(crate) struct Handed {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) code: String,
    pub(crate) next_link: String,
}

pub(crate) const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more-x";

pub(crate) fn hand_out(wire: &Wire, client: &WireClient) -> Handed {
    let verifier = Random::new(7).verifier();
    let code = client.code(wire, &USER, &verifier).unwrap();
    let answer = client.exchange(wire, &code, &verifier).unwrap();
    let text = |name: &str| answer.json()[name].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    let access = text("access_token");
    let page = wire.get_with_token("/api/odata4/shop/Items", &access).unwrap();
    let next_link = page.json()["@odata.nextLink"].as_str().unwrap_or_else(|| panic!("{page:?}")).to_owned();
    let (_, next_link) = next_link.split_once("/api/").unwrap();
    let code = client.code(wire, &USER, VERIFIER).unwrap();
    Handed { access, refresh: text("refresh_token"), code, next_link: format!("/api/{next_link}") }
}

pub(crate) fn is_dead(handed: &Handed, wire: &Wire, client: &WireClient, fresh: Option<&Handed>) {
    assert_eq!(wire.get_with_token("/api/odata4", &handed.access).unwrap().status, 401);
    assert!(!client.is_active(wire, &handed.access).unwrap());
    assert_eq!(client.refresh(wire, &handed.refresh).unwrap().status, 400);
    assert_eq!(client.exchange(wire, &handed.code, VERIFIER).unwrap().status, 400);
    if let Some(fresh) = fresh {
        assert_eq!(wire.get_with_token(&fresh.next_link, &fresh.access).unwrap().status, 200);
        assert_eq!(wire.get_with_token(&handed.next_link, &fresh.access).unwrap().status, 400);
    }
}

/// Whether client id and secret are accepted; the refresh token is invalid on purpose.
pub(crate) fn authenticates(wire: &Wire, client: &WireClient) -> bool {
    client.refresh(wire, "sgr_nothing").unwrap().status != 401
}

pub(crate) fn signs_in(wire: &Wire, name: &'static str, password: &'static str) -> bool {
    Wire::get(wire, ALLOWED, Some(&TestUser { name, password })).unwrap().status == 200
}

/// Clients and users, some of whom lose their access after the backup.
pub(crate) struct Cast {
    pub(crate) kept: WireClient,
    pub(crate) reset: WireClient,
    pub(crate) deleted: WireClient,
}

impl Cast {
    pub(crate) fn new(installation: &Installation, wire: &Wire) -> Self {
        let register = |name: &str| WireClient::register(wire, &USER, name, &json!({})).unwrap();
        with_password(installation, &["user", "add", OTHER.name, "--password-stdin"], OTHER.password);
        with_password(installation, &["user", "add", "off", "--password-stdin"], OTHER.password);
        Self { kept: register("Kept"), reset: register("Reset"), deleted: register("Deleted") }
    }

    /// Returns the client with its new secret.
    pub(crate) fn end_access(&self, installation: &Installation) -> WireClient {
        let number = |client: &WireClient| client.id.to_string();
        let printed =
            good(installation, &["application", "reset-secret", &number(&self.reset), "--yes"], &[]);
        let secret = printed.split_whitespace().find(|word| word.starts_with("sgs_")).unwrap();
        good(installation, &["application", "delete", &number(&self.deleted), "--yes"], &[]);
        good(installation, &["user", "disable", "off"], &[]);
        with_password(installation, &["user", "set-password", OTHER.name, "--password-stdin"], USER.password);
        WireClient { client_secret: secret.to_owned(), ..self.reset.clone() }
    }
}
