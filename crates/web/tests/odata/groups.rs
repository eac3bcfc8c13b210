//! Groups: several data sources at one address.

use domain::account::DataSource;
use http::Method;
use rusqlite::Connection;
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, OTHER, TestUser, USER};

use crate::fixture::{Fixture, code, ids};

mod managing;
mod rights;

const SHOP: &str = "
    CREATE TABLE Regions (Id TEXT PRIMARY KEY, Name TEXT);
    CREATE TABLE Orders (Id INTEGER PRIMARY KEY, Region TEXT REFERENCES Regions (Id), Amount INTEGER NOT NULL DEFAULT 0);
    INSERT INTO Regions VALUES ('N', 'North'), ('S', 'South');
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
    INSERT INTO Orders SELECT i, CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN 'N' ELSE 'S' END, i * 10 FROM n;
";
const STOCK: &str =
    "CREATE TABLE Orders (Id INTEGER PRIMARY KEY, Item TEXT); INSERT INTO Orders VALUES (7, 'Rope');";
const ROOT: &str = "/api/odata4/All";
const PUBLIC_ROOT: &str = "http://127.0.0.1:8080/api/odata4/All";

/// A group of [`USER`] with a shop, which may be changed, and a stock, which may not.
struct Group {
    fixture: Fixture,
    id: i64,
    shop: DataSource,
    stock: DataSource,
}

impl Group {
    async fn open() -> Self {
        let fixture = Fixture::open().await;
        let (shop, stock) =
            (fixture.add_source("Shop", SHOP).await, fixture.add_source("Stock", STOCK).await);
        fixture.set_writable(&shop, true).await;
        let made = fixture.server.post("/api/mgmt/datasources").basic(&USER);
        let made = made.json(&json!({ "name": "All", "isGroup": true })).send().await.expect(201).json();
        let group = Self { fixture, id: made["id"].as_i64().unwrap(), shop, stock };
        let (shop, stock) = (group.shop.id.get(), group.stock.id.get());
        group.put(&[(shop, "east"), (stock, "west")]).await.expect(200);
        group
    }

    /// Replaces the members.
    async fn put(&self, members: &[(i64, &str)]) -> Answer {
        let members = members.iter().map(|(id, prefix)| json!({ "id": id, "entityPrefix": prefix }));
        let body = json!({ "members": members.collect::<Vec<_>>() });
        let call = self.fixture.server.put(&format!("/api/mgmt/datasources/{}/members", self.id));
        call.basic(&USER).json(&body).send().await
    }

    async fn share_with_other(&self) {
        let path = format!("/api/mgmt/datasources/{}/sharedUsers", self.id);
        let users = json!({ "sharedUsers": [{ "userName": OTHER.name }] });
        self.fixture.server.put(&path).basic(&USER).json(&users).send().await.expect(200);
    }

    async fn get(&self, rest: &str) -> Answer {
        self.fixture.server.get(&format!("{ROOT}{rest}")).bearer(&self.fixture.token).send().await
    }

    async fn get_as(&self, user: &TestUser, rest: &str) -> Answer {
        self.fixture.server.get(&format!("{ROOT}{rest}")).basic(user).send().await
    }

    async fn send(&self, method: Method, rest: &str, body: &Value) -> Answer {
        self.fixture.server.call(method, &format!("{ROOT}{rest}")).basic(&USER).json(body).send().await
    }

    /// The entity sets that a user sees.
    async fn sets(&self, user: &TestUser) -> Vec<String> {
        let document = self.get_as(user, "/").await.expect(200).json();
        let name = |set: &Value| set["name"].as_str().unwrap().to_owned();
        document["value"].as_array().unwrap().iter().map(name).collect()
    }
}

