//! Tests of the server's own TLS: HTTP versions, and a certificate that changes while the server is running.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use testkit::{Installation, Served};
use tokio_rustls::TlsConnector;

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");

/// Far more handshakes than a signal needs.
const ATTEMPTS: usize = 5_000;

fn put_certificate(name: &str, folder: &Path) {
    let certificates = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates");
    for (extension, target) in [("pem", "chain.pem"), ("key", "key.pem")] {
        let from = certificates.join(format!("{name}.{extension}"));
        std::fs::copy(from, folder.join(target)).expect("the certificate can be copied");
    }
}

fn serve(installation: &Installation) -> Served {
    let file = |name: &str| installation.folder().join(name).to_string_lossy().into_owned();
    let (chain, key) = (file("chain.pem"), file("key.pem"));
    installation.serve_with(&["--tls-cert", &chain, "--tls-key", &key], &[])
}

/// Performs a handshake, trusting one certificate, and returns the negotiated protocol.
async fn handshake(served: &Served, trusted: &str, protocols: &[&[u8]]) -> std::io::Result<Option<Vec<u8>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/certificates/{trusted}.pem"));
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(path).expect("a certificate")).expect("a usable certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = versions.expect("known versions").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let stream = tokio::net::TcpStream::connect(served.url().trim_start_matches("https://")).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    Ok(stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec))
}

#[tokio::test]
async fn both_versions_of_http_are_offered() {
    let installation = Installation::new(BINARY);
    put_certificate("first", installation.folder());
    let served = serve(&installation);
    let agreed = async |protocols: &[&[u8]]| handshake(&served, "first", protocols).await.unwrap();
    assert_eq!(agreed(&[b"h2", b"http/1.1"]).await.as_deref(), Some(&b"h2"[..]));
    assert_eq!(agreed(&[b"http/1.1"]).await.as_deref(), Some(&b"http/1.1"[..]));
}

/// The extensions of a greeting: two groups, the point format, and signatures with RSA and ECDSA.
const EXTENSIONS: [u8; 32] = [
    0, 10, 0, 6, 0, 4, 0, 29, 0, 23, // supported_groups: x25519, secp256r1
    0, 11, 0, 2, 1, 0, // ec_point_formats: uncompressed
    0, 13, 0, 12, 0, 10, 4, 3, 8, 4, 4, 1, 5, 3, 6, 1, // signature_algorithms
];
/// What a record of TLS contains.
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

/// What the server answers to a client of this version (3, 3 is TLS 1.2) that offers these cipher suites.
async fn answer_to(served: &Served, version: [u8; 2], suites: &[u16]) -> u8 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let length = |bytes: usize| u16::try_from(bytes).expect("a short greeting").to_be_bytes();
    let suites: Vec<u8> = suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
    let hello = [
        &version[..],
        &[7; 32],
        &[0],
        &length(suites.len()),
        &suites,
        &[1, 0],
        &length(EXTENSIONS.len()),
        &EXTENSIONS,
    ]
    .concat();
    let handshake = [&[1, 0][..], &length(hello.len()), &hello].concat();
    let record = [&[HANDSHAKE, 3, 1][..], &length(handshake.len()), &handshake].concat();
    let address = served.url().trim_start_matches("https://");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    stream.write_all(&record).await.expect("the greeting is sent");
    stream.read_u8().await.expect("an answer")
}

#[tokio::test]
async fn a_client_of_tls_1_2_gets_a_recommended_cipher_suite_and_one_of_tls_1_1_none() {
    let installation = Installation::new(BINARY);
    put_certificate("first", installation.folder());
    let served = serve(&installation);
    let recommended = [0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9];
    // With CBC, without forward secrecy, with 3DES, with RC4, and with no encryption.
    let others = [0xc009, 0xc013, 0x009c, 0x002f, 0x000a, 0x0005, 0x0002];
    assert_eq!(answer_to(&served, [3, 3], &recommended).await, HANDSHAKE);
    assert_eq!(answer_to(&served, [3, 3], &others).await, ALERT);
    assert_eq!(answer_to(&served, [3, 2], &[&recommended[..], &others].concat()).await, ALERT);
}

