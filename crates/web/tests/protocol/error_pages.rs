//! Error pages have the ids and the titles of docs/errors.md.

use testkit::{Answer, TestServer, USER};

const REFERENCE: &str = include_str!("../../../../docs/errors.md");

/// The id and the statuses of each error page in the reference, with its title.
fn listed() -> Vec<(&'static str, &'static str, &'static str)> {
    let (_, table) = REFERENCE.split_once("## Error pages").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| -")).skip(1);
    let cells =
        rows.map(|row| row.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect::<Vec<_>>());
    cells.map(|cells| (cells[0], cells[1], cells[2])).collect()
}

/// Checks a page against the reference, and returns the id of its error.
fn id(page: &Answer) -> &'static str {
    let text = page.text();
    assert_eq!(page.header("content-length"), text.len().to_string(), "{text}");
    let (_, heading) =
        text.split_once("<h1 id=\"error-title\" data-error=\"").unwrap_or_else(|| panic!("{text}"));
    let (id, rest) = heading.split_once("\">").unwrap();
    let title = rest.split("</h1>").next().unwrap();
    assert!(rest.contains("<p id=\"error-message\">"), "{text}");
    let known = listed().into_iter().find(|(known, _, _)| *known == id);
    let (id, expected, statuses) = known.unwrap_or_else(|| panic!("{id} is not in the reference"));
    assert_eq!(title, expected);
    let status = page.status().to_string();
    assert!(statuses.split(", ").any(|listed| listed == status), "{id} with {status}");
    id
}

#[tokio::test]
async fn error_pages_have_the_ids_and_titles_of_the_reference() {
    let server = TestServer::start().await;
    let session = format!("sluicegate={}", server.session(&USER).await);
    let form = [("username", "a")];
    for (call, expected) in [
        (server.get("/nowhere"), "not-found"),
        (server.get("/account/applications/99/revoke").header("cookie", &session), "not-found"),
        (server.call(http::Method::DELETE, "/login"), "invalid-request"),
        (server.get("/oauth2/authorize?client_id=nobody&response_type=code"), "invalid-request"),
        (server.get("/oauth2/logout?client_id=nobody"), "invalid-request"),
        (server.post("/login").header("content-type", "text/plain"), "invalid-request"),
        (server.get(&format!("/login?{}", "x".repeat(40_000))), "invalid-request"),
        (server.post("/login").form(&form), "stale-form"),
        (server.post("/login").header("sec-fetch-site", "cross-site").form(&form), "other-site"),
    ] {
        assert_eq!(id(&call.send().await), expected);
    }
    let mut browser = server.browser();
    browser.get("/login").await.expect(200);
    store::Maintenance::close(server.store()).await.unwrap();
    let page = browser.sign_in(&USER).await.expect(503);
    assert_eq!(id(&page), "unavailable");
    assert!(!page.header("retry-after").is_empty());
}

#[tokio::test]
async fn the_page_for_a_refused_application_names_the_code_of_the_error() {
    let server = TestServer::start().await;
    let page = server.get("/oauth2/authorize?client_id=nobody&response_type=code").send().await.expect(400);
    let (_, code) = page.text().split_once("<code id=\"error-code\">").unwrap();
    assert_eq!(code.split('<').next(), Some("invalid_request"));
    assert!(page.headers().get("location").is_none());
}

#[tokio::test]
async fn a_head_request_gets_the_headers_of_a_page_without_its_body() {
    let server = TestServer::start().await;
    let long = format!("/login?{}", "x".repeat(40_000));
    for path in ["/nowhere", "/oauth2/authorize?client_id=nobody", "/login", "/api/odata4", &long] {
        let page = server.get(path).send().await;
        let head = server.call(http::Method::HEAD, path).send().await;
        assert_eq!((head.status(), head.text()), (page.status(), ""), "{path}");
        assert_eq!(head.header("content-length"), page.text().len().to_string(), "{path}");
    }
}
