//! The workloads, one after the other, each on the server, the floor and, if possible, the peer.

mod growth;
pub(crate) mod instructions;
mod parallel;
mod scripts;
pub(crate) mod shared;
pub(crate) mod sources;

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use hyper::Uri;
use hyper::header::HeaderName;

use crate::Options;
use crate::call::{self, Call, Connection};
use crate::fixture::{Fixture, RULED, SOURCE, SignedWith};
use crate::floor;
use crate::load::{self, Script};
use crate::peer::Peer;
use crate::prover::Prover;
use crate::report::Report;
use crate::sample;
pub(crate) use growth::database_in;
use scripts::{Prove, Pushed, Queue, Repeat, Rotate};

/// A workload with the name that `--only` matches.
struct Workload {
    name: &'static str,
    title: &'static str,
    kind: Kind,
    connections: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    ClientCredentials,
    SignedToken(SignedWith),
    Introspection,
    IntrospectionOfSigned,
    SignedIntrospection,
    Entity,
    RuledEntity,
    EntityBySigned,
    ProvedToken,
    ProvedEntity,
    Pushed,
    Top100,
    RuledTop100,
    Rows10000,
    CodeExchange,
    Refresh,
}

const WORKLOADS: &[Workload] = &[
    workload("client_credentials", "client_credentials, opaque token", Kind::ClientCredentials, 64),
    workload(
        "jwt_eddsa",
        "client_credentials, token signed with EdDSA",
        Kind::SignedToken(SignedWith::EdDsa),
        64,
    ),
    workload(
        "jwt_es256",
        "client_credentials, token signed with ES256",
        Kind::SignedToken(SignedWith::Es256),
        64,
    ),
    workload(
        "jwt_rs256",
        "client_credentials, token signed with RS256",
        Kind::SignedToken(SignedWith::Rs256),
        64,
    ),
    workload("dpop_token", "client_credentials, token bound to a key by DPoP", Kind::ProvedToken, 64),
    workload("introspection", "introspection of an opaque token", Kind::Introspection, 64),
    workload("introspection_of_jwt", "introspection of a signed token", Kind::IntrospectionOfSigned, 64),
    workload(
        "introspection_by_jwt",
        "introspection with an answer signed with EdDSA",
        Kind::SignedIntrospection,
        64,
    ),
    workload(
        "odata_entity_by_jwt",
        "check of a signed token and one entity by key",
        Kind::EntityBySigned,
        64,
    ),
    workload("odata_entity", "bearer check and one entity by key", Kind::Entity, 64),
    workload(
        "odata_entity_ruled",
        "bearer check and one entity by key, with row rules",
        Kind::RuledEntity,
        64,
    ),
    workload(
        "odata_entity_dpop",
        "check of a proof and its token, and one entity by key",
        Kind::ProvedEntity,
        64,
    ),
    workload("odata_top_100", "bearer check and $top=100", Kind::Top100, 64),
    workload("odata_top_100_ruled", "bearer check and $top=100, with row rules", Kind::RuledTop100, 64),
    workload("odata_10000_rows", "bearer check and 10,000 rows", Kind::Rows10000, 8),
    workload("code_exchange", "code exchange, durable", Kind::CodeExchange, 64),
    workload("code_exchange", "code exchange, durable", Kind::CodeExchange, 128),
    workload(
        "par_code",
        "pushed request, authorization and code exchange, average of the three",
        Kind::Pushed,
        64,
    ),
    workload("refresh", "refresh with rotation, durable", Kind::Refresh, 64),
    workload("refresh", "refresh with rotation, durable", Kind::Refresh, 128),
];

const fn workload(name: &'static str, title: &'static str, kind: Kind, connections: usize) -> Workload {
    Workload { name, title, kind, connections }
}

