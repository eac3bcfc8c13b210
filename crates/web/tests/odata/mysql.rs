//! A data source that is a database of a MariaDB server, from its creation to the last page.

use serde_json::{Value, json};
use testkit::ADMIN;
use testkit::mariadb::{MariaDbDatabase, MariaDbServer};

use crate::fixture::code;
use crate::server_source::{Client, ids, server, token};

const TABLES: &str = "
    CREATE TABLE artists (id int PRIMARY KEY, name varchar(120));
    CREATE TABLE albums (id int PRIMARY KEY, title varchar(160) NOT NULL, artist int NOT NULL,
        FOREIGN KEY (artist) REFERENCES artists(id));
    CREATE TABLE tracks (id int PRIMARY KEY, name varchar(200) NOT NULL, album int, composer text, length time(3),
        bytes bigint unsigned, price decimal(10,2) NOT NULL, medium enum('MPEG', 'AAC') NOT NULL, live tinyint(1) NOT NULL,
        released datetime(6), code uuid, KEY (name), KEY (released), FOREIGN KEY (album) REFERENCES albums(id));
    CREATE VIEW lengths AS SELECT album, COUNT(*) AS tracks FROM tracks GROUP BY album;
    INSERT INTO artists VALUES (1, 'AC/DC'), (2, 'Antônio Carlos Jobim'), (3, NULL);
    INSERT INTO albums VALUES (1, 'For Those About To Rock', 1), (2, 'Warner 25 Anos', 2), (3, 'Chill: \"Brazil\"', 2);
    INSERT INTO tracks SELECT seq, CONCAT('Track ', seq), 1 + seq % 3, IF(seq % 4 = 0, NULL, CONCAT('Composer ', seq % 7)),
        SEC_TO_TIME(180 + seq), 18446744073709550000 + seq, 0.99 + seq % 2, 1 + seq % 2, seq % 2,
        IF(seq % 5 = 0, NULL, '2024-02-29 10:00:00' + INTERVAL seq MINUTE),
        CONCAT('00000000-0000-0000-0000-', LPAD(seq, 12, '0')) FROM seq_1_to_503";

/// The options of a source in a database.
pub(crate) fn options(server: &MariaDbServer, database: &str) -> Value {
    let (user, password) = server.owner();
    json!({
        "ServerName": "127.0.0.1",
        "PortNumber": server.port().to_string(),
        "Database": database,
        "User": user,
        "Password": password,
        "EncryptionMethod": "noEncryption",
    })
}

pub(crate) fn payload(name: &str, options: &Value) -> Value {
    json!({ "name": name, "dataStore": 3, "connectionType": "Cloud", "options": options })
}

fn database() -> MariaDbDatabase<'static> {
    let database = MariaDbServer::shared().create_database();
    database.run(TABLES);
    database
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_reads_a_database_of_mariadb_to_its_last_page() {
    let (server, database) = (server().await, database());
    let options = options(database.server(), database.name());
    let made = server.post("/api/mgmt/datasources").basic(&ADMIN).json(&payload("music", &options));
    let made = made.send().await.expect(201);
    assert!(!made.text().contains("Password"), "{}", made.text());
    let token = token(&server).await;
    let client = Client { server, token };

    let metadata = client.get("/api/odata4/music/$metadata", 200).await.text().to_owned();
    for part in [
        r#"<EntitySet Name="tracks""#,
        r#"<Property Name="price" Type="Edm.Decimal" Nullable="false" Precision="10" Scale="2"/>"#,
        r#"<Property Name="live" Type="Edm.Boolean" Nullable="false"/>"#,
        r#"<Property Name="length" Type="Edm.TimeOfDay""#,
        r#"<NavigationProperty Name="artists" "#,
    ] {
        assert!(metadata.contains(part), "{part} is not in {metadata}");
    }
    assert!(!metadata.contains("lengths"), "a view without a key");

    let mut track = client.get("/api/odata4/music/tracks(3)", 200).await.json();
    track.as_object_mut().unwrap().retain(|key, _| !key.starts_with('@'));
    assert_eq!(
        track.to_string(),
        json!({
            "id": 3, "name": "Track 3", "album": 1, "composer": "Composer 3", "length": "00:03:03",
            "bytes": 18_446_744_073_709_550_003_u64, "price": 1.99, "medium": "AAC", "live": true,
            "released": "2024-02-29T10:03:00Z", "code": "00000000-0000-0000-0000-000000000003",
        })
        .to_string()
    );
    client.get("/api/odata4/music/tracks(504)", 404).await;

    for (filter, expected) in [
        ("id lt 4", vec![1, 2, 3]),
        ("price gt 1 and id le 5", vec![1, 3, 5]),
        ("composer eq null and id lt 10", vec![4, 8]),
        ("contains(name,'50') and medium eq 'AAC'", vec![501, 503]),
        ("contains(name,'TRACK')", vec![]),
        ("name eq 'track 3' or name eq 'Track 4' or name eq 'Track 5 '", vec![4]),
        ("length eq 00:11:21", vec![501]),
        ("code eq 00000000-0000-0000-0000-000000000017", vec![17]),
        ("released lt 2024-02-29T12:02:00.5%2B02:00", vec![1, 2]),
        ("bytes eq 18446744073709550007", vec![7]),
        ("id mod 500 eq 3", vec![3, 503]),
        ("not live and id lt 5", vec![2, 4]),
        ("startswith(composer,'it''s')", vec![]),
        ("startswith(name,'Track 50') and id in (501,7)", vec![501]),
    ] {
        let rows = client.rows(&format!("/api/odata4/music/tracks?$orderby=id&$filter={filter}")).await;
        assert_eq!(ids(&rows), expected, "{filter}");
    }
    let names = client.rows("/api/odata4/music/artists?$orderby=name desc&$select=name").await;
    let names: Vec<&Value> = names.iter().map(|row| &row["name"]).collect();
    assert_eq!(names, [&json!("Antônio Carlos Jobim"), &json!("AC/DC"), &Value::Null]);

    assert_pages_are_complete(&client).await;
    assert_eq!(client.get("/api/odata4/music/tracks/$count?$filter=id gt 500", 200).await.text(), "3");
    let skipped = client.rows("/api/odata4/music/tracks?$orderby=name&$skip=500").await;
    assert_eq!(ids(&skipped), [97, 98, 99]);
    let failing = client.get("/api/odata4/music/tracks?$filter=1 div (id sub id) eq 1", 400).await;
    assert!(failing.text().contains("zero"), "{}", failing.text());
}

