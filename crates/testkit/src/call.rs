//! One request to the server under test.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};
use url::form_urlencoded;

use crate::answer::Answer;
use crate::client_certificate::TestCertificate;
use crate::server::{TestServer, TestUser};

/// A request that is being built; [`Call::send`] sends it.
#[must_use = "a call that is not sent does nothing"]
pub struct Call<'a> {
    server: &'a TestServer,
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Vec<u8>,
    address: std::net::SocketAddr,
    certificate: Option<web::ClientCertificate>,
}

impl TestServer {
    /// Builds a request for a path and query below the public URL.
    pub fn call(&self, method: Method, target: &str) -> Call<'_> {
        Call::new(self, method, &format!("{}{target}", self.base()))
    }

    /// Builds a request for exactly this target.
    pub fn call_at(&self, method: Method, target: &str) -> Call<'_> {
        Call::new(self, method, target)
    }

    /// The path of the public URL.
    pub(crate) fn base(&self) -> web::BasePath {
        web::BasePath::of(&self.app().node().settings().public_url)
    }

    /// Builds a GET.
    pub fn get(&self, target: &str) -> Call<'_> {
        self.call(Method::GET, target)
    }

    /// Builds a POST.
    pub fn post(&self, target: &str) -> Call<'_> {
        self.call(Method::POST, target)
    }

    /// Builds a PUT.
    pub fn put(&self, target: &str) -> Call<'_> {
        self.call(Method::PUT, target)
    }

    /// Builds a DELETE.
    pub fn delete(&self, target: &str) -> Call<'_> {
        self.call(Method::DELETE, target)
    }
}

impl<'a> Call<'a> {
    fn new(server: &'a TestServer, method: Method, target: &str) -> Self {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 40_000));
        Self {
            server,
            method,
            target: target.to_owned(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            address,
            certificate: None,
        }
    }

    /// Adds a header.
    ///
    /// # Panics
    /// If the value is not valid in a header.
    pub fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        let value = HeaderValue::from_bytes(value.as_ref()).expect("the header has a legal value");
        self.headers.append(HeaderName::from_static(name), value);
        self
    }

    /// Authenticates with the user's name and password.
    pub fn basic(self, user: &TestUser) -> Self {
        self.basic_as(user.name, user.password)
    }

    /// Authenticates with this name and password.
    pub fn basic_as(self, name: &str, password: &str) -> Self {
        let pair = STANDARD.encode(format!("{name}:{password}"));
        self.header("authorization", format!("Basic {pair}"))
    }

    /// Authenticates with an access token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Sends JSON.
    pub fn json(self, body: &serde_json::Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Sends a form.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.body("application/x-www-form-urlencoded", text)
    }

    /// Sends a body with any content type.
    ///
    /// # Panics
    /// If the content type is not valid in a header.
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let value = HeaderValue::from_str(content_type).expect("the content type is a legal value");
        self.headers.insert(CONTENT_TYPE, value);
        self.body = body.into();
        self
    }

    /// Sends a body without its type.
    pub fn untyped(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Presents a certificate in TLS.
    pub fn certificate(mut self, certificate: TestCertificate) -> Self {
        self.certificate = Some(certificate.presented());
        self
    }

    /// Sends from a network address other than 127.0.0.1.
    pub fn from_address(mut self, address: [u8; 4]) -> Self {
        self.address = std::net::SocketAddr::from((address, 40_000));
        self
    }

    /// Sends the request.
    ///
    /// # Panics
    /// If the target is not an address.
    pub async fn send(self) -> Answer {
        let mut request = Request::new(Body::from(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.target.parse().unwrap_or_else(|error| panic!("{}: {error}", self.target));
        *request.headers_mut() = self.headers;
        request.extensions_mut().insert(web::PeerAddress(self.address));
        if let Some(certificate) = self.certificate {
            request.extensions_mut().insert(certificate);
        }
        self.server.send(request).await
    }
}
