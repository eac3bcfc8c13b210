//! What is left of the right to change data when a token, or its application, loses something.

use app::node::clock::Clock as _;
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::ClientId;
use oauth::application::Application;
use oauth::authorize::DataChange;
use oauth::scope::BuiltInScope;
use store::{Applications as _, Audit as _, AuditFilter, Grants as _, NewConsent};

use super::*;

const APPLICATIONS: &str = "/api/mgmt/oauth/client/applications";

impl Client {
    /// As it is stored.
    async fn stored(&self, fixture: &Fixture) -> Application {
        let id: ClientId = self.id.parse().unwrap();
        fixture.server.store().find_application_by_client_id(&id).await.unwrap().unwrap()
    }

    /// Registers it for these scopes only.
    async fn narrow_to(&self, fixture: &Fixture, scopes: &[&str]) {
        let path = format!("{APPLICATIONS}/{}", self.stored(fixture).await.id);
        let body = json!({ "name": "Reports", "redirectUrls": [CALLBACK], "scopes": scopes });
        fixture.server.put(&path).basic(&USER).json(&body).send().await.expect(200);
    }
}

/// The actions that an answer reports.
fn actions(answer: &Value) -> Vec<&Value> {
    answer["authorization_details"].as_array().into_iter().flatten().map(|one| &one["actions"]).collect()
}

/// Tokens with both scopes for data, whose user has allowed changes.
async fn with_both_scopes(fixture: &Fixture) -> (Client, Value) {
    let client = Client::register(fixture, json!({ "scopes": [WRITES, READS] })).await;
    let mut browser = fixture.server.browser();
    let form = asked(&mut browser, &client.address(&[("scope", &format!("{WRITES} {READS}"))])).await;
    let answer = allow(&mut browser, form.with("changes", "yes")).await;
    let issued = client.exchange(fixture, &answer, &[]).await.expect(200).json();
    (client, issued)
}

#[tokio::test]
async fn an_application_that_loses_the_scope_changes_nothing_and_no_answer_says_otherwise() {
    let (fixture, _) = with_writable().await;
    let (client, issued) = with_both_scopes(&fixture).await;
    let access = text(&issued, "access_token");
    post(&fixture, "Other", &access).await.expect(201);
    assert!(actions(&issued).contains(&&json!(["read", "write"])), "{issued}");

    client.narrow_to(&fixture, &[READS]).await;
    assert_eq!(code(&post(&fixture, "Other", &access).await.expect(403)), "ChangeNotGranted");
    fixture.server.get("/api/odata4/Other/Ports").bearer(&access).send().await.expect(200);
    let about = client.post(&fixture, "/oauth2/introspect", &[("token", &access)]).await.expect(200).json();
    assert_eq!(about["scope"], READS);
    assert_eq!(actions(&about), [&json!(["read"]), &json!(["read"])], "{about}");
}

#[tokio::test]
async fn a_consent_to_reading_is_not_listed_as_one_to_changes() {
    let (fixture, other) = with_writable().await;
    let client = Client::register(&fixture, json!({ "scopes": [WRITES, READS] })).await;
    let application = client.stored(&fixture).await;
    let (server, user) = (&fixture.server, fixture.server.user(&USER).await);
    for (scope, listed) in [(BuiltInScope::ODataRead, None), (BuiltInScope::OData, Some(json!(["Other"])))] {
        let now = server.clock().now();
        let new = NewConsent {
            user: user.id,
            user_epoch: user.epoch,
            application: application.id,
            application_epoch: application.epoch,
            scopes: scope.into(),
            data: DataChange::instead(None).deciding([other.id], [other.id]),
            revocations_expire_at: now.plus_secs(3_600),
        };
        let event = NewAuditEvent::new(Action::AllowApplication, Outcome::Success, now);
        server.store().allow(new, event).await.unwrap().unwrap();
        let list = server.get(ALLOWED).basic(&USER).send().await.expect(200).json();
        let one = &list["applications"][0];
        assert_eq!((&one["name"], one.get("changeableDataSources")), (&json!("Reports"), listed.as_ref()));
    }
}

#[tokio::test]
async fn a_token_that_is_narrowed_to_reading_says_that_it_reads() {
    let (fixture, _) = with_writable().await;
    let (client, issued) = with_both_scopes(&fixture).await;
    let refresh = text(&issued, "refresh_token");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str()), ("scope", READS)];
    let narrow = client.token(&fixture, &fields).await.expect(200).json();
    assert_eq!(actions(&narrow), [&json!(["read"]), &json!(["read"])], "{narrow}");
    let refused = post(&fixture, "Other", &text(&narrow, "access_token")).await.expect(403);
    assert_eq!(code(&refused), "ChangeNotGranted");
}

