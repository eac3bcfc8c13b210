//! The boxes of the consent page: what the person chose is shown again, and nothing is allowed that was not ticked.

use super::*;

/// The values of the ticked boxes of a name.
fn ticked(form: &Form, name: &str) -> Vec<String> {
    form.fields.iter().filter(|(field, _)| field == name).map(|(_, value)| value.clone()).collect()
}

/// A user who has no data source, and nobody else's application.
async fn asked_without_data(browser: &mut Browser<'_>, address: &str) -> Form {
    browser.get(address).await;
    browser.sign_in(&testkit::OTHER).await;
    browser.form_with_button("consent-allow")
}

#[tokio::test]
async fn a_user_without_data_sources_allows_later_ones_only_by_their_box() {
    let fixture = Fixture::open().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let form = asked_without_data(&mut browser, &client.address(&[])).await;
    assert!(browser.page().text().contains("no-data-yet"), "{}", browser.page().text());
    assert_eq!(ticked(&form, "others"), [] as [String; 0], "not ticked at first");
    let unticked = form.clone().with("decision", "allow");
    let answer = browser.submit(unticked).await.expect(200);
    assert!(answer.text().contains("Tick the box for data sources that you get later"), "{}", answer.text());
    let form = browser.form_with_button("consent-allow").with("others", "yes");
    let answer = allow(&mut browser, form).await;
    let issued = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    assert_eq!(issued.get("authorization_details"), None, "all data, which come later");
}

#[tokio::test]
async fn the_boxes_stay_as_the_person_left_them() {
    let fixture = with_two_sources().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let wanted = json!([
        { "type": "data_source", "locations": [HARBOUR], "datatypes": ["Ships", "Visits"] },
        { "type": "data_source", "locations": [OTHER] },
    ]);
    let address = client.address(&[("authorization_details", &wanted.to_string())]);
    let form = asked(&mut browser, &address).await;
    let (sources, entities) = (ticked(&form, "source"), ticked(&form, "entity"));
    assert_eq!((sources.len(), entities.len()), (2, 2));
    let none = entities.iter().fold(form.clone(), |form, entity| form.without("entity", entity));
    let answer = allow(&mut browser, none).await.expect(200);
    let problem = "Choose at least one entity set of Harbour, or untick Harbour.";
    assert!(answer.text().contains(problem), "{}", answer.text());
    let again = browser.form_with_button("consent-allow");
    assert_eq!((ticked(&again, "source"), ticked(&again, "entity")), (sources.clone(), Vec::new()));
    // The entity sets of a data source that is left out keep their boxes.
    let mut nothing = form.without("entity", &entities[1]);
    nothing.fields.retain(|(name, _)| name != "source");
    allow(&mut browser, nothing).await.expect(200);
    let again = browser.form_with_button("consent-allow");
    assert_eq!((ticked(&again, "source"), ticked(&again, "entity")), (Vec::new(), vec![entities[0].clone()]));
    let answer = allow(&mut browser, again.with("source", &sources[0])).await;
    let issued = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    let expected = json!([{ "type": "data_source", "locations": [HARBOUR], "actions": ["read"], "datatypes": ["Ships"] }]);
    assert_eq!(issued["authorization_details"], expected);
}

#[tokio::test]
async fn another_user_may_sign_in_and_comes_back_to_the_same_request() {
    let fixture = Fixture::open().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    asked(&mut browser, &client.address(&[("state", "tide"), ("prompt", "consent")])).await;
    let page = browser.page().text().to_owned();
    let link = page.split("id=\"switch-user\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    browser.get(&link.replace("&#38;", "&")).await.expect(200);
    let page = browser.sign_in(&ADMIN).await.expect(200);
    assert!(
        page.text().contains("consent-allow") && page.text().contains("<bdi>d2cadmin</bdi>"),
        "{}",
        page.text()
    );
    let denied = browser.form_with_button("consent-deny").press("consent-deny");
    assert!(browser.submit(denied).await.location().contains("state=tide"));
}
