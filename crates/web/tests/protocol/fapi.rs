//! The profile `fapi2` ([FAPI 2.0 Security Profile](https://openid.net/specs/fapi-security-profile-2_0-final.html), [FAPI 2.0
//! Message Signing](https://openid.net/specs/fapi-message-signing-2_0-final.html)).

use std::sync::atomic::{AtomicU64, Ordering};

use app::AppSettings;
use app::node::clock::Clock as _;
use oauth::application::{ApplicationSettings, ClientMetadata, ClientType, GrantType, Profile, TokenFormat};
use oauth::scope::BuiltInScope;
use serde_json::{Value, json};
use testkit::{Answer, ClientKey, Setup, TestServer, USER};

use crate::client::{
    APPLICATIONS, CALLBACK, CHALLENGE, Client, S256, TOKEN, VERIFIER, allow, assert_refused, parameter,
    password_fields,
};
use crate::dpop::{DATA, read};
use crate::openid::{decoded, server};

const ISSUER: &str = "http://127.0.0.1:8080";
const PAR: &str = "/oauth2/par";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const REQUEST: [(&str, &str); 4] = [
    ("response_type", "code"),
    ("redirect_uri", CALLBACK),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

/// An application of the profile, with its keys.
struct Bank {
    client: Client,
    key: ClientKey,
    assertions: AtomicU64,
}

impl Bank {
    async fn register(server: &TestServer, more: Value) -> Self {
        let key = ClientKey::new(7);
        let mut members = json!({
            "profile": "fapi2", "tokenEndpointAuthMethod": "private_key_jwt", "jwks": { "keys": [key.jwk()] },
        });
        members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let client = Client::register_with(server, members).await;
        assert_eq!(client.secret, None);
        Self { client, key, assertions: AtomicU64::new(0) }
    }

    fn assertion(&self, server: &TestServer, changes: &Value) -> String {
        let id = &self.client.identifier;
        let number = self.assertions.fetch_add(1, Ordering::Relaxed);
        let mut claims = json!({
            "iss": id, "sub": id, "aud": ISSUER, "jti": format!("a{number}"),
            "exp": server.clock().now().as_secs() + 60,
        });
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        self.key.sign_with_header(&json!({ "alg": "EdDSA" }), &claims)
    }

    /// A request with an assertion with these claims, and with these proofs.
    async fn send(
        &self,
        server: &TestServer,
        path: &str,
        fields: &[(&str, &str)],
        changes: &Value,
        proof: &str,
    ) -> Answer {
        let assertion = self.assertion(server, changes);
        let mut all = vec![
            ("client_id", self.client.identifier.as_str()),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion.as_str()),
        ];
        all.extend(fields);
        let call = server.post(path).form(&all);
        if proof.is_empty() { call.send().await } else { call.header("dpop", proof).send().await }
    }

    async fn push(&self, server: &TestServer, fields: &[(&str, &str)]) -> Answer {
        self.send(server, PAR, fields, &json!({}), "").await
    }

    fn url(&self, pushed: &Answer) -> String {
        let reference = pushed.json()["request_uri"].as_str().unwrap().to_owned();
        format!("/oauth2/authorize?client_id={}&request_uri={reference}", self.client.identifier)
    }

    async fn code(&self, server: &TestServer) -> String {
        let pushed = self.push(server, &REQUEST).await.expect(201);
        let answer = allow(&mut server.browser(), &USER, &self.url(&pushed)).await;
        assert_eq!(parameter(&answer, "iss").as_deref(), Some(ISSUER));
        parameter(&answer, "code").unwrap()
    }

    async fn token(&self, server: &TestServer, fields: &[(&str, &str)], proof: &str) -> Answer {
        self.send(server, TOKEN, fields, &json!({}), proof).await
    }
}

