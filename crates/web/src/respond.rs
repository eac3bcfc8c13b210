//! The four forms of error, and which of them an address speaks.

use axum::response::Response;
use http::StatusCode;

pub mod management;
pub mod oauth;
pub mod odata;
pub mod page;

/// The part of the server that an address belongs to; it decides the form of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// Endpoints that speak [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2).
    OAuth,
    /// The management API with its envelope.
    Management,
    /// The data.
    OData,
    /// What a person sees in a browser.
    Page,
}

impl Area {
    /// The area of a path.
    pub fn of(path: &str) -> Self {
        let endpoint = path.strip_prefix("/api/mgmt").unwrap_or(path).strip_prefix("/oauth2/");
        match endpoint {
            Some("authorize" | "consent") => Self::Page,
            Some(_) => Self::OAuth,
            None if path == "/api/odata4" || path.starts_with("/api/odata4/") => Self::OData,
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
            Self::Page => "page",
        }
    }

    /// How to prove who asks, for an answer of 401 that does not say so itself
    /// ([RFC 9110 §15.5.2](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.2)). A page asks by a form; to that browsers know
    /// no scheme, and Basic would make them ask once more in a window of their own. So a page names Basic only to who used it.
    pub const fn challenge(self, used_basic: bool) -> &'static str {
        match self {
            Self::OData => r#"Bearer realm="Sluicegate""#,
            Self::Page if !used_basic => r#"Form realm="Sluicegate""#,
            Self::OAuth | Self::Management | Self::Page => r#"Basic realm="Sluicegate", charset="UTF-8""#,
        }
    }

    /// Refuses a request for what HTTP itself can tell, before any use case has seen it.
    pub fn refuse(self, status: StatusCode, message: &str) -> Response {
        match self {
            Self::OAuth => oauth::refuse(status, message),
            Self::Management => management::refuse(status, message),
            Self::OData => odata::refuse(status, message),
            Self::Page => page::refuse(status, message),
        }
    }
}
