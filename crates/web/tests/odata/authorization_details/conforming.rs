//! What does not conform to the type `data_source` ([RFC 9396 §5](https://www.rfc-editor.org/rfc/rfc9396#section-5)).

use super::{
    CALLBACK, Client, HARBOUR, OTHER, allow, asked, asked_for_device, details, text, with_two_sources,
};
use crate::fixture::Fixture;
use app::node::clock::Clock as _;
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, ClientKey, USER};

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const CIBA: &str = "urn:openid:params:grant-type:ciba";
const INVALID: &str = "invalid_authorization_details";

fn assert_invalid(answer: &Answer, why: &str) {
    assert_eq!(answer.json()["error"], INVALID, "{why}: {}", answer.text());
    assert_eq!(answer.status(), 400, "{why}");
}

async fn client(fixture: &Fixture, key: &ClientKey) -> Client {
    let members = json!({
        "grantTypes": ["authorization_code", "refresh_token", "client_credentials", DEVICE, CIBA],
        "scopes": ["odata", "openid"],
        "jwks": { "keys": [key.jwk()] },
    });
    Client::register_as(fixture, &ADMIN, members).await
}

#[tokio::test]
async fn what_does_not_conform_is_refused_at_every_endpoint() {
    let fixture = with_two_sources().await;
    let key = ClientKey::new(1);
    let client = client(&fixture, &key).await;
    let element = |members: Value| {
        let mut element = json!({ "type": "data_source" });
        element.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        json!([element])
    };
    for wrong in [
        element(json!({ "rows": 3 })),
        element(json!({ "locations": [HARBOUR], "except_locations": [OTHER] })),
        element(json!({ "locations": [HARBOUR], "actions": ["write"] })),
        element(json!({ "locations": [HARBOUR], "actions": ["read", "delete"] })),
        element(json!({ "locations": [HARBOUR], "actions": "read" })),
        element(json!({ "locations": [HARBOUR], "datatypes": [""] })),
        element(json!({ "locations": [HARBOUR, "http://127.0.0.1:8080/api/odata4/Unknown"] })),
        element(json!({ "locations": ["http://127.0.0.1:8080/api/odata4"] })),
        json!([{ "type": "data_source" }, { "type": "payment" }]),
    ] {
        let sent = wrong.to_string();
        let asking = [("authorization_details", sent.as_str())];
        let redirected = fixture.server.get(&client.address(&asking)).basic(&testkit::USER).send().await;
        assert!(redirected.location().contains(&format!("error={INVALID}")), "{sent}");
        let claims = json!({
            "iss": client.id, "client_id": client.id, "aud": "http://127.0.0.1:8080",
            "exp": fixture.server.clock().now().as_secs() + 60,
            "response_type": "code", "redirect_uri": CALLBACK, "authorization_details": wrong,
        });
        let header = json!({ "alg": "EdDSA", "typ": "oauth-authz-req+jwt" });
        let object = key.sign_with_header(&header, &claims);
        let redirected =
            fixture.server.get(&client.address(&[("request", &object)])).basic(&testkit::USER).send().await;
        assert!(redirected.location().contains(&format!("error={INVALID}")), "{sent}");
        let pushed = [("response_type", "code"), ("redirect_uri", CALLBACK), asking[0]];
        assert_invalid(&client.post(&fixture, "/oauth2/par", &pushed).await, &sent);
        let pushed = client.post(&fixture, "/oauth2/par", &[("request", &object)]).await;
        assert_invalid(&pushed, &sent);
        assert_invalid(&client.post(&fixture, "/oauth2/device_authorization", &asking).await, &sent);
        let hinted = [("scope", "openid odata"), ("login_hint", USER.name), asking[0]];
        assert_invalid(&client.post(&fixture, "/oauth2/bc-authorize", &hinted).await, &sent);
        let own = [("grant_type", "client_credentials"), asking[0]];
        assert_invalid(&client.token(&fixture, &own).await, &sent);
    }
}

