//! Entities that are changed together with those that they refer to, and with those that refer to them.

use super::references::Farm;
use super::*;

impl Farm {
    async fn patch(&self, rest: &str, body: &Value) -> Answer {
        let call = self.call(Method::PATCH, rest).header("prefer", "return=representation");
        call.json(body).send().await
    }

    /// Whether a change with another name is refused for this reason, which names the place, and changes nothing.
    async fn refuses(&self, path: &str, mut body: Value, (status, expected, place): (u16, &str, &str)) {
        body["Name"] = json!("changed");
        let answer = self.send(Method::PATCH, path, &body).await;
        assert_eq!((answer.status(), code(&answer).as_str()), (status, expected), "{body} {}", answer.text());
        assert!(answer.json()["error"]["message"].as_str().unwrap().contains(place), "{}", answer.text());
        assert_eq!((self.owners().as_str(), self.names().as_str()), ("1 - 2", "Rex Tom Kit"), "{body}");
        let others = "SELECT Name AS found FROM Owners UNION ALL SELECT Name FROM Vets UNION ALL SELECT Name FROM Toys";
        assert_eq!(self.text(others), "Ann Bob Dr. Quick Dr. Slow ball", "{body}");
    }

    /// The names of all pets.
    fn names(&self) -> String {
        self.text("SELECT Name AS found FROM Pets ORDER BY Id")
    }
}

#[tokio::test]
async fn a_list_is_the_whole_of_the_related_entities() {
    let farm = Farm::open().await;
    let body = json!({
        "Name": "Anna",
        "Pets": [{ "@id": "Pets(3)" }, { "@odata.id": "Pets(2)", "Name": "Tim" }, { "Name": "Jim", "Toys": [{ "Number": 1 }] }],
    });
    let made = farm.patch("/Owners(1)?$select=Name", &body).await.expect(200);
    let shown = made.json();
    let pets = shown["Pets"].as_array().unwrap().iter().map(|pet| pet["Name"].as_str().unwrap());
    let pets: Vec<&str> = pets.collect();
    assert_eq!((&shown["Name"], pets), (&json!("Anna"), vec!["Tim", "Kit", "Jim"]), "{shown}");
    assert_eq!(shown["Pets"][2]["Toys"][0]["Number"], 1, "{shown}");
    assert_eq!((farm.owners().as_str(), farm.names().as_str()), ("- 1 1 1", "Rex Tim Kit Jim"));
    let read = farm.call(Method::GET, "/Owners(1)").send().await.expect(200);
    assert_eq!(made.header("etag"), read.header("etag"));
    let log = farm.fixture.server.get("/api/admin/audit?action=data.change").basic(&ADMIN).send().await;
    let log = log.expect(200).json();
    let events = log["events"].as_array().unwrap();
    let count = |set: &str, verb: &str| {
        let is_one = |event: &&Value| event["subject"] == format!("Farm/{set}") && event["detail"] == verb;
        events.iter().filter(is_one).count()
    };
    assert_eq!(
        [
            count("Owners", "update"),
            count("Pets", "update"),
            count("Pets", "create"),
            count("Toys", "create")
        ],
        [1, 3, 1, 1],
        "{log}"
    );
    // What was read can be sent back.
    let read = "/Owners(1)?$expand=Pets($expand=Toys,Vets)";
    let before = farm.call(Method::GET, read).send().await.expect(200).json();
    for method in [Method::PATCH, Method::PUT] {
        farm.send(method, "/Owners(1)", &before).await.expect(204);
        assert_eq!(farm.call(Method::GET, read).send().await.expect(200).json(), before);
    }
    farm.send(Method::PATCH, "/Owners(1)", &json!({ "Pets": [] })).await.expect(204);
    assert_eq!(farm.owners(), "- - - -");
}

