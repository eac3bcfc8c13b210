//! Closed-loop load: each connection sends its next request when the last one has been answered.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use tokio::task::{JoinSet, LocalSet};

use crate::call::{Answer, Call, Connection};
use crate::machine::Usage;
use crate::server::Server;

/// The requests of one connection.
pub(crate) trait Script {
    /// The next request; `None` if there are no more.
    fn next(&mut self) -> Option<Call>;

    /// The pause before the next request.
    fn rest(&mut self) -> Duration {
        Duration::ZERO
    }

    /// Checks the response. An error ends the measurement: only expected responses count.
    fn answered(&mut self, answer: &Answer) -> Result<()> {
        answer.expect_ok()
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
    /// How often the store made its file durable, if the server reports it.
    pub(crate) syncs: Option<u64>,
}

/// Runs one script on each connection for `duration`, after half a second that is not counted. The
/// measurement also ends when all scripts have run out of requests.
pub(crate) async fn drive(
    server: &Server,
    scripts: Vec<Box<dyn Script>>,
    duration: Duration,
) -> Result<Measured> {
    drive_all(&[server], scripts, duration).await
}

/// Like [`drive`], with the connections distributed over several servers, whose costs are added up.
pub(crate) async fn drive_all(
    servers: &[&Server],
    scripts: Vec<Box<dyn Script>>,
    duration: Duration,
) -> Result<Measured> {
    let mut connections = Vec::new();
    for (script, server) in scripts.into_iter().zip(servers.iter().cycle()) {
        connections.push((Connection::open(server.address).await?, script));
    }
    let begin = Instant::now() + Duration::from_millis(500);
    let window = Window { begin, end: begin + duration };
    let recorder = Rc::new(RefCell::new(Recorder::new(begin)?));
    let local = LocalSet::new();
    local
        .run_until(async move {
            let mut running = JoinSet::new();
            for (connection, script) in connections {
                running.spawn_local(converse(connection, script, window, Rc::clone(&recorder)));
            }
            let before = sample_at(servers, begin, &mut running).await?;
            while let Some(ended) = running.join_next().await {
                ended.context("a connection's task was lost")??;
            }
            let after = sample(servers).await?;
            let recorder = recorder.borrow();
            recorder.measured(&before, &after)
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
        let rest = script.rest();
        if !rest.is_zero() {
            tokio::time::sleep(rest).await;
        }
        if Instant::now() >= window.end {
            return Ok(());
        }
        let Some(call) = script.next() else { return Ok(()) };
        let sent = Instant::now();
        let answer = connection.send(call).await?;
        let answered = Instant::now();
        script.answered(&answer)?;
        if answered >= window.begin {
            recorder.borrow_mut().record(answered - sent, answered);
        }
    }
}

/// The counters of a server at a point in time.
pub(crate) struct Sample {
    usage: Usage,
    syncs: Option<u64>,
}

/// Takes a sample when the window starts, or earlier if an error ended a connection.
async fn sample_at(servers: &[&Server], begin: Instant, running: &mut JoinSet<Result<()>>) -> Result<Sample> {
    let begins = tokio::time::sleep_until(begin.into());
    tokio::pin!(begins);
    loop {
        tokio::select! {
            () = &mut begins => return sample(servers).await,
            Some(ended) = running.join_next() => ended.context("a connection's task was lost")??,
        }
    }
}

/// Reads the counters: first those of the kernel, because a server under load may take seconds to return its
/// own.
pub(crate) async fn sample(servers: &[&Server]) -> Result<Sample> {
    let mut usage = Usage { cpu_micros: 0, resident_kib: 0 };
    for server in servers {
        let own = Usage::of(server.pid())?;
        usage.cpu_micros += own.cpu_micros;
        usage.resident_kib += own.resident_kib;
    }
    let mut syncs = Some(0);
    for server in servers {
        syncs = syncs.zip(server.syncs().await).map(|(all, own)| all + own);
    }
    Ok(Sample { usage, syncs })
}

/// Slower responses count as this slow: a minute.
const SLOWEST_MICROS: u64 = 60_000_000;

/// Records latencies, and the first and last time.
pub(crate) struct Recorder {
    latencies: Histogram<u64>,
    begin: Instant,
    last: Instant,
}

impl Recorder {
    pub(crate) fn new(begin: Instant) -> Result<Self> {
        Ok(Self { latencies: Histogram::new_with_bounds(1, SLOWEST_MICROS, 3)?, begin, last: begin })
    }

    pub(crate) fn record(&mut self, latency: Duration, answered: Instant) {
        self.last = self.last.max(answered);
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latencies.saturating_record(micros.max(1));
    }

    /// The figures. The duration is that of the responses, whenever the counters were read.
    pub(crate) fn measured(&self, before: &Sample, after: &Sample) -> Result<Measured> {
        let requests = self.latencies.len();
        if requests == 0 {
            bail!("nothing was answered while it was measured");
        }
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 in a run of seconds")]
        let per_request = |total: u64| total as f64 / requests as f64;
        Ok(Measured {
            requests,
            seconds: (self.last - self.begin).as_secs_f64(),
            p50_micros: self.latencies.value_at_quantile(0.5),
            p99_micros: self.latencies.value_at_quantile(0.99),
            cpu_micros_per_request: per_request(after.usage.cpu_micros - before.usage.cpu_micros),
            resident_kib: after.usage.resident_kib,
            syncs: before.syncs.zip(after.syncs).map(|(before, after)| after - before),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Recorder, Sample};
    use crate::machine::Usage;

    fn sample() -> Sample {
        Sample { usage: Usage { cpu_micros: 0, resident_kib: 0 }, syncs: None }
    }

    #[test]
    fn the_duration_is_that_of_the_responses() {
        let begin = Instant::now();
        let mut recorder = Recorder::new(begin).unwrap();
        for second in 1..=5 {
            recorder.record(Duration::from_millis(1), begin + Duration::from_secs(second));
        }
        let measured = recorder.measured(&sample(), &sample()).unwrap();
        assert_eq!((measured.requests, measured.seconds.round()), (5, 5.0));
    }

    #[test]
    fn a_measurement_without_responses_is_an_error() {
        let recorder = Recorder::new(Instant::now()).unwrap();
        assert!(recorder.measured(&sample(), &sample()).is_err());
    }

    #[test]
    fn percentiles_are_exact_to_a_thousandth() {
        let now = Instant::now();
        let mut recorder = Recorder::new(now).unwrap();
        (1..=1_000).for_each(|millis| recorder.record(Duration::from_millis(millis), now));
        let median = recorder.latencies.value_at_quantile(0.5);
        assert!(median.abs_diff(500_000) <= 500, "{median}");
        recorder.record(Duration::from_hours(1), now);
        assert!(recorder.latencies.max() >= 60_000_000);
    }
}
