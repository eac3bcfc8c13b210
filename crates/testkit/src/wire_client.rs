//! A registered application with its credentials, as its developer's program uses the server.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;

use crate::server::TestUser;
use crate::wire::{Wire, WireAnswer, basic};

/// The redirect URL of test applications, where nobody answers.
pub const REDIRECT: &str = "http://127.0.0.1:9/callback";

/// An application and what it needs to request tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireClient {
    /// The id in the management API.
    pub id: i64,
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: String,
}

impl WireClient {
    /// Registers an application as a user. `more` are further members of the payload besides name and
    /// redirect URL.
    ///
    /// # Errors
    /// If the connection fails.
    ///
    /// # Panics
    /// If the server refuses; the message shows the response.
    pub fn register(wire: &Wire, user: &TestUser, name: &str, more: &Value) -> Result<Self, ureq::Error> {
        let mut payload = json!({"name": name, "redirectUrls": [REDIRECT]});
        for (member, value) in more.as_object().into_iter().flatten() {
            payload[member] = value.clone();
        }
        let answer = wire.post_json("/api/mgmt/oauth/client/applications", user, &payload)?;
        assert_eq!(answer.status, 201, "{answer:?}");
        Ok(Self::shown(&answer))
    }

    /// The application in a response.
    ///
    /// # Panics
    /// If there is none.
    pub fn shown(answer: &WireAnswer) -> Self {
        let shown = answer.json();
        let text = |member: &str| {
            shown[member].as_str().unwrap_or_else(|| panic!("no {member}: {shown}")).to_owned()
        };
        let id = shown["id"].as_i64().unwrap_or_else(|| panic!("no id: {shown}"));
        Self { id, client_id: text("clientId"), client_secret: text("clientSecret") }
    }

    /// The address of the application in the management API.
    pub fn path(&self) -> String {
        format!("/api/mgmt/oauth/client/applications/{}", self.id)
    }

    /// The address to which the application sends a browser.
    ///
    /// # Panics
    /// Never: the parameters are text.
    pub fn authorize(&self, verifier: &str) -> String {
        let mut url = Url::parse("http://x/oauth2/authorize").expect("an address");
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", REDIRECT)
            .append_pair("state", "a-state")
            .append_pair("code_challenge", &challenge_of(verifier))
            .append_pair("code_challenge_method", "S256");
        format!("/oauth2/authorize?{}", url.query().expect("it has one"))
    }

    /// Lets a user allow the application in a browser, and returns the code.
    ///
    /// # Errors
    /// If the connection fails.
    ///
    /// # Panics
    /// If the browser is not redirected to the application with a code.
    pub fn code(&self, wire: &Wire, user: &TestUser, verifier: &str) -> Result<String, ureq::Error> {
        let location = wire.allow(&self.authorize(verifier), user)?;
        let url = Url::parse(&location).expect("an address");
        let code = url.query_pairs().find(|(name, _)| name == "code");
        Ok(code.unwrap_or_else(|| panic!("no code: {location}")).1.into_owned())
    }

    /// Exchanges a code.
    ///
    /// # Errors
    /// If the connection fails.
    pub fn exchange(&self, wire: &Wire, code: &str, verifier: &str) -> Result<WireAnswer, ureq::Error> {
        let grant = ("grant_type", "authorization_code");
        let fields = [grant, ("code", code), ("redirect_uri", REDIRECT), ("code_verifier", verifier)];
        self.post(wire, "/oauth2/token", &fields)
    }

    /// Requests new tokens with a refresh token.
    ///
    /// # Errors
    /// If the connection fails.
    pub fn refresh(&self, wire: &Wire, token: &str) -> Result<WireAnswer, ureq::Error> {
        self.post(wire, "/oauth2/token", &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    /// Introspects a token, and returns whether it is active.
    ///
    /// # Errors
    /// If the connection fails.
    ///
    /// # Panics
    /// If the server does not say.
    pub fn is_active(&self, wire: &Wire, token: &str) -> Result<bool, ureq::Error> {
        let answer = self.post(wire, "/oauth2/introspect", &[("token", token)])?;
        Ok(answer.json()["active"].as_bool().unwrap_or_else(|| panic!("{answer:?}")))
    }

    /// Revokes a token.
    ///
    /// # Errors
    /// If the connection fails.
    pub fn revoke(&self, wire: &Wire, token: &str) -> Result<WireAnswer, ureq::Error> {
        self.post(wire, "/oauth2/revoke", &[("token", token)])
    }

    /// Posts a form with the credentials of the client.
    ///
    /// # Errors
    /// If the connection fails.
    pub fn post(&self, wire: &Wire, path: &str, fields: &[(&str, &str)]) -> Result<WireAnswer, ureq::Error> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let authorization = basic(&self.client_id, &self.client_secret);
        let kind = ("content-type", "application/x-www-form-urlencoded");
        wire.send("POST", path, &[kind, ("authorization", &authorization)], Some(&body))
    }
}

/// The challenge of a code verifier.
pub fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(vault::sha256(verifier.as_bytes()))
}
