//! The number of rows: issuing a token writes nothing.

use std::collections::BTreeMap;

use rusqlite::{Connection, OpenFlags};
use serde_json::json;
use testkit::{Setup, TestServer, USER};

use crate::client::{Client, S256, Tokens};

/// The number of rows in every table.
fn rows(server: &TestServer) -> BTreeMap<String, i64> {
    let path = server.folder().join("system.db");
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut names = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let count =
        |name: &String| db.query_row(&format!("SELECT count(*) FROM \"{name}\""), [], |row| row.get(0));
    names.iter().map(|name| (name.clone(), count(name).unwrap())).collect()
}

#[tokio::test]
async fn issuing_and_refreshing_add_no_row() {
    let mut setup = Setup::default();
    setup.app.rates.enabled = false;
    let server = TestServer::start_with(setup).await;
    let grants = json!({ "grantTypes": ["authorization_code", "refresh_token", "client_credentials"] });
    let client = Client::register_with(&server, grants).await;
    let tokens = client.tokens(&server).await;
    server.app().node().maintain().await.unwrap();
    let before = rows(&server);
    assert!(before.len() > 5 && before["grants"] == 1, "{before:?}");
    for _ in 0..10_000 {
        client.token(&server, &[("grant_type", "client_credentials")]).await.expect(200);
    }
    for _ in 0..1_000 {
        server.clock().advance_secs(1);
        Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    }
    server.app().node().maintain().await.unwrap();
    assert_eq!(rows(&server), before);
}

#[tokio::test]
async fn rotating_adds_no_row() {
    let server = TestServer::start().await;
    let client = Client::strict(&server).await;
    let mut tokens = client.tokens(&server).await;
    server.app().node().maintain().await.unwrap();
    let before = rows(&server);
    for _ in 0..100 {
        tokens = Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    }
    client.code_with(&server, &USER, &S256).await;
    server.app().node().maintain().await.unwrap();
    let mut after = rows(&server);
    for of_the_sign_in in ["sessions", "audit_events"] {
        after.insert(of_the_sign_in.to_owned(), before[of_the_sign_in]);
    }
    assert_eq!(after, before, "an issued code is no row");
}

#[tokio::test]
async fn expired_rows_are_deleted_automatically() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    let ended = client.tokens(&server).await;
    client.post(&server, "/oauth2/revoke", &[("token", &ended.refresh)]).await.expect(200);
    client.post(&server, "/oauth2/revoke", &[("token", &tokens.access)]).await.expect(200);
    assert_eq!(rows(&server)["revocations"], 2);
    server.clock().advance_secs(2 * 86_400);
    server.app().node().maintain().await.unwrap();
    let after = rows(&server);
    assert_eq!((after["revocations"], after["grants"], after["sessions"]), (0, 1, 0), "{after:?}");
    Tokens::of(&client.refresh(&server, &tokens.refresh).await);
}
