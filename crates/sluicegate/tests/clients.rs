//! Third-party clients, run against the real binary: npm's `openid-client`, `oauth4webapi`, `newman` and the SDK of MCP,
//! Python's `requests-oauthlib`, `Authlib` and `mcp`, and the crate `oauth2`.
//!
//! `cargo xtask test` installs the packages and passes their location; without them these tests fail rather
//! than being skipped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use oauth2::basic::BasicClient;
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse,
    PkceCodeChallenge, RedirectUrl, RefreshToken, Scope, TokenResponse, TokenUrl,
};
use serde_json::{Value, json};
use testkit::{ADMIN, Installation, Served, USER, Wire};

const REDIRECT: &str = "http://127.0.0.1:9/callback";

/// A fixture: a server with a data source that the user may read, and two applications.
struct Stage {
    server: Served,
    client_id: String,
    client_secret: String,
    public_client_id: String,
    /// What the programs of clients are told besides.
    told: Vec<(&'static str, PathBuf)>,
    installation: Installation,
}

impl Stage {
    fn new() -> Self {
        Self::with(&[])
    }

    /// With these variables of the server.
    fn with(variables: &[(&str, &str)]) -> Self {
        let installation = Installation::new(env!("CARGO_BIN_EXE_sluicegate"));
        let server = installation.serve_with(&[], variables);
        Self::filled(installation, server)
    }

