//! What later consents do to the right to change data that a user gave before.

use super::*;

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const ANY_READ: &str = r#"[{"type":"data_source","actions":["read"]}]"#;
const ANY_WRITE: &str = r#"[{"type":"data_source","actions":["read","write"]}]"#;

/// A user who has allowed an application to change the second data source.
struct Allowed {
    fixture: Fixture,
    other: DataSource,
    client: Client,
    /// The first tokens.
    first: Value,
}

impl Allowed {
    async fn new(more: &[(&str, &str)]) -> Self {
        let (fixture, other) = with_writable().await;
        let members = json!({
            "scopes": [WRITES, READS], "grantTypes": ["authorization_code", "refresh_token", DEVICE],
        });
        let client = Client::register(&fixture, members).await;
        let mut browser = fixture.server.browser();
        let form = asked(&mut browser, &client.address(more)).await;
        let answer = allow(&mut browser, form.with("changes", "yes")).await;
        let first = client.exchange(&fixture, &answer, &[]).await.expect(200).json();
        assert_eq!(change(&fixture, &first).await, 201);
        Self { fixture, other, client, first }
    }

    async fn signed_in(&self) -> Browser<'_> {
        let mut browser = self.fixture.server.browser();
        browser.get("/account").await;
        browser.sign_in(&USER).await;
        browser
    }

    /// The tokens of a request that the earlier consent covers.
    async fn unasked(&self, more: &[(&str, &str)]) -> Value {
        let answer = self.signed_in().await.get(&self.client.address(more)).await;
        self.client.exchange(&self.fixture, &answer, &[]).await.expect(200).json()
    }

    /// The tokens of a request whose page is submitted as it is shown.
    async fn asked(&self, more: &[(&str, &str)]) -> Value {
        let mut browser = self.signed_in().await;
        let form = asked(&mut browser, &self.client.address(more)).await;
        assert!(!has_box(&browser), "{more:?}");
        let answer = allow(&mut browser, form).await;
        self.client.exchange(&self.fixture, &answer, &[]).await.expect(200).json()
    }

    async fn on_a_device(&self, more: &[(&str, &str)]) -> (Value, Browser<'_>, Form) {
        let codes = self.client.post(&self.fixture, "/oauth2/device_authorization", more).await;
        let codes = codes.expect(200).json();
        let mut browser = self.fixture.server.browser();
        let form = asked_for_device(&mut browser, &codes).await;
        (codes, browser, form)
    }

    async fn polled(&self, codes: &Value) -> Value {
        self.fixture.server.clock().advance_secs(5);
        let code = text(codes, "device_code");
        let poll = [("grant_type", DEVICE), ("device_code", code.as_str())];
        self.client.token(&self.fixture, &poll).await.expect(200).json()
    }

    async fn first_may_still_change(&self) -> bool {
        match change(&self.fixture, &self.first).await {
            201 => true,
            401 => false,
            status => panic!("{status}"),
        }
    }
}

async fn change(fixture: &Fixture, tokens: &Value) -> u16 {
    post(fixture, "Other", &text(tokens, "access_token")).await.status()
}

#[tokio::test]
async fn a_request_that_only_reads_gets_no_more_and_takes_nothing_away() {
    let user = Allowed::new(&[("scope", WRITES)]).await;
    let reads = asks(&["read"]);
    for more in [&[("authorization_details", ANY_READ)][..], &[("authorization_details", &reads)]] {
        assert_eq!(change(&user.fixture, &user.unasked(more).await).await, 403, "{more:?}");
    }
    let again = ("prompt", "consent");
    for more in [
        &[("scope", READS), again][..],
        &[("authorization_details", ANY_READ), again],
        &[("authorization_details", &reads), again],
    ] {
        assert_eq!(change(&user.fixture, &user.asked(more).await).await, 403, "{more:?}");
        assert!(user.first_may_still_change().await, "{more:?}");
        let next = user.unasked(&[("scope", WRITES)]).await;
        assert_eq!(change(&user.fixture, &next).await, 201, "the consent still says so after {more:?}");
    }
}

