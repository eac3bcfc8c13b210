//! Long requests are planned off the request threads.

use std::pin::pin;
use std::sync::mpsc;

use tokio::runtime::Builder;

use crate::fixture::{Fixture, poll_once};

/// A filter of this length with an error at its end, so that the server only parses and plans it.
fn wrong_at_its_end(bytes: usize) -> String {
    let text = "a".repeat(bytes);
    format!("/Ships?$filter=Name%20eq%20%27{text}%27%20nonsense")
}

/// The runtime has one thread for blocking work, and the test occupies it.
#[test]
fn a_long_request_is_planned_off_the_request_threads() {
    let runtime = Builder::new_current_thread().max_blocking_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let fixture = Fixture::open().await;
        fixture.get("/Ships(1)").await.expect(200);
        let (release, held) = mpsc::channel::<()>();
        let holding = tokio::task::spawn_blocking(move || held.recv());
        let short = wrong_at_its_end(10);
        let mut short = pin!(fixture.get(&short));
        let answered = poll_once(short.as_mut()).await.expect("a short one is planned at once");
        let long = wrong_at_its_end(5_000);
        let mut long = pin!(fixture.get(&long));
        assert!(poll_once(long.as_mut()).await.is_none(), "a long one waits for the other thread");
        fixture.get("/Ships(1)").await.expect(200);
        drop(release);
        assert!(holding.await.unwrap().is_err());
        answered.expect(400);
        long.await.expect(400);
    });
}
