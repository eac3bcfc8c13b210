//! Request objects ([RFC 9101](https://www.rfc-editor.org/rfc/rfc9101)).

use app::node::clock::Clock as _;
use serde_json::{Value, json};
use testkit::host::{Reply, TestHost};
use testkit::{Answer, ClientKey, Setup, TestServer, USER};

use crate::client::{
    APPLICATIONS, CALLBACK, CHALLENGE, Client, S256, Tokens, allow, assert_refused, parameter,
};

const ISSUER: &str = "http://127.0.0.1:8080";
const PAR: &str = "/oauth2/par";
const PATH: &str = "/object";

/// An application with a key.
struct Signing {
    client: Client,
    key: ClientKey,
}

impl Signing {
    async fn register(server: &TestServer, more: Value) -> Self {
        let key = ClientKey::new(1);
        let mut members = json!({ "jwks": { "keys": [key.jwk()] } });
        members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Self { client: Client::register_with(server, members).await, key }
    }

    /// The claims of a complete request.
    fn claims(&self, server: &TestServer, changes: &Value) -> Value {
        let id = &self.client.identifier;
        let mut claims = json!({
            "iss": id, "aud": ISSUER, "exp": server.clock().now().as_secs() + 60, "client_id": id,
            "response_type": "code", "redirect_uri": CALLBACK, "state": "inside",
            "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        });
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        claims
    }

    fn object(&self, server: &TestServer, changes: &Value) -> String {
        self.signed("oauth-authz-req+jwt", &self.claims(server, changes))
    }

    fn signed(&self, typ: &str, claims: &Value) -> String {
        self.key.sign_with_header(&json!({ "alg": "EdDSA", "typ": typ }), claims)
    }

    fn url(&self, more: &[(&str, &str)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("client_id", &self.client.identifier);
        format!("/oauth2/authorize?{}", query.extend_pairs(more).finish())
    }

    /// The error that the server sends to the client.
    async fn error(&self, server: &TestServer, object: &str) -> String {
        let answer = server.get(&self.url(&[("request", object)])).basic(&USER).send().await.expect(303);
        assert!(answer.location().starts_with(CALLBACK), "{}", answer.location());
        parameter(&answer, "error").unwrap()
    }
}

async fn tokens(server: &TestServer, client: &Client, answer: &Answer) -> Tokens {
    Tokens::of(&client.exchange_verified(server, &parameter(answer, "code").unwrap()).await)
}

#[tokio::test]
async fn a_signed_request_yields_a_code_and_parameters_outside_have_no_effect() {
    let server = TestServer::start().await;
    let signing = Signing::register(&server, json!({})).await;
    let object = signing.object(&server, &json!({}));
    let outside = [
        ("request", object.as_str()),
        ("redirect_uri", "https://evil.example/"),
        ("state", "outside"),
        ("scope", "nonsense"),
        ("response_mode", "fragment"),
    ];
    let mut browser = server.browser();
    let answer = allow(&mut browser, &USER, &signing.url(&outside)).await;
    assert!(answer.location().starts_with(CALLBACK), "{}", answer.location());
    assert_eq!(parameter(&answer, "state").as_deref(), Some("inside"));
    tokens(&server, &signing.client, &answer).await;
    let again = browser.get(&signing.url(&[("request", &object)])).await.expect(303);
    tokens(&server, &signing.client, &again).await;
}

#[tokio::test]
async fn an_object_may_expire_while_a_person_signs_in() {
    let server = TestServer::start().await;
    let signing = Signing::register(&server, json!({ "requireSignedRequestObject": true })).await;
    let url = signing.url(&[("request", &signing.object(&server, &json!({ "prompt": "login" })))]);
    let mut browser = server.browser();
    assert!(browser.get(&url).await.expect(200).text().contains("login-submit"));
    server.clock().advance_secs(600);
    browser.sign_in(&USER).await.expect(200);
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    let (first, second) = (browser.submit(form.clone()).await, browser.submit(form).await);
    tokens(&server, &signing.client, &first).await;
    assert_eq!(second.status(), 400, "it is answered once");
    let late = browser.get(&url).await.expect(303);
    assert_eq!(parameter(&late, "error").as_deref(), Some("invalid_request_object"));
}

#[tokio::test]
async fn an_object_that_proves_nothing_is_refused() {
    let server = TestServer::start().await;
    let signing = Signing::register(&server, json!({})).await;
    let claims = signing.claims(&server, &json!({}));
    let stranger = ClientKey::new(2);
    let typed = json!({ "alg": "EdDSA", "typ": "oauth-authz-req+jwt" });
    let good = signing.object(&server, &json!({}));
    let with_header = |header: Value| signing.key.sign_with_header(&header, &claims);
    for object in [
        stranger.sign_with_header(&typed, &claims),
        with_header(json!({ "alg": "none", "typ": "oauth-authz-req+jwt" })),
        with_header(json!({ "alg": "HS256", "typ": "oauth-authz-req+jwt" })),
        with_header(json!({ "alg": "EdDSA", "typ": "oauth-authz-req+jwt", "crit": ["exp"] })),
        with_header(json!({ "alg": "EdDSA", "typ": "dpop+jwt" })),
        with_header(json!({ "alg": "EdDSA" })),
        stranger.sign_with_header(
            &json!({ "alg": "EdDSA", "typ": "oauth-authz-req+jwt", "jwk": stranger.jwk() }),
            &claims,
        ),
        good.replace('.', "..a."),
        good[..good.len() - 8].to_owned(),
        "x".to_owned(),
        format!("{}.", good.rsplit_once('.').unwrap().0),
    ] {
        assert_eq!(signing.error(&server, &object).await, "invalid_request_object", "{object}");
    }
    for changes in [
        json!({ "iss": "another" }),
        json!({ "client_id": "another" }),
        json!({ "aud": "https://other.example" }),
        json!({ "exp": 1 }),
        json!({ "exp": null }),
        json!({ "sub": "a" }),
        json!({ "request": good }),
        json!({ "request_uri": "https://client.example/object" }),
        json!({ "state": null }),
        json!({ "claims": true }),
    ] {
        let object = signing.object(&server, &changes);
        assert_eq!(signing.error(&server, &object).await, "invalid_request_object", "{changes}");
    }
    let keyless = Signing { client: Client::register(&server).await, key: ClientKey::new(1) };
    let object = keyless.object(&server, &json!({}));
    assert_eq!(keyless.error(&server, &object).await, "invalid_request_object");
}

#[tokio::test]
async fn a_redirect_url_inside_an_object_must_be_registered() {
    let server = TestServer::start().await;
    let signing = Signing::register(&server, json!({})).await;
    let object = signing.object(&server, &json!({ "redirect_uri": "https://evil.example/" }));
    let page = server.get(&signing.url(&[("request", &object)])).send().await.expect(400);
    assert!(page.text().contains("redirect_uri is not one"), "{}", page.text());
    let scope = signing.object(&server, &json!({ "scope": "nonsense" }));
    assert_eq!(signing.error(&server, &scope).await, "invalid_scope");
}

#[tokio::test]
async fn a_pushed_object_stands_for_the_whole_request() {
    let server = TestServer::start().await;
    let signing = Signing::register(&server, json!({ "requireSignedRequestObject": true })).await;
    let object = signing.object(&server, &json!({}));
    let fields =
        [("request", object.as_str()), ("state", "outside"), ("redirect_uri", "https://evil.example/")];
    let pushed = signing.client.post(&server, PAR, &fields).await.expect(201).json();
    let url = signing.url(&[("request_uri", pushed["request_uri"].as_str().unwrap())]);
    let answer = allow(&mut server.browser(), &USER, &url).await;
    assert_eq!(parameter(&answer, "state").as_deref(), Some("inside"));
    tokens(&server, &signing.client, &answer).await;
    let forged = ClientKey::new(2).sign_with_header(
        &json!({ "alg": "EdDSA", "typ": "oauth-authz-req+jwt" }),
        &signing.claims(&server, &json!({})),
    );
    let refused = signing.client.post(&server, PAR, &[("request", &forged)]).await;
    assert_refused(&refused, 400, "invalid_request_object");
    let other =
        Client::register_with(&server, json!({ "jwks": { "keys": [ClientKey::new(3).jwk()] } })).await;
    assert_refused(&other.post(&server, PAR, &[("request", &object)]).await, 400, "invalid_request_object");
    let plain = [("response_type", "code"), ("redirect_uri", CALLBACK)];
    assert_refused(&signing.client.post(&server, PAR, &plain).await, 400, "invalid_request");
}

#[tokio::test]
async fn an_application_can_demand_signed_requests() {
    let server = TestServer::start().await;
    let signing = Signing::register(&server, json!({ "requireSignedRequestObject": true })).await;
    let answer = server.get(&signing.client.authorize_url(&S256)).basic(&USER).send().await.expect(303);
    assert_eq!(parameter(&answer, "error").as_deref(), Some("invalid_request"));
    let answer = allow(
        &mut server.browser(),
        &USER,
        &signing.url(&[("request", &signing.object(&server, &json!({})))]),
    )
    .await;
    tokens(&server, &signing.client, &answer).await;
}

#[tokio::test]
async fn a_signed_request_can_be_required_of_everybody() {
    let mut setup = Setup::default();
    setup.app.request_objects.required = true;
    let server = TestServer::start_with(setup).await;
    let metadata = server.get("/.well-known/oauth-authorization-server").send().await.expect(200).json();
    assert_eq!(metadata["require_signed_request_object"], true);
    assert_eq!(metadata["request_parameter_supported"], true);
    let signing = Signing::register(&server, json!({})).await;
    let answer = server.get(&signing.client.authorize_url(&S256)).basic(&USER).send().await.expect(303);
    assert_eq!(parameter(&answer, "error").as_deref(), Some("invalid_request"));
    let url = signing.url(&[("request", &signing.object(&server, &json!({})))]);
    tokens(&server, &signing.client, &allow(&mut server.browser(), &USER, &url).await).await;
}

#[tokio::test]
async fn only_the_registered_algorithm_signs_objects() {
    let server = TestServer::start().await;
    let signing = Signing::register(&server, json!({ "requestObjectSigningAlg": "ES256" })).await;
    let object = signing.object(&server, &json!({}));
    assert_eq!(signing.error(&server, &object).await, "invalid_request_object");
    let path = format!("{APPLICATIONS}/{}", signing.client.id);
    let change = |alg: &str| json!({ "name": "Harbour Reports", "redirectUrls": [CALLBACK], "requestObjectSigningAlg": alg });
    server.put(&path).basic(&USER).json(&change("none")).send().await.expect(400);
    server.put(&path).basic(&USER).json(&change("")).send().await.expect(200);
    let url = signing.url(&[("request", &object)]);
    tokens(&server, &signing.client, &allow(&mut server.browser(), &USER, &url).await).await;
}

#[tokio::test]
async fn an_object_is_fetched_from_a_registered_address() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let uri = host.url("client.test", PATH);
    let signing = Signing::register(&server, json!({ "requestUris": [uri] })).await;
    let publish = |object: &str| host.reply(PATH, Reply::text(object.to_owned()));
    publish(&signing.object(&server, &json!({})));
    let url = signing.url(&[("request_uri", &uri)]);
    let answer = allow(&mut server.browser(), &USER, &url).await;
    assert_eq!(parameter(&answer, "state").as_deref(), Some("inside"));
    tokens(&server, &signing.client, &answer).await;
    assert_eq!(host.received(PATH).len(), 1, "our pages refer to the stored request");
    publish("no object");
    let answer = server.get(&url).basic(&USER).send().await.expect(303);
    assert_eq!(parameter(&answer, "error").as_deref(), Some("invalid_request_object"));
}

#[tokio::test]
async fn the_keys_of_objects_may_be_at_an_address() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let key = ClientKey::new(1);
    host.reply("/keys", Reply::json(&json!({ "keys": [key.jwk()] })));
    let members = json!({ "jwksUri": host.url("client.test", "/keys") });
    let signing = Signing { client: Client::register_with(&server, members).await, key };
    let url = signing.url(&[("request", &signing.object(&server, &json!({})))]);
    tokens(&server, &signing.client, &allow(&mut server.browser(), &USER, &url).await).await;
    let members = json!({ "jwksUri": host.url("client.test", "/none") });
    let lost = Signing { client: Client::register_with(&server, members).await, key: ClientKey::new(1) };
    assert_eq!(lost.error(&server, &lost.object(&server, &json!({}))).await, "invalid_request_object");
}

#[tokio::test]
async fn objects_are_fetched_only_from_registered_addresses() {
    for (by_reference, any, error) in [
        (true, false, "invalid_request_uri"),
        (false, false, "request_uri_not_supported"),
        (true, true, "none"),
    ] {
        let mut setup = Setup::default();
        setup.app.request_objects.by_reference = by_reference;
        setup.app.request_objects.unregistered_addresses = any;
        let (server, host) = (TestServer::start_with(setup).await, TestHost::start().await);
        let signing = Signing::register(&server, json!({})).await;
        host.reply(PATH, Reply::text(signing.object(&server, &json!({}))));
        let url = signing.url(&[("request_uri", &host.url("client.test", PATH))]);
        if error == "none" {
            assert!(server.get(&url).send().await.expect(200).text().contains("login-submit"));
        } else {
            let answer = server.get(&url).basic(&USER).send().await;
            assert_eq!(parameter(&answer.expect(303), "error").as_deref(), Some(error));
            assert_eq!(host.received(PATH).len(), 0, "nothing was fetched");
        }
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_fetched_is_an_invalid_request_uri() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let uris = [host.url("client.test", "/moved"), host.url("client.test", "/gone")];
    let signing = Signing::register(&server, json!({ "requestUris": uris })).await;
    host.reply("/moved", Reply::text("").status(302).header("location", "https://a.example/"));
    for uri in &uris {
        let answer = server.get(&signing.url(&[("request_uri", uri)])).basic(&USER).send().await.expect(303);
        assert_eq!(parameter(&answer, "error").as_deref(), Some("invalid_request_uri"), "{uri}");
    }
}

#[tokio::test]
async fn addresses_of_objects_are_checked_at_registration() {
    let server = TestServer::start().await;
    for uri in ["http://client.example/o", "https://a:b@client.example/o", "urn:x", ""] {
        let body = json!({ "name": "Ship", "redirectUrls": [CALLBACK], "requestUris": [uri, uri] });
        let refused = server.post(APPLICATIONS).basic(&USER).json(&body).send().await.expect(400);
        assert!(refused.text().contains("requestUris[0]"), "{}", refused.text());
    }
}

#[tokio::test]
async fn an_object_that_waits_for_a_person_is_held_to_what_is_demanded_since() {
    let server = TestServer::start().await;
    for (demand, error) in [
        (json!({ "requestObjectSigningAlg": "ES256" }), "invalid_request_object"),
        (json!({ "requirePushedAuthorizationRequests": true }), "invalid_request"),
    ] {
        let signing = Signing::register(&server, json!({})).await;
        let object = signing.object(&server, &json!({}));
        let pushed = signing.client.post(&server, PAR, &[("request", &object)]).await.expect(201).json();
        let mut browser = server.browser();
        browser.get(&signing.url(&[("request", &object)])).await.expect(200);
        let path = format!("{APPLICATIONS}/{}", signing.client.id);
        let mut changed = json!({ "name": "Harbour Reports", "redirectUrls": [CALLBACK] });
        changed.as_object_mut().unwrap().extend(demand.as_object().unwrap().clone());
        server.put(&path).basic(&USER).json(&changed).send().await.expect(200);
        let brought = browser.sign_in(&USER).await.expect(303);
        assert_eq!(parameter(&brought, "error").as_deref(), Some(error), "{demand}");
        let pushed = signing.url(&[("request_uri", pushed["request_uri"].as_str().unwrap())]);
        let page = browser.get(&pushed).await;
        let is_pushed_enough = demand.get("requirePushedAuthorizationRequests").is_some();
        assert_eq!(page.status() == 200, is_pushed_enough, "{demand}: {}", page.text());
    }
}
