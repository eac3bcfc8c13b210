//! Certificates of clients over real TLS: the listener that asks for them ([RFC
//! 8705](https://www.rfc-editor.org/rfc/rfc8705)).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use testkit::TestCertificate::{Crane, Pilot, SelfSigned};
use testkit::{ADMIN, Installation, Served, TestCertificate, basic};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");
const CERTIFICATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/certificates/");

fn serve(installation: &Installation) -> Served {
    let file = |name: &str, content: &[u8]| {
        let path = installation.folder().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_string_lossy().into_owned()
    };
    let read = |name: &str| std::fs::read(Path::new(CERTIFICATES).join(name)).unwrap();
    let (chain, key) = (file("chain.pem", &read("first.pem")), file("key.pem", &read("first.key")));
    let authorities = file("clients.pem", TestCertificate::AUTHORITY);
    let variables = [
        ("SLUICEGATE_CLIENT_CERTIFICATES__LISTEN", "127.0.0.1:0"),
        ("SLUICEGATE_CLIENT_CERTIFICATES__AUTHORITIES_FILE", &authorities),
    ];
    installation.serve_with(&["--tls-cert", &chain, "--tls-key", &key], &variables)
}

/// One request over a connection of its own, with this certificate. The answer is the status and the JSON of the body.
async fn request(
    address: &str,
    certificate: Option<TestCertificate>,
    head: &str,
    body: &str,
) -> (u16, Value) {
    let mut roots = RootCertStore::empty();
    let own = CertificateDer::from_pem_file(Path::new(CERTIFICATES).join("first.pem")).unwrap();
    roots.add(own).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = versions.unwrap().with_root_certificates(roots);
    let config = match certificate {
        None => config.with_no_client_auth(),
        Some(certificate) => {
            let key = PrivateKeyDer::from_pem_slice(certificate.key()).unwrap();
            config.with_client_auth_cert(vec![certificate.der()], key).unwrap()
        }
    };
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let length = body.len();
    let text =
        format!("{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

fn get(path: &str, header: &str) -> String {
    format!("GET {path} HTTP/1.1\r\n{header}")
}

fn form(path: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded")
}

/// Registers a service with these further members, and returns its client id.
async fn register(address: &str, members: Value) -> String {
    let mut payload = json!({
        "name": "Crane", "redirectUrls": ["https://client.example/cb"], "grantTypes": ["client_credentials"],
    });
    payload.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let authorization = basic(ADMIN.name, ADMIN.password);
    let head = format!(
        "POST /api/mgmt/oauth/client/applications HTTP/1.1\r\nContent-Type: application/json\r\n\
         Authorization: {authorization}"
    );
    let (status, body) = request(address, None, &head, &payload.to_string()).await;
    assert_eq!(status, 201, "{body}");
    body["clientId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_certificate_authenticates_a_client_and_binds_its_tokens() {
    let installation = Installation::new(BINARY);
    let served = serve(&installation);
    let plain = served.url().trim_start_matches("https://").to_owned();
    let path = "/.well-known/oauth-authorization-server";
    let (_, metadata) = request(&plain, None, &get(path, "Accept: */*"), "").await;
    let endpoint = metadata["mtls_endpoint_aliases"]["token_endpoint"].as_str().unwrap();
    let asking = endpoint.strip_prefix("https://").unwrap().strip_suffix("/oauth2/token").unwrap();
    assert_ne!(asking, plain);
    for (method, member, right, wrong) in [
        (
            "tls_client_auth",
            json!({ "tlsClientAuth": { "subjectDn": "CN=crane 7,O=Harbour,C=DE" } }),
            Crane,
            Pilot,
        ),
        ("self_signed_tls_client_auth", json!({ "jwks": SelfSigned.jwks() }), SelfSigned, Crane),
    ] {
        let mut members = member;
        members["tokenEndpointAuthMethod"] = json!(method);
        members["tlsClientCertificateBoundAccessTokens"] = json!(true);
        let body = format!("grant_type=client_credentials&client_id={}", register(&plain, members).await);
        let token =
            async |address, certificate| request(address, certificate, &form("/oauth2/token"), &body).await;
        assert_eq!(token(asking, Some(wrong)).await.1["error"], "invalid_client", "{method}");
        assert_eq!(token(asking, None).await.1["error"], "invalid_client", "{method}");
        assert_eq!(token(&plain, Some(right)).await.1["error"], "invalid_client", "nobody asked for it");
        let (status, issued) = token(asking, Some(right)).await;
        assert_eq!(status, 200, "{method}: {issued}");
        let bearer = format!("Authorization: Bearer {}", issued["access_token"].as_str().unwrap());
        let read = async |address, certificate| {
            request(address, certificate, &get("/api/odata4", &bearer), "").await.0
        };
        assert_eq!(read(asking, Some(right)).await, 200, "{method}");
        assert_eq!(read(asking, Some(wrong)).await, 401, "{method}");
        assert_eq!(read(asking, None).await, 401, "{method}");
        assert_eq!(read(&plain, Some(right)).await, 401, "{method}");
    }
}
