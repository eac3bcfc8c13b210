//! Requests of broken and malicious programs: the right format and status, no server failure, nothing
//! changed.

use http::Method;
use testkit::{TestServer, USER};

use crate::client::{Client, TOKEN, Tokens, assert_refused, is_alive, password_fields};

const ENDPOINTS: [&str; 7] = [
    "/oauth2/par",
    TOKEN,
    "/api/mgmt/oauth2/token",
    "/oauth2/introspect",
    "/api/mgmt/oauth2/introspect",
    "/oauth2/revoke",
    "/api/mgmt/oauth2/revoke",
];
const FORM: &str = "application/x-www-form-urlencoded";

/// A body that starts with the credentials of a client.
fn body_of(client: &Client, rest: &[u8]) -> Vec<u8> {
    let secret = client.secret.as_deref().unwrap();
    let mut body = format!("client_id={}&client_secret={secret}&", client.identifier).into_bytes();
    body.extend_from_slice(rest);
    body
}

#[tokio::test]
async fn malformed_forms_are_invalid_requests() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let many = "a=b&".repeat(5_000);
    let bodies: [&[u8]; 4] = [
        b"grant_type=password&grant_type=password&token=a&token=b",
        b"grant_type=password&grant_type=refresh_token&token=a&token=a",
        many.as_bytes(),
        b"=&=&==",
    ];
    for path in ENDPOINTS {
        for body in bodies {
            let answer = server.post(path).body(FORM, body_of(&client, body)).send().await;
            assert_refused(&answer, 400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn a_compressed_body_and_one_with_two_media_types_are_refused_and_not_read() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    for path in ENDPOINTS.into_iter().chain(["/oauth2/device_authorization", "/oauth2/bc-authorize"]) {
        let call = || server.post(path).body(FORM, body_of(&client, b"token=x"));
        let packed = call().header("content-encoding", "gzip").send().await;
        assert_refused(&packed, 415, "invalid_request");
        assert_eq!(packed.header("accept-encoding"), "identity", "{path}");
        let twice = call().header("content-type", "application/json").send().await;
        assert_refused(&twice, 400, "invalid_request");
    }
    for path in ["/login", "/device", "/oauth2/authorize", "/oauth2/register", "/api/admin/users"] {
        let packed = server.post(path).body(FORM, "a=b").header("content-encoding", "br");
        packed.send().await.expect(415);
        let twice = server.post(path).body(FORM, "a=b").header("content-type", "application/json");
        twice.send().await.expect(400);
    }
    let plain = server.post(TOKEN).form(&password_fields(&USER)).header("content-encoding", "identity");
    assert_refused(&plain.send().await, 401, "invalid_client");
    server.get("/login").header("content-encoding", "gzip").send().await.expect(200);
}

/// Values of every length and with every kind of character, form-encoded.
fn nonsense() -> Vec<String> {
    let long = "x".repeat(20_000);
    let mut values: Vec<String> =
        ["a%00b", "a%0d%0ab", "%ff%fe", "%c3%28", "%f0%9f%98%80", "%", "%2", "+", "a,b", "%EF%BF%BD"]
            .map(str::to_owned)
            .to_vec();
    for prefix in ["sga_", "sgr_", "sgc_", "sgs_", ""] {
        values.extend([format!("{prefix}{long}"), format!("{prefix}%00"), format!("{prefix}%C2%85")]);
    }
    values
}

#[tokio::test]
async fn a_text_that_is_not_a_token_is_unknown_and_never_malformed() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    for value in nonsense() {
        let send = async |path: &'static str, rest: String| {
            server.post(path).body(FORM, body_of(&client, rest.as_bytes())).send().await
        };
        for hint in ["", "&token_type_hint=access_token", &format!("&token_type_hint={value}")] {
            let response = send("/oauth2/introspect", format!("token={value}{hint}")).await.expect(200);
            assert_eq!(response.json(), serde_json::json!({ "active": false }), "{value}");
            let ended = send("/oauth2/revoke", format!("token={value}{hint}")).await.expect(200);
            assert_eq!(ended.json(), serde_json::json!({}), "{value}");
        }
        let code =
            send(TOKEN, format!("grant_type=authorization_code&code={value}&redirect_uri={value}")).await;
        assert_refused(&code, 400, "invalid_grant");
        let refresh = send(TOKEN, format!("grant_type=refresh_token&refresh_token={value}")).await;
        assert_refused(&refresh, 400, "invalid_grant");
        let grant = send(TOKEN, format!("grant_type={value}")).await;
        assert_refused(&grant, 400, "unsupported_grant_type");
    }
}

