//! Tests of rows alone, as CSV and NDJSON, and of compressed responses.

use http::Method;
use serde_json::Value;
use testkit::{Answer, USER};

use crate::fixture::{Fixture, ROOT, SHIPS, code};

const CSV: &str = "text/csv;charset=utf-8;header=present";
const BARE: &str = "text/csv;charset=utf-8;header=absent";
const LINES: &str = "application/x-ndjson";

#[tokio::test]
async fn a_collection_is_rows_alone_for_those_who_ask_for_them() {
    let fixture = Fixture::open().await;
    let csv = "Ship,Number,Berth\r\n1,1,A\r\n1,2,\r\n2,1,B\r\n";
    let lines = "{\"Ship\":1,\"Number\":1,\"Berth\":\"A\"}\n{\"Ship\":1,\"Number\":2,\"Berth\":null}\n{\"Ship\":2,\"Number\":1,\"Berth\":\"B\"}\n";
    for (rest, accept, media_type, expected) in [
        ("/Visits?$format=csv", "", CSV, csv),
        ("/Visits?$format=text/csv", "application/json", CSV, csv),
        ("/Visits", "text/csv", CSV, csv),
        ("/Visits", "text/csv, application/json;q=0.5", CSV, csv),
        ("/Visits?$format=ndjson", "text/csv", LINES, lines),
        ("/Visits?$format=application/x-ndjson", "", LINES, lines),
        ("/Visits", "application/x-ndjson, */*;q=0.1", LINES, lines),
        ("/Visits?$select=Berth&$filter=Ship eq 1&$format=csv", "", CSV, "Berth\r\nA\r\n\r\n"),
        ("/Visits?$orderby=Berth desc&$top=1&$format=csv", "", CSV, "Ship,Number,Berth\r\n2,1,B\r\n"),
        ("/Visits?$filter=false&$format=csv", "", CSV, "Ship,Number,Berth\r\n"),
        ("/Visits?$filter=false&$format=ndjson", "", LINES, ""),
        (
            "/Visits?$compute=concat(Berth,', \"x\"') as B&$select=Number,B&$format=csv",
            "",
            CSV,
            "Number,B\r\n1,\"A, \"\"x\"\"\"\r\n2,\r\n1,\"B, \"\"x\"\"\"\r\n",
        ),
        (
            "/Visits?$apply=groupby((Ship),aggregate($count as N))&$orderby=N desc&$format=csv",
            "",
            CSV,
            "Ship,N\r\n1,2\r\n2,1\r\n",
        ),
        (
            "/Visits?$apply=concat(groupby((Ship)),aggregate($count as N))&$format=csv",
            "",
            CSV,
            "Ship,N\r\n1,\r\n2,\r\n,3\r\n",
        ),
        (
            "/Visits?$apply=concat(groupby((Ship)),aggregate($count as N))&$format=ndjson",
            "",
            LINES,
            "{\"Ship\":1}\n{\"Ship\":2}\n{\"N\":3}\n",
        ),
        ("/Ships?$top=1&$select=Photo,Id&$format=csv", "", CSV, "Photo,Id\r\n_9g,1\r\n"),
        ("/Visits?$top=1&$format=text/csv;header=absent", "", BARE, "1,1,A\r\n"),
        ("/Visits?$filter=false", "text/csv;charset=UTF-8;header=absent", BARE, ""),
        (
            "/Visits?$top=1&$select=Number",
            "application/x-ndjson;IEEE754Compatible=true",
            "application/x-ndjson;IEEE754Compatible=true",
            "{\"Number\":\"1\"}\n",
        ),
    ] {
        let rest = rest.replace(' ', "%20").replace('"', "%22");
        let accept = [("accept", accept)];
        let headers = if accept[0].1.is_empty() { &accept[1..] } else { &accept };
        let answer = fixture.get_with(&rest, headers).await.expect(200);
        assert_eq!(
            (answer.header("content-type"), answer.text()),
            (media_type, expected),
            "{rest} {accept:?}"
        );
        assert_eq!(answer.header("odata-version"), "4.01");
        assert_eq!(answer.header("link"), "");
    }
}

