//! What the tools return.

use serde_json::{Value, json};

use testkit::USER;

use super::{Agency, HARBOUR, structured};

#[tokio::test]
async fn a_model_finds_its_way_from_the_sources_to_a_row() {
    let agency = Agency::open().await;
    let sources = structured(&agency.call("/mcp", "list_sources", json!({})).await);
    assert_eq!(sources["sources"][0]["name"], "Harbour");
    let entities = agency.structured("list_entities", json!({})).await;
    let names: Vec<&str> =
        entities["entities"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Broken", "Ships", "Visits"]);
    assert_eq!((&entities["total"], &entities["truncated"]), (&json!(3), &json!(false)));
    let described = agency.structured("describe_entity", json!({"entity": "Visits"})).await;
    assert_eq!(described["key"], json!(["Ship", "Number"]));
    let berth = json!({"name": "Berth", "type": "Edm.String", "nullable": true});
    assert!(described["properties"].as_array().unwrap().contains(&berth), "{described}");
    for filter in described["filters"].as_array().unwrap() {
        let query = json!({"entity": "Visits", "filter": filter});
        agency.structured("query", query).await;
    }
    let got = agency.structured("get", json!({"entity": "Visits", "key": {"Number": "2", "Ship": 1}})).await;
    assert_eq!(
        got,
        json!({"entity": "Visits", "row": {"Ship": 1, "Number": 2, "Berth": null}, "cutTexts": 0})
    );
    let elsewhere = json!({"source": "Harbour", "entity": "Ships", "key": {"Id": 3}, "select": ["Name"]});
    let got = structured(&agency.call("/mcp", "get", elsewhere).await);
    assert_eq!(got["row"], json!({"Name": "Ship 3"}));
}

#[tokio::test]
async fn a_group_is_one_source_with_the_entities_of_its_members() {
    let agency = Agency::open().await;
    let server = &agency.fixture.server;
    let ports =
        "CREATE TABLE Ports (Id INTEGER PRIMARY KEY, Name TEXT); INSERT INTO Ports VALUES (1, 'Oslo')";
    let other = agency.fixture.add_source("Other", ports).await.id.get();
    let group = json!({ "name": "All", "isGroup": true });
    let group =
        server.post("/api/mgmt/datasources").basic(&USER).json(&group).send().await.expect(201).json();
    let members = json!({ "members": [{ "id": other, "entityPrefix": "o" }] });
    let path = format!("/api/mgmt/datasources/{}/members", group["id"]);
    server.put(&path).basic(&USER).json(&members).send().await.expect(200);
    let sources = structured(&agency.call("/mcp", "list_sources", json!({})).await);
    assert!(sources["sources"].as_array().unwrap().iter().any(|source| source["name"] == "All"), "{sources}");
    let entities = structured(&agency.call("/mcp/All", "list_entities", json!({})).await);
    assert_eq!((&entities["total"], &entities["entities"][0]["name"]), (&json!(1), &json!("o_Ports")));
    let query = json!({"entity": "o_Ports", "filter": "Name eq 'Oslo'"});
    let rows = structured(&agency.call("/mcp/All", "query", query).await);
    assert_eq!(rows["rows"][0]["Id"], 1);
}

#[tokio::test]
async fn a_query_is_short_and_says_how_to_go_on() {
    let agency = Agency::open().await;
    let first = agency.structured("query", json!({"entity": "Ships"})).await;
    assert_eq!(first["rows"].as_array().unwrap().len(), 20);
    assert_eq!((&first["returned"], &first["total"]), (&json!(20), &json!(5_000)));
    assert_eq!(first["truncated"], true);
    assert!(first["note"].is_string());
    let mut query = json!({
        "entity": "Ships", "select": ["Id"], "filter": "Flag eq 'A' and Id lt 100", "orderby": "Id desc", "top": 10,
    });
    let mut ids = Vec::new();
    let mut last = Value::Null;
    for _ in 0..10 {
        let page = agency.structured("query", query.clone()).await;
        ids.extend(page["rows"].as_array().unwrap().iter().map(|row| row["Id"].as_i64().unwrap()));
        last = page;
        if last["next"].is_null() {
            break;
        }
        query["next"] = last["next"].clone();
    }
    let expected: Vec<i64> = (1..100).rev().filter(|id| id % 7 != 0 && id % 4 == 0).collect();
    assert_eq!(ids, expected);
    assert_eq!((&last["total"], &last["truncated"]), (&json!(expected.len()), &json!(false)));
    let skipped = json!({"entity": "Ships", "skip": 4_990, "count": false, "select": ["Id"]});
    let skipped = agency.structured("query", skipped).await;
    assert_eq!((&skipped["returned"], &skipped["total"]), (&json!(10), &Value::Null));
    let nothing = agency.structured("query", json!({"entity": "Ships", "filter": "Id lt 0"})).await;
    assert_eq!(
        (&nothing["rows"], &nothing["total"], &nothing["next"]),
        (&json!([]), &json!(0), &Value::Null)
    );
}

const LONG: &str = "
    CREATE TABLE Texts (Id INTEGER PRIMARY KEY, Body TEXT, Big INTEGER);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150)
    INSERT INTO Texts SELECT i, CASE i WHEN 1 THEN replace(hex(zeroblob(3000)), '00', 'ä')
        ELSE replace(hex(zeroblob(500)), '00', 'xy') END, 9007199254740992 + i FROM n;
    CREATE TABLE Huge (Id INTEGER PRIMARY KEY, Body TEXT);
    INSERT INTO Huge VALUES (1, replace(hex(zeroblob(1000000)), '00', 'xy'));
