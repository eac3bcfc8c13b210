//! Groups and access to chosen data only: a group grants nothing, and cannot be chosen.

use serde_json::{Value, json};
use testkit::USER;

use super::{Client, allow, asked, details, text, with_two_sources};
use crate::fixture::{Fixture, ROOT, code};

/// Asks again, whatever was allowed before.
const AGAIN: (&str, &str) = ("prompt", "consent");
const GROUP: &str = "http://127.0.0.1:8080/api/odata4/All";

/// A group of the two data sources.
async fn with_a_group() -> Fixture {
    let fixture = with_two_sources().await;
    let sources = fixture.server.get("/api/mgmt/datasources").basic(&USER).send().await.expect(200).json();
    let id = |name: &str| {
        let all = sources["dataSources"].as_array().unwrap();
        all.iter().find(|source| source["name"] == name).unwrap()["id"].clone()
    };
    let group = fixture.server.post("/api/mgmt/datasources").basic(&USER);
    let group = group.json(&json!({ "name": "All", "isGroup": true })).send().await.expect(201).json();
    let members = json!({ "members": [
        { "id": id("Harbour"), "entityPrefix": "h" }, { "id": id("Other"), "entityPrefix": "o" },
    ] });
    let path = format!("/api/mgmt/datasources/{}/members", group["id"]);
    fixture.server.put(&path).basic(&USER).json(&members).send().await.expect(200);
    fixture
}

/// The status and the sets of the service document of the group.
async fn sets(fixture: &Fixture, token: &str) -> Vec<String> {
    let document = fixture.server.get("/api/odata4/All").bearer(token).send().await.expect(200).json();
    let name = |set: &Value| set["name"].as_str().unwrap().to_owned();
    document["value"].as_array().unwrap().iter().map(name).collect()
}

#[tokio::test]
async fn a_token_reaches_through_a_group_what_it_reaches_of_its_members() {
    let fixture = with_a_group().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let form = asked(&mut browser, &client.address(&[])).await;
    let boxes: Vec<String> =
        form.fields.iter().filter(|(name, _)| name == "source").map(|(_, value)| value.clone()).collect();
    assert_eq!(boxes.len(), 2, "the group is not offered");
    let answer = allow(&mut browser, form.without("source", &boxes[1])).await;
    let tokens = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    let token = text(&tokens, "access_token");
    assert_eq!(sets(&fixture, &token).await, ["h_Broken", "h_Ships", "h_Visits"]);
    let get = async |path: &str| fixture.server.get(path).bearer(&token).send().await;
    get("/api/odata4/All/h_Ships(1)").await.expect(200);
    let refused = get("/api/odata4/All/o_Ports").await.expect(403);
    assert_eq!(code(&refused), code(&get("/api/odata4/Other/Ports").await.expect(403)));
    assert!(get("/api/odata4").await.expect(200).text().contains(GROUP));
    let change = fixture.server.delete("/api/odata4/All/h_Ships(1)").bearer(&token).send().await;
    assert!([403, 405].contains(&change.status()), "{}", change.text());

    // A token for entity sets of a member.
    let named = details(&["http://127.0.0.1:8080/api/odata4/Harbour"], &["Visits"]);
    let form = asked(&mut browser, &client.address(&[AGAIN, ("authorization_details", &named)])).await;
    let answer = allow(&mut browser, form).await;
    let tokens = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    let token = text(&tokens, "access_token");
    assert_eq!(sets(&fixture, &token).await, ["h_Visits"]);
    fixture.server.get("/api/odata4/All/h_Ships").bearer(&token).send().await.expect(404);
}

#[tokio::test]
async fn a_group_is_no_data_that_a_client_can_ask_for() {
    let fixture = with_a_group().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    browser.get("/login").await;
    asked(&mut browser, &client.address(&[])).await;
    let named = details(&[GROUP], &[]);
    let answer = browser.get(&client.address(&[("authorization_details", &named)])).await;
    assert!(answer.location().contains("error=invalid_authorization_details"), "{}", answer.location());
}

#[tokio::test]
async fn a_token_for_the_address_of_a_group_is_valid_there_alone() {
    let fixture = with_a_group().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let data = details(&["http://127.0.0.1:8080/api/odata4/Harbour"], &[]);
    let address = client.address(&[AGAIN, ("resource", GROUP), ("authorization_details", &data)]);
    let form = asked(&mut browser, &address).await;
    let answer = allow(&mut browser, form).await;
    let tokens = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    let token = text(&tokens, "access_token");
    fixture.server.get("/api/odata4/All/h_Ships(1)").bearer(&token).send().await.expect(200);
    fixture.server.get(&format!("{ROOT}/Ships(1)")).bearer(&token).send().await.expect(401);
    fixture.server.get("/api/odata4/All/o_Ports").bearer(&token).send().await.expect(403);
    let of_member = client.address(&[AGAIN, ("resource", "http://127.0.0.1:8080/api/odata4/Harbour")]);
    let form = asked(&mut browser, &of_member).await;
    let answer = allow(&mut browser, form).await;
    let tokens = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    let token = text(&tokens, "access_token");
    fixture.server.get("/api/odata4/All/h_Ships(1)").bearer(&token).send().await.expect(401);
}
