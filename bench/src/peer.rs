//! The peer: npm `oidc-provider`, in a separate process on the server's core.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};

use crate::call::{self, Call, Connection};
use crate::fixture::text;
use crate::server::Server;

const SCRIPT: &str = "target/peers/oidc-provider/server.mjs";
const CLIENT: (&str, &str) = ("bench", "bench-secret-bench-secret-bench-secret");
const REDIRECT: &str = "http://127.0.0.1:9/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The running peer.
pub(crate) struct Peer {
    pub(crate) server: Server,
}

impl Peer {
    pub(crate) fn start() -> Result<Self> {
        let server = Server::start(Path::new("node"), |command| {
            // It warns about its development keys, which sign nothing here.
            command.arg(SCRIPT).env("NODE_ENV", "production").stderr(Stdio::null());
        })?;
        Ok(Self { server })
    }

    pub(crate) fn client_credentials() -> Result<Call> {
        post("/token", &[("grant_type", "client_credentials")])
    }

    pub(crate) async fn introspection(&self) -> Result<Call> {
        let answer = Connection::open(self.server.address).await?.send(Self::client_credentials()?).await?;
        post("/token/introspection", &[("token", &text(&answer.json()?, "access_token")?)])
    }

    /// Exchanges of `count` fresh codes, which the script creates without a browser.
    pub(crate) async fn exchanges(&self, count: usize) -> Result<Vec<Call>> {
        let path = format!("/bench/codes?count={count}");
        let codes = Connection::open(self.server.address).await?.send(call::get(&path)?).await?.json()?;
        let codes = codes.as_array().context("the peer gave no codes")?;
        let exchange = |code: &serde_json::Value| {
            let code = code.as_str().unwrap_or_default();
            let grant = ("grant_type", "authorization_code");
            post("/token", &[grant, ("code", code), ("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)])
        };
        codes.iter().map(exchange).collect()
    }

    pub(crate) fn refresh(token: &str) -> Result<Call> {
        post("/token", &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    pub(crate) async fn refresh_tokens(&self, count: usize) -> Result<Vec<String>> {
        let mut connection = Connection::open(self.server.address).await?;
        let mut tokens = Vec::with_capacity(count);
        for exchange in self.exchanges(count).await? {
            tokens.push(text(&connection.send(exchange).await?.json()?, "refresh_token")?);
        }
        Ok(tokens)
    }
}

fn post(path: &str, fields: &[(&str, &str)]) -> Result<Call> {
    call::with_basic(call::post_form(path, fields)?, CLIENT.0, CLIENT.1)
}
