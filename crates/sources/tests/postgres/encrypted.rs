//! TLS to the server.

use std::path::PathBuf;
use std::time::Duration;

use sources::{Deadline, Limits, Resources, SourceError};
use testkit::postgres::{PostgresServer, PostgresSettings, PostgresTls};

use crate::fixture::{far, here, line, lines_within, open, options, statement, until_ended};

fn certificate(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sluicegate/tests/certificates").join(name)
}

fn pem(name: &str) -> String {
    std::fs::read_to_string(certificate(name)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_certificate_must_be_valid_have_the_name_and_be_signed_by_the_authority() {
    let tls = PostgresTls { certificate: certificate("first.pem"), key: certificate("first.key") };
    let server = PostgresServer::start(&PostgresSettings { tls: Some(tls), ..PostgresSettings::default() });
    let resources = Resources::new(Limits::default(), 4, here());
    let source = |changes: &[(&str, &str)]| {
        let mut options = options(&server.url("postgres"));
        options.insert("EncryptionMethod".to_owned(), "SSL".to_owned());
        options.extend(changes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        open(options, &resources)
    };
    let (right, wrong) = (pem("first.pem"), pem("second.pem"));
    let trusting = source(&[("CertificateAuthorities", &right), ("HostNameInCertificate", "localhost")]);
    assert_eq!(
        line(&trusting, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").await.as_deref(),
        Ok("Integer(1)")
    );
    for (changes, code) in [
        ([("HostNameInCertificate", "localhost")].as_slice(), "CertificateUnknownAuthority"),
        (
            &[("CertificateAuthorities", &wrong), ("HostNameInCertificate", "localhost")],
            "CertificateUnknownAuthority",
        ),
        (
            &[("CertificateAuthorities", &right), ("HostNameInCertificate", "db.example.com")],
            "CertificateOtherName",
        ),
    ] {
        let refused = source(changes).examine(far()).await.unwrap_err();
        assert_eq!(refused.code(), code, "{changes:?}: {refused:?}");
    }
    let plain = line(&source(&[("EncryptionMethod", "noEncryption")]), "SELECT 1").await.unwrap_err();
    assert!(matches!(plain, SourceError::SignInRefused { .. }), "the server wants TLS: {plain:?}");
    // A request to stop a statement is encrypted too.
    let endless = statement(
        "SELECT count(*) FROM (SELECT generate_series(1, 9223372036854775807)) AS c",
        1,
        Vec::new(),
    );
    let late = lines_within(&trusting, endless, Deadline::after(Duration::from_millis(200))).await;
    assert_eq!(late, Err(SourceError::TimedOut));
    until_ended(&trusting, "generate_series(1, 9").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_certificate_is_said() {
    for (name, code) in [
        ("expired", "CertificateExpired"),
        ("future", "CertificateNotYetValid"),
        ("version-1", "CertificateInvalid"),
    ] {
        let file = |extension: &str| certificate(&format!("{name}.{extension}"));
        let tls = PostgresTls { certificate: file("pem"), key: file("key") };
        let server =
            PostgresServer::start(&PostgresSettings { tls: Some(tls), ..PostgresSettings::default() });
        let mut options = options(&server.url("postgres"));
        for (key, value) in [("EncryptionMethod", "SSL"), ("HostNameInCertificate", "localhost")] {
            options.insert(key.to_owned(), value.to_owned());
        }
        let source = open(options, &Resources::new(Limits::default(), 4, here()));
        let refused = source.examine(far()).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused:?}");
    }
}
