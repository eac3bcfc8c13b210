//! A database with an opened source.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use odata::cell::Value;
use odata::statement::Statement;
use sources::options::OptionValues;
use sources::testing::Lines;
use sources::{
    AllowedHosts, Deadline, Limits, MysqlKind, Resources, Run, Source, SourceError, SourceKind, SourceSpec,
};
use testkit::mariadb::{MariaDbDatabase, MariaDbServer};

/// A database of the shared server, and a source that reads it.
pub(crate) struct Scene {
    pub(crate) database: MariaDbDatabase<'static>,
    pub(crate) resources: Resources,
    pub(crate) source: Source,
}

/// The options of a source without TLS.
pub(crate) fn options(server: &MariaDbServer, database: &str) -> BTreeMap<String, String> {
    let (user, password) = server.owner();
    at(server.port(), [("Database", database), ("User", user), ("Password", password)])
}

/// Options for a server on this port.
pub(crate) fn at(port: u16, more: [(&str, &str); 3]) -> BTreeMap<String, String> {
    let port = port.to_string();
    let options = [("ServerName", "127.0.0.1"), ("PortNumber", &port), ("EncryptionMethod", "noEncryption")];
    options.into_iter().chain(more).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// The hosts of tests.
pub(crate) fn here() -> AllowedHosts {
    AllowedHosts::new(vec!["127.0.0.1".parse().unwrap()])
}

pub(crate) fn open(options: BTreeMap<String, String>, resources: &Resources) -> Source {
    let kind = Arc::new(MysqlKind);
    let faults = kind.store().faults(&options, |_| false);
    assert!(faults.is_empty(), "{faults:?}");
    let values = OptionValues::of(kind.store(), options);
    SourceSpec::new(kind, values).open(resources).unwrap()
}

/// A database in which these statements have run.
pub(crate) fn scene(sql: &str) -> Scene {
    scene_with(sql, Limits::default(), &[])
}

pub(crate) fn scene_with(sql: &str, limits: Limits, more: &[(&str, &str)]) -> Scene {
    let database = MariaDbServer::shared().create_database();
    if !sql.is_empty() {
        database.run(sql);
    }
    let resources = Resources::new(limits, 4, here());
    let mut options = options(database.server(), database.name());
    options.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    let source = open(options, &resources);
    Scene { database, resources, source }
}

pub(crate) fn far() -> Deadline {
    Deadline::after(Duration::from_mins(1))
}

pub(crate) fn run() -> Run {
    Run { deadline: far(), max_rows: usize::MAX }
}

pub(crate) fn statement(sql: &str, columns: usize, parameters: Vec<Value>) -> Statement {
    Statement { sql: sql.to_owned(), parameters, columns, quicker: None }
}

/// The rows of a statement as lines.
pub(crate) async fn lines(source: &Source, statement: Statement) -> Result<Vec<String>, SourceError> {
    lines_within(source, statement, far()).await
}

pub(crate) async fn lines_within(
    source: &Source,
    statement: Statement,
    deadline: Deadline,
) -> Result<Vec<String>, SourceError> {
    let mut chunks = source.stream(Run { deadline, ..run() }, Lines(vec![statement]))?;
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect())
}

/// Waits until no other connection to the server runs a statement that contains this.
pub(crate) async fn until_ended(source: &Source, words: &str) {
    let sql = "SELECT COUNT(*) FROM information_schema.processlist WHERE command IN ('Execute', 'Query') \
               AND id <> CONNECTION_ID() AND LOCATE(?, info) > 0";
    let running = statement(sql, 1, vec![Value::Text(words.to_owned())]);
    while lines(source, running.clone()).await.unwrap() != ["Integer(0)"] {}
}

/// The only row of a statement without parameters.
pub(crate) async fn line(source: &Source, sql: &str) -> Result<String, SourceError> {
    Ok(lines(source, statement(sql, 1, Vec::new())).await?.concat())
}
