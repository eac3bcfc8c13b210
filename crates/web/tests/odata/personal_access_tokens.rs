//! Personal access tokens: made on the pages of the account, used as bearer tokens and as passwords, ended at once.

use app::AppSettings;
use app::node::settings::PersonalAccessTokenSettings;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::audit::{Action, NewAuditEvent, Outcome};
use http::Method;
use oauth::application::Profile;
use serde_json::{Value, json};
use store::{AccessOf, Audit, AuditFilter, DataSources, Grants};
use testkit::{ADMIN, Answer, Browser, Form, OTHER, Setup, TestServer, TestUser, USER};

use crate::fixture::{Fixture, ROOT, code};

const ONE: &str = "/api/odata4/Harbour/Ships(1)";
const LIST: &str = "/api/mgmt/personalaccesstokens";

/// The form for a new token, in the browser of a user who has signed in.
async fn new_token<'a>(server: &'a TestServer, user: &TestUser) -> (Browser<'a>, Form) {
    let mut browser = server.browser();
    browser.get("/account/tokens/new").await;
    browser.sign_in(user).await.expect(200);
    let form = browser.form_with_button("token-submit").fill("name", "Excel").press("token-submit");
    (browser, form)
}

/// The token on the page that shows it.
fn shown(page: &Answer) -> String {
    let text = page.text();
    let (_, rest) = text.split_once("<pre id=\"token\"><code>").unwrap_or_else(|| panic!("{text}"));
    rest.split_once('<').unwrap().0.to_owned()
}

/// Makes a token with what is ticked at first: all data that the user has now, to be read over OData.
async fn make(server: &TestServer, user: &TestUser) -> String {
    make_with(server, user, |form| form).await
}

async fn make_with(server: &TestServer, user: &TestUser, fill: impl FnOnce(Form) -> Form) -> String {
    let (mut browser, form) = new_token(server, user).await;
    shown(&browser.submit(fill(form)).await.expect(200))
}

async fn get(server: &TestServer, path: &str, token: &str) -> Answer {
    server.get(path).bearer(token).send().await
}

async fn basic(server: &TestServer, path: &str, name: &str, password: &str) -> Answer {
    let pair = STANDARD.encode(format!("{name}:{password}"));
    server.get(path).header("authorization", format!("Basic {pair}")).send().await
}

async fn list(server: &TestServer, user: &TestUser) -> Vec<Value> {
    let answer = server.get(LIST).basic(user).send().await.expect(200).json();
    answer["personalAccessTokens"].as_array().unwrap().clone()
}

/// Runs a method of MCP.
async fn mcp(server: &TestServer, authorization: &str) -> Answer {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} });
    let call = server.post("/mcp").header("authorization", authorization);
    call.header("mcp-protocol-version", "2025-11-25").json(&body).send().await
}

#[tokio::test]
async fn a_token_reads_as_a_bearer_token_and_as_the_password_of_its_user() {
    let fixture = Fixture::open().await;
    let server = &fixture.server;
    let token = make(server, &USER).await;
    assert!(token.starts_with("sgp_") && token.len() == 53, "{token}");
    get(server, ONE, &token).await.expect(200);
    basic(server, ONE, USER.name, &token).await.expect(200);
    basic(server, ONE, &USER.name.to_uppercase(), &token).await.expect(200);
    for wrong in [OTHER.name, ADMIN.name, "nobody", ""] {
        let refused = basic(server, ONE, wrong, &token).await.expect(401);
        assert_eq!(code(&refused), "InvalidToken", "{wrong}");
        assert!(
            refused
                .headers()
                .get_all("www-authenticate")
                .iter()
                .any(|value| value == "Basic realm=\"Sluicegate\", charset=\"UTF-8\"")
        );
    }
    let metadata = get(server, &format!("{ROOT}/$metadata"), &token).await;
    metadata.expect(200);
    // It is for data only, and for OData only.
    for path in ["/api/mgmt/datasources", LIST, "/api/mgmt/permissions", "/oauth2/userinfo"] {
        assert_eq!(get(server, path, &token).await.status(), 401, "{path}");
        if path != "/oauth2/userinfo" {
            assert_eq!(basic(server, path, USER.name, &token).await.status(), 401, "{path}");
        }
    }
    let mut browser = server.browser();
    browser.get("/login").await;
    let form = browser.form("/login").fill("username", USER.name).fill("password", &token);
    browser.submit(form).await.expect(401);
    mcp(server, &format!("Bearer {token}")).await.expect(403);
    let changed = server.call(Method::PATCH, ONE).bearer(&token).json(&json!({ "Name": "x" })).send().await;
    assert_eq!(code(&changed.expect(405)), "DataSourceReadOnly");
    // Neither of them counts as a wrong password, which three times would lock the user.
    basic(server, ONE, USER.name, USER.password).await.expect(200);
}

