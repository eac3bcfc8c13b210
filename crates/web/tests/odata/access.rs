//! Who may read what, and the order of the checks.

use domain::account::Permission;
use domain::id::ApplicationId;
use http::Method;
use oauth::scope::{BuiltInScope, ScopeSet};
use testkit::{ADMIN, Answer, OTHER, TestUser, USER};

use crate::fixture::{Fixture, ROOT, code, token};

/// A user without a role that may read data.
const OUTSIDER: TestUser = TestUser { name: "outsider", password: "keeps the books, no data" };

fn challenges(answer: &Answer) -> Vec<&str> {
    answer.headers().get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect()
}

#[tokio::test]
async fn requests_without_credentials_get_both_challenges() {
    let fixture = Fixture::open().await;
    for path in ["/api/odata4", ROOT, "/api/odata4/Harbour/Ships(1)", "/api/odata4/nowhere/Ships"] {
        let answer = fixture.server.get(path).send().await.expect(401);
        assert_eq!(code(&answer), "NotAuthenticated");
        let challenges = challenges(&answer);
        assert!(challenges[0].starts_with("Bearer ") && !challenges[0].contains("error"), "{challenges:?}");
        assert!(challenges[1].starts_with("Basic "), "{challenges:?}");
    }
}

#[tokio::test]
async fn credentials_for_the_database_are_refused_and_never_ignored() {
    let fixture = Fixture::open().await;
    for name in ["ddcloud-datasource-user", "ddcloud-datasource-password"] {
        let answer = fixture.get_with("/Ships(1)", &[(name, "s3cret")]).await.expect(501);
        assert_eq!(code(&answer), "NotImplemented");
        assert!(!answer.text().contains("s3cret"), "{}", answer.text());
        let changed = fixture.send(Method::DELETE, "/Ships(1)", &[(name, "s3cret")]).await.expect(501);
        assert_eq!(code(&changed), "NotImplemented");
        let stranger = fixture.server.get(ROOT).header(name, "s3cret").send().await.expect(401);
        assert_eq!(code(&stranger), "NotAuthenticated");
    }
}

#[tokio::test]
async fn unreadable_credentials_are_refused() {
    let fixture = Fixture::open().await;
    for value in ["", "Basic", "Basic %%%", "Digest x", "nonsense"] {
        let answer = fixture.server.get(ROOT).header("authorization", value).send().await.expect(401);
        assert_eq!(code(&answer), "NotAuthenticated", "{value}");
    }
    let twice = fixture.server.get(ROOT).bearer(&fixture.token).basic(&USER).send().await;
    assert_eq!(code(&twice.expect(400)), "BadRequest");
}

