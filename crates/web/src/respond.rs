//! The five error formats, and which of them an address uses.

use axum::response::Response;
use http::StatusCode;

pub(crate) mod challenge;
pub mod management;
pub mod mcp;
pub mod oauth;
pub mod odata;
pub mod page;
pub(crate) mod text;

/// The area of the server to which an address belongs; it determines the format of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// Endpoints that respond as in [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2).
    OAuth,
    /// The management API with its envelope.
    Management,
    /// The data.
    OData,
    /// The data for agents, with JSON-RPC.
    Mcp,
    /// Pages for people.
    Page,
}

impl Area {
    /// The area of a path.
    pub fn of(path: &str) -> Self {
        let endpoint = path.strip_prefix("/api/mgmt").unwrap_or(path).strip_prefix("/oauth2/");
        match endpoint {
            Some("authorize" | "consent" | "logout" | "logout/confirm" | "check_session") => Self::Page,
            Some(_) => Self::OAuth,
            None if path == "/api/odata4" || path.starts_with("/api/odata4/") => Self::OData,
            None if path == "/mcp" || path.starts_with("/mcp/") => Self::Mcp,
            None if path == "/api" || path.starts_with("/api/") => Self::Management,
            None if path.starts_with("/.well-known/") => Self::OAuth,
            None => Self::Page,
        }
    }

    /// The name in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OAuth => "oauth",
            Self::Management => "management",
            Self::OData => "odata",
            Self::Mcp => "mcp",
            Self::Page => "page",
        }
    }

    /// The challenge for a 401 response that does not contain one itself ([RFC 9110
    /// §15.5.2](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.2)). A page asks with a form, for which
    /// browsers know no scheme, and Basic would make them ask again in a dialogue of their own. A page
    /// therefore names Basic only if the browser used it.
    pub const fn challenge(self, used_basic: bool) -> &'static str {
        match self {
            Self::OData | Self::Mcp => r#"Bearer realm="Sluicegate""#,
            Self::Page if !used_basic => r#"Form realm="Sluicegate""#,
            Self::OAuth | Self::Management | Self::Page => challenge::BASIC,
        }
    }

    /// Refuses a request because of its HTTP form, before any use case has seen it.
    pub fn refuse(self, status: StatusCode, message: &str) -> Response {
        match self {
            Self::OAuth => oauth::refuse(status, message),
            Self::Management => management::refuse(status, message),
            Self::OData => odata::refuse(status, message),
            Self::Mcp => mcp::refuse(status, message),
            Self::Page => page::refuse(status, message),
        }
    }
}
