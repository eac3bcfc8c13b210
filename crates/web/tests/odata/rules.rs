//! Rules about who may do what with which rows.

use std::pin::pin;

use domain::account::{DataSource, Permission};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::{ApplicationId, DataSourceId};
use domain::time::Timestamp;
use http::Method;
use oauth::scope::{BuiltInScope, ScopeSet};
use rusqlite::Connection;
use serde_json::{Value, json};
use store::{UserChange, Users};
use testkit::{Answer, OTHER, TestUser, USER};

use crate::fixture::{Fixture, code, ids, poll_once};

const TABLES: &str = "
    CREATE TABLE Regions (Id TEXT PRIMARY KEY, Name TEXT);
    CREATE TABLE Orders (Id INTEGER PRIMARY KEY, Region TEXT REFERENCES Regions (Id), Amount INTEGER NOT NULL DEFAULT 0, Cost INTEGER);
    INSERT INTO Regions VALUES ('N', 'North'), ('S', 'South');
    INSERT INTO Orders VALUES (1, 'N', 10, 7), (2, 'S', 20, 0), (3, 'N', 30, 9), (4, NULL, 40, 0);
";

pub(crate) struct Shop {
    pub(crate) fixture: Fixture,
    shop: DataSource,
}

impl Shop {
    /// A shop of [`USER`] that may be changed, shared with [`OTHER`].
    pub(crate) async fn open() -> Self {
        let fixture = Fixture::open().await;
        let shop = fixture.add_source("Shop", TABLES).await;
        fixture.set_writable(&shop, true).await;
        fixture.share(&shop, &OTHER).await;
        Self { fixture, shop }
    }

    pub(crate) fn id(&self) -> DataSourceId {
        self.shop.id
    }

    async fn put(&self, document: &Value) -> Answer {
        let path = format!("/api/mgmt/datasources/{}/model", self.shop.id);
        let call = self.fixture.server.put(&path).basic(&USER).header("if-match", "*");
        call.json(document).send().await
    }

    /// Replaces the rules.
    pub(crate) async fn rule(&self, rules: Value) {
        let attributes = json!({ OTHER.name: { "region": "N", "regions": ["S", "x"] } });
        let document = json!({ "formatVersion": 1, "rules": rules, "userAttributes": attributes });
        let first = format!("/api/mgmt/datasources/{}/model", self.shop.id);
        if self.put(&document).await.status() == 412 {
            self.fixture.server.put(&first).basic(&USER).json(&document).send().await.expect(200);
        }
    }

    pub(crate) async fn get(&self, user: &TestUser, rest: &str) -> Answer {
        self.fixture
            .server
            .get(&format!("/api/odata4/Shop{}", rest.replace(' ', "%20")))
            .basic(user)
            .send()
            .await
    }

    pub(crate) async fn send(&self, method: Method, rest: &str, body: &Value) -> Answer {
        self.fixture
            .server
            .call(method, &format!("/api/odata4/Shop{rest}"))
            .basic(&OTHER)
            .json(body)
            .send()
            .await
    }

    pub(crate) async fn delete(&self, rest: &str) -> Answer {
        self.fixture.server.delete(&format!("/api/odata4/Shop{rest}")).basic(&OTHER).send().await
    }

    /// All orders in the file, as another program reads it.
    pub(crate) fn orders(&self) -> Vec<(i64, Option<String>, i64)> {
        let file = Connection::open(self.fixture.server.folder().join("Shop.db")).unwrap();
        let mut statement = file.prepare("SELECT Id, Region, Amount FROM Orders ORDER BY Id").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }
}

/// The owner does everything; others read the orders of their region, without the cost.
fn regional() -> Value {
    json!([
        { "users": [USER.name], "actions": ["read", "insert", "update", "delete"] },
        { "tables": [{ "table": "orders" }], "actions": ["read", "update"], "where": "Region eq @user.region",
            "hiddenColumns": ["Cost"] },
        { "tables": [{ "table": "Orders" }], "actions": ["insert"], "where": "Region eq @user.region and Amount lt 100" },
        { "tables": [{ "table": "Regions" }], "actions": ["read"] }
    ])
}

