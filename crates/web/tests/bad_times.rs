//! Tests of a full disk, a read-only file system and a failing commit: the server responds with 503, changes
//! nothing, and recovers by itself.

use serde_json::json;
use testkit::{Answer, TestServer, USER};

const PATH: &str = "/api/mgmt/oauth/client/applications";

fn assert_honest(answer: &Answer, code: u64) {
    assert_eq!(answer.status(), 503, "{}", answer.text());
    assert_eq!(answer.error_code(), code, "{}", answer.text());
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|secs| secs > 0));
    assert!(answer.error_message().ends_with("Please try again at another time."), "{}", answer.text());
    assert!(!answer.text().to_lowercase().contains("sqlite"), "the cause is for the log: {}", answer.text());
}

#[tokio::test]
async fn changes_get_503_and_reads_succeed_while_nothing_can_be_stored() {
    let server = TestServer::start().await;
    let body = json!({ "name": "a", "redirectUrls": ["https://a.example/"] });
    let made = server.post(PATH).basic(&USER).json(&body).send().await.expect(201).json();
    let path = format!("{PATH}/{}", made["id"]);
    let before = server.get(&path).basic(&USER).send().await.expect(200).json();

    server.store().faults().set_read_only(true);
    assert_honest(&server.post(PATH).basic(&USER).json(&body).send().await, 222_206_628);
    assert_honest(&server.put(&path).basic(&USER).json(&body).send().await, 222_206_628);
    assert_honest(&server.put(&format!("{path}/reset")).basic(&USER).send().await, 222_206_634);
    assert_honest(&server.post(&format!("{path}/secrets")).basic(&USER).send().await, 222_206_628);
    assert_honest(&server.delete(&path).basic(&USER).send().await, 222_206_633);
    let meanwhile = server.get(&path).basic(&USER).send().await.expect(200).json();
    assert_eq!(meanwhile, before);

    server.store().faults().set_read_only(false);
    server.put(&format!("{path}/reset")).basic(&USER).send().await.expect(200);
    server.delete(&path).basic(&USER).send().await.expect(204);
}

#[tokio::test]
async fn writes_succeed_again_once_the_disk_has_space() {
    let server = TestServer::start().await;
    server.store().faults().fill_disk(true);
    let body = json!({ "name": "n".repeat(128), "description": "d".repeat(256), "redirectUrls": ["https://a.example/"] });
    let mut acknowledged = 0;
    let refused = loop {
        let answer = server.post(PATH).basic(&USER).json(&body).send().await;
        if answer.status() != 201 {
            break answer;
        }
        acknowledged += 1;
        assert!(acknowledged < 10_000, "the disk never fills");
    };
    assert_honest(&refused, 222_206_628);
    let list = server.get(PATH).basic(&USER).send().await.expect(200).json();
    assert_eq!(
        list["applications"].as_array().map(Vec::len),
        Some(acknowledged),
        "what was acknowledged is there"
    );
    server.store().faults().fill_disk(false);
    server.post(PATH).basic(&USER).json(&body).send().await.expect(201);
}
