//! A small HTTP client over real sockets, with a browser's cookie jar.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use http::{Method, Request};
use http_body_util::Full;
use tokio::net::TcpStream;
use web::BasePath;

use crate::http_client::{HttpAnswer, exchange};

/// The credentials of a request.
pub(super) enum As<'a> {
    /// None, apart from the cookies.
    Browser,
    /// A name with its password or secret.
    Basic(&'a str, &'a str),
    /// An access token.
    Bearer(&'a str),
}

/// The body of a request.
pub(super) enum Send<'a> {
    /// Nothing.
    Nothing,
    /// A form.
    Form(&'a [(String, String)]),
    /// JSON.
    Json(&'a serde_json::Value),
}

/// A client of one server.
pub(super) struct Client {
    server: SocketAddr,
    base: BasePath,
    cookies: Vec<(String, String)>,
}

impl Client {
    /// A client of the server at this address, below this path.
    pub(super) fn new(server: SocketAddr, base: BasePath) -> Self {
        Self { server, base, cookies: Vec::new() }
    }

    /// Sends one request and waits for the complete response. The path is below that of the server.
    pub(super) async fn send(
        &mut self,
        method: Method,
        path: &str,
        caller: As<'_>,
        send: Send<'_>,
    ) -> anyhow::Result<HttpAnswer> {
        let path = format!("{}{path}", self.base);
        let mut request = Request::builder().method(method).uri(path).header(HOST, self.server.to_string());
        match caller {
            As::Browser if self.cookies.is_empty() => {}
            As::Browser => request = request.header(COOKIE, self.cookie_header()),
            As::Basic(name, secret) => {
                request = request
                    .header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(format!("{name}:{secret}"))));
            }
            As::Bearer(token) => request = request.header(AUTHORIZATION, format!("Bearer {token}")),
        }
        let body = match send {
            Send::Nothing => Bytes::new(),
            Send::Form(fields) => {
                request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
                encode(fields).into()
            }
            Send::Json(value) => {
                request = request.header(CONTENT_TYPE, "application/json");
                value.to_string().into()
            }
        };
        let answer = ask(self.server, request.body(Full::new(body))?).await?;
        self.keep_cookies(&answer);
        Ok(answer)
    }

    /// Follows redirects like a browser, as long as they lead to this server.
    pub(super) async fn open(&mut self, mut answer: HttpAnswer) -> anyhow::Result<HttpAnswer> {
        for _ in 0..8 {
            let location = answer.header(LOCATION).to_owned();
            let Some(path) =
                self.path_here(&location).map(str::to_owned).filter(|_| answer.status.is_redirection())
            else {
                return Ok(answer);
            };
            answer = self.send(Method::GET, &path, As::Browser, Send::Nothing).await?;
        }
        bail!("the server redirects in a circle")
    }

    /// The path and query of an address as they are for [`Client::send`], if it belongs to this server.
    pub(super) fn path_here<'a>(&self, location: &'a str) -> Option<&'a str> {
        let own = format!("http://{}", self.server);
        let rest = location.strip_prefix(&own).unwrap_or(location).strip_prefix(self.base.as_str())?;
        rest.starts_with('/').then_some(rest)
    }

    fn cookie_header(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep_cookies(&mut self, answer: &HttpAnswer) {
        for cookie in answer.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let Some((name, value)) = pair.split_once('=') else { continue };
            self.cookies.retain(|(other, _)| other != name);
            let deleted = value.is_empty() || attributes.to_ascii_lowercase().contains("max-age=0");
            if !deleted {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}

/// Sends one request on a new connection.
async fn ask(server: SocketAddr, request: Request<Full<Bytes>>) -> anyhow::Result<HttpAnswer> {
    let stream = TcpStream::connect(server).await.context("the server does not take connections")?;
    exchange(stream, request).await
}

/// Encodes fields as a form.
pub(super) fn encode(fields: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