#[tokio::test]
async fn a_device_that_only_reads_takes_nothing_away_either() {
    let user = Allowed::new(&[("scope", WRITES)]).await;
    for more in [&[("scope", READS)][..], &[("scope", WRITES), ("authorization_details", ANY_READ)]] {
        let (codes, mut browser, form) = user.on_a_device(more).await;
        assert!(!has_box(&browser), "{more:?}");
        allow(&mut browser, form).await.expect(200);
        assert_eq!(change(&user.fixture, &user.polled(&codes).await).await, 403, "{more:?}");
        assert!(user.first_may_still_change().await, "{more:?}");
        let next = user.unasked(&[("scope", WRITES)]).await;
        assert_eq!(change(&user.fixture, &next).await, 201, "the consent still says so after {more:?}");
    }
}

#[tokio::test]
async fn who_leaves_the_box_of_a_device_unticked_ends_what_other_devices_may_change() {
    let user = Allowed::new(&[("scope", WRITES)]).await;
    for (more, ticks) in [(ANY_WRITE, true), (ANY_WRITE, false)] {
        let asking = [("scope", WRITES), ("authorization_details", more)];
        let (codes, mut browser, form) = user.on_a_device(&asking).await;
        let page = browser.page().text().to_owned();
        assert!(has_box(&browser) && page.contains("It may change data now in <bdi>Other</bdi>"), "{page}");
        let form = if ticks { form.with("changes", "yes") } else { form };
        allow(&mut browser, form).await.expect(200);
        let status = if ticks { 201 } else { 403 };
        assert_eq!(change(&user.fixture, &user.polled(&codes).await).await, status);
        assert_eq!(user.first_may_still_change().await, ticks);
    }
}

#[tokio::test]
async fn the_right_to_change_ends_where_the_application_reads_more_and_the_page_says_so() {
    let ports = json!([{
        "type": "data_source", "locations": [OTHER], "actions": ["read", "write"], "datatypes": ["Ports"],
    }]);
    let user = Allowed::new(&[("authorization_details", &ports.to_string())]).await;
    let more = asks(&["read"]);
    let mut browser = user.signed_in().await;
    let form = asked(&mut browser, &user.client.address(&[("authorization_details", &more)])).await;
    let page = browser.page().text().to_owned();
    assert!(page.contains("changes-end") && page.contains("if you let it read more there"), "{page}");
    let answer = allow(&mut browser, form).await;
    let issued = user.client.exchange(&user.fixture, &answer, &[]).await.expect(200).json();
    assert_eq!(change(&user.fixture, &issued).await, 403);
    assert!(!user.first_may_still_change().await);
}

#[tokio::test]
async fn the_box_decides_about_the_data_sources_that_were_shown_beside_it() {
    let user = Allowed::new(&[("scope", WRITES)]).await;
    let address = user.client.address(&[("scope", WRITES), ("prompt", "consent")]);
    let mut browser = user.signed_in().await;
    user.fixture.set_writable(&user.other, false).await;
    let form = asked(&mut browser, &address).await;
    assert!(!has_box(&browser));
    user.fixture.set_writable(&user.other, true).await;
    // A form that nobody was shown.
    let answer = allow(&mut browser, form.with("changes", "yes")).await;
    let issued = user.client.exchange(&user.fixture, &answer, &[]).await.expect(200).json();
    assert_eq!(change(&user.fixture, &issued).await, 403, "nobody was asked about this data source");
    assert!(user.first_may_still_change().await, "and nobody took it away");

    let late = user.fixture.add_source("Late", TABLES).await;
    let form = asked(&mut browser, &address).await.with("source", &late.id.to_string());
    user.fixture.set_writable(&late, true).await;
    let answer = allow(&mut browser, form.with("changes", "yes")).await;
    let issued = user.client.exchange(&user.fixture, &answer, &[]).await.expect(200).json();
    let access = text(&issued, "access_token");
    post(&user.fixture, "Other", &access).await.expect(201);
    assert_eq!(code(&post(&user.fixture, "Late", &access).await.expect(403)), "ChangeNotGranted");
}

