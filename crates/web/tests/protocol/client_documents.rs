//! Clients that identify themselves by the URL of their metadata document.

use app::AppSettings;
use app::node::clock::Clock as _;
use serde_json::{Value, json};
use testkit::host::{Reply, TestHost};
use testkit::{ADMIN, ClientKey, Setup, TestServer, USER};
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::client::{
    APPLICATIONS, CALLBACK, Client, S256, TOKEN, Tokens, VERIFIER, allow, assert_refused, parameter,
};

pub(crate) const PATH: &str = "/client.json";
const KEYS: &str = "/keys.json";
pub(crate) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A document with these additional members at an origin, and its client.
pub(crate) fn publish(host: &TestHost, more: &Value) -> Client {
    publish_at(host, PATH, more)
}

/// The same at another path.
pub(crate) fn publish_at(host: &TestHost, path: &str, more: &Value) -> Client {
    let url = host.url("client.test", path);
    let mut document = json!({
        "client_id": url,
        "client_name": "Harbour Agent",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token", "urn:example:other"],
        "token_endpoint_auth_method": "none",
    });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    host.reply(path, Reply::json(&document).header("cache-control", "max-age=60"));
    Client { id: 0, identifier: url, secret: None }
}

/// An assertion of this client.
pub(crate) fn assertion(server: &TestServer, client: &Client, key: &ClientKey, jti: &str) -> String {
    let id = client.identifier.as_str();
    let expires_at = server.clock().now().as_secs() + 60;
    let claims =
        json!({ "iss": id, "sub": id, "aud": "http://127.0.0.1:8080", "jti": jti, "exp": expires_at });
    key.sign_with_header(&json!({ "alg": "EdDSA" }), &claims)
}

pub(crate) async fn applications(server: &TestServer) -> Vec<Value> {
    let listed = server.get(APPLICATIONS).basic(&ADMIN).send().await.expect(200).json();
    listed["applications"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_client_that_nobody_registered_gets_tokens_that_rotate() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let client = publish(&host, &json!({}));
    let tokens = client.tokens(&server).await;
    server.get("/api/odata4/").bearer(&tokens.access).send().await.expect(200);
    let next = Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    assert_ne!(next.refresh, tokens.refresh);
    client.post(&server, "/oauth2/revoke", &[("token", &next.refresh)]).await.expect(200);
    client.refresh(&server, &next.refresh).await.expect(400);
    assert_eq!(host.received(PATH).len(), 1, "the document is fetched once");
}

#[tokio::test]
async fn an_application_is_stored_when_a_user_allows_it_and_not_before() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let client = publish(&host, &json!({}));
    let mut browser = server.browser();
    browser.get(&client.authorize_url(&S256)).await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    assert!(applications(&server).await.is_empty());
    let deny = browser.form_with_button("consent-deny").press("consent-deny");
    browser.submit(deny).await.expect(303);
    assert!(applications(&server).await.is_empty());
    for _ in 0..2 {
        allow(&mut browser, &USER, &client.authorize_url(&S256)).await;
        let all = applications(&server).await;
        assert_eq!(all.len(), 1);
        let one = server.get(&format!("{APPLICATIONS}/{}", all[0]["id"])).basic(&ADMIN).send().await;
        let one = one.expect(200).json();
        assert_eq!(one["clientId"], client.identifier.as_str());
        assert_eq!((one["clientType"].as_str(), one["profile"].as_str()), (Some("public"), Some("oauth21")));
    }
}

#[tokio::test]
async fn the_consent_page_shows_the_host_of_the_document_and_of_the_redirect() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let client = publish(&host, &json!({}));
    let mut browser = server.browser();
    browser.get(&client.authorize_url(&S256)).await.expect(200);
    let page = browser.sign_in(&USER).await.expect(200);
    assert!(page.text().contains("<code id=\"document-host\">client.test</code>"), "{}", page.text());
    assert!(page.text().contains("id=\"destination\"") && !page.text().contains("Registered by"));
}

#[tokio::test]
async fn a_stored_application_follows_its_document() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let client = publish(&host, &json!({}));
    client.tokens(&server).await;
    publish(&host, &json!({"client_name": "Harbour Agent 2", "redirect_uris": ["https://other.example/cb"]}));
    server.clock().advance_secs(61);
    let page = server.get(&client.authorize_url(&S256)).send().await.expect(400);
    assert!(page.text().contains("redirect_uri is not one"), "{}", page.text());
    assert_eq!(applications(&server).await[0]["name"], "Harbour Agent 2");
}

