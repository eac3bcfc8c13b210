//! A group grants nothing: a caller reaches of each member what the caller reaches of it at its own address.

use serde_json::json;
use testkit::{OTHER, USER};

use super::Group;
use crate::fixture::{code, ids};

#[tokio::test]
async fn a_user_of_a_group_sees_the_members_that_are_shared_too() {
    let group = Group::open().await;
    group.get_as(&OTHER, "").await.expect(404);
    group.share_with_other().await;
    assert!(group.sets(&OTHER).await.is_empty(), "the group alone grants nothing");
    let refused = group.get_as(&OTHER, "/east_Orders").await.expect(404);
    assert_eq!(code(&refused), "ResourceNotFound", "as if it did not exist");
    group.fixture.share(&group.stock, &OTHER).await;
    assert_eq!(group.sets(&OTHER).await, ["west_Orders"]);
    assert!(!group.get_as(&OTHER, "/$metadata").await.expect(200).text().contains("east_"));
    assert_eq!(ids(&group.get_as(&OTHER, "/west_Orders").await.expect(200)), [7]);
    group.get_as(&OTHER, "/east_Orders").await.expect(404);
    let change = group.fixture.server.delete("/api/odata4/All/east_Orders(1)").basic(&OTHER);
    change.send().await.expect(404);
    assert_eq!(group.sets(&USER).await.len(), 3, "the owner sees the same as before");
}

#[tokio::test]
async fn rules_of_a_member_hold_in_the_group() {
    let group = Group::open().await;
    group.share_with_other().await;
    group.fixture.share(&group.shop, &OTHER).await;
    let document = json!({ "formatVersion": 1, "rules": [
        { "tables": [{ "table": "Orders" }], "users": [OTHER.name], "actions": ["read"],
            "where": "Region eq 'N'", "hiddenColumns": ["Amount"] },
    ] });
    let path = format!("/api/mgmt/datasources/{}/model", group.shop.id);
    group.fixture.server.put(&path).basic(&USER).json(&document).send().await.expect(200);
    let own =
        group.fixture.server.get("/api/odata4/Shop/Orders").basic(&OTHER).send().await.expect(200).json();
    let through = group.get_as(&OTHER, "/east_Orders").await.expect(200).json();
    assert_eq!(own["value"], through["value"]);
    assert!(through["value"].as_array().unwrap().iter().all(|row| row["Region"] == "N"), "{through}");
    assert!(through["value"][0].get("Amount").is_none(), "{through}");
    group.get_as(&OTHER, "/east_Orders(2)").await.expect(404);
    let filtered = group.get_as(&OTHER, "/east_Orders?$filter=Amount%20gt%201").await.expect(400);
    assert_eq!(code(&filtered), "UnknownProperty");
    let metadata = group.get_as(&OTHER, "/$metadata").await.expect(200).text().to_owned();
    assert!(!metadata.contains("Amount") && metadata.contains("east_Orders"), "{metadata}");
}
