//! What users and administrators learn of the data that an application reaches.

use super::{Client, HARBOUR, allow, asked, details, with_two_sources};
use crate::fixture::Fixture;
use domain::audit::Action;
use serde_json::{Value, json};
use store::{Audit as _, AuditFilter};
use testkit::{Browser, USER};

const ALLOWED: &str = "/api/mgmt/oauth/client/allowedapplications";

/// The members about data of the only allowed application.
async fn described(fixture: &Fixture) -> Value {
    let list = fixture.server.get(ALLOWED).basic(&USER).send().await.expect(200).json();
    let mut reply = list["applications"][0].clone();
    for name in ["id", "name", "scopes"] {
        reply.as_object_mut().unwrap().remove(name).unwrap_or_else(|| panic!("no {name}"));
    }
    reply
}

async fn shown(browser: &mut Browser<'_>) -> String {
    browser.get("/account/applications").await.expect(200).text().to_owned()
}

async fn audited(fixture: &Fixture) -> Option<String> {
    let action = Some(Action::AllowApplication);
    let filter = AuditFilter { action, limit: 1, ..AuditFilter::default() };
    fixture.server.store().list_audit(filter).await.unwrap().remove(0).event.detail
}

#[tokio::test]
async fn the_chosen_data_are_told_by_name() {
    let fixture = with_two_sources().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let form = asked(&mut browser, &client.address(&[])).await;
    let boxes: Vec<_> = form.fields.iter().filter(|(name, _)| name == "source").cloned().collect();
    allow(&mut browser, form).await;
    let both =
        json!({ "dataSources": [{ "name": "Harbour" }, { "name": "Other" }], "laterDataSources": false });
    assert_eq!(described(&fixture).await, both);
    assert_eq!(audited(&fixture).await.as_deref(), Some("data: Harbour, Other"));
    let page = shown(&mut browser).await;
    assert!(
        page.contains("<li><bdi>Harbour</bdi></li>") && page.contains("<li><bdi>Other</bdi></li>"),
        "{page}"
    );

    let deleted = fixture.server.delete(&format!("/api/mgmt/datasources/{}", boxes[1].1)).basic(&USER);
    deleted.send().await.expect(204);
    let one = json!({
        "dataSources": [{ "name": "Harbour" }], "unavailableDataSources": 1, "laterDataSources": false,
    });
    assert_eq!(described(&fixture).await, one);
    assert!(shown(&mut browser).await.contains("a data source that you can no longer read"));
}

#[tokio::test]
async fn entity_sets_and_later_data_sources_are_told() {
    let fixture = with_two_sources().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let ships = details(&[HARBOUR], &["Ships"]);
    let form = asked(&mut browser, &client.address(&[("authorization_details", &ships)])).await;
    allow(&mut browser, form).await;
    let some = json!({
        "dataSources": [{ "name": "Harbour", "entities": ["Ships"] }], "laterDataSources": false,
    });
    assert_eq!(described(&fixture).await, some);
    assert_eq!(audited(&fixture).await.as_deref(), Some("data: Harbour (Ships)"));
    assert!(shown(&mut browser).await.contains("<bdi>Harbour</bdi>, only <bdi>Ships</bdi>"));

    let form = asked(&mut browser, &client.address(&[("prompt", "consent")])).await;
    let mut form = form.with("others", "yes");
    form.fields.retain(|(name, value)| name != "source" || form_is_harbour(value));
    allow(&mut browser, form).await;
    assert_eq!(
        described(&fixture).await,
        json!({ "laterDataSources": true, "exceptDataSources": ["Other"] })
    );
    assert_eq!(audited(&fixture).await.as_deref(), Some("data: Harbour; including later ones"));
    assert!(shown(&mut browser).await.contains("get later, except <bdi>Other</bdi>"));
}

/// The fixture adds that data source first.
fn form_is_harbour(value: &str) -> bool {
    value == "1"
}