#[tokio::test]
async fn a_reader_sees_the_rows_and_columns_that_rules_allow_on_every_path() {
    let shop = Shop::open().await;
    assert_eq!(ids(&shop.get(&OTHER, "/Orders").await.expect(200)), [1, 2, 3, 4]);
    shop.rule(regional()).await;
    assert_eq!(ids(&shop.get(&USER, "/Orders").await.expect(200)), [1, 2, 3, 4], "the owner");
    let page = shop.get(&OTHER, "/Orders?$count=true").await.expect(200);
    assert_eq!((ids(&page), &page.json()["@odata.count"]), (vec![1, 3], &json!(2)));
    assert!(!page.text().contains("Cost"), "{}", page.text());
    assert_eq!(shop.get(&OTHER, "/Orders/$count").await.expect(200).text(), "2");
    shop.get(&OTHER, "/Orders(2)").await.expect(404);
    shop.get(&OTHER, "/Orders(2)/Amount").await.expect(404);
    shop.get(&OTHER, "/Orders(1)/Amount").await.expect(200);
    let regions = shop.get(&OTHER, "/Regions?$expand=Orders&$orderby=Orders/$count").await.expect(200).json();
    let counts = |row: &Value| (row["Id"].clone(), row["Orders"].as_array().unwrap().len());
    let counts: Vec<_> = regions["value"].as_array().unwrap().iter().map(counts).collect();
    assert_eq!(counts, [(json!("S"), 0), (json!("N"), 2)]);
    let rich = shop.get(&OTHER, "/Regions?$filter=Orders/any(o:o/Amount%20eq%2020)").await.expect(200);
    assert_eq!(rich.json()["value"], json!([]));
    let total = shop.get(&OTHER, "/Orders?$apply=aggregate(Amount with sum as Total)").await.expect(200);
    assert_eq!(total.json()["value"][0]["Total"], json!(40));
    let batch = json!({ "requests": [{ "id": "1", "method": "get", "url": "Orders/$count" }] });
    let batch = shop.send(Method::POST, "/$batch", &batch).await.expect(200).json();
    assert_eq!(batch["responses"][0]["body"], json!("2"), "{batch}");
}

#[tokio::test]
async fn a_hidden_column_does_not_exist() {
    let shop = Shop::open().await;
    shop.rule(regional()).await;
    let metadata = shop.get(&OTHER, "/$metadata").await.expect(200);
    assert!(!metadata.text().contains("Cost") && metadata.text().contains("Amount"));
    assert!(shop.get(&USER, "/$metadata").await.expect(200).text().contains("Cost"));
    for rest in [
        "/Orders?$filter=Cost gt 5",
        "/Orders?$orderby=Cost",
        "/Orders?$select=Cost",
        "/Orders?$compute=Cost add 1 as More",
        "/Orders?$apply=aggregate(Cost with sum as Total)",
        "/Regions?$expand=Orders($filter=Cost gt 5)",
        "/Regions?$filter=Orders/any(o:o/Cost gt 5)",
    ] {
        let refused = shop.get(&OTHER, rest).await.expect(400);
        assert_eq!(code(&refused), "UnknownProperty", "{rest}");
        shop.get(&USER, rest).await.expect(200);
    }
    let refused = shop.send(Method::PATCH, "/Orders(1)", &json!({ "Cost": 1 })).await.expect(400);
    assert_eq!(code(&refused), "UnknownProperty");
}