#[tokio::test]
async fn what_rows_alone_cannot_say_is_refused() {
    let fixture = Fixture::open().await;
    let tables = "CREATE TABLE A (Id INTEGER PRIMARY KEY); CREATE TABLE B (Id INTEGER PRIMARY KEY, Owner INTEGER REFERENCES A);";
    fixture.add_source("Related", tables).await;
    let get = async |rest: &str, accept: &str| {
        let call = fixture.server.get(&format!("/api/odata4/{rest}")).bearer(&fixture.token);
        call.header("accept", accept).send().await
    };
    for (rest, accept, status, expected) in [
        ("Related/B?$expand=A", "text/csv", 400, "OptionNotApplicable"),
        ("Related/B?$expand=A&$format=csv", "*/*", 400, "OptionNotApplicable"),
        ("Harbour/Ships?$count=true&$format=csv", "*/*", 400, "OptionNotApplicable"),
        ("Harbour/Ships?$count=true", "application/x-ndjson", 400, "OptionNotApplicable"),
        ("Harbour/Ships(1)?$format=csv", "*/*", 415, "NotImplemented"),
        ("Harbour/Ships(1)/Name?$format=ndjson", "*/*", 415, "NotImplemented"),
        ("Related/A(1)/B/$ref?$format=csv", "*/*", 415, "NotImplemented"),
        ("Harbour/$metadata?$format=csv", "*/*", 415, "NotImplemented"),
        ("Harbour?$format=csv", "*/*", 415, "NotImplemented"),
        ("Harbour/Ships(1)", "text/csv", 406, "NotAcceptable"),
        ("Related/A(1)/B/$ref", "application/x-ndjson", 406, "NotAcceptable"),
        ("Harbour", "text/csv", 406, "NotAcceptable"),
        ("Harbour/Ships", "text/*", 406, "NotAcceptable"),
    ] {
        assert_eq!(code(&get(rest, accept).await.expect(status)), expected, "{rest} {accept}");
    }
    let refused = get("Related/B?$expand=A&$format=csv", "*/*").await.expect(400);
    assert!(refused.text().contains("NDJSON and JSON have"), "{}", refused.text());
    get("Harbour/Ships?$count=false&$top=1&$format=csv", "*/*").await.expect(200);
    let expanded = get("Related/B?$expand=A&$format=ndjson", "*/*").await.expect(200);
    assert_eq!(expanded.header("content-type"), LINES);
}

/// The rest of the address in the link to the next page.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link").strip_prefix('<')?.strip_suffix(">; rel=\"next\"").unwrap();
    Some(link.strip_prefix(&format!("http://127.0.0.1:8080{ROOT}")).unwrap().to_owned())
}

/// The lines of all pages.
async fn walk(fixture: &Fixture, rest: &str, page_size: usize) -> Vec<String> {
    let prefer = format!("maxpagesize={page_size}");
    let (mut lines, mut rest) = (Vec::new(), Some(rest.to_owned()));
    while let Some(address) = rest {
        let page = fixture.get_with(&address, &[("prefer", &prefer)]).await.expect(200);
        let text = page.text();
        assert!(text.ends_with('\n'), "{address}");
        let rows: Vec<_> = text.lines().skip(usize::from(page.header("content-type") == CSV)).collect();
        rest = next(&page);
        assert!(rows.len() == page_size || rest.is_none(), "{address} has {} rows", rows.len());
        lines.extend(rows.into_iter().map(str::to_owned));
    }
    lines
}

/// Short pages are written before they are sent, long ones while they are.
#[tokio::test]
async fn the_link_to_the_next_page_is_in_the_head_and_leads_to_the_rest() {
    let fixture = Fixture::open().await;
    for rest in [
        "/Ships?$select=Id",
        "/Ships?$select=Id&$orderby=Flag",
        "/Ships?$select=Id&$orderby=Flag desc,Tonnage",
        "/Ships?$select=Id&$orderby=Tonnage desc,Flag&$top=2500&$skip=5",
        "/Ships?$select=Id&$filter=Flag ne 'A'&$top=1201",
    ] {
        let rest = rest.replace(' ', "%20");
        let whole = fixture.get_with(&rest, &[("prefer", "maxpagesize=5000")]).await.expect(200).json();
        let whole: Vec<_> =
            whole["value"].as_array().unwrap().iter().map(|row| row["Id"].to_string()).collect();
        assert!(whole.len() > 1000, "{rest}");
        for page_size in [190, 600] {
            assert_eq!(walk(&fixture, &format!("{rest}&$format=csv"), page_size).await, whole, "{rest}");
            let lines = walk(&fixture, &format!("{rest}&$format=ndjson"), page_size).await;
            let ids = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["Id"].to_string());
            assert_eq!(ids.collect::<Vec<_>>(), whole, "{rest}");
        }
    }
    let all = fixture.get_with("/Ships?$format=csv", &[("prefer", "maxpagesize=5000")]).await.expect(200);
    assert_eq!((next(&all), all.header("preference-applied")), (None, "maxpagesize=5000"));
    assert_eq!(i64::try_from(all.text().lines().count()).unwrap(), SHIPS + 1);
}

