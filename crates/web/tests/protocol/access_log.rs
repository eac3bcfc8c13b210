//! The access log names the caller and the application if they are authenticated, and nobody otherwise.

use domain::id::ApplicationId;
use http::Method;
use oauth::scope::{BuiltInScope, ScopeSet};
use serde_json::json;
use testkit::{Call, Logged, TestServer, USER};

use crate::client::{Client, S256, allow, password_fields};

/// The method and path of every route, with an id that does not exist.
fn routes() -> Vec<(Method, String)> {
    let source = include_str!("../../src/routes.rs");
    let lines = source.lines().filter_map(|line| line.trim().strip_prefix(".route(\"")?.split_once("\","));
    let mut all = Vec::new();
    for (path, handlers) in lines {
        let path = path.split('/').map(|part| if part.starts_with('{') { "999" } else { part });
        let path = path.collect::<Vec<_>>().join("/");
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
            let name = method.as_str().to_lowercase();
            if handlers.trim().starts_with(&format!("{name}(")) || handlers.contains(&format!(".{name}(")) {
                all.push((method, path.clone()));
            }
        }
    }
    all
}

fn speaks_oauth(path: &str) -> bool {
    path.contains("/oauth2/") || path.starts_with("/.well-known")
}

/// Whether the address does not support the method, which is said before anybody asks who calls. Only two addresses of data
/// support POST.
fn is_wrong_method((method, path): &(Method, String)) -> bool {
    *method == Method::POST && path.starts_with("/api/odata4/")
}

fn is_for_programs(path: &str) -> bool {
    path.starts_with("/api/") && !speaks_oauth(path)
}

struct Scene {
    server: TestServer,
    logged: Logged,
}

impl Scene {
    async fn new() -> Self {
        let mut setup = testkit::Setup::default();
        setup.app.rates.enabled = false;
        Self { server: TestServer::start_with(setup).await, logged: Logged::here() }
    }

    /// The user and the application in the log line of the request.
    async fn named(&self, call: Call<'_>) -> (Option<String>, Option<String>) {
        self.logged.take("access");
        let answer = call.send().await;
        let lines = self.logged.take("access");
        let [line] = &lines[..] else { panic!("{lines:?} for {}", answer.status()) };
        (line.get("user").map(str::to_owned), line.get("application").map(str::to_owned))
    }

    fn call(&self, method: &Method, path: &str) -> Call<'_> {
        let call = self.server.call(method.clone(), path);
        if *method == Method::GET { call } else { call.json(&json!({})) }
    }
}

#[tokio::test]
async fn the_log_of_every_api_route_names_the_authenticated_caller() {
    let scene = Scene::new().await;
    let scopes: ScopeSet = [BuiltInScope::OData, BuiltInScope::Management].into_iter().collect();
    let token = scene.server.access_token(&USER, ApplicationId::new(1), scopes).await;
    let user = Some(USER.name.to_owned());
    let routes = routes();
    let routes = routes.iter().filter(|route| is_for_programs(&route.1) && !is_wrong_method(route));
    let routes: Vec<_> = routes.collect();
    assert!(routes.len() > 50, "the routes are read from their source: {routes:?}");
    for (method, path) in routes {
        let named = scene.named(scene.call(method, path).basic(&USER)).await;
        assert_eq!(named, (user.clone(), None), "Basic, {method} {path}");
        let named = scene.named(scene.call(method, path).bearer(&token)).await;
        assert_eq!(named, (user.clone(), Some("1".to_owned())), "bearer, {method} {path}");
        if !path.starts_with("/api/odata4") {
            let cookie = format!("sluicegate={}", scene.server.session(&USER).await);
            let named = scene.named(scene.call(method, path).header("cookie", &cookie)).await;
            assert_eq!(named, (user.clone(), None), "cookie, {method} {path}");
        }
    }
}