fn exchange(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

#[tokio::test]
async fn a_proof_may_call_its_algorithm_by_the_newer_name() {
    let server = TestServer::start().await;
    let bank = Bank::register(&server, json!({})).await;
    let code = bank.code(&server).await;
    let key = ClientKey::new(8);
    let proof = |alg: &str| {
        let header = json!({ "typ": "dpop+jwt", "alg": alg, "jwk": key.jwk() });
        key.sign_with_header(&header, &key.claims(&server, "POST", TOKEN))
    };
    assert_refused(&bank.token(&server, &exchange(&code), &proof("RS256")).await, 400, "invalid_dpop_proof");
    let answer = bank.token(&server, &exchange(&code), &proof("Ed25519")).await;
    assert_eq!(answer.expect(200).json()["token_type"], "DPoP");
}

#[tokio::test]
async fn a_client_walks_from_a_pushed_request_to_data_and_keeps_its_refresh_token() {
    let server = TestServer::start().await;
    let bank = Bank::register(&server, json!({})).await;
    let code = bank.code(&server).await;
    let key = ClientKey::new(8);
    let tokens =
        bank.token(&server, &exchange(&code), &key.proof(&server, "POST", TOKEN)).await.expect(200).json();
    assert_eq!(tokens["token_type"], "DPoP");
    let access = tokens["access_token"].as_str().unwrap();
    let proof = key.proof_with(&server, "GET", DATA, access);
    read(&server, "DPoP", access, Some(&proof)).await.expect(200);
    read(&server, "Bearer", access, None).await.expect(401);
    server.get(&format!("{DATA}?access_token={access}")).send().await.expect(401);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    for _ in 0..2 {
        let proof = key.proof(&server, "POST", TOKEN);
        let renewed = bank.token(&server, &fields, &proof).await.expect(200).json();
        assert_eq!(renewed["refresh_token"], refresh, "it does not rotate");
        server.clock().advance_secs(3_600);
    }
    assert_refused(&bank.token(&server, &fields, "").await, 400, "invalid_dpop_proof");
}

#[tokio::test]
async fn a_token_without_proof_of_a_key_is_not_issued() {
    let server = TestServer::start().await;
    let bank = Bank::register(&server, json!({})).await;
    let code = bank.code(&server).await;
    assert_refused(&bank.token(&server, &exchange(&code), "").await, 400, "invalid_dpop_proof");
    let proof = ClientKey::new(8).proof(&server, "POST", TOKEN);
    bank.token(&server, &exchange(&code), &proof).await.expect(200);
}

#[tokio::test]
async fn a_request_that_was_not_pushed_is_refused() {
    let server = TestServer::start().await;
    let bank = Bank::register(&server, json!({})).await;
    let answer = server.get(&bank.client.authorize_url(&S256)).basic(&USER).send().await.expect(303);
    assert_eq!(parameter(&answer, "error").as_deref(), Some("invalid_request"));
    assert_eq!(parameter(&answer, "iss").as_deref(), Some(ISSUER));
    let object = bank.key.sign_with_header(
        &json!({ "alg": "EdDSA", "typ": "oauth-authz-req+jwt" }),
        &json!({
            "iss": bank.client.identifier, "client_id": bank.client.identifier, "aud": ISSUER,
            "exp": server.clock().now().as_secs() + 60, "response_type": "code", "redirect_uri": CALLBACK,
        }),
    );
    let by_object = format!("/oauth2/authorize?client_id={}&request={object}", bank.client.identifier);
    let answer = server.get(&by_object).basic(&USER).send().await.expect(303);
    assert_eq!(parameter(&answer, "error").as_deref(), Some("invalid_request"));
    for missing in ["redirect_uri", "code_challenge", "response_type"] {
        let fields: Vec<_> = REQUEST.into_iter().filter(|(name, _)| *name != missing).collect();
        let fields: Vec<_> = fields
            .into_iter()
            .filter(|(name, _)| missing != "code_challenge" || *name != "code_challenge_method")
            .collect();
        assert_refused(&bank.push(&server, &fields).await, 400, "invalid_request");
    }
}

#[tokio::test]
async fn a_client_authenticates_with_a_key_to_the_issuer_alone() {
    let server = TestServer::start().await;
    let bank = Bank::register(&server, json!({})).await;
    for audience in [json!([ISSUER]), json!(format!("{ISSUER}{TOKEN}")), json!(format!("{ISSUER}{PAR}"))] {
        let refused = bank.send(&server, PAR, &REQUEST, &json!({ "aud": audience }), "").await;
        assert_refused(&refused, 400, "invalid_client");
    }
    let now = server.clock().now().as_secs();
    for (ahead, status) in [(0, 201), (10, 201), (61, 400)] {
        let changes = json!({ "iat": now + ahead, "nbf": now + ahead });
        assert_eq!(bank.send(&server, PAR, &REQUEST, &changes, "").await.status(), status, "{ahead} s");
    }
    let with_secret =
        [&REQUEST[..], &[("client_id", &bank.client.identifier), ("client_secret", "sgs_x")]].concat();
    assert_refused(&server.post(PAR).form(&with_secret).send().await, 400, "invalid_client");
    assert_refused(&bank.client.post(&server, PAR, &REQUEST).await, 400, "invalid_client");
}

#[tokio::test]
async fn the_password_grant_and_public_clients_are_not_registered() {
    let server = TestServer::start().await;
    let key = json!({ "keys": [ClientKey::new(7).jwk()] });
    for (changes, field) in [
        (json!({ "clientType": "public", "tokenEndpointAuthMethod": "none" }), "clientType"),
        (json!({ "tokenEndpointAuthMethod": "client_secret_basic" }), "tokenEndpointAuthMethod"),
        (json!({ "grantTypes": ["password"] }), "grantTypes"),
        (json!({ "authorizationSignedResponseAlg": "RS256" }), "authorizationSignedResponseAlg"),
    ] {
        let mut body = json!({
            "name": "Bank", "redirectUrls": [CALLBACK], "profile": "fapi2", "jwks": key,
            "tokenEndpointAuthMethod": "private_key_jwt",
        });
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let refused = server.post(APPLICATIONS).basic(&USER).json(&body).send().await.expect(400);
        assert!(refused.text().contains(field), "{}", refused.text());
    }
}

#[tokio::test]
async fn id_tokens_are_signed_with_an_allowed_algorithm() {
    let server = server().await;
    let bank = Bank::register(&server, json!({ "scopes": ["openid", "odata"] })).await;
    let fields = [&REQUEST[..], &[("scope", "openid")]].concat();
    let pushed = bank.push(&server, &fields).await.expect(201);
    let answer = allow(&mut server.browser(), &USER, &bank.url(&pushed)).await;
    let code = parameter(&answer, "code").unwrap();
    let proof = ClientKey::new(8).proof(&server, "POST", TOKEN);
    let tokens = bank.token(&server, &exchange(&code), &proof).await.expect(200).json();
    assert_eq!(decoded(tokens["id_token"].as_str().unwrap()).0["alg"], "PS256");
}

/// An application from before, whose profile is raised by `profiles.minimum`.
fn from_before(client_type: ClientType) -> ApplicationSettings {
    ApplicationSettings {
        name: "Harbour Reports".to_owned(),
        description: String::new(),
        redirect_urls: vec![CALLBACK.to_owned()],
        profile: Profile::Compatible,
        client_type,
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::Password],
        scopes: BuiltInScope::OData.into(),
        token_format: TokenFormat::Opaque,
        access_token_lifetime_secs: None,
        contacts: Vec::new(),
        logo_url: None,
        cors_origins: Vec::new(),
        client_metadata: ClientMetadata::default(),
    }
}