#[tokio::test]
async fn a_token_is_listed_without_its_value_and_ended_at_once() {
    let fixture = Fixture::open().await;
    let server = &fixture.server;
    let token = make(server, &USER).await;
    get(server, ONE, &token).await.expect(200);
    server.app().node().flush_usage().await.unwrap();
    let listed = list(server, &USER).await;
    let [one] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!((&one["name"], &one["scopes"]), (&json!("Excel"), &json!(["api.access.odata.read"])));
    assert_eq!(
        (&one["dataSources"], &one["laterDataSources"]),
        (&json!([{ "name": "Harbour" }]), &json!(false))
    );
    assert!(one["lastUsedAt"].is_string() && !one.to_string().contains(&token[4..]), "{one}");
    assert!(list(server, &OTHER).await.is_empty());
    let path = format!("{LIST}/{}", one["id"]);
    assert_eq!(&server.get(&path).basic(&USER).send().await.expect(200).json(), one);
    server.delete(&path).basic(&OTHER).send().await.expect(404);
    server.delete(&format!("{path}?user={}", USER.name)).basic(&OTHER).send().await.expect(403);
    get(server, ONE, &token).await.expect(200);
    server.delete(&format!("{path}?user={}", USER.name)).basic(&ADMIN).send().await.expect(204);
    assert_eq!(code(&get(server, ONE, &token).await.expect(401)), "InvalidToken");
    basic(server, ONE, USER.name, &token).await.expect(401);
    server.delete(&path).basic(&USER).send().await.expect(404);

    let second = make(server, &USER).await;
    let mut browser = server.browser();
    browser.get("/account/tokens").await;
    let page = browser.sign_in(&USER).await.expect(200).text().to_owned();
    assert!(page.contains("Excel") && !page.contains(&second[4..]), "{page}");
    let id = list(server, &USER).await[0]["id"].to_string();
    browser.get(&format!("/account/tokens/{id}/end")).await.expect(200);
    let form = browser.form_with_button("token-end-submit").press("token-end-submit");
    let page = browser.submit(form).await.expect(200).text().to_owned();
    assert!(page.contains("The token was ended"), "{page}");
    get(server, ONE, &second).await.expect(401);
    browser.get(&format!("/account/tokens/{id}/end")).await.expect(404);

    let filter = AuditFilter { actor_name: Some(ADMIN.name.to_owned()), limit: 9, ..AuditFilter::default() };
    let found = server.store().list_audit(filter).await.unwrap();
    let ended = found.iter().find(|event| event.event.action == Action::EndPersonalAccessToken).unwrap();
    assert_eq!(ended.event.detail, Some(format!("on behalf of {}", USER.name)));
    assert!(ended.event.subject.as_ref().unwrap().ends_with("(Excel)"));
}