";

#[tokio::test]
async fn an_answer_is_bounded_in_bytes_and_every_row_is_read_once() {
    let agency = Agency::open().await;
    agency.fixture.add_source("Long", LONG).await;
    let mut query = json!({"source": "Long", "entity": "Texts", "top": 200});
    let mut ids = Vec::new();
    for _ in 0..10 {
        let result = agency.call("/mcp", "query", query.clone()).await;
        let page = structured(&result);
        let bytes = result["content"][0]["text"].as_str().unwrap().len();
        assert!(bytes < 66 * 1024, "{bytes}");
        for row in page["rows"].as_array().unwrap() {
            ids.push(row["Id"].as_i64().unwrap());
            let big = row["Big"].as_str().expect("a double would round it");
            assert_eq!(big, (9_007_199_254_740_992 + ids.last().unwrap()).to_string());
        }
        if page["next"].is_null() {
            break;
        }
        assert!(page["note"].as_str().unwrap().contains("select"), "{}", page["note"]);
        query["next"] = page["next"].clone();
    }
    assert_eq!(ids, (1..=150).collect::<Vec<i64>>());
    let first = json!({"source": "Long", "entity": "Texts", "key": {"Id": 1}});
    let first = structured(&agency.call("/mcp", "get", first).await);
    assert_eq!(first["cutTexts"], 1);
    assert!(first["row"]["Body"].as_str().unwrap().ends_with("ä… [shortened, 3000 characters in total]"));
}

#[tokio::test]
async fn a_row_that_is_too_long_is_refused_with_a_way_out() {
    let agency = Agency::open().await;
    agency.fixture.add_source("Long", LONG).await;
    for (tool, arguments) in [
        ("query", json!({"source": "Long", "entity": "Huge"})),
        ("get", json!({"source": "Long", "entity": "Huge", "key": {"Id": 1}})),
    ] {
        let result = agency.call("/mcp", tool, arguments.clone()).await;
        let text = super::refused(&result);
        assert!(text.starts_with("RowTooLarge: ") && text.contains("select"), "{tool}: {text}");
        let mut narrow = arguments;
        narrow["select"] = json!(["Id"]);
        structured(&agency.call("/mcp", tool, narrow).await);
    }
}

