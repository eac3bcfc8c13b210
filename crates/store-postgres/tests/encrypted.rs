//! Tests of TLS to the database, in each mode.

use std::path::PathBuf;

use store::Users;
use store_postgres::{DatabaseUrl, OpenError, Options, PostgresStore};
use testkit::postgres::{PostgresServer, PostgresSettings, PostgresTls};

fn certificate(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sluicegate/tests/certificates").join(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_checks_what_it_says() {
    let tls = PostgresTls { certificate: certificate("first.pem"), key: certificate("first.key") };
    let server = PostgresServer::start(&PostgresSettings { tls: Some(tls), ..PostgresSettings::default() });
    let database = server.create_database();
    let url = |query: &str| -> DatabaseUrl { format!("{}{query}", database.url()).parse().unwrap() };
    let (right, wrong) = (certificate("first.pem"), certificate("second.pem"));
    let trusting = |mode: &str, authority: &PathBuf| {
        url(&format!("?sslmode={mode}&sslrootcert={}", authority.display()))
    };
    let open = async |url: DatabaseUrl| PostgresStore::open(&url, Options::default()).await;
    drop(PostgresStore::create(&url("?sslmode=require"), Options::default()).await.unwrap());
    for allowed in [url("?sslmode=require"), trusting("verify-ca", &right), trusting("verify-full", &right)] {
        assert_eq!(open(allowed).await.unwrap().list_roles().await.unwrap().len(), 2);
    }
    for refused in [url(""), trusting("verify-ca", &wrong), trusting("verify-full", &wrong)] {
        let refused = open(refused).await.map(drop);
        assert!(matches!(refused, Err(OpenError::Unreachable(_))), "{refused:?}");
    }
    let unreadable = open(trusting("verify-full", &PathBuf::from("/nowhere.pem"))).await.map(drop);
    assert!(matches!(unreadable, Err(OpenError::Authority { .. })), "{unreadable:?}");
}
