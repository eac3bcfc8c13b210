//! Rules that follow navigation properties, and rules that another node has changed.

use app::node::clock::Clock;
use domain::account::Permission;
use domain::audit::{Action, NewAuditEvent, Outcome};
use http::Method;
use serde_json::json;
use store::{DataSources, ModelChange, ModelPrecondition, UserChange, Users};
use testkit::{OTHER, USER};

use crate::fixture::{code, ids};
use crate::rules::Shop;

#[tokio::test]
async fn a_rule_about_related_rows_holds_for_reads_and_changes() {
    let shop = Shop::open().await;
    let actions = json!(["read", "insert", "update", "delete"]);
    shop.rule(json!([
        { "tables": [{ "table": "Orders" }], "actions": actions, "where": "Regions/Name eq 'North'" },
        { "tables": [{ "table": "Regions" }], "users": [USER.name], "actions": ["read"] }
    ]))
    .await;
    assert_eq!(ids(&shop.get(&OTHER, "/Orders").await.expect(200)), [1, 3]);
    shop.get(&OTHER, "/Regions").await.expect(404);
    assert!(!shop.get(&OTHER, "/$metadata").await.expect(200).text().contains("Regions"));
    let before = shop.orders();
    for (method, rest, body, status, refused) in [
        (Method::PATCH, "/Orders(1)", json!({ "Region": "S" }), 403, "AgainstRules"),
        (Method::PATCH, "/Orders(1)", json!({ "Region": null }), 403, "AgainstRules"),
        (Method::PUT, "/Orders(2)/Amount", json!({ "value": 1 }), 404, "ResourceNotFound"),
        (Method::POST, "/Orders", json!({ "Region": "S" }), 403, "AgainstRules"),
        (Method::POST, "/Orders", json!({ "Amount": 1 }), 403, "AgainstRules"),
    ] {
        let answer = shop.send(method.clone(), rest, &body).await;
        assert_eq!((answer.status(), code(&answer).as_str()), (status, refused), "{method} {rest} {body}");
        assert_eq!(shop.orders(), before, "{method} {rest} {body}");
    }
    shop.delete("/Orders(2)").await.expect(404);
    shop.send(Method::PATCH, "/Orders(1)", &json!({ "Amount": 11 })).await.expect(204);
    shop.send(Method::POST, "/Orders", &json!({ "Id": 7, "Region": "N" })).await.expect(201);
    shop.delete("/Orders(3)").await.expect(204);
    assert_eq!(ids(&shop.get(&OTHER, "/Orders").await.expect(200)), [1, 7]);
}

#[tokio::test]
async fn a_rule_may_demand_something_of_any_and_all_related_rows() {
    let shop = Shop::open().await;
    for (condition, expected) in [
        ("Orders/any(o:o/Amount gt 25)", json!(["N"])),
        ("Orders/all(o:o/Amount gt 15)", json!(["S"])),
        ("Orders/$count eq 2 and Name eq 'North'", json!(["N"])),
    ] {
        shop.rule(json!([
            { "tables": [{ "table": "Regions" }], "actions": ["read"], "where": condition },
            { "tables": [{ "table": "Orders" }], "actions": ["read"], "where": "Amount lt 0" }
        ]))
        .await;
        let regions = shop.get(&OTHER, "/Regions").await.expect(200).json();
        let seen: Vec<_> = regions["value"].as_array().unwrap().iter().map(|row| row["Id"].clone()).collect();
        assert_eq!(json!(seen), expected, "{condition}");
    }
}

#[tokio::test]
async fn rules_and_roles_that_another_node_changes_decide_within_a_second() {
    let shop = Shop::open().await;
    let server = &shop.fixture.server;
    let role = server.add_role("Clerks", &[Permission::UseDataSourceWithOData]).await;
    shop.rule(
        json!([{ "roles": ["Clerks"], "actions": ["read"] }, { "actions": ["read"], "where": "Id eq 1" }]),
    )
    .await;
    assert_eq!(
        ids(&shop.get(&OTHER, "/Orders").await.expect(200)),
        [1],
        "this node has everything in its caches"
    );
    let event = |action| NewAuditEvent::new(action, Outcome::Success, server.clock().now());
    let seen_later = async || {
        // Nothing tells this node: it asks when what it knows is a second old.
        server.clock().advance_micros(1_000_001);
        ids(&shop.get(&OTHER, "/Orders").await.expect(200))
    };
    let user = server.user(&OTHER).await.id;
    let at = server.clock().now();
    let change = UserChange {
        roles: Some(vec![role]),
        at,
        revocation_expires_at: at.plus_secs(86_400),
        ..UserChange::default()
    };
    server.store().update_user(user, change, event(Action::UpdateUser)).await.unwrap().unwrap();
    assert_eq!(seen_later().await, [1, 2, 3, 4], "the role");
    let rules = json!([{ "roles": ["Clerks"], "actions": ["read"], "where": "Regions/Name eq 'South'" }]);
    let document = json!({ "formatVersion": 1, "rules": rules }).to_string();
    let change = ModelChange {
        document: Some(document),
        precondition: ModelPrecondition::None,
        at: server.clock().now(),
    };
    let source = shop.id();
    server.store().change_model_document(source, change, event(Action::UpdateModel)).await.unwrap().unwrap();
    assert_eq!(seen_later().await, [2], "the document");
}
