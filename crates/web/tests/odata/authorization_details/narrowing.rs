//! A user allows less than before.

use super::{Client, OTHER, allow, asked, details, text, with_two_sources};
use crate::fixture::{Fixture, ROOT};
use app::node::clock::Clock as _;
use domain::audit::{Action, NewAuditEvent, Outcome};
use oauth::authorize::DataChange;
use oauth::data_access::DataAccess;
use oauth::scope::BuiltInScope;
use serde_json::{Value, json};
use store::{Applications as _, Grants as _, NewConsent};
use testkit::{ADMIN, Browser, Form, USER};

/// Asks again, whatever was allowed before.
const AGAIN: (&str, &str) = ("prompt", "consent");

/// The form with the box of the second data source unticked.
fn without_second(form: Form) -> Form {
    let second = form.fields.iter().filter(|(name, _)| name == "source").nth(1).unwrap().1.clone();
    form.without("source", &second)
}

/// Allows everything that the page of this request offers.
async fn issued(fixture: &Fixture, browser: &mut Browser<'_>, client: &Client) -> Value {
    let form = asked(browser, &client.address(&[AGAIN])).await;
    let answer = allow(browser, form).await;
    client.exchange(fixture, &answer, &[]).await.expect(200).json()
}

async fn status(fixture: &Fixture, path: &str, tokens: &Value) -> u16 {
    fixture.server.get(path).bearer(&text(tokens, "access_token")).send().await.status()
}

async fn refresh(fixture: &Fixture, client: &Client, tokens: &Value) -> u16 {
    let token = text(tokens, "refresh_token");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    client.token(fixture, &fields).await.status()
}

#[tokio::test]
async fn what_is_unticked_ends_for_tokens_that_were_issued_before() {
    let fixture = with_two_sources().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let wide = issued(&fixture, &mut browser, &client).await;
    let form = asked(&mut browser, &client.address(&[AGAIN])).await;
    let unused = allow(&mut browser, form).await;
    let form = asked(&mut browser, &client.address(&[AGAIN])).await;
    let answer = allow(&mut browser, without_second(form)).await;

    assert_eq!(status(&fixture, &format!("{ROOT}/Ships(1)"), &wide).await, 401);
    assert_eq!(refresh(&fixture, &client, &wide).await, 400);
    let late = client.exchange(&fixture, &unused, &[]).await.expect(400).json();
    assert_eq!(late["error"], "invalid_grant", "a code that reaches more");
    let narrow = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    assert_eq!(status(&fixture, &format!("{ROOT}/Ships(1)"), &narrow).await, 200);
    assert_eq!(status(&fixture, "/api/odata4/Other/Ports", &narrow).await, 403);

    // Another device with the same data, and one with more, end nothing.
    let form = asked(&mut browser, &client.address(&[AGAIN])).await;
    let answer = allow(&mut browser, form).await;
    let same = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    let form = asked(&mut browser, &client.address(&[AGAIN])).await;
    let ticked = form.clone();
    let boxes: Vec<_> = ticked.fields.iter().filter(|(name, _)| name == "source").collect();
    assert_eq!(boxes.len(), 1, "what was unticked before is unticked again");
    for tokens in [&narrow, &same] {
        assert_eq!(status(&fixture, &format!("{ROOT}/Ships(1)"), tokens).await, 200);
        assert_eq!(refresh(&fixture, &client, tokens).await, 200);
    }
}

#[tokio::test]
async fn a_data_source_that_a_request_names_ends_if_it_is_unticked() {
    let fixture = with_two_sources().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let form = asked(&mut browser, &client.address(&[])).await.with("others", "yes");
    let answer = allow(&mut browser, form).await;
    let wide = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    let both = details(&[super::HARBOUR, OTHER], &[]);
    let address = client.address(&[AGAIN, ("authorization_details", &both)]);
    let form = asked(&mut browser, &address).await;
    let answer = allow(&mut browser, without_second(form)).await;
    let narrow = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    assert_eq!(status(&fixture, "/api/odata4/Other/Ports", &wide).await, 401);
    assert_eq!(status(&fixture, &format!("{ROOT}/Ships(1)"), &narrow).await, 200);
    // What the request did not name stays allowed.
    fixture.add_source("Late", "CREATE TABLE Ports (Id INTEGER PRIMARY KEY)").await;
    let answer = browser.get(&client.address(&[])).await;
    let next = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    for (path, expected) in [("/api/odata4/Late/Ports", 200), ("/api/odata4/Other/Ports", 403)] {
        assert_eq!(status(&fixture, path, &next).await, expected, "{path}");
    }
}

