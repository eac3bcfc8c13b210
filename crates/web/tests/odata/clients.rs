//! The headers that well-known clients really send.

use crate::harbour::{Harbour, SHIPS, ids};

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
    let harbour = Harbour::open().await;
    let service = harbour.get_with("", &POWER_QUERY).await.expect(200);
    assert_eq!(service.header("content-type"), "application/json;odata.metadata=minimal");
    let sets = service.json()["value"].as_array().unwrap().clone();
    assert!(sets.iter().any(|set| set["name"] == "Ships" && set["kind"] == "EntitySet"));

    let metadata = harbour.get_with("/$metadata", &POWER_QUERY).await.expect(200);
    assert_eq!(metadata.header("content-type"), "application/xml");
    assert!(metadata.text().contains("Version=\"4.0\""));

    let preview = harbour.get_with("/Ships?$top=1000", &POWER_QUERY).await.expect(200);
    assert_eq!(ids(&preview).len(), 1000);
    let folded =
        "/Ships?$filter=Flag%20eq%20'B'%20and%20Tonnage%20gt%20100&$orderby=Id%20desc&$select=Id,Name&$top=3";
    let folded = harbour.get_with(folded, &POWER_QUERY).await.expect(200);
    assert_eq!(folded.json()["value"].as_array().unwrap().len(), 3);
    let count = harbour.get_with("/Ships/$count", &POWER_QUERY).await.expect(200);
    assert_eq!(count.text(), SHIPS.to_string());
    for answer in [&service, &metadata, &preview, &folded, &count] {
        let versions: Vec<_> = answer.headers().get_all("odata-version").iter().collect();
        assert_eq!(versions, ["4.0"], "one version, and the one that was asked for");
        assert_eq!(answer.header("content-encoding"), "");
    }
}

#[tokio::test]
async fn tableau_reads_with_a_password() {
    let harbour = Harbour::open().await;
    let get = async |rest: &str, accept: &str| {
        let call = harbour.server.get(&format!("/api/odata4/Harbour{rest}")).basic(&testkit::USER);
        call.header("accept", accept).header("odata-maxversion", "4.0").send().await.expect(200)
    };
    assert!(get("/$metadata", "application/xml").await.text().contains("EntityType"));
    assert_eq!(get("/Ships", "application/json;odata.metadata=full").await.header("odata-version"), "4.0");
}

#[tokio::test]
async fn salesforce_connect_asks_for_counts_in_version_4_01() {
    let harbour = Harbour::open().await;
    let headers = [("accept", "application/json"), ("odata-maxversion", "4.01"), ("odata-version", "4.01")];
    let rest =
        "/Ships?$count=true&$top=25&$skip=50&$orderby=Name%20asc&$filter=contains(Name,'1')&$select=Id,Name";
    let answer = harbour.get_with(rest, &headers).await.expect(200);
    assert_eq!(answer.header("odata-version"), "4.01");
    assert_eq!(ids(&answer).len(), 25);
    assert!(answer.json()["@odata.count"].as_i64().unwrap() > 1_000);
}

#[tokio::test]
async fn options_without_dollar_and_in_another_case_are_understood() {
    let harbour = Harbour::open().await;
    let answer = harbour.get("/Ships?top=2&ORDERBY=Id%20desc&timezone=UTC").await.expect(200);
    assert_eq!(ids(&answer), [SHIPS, SHIPS - 1]);
}