#[tokio::test]
async fn sighup_reloads_the_certificate_and_keeps_the_old_one_if_the_new_one_is_invalid() {
    let installation = Installation::new(BINARY);
    put_certificate("first", installation.folder());
    let served = serve(&installation);
    assert!(handshake(&served, "second", &[]).await.is_err());
    put_certificate("second", installation.folder());
    served.signal("HUP");
    let mut fresh = false;
    for _ in 0..ATTEMPTS {
        fresh = handshake(&served, "second", &[]).await.is_ok();
        if fresh {
            break;
        }
    }
    assert!(fresh, "the new certificate is not used");
    std::fs::write(installation.folder().join("key.pem"), "no key").unwrap();
    served.signal("HUP");
    while !served.printed().contains("the old certificate stays in use") {
        tokio::task::yield_now().await;
    }
    assert!(handshake(&served, "second", &[]).await.is_ok());
}

#[test]
fn an_unusable_certificate_is_a_fault_of_the_configuration() {
    let installation = Installation::new(BINARY);
    put_certificate("first", installation.folder());
    let tell = || {
        let mut command: Command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(["--tls-cert", "chain.pem", "--tls-key", "key.pem"]);
        let output = command.output().expect("the binary runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let second = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates/second.key");
    std::fs::copy(second, installation.folder().join("key.pem")).unwrap();
    let (status, message) = tell();
    assert_eq!(status, Some(2), "{message}");
    assert!(message.contains("does not match the certificate"), "{message}");
    std::fs::remove_file(installation.folder().join("chain.pem")).unwrap();
    let (status, message) = tell();
    assert_eq!(status, Some(2), "{message}");
    assert!(
        message.contains("\n  tls.cert_file (--tls-cert): chain.pem cannot be read: there is no such file"),
        "{message}"
    );
}

#[test]
fn a_certificate_that_clients_refuse_is_reported_at_the_start_and_by_check_config() {
    let installation = Installation::new(BINARY);
    for (name, message) in [
        ("expired", "expired at 2020-02-29T12:34:56Z: renew it"),
        ("future", "is not valid before 2090-01-01T00:00:00Z"),
        ("version-1", "is of X.509 version 1"),
    ] {
        put_certificate(name, installation.folder());
        for command in ["serve", "check-config"] {
            let mut command: Command = installation.command(&[command, "--listen", "127.0.0.1:0"]);
            command.args(["--tls-cert", "chain.pem", "--tls-key", "key.pem"]);
            let output = command.output().expect("the binary runs");
            let printed = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{name}: {printed}");
            assert!(printed.contains(message), "{name}: {printed}");
            assert!(!printed.contains("does not match"), "{name}: {printed}");
        }
    }
}

#[tokio::test]
async fn sighup_keeps_the_old_certificate_if_the_new_one_has_expired() {
    let installation = Installation::new(BINARY);
    put_certificate("first", installation.folder());
    let served = serve(&installation);
    put_certificate("expired", installation.folder());
    served.signal("HUP");
    while !served.printed().contains("the old certificate stays in use") {
        tokio::task::yield_now().await;
    }
    assert!(served.printed().contains("expired at 2020-02-29T12:34:56Z"), "{}", served.printed());
    assert!(handshake(&served, "first", &[]).await.is_ok());
}

#[test]
fn a_key_that_others_can_read_causes_a_warning() {
    let installation = Installation::new(BINARY);
    put_certificate("first", installation.folder());
    let key = installation.folder().join("key.pem");
    let message = |mode: u32| {
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        let printed = serve(&installation).terminate().1;
        printed.contains("others on this machine can read or change the private key")
    };
    assert!(message(0o644));
    assert!(message(0o660));
    assert!(!message(0o600));
    assert!(!message(0o640));
}
