//! Access to chosen data only: `authorization_details` ([RFC 9396](https://www.rfc-editor.org/rfc/rfc9396)), and the boxes of
//! the consent page.

use serde_json::{Value, json};
use testkit::{ADMIN, Answer, Browser, Form, OTHER as OTHER_USER, TestUser, USER};
use url::form_urlencoded::Serializer;

use crate::fixture::{Fixture, ROOT};

mod boxes;
mod changes;
mod conforming;
mod described;
mod groups;
mod many;
mod narrowing;

const CALLBACK: &str = "https://client.example/cb";
const HARBOUR: &str = "http://127.0.0.1:8080/api/odata4/Harbour";
const OTHER: &str = "http://127.0.0.1:8080/api/odata4/Other";

struct Client {
    id: String,
    secret: String,
}

impl Client {
    async fn register(fixture: &Fixture, more: Value) -> Self {
        Self::register_as(fixture, &USER, more).await
    }

    async fn register_as(fixture: &Fixture, owner: &TestUser, more: Value) -> Self {
        let mut body = json!({ "name": "Reports", "redirectUrls": [CALLBACK] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = fixture.server.post("/api/mgmt/oauth/client/applications").basic(owner).json(&body);
        let made = made.send().await.expect(201).json();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self { id: text("clientId"), secret: text("clientSecret") }
    }

    fn address(&self, more: &[(&str, &str)]) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("response_type", "code").append_pair("client_id", &self.id);
        query.append_pair("redirect_uri", CALLBACK);
        format!("/oauth2/authorize?{}", query.extend_pairs(more).finish())
    }

    async fn post(&self, fixture: &Fixture, path: &str, fields: &[(&str, &str)]) -> Answer {
        let own = [("client_id", self.id.as_str()), ("client_secret", self.secret.as_str())];
        fixture.server.post(path).form(&[&own, fields].concat()).send().await
    }

    async fn token(&self, fixture: &Fixture, fields: &[(&str, &str)]) -> Answer {
        self.post(fixture, "/oauth2/token", fields).await
    }

    async fn exchange(&self, fixture: &Fixture, answer: &Answer, more: &[(&str, &str)]) -> Answer {
        let back = url::Url::parse(answer.location()).unwrap_or_else(|_| panic!("{}", answer.text()));
        let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
        self.token(fixture, &[&fields, more].concat()).await
    }
}

/// Signs in, and returns the form of the consent page.
async fn asked(browser: &mut Browser<'_>, address: &str) -> Form {
    browser.get(address).await;
    if let Some(form) = browser.forms().into_iter().find(|form| form.has_button("login-submit")) {
        let form = form.fill("username", USER.name).fill("password", USER.password).press("login-submit");
        browser.submit(form).await;
    }
    browser.form_with_button("consent-allow")
}

/// The form for the user who signs in and types the code of a device.
async fn asked_for_device(browser: &mut Browser<'_>, codes: &Value) -> Form {
    browser.get("/device").await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    let typed = browser.form_with_button("device-continue").fill("user_code", &text(codes, "user_code"));
    browser.submit(typed).await.expect(200);
    browser.form_with_button("consent-allow")
}

async fn allow(browser: &mut Browser<'_>, form: Form) -> Answer {
    browser.submit(form.press("consent-allow")).await
}

fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}

fn details(locations: &[&str], datatypes: &[&str]) -> String {
    let mut element = json!({ "type": "data_source", "locations": locations });
    if !datatypes.is_empty() {
        element["datatypes"] = json!(datatypes);
    }
    json!([element]).to_string()
}

async fn with_two_sources() -> Fixture {
    let fixture = Fixture::open().await;
    fixture.add_source("Other", "CREATE TABLE Ports (Id INTEGER PRIMARY KEY)").await;
    fixture
}

