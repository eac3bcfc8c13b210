//! The transport and the methods of the protocol, in its revisions.

use http::Method;
use serde_json::{Value, json};

use super::{Agency, HARBOUR};

fn initialize(version: &str) -> Value {
    json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}})
}

/// The parameters of a self-contained message.
fn with_meta(mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    params
}

#[tokio::test]
async fn a_client_agrees_on_a_revision_and_lists_the_tools() {
    let agency = Agency::open().await;
    for (asked, agreed) in
        [("2025-11-25", "2025-11-25"), ("2025-06-18", "2025-06-18"), ("2024-11-05", "2025-11-25")]
    {
        let message = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": initialize(asked)});
        let answer = agency.send(HARBOUR, &message.to_string(), &[]).await.expect(200);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("mcp-session-id"), "", "there are no sessions");
        let result = answer.json()["result"].clone();
        assert_eq!(result["protocolVersion"], agreed);
        assert_eq!(result["serverInfo"]["title"], "Sluicegate: Harbour");
        assert!(result["capabilities"]["tools"].is_object());
        assert_eq!(result.get("resultType"), None, "later revisions have it");
    }
    let message =
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": initialize("2025-11-25")});
    for (address, names_sources) in [(HARBOUR, false), ("/mcp", true)] {
        let answer = agency.send(address, &message.to_string(), &[]).await.expect(200).json();
        let instructions = answer["result"]["instructions"].as_str().expect("instructions");
        assert_eq!(instructions.contains("list_sources"), names_sources, "{instructions}");
        assert!(instructions.contains("list_entities"), "{instructions}");
    }
    let notification = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
    let accepted = agency.send(HARBOUR, &notification, &[("mcp-protocol-version", "2025-06-18")]).await;
    assert_eq!(accepted.expect(202).text(), "");
    let pong = agency.request(HARBOUR, "ping", json!({})).await.expect(200).json();
    assert_eq!(pong, json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    let names = async |path: &str| -> Vec<String> {
        let listed = agency.request(path, "tools/list", json!({})).await.expect(200).json();
        let tools = listed["result"]["tools"].as_array().unwrap();
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    };
    let of_one = ["list_entities", "describe_entity", "query", "get", "aggregate"];
    assert_eq!(names(HARBOUR).await, of_one);
    assert_eq!(names("/mcp/").await, [&["list_sources"][..], &of_one].concat());
}

#[tokio::test]
async fn a_self_contained_message_needs_no_handshake() {
    let agency = Agency::open().await;
    let send = async |method: &str, name: &str, params: Value| {
        let message = json!({"jsonrpc": "2.0", "id": "a", "method": method, "params": with_meta(params)});
        let mut headers = vec![("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)];
        if !name.is_empty() {
            headers.push(("mcp-name", name));
        }
        agency.send(HARBOUR, &message.to_string(), &headers).await
    };
    let discovered = send("server/discover", "", json!({})).await.expect(200).json();
    let result = &discovered["result"];
    assert_eq!(result["supportedVersions"], json!(["2026-07-28", "2025-11-25", "2025-06-18"]));
    assert_eq!((&result["resultType"], &result["cacheScope"]), (&json!("complete"), &json!("private")));
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "sluicegate");
    let listed = send("tools/list", "", json!({})).await.expect(200).json();
    assert!(listed["result"]["ttlMs"].is_u64());
    let call = json!({"name": "get", "arguments": {"entity": "Ships", "key": {"Id": 2}}});
    let got = send("tools/call", "get", call.clone()).await.expect(200).json();
    assert_eq!(got["result"]["structuredContent"]["row"]["Name"], "Ship 2");
    assert_eq!(got["result"]["resultType"], "complete");
    for (method, name, status, code) in [
        ("ping", "", 404, -32_601),
        ("initialize", "", 404, -32_601),
        ("tools/call", "query", 400, -32_020),
        ("tools/call", "", 400, -32_020),
    ] {
        let refused = send(method, name, call.clone()).await.expect(status).json();
        assert_eq!((&refused["error"]["code"], &refused["id"]), (&json!(code), &json!("a")), "{method}");
    }
}

#[tokio::test]
async fn an_unknown_revision_is_refused_with_those_that_are_supported() {
    let agency = Agency::open().await;
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    let refused = agency.send(HARBOUR, &message, &[("mcp-protocol-version", "1999-01-01")]).await;
    let error = refused.expect(400).json()["error"].clone();
    assert_eq!(error["code"], -32_022);
    assert_eq!(error["data"]["requested"], "1999-01-01");
    assert_eq!(error["data"]["supported"].as_array().unwrap().len(), 3);
    agency.send(HARBOUR, &message, &[]).await.expect(200);
}

#[tokio::test]
async fn what_is_no_message_is_refused_with_the_code_of_json_rpc() {
    let agency = Agency::open().await;
    for (body, code) in [
        ("{", -32_700),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32_600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32_600),
        (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, -32_600),
    ] {
        let refused = agency.send(HARBOUR, body, &[]).await.expect(400);
        assert_eq!(refused.json()["error"]["code"], code, "{body}");
    }
    for (method, params, code) in [
        ("resources/list", json!({}), -32_601),
        ("tools/call", json!({"name": "execute_sql"}), -32_602),
        ("tools/call", json!({"name": "list_sources"}), -32_602),
        ("tools/call", json!({}), -32_602),
        ("tools/list", json!({"cursor": "x"}), -32_602),
        ("initialize", json!({}), -32_602),
    ] {
        let answer = agency.request(HARBOUR, method, params).await.expect(200).json();
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(code), &json!(1)), "{method}");
    }
}

#[tokio::test]
async fn the_transport_takes_json_by_post_only() {
    let agency = Agency::open().await;
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    for path in ["/mcp", HARBOUR] {
        for method in [Method::GET, Method::DELETE, Method::PUT] {
            let refused = agency.fixture.server.call(method, path).bearer(&agency.token).send().await;
            let refused = refused.expect(405);
            assert_eq!(refused.header("allow"), "POST");
            assert_eq!(refused.json()["error"]["code"], 405);
        }
        for accept in ["application/json, text/event-stream", "*/*", "application/json"] {
            agency.send(path, &message, &[("accept", accept)]).await.expect(200);
        }
        agency.send(path, &message, &[("accept", "text/event-stream")]).await.expect(406);
        let call = agency.fixture.server.call(Method::POST, path).bearer(&agency.token);
        call.body("text/plain", message.clone().into_bytes()).send().await.expect(415);
        let long = format!("{message}{}", " ".repeat(256 * 1024));
        agency.send(path, &long, &[]).await.expect(413);
    }
    agency.fixture.server.get("/mcp/Harbour/Ships").send().await.expect(404);
}