#[tokio::test]
async fn what_was_chosen_limits_a_token_and_changes_need_a_box_of_their_own() {
    let fixture = Fixture::open().await;
    let server = &fixture.server;
    let pier = fixture
        .add_source(
            "Pier",
            "CREATE TABLE T (Id INTEGER PRIMARY KEY, Name TEXT); INSERT INTO T VALUES (1, 'a');",
        )
        .await;
    fixture.set_writable(&pier, true).await;
    let change = async |token: &str| {
        let call = server.call(Method::PATCH, "/api/odata4/Pier/T(1)").bearer(token);
        call.json(&json!({ "Name": "b" })).send().await
    };
    let reading = make(server, &USER).await;
    get(server, "/api/odata4/Pier/T", &reading).await.expect(200);
    assert_eq!(code(&change(&reading).await.expect(403)), "ChangeNotGranted");
    let harbour = make_with(server, &USER, |form| form.without("source", &pier.id.to_string())).await;
    get(server, ONE, &harbour).await.expect(200);
    assert_eq!(code(&get(server, "/api/odata4/Pier/T", &harbour).await.expect(403)), "AccessNotGranted");
    let catalogue = get(server, "/api/odata4", &harbour).await.expect(200).text().to_owned();
    assert!(catalogue.contains("Harbour") && !catalogue.contains("Pier"), "{catalogue}");
    let group = server.post("/api/mgmt/datasources").basic(&USER);
    let group = group.json(&json!({ "name": "All", "isGroup": true })).send().await.expect(201).json();
    let id: i64 = pier.id.to_string().parse().unwrap();
    let members = json!({ "members": [{ "id": id, "entityPrefix": "p" }] });
    let path = format!("/api/mgmt/datasources/{}/members", group["id"]);
    server.put(&path).basic(&USER).json(&members).send().await.expect(200);
    for path in ["/api/odata4/All", "/api/odata4/All/$metadata", "/api/odata4/All/p_T"] {
        get(server, path, &reading).await.expect(200);
        assert_eq!(code(&get(server, path, &harbour).await.expect(403)), "AccessNotGranted", "{path}");
    }
    let all =
        make_with(server, &USER, |form| form.with("others", "yes").with("changes", "yes").with("mcp", "yes"))
            .await;
    change(&all).await.expect(204);
    mcp(server, &format!("Bearer {all}")).await.expect(200);
    let pair = STANDARD.encode(format!("{}:{all}", USER.name));
    mcp(server, &format!("Basic {pair}")).await.expect(200);
    let pair = STANDARD.encode(format!("{}:{all}", OTHER.name));
    mcp(server, &format!("Basic {pair}")).await.expect(401);
    fixture.add_source("Later", "CREATE TABLE T (Id INTEGER PRIMARY KEY);").await;
    get(server, "/api/odata4/Later/T", &all).await.expect(200);
    get(server, "/api/odata4/Later/T", &reading).await.expect(403);
    let filter = AuditFilter { action: Some(Action::ChangeData), limit: 9, ..AuditFilter::default() };
    let found = server.store().list_audit(filter).await.unwrap();
    let detail = found[0].event.detail.as_ref().unwrap();
    assert!(detail.contains("with personal access token 3 (Excel)"), "{detail}");
    // The present rights of the user count, not those when the token was made.
    fixture.share(&pier, &OTHER).await;
    let of_other = make(server, &OTHER).await;
    get(server, "/api/odata4/Pier/T", &of_other).await.expect(200);
    let nobody = server.store().share_data_source(
        pier.id,
        store::Sharing::With(Vec::new()),
        audit(Action::ShareDataSource),
    );
    nobody.await.unwrap().unwrap();
    server.app().node().refresh().await.unwrap();
    get(server, "/api/odata4/Pier/T", &of_other).await.expect(404);
}

fn audit(action: Action) -> NewAuditEvent {
    NewAuditEvent::new(action, Outcome::Success, domain::time::Timestamp::from_secs(1_767_268_800))
}

#[tokio::test]
async fn a_form_that_cannot_be_granted_is_shown_again_as_it_was() {
    let fixture = Fixture::open().await;
    let server = &fixture.server;
    let (mut browser, form) = new_token(server, &USER).await;
    let id = form.fields.iter().find(|(name, _)| name == "source").unwrap().1.clone();
    let empty = form.without("source", &id).without("odata", "yes").fill("name", " ").fill("days", "367");
    let page = browser.submit(empty).await.expect(400).text().to_owned();
    for problem in ["Give the token a name", "valid for 1 to 366 days", "Choose what the token is for"] {
        assert!(page.contains(problem), "{problem}: {page}");
    }
    let long = "x".repeat(3_000);
    for (name, problem) in
        [("a\u{7}b", "control characters, such as U+0007"), (long.as_str(), "3000 characters long")]
    {
        let form = browser.form_with_button("token-submit").fill("name", name).fill("days", "7");
        let page = browser.submit(form.press("token-submit")).await.expect(400).text().to_owned();
        assert!(page.contains(problem) && !page.contains("Give the token a name"), "{problem}: {page}");
    }
    let form = browser
        .form_with_button("token-submit")
        .fill("name", "Script")
        .fill("days", "7")
        .with("odata", "yes");
    let page = browser.submit(form.press("token-submit")).await.expect(400).text().to_owned();
    assert!(page.contains("Choose at least one data source") && page.contains("value=\"Script\""), "{page}");
    assert!(list(server, &USER).await.is_empty(), "nothing was stored");
    // A page of another origin cannot make or end one, and neither can a form without the token of the browser.
    let (_, form) = new_token(server, &OTHER).await;
    let mut stranger = server.browser();
    stranger.get("/account/tokens").await;
    stranger.sign_in(&USER).await.expect(200);
    assert_eq!(stranger.submit(form).await.status(), 403);
    assert!(list(server, &USER).await.is_empty());
}