#[tokio::test]
async fn the_second_page_has_the_rights_of_its_own_request() {
    let shop = Shop::open().await;
    shop.rule(regional()).await;
    let read = async |link: &str| {
        let path = link.strip_prefix("http://127.0.0.1:8080").unwrap_or(link);
        let call = shop.fixture.server.get(path).basic(&OTHER).header("prefer", "odata.maxpagesize=1");
        call.send().await.expect(200)
    };
    let first = read("/api/odata4/Shop/Orders").await;
    assert_eq!(ids(&first), [1]);
    let link = first.json()["@odata.nextLink"].as_str().unwrap().to_owned();
    assert_eq!(ids(&read(&link).await), [3]);
    shop.rule(json!([{ "actions": ["read"], "where": "Region in @user.regions" }])).await;
    assert_eq!(ids(&read(&link).await), [2], "the rows that are reached now");
    shop.rule(json!([{ "users": [USER.name], "actions": ["read"] }])).await;
    let path = link.strip_prefix("http://127.0.0.1:8080").unwrap();
    shop.fixture.server.get(path).basic(&OTHER).send().await.expect(404);
}

#[tokio::test]
async fn changes_keep_to_rules_before_and_after() {
    let shop = Shop::open().await;
    shop.rule(regional()).await;
    let before = shop.orders();
    for (method, rest, body, status, refused) in [
        (Method::PATCH, "/Orders(1)", json!({ "Region": "S" }), 403, "AgainstRules"),
        (Method::PATCH, "/Orders(1)", json!({ "Region": null }), 403, "AgainstRules"),
        (Method::PUT, "/Orders(1)", json!({ "Amount": 1 }), 403, "AgainstRules"),
        (Method::DELETE, "/Orders(1)", json!({}), 403, "AgainstRules"),
        (Method::DELETE, "/Orders(2)", json!({}), 403, "AgainstRules"),
        (Method::PATCH, "/Orders(2)", json!({ "Amount": 1 }), 409, "AlreadyExists"),
        (Method::PUT, "/Orders(2)/Amount", json!({ "value": 1 }), 404, "ResourceNotFound"),
        (Method::POST, "/Orders", json!({ "Region": "S" }), 403, "AgainstRules"),
        (Method::POST, "/Orders", json!({ "Amount": 1 }), 403, "AgainstRules"),
        (Method::POST, "/Orders", json!({ "Region": "N", "Amount": 100 }), 403, "AgainstRules"),
        (Method::PATCH, "/Orders(9)", json!({ "Region": "S" }), 403, "AgainstRules"),
        (Method::POST, "/Regions", json!({ "Id": "W" }), 403, "AgainstRules"),
        (Method::PATCH, "/Regions('N')", json!({ "Name": "x" }), 403, "AgainstRules"),
    ] {
        let call = shop.fixture.server.call(method.clone(), &format!("/api/odata4/Shop{rest}")).basic(&OTHER);
        let call = if method == Method::DELETE { call } else { call.json(&body) };
        let answer = call.send().await;
        assert_eq!((answer.status(), code(&answer).as_str()), (status, refused), "{method} {rest} {body}");
        assert_eq!(shop.orders(), before, "{method} {rest} {body}");
    }
    shop.send(Method::PATCH, "/Orders(1)", &json!({ "Amount": 11 })).await.expect(204);
    let made =
        shop.send(Method::POST, "/Orders", &json!({ "Id": 7, "Region": "N", "Amount": 5 })).await.expect(201);
    assert!(!made.text().contains("Cost"), "{}", made.text());
    shop.send(Method::PATCH, "/Orders(8)", &json!({ "Region": "N" })).await.expect(201);
    assert_eq!(ids(&shop.get(&OTHER, "/Orders").await.expect(200)), [1, 3, 7, 8]);
    shop.rule(json!([{ "actions": ["read", "delete"], "where": "Region ne 'S'" }])).await;
    shop.delete("/Orders(2)").await.expect(404);
    shop.delete("/Orders(8)").await.expect(204);
    assert_eq!(shop.orders().len(), 5);
}

