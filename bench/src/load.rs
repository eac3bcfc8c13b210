//! Closed-loop load: each connection sends its next request when the last one is answered.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use tokio::task::{JoinSet, LocalSet};

use crate::call::{Answer, Call, Connection};
use crate::machine::Usage;
use crate::server::Server;

/// What one connection says.
pub(crate) trait Script {
    /// The next request, or nothing if there is nothing left to ask.
    fn next(&mut self) -> Option<Call>;

    /// Looks at the answer; an error ends the measurement.
    fn answered(&mut self, answer: &Answer) -> Result<()> {
        answer.expect_success()
    }
}

/// The figures of one server under one workload.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    pub(crate) p50_micros: u64,
    pub(crate) p99_micros: u64,
    pub(crate) cpu_micros_per_request: f64,
    pub(crate) resident_kib: u64,
    /// How often the store made its file durable, if the server tells.
    pub(crate) syncs: Option<u64>,
}

/// Runs one script per connection for `duration`, after half a second that is not counted. A script that runs dry ends
/// the measurement when all have.
pub(crate) async fn drive(
    server: &Server,
    scripts: Vec<Box<dyn Script>>,
    duration: Duration,
) -> Result<Measured> {
    let mut connections = Vec::new();
    for script in scripts {
        connections.push((Connection::open(server.address).await?, script));
    }
    let begin = Instant::now() + Duration::from_millis(500);
    let window = Window { begin, end: begin + duration };
    let recorder = Rc::new(RefCell::new(Recorder::new()?));
    let local = LocalSet::new();
    local
        .run_until(async move {
            let mut running = JoinSet::new();
            for (connection, script) in connections {
                running.spawn_local(converse(connection, script, window, Rc::clone(&recorder)));
            }
            let before = sample_at(server, begin, &mut running).await?;
            while let Some(ended) = running.join_next().await {
                ended.context("a connection's task was lost")??;
            }
            let after = sample(server).await?;
            let recorder = recorder.borrow();
            Ok(recorder.measured(&before, &after))
        })
        .await
}

#[derive(Clone, Copy)]
struct Window {
    begin: Instant,
    end: Instant,
}

async fn converse(
    mut connection: Connection,
    mut script: Box<dyn Script>,
    window: Window,
    recorder: Rc<RefCell<Recorder>>,
) -> Result<()> {
    loop {
        let sent = Instant::now();
        if sent >= window.end {
            return Ok(());
        }
        let Some(call) = script.next() else { return Ok(()) };
        let answer = connection.send(call).await?;
        let answered = Instant::now();
        if answered >= window.begin {
            recorder.borrow_mut().record(answered - sent);
        }
        script.answered(&answer)?;
    }
}

/// A server's counters at one moment.
pub(crate) struct Sample {
    at: Instant,
    usage: Usage,
    syncs: Option<u64>,
}

/// Samples when the window begins, or earlier if an error ended a connection before.
async fn sample_at(server: &Server, begin: Instant, running: &mut JoinSet<Result<()>>) -> Result<Sample> {
    let begins = tokio::time::sleep_until(begin.into());
    tokio::pin!(begins);
    loop {
        tokio::select! {
            () = &mut begins => return sample(server).await,
            Some(ended) = running.join_next() => ended.context("a connection's task was lost")??,
        }
    }
}

/// Reads them.
pub(crate) async fn sample(server: &Server) -> Result<Sample> {
    let syncs = server.syncs().await;
    Ok(Sample { at: Instant::now(), usage: Usage::of(server.pid())?, syncs })
}

/// What is slower counts as this slow: a minute.
const SLOWEST_MICROS: u64 = 60_000_000;

/// Collects latencies.
pub(crate) struct Recorder {
    latencies: Histogram<u64>,
}

impl Recorder {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { latencies: Histogram::new_with_bounds(1, SLOWEST_MICROS, 3)? })
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latencies.saturating_record(micros.max(1));
    }

    pub(crate) fn measured(&self, before: &Sample, after: &Sample) -> Measured {
        let requests = self.latencies.len();
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 in a run of seconds")]
        let per_request = |total: u64| total as f64 / requests.max(1) as f64;
        Measured {
            requests,
            seconds: (after.at - before.at).as_secs_f64(),
            p50_micros: self.latencies.value_at_quantile(0.5),
            p99_micros: self.latencies.value_at_quantile(0.99),
            cpu_micros_per_request: per_request(after.usage.cpu_micros - before.usage.cpu_micros),
            resident_kib: after.usage.resident_kib,
            syncs: before.syncs.zip(after.syncs).map(|(before, after)| after - before),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Recorder;

    #[test]
    fn percentiles_lie_within_a_thousandth() {
        let mut recorder = Recorder::new().unwrap();
        (1..=1_000).for_each(|millis| recorder.record(Duration::from_millis(millis)));
        let median = recorder.latencies.value_at_quantile(0.5);
        assert!(median.abs_diff(500_000) <= 500, "{median}");
        recorder.record(Duration::from_hours(1));
        assert!(recorder.latencies.max() >= 60_000_000);
    }
}