#[tokio::test]
async fn a_wrong_call_is_told_what_is_wrong_and_where() {
    let agency = Agency::open().await;
    for (tool, arguments, error) in [
        (
            "query",
            json!({"entity": "ships"}),
            "ResourceNotFound: there is no resource ships; did you mean Ships?",
        ),
        (
            "query",
            json!({"entity": "Ships", "filter": "name eq 'x'"}),
            "UnknownProperty: the type Ships has no property name (at position 0 of $filter); did you mean Name?",
        ),
        (
            "query",
            json!({"entity": "Ships", "sql": "DROP"}),
            "InvalidArguments: there is no argument sql; there are ",
        ),
        (
            "query",
            json!({"entity": "Ships", "top": 1_000}),
            "InvalidArguments: top must be an integer from 1 to 200",
        ),
        ("query", json!({"entity": "Ships", "next": "abc"}), "BadNextLink: "),
        ("query", json!({"entity": "Ships", "filter": "Id eq"}), "SyntaxError: "),
        ("query", json!({"entity": "Ships", "select": ["Id&$top=1"]}), "UnknownProperty: "),
        ("query", json!({"entity": "Ships(1)"}), "ResourceNotFound: "),
        (
            "get",
            json!({"entity": "Ships", "key": {"Id": 100_000}}),
            "ResourceNotFound: there is no entity with this key",
        ),
        (
            "get",
            json!({"entity": "Ships", "key": {"Name": "x"}}),
            "BadKey: the key of Ships is Id (Edm.Int64)",
        ),
        ("get", json!({"entity": "Ships", "key": {"Id": "1)/Name"}}), "BadKey: "),
        ("describe_entity", json!({"entity": "$metadata"}), "ResourceNotFound: "),
    ] {
        let text = agency.refused(tool, arguments.clone()).await;
        assert!(text.starts_with(error), "{tool} {arguments}: {text}");
    }
}

#[tokio::test]
async fn lists_of_names_are_searched_and_continued() {
    let agency = Agency::open().await;
    let found = agency.structured("list_entities", json!({"search": "SHIP"})).await;
    assert_eq!((&found["total"], &found["entities"][0]["name"]), (&json!(1), &json!("Ships")));
    let first = agency.structured("list_entities", json!({"top": 2})).await;
    assert_eq!((&first["total"], &first["truncated"]), (&json!(3), &json!(true)));
    let rest = agency.structured("list_entities", json!({"top": 2, "skip": 2})).await;
    assert_eq!(rest["entities"].as_array().unwrap().len(), 1);
    assert_eq!(rest["truncated"], false);
    let result = agency.call(HARBOUR, "list_entities", json!({"top": 0})).await;
    assert!(super::refused(&result).contains("top must be an integer from 1 to 1000"));
}

#[tokio::test]
async fn rows_are_counted_and_grouped() {
    let agency = Agency::open().await;
    let all = json!({"entity": "Ships", "filter": "Flag ne null", "aggregates": [
        {"op": "count", "as": "Number"}, {"op": "min", "property": "Id"}, {"op": "max", "property": "Id"},
    ]});
    let all = agency.structured("aggregate", all).await;
    let flagged = (1..=5_000).filter(|id| id % 7 != 0).count();
    assert_eq!(all["groups"], json!([{"Number": flagged, "min_Id": 1, "max_Id": 5_000}]));
    assert_eq!((&all["total"], &all["next"]), (&json!(1), &Value::Null));
    let mut query = json!({
        "entity": "Ships", "groupby": ["Flag"], "aggregates": [{"op": "count", "as": "Number"}], "orderby": "Flag", "top": 2,
    });
    let mut groups = Vec::new();
    for _ in 0..5 {
        let page = agency.structured("aggregate", query.clone()).await;
        assert_eq!(page["total"], 5, "four flags and none");
        groups.extend(page["groups"].as_array().unwrap().clone());
        if page["next"].is_null() {
            break;
        }
        query["next"] = page["next"].clone();
    }
    let number = |flag: i64| (1..=5_000_i64).filter(|id| id % 7 != 0 && id % 4 == flag).count();
    let expected: Vec<Value> = (0..4_u8)
        .map(|at| json!({"Flag": char::from(b'A' + at).to_string(), "Number": number(at.into())}))
        .collect();
    assert_eq!(groups[1..], expected, "nulls come first");
    for (arguments, error) in [
        (json!({"entity": "Ships"}), "InvalidArguments: groupby or aggregates"),
        (json!({"entity": "Ships", "groupby": ["Colour"]}), "UnknownProperty: "),
        (
            json!({"entity": "Ships", "groupby": ["Flag"], "filter": "true)/skip(1)/filter(true"}),
            "SyntaxError: expected an operator or the end",
        ),
        (
            json!({"entity": "Ships", "groupby": ["Flag),(Id"]}),
            "SyntaxError: expected the name of a property",
        ),
        (
            json!({"entity": "Ships", "aggregates": [{"op": "sum"}]}),
            "InvalidArguments: aggregates must be an array",
        ),
    ] {
        let text = agency.refused("aggregate", arguments.clone()).await;
        assert!(text.starts_with(error), "{arguments}: {text}");
    }
}
