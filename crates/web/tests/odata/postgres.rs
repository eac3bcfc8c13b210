//! A data source that is a database of a PostgreSQL server, from its creation to the last page.

use serde_json::{Value, json};
use testkit::ADMIN;
use testkit::postgres::{PostgresDatabase, PostgresServer, PostgresSettings};

use crate::server_source::{Client, ids, server, token};

const TABLES: &str = "
    CREATE TABLE artists (id integer PRIMARY KEY, name varchar(120));
    CREATE TABLE albums (id integer PRIMARY KEY, title varchar(160) NOT NULL, artist integer NOT NULL REFERENCES artists);
    CREATE TYPE medium AS ENUM ('MPEG', 'AAC');
    CREATE TABLE tracks (id integer PRIMARY KEY, name varchar(200) NOT NULL, album integer REFERENCES albums,
        composer text, length interval, bytes bigint, price numeric(10,2) NOT NULL, medium medium NOT NULL,
        released timestamptz, tags text[], code uuid);
    CREATE VIEW lengths AS SELECT album, sum(length) AS length FROM tracks GROUP BY album;
    INSERT INTO artists VALUES (1, 'AC/DC'), (2, 'Antônio Carlos Jobim'), (3, NULL);
    INSERT INTO albums VALUES (1, 'For Those About To Rock', 1), (2, 'Warner 25 Anos', 2), (3, 'Chill: \"Brazil\"', 2);
    INSERT INTO tracks SELECT n, 'Track ' || n, 1 + n % 3, CASE WHEN n % 4 = 0 THEN NULL ELSE 'Composer ' || n % 7 END,
        make_interval(secs => 180 + n), 5000000000 + n, 0.99 + n % 2, (ARRAY['MPEG', 'AAC']::medium[])[1 + n % 2],
        '2024-02-29 12:00:00+02'::timestamptz + make_interval(mins => n), ARRAY['a', 'b'],
        ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid
        FROM generate_series(1, 503) AS n";

/// The options of a source, from the address `postgres://user:password@host:port/name`.
pub(crate) fn options(url: &str) -> Value {
    let url = url::Url::parse(url).unwrap();
    json!({
        "ServerName": url.host_str().unwrap(),
        "PortNumber": url.port().unwrap().to_string(),
        "Database": url.path().trim_start_matches('/'),
        "User": url.username(),
        "Password": url.password().unwrap(),
        "EncryptionMethod": "noEncryption",
    })
}

pub(crate) fn payload(name: &str, options: &Value) -> Value {
    json!({ "name": name, "dataStore": 2, "connectionType": "Cloud", "options": options })
}

