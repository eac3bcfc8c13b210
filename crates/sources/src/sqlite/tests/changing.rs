//! Changes of a file, and who has the last word on them.

use super::*;
use crate::testing::Lines;
use crate::{Chunks, CommitApproval};

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)";

fn insert(fixture: &Fixture, approval: CommitApproval) -> Chunks {
    let insert = statement("INSERT INTO t (name) VALUES ('x') RETURNING id", 1);
    fixture.source.change(None, run(), Lines(vec![insert]), approval).unwrap()
}

async fn end(mut chunks: Chunks) -> Result<String, SourceError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(String::from_utf8(bytes).unwrap())
}

fn count(fixture: &Fixture) -> i64 {
    let file = Connection::open(&fixture.path).unwrap();
    file.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
}

/// An approval, and what gives it.
fn asking() -> (CommitApproval, tokio::sync::oneshot::Receiver<()>, tokio::sync::oneshot::Sender<bool>) {
    let (asked, is_asked) = tokio::sync::oneshot::channel();
    let (decide, decision) = tokio::sync::oneshot::channel();
    let approval = CommitApproval::new(async move {
        asked.send(()).unwrap();
        if decision.await.unwrap() { Ok(()) } else { Err(SourceError::Cancelled) }
    });
    (approval, is_asked, decide)
}

#[tokio::test]
async fn a_change_is_durable_only_after_it_was_approved() {
    for approves in [true, false] {
        let fixture = fixture(TABLE);
        let (approval, is_asked, decide) = asking();
        let chunks = insert(&fixture, approval);
        is_asked.await.unwrap();
        assert_eq!(count(&fixture), 0, "nobody sees it before");
        decide.send(approves).unwrap();
        let expected = if approves { Ok("Integer(1)\n".to_owned()) } else { Err(SourceError::Cancelled) };
        assert_eq!(end(chunks).await, expected);
        assert_eq!(count(&fixture), i64::from(approves));
        // The connection is used again, without a rest of the change.
        assert!(end(insert(&fixture, CommitApproval::new(std::future::ready(Ok(()))))).await.is_ok());
        assert_eq!(count(&fixture), i64::from(approves) + 1);
    }
}

#[tokio::test]
async fn a_change_that_is_stopped_while_it_waits_for_its_approval_is_not_made() {
    let fixture = fixture(TABLE);
    let (approval, is_asked, _decide) = asking();
    let chunks = insert(&fixture, approval);
    let stopper = chunks.stopper();
    is_asked.await.unwrap();
    drop(stopper);
    assert_eq!(end(chunks).await, Err(SourceError::Cancelled));
    assert_eq!(count(&fixture), 0);
}

#[tokio::test]
async fn who_stops_a_change_too_late_learns_that_it_was_made() {
    // A reader of a write-ahead log never stands in the way of a change.
    let fixture = fixture(&format!("PRAGMA journal_mode = wal; {TABLE}"));
    let chunks = insert(&fixture, CommitApproval::new(std::future::ready(Ok(()))));
    let stopper = chunks.stopper();
    let deadline = Deadline::after(Duration::from_mins(1));
    while count(&fixture) == 0 {
        assert!(!deadline.has_passed(), "the change is not made: {:?}", end(chunks).await);
        tokio::task::yield_now().await;
    }
    drop(stopper);
    assert_eq!(end(chunks).await, Ok("Integer(1)\n".to_owned()));
}
