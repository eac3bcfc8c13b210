//! Tests of the limits that an administrator sets.

use domain::limit::Limit;
use testkit::OTHER;

use crate::fixture::{Fixture, code, ids, poll_once, token};

const LARGE: [(&str, &str); 1] = [("prefer", "maxpagesize=100000")];

#[tokio::test]
async fn max_fetch_rows_shortens_pages_and_loses_no_row() {
    let fixture = Fixture::open().await;
    fixture.limit(Limit::MaxFetchRows, 50).await;
    let answer = fixture.get_with("/Ships?$top=120", &LARGE).await.expect(200);
    assert_eq!(ids(&answer).len(), 50);
    assert_eq!(answer.header("preference-applied"), "maxpagesize=50");
    assert!(answer.json()["@odata.nextLink"].is_string());
    fixture.limit(Limit::MaxFetchRows, 0).await;
    assert_eq!(ids(&fixture.get("/Ships?$top=120").await.expect(200)).len(), 120);
}

#[tokio::test]
async fn requests_above_both_concurrency_limits_are_refused() {
    let fixture = Fixture::open().await;
    let source = fixture.add_source("Pier", "CREATE TABLE T (Id INTEGER PRIMARY KEY)").await;
    fixture.share(&source, &OTHER).await;
    fixture.limit(Limit::ODataMaxConcurrentRequests, 1).await;
    fixture.limit(Limit::ODataMaxWaitingRequests, 1).await;
    let running = fixture.begin("/Broken", &LARGE).await;
    assert_eq!(running.status(), 200);
    let waits = fixture.begin("/Ships(1)", &[]);
    tokio::pin!(waits);
    assert!(poll_once(waits.as_mut()).await.is_none(), "it waits for the first to end");
    let refused = fixture.get("/Ships(1)").await.expect(429);
    assert_eq!(code(&refused), "TooManyRequests");
    assert_eq!(refused.header("retry-after"), "1");
    let other = token(&fixture.server, &OTHER).await;
    fixture.server.get("/api/odata4/Pier/T").bearer(&other).send().await.expect(200);
    drop(running);
    assert_eq!(waits.await.status(), 200);
    fixture.get("/Ships(1)").await.expect(200);
}

#[tokio::test]
async fn a_request_that_waits_too_long_gets_retry_after() {
    let app = app::AppSettings { odata_timeout_secs: 1, ..app::AppSettings::default() };
    let fixture = Fixture::open_with(testkit::Setup { app, ..testkit::Setup::default() }).await;
    fixture.limit(Limit::ODataMaxConcurrentRequests, 1).await;
    let running = fixture.begin("/Broken", &LARGE).await;
    let refused = fixture.get("/Ships(1)").await.expect(503);
    assert_eq!(code(&refused), "Unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    drop(running);
}

#[tokio::test]
async fn paged_responses_above_their_limit_wait_and_others_do_not() {
    let fixture = Fixture::open().await;
    fixture.limit(Limit::ODataMaxConcurrentPagingQueries, 1).await;
    fixture.limit(Limit::ODataMaxWaitingRequests, 1).await;
    let open = fixture.begin("/Broken", &LARGE).await;
    assert_eq!(open.status(), 200);
    fixture.get("/Ships(1)").await.expect(200);
    fixture.get("/Ships?$top=3").await.expect(200);
    let waits = fixture.begin("/Ships?$top=3", &[("prefer", "maxpagesize=2")]);
    tokio::pin!(waits);
    assert!(poll_once(waits.as_mut()).await.is_none(), "it waits for the first to end");
    let refused = fixture.get("/Ships").await.expect(429);
    assert_eq!(code(&refused), "TooManyRequests");
    drop(open);
    assert_eq!(waits.await.status(), 200);
    fixture.get("/Ships").await.expect(200);
}

#[tokio::test]
async fn groups_of_texts_do_not_multiply_them_step_by_step() {
    let fixture = Fixture::open().await;
    // Sixteen times the text.
    let many = |name: &str| (0..4).fold(name.to_owned(), |text, _| format!("concat({text},{text})"));
    let step = |from: &str, to: &str| format!("compute({} as {to})/groupby(({to}))", many(from));
    let once = format!("/Ships?$apply={}&$top=1", step("Name", "A").replace(' ', "%20"));
    fixture.get(&once).await.expect(200);
    for last in ["aggregate(length(B) with max as L)", "filter(length(B) gt 1)", "concat(identity,top(1))"] {
        let twice = format!("/Ships?$apply={}/{}/{last}", step("Name", "A"), step("A", "B"));
        assert_eq!(code(&fixture.get(&twice.replace(' ', "%20")).await.expect(400)), "TooComplex", "{last}");
    }
}
