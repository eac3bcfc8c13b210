//! Every refusal of access writes one event, at every endpoint.

use std::cell::Cell;

use domain::account::Permission;
use domain::audit::Outcome;
use domain::id::ApplicationId;
use oauth::refusal::Refusal;
use serde_json::json;
use store::{Audit, AuditFilter};
use testkit::{Call, OTHER, TestServer, TestUser, USER};

use crate::client::{APPLICATIONS, Client};

const UNREADABLE: &str = "an Authorization header that cannot be read";
const CONTRADICTORY: &str = "credentials of a client that contradict each other";
const UNANSWERABLE: &str = "an authorization request with an unknown client or an unregistered redirect URL";
const BEYOND: &str = "an authorization request for something that the application is not registered for";

/// A user who may sign in but has no other permission.
const GUEST: TestUser = TestUser { name: "guest", password: "a ticket for the ferry" };

/// An event of a refusal: the user, the application and the reason.
type Expected<'a> = (Option<&'a str>, Option<i64>, &'a str);

struct Scene<'a> {
    server: &'a TestServer,
    seen: Cell<usize>,
}

impl<'a> Scene<'a> {
    async fn at(server: &'a TestServer) -> Self {
        let scene = Self { server, seen: Cell::new(0) };
        scene.seen.set(scene.refusals().await.len());
        scene
    }

    async fn refusals(&self) -> Vec<(Option<String>, Option<i64>, String)> {
        let filter = AuditFilter { limit: 1_000, ..AuditFilter::default() };
        let mut events = self.server.store().list_audit(filter).await.unwrap();
        events.reverse();
        let refused = events.into_iter().map(|written| written.event);
        let refused = refused.filter(|event| event.outcome == Outcome::Refused).map(|event| {
            assert!(event.address.is_some() && event.request_id.is_some(), "{event:?}");
            let application = event.application.map(ApplicationId::get);
            (event.actor_name, application, event.detail.unwrap_or_default())
        });
        refused.collect()
    }

    /// Checks that the request gets this status and writes exactly this event.
    async fn leaves(&self, call: Call<'_>, status: u16, (who, application, why): Expected<'_>) {
        // The same refusal is recorded at most ten times a minute.
        self.server.clock().advance_secs(6);
        let answer = call.send().await;
        let all = self.refusals().await;
        let expected = [(who.map(str::to_owned), application, why.to_owned())];
        assert_eq!(all[self.seen.get()..], expected, "{} {}", answer.status(), answer.text());
        assert_eq!(answer.status(), status, "{why}: {}", answer.text());
        self.seen.set(all.len());
    }

    /// Checks that a request that is not refused access, or is only malformed, writes no event.
    async fn leaves_nothing(&self, call: Call<'_>, status: u16) {
        let answer = call.send().await;
        assert_eq!(answer.status(), status, "{}", answer.text());
        assert_eq!(self.refusals().await[self.seen.get()..], [], "{}", answer.text());
    }
}

