//! A server process under measurement.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::call::{self, Connection};
use crate::machine::SERVER_CORE;

/// The process; it runs until this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// The address of the metrics listener.
    observed: SocketAddr,
}

impl Server {
    /// Starts `program` on the servers' core and waits for the line with its address: `… ready at http://HOST:PORT`.
    pub(crate) fn start(program: &Path, prepare: impl FnOnce(&mut Command)) -> Result<Self> {
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", SERVER_CORE]).arg(program);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let observed = free_address()?;
        command.env("SLUICEGATE_OBSERVATION__LISTEN", observed.to_string());
        prepare(&mut command);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let printed = child.stdout.take().context("standard output was asked for as a pipe")?;
        let mut lines = BufReader::new(printed).lines();
        let address = loop {
            let Some(line) = lines.next() else {
                let status = child.wait()?;
                bail!("{} ended before it was ready: {status}", program.display());
            };
            if let Some(address) = address_in(&line?) {
                break address;
            }
        };
        // Later output must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, address, observed })
    }

    /// `taskset` replaces itself by the program, so this is the id of the program.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The counter of the store's syncs, if the server has one.
    pub(crate) async fn syncs(&self) -> Option<u64> {
        self.counter("sluicegate_store_syncs").await
    }

    /// Waits until the server has completed a round of maintenance, so that the next one is as far away as it can be.
    pub(crate) async fn wait_for_end_of_maintenance(&self) -> Result<()> {
        const ROUNDS: &str = "sluicegate_maintenance_rounds_total";
        let before = self.counter(ROUNDS).await.context("the server counts no rounds of maintenance")?;
        for _ in 0..3_000 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if self.counter(ROUNDS).await.is_some_and(|rounds| rounds > before) {
                return Ok(());
            }
        }
        bail!("the server completed no maintenance in a minute");
    }

    async fn counter(&self, name: &str) -> Option<u64> {
        let mut connection = Connection::open(self.observed).await.ok()?;
        let answer = connection.send(call::get("/metrics").ok()?).await.ok()?;
        counter(std::str::from_utf8(&answer.body).ok()?, name)
    }
}

impl Drop for Server {
    /// Asks it to stop, and kills it after five seconds.
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        if asked.is_ok_and(|status| status.success()) {
            for _ in 0..500 {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A loopback address on which nothing listens.
fn free_address() -> Result<SocketAddr> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("no port is free")?;
    Ok(listener.local_addr()?)
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, url) = line.split_once("ready at http://")?;
    url.split(|c: char| c.is_whitespace() || c == '/' || c == '"').next()?.parse().ok()
}

/// The value of a counter in the text format of Prometheus, summed over its labels.
fn counter(text: &str, name: &str) -> Option<u64> {
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let value = rest.rsplit(' ').next()?;
        (rest.starts_with(' ') || rest.starts_with('{')).then(|| value.parse::<u64>().ok())?
    });
    let values: Vec<u64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::{address_in, counter};

    #[test]
    fn the_address_is_read_from_the_ready_line() {
        let address = address_in("sluicegate is ready at http://127.0.0.1:4123");
        assert_eq!(address.map(|address| address.port()), Some(4123));
        assert_eq!(address_in("starting"), None);
    }

    #[test]
    fn counters_are_summed_over_their_labels() {
        let text = "# HELP a_total x\na_total{k=\"1\"} 3\na_total{k=\"2\"} 4\na_total_more 9\n";
        assert_eq!(counter(text, "a_total"), Some(7));
        assert_eq!(counter(text, "b_total"), None);
    }
}
