//! `$expand` over HTTP: the same answers from both kinds of database, and links that lead to everything.

use serde_json::{Value, json};
use testkit::ADMIN;
use testkit::postgres::{PostgresDatabase, PostgresServer};

use crate::fixture::code;
use crate::postgres::{options, payload};
use crate::server_source::server;

/// The number of visits of the first ship: more than one statement reads.
const VISITS: usize = 12_345;

/// Tables that both kinds of database understand.
const TABLES: &str = "
    CREATE TABLE ports (code varchar(10) NOT NULL PRIMARY KEY, name varchar(40));
    CREATE TABLE ships (id bigint NOT NULL PRIMARY KEY, name varchar(40), home varchar(10) REFERENCES ports, sister bigint REFERENCES ships);
    CREATE TABLE visits (ship bigint NOT NULL REFERENCES ships, number bigint NOT NULL, port varchar(10) REFERENCES ports,
        PRIMARY KEY (ship, number));
    CREATE INDEX visits_port ON visits (port);
    INSERT INTO ports VALUES ('OSL', 'Oslo'), ('BGO', NULL), ('TRD', 'Trondheim');
    INSERT INTO ships VALUES (1, 'Anna', 'OSL', NULL), (2, 'Berta', NULL, 1), (3, NULL, 'BGO', 2), (4, 'Dora', 'TRD', 2);
    INSERT INTO visits VALUES (2, 1, 'OSL'), (2, 2, NULL), (4, 1, 'BGO');
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12345)
    INSERT INTO visits SELECT 1, i, CASE WHEN i % 3 = 0 THEN 'TRD' END FROM n;";

/// A server with the same tables in two databases.
struct Harbours {
    server: testkit::TestServer,
    _database: PostgresDatabase<'static>,
}

impl Harbours {
    const NAMES: [&str; 2] = ["lite", "post"];

    async fn open() -> Self {
        let server = server().await;
        let file = server.sqlite_file("harbour.db", TABLES);
        let database = PostgresServer::shared().create_database();
        database.run(TABLES);
        let mut lite = payload("lite", &json!({ "path": file }));
        lite["dataStore"] = json!(1);
        for source in [lite, payload("post", &options(&database.url()))] {
            server.post("/api/mgmt/datasources").basic(&ADMIN).json(&source).send().await.expect(201);
        }
        Self { server, _database: database }
    }

    async fn get(&self, source: &str, rest: &str) -> testkit::Answer {
        let path = format!("/api/odata4/{source}{rest}").replace(' ', "%20");
        self.server.get(&path).basic(&ADMIN).send().await
    }

    /// The lines of all pages of rows alone.
    async fn lines(&self, source: &str, rest: &str, page_size: usize) -> Vec<String> {
        let (mut lines, mut next) = (Vec::new(), Some(rest.replace(' ', "%20")));
        while let Some(rest) = next {
            let call = self.server.get(&format!("/api/odata4/{source}{rest}")).basic(&ADMIN);
            let page = call.header("prefer", format!("maxpagesize={page_size}")).send().await.expect(200);
            lines.extend(page.text().lines().map(str::to_owned));
            let link =
                page.header("link").strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
            let root = format!("http://127.0.0.1:8080/api/odata4/{source}");
            next = link.map(|link| link.strip_prefix(&root).unwrap().to_owned());
        }
        lines
    }

