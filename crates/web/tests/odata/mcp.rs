//! `/mcp`: messages of agents, and what their tools return.

mod authorization;
mod protocol;
mod tools;

use domain::id::ApplicationId;
use http::Method;
use oauth::scope::BuiltInScope;
use serde_json::{Value, json};
use testkit::{Answer, USER};

use crate::fixture::Fixture;

/// The address of the source of [`Fixture`].
const HARBOUR: &str = "/mcp/Harbour";

/// A fixture with the token of an agent.
struct Agency {
    fixture: Fixture,
    token: String,
}

impl Agency {
    async fn open() -> Self {
        let fixture = Fixture::open().await;
        let scopes = BuiltInScope::Mcp.into();
        let token = fixture.server.access_token(&USER, ApplicationId::new(1), scopes).await;
        Self { fixture, token }
    }

    /// Sends a message as the body of a POST.
    async fn send(&self, path: &str, body: &str, headers: &[(&'static str, &str)]) -> Answer {
        let mut call = self.fixture.server.call(Method::POST, path).bearer(&self.token);
        call = call.body("application/json", body.to_owned().into_bytes());
        for (name, value) in headers {
            call = call.header(name, value);
        }
        call.send().await
    }

    /// Sends a request in a revision that is agreed on.
    async fn request(&self, path: &str, method: &str, params: Value) -> Answer {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.send(path, &message.to_string(), &[("mcp-protocol-version", "2025-11-25")]).await
    }

    /// Calls a tool, and returns its result.
    async fn call(&self, path: &str, tool: &str, arguments: Value) -> Value {
        let params = json!({"name": tool, "arguments": arguments});
        let answer = self.request(path, "tools/call", params).await.expect(200).json();
        assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(1)));
        answer["result"].clone()
    }

    /// The structured content of a tool's result, which is the same as its text.
    async fn structured(&self, tool: &str, arguments: Value) -> Value {
        structured(&self.call(HARBOUR, tool, arguments).await)
    }

    /// The error of a tool.
    async fn refused(&self, tool: &str, arguments: Value) -> String {
        refused(&self.call(HARBOUR, tool, arguments).await)
    }
}

fn structured(result: &Value) -> Value {
    assert_eq!(result["isError"], false, "{result}");
    let content = result["structuredContent"].clone();
    let text = result["content"][0]["text"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), content);
    content
}

fn refused(result: &Value) -> String {
    assert_eq!(result["isError"], true, "{result}");
    assert_eq!(result.get("structuredContent"), None);
    result["content"][0]["text"].as_str().unwrap().to_owned()
}