#[tokio::test]
async fn a_document_that_breaks_a_rule_is_named_on_a_page_and_nobody_is_redirected() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    for (more, words) in [
        (json!({"client_id": "https://client.test/other"}), "names another client_id"),
        (json!({"client_secret": "s"}), "contains a secret"),
        (json!({"token_endpoint_auth_method": "private_key_jwt"}), "no method of client authentication"),
        (json!({"redirect_uris": ["javascript:alert(1)"]}), "no redirect URI"),
        (json!({"grant_types": ["implicit"]}), "no grant type"),
        (json!({"client_name": 7}), "right types"),
        (json!({"padding": "x".repeat(6_000)}), "longer than 5 kB"),
    ] {
        let client = publish(&host, &more);
        let page = server.get(&client.authorize_url(&S256)).send().await.expect(400);
        assert!(page.text().contains(words), "{more}: {}", page.text());
        assert!(page.headers().get("location").is_none());
    }
    let client = publish(&host, &json!({}));
    server.get(&client.authorize_url(&S256)).send().await.expect(200);
}

#[tokio::test]
async fn a_document_that_cannot_be_fetched_is_its_own_error() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let client = publish(&host, &json!({}));
    let document = Reply::text("{}").header("content-type", "application/json");
    for (reply, words) in [
        (document.clone().status(404), "status 200"),
        (document.clone().status(206), "status 200"),
        (document.clone().status(302).header("location", "https://client.test/"), "status 200"),
        (Reply::text("<html>").header("content-type", "text/html"), "status 200"),
    ] {
        host.reply(PATH, reply);
        let page = server.get(&client.authorize_url(&S256)).send().await.expect(400);
        assert!(page.text().contains(words), "{}", page.text());
    }
    for status in [429, 500, 503] {
        host.reply(PATH, document.clone().status(status));
        let page = server.get(&client.authorize_url(&S256)).send().await.expect(400);
        assert!(page.text().contains("invalid_client"), "{}", page.text());
        assert_eq!(page.headers()["retry-after"], "5");
    }
    for (url, may_pass, words) in [
        ("https://nowhere.example/client", true, "has no public address"),
        ("https://metadata.internal/client", true, "has no public address"),
        ("https://169.254.169.254/latest/meta-data", false, "is not a public address"),
        ("https://[fd00::1]/client", false, "is not a public address"),
    ] {
        let client = Client { id: 0, identifier: url.to_owned(), secret: None };
        let page = server.get(&client.authorize_url(&S256)).send().await.expect(400);
        assert!(page.text().contains(words), "{url}: {}", page.text());
        assert_eq!(page.headers().contains_key("retry-after"), may_pass, "{url}");
    }
    for url in [
        "https://client.test/a/../b",
        "https://u@client.test/a",
        "https://client.test/a#",
        "https://client.test",
    ] {
        let client = Client { id: 0, identifier: url.to_owned(), secret: None };
        let page = server.get(&client.authorize_url(&S256)).send().await.expect(400);
        assert!(page.text().contains("cannot identify a client"), "{url}: {}", page.text());
    }
}

/// Anybody can name a host that is out of order: that makes no endpoint answer as if this server had failed.
#[tokio::test]
async fn a_client_id_of_a_stranger_is_no_failure_of_the_server_at_any_endpoint() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    host.reply("/broken", Reply::text("no").status(500));
    for url in [
        "https://nosuch.invalid/a".to_owned(),
        "https://metadata.internal/a".to_owned(),
        host.url("untrusted.test", "/a"),
        host.url("client.test", "/broken"),
    ] {
        let client = Client { id: 0, identifier: url.clone(), secret: None };
        for (path, fields) in [
            ("/oauth2/token", &[("grant_type", "authorization_code"), ("code", "c")][..]),
            ("/oauth2/par", &[("response_type", "code")]),
            ("/oauth2/introspect", &[("token", "t")]),
            ("/oauth2/revoke", &[("token", "t")]),
            ("/oauth2/device_authorization", &[]),
            ("/oauth2/bc-authorize", &[("login_hint", "u"), ("scope", "openid")]),
        ] {
            let refused = client.post(&server, path, fields).await;
            assert_refused(&refused, 400, "invalid_client");
            assert_eq!(refused.headers()["retry-after"], "5", "{path} {url}");
        }
        let page = server.get(&client.authorize_url(&S256)).send().await.expect(400);
        assert!(page.text().contains("invalid_client"), "{}", page.text());
        let id: String = byte_serialize(url.as_bytes()).collect();
        let by_header = server.post(TOKEN).basic_as(&id, "s");
        let refused = by_header.form(&[("grant_type", "client_credentials")]).send().await;
        assert_refused(&refused, 401, "invalid_client");
    }
}