/// "The requested scope MUST NOT include any scope not originally granted by the resource owner" ([RFC 6749
/// §6](https://www.rfc-editor.org/rfc/rfc6749#section-6)): reading is less than what was granted.
#[tokio::test]
async fn an_application_without_the_narrow_scope_can_ask_for_less_too() {
    let (fixture, _) = with_writable().await;
    let client = Client::register(&fixture, json!({ "scopes": [WRITES] })).await;
    let mut browser = fixture.server.browser();
    let form = asked(&mut browser, &client.address(&[])).await;
    let answer = allow(&mut browser, form.with("changes", "yes")).await;
    let issued = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    let refresh = text(&issued, "refresh_token");
    let renew = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    let narrow = client.token(&fixture, &[&renew[..], &[("scope", READS)]].concat()).await.expect(200).json();
    // The earlier consent covers the request, so nobody is asked.
    let answer = browser.get(&client.address(&[("scope", READS)])).await;
    let asked = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    for reading in [&narrow, &asked] {
        assert_eq!(reading["scope"], READS);
        let access = text(reading, "access_token");
        fixture.server.get("/api/odata4/Other/Ports").bearer(&access).send().await.expect(200);
        assert_eq!(code(&post(&fixture, "Other", &access).await.expect(403)), "ChangeNotGranted");
        let about = client.post(&fixture, "/oauth2/introspect", &[("token", &access)]).await;
        assert_eq!(about.expect(200).json()["scope"], READS);
    }
    let refresh = text(&asked, "refresh_token");
    let renew = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str()), ("scope", WRITES)];
    assert_eq!(client.token(&fixture, &renew).await.expect(400).json()["error"], "invalid_scope");
    // One that may only read cannot ask for more.
    let reader = Client::register(&fixture, json!({ "scopes": [READS] })).await;
    let refused = browser.get(&reader.address(&[("scope", WRITES)])).await;
    assert!(refused.location().contains("error=invalid_scope"), "{}", refused.location());
}

#[tokio::test]
async fn an_exchanged_token_changes_nothing() {
    const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
    let (fixture, _) = with_writable().await;
    let (client, issued) = with_both_scopes(&fixture).await;
    let policy = json!({ "clients": [client.id], "impersonation": true });
    let members = json!({ "grantTypes": [EXCHANGE], "tokenExchange": policy, "redirectUrls": [] });
    let relay = Client::register_as(&fixture, &ADMIN, members).await;
    let access = text(&issued, "access_token");
    let kind = "urn:ietf:params:oauth:token-type:access_token";
    let fields = [("grant_type", EXCHANGE), ("subject_token", &access), ("subject_token_type", kind)];
    let exchanged = relay.token(&fixture, &fields).await.expect(200).json();
    let token = text(&exchanged, "access_token");
    assert_eq!(code(&post(&fixture, "Other", &token).await.expect(403)), "ChangeNotGranted");
    fixture.server.get("/api/odata4/Other/Ports").bearer(&token).send().await.expect(200);
    assert_eq!(actions(&exchanged), [&json!(["read"]), &json!(["read"])], "{exchanged}");
    let wanted = asks(&["read", "write"]);
    let more = [&fields[..], &[("authorization_details", wanted.as_str())]].concat();
    let refused = relay.token(&fixture, &more).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_authorization_details");
}

/// A text that cannot name a data source may be as long as a request allows.
#[tokio::test]
async fn what_cannot_name_a_data_source_does_not_reach_the_audit_log() {
    let (fixture, _) = with_writable().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let form = asked(&mut browser, &client.address(&[("resource", OTHER)])).await;
    let answer = allow(&mut browser, form).await;
    let issued = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    let access = text(&issued, "access_token");
    post(&fixture, &"x".repeat(129), &access).await.expect(404);
    let long = format!("/api/odata4/{}/Ports", "x".repeat(4_000));
    fixture.server.get(&long).bearer(&access).send().await.expect(404);
    fixture.server.get(&format!("/api/odata4/{}", "y".repeat(128))).bearer(&access).send().await.expect(401);
    let action = Some(Action::RefuseAccess);
    let filter = AuditFilter { action, limit: 10, ..AuditFilter::default() };
    let events = fixture.server.store().list_audit(filter).await.unwrap();
    let subjects: Vec<_> = events.into_iter().filter_map(|event| event.event.subject).collect();
    assert_eq!(subjects, ["y".repeat(128)]);
}
