//! Changes of entities to which a navigation property leads.

use super::references::Farm;
use super::*;

#[tokio::test]
async fn an_entity_is_created_changed_and_deleted_as_one_of_the_related_ones() {
    let farm = Farm::open().await;
    let made = farm
        .send(Method::POST, "/Owners(1)/Pets?$select=Name,Owner", &json!({ "Name": "Jim" }))
        .await
        .expect(201);
    assert!(made.header("location").ends_with("/Farm/Pets(4)"), "{}", made.header("location"));
    assert_eq!((&made.json()["Owner"], &made.json()["Name"]), (&json!(1), &json!("Jim")));
    let deep = json!({ "Name": "Joe", "Owner": 2, "Toys": [{ "Number": 1 }], "Vets": { "Name": "Dr. New" } });
    let made = farm.send(Method::POST, "/Owners(2)/Pets", &deep).await.expect(201).json();
    assert_eq!(
        (&made["Owner"], &made["Toys"][0]["Pet"], &made["Vets"]["Id"]),
        (&json!(2), &json!(5), &json!(3))
    );
    farm.send(Method::POST, "/Pets(4)/Toys", &json!({ "Number": 9 })).await.expect(201);

    let shown = farm.call(Method::PATCH, "/Owners(1)/Pets(4)").header("prefer", "return=representation");
    let shown = shown.json(&json!({ "Name": "Max" })).send().await.expect(200);
    assert_eq!(
        (&shown.json()["Name"], &shown.json()["@odata.etag"]),
        (&json!("Max"), &json!(shown.header("etag")))
    );
    let stale = farm.call(Method::DELETE, "/Pets(4)/Toys(Pet=4,Number=9)").header("if-match", "\"x\"");
    stale.send().await.expect(412);
    farm.call(Method::DELETE, "/Pets(4)/Toys(Pet=4,Number=9)").send().await.expect(204);
    farm.send(Method::PUT, "/Owners(1)/Pets(4)/Name", &json!({ "value": "Moe" })).await.expect(204);
    farm.call(Method::DELETE, "/Owners(1)/Pets(1)/Owner").send().await.expect(204);
    assert_eq!(farm.owners(), "- - 2 1 2");
    assert_eq!(farm.text("SELECT Name AS found FROM Pets WHERE Id > 3 ORDER BY Id"), "Moe Joe");
    farm.call(Method::DELETE, "/Owners(1)/Pets(4)").send().await.expect(204);
    assert_eq!(farm.owners(), "- - 2 2");
}

#[tokio::test]
async fn what_is_not_related_is_not_changed_through_the_relation() {
    let farm = Farm::open().await;
    let name = json!({ "Name": "x" });
    for (method, rest, body, status, expected) in [
        (Method::POST, "/Owners(9)/Pets", name.clone(), 404, "ResourceNotFound"),
        (Method::POST, "/Owners(1)/Pets", json!({ "Name": "x", "Owner": 2 }), 400, "DuplicateProperty"),
        (
            Method::POST,
            "/Owners(1)/Pets",
            json!({ "Name": "x", "Owners": { "Name": "y" } }),
            400,
            "DuplicateProperty",
        ),
        (Method::POST, "/Owners(1)/Pets", json!({}), 400, "PropertyMissing"),
        (Method::PATCH, "/Owners(1)/Pets(3)", name.clone(), 404, "ResourceNotFound"),
        (Method::PUT, "/Owners(1)/Pets(9)", name.clone(), 404, "ResourceNotFound"),
        (Method::PUT, "/Owners(1)/Pets(3)/Name", json!({ "value": "x" }), 404, "ResourceNotFound"),
        (Method::DELETE, "/Owners(1)/Pets(3)", json!({}), 404, "ResourceNotFound"),
        (Method::DELETE, "/Pets(1)/Vets(1)", json!({}), 404, "ResourceNotFound"),
        (Method::PATCH, "/Owners(1)/Pets", name.clone(), 405, "NotChangeable"),
        (Method::PATCH, "/Pets(2)/Owners", name.clone(), 404, "ResourceNotFound"),
        (Method::PUT, "/Pets(2)/Owners/Name", json!({ "value": "x" }), 404, "ResourceNotFound"),
        (Method::POST, "/Toys(Pet=1,Number=2)/Pets/Owners/Pets", name.clone(), 404, "ResourceNotFound"),
    ] {
        let answer = farm.send(method.clone(), rest, &body).await;
        assert_eq!(
            (answer.status(), code(&answer)),
            (status, expected.to_owned()),
            "{method} {rest} {}",
            answer.text()
        );
    }
    assert_eq!(
        (farm.owners().as_str(), farm.text("SELECT Name AS found FROM Owners")),
        ("1 - 2", "Ann Bob".to_owned())
    );
}

#[tokio::test]
async fn a_relation_leads_only_to_what_the_caller_may_read() {
    let farm = Farm::open().await;
    farm.rule(json!([
        { "tables": [{ "table": "Owners" }], "actions": ["read"], "where": "Id eq 1" },
        { "tables": [{ "table": "Pets" }], "actions": ["read", "delete"] },
        { "tables": [{ "table": "Pets" }], "actions": ["insert"], "where": "Vet eq 2" },
        { "tables": [{ "table": "Pets" }], "actions": ["update"], "where": "Id gt 1" },
    ]))
    .await;
    for (method, rest, body, status) in [
        (Method::POST, "/Owners(2)/Pets", json!({ "Name": "x", "Vet": 2 }), 404),
        (Method::POST, "/Owners(1)/Pets", json!({ "Name": "x", "Vet": 1 }), 403),
        (Method::PATCH, "/Owners(2)/Pets(3)", json!({ "Name": "x" }), 404),
        (Method::PATCH, "/Owners(1)/Pets(1)", json!({ "Name": "x" }), 403),
        (Method::DELETE, "/Owners(2)/Pets(3)", json!({}), 404),
        (Method::POST, "/Owners(1)/Pets", json!({ "Name": "x", "Vet": 2 }), 201),
        (Method::PATCH, "/Owners(1)/Pets(4)", json!({ "Name": "y" }), 204),
    ] {
        let answer = farm.send(method.clone(), rest, &body).await;
        assert_eq!(answer.status(), status, "{method} {rest} {}", answer.text());
    }
    assert_eq!(farm.text("SELECT Name AS found FROM Pets ORDER BY Id"), "Rex Tom Kit y");
}