#[tokio::test]
async fn a_change_deletes_no_other_row_whatever_the_table_says() {
    let fixture = Fixture::open().await;
    let tables = "CREATE TABLE Notes (Id INTEGER PRIMARY KEY ON CONFLICT REPLACE, Owner TEXT, Slug TEXT UNIQUE ON CONFLICT REPLACE);
        INSERT INTO Notes VALUES (1, 'other', 'a'), (2, 'alice', 'b');";
    let source = fixture.add_source("Notes", tables).await;
    fixture.set_writable(&source, true).await;
    fixture.share(&source, &OTHER).await;
    let document = json!({ "formatVersion": 1, "rules": [
        { "actions": ["read", "insert", "update"], "where": "Owner eq @user.name" }] });
    let path = format!("/api/mgmt/datasources/{}/model", source.id);
    fixture.server.put(&path).basic(&USER).json(&document).send().await.expect(200);
    for (method, rest, body) in [
        (Method::POST, "", json!({ "Id": 2, "Owner": OTHER.name })),
        (Method::PATCH, "(2)", json!({ "Owner": OTHER.name })),
        (Method::POST, "", json!({ "Id": 3, "Owner": OTHER.name, "Slug": "b" })),
        (Method::PATCH, "(1)", json!({ "Slug": "b" })),
    ] {
        let call = fixture.server.call(method, &format!("/api/odata4/Notes/Notes{rest}")).basic(&OTHER);
        assert_eq!(code(&call.json(&body).send().await.expect(409)), "AlreadyExists", "{body}");
    }
    let file = Connection::open(fixture.server.folder().join("Notes.db")).unwrap();
    let left: String =
        file.query_row("SELECT group_concat(Owner || Slug) FROM Notes", [], |row| row.get(0)).unwrap();
    assert_eq!(left, "othera,aliceb");
}

#[tokio::test]
async fn a_new_row_takes_no_address_from_another() {
    let fixture = Fixture::open().await;
    let tables =
        "CREATE TABLE Keys (K INTEGER, Owner TEXT); INSERT INTO Keys VALUES (1, 'other'), (2, 'alice');";
    let source = fixture.add_source("Keys", tables).await;
    fixture.set_writable(&source, true).await;
    fixture.share(&source, &OTHER).await;
    let mut document = json!({ "formatVersion": 1, "entities": [{ "table": "Keys", "key": ["K"] }] });
    let path = format!("/api/mgmt/datasources/{}/model", source.id);
    fixture.server.put(&path).basic(&USER).json(&document).send().await.expect(200);
    let post = async |body: Value| {
        fixture.server.post("/api/odata4/Keys/Keys").basic(&OTHER).json(&body).send().await
    };
    assert_eq!(code(&post(json!({ "K": 2, "Owner": "other" })).await.expect(409)), "AlreadyExists");
    document["rules"] = json!([{ "actions": ["read", "insert"], "where": "Owner eq @user.name" }]);
    fixture.server.put(&path).basic(&USER).header("if-match", "*").json(&document).send().await.expect(200);
    assert_eq!(code(&post(json!({ "K": 2, "Owner": "other" })).await.expect(403)), "AgainstRules");
    post(json!({ "K": 3, "Owner": "other" })).await.expect(201);
    let file = Connection::open(fixture.server.folder().join("Keys.db")).unwrap();
    let keys: String = file.query_row("SELECT group_concat(K) FROM Keys", [], |row| row.get(0)).unwrap();
    assert_eq!(keys, "1,2,3");
}

#[tokio::test]
async fn long_values_keep_to_rules_too() {
    let shop = Shop::open().await;
    shop.rule(json!([{ "actions": ["read", "update"], "where": "Region ne 'S'" }])).await;
    let long = "N".repeat(1_500_000);
    let refused = shop.send(Method::PATCH, "/Orders(2)", &json!({ "Region": long })).await;
    assert_eq!(code(&refused.expect(403)), "AgainstRules", "it is hidden, and nothing may be inserted");
    let file = Connection::open(shop.fixture.server.folder().join("Shop.db")).unwrap();
    file.execute_batch(
        "PRAGMA foreign_keys = OFF; INSERT INTO Regions VALUES (printf('%.1500000c', 'N'), 'Long')",
    )
    .unwrap();
    shop.send(Method::PATCH, "/Orders(1)", &json!({ "Region": long })).await.expect(204);
    assert_eq!(shop.orders()[0].1.as_deref(), Some(long.as_str()));
    assert_eq!(shop.orders()[1].1.as_deref(), Some("S"));
}

