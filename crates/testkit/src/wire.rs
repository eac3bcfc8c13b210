//! Requests over a real socket, and a person with a browser on it.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::http::{HeaderMap, Request, Response, StatusCode};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::typestate::AgentScope;
use url::Url;

use crate::html::{Form, forms};
use crate::server::TestUser;

/// Longer than any response of a healthy server takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A client on a real socket; it stores cookies and follows no redirects.
pub struct Wire {
    agent: Agent,
    base: Url,
    seen: Option<Arc<Mutex<Vec<WireAnswer>>>>,
    failures_are_silence: bool,
}

/// A response with its body.
#[derive(Debug, Clone)]
pub struct WireAnswer {
    /// The status.
    pub status: StatusCode,
    /// Every header.
    pub headers: HeaderMap,
    /// The `Location` header, if any.
    pub location: Option<String>,
    /// The body.
    pub body: String,
}

impl WireAnswer {
    /// The body as JSON.
    ///
    /// # Panics
    /// If it is not JSON; the message shows the response.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

impl Wire {
    /// Creates a client for the server at this URL.
    ///
    /// # Panics
    /// If the URL is invalid.
    pub fn new(base: &str) -> Self {
        Self::configured(base, |config| config)
    }

    /// Creates a client for the server at this URL, which has TLS with this certificate in PEM.
    ///
    /// # Panics
    /// If the URL or the certificate is invalid.
    pub fn trusting(base: &str, certificate: &[u8]) -> Self {
        let certificate = Certificate::from_pem(certificate).expect("a certificate");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[certificate]));
        let tls = tls.unversioned_rustls_crypto_provider(provider).build();
        Self::configured(base, |config| config.tls_config(tls))
    }

    fn configured(
        base: &str,
        more: impl FnOnce(ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope>,
    ) -> Self {
        let config = Agent::config_builder().max_redirects(0).max_redirects_will_error(false);
        let config = config.http_status_as_error(false).timeout_global(Some(PATIENCE)).proxy(None);
        let base = Url::parse(base).expect("an absolute address");
        Self { agent: more(config).build().new_agent(), base, seen: None, failures_are_silence: false }
    }

    /// Records every response from now on, including those inside [`Wire::allow`].
    #[must_use]
    pub fn recording(self) -> Self {
        Self { seen: Some(Arc::default()), ..self }
    }

    /// Treats a server error as no answer, because its effect is unknown.
    #[must_use]
    pub fn treating_failures_as_lost(self) -> Self {
        Self { failures_are_silence: true, ..self }
    }

    /// The recorded responses.
    pub fn seen(&self) -> Vec<WireAnswer> {
        let seen = self.seen.as_ref();
        seen.map(|seen| seen.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap_or_default()
    }

    /// The same client with the same cookies, after the server has moved.
    ///
    /// # Panics
    /// If the URL is invalid.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        let base = Url::parse(base).expect("an absolute address");
        Self { agent: self.agent.clone(), base, seen: self.seen.clone(), ..*self }
    }

    /// A path without the one of the server gets it.
    fn resolve(&self, path: &str) -> String {
        let base = self.base.path().trim_end_matches('/');
        let is_above =
            path.starts_with('/') && !path.strip_prefix(base).is_some_and(|rest| rest.starts_with('/'));
        let path = if is_above { Cow::from(format!("{base}{path}")) } else { Cow::from(path) };
        self.base.join(&path).expect("an address").into()
    }

    /// Sends a GET, with a user's Basic credentials if given.
    ///
    /// # Errors
    /// If the connection fails.
    pub fn get(&self, path: &str, user: Option<&TestUser>) -> Result<WireAnswer, ureq::Error> {
        let mut request = self.agent.get(self.resolve(path));
        if let Some(user) = user {
            request = request.header("authorization", basic(user.name, user.password));
        }
        self.read(request.call()?)
    }

    /// Sends a GET with a bearer token.
    ///
    /// # Errors
    /// If the connection fails.
    pub fn get_with_token(&self, path: &str, token: &str) -> Result<WireAnswer, ureq::Error> {
        self.read(
            self.agent.get(self.resolve(path)).header("authorization", format!("Bearer {token}")).call()?,
        )
    }

    /// Sends any request.
    ///
    /// # Errors
    /// If the connection fails.
    ///
    /// # Panics
    /// If the method or a header is not valid in HTTP.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Result<WireAnswer, ureq::Error> {
        let mut request = Request::builder().method(method).uri(self.resolve(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.read(match body {
            Some(body) => self.agent.run(request.body(body.to_owned()).expect("a request"))?,
            None => self.agent.run(request.body(()).expect("a request"))?,
        })
    }

    /// Sends a request that a library has made, as its transport. The address is absolute.
    ///
    /// # Errors
    /// If the connection fails.
    pub fn transport(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, ureq::Error> {
        let (head, mut body) = self.agent.run(request)?.into_parts();
        Ok(Response::from_parts(head, body.read_to_vec()?))
    }

    /// Sends a PUT with JSON as a user.
    ///
    /// # Errors
    /// If the connection fails.
    pub fn put_json(&self, path: &str, user: &TestUser, body: &Value) -> Result<WireAnswer, ureq::Error> {
        let headers =
            [("content-type", "application/json"), ("authorization", &*basic(user.name, user.password))];
        self.send("PUT", path, &headers, Some(&body.to_string()))
    }

    /// Sends a POST with JSON as a user.
    ///
    /// # Errors
    /// If the connection fails.
    pub fn post_json(&self, path: &str, user: &TestUser, body: &Value) -> Result<WireAnswer, ureq::Error> {
        let request = self.agent.post(self.resolve(path)).header("content-type", "application/json");
        self.read(request.header("authorization", basic(user.name, user.password)).send(body.to_string())?)
    }

    /// Sends a DELETE as a user.
    ///
    /// # Errors
    /// If the connection fails.
    pub fn delete(&self, path: &str, user: &TestUser) -> Result<WireAnswer, ureq::Error> {
        let request = self.agent.delete(self.resolve(path));
        self.read(request.header("authorization", basic(user.name, user.password)).call()?)
    }

    /// Sends a POST with a form, like a client or a browser.
    ///
    /// # Errors
    /// If the connection fails.
    pub fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Result<WireAnswer, ureq::Error> {
        self.read(self.agent.post(self.resolve(path)).send_form(fields.iter().copied())?)
    }

    /// Opens an authorization address like a person: signs in if asked, presses Allow if asked, and stops at
    /// the redirect to the client, whose address it returns.
    ///
    /// # Errors
    /// If the connection fails.
    ///
    /// # Panics
    /// If the server shows something else; the message shows the page.
    pub fn allow(&self, authorize: &str, user: &TestUser) -> Result<String, ureq::Error> {
        let mut answer = self.get(authorize, None)?;
        for _ in 0..8 {
            if let Some(location) = &answer.location {
                let target = self.base.join(location).expect("an address");
                if target.origin() != self.base.origin() {
                    return Ok(location.clone());
                }
                answer = self.get(target.as_str(), None)?;
                continue;
            }
            let form = next_form(&answer.body, user);
            let form = form.unwrap_or_else(|| panic!("neither sign-in nor consent: {answer:?}"));
            answer = self.submit(&form)?;
        }
        panic!("the sign-in does not end: {answer:?}")
    }

    /// Opens the address that a device shows like a person: signs in, confirms the code, and presses Allow.
    ///
    /// # Errors
    /// If the connection fails.
    ///
    /// # Panics
    /// If the server shows something else; the message shows the page.
    pub fn allow_device(&self, address: &str, user: &TestUser) -> Result<(), ureq::Error> {
        let mut answer = self.get(address, None)?;
        for _ in 0..8 {
            if answer.body.contains("id=\"device-allowed\"") {
                return Ok(());
            }
            answer = match &answer.location {
                Some(location) => self.get(location, None)?,
                None => match next_form(&answer.body, user) {
                    Some(form) => self.submit(&form)?,
                    None => panic!("neither sign-in nor consent: {answer:?}"),
                },
            };
        }
        panic!("the sign-in does not end: {answer:?}")
    }

    /// Makes a personal access token with this name on the page of the account, like a person: signs in, and fills the form.
    ///
    /// # Errors
    /// If the connection fails.
    ///
    /// # Panics
    /// If the server shows something else; the message shows the page.
    pub fn make_personal_access_token(&self, user: &TestUser, name: &str) -> Result<(), ureq::Error> {
        let mut answer = self.get("/account/tokens/new", None)?;
        for _ in 0..8 {
            if answer.body.contains("<pre id=\"token\">") {
                return Ok(());
            }
            let form = forms(&answer.body).into_iter().find(|form| form.has_button("token-submit"));
            let form = form.map(|form| form.fill("name", name).with("others", "yes").press("token-submit"));
            answer = match (&answer.location, form.or_else(|| next_form(&answer.body, user))) {
                (Some(location), _) => self.get(location, None)?,
                (None, Some(form)) => self.submit(&form)?,
                (None, None) => panic!("neither sign-in nor the form of a token: {answer:?}"),
            };
        }
        panic!("the token is not made: {answer:?}")
    }

    /// Presses the button with this id on a page, whose form is sent as the page filled it.
    ///
    /// # Errors
    /// If the connection fails.
    ///
    /// # Panics
    /// If the page has no such button; the message shows the page.
    pub fn press(&self, page: &WireAnswer, button: &str) -> Result<WireAnswer, ureq::Error> {
        let form = forms(&page.body).into_iter().find(|form| form.has_button(button));
        let form = form.unwrap_or_else(|| panic!("no button {button}: {page:?}"));
        self.submit(&form.press(button))
    }

    fn submit(&self, form: &Form) -> Result<WireAnswer, ureq::Error> {
        let fields: Vec<_> = form.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        self.post_form(&form.action, &fields)
    }

    fn read(&self, mut response: Response<ureq::Body>) -> Result<WireAnswer, ureq::Error> {
        if self.failures_are_silence && response.status().is_server_error() {
            let (status, whose) =
                (response.status(), response.headers().get(crate::balancer::BALANCER).cloned());
            let whose = whose.map_or("a node".to_owned(), |why| format!("the balancer, {why:?}"));
            let body = response.body_mut().read_to_string()?;
            return Err(ureq::Error::Other(format!("{status} of {whose}: {body}").into()));
        }
        let location =
            response.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let headers = response.headers().clone();
        let body = response.body_mut().read_to_string()?;
        let answer = WireAnswer { status: response.status(), headers, location, body };
        if let Some(seen) = &self.seen {
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(answer.clone());
        }
        Ok(answer)
    }
}

fn next_form(page: &str, user: &TestUser) -> Option<Form> {
    forms(page).into_iter().find_map(|form| {
        if form.has_button("login-submit") {
            Some(form.fill("username", user.name).fill("password", user.password).press("login-submit"))
        } else if form.has_button("consent-allow") {
            Some(form.press("consent-allow"))
        } else if form.has_button("device-continue") {
            Some(form.press("device-continue"))
        } else {
            None
        }
    })
}

/// An `Authorization: Basic` header.
pub fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}