#[tokio::test]
async fn only_ticked_data_sources_are_reached_and_later_ones_are_not() {
    let fixture = with_two_sources().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let form = asked(&mut browser, &client.address(&[])).await;
    let ticked: Vec<_> = form.fields.iter().filter(|(name, _)| name == "source").cloned().collect();
    assert_eq!(ticked.len(), 2, "both are ticked at first: {form:?}");
    assert!(form.fields.iter().all(|(name, _)| name != "others"), "the box for later ones is not");
    let answer = allow(&mut browser, form.without("source", &ticked[1].1)).await;
    let issued = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    let expected = json!([{ "type": "data_source", "locations": [HARBOUR], "actions": ["read"] }]);
    assert_eq!(issued["authorization_details"], expected);
    let access = text(&issued, "access_token");
    let get = async |path: &str| fixture.server.get(path).bearer(&access).send().await;
    get(&format!("{ROOT}/Ships(1)")).await.expect(200);
    for path in ["/api/odata4/Other", "/api/odata4/Other/Ports", "/api/odata4/other/$metadata"] {
        let refused = get(path).await.expect(403);
        assert_eq!(refused.json()["error"]["code"], "AccessNotGranted", "{path}");
    }
    fixture.add_source("Late", "CREATE TABLE Ports (Id INTEGER PRIMARY KEY)").await;
    get("/api/odata4/Late/Ports").await.expect(403);
    // The token does not tell whether others have a data source of some name.
    fixture.add_source_of(&OTHER_USER, "Foreign", "CREATE TABLE Ports (Id INTEGER PRIMARY KEY)").await;
    let unknown = get("/api/odata4/Unknown").await.expect(404);
    assert_eq!(
        get("/api/odata4/Foreign").await.expect(404).json()["error"]["code"],
        unknown.json()["error"]["code"]
    );
    let listed = get("/api/odata4").await.expect(200).json();
    assert_eq!(listed["value"].as_array().unwrap().len(), 1, "{listed}");
    let shown = client.post(&fixture, "/oauth2/introspect", &[("token", &access)]).await.expect(200).json();
    assert_eq!(shown["authorization_details"], expected);
    // A refreshed token reaches the same; a data source that is created again under the name is another one.
    let refresh = text(&issued, "refresh_token");
    let again = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    let renewed = client.token(&fixture, &again).await.expect(200).json();
    assert_eq!(renewed["authorization_details"], expected);
    // The next request is answered within the same consent, without a question.
    let answer = browser.get(&client.address(&[])).await;
    let next = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    assert_eq!(next["authorization_details"], expected);
}

#[tokio::test]
async fn the_box_for_later_data_sources_excludes_what_was_unticked() {
    let fixture = with_two_sources().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let form = asked(&mut browser, &client.address(&[])).await;
    let other = form.fields.iter().filter(|(name, _)| name == "source").nth(1).unwrap().1.clone();
    let form = form.without("source", &other).with("others", "yes");
    let answer = allow(&mut browser, form).await;
    let issued = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    let access = text(&issued, "access_token");
    fixture.add_source("Late", "CREATE TABLE Ports (Id INTEGER PRIMARY KEY)").await;
    let all = "http://127.0.0.1:8080/api/odata4";
    let reported = json!([{
        "type": "data_source", "locations": [all], "actions": ["read"], "except_locations": [OTHER],
    }]);
    assert_eq!(issued["authorization_details"], reported);
    let shown = client.post(&fixture, "/oauth2/introspect", &[("token", &access)]).await.expect(200).json();
    assert_eq!(shown["authorization_details"], reported, "also after there is another one");
    let refresh = text(&issued, "refresh_token");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &refresh), ("resource", HARBOUR)];
    let narrow = client.token(&fixture, &fields).await.expect(200).json();
    let reported = json!([{ "type": "data_source", "locations": [HARBOUR], "actions": ["read"] }]);
    assert_eq!(narrow["authorization_details"], reported, "what the resource leaves of it");
    let status = async |path: &str| fixture.server.get(path).bearer(&access).send().await.status();
    assert_eq!(status("/api/odata4/Late/Ports").await, 200);
    assert_eq!(status("/api/odata4/Other/Ports").await, 403);
    assert_eq!(status(&format!("{ROOT}/Ships(1)")).await, 200);
}

