//! Nodes that share a PostgreSQL database: the same workloads on one node and on two, a burst of revocations,
//! and whether costs grow with the number of live grants.

use std::path::Path;
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use testkit::postgres::{PostgresDatabase, PostgresServer, PostgresSettings};

use super::scripts::{self, Queue};
use super::{Kind, Workload, amount, fixture_scripts, odata, repeat, workload};
use crate::Options;
use crate::call::{Answer, Call, Connection};
use crate::fixture::{self, Fixture};
use crate::load::{self, Measured, Script};
use crate::machine::{self, ANY_CORE, LOAD_CORE, SERVER_CORE};
use crate::report::Report;
use crate::server::Server;

const WORKLOADS: &[Workload] = &[
    workload("client_credentials", "client_credentials, opaque token", Kind::ClientCredentials, 64),
    workload("odata_entity", "bearer check and one entity by key", Kind::Entity, 64),
    workload("code_exchange", "code exchange, durable", Kind::CodeExchange, 64),
    workload("refresh", "refresh with rotation, durable", Kind::Refresh, 64),
];

const BURST: &str = "revocation_burst";
const GROWTH: &str = "live_grants";

/// The number of revocations in a second of the burst.
const BURST_PER_SECOND: u32 = 1_000;

/// The number of connections of the burst.
const BURST_CONNECTIONS: usize = 20;

/// A server whose commits are on the disk when they are acknowledged.
pub(crate) fn start_postgres() -> PostgresServer {
    let options = vec![("shared_buffers", "512MB".to_owned()), ("max_wal_size", "4GB".to_owned())];
    PostgresServer::start(&PostgresSettings { durable: true, options, ..PostgresSettings::default() })
}

pub(crate) async fn run(
    options: &Options,
    postgres: &PostgresServer,
    folder: &Path,
    report: &mut Report,
) -> Result<()> {
    let program = options.programs.join("sluicegate");
    let database = postgres.create_database();
    let fixture = Fixture::set_up(&program, folder, Some(database.url())).await?;
    let second = fixture::serve(&program, &fixture.installation.another_node("second")?)?;
    for workload in WORKLOADS.iter().filter(|workload| options.wants(workload.name)) {
        let measured = on_one_and_two(workload, options, &fixture, &second, report).await;
        measured.with_context(|| format!("workload {}", workload.name))?;
    }
    if options.wants(BURST) {
        burst(options, &fixture, &second, postgres, report).await.context("the burst of revocations")?;
    }
    drop(second);
    if options.wants(GROWTH) {
        growth(options, &fixture, &database, report).await.context("growth")?;
    }
    Ok(())
}

async fn on_one_and_two(
    workload: &Workload,
    options: &Options,
    fixture: &Fixture,
    second: &Server,
    report: &mut Report,
) -> Result<()> {
    let duration = options.duration();
    report.section(&format!("PostgreSQL: {}, {} connections", workload.title, workload.connections));
    for (name, nodes) in [("one node", &[&fixture.server][..]), ("two nodes", &[&fixture.server, second])] {
        let scripts = fixture_scripts(fixture, workload, duration).await?;
        report.row(name, &load::drive_all(nodes, scripts, duration).await?);
    }
    Ok(())
}

/// Bearer checks at one node, without load and while another node processes a thousand revocations a second.
/// Each of the two cores represents a machine: one for the checked node and its client, the other for the
/// database, the other node and its clients.
async fn burst(
    options: &Options,
    fixture: &Fixture,
    second: &Server,
    postgres: &PostgresServer,
    report: &mut Report,
) -> Result<()> {
    let duration = options.duration();
    machine::move_family(postgres.process_id(), LOAD_CORE)?;
    machine::move_family(second.pid(), LOAD_CORE)?;
    let calls = odata(&fixture.service_token().await?, &["readings(7)".to_owned()], None)?;
    let checks = || drive_from(SERVER_CORE, &fixture.server, || repeat(&calls, 4), duration);
    let wanted = (u32::try_from(duration.as_secs())? + 2) * BURST_PER_SECOND;
    let calls = revocations(fixture, wanted).await?;
    let burst = || Paced::all(BURST_PER_SECOND, Queue::shared(calls, BURST_CONNECTIONS));
    let quiet = std::thread::scope(|scope| ended(scope.spawn(checks)))?;
    let (during_burst, revoked) = std::thread::scope(|scope| {
        let checking = scope.spawn(checks);
        let revoking = scope.spawn(move || drive_from(LOAD_CORE, second, burst, duration));
        anyhow::Ok((ended(checking)?, ended(revoking)?))
    })?;
    machine::move_family(postgres.process_id(), ANY_CORE)?;
    report.section("PostgreSQL: bearer check and one entity, 4 connections, while another node revokes");
    report.row("quiet", &quiet);
    report.row("during the burst", &during_burst);
    report.row("the burst: 1,000 revocations a second", &revoked);
    Ok(())
}

