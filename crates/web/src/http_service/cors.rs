//! Responses that web pages of other origins may read ([Fetch, CORS
//! protocol](https://fetch.spec.whatwg.org/#http-cors-protocol)).
//!
//! This module decides for all endpoints and all responses, including errors: [`CrossOrigin`] examines a
//! request before its route and adds headers to the result. Requests without `Origin` do not come here.
//! Credentials that a browser sends by itself, a cookie or Basic, never work for a page of another origin:
//! the response gets none of these headers, and no response contains `Access-Control-Allow-Credentials`.

use app::management::trusted_origins::Reach;
use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, COOKIE,
    HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, Method, StatusCode};
use oauth::cors::WebOrigin;

use crate::WebState;
use crate::http::authorization;
use crate::respond::Area;

/// Headers that clients of OAuth and of OData send.
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Accept, Accept-Language, Authorization, Cache-Control, Content-Type, DPoP, DataServiceVersion, If-Match, If-None-Match, \
     Isolation, Last-Event-ID, MaxDataServiceVersion, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, OAuth-Client-Attestation, OAuth-Client-Attestation-PoP, OData-Isolation, \
     OData-MaxVersion, OData-Version, Prefer, traceparent, tracestate, \
     X-CSRF-Token, X-DataDirect-AuthService, X-HTTP-Method, X-Requested-With",
);
/// Response headers that a page may read.
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "OData-Version, WWW-Authenticate, DPoP-Nonce, OAuth-Client-Attestation-Challenge, Retry-After, Location, ETag, \
     OData-EntityId, Preference-Applied, Link",
);
/// How long a browser may cache the response to a preflight, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// A request that names the origin of the page that made it.
#[derive(Debug)]
pub(crate) struct CrossOrigin {
    /// The origin that the response allows; `None` if no page may read it.
    allowed: Option<HeaderValue>,
    is_preflight: bool,
}

impl CrossOrigin {
    /// Examines a request; `None` if there is nothing to decide, as for pages, which no other page may read.
    pub(crate) async fn of(
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        area: Area,
        state: &WebState,
    ) -> Option<Self> {
        if area == Area::Page {
            return None;
        }
        let is_preflight = method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let allowed = if path.starts_with("/.well-known/") || path.ends_with("/oauth2/jwks") {
            Some(ANY)
        } else {
            allowed(headers, area, path, state).await
        };
        Some(Self { allowed, is_preflight })
    }

    /// Adds the headers that the browser needs to pass the response to the page, or turns it into the
    /// response to a preflight.
    pub(crate) fn finish(self, response: &mut Response) {
        let is_preflight = self.is_preflight && answer_preflight(response);
        let headers = response.headers_mut();
        headers.append(VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = self.allowed else { return };
        // A public resource sets this header itself.
        headers.entry(ACCESS_CONTROL_ALLOW_ORIGIN).or_insert(origin);
        if is_preflight {
            if let Some(methods) = headers.get(ALLOW).cloned() {
                headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
            }
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
            headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        } else {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
        }
    }
}

/// No route has the method `OPTIONS`; for an existing path it was refused with the list of allowed methods.
fn answer_preflight(response: &mut Response) -> bool {
    let Some(methods) = response.headers_mut().remove(ALLOW) else { return false };
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, methods);
        return false;
    }
    *response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ALLOW, methods);
    let asked = "Access-Control-Request-Method, Access-Control-Request-Headers";
    headers.append(VARY, HeaderValue::from_static(asked));
    true
}

/// The origin of the request, if its pages may read the response.
async fn allowed(headers: &HeaderMap, area: Area, path: &str, state: &WebState) -> Option<HeaderValue> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else { return None };
    if is_ambient(headers) {
        return None;
    }
    let page: WebOrigin = origin.to_str().ok()?.parse().ok()?;
    if is_registration(path) {
        return Some(origin.clone());
    }
    let may_read = state.trusted_origins().page_may_read(&page, reach(area, path)).await;
    may_read.is_ok_and(|may| may).then(|| origin.clone())
}

/// Whether the request contains credentials that a browser sends by itself.
fn is_ambient(headers: &HeaderMap) -> bool {
    headers.contains_key(COOKIE) || authorization::may_be_remembered(headers)
}

/// Whether a client registers itself there, or manages its registration with its token. No page belongs to an application
/// before it has registered.
fn is_registration(path: &str) -> bool {
    let rest = path.split_once("/oauth2/register").map(|(_, rest)| rest);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Applications that run in a browser need to obtain and revoke tokens, and to read data.
fn reach(area: Area, path: &str) -> Reach {
    let endpoint = path.rsplit('/').next().unwrap_or_default();
    match area {
        Area::OData | Area::Mcp => Reach::Applications,
        Area::OAuth
            if matches!(
                endpoint,
                "token" | "revoke" | "par" | "userinfo" | "device_authorization" | "challenge"
            ) =>
        {
            Reach::Applications
        }
        Area::OAuth | Area::Management | Area::Page => Reach::Trusted,
    }
}
