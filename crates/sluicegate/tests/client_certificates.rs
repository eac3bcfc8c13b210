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

/// Serves over TLS, with a second listener for certificates, and perhaps with a path in the public URL.
fn serve(installation: &Installation, path: &str) -> Served {
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
    let arguments = ["--tls-cert", &*chain, "--tls-key", &*key];
    if path.is_empty() {
        installation.serve_with(&arguments, &variables)
    } else {
        installation.serve_below(path, &arguments, &variables)
    }
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
        format!("{head}\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
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

/// Registers a service with these further members, below the path, and returns its client id.
async fn register(address: &str, path: &str, members: Value) -> String {
    let mut payload = json!({
        "name": "Crane", "redirectUrls": ["https://client.example/cb"], "grantTypes": ["client_credentials"],
    });
    payload.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let path = format!("{path}/api/mgmt/oauth/client/applications");
    let (status, body) = post_json(address, &path, &payload).await;
    assert_eq!(status, 201, "{body}");
    body["clientId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_certificate_authenticates_a_client_and_binds_its_tokens() {
    let installation = Installation::new(BINARY);
    let served = serve(&installation, "");
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
        let body = format!("grant_type=client_credentials&client_id={}", register(&plain, "", members).await);
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

/// The addresses in the metadata, and the links in data, lead to the listener that asks for certificates.
#[tokio::test]
async fn the_addresses_for_certificates_work_below_a_path() {
    let installation = Installation::new(BINARY);
    let served = serve(&installation, "/gate");
    let (plain, path) = served.url().trim_start_matches("https://").split_once('/').unwrap();
    assert_eq!(path, "gate");
    add_data_source(&installation, plain).await;
    let members = json!({
        "tokenEndpointAuthMethod": "tls_client_auth", "tlsClientCertificateBoundAccessTokens": true,
        "tlsClientAuth": { "subjectDn": "CN=crane 7,O=Harbour,C=DE" },
    });
    let client = register(plain, "/gate", members).await;
    let well_known = get("/.well-known/oauth-authorization-server/gate", "Accept: */*");
    let (_, metadata) = request(plain, None, &well_known, "").await;
    let aliases = metadata["mtls_endpoint_aliases"].as_object().unwrap();
    let asking = split(&aliases["token_endpoint"]).0;
    assert_ne!(asking, plain);
    for (name, address) in aliases {
        let (host, target) = split(address);
        assert_eq!(host, asking, "{name}");
        assert_eq!(address.as_str().unwrap().replace(host, plain), metadata[name].as_str().unwrap());
        let (status, _) = request(host, Some(Crane), &form(target), "").await;
        assert!(matches!(status, 400 | 401), "{name} exists and finds the form empty: {status}");
    }

    for host in [plain, asking] {
        let target = "/.well-known/oauth-protected-resource/gate/api/odata4/harbour";
        let (_, resource) = request(host, None, &get(target, "Accept: */*"), "").await;
        assert_eq!(resource["resource"], format!("https://{host}/gate/api/odata4/harbour"));
        assert_eq!(resource["authorization_servers"], json!([format!("https://{plain}/gate")]));
        assert_eq!(resource["tls_client_certificate_bound_access_tokens"], host == asking);
    }

    let body = format!("grant_type=client_credentials&client_id={client}");
    let (_, target) = split(&aliases["token_endpoint"]);
    assert_eq!(request(plain, Some(Crane), &form(target), &body).await.1["error"], "invalid_client");
    let (status, issued) = request(asking, Some(Crane), &form(target), &body).await;
    assert_eq!(status, 200, "{issued}");
    let token = issued["access_token"].as_str().unwrap();
    let header = format!("Authorization: Bearer {token}\r\nPrefer: maxpagesize=1");
    let mut next = json!(format!("https://{asking}/gate/api/odata4/harbour/Ships"));
    let mut names = Vec::new();
    while !next.is_null() {
        let (host, target) = split(&next);
        assert_eq!(host, asking, "{next} leads elsewhere");
        assert_eq!(request(host, Some(Pilot), &get(target, &header), "").await.0, 401);
        let (status, page) = request(host, Some(Crane), &get(target, &header), "").await;
        assert_eq!(status, 200, "{page}");
        names.extend(page["value"].as_array().unwrap().iter().map(|ship| ship["Name"].clone()));
        next = page["@odata.nextLink"].clone();
    }
    assert_eq!(names, ["Argo", "Fram"]);

    let body = format!("token={token}&client_id={client}");
    let (_, target) = split(&aliases["revocation_endpoint"]);
    assert_eq!(request(asking, Some(Crane), &form(target), &body).await.0, 200);
    let target = "/gate/api/odata4/harbour/Ships";
    assert_eq!(request(asking, Some(Crane), &get(target, &header), "").await.0, 401);
}

/// Host and path of an address.
fn split(address: &Value) -> (&str, &str) {
    let rest = address.as_str().unwrap().strip_prefix("https://").unwrap();
    rest.split_at(rest.find('/').unwrap())
}

/// Adds a data source of the administrator below the path.
async fn add_data_source(installation: &Installation, address: &str) {
    let path = installation.folder().join("harbour.sqlite");
    let database = rusqlite::Connection::open(&path).unwrap();
    let ships = "CREATE TABLE Ships (Id INTEGER PRIMARY KEY, Name TEXT); INSERT INTO Ships VALUES (1, 'Argo'), (2, 'Fram');";
    database.execute_batch(ships).unwrap();
    let source =
        json!({"name": "harbour", "dataStore": 1, "connectionType": "Cloud", "options": {"path": path}});
    let (status, body) = post_json(address, "/gate/api/mgmt/datasources", &source).await;
    assert_eq!(status, 201, "{body}");
}

/// Posts JSON as the administrator.
async fn post_json(address: &str, path: &str, body: &Value) -> (u16, Value) {
    let authorization = basic(ADMIN.name, ADMIN.password);
    let head =
        format!("POST {path} HTTP/1.1\r\nContent-Type: application/json\r\nAuthorization: {authorization}");
    request(address, None, &head, &body.to_string()).await
}