#[tokio::test]
async fn a_group_describes_all_of_its_members_in_its_own_words() {
    let group = Group::open().await;
    let document = group.get("").await.expect(200).json();
    assert_eq!(document["@odata.context"], format!("{PUBLIC_ROOT}/$metadata"));
    assert_eq!(group.sets(&USER).await, ["east_Orders", "east_Regions", "west_Orders"]);
    let answer = group.get("/$metadata").await.expect(200);
    let xml = answer.text().to_owned();
    for part in [
        r#"Namespace="All""#,
        r#"<EntityType Name="east_Orders">"#,
        r#"Type="All.east_Regions""#,
        r#"<EntitySet Name="west_Orders" EntityType="All.west_Orders">"#,
        r#"<NavigationPropertyBinding Path="Regions" Target="east_Regions"/>"#,
    ] {
        assert!(xml.contains(part), "{part} in {xml}");
    }
    let tag = answer.header("etag").to_owned();
    let again = group.fixture.server.get(&format!("{ROOT}/$metadata")).bearer(&group.fixture.token);
    again.header("if-none-match", &tag).send().await.expect(304);
    let json = group.get("/$metadata?$format=json").await.expect(200).json();
    let sets = json["All"]["Default"].as_object().or_else(|| json["All"]["Container"].as_object());
    assert!(sets.is_some_and(|sets| sets.contains_key("west_Orders")), "{json}");
    let listed =
        group.fixture.server.get("/api/odata4").bearer(&group.fixture.token).send().await.expect(200);
    assert!(listed.text().contains(&format!("{PUBLIC_ROOT}/")), "{}", listed.text());
    for (rest, status, error) in [
        ("/Orders", 404, "ResourceNotFound"),
        ("/east_Nothing", 404, "ResourceNotFound"),
        ("/$all", 501, "NotImplemented"),
        ("/$crossjoin(east_Orders,west_Orders)", 501, "NotImplemented"),
        ("/$metadata?$format=xyz", 415, ""),
    ] {
        let answer = group.get(rest).await;
        if error.is_empty() {
            assert!(answer.status() >= 400, "{rest}");
            continue;
        }
        assert_eq!((code(&answer.expect(status)).as_str(), rest), (error, rest));
    }
}

#[tokio::test]
async fn data_of_a_member_has_the_names_and_links_of_the_group() {
    let group = Group::open().await;
    let one = group.get("/east_Orders(1)?$expand=Regions").await.expect(200).json();
    assert_eq!(one["@odata.context"], format!("{PUBLIC_ROOT}/$metadata#east_Orders(Regions())/$entity"));
    assert_eq!((&one["Amount"], &one["Regions"]["Name"]), (&json!(10), &json!("North")));
    let full = "/east_Orders(1)?$format=application/json;odata.metadata=full";
    let full = group.get(full).await.expect(200).json();
    assert_eq!(full["@odata.id"], "east_Orders(1)");
    assert_eq!(full["@odata.type"], "#All.east_Orders");
    assert_eq!(ids(&group.get("/west_Orders").await.expect(200)), [7]);
    assert_eq!(ids(&group.get("/east_Regions('S')/Orders?$top=2").await.expect(200)), [2, 5]);
    assert_eq!(
        group.get("/east_Orders/$count?$filter=Regions/Name%20eq%20'North'").await.expect(200).text(),
        "10"
    );
    let sums = "/east_Orders?$apply=groupby((Region),aggregate(Amount%20with%20sum%20as%20Sum))";
    assert_eq!(group.get(sums).await.expect(200).json()["value"].as_array().unwrap().len(), 3);

    let combined =
        "/$crossjoin(east_Regions,east_Orders)?$filter=east_Regions/Id%20eq%20east_Orders/Region&$top=1";
    let combined = group.get(combined).await.expect(200).json();
    let links = json!([{
        "east_Regions@odata.navigationLink": "east_Regions('N')",
        "east_Orders@odata.navigationLink": "east_Orders(1)",
    }]);
    assert_eq!(combined["value"], links);
    assert_eq!(combined["@odata.context"], format!("{PUBLIC_ROOT}/$metadata#Collection(Edm.ComplexType)"));

    let mut walked = Vec::new();
    let mut next = format!("{PUBLIC_ROOT}/east_Orders?$orderby=Amount%20desc&$select=Id");
    while !next.is_empty() {
        let path = next.strip_prefix("http://127.0.0.1:8080").unwrap().to_owned();
        let call = group.fixture.server.get(&path).bearer(&group.fixture.token);
        let page = call.header("prefer", "maxpagesize=7").send().await.expect(200);
        walked.extend(ids(&page));
        next = page.json()["@odata.nextLink"].as_str().unwrap_or_default().to_owned();
        assert!(next.is_empty() || next.starts_with(&format!("{PUBLIC_ROOT}/east_Orders?")), "{next}");
    }
    assert_eq!(walked, (1..=30).rev().collect::<Vec<i64>>());

    // At its own address nothing has changed.
    let own = group.fixture.server.get("/api/odata4/Shop/Orders(1)").bearer(&group.fixture.token);
    let own = own.send().await.expect(200).json();
    assert_eq!(own["@odata.context"], "http://127.0.0.1:8080/api/odata4/Shop/$metadata#Orders/$entity");
}

