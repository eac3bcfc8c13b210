//! Entities that are created together with those that they refer to, and with those that refer to them.

use super::references::Farm;
use super::*;

#[tokio::test]
async fn entities_are_created_with_those_that_they_refer_to_and_those_that_refer_to_them() {
    let farm = Farm::open().await;
    let body = json!({
        "Name": "Eve",
        "Pets": [
            { "Name": "Jim", "Vets": { "Name": "Dr. New" }, "Toys": [{ "Number": 1, "Name": "bone" }, { "Number": 2 }] },
            { "Name": "Joe", "Vets@odata.bind": "Vets(2)", "Toys": [] },
        ],
    });
    let made = farm.send(Method::POST, "/Owners?$select=Name", &body).await.expect(201);
    assert!(made.header("location").ends_with("/Farm/Owners(3)"), "{}", made.header("location"));
    let shown = made.json();
    assert_eq!(
        (&shown["Name"], shown.get("Id"), &shown["Pets"][1]["Name"]),
        (&json!("Eve"), None, &json!("Joe"))
    );
    let pets = farm.call(Method::GET, "/Owners(3)/Pets?$expand=Vets,Toys").send().await.expect(200).json();
    let (jim, joe) = (&pets["value"][0], &pets["value"][1]);
    assert_eq!(
        (&jim["Vets"]["Name"], &jim["Toys"][0]["Name"], &jim["Owner"]),
        (&json!("Dr. New"), &json!("bone"), &json!(3))
    );
    assert_eq!((&joe["Vet"], &joe["Toys"], &jim["Toys"][1]["Pet"]), (&json!(2), &json!([]), &jim["Id"]));
    let nested = &shown["Pets"][0];
    assert_eq!((&nested["Toys"], &nested["Vets"]), (&jim["Toys"], &jim["Vets"]), "{shown}");
    assert_eq!(
        made.header("etag"),
        farm.call(Method::GET, "/Owners(3)").send().await.expect(200).header("etag")
    );

    let minimal = farm.call(Method::POST, "/Toys").header("prefer", "return=minimal");
    let toy = json!({ "Number": 7, "Pets": { "Name": "Max", "Owners": { "Name": "Zoe" }, "Vet": 2 } });
    let minimal = minimal.json(&toy).send().await.expect(204);
    let owner = farm.text("SELECT Owners.Name AS found FROM Toys JOIN Pets ON Pets.Id = Pet JOIN Owners ON Owners.Id = Owner WHERE Number = 7");
    assert_eq!((minimal.text(), owner.as_str()), ("", "Zoe"));
    let log = farm.fixture.server.get("/api/admin/audit?action=data.change").basic(&ADMIN).send().await;
    let log = log.expect(200).json().to_string();
    let audited = ["Owners", "Pets", "Vets", "Toys"].map(|set| log.matches(&format!("Farm/{set}")).count());
    assert_eq!(audited, [2, 3, 1, 3], "{log}");
}