#[tokio::test]
async fn a_reader_is_told_of_no_set_that_rules_hide() {
    let shop = Shop::open().await;
    shop.rule(json!([{ "users": [USER.name], "tables": [{ "table": "Orders" }], "actions": ["read"] }]))
        .await;
    let path = format!("/api/mgmt/datasources/{}/model", shop.shop.id);
    let sets = async |user: &TestUser| {
        shop.fixture.server.get(&path).basic(user).send().await.expect(200).json()["entitySets"].clone()
    };
    assert_eq!(sets(&USER).await, json!(["Orders", "Regions"]));
    assert_eq!(sets(&OTHER).await, json!(["Regions"]));
}

#[tokio::test]
async fn one_change_against_rules_undoes_its_whole_set() {
    let shop = Shop::open().await;
    shop.rule(regional()).await;
    let before = shop.orders();
    let set = |last: &Value| {
        let patch = json!({ "id": "1", "method": "patch", "url": "Orders(1)", "body": { "Amount": 12 } });
        let mut requests = json!([patch, last]);
        for request in requests.as_array_mut().unwrap() {
            request["atomicityGroup"] = json!("g");
        }
        json!({ "requests": requests })
    };
    for (last, status) in [
        (json!({ "id": "2", "method": "patch", "url": "Orders(3)", "body": { "Region": "S" } }), 403),
        (json!({ "id": "2", "method": "post", "url": "Orders", "body": { "Region": "S" } }), 403),
        (json!({ "id": "2", "method": "put", "url": "Orders(2)/Amount", "body": { "value": 1 } }), 404),
    ] {
        let answer = shop.send(Method::POST, "/$batch", &set(&last)).await.expect(200).json();
        assert_eq!(answer["responses"][1]["status"], status, "{answer}");
        assert_eq!(shop.orders(), before, "{last}");
    }
    let last = json!({ "id": "2", "method": "post", "url": "Orders", "body": { "Id": 9, "Region": "N" } });
    let answer = shop.send(Method::POST, "/$batch", &set(&last)).await.expect(200).json();
    assert_eq!(answer["responses"][1]["status"], 201, "{answer}");
    assert_eq!(ids(&shop.get(&OTHER, "/Orders").await.expect(200)), [1, 3, 9]);
}

#[tokio::test]
async fn rules_know_roles_applications_and_attributes() {
    let shop = Shop::open().await;
    let server = &shop.fixture.server;
    let role = server.add_role("Auditors", &[Permission::UseDataSourceWithOData]).await;
    let auditor = TestUser { name: "Audrey", password: "a long password of hers" };
    server.add_user(&auditor, &[role]).await;
    let application = ApplicationId::new(1);
    shop.rule(json!([
        { "tables": [{ "table": "Orders" }], "roles": ["auditors"], "actions": ["read"] },
        { "tables": [{ "table": "Orders" }], "applications": [application.get()], "actions": ["read"], "where": "Amount gt 25" },
        { "tables": [{ "table": "Orders" }], "users": [OTHER.name.to_uppercase()], "actions": ["read"],
            "where": "Region in @user.regions" }
    ]))
    .await;
    assert_eq!(ids(&shop.get(&OTHER, "/Orders").await.expect(200)), [2]);
    shop.fixture.share(&shop.shop, &auditor).await;
    assert_eq!(ids(&shop.get(&auditor, "/Orders").await.expect(200)), [1, 2, 3, 4]);
    shop.get(&USER, "/Orders").await.expect(404);
    assert_eq!(
        shop.get(&USER, "/Regions/$count").await.expect(200).text(),
        "2",
        "no rule is about this table"
    );
    let scopes = ScopeSet::from(BuiltInScope::OData);
    let token = server.access_token(&USER, application, scopes).await;
    let page = server.get("/api/odata4/Shop/Orders").bearer(&token).send().await.expect(200);
    assert_eq!(ids(&page), [3, 4]);
}

