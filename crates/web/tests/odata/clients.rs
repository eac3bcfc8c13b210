//! The headers that well-known clients actually send.

use http::Method;
use testkit::Answer;

use crate::fixture::{Fixture, SHIPS, code, ids};

/// Power Query in Power BI and Excel.
const POWER_QUERY: [(&str, &str); 5] = [
    ("user-agent", "Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)"),
    ("maxdataserviceversion", "3.0"),
    ("odata-maxversion", "4.0"),
    (
        "accept",
        "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,\
         application/atomsvc+xml;q=0.8,application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7",
    ),
    ("accept-encoding", "gzip, deflate"),
];

#[tokio::test]
async fn power_query_reads_the_service_its_metadata_and_a_set() {
    let fixture = Fixture::open().await;
    let service = fixture.get_with("", &POWER_QUERY).await.expect(200);
    assert_eq!(service.header("content-type"), "application/json;odata.metadata=minimal");
    let sets = service.json()["value"].as_array().unwrap().clone();
    assert!(sets.iter().any(|set| set["name"] == "Ships" && set["kind"] == "EntitySet"));

    let metadata = fixture.get_with("/$metadata", &POWER_QUERY).await.expect(200);
    assert_eq!(metadata.header("content-type"), "application/xml");
    assert!(metadata.text().contains("Version=\"4.0\""));

    let preview = fixture.get_with("/Ships?$top=1000", &POWER_QUERY).await.expect(200);
    assert_eq!(ids(&preview).len(), 1000);
    let folded =
        "/Ships?$filter=Flag%20eq%20'B'%20and%20Tonnage%20gt%20100&$orderby=Id%20desc&$select=Id,Name&$top=3";
    let folded = fixture.get_with(folded, &POWER_QUERY).await.expect(200);
    assert_eq!(folded.json()["value"].as_array().unwrap().len(), 3);
    let count = fixture.get_with("/Ships/$count", &POWER_QUERY).await.expect(200);
    assert_eq!(count.text(), SHIPS.to_string());
    for answer in [&service, &metadata, &preview, &folded, &count] {
        let versions: Vec<_> = answer.headers().get_all("odata-version").iter().collect();
        assert_eq!(versions, ["4.0"], "one version, and the one that was asked for");
    }
    // It says that it understands the coding, which short answers do not have.
    let codings =
        [&service, &metadata, &preview, &folded, &count].map(|answer| answer.header("content-encoding"));
    assert_eq!(codings, ["", "gzip", "gzip", "", ""]);
}

#[tokio::test]
async fn tableau_reads_with_a_password() {
    let fixture = Fixture::open().await;
    let get = async |rest: &str, accept: &str| {
        let call = fixture.server.get(&format!("/api/odata4/Harbour{rest}")).basic(&testkit::USER);
        call.header("accept", accept).header("odata-maxversion", "4.0").send().await.expect(200)
    };
    assert!(get("/$metadata", "application/xml").await.text().contains("EntityType"));
    assert_eq!(get("/Ships", "application/json;odata.metadata=full").await.header("odata-version"), "4.0");
}

#[tokio::test]
async fn salesforce_connect_requests_counts_in_version_4_01() {
    let fixture = Fixture::open().await;
    let headers = [("accept", "application/json"), ("odata-maxversion", "4.01"), ("odata-version", "4.01")];
    let rest =
        "/Ships?$count=true&$top=25&$skip=50&$orderby=Name%20asc&$filter=contains(Name,'1')&$select=Id,Name";
    let answer = fixture.get_with(rest, &headers).await.expect(200);
    assert_eq!(answer.header("odata-version"), "4.01");
    assert_eq!(ids(&answer).len(), 25);
    assert!(answer.json()["@odata.count"].as_i64().unwrap() > 1_000);
}

#[tokio::test]
async fn options_without_dollar_and_in_another_case_are_understood() {
    let fixture = Fixture::open().await;
    let answer = fixture.get("/Ships?top=2&ORDERBY=Id%20desc&timezone=UTC").await.expect(200);
    assert_eq!(ids(&answer), [SHIPS, SHIPS - 1]);
}

