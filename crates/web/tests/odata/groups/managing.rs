//! The members of groups.

use serde_json::json;
use testkit::{ADMIN, OTHER, USER};

use super::Group;

#[tokio::test]
async fn members_are_replaced_added_and_shown_to_those_who_manage_the_group() {
    let group = Group::open().await;
    let server = &group.fixture.server;
    let path = format!("/api/mgmt/datasources/{}", group.id);
    let members = format!("{path}/members");
    let shown = server.get(&path).basic(&USER).send().await.expect(200).json();
    assert_eq!(
        (&shown["isGroup"], &shown["dataStore"], &shown["options"]),
        (&json!(true), &json!(0), &json!({}))
    );
    let listed = server.get(&members).basic(&ADMIN).send().await.expect(200).json();
    let (shop, stock) = (group.shop.id.get(), group.stock.id.get());
    let east = json!({ "id": shop, "entityPrefix": "east" });
    assert_eq!(listed, json!({ "members": [east, { "id": stock, "entityPrefix": "west" }] }));
    group.put(&[(stock, "west")]).await.expect(200);
    assert_eq!(group.sets(&USER).await, ["west_Orders"]);
    let added =
        server.post(&members).basic(&USER).json(&json!({ "members": [east] })).send().await.expect(200);
    assert_eq!(added.json(), listed);

    group.share_with_other().await;
    server.get(&path).basic(&OTHER).send().await.expect(200);
    server.get(&members).basic(&OTHER).send().await.expect(403);

    // A response that is sent back changes nothing, and the name is free to change.
    let mut changed = shown.clone();
    changed["name"] = json!("Everything");
    let changed = server.put(&path).basic(&USER).json(&changed).send().await.expect(200).json();
    assert_eq!((&changed["name"], &changed["isGroup"]), (&json!("Everything"), &json!(true)));
    let renamed = server.get("/api/odata4/Everything/west_Orders(7)").bearer(&group.fixture.token);
    let context = renamed.send().await.expect(200).json()["@odata.context"].clone();
    assert_eq!(context, "http://127.0.0.1:8080/api/odata4/Everything/$metadata#west_Orders/$entity");
    server.get("/api/odata4/All/west_Orders(7)").bearer(&group.fixture.token).send().await.expect(404);
}

#[tokio::test]
async fn data_sources_are_listed_by_type_and_by_member() {
    let group = Group::open().await;
    let server = &group.fixture.server;
    let (shop, stock) = (group.shop.id.get(), group.stock.id.get());
    group.put(&[(stock, "west")]).await.expect(200);
    let listed = async |query: &str| {
        let path = format!("/api/mgmt/datasources?{query}");
        let answer = server.get(&path).basic(&USER).send().await.expect(200).json();
        let sources = answer["dataSources"].as_array().unwrap().clone();
        sources.iter().map(|source| source["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let all = listed("").await;
    let simple: Vec<_> = all.iter().copied().filter(|id| *id != group.id).collect();
    assert!(simple.contains(&shop) && simple.len() + 1 == all.len(), "{all:?}");
    assert_eq!(listed("type=all&isOData=true").await, all);
    assert_eq!(listed("type=simple").await, simple);
    assert_eq!(listed("type=simple&limit=1").await, simple[..1]);
    for query in ["type=group", "type=group;isOData=true", "type=group&limit=1", &format!("member={stock}")] {
        assert_eq!(listed(query).await, [group.id], "{query}");
    }
    for query in [format!("member={shop}"), "isOData=false".to_owned(), format!("type=simple;member={stock}")]
    {
        assert_eq!(listed(&query).await, [0_i64; 0], "{query}");
    }
    let wrong = server.get("/api/mgmt/datasources?type=other").basic(&USER).send().await.expect(400);
    assert!(wrong.text().contains("all, simple or group"), "{}", wrong.text());
}

#[tokio::test]
async fn what_no_group_can_have_is_refused() {
    let group = Group::open().await;
    let server = &group.fixture.server;
    let (shop, stock) = (group.shop.id.get(), group.stock.id.get());
    let foreign = group.fixture.add_source_of(&OTHER, "Foreign", super::STOCK).await.id.get();
    for (members, message) in [
        (vec![(shop, "east"), (stock, "East")], "would not say whose they are"),
        (vec![(shop, "east"), (stock, "east_2")], "would not say whose they are"),
        (vec![(shop, "east"), (shop, "west")], "twice"),
        (vec![(shop, "")], "1 to 64"),
        (vec![(shop, "2nd")], "start with a letter"),
        (vec![(foreign, "east")], "no data source of the owner"),
        (vec![(9_999, "east")], "no data source of the owner"),
        (vec![(group.id, "east")], "a group itself"),
    ] {
        let refused = group.put(&members).await.expect(400);
        assert!(refused.text().contains(message), "{message} in {}", refused.text());
    }
    assert_eq!(
        group.sets(&USER).await,
        ["east_Orders", "east_Regions", "west_Orders"],
        "nothing has changed"
    );

    let path = format!("/api/mgmt/datasources/{}", group.id);
    for rest in ["/model", "/model/findings", "/schemas"] {
        let refused = server.get(&format!("{path}{rest}")).basic(&USER).send().await.expect(400);
        assert!(refused.text().contains("is a group"), "{rest}: {}", refused.text());
    }
    server.post(&format!("{path}/test")).basic(&USER).send().await.expect(400);
    server.post(&format!("{path}/model")).basic(&USER).send().await.expect(400);
    for body in [
        json!({ "writable": true }),
        json!({ "options": { "path": "/x" } }),
        json!({ "isGroup": false }),
        json!({ "dataStore": 1 }),
    ] {
        server.put(&path).basic(&USER).json(&body).send().await.expect(400);
    }
    let database = format!("/api/mgmt/datasources/{shop}");
    server.get(&format!("{database}/members")).basic(&USER).send().await.expect(400);
    let body = json!({ "members": [{ "id": stock, "entityPrefix": "x" }] });
    server.put(&format!("{database}/members")).basic(&USER).json(&body).send().await.expect(400);
    server.put(&database).basic(&USER).json(&json!({ "isGroup": true })).send().await.expect(400);
    let new = "/api/mgmt/datasources";
    for body in [
        json!({ "isGroup": true }),
        json!({ "name": "New", "isGroup": true, "dataStore": 1 }),
        json!({ "name": "New", "isGroup": true, "writable": true }),
        json!({ "name": "New", "isGroup": true, "members": [] }),
        json!({ "name": "all", "isGroup": true }),
        json!({ "name": "New", "dataStore": 0, "connectionType": "Cloud", "options": {} }),
    ] {
        server.post(new).basic(&USER).json(&body).send().await.expect(400);
    }
}

#[tokio::test]
async fn a_deleted_member_leaves_its_groups_and_a_deleted_group_leaves_its_members() {
    let group = Group::open().await;
    let server = &group.fixture.server;
    let path = |id: i64| format!("/api/mgmt/datasources/{id}");
    server.delete(&path(group.stock.id.get())).basic(&USER).send().await.expect(204);
    assert_eq!(group.sets(&USER).await, ["east_Orders", "east_Regions"]);
    let listed =
        server.get(&format!("{}/members", path(group.id))).basic(&USER).send().await.expect(200).json();
    assert_eq!(listed["members"].as_array().unwrap().len(), 1);
    server.delete(&path(group.id)).basic(&USER).send().await.expect(204);
    group.get("").await.expect(404);
    server.get("/api/odata4/Shop/Orders(1)").bearer(&group.fixture.token).send().await.expect(200);
}
