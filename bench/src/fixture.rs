//! The fixture: Sluicegate set up through its public API, with accounts, applications, a data source, and a
//! signed-in browser with consent.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hyper::header::COOKIE;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::call::{self, Answer, Call, Connection};
use crate::sample;
use crate::server::Server;

const ADMINISTRATOR: &str = "d2cadmin";
const PASSWORD: &str = "measured-on-a-quiet-evening";
/// The data source with the readings.
pub(crate) const SOURCE: &str = "bench";
/// The same with rules.
pub(crate) const RULED: &str = "ruled";
const REDIRECT: &str = "http://127.0.0.1:9/callback";

/// The pair of [RFC 7636 appendix B](https://www.rfc-editor.org/rfc/rfc7636#appendix-B), so that nothing need
/// be hashed.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The server with everything that the workloads need.
pub(crate) struct Fixture {
    pub(crate) server: Server,
    pub(crate) installation: Installation,
    service: Client,
    /// Service applications with signed tokens, in the order of [`SignedWith::ALL`].
    signed: Vec<Client>,
    web: Client,
    cookies: String,
}

/// The data directory and the database of a node.
#[derive(Clone)]
pub(crate) struct Installation {
    pub(crate) data_folder: PathBuf,
    /// The database that it shares with others; `None` for its own file.
    pub(crate) database: Option<String>,
}

impl Installation {
    /// Runs a command of the program on it.
    fn command(&self, command: &mut Command, name: &str) {
        command.args([name, "--data-dir"]).arg(&self.data_folder);
        command.envs(self.database.iter().map(|url| ("SLUICEGATE_DATABASE", url)));
    }

    /// Another node on the same database.
    pub(crate) fn another_node(&self, name: &str) -> Result<Self> {
        let data_folder = self.data_folder.with_file_name(name);
        std::fs::create_dir_all(&data_folder)?;
        std::fs::copy(self.data_folder.join("master.key"), data_folder.join("master.key"))?;
        Ok(Self { data_folder, database: self.database.clone() })
    }
}

/// The algorithm of signed tokens.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum SignedWith {
    EdDsa,
    Es256,
    Rs256,
}

impl SignedWith {
    const ALL: [(Self, &str); 3] = [(Self::EdDsa, "EdDSA"), (Self::Es256, "ES256"), (Self::Rs256, "RS256")];
}

/// A registered application.
#[derive(Clone)]
pub(crate) struct Client {
    id: String,
    secret: String,
}

impl Client {
    /// The exchange of the code in the response to an authorization request.
    pub(crate) fn exchange(&self, answer: &Answer) -> Result<Call> {
        let location = answer.location().with_context(|| format!("no redirect but {}", answer.status))?;
        let query = location.split_once('?').map_or("", |(_, query)| query);
        let code = query.split('&').find_map(|pair| pair.strip_prefix("code="));
        let code = code.with_context(|| format!("no code in {location}"))?;
        let code = percent_encoding::percent_decode_str(code).decode_utf8()?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        self.token_request(&fields)
    }

    /// The authorization request that names a pushed one, to which stored consent responds with a code at once.
    pub(crate) fn authorize_pushed(&self, cookies: &str, request_uri: &str) -> Result<Call> {
        let fields = [("client_id", self.id.as_str()), ("request_uri", request_uri)];
        let path = format!("/oauth2/authorize?{}", call::encode(&fields));
        call::with_header(call::get(&path)?, COOKIE, cookies)
    }

