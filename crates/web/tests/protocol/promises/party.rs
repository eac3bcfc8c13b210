//! A client that does what the profile of the server demands, so that a refusal has another reason.

use std::sync::atomic::{AtomicU64, Ordering};

use app::AppSettings;
use app::identity::caller::RequestOrigin;
use app::node::client_certificates::ClientCertificates;
use app::node::clock::Clock as _;
use app::protocol::client_registration::{ClientRegistrationSettings, RegistrationMode};
use oauth::application::Profile;
use oauth::signing::JwsAlgorithm;
use serde_json::{Map, Value, json};
use testkit::{
    ADMIN, AlgorithmKey, Answer, Browser, ClientKey, Setup, TestCertificate, TestServer, USER, hmac_jwt,
};

use crate::client::{APPLICATIONS, CALLBACK, CHALLENGE, TOKEN, VERIFIER};
use crate::identity_assertions::ISSUERS;
use crate::openid::decoded;
use crate::second_factor::set_up_as_demanded;

pub(super) const ISSUER: &str = "http://127.0.0.1:8080";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What was promised works, or why it does not.
pub(super) type Works = Result<(), String>;

/// A server whose applications have at least this profile.
pub(super) struct Stage {
    pub(super) server: TestServer,
    pub(super) profile: Profile,
    pub(super) signs: bool,
    keys: Vec<(JwsAlgorithm, AlgorithmKey)>,
}

impl Stage {
    pub(super) async fn open(profile: Profile, signs: bool) -> Self {
        let app = AppSettings {
            minimum_profile: profile,
            default_profile: profile,
            message_signing: signs,
            refresh_lifetime_secs: 8_000_000,
            refresh_idle_secs: 4_000_000,
            client_certificates: ClientCertificates {
                accepted: true,
                public_url: None,
                authorities: Some(TestCertificate::authorities()),
            },
            client_registration: ClientRegistrationSettings {
                mode: RegistrationMode::Open,
                ..ClientRegistrationSettings::default()
            },
            ..AppSettings::default()
        };
        let server = TestServer::start_with(Setup { app, ..Setup::default() }).await;
        server.app().signing_keys().create_missing(&RequestOrigin::command_line()).await.unwrap();
        let keys = JwsAlgorithm::ALL.map(|algorithm| (algorithm, AlgorithmKey::new(algorithm))).into();
        let stage = Self { server, profile, signs, keys };
        let attester = json!({
            "issuer": "https://attester.example", "jwks": stage.jwks(), "purposes": ["client_attestation"],
            "clients": ["*"],
        });
        stage.server.post(ISSUERS).basic(&ADMIN).json(&attester).send().await.expect(201);
        stage
    }

    /// Whether clients must prove keys, push requests and get bound tokens.
    pub(super) fn is_strict(&self) -> bool {
        self.profile == Profile::Fapi2
    }

    pub(super) fn key(&self, algorithm: &str) -> Option<&AlgorithmKey> {
        self.keys.iter().find(|(one, _)| one.as_str() == algorithm).map(|(_, key)| key)
    }

    /// The public keys of every client.
    pub(super) fn jwks(&self) -> Value {
        let keys = self.keys.iter().map(|(algorithm, key)| {
            let mut jwk = key.jwk();
            jwk["kid"] = json!(algorithm.as_str());
            jwk
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    }

    /// An application with these members, which authenticates as its profile demands unless they say how.
    pub(super) async fn party(&self, members: Value) -> Result<Party<'_>, String> {
        let mut body = json!({ "name": "Harbour Reports", "redirectUrls": [CALLBACK], "jwks": self.jwks() });
        if self.is_strict() {
            body["tokenEndpointAuthMethod"] = json!("private_key_jwt");
        }
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let made = self.server.post(APPLICATIONS).basic(&ADMIN).json(&body).send().await;
        if made.status() != 201 {
            return Err(made.text().to_owned());
        }
        let made = made.json();
        Ok(Party {
            stage: self,
            id: made["clientId"].as_str().unwrap().to_owned(),
            secret: made["clientSecret"].as_str().map(str::to_owned),
            method: body["tokenEndpointAuthMethod"].as_str().unwrap_or("client_secret_post").to_owned(),
            signs_with: "EdDSA".to_owned(),
            attested_with: "EdDSA".to_owned(),
            proves_with: self.is_strict().then(|| "EdDSA".to_owned()),
            count: AtomicU64::new(0),
        })
    }
}

/// A registered client.
pub(super) struct Party<'a> {
    pub(super) stage: &'a Stage,
    pub(super) id: String,
    secret: Option<String>,
    method: String,
    /// The algorithm of its assertions and request objects.
    pub(super) signs_with: String,
    /// The algorithm of the signature of its attestations; those of their proofs have that of assertions.
    pub(super) attested_with: String,
    /// The algorithm of its proofs, if it sends some.
    pub(super) proves_with: Option<String>,
    count: AtomicU64,
}

pub(super) type Fields<'a> = &'a [(&'a str, &'a str)];