#[tokio::test]
async fn an_invalid_token_is_refused_before_the_source_is_looked_up() {
    let fixture = Fixture::open().await;
    let cut = &fixture.token[..fixture.token.len() - 1];
    for path in [ROOT, "/api/odata4/nowhere"] {
        for token in ["sga_dead", cut] {
            let answer = fixture.server.get(path).bearer(token).send().await.expect(401);
            assert_eq!(code(&answer), "InvalidToken");
            assert!(challenges(&answer)[0].starts_with(r#"Bearer error="invalid_token""#));
        }
    }
    fixture.server.clock().advance_secs(3_601);
    assert_eq!(code(&fixture.get("").await.expect(401)), "InvalidToken");
}

#[tokio::test]
async fn a_token_without_the_scope_is_refused() {
    let fixture = Fixture::open().await;
    let scopes = ScopeSet::from(BuiltInScope::Management);
    let token = fixture.server.access_token(&USER, ApplicationId::new(1), scopes).await;
    for path in ["/api/odata4", ROOT, "/api/odata4/nowhere"] {
        let answer = fixture.server.get(path).bearer(&token).send().await.expect(403);
        assert_eq!(code(&answer), "InsufficientScope");
        assert!(challenges(&answer)[0].contains(r#"error="insufficient_scope", scope="api.access.odata""#));
    }
}

#[tokio::test]
async fn a_user_without_the_permission_is_refused_whatever_the_source() {
    let fixture = Fixture::open().await;
    let role = fixture.server.add_role("clerk", &[Permission::MgmtAPI]).await;
    fixture.server.add_user(&OUTSIDER, &[role]).await;
    let token = token(&fixture.server, &OUTSIDER).await;
    for path in ["/api/odata4", ROOT, "/api/odata4/nowhere"] {
        let answer = fixture.server.get(path).bearer(&token).send().await.expect(403);
        assert_eq!(code(&answer), "PermissionMissing");
        let answer = fixture.server.get(path).basic(&OUTSIDER).send().await.expect(403);
        assert_eq!(code(&answer), "PermissionMissing");
    }
}

#[tokio::test]
async fn a_source_of_another_user_looks_like_an_unknown_one() {
    let fixture = Fixture::open().await;
    for user in [OTHER, ADMIN] {
        let token = token(&fixture.server, &user).await;
        let foreign = fixture.server.get("/api/odata4/harbour/Ships").bearer(&token).send().await.expect(404);
        let unknown = fixture.server.get("/api/odata4/harbor/Ships").bearer(&token).send().await.expect(404);
        assert_eq!(code(&foreign), "DataSourceNotFound");
        assert_eq!(foreign.text(), unknown.text());
        let names = |answer: &Answer| answer.headers().keys().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&foreign), names(&unknown));
    }
}

#[tokio::test]
async fn a_shared_source_is_readable_while_it_is_shared() {
    let fixture = Fixture::open().await;
    let source = fixture.add_source("Pier", "CREATE TABLE T (Id INTEGER PRIMARY KEY)").await;
    let token = token(&fixture.server, &OTHER).await;
    let read = async || fixture.server.get("/api/odata4/Pier/T").bearer(&token).send().await.status();
    assert_eq!(read().await, 404);
    fixture.share(&source, &OTHER).await;
    assert_eq!(read().await, 200);
    fixture.share(&source, &USER).await;
    assert_eq!(read().await, 404);
}

#[tokio::test]
async fn source_names_are_case_insensitive_and_links_contain_the_stored_name() {
    let fixture = Fixture::open().await;
    let body =
        fixture.server.get("/api/odata4/hARBOUR/").bearer(&fixture.token).send().await.expect(200).json();
    assert_eq!(body["@odata.context"], "http://127.0.0.1:8080/api/odata4/Harbour/$metadata");
}

#[tokio::test]
async fn a_password_works_as_well_as_a_token() {
    let fixture = Fixture::open().await;
    let answer = fixture.server.get("/api/odata4/harbour/Ships(1)/Name").basic(&USER).send().await;
    assert_eq!(answer.expect(200).json()["value"], "Ship 1");
    let wrong = fixture.server.get(ROOT).basic_as(USER.name, "not the password").send().await;
    assert_eq!(code(&wrong.expect(401)), "NotAuthenticated");
}

#[tokio::test]
async fn the_root_lists_exactly_the_sources_that_the_caller_may_read() {
    let fixture = Fixture::open().await;
    let source = fixture.add_source("Pier", "CREATE TABLE T (Id INTEGER PRIMARY KEY)").await;
    fixture.share(&source, &OTHER).await;
    let own = fixture.server.get("/api/odata4").bearer(&fixture.token).send().await.expect(200).json();
    assert_eq!(own["value"].as_array().unwrap().len(), 2);
    let other = fixture.server.get("/api/odata4").basic(&OTHER).send().await.expect(200).json();
    let url = "http://127.0.0.1:8080/api/odata4/Pier/";
    let expected = serde_json::json!([{ "name": "Pier", "kind": "ServiceDocument", "url": url }]);
    assert_eq!(other["value"], expected);
    let admin = fixture.server.get("/api/odata4/").basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(admin["value"], serde_json::json!([]));
}

#[tokio::test]
async fn refused_reads_are_audited() {
    let fixture = Fixture::open().await;
    let before = refusals(&fixture).await;
    fixture.server.get(ROOT).basic(&OTHER).send().await.expect(404);
    fixture.server.get("/api/odata4/nowhere").basic(&OTHER).send().await.expect(404);
    assert_eq!(refusals(&fixture).await, before + 1, "an unknown name is nobody's secret");
    for _ in 0..100 {
        fixture.server.get(ROOT).basic(&OTHER).send().await.expect(404);
    }
    assert_eq!(refusals(&fixture).await, before + 10, "the same again within the minute");
    fixture.server.get(ROOT).basic(&ADMIN).send().await.expect(404);
    assert_eq!(refusals(&fixture).await, before + 11);
}

async fn refusals(fixture: &Fixture) -> usize {
    use domain::audit::Action;
    use store::{Audit, AuditFilter};
    let filter = AuditFilter { limit: 1_000, ..AuditFilter::default() };
    let events = fixture.server.store().list_audit(filter).await.unwrap();
    events.iter().filter(|event| event.event.action == Action::RefuseAccess).count()
}

#[tokio::test]
async fn other_methods_get_405_with_allow() {
    let fixture = Fixture::open().await;
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let answer = fixture.send(method.clone(), "", &[]).await.expect(405);
        assert_eq!((&*code(&answer), answer.header("allow")), ("MethodNotAllowed", "GET,HEAD"), "{method}");
        for rest in ["/Ships", "/Ships(1)", "/Ships/$batch"] {
            let answer = fixture.send(method.clone(), rest, &[]).await.expect(405);
            assert_eq!(code(&answer), "DataSourceReadOnly", "{method} {rest}");
            assert_eq!(answer.header("allow"), "GET,HEAD", "{method} {rest}");
        }
    }
    for (rest, allow) in [("", "GET,HEAD"), ("/Ships", "GET,HEAD,POST,PATCH,PUT,DELETE")] {
        let answer = fixture.send(Method::OPTIONS, rest, &[]).await.expect(405);
        assert_eq!((&*code(&answer), answer.header("allow")), ("MethodNotAllowed", allow), "{rest}");
    }
}

#[tokio::test]
async fn what_is_posted_needs_a_media_type_and_only_changes_are_tunnelled() {
    let fixture = Fixture::open().await;
    for rest in ["/$batch", "/%24batch", "/$batch?x=1", "/$batch/", "/Ships/$query"] {
        let answer = fixture.send(Method::POST, rest, &[]).await.expect(415);
        assert_eq!(code(&answer), "BadRequest", "{rest}");
        assert_eq!(answer.headers().get_all("odata-version").iter().count(), 1, "{rest}");
        for method in [Method::GET, Method::DELETE, Method::OPTIONS] {
            let answer = fixture.send(method, rest, &[]).await.expect(405);
            assert_eq!(answer.header("allow"), "POST", "{rest}");
        }
    }
    for (rest, tunnelled, status) in [
        ("/Ships", "MERGE", 501),
        ("/Ships(1)", "GET", 501),
        ("/Ships(1)", "PATCH", 405),
        ("/$batch", "PATCH", 501),
        ("", "PATCH", 501),
    ] {
        let answer = fixture.send(Method::POST, rest, &[("x-http-method", tunnelled)]).await.expect(status);
        let expected = if status == 501 { "NotImplemented" } else { "DataSourceReadOnly" };
        assert_eq!(code(&answer), expected, "{tunnelled} {rest}");
    }
    let elsewhere = fixture.server.call(Method::POST, "/api/admin/audit").header("x-http-method", "GET");
    elsewhere.send().await.expect(405);
}