/// Each order leads through all rows once.
async fn assert_pages_are_complete(client: &Client) {
    for order in [
        "id",
        "id desc",
        "composer,id desc",
        "price desc,name",
        "released",
        "released desc",
        "medium,bytes desc",
        "live,code",
        "length desc",
    ] {
        let (rows, pages) = client.pages(&format!("/api/odata4/music/tracks?$orderby={order}")).await;
        let mut found = ids(&rows);
        assert_eq!((found.len(), pages), (503, 11), "{order}");
        found.sort_unstable();
        assert_eq!(found, (1..=503).collect::<Vec<_>>(), "{order}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_structure_of_mariadb_is_served_within_a_second() {
    let (server, database) = (server().await, database());
    let mut options = options(database.server(), database.name());
    options["keys"] = json!({ "lengths": ["album"] });
    let call = server.post("/api/mgmt/datasources").basic(&ADMIN).json(&payload("music", &options));
    call.send().await.expect(201);
    let get = async |path: &str, status| server.get(path).basic(&ADMIN).send().await.expect(status).json();
    let lengths = get("/api/odata4/music/lengths?$orderby=album", 200).await;
    assert_eq!(lengths["value"].as_array().unwrap().len(), 3);
    database.run("ALTER TABLE artists RENAME COLUMN name TO title; CREATE TABLE genres (id int PRIMARY KEY)");
    server.clock().advance_secs(2);
    assert_eq!(get("/api/odata4/music/artists(1)", 200).await["title"], "AC/DC");
    assert_eq!(get("/api/odata4/music/genres", 200).await["value"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_mariadb_that_is_down_stops_its_own_sources_only() {
    let (server, database) = (server().await, database());
    // What it has acknowledged outlives its process.
    let other = MariaDbServer::start(&["--innodb-flush-log-at-trx-commit=2"], None);
    other
        .run("mysql", "CREATE DATABASE d; CREATE TABLE d.t (id int PRIMARY KEY); INSERT INTO d.t VALUES (7)")
        .unwrap();
    for (name, options) in
        [("music", options(database.server(), database.name())), ("other", options(&other, "d"))]
    {
        let call = server.post("/api/mgmt/datasources").basic(&ADMIN).json(&payload(name, &options));
        call.send().await.expect(201);
    }
    let get = async |path: &str| server.get(path).basic(&ADMIN).send().await;
    get("/api/odata4/other/t(7)").await.expect(200);
    other.kill();
    for _ in 0..3 {
        let down = get("/api/odata4/other/t(7)").await.expect(503);
        assert_eq!(down.json()["error"]["code"], "DataSourceUnavailable");
        assert!(!down.header("retry-after").is_empty());
        get("/api/odata4/music/albums(1)").await.expect(200);
        server.clock().advance_secs(1);
    }
    other.start_again();
    get("/api/odata4/other/t(7)").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_is_too_long_for_mariadb_is_refused_instead_of_null() {
    let (server, database) = (server().await, MariaDbServer::shared().create_database());
    database.run(
        "CREATE TABLE sizes (id integer PRIMARY KEY, size integer); INSERT INTO sizes VALUES (1, 3), (2, NULL), (3, 9000000);
        CREATE VIEW texts AS SELECT id, REPEAT('a', size) AS a FROM sizes",
    );
    let mut options = options(database.server(), database.name());
    options["keys"] = json!({ "texts": ["id"] });
    let made = server.post("/api/mgmt/datasources").basic(&ADMIN).json(&payload("long", &options));
    made.send().await.expect(201);
    let token = token(&server).await;
    let client = Client { server, token };
    let texts = |rest: &str| format!("/api/odata4/long/texts?{rest}");
    let short = client.rows(&texts("$compute=concat(a,concat('-',a)) as b&$select=b&$filter=id lt 3")).await;
    let joined: Vec<&Value> = short.iter().map(|row| &row["b"]).collect();
    assert_eq!(joined, [&json!("aaa-aaa"), &Value::Null]);
    for refused in [
        "$compute=concat(a,a) as b&$select=b&$filter=id eq 3",
        "$filter=concat(a,a) eq null&$select=id",
        "$apply=compute(concat(concat(a,'-'),a) as b)/aggregate(b with countdistinct as n)",
    ] {
        assert_eq!(code(&client.get(&texts(refused), 502).await), "RowTooLarge", "{refused}");
    }
}