#[tokio::test]
async fn nothing_ticked_is_asked_again_and_a_form_without_boxes_allows_what_was_offered() {
    let fixture = with_two_sources().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let mut form = asked(&mut browser, &client.address(&[])).await;
    form.fields.retain(|(name, _)| name != "source");
    let answer = allow(&mut browser, form).await;
    assert!(answer.text().contains("Choose at least one data source"), "{}", answer.text());
    let mut scripted = browser.form_with_button("consent-allow");
    scripted.fields.retain(|(name, _)| name == "csrf" || name == "request");
    let answer = allow(&mut browser, scripted).await;
    let issued = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    assert_eq!(issued.get("authorization_details"), None, "all data, as before");
    fixture
        .server
        .get("/api/odata4/Other/Ports")
        .bearer(&text(&issued, "access_token"))
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn entity_sets_that_were_not_granted_do_not_exist_for_the_token() {
    let fixture = with_two_sources().await;
    let client = Client::register(&fixture, json!({ "tokenFormat": "jwt" })).await;
    let wanted = details(&[HARBOUR], &["Ships", "Visits"]);
    let mut browser = fixture.server.browser();
    let form = asked(&mut browser, &client.address(&[("authorization_details", &wanted)])).await;
    assert_eq!(form.fields.iter().filter(|(name, _)| name == "source").count(), 1, "{form:?}");
    let page = browser.page().text().to_owned();
    assert!(page.contains("Ships") && page.contains("Visits") && !page.contains("Other"), "{page}");
    let visits = form.fields.iter().filter(|(name, _)| name == "entity").nth(1).unwrap().1.clone();
    let answer = allow(&mut browser, form.without("entity", &visits)).await;
    let issued = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    let expected = json!([{ "type": "data_source", "locations": [HARBOUR], "actions": ["read"], "datatypes": ["Ships"] }]);
    assert_eq!(issued["authorization_details"], expected);
    assert_eq!(issued["scope"], "api.access.odata");
    let access = text(&issued, "access_token");
    let get = async |path: &str| fixture.server.get(&format!("{ROOT}{path}")).bearer(&access).send().await;
    get("/Ships?$top=1").await.expect(200);
    let combined = "/$crossjoin(Ships,Visits)?$top=1";
    for hidden in ["/Visits", "/Visits(Ship=1,Number=1)", "/Visits/$count", "/Broken?$top=1", combined] {
        get(hidden).await.expect(404);
    }
    let metadata = get("/$metadata").await.expect(200);
    assert!(metadata.text().contains("Ships") && !metadata.text().contains("Visits"), "{}", metadata.text());
    let sets = get("").await.expect(200).json();
    assert_eq!(sets["value"].as_array().unwrap().len(), 1, "{sets}");
    // A reader without limits shares no plan with it.
    fixture.get("/Visits/$count").await.expect(200);
    get("/Visits/$count").await.expect(404);
    let claims = access.split('.').nth(1).unwrap();
    let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["authorization_details"], expected);
}

#[tokio::test]
async fn a_request_for_more_than_was_allowed_asks_again_and_one_for_less_does_not() {
    let fixture = with_two_sources().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let ships = details(&[HARBOUR], &["Ships"]);
    let form = asked(&mut browser, &client.address(&[("authorization_details", &ships)])).await;
    allow(&mut browser, form).await;
    let answer = browser.get(&client.address(&[("authorization_details", &ships)])).await;
    client.exchange(&fixture, &answer, &[]).await.expect(200);
    let more = details(&[HARBOUR, OTHER], &[]);
    let silent = client.address(&[("authorization_details", &more), ("prompt", "none")]);
    assert!(browser.get(&silent).await.location().contains("error=consent_required"));
    let form = asked(&mut browser, &client.address(&[("authorization_details", &more)])).await;
    let answer = allow(&mut browser, form).await;
    // The token may be narrower than the grant, and never wider.
    let narrow = details(&[HARBOUR], &["Visits"]);
    let issued =
        client.exchange(&fixture, &answer, &[("authorization_details", &narrow)]).await.expect(200).json();
    let of = |location: &str, sets: &[&str]| {
        let mut element = json!({ "type": "data_source", "locations": [location], "actions": ["read"] });
        if !sets.is_empty() {
            element["datatypes"] = json!(sets);
        }
        element
    };
    assert_eq!(issued["authorization_details"], json!([of(HARBOUR, &["Visits"])]));
    let refresh = text(&issued, "refresh_token");
    let again = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    let renewed = client.token(&fixture, &again).await.expect(200).json();
    assert_eq!(
        renewed["authorization_details"],
        json!([of(HARBOUR, &[]), of(OTHER, &[])]),
        "those of the grant"
    );
    fixture.add_source("Late", "CREATE TABLE Ports (Id INTEGER PRIMARY KEY)").await;
    let late = details(&["http://127.0.0.1:8080/api/odata4/Late"], &[]);
    let wider = [&again[..], &[("authorization_details", late.as_str())]].concat();
    let refused = client.token(&fixture, &wider).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_authorization_details");
}

