//! The request that a part of a batch stands for.

use http::header::{
    AUTHORIZATION, COOKIE, EXPECT, FROM, HOST, HeaderName, IF_MATCH, IF_NONE_MATCH, MAX_FORWARDS,
    PROXY_AUTHORIZATION, RANGE, TE,
};
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode, Uri};

use super::left::Left;
use super::part::Part;
use crate::http::base_path::BasePath;
use crate::http::host;
use crate::odata::data_caller::unknown;
use crate::respond::odata::ODataProblem;

/// Headers that the requests of a batch must not have ([Protocol
/// §11.7.7.1](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_MultipartBatchRequestBody)): they
/// are those of the caller of the batch, or of its connection.
const FORBIDDEN: [HeaderName; 12] = [
    AUTHORIZATION,
    PROXY_AUTHORIZATION,
    COOKIE,
    HeaderName::from_static("dpop"),
    HeaderName::from_static("x-datadirect-authservice"),
    HeaderName::from_static("ddcloud-datasource-user"),
    HeaderName::from_static("ddcloud-datasource-password"),
    EXPECT,
    FROM,
    MAX_FORWARDS,
    RANGE,
    TE,
];

/// The batch that contains a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Surroundings {
    /// The path of the source with a slash at its end, to which addresses of parts are relative.
    pub(super) root: String,
    /// The host that the batch named.
    pub(super) host: Option<String>,
    /// The host of the public URL.
    pub(super) public_host: Option<String>,
    /// The path of the public URL.
    pub(super) base: BasePath,
    /// The maximum length of path and query.
    pub(super) max_uri_bytes: usize,
    /// The highest version that the batch accepts, for parts that do not say it.
    pub(super) max_version: Option<http::HeaderValue>,
}

impl Surroundings {
    /// The head of the request that the part stands for; with the problem if it is none. A head is made in any case,
    /// because the response depends on it. `earlier` are the parts of the same change set to which it may refer, `left` is what those
    /// before have left.
    pub(super) fn request(
        &self,
        part: &Part,
        earlier: &[Part],
        left: &Left,
    ) -> (Parts, Result<(), ODataProblem>) {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = part.method.clone();
        parts.headers = self.headers(&part.headers);
        let located = self.locate(part, earlier, left).map(|uri| parts.uri = uri);
        let forbidden = FORBIDDEN.into_iter().find(|name| part.headers.contains_key(name));
        let judged = match forbidden {
            Some(name) => Err(bad(format!("a request of a batch must not have the header {name}"))),
            None => located.and_then(|()| with_tags(&mut parts.headers, earlier, left)),
        };
        (parts, judged)
    }

    fn headers(&self, own: &HeaderMap) -> HeaderMap {
        let mut headers = own.clone();
        let host = self.host.as_deref().and_then(|host| host.parse().ok());
        if let Some(host) = host.filter(|_| !own.contains_key(HOST)) {
            headers.insert(HOST, host);
        }
        let name = HeaderName::from_static("odata-maxversion");
        if let Some(version) = self.max_version.clone().filter(|_| !own.contains_key(&name)) {
            headers.insert(name, version);
        }
        headers
    }

    /// The address: an absolute URI, an absolute path, or relative to the batch.
    fn locate(&self, part: &Part, earlier: &[Part], left: &Left) -> Result<Uri, ODataProblem> {
        let is_absolute = part.url.starts_with('/') || has_scheme(&part.url);
        let reference = reference(&part.url).filter(|id| !is_among(earlier, id));
        let text = match reference {
            Some(id) => {
                let path = left.path(id)?.ok_or_else(|| unknown_request(id))?;
                format!("{path}{}", &part.url[1 + id.len()..])
            }
            None if is_absolute => part.url.clone(),
            None => format!("{}{}", self.root, part.url),
        };
        let uri: Uri = text.parse().map_err(|_| {
            bad("the address of a request is not a URL: percent-encode blanks and other characters that no URL has")
        })?;
        if uri.path_and_query().is_some_and(|address| address.as_str().len() > self.max_uri_bytes) {
            let message = "the address of the request is too long";
            return Err(ODataProblem::new(StatusCode::URI_TOO_LONG, "UrlTooLong", message));
        }
        let named = host::named(&uri, &part.headers);
        let is_here = |named: &str| {
            [&self.host, &self.public_host].into_iter().flatten().any(|host| host.eq_ignore_ascii_case(named))
        };
        if !named.is_none_or(is_here) {
            return Err(bad("the address of a request is that of another server"));
        }
        let mut inside = uri;
        if is_absolute && self.base.take_from(&mut inside).is_err() {
            return Err(unknown());
        }
        Ok(inside)
    }
}

/// Puts the tags in conditions in place of the requests whose responses have them. Those of the same change set have none yet.
fn with_tags(headers: &mut HeaderMap, earlier: &[Part], left: &Left) -> Result<(), ODataProblem> {
    for name in [IF_MATCH, IF_NONE_MATCH] {
        let value = headers.get(&name).and_then(|value| value.to_str().ok());
        let id = value.and_then(|value| value.trim().strip_prefix('$'));
        let Some(id) = id.filter(|id| !is_among(earlier, id)) else { continue };
        let tag = left.tag(id)?.ok_or_else(|| unknown_request(id))?.clone();
        headers.insert(name, tag);
    }
    Ok(())
}

fn is_among(parts: &[Part], id: &str) -> bool {
    parts.iter().any(|part| part.id.as_deref() == Some(id))
}