/// Measures the workloads that `options` select.
pub(crate) async fn run_all(options: &Options, folder: &Path, report: &mut Report) -> Result<()> {
    let wanted: Vec<&Workload> = WORKLOADS.iter().filter(|workload| options.wants(workload.name)).collect();
    if wanted.is_empty() && !options.wants(parallel::NAME) && !options.wants(growth::NAME) {
        return Ok(());
    }
    let fixture = Fixture::set_up(&options.programs.join("sluicegate"), folder, None).await?;
    let needs_peer = !options.alone && wanted.iter().any(|workload| has_peer(workload.kind));
    let peer = if needs_peer { Some(Peer::start()?) } else { None };
    for workload in wanted {
        let measured = run(workload, options, folder, &fixture, peer.as_ref(), report).await;
        measured.with_context(|| format!("workload {}", workload.name))?;
    }
    if options.wants(parallel::NAME) {
        parallel::run(options, &fixture, report).await.context("parallel refreshes")?;
    }
    if options.wants(growth::NAME) {
        growth::run(options, &fixture, report).await.context("growth")?;
    }
    Ok(())
}

async fn run(
    workload: &Workload,
    options: &Options,
    folder: &Path,
    fixture: &Fixture,
    peer: Option<&Peer>,
    report: &mut Report,
) -> Result<()> {
    let duration = options.duration();
    report.section(&format!("{}, {} connections", workload.title, workload.connections));
    let scripts = fixture_scripts(fixture, workload, duration).await?;
    report.row("sluicegate", &load::drive(&fixture.server, scripts, duration).await?);
    if options.alone {
        return Ok(());
    }
    let single = Workload { connections: 1, ..*workload };
    let call =
        fixture_scripts(fixture, &single, Duration::ZERO).await?.first_mut().and_then(|script| script.next());
    let call = call.context("the workload has no request")?;
    let answer = Connection::open(fixture.server.address).await?.send(call.clone()).await?;
    let floor = floor::start(&options.programs, folder, workload.name, &answer)?;
    let mut same = call;
    *same.uri_mut() = Uri::try_from(format!("/{}", workload.name))?;
    let scripts = repeat(&[same], workload.connections);
    report.row("bare hyper (floor)", &load::drive(&floor, scripts, duration).await?);
    drop(floor);
    if let Some(peer) = peer.filter(|_| has_peer(workload.kind)) {
        let scripts = peer_scripts(peer, workload, duration).await?;
        report.row("oidc-provider (peer)", &load::drive(&peer.server, scripts, duration).await?);
    }
    Ok(())
}

fn has_peer(kind: Kind) -> bool {
    matches!(kind, Kind::ClientCredentials | Kind::Introspection | Kind::CodeExchange | Kind::Refresh)
}