#[tokio::test]
async fn what_cannot_be_granted_is_refused_with_the_error_of_the_standard() {
    let fixture = with_two_sources().await;
    let client = Client::register(&fixture, json!({})).await;
    let elsewhere = details(&["https://elsewhere.example/api/odata4/Harbour"], &[]);
    for wrong in ["nonsense", "[]", r#"[{"type":"payment"}]"#, &elsewhere] {
        let asking = client.address(&[("authorization_details", wrong)]);
        let answer = fixture.server.get(&asking).basic(&USER).send().await;
        assert!(answer.location().contains("error=invalid_authorization_details"), "{wrong}");
        let fields =
            [("response_type", "code"), ("redirect_uri", CALLBACK), ("authorization_details", wrong)];
        let refused = client.post(&fixture, "/oauth2/par", &fields).await.expect(400).json();
        assert_eq!(refused["error"], "invalid_authorization_details", "{wrong}");
    }
    // A data source of another user can only be denied.
    let (mut browser, wanted) = (fixture.server.browser(), details(&[HARBOUR], &[]));
    browser.get(&client.address(&[("authorization_details", &wanted)])).await;
    browser.sign_in(&OTHER_USER).await;
    let form = browser.form_with_button("consent-allow");
    assert!(browser.page().text().contains("no-data"));
    let answer = allow(&mut browser, form).await;
    assert!(answer.text().contains("There is no data source that you can allow"), "{}", answer.text());
    let denied = browser.form_with_button("consent-deny").press("consent-deny");
    assert!(browser.submit(denied).await.location().contains("error=access_denied"));
}