#[tokio::test]
async fn a_delta_says_what_has_changed_in_the_related_entities() {
    let farm = Farm::open().await;
    farm.send(Method::PATCH, "/Pets(2)", &json!({ "Owner": 1 })).await.expect(204);
    let body = json!({ "Pets@odata.delta": [
        { "@removed": { "reason": "changed" }, "@id": "Pets(2)", "Name": "ignored", "Owner": 7 },
        { "@odata.id": "Pets(3)", "Name": "Kitty" },
        { "Name": "Jim" },
    ] });
    let shown = farm.patch("/Owners(1)", &body).await.expect(200).json();
    assert_eq!(shown["Pets"].as_array().unwrap().len(), 3, "{shown}");
    assert_eq!((farm.owners().as_str(), farm.names().as_str()), ("1 - 1 1", "Rex Tom Kitty Jim"));
    let toy = json!({ "Toys@delta": [
        { "@removed": { "reason": "deleted" }, "Number": 1 }, { "Number": 2, "Name": "bone" },
    ] });
    farm.send(Method::PATCH, "/Pets(1)", &toy).await.expect(204);
    assert_eq!(farm.text("SELECT Pet || ':' || Number AS found FROM Toys"), "1:2");
    let bound = json!({ "Pets@odata.bind": ["Pets(2)"] });
    farm.send(Method::PATCH, "/Owners(1)", &bound).await.expect(204);
    assert_eq!(farm.owners(), "1 1 1 1");
}

#[tokio::test]
async fn the_one_related_entity_is_changed_replaced_or_released() {
    let farm = Farm::open().await;
    for (body, owners, names) in [
        (json!({ "Owners": { "Id": 1, "Name": "Anna" } }), "1 - 2", "Anna Bob"),
        (json!({ "Owners": { "@id": "Owners(2)", "Name": "Rob" }, "Name": "Max" }), "2 - 2", "Anna Rob"),
        (json!({ "Owners": { "Name": "Zoe" } }), "3 - 2", "Anna Rob Zoe"),
        (json!({ "Owners": { "Id": 7, "Name": "Sue" } }), "7 - 2", "Anna Rob Zoe Sue"),
        (json!({ "Owners": { "@id": "Owners(1)" } }), "1 - 2", "Anna Rob Zoe Sue"),
        (json!({ "Owners": null }), "- - 2", "Anna Rob Zoe Sue"),
    ] {
        farm.send(Method::PATCH, "/Pets(1)", &body).await.expect(204);
        assert_eq!(
            (farm.owners().as_str(), farm.text("SELECT Name AS found FROM Owners")),
            (owners, names.to_owned()),
            "{body}"
        );
    }
    // A replacement gives what is omitted its default, in nested entities too, but not in those that are only referred to.
    let toy = json!({ "Toys": [{ "Number": 1 }], "Name": "Rex", "Vets": { "@id": "Vets(2)" } });
    farm.send(Method::PUT, "/Pets(1)", &toy).await.expect(204);
    assert_eq!(farm.text("SELECT coalesce(Name, 'none') AS found FROM Toys"), "none");
    assert_eq!(
        farm.text("SELECT Vets.Name || Vet AS found FROM Vets JOIN Pets ON Vet = Vets.Id WHERE Pets.Id = 1"),
        "Dr. Slow2"
    );
}

#[tokio::test]
async fn an_entity_that_does_not_exist_is_created_with_related_ones() {
    let farm = Farm::open().await;
    let body = json!({ "Name": "Eve", "Pets": [{ "@id": "Pets(1)" }, { "Id": 8, "Name": "Jim" }] });
    let made = farm.patch("/Owners(9)", &body).await.expect(201);
    assert!(made.header("location").ends_with("/Farm/Owners(9)"), "{}", made.header("location"));
    assert_eq!((&made.json()["Pets"][1]["Id"], farm.owners().as_str()), (&json!(8), "9 - 2 9"));
    let call = farm.call(Method::PATCH, "/Owners(10)").header("if-match", "*");
    call.json(&body).send().await.expect(412);
}

