//! Reading a message of [JSON-RPC 2.0](https://www.jsonrpc.org/specification).

use http::StatusCode;
use serde_json::Value;

use crate::json::{self, Json};
use crate::respond::mcp::{INVALID_PARAMS, INVALID_REQUEST, McpProblem, PARSE_ERROR};

/// The maximum length of an id in bytes, because it is repeated.
const LONGEST_ID: usize = 256;

/// The maximum length of the name of a method in bytes.
const LONGEST_METHOD: usize = 128;

/// A request, or a notification, which has no id.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    /// The id: a text or an integer.
    pub(crate) id: Option<Value>,
    /// The method.
    pub(crate) method: String,
    /// The parameters, which are an object; `{}` if there are none.
    pub(crate) params: Json,
}

/// What is wrong with a message, and its id if that could be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) id: Option<Value>,
    pub(crate) problem: Box<McpProblem>,
}

/// Reads one message. Batches are not a part of the protocol any more ([changes of
/// 2025-06-18](https://modelcontextprotocol.io/specification/2025-06-18/changelog)), and the server sends no requests, so
/// that there are no responses of clients.
pub(crate) fn read(bytes: &[u8]) -> Result<Message, Unreadable> {
    let refuse = |id, code, message: &str| {
        Err(Unreadable { id, problem: Box::new(McpProblem::new(StatusCode::BAD_REQUEST, code, message)) })
    };
    let message = match json::parse(bytes) {
        Ok(message) => message,
        Err(malformed) => return refuse(None, PARSE_ERROR, &format!("the message is no JSON: {malformed}")),
    };
    match &message {
        Json::Object(_) => {}
        Json::Array(_) => return refuse(None, INVALID_REQUEST, "batches of messages are not supported"),
        other => {
            let message = format!("a message is an object, not {}", other.kind());
            return refuse(None, INVALID_REQUEST, &message);
        }
    }
    let id = match message.get("id").map(read_id) {
        None => None,
        Some(Some(id)) => Some(id),
        Some(None) => {
            let problem = "the id of a request must be a short text or an integer";
            return refuse(None, INVALID_REQUEST, problem);
        }
    };
    if message.get("jsonrpc").and_then(Json::as_str) != Some("2.0") {
        return refuse(id, INVALID_REQUEST, "the member jsonrpc must be \"2.0\"");
    }
    let method = match message.get("method").and_then(Json::as_str) {
        Some(method) if method.len() <= LONGEST_METHOD => method.to_owned(),
        _ => {
            return refuse(
                id,
                INVALID_REQUEST,
                "the message must name a method: only requests and notifications are read",
            );
        }
    };
    let params = match message.get("params") {
        None => Json::Object(Vec::new()),
        Some(params @ Json::Object(_)) => params.clone(),
        Some(_) => return refuse(id, INVALID_PARAMS, "the member params must be an object"),
    };
    Ok(Message { id, method, params })
}

/// "Requests MUST include a string or integer ID. Unlike base JSON-RPC, the ID MUST NOT be `null`"
/// ([Requests](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#requests)).
fn read_id(id: &Json) -> Option<Value> {
    match id {
        Json::String(text) if text.len() <= LONGEST_ID => Some(text.as_str().into()),
        Json::Number(number) if number.is_i64() || number.is_u64() => Some(number.clone().into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::json;

    use super::*;

    async fn refused(text: &str) -> (Option<Value>, i64) {
        let Unreadable { id, problem } = read(text.as_bytes()).unwrap_err();
        let response = problem.at(None, String::new, oauth::application::Profile::Compatible.rules(), None);
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let bytes = to_bytes(response.into_body(), 10_000).await.unwrap();
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        (id, body["error"]["code"].as_i64().unwrap())
    }

    #[test]
    fn requests_and_notifications_are_read() {
        for (id, read_as) in
            [("\"a\"", json!("a")), ("7", json!(7)), ("18446744073709551615", json!(u64::MAX))]
        {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping","params":{{"a":1}}}}"#);
            let message = read(text.as_bytes()).unwrap();
            assert_eq!((message.id, message.method.as_str()), (Some(read_as), "ping"));
            assert!(message.params.get("a").is_some());
        }
        let notification = read(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).unwrap();
        assert_eq!((notification.id, notification.params), (None, Json::Object(Vec::new())));
    }

    #[tokio::test]
    async fn everything_else_is_refused_with_its_code() {
        for (text, id, code) in [
            ("{", None, PARSE_ERROR),
            ("", None, PARSE_ERROR),
            (r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}"#, None, PARSE_ERROR),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, None, INVALID_REQUEST),
            ("[]", None, INVALID_REQUEST),
            ("7", None, INVALID_REQUEST),
            (r#"{"id":1,"method":"ping"}"#, Some(json!(1)), INVALID_REQUEST),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, Some(json!(1)), INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, None, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, None, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, None, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, Some(json!(1)), INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, Some(json!(1)), INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, Some(json!(1)), INVALID_PARAMS),
        ] {
            assert_eq!(refused(text).await, (id, code), "{text}");
        }
        assert_eq!(refused(&"[".repeat(100_000)).await, (None, PARSE_ERROR));
        let long = format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"ping"}}"#, "x".repeat(300));
        assert_eq!(refused(&long).await, (None, INVALID_REQUEST));
    }
}