#[tokio::test]
async fn every_refused_client_request_writes_one_event() {
    let server = TestServer::start().await;
    let (client, public) = (Client::register(&server).await, Client::public(&server).await);
    let foreign = Client::register(&server).await.tokens(&server).await;
    let (id, secret) = (client.identifier.as_str(), client.secret.as_deref().unwrap());
    let scene = Scene::at(&server).await;
    for path in ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"] {
        for header in ["Basic %%%", "Basic", "Bearer x", "Basic bm8gY29sb24="] {
            let call = server.post(path).header("authorization", header).form(&[("a", "b")]);
            scene.leaves(call, 401, (None, None, UNREADABLE)).await;
        }
        let twice = server.post(path).basic_as(id, secret).basic_as(id, secret).form(&[("a", "b")]);
        scene.leaves(twice, 400, (None, None, UNREADABLE)).await;
        for fields in [
            &[("client_secret", secret)][..],
            &[("client_id", "another")],
            &[("client_id", id), ("client_id", id)],
            &[("client_secret", "a"), ("client_secret", "b")],
        ] {
            let call = server.post(path).basic_as(id, secret).form(fields);
            scene.leaves(call, 400, (None, None, CONTRADICTORY)).await;
        }
        let unnamed = server.post(path).form(&[("a", "b")]);
        scene.leaves(unnamed, 401, (None, None, "a request that names no client")).await;
        let wrong = server.post(path).form(&[("client_id", id), ("client_secret", "wrong")]);
        let why = &Refusal::WrongSecret.to_string();
        scene.leaves(wrong, 400, (None, Some(client.id), why)).await;
        let malformed = server.post(path).basic_as(id, secret).form(&[("a", "b")]);
        scene.leaves_nothing(malformed, 400).await;
    }
    let own = Some(client.id);
    for token in [&foreign.access, &foreign.refresh] {
        for path in ["/oauth2/introspect", "/oauth2/revoke"] {
            let call = server.post(path).basic_as(id, secret).form(&[("token", token)]);
            scene.leaves(call, 200, (None, own, "a token of another application")).await;
        }
    }
    let named = [("client_id", public.identifier.as_str()), ("token", "x")];
    let request = server.post("/oauth2/introspect").form(&named);
    scene.leaves(request, 400, (None, Some(public.id), "a public application that asks about a token")).await;
    let unknown = server.post("/oauth2/introspect").basic_as(id, secret).form(&[("token", "sga_x")]);
    scene.leaves_nothing(unknown, 200).await;
}

#[tokio::test]
async fn every_refused_token_request_writes_one_event() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    let (id, secret) = (client.identifier.as_str(), client.secret.as_deref().unwrap());
    let scene = Scene::at(&server).await;
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    let ask = |fields: &[(&str, &str)]| server.post("/oauth2/token").basic_as(id, secret).form(fields);
    let wider = [&refresh[..], &[("scope", "api.mgmt")]].concat();
    let why = &Refusal::ScopeWidened.to_string();
    scene.leaves(ask(&wider), 400, (Some(USER.name), Some(client.id), why)).await;
    let why = &Refusal::GrantTypeNotRegistered("client_credentials").to_string();
    let service = ask(&[("grant_type", "client_credentials")]);
    scene.leaves(service, 400, (None, Some(client.id), why)).await;
    let forged = ask(&[("grant_type", "refresh_token"), ("refresh_token", "sgr_x")]);
    let why = &Refusal::RefreshTokenForged.to_string();
    scene.leaves(forged, 400, (None, Some(client.id), why)).await;
    scene.leaves_nothing(ask(&[&refresh[..], &[("scope", "nonsense")]].concat()), 400).await;
    scene.leaves_nothing(ask(&[("grant_type", "nonsense")]), 400).await;
}

#[tokio::test]
async fn every_refusal_at_authorize_writes_one_event() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let url = client.authorize_url(&[]);
    let scene = Scene::at(&server).await;
    let unknown = "/oauth2/authorize?response_type=code&client_id=3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    scene.leaves(server.get(unknown), 400, (None, None, UNANSWERABLE)).await;
    let elsewhere = url.replace("client.example", "evil.example");
    scene.leaves(server.get(&elsewhere), 400, (None, None, UNANSWERABLE)).await;
    let beyond = client.authorize_url(&[("scope", "api.mgmt")]);
    scene.leaves(server.get(&beyond), 200, (None, None, BEYOND)).await;
    let cookie = format!("sluicegate={}", server.session(&USER).await);
    let signed_in = server.get(&beyond).header("cookie", &cookie);
    scene.leaves(signed_in, 303, (Some(USER.name), None, BEYOND)).await;
    for header in ["Basic %%%", "Basic", "Basic bm8gY29sb24="] {
        let call = server.get(&url).header("authorization", header);
        scene.leaves(call, 401, (None, None, UNREADABLE)).await;
    }
    for header in ["Digest x", "Bearer x"] {
        let call = server.get(&url).header("authorization", header);
        scene.leaves(call, 200, (None, None, UNREADABLE)).await;
    }
    scene.leaves(server.get(&url).basic(&USER).basic(&OTHER), 200, (None, None, UNREADABLE)).await;
    let led = server.get(&url).basic(&USER).header("sec-fetch-site", "cross-site");
    let why = "Basic credentials that a page or a link gave to a browser";
    scene.leaves(led, 200, (None, None, why)).await;
    let wrong = server.get(&url).basic_as(USER.name, "wrong");
    scene.leaves(wrong, 401, (Some(USER.name), None, "wrong password")).await;
    scene.leaves_nothing(server.get(&url), 200).await;
    scene.leaves_nothing(server.get(&client.authorize_url(&[("prompt", "none")])), 303).await;
    scene.leaves_nothing(server.get("/oauth2/authorize?client_id=a&client_id=b"), 400).await;
}