#[tokio::test]
async fn nested_entities_have_the_tags_that_the_body_demands() {
    let farm = Farm::open().await;
    let tag = farm.call(Method::GET, "/Pets(1)").send().await.expect(200).header("etag").to_owned();
    let body = |tag: &str, name: &str| json!({ "Name": name, "Pets": [{ "@odata.etag": tag, "Id": 1, "Name": name }] });
    farm.send(Method::PATCH, "/Owners(1)", &body("W/\"0\"", "a")).await.expect(412);
    farm.send(Method::PATCH, "/Owners(1)", &body(&tag, "b")).await.expect(204);
    farm.send(Method::PATCH, "/Owners(1)", &body(&tag, "c")).await.expect(412);
    farm.send(Method::PATCH, "/Owners(1)", &body("*", "d")).await.expect(204);
    let lost = json!({ "Pets": [{ "@etag": "*", "Id": 77, "Name": "x" }] });
    farm.send(Method::PATCH, "/Owners(1)", &lost).await.expect(412);
    assert_eq!((farm.names().as_str(), farm.owners().as_str()), ("d Tom Kit", "1 - 2"));
    // The one entity to which a property leads, by its address alone.
    let tag = farm.call(Method::GET, "/Owners(2)").send().await.expect(200).header("etag").to_owned();
    for (tag, status) in [("W/\"0\"", 412), (&tag, 204), ("*", 204)] {
        let body = json!({ "Owners": { "@id": "Owners(2)", "@odata.etag": tag } });
        farm.send(Method::PATCH, "/Pets(1)", &body).await.expect(status);
        assert_eq!(farm.owners(), if status == 412 { "1 - 2" } else { "2 - 2" }, "{tag}");
    }
    let lost = json!({ "Owners": { "@id": "Owners(9)", "@odata.etag": "*" } });
    farm.send(Method::PATCH, "/Pets(1)", &lost).await.expect(409);
    assert_eq!(farm.owners(), "2 - 2");
}

#[tokio::test]
async fn lists_that_cannot_be_made_change_nothing() {
    let farm = Farm::open().await;
    let many: Vec<Value> = (0..1_001).map(|at| json!({ "@id": format!("Pets({at})") })).collect();
    let removed = |id: &str| json!({ "@removed": { "reason": "changed" }, "@id": id });
    let pets = |pets: Value| json!({ "Pets": pets });
    let delta = |pets: Value| json!({ "Pets@delta": pets });
    let deleted = json!({ "reason": "deleted" });
    for (body, status, expected, place) in [
        (pets(json!([{ "@id": "Pets(99)" }])), 409, "ReferenceBroken", "Pets[0]"),
        (delta(json!([removed("Pets(3)")])), 409, "ReferenceBroken", "Pets[0]"),
        (delta(json!([removed("Pets(99)")])), 409, "ReferenceBroken", "Pets[0]"),
        (delta(json!([{ "@removed": deleted, "Id": 1 }])), 409, "ReferenceBroken", "Pets[0]"),
        (pets(json!([removed("Pets(1)")])), 400, "BadValue", "(in Pets[0])"),
        (delta(json!([{ "@removed": {}, "Id": 1 }])), 400, "BadValue", "(in Pets[0])"),
        (delta(json!([{ "@removed": deleted }])), 400, "BadKey", "(in Pets[0])"),
        (delta(json!({})), 400, "BadValue", "lists"),
        (json!({ "Pets": [], "Pets@delta": [] }), 400, "DuplicateProperty", "Pets"),
        (pets(json!([{ "Id": 1 }, { "Name": "x", "Id": 1 }])), 400, "DuplicateProperty", "(in Pets[1])"),
        (pets(json!([{ "@id": "Pets(1)", "Id": 2 }])), 400, "DuplicateProperty", "(in Pets[0])"),
        (pets(json!([{ "Id": 1, "Owner": 2 }])), 400, "DuplicateProperty", "(in Pets[0])"),
        (pets(json!([{ "Vet": 1 }])), 400, "PropertyMissing", "(in Pets[0])"),
        (json!({ "Pets": [{ "Id": 1 }], "Pets@odata.nextLink": "x" }), 400, "BadBody", "Pets"),
        (pets(many.into()), 400, "TooComplex", "(in Pets[1000])"),
    ] {
        farm.refuses("/Owners(1)", body, (status, expected, place)).await;
    }
    assert_eq!(code(&farm.send(Method::PUT, "/Owners(1)", &delta(json!([]))).await.expect(400)), "BadValue");
}

