//! The revision of the protocol in which a message is to be understood.
//!
//! Until 2025-11-25 a client agrees on a revision with `initialize` and names it in a header afterwards; since 2026-07-28 each
//! message names it by itself. Both are answered without a session
//! ([Versioning](https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning)).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::HeaderName;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::message::Message;
use crate::json::Json;
use crate::respond::mcp::{HEADER_MISMATCH, INVALID_PARAMS, McpProblem, UNSUPPORTED_VERSION};

/// The revision in which each message names it.
pub(super) const SELF_CONTAINED: &str = "2026-07-28";
/// The revisions that are agreed on with `initialize`, newest first.
pub(super) const AGREED: [&str; 2] = ["2025-11-25", "2025-06-18"];
/// All of them.
pub(super) const ALL: [&str; 3] = [SELF_CONTAINED, AGREED[0], AGREED[1]];
/// A revision before the header existed: clients that know no later one send it nevertheless.
const WITHOUT_HEADER: &str = "2025-03-26";

const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// How a revision is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revision {
    /// One that is agreed on with `initialize`.
    Agreed,
    /// [`SELF_CONTAINED`].
    SelfContained,
}

/// The values of a header.
enum Sent<'a> {
    None,
    One(&'a str),
    Unreadable,
}

fn sent<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Sent<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(|value| value.to_str()), values.next()) {
        (None, _) => Sent::None,
        (Some(Ok(value)), None) => Sent::One(value),
        _ => Sent::Unreadable,
    }
}

/// The revision of a message, if its headers fit.
pub(crate) fn of(headers: &HeaderMap, message: &Message) -> Result<Revision, McpProblem> {
    let meta = message.params.get("_meta");
    let named = match meta.and_then(|meta| meta.get(META_VERSION)) {
        None => None,
        Some(Json::String(version)) => Some(version.as_str()),
        Some(_) => return Err(invalid("the revision of the protocol in _meta must be a text")),
    };
    let header = match sent(headers, &VERSION) {
        Sent::None => None,
        Sent::One(header) => Some(header),
        Sent::Unreadable => return Err(mismatch("send one header MCP-Protocol-Version")),
    };
    match (named, header) {
        (None, _) if message.method == "initialize" => Ok(Revision::Agreed),
        (None, None) => Ok(Revision::Agreed),
        (None, Some(header)) if header == WITHOUT_HEADER || AGREED.contains(&header) => Ok(Revision::Agreed),
        // Nothing is defined for notifications in this revision.
        (None, Some(SELF_CONTAINED)) if message.id.is_none() => Ok(Revision::SelfContained),
        (None, Some(SELF_CONTAINED)) => Err(invalid("_meta must name the revision of the protocol")),
        (Some(_), None) => Err(mismatch("the header MCP-Protocol-Version is missing")),
        (Some(named), Some(header)) if named != header => {
            Err(mismatch("the header MCP-Protocol-Version differs from _meta"))
        }
        (Some(SELF_CONTAINED), _) => {
            headers_fit(headers, message)?;
            let capabilities = meta.and_then(|meta| meta.get(META_CAPABILITIES));
            if matches!(capabilities, Some(Json::Object(_))) {
                Ok(Revision::SelfContained)
            } else {
                Err(invalid("_meta must name the capabilities of the client"))
            }
        }
        (None, Some(other)) | (Some(other), _) => Err(unsupported(other)),
    }
}

/// "Servers that process the request body MUST reject requests where the values specified in the headers do not match the
/// corresponding values in the request body" ([Server
/// Validation](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#server-validation)).
fn headers_fit(headers: &HeaderMap, message: &Message) -> Result<(), McpProblem> {
    if !matches!(sent(headers, &METHOD), Sent::One(method) if method == message.method) {
        return Err(mismatch("the header Mcp-Method is missing or differs from the method"));
    }
    if message.method != "tools/call" {
        return Ok(());
    }
    let name = match sent(headers, &NAME) {
        Sent::One(name) => decoded(name),
        Sent::None | Sent::Unreadable => None,
    };
    if name.is_some() && name.as_deref() == message.params.get("name").and_then(Json::as_str) {
        return Ok(());
    }
    Err(mismatch("the header Mcp-Name is missing or differs from the name of the tool"))
}

