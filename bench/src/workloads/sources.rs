//! Data sources of each kind: the same tables and requests on SQLite, PostgreSQL and MariaDB.
//!
//! The database servers run on the core of the load, so that the server has its own.

use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::Connection as SqliteFile;
use serde_json::{Value, json};
use testkit::mariadb::{MariaDbDatabase, MariaDbServer};
use testkit::postgres::{PostgresDatabase, PostgresServer};

use super::{entities, odata_of, repeat};
use crate::call::{self, Call};
use crate::fixture::{Fixture, RULED};
use crate::report::Report;
use crate::{Options, load, sample};

/// The database servers. They are started before the load is confined to its core.
pub(crate) struct Servers {
    postgres: PostgresServer,
    mariadb: MariaDbServer,
}

impl Servers {
    pub(crate) fn start() -> Self {
        let options = vec![("shared_buffers", "512MB".to_owned())];
        let settings = testkit::postgres::PostgresSettings { options, ..Default::default() };
        Self { postgres: PostgresServer::start(&settings), mariadb: MariaDbServer::start(&[], None) }
    }
}

/// A workload with the name that `--only` matches.
struct Workload {
    name: &'static str,
    title: &'static str,
    requests: fn() -> Requests,
    connections: usize,
    /// Whether it is measured with row rules too.
    is_ruled: bool,
}