#[tokio::test]
async fn deep_updates_that_cannot_be_made_change_nothing() {
    let farm = Farm::open().await;
    let its_own_end = json!({ "Owners": { "Id": 1, "Pets@delta": [
        { "@removed": { "reason": "deleted" }, "@id": "Pets(1)" }] } });
    let of_another = json!({ "Toys": [{ "@id": "Toys(Pet=2,Number=1)" }] });
    for (path, body, status, expected, place) in [
        ("/Vets(2)", json!({ "Pets": [] }), 400, "PropertyMissing", "(in Pets)"),
        ("/Pets(1)", json!({ "Toys": [] }), 400, "PropertyMissing", "(in Toys)"),
        ("/Pets(1)", json!({ "Vets": { "Id": 1, "Colour": "red" } }), 400, "UnknownProperty", "(in Vets)"),
        ("/Pets(1)", json!({ "Vets@delta": [] }), 400, "BadValue", "lists"),
        ("/Pets(1)", of_another, 400, "DuplicateProperty", "(in Toys[0])"),
        ("/Pets(1)", json!({ "@removed": { "reason": "deleted" } }), 400, "BadValue", "@removed"),
        ("/Pets(1)", its_own_end, 400, "DuplicateProperty", "(in Owners/Pets[0])"),
        ("/Toys(Pet=1,Number=1)", json!({ "Pets": { "@id": "Pets(2)" } }), 405, "NotChangeable", "Pet"),
        ("/Toys(Pet=1,Number=1)", json!({ "Pets@odata.bind": "Pets(2)" }), 405, "NotChangeable", "Pet"),
    ] {
        farm.refuses(path, body, (status, expected, place)).await;
    }
    // A reference that leads to where the key leads changes nothing.
    let same = json!({ "Pets": { "@id": "Pets(1)" }, "Name": "Ball" });
    farm.send(Method::PATCH, "/Toys(Pet=1,Number=1)", &same).await.expect(204);
}

#[tokio::test]
async fn nested_changes_obey_rules_like_others() {
    let farm = Farm::open().await;
    farm.rule(json!([
        { "tables": [{ "table": "Owners" }], "actions": ["read", "update"] },
        { "tables": [{ "table": "Pets" }], "actions": ["read"], "where": "Name ne 'Hidden'" },
        { "tables": [{ "table": "Pets" }], "actions": ["update"], "where": "Vet eq 1" },
        { "tables": [{ "table": "Toys" }], "actions": ["read", "update", "delete"], "where": "Number lt 5" },
    ]))
    .await;
    let file = Connection::open(farm.fixture.server.folder().join("Farm.db")).unwrap();
    file.execute("INSERT INTO Pets VALUES (4, 'Hidden', 1, 1)", []).unwrap();
    let refused = async |path: &str, body: Value, place: &str| {
        let answer = farm.send(Method::PATCH, path, &body).await.expect(403);
        assert_eq!(code(&answer), "AgainstRules", "{body}");
        assert!(answer.text().contains(place), "{}", answer.text());
    };
    // Nobody may insert pets or toys, or change those of the other vet, before or afterwards.
    refused("/Owners(1)", json!({ "Pets@delta": [{ "Name": "Jim" }] }), "(in Pets[0])").await;
    refused("/Owners(1)", json!({ "Pets@delta": [{ "@id": "Pets(2)" }] }), "(in Pets[0])").await;
    refused("/Owners(2)", json!({ "Pets": [{ "Id": 3, "Vet": 2 }] }), "(in Pets[0])").await;
    refused(
        "/Owners(1)",
        json!({ "Pets@delta": [{ "@removed": { "reason": "deleted" }, "Id": 1 }] }),
        "(in Pets[0])",
    )
    .await;
    refused(
        "/Owners(1)",
        json!({ "Pets": [{ "Id": 1, "Toys": [{ "Number": 2 }, { "Number": 1 }] }] }),
        "(in Pets[0]/Toys[0])",
    )
    .await;
    // A row that the caller cannot see is none: it is neither changed nor removed.
    let hidden = json!({ "Pets@delta": [{ "@id": "Pets(4)" }] });
    assert_eq!(code(&farm.send(Method::PATCH, "/Owners(2)", &hidden).await.expect(409)), "ReferenceBroken");
    farm.send(Method::PATCH, "/Owners(1)", &json!({ "Pets": [{ "Id": 3 }] })).await.expect(204);
    assert_eq!(farm.owners(), "- - 1 1");
    // What stays as it is needs no right to be changed.
    farm.send(Method::PATCH, "/Owners(1)", &json!({ "Pets": [{ "Id": 3, "Toys": [] }] })).await.expect(204);
    let toys = json!({ "Toys@delta": [{ "@removed": { "reason": "deleted" }, "Number": 1 }] });
    farm.send(Method::PATCH, "/Pets(1)", &toys).await.expect(204);
    assert_eq!(farm.text("SELECT count(*) AS found FROM Toys"), "0");
}
