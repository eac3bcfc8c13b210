//! Consent to changes: a box of its own, for data sources that can be changed.

use domain::account::DataSource;
use http::Method;

use super::*;
use crate::fixture::code;

mod consents;
mod tokens;
mod withdrawn;

const ALLOWED: &str = "/api/mgmt/oauth/client/allowedapplications";
const READS: &str = "api.access.odata.read";
const WRITES: &str = "api.access.odata";

const TABLES: &str = "CREATE TABLE Ports (Id INTEGER PRIMARY KEY, Name TEXT)";

/// A fixture with a data source that can be changed, beside the usual one that cannot.
async fn with_writable() -> (Fixture, DataSource) {
    let fixture = Fixture::open().await;
    let other = fixture.add_source("Other", TABLES).await;
    fixture.set_writable(&other, true).await;
    (fixture, other)
}

fn has_box(browser: &Browser<'_>) -> bool {
    browser.page().text().contains("name=\"changes\"")
}

async fn post(fixture: &Fixture, source: &str, token: &str) -> Answer {
    let target = format!("/api/odata4/{source}/Ports");
    fixture.server.call(Method::POST, &target).bearer(token).json(&json!({"Name": "x"})).send().await
}

fn asks(actions: &[&str]) -> String {
    json!([{ "type": "data_source", "locations": [OTHER], "actions": actions }]).to_string()
}

#[tokio::test]
async fn the_box_for_changes_decides_and_is_not_ticked_at_first() {
    let (fixture, other) = with_writable().await;
    let client = Client::register(&fixture, json!({})).await;
    for (ticks, status) in [(false, 403), (true, 201), (false, 403)] {
        let mut browser = fixture.server.browser();
        let form = asked(&mut browser, &client.address(&[("prompt", "consent")])).await;
        assert!(has_box(&browser));
        assert!(form.fields.iter().all(|(name, _)| name != "changes"), "not ticked: {form:?}");
        let form = if ticks { form.with("changes", "yes") } else { form };
        let answer = allow(&mut browser, form).await;
        let issued = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
        let access = text(&issued, "access_token");
        let refused = post(&fixture, "Other", &access).await.expect(status);
        if status == 403 {
            assert_eq!(code(&refused), "ChangeNotGranted");
        }
        let writes = issued["authorization_details"].as_array().into_iter().flatten();
        let writes: Vec<_> = writes.filter(|one| one["actions"] == json!(["read", "write"])).collect();
        assert_eq!(writes.len(), usize::from(ticks), "{issued}");
        let about =
            client.post(&fixture, "/oauth2/introspect", &[("token", &access)]).await.expect(200).json();
        assert_eq!(about["authorization_details"], issued["authorization_details"]);
        if ticks {
            assert_eq!(code(&post(&fixture, "Harbour", &access).await.expect(405)), "DataSourceReadOnly");
            fixture.set_writable(&other, false).await;
            post(&fixture, "Other", &access).await.expect(405);
            fixture.set_writable(&other, true).await;
            let allowed = fixture.server.get(ALLOWED).basic(&USER).send().await;
            assert_eq!(
                allowed.expect(200).json()["applications"][0]["changeableDataSources"],
                json!(["Other"])
            );
            // The next consent leaves the box unticked, which ends this access.
            let mut again = fixture.server.browser();
            let form = asked(&mut again, &client.address(&[("prompt", "consent")])).await;
            allow(&mut again, form).await;
            post(&fixture, "Other", &access).await.expect(401);
        }
    }
}

#[tokio::test]
async fn the_box_is_there_only_if_the_request_asks_and_the_data_can_be_changed() {
    let (fixture, other) = with_writable().await;
    let client = Client::register(&fixture, json!({ "scopes": [WRITES, READS] })).await;
    let (reads, writes) = (asks(&["read"]), asks(&["read", "write"]));
    for (more, expected) in [
        (vec![("scope", WRITES)], true),
        (vec![("scope", READS)], false),
        (vec![("authorization_details", reads.as_str())], false),
        (vec![("authorization_details", writes.as_str())], true),
    ] {
        let mut browser = fixture.server.browser();
        asked(&mut browser, &client.address(&[&more[..], &[("prompt", "consent")]].concat())).await;
        assert_eq!(has_box(&browser), expected, "{more:?}");
    }
    fixture.set_writable(&other, false).await;
    let mut browser = fixture.server.browser();
    asked(&mut browser, &client.address(&[("authorization_details", &writes)])).await;
    assert!(!has_box(&browser), "nobody can change it");
}

#[tokio::test]
async fn a_token_request_may_leave_changes_out_and_never_adds_them() {
    let (fixture, _) = with_writable().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let form =
        asked(&mut browser, &client.address(&[("authorization_details", &asks(&["read", "write"]))])).await;
    let answer = allow(&mut browser, form.with("changes", "yes")).await;
    let issued = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    post(&fixture, "Other", &text(&issued, "access_token")).await.expect(201);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", &*text(&issued, "refresh_token"))];
    let (reads, writes) = (asks(&["read"]), asks(&["read", "write"]));
    let narrow = [&refresh[..], &[("authorization_details", reads.as_str())]].concat();
    let narrowed = client.token(&fixture, &narrow).await.expect(200).json();
    let reading = text(&narrowed, "access_token");
    assert_eq!(code(&post(&fixture, "Other", &reading).await.expect(403)), "ChangeNotGranted");
    // Nobody is asked about client credentials.
    let client = Client::register(&fixture, json!({ "grantTypes": ["client_credentials"] })).await;
    let alone = [("grant_type", "client_credentials")];
    let service = text(&client.token(&fixture, &alone).await.expect(200).json(), "access_token");
    assert_eq!(code(&post(&fixture, "Other", &service).await.expect(403)), "ChangeNotGranted");
    let more = [&alone[..], &[("authorization_details", writes.as_str())]].concat();
    let refused = client.token(&fixture, &more).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_authorization_details");
}