    pub(crate) fn refresh(&self, token: &str) -> Result<Call> {
        self.token_request(&[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    fn token_request(&self, fields: &[(&str, &str)]) -> Result<Call> {
        call::with_basic(call::post_form("/oauth2/token", fields)?, &self.id, &self.secret)
    }
}

/// Creates an installation with both accounts.
fn initialise(program: &Path, installation: &Installation) -> Result<()> {
    let mut init = Command::new(program);
    installation.command(&mut init, "init");
    init.stdin(Stdio::null()).stdout(Stdio::null());
    init.env("SLUICEGATE_ADMIN_PASSWORD", PASSWORD).env("SLUICEGATE_USER_PASSWORD", PASSWORD);
    if !init.status().context("cannot start the server's program")?.success() {
        bail!("`sluicegate init` failed");
    }
    Ok(())
}

/// Starts the server on a free port with rate limits off.
pub(crate) fn serve(program: &Path, installation: &Installation) -> Result<Server> {
    Server::start(program, |command| {
        installation.command(command, "serve");
        command.args(["--listen", "127.0.0.1:0"]);
        command.env("SLUICEGATE_RATE_LIMIT__ENABLED", "false").stderr(Stdio::null());
        command.env("SLUICEGATE_DATA_SOURCES__ALLOWED_HOSTS", "127.0.0.1");
    })
}

impl Fixture {
    pub(crate) async fn set_up(program: &Path, folder: &Path, database: Option<String>) -> Result<Self> {
        let installation = Installation { data_folder: folder.join("data"), database };
        initialise(program, &installation)?;
        let readings = folder.join("readings.sqlite");
        sample::write(&readings)?;
        let server = serve(program, &installation)?;
        let mut connection = Connection::open(server.address).await?;
        let options = json!({"path": readings.to_string_lossy()});
        for name in [SOURCE, RULED] {
            let added = add_source(&mut connection, name, "SQLite", &options).await;
            added.with_context(|| format!("cannot add the data source {name}"))?;
        }
        let service =
            register(&mut connection, "Bench service", "compatible", &["client_credentials"]).await?;
        let mut signed = Vec::new();
        for (_, algorithm) in SignedWith::ALL {
            signed.push(register_signed(&mut connection, algorithm).await?);
        }
        let grants = ["authorization_code", "refresh_token"];
        let web = register(&mut connection, "Bench web", "oauth21", &grants).await?;
        let mut fixture = Self { server, installation, service, signed, web, cookies: String::new() };
        let mut browser = Browser::open(fixture.server.address).await?;
        browser
            .authorize(&fixture.authorize_path(), REDIRECT, ADMINISTRATOR, PASSWORD)
            .await
            .context("cannot sign in")?;
        fixture.cookies = browser.cookies();
        Ok(fixture)
    }

    /// Adds another data source of the kind with this name.
    pub(crate) async fn add_source(&self, name: &str, kind: &str, options: &Value) -> Result<()> {
        let mut connection = Connection::open(self.server.address).await?;
        let added = add_source(&mut connection, name, kind, options).await;
        added.with_context(|| format!("cannot add the data source {name}"))
    }

    /// Waits until a new server has made its last signing key, which it does in the background.
    pub(crate) async fn wait_for_signing_keys(&self) -> Result<()> {
        let mut connection = Connection::open(self.server.address).await?;
        for _ in 0..600 {
            let published = connection.send(call::get("/oauth2/jwks")?).await?.json()?;
            let keys = published["keys"].as_array().context("no key set")?;
            if ["RS256", "PS256"].iter().all(|name| keys.iter().any(|key| key["alg"] == *name)) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("the server has no RSA keys after a minute");
    }

    /// A token request of the service application.
    pub(crate) fn client_credentials(&self) -> Result<Call> {
        self.service.token_request(&[("grant_type", "client_credentials")])
    }

    pub(crate) async fn service_token(&self) -> Result<String> {
        self.token(self.client_credentials()?).await
    }

    /// The access token in the response to a token request.
    pub(crate) async fn token(&self, request: Call) -> Result<String> {
        let answer = Connection::open(self.server.address).await?.send(request).await?;
        text(&answer.json()?, "access_token")
    }

    /// A token request of a service application with signed tokens.
    pub(crate) fn signed_token(&self, algorithm: SignedWith) -> Result<Call> {
        self.signed[algorithm as usize].token_request(&[("grant_type", "client_credentials")])
    }

    /// The introspection of its token by a service application with signed tokens.
    pub(crate) fn introspection_by(&self, algorithm: SignedWith, token: &str) -> Result<Call> {
        let client = &self.signed[algorithm as usize];
        let call = call::post_form("/oauth2/introspect", &[("token", token)])?;
        call::with_basic(call, &client.id, &client.secret)
    }

    /// The revocation of an access token of the service application.
    pub(crate) fn revocation(&self, token: &str) -> Result<Call> {
        let call = call::post_form("/oauth2/revoke", &[("token", token)])?;
        call::with_basic(call, &self.service.id, &self.service.secret)
    }

    pub(crate) fn introspection(&self, token: &str) -> Result<Call> {
        let call = call::post_form("/oauth2/introspect", &[("token", token)])?;
        call::with_basic(call, &self.service.id, &self.service.secret)
    }

    /// An authorization request to which stored consent responds with a code at once.
    pub(crate) fn authorize(&self) -> Result<Call> {
        call::with_header(call::get(&self.authorize_path())?, COOKIE, &self.cookies)
    }

    /// The pushed form of the same request.
    pub(crate) fn pushed(&self) -> Result<Call> {
        let call = call::post_form("/oauth2/par", &self.authorization_fields())?;
        call::with_basic(call, &self.web.id, &self.web.secret)
    }

    /// The application to which users sign in.
    pub(crate) fn web_client(&self) -> Client {
        self.web.clone()
    }

    /// The cookies of the signed-in browser.
    pub(crate) fn cookies(&self) -> &str {
        &self.cookies
    }

    /// Signs in `count` more times and returns the refresh token of each grant.
    pub(crate) async fn refresh_tokens(&self, count: usize) -> Result<Vec<String>> {
        let mut connection = Connection::open(self.server.address).await?;
        let mut tokens = Vec::with_capacity(count);
        for _ in 0..count {
            let redirected = connection.send(self.authorize()?).await?;
            let answer = connection.send(self.web.exchange(&redirected)?).await?;
            tokens.push(text(&answer.json()?, "refresh_token")?);
        }
        Ok(tokens)
    }

    fn authorize_path(&self) -> String {
        format!("/oauth2/authorize?{}", call::encode(&self.authorization_fields()))
    }

    fn authorization_fields(&self) -> [(&'static str, &str); 7] {
        [
            ("response_type", "code"),
            ("client_id", self.web.id.as_str()),
            ("redirect_uri", REDIRECT),
            ("scope", "api.access.odata"),
            ("state", "bench"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]
    }
}

/// A string member of a JSON object.
pub(crate) fn text(object: &Value, name: &str) -> Result<String> {
    object[name].as_str().map(str::to_owned).with_context(|| format!("the answer has no {name}"))
}

async fn manage(connection: &mut Connection, call: Call) -> Result<Value> {
    connection.send(call::with_basic(call, ADMINISTRATOR, PASSWORD)?).await?.json()
}

async fn register(connection: &mut Connection, name: &str, profile: &str, grants: &[&str]) -> Result<Client> {
    let body = json!({"name": name, "redirectUrls": [REDIRECT], "profile": profile, "grantTypes": grants});
    register_body(connection, name, body).await
}

async fn register_signed(connection: &mut Connection, algorithm: &str) -> Result<Client> {
    let name = format!("Bench {algorithm}");
    let body = json!({
        "name": name, "redirectUrls": [REDIRECT], "grantTypes": ["client_credentials"], "tokenFormat": "jwt",
        "accessTokenSigningAlg": algorithm, "introspectionSignedResponseAlg": algorithm,
    });
    register_body(connection, &name, body).await
}

async fn register_body(connection: &mut Connection, name: &str, body: Value) -> Result<Client> {
    let call = call::post_json("/api/mgmt/oauth/client/applications", &body)?;
    let application = manage(connection, call).await.with_context(|| format!("cannot register {name}"))?;
    Ok(Client { id: text(&application, "clientId")?, secret: text(&application, "clientSecret")? })
}

/// Adds a data source of the kind with this name. One whose name begins as [`RULED`] gets rules.
async fn add_source(connection: &mut Connection, name: &str, kind: &str, options: &Value) -> Result<()> {
    let stores = manage(connection, call::get("/api/mgmt/datastores")?).await?;
    let stores = stores["dataStores"].as_array().context("no list of data stores")?;
    let store = stores.iter().find(|store| store["name"] == kind);
    let store = store.with_context(|| format!("no data store {kind}"))?;
    let body = json!({
        "name": name, "dataStore": store["id"], "connectionType": "Cloud", "description": "", "options": options,
    });
    let added = manage(connection, call::post_json("/api/mgmt/datasources", &body)?).await?;
    if name.starts_with(RULED) {
        let model = format!("/api/mgmt/datasources/{}/model", added["id"]);
        manage(connection, call::put_json(&model, &rules())?).await?;
    }
    Ok(())
}

/// The rules of a data source: a condition about each row with an attribute of the user. All rows of the readings meet it, so that the
/// answers are those of the same data source without rules.
fn rules() -> Value {
    json!({
        "formatVersion": 1,
        "rules": [{"tables": [{"table": "readings"}], "actions": ["read"], "where": "hour lt @user.hours"}],
        "userAttributes": {ADMINISTRATOR: {"hours": 24}},
    })
}