#[tokio::test]
async fn a_token_that_is_not_utf_8_is_unknown() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let response =
        server.post("/oauth2/introspect").body(FORM, body_of(&client, b"token=\xff\xfe")).send().await;
    assert_eq!(response.expect(200).json()["active"], false);
    server.post("/oauth2/revoke").body(FORM, body_of(&client, b"token=\xff")).send().await.expect(200);
    let body = body_of(&client, b"grant_type=refresh_token&refresh_token=\xff&scope=odata");
    assert_refused(&server.post(TOKEN).body(FORM, body).send().await, 400, "invalid_grant");
    let json = br#"{"token":"a\u0000b"}"#;
    let (id, secret) = (client.identifier.as_str(), client.secret.as_deref().unwrap());
    let response =
        server.post("/oauth2/introspect").basic_as(id, secret).body("application/json", json.to_vec());
    assert_eq!(response.send().await.expect(200).json()["active"], false);
}

#[tokio::test]
async fn credentials_of_any_form_are_wrong_and_never_malformed() {
    let mut setup = testkit::Setup::default();
    setup.app.rates.enabled = false;
    let server = TestServer::start_with(setup).await;
    let client = Client::register(&server).await;
    for value in nonsense() {
        for credentials in [
            format!("client_id={value}&client_secret=x"),
            format!("client_id={}&client_secret={value}", client.identifier),
        ] {
            for path in ENDPOINTS {
                let body = format!("{credentials}&token=x&grant_type=refresh_token&refresh_token=x");
                assert_refused(&server.post(path).body(FORM, body).send().await, 400, "invalid_client");
            }
        }
        for credentials in
            [format!("username={value}&password=x"), format!("username=nobody&password={value}")]
        {
            let body = body_of(&client, format!("grant_type=password&{credentials}").as_bytes());
            assert_refused(&server.post(TOKEN).body(FORM, body).send().await, 400, "invalid_grant");
        }
    }
}

#[tokio::test]
async fn malformed_json_is_an_invalid_request() {
    let server = TestServer::start().await;
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let bodies: [&[u8]; 11] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\"text\"",
        b"{\"grant_type\":{\"a\":1}}",
        b"{\"grant_type\":[\"password\"]}",
        b"{\"grant_type\":1}",
        b"{\"grant_type\":\"\xff\"}",
        b"{\"grant_type\":\"password\"} trailing",
        deep.as_bytes(),
    ];
    for path in ENDPOINTS {
        for body in bodies {
            let answer = server.post(path).body("application/json", body).send().await;
            assert_refused(&answer, 400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn another_content_type_gets_415_and_a_large_body_413() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    for path in ENDPOINTS {
        for kind in ["text/plain", "multipart/form-data; boundary=x", "application/xml", "x", ""] {
            let answer = server.post(path).body(kind, body_of(&client, b"grant_type=password")).send().await;
            assert_refused(&answer, 415, "invalid_request");
        }
        for kind in [FORM, "application/json"] {
            let answer = server.post(path).body(kind, vec![b'a'; 2 * 1024 * 1024]).send().await;
            assert_refused(&answer, 413, "invalid_request");
        }
        let cased = server.post(path).body("Application/X-WWW-Form-UrlEncoded; charset=UTF-8", "a=b");
        assert_refused(&cased.send().await, 401, "invalid_client");
    }
}

#[tokio::test]
async fn the_response_to_an_empty_body_names_the_missing_parameter() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let secret = client.secret.as_deref().unwrap();
    for path in ENDPOINTS {
        assert_refused(&server.post(path).send().await, 401, "invalid_client");
        let named = server.post(path).basic_as(&client.identifier, secret).send().await;
        assert_refused(&named, 400, "invalid_request");
        assert!(named.text().contains("is missing"), "{}", named.text());
    }
}

/// The token truncated at every position, and with each of its characters changed.
fn damaged(token: &str) -> Vec<String> {
    let cut = (1..token.len()).map(|end| token[..end].to_owned());
    let changed = (0..token.len()).map(|at| {
        let mut bytes = token.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    });
    let longer = [format!("{token}A"), format!("{token}="), format!(" {token}x"), token.to_uppercase()];
    cut.chain(changed).chain(longer).collect()
}

#[tokio::test]
async fn truncated_or_changed_tokens_are_invalid_and_have_no_effect() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let code = client.code(&server).await;
    let tokens = client.tokens(&server).await;
    for bad in damaged(&tokens.access) {
        assert!(!is_alive(&server, &bad).await, "{bad}");
    }
    for bad in damaged(&tokens.refresh) {
        assert_refused(&client.refresh(&server, &bad).await, 400, "invalid_grant");
        client.post(&server, "/oauth2/revoke", &[("token", &bad)]).await.expect(200);
        assert_eq!(client.introspect(&server, &bad).await["active"], false);
    }
    for bad in damaged(&code) {
        assert_refused(&client.exchange(&server, &bad).await, 400, "invalid_grant");
    }
    assert!(is_alive(&server, &tokens.access).await);
    Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    Tokens::of(&client.exchange(&server, &code).await);
}