#[tokio::test]
async fn actions_count_without_locations() {
    let user = Allowed::new(&[("scope", WRITES)]).await;
    let refresh = text(&user.first, "refresh_token");
    let renew = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    for (details, status) in [(ANY_READ, 403), (ANY_WRITE, 201)] {
        let fields = [&renew[..], &[("authorization_details", details)]].concat();
        let issued = user.client.token(&user.fixture, &fields).await.expect(200).json();
        assert_eq!(change(&user.fixture, &issued).await, status, "{details}");
    }
    let mut browser = user.signed_in().await;
    for (details, expected) in [(ANY_READ, false), (ANY_WRITE, true)] {
        let more = [("authorization_details", details), ("prompt", "consent")];
        asked(&mut browser, &user.client.address(&more)).await;
        assert_eq!(has_box(&browser), expected, "{details}");
    }
    // Nobody is asked about client credentials.
    let members = json!({ "grantTypes": ["client_credentials"], "scopes": [WRITES] });
    let service = Client::register(&user.fixture, members).await;
    let fields = [("grant_type", "client_credentials"), ("authorization_details", ANY_WRITE)];
    let refused = service.token(&user.fixture, &fields).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_authorization_details");
    // A device that may only read cannot ask for more.
    let members = json!({ "grantTypes": [DEVICE], "scopes": [READS] });
    let reader = Client::register(&user.fixture, members).await;
    let fields = [("scope", READS), ("authorization_details", ANY_WRITE)];
    reader.post(&user.fixture, "/oauth2/device_authorization", &fields).await.expect(400);
}

#[tokio::test]
async fn the_page_and_the_audit_log_name_what_may_be_changed() {
    let user = Allowed::new(&[("scope", WRITES)]).await;
    let action = Some(domain::audit::Action::AllowApplication);
    let audited = async || {
        let filter = store::AuditFilter { action, limit: 1, ..store::AuditFilter::default() };
        let mut events = store::Audit::list_audit(user.fixture.server.store(), filter).await.unwrap();
        events.remove(0).event.detail.unwrap()
    };
    assert_eq!(audited().await, "data: Harbour, Other; may change: Other");
    let mut browser = user.signed_in().await;
    let page = browser.get("/account/applications").await.expect(200).text().to_owned();
    assert!(page.contains("<dt>May change</dt><dd><bdi>Other</bdi>"), "{page}");
    let again = [("scope", WRITES), ("prompt", "consent")];
    let form = asked(&mut browser, &user.client.address(&again)).await;
    let page = browser.page().text().to_owned();
    assert!(page.contains("edit and delete entries in <bdi>Other</bdi>"), "{page}");
    assert!(page.contains("It may change data now in <bdi>Other</bdi>. Unless you tick"), "{page}");
    allow(&mut browser, form).await;
    assert_eq!(audited().await, "data: Harbour, Other; may no longer change: Other");
    let page = browser.get("/account/applications").await.expect(200).text().to_owned();
    assert!(!page.contains("May change"), "{page}");
}

#[tokio::test]
async fn long_lists_of_what_may_be_changed_are_folded() {
    let fixture = Fixture::open().await;
    for number in 0..33 {
        let source = fixture.add_source(&format!("Pier{number}"), TABLES).await;
        fixture.set_writable(&source, true).await;
    }
    let client = Client::register(&fixture, json!({})).await;
    let mut browser = fixture.server.browser();
    let form = asked(&mut browser, &client.address(&[("prompt", "consent")])).await;
    let folded = "<details><summary>33 data sources</summary>";
    let page = browser.page().text().to_owned();
    assert!(page.contains(folded) && page.contains("in those of the following that are ticked"), "{page}");
    let form = form.with("all", "yes").with("changes", "yes");
    let issued = client.exchange(&fixture, &allow(&mut browser, form).await, &[]).await.expect(200).json();
    post(&fixture, "Pier32", &text(&issued, "access_token")).await.expect(201);
    let page = browser.get("/account/applications").await.expect(200).text().to_owned();
    assert!(page.contains(&format!("<dt>May change</dt><dd>{folded}")), "{page}");
    asked(&mut browser, &client.address(&[("prompt", "consent")])).await;
    let page = browser.page().text().to_owned();
    assert!(page.contains(&format!("It may change data now in {folded}")), "{page}");
}
