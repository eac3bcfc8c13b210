//! Random requests, on SQLite, PostgreSQL and MariaDB.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use odata::expansion::Bounds;
use serde_json::{Value, json};
use sources::options::OptionValues;
use sources::{AllowedHosts, Limits, MysqlKind, PostgresKind, Resources, SourceKind, SourceSpec, SqliteKind};
use testkit::Random;
use testkit::mariadb::MariaDbServer;
use testkit::postgres::PostgresServer;

use crate::client::{Client, Pace};
use crate::cross_joins;
use crate::oracle::{Oracle, TAG, key};
use crate::tables::{Rows, sample};
use crate::wanted::{Left, Wanted};

/// How many databases are made, and how many requests each is asked, unless the environment variable [`COUNT`] says otherwise.
const DATABASES: u64 = 5;
const REQUESTS: u64 = 30;
const COUNT: &str = "SLUICEGATE_EXPAND_REQUESTS";
/// The seed of the first database, unless [`SEED`] gives another.
const SEED: &str = "SLUICEGATE_EXPAND_SEED";

#[expect(clippy::disallowed_methods, reason = "a longer run is asked for by the environment")]
fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap())
}

/// The rows with the tags that their entities have by themselves.
async fn tagged(client: &mut Client, rows: &Rows) -> Rows {
    let limits = Pace { page_size: 1, bounds: Bounds::default() };
    let mut tagged = rows.clone();
    for entity in &client.model.clone().entity_types {
        for row in tagged.get_mut(entity.table.as_str()).unwrap() {
            let url = format!("/{}({})", entity.name, key(entity, row));
            let alone = client.get(&url, limits).await.unwrap();
            assert!(alone[TAG].as_str().unwrap().starts_with("W/"), "{alone}");
            row.insert(TAG.to_owned(), alone[TAG].clone());
        }
    }
    tagged
}

/// Asks a client for random sets and entities.
async fn compare(client: &mut Client, rows: &Rows, seed: u64) {
    let rows = &tagged(client, rows).await;
    let model = client.model.clone();
    let oracle = Oracle { model: &model, rows };
    let mut random = Random::new(seed ^ 0x5eed);
    for number in 0..number(COUNT, REQUESTS) {
        let entity = &model.entity_types[random.place(model.entity_types.len())];
        let mut left = Left { expanded: 8, followed: 24 };
        let mut wanted = Wanted::random(&mut random, &model, entity, true, &mut left, 0);
        let bounds = match random.below(3) {
            0 => Bounds::default(),
            1 => Bounds { related: 1 + random.place(5), ..Bounds::default() },
            _ => Bounds { bytes: 1 + random.place(4_000), ..Bounds::default() },
        };
        let limits = Pace { page_size: 1 + random.place(8), bounds };
        let place = format!("{SEED}={seed}, request {number}, {limits:?}");
        let url = format!("/{}?{}", entity.name, escaped(&wanted.options("&")));
        let mut found = client.all(&url, limits).await.unwrap();
        let (expected, count) = oracle.set(entity, &wanted);
        assert_eq!(found["value"], Value::Array(expected.clone()), "{place}: {}", wanted.options("&"));
        assert_eq!(found.get("@odata.count"), wanted.count.then(|| json!(count)).as_ref(), "{place}: {url}");
        assert!(client.statements <= 1 + wanted.size(), "{place}: {} statements: {url}", client.statements);
        cross_joins::compare(client, &oracle, &mut random, &place).await;
        // One entity, with the same wishes.
        if wanted.expand.is_empty() {
            continue;
        }
        let Some(row) = rows[entity.table.as_str()].first() else { continue };
        wanted = Wanted { select: wanted.select, expand: wanted.expand, ..Wanted::default() };
        let url = format!("/{}({})?{}", entity.name, key(entity, row), escaped(&wanted.options("&")));
        found = client.all(&url, limits).await.unwrap();
        found.as_object_mut().unwrap().remove("@odata.context");
        let (mut entities, _) = oracle.set(entity, &Wanted { select: None, ..wanted.clone() });
        let at = rows_in_order(entity, rows).iter().position(|other| *other == row).unwrap();
        let whole = entities.swap_remove(at);
        let mut shown = whole.as_object().unwrap().clone();
        if let Some(names) = &wanted.select {
            shown.retain(|name, _| name == TAG || !row.contains_key(name) || names.contains(name));
        }
        assert_eq!(found, Value::Object(shown), "{place}: {url}");
    }
}

