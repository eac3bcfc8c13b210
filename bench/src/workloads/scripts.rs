//! The requests of a connection: always the same, the same with a new proof, the next of a queue, a refresh with
//! the last token, or the three requests of a flow.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::task::{JoinSet, LocalSet};

use crate::call::{Answer, Call, Connection};
use crate::fixture::{self, Client, Fixture};
use crate::load::Script;
use crate::prover::Prover;

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

/// Repeats a list of requests forever, each with a proof of its own.
pub(super) struct Prove {
    calls: Repeat,
    prover: Rc<Prover>,
}

impl Prove {
    pub(super) fn each(prover: Prover, calls: &[Call], connections: usize) -> Vec<Box<dyn Script>> {
        let prover = Rc::new(prover);
        let script = |index| Self { calls: Repeat::new(calls, index), prover: Rc::clone(&prover) };
        (0..connections).map(|index| Box::new(script(index)) as Box<dyn Script>).collect()
    }
}

impl Script for Prove {
    fn next(&mut self) -> Option<Call> {
        // A request without a proof is refused, which ends the measurement with the refusal.
        self.calls.next().map(|call| self.prover.prove(&call).unwrap_or(call))
    }
}

/// The requests of a flow that starts with a pushed request ([RFC 9126](https://www.rfc-editor.org/rfc/rfc9126)):
/// push, authorize with stored consent, and exchange the code.
#[derive(Clone)]
pub(super) struct Pushed {
    push: Call,
    client: Client,
    cookies: Rc<str>,
    step: Step,
}

/// The request that comes next, if it is not being answered.
#[derive(Clone)]
enum Step {
    Push,
    Authorize(Option<Call>),
    Exchange(Option<Call>),
}

impl Pushed {
    pub(super) fn each(fixture: &Fixture, connections: usize) -> Result<Vec<Box<dyn Script>>> {
        let script = Self {
            push: fixture.pushed()?,
            client: fixture.web_client(),
            cookies: fixture.cookies().into(),
            step: Step::Push,
        };
        Ok((0..connections).map(|_| Box::new(script.clone()) as Box<dyn Script>).collect())
    }
}

impl Script for Pushed {
    fn next(&mut self) -> Option<Call> {
        match &mut self.step {
            Step::Push => Some(self.push.clone()),
            Step::Authorize(call) | Step::Exchange(call) => call.take(),
        }
    }

    fn answered(&mut self, answer: &Answer) -> Result<()> {
        self.step = match &self.step {
            Step::Push => {
                let uri = fixture::text(&answer.json()?, "request_uri")?;
                Step::Authorize(Some(self.client.authorize_pushed(&self.cookies, &uri)?))
            }
            Step::Authorize(_) => Step::Exchange(Some(self.client.exchange(answer)?)),
            Step::Exchange(_) => {
                answer.expect_ok()?;
                Step::Push
            }
        };
        Ok(())
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