#[tokio::test]
async fn a_body_is_compressed_for_those_who_accept_it() {
    let fixture = Fixture::open().await;
    let coded = [("accept-encoding", "gzip")];
    for rest in ["/Ships", "/Ships?$top=100", "/Ships?$format=csv", "/$metadata", "/Ships?$format=ndjson"] {
        let (plain, small) =
            (fixture.get(rest).await.expect(200), fixture.get_with(rest, &coded).await.expect(200));
        let without_positions =
            |answer: &Answer| answer.text().split("$skiptoken").next().unwrap().to_owned();
        assert_eq!(without_positions(&plain), without_positions(&small), "{rest}");
        assert_eq!(
            (plain.header("content-encoding"), small.header("content-encoding")),
            ("", "gzip"),
            "{rest}"
        );
        let vary = small.headers().get_all("vary").iter().map(|vary| vary.to_str().unwrap().to_lowercase());
        assert_eq!(vary.filter(|vary| vary.contains("accept-encoding")).count(), 1, "{rest}");
        assert_eq!(small.header("content-length"), "", "{rest}");
    }
    for (rest, headers) in [
        ("/Ships(1)", &coded[..]),
        ("/Ships/$count", &coded),
        ("/Ships?$top=100", &[("accept-encoding", "gzip;q=0, br")]),
        ("/Ships?$top=100", &[("accept-encoding", "identity, gzip;q=0.5")]),
        ("/Ships?$filter=Nothing%20eq%201", &coded),
    ] {
        assert_eq!(
            fixture.get_with(rest, headers).await.header("content-encoding"),
            "",
            "{rest} {headers:?}"
        );
    }
    let tag = fixture.get_with("/$metadata", &coded).await.expect(200).header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    fixture.get_with("/$metadata", &[("if-none-match", &tag), coded[0]]).await.expect(304);
    let batch = fixture.server.call(Method::POST, &format!("{ROOT}/$batch")).bearer(&fixture.token);
    let requests = serde_json::json!({"requests": [
        {"id": "1", "method": "get", "url": "Ships?$top=100"},
        {"id": "2", "method": "get", "url": "Visits?$format=csv", "headers": {"accept-encoding": "gzip"}},
    ]});
    let batch = batch.header("accept-encoding", "gzip").json(&requests).send().await.expect(200);
    assert_eq!(batch.header("content-encoding"), "gzip");
    let responses = batch.json();
    assert_eq!(responses["responses"][0]["body"]["value"].as_array().unwrap().len(), 100);
    assert_eq!(responses["responses"][1]["body"], "Ship,Number,Berth\r\n1,1,A\r\n1,2,\r\n2,1,B\r\n");
}

/// BREACH: a page lets a browser with remembered credentials ask for what it guesses, and sees from the length of the response
/// whether there is the same in it.
#[tokio::test]
async fn a_page_of_another_origin_learns_nothing_from_the_length_of_a_response() {
    let fixture = Fixture::open().await;
    let get = async |site: &str| {
        let call = fixture.server.get(&format!("{ROOT}/Ships?$top=100&guess=Ship%2042")).basic(&USER);
        let call = call.header("accept-encoding", "gzip").header("sec-fetch-site", site);
        call.send().await.expect(200).header("content-encoding").to_owned()
    };
    assert_eq!((get("cross-site").await.as_str(), get("same-site").await.as_str()), ("", ""));
    assert_eq!((get("none").await.as_str(), get("same-origin").await.as_str()), ("gzip", "gzip"));
}