fn database() -> PostgresDatabase<'static> {
    let database = PostgresServer::shared().create_database();
    database.run(TABLES);
    database
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_reads_a_database_of_a_server_to_its_last_page() {
    let (server, database) = (server().await, database());
    let made =
        server.post("/api/mgmt/datasources").basic(&ADMIN).json(&payload("music", &options(&database.url())));
    let made = made.send().await.expect(201);
    assert!(!made.text().contains("Password"), "{}", made.text());
    let token = token(&server).await;
    let client = Client { server, token };

    let metadata = client.get("/api/odata4/music/$metadata", 200).await.text().to_owned();
    for part in [
        r#"<EntitySet Name="tracks""#,
        r#"<Property Name="price" Type="Edm.Decimal" Nullable="false" Precision="10" Scale="2"/>"#,
        r#"<Property Name="length" Type="Edm.Duration""#,
        r#"<NavigationProperty Name="artists" "#,
    ] {
        assert!(metadata.contains(part), "{part} is not in {metadata}");
    }
    assert!(!metadata.contains("lengths"), "a view without a key");

    let mut track = client.get("/api/odata4/music/tracks(3)", 200).await.json();
    track.as_object_mut().unwrap().retain(|key, _| !key.starts_with('@'));
    assert_eq!(
        track,
        json!({
            "id": 3, "name": "Track 3", "album": 1, "composer": "Composer 3", "length": "PT3M3S",
            "bytes": 5_000_000_003_i64, "price": 1.99, "medium": "AAC", "released": "2024-02-29T10:03:00Z",
            "tags": "{a,b}", "code": "00000000-0000-0000-0000-000000000003",
        })
    );
    client.get("/api/odata4/music/tracks(504)", 404).await;

    for (filter, expected) in [
        ("id lt 4", vec![1, 2, 3]),
        ("price gt 1 and id le 5", vec![1, 3, 5]),
        ("composer eq null and id lt 10", vec![4, 8]),
        ("contains(name,'50') and medium eq 'AAC'", vec![501, 503]),
        ("length eq duration'PT11M21S'", vec![501]),
        ("totalseconds(length) eq 681", vec![501]),
        ("case(id eq 7:length,true:null) eq length and id lt 20", vec![7]),
        ("cast(price mul id,Edm.Byte) eq 4 and isof(id,Edm.Int64)", vec![]),
        (
            "released lt maxdatetime() and released gt mindatetime() and totaloffsetminutes(released) eq 0 and id lt 3",
            vec![1, 2],
        ),
        ("code eq 00000000-0000-0000-0000-000000000017", vec![17]),
        ("released lt 2024-02-29T12:02:00.5%2B02:00", vec![1, 2]),
        ("bytes mod 500 eq 3", vec![3, 503]),
        ("startswith(composer,'it''s')", vec![]),
    ] {
        let rows = client.rows(&format!("/api/odata4/music/tracks?$orderby=id&$filter={filter}")).await;
        assert_eq!(ids(&rows), expected, "{filter}");
    }
    let names = client.rows("/api/odata4/music/artists?$orderby=name desc&$select=name").await;
    let names: Vec<&Value> = names.iter().map(|row| &row["name"]).collect();
    assert_eq!(names, [&json!("Antônio Carlos Jobim"), &json!("AC/DC"), &Value::Null]);

    for order in ["id", "id desc", "composer,id desc", "price desc,name", "released", "medium,bytes desc"] {
        let (rows, pages) = client.pages(&format!("/api/odata4/music/tracks?$orderby={order}")).await;
        let mut found = ids(&rows);
        assert_eq!((found.len(), pages), (503, 11), "{order}");
        found.sort_unstable();
        assert_eq!(found, (1..=503).collect::<Vec<_>>(), "{order}");
    }
    assert_eq!(client.get("/api/odata4/music/tracks/$count?$filter=id gt 500", 200).await.text(), "3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_structure_is_served_within_a_second() {
    let (server, database) = (server().await, database());
    let path = "/api/mgmt/datasources";
    let with_key = |mut options: Value| {
        options["keys"] = json!({ "lengths": ["album"] });
        payload("music", &options)
    };
    server.post(path).basic(&ADMIN).json(&with_key(options(&database.url()))).send().await.expect(201);
    let get = async |path: &str, status| server.get(path).basic(&ADMIN).send().await.expect(status).json();
    assert_eq!(
        get("/api/odata4/music/lengths?$orderby=album", 200).await["value"].as_array().unwrap().len(),
        3
    );
    database.run("ALTER TABLE artists RENAME name TO title; CREATE TABLE genres (id integer PRIMARY KEY)");
    server.clock().advance_secs(2);
    assert_eq!(get("/api/odata4/music/artists(1)", 200).await["title"], "AC/DC");
    assert_eq!(get("/api/odata4/music/genres", 200).await["value"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_source_is_said_when_it_is_created() {
    let (server, database) = (server().await, database());
    let refused = async |changes: Value| {
        let mut options = options(&database.url());
        for (key, value) in changes.as_object().unwrap() {
            options[key] = value.clone();
        }
        let call = server.post("/api/mgmt/datasources").basic(&ADMIN).json(&payload("music", &options));
        call.send().await.expect(400).error_message()
    };
    for (changes, words) in [
        (json!({ "Password": "wrong" }), "the database server refused the user name or the password"),
        (json!({ "Database": "gone" }), "the database server has no database with that name"),
        (json!({ "ServerName": "10.0.0.1" }), "the host is not among those that data sources may use"),
        (json!({ "PortNumber": "1" }), "the machine of the database server refused the connection"),
        (json!({ "EncryptionMethod": "SSL" }), "the database server offers no TLS"),
    ] {
        let message = refused(changes.clone()).await;
        assert!(message.contains(words), "{changes}: {message}");
        assert!(!message.contains("wrong"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_down_stops_its_own_sources_only() {
    let (server, database) = (server().await, database());
    let other = PostgresServer::start(&PostgresSettings { durable: true, ..PostgresSettings::default() });
    other.run("postgres", "CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t VALUES (7)").unwrap();
    for (name, url) in [("music", database.url()), ("other", other.url("postgres"))] {
        let call = server.post("/api/mgmt/datasources").basic(&ADMIN).json(&payload(name, &options(&url)));
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