#[tokio::test]
async fn what_is_wrong_with_a_nested_entity_is_said_with_its_place_and_nothing_is_created() {
    let farm = Farm::open().await;
    let pet = |pet: Value| json!({ "Name": "Eve", "Pets": [{ "Name": "Jim" }, pet] });
    let mut deep = json!({ "Name": "end" });
    for at in 0..6 {
        deep = if at % 2 == 1 {
            json!({ "Name": "x", "Pets": [deep] })
        } else {
            json!({ "Name": "x", "Owners": deep })
        };
    }
    let many: Vec<Value> = (0..1_001).map(|_| json!({ "Name": "x" })).collect();
    for (body, status, expected, place) in [
        (pet(json!({ "Name": "Joe", "Colour": "red" })), 400, "UnknownProperty", "(in Pets[1])"),
        (pet(json!({ "Vet": 2 })), 400, "PropertyMissing", "(in Pets[1])"),
        (
            pet(json!({ "Name": "Joe", "Toys": [{ "Name": "x" }] })),
            400,
            "PropertyMissing",
            "(in Pets[1]/Toys[0])",
        ),
        (pet(json!({ "Name": "Joe", "Toys": [{ "Number": "x" }] })), 400, "BadValue", "(in Pets[1]/Toys[0])"),
        (pet(json!({ "Name": "Joe", "Id": 1 })), 409, "AlreadyExists", "Pets[1]/Id"),
        (pet(json!({ "Name": "Joe", "Vet": 99 })), 409, "ReferenceBroken", "Pets[1]"),
        (pet(json!({ "Name": "Joe", "Owner": 1 })), 400, "DuplicateProperty", "(in Pets[1])"),
        (pet(json!({ "Name": "Joe", "Owners": { "Name": "x" } })), 400, "DuplicateProperty", "(in Pets[1])"),
        (
            pet(json!({ "Name": "Joe", "Owners@odata.bind": "Owners(1)" })),
            400,
            "DuplicateProperty",
            "(in Pets[1])",
        ),
        (pet(json!(5)), 400, "BadValue", "(in Pets[1])"),
        (pet(json!({ "@odata.id": "Pets(99)" })), 409, "ReferenceBroken", "Pets[1]"),
        (pet(json!({ "@odata.id": "Vets(1)" })), 400, "BadValue", "(in Pets[1])"),
        (json!({ "Name": "Eve", "Pets@delta": [] }), 400, "BadValue", "PATCH"),
        (json!({ "Name": "Eve", "Pets": { "Name": "Jim" } }), 400, "BadValue", "Pets"),
        (deep, 400, "TooComplex", "levels"),
        (json!({ "Name": "Eve", "Pets": many }), 400, "TooComplex", "(in Pets[1000])"),
    ] {
        let answer = farm.send(Method::POST, "/Owners", &body).await;
        assert_eq!(
            (answer.status(), code(&answer)),
            (status, expected.to_owned()),
            "{body} {}",
            answer.text()
        );
        assert!(answer.json()["error"]["message"].as_str().unwrap().contains(place), "{}", answer.text());
    }
    assert_eq!(
        (farm.owners().as_str(), farm.text("SELECT Name AS found FROM Owners")),
        ("1 - 2", "Ann Bob".to_owned())
    );
}

#[tokio::test]
async fn a_new_entity_is_related_to_those_that_exist() {
    let farm = Farm::open().await;
    let eve = json!({ "Name": "Eve", "Pets": [{ "@odata.id": "Pets(2)" }, { "Name": "Jim" }] });
    let made = farm.send(Method::POST, "/Owners", &eve).await.expect(201).json();
    assert_eq!((&made["Pets"][0]["Name"], &made["Pets"][1]["Name"]), (&json!("Tom"), &json!("Jim")));
    assert_eq!(farm.owners(), "1 3 2 3");
    let zoe = json!({ "Name": "Zoe", "Pets@odata.bind": ["Pets(1)", "Pets(3)"] });
    farm.send(Method::POST, "/Owners", &zoe).await.expect(201);
    assert_eq!(farm.owners(), "4 3 4 3");
}

#[tokio::test]
async fn nested_entities_obey_rules_like_others() {
    let farm = Farm::open().await;
    farm.rule(json!([
        { "tables": [{ "table": "Owners" }], "actions": ["read", "insert"] },
        { "tables": [{ "table": "Pets" }], "actions": ["read"] },
        { "tables": [{ "table": "Pets" }], "actions": ["insert"], "where": "Vet eq 2" },
        { "tables": [{ "table": "Toys" }], "actions": ["read"] },
        { "tables": [{ "table": "Vets" }], "users": ["nobody"], "actions": ["read", "insert"] },
    ]))
    .await;
    let pet = |vet: i64| json!({ "Name": "Eve", "Pets": [{ "Name": "Jim", "Vet": vet }] });
    let refused = farm.send(Method::POST, "/Owners", &pet(1)).await.expect(403);
    assert!(
        code(&refused) == "AgainstRules" && refused.text().contains("(in Pets[0])"),
        "{}",
        refused.text()
    );
    let toys = json!({ "Name": "Eve", "Pets": [{ "Name": "Jim", "Vet": 2, "Toys": [{ "Number": 1 }] }] });
    let refused = farm.send(Method::POST, "/Owners", &toys).await.expect(403);
    assert!(
        code(&refused) == "AgainstRules" && refused.text().contains("(in Pets[0]/Toys[0])"),
        "{}",
        refused.text()
    );
    // Nobody may read the vets, so they do not exist.
    let vets = json!({ "Name": "Eve", "Pets": [{ "Name": "Jim", "Vet": 2, "Vets": { "Name": "x" } }] });
    assert_eq!(code(&farm.send(Method::POST, "/Owners", &vets).await.expect(400)), "UnknownProperty");
    assert_eq!(farm.text("SELECT Name AS found FROM Owners"), "Ann Bob");
    farm.send(Method::POST, "/Owners", &pet(2)).await.expect(201);
    assert_eq!(farm.owners(), "1 - 2 3");
}