/// Generates load from the calling thread, on a chosen core.
fn drive_from(
    core: &str,
    server: &Server,
    scripts: impl FnOnce() -> Vec<Box<dyn Script>>,
    duration: Duration,
) -> Result<Measured> {
    machine::move_this_thread(core)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(load::drive(server, scripts(), duration))
}

fn ended<T>(thread: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().map_err(|_| anyhow!("a thread of the load panicked"))?
}

/// Revocations of as many fresh access tokens.
async fn revocations(fixture: &Fixture, wanted: u32) -> Result<Vec<Call>> {
    let mut connection = Connection::open(fixture.server.address).await?;
    let mut calls = Vec::new();
    for _ in 0..wanted {
        let answer = connection.send(fixture.client_credentials()?).await?;
        calls.push(fixture.revocation(&fixture::text(&answer.json()?, "access_token")?)?);
    }
    Ok(calls)
}

/// A script whose requests are sent at fixed times; a late one is followed by the next at once.
struct Paced {
    script: Box<dyn Script>,
    interval: Duration,
    next: Instant,
}

impl Paced {
    /// Paces scripts so that all together send this many requests in a second, one after the other.
    fn all(per_second: u32, scripts: Vec<Box<dyn Script>>) -> Vec<Box<dyn Script>> {
        let apart = Duration::from_secs(1) / per_second;
        let interval = apart * u32::try_from(scripts.len()).unwrap_or(1);
        let begin = Instant::now();
        let moments = (0..).map(|place| begin + apart * place);
        let paced = |(script, next)| Box::new(Self { script, interval, next }) as Box<dyn Script>;
        scripts.into_iter().zip(moments).map(paced).collect()
    }
}

impl Script for Paced {
    fn next(&mut self) -> Option<Call> {
        self.script.next()
    }

    fn rest(&mut self) -> Duration {
        let due = self.next;
        self.next += self.interval;
        due.saturating_duration_since(Instant::now())
    }

    fn answered(&mut self, answer: &Answer) -> Result<()> {
        self.script.answered(answer)
    }
}

/// The duration of each durable operation, alone, with an increasing number of live grants.
async fn growth(
    options: &Options,
    fixture: &Fixture,
    database: &PostgresDatabase<'_>,
    report: &mut Report,
) -> Result<()> {
    let sizes: &[u32] = if options.quick { &[1_000, 10_000] } else { &[10_000, 100_000, 1_000_000] };
    let mut there = 0;
    for size in sizes {
        add_grants(database, there, *size);
        there = *size;
        let times = operations(fixture).await?;
        let shown: Vec<String> =
            times.iter().map(|(name, time)| format!("{name} {:.2} ms", time.as_secs_f64() * 1e3)).collect();
        report.fact(&format!("{size} live grants, median of one request at a time"), &shown.join(", "));
    }
    Ok(())
}

async fn operations(fixture: &Fixture) -> Result<Vec<(&'static str, Duration)>> {
    const SECONDS: Duration = Duration::from_secs(2);
    let median = |measured: Measured| Duration::from_micros(measured.p50_micros);
    let codes = Queue::shared(scripts::codes(fixture, amount(SECONDS) / 8).await?, 1);
    let exchange = median(load::drive(&fixture.server, codes, SECONDS).await?);
    let single = workload("refresh", "", Kind::Refresh, 1);
    let refresh = median(
        load::drive(&fixture.server, fixture_scripts(fixture, &single, SECONDS).await?, SECONDS).await?,
    );
    let revoking = Queue::shared(revocations(fixture, 4_000).await?, 1);
    let revoke = median(load::drive(&fixture.server, revoking, SECONDS).await?);
    Ok(vec![("exchange", exchange), ("refresh", refresh), ("revocation", revoke)])
}

/// Adds grants of ten thousand users to the newest application until there are this many.
fn add_grants(database: &PostgresDatabase<'_>, there: u32, wanted: u32) {
    database.run(&format!(
        "INSERT INTO users (epoch, active, name, folded_name, password, created_at, updated_at)
         SELECT 1, true, 'grown ' || n, 'grown ' || n, '', 0, 0 FROM generate_series(1, 10000) AS n
         ON CONFLICT (folded_name) DO NOTHING;
         INSERT INTO grants (application_id, application_epoch, user_id, user_epoch, code_id, scopes, refreshable,
             generation, key, created_at)
         SELECT a.id, a.epoch, u.id, u.epoch, decode(lpad(to_hex(n), 32, '0'), 'hex'), 1, true, 0, 1, 0
         FROM generate_series({}, {wanted}) AS n
         JOIN users u ON u.name = 'grown ' || (n % 10000 + 1)
         CROSS JOIN (SELECT id, epoch FROM applications ORDER BY id DESC LIMIT 1) AS a",
        there + 1
    ));
    database.run("VACUUM ANALYZE grants");
}