fn unknown_request(id: &str) -> ODataProblem {
    bad(format!("no request before this one has the id {id}"))
}

/// The id of another request, if the first segment is `$` and that. The names of resources of the service take precedence.
fn reference(url: &str) -> Option<&str> {
    const RESOURCES: [&str; 7] = ["all", "batch", "crossjoin", "entity", "id", "metadata", "root"];
    let end = url.find(['/', '?', '(']).unwrap_or(url.len());
    url[..end].strip_prefix('$').filter(|id| !RESOURCES.contains(id))
}

fn has_scheme(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
}

fn bad(message: impl Into<String>) -> ODataProblem {
    ODataProblem::new(StatusCode::BAD_REQUEST, "BadRequest", message)
}

#[cfg(test)]
mod tests {
    use super::super::left::Head;
    use super::*;

    fn surroundings() -> Surroundings {
        Surroundings {
            root: "/api/odata4/crm/".to_owned(),
            host: Some("gate.example:8443".to_owned()),
            public_host: Some("public.example".to_owned()),
            base: BasePath::of("https://public.example/gate"),
            max_uri_bytes: 100,
            max_version: None,
        }
    }

    fn located(url: &str, headers: &[(&'static str, &'static str)]) -> Option<String> {
        let mut part = Part { url: url.to_owned(), ..Part::default() };
        for (name, value) in headers {
            part.headers.insert(*name, http::HeaderValue::from_static(value));
        }
        let (parts, judged) = surroundings().request(&part, &[], &Left::default());
        judged.is_ok().then(|| parts.uri.path_and_query().unwrap().to_string())
    }

    #[test]
    fn an_address_is_absolute_a_path_or_relative() {
        for url in [
            "A(1)?$top=1",
            "/gate/api/odata4/crm/A(1)?$top=1",
            "https://gate.example:8443/gate/api/odata4/crm/A(1)?$top=1",
            "HTTP://Public.example/gate/api/odata4/crm/A(1)?$top=1",
        ] {
            assert_eq!(located(url, &[]).as_deref(), Some("/api/odata4/crm/A(1)?$top=1"), "{url}");
        }
        assert_eq!(located("", &[]).as_deref(), Some("/api/odata4/crm/"));
        assert_eq!(located("$metadata", &[]).as_deref(), Some("/api/odata4/crm/$metadata"));
        let with_host = located("/gate/api/odata4/x/A", &[("host", "gate.example:8443")]);
        assert_eq!(with_host.as_deref(), Some("/api/odata4/x/A"));
    }

    #[test]
    fn a_part_refers_to_those_before_it_in_its_change_set() {
        let earlier = [Part { id: Some("1".to_owned()), ..Part::default() }];
        for (url, is_known) in
            [("$1", true), ("$1/Name", true), ("$2", false), ("$11", false), ("A/$1", true)]
        {
            let part = Part { url: url.to_owned(), ..Part::default() };
            let (parts, judged) = surroundings().request(&part, &earlier, &Left::default());
            assert_eq!(judged.is_ok(), is_known, "{url}");
            assert_eq!(parts.uri.path() == format!("/api/odata4/crm/{url}"), is_known, "{url}");
        }
    }

    #[test]
    fn a_part_refers_to_what_answered_ones_have_left() {
        let mut left = Left::default();
        let mut response = axum::response::Response::default();
        response.headers_mut().insert("etag", http::HeaderValue::from_static("W/\"a\""));
        let path = Some("/api/odata4/other/Ships(7)".to_owned());
        left.note(&Head { id: "1".to_owned(), method: http::Method::GET, path }, Some(&response));
        let part = |url: &str, headers: &[(&'static str, &'static str)]| {
            let mut part = Part { url: url.to_owned(), ..Part::default() };
            for (name, value) in headers {
                part.headers.insert(*name, http::HeaderValue::from_static(value));
            }
            surroundings().request(&part, &[], &left)
        };
        for (url, path) in [
            ("$1", "/api/odata4/other/Ships(7)"),
            ("$1/Name?$select=A", "/api/odata4/other/Ships(7)/Name?$select=A"),
        ] {
            let (parts, judged) = part(url, &[]);
            assert!(judged.is_ok(), "{url}");
            assert_eq!(parts.uri.path_and_query().unwrap().as_str(), path);
        }
        for name in ["if-match", "if-none-match"] {
            let (parts, judged) = part("A", &[(name, "$1")]);
            assert!(judged.is_ok(), "{name}");
            assert_eq!(parts.headers[name], "W/\"a\"");
            assert_eq!(part("A", &[(name, "$2")]).1.unwrap_err().parts().0, StatusCode::BAD_REQUEST);
        }
        assert_eq!(part("$2", &[]).1.unwrap_err().parts().0, StatusCode::BAD_REQUEST);
    }

    #[test]
    fn other_addresses_and_headers_of_callers_are_refused() {
        for url in
            ["https://other.example/gate/api/odata4/crm/A", "A b", "/api/odata4/crm/A", "$1/A", "http://"]
        {
            assert_eq!(located(url, &[]), None, "{url}");
        }
        assert_eq!(located(&"A".repeat(100), &[]), None, "too long");
        assert_eq!(located("/gate/api/odata4/crm/A", &[("host", "other.example")]), None);
        for name in ["authorization", "cookie", "dpop", "range", "te", "ddcloud-datasource-user"] {
            assert_eq!(located("A", &[(name, "x")]), None, "{name}");
        }
    }
}