#[tokio::test]
async fn truncated_or_changed_secrets_are_wrong() {
    let mut setup = testkit::Setup::default();
    setup.app.rates.enabled = false;
    let server = TestServer::start_with(setup).await;
    let client = Client::register(&server).await;
    for bad in damaged(client.secret.as_deref().unwrap()) {
        let wrong = Client { secret: Some(bad), ..client.clone() };
        assert_refused(&wrong.refresh(&server, "x").await, 400, "invalid_client");
    }
    Tokens::of(&client.password(&server, &USER).await);
}

#[tokio::test]
async fn malformed_authorization_headers_are_refused() {
    let server = TestServer::start().await;
    let headers: [&[u8]; 9] = [
        b"Basic",
        b"Basic ",
        b"Basic Og==",
        b"Basic YQ==",
        b"Basic \xff\xfe",
        b"Basic /////w==",
        b"Bearer x",
        b"Digest a=b",
        b"Basic JWZmOiVmZg==",
    ];
    for path in ENDPOINTS {
        for header in headers {
            let call = server.post(path).header("authorization", header).form(&password_fields(&USER));
            assert_refused(&call.send().await, 401, "invalid_client");
        }
        let twice = server.post(path).basic_as("a", "b").basic_as("a", "b").form(&password_fields(&USER));
        assert_refused(&twice.send().await, 400, "invalid_request");
    }
}

#[tokio::test]
async fn malformed_authorization_requests_get_an_error_page() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let valid = client.authorize_url(&[]);
    let queries = [
        format!("{valid}&state=%ff"),
        format!("{valid}&state=a%00b"),
        format!("{valid}&state=a%0d%0aset-cookie:x"),
        format!("{valid}&state={}", "x".repeat(8_193)),
        format!("{valid}{}", "&a=b".repeat(2_000)),
        format!("{valid}&clientId=other"),
    ];
    for query in queries {
        for cookie in ["", "sluicegate=x"] {
            let answer = server.get(&query).header("cookie", cookie).send().await;
            assert_eq!(answer.status(), 400, "{query}");
            assert!(answer.text().contains("error-title"));
            assert_eq!(answer.location(), "");
        }
    }
    let long = server.get(&format!("{valid}&state={}", "x".repeat(40_000))).send().await.expect(414);
    assert!(long.text().contains("error-title"));
}

#[tokio::test]
async fn malformed_page_forms_get_an_error_page() {
    let server = TestServer::start().await;
    let many = "a=b&".repeat(5_000);
    let huge = vec![b'a'; 2 * 1024 * 1024];
    let bodies: [(&str, &[u8], u16); 6] = [
        (FORM, b"username=%ff", 400),
        (FORM, many.as_bytes(), 400),
        (FORM, &huge, 413),
        ("application/json", b"{}", 415),
        ("", b"", 415),
        (FORM, b"csrf=a&csrf=b", 403),
    ];
    for path in ["/login", "/oauth2/consent", "/account/password", "/logout"] {
        for (kind, body, status) in bodies {
            let session = format!("sluicegate={}", server.session(&USER).await);
            let answer = server.post(path).header("cookie", session).body(kind, body).send().await;
            assert_eq!(answer.status(), status, "{path} {kind}");
            assert!(answer.text().contains("error-title"), "{path} {kind}");
        }
    }
}

#[tokio::test]
async fn no_method_on_any_path_causes_a_server_error() {
    let server = TestServer::start().await;
    let paths = ENDPOINTS.iter().copied().chain([
        "/oauth2/authorize",
        "/oauth2/consent",
        "/oauth2/",
        "/oauth2/unknown",
        "/login",
        "/logout",
        "/account",
        "/account/applications",
        "/account/applications/%00/revoke",
        "/account/applications/%ff/revoke",
        "/account/applications/99999999999999999999/revoke",
        "/account/password",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/healthz",
        "/assets/../login",
        "//",
    ]);
    let session = format!("sluicegate={}", server.session(&USER).await);
    for path in paths {
        for method in [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
            Method::TRACE,
        ] {
            let answer = server.call(method.clone(), path).header("cookie", &session).send().await;
            assert!(answer.status() < 500, "{method} {path}: {}", answer.status());
            assert_eq!(answer.status() == 405, !answer.header("allow").is_empty(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_response_to_a_server_failure_does_not_contain_its_cause() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let code = client.code(&server).await;
    store::Maintenance::close(server.store()).await.unwrap();
    let answer = client.exchange(&server, &code).await;
    assert_refused(&answer, 503, "temporarily_unavailable");
    assert!(!answer.header("retry-after").is_empty());
    let mut browser = server.browser();
    browser.get("/login").await;
    let page = browser.sign_in(&USER).await.expect(503);
    for text in [answer.text(), page.text()] {
        let text = text.to_lowercase();
        for cause in ["sqlite", "queue", "closed", "error code", "rusqlite", "/tmp"] {
            assert!(!text.contains(cause), "{cause}: {text}");
        }
    }
}