    /// The same response of both databases, whose names are replaced.
    async fn both(&self, rest: &str) -> Value {
        let mut bodies = Vec::new();
        for name in Self::NAMES {
            let text = self.get(name, rest).await.expect(200).text().to_owned();
            let text = text.replace(&format!("http://127.0.0.1:8080/api/odata4/{name}/"), "~/");
            let text = text.replace(&format!("#{name}."), "#~.");
            bodies
                .push(serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{error}: {text}")));
        }
        let [one, other] = bodies.as_slice() else { unreachable!() };
        assert_eq!(without_positions(one), without_positions(other), "{rest}");
        bodies.swap_remove(0)
    }
}

/// The value without the sealed positions of its links, which differ each time.
fn without_positions(value: &Value) -> Value {
    let text = value.to_string();
    let mut parts = text.split("$skiptoken=sgn_");
    let mut kept = parts.next().unwrap().to_owned();
    for part in parts {
        kept.push_str(
            part.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter)),
        );
    }
    serde_json::from_str(&kept).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_databases_give_the_same_nested_entities() {
    let harbours = Harbours::open().await;
    let found = harbours.both("/ships?$filter=id gt 1&$orderby=name desc&$select=name&$expand=ports,ships($select=id),visits($filter=port ne null;$select=number)&$count=true").await;
    assert_eq!(
        found,
        json!({
            "@odata.context": "~/$metadata#ships(name,ports(),ships(id),visits(number))",
            "@odata.count": 3,
            "value": [
                {"name": "Dora", "ports": {"code": "TRD", "name": "Trondheim"}, "ships": {"id": 2}, "visits": [{"number": 1}]},
                {"name": "Berta", "ports": null, "ships": {"id": 1}, "visits": [{"number": 1}]},
                {"name": null, "ports": {"code": "BGO", "name": null}, "ships": {"id": 2}, "visits": []},
            ],
        })
    );
    for rest in [
        "/ships(2)?$expand=visits($orderby=port desc;$expand=ports($expand=ships/$count))",
        "/ships?$expand=*&$filter=id ne 1",
        "/ships?$expand=*/$ref,visits($top=1;$skip=1;$count=true)",
        "/ships?$expand=ships($levels=max),ships_sister($levels=2;$select=id)&$filter=id gt 1",
        "/ports?$expand=visits($top=2;$orderby=number desc;$expand=ships($expand=visits($top=1)))",
        "/visits?$top=3&$expand=ships&$format=application/json;odata.metadata=full",
        "/visits?$top=3&$expand=ships&$format=application/json;odata.metadata=none;IEEE754Compatible=true",
        "/ships(1)/visits?$top=2&$expand=ports",
        "/ships(4)/ships/visits?$orderby=port",
        "/ships(4)/ports",
    ] {
        harbours.both(rest).await;
    }
    for name in Harbours::NAMES {
        assert_eq!(
            harbours.get(name, "/ships(1)/visits/$count").await.expect(200).text(),
            VISITS.to_string()
        );
        assert_eq!(harbours.get(name, "/ships(3)/visits/$count").await.expect(200).text(), "0");
        harbours.get(name, "/ships(3)/visits").await.expect(200);
        harbours.get(name, "/ships(2)/ports").await.expect(204);
        for missing in [
            "/ships(9)/ports",
            "/ships(9)/visits",
            "/ships(9)/visits/$count",
            "/ships(9)?$expand=visits",
            "/ships(2)/ports/name",
        ] {
            assert_eq!(
                code(&harbours.get(name, missing).await.expect(404)),
                "ResourceNotFound",
                "{name} {missing}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expressions_navigate_alike_in_both_databases() {
    let harbours = Harbours::open().await;
    for (rest, ids) in [
        ("/ships?$select=id&$filter=ports/name eq 'Oslo'", vec![1]),
        ("/ships?$select=id&$filter=ships eq null or ships/ports eq null", vec![1, 3, 4]),
        ("/ships?$select=id&$filter=visits/any(v:v/ports/name eq 'Oslo')", vec![2]),
        ("/ships?$select=id&$filter=visits/all(v:v/port ne null)", vec![3, 4]),
        ("/ships?$select=id&$filter=visits/$count($filter=port ne null) gt 1", vec![1]),
        ("/ships?$select=id&$orderby=ports/name,visits/$count desc", vec![2, 3, 1, 4]),
        ("/ships/$filter(ships%2Fid eq 2)?$select=id&$orderby=ports/name desc", vec![4, 3]),
    ] {
        let found = harbours.both(rest).await;
        let found: Vec<i64> =
            found["value"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect();
        assert_eq!(found, ids, "{rest}");
    }
    for name in Harbours::NAMES {
        let count = harbours.get(name, "/ships/$filter(ships%2Fid eq 2)/$count").await.expect(200);
        assert_eq!(count.text(), "2", "{name}");
        let path = format!("/api/odata4/{name}/ships/$query");
        let body = "$select=id&$filter=visits/any(v:v/port%20eq%20'BGO')".as_bytes().to_vec();
        let call = harbours.server.post(&path).basic(&ADMIN).body("text/plain", body);
        assert_eq!(call.send().await.expect(200).json()["value"], json!([{"id": 4}]), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn related_entities_that_do_not_fit_follow_behind_a_link() {
    let harbours = Harbours::open().await;
    for name in Harbours::NAMES {
        let rest = "/ships?$select=id&$expand=visits($filter=number gt @least;$orderby=port desc;$select=number;$expand=ports)&@least=0";
        let (mut visits, mut ships) = (vec![Vec::new(); 5], Vec::new());
        let mut pages = vec![(rest.to_owned(), None)];
        let root = format!("http://127.0.0.1:8080/api/odata4/{name}");
        while let Some((rest, ship)) = pages.pop() {
            let page = harbours.get(name, &rest).await.expect(200).json();
            let link =
                |value: &Value| value.as_str().map(|link| link.strip_prefix(&root).unwrap().to_owned());
            pages.extend(link(&page["@odata.nextLink"]).map(|rest| (rest, ship)));
            for row in page["value"].as_array().unwrap() {
                let number = |visit: &Value| {
                    assert!(visit["ports"].is_null() || visit["ports"]["code"] == "TRD" || ship != Some(1));
                    visit["number"].as_i64().unwrap()
                };
                if let Some(ship) = ship {
                    visits[ship].push(number(row));
                    continue;
                }
                let id = row["id"].as_u64().unwrap();
                ships.push(id);
                let id = usize::try_from(id).unwrap();
                visits[id].extend(row["visits"].as_array().unwrap().iter().map(number));
                pages.extend(link(&row["visits@odata.nextLink"]).map(|rest| (rest, Some(id))));
            }
        }
        assert_eq!(ships, [1, 2, 3, 4], "{name}");
        let all = 1..=i64::try_from(VISITS).unwrap();
        let expected: Vec<i64> = all
            .clone()
            .rev()
            .filter(|number| number % 3 == 0)
            .chain(all.rev().filter(|number| number % 3 != 0))
            .collect();
        assert!(visits[1] == expected, "{name}: {} visits", visits[1].len());
        assert_eq!(visits[2..], [vec![1, 2], vec![], vec![1]], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_with_related_entities_is_smaller_and_says_so() {
    let harbours = Harbours::open().await;
    for name in Harbours::NAMES {
        let path = format!("/api/odata4/{name}/visits?$expand=ships");
        let call = harbours.server.get(&path).basic(&ADMIN).header("prefer", "maxpagesize=5000");
        let answer = call.send().await.expect(200);
        assert_eq!(answer.header("preference-applied"), "maxpagesize=1000", "{name}");
        let body = answer.json();
        assert_eq!(body["value"].as_array().unwrap().len(), 1000, "{name}");
        assert!(body["@odata.nextLink"].as_str().unwrap().contains("$expand=ships&$skiptoken="), "{name}");
    }
}

#[tokio::test]
async fn rows_alone_are_the_same_from_both_databases() {
    let harbours = Harbours::open().await;
    let lines = async |rest: &str, page_size| {
        let [one, other] = Harbours::NAMES;
        let one = harbours.lines(one, rest, page_size).await;
        assert_eq!(one, harbours.lines(other, rest, page_size).await, "{rest}");
        one
    };
    for order in ["port desc,number", "ship,port", "number desc"] {
        let visits = lines(&format!("/visits?$orderby={order}&$format=csv"), 5_000).await;
        // The names are on each page.
        assert_eq!(visits.len(), VISITS + 3 + 3, "{order}");
        assert_eq!(visits[0], "ship,number,port");
    }
    assert_eq!(
        lines("/ports?$orderby=code&$format=csv", 2).await,
        ["code,name", "BGO,", "OSL,Oslo", "code,name", "TRD,Trondheim"]
    );
    let ships = lines(
        "/ships?$select=id&$expand=visits($select=number;$top=1),ports($select=name)&$format=ndjson",
        3,
    )
    .await;
    let ships: Vec<Value> = ships.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected = json!([
        {"id": 1, "visits": [{"number": 1}], "ports": {"name": "Oslo"}},
        {"id": 2, "visits": [{"number": 1}], "ports": null},
        {"id": 3, "visits": [], "ports": {"name": null}},
        {"id": 4, "visits": [{"number": 1}], "ports": {"name": "Trondheim"}},
    ]);
    assert_eq!(Value::from(ships), expected);
}
