//! Writing the result of a method.

use std::fmt::Write as _;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::revision::Revision;
use crate::respond::oauth::{json_bytes, no_content};

/// How long a client may keep what is the same for all messages to an address, in milliseconds.
const KEPT_MILLIS: u32 = 300_000;

/// The name of this server, for display only.
pub(super) fn server_info(source: Option<&str>) -> Value {
    let title = source.map_or_else(|| "Sluicegate".to_owned(), |source| format!("Sluicegate: {source}"));
    json!({"name": "sluicegate", "title": title, "version": env!("CARGO_PKG_VERSION")})
}

/// What every result of a revision contains beside what is its own.
pub(super) fn common(revision: Revision, source: Option<&str>) -> Map<String, Value> {
    let mut members = Map::new();
    if revision == Revision::SelfContained {
        members.insert("resultType".to_owned(), "complete".into());
        let info = json!({"io.modelcontextprotocol/serverInfo": server_info(source)});
        members.insert("_meta".to_owned(), info);
    }
    members
}

/// The same for a result that clients may keep. It may depend on what the caller reaches.
pub(super) fn kept(revision: Revision, source: Option<&str>) -> Map<String, Value> {
    let mut members = common(revision, source);
    if revision == Revision::SelfContained {
        members.insert("ttlMs".to_owned(), KEPT_MILLIS.into());
        members.insert("cacheScope".to_owned(), "private".into());
    }
    members
}

/// The response with a result.
pub(super) fn result(id: &Value, members: &Map<String, Value>) -> Response {
    let body = json!({"jsonrpc": "2.0", "id": id, "result": members});
    json_bytes(StatusCode::OK, body.to_string().into_bytes())
}

/// The response with the result of a tool, whose structured content is already written. The same content is a text, too, for
/// clients that know no other ([Structured
/// Content](https://modelcontextprotocol.io/specification/2026-07-28/server/tools#structured-content)).
pub(super) fn of_tool(id: &Value, common: &Map<String, Value>, structured: &str) -> Response {
    let text = Value::from(structured).to_string();
    let mut body = format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":{text}}}],"structuredContent":{structured},"isError":false"#
    );
    for (name, value) in common {
        let _ = write!(body, r#","{name}":{value}"#);
    }
    body.push_str("}}");
    json_bytes(StatusCode::OK, body.into_bytes())
}

/// The response with an error of a tool, which the model can see and correct.
pub(super) fn of_refused_tool(id: &Value, mut members: Map<String, Value>, message: &str) -> Response {
    members.insert("content".to_owned(), json!([{"type": "text", "text": message}]));
    members.insert("isError".to_owned(), true.into());
    result(id, &members)
}

/// The response to a notification.
pub(super) fn accepted() -> Response {
    let mut response = no_content();
    *response.status_mut() = StatusCode::ACCEPTED;
    *response.body_mut() = Body::empty();
    response
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn structured_content_is_repeated_as_text() {
        for revision in [Revision::Agreed, Revision::SelfContained] {
            let structured = r#"{"rows":[{"Name":"a \"b\"","Big":12345678901234567890}]}"#;
            let response = of_tool(&json!("x\"y"), &common(revision, Some("crm")), structured);
            let bytes = to_bytes(response.into_body(), 10_000).await.unwrap();
            let body: Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(body["id"], "x\"y");
            let result = &body["result"];
            assert_eq!(result["content"], json!([{"type": "text", "text": structured}]));
            assert_eq!(result["structuredContent"], serde_json::from_str::<Value>(structured).unwrap());
            assert_eq!(result["isError"], false);
            assert_eq!(result.get("resultType").is_some(), revision == Revision::SelfContained);
        }
    }
}