/// Before, it would tell strangers how the database is built.
#[tokio::test]
async fn an_unknown_entity_set_is_refused_when_its_reader_has_signed_in() {
    let fixture = with_two_sources().await;
    let client = Client::register(&fixture, json!({})).await;
    let unknown = details(&[HARBOUR], &["Ships", "Nothing"]);
    let address = client.address(&[("authorization_details", &unknown)]);
    let mut browser = fixture.server.browser();
    let form = browser.get(&address).await.expect(200).text().contains("login-submit");
    assert!(form, "nobody has signed in yet");
    let answer = browser.sign_in(&USER).await;
    assert!(answer.location().contains(&format!("error={INVALID}")), "{}", answer.text());
    // Whoever cannot read it learns nothing.
    let mut other = fixture.server.browser();
    other.get(&address).await.expect(200);
    assert!(other.sign_in(&testkit::OTHER).await.expect(200).text().contains("no-data"));

    let form = asked(&mut browser, &client.address(&[])).await;
    let answer = allow(&mut browser, form).await;
    let refused = client.exchange(&fixture, &answer, &[("authorization_details", &unknown)]).await;
    assert_invalid(&refused, "a code");
    let issued = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
    let refresh = text(&issued, "refresh_token");
    let renewed = async |wanted: &str| {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.as_str()),
            ("authorization_details", wanted),
        ];
        client.token(&fixture, &fields).await
    };
    assert_invalid(&renewed(&unknown).await, "a refresh");
    renewed(&details(&[HARBOUR], &["Ships"])).await.expect(200);
}

/// A token that is limited to data which its user cannot read would reach nothing.
#[tokio::test]
async fn client_credentials_name_only_data_that_their_owner_can_read() {
    let fixture = with_two_sources().await;
    let members = json!({ "grantTypes": ["client_credentials"] });
    let client = Client::register_as(&fixture, &testkit::OTHER, members).await;
    for wanted in
        [details(&[HARBOUR], &[]), details(&[HARBOUR], &["Ships"]), details(&[HARBOUR], &["Nothing"])]
    {
        let fields = [("grant_type", "client_credentials"), ("authorization_details", wanted.as_str())];
        let refused = client.token(&fixture, &fields).await;
        assert_invalid(&refused, &wanted);
        let reported = refused.json()["error_description"].as_str().unwrap().to_owned();
        assert_eq!(reported, "authorization_details names data that was not granted");
    }
}

/// What could read nothing is refused before anybody is asked.
#[tokio::test]
async fn resources_and_locations_must_have_something_in_common() {
    let fixture = with_two_sources().await;
    let client = client(&fixture, &ClientKey::new(1)).await;
    let wanted = details(&[HARBOUR], &[]);
    let apart = [("authorization_details", wanted.as_str()), ("resource", OTHER)];
    let redirected = fixture.server.get(&client.address(&apart)).basic(&testkit::USER).send().await;
    assert!(redirected.location().contains("error=invalid_target"), "{}", redirected.text());
    let target = |answer: Answer| assert_eq!(answer.expect(400).json()["error"], "invalid_target");
    let request = [("response_type", "code"), ("redirect_uri", CALLBACK)];
    target(client.post(&fixture, "/oauth2/par", &[&request[..], &apart].concat()).await);
    target(client.post(&fixture, "/oauth2/device_authorization", &apart).await);
    let hinted = [("scope", "openid odata"), ("login_hint", USER.name)];
    target(client.post(&fixture, "/oauth2/bc-authorize", &[&hinted[..], &apart].concat()).await);
    let service = Client::register(&fixture, json!({ "grantTypes": ["client_credentials"] })).await;
    target(service.token(&fixture, &[&[("grant_type", "client_credentials")][..], &apart].concat()).await);
    for more in [HARBOUR, "http://127.0.0.1:8080/api/odata4"] {
        let together = [apart[0], ("resource", more)];
        client.post(&fixture, "/oauth2/par", &[&request[..], &together].concat()).await.expect(201);
    }
}

/// Nobody has signed in when a device asks, so its request is not refused; the page offers what exists.
#[tokio::test]
async fn the_page_of_a_device_offers_only_entity_sets_that_exist() {
    let fixture = with_two_sources().await;
    let client = client(&fixture, &ClientKey::new(1)).await;
    let wanted = details(&[HARBOUR], &["Nothing", "Ships"]);
    let asking = [("authorization_details", wanted.as_str())];
    let codes = client.post(&fixture, "/oauth2/device_authorization", &asking).await.expect(200).json();
    let mut browser = fixture.server.browser();
    let form = asked_for_device(&mut browser, &codes).await;
    let entities: Vec<_> = form.fields.iter().filter(|(name, _)| name == "entity").collect();
    assert_eq!(entities.len(), 1, "{form:?}");
    assert!(entities[0].1.ends_with(".1"), "its position in the request: {form:?}");
    // A page that showed both is still understood.
    let harbour = entities[0].1.split('.').next().unwrap().to_owned();
    allow(&mut browser, form.with("entity", &format!("{harbour}.0"))).await.expect(200);
    fixture.server.clock().advance_secs(5);
    let code = text(&codes, "device_code");
    let poll = [("grant_type", DEVICE), ("device_code", code.as_str())];
    let issued = client.token(&fixture, &poll).await.expect(200).json();
    assert_eq!(issued["authorization_details"][0]["datatypes"], json!(["Ships"]));
}