async fn fixture_scripts(
    fixture: &Fixture,
    workload: &Workload,
    duration: Duration,
) -> Result<Vec<Box<dyn Script>>> {
    let connections = workload.connections;
    Ok(match workload.kind {
        Kind::ClientCredentials => repeat(&[fixture.client_credentials()?], connections),
        Kind::Introspection => {
            repeat(&[fixture.introspection(&fixture.service_token().await?)?], connections)
        }
        Kind::SignedToken(algorithm) => repeat(&[fixture.signed_token(algorithm)?], connections),
        Kind::IntrospectionOfSigned => {
            let token = fixture.token(fixture.signed_token(SignedWith::EdDsa)?).await?;
            repeat(&[fixture.introspection_by(SignedWith::EdDsa, &token)?], connections)
        }
        Kind::SignedIntrospection => {
            let token = fixture.token(fixture.signed_token(SignedWith::EdDsa)?).await?;
            let call = fixture.introspection_by(SignedWith::EdDsa, &token)?;
            let accept = "application/token-introspection+jwt";
            repeat(&[call::with_header(call, hyper::header::ACCEPT, accept)?], connections)
        }
        Kind::Entity => {
            let token = fixture.service_token().await?;
            repeat(&odata(&token, &entities(), None)?, connections)
        }
        Kind::RuledEntity => {
            let token = fixture.service_token().await?;
            repeat(&odata_of(RULED, &token, &entities(), None)?, connections)
        }
        Kind::EntityBySigned => {
            let token = fixture.token(fixture.signed_token(SignedWith::EdDsa)?).await?;
            repeat(&odata(&token, &entities(), None)?, connections)
        }
        Kind::ProvedToken => {
            let prover = Prover::new(fixture.server.address)?;
            Prove::each(prover, &[fixture.client_credentials()?], connections)
        }
        Kind::ProvedEntity => {
            let prover = Prover::new(fixture.server.address)?;
            let token = fixture.token(prover.prove(&fixture.client_credentials()?)?).await?;
            Prove::each(prover, &odata(&token, &entities(), None)?, connections)
        }
        Kind::Pushed => Pushed::each(fixture, connections)?,
        Kind::Top100 => {
            let token = fixture.service_token().await?;
            repeat(&odata(&token, &["readings?$top=100".to_owned()], None)?, connections)
        }
        Kind::RuledTop100 => {
            let token = fixture.service_token().await?;
            repeat(&odata_of(RULED, &token, &["readings?$top=100".to_owned()], None)?, connections)
        }
        Kind::Rows10000 => {
            let paths = ["readings?$top=10000".to_owned()];
            let token = fixture.service_token().await?;
            repeat(&odata(&token, &paths, Some("odata.maxpagesize=10000"))?, connections)
        }
        Kind::CodeExchange => Queue::shared(scripts::codes(fixture, amount(duration)).await?, connections),
        Kind::Refresh => {
            let client = fixture.web_client();
            let make: scripts::Refresh = Rc::new(move |token| client.refresh(token));
            Rotate::each(fixture.refresh_tokens(connections).await?, &make)?
        }
    })
}

async fn peer_scripts(peer: &Peer, workload: &Workload, duration: Duration) -> Result<Vec<Box<dyn Script>>> {
    let connections = workload.connections;
    Ok(match workload.kind {
        Kind::Introspection => repeat(&[peer.introspection().await?], connections),
        Kind::CodeExchange => Queue::shared(peer.exchanges(amount(duration) / 6).await?, connections),
        Kind::Refresh => {
            let make: scripts::Refresh = Rc::new(Peer::refresh);
            Rotate::each(peer.refresh_tokens(connections).await?, &make)?
        }
        _ => repeat(&[Peer::client_credentials()?], connections),
    })
}

fn repeat(calls: &[Call], connections: usize) -> Vec<Box<dyn Script>> {
    (0..connections).map(|index| Box::new(Repeat::new(calls, index)) as Box<dyn Script>).collect()
}

/// The paths of many single rows.
fn entities() -> Vec<String> {
    let keys = (1..=1_000).map(|n| n * 7_919 % sample::ROWS + 1);
    keys.map(|key| format!("readings({key})")).collect()
}

/// Reads the sample data with a token.
fn odata(token: &str, paths: &[String], prefer: Option<&str>) -> Result<Vec<Call>> {
    odata_of(SOURCE, token, paths, prefer)
}

/// Reads a data source with a token.
fn odata_of(source: &str, token: &str, paths: &[String], prefer: Option<&str>) -> Result<Vec<Call>> {
    let read = |path: &String| {
        let call = call::with_bearer(call::get(&format!("/api/odata4/{source}/{path}"))?, token)?;
        prefer.map_or(Ok(call.clone()), |prefer| {
            call::with_header(call, HeaderName::from_static("prefer"), prefer)
        })
    };
    paths.iter().map(read).collect()
}

/// The number of codes to prepare: more than can be exchanged in the time, at least one.
fn amount(duration: Duration) -> usize {
    const PER_SECOND: u64 = 24_000;
    let uncounted = u64::from(!duration.is_zero());
    usize::try_from((duration.as_secs() + uncounted) * PER_SECOND).unwrap_or(usize::MAX).max(1)
}
