//! A client application in a test.

use serde_json::{Value, json};
use testkit::{Answer, Browser, TestServer, TestUser, USER};
use url::Url;
use url::form_urlencoded::Serializer;

pub(crate) const APPLICATIONS: &str = "/api/mgmt/oauth/client/applications";
pub(crate) const TOKEN: &str = "/oauth2/token";
pub(crate) const CALLBACK: &str = "https://client.example/cb";

/// The example of [RFC 7636 appendix B](https://www.rfc-editor.org/rfc/rfc7636#appendix-B).
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const S256: [(&str, &str); 2] = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];

/// Parameters of a request.
pub(crate) type Fields<'a> = &'a [(&'a str, &'a str)];

/// A registered application.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) id: i64,
    pub(crate) identifier: String,
    pub(crate) secret: Option<String>,
}

/// The tokens of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Client {
    /// An application of [`USER`] with one redirect URL and default settings.
    pub(crate) async fn register(server: &TestServer) -> Self {
        Self::register_with(server, json!({})).await
    }

    /// An application with these additional members.
    pub(crate) async fn register_with(server: &TestServer, members: Value) -> Self {
        Self::register_as(server, &USER, members).await
    }

    pub(crate) async fn register_as(server: &TestServer, owner: &TestUser, members: Value) -> Self {
        let mut body = json!({ "name": "Harbour Reports", "redirectUrls": [CALLBACK] });
        let all = body.as_object_mut().unwrap();
        all.extend(members.as_object().unwrap().clone());
        let made = server.post(APPLICATIONS).basic(owner).json(&body).send().await.expect(201).json();
        Self {
            id: made["id"].as_i64().unwrap(),
            identifier: made["clientId"].as_str().unwrap().to_owned(),
            secret: made["clientSecret"].as_str().map(str::to_owned),
        }
    }

    /// A public application, whose refresh tokens rotate.
    pub(crate) async fn public(server: &TestServer) -> Self {
        Self::register_with(server, json!({ "clientType": "public" })).await
    }

    /// An application with the strict profile.
    pub(crate) async fn strict(server: &TestServer) -> Self {
        Self::register_with(server, json!({ "profile": "oauth21" })).await
    }

    /// Sends these parameters with the client's own credentials to an endpoint, as a form.
    pub(crate) async fn post(&self, server: &TestServer, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut all = vec![("client_id", self.identifier.as_str())];
        all.extend(self.secret.as_deref().map(|secret| ("client_secret", secret)));
        all.extend(fields);
        server.post(path).form(&all).send().await
    }

    /// A token request.
    pub(crate) async fn token(&self, server: &TestServer, fields: &[(&str, &str)]) -> Answer {
        self.post(server, TOKEN, fields).await
    }

    /// A code exchange.
    pub(crate) async fn exchange(&self, server: &TestServer, code: &str) -> Answer {
        let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        self.token(server, &fields).await
    }

    /// A code exchange with the verifier of [`S256`].
    pub(crate) async fn exchange_verified(&self, server: &TestServer, code: &str) -> Answer {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.token(server, &fields).await
    }

    /// A refresh.
    pub(crate) async fn refresh(&self, server: &TestServer, token: &str) -> Answer {
        self.token(server, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// The password grant.
    pub(crate) async fn password(&self, server: &TestServer, user: &TestUser) -> Answer {
        self.token(server, &password_fields(user)).await
    }

    /// Introspection, as JSON.
    pub(crate) async fn introspect(&self, server: &TestServer, token: &str) -> Value {
        self.post(server, "/oauth2/introspect", &[("token", token)]).await.expect(200).json()
    }

    /// The address of an authorization request with these additional parameters.
    pub(crate) fn authorize_url(&self, more: &[(&str, &str)]) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("response_type", "code").append_pair("client_id", &self.identifier);
        query.append_pair("redirect_uri", CALLBACK);
        format!("/oauth2/authorize?{}", query.extend_pairs(more).finish())
    }

    /// A code that the user gave through the real pages, with these additional request parameters.
    pub(crate) async fn code_with(
        &self,
        server: &TestServer,
        user: &TestUser,
        more: &[(&str, &str)],
    ) -> String {
        let answer = allow(&mut server.browser(), user, &self.authorize_url(more)).await;
        parameter(&answer, "code").unwrap_or_else(|| panic!("no code in {}", answer.location()))
    }

    /// A code that [`USER`] gave.
    pub(crate) async fn code(&self, server: &TestServer) -> String {
        self.code_with(server, &USER, &[]).await
    }

    /// The tokens of a code flow with PKCE.
    pub(crate) async fn tokens(&self, server: &TestServer) -> Tokens {
        let code = self.code_with(server, &USER, &S256).await;
        Tokens::of(&self.exchange_verified(server, &code).await)
    }
}

impl Tokens {
    /// The content of a successful response.
    pub(crate) fn of(answer: &Answer) -> Self {
        let body = answer.clone().expect(200).json();
        Self {
            access: body["access_token"].as_str().unwrap().to_owned(),
            refresh: body["refresh_token"].as_str().unwrap_or_default().to_owned(),
        }
    }
}

/// The parameters of the password grant.
pub(crate) fn password_fields(user: &TestUser) -> [(&'static str, &'static str); 3] {
    [("grant_type", "password"), ("username", user.name), ("password", user.password)]
}

/// Opens an authorization request, signs in and allows if the pages ask for it, and returns the last
/// redirect.
pub(crate) async fn allow(browser: &mut Browser<'_>, user: &TestUser, url: &str) -> Answer {
    let mut answer = browser.get(url).await;
    if answer.status() == 200 && answer.text().contains("login-submit") {
        answer = browser.sign_in(user).await;
    }
    if answer.status() == 200 && answer.text().contains("consent-allow") {
        let form = browser.form_with_button("consent-allow").press("consent-allow");
        answer = browser.submit(form).await;
    }
    answer.expect(303)
}

/// A parameter of the address to which a response redirects.
pub(crate) fn parameter(answer: &Answer, name: &str) -> Option<String> {
    let url = Url::parse(answer.location()).unwrap_or_else(|error| panic!("{}: {error}", answer.location()));
    url.query_pairs().find(|(given, _)| given == name).map(|(_, value)| value.into_owned())
}

/// Whether an access token without `api.mgmt` is still valid: a valid one lacks a scope, an invalid one does
/// not authenticate.
pub(crate) async fn is_alive(server: &TestServer, access: &str) -> bool {
    let answer = server.get("/api/mgmt/oauth/client/allowedapplications").bearer(access).send().await;
    match answer.status() {
        403 => true,
        401 => {
            let challenges = answer.headers().get_all("www-authenticate").iter();
            assert!(challenges.into_iter().any(|line| line.to_str().unwrap().contains("invalid_token")));
            false
        }
        other => panic!("{other}"),
    }
}

/// Checks a refusal in the format of [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2).
pub(crate) fn assert_refused(answer: &Answer, status: u16, error: &str) {
    let text = String::from_utf8_lossy(answer.bytes()).into_owned();
    assert_eq!(answer.status(), status, "{text}");
    assert_eq!(answer.header("content-type"), "application/json", "{text}");
    assert_eq!(answer.header("cache-control"), "no-store", "{text}");
    let body = answer.json();
    assert_eq!(body["error"], error, "{body}");
    let description = body["error_description"].as_str().unwrap();
    assert!(!description.is_empty());
    assert!(description.chars().all(|c| matches!(c, ' '..='!' | '#'..='[' | ']'..='~')), "{description}");
    assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
    if status == 401 {
        assert!(answer.header("www-authenticate").starts_with("Basic "), "{text}");
    }
}