#[tokio::test]
async fn the_details_follow_the_data_sources_and_the_resources_of_the_token() {
    let fixture = Fixture::open().await;
    let other = fixture.add_source("Other", "CREATE TABLE Ports (Id INTEGER PRIMARY KEY)").await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let both = details(&[HARBOUR, OTHER], &[]);
    let form = asked(&mut browser, &client.address(&[("authorization_details", &both)])).await;
    let answer = allow(&mut browser, form).await;
    let issued = client.exchange(&fixture, &answer, &[("resource", OTHER)]).await.expect(200).json();
    let locations = |answer: &Value| -> Vec<String> {
        let elements = answer["authorization_details"].as_array();
        elements.into_iter().flatten().map(|one| one["locations"][0].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(locations(&issued), [OTHER], "the token is limited to this resource");
    let refresh = text(&issued, "refresh_token");
    let renewed = async || {
        let again = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        locations(&client.token(&fixture, &again).await.expect(200).json())
    };
    assert_eq!(renewed().await, [HARBOUR, OTHER]);
    fixture.rename(&other, "Pier").await;
    assert_eq!(renewed().await, [HARBOUR, "http://127.0.0.1:8080/api/odata4/Pier"]);
    let path = format!("/api/mgmt/datasources/{}", other.id);
    fixture.server.delete(&path).basic(&USER).send().await.expect(204);
    assert_eq!(renewed().await, [HARBOUR]);
    fixture.server.delete("/api/mgmt/datasources/1").basic(&USER).send().await.expect(204);
    let again = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    let nothing = client.token(&fixture, &again).await.expect(200).json();
    assert_eq!(nothing["authorization_details"], json!([]), "it is limited to nothing, not unlimited");
    let access = text(&nothing, "access_token");
    let shown = client.post(&fixture, "/oauth2/introspect", &[("token", &access)]).await.expect(200).json();
    assert_eq!(shown["authorization_details"], json!([]));
}

/// A token request that names more data than its grant is refused; for less, it gets a token that reaches only that.
async fn assert_narrows(client: &Client, fixture: &Fixture, fields: &[(&str, &str)]) {
    fixture.server.clock().advance_secs(5);
    let wider = details(&[OTHER], &[]);
    let refused = client.token(fixture, &[fields, &[("authorization_details", &wider)]].concat()).await;
    assert_eq!(refused.expect(400).json()["error"], "invalid_authorization_details", "{fields:?}");
    // A device may poll again after 5 seconds.
    fixture.server.clock().advance_secs(5);
    let narrower = details(&[HARBOUR], &["Ships"]);
    let fields = [fields, &[("authorization_details", &narrower)]].concat();
    let issued = client.token(fixture, &fields).await.expect(200).json();
    let expected = json!([{ "type": "data_source", "locations": [HARBOUR], "actions": ["read"], "datatypes": ["Ships"] }]);
    assert_eq!(issued["authorization_details"], expected, "{fields:?}");
    let access = text(&issued, "access_token");
    let status = async |path: &str| fixture.server.get(path).bearer(&access).send().await.status();
    let ships = format!("{ROOT}/Ships(1)");
    let reached = (status(&ships).await, status("/api/odata4/Other/Ports").await);
    assert_eq!(reached, (200, 403), "{fields:?}");
}

#[tokio::test]
async fn the_device_grant_limits_its_token_to_the_data_of_the_request() {
    const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
    let fixture = with_two_sources().await;
    let client = Client::register(&fixture, json!({ "grantTypes": [DEVICE] })).await;
    let wanted = details(&[HARBOUR], &[]);
    let asking = [("authorization_details", wanted.as_str())];
    let codes = client.post(&fixture, "/oauth2/device_authorization", &asking).await.expect(200).json();
    let mut browser = fixture.server.browser();
    let form = asked_for_device(&mut browser, &codes).await;
    let mut nothing = form.clone();
    nothing.fields.retain(|(name, _)| name != "source");
    allow(&mut browser, nothing).await.expect(200);
    assert!(browser.page().text().contains("Choose at least one data source"), "{}", browser.page().text());
    let again = browser.form_with_button("consent-allow");
    assert!(
        again.fields.iter().all(|(name, _)| name != "source"),
        "the boxes are as they were left: {again:?}"
    );
    allow(&mut browser, form).await.expect(200);
    assert!(browser.page().text().contains("device-allowed"), "{}", browser.page().text());
    fixture.server.clock().advance_secs(5);
    let code = text(&codes, "device_code");
    let poll = [("grant_type", DEVICE), ("device_code", code.as_str())];
    let elsewhere = [&poll[..], &[("resource", "https://elsewhere.example/api")]].concat();
    assert_eq!(client.token(&fixture, &elsewhere).await.expect(400).json()["error"], "invalid_target");
    assert_narrows(&client, &fixture, &poll).await;
}

#[tokio::test]
async fn a_token_exchange_limits_its_token_to_the_data_of_the_request() {
    const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
    let fixture = with_two_sources().await;
    let client = Client::register(&fixture, json!({})).await;
    let policy = json!({ "clients": [client.id], "impersonation": true });
    let body = json!({
        "name": "Relay", "redirectUrls": [], "grantTypes": [EXCHANGE], "tokenExchange": policy,
    });
    let made = fixture.server.post("/api/mgmt/oauth/client/applications").basic(&ADMIN).json(&body);
    let made = made.send().await.expect(201).json();
    let relay = Client { id: text(&made, "clientId"), secret: text(&made, "clientSecret") };
    let mut browser = fixture.server.browser();
    let wanted = details(&[HARBOUR], &[]);
    let form = asked(&mut browser, &client.address(&[("authorization_details", &wanted)])).await;
    let answer = allow(&mut browser, form).await;
    let access = text(&client.exchange(&fixture, &answer, &[]).await.expect(200).json(), "access_token");
    let kind = "urn:ietf:params:oauth:token-type:access_token";
    let fields = [("grant_type", EXCHANGE), ("subject_token", &access), ("subject_token_type", kind)];
    assert_narrows(&relay, &fixture, &fields).await;
}

#[tokio::test]
async fn client_credentials_are_limited_on_request() {
    let fixture = with_two_sources().await;
    let client = Client::register(&fixture, json!({ "grantTypes": ["client_credentials"] })).await;
    let wanted = details(&[OTHER], &[]);
    let fields = [("grant_type", "client_credentials"), ("authorization_details", wanted.as_str())];
    let issued = client.token(&fixture, &fields).await.expect(200).json();
    let access = text(&issued, "access_token");
    let status = async |path: &str| fixture.server.get(path).bearer(&access).send().await.status();
    assert_eq!((status("/api/odata4/Other/Ports").await, status(ROOT).await), (200, 403));
    let metadata =
        fixture.server.get("/.well-known/oauth-authorization-server").send().await.expect(200).json();
    assert_eq!(metadata["authorization_details_types_supported"], json!(["data_source"]));
}
