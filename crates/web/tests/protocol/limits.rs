//! The system limits for signing in and tokens, each set through the API.

use serde_json::json;
use testkit::{ADMIN, TestServer, TestUser, USER};

use crate::client::{APPLICATIONS, Client, is_alive};

const WRONG: TestUser = TestUser { name: USER.name, password: "wrong" };
const ELSEWHERE: [u8; 4] = [203, 0, 113, 9];

async fn with_limits(limits: &[(i64, i64)]) -> TestServer {
    let server = TestServer::start().await;
    for (id, value) in limits {
        let path = format!("/api/admin/limits/system/{id}");
        server.put(&path).basic(&ADMIN).json(&json!({ "value": value })).send().await.expect(200);
    }
    server
}

/// Fails this many times, from an address that the user has never used.
async fn fail(server: &TestServer, times: usize) {
    for _ in 0..times {
        server.get(APPLICATIONS).from_address(ELSEWHERE).basic(&WRONG).send().await.expect(401);
    }
}

async fn is_locked(server: &TestServer) -> bool {
    server.get(APPLICATIONS).from_address(ELSEWHERE).basic(&USER).send().await.status() == 401
}

#[tokio::test]
async fn failures_add_up_within_the_interval_of_limit_2() {
    for (limits, locks) in [(&[][..], true), (&[(2, 10)], false), (&[(2, 12)], true)] {
        let server = with_limits(limits).await;
        fail(&server, 2).await;
        server.clock().advance_secs(11);
        fail(&server, 1).await;
        assert_eq!(is_locked(&server).await, locks, "{limits:?}");
    }
}

#[tokio::test]
async fn limit_3_is_the_number_of_failures_that_lock() {
    for (limits, failures, locks) in [
        (&[][..], 2, false),
        (&[], 3, true),
        (&[(3, 1)], 1, true),
        (&[(3, 5)], 4, false),
        (&[(3, 5)], 5, true),
        (&[(3, 0)], 20, false),
    ] {
        let server = with_limits(limits).await;
        fail(&server, failures).await;
        assert_eq!(is_locked(&server).await, locks, "{limits:?} after {failures}");
    }
}

#[tokio::test]
async fn limit_4_is_the_duration_of_a_lock() {
    for (limits, seconds) in [(&[][..], 1_800), (&[(4, 60)], 60)] {
        let server = with_limits(limits).await;
        fail(&server, 3).await;
        server.clock().advance_secs(seconds - 1);
        assert!(is_locked(&server).await, "{limits:?}");
        server.clock().advance_secs(1);
        assert!(!is_locked(&server).await, "{limits:?}");
    }
}

#[tokio::test]
async fn limit_100_is_the_lifetime_of_a_token() {
    for (limits, of_application, seconds) in [
        (&[][..], None, 3_600),
        (&[(100, 120)], None, 120),
        (&[(100, 120)], Some(60), 60),
        (&[(100, 120)], Some(600), 120),
        (&[(100, 86_400)], Some(600), 600),
    ] {
        let server = with_limits(limits).await;
        let client = Client::register_with(&server, json!({ "accessTokenLifetime": of_application })).await;
        let answer = client.password(&server, &USER).await.expect(200).json();
        assert_eq!(answer["expires_in"], seconds, "{limits:?} {of_application:?}");
        let token = answer["access_token"].as_str().unwrap();
        server.clock().advance_secs(seconds - 1);
        assert!(is_alive(&server, token).await, "{limits:?} {of_application:?}");
        server.clock().advance_secs(1);
        assert!(!is_alive(&server, token).await, "{limits:?} {of_application:?}");
    }
}