/// A value as it is, or in Base64 between `=?base64?` and `?=`.
fn decoded(value: &str) -> Option<String> {
    match value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) {
        Some(encoded) => STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok()),
        None => Some(value.to_owned()),
    }
}

fn invalid(message: &str) -> McpProblem {
    McpProblem::new(StatusCode::BAD_REQUEST, INVALID_PARAMS, message)
}

fn mismatch(message: &str) -> McpProblem {
    McpProblem::new(StatusCode::BAD_REQUEST, HEADER_MISMATCH, message)
}

fn unsupported(requested: &str) -> McpProblem {
    let requested: String = requested.chars().take(64).collect();
    let message = "this revision of the protocol is not supported";
    let data = json!({"supported": ALL, "requested": requested});
    McpProblem::new(StatusCode::BAD_REQUEST, UNSUPPORTED_VERSION, message).with(data)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::mcp::message;

    fn revision(
        headers: &[(&'static str, &'static str)],
        method: &str,
        params: &str,
    ) -> Result<Revision, String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let message = message::read(text.as_bytes()).unwrap();
        of(&map, &message).map_err(|problem| format!("{problem:?}"))
    }

    const META: &str = r#"{"name":"query","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
        "io.modelcontextprotocol/clientCapabilities":{}}}"#;

    #[test]
    fn clients_of_earlier_revisions_name_them_in_a_header_or_not_at_all() {
        for headers in [
            &[][..],
            &[("mcp-protocol-version", "2025-11-25")],
            &[("mcp-protocol-version", "2025-06-18")],
            &[("mcp-protocol-version", "2025-03-26")],
        ] {
            assert_eq!(revision(headers, "tools/list", "{}"), Ok(Revision::Agreed), "{headers:?}");
        }
        let later = [("mcp-protocol-version", "2026-07-28")];
        assert_eq!(revision(&later, "initialize", "{}"), Ok(Revision::Agreed));
    }

    #[test]
    fn a_self_contained_message_and_its_headers_say_the_same() {
        let version = ("mcp-protocol-version", "2026-07-28");
        let (method, name) = (("mcp-method", "tools/call"), ("mcp-name", "query"));
        let encoded = ("mcp-name", "=?base64?cXVlcnk=?=");
        for headers in [[version, method, name], [version, method, encoded]] {
            assert_eq!(revision(&headers, "tools/call", META), Ok(Revision::SelfContained), "{headers:?}");
        }
        for headers in [
            &[method, name][..],
            &[("mcp-protocol-version", "2025-11-25"), method, name],
            &[version, name],
            &[version, method],
            &[version, method, ("mcp-name", "get")],
            &[version, method, ("mcp-name", "=?base64?!?=")],
            &[version, ("mcp-method", "tools/list"), name],
            &[version, version, method, name],
        ] {
            let refused = revision(headers, "tools/call", META).unwrap_err();
            assert!(refused.contains("-32020"), "{headers:?}: {refused}");
        }
    }

    #[test]
    fn what_is_missing_and_what_is_unknown_is_refused() {
        for (header, params, code) in [
            ("1999-01-01", "{}", "-32022"),
            ("2026-07-28", "{}", "-32602"),
            ("2026-07-28", r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#, "-32602"),
            ("2026-07-28", r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":7}}"#, "-32602"),
            ("1999-01-01", r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"1999-01-01"}}"#, "-32022"),
        ] {
            let headers = [("mcp-protocol-version", header), ("mcp-method", "tools/list")];
            let refused = revision(&headers, "tools/list", params).unwrap_err();
            assert!(refused.contains(code), "{header} {params}: {refused}");
        }
    }
}