/// What is sent to a data source.
enum Requests {
    /// GET of these paths.
    Paths(Vec<String>),
    /// GET of this path, with the whole result as one page.
    OnePage(&'static str),
    /// A batch in JSON of these paths.
    Batch(Vec<String>),
}

const WORKLOADS: &[Workload] = &[
    workload("source_entity", "one entity by key", || Requests::Paths(entities()), 64).ruled(),
    workload("source_top_100", "$top=100", || path("readings?$top=100"), 64).ruled(),
    workload(
        "source_filter",
        "20 of those that a filter finds by their key",
        || path("readings?$filter=id%20gt%2050000%20and%20valid%20eq%20true&$top=20"),
        64,
    ),
    workload("source_10000_rows", "10,000 rows", || Requests::OnePage("readings?$top=10000"), 8),
    workload(
        "source_deep_page",
        "100 entities from row 90,000 on",
        || path("readings?$filter=id%20gt%2090000&$top=100"),
        64,
    ),
    workload(
        "source_expand_many",
        "20 orders, each with its 4 lines",
        || path("orders?$top=20&$expand=order_lines"),
        64,
    ),
    workload(
        "source_expand_one",
        "20 lines, each with its order",
        || path("order_lines?$top=20&$expand=orders"),
        64,
    ),
    workload("source_batch", "a batch of 10 entities", || Requests::Batch(entities().split_off(990)), 64),
];

const fn workload(
    name: &'static str,
    title: &'static str,
    requests: fn() -> Requests,
    connections: usize,
) -> Workload {
    Workload { name, title, requests, connections, is_ruled: false }
}

impl Workload {
    const fn ruled(self) -> Self {
        Self { is_ruled: true, ..self }
    }
}

/// The name of the data source with rules beside this one.
fn ruled(source: &str) -> String {
    format!("{RULED}_{source}")
}

fn path(path: &str) -> Requests {
    Requests::Paths(vec![path.to_owned()])
}

/// Measures each workload on each kind of database.
pub(crate) async fn run(
    options: &Options,
    servers: &Servers,
    folder: &Path,
    report: &mut Report,
) -> Result<()> {
    let fixture = Fixture::set_up(&options.programs.join("sluicegate"), folder, None).await?;
    let (postgres, mariadb) = (servers.postgres.create_database(), servers.mariadb.create_database());
    fill(folder, &postgres, &mariadb)?;
    add_sources(&fixture, folder, &postgres, &mariadb).await?;
    let token = fixture.service_token().await?;
    let kinds = [("sqlite", "SQLite"), ("postgres", "PostgreSQL"), ("mariadb", "MariaDB")];
    for workload in WORKLOADS.iter().filter(|workload| options.wants(workload.name)) {
        report.section(&format!("{}, {} connections", workload.title, workload.connections));
        for (source, kind) in kinds {
            let plain = (source.to_owned(), kind.to_owned());
            let ruled = (ruled(source), format!("{kind}, with row rules"));
            for (source, row) in
                [Some(plain), Some(ruled).filter(|_| workload.is_ruled)].into_iter().flatten()
            {
                let scripts = repeat(&calls(&(workload.requests)(), &source, &token)?, workload.connections);
                let measured = load::drive(&fixture.server, scripts, options.duration()).await;
                report.row(&row, &measured.with_context(|| format!("{} on {row}", workload.name))?);
            }
        }
    }
    Ok(())
}

/// Creates the tables of the sample in each database.
fn fill(folder: &Path, postgres: &PostgresDatabase<'_>, mariadb: &MariaDbDatabase<'_>) -> Result<()> {
    let related = sample::related();
    let file = folder.join("readings.sqlite");
    SqliteFile::open(&file)?.execute_batch(&format!("BEGIN; {}; COMMIT; ANALYZE", related.join(";")))?;
    for statement in related.iter().chain(&sample::readings_for_servers(&file)?) {
        postgres.run(statement);
        mariadb.run(statement);
    }
    postgres.run("VACUUM ANALYZE");
    Ok(())
}

async fn add_sources(
    fixture: &Fixture,
    folder: &Path,
    postgres: &PostgresDatabase<'_>,
    mariadb: &MariaDbDatabase<'_>,
) -> Result<()> {
    let file = folder.join("readings.sqlite");
    add_both(fixture, "sqlite", "SQLite", &json!({"path": file.to_string_lossy()})).await?;
    let url = postgres.url();
    let (user, password) = credentials(&url).context("the URL of the database has no user")?;
    let options = of_server(&postgres.server().address(), postgres.name(), user, password)?;
    add_both(fixture, "postgres", "PostgreSQL", &options).await?;
    let (user, password) = mariadb.server().owner();
    let options = of_server(&mariadb.server().address(), mariadb.name(), user, password)?;
    add_both(fixture, "mariadb", "MySQL", &options).await
}

/// Adds a data source without rules, and the same with rules.
async fn add_both(fixture: &Fixture, name: &str, kind: &str, options: &Value) -> Result<()> {
    fixture.add_source(name, kind, options).await?;
    fixture.add_source(&ruled(name), kind, options).await
}

/// The user and the password of `postgres://user:password@…`.
fn credentials(url: &str) -> Option<(&str, &str)> {
    url.split_once("://")?.1.split_once('@')?.0.split_once(':')
}

/// The options of a data source on a database server of this machine.
fn of_server(address: &str, database: &str, user: &str, password: &str) -> Result<Value> {
    let (host, port) = address.rsplit_once(':').context("an address without a port")?;
    Ok(json!({
        "ServerName": host, "PortNumber": port, "Database": database, "User": user,
        "Password": password, "EncryptionMethod": "noEncryption",
    }))
}

fn calls(requests: &Requests, source: &str, token: &str) -> Result<Vec<Call>> {
    match requests {
        Requests::Paths(paths) => odata_of(source, token, paths, None),
        Requests::OnePage(path) => {
            odata_of(source, token, &[(*path).to_owned()], Some("odata.maxpagesize=10000"))
        }
        Requests::Batch(paths) => {
            let request = |(number, path): (usize, &String)| json!({"id": number.to_string(), "method": "get", "url": path});
            let body = json!({"requests": paths.iter().enumerate().map(request).collect::<Vec<_>>()});
            let call = call::post_json(&format!("/api/odata4/{source}/$batch"), &body)?;
            Ok(vec![call::with_bearer(call, token)?])
        }
    }
}
