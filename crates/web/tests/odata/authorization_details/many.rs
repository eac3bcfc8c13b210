//! A user with more data sources than a person reads before pressing Allow.

use super::*;

const PIERS: &str = "CREATE TABLE Ports (Id INTEGER PRIMARY KEY)";

/// A user with the data source of the fixture and these more: `Pier1`, `Pier2` and so on.
async fn with_piers(count: usize) -> Fixture {
    let fixture = Fixture::open().await;
    for number in 1..=count {
        fixture.add_source(&format!("Pier{number}"), PIERS).await;
    }
    fixture
}

/// The values of the ticked boxes of a name.
fn ticked(form: &Form, name: &str) -> Vec<String> {
    form.fields.iter().filter(|(field, _)| field == name).map(|(_, value)| value.clone()).collect()
}

/// The value of the box of a data source on the current page.
fn box_of(browser: &Browser<'_>, name: &str) -> String {
    let page = browser.page().text();
    let before = page.split(&format!("<bdi>{name}</bdi>")).next().unwrap();
    let value = before.rsplit("name=\"source\" value=\"").next().unwrap();
    value.split('"').next().unwrap().to_owned()
}

/// Presses a button that shows other data sources.
async fn browse(browser: &mut Browser<'_>, form: Form, button: &str) -> Form {
    browser.submit(form.press(button)).await.expect(200);
    browser.form_with_button("consent-allow")
}

fn locations(answer: &Value) -> Vec<String> {
    let elements = answer["authorization_details"].as_array().unwrap_or_else(|| panic!("{answer}"));
    elements.iter().map(|one| one["locations"][0].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn all_data_sources_of_today_are_allowed_without_later_ones() {
    let fixture = with_piers(39).await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let form = asked(&mut browser, &client.address(&[])).await;
    let page = browser.page().text();
    assert!(page.contains("All 40 data sources that I have now") && !page.contains("find-sources"), "{page}");
    assert_eq!(ticked(&form, "source"), [] as [String; 0], "nobody reads so many");
    // This one comes after the page has counted them.
    fixture.add_source("Late", PIERS).await;
    let answer = allow(&mut browser, form.with("all", "yes")).await;
    let issued = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    assert_eq!(locations(&issued).len(), 40, "{issued}");
    let access = text(&issued, "access_token");
    assert!(access.len() < 600, "{}", access.len());
    let status = async |path: &str| fixture.server.get(path).bearer(&access).send().await.status();
    assert_eq!(status("/api/odata4/Pier39/Ports").await, 200);
    assert_eq!(status(&format!("{ROOT}/Ships(1)")).await, 200);
    assert_eq!(status("/api/odata4/Late/Ports").await, 403);
    let listed = fixture.server.get("/api/odata4").bearer(&access).send().await.expect(200).json();
    assert_eq!(listed["value"].as_array().unwrap().len(), 40);
    let shown = client.post(&fixture, "/oauth2/introspect", &[("token", &access)]).await.expect(200).json();
    assert_eq!(locations(&shown), locations(&issued));
    // The same consent answers the next request, and the user sees what it reaches.
    let answer = browser.get(&client.address(&[])).await;
    let next = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    assert_eq!(locations(&next), locations(&issued));
    let page = browser.get("/account/applications").await.expect(200);
    assert!(page.text().contains("<summary>40 data sources</summary>"), "{}", page.text());
    assert!(page.text().contains("<li><bdi>Pier39</bdi></li>"), "{}", page.text());
}

#[tokio::test]
async fn a_signed_token_tells_the_first_of_many_data_sources_and_reaches_all() {
    let fixture = with_piers(39).await;
    let client = Client::register(&fixture, json!({ "tokenFormat": "jwt" })).await;
    let mut browser = fixture.server.browser();
    let form = asked(&mut browser, &client.address(&[])).await.with("all", "yes");
    let answer = allow(&mut browser, form).await;
    let issued = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    assert_eq!(locations(&issued).len(), 40);
    let access = text(&issued, "access_token");
    let shown = client.post(&fixture, "/oauth2/introspect", &[("token", &access)]).await.expect(200).json();
    assert_eq!(locations(&shown).len(), 40);
    let read = fixture.server.get("/api/odata4/Pier39/Ports").bearer(&access);
    read.send().await.expect(200);
    let listed = locations(&claims_of(&access));
    assert_eq!(listed, locations(&issued)[..32], "the first of them");
}

fn claims_of(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).unwrap();
    serde_json::from_slice(&claims).unwrap()
}

#[tokio::test]
async fn data_sources_are_found_and_ticked_page_by_page() {
    let fixture = with_piers(204).await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let form = asked(&mut browser, &client.address(&[("state", "tide")])).await;
    assert!(browser.page().text().contains("Shown are 1 to 100 of the 205 data sources."));
    assert!(!form.has_button("previous-sources"), "{form:?}");
    let first = box_of(&browser, "Pier7");
    let form = browse(&mut browser, form.with("source", &first), "next-sources").await;
    assert!(
        browser.page().text().contains("Shown are 101 to 200 of the 205 data sources. 1 more is ticked.")
    );
    assert_eq!(ticked(&form, "source"), std::slice::from_ref(&first), "what is ticked stays ticked");
    let form = browse(&mut browser, form, "next-sources").await;
    assert!(!form.has_button("next-sources"), "{form:?}");
    let last = box_of(&browser, "Pier204");
    let form =
        browse(&mut browser, form.with("source", &last).fill("find", " PIER20 "), "find-sources").await;
    assert!(browser.page().text().contains("6 data sources were found."), "{}", browser.page().text());
    let some = box_of(&browser, "Pier20");
    let mut form = form.with("source", &some);
    assert_eq!(ticked(&form, "source").len(), 3, "{form:?}");
    // One that is not shown any more is unticked in the list of those.
    form = form.without("source", &first);
    let answer = allow(&mut browser, form).await;
    assert!(answer.location().contains("state=tide"), "{}", answer.location());
    let issued = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    let mut reached = locations(&issued);
    reached.sort_unstable();
    let at = |name: &str| format!("http://127.0.0.1:8080/api/odata4/{name}");
    assert_eq!(reached, [at("Pier20"), at("Pier204")]);
}

/// Whoever looks around allows nothing, and neither does a form that has no boxes.
#[tokio::test]
async fn browsing_decides_nothing() {
    let fixture = with_piers(101).await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let form = asked(&mut browser, &client.address(&[])).await.with("all", "yes").with("others", "yes");
    let form = browse(&mut browser, form, "next-sources").await;
    assert_eq!((ticked(&form, "all").len(), ticked(&form, "others").len()), (1, 1));
    let allowed = fixture.server.get("/api/mgmt/oauth/client/allowedapplications").basic(&USER);
    assert_eq!(allowed.send().await.expect(200).json()["applications"], json!([]));
    let client = Client::register(&fixture, json!({ "scopes": ["openid"] })).await;
    let address = client.address(&[("scope", "openid")]);
    let form = asked(&mut browser, &address).await.with("decision", "find");
    let answer = browser.submit(form).await.expect(200);
    assert!(answer.text().contains("consent-allow"), "{}", answer.text());
}