/// The OData V4 model of UI5.
const UI5: [(&str, &str); 5] = [
    ("accept", "application/json;odata.metadata=minimal;IEEE754Compatible=true"),
    ("odata-maxversion", "4.0"),
    ("odata-version", "4.0"),
    ("x-csrf-token", "Fetch"),
    ("content-type", "application/json;charset=UTF-8;IEEE754Compatible=true"),
];

/// Simple.OData.Client.
const SIMPLE: [(&str, &str); 1] = [("accept", "application/json, application/xml, application/text")];

/// Microsoft.OData.Client.
const MICROSOFT: [(&str, &str); 4] = [
    ("odata-version", "4.0"),
    ("odata-maxversion", "4.0"),
    ("accept", "application/json;odata.metadata=minimal"),
    ("accept-charset", "UTF-8"),
];

const PEOPLE: &str = "
    CREATE TABLE People (Id INTEGER PRIMARY KEY, Name TEXT, City TEXT, Born DATE, Seen DATETIME, Price DECIMAL(10,2),
        Big BIGINT, Active BOOLEAN, Ref GUID, Score DOUBLE, Note TEXT);
    INSERT INTO People VALUES
        (1, 'O''Neil', '10001', '1990-06-15', '2024-05-01T12:00:00Z', 12.5, 9007199254740993, 1,
            'a1b2c3d4-e5f6-4711-8899-aabbccddeeff', 0.5, NULL),
        (2, 'Berta', '10002', '1985-01-01', '2019-01-01T00:00:00Z', 7.25, 2, 0, NULL, NULL, 'x'),
        (3, 'Carl', 'a', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    CREATE TABLE \"Order Details\" (Id INTEGER PRIMARY KEY, \"m²\" REAL, \"First Name\" TEXT);
";

/// A server with a source of people.
struct People(Fixture);

impl People {
    async fn open() -> Self {
        let fixture = Fixture::open().await;
        fixture.add_source("People", PEOPLE).await;
        Self(fixture)
    }

    async fn get(&self, rest: &str, headers: &[(&'static str, &str)]) -> Answer {
        self.send(Method::GET, rest, headers).await
    }

    async fn send(&self, method: Method, rest: &str, headers: &[(&'static str, &str)]) -> Answer {
        let target = format!("/api/odata4/People{}", rest.replace(' ', "%20").replace('"', "%22"));
        let mut call = self.0.server.call(method, &target).bearer(&self.0.token);
        for (name, value) in headers {
            call = call.header(name, value);
        }
        call.send().await
    }
}

#[tokio::test]
async fn power_query_pages_filters_and_gets_clear_refusals() {
    let people = People::open().await;
    for root in ["", "/"] {
        let answer = people.get(root, &POWER_QUERY).await.expect(200);
        let versions: Vec<_> = answer.headers().get_all("odata-version").iter().collect();
        assert_eq!(versions, ["4.0"], "{root}");
    }
    let mut path = "/api/odata4/Harbour/Ships".to_owned();
    let mut read = 0;
    loop {
        let mut call = people.0.server.get(&path).bearer(&people.0.token);
        for (name, value) in POWER_QUERY {
            call = call.header(name, value);
        }
        let page = call.send().await.expect(200);
        read += ids(&page).len();
        let Some(link) = page.json()["@odata.nextLink"].as_str().map(str::to_owned) else { break };
        path = link.strip_prefix("http://127.0.0.1:8080").unwrap().to_owned();
    }
    assert_eq!(read, usize::try_from(SHIPS).unwrap());
    let beyond = people.get("/People?$top=1000&$skip=1000", &POWER_QUERY).await.expect(200);
    assert!(beyond.text().contains(r#""value":[]"#));
    let counted = "/People?$filter=Born ge 1990-01-01 and Born lt 1991-01-01&$count=true&$top=0";
    let counted = people.get(counted, &POWER_QUERY).await.expect(200).json();
    assert_eq!(counted["@odata.count"], 1);
    assert_eq!(counted["value"].as_array().unwrap().len(), 0);
    assert!(counted.get("@odata.nextLink").is_none());
    let grouped = "/People?$apply=filter(Active eq true)/groupby((City),aggregate(Price with sum as Total))";
    let grouped = people.get(grouped, &POWER_QUERY).await.expect(200).json();
    assert!(
        grouped["value"].as_array().unwrap().iter().all(|group| group.get("Total").is_some()),
        "{grouped}"
    );
    for content_type in ["multipart/mixed", "multipart/mixed;boundary=batch_1"] {
        let batch = [("content-type", content_type)];
        assert_eq!(code(&people.send(Method::POST, "/$batch", &batch).await.expect(400)), "MalformedBatch");
    }
}

#[tokio::test]
async fn salesforce_skips_many_rows_and_searches() {
    let people = People::open().await;
    let far = "/People?$select=Id,Name&$orderby=Name&$top=26&$skip=100000&$count=true";
    let far = people.get(far, &[]).await.expect(200).json();
    assert_eq!((far["@odata.count"].as_i64(), far["value"].as_array().unwrap().len()), (Some(3), 0));
    let found =
        people.get("/People?$search=\"bert\"&$select=Id,Name&$count=true", &[]).await.expect(200).json();
    assert_eq!((found["@odata.count"].as_i64(), &found["value"][0]["Name"]), (Some(1), &"Berta".into()));
    assert_eq!(ids(&people.get("/People?$search=\"zoo\"", &[]).await.expect(200)), [0; 0]);
    let metadata = people.get("/$metadata", &[]).await.expect(200).text().to_owned();
    assert!(
        metadata
            .contains(r#"SearchRestrictions"><Record><PropertyValue Property="Searchable" Bool="true"/>"#)
    );
}

#[tokio::test]
async fn errors_suggest_the_version_4_form_to_clients_of_version_2() {
    let people = People::open().await;
    let json = [("accept", "application/json")];
    let answer = people.get("/People?$filter=substringof('x',Name) eq true", &json).await.expect(400);
    assert!(answer.text().contains("contains"), "{}", answer.text());
    for (rest, form) in [
        ("/People?$inlinecount=allpages", "$count=true"),
        ("/People?$filter=Seen gt datetime'2020-01-01T00:00:00'", "2020-01-01T00:00:00Z"),
        ("/People?$filter=Price gt 9.99M", "9.99"),
        ("/People(1L)", "1"),
    ] {
        let answer = people.get(rest, &json).await.expect(400);
        assert!(answer.text().contains(form), "{rest}: {}", answer.text());
        assert_eq!(answer.header("content-language"), "en");
        assert!(!code(&answer).is_empty());
    }
    // A version of only the old protocol is ignored.
    let old = [("accept", "application/xml"), ("maxdataserviceversion", "3.0")];
    people.get("/$metadata", &old).await.expect(200);
}

#[tokio::test]
async fn ui5_gets_large_numbers_and_counts_as_strings() {
    let people = People::open().await;
    let table = "/People?$count=true&$select=Id,Big,Price&$skip=0&$top=100";
    let answer = people.get(table, &UI5).await.expect(200);
    assert_eq!(answer.header("odata-version"), "4.0");
    let body = answer.json();
    assert_eq!(body["@odata.count"], "3");
    assert_eq!(body["value"][0]["Big"], "9007199254740993");
    assert!(body["value"][0]["Price"].is_string());
    people.send(Method::HEAD, "/", &UI5).await.expect(200);
    for one in ["/People(Id=1)", "/People(1)?$select=Id,Name"] {
        assert_eq!(people.get(one, &UI5).await.expect(200).json()["Name"], "O'Neil", "{one}");
    }
    let format = "/People?$format=application/json;odata.metadata=full;IEEE754Compatible=true";
    let answer = people.get(format, &[("accept", "application/xml")]).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json;odata.metadata=full;IEEE754Compatible=true");
}

#[tokio::test]
async fn other_client_libraries_get_the_responses_that_they_expect() {
    let people = People::open().await;
    let quoted =
        people.get("/People?$filter=Name%20eq%20%27O%27%27Neil%27&$top=1", &MICROSOFT).await.expect(200);
    assert_eq!(ids(&quoted), [1]);
    people.get("/$metadata", &[("accept", "application/xml")]).await.expect(200);
    let started = people.get("/People?$filter=startswith(City,'100') eq true", &SIMPLE).await.expect(200);
    assert_eq!(ids(&started), [1, 2]);
    let single = people.get("/People(1)?$filter=City%20eq%20%27x%27", &SIMPLE).await.expect(400);
    assert_eq!(code(&single), "OptionNotApplicable");
    assert!(single.text().contains("$filter"));
    let grouped =
        "/People?$apply=groupby%28%28City%29%2Caggregate%28%24count%20as%20Count%29%29&$orderby=Count%20desc";
    let grouped = people.get(grouped, &SIMPLE).await.expect(200).json();
    let counts: Vec<i64> =
        grouped["value"].as_array().unwrap().iter().map(|group| group["Count"].as_i64().unwrap()).collect();
    assert!(counts.is_sorted_by(|one, other| one >= other) && counts.iter().sum::<i64>() == 3, "{grouped}");
    let json = [("accept", "application/json")];
    for (filter, expected) in [
        ("Seen gt 2020-01-01T00:00:00.000Z", &[1][..]),
        ("City in ('a','b')", &[3]),
        ("Ref eq a1b2c3d4-e5f6-4711-8899-aabbccddeeff", &[1]),
    ] {
        let answer = people.get(&format!("/People?$filter={filter}"), &json).await.expect(200);
        assert_eq!(ids(&answer), expected, "{filter}");
    }
    people.get("/People", &[("accept", "application/json, text/plain, */*")]).await.expect(200);
    people
        .get("/People?$top=1", &[("accept", "application/json"), ("odata-version", "4.0")])
        .await
        .expect(200);
    assert_eq!(
        code(&people.get("/People", &[("accept", "application/unknown")]).await.expect(406)),
        "NotAcceptable"
    );
    for rest in ["?%24filter=Id%20eq%201&%24top=1", "?filter=Id eq 1", "?$Filter=Id eq 1"] {
        assert_eq!(ids(&people.get(&format!("/People{rest}"), &[]).await.expect(200)), [1], "{rest}");
    }
    assert_eq!(people.get("/People?$count=True", &[]).await.expect(200).json()["@odata.count"], 3);
}

#[tokio::test]
async fn errors_suggest_the_served_name_for_a_database_name() {
    let people = People::open().await;
    for (rest, name) in [
        ("/Order_Details?$select=\"m%C2%B2\"", "did you mean m_?"),
        ("/Order_Details?$select=First Name", "did you mean First_Name?"),
    ] {
        let answer = people.get(rest, &[]).await.expect(400);
        assert_eq!(code(&answer), "UnknownProperty", "{rest}");
        assert!(answer.text().contains(name), "{rest}: {}", answer.text());
    }
    let answer = people.get("/Order Details", &[]).await.expect(404);
    assert!(answer.text().contains("did you mean Order_Details?"), "{}", answer.text());
}

#[tokio::test]
async fn a_division_by_zero_is_a_bad_request() {
    let people = People::open().await;
    let divided = people.get("/People?$filter=10 div (Id sub 2) eq 1", &[]).await.expect(400);
    assert_eq!(code(&divided), "DivisionByZero");
    let guarded = people.get("/People?$filter=Id ne 2 and 10 div (Id sub 2) eq 10", &[]).await.expect(200);
    assert_eq!(ids(&guarded), [3]);
}
