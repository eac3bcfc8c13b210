//! Cross joins over HTTP: pages, rights, rules and groups.

use serde_json::{Value, json};
use testkit::{OTHER, USER};

use crate::fixture::{Fixture, code};
use crate::rules::Shop;

fn rows(answer: &testkit::Answer) -> Vec<Value> {
    answer.json()["value"].as_array().unwrap().clone()
}

#[tokio::test]
async fn pages_of_a_cross_join_follow_each_other() {
    let fixture = Fixture::open().await;
    let path = "/$crossjoin(Visits,Ships)?$filter=Visits/Ship%20eq%20Ships/Id&$expand=Ships($select=Name)&$count=true";
    let link = |ship: i64, number: i64| format!("Visits(Ship={ship},Number={number})");
    let expected: Vec<Value> = [(1, 1), (1, 2), (2, 1)]
        .map(|(ship, number)| {
            let name = format!("Ship {ship}");
            json!({ "Visits@odata.navigationLink": link(ship, number), "Ships": { "Name": name } })
        })
        .into();
    let whole = fixture.get(path).await.expect(200);
    assert_eq!(rows(&whole), expected);
    assert_eq!(whole.json()["@odata.count"], 3);
    assert!(whole.text().contains("/$metadata#Collection(Edm.ComplexType)\""), "{}", whole.text());
    let mut walked = Vec::new();
    let mut next = format!("/api/odata4/Harbour{path}");
    while !next.is_empty() {
        let call = fixture.server.get(&next).bearer(&fixture.token);
        let page = call.header("prefer", "maxpagesize=1").send().await.expect(200);
        walked.extend(rows(&page));
        let link = page.json()["@odata.nextLink"].as_str().unwrap_or_default().to_owned();
        next = link.strip_prefix("http://127.0.0.1:8080").unwrap_or_default().to_owned();
    }
    assert_eq!(walked, expected);
    // In a URL that leads nowhere, the number alone, and in the body of a POST.
    assert_eq!(code(&fixture.get("/$crossjoin(Visits,Nothing)").await.expect(404)), "ResourceNotFound");
    let number = fixture.get("/$crossjoin(Visits,Ships)/$count?$filter=Ships/Id%20lt%204").await.expect(200);
    assert_eq!(number.text(), "9");
    let posted = fixture.server.post("/api/odata4/Harbour/$crossjoin(Visits,Ships)/$query");
    let posted =
        posted.bearer(&fixture.token).body("text/plain", "$filter=Visits/Ship%20eq%20Ships/Id&$top=1");
    let posted = posted.send().await.expect(200);
    let links =
        json!({ "Visits@odata.navigationLink": link(1, 1), "Ships@odata.navigationLink": "Ships(1)" });
    assert_eq!(rows(&posted), [links]);
    let text = fixture.get(&format!("{}&$format=ndjson", path.replace("&$count=true", ""))).await.expect(200);
    assert_eq!(text.text().lines().count(), 3);
    fixture.get("/$crossjoin(Visits,Ships)?$format=csv").await.expect(415);
    fixture.get_with("/$crossjoin(Visits,Ships)", &[("accept", "text/csv")]).await.expect(406);
}

#[tokio::test]
async fn rules_hold_for_each_set_of_a_cross_join() {
    let shop = Shop::open().await;
    shop.rule(json!([
        { "users": [USER.name], "actions": ["read"] },
        { "tables": [{ "table": "Orders" }], "actions": ["read"], "where": "Region eq @user.region", "hiddenColumns": ["Cost"] },
        { "tables": [{ "table": "Regions" }], "actions": ["read"], "maskedColumns": [{ "column": "Name", "text": "***" }] },
    ]))
    .await;
    let path = "/$crossjoin(Orders,Regions)";
    let count = |filter: &str| format!("{path}/$count?$filter={filter}");
    for (user, all, named) in [(&USER, "8", "4"), (&OTHER, "4", "0")] {
        assert_eq!(shop.get(user, &format!("{path}/$count")).await.expect(200).text(), all);
        let north = count("Regions/Name eq 'North'");
        assert_eq!(shop.get(user, &north).await.expect(200).text(), named);
    }
    // A failure in a hidden row would tell of it, and a hidden column does not exist.
    let divided = count("10 div (Orders/Amount sub 20) ne 7");
    assert_eq!(code(&shop.get(&USER, &divided).await.expect(400)), "DivisionByZero");
    assert_eq!(shop.get(&OTHER, &divided).await.expect(200).text(), "4");
    assert_eq!(code(&shop.get(&OTHER, &count("Orders/Cost gt 8")).await.expect(400)), "UnknownProperty");
    let one = shop.get(&OTHER, &format!("{path}?$top=1&$expand=*")).await.expect(200);
    let expected = json!({ "Orders": { "Id": 1, "Region": "N", "Amount": 10 }, "Regions": { "Id": "N", "Name": "***" } });
    let mut shown = rows(&one).remove(0);
    for set in ["Orders", "Regions"] {
        shown[set].as_object_mut().unwrap().remove("@odata.etag");
    }
    assert_eq!(shown, expected);
    // A set that may not be read does not exist.
    shop.rule(json!([{ "tables": [{ "table": "Regions" }], "users": [USER.name], "actions": ["read"] }]))
        .await;
    shop.get(&OTHER, path).await.expect(404);
    shop.get(&USER, path).await.expect(200);
}
