//! Tests of pages, next links and what they are bound to.

use serde_json::Value;
use testkit::{Answer, OTHER};

use crate::fixture::{Fixture, SHIPS, code, ids, token};

const PREFIX: &str = "http://127.0.0.1:8080/api/odata4/Harbour";

fn next_link(answer: &Answer) -> Option<String> {
    let link = answer.json()["@odata.nextLink"].as_str()?.to_owned();
    Some(link.strip_prefix(PREFIX).unwrap_or_else(|| panic!("{link} leads elsewhere")).to_owned())
}

async fn walk(fixture: &Fixture, rest: &str, page_size: usize) -> Vec<Value> {
    let prefer = format!("maxpagesize={page_size}");
    let (mut rows, mut next) = (Vec::new(), Some(rest.to_owned()));
    while let Some(rest) = next {
        let answer = fixture.get_with(&rest, &[("prefer", &prefer)]).await.expect(200);
        let page = answer.json()["value"].as_array().unwrap().clone();
        assert!(page.len() <= page_size && !page.is_empty(), "{rest} has {} rows", page.len());
        rows.extend(page);
        next = next_link(&answer);
    }
    rows
}

#[tokio::test]
async fn all_pages_together_equal_one_large_query() {
    let fixture = Fixture::open().await;
    for rest in [
        "/Ships?$filter=Id le 700",
        "/Ships?$filter=Id le 700&$orderby=Flag",
        "/Ships?$filter=Id le 700&$orderby=Flag desc,Tonnage",
        "/Ships?$filter=Id le 700&$orderby=Tonnage desc&$select=Name",
        "/Ships?$orderby=Name&$top=333&$skip=5",
        "/Ships?$filter=Flag ne 'A'&$top=250",
    ] {
        let rest = rest.replace(' ', "%20");
        let whole = fixture.get_with(&rest, &[("prefer", "maxpagesize=10000")]).await.expect(200);
        assert_eq!(next_link(&whole), None, "{rest}");
        let whole = whole.json()["value"].as_array().unwrap().clone();
        assert!(whole.len() > 200, "{rest}");
        for page_size in [97, 250] {
            assert_eq!(walk(&fixture, &rest, page_size).await, whole, "{rest}");
        }
    }
}

#[tokio::test]
async fn a_page_has_2000_rows_unless_the_client_prefers_another_number() {
    let fixture = Fixture::open().await;
    let first = fixture.get("/Ships").await.expect(200);
    assert_eq!(first.json()["value"].as_array().unwrap().len(), 2000);
    assert_eq!(first.header("preference-applied"), "");
    for (prefer, applied, rows) in [
        ("odata.maxpagesize=3", "odata.maxpagesize=3", 3),
        ("return=minimal, maxpagesize=4", "maxpagesize=4", 4),
        ("maxpagesize=4500", "maxpagesize=4500", 4500),
        ("maxpagesize=99999999999", "maxpagesize=100000", 5000),
        ("maxpagesize=0", "", 2000),
        ("maxpagesize=many", "", 2000),
    ] {
        let answer = fixture.get_with("/Ships", &[("prefer", prefer)]).await.expect(200);
        assert_eq!(answer.header("preference-applied"), applied);
        assert_eq!(answer.json()["value"].as_array().unwrap().len(), rows, "{prefer}");
        assert_eq!(next_link(&answer).is_some(), i64::try_from(rows).unwrap() < SHIPS, "{prefer}");
    }
}

#[tokio::test]
async fn the_first_page_contains_the_count_of_all_pages() {
    let fixture = Fixture::open().await;
    let small = [("prefer", "maxpagesize=100")];
    let first =
        fixture.get_with("/Ships?$count=true&$filter=Id%20le%20150&$top=120", &small).await.expect(200);
    assert_eq!(first.json()["@odata.count"], 150);
    let second = fixture.get_with(&next_link(&first).unwrap(), &small).await.expect(200);
    assert_eq!(ids(&second), (101..=120).collect::<Vec<_>>());
    assert_eq!(next_link(&second), None);
    let streamed = fixture.get("/Ships?$count=true").await.expect(200);
    assert_eq!(streamed.json()["@odata.count"], SHIPS);
}

#[tokio::test]
async fn skip_and_top_page_like_salesforce() {
    let fixture = Fixture::open().await;
    let mut seen = Vec::new();
    for skip in (0..SHIPS).step_by(500) {
        let rest = format!("/Ships?$count=true&$orderby=Id%20asc&$skip={skip}&$top=500&$select=Id,Name");
        let page = fixture.get(&rest).await.expect(200);
        assert_eq!(page.json()["@odata.count"], SHIPS);
        assert_eq!(next_link(&page), None);
        seen.extend(ids(&page));
    }
    assert_eq!(seen, (1..=SHIPS).collect::<Vec<_>>());
    assert_eq!(ids(&fixture.get("/Ships?$skip=5000").await.expect(200)), [0; 0]);
    assert_eq!(ids(&fixture.get("/Ships?$top=0").await.expect(200)), [0; 0]);
}