fn rows_in_order<'r>(
    entity: &odata::model::EntityType,
    rows: &'r Rows,
) -> Vec<&'r serde_json::Map<String, Value>> {
    let mut rows: Vec<_> = rows[entity.table.as_str()].iter().collect();
    let key = |row: &serde_json::Map<String, Value>| -> Vec<(String, i64)> {
        let names = entity.key.iter().map(|key| &entity.properties[*key].name);
        let part = |name: &String| {
            (row[name].as_str().unwrap_or_default().to_owned(), row[name].as_i64().unwrap_or_default())
        };
        names.map(part).collect()
    };
    rows.sort_by_key(|row| key(row));
    rows
}

/// A text in a URL.
pub(crate) fn escaped(options: &str) -> String {
    let mut escaped = String::new();
    let mut quoted = false;
    for character in options.chars() {
        quoted ^= character == '\'';
        match character {
            '&' | '#' | '+' | '%' if quoted => write!(escaped, "%{:02X}", u32::from(character)).unwrap(),
            ' ' => escaped.push_str("%20"),
            _ => escaped.push(character),
        }
    }
    escaped
}

fn opened(kind: Arc<dyn SourceKind>, options: BTreeMap<String, String>) -> sources::Source {
    let hosts = AllowedHosts::new(vec!["127.0.0.1".parse().unwrap()]);
    let resources = Resources::new(Limits::default(), 4, hosts);
    let values = OptionValues::of(kind.store(), options);
    SourceSpec::new(kind, values).open(&resources).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_expansions_give_in_sqlite_what_the_rows_say() {
    let folder = tempfile::tempdir().unwrap();
    let first = number(SEED, 1);
    for seed in first..first + DATABASES {
        let (rows, sql) = sample(&mut Random::new(seed));
        let path = folder.path().join(format!("{seed}.db"));
        rusqlite::Connection::open(&path).unwrap().execute_batch(&sql).unwrap();
        let options = [("path".to_owned(), path.to_str().unwrap().to_owned())].into();
        let mut client = Client::of(opened(Arc::new(SqliteKind), options)).await;
        compare(&mut client, &rows, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_expansions_give_in_postgresql_what_the_rows_say() {
    let first = number(SEED, 1);
    for seed in first..first + DATABASES {
        let (rows, sql) = sample(&mut Random::new(seed));
        let database = PostgresServer::shared().create_database();
        database.run(&sql);
        let url = database.url();
        let rest = url.strip_prefix("postgres://").unwrap();
        let (sign_in, rest) = rest.split_once('@').unwrap();
        let (user, password) = sign_in.split_once(':').unwrap();
        let (address, name) = rest.split_once('/').unwrap();
        let (host, port) = address.split_once(':').unwrap();
        let options = [
            ("ServerName", host),
            ("PortNumber", port),
            ("Database", name),
            ("User", user),
            ("Password", password),
            ("EncryptionMethod", "noEncryption"),
        ];
        let options = options.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let mut client = Client::of(opened(Arc::new(PostgresKind), options)).await;
        compare(&mut client, &rows, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_expansions_give_in_mariadb_what_the_rows_say() {
    let first = number(SEED, 1);
    for seed in first..first + DATABASES {
        let (rows, sql) = sample(&mut Random::new(seed));
        let database = MariaDbServer::shared().create_database();
        // Rows that are otherwise equal are in the order of the collation of their key.
        database.run(&format!("ALTER DATABASE COLLATE utf8mb4_bin; {sql}"));
        let (user, password) = database.server().owner();
        let port = database.server().port().to_string();
        let options = [
            ("ServerName", "127.0.0.1"),
            ("PortNumber", &port),
            ("Database", database.name()),
            ("User", user),
            ("Password", password),
            ("EncryptionMethod", "noEncryption"),
        ];
        let options = options.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let mut client = Client::of(opened(Arc::new(MysqlKind), options)).await;
        compare(&mut client, &rows, seed).await;
    }
}