impl Party<'_> {
    fn next(&self) -> String {
        format!("{}-{}", self.id, self.count.fetch_add(1, Ordering::Relaxed))
    }

    /// A signed text; with another algorithm than those of keys it is authenticated by the secret.
    fn sign_with(&self, algorithm: &str, typ: Option<&str>, claims: &Value) -> String {
        let mut header = json!({ "alg": algorithm });
        if let Some(typ) = typ {
            header["typ"] = json!(typ);
        }
        match self.stage.key(algorithm) {
            Some(key) => {
                header["kid"] = json!(algorithm);
                key.sign(&header, claims)
            }
            None => hmac_jwt(&header, claims, self.secret.as_deref().unwrap_or("x").as_bytes()),
        }
    }

    fn assertion(&self) -> String {
        let expiry = self.stage.server.clock().now().as_secs() + 60;
        let claims =
            json!({ "iss": self.id, "sub": self.id, "aud": ISSUER, "jti": self.next(), "exp": expiry });
        self.sign_with(&self.signs_with, None, &claims)
    }

    /// The headers of an attestation: what they are called, and what they contain.
    fn attestation(&self) -> [(&'static str, String); 2] {
        let now = self.stage.server.clock().now().as_secs();
        let jwk = match self.stage.key(&self.signs_with) {
            Some(key) => key.jwk(),
            None => json!({ "kty": "oct", "k": "eA" }),
        };
        let claims = json!({ "sub": self.id, "iat": now, "exp": now + 60, "cnf": { "jwk": jwk } });
        let (typ, pop) = ("oauth-client-attestation+jwt", "oauth-client-attestation-pop+jwt");
        let attestation = self.sign_with(&self.attested_with, Some(typ), &claims);
        let claims = json!({ "aud": ISSUER, "jti": self.next(), "iat": now });
        let proof = self.sign_with(&self.signs_with, Some(pop), &claims);
        [("oauth-client-attestation", attestation), ("oauth-client-attestation-pop", proof)]
    }

    fn proof(&self, path: &str, algorithm: &str) -> String {
        let server = &self.stage.server;
        let claims = ClientKey::new(1).claims(server, "POST", path);
        let claims =
            json!({ "jti": self.next(), "htm": claims["htm"], "htu": claims["htu"], "iat": claims["iat"] });
        match self.stage.key(algorithm) {
            Some(key) => key.sign(&json!({ "typ": "dpop+jwt", "jwk": key.jwk() }), &claims),
            None => hmac_jwt(&json!({ "typ": "dpop+jwt", "alg": algorithm }), &claims, b"x"),
        }
    }

    /// A request of the authenticated client; at the token endpoint with a proof if its tokens must be bound.
    pub(super) async fn post(&self, path: &str, fields: Fields<'_>) -> Answer {
        self.post_accepting(path, "application/json", fields).await
    }

    /// The same with this value of `Accept`.
    pub(super) async fn post_accepting(&self, path: &str, accept: &str, fields: Fields<'_>) -> Answer {
        let proves_with = self.proves_with.as_deref().filter(|_| path == TOKEN);
        let assertion = self.assertion();
        let mut all = vec![("client_id", self.id.as_str())];
        let mut call = self.stage.server.post(path);
        match self.method.as_str() {
            "client_secret_basic" => call = call.basic_as(&self.id, self.secret.as_deref().unwrap()),
            "client_secret_post" => all.push(("client_secret", self.secret.as_deref().unwrap())),
            "client_secret_jwt" | "private_key_jwt" => {
                all.extend([
                    ("client_assertion_type", ASSERTION_TYPE),
                    ("client_assertion", assertion.as_str()),
                ]);
            }
            "attest_jwt_client_auth" => {
                call =
                    self.attestation().into_iter().fold(call, |call, (name, value)| call.header(name, value));
            }
            "tls_client_auth" => call = call.certificate(TestCertificate::Crane),
            "self_signed_tls_client_auth" => call = call.certificate(TestCertificate::SelfSigned),
            _ => {}
        }
        all.extend(fields);
        if let Some(algorithm) = proves_with {
            call = call.header("dpop", self.proof(path, algorithm));
        }
        call.form(&all).header("accept", accept).send().await
    }

    /// The first page of an authorization request with these parameters, delivered as the profile demands.
    pub(super) async fn ask(&self, browser: &mut Browser<'_>, fields: Fields<'_>) -> Result<Answer, String> {
        self.deliver(browser, self.stage.is_strict(), self.stage.signs, fields).await
    }

    async fn deliver(
        &self,
        browser: &mut Browser<'_>,
        pushes: bool,
        signs: bool,
        fields: Fields<'_>,
    ) -> Result<Answer, String> {
        let mut all = vec![
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("state", "s"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        all.retain(|(name, _)| fields.iter().all(|(given, _)| given != name));
        all.extend(fields);
        if self.stage.signs && !all.iter().any(|(name, _)| *name == "response_mode") {
            all.push(("response_mode", "jwt"));
        }
        let query = if pushes {
            let object = self.object(&all);
            let signed = [("request", object.as_str())];
            let answer = self.post("/oauth2/par", if signs { &signed } else { &all }).await;
            if answer.status() != 201 {
                return Err(answer.text().to_owned());
            }
            vec![("request_uri", answer.json()["request_uri"].as_str().unwrap().to_owned())]
        } else {
            all.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
        };
        let mut address = url::form_urlencoded::Serializer::new(String::new());
        let address = address.append_pair("client_id", &self.id).extend_pairs(query).finish();
        Ok(browser.get(&format!("/oauth2/authorize?{address}")).await)
    }

    fn object(&self, fields: Fields<'_>) -> String {
        self.object_signed_with(&self.signs_with, fields)
    }

    /// A request object with these parameters.
    pub(super) fn object_signed_with(&self, algorithm: &str, fields: Fields<'_>) -> String {
        let now = self.stage.server.clock().now().as_secs();
        let mut claims =
            json!({ "iss": self.id, "client_id": self.id, "aud": ISSUER, "nbf": now, "exp": now + 60 });
        let members = fields.iter().map(|(name, value)| {
            let is_json = matches!(*name, "claims" | "authorization_details");
            let value = if is_json { serde_json::from_str(value).unwrap() } else { json!(value) };
            ((*name).to_owned(), value)
        });
        claims.as_object_mut().unwrap().extend(members);
        self.sign_with(algorithm, Some("oauth-authz-req+jwt"), &claims)
    }

    /// The parameters of the response to a request that the user allows.
    pub(super) async fn response(&self, fields: Fields<'_>) -> Result<Map<String, Value>, String> {
        self.response_delivered(self.stage.is_strict(), self.stage.signs, fields).await
    }

    /// The same for a request that is delivered in this way.
    pub(super) async fn response_delivered(
        &self,
        pushes: bool,
        signs: bool,
        fields: Fields<'_>,
    ) -> Result<Map<String, Value>, String> {
        let mut browser = self.stage.server.browser();
        let first = self.deliver(&mut browser, pushes, signs, fields).await?;
        let last = allow(&self.stage.server, &mut browser, first).await;
        response(&browser, &last)
    }

    /// The token response after a request that the user allows.
    pub(super) async fn tokens(&self, fields: Fields<'_>) -> Result<Value, String> {
        let response = self.response(fields).await?;
        let code = response["code"].as_str().unwrap_or_default();
        let exchange = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.grant(&exchange).await
    }

    /// The token response to a grant.
    pub(super) async fn grant(&self, fields: Fields<'_>) -> Result<Value, String> {
        let answer = self.post(TOKEN, fields).await;
        if answer.status() == 200 { Ok(answer.json()) } else { Err(answer.text().to_owned()) }
    }

    /// What userinfo answers for an access token.
    pub(super) async fn userinfo(&self, access: &str) -> Answer {
        const USERINFO: &str = "/oauth2/userinfo";
        let call = self.stage.server.get(USERINFO);
        let Some(algorithm) = self.proves_with.as_deref() else { return call.bearer(access).send().await };
        let key = self.stage.key(algorithm).unwrap();
        let mut claims = ClientKey::new(1).claims_with(&self.stage.server, "GET", USERINFO, access);
        claims["jti"] = json!(self.next());
        let proof = key.sign(&json!({ "typ": "dpop+jwt", "jwk": key.jwk() }), &claims);
        call.header("authorization", format!("DPoP {access}")).header("dpop", proof).send().await
    }
}

/// Signs in and allows, as far as the pages ask for it.
pub(super) async fn allow(server: &TestServer, browser: &mut Browser<'_>, mut answer: Answer) -> Answer {
    if answer.status() == 200 && answer.text().contains("login-submit") {
        answer = browser.sign_in(&USER).await;
    }
    if answer.status() == 200 && answer.text().contains("second-factor-needed") {
        answer = set_up_as_demanded(server, browser, &USER).await;
    }
    if answer.status() == 200 && answer.text().contains("consent-allow") {
        let form = browser.form_with_button("consent-allow").press("consent-allow");
        answer = browser.submit(form).await;
    }
    answer
}

/// The parameters of a response, in whatever way it travels; an error is a failure.
pub(super) fn response(browser: &Browser<'_>, answer: &Answer) -> Result<Map<String, Value>, String> {
    let pairs: Vec<(String, String)> = if answer.status() == 303 {
        let url = url::Url::parse(answer.location()).map_err(|error| error.to_string())?;
        let text = url.query().filter(|query| query.contains("state=") || query.contains("response="));
        let text = text.or_else(|| url.fragment()).unwrap_or_default();
        url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
    } else if answer.text().contains("form-post-submit") {
        browser.form_with_button("form-post-submit").fields
    } else {
        return Err(format!("{} {}", answer.status(), answer.text()));
    };
    let mut all: Map<_, _> = pairs.into_iter().map(|(name, value)| (name, json!(value))).collect();
    if let Some(signed) = all.get("response").and_then(Value::as_str) {
        all = serde_json::from_value(decoded(signed).1).unwrap();
    }
    if all.contains_key("error") { Err(json!(all).to_string()) } else { Ok(all) }
}