#[tokio::test]
async fn a_next_link_is_valid_only_for_its_own_request_and_source() {
    let fixture = Fixture::open().await;
    let tables = "CREATE TABLE Ships (Id INTEGER PRIMARY KEY, Name TEXT NOT NULL, Tonnage REAL, Flag TEXT, Photo BLOB);
        INSERT INTO Ships (Id, Name) VALUES (1, 'a'), (2, 'b'), (3, 'c')";
    fixture.add_source("Twin1", tables).await;
    fixture.add_source("Twin2", tables).await;
    let small = [("prefer", "maxpagesize=1")];
    let link = next_link(&fixture.get_with("/Ships", &small).await.expect(200)).unwrap();
    let (_, token) = link.split_once("$skiptoken=").unwrap();
    for rest in [
        format!("/Ships?$orderby=Name&$skiptoken={token}"),
        format!("/Ships?$filter=Id%20gt%200&$skiptoken={token}"),
        format!("/Visits?$skiptoken={token}"),
        format!("/Ships?$skiptoken={}", &token[1..]),
        format!("/Ships?$skiptoken={token}A"),
        "/Ships?$skiptoken=".to_owned(),
    ] {
        assert_eq!(code(&fixture.get(&rest).await.expect(400)), "BadNextLink", "{rest}");
    }
    let get = async |path: &str| {
        fixture.server.get(path).bearer(&fixture.token).header("prefer", "maxpagesize=1").send().await
    };
    let first = get("/api/odata4/Twin1/Ships").await.expect(200).json();
    let link =
        first["@odata.nextLink"].as_str().unwrap().strip_prefix("http://127.0.0.1:8080").unwrap().to_owned();
    get(&link).await.expect(200);
    assert_eq!(code(&get(&link.replace("Twin1", "Twin2")).await.expect(400)), "BadNextLink");
}

#[tokio::test]
async fn a_next_link_gives_no_rights() {
    let fixture = Fixture::open().await;
    let source = fixture
        .add_source("Pier", "CREATE TABLE T (Id INTEGER PRIMARY KEY); INSERT INTO T VALUES (1), (2), (3)")
        .await;
    fixture.share(&source, &OTHER).await;
    let token = token(&fixture.server, &OTHER).await;
    let get = async |path: &str| {
        fixture.server.get(path).bearer(&token).header("prefer", "maxpagesize=1").send().await
    };
    let first = get("/api/odata4/Pier/T").await.expect(200).json();
    let link =
        first["@odata.nextLink"].as_str().unwrap().strip_prefix("http://127.0.0.1:8080").unwrap().to_owned();
    get(&link).await.expect(200);
    fixture.server.get(&link).send().await.expect(401);
    fixture.share(&source, &testkit::USER).await;
    get(&link).await.expect(404);
    let by_owner = fixture.server.get(&link).bearer(&fixture.token).send().await.expect(200);
    assert_eq!(ids(&by_owner), [2, 3], "whoever may read the source may follow the link");
}

#[tokio::test]
async fn a_next_link_of_an_earlier_structure_is_stale() {
    let fixture = Fixture::open().await;
    let by_tonnage = "/Ships?$orderby=Tonnage&$filter=Tonnage%20gt%201&$select=Tonnage";
    let mut links = Vec::new();
    for rest in ["/Ships", by_tonnage] {
        let small = [("prefer", "maxpagesize=1")];
        links.push(next_link(&fixture.get_with(rest, &small).await.expect(200)).unwrap());
    }
    let path = fixture.server.folder().join("Harbour.db");
    let maker = rusqlite::Connection::open(path).unwrap();
    for change in [
        "ALTER TABLE Ships ADD COLUMN Crew INTEGER",
        "ALTER TABLE Ships RENAME COLUMN Tonnage TO Weight",
        "ALTER TABLE Ships DROP COLUMN Weight",
        "ALTER TABLE Ships RENAME TO Boats",
        "DROP TABLE Boats",
    ] {
        maker.execute_batch(change).unwrap();
        for later in [0, 2] {
            fixture.server.clock().advance_secs(later);
            for link in &links {
                let answer = fixture.get(link).await;
                // Until the structure is checked again, a page that does not use the changed parts may still
                // be served.
                if later > 0 || answer.status() != 200 {
                    assert_eq!(code(&answer.expect(410)), "StaleNextLink", "{change}: {link}");
                }
            }
        }
    }
}