    /// Over TLS, with a second listener that asks for certificates of clients. The server fetches what they publish on this
    /// machine.
    fn over_tls() -> Self {
        let installation = Installation::new(env!("CARGO_BIN_EXE_sluicegate"));
        let plain = installation.serve();
        let stage = Self::filled(installation, plain);
        stage.server.terminate();
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates");
        let of_clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/certificates/clients");
        let (chain, key, authority) =
            (own.join("first.pem"), own.join("first.key"), of_clients.join("authority.pem"));
        let variables = [
            ("SLUICEGATE_CLIENT_CERTIFICATES__LISTEN", "127.0.0.1:0"),
            ("SLUICEGATE_CLIENT_CERTIFICATES__AUTHORITIES_FILE", authority.to_str().unwrap()),
            ("SLUICEGATE_OUTBOUND__DANGER_LOOPBACK_AUTHORITY", chain.to_str().unwrap()),
        ];
        let arguments = ["--tls-cert", chain.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
        let server = stage.installation.serve_with(&arguments, &variables);
        let told = vec![
            ("TRUSTED", chain.clone()),
            ("NODE_EXTRA_CA_CERTS", chain.clone()),
            ("REQUESTS_CA_BUNDLE", chain.clone()),
            ("SITE_CERTIFICATE", chain),
            ("SITE_KEY", key),
            ("CERTIFICATES", of_clients),
        ];
        Self { server, told, ..stage }
    }

    /// With a data source and the two applications.
    fn filled(installation: Installation, server: Served) -> Self {
        let path = installation.folder().join("shop.sqlite");
        let database = rusqlite::Connection::open(&path).unwrap();
        database.execute_batch("CREATE TABLE Items (Id INTEGER PRIMARY KEY, Name TEXT); INSERT INTO Items VALUES (1, 'rope');").unwrap();
        let wire = Wire::new(server.url());
        let source =
            json!({"name": "shop", "dataStore": 1, "connectionType": "Cloud", "options": {"path": path}});
        let created = wire.post_json("/api/mgmt/datasources?user=d2cuser", &ADMIN, &source).unwrap();
        assert_eq!(created.status, 201, "{created:?}");
        let all = ["authorization_code", "refresh_token", "password", "client_credentials"];
        let confidential =
            register(&wire, &json!({"name": "Foreign", "redirectUrls": [REDIRECT], "grantTypes": all}));
        let public = json!({"name": "Installed", "redirectUrls": [REDIRECT], "clientType": "public",
            "grantTypes": ["authorization_code", "refresh_token"]});
        let public = register(&wire, &public);
        Self {
            server,
            client_id: text(&confidential["clientId"]),
            client_secret: text(&confidential["clientSecret"]),
            public_client_id: text(&public["clientId"]),
            told: Vec::new(),
            installation,
        }
    }

    fn resource(&self) -> String {
        format!("{}/api/odata4/shop/Items", self.server.url())
    }

    /// Runs a client's program and expects it to print "ok".
    fn run(&self, program: &Path, script: &str, module_path: (&str, PathBuf)) {
        let script = clients().join(script);
        let output = Command::new(program)
            .arg(&script)
            .env(module_path.0, module_path.1)
            .env("SERVER", self.server.url())
            .env("CLIENT_ID", &self.client_id)
            .env("CLIENT_SECRET", &self.client_secret)
            .env("PUBLIC_CLIENT_ID", &self.public_client_id)
            .env("REDIRECT_URI", REDIRECT)
            .env("USERNAME", USER.name)
            .env("PASSWORD", USER.password)
            .env("ADMINISTRATOR", ADMIN.name)
            .env("ADMINISTRATOR_PASSWORD", ADMIN.password)
            .env("RESOURCE", self.resource())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(self.told.iter().map(|(name, value)| (*name, value)))
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && printed.trim().ends_with("ok"),
            "{printed}\n{said}\n{}",
            self.server.printed()
        );
    }
}

fn register(wire: &Wire, application: &Value) -> Value {
    let registered = wire.post_json("/api/mgmt/oauth/client/applications", &USER, application).unwrap();
    assert_eq!(registered.status, 201, "{registered:?}");
    registered.json()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients")
}

/// The location of something that `cargo xtask test` has installed.
#[expect(clippy::disallowed_methods, reason = "the test runner says where it installed the foreign clients")]
fn installed(variable: &str) -> PathBuf {
    let place = std::env::var_os(variable);
    place.unwrap_or_else(|| panic!("{variable} is not set: run these tests with `cargo xtask test`")).into()
}

/// Node looks for packages only next to the script, so the scripts are run from the folder of the packages.
fn node(stage: &Stage, script: &str) {
    let modules = installed("CLIENTS_NODE_MODULES");
    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(clients()).unwrap().map(|file| file.unwrap().path()) {
        let name = file.file_name().unwrap();
        if name == "collection.json" || file.extension().is_some_and(|kind| kind == "mjs") {
            std::fs::copy(&file, folder.path().join(name)).unwrap();
        }
    }
    std::os::unix::fs::symlink(modules, folder.path().join("node_modules")).unwrap();
    stage.run(
        Path::new("node"),
        folder.path().join(script).to_str().unwrap(),
        ("NODE_NO_WARNINGS", "1".into()),
    );
}

#[test]
fn openid_client_completes_the_whole_flow() {
    node(&Stage::new(), "openid-client.mjs");
}

#[test]
fn oauth4webapi_completes_the_flow_of_a_public_client() {
    node(&Stage::new(), "oauth4webapi.mjs");
}

/// Anybody may register, as these clients expect it.
const OPEN: &[(&str, &str)] = &[("SLUICEGATE_REGISTRATION__MODE", "open")];

#[test]
fn the_mcp_sdk_gets_from_a_401_to_rows() {
    node(&Stage::with(OPEN), "mcp-sdk.mjs");
}

#[test]
fn the_python_package_mcp_gets_from_a_401_to_rows() {
    Stage::with(OPEN).run(&installed("CLIENTS_PYTHON"), "mcp_story.py", ("PYTHONPATH", clients()));
}

/// Only those may register to whom an Administrator gave a token.
const BY_TOKEN: &[(&str, &str)] = &[("SLUICEGATE_REGISTRATION__MODE", "initial_access_token")];

#[test]
fn openid_client_registers_itself_walks_the_flow_and_manages_its_registration() {
    node(&Stage::with(OPEN), "registration.mjs");
    node(&Stage::with(BY_TOKEN), "registration.mjs");
}

#[test]
fn oauth4webapi_registers_itself_and_walks_the_flow() {
    node(&Stage::with(OPEN), "registration-oauth4webapi.mjs");
    node(&Stage::with(BY_TOKEN), "registration-oauth4webapi.mjs");
}

#[test]
fn openid_client_authenticates_with_every_method_pushes_proves_and_exchanges() {
    node(&Stage::new(), "openid-client-methods.mjs");
}

#[test]
fn oauth4webapi_authenticates_with_every_method_pushes_proves_and_exchanges() {
    node(&Stage::new(), "oauth4webapi-methods.mjs");
}

#[test]
fn openid_client_uses_the_nonces_that_the_server_demands() {
    node(&Stage::with(&[("SLUICEGATE_DPOP__REQUIRE_NONCE", "true")]), "openid-client-methods.mjs");
}

#[test]
fn openid_client_signs_requests_and_verifies_signed_responses() {
    node(&Stage::new(), "signed-requests.mjs");
}

#[test]
fn openid_client_follows_the_profile_fapi2() {
    node(&Stage::new(), "fapi.mjs");
}

/// Message Signing of FAPI 2.0.
const SIGNING: &[(&str, &str)] = &[("SLUICEGATE_PROFILES__MESSAGE_SIGNING", "true")];

#[test]
fn openid_client_signs_its_messages_in_the_profile_fapi2() {
    let mut stage = Stage::with(SIGNING);
    stage.told = vec![("MESSAGE_SIGNING", "true".into())];
    node(&stage, "fapi.mjs");
}

#[test]
fn oauth4webapi_signs_its_messages_in_the_profile_fapi2() {
    node(&Stage::with(SIGNING), "oauth4webapi-signed.mjs");
}

#[test]
fn openid_client_authenticates_with_certificates() {
    node(&Stage::over_tls(), "mtls.mjs");
}

#[test]
fn authlib_authenticates_with_certificates() {
    Stage::over_tls().run(&installed("CLIENTS_PYTHON"), "authlib_mtls.py", ("PYTHONPATH", clients()));
}

#[test]
fn openid_client_publishes_its_requests_its_keys_and_its_metadata() {
    node(&Stage::over_tls(), "published.mjs");
}

#[test]
fn the_mcp_sdk_identifies_itself_by_its_metadata_document() {
    node(&Stage::over_tls(), "mcp-sdk.mjs");
}

#[test]
fn the_python_package_mcp_identifies_itself_by_its_metadata_document() {
    Stage::over_tls().run(&installed("CLIENTS_PYTHON"), "mcp_story.py", ("PYTHONPATH", clients()));
}

#[test]
fn openid_client_signs_in_reads_userinfo_refreshes_and_logs_out() {
    node(&Stage::new(), "openid.mjs");
}

#[test]
fn openid_client_completes_the_flow_of_a_device() {
    node(&Stage::new(), "device.mjs");
}

#[test]
fn openid_client_and_oauth4webapi_ask_a_person_who_decides_elsewhere() {
    node(&Stage::new(), "backchannel.mjs");
}

#[test]
fn openid_client_presents_an_identity_assertion_that_jose_signs() {
    node(&Stage::new(), "identity-assertion.mjs");
}

#[test]
fn openid_client_pushes_its_request_and_jose_verifies_the_access_token() {
    node(&Stage::new(), "pushed.mjs");
}

#[test]
fn newman_runs_the_collection_from_the_metadata_to_a_revoked_token() {
    node(&Stage::new(), "newman.mjs");
}

#[test]
fn requests_oauthlib_completes_the_flow_at_the_older_addresses() {
    Stage::new().run(&installed("CLIENTS_PYTHON"), "requests_oauthlib_story.py", ("PYTHONPATH", clients()));
}

#[test]
fn authlib_verifies_id_tokens_and_reads_userinfo() {
    Stage::new().run(&installed("CLIENTS_PYTHON"), "authlib_openid.py", ("PYTHONPATH", clients()));
}

#[test]
fn authlib_completes_the_whole_flow() {
    Stage::new().run(&installed("CLIENTS_PYTHON"), "authlib_story.py", ("PYTHONPATH", clients()));
}

#[test]
fn authlib_authenticates_with_every_method_and_exchanges() {
    Stage::new().run(&installed("CLIENTS_PYTHON"), "authlib_methods.py", ("PYTHONPATH", clients()));
}

#[test]
fn the_crate_oauth2_completes_the_whole_flow() {
    let stage = Stage::new();
    walk_with_crate(&stage, &stage.client_id, Some(&stage.client_secret), AuthType::BasicAuth);
    walk_with_crate(&stage, &stage.client_id, Some(&stage.client_secret), AuthType::RequestBody);
    walk_with_crate(&stage, &stage.public_client_id, None, AuthType::RequestBody);
}

fn walk_with_crate(stage: &Stage, id: &str, secret: Option<&str>, kind: AuthType) {
    let (server, wire) = (stage.server.url(), Wire::new(stage.server.url()));
    let mut client = BasicClient::new(ClientId::new(id.to_owned()));
    if let Some(secret) = secret {
        client = client.set_client_secret(ClientSecret::new(secret.to_owned()));
    }
    let client = client
        .set_auth_uri(AuthUrl::new(format!("{server}/oauth2/authorize")).unwrap())
        .set_token_uri(TokenUrl::new(format!("{server}/oauth2/token")).unwrap())
        .set_redirect_uri(RedirectUrl::new(REDIRECT.to_owned()).unwrap())
        .set_auth_type(kind);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let scope = Scope::new("api.access.odata".to_owned());
    let (address, sent) =
        client.authorize_url(CsrfToken::new_random).add_scope(scope).set_pkce_challenge(challenge).url();
    let back = url::Url::parse(&wire.allow(address.as_str(), &USER).unwrap()).unwrap();
    let given = |name: &str| back.query_pairs().find(|(given, _)| given == name).unwrap().1.into_owned();
    assert_eq!(given("state"), *sent.secret());
    assert_eq!(given("iss"), server);

    let tokens = client
        .exchange_code(AuthorizationCode::new(given("code")))
        .set_pkce_verifier(verifier)
        .request(&send)
        .unwrap();
    let status = |access: &str| wire.get_with_token(&stage.resource(), access).unwrap().status;
    assert_eq!(status(tokens.access_token().secret()), 200);
    let refresh = RefreshToken::new(tokens.refresh_token().unwrap().secret().clone());
    let renewed = client.exchange_refresh_token(&refresh).request(&send).unwrap();
    assert_eq!(status(renewed.access_token().secret()), 200);
    // The crate itself revokes over TLS only, which the server of the tests does not have.
    let newest = renewed.refresh_token().unwrap_or(&refresh).secret();
    let mut fields = vec![("token", newest.as_str()), ("client_id", id)];
    fields.extend(secret.map(|secret| ("client_secret", secret)));
    assert_eq!(wire.post_form("/oauth2/revoke", &fields).unwrap().status, 200);
    assert_eq!(status(renewed.access_token().secret()), 401);
}

/// The transport for the crate `oauth2`.
fn send(request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let answer = agent.run(request)?;
    let (head, mut body) = answer.into_parts();
    Ok(HttpResponse::from_parts(head, body.read_to_vec()?))
}
