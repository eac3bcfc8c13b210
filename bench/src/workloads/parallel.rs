//! Fifty parallel refreshes of one token: all must get the same successor, so that no family forks.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::task::{JoinSet, LocalSet};

use crate::Options;
use crate::call::{Answer, Call, Connection};
use crate::fixture::{self, Fixture};
use crate::load::{Recorder, sample};
use crate::report::Report;

pub(super) const NAME: &str = "parallel_refresh";
const PARALLEL: usize = 50;

pub(super) async fn run(options: &Options, fixture: &Fixture, report: &mut Report) -> Result<()> {
    let mut connections = Vec::new();
    for _ in 0..PARALLEL {
        connections.push(Connection::open(fixture.server.address).await?);
    }
    let client = fixture.web_client();
    let mut token = fixture.refresh_tokens(1).await?.pop().context("no refresh token")?;
    let before = sample(&[&fixture.server]).await?;
    let begin = Instant::now();
    let mut recorder = Recorder::new(begin)?;
    let end = begin + options.duration();
    while Instant::now() < end {
        let call = client.refresh(&token)?;
        let (kept, answers) = round(connections, &call).await?;
        connections = kept;
        let mut successors = Vec::with_capacity(PARALLEL);
        for (answer, latency) in answers {
            answer.expect_ok()?;
            recorder.record(latency, Instant::now());
            successors.push(fixture::text(&answer.json()?, "refresh_token")?);
        }
        successors.dedup();
        let [successor] = successors.as_slice() else {
            bail!("the family forked: {} different successors of one token", successors.len());
        };
        successor.clone_into(&mut token);
    }
    let after = sample(&[&fixture.server]).await?;
    report.section(&format!("refresh with rotation, {PARALLEL} in parallel with one token, in rounds"));
    report.row("sluicegate", &recorder.measured(&before, &after)?);
    Ok(())
}

/// Sends the same request on every connection at once and waits for all responses.
async fn round(
    connections: Vec<Connection>,
    call: &Call,
) -> Result<(Vec<Connection>, Vec<(Answer, Duration)>)> {
    let local = LocalSet::new();
    let mut sending = JoinSet::new();
    for mut connection in connections {
        let call = call.clone();
        let send = async move {
            let sent = Instant::now();
            let answer = connection.send(call).await?;
            anyhow::Ok((connection, answer, sent.elapsed()))
        };
        sending.spawn_local_on(send, &local);
    }
    let gather = async {
        let (mut kept, mut answers) = (Vec::new(), Vec::new());
        while let Some(sent) = sending.join_next().await {
            let (connection, answer, latency) = sent.context("a sending task was lost")??;
            kept.push(connection);
            answers.push((answer, latency));
        }
        Ok((kept, answers))
    };
    local.run_until(gather).await
}