#[tokio::test]
async fn a_client_of_a_document_must_use_pkce() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let client = publish(&host, &json!({}));
    client.tokens(&server).await;
    let answer = server.get(&client.authorize_url(&[])).basic(&USER).send().await.expect(303);
    assert_eq!(parameter(&answer, "error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn documents_can_be_switched_off() {
    let host = TestHost::start().await;
    let client = publish(&host, &json!({}));
    for is_on in [true, false] {
        let mut setup = Setup::default();
        setup.app = AppSettings { client_documents: is_on, ..setup.app };
        let server = TestServer::start_with(setup).await;
        let status = server.get(&client.authorize_url(&S256)).send().await.status();
        assert_eq!(status, if is_on { 200 } else { 400 });
        let metadata = server.get("/.well-known/oauth-authorization-server").send().await.json();
        assert_eq!(metadata["client_id_metadata_document_supported"], is_on);
    }
    assert_eq!(host.received(PATH).len(), 1);
}

/// The documents of well-known clients as they publish them, with a redirect URI that each sends.
const PUBLISHED: [(&str, &str, &str, &str); 4] = [
    (
        "https://chatgpt.com/oauth/client.json",
        include_str!("documents/chatgpt.json"),
        "https://chatgpt.com/connector_platform_oauth_redirect",
        "ChatGPT",
    ),
    (
        "https://claude.ai/oauth/mcp-oauth-client-metadata",
        include_str!("documents/claude.json"),
        "https://claude.ai/api/mcp/auth_callback",
        "Claude",
    ),
    (
        "https://claude.ai/oauth/claude-code-client-metadata",
        include_str!("documents/claude-code.json"),
        "http://localhost:51763/callback",
        "Claude Code",
    ),
    (
        "https://vscode.dev/oauth/client-metadata.json",
        include_str!("documents/vscode.json"),
        "http://127.0.0.1:33418/",
        "Visual Studio Code",
    ),
];

#[tokio::test]
async fn the_documents_of_well_known_clients_are_accepted_as_they_are() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    for (id, document, redirect_uri, name) in PUBLISHED {
        // Only the host and the key differ: the test cannot publish anything at that of the client.
        let path = &id[id.match_indices('/').nth(2).unwrap().0..];
        let url = host.url("client.test", path);
        let document = document.replace(&format!("\"{id}\""), &format!("\"{url}\""));
        let keys = (host.url("client.test", KEYS), ClientKey::new(1));
        let document =
            document.replace("https://chatgpt.com/oauth/jwks.json", &keys.0).replace("RS256", "EdDSA");
        host.reply(KEYS, Reply::json(&json!({ "keys": [keys.1.jwk()] })));
        let must_sign = document.contains("private_key_jwt");
        let kind = ("content-type", "application/json; charset=utf-8");
        host.reply(path, Reply::text(document).header(kind.0, kind.1).header("cache-control", "max-age=300"));
        let query = Serializer::new(String::new())
            .extend_pairs([
                ("response_type", "code"),
                ("client_id", &url),
                ("redirect_uri", redirect_uri),
                ("scope", "api.access.odata"),
                ("resource", "http://127.0.0.1:8080/api/odata4"),
                ("state", "opaque state"),
            ])
            .extend_pairs(S256)
            .finish();
        let mut browser = server.browser();
        browser.get(&format!("/oauth2/authorize?{query}")).await.expect(200);
        let page = browser.sign_in(&USER).await.expect(200);
        assert!(page.text().contains(name), "{}", page.text());
        let form = browser.form_with_button("consent-allow").press("consent-allow");
        let answer = browser.submit(form).await.expect(303);
        assert!(answer.location().starts_with(redirect_uri), "{}", answer.location());
        assert_eq!(parameter(&answer, "state").as_deref(), Some("opaque state"));
        let code = parameter(&answer, "code").unwrap();
        let exchange = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", redirect_uri),
            ("code_verifier", VERIFIER),
            ("resource", "http://127.0.0.1:8080/api/odata4"),
        ];
        let client = Client { id: 0, identifier: url, secret: None };
        let signed = async |fields: &[(&str, &str)], jti: &str| {
            let assertion = assertion(&server, &client, &keys.1, jti);
            let with = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion.as_str())];
            let signed = [fields, if must_sign { &with } else { &[] }].concat();
            Tokens::of(&client.token(&server, &signed).await)
        };
        let tokens = signed(&exchange, "1").await;
        server.get("/api/odata4/").bearer(&tokens.access).send().await.expect(200);
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
        let next = signed(&refresh, "2").await;
        assert_ne!(next.refresh, tokens.refresh, "{name}");
    }
}