#[tokio::test]
async fn tokens_end_with_time_and_with_the_access_of_their_user() {
    let fixture = Fixture::open().await;
    let server = &fixture.server;
    let token = make_with(server, &USER, |form| form.fill("days", "1")).await;
    let second = make(server, &USER).await;
    server.clock().advance_secs(86_399);
    get(server, ONE, &token).await.expect(200);
    server.clock().advance_secs(1);
    get(server, ONE, &token).await.expect(401);
    get(server, ONE, &second).await.expect(200);
    let access = AccessOf::User(server.user(&USER).await.id);
    let over = domain::time::Timestamp::MAX;
    server.store().revoke_access(access, over, audit(Action::RevokeAccess)).await.unwrap().unwrap();
    server.app().node().refresh().await.unwrap();
    get(server, ONE, &second).await.expect(401);
    let third = make(server, &USER).await;
    get(server, ONE, &third).await.expect(200);
    let path = format!("/api/admin/users/{}", server.user(&USER).await.id);
    server.put(&path).basic(&ADMIN).json(&json!({ "statusInfo": { "status": 0 } })).send().await.expect(200);
    get(server, ONE, &third).await.expect(401);
}

#[tokio::test]
async fn a_wrong_token_costs_no_hash_and_guesses_get_no_verdict() {
    let mut setup = Setup::default();
    setup.app.rates.failures_per_address_per_minute = 3;
    let fixture = Fixture::open_with(setup).await;
    let server = &fixture.server;
    let token = make(server, &USER).await;
    let wrong = format!("sgp_{}", &token[5..]);
    for _ in 0..3 {
        basic(server, ONE, USER.name, &wrong).await.expect(401);
    }
    basic(server, ONE, USER.name, &wrong).await.expect(429);
    get(server, ONE, "sgp_").await.expect(429);
    get(server, ONE, &token).await.expect(200);
    basic(server, ONE, USER.name, USER.password).await.expect(200);
    let metrics = server.app().node().encode_metrics();
    assert!(!metrics.contains("sluicegate_sign_ins_total{outcome=\"refused\"}"), "{metrics}");
}

#[tokio::test]
async fn an_administrator_can_forbid_them() {
    for app in [
        AppSettings {
            personal_access_tokens: PersonalAccessTokenSettings { enabled: false, most_days: 30 },
            ..AppSettings::default()
        },
        AppSettings { minimum_profile: Profile::Fapi2, ..AppSettings::default() },
    ] {
        let server = TestServer::start().await;
        let token = make_with(&server, &USER, |form| form.with("others", "yes")).await;
        get(&server, "/api/odata4", &token).await.expect(200);
        let server = server.restart_with(app).await;
        get(&server, "/api/odata4", &token).await.expect(401);
        basic(&server, "/api/odata4", USER.name, &token).await.expect(401);
        let mut browser = server.browser();
        browser.get("/account/tokens").await;
        let page = browser.sign_in(&USER).await.expect(200).text().to_owned();
        assert!(page.contains("accepts no personal access tokens") && page.contains("Excel"), "{page}");
        browser.get("/account/tokens/new").await.expect(403);
    }
}

#[tokio::test]
async fn a_token_is_unknown_to_introspection_and_to_the_token_endpoint() {
    let server = TestServer::start().await;
    let token = make_with(&server, &USER, |form| form.with("others", "yes")).await;
    let members = json!({
        "name": "Reader", "redirectUrls": ["https://reader.example/cb"], "scopes": ["api.access.odata", "token.introspect"],
    });
    let applications = "/api/mgmt/oauth/client/applications";
    let application = server.post(applications).basic(&ADMIN).json(&members).send().await.expect(201).json();
    let member = |name: &str| application[name].as_str().unwrap().to_owned();
    let pair = STANDARD.encode(format!("{}:{}", member("clientId"), member("clientSecret")));
    let authorization = format!("Basic {pair}");
    let asked = server.post("/oauth2/introspect").header("authorization", &authorization);
    let found = asked.form(&[("token", token.as_str())]).send().await.expect(200).json();
    assert_eq!(found, json!({ "active": false }));
    let refreshed = server.post("/oauth2/token").header("authorization", &authorization);
    let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    refreshed.form(&form).send().await.expect(400);
}