#[tokio::test]
async fn every_refused_page_request_writes_one_event() {
    let server = TestServer::start().await;
    let nobody = server.add_role("nobody", &[Permission::WebUI]).await;
    server.add_user(&GUEST, &[nobody]).await;
    let path = server.sqlite_file("sample.db", "CREATE TABLE T (Id INTEGER PRIMARY KEY)");
    let source =
        json!({ "name": "pier", "dataStore": 1, "connectionType": "Cloud", "options": { "path": path } });
    server.post("/api/mgmt/datasources").basic(&USER).json(&source).send().await.expect(201);
    let scene = Scene::at(&server).await;
    scene.leaves(server.get(APPLICATIONS).basic(&GUEST), 403, (Some("guest"), None, "lacks MgmtAPI")).await;
    let dead = server.get(APPLICATIONS).header("cookie", "sluicegate=sgs_x");
    scene.leaves(dead, 401, (None, None, "a session cookie without a live session")).await;
    let on_behalf = server.get(&format!("{APPLICATIONS}?user=other")).basic(&USER);
    scene.leaves(on_behalf, 403, (Some(USER.name), None, "may not act for another user")).await;
    let users = server.get("/api/admin/users").basic(&USER);
    scene.leaves(users, 403, (Some(USER.name), None, "lacks ViewUsers")).await;
    let searched = server.get("/api/mgmt/datasources/1/sharedUsers?query=a").basic(&USER);
    scene.leaves(searched, 403, (Some(USER.name), None, "lacks ViewUsers")).await;
    let data = server.get("/api/odata4/pier").basic(&GUEST);
    scene.leaves(data, 403, (Some("guest"), None, "lacks UseDataSourceWithOData")).await;
    let session = server.session(&GUEST).await;
    let cookie = format!("sluicegate={session}");
    let token = server.app().authentication().csrf_token(&session);
    let fields =
        [("csrf", token.expose()), ("current", GUEST.password), ("new", "a b c d e"), ("again", "a b c d e")];
    let change = server.post("/account/password").header("cookie", &cookie).form(&fields);
    scene.leaves(change, 400, (Some("guest"), None, "lacks ChangePassword")).await;
    let owner = format!("sluicegate={}", server.session(&USER).await);
    let page = server.get("/account/applications/7/revoke").header("cookie", &owner);
    let why = "the user has not allowed an application with that id";
    scene.leaves(page, 404, (Some(USER.name), None, why)).await;
    let wide = json!({ "name": "Q", "redirectUrls": ["https://c.example/cb"], "scopes": ["api.mgmt"] });
    let why = "a scope that only an Administrator may assign";
    let register = server.post(APPLICATIONS).basic(&USER).json(&wide);
    scene.leaves(register, 400, (Some(USER.name), None, why)).await;
    let hosts = json!({ "name": "Q", "dataStore": 1, "connectionType": "Cloud", "options": { "path": "/etc/hosts" } });
    let why = "a data source over a file that the caller may not have served";
    let over_hosts = server.post("/api/mgmt/datasources").basic(&USER).json(&hosts);
    scene.leaves(over_hosts, 400, (Some(USER.name), None, why)).await;
    // Without credentials there is nothing to refuse.
    for path in [APPLICATIONS, "/api/odata4/pier"] {
        scene.leaves_nothing(server.get(path), 401).await;
    }
}