#[tokio::test]
async fn one_setting_makes_the_whole_server_strict() {
    let app = AppSettings {
        minimum_profile: Profile::Fapi2,
        default_profile: Profile::Fapi2,
        ..AppSettings::default()
    };
    let server = TestServer::start_with(Setup { app, ..Setup::default() }).await;
    let metadata = server.get("/.well-known/oauth-authorization-server").send().await.expect(200).json();
    assert_eq!(metadata["require_pushed_authorization_requests"], true);
    assert_eq!(metadata["token_endpoint_auth_methods_supported"], json!(["private_key_jwt"]));
    assert_eq!(metadata["id_token_signing_alg_values_supported"], json!(["EdDSA", "ES256", "PS256"]));
    assert!(!metadata["grant_types_supported"].as_array().unwrap().contains(&json!("password")));
    let (application, secret) =
        server.add_confidential_application(&USER, from_before(ClientType::Confidential)).await;
    let old = Client {
        id: application.id.get(),
        identifier: application.client_id.as_str().to_owned(),
        secret: Some(secret.expose().to_owned()),
    };
    assert_refused(&old.token(&server, &password_fields(&USER)).await, 400, "invalid_client");
    let answer = server.get(&old.authorize_url(&S256)).basic(&USER).send().await.expect(303);
    assert_eq!(parameter(&answer, "error").as_deref(), Some("invalid_request"));
    let body = json!({ "name": "Weak", "redirectUrls": [CALLBACK], "profile": "oauth21" });
    server.post(APPLICATIONS).basic(&USER).json(&body).send().await.expect(400);
    let bank = Bank::register(&server, json!({})).await;
    let proof = ClientKey::new(8).proof(&server, "POST", TOKEN);
    bank.token(&server, &exchange(&bank.code(&server).await), &proof).await.expect(200);
}

