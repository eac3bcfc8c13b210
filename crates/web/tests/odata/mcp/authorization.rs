//! Which tokens reach which data sources, and what everybody else learns.

use domain::id::ApplicationId;
use http::Method;
use oauth::scope::{BuiltInScope, ScopeSet};
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, OTHER, USER};
use url::form_urlencoded::Serializer;

use super::{Agency, HARBOUR, refused, structured};

const ISSUER: &str = "http://127.0.0.1:8080";
const CALLBACK: &str = "https://agent.example/cb";

fn message(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
}

async fn send(agency: &Agency, path: &str, authorization: Option<&str>, body: String) -> Answer {
    let mut call = agency.fixture.server.call(Method::POST, path).body("application/json", body.into_bytes());
    if let Some(authorization) = authorization {
        call = call.header("authorization", authorization);
    }
    call.send().await
}

/// The status of a ping with this token.
async fn ping(agency: &Agency, path: &str, token: &str) -> u16 {
    send(agency, path, Some(&format!("Bearer {token}")), message("ping", &json!({}))).await.status()
}

fn challenges(answer: &Answer) -> Vec<&str> {
    answer.headers().get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect()
}

#[tokio::test]
async fn a_request_without_a_token_is_led_to_the_metadata_of_its_resource() {
    let agency = Agency::open().await;
    let body = message("initialize", &json!({}));
    for path in ["/mcp", "/mcp/", HARBOUR, "/mcp/Harbour/"] {
        let basic = format!("Basic {}", "dXNlcjpwYXNzd29yZA==");
        for sent in [None, Some(basic.as_str()), Some("Bearer sga_dead")] {
            let answer = send(&agency, path, sent, body.clone()).await.expect(401);
            let all = challenges(&answer);
            assert!(all.iter().all(|text| !text.starts_with("Basic")), "{all:?}");
            let metadata = format!("{ISSUER}/.well-known/oauth-protected-resource{path}");
            for text in &all {
                assert!(text.contains(r#"scope="mcp.read""#), "{text}");
                assert!(text.contains(&format!(r#"resource_metadata="{metadata}""#)), "{text}");
            }
            assert_eq!(answer.json()["error"]["code"], 401);
            let document = agency.fixture.server.get(metadata.strip_prefix(ISSUER).unwrap()).send().await;
            let document = document.expect(200).json();
            assert_eq!(document["resource"], format!("{ISSUER}{path}"));
            assert_eq!(document["scopes_supported"], json!(["mcp.read"]));
        }
    }
    let empty = send(&agency, HARBOUR, Some("Bearer "), body).await.expect(400);
    assert!(challenges(&empty)[0].contains(r#"error="invalid_request""#));
}

#[tokio::test]
async fn each_endpoint_needs_its_own_scope() {
    let agency = Agency::open().await;
    let odata = &agency.fixture.token;
    for path in ["/mcp", HARBOUR] {
        let body = message("tools/list", &json!({}));
        let answer = send(&agency, path, Some(&format!("Bearer {odata}")), body).await.expect(403);
        let challenge = challenges(&answer)[0];
        assert!(
            challenge.starts_with(r#"Bearer error="insufficient_scope", scope="mcp.read", "#),
            "{challenge}"
        );
        assert_eq!(ping(&agency, path, &agency.token).await, 200);
    }
    agency.fixture.server.get("/api/odata4/Harbour").bearer(&agency.token).send().await.expect(403);
}

#[tokio::test]
async fn a_data_source_of_somebody_else_is_as_unknown_as_one_that_does_not_exist() {
    let agency = Agency::open().await;
    let scopes = ScopeSet::from(BuiltInScope::Mcp);
    let other = agency.fixture.server.access_token(&OTHER, ApplicationId::new(1), scopes).await;
    let mut seen = Vec::new();
    for path in [HARBOUR, "/mcp/nowhere"] {
        let body = message("tools/list", &json!({}));
        let answer = send(&agency, path, Some(&format!("Bearer {other}")), body).await.expect(404);
        seen.push(answer.text().to_owned());
    }
    assert_eq!(seen[0], seen[1]);
    let mut seen = Vec::new();
    for source in ["Harbour", "nowhere"] {
        let params = json!({"name": "list_entities", "arguments": {"source": source}});
        let body = message("tools/call", &params);
        let answer = send(&agency, "/mcp", Some(&format!("Bearer {other}")), body).await.expect(200);
        seen.push(refused(&answer.json()["result"]));
    }
    assert_eq!(seen, ["DataSourceNotFound: there is no data source with that name"; 2]);
}

/// The token of an application after its user has allowed it at the consent page, with what the page offered.
async fn allowed(agency: &Agency, resource: &str, unticked: Option<usize>) -> Value {
    let server = &agency.fixture.server;
    let body = json!({"name": "Agent", "redirectUrls": [CALLBACK], "scopes": ["mcp.read"]});
    let made = server.post("/api/mgmt/oauth/client/applications").basic(&USER).json(&body).send().await;
    let made = made.expect(201).json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let (id, secret) = (text("clientId"), text("clientSecret"));
    let mut query = Serializer::new(String::new());
    query.append_pair("response_type", "code").append_pair("client_id", &id);
    query.append_pair("redirect_uri", CALLBACK).append_pair("scope", "mcp.read");
    if !resource.is_empty() {
        query.append_pair("resource", &format!("{ISSUER}{resource}"));
    }
    let mut browser = server.browser();
    browser.get(&format!("/oauth2/authorize?{}", query.finish())).await;
    let sign_in = browser.form_with_button("login-submit");
    let sign_in = sign_in.fill("username", USER.name).fill("password", USER.password);
    let page = browser.submit(sign_in.press("login-submit")).await;
    assert!(page.text().contains("Read data for an AI assistant"), "{}", page.text());
    let mut form = browser.form_with_button("consent-allow");
    let boxes: Vec<_> = form.fields.iter().filter(|(name, _)| name == "source").cloned().collect();
    if let Some(at) = unticked {
        form = form.without("source", &boxes[at].1);
    }
    let answer = browser.submit(form.press("consent-allow")).await;
    let back = url::Url::parse(answer.location()).unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
    ];
    server.post("/oauth2/token").form(&fields).send().await.expect(200).json()
}

async fn with_two_sources() -> Agency {
    let agency = Agency::open().await;
    agency.fixture.add_source("Other", "CREATE TABLE Ports (Id INTEGER PRIMARY KEY)").await;
    agency
}

#[tokio::test]
async fn a_token_for_one_endpoint_is_of_no_use_at_another() {
    let agency = with_two_sources().await;
    for (resource, reached) in [
        ("/mcp/Harbour", [200, 401, 200, 403]),
        ("/mcp", [200, 200, 200, 403]),
        ("/api/odata4/Harbour", [401, 401, 200, 403]),
        ("", [200, 200, 200, 403]),
    ] {
        let issued = allowed(&agency, resource, None).await;
        assert_eq!(issued["scope"], "mcp.read");
        let token = issued["access_token"].as_str().unwrap();
        let odata = agency.fixture.server.get("/api/odata4/Harbour").bearer(token).send().await.status();
        let statuses = [
            ping(&agency, HARBOUR, token).await,
            ping(&agency, "/mcp/Other", token).await,
            ping(&agency, "/mcp", token).await,
            odata,
        ];
        assert_eq!(statuses, reached, "{resource}");
    }
    let both = [BuiltInScope::Mcp, BuiltInScope::OData].into_iter().collect();
    let token = agency.fixture.server.access_token(&USER, ApplicationId::new(1), both).await;
    agency.fixture.server.get("/api/odata4/Harbour").bearer(&token).send().await.expect(200);
    assert_eq!(ping(&agency, HARBOUR, &token).await, 200, "a token without a resource is not limited");
}

#[tokio::test]
async fn an_agent_reaches_the_data_sources_that_its_user_chose() {
    let agency = with_two_sources().await;
    let issued = allowed(&agency, "/mcp", Some(1)).await;
    let located = json!([format!("{ISSUER}/api/odata4/Harbour")]);
    assert_eq!(issued["authorization_details"][0]["locations"], located);
    let token = issued["access_token"].as_str().unwrap();
    assert_eq!(ping(&agency, HARBOUR, token).await, 200);
    assert_eq!(ping(&agency, "/mcp/Other", token).await, 404);
    assert_eq!(ping(&agency, "/mcp/nowhere", token).await, 404);
    let chosen = Agency { token: token.to_owned(), ..agency };
    let listed = structured(&chosen.call("/mcp", "list_sources", json!({})).await);
    assert_eq!(listed["sources"], json!([{"name": "Harbour", "description": ""}]));
    let query = json!({"source": "Other", "entity": "Ports"});
    let unknown = refused(&chosen.call("/mcp", "query", query).await);
    assert_eq!(unknown, "DataSourceNotFound: there is no data source with that name");
}

#[tokio::test]
async fn pages_of_unknown_origins_are_refused_whatever_host_they_name() {
    let agency = Agency::open().await;
    let body = message("ping", &json!({}));
    for (origin, status) in [
        ("http://127.0.0.1:8080", 200),
        ("https://evil.example", 403),
        ("http://rebound.example:8080", 403),
        ("null", 403),
    ] {
        let headers = [("origin", origin), ("host", "rebound.example:8080")];
        let answer = agency.send(HARBOUR, &body, &headers).await;
        assert_eq!(answer.status(), status, "{origin}: {}", answer.text());
    }
    let own = agency.send(HARBOUR, &body, &[("origin", "http://127.0.0.1:8080")]).await;
    own.expect(200);
}

#[tokio::test]
async fn each_call_of_a_tool_is_recorded_without_values() {
    let agency = Agency::open().await;
    agency.structured("query", json!({"entity": "Ships", "top": 3, "filter": "Name ne 'secret'"})).await;
    agency.refused("query", json!({"entity": "Ships", "filter": "Colour eq 'secret'"})).await;
    agency.refused("get", json!({"entity": "Ships"})).await;
    let audit = agency.fixture.server.get("/api/admin/audit?limit=10").basic(&ADMIN).send().await.expect(200);
    let events = audit.json()["events"].as_array().unwrap().clone();
    let calls: Vec<&Value> = events.iter().filter(|event| event["action"] == "mcp.call_tool").collect();
    assert_eq!(calls.len(), 3, "{events:?}");
    let outcomes: Vec<_> = calls.iter().map(|event| event["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["refused", "refused", "success"], "newest first");
    for (event, detail) in
        calls.iter().zip(["get: InvalidArguments", "query Ships: UnknownProperty", "query Ships: 3 rows, "])
    {
        assert!(event["detail"].as_str().unwrap().starts_with(detail), "{event}");
        assert_eq!(event["subject"], "Harbour");
        assert!(!event.to_string().contains("secret"), "{event}");
    }
    let metrics = agency.fixture.server.app().node().encode_metrics();
    assert!(
        metrics.contains(r#"sluicegate_mcp_tool_calls_total{tool="query",outcome="answered"} 1"#),
        "{metrics}"
    );
}