#[tokio::test]
async fn changes_reach_the_member_that_allows_them() {
    let group = Group::open().await;
    let made = group.send(Method::POST, "/east_Orders", &json!({ "Id": 99, "Amount": 5 })).await.expect(201);
    assert_eq!(made.header("location"), format!("{PUBLIC_ROOT}/east_Orders(99)"));
    let bound = json!({ "Regions@odata.bind": "east_Regions('S')" });
    group.send(Method::PATCH, "/east_Orders(99)", &bound).await.expect(204);
    let own = group.fixture.server.get("/api/odata4/Shop/Orders(99)").bearer(&group.fixture.token);
    assert_eq!(own.send().await.expect(200).json()["Region"], "S");
    let foreign = json!({ "Regions@odata.bind": "http://127.0.0.1:8080/api/odata4/Shop/Regions('S')" });
    assert_eq!(group.send(Method::PATCH, "/east_Orders(99)", &foreign).await.status(), 400);
    group.send(Method::DELETE, "/east_Orders(99)", &Value::Null).await.expect(204);
    let refused = group.send(Method::POST, "/west_Orders", &json!({ "Id": 8 })).await;
    assert_eq!(code(&refused.expect(405)), "DataSourceReadOnly");
    let nowhere = group.send(Method::POST, "/Orders", &json!({ "Id": 8 })).await;
    assert_eq!(code(&nowhere.expect(404)), "ResourceNotFound");
    assert!(group.send(Method::POST, "/", &json!({ "Id": 8 })).await.status() >= 400);
    let events = group.fixture.server.get("/api/admin/audit?action=data.change").basic(&ADMIN).send().await;
    let events = events.expect(200).text().to_owned();
    assert!(events.contains("Shop/Orders") && !events.contains("east_Orders"), "{events}");
}

#[tokio::test]
async fn a_batch_changes_one_member_in_a_transaction_and_reads_all() {
    let group = Group::open().await;
    let batch = async |requests: Value| {
        let answer = group.send(Method::POST, "/$batch", &json!({ "requests": requests })).await.expect(200);
        let status = |one: &Value| one["status"].as_u64().unwrap();
        answer.json()["responses"].as_array().unwrap().iter().map(status).collect::<Vec<_>>()
    };
    let insert = |id: &str, url: &str, key: i64| {
        json!({ "id": id, "atomicityGroup": "g", "method": "POST", "url": url,
            "headers": { "content-type": "application/json" }, "body": { "Id": key } })
    };
    let read = |id: &str, url: &str| json!({ "id": id, "method": "GET", "url": url });
    let reads = json!([read("1", "east_Orders(1)"), read("2", "/api/odata4/All/west_Orders(7)")]);
    assert_eq!(batch(reads).await, [200, 200]);
    let one = json!([insert("1", "east_Orders", 50), insert("2", "east_Orders", 51)]);
    assert_eq!(batch(one).await, [201, 201]);
    let update = json!({ "id": "2", "atomicityGroup": "g", "method": "PATCH", "url": "$1",
        "headers": { "content-type": "application/json" }, "body": { "Amount": 1 } });
    assert_eq!(batch(json!([insert("1", "east_Orders", 52), update])).await, [201, 204]);
    let across = json!([insert("1", "east_Orders", 60), insert("2", "west_Orders", 60)]);
    assert_eq!(batch(across).await, [424, 501], "no transaction spans two databases");
    group.get("/east_Orders(60)").await.expect(404);
}

#[tokio::test]
async fn a_member_whose_database_is_gone_takes_nothing_else_with_it() {
    let group = Group::open().await;
    group.fixture.add_source("Gone", "CREATE TABLE T (Id INTEGER PRIMARY KEY)").await;
    let gone = group.fixture.server.store();
    let gone = store::DataSources::find_data_source_by_name(gone, "Gone").await.unwrap().unwrap();
    group.put(&[(group.shop.id.get(), "east"), (gone.id.get(), "gone")]).await.expect(200);
    std::fs::remove_file(group.fixture.server.folder().join("Gone.db")).unwrap();
    assert_eq!(group.get("/gone_T").await.status(), 502, "as at its own address");
    assert_eq!(ids(&group.get("/east_Orders?$top=1").await.expect(200)), [1]);
    assert_eq!(group.sets(&USER).await, ["east_Orders", "east_Regions"]);
    group.get("/$metadata").await.expect(200);
}

#[tokio::test]
async fn a_changed_structure_of_a_member_is_seen_in_the_group() {
    let group = Group::open().await;
    group.sets(&USER).await;
    let file = Connection::open(group.fixture.server.folder().join("Stock.db")).unwrap();
    file.execute_batch("CREATE TABLE Items (Id INTEGER PRIMARY KEY); INSERT INTO Items VALUES (1)").unwrap();
    group.fixture.server.clock().advance_secs(2);
    assert_eq!(group.sets(&USER).await, ["east_Orders", "east_Regions", "west_Items", "west_Orders"]);
    assert_eq!(ids(&group.get("/west_Items").await.expect(200)), [1]);
}
