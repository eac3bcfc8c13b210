//! TLS to the server.

use std::path::PathBuf;
use std::time::Duration;

use sources::{Deadline, Limits, Resources, SourceError};
use testkit::mariadb::{MariaDbServer, MariaDbTls};

use crate::fixture::{here, line, lines_within, open, options, statement, until_ended};

fn certificate(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sluicegate/tests/certificates").join(name)
}

fn pem(name: &str) -> String {
    std::fs::read_to_string(certificate(name)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_certificate_must_be_valid_have_the_name_and_be_signed_by_the_authority() {
    let tls = MariaDbTls { certificate: certificate("first.pem"), key: certificate("first.key") };
    let server = MariaDbServer::start(&[], Some(&tls));
    let resources = Resources::new(Limits::default(), 4, here());
    let source = |changes: &[(&str, &str)]| {
        let mut options = options(&server, "mysql");
        options.insert("EncryptionMethod".to_owned(), "SSL".to_owned());
        options.extend(changes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        open(options, &resources)
    };
    let (right, wrong) = (pem("first.pem"), pem("second.pem"));
    let trusting = source(&[("CertificateAuthorities", &right), ("HostNameInCertificate", "localhost")]);
    let is_encrypted = "SELECT variable_value <> '' FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'";
    assert_eq!(line(&trusting, is_encrypted).await.as_deref(), Ok("Integer(1)"));
    for changes in [
        [("HostNameInCertificate", "localhost")].as_slice(),
        &[("CertificateAuthorities", &wrong), ("HostNameInCertificate", "localhost")],
        &[("CertificateAuthorities", &right), ("HostNameInCertificate", "db.example.com")],
    ] {
        let refused = line(&source(changes), "SELECT 1").await.unwrap_err();
        assert!(matches!(refused, SourceError::CertificateRefused { .. }), "{changes:?}: {refused:?}");
    }
    // Whoever has to use TLS is refused without it.
    server
        .run(
            "mysql",
            "CREATE USER strict@'%' IDENTIFIED BY 'its own' REQUIRE SSL; GRANT ALL ON *.* TO strict@'%'",
        )
        .unwrap();
    let strict = [("User", "strict"), ("Password", "its own")];
    let plain =
        line(&source(&[&strict[..], &[("EncryptionMethod", "noEncryption")]].concat()), "SELECT 1").await;
    assert!(matches!(plain, Err(SourceError::SignInRefused { .. })), "{plain:?}");
    let trusted = [("CertificateAuthorities", right.as_str()), ("HostNameInCertificate", "localhost")];
    let allowed = line(&source(&[&strict[..], &trusted].concat()), "SELECT 1").await;
    assert_eq!(allowed.as_deref(), Ok("Integer(1)"));
    // What stops a statement is encrypted too.
    let endless = statement("SELECT SUM(seq % 7) FROM seq_1_to_9000000000000000000", 1, Vec::new());
    let late = lines_within(&trusting, endless, Deadline::after(Duration::from_millis(200))).await;
    assert_eq!(late, Err(SourceError::TimedOut));
    until_ended(&trusting, "SUM(seq").await;
}
