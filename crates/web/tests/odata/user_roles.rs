//! Users whose requests have the rights of their own roles in a PostgreSQL database.

use serde_json::{Value, json};
use testkit::postgres::{PostgresDatabase, PostgresServer};
use testkit::{ADMIN, TestServer, TestUser, USER};

use crate::postgres::{options, payload};
use crate::server_source::{ids, server};

/// Roles of a cluster are for all of its databases, so the names have that of the database.
fn database() -> (PostgresDatabase<'static>, String) {
    let database = PostgresServer::shared().create_database();
    let name = database.name().to_owned();
    database.run(&format!(
        "CREATE ROLE {name}_north; CREATE ROLE {name}_guest;
         CREATE TABLE orders (id integer PRIMARY KEY, region text NOT NULL, owner text NOT NULL);
         CREATE TABLE lines (id integer PRIMARY KEY, orders integer NOT NULL REFERENCES orders);
         INSERT INTO orders SELECT n, CASE WHEN n % 2 = 0 THEN 'north' ELSE 'south' END, 'd2cuser' FROM generate_series(1, 200) AS n;
         INSERT INTO orders VALUES (201, 'north', 'somebody else');
         INSERT INTO lines SELECT n, n FROM generate_series(1, 200) AS n;
         GRANT SELECT ON orders, lines TO {name}_north; GRANT SELECT ON lines TO {name}_guest;
         ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
         CREATE POLICY north ON orders TO {name}_north USING (region = 'north'
            AND owner = current_setting('request.jwt.claims', true)::json->>'preferred_username')"
    ));
    (database, name)
}

async fn rows(server: &TestServer, user: &TestUser, path: &str) -> Vec<Value> {
    let (mut rows, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let call = server.get(&path).basic(user).header("prefer", "maxpagesize=30");
        let page = call.send().await.expect(200).json();
        rows.extend(page["value"].as_array().unwrap().clone());
        next = page["@odata.nextLink"].as_str().map(|link| link.replace("http://127.0.0.1:8080", ""));
    }
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_user_has_the_rights_of_the_own_role_and_nobody_else() {
    let (server, (database, name)) = (server().await, database());
    let source = |roles: Value| {
        let mut options = options(&database.url());
        options["UserRoles"] = roles;
        payload("orders", &options)
    };
    let north = format!("{name}_north");
    let made = source(json!({ USER.name.to_uppercase(): north }));
    let made = server.post("/api/mgmt/datasources").basic(&ADMIN).json(&made).send().await.expect(201);
    let id = made.json()["id"].clone();
    let share = json!({ "sharedUsers": [{ "userName": USER.name }] });
    let path = format!("/api/mgmt/datasources/{id}/sharedUsers");
    server.put(&path).basic(&ADMIN).json(&share).send().await.expect(200);

    // A policy holds for rows, pages, counts, keys, and for what is reached by another way.
    let even = (1..=100).map(|half| 2 * half).collect::<Vec<i64>>();
    assert_eq!(ids(&rows(&server, &USER, "/api/odata4/orders/orders").await), even);
    let get = |user: &'static TestUser, path: &str, status: u16| {
        let call = server.get(&format!("/api/odata4/orders/{path}")).basic(user);
        async move { call.send().await.expect(status) }
    };
    assert_eq!(get(&USER, "orders/$count", 200).await.text(), "100");
    get(&USER, "orders(2)", 200).await;
    get(&USER, "orders(3)", 404).await;
    get(&USER, "orders(201)", 404).await;
    let lines =
        rows(&server, &USER, "/api/odata4/orders/lines?$expand=orders_orders&$orderby=id&$top=4").await;
    let reached = lines.iter().map(|line| line["orders_orders"]["id"].as_i64()).collect::<Vec<_>>();
    assert_eq!(reached, [None, Some(2), None, Some(4)]);

    // Without a role there is nothing, and the owner of the data source is no exception.
    let refused = get(&ADMIN, "orders", 403).await;
    assert_eq!(refused.json()["error"]["code"], "DatabaseRoleMissing");
    get(&ADMIN, "$metadata", 200).await;
    get(&ADMIN, "orders(2)", 403).await;
    // The same connection has served another role before.
    assert_eq!(get(&USER, "orders/$count", 200).await.text(), "100");

    let update = format!("/api/mgmt/datasources/{id}");
    let changed = source(json!({ USER.name: north, "*": format!("{name}_guest") }));
    server.put(&update).basic(&ADMIN).json(&changed).send().await.expect(200);
    assert_eq!(get(&ADMIN, "lines/$count", 200).await.text(), "200");
    get(&ADMIN, "orders", 502).await;
    assert_eq!(get(&USER, "orders/$count", 200).await.text(), "100");

    let wrong = source(json!({ "*": "none" }));
    server.put(&update).basic(&ADMIN).json(&wrong).send().await.expect(400);
}