/// A token that could read nothing is not issued, whatever grant it comes from.
#[tokio::test]
async fn a_resource_outside_the_chosen_data_is_an_invalid_target() {
    let fixture = with_two_sources().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let form = asked(&mut browser, &client.address(&[])).await;
    let answer = allow(&mut browser, without_second(form)).await;
    let outside = [("resource", OTHER)];
    let refused = client.exchange(&fixture, &answer, &outside).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_target");
    let tokens = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    let refresh = text(&tokens, "refresh_token");
    let renewed = async |resources: &[(&str, &str)]| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        client.token(&fixture, &[&fields, resources].concat()).await
    };
    assert_eq!(renewed(&outside).await.expect(400).json()["error"], "invalid_target");
    let both = [("resource", super::HARBOUR), ("resource", OTHER)];
    let kept = renewed(&both).await.expect(200).json();
    let shown = client.post(&fixture, "/oauth2/introspect", &[("token", &text(&kept, "access_token"))]).await;
    assert_eq!(shown.json()["aud"], super::HARBOUR, "the user has left out the other one");

    let policy = json!({ "clients": [client.id], "impersonation": true });
    let grant = "urn:ietf:params:oauth:grant-type:token-exchange";
    let members = json!({ "grantTypes": [grant], "tokenExchange": policy });
    let service = Client::register_as(&fixture, &ADMIN, members).await;
    let access = text(&tokens, "access_token");
    let exchanged = async |more: &[(&str, &str)]| {
        let fields = [
            ("grant_type", grant),
            ("subject_token", access.as_str()),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ];
        service.token(&fixture, &[&fields, more].concat()).await
    };
    for wrong in [&outside[..], &both, &[("audience", OTHER)]] {
        assert_eq!(exchanged(wrong).await.expect(400).json()["error"], "invalid_target", "{wrong:?}");
    }
    let wanted = details(&[OTHER], &[]);
    let refused = exchanged(&[("authorization_details", &wanted)]).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_authorization_details");
    exchanged(&[("resource", super::HARBOUR)]).await.expect(200);
    exchanged(&[("resource", "http://127.0.0.1:8080/api/odata4")]).await.expect(200);
    exchanged(&[]).await.expect(200);
}

#[tokio::test]
async fn what_is_left_out_at_another_node_ends_here() {
    let fixture = with_two_sources().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let wide = issued(&fixture, &mut browser, &client).await;
    let (server, store) = (&fixture.server, fixture.server.store());
    let user = server.user(&USER).await;
    let application =
        store.find_application_by_client_id(&client.id.parse().unwrap()).await.unwrap().unwrap();
    let now = server.clock().now();
    let new = NewConsent {
        user: user.id,
        user_epoch: user.epoch,
        application: application.id,
        application_epoch: application.epoch,
        scopes: BuiltInScope::OData.into(),
        data: DataChange::instead(Some(DataAccess::default())),
        revocations_expire_at: now.plus_secs(3_600),
    };
    let event = NewAuditEvent::new(Action::AllowApplication, Outcome::Success, now);
    assert_eq!(store.allow(new, event).await.unwrap().unwrap().ended.len(), 1);
    let read = async || status(&fixture, &format!("{ROOT}/Ships(1)"), &wide).await;
    assert_eq!(read().await, 200, "this node has not looked yet");
    server.app().node().refresh().await.unwrap();
    assert_eq!(read().await, 401);
}

#[tokio::test]
async fn a_form_that_says_that_it_has_boxes_allows_only_what_is_ticked() {
    let fixture = with_two_sources().await;
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    for choose in ["", "no", "data"] {
        let mut form = asked(&mut browser, &client.address(&[])).await;
        form.fields.retain(|(name, _)| name != "source" && name != "choose");
        let answer = allow(&mut browser, form.with("choose", choose)).await;
        assert!(answer.text().contains("Choose at least one data source"), "{choose}: {}", answer.text());
    }
}
