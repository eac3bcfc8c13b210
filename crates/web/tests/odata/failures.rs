//! Failures behind the source, before and after the response has started.

use std::pin::pin;
use std::sync::Arc;

use app::AppSettings;
use http_body_util::BodyExt;
use serde_json::json;
use sources::testing::{FakeDatabase, FakeKind};
use sources::{AllowedHosts, SourceKinds};
use testkit::{Setup, TestServer, USER};

use crate::fixture::{Fixture, code};

#[tokio::test]
async fn a_failure_after_the_first_byte_aborts_the_response() {
    let fixture = Fixture::open().await;
    let ways: [&[_]; 4] = [
        &[],
        &[("accept", "text/csv")],
        &[("accept", "application/x-ndjson")],
        &[("accept", "text/csv"), ("accept-encoding", "gzip")],
    ];
    for (at, way) in ways.into_iter().enumerate() {
        let headers = [&[("prefer", "maxpagesize=100000")], way].concat();
        let response = fixture.begin("/Broken", &headers).await;
        assert_eq!(response.status(), 200, "the first rows are sound");
        let body = response.into_body().collect().await;
        assert!(body.is_err(), "the client must see that the answer is not whole: {way:?}");
        assert_eq!(fixture.counted("odata_broken_streams"), at as u64 + 1);
    }
}

#[tokio::test]
async fn a_failure_before_the_first_byte_is_an_error() {
    let fixture = Fixture::open().await;
    for rest in [
        "/Broken?$orderby=Id%20desc",
        "/Broken(20000)",
        "/Broken(20000)/Bad",
        "/Broken?$filter=Id%20eq%2020000",
    ] {
        let answer = fixture.get(rest).await.expect(502);
        assert_eq!(code(&answer), "DataSourceUnavailable", "{rest}");
        assert!(
            !answer.text().contains("overflow"),
            "the database's own words stay inside: {}",
            answer.text()
        );
    }
    assert_eq!(fixture.counted("odata_broken_streams"), 0);
}

#[tokio::test]
async fn a_source_whose_file_was_deleted_is_unavailable() {
    let fixture = Fixture::open().await;
    fixture.add_source("Gone", "CREATE TABLE T (Id INTEGER PRIMARY KEY)").await;
    std::fs::remove_file(fixture.server.folder().join("Gone.db")).unwrap();
    let answer = fixture.server.get("/api/odata4/Gone/T").bearer(&fixture.token).send().await.expect(502);
    assert_eq!(code(&answer), "DataSourceUnavailable");
    assert!(!answer.text().contains("Gone.db") && !answer.text().contains('/'), "{}", answer.text());
}

#[tokio::test]
async fn a_query_above_its_time_limit_is_cancelled() {
    let app = AppSettings { odata_timeout_secs: 1, ..AppSettings::default() };
    let fixture = Fixture::open_with(Setup { app, ..Setup::default() }).await;
    let endless = "CREATE TABLE T (Id INTEGER PRIMARY KEY);
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) INSERT INTO T (Id) SELECT i FROM n;
        ALTER TABLE T ADD COLUMN Endless INTEGER AS (length(hex(zeroblob(1000000 + Id % 2))))";
    fixture.add_source("Slow", endless).await;
    let path = "/api/odata4/Slow/T/$count?$filter=Endless%20eq%201";
    let answer = fixture.server.get(path).bearer(&fixture.token).send().await.expect(504);
    assert_eq!(code(&answer), "QueryTimedOut");
}

#[tokio::test]
async fn a_client_that_disconnects_stops_the_query() {
    let fixture = Fixture::open().await;
    let large = [("prefer", "maxpagesize=100000")];
    for _ in 0..200 {
        let response = fixture.begin("/Broken", &large).await;
        assert_eq!(response.status(), 200);
        drop(response);
    }
    assert_eq!(fixture.counted("odata_broken_streams"), 0, "nobody was there to see it break");
    fixture.get("/Ships").await.expect(200);
}

#[tokio::test]
async fn sent_rows_are_counted() {
    let fixture = Fixture::open().await;
    fixture.get("/Ships?$top=10").await.expect(200);
    fixture.get("/Ships").await.expect(200);
    assert_eq!(fixture.counted("odata_rows"), 2_010);
}

/// A client with less patience than a large database needs would never see it otherwise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_is_opened_to_the_end_although_the_client_has_gone() {
    let database = FakeDatabase::new("CREATE TABLE Ships (Id INTEGER PRIMARY KEY)");
    let kinds = SourceKinds::new(vec![Arc::new(FakeKind(database.clone()))]);
    let hosts = AllowedHosts::new(vec!["127.0.0.1".parse().unwrap()]);
    let server = TestServer::start_with(Setup { kinds, hosts, ..Setup::default() }).await;
    let source =
        json!({ "name": "Far", "dataStore": 99, "connectionType": "Cloud", "options": database.options() });
    server.post("/api/mgmt/datasources").basic(&USER).json(&source).send().await.expect(201);
    let before = database.descriptions();
    let held = database.hold_descriptions();
    {
        let mut request = pin!(server.get("/api/odata4/Far").basic(&USER).send());
        let has_begun = async {
            while database.descriptions() == before {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            answer = &mut request => panic!("{}", answer.text()),
            () = has_begun => {}
        }
    }
    drop(held);
    let document = server.get("/api/odata4/Far").basic(&USER).send().await.expect(200);
    assert!(document.text().contains("Ships"), "{}", document.text());
    assert_eq!(database.descriptions(), before + 1, "it did not begin anew");
}
