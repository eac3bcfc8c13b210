//! The requests of a connection: always the same, the next of a queue, or a refresh with the last token.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::task::{JoinSet, LocalSet};

use crate::call::{Answer, Call, Connection};
use crate::fixture::{self, Fixture};
use crate::load::Script;

/// Repeats a list of requests forever.
pub(super) struct Repeat {
    calls: Vec<Call>,
    at: usize,
}

impl Repeat {
    /// Starts at a different position for each `index`, so that connections do not request the same at the
    /// same time.
    pub(super) fn new(calls: &[Call], index: usize) -> Self {
        Self { calls: calls.to_vec(), at: index * 31 }
    }
}

impl Script for Repeat {
    fn next(&mut self) -> Option<Call> {
        self.at += 1;
        self.calls.get(self.at % self.calls.len()).cloned()
    }
}

/// Takes single-use requests from a queue that all connections share.
pub(super) struct Queue {
    calls: Rc<RefCell<Vec<Call>>>,
}

impl Queue {
    pub(super) fn shared(calls: Vec<Call>, connections: usize) -> Vec<Box<dyn Script>> {
        let calls = Rc::new(RefCell::new(calls));
        (0..connections).map(|_| Box::new(Self { calls: Rc::clone(&calls) }) as Box<dyn Script>).collect()
    }
}

impl Script for Queue {
    fn next(&mut self) -> Option<Call> {
        self.calls.borrow_mut().pop()
    }
}

/// Makes a request from a refresh token.
pub(super) type Refresh = Rc<dyn Fn(&str) -> Result<Call>>;

/// Refreshes one grant again and again, each time with the token of the last response.
pub(super) struct Rotate {
    token: String,
    call: Option<Call>,
    make: Refresh,
}

impl Rotate {
    /// One script for each refresh token.
    pub(super) fn each(tokens: Vec<String>, make: &Refresh) -> Result<Vec<Box<dyn Script>>> {
        tokens.into_iter().map(|token| Ok(Box::new(Self::new(token, make)?) as Box<dyn Script>)).collect()
    }

    fn new(token: String, make: &Refresh) -> Result<Self> {
        Ok(Self { call: Some(make(&token)?), token, make: Rc::clone(make) })
    }
}

impl Script for Rotate {
    fn next(&mut self) -> Option<Call> {
        self.call.take()
    }

    fn answered(&mut self, answer: &Answer) -> Result<()> {
        answer.expect_ok()?;
        let token = fixture::text(&answer.json()?, "refresh_token")?;
        if token == self.token {
            bail!("the refresh token was not rotated");
        }
        self.call = Some((self.make)(&token)?);
        self.token = token;
        Ok(())
    }
}

/// Collects exchanges of fresh codes over several connections, for at most the time in which codes are safely
/// valid.
pub(super) async fn codes(fixture: &Fixture, wanted: usize) -> Result<Vec<Call>> {
    const CONNECTIONS: usize = 32;
    let until = Instant::now() + Duration::from_secs(25);
    let collected = Rc::new(RefCell::new(Vec::with_capacity(wanted)));
    let client = Rc::new(fixture.web_client());
    let local = LocalSet::new();
    let mut running = JoinSet::new();
    for _ in 0..CONNECTIONS.min(wanted) {
        let mut connection = Connection::open(fixture.server.address).await?;
        let (authorize, client, collected) =
            (fixture.authorize()?, Rc::clone(&client), Rc::clone(&collected));
        let collect = async move {
            while collected.borrow().len() < wanted && Instant::now() < until {
                let answer = connection.send(authorize.clone()).await?;
                collected.borrow_mut().push(client.exchange(&answer)?);
            }
            anyhow::Ok(())
        };
        running.spawn_local_on(collect, &local);
    }
    local
        .run_until(async {
            while let Some(ended) = running.join_next().await {
                ended.context("a collecting task was lost")??;
            }
            anyhow::Ok(())
        })
        .await?;
    Ok(collected.take())
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use hyper::{HeaderMap, StatusCode};

    use super::{Refresh, Rotate};
    use crate::call::{self, Answer};
    use crate::load::Script;

    fn answer(status: StatusCode, body: &'static str) -> Answer {
        Answer { status, headers: HeaderMap::new(), body: body.into() }
    }

    #[test]
    fn a_refresh_that_fails_or_returns_the_same_token_is_an_error() {
        let make: Refresh = Rc::new(|token| call::get(&format!("/{token}")));
        let mut script = Rotate::new("first".to_owned(), &make).unwrap();
        assert!(script.next().is_some());
        let refused = answer(StatusCode::BAD_REQUEST, r#"{"error":"invalid_grant"}"#);
        for not_done in [refused, answer(StatusCode::OK, r#"{"refresh_token":"first"}"#)] {
            assert!(script.answered(&not_done).is_err());
            assert!(script.next().is_none());
        }
        script.answered(&answer(StatusCode::OK, r#"{"refresh_token":"second"}"#)).unwrap();
        assert_eq!(script.next().unwrap().uri(), "/second");
    }
}