#[tokio::test]
async fn a_strict_server_promises_only_what_it_accepts() {
    let app = AppSettings {
        minimum_profile: Profile::Fapi2,
        default_profile: Profile::Fapi2,
        message_signing: true,
        ..AppSettings::default()
    };
    let server = TestServer::start_with(Setup { app, ..Setup::default() }).await;
    let strict = json!(["EdDSA", "ES256", "PS256"]);
    let at = async |path: &str| server.get(path).send().await.expect(200).json();
    let metadata = at("/.well-known/oauth-authorization-server").await;
    let modes = json!(["jwt", "query.jwt", "fragment.jwt", "form_post.jwt"]);
    assert_eq!(metadata["response_modes_supported"], modes);
    assert_eq!(metadata["request_uri_parameter_supported"], false);
    let lists = metadata.as_object().unwrap().iter().filter(|(name, _)| name.contains("signing_alg_values"));
    for (name, list) in lists {
        assert_eq!(*list, strict, "{name}");
    }
    let resource = at("/.well-known/oauth-protected-resource/api/odata4").await;
    assert_eq!(resource["dpop_signing_alg_values_supported"], strict);
    for path in ["/api/odata4", APPLICATIONS, "/oauth2/userinfo"] {
        let refused = server.get(path).send().await.expect(401);
        let reply = crate::dpop::challenges(&refused);
        assert!(reply.iter().any(|text| text.ends_with("algs=\"EdDSA ES256 PS256\"")), "{path}: {reply:?}");
    }
    let bank = Bank::register(&server, json!({})).await;
    let now = server.clock().now().as_secs();
    for mode in ["jwt", "query.jwt", "fragment.jwt", "form_post.jwt", "query", "fragment", "form_post"] {
        let id = &bank.client.identifier;
        let mut claims = json!({
            "iss": id, "client_id": id, "aud": ISSUER, "nbf": now, "exp": now + 60, "response_mode": mode,
        });
        claims.as_object_mut().unwrap().extend(REQUEST.map(|(name, value)| (name.to_owned(), json!(value))));
        let header = json!({ "alg": "EdDSA", "typ": "oauth-authz-req+jwt" });
        let object = bank.key.sign_with_header(&header, &claims);
        let is_promised = modes.as_array().unwrap().contains(&json!(mode));
        let pushed = bank.push(&server, &[("request", &object)]).await;
        assert_eq!(pushed.status() == 201, is_promised, "{mode}: {}", pushed.text());
    }
}

#[tokio::test]
async fn a_strict_server_gives_no_data_for_a_password() {
    let app = AppSettings {
        minimum_profile: Profile::Fapi2,
        default_profile: Profile::Fapi2,
        ..AppSettings::default()
    };
    let server = TestServer::start_with(Setup { app, ..Setup::default() }).await;
    for call in [server.get("/api/odata4"), server.get("/api/odata4").basic(&USER)] {
        let refused = call.send().await.expect(401);
        let reply = crate::dpop::challenges(&refused);
        assert!(reply.len() == 2 && reply.iter().all(|text| !text.starts_with("Basic")), "{reply:?}");
    }
    server.get(APPLICATIONS).basic(&USER).send().await.expect(200);
}

#[tokio::test]
async fn message_signing_demands_signed_requests_and_signs_responses() {
    let app = AppSettings { message_signing: true, ..AppSettings::default() };
    let server = TestServer::start_with(Setup { app, ..Setup::default() }).await;
    server
        .app()
        .signing_keys()
        .create_missing(&app::identity::caller::RequestOrigin::command_line())
        .await
        .unwrap();
    let bank = Bank::register(&server, json!({})).await;
    assert_refused(&bank.push(&server, &REQUEST).await, 400, "invalid_request");
    let now = server.clock().now().as_secs();
    let object = |changes: Value| {
        let id = &bank.client.identifier;
        let mut claims = json!({
            "iss": id, "client_id": id, "aud": ISSUER, "nbf": now, "exp": now + 60, "response_mode": "jwt",
        });
        claims.as_object_mut().unwrap().extend(REQUEST.map(|(name, value)| (name.to_owned(), json!(value))));
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        bank.key.sign_with_header(&json!({ "alg": "EdDSA", "typ": "oauth-authz-req+jwt" }), &claims)
    };
    for (changes, error) in [
        (json!({ "nbf": "1" }), "invalid_request_object"),
        (json!({ "nbf": now - 3_600 }), "invalid_request_object"),
        (json!({ "response_mode": "query" }), "invalid_request"),
    ] {
        let refused = bank.push(&server, &[("request", &object(changes))]).await;
        assert_refused(&refused, 400, error);
    }
    let pushed = bank.push(&server, &[("request", &object(json!({})))]).await.expect(201);
    let answer = allow(&mut server.browser(), &USER, &bank.url(&pushed)).await;
    let (header, claims) = decoded(&parameter(&answer, "response").unwrap());
    assert_eq!(header["alg"], "PS256");
    assert_eq!(
        (claims["iss"].as_str(), claims["aud"].as_str()),
        (Some(ISSUER), Some(&*bank.client.identifier))
    );
    let proof = ClientKey::new(8).proof(&server, "POST", TOKEN);
    bank.token(&server, &exchange(claims["code"].as_str().unwrap()), &proof).await.expect(200);
    let plain = Client::register(&server).await;
    assert!(!plain.code(&server).await.is_empty(), "other profiles are not concerned");
}