#[tokio::test]
async fn the_log_of_every_page_names_the_user_of_the_session() {
    let scene = Scene::new().await;
    let client = Client::register(&scene.server).await;
    let session = scene.server.session(&USER).await;
    let cookie = format!("sluicegate={session}");
    let forged = [("csrf", "forged"), ("request", ""), ("decision", "allow")];
    for (method, path) in routes() {
        let is_session_s = path.starts_with("/account") || path == "/logout" || path == "/oauth2/consent";
        if !is_session_s {
            continue;
        }
        let call = scene.server.call(method.clone(), &path).header("cookie", &cookie);
        let call = if method == Method::GET { call } else { call.form(&forged) };
        let named = scene.named(call).await;
        assert_eq!(named, (Some(USER.name.to_owned()), None), "{method} {path}");
    }
    let request = scene.server.get(&client.authorize_url(&[])).header("cookie", &cookie);
    let named = scene.named(request).await;
    assert_eq!(named, (Some(USER.name.to_owned()), Some(client.id.to_string())));
    let by_basic = scene.server.get(&client.authorize_url(&[])).basic(&USER);
    let named = scene.named(by_basic).await;
    assert_eq!(named, (Some(USER.name.to_owned()), Some(client.id.to_string())));
}

#[tokio::test]
async fn the_log_names_user_and_application_at_each_step_of_a_flow() {
    let scene = Scene::new().await;
    let server = &scene.server;
    let client = Client::register(server).await;
    let (user, application) = (Some(USER.name), Some(client.id.to_string()));
    let _ = scene.logged.take("access");
    allow(&mut server.browser(), &USER, &client.authorize_url(&S256)).await;
    let lines = scene.logged.take("access");
    let response: Vec<_> = lines.iter().map(|line| (line.get("path").unwrap(), line.get("user"))).collect();
    let expected = [
        ("/oauth2/authorize", None),
        ("/login", user),
        ("/oauth2/authorize", user),
        ("/oauth2/consent", user),
    ];
    assert_eq!(response, expected);
    assert_eq!(lines[3].get("application"), application.as_deref());
    let tokens = client.tokens(server).await;
    let (id, secret) = (client.identifier.as_str(), client.secret.as_deref().unwrap());
    let post = |path: &str, fields: &[(&str, &str)]| server.post(path).basic_as(id, secret).form(fields);
    let both = (user.map(str::to_owned), application.clone());
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    for (path, fields) in [
        ("/oauth2/token", &refresh[..]),
        ("/oauth2/token", &password_fields(&USER)[..]),
        ("/oauth2/introspect", &[("token", tokens.access.as_str())]),
        ("/oauth2/introspect", &[("token", tokens.refresh.as_str())]),
        ("/oauth2/revoke", &[("token", tokens.access.as_str())]),
        ("/oauth2/revoke", &[("token", tokens.refresh.as_str())]),
    ] {
        assert_eq!(scene.named(post(path, fields)).await, both, "{path} {fields:?}");
    }
    // The client is authenticated, but its token is invalid.
    let nobody = (None, application);
    for (path, fields) in [
        ("/oauth2/token", &refresh[..]),
        ("/oauth2/token", &[("grant_type", "nonsense")]),
        ("/oauth2/introspect", &[("token", tokens.access.as_str())]),
        ("/oauth2/revoke", &[("token", "sga_forged")]),
    ] {
        assert_eq!(scene.named(post(path, fields)).await, nobody, "{path} {fields:?}");
    }
}

#[tokio::test]
async fn unverified_claims_are_not_logged() {
    let scene = Scene::new().await;
    let server = &scene.server;
    let client = Client::register(server).await;
    let public = Client::public(server).await;
    let tokens = client.tokens(server).await;
    client.post(server, "/oauth2/revoke", &[("token", tokens.refresh.as_str())]).await.expect(200);
    for (method, path) in routes() {
        let call = || scene.call(&method, &path);
        for call in [
            call().basic_as(USER.name, "wrong"),
            call().bearer(&tokens.access),
            call().bearer("sga_forged"),
            call().header("cookie", "sluicegate=sgs_forged"),
            call(),
        ] {
            assert_eq!(scene.named(call).await, (None, None), "{method} {path}");
        }
    }
    for path in ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"] {
        for fields in [
            &[("client_id", client.identifier.as_str()), ("client_secret", "wrong")][..],
            &[("client_id", client.identifier.as_str())],
            &[
                ("client_id", public.identifier.as_str()),
                ("token", tokens.access.as_str()),
                ("grant_type", "refresh_token"),
            ],
        ] {
            let named = scene.named(server.post(path).form(fields)).await;
            assert_eq!(named, (None, None), "{path} {fields:?}");
        }
    }
}
