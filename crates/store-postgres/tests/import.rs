//! Tests of filling a database with the rows of another one.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

use store::columns::{Ids, StoredCell, StoredKind, StoredRow, StoredTable, TABLES};
use store_postgres::import::{Import, ImportTarget};
use store_postgres::{DatabaseUrl, OpenError, Options, PostgresStore};
use testkit::postgres::{PostgresDatabase, PostgresServer};

fn table(name: &str) -> &'static StoredTable {
    TABLES.iter().find(|table| table.name == name).unwrap()
}

fn url(database: &PostgresDatabase<'_>) -> DatabaseUrl {
    database.url().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_tables_is_the_schema() {
    let database = PostgresServer::shared().create_database();
    drop(PostgresStore::create(&url(&database), Options::default()).await.unwrap());
    let message = database.run(
        "SELECT table_name, column_name, data_type, is_nullable, is_identity FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name <> 'migrations' ORDER BY table_name, ordinal_position",
    );
    let line = |table: &StoredTable, index: usize| {
        let column = &table.columns[index];
        let kind = match column.kind {
            StoredKind::Number => "bigint",
            StoredKind::Flag => "boolean",
            StoredKind::Text => "text",
            StoredKind::Bytes => "bytea",
        };
        let yes = |is: bool| if is { "YES" } else { "NO" };
        let identity = index == 0 && table.ids == Ids::GivenOnce;
        format!("{}|{}|{kind}|{}|{}", table.name, column.name, yes(column.nullable), yes(identity))
    };
    let mut tables: Vec<&StoredTable> = TABLES.iter().collect();
    tables.sort_by_key(|table| table.name);
    let listed: Vec<String> =
        tables.iter().flat_map(|table| (0..table.columns.len()).map(|index| line(table, index))).collect();
    let hint = "a migration has changed the tables: list them in store::columns::TABLES";
    assert_eq!(message.lines().collect::<Vec<_>>(), listed, "{hint}");
    let keys = database.run(
        "SELECT c.relname, string_agg(a.attname, ',' ORDER BY k.place) FROM pg_index i
            JOIN pg_class c ON c.oid = i.indrelid
            JOIN unnest(i.indkey) WITH ORDINALITY AS k (number, place) ON true
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
        WHERE i.indisprimary AND c.relnamespace = current_schema()::regnamespace AND c.relname <> 'migrations'
        GROUP BY c.relname ORDER BY c.relname",
    );
    let key = |table: &&StoredTable| {
        let names: Vec<&str> = table.key().iter().map(|column| column.name).collect();
        format!("{}|{}", table.name, names.join(","))
    };
    assert_eq!(keys.lines().collect::<Vec<_>>(), tables.iter().map(key).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_opens_a_database_into_which_an_installation_is_copied() {
    let database = PostgresServer::shared().create_database();
    let url = url(&database);
    let import = Import::open(&url, Options::default()).await.unwrap();
    assert_eq!(import.found().await.unwrap(), ImportTarget::Nothing);
    import.begin(7).await.unwrap();
    let refused = async || {
        let options = Options::default();
        let outcomes = [
            PostgresStore::open(&url, options).await.map(drop),
            PostgresStore::create(&url, options).await.map(drop),
            store_postgres::pending(&url).await.map(drop),
            store_postgres::migrate(&url).await.map(drop),
        ];
        outcomes.iter().all(|outcome| matches!(outcome, Err(OpenError::UnfinishedCopy)))
    };
    assert!(refused().await);
    assert!(import.begin(8).await.is_err());
    import.prepare().await.unwrap();
    assert_eq!(import.found().await.unwrap(), ImportTarget::Unfinished(7));
    assert!(refused().await);
    import.finish(|_| Ok(0)).await.unwrap();
    assert_eq!(import.found().await.unwrap(), ImportTarget::Installation);
    assert!(
        import.insert(table("limits"), &[vec![StoredCell::Number(1), StoredCell::Number(1)]]).await.is_err()
    );
    assert!(import.empty().await.is_err());
    assert!(matches!(import.begin(9).await, Err(OpenError::Exists)));
    drop(PostgresStore::open(&url, Options::default()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_there_as_a_whole_or_not_at_all() {
    let database = PostgresServer::shared().create_database();
    let import = Import::open(&url(&database), Options::default()).await.unwrap();
    import.begin(1).await.unwrap();
    import.prepare().await.unwrap();
    let keys = table("ring_keys");
    let row = |id: i64, sealed: StoredCell| -> StoredRow {
        vec![StoredCell::Number(id), StoredCell::Number(-1), StoredCell::Number(2), sealed]
    };
    let whole: Vec<StoredRow> = (1..=5).map(|id| row(id, StoredCell::Bytes(vec![0, 255, 7]))).collect();
    assert!(
        import.insert(keys, &[row(1, StoredCell::Bytes(vec![])), row(2, StoredCell::Null)]).await.is_err()
    );
    assert!(import.insert(keys, &[row(1, StoredCell::Text("text".to_owned()))]).await.is_err());
    assert!(import.window(keys, &keys.before_all(), 9).await.unwrap().is_empty());
    import.insert(keys, &whole).await.unwrap();
    assert!(import.insert(keys, &whole[4..]).await.is_err());
    assert!(import.window(keys, &vec![2], 2).await.unwrap() == whole[2..4]);
    import.prepare().await.unwrap();
    assert!(import.window(keys, &keys.before_all(), 9).await.unwrap() == whole);
    import.empty().await.unwrap();
    assert!(import.window(keys, &keys.before_all(), 9).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_go_on_above_the_largest_ever_given() {
    let database = PostgresServer::shared().create_database();
    let import = Import::open(&url(&database), Options::default()).await.unwrap();
    import.begin(1).await.unwrap();
    import.prepare().await.unwrap();
    import.finish(|table| Ok(if table.name == "sessions" { 41 } else { 0 })).await.unwrap();
    let next =
        |table: &str| database.run(&format!("SELECT nextval(pg_get_serial_sequence('{table}', 'id'))"));
    assert_eq!((next("sessions"), next("grants")), ("42".to_owned(), "1".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_somebody_elses_is_refused() {
    let database = PostgresServer::shared().create_database();
    database.run("CREATE TABLE sweeps (id integer)");
    let import = Import::open(&url(&database), Options::default()).await.unwrap();
    assert!(matches!(import.found().await, Err(OpenError::Foreign)));
}