#[tokio::test]
async fn who_loses_a_role_while_a_change_waits_changes_nothing() {
    let shop = Shop::open().await;
    let server = &shop.fixture.server;
    let role = server.add_role("Clerks", &[Permission::UseDataSourceWithOData]).await;
    let clerk = TestUser { name: "Clara", password: "a long password of hers" };
    server.add_user(&clerk, &[role]).await;
    shop.fixture.share(&shop.shop, &clerk).await;
    shop.rule(json!([{ "roles": ["Clerks"], "actions": ["read", "update"] }])).await;
    let patch = || {
        let call = server.call(Method::PATCH, "/api/odata4/Shop/Orders(1)").basic(&clerk);
        call.json(&json!({ "Amount": 99 })).send()
    };
    let file = Connection::open(server.folder().join("Shop.db")).unwrap();
    file.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut waiting = pin!(patch());
    assert!(poll_once(waiting.as_mut()).await.is_none(), "it waits for the other program");
    let other = server.add_role("Others", &[Permission::UseDataSourceWithOData]).await;
    let at = Timestamp::from_secs(1_767_268_800);
    let change = UserChange {
        roles: Some(vec![other]),
        at,
        revocation_expires_at: at.plus_secs(86_400),
        ..UserChange::default()
    };
    let audit = NewAuditEvent::new(Action::UpdateUser, Outcome::Success, at);
    let id = server.user(&clerk).await.id;
    server.store().update_user(id, change, audit).await.unwrap().unwrap();
    server.app().node().refresh().await.unwrap();
    file.execute_batch("ROLLBACK").unwrap();
    assert_eq!(code(&waiting.await.expect(503)), "DataSourceBusy");
    assert_eq!(code(&patch().await.expect(404)), "ResourceNotFound", "nothing may be read any more");
    assert_eq!(shop.orders()[0].2, 10);
}

#[tokio::test]
async fn wrong_rules_are_refused_and_change_nothing() {
    let shop = Shop::open().await;
    shop.rule(regional()).await;
    for (rules, field) in [
        (json!([{ "actions": ["read", "write"] }]), "rules[0].actions"),
        (json!([{ "actions": ["read", "read"] }]), "rules[0].actions"),
        (json!([{ "actions": [] }]), "rules[0].actions"),
        (json!([{ "actions": ["read"], "where": "Region eq" }]), "rules[0].where"),
        (json!([{ "actions": ["read"], "where": "Region eq @claims.region" }]), "rules[0].where"),
        (json!([{ "actions": ["read"], "Where": "true" }]), "rules[0].Where"),
        (json!([{ "actions": ["read"], "applications": ["1"] }]), "rules[0].applications"),
    ] {
        let refused = shop.put(&json!({ "formatVersion": 1, "rules": rules })).await.expect(400);
        assert!(refused.text().contains(field), "{rules}: {}", refused.text());
    }
    let refused =
        shop.put(&json!({ "formatVersion": 1, "userAttributes": { "ann": { "x": 1.5 } } })).await.expect(400);
    assert!(refused.text().contains("userAttributes.ann.x"), "{}", refused.text());
    assert_eq!(ids(&shop.get(&OTHER, "/Orders").await.expect(200)), [1, 3]);
    shop.rule(json!([{ "tables": [{ "table": "Nowhere" }], "actions": ["read"], "where": "Nothing eq 1" }]))
        .await;
    let path = format!("/api/mgmt/datasources/{}/model/findings", shop.shop.id);
    let findings = shop.fixture.server.get(&path).basic(&USER).send().await.expect(200);
    assert!(
        findings.text().contains("names Nowhere, and no such table or view is served"),
        "{}",
        findings.text()
    );
}
