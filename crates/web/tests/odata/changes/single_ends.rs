//! Changes of the one entity to which a navigation property leads.

use super::references::Farm;
use super::*;

#[tokio::test]
async fn the_entity_to_which_a_path_leads_is_changed_and_deleted() {
    let farm = Farm::open().await;
    let names = || farm.text("SELECT Name AS found FROM Owners ORDER BY Id");
    let patched =
        farm.call(Method::PATCH, "/Pets(1)/Owners?$select=Name").header("prefer", "return=representation");
    let patched = patched.json(&json!({ "Name": "Anna" })).send().await.expect(200);
    let read = farm.call(Method::GET, "/Owners(1)").send().await.expect(200);
    assert_eq!((&patched.json()["Name"], patched.header("etag")), (&json!("Anna"), read.header("etag")));
    let stale = farm.call(Method::PATCH, "/Pets(1)/Owners").header("if-match", "\"x\"");
    stale.json(&json!({ "Name": "x" })).send().await.expect(412);
    let deep = json!({ "Name": "Bobby", "Pets@delta": [{ "@id": "Pets(2)" }] });
    farm.send(Method::PATCH, "/Toys(Pet=1,Number=1)/Pets/Owners", &deep).await.expect(204);
    assert_eq!((names().as_str(), farm.owners().as_str()), ("Bobby Bob", "1 1 2"));
    farm.send(Method::PUT, "/Pets(3)/Owners/Name", &json!({ "value": "Rob" })).await.expect(204);
    let made =
        farm.send(Method::POST, "/Toys(Pet=1,Number=1)/Pets/Owners/Pets", &json!({ "Name": "Jim" })).await;
    assert_eq!(made.expect(201).json()["Owner"], 1);
    farm.send(Method::PUT, "/Toys(Pet=1,Number=1)/Pets/Owners/$ref", &json!({ "@id": "Owners(2)" }))
        .await
        .expect(204);
    farm.send(Method::PATCH, "/Pets(3)/Owners/Pets(1)", &json!({ "Name": "Max" })).await.expect(204);
    assert_eq!((names().as_str(), farm.owners().as_str()), ("Bobby Rob", "2 1 2 1"));
    farm.call(Method::DELETE, "/Toys(Pet=1,Number=1)/Pets/Owners/$ref").send().await.expect(204);
    farm.send(Method::PATCH, "/Owners(2)", &json!({ "Pets": [] })).await.expect(204);
    farm.send(Method::PATCH, "/Pets(1)", &json!({ "Owners": { "Name": "Zoe" } })).await.expect(204);
    let refused = farm.call(Method::DELETE, "/Pets(1)/Owners").send().await.expect(409);
    assert_eq!(code(&refused), "ReferenceBroken");
    let file = Connection::open(farm.fixture.server.folder().join("Farm.db")).unwrap();
    let released = "CREATE TRIGGER released BEFORE DELETE ON Owners BEGIN UPDATE Pets SET Owner = NULL WHERE Owner = OLD.Id; END";
    file.execute_batch(released).unwrap();
    farm.call(Method::DELETE, "/Pets(1)/Owners").send().await.expect(204);
    farm.call(Method::DELETE, "/Pets(1)/Owners").send().await.expect(404);
    assert_eq!((names().as_str(), farm.owners().as_str()), ("Bobby Rob", "- 1 - 1"));
    let log = farm.fixture.server.get("/api/admin/audit?action=data.change").basic(&ADMIN).send().await;
    let log = log.expect(200).json().to_string();
    assert_eq!(log.matches("Farm/Toys").count(), 0, "what a path leads through is not changed: {log}");
}

#[tokio::test]
async fn a_path_leads_only_to_what_the_caller_may_read_and_change() {
    let farm = Farm::open().await;
    farm.rule(json!([
        { "tables": [{ "table": "Owners" }], "actions": ["read"], "where": "Id eq 1" },
        { "tables": [{ "table": "Owners" }], "actions": ["update"], "where": "Name ne 'Taken'" },
        { "tables": [{ "table": "Pets" }], "actions": ["read"] },
        { "tables": [{ "table": "Vets" }], "actions": ["read", "update"] },
    ]))
    .await;
    let name = |name: &str| json!({ "Name": name });
    for (method, rest, body, status) in [
        (Method::PATCH, "/Pets(3)/Owners", name("x"), 404),
        (Method::PATCH, "/Pets(2)/Owners", name("x"), 404),
        (Method::PATCH, "/Pets(9)/Owners", name("x"), 404),
        (Method::PATCH, "/Pets(1)/Owners", name("Taken"), 403),
        (Method::DELETE, "/Pets(1)/Owners", json!({}), 403),
        (Method::PATCH, "/Pets(1)/Vets(1)", name("x"), 404),
        (Method::POST, "/Pets(1)/Owners", name("x"), 405),
        (Method::PATCH, "/Pets(1)/Owners", name("Anna"), 204),
        (Method::PATCH, "/Pets(2)/Vets", name("Dr. New"), 204),
    ] {
        let answer = farm.send(method.clone(), rest, &body).await;
        assert_eq!(answer.status(), status, "{method} {rest} {}", answer.text());
    }
    assert_eq!(farm.text("SELECT Name AS found FROM Owners"), "Anna Bob");
    assert_eq!(farm.text("SELECT Name AS found FROM Vets"), "Dr. Quick Dr. New");
}
