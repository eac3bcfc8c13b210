//! The path of the public URL, below which everything is.
//!
//! Four places know it: [`HttpService`](crate::HttpService) takes it off the address of a request before its route and puts it
//! before each `Location` that begins with a slash, the filter [`path`](crate::filters::path) writes it into pages,
//! [cookies](super::cookies) are limited to it, and the [OpenAPI document](crate::reference) names it as the address of the
//! server. All other code names paths as if the server had a host of its own.

use std::any::Any;
use std::fmt;

use bytes::Bytes;
use http::Uri;
use http::header::HeaderValue;
use http::uri::PathAndQuery;

/// What monitoring asks at the address of a node, where no proxy adds a path.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

const WELL_KNOWN: &str = "/.well-known/";

/// The path of the public URL, without a slash at its end; empty if the server has a host of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasePath(Box<str>);

impl BasePath {
    /// The name of the value for templates.
    pub(crate) const KEY: &'static str = "base path";

    /// The base path of a server with a host of its own.
    pub fn root() -> Self {
        Self("".into())
    }

    /// The base path of a public URL: scheme, host and path, without a slash at its end.
    pub fn of(public_url: &str) -> Self {
        let host = public_url.find("://").map_or(0, |at| at + "://".len());
        let path = public_url[host..].find('/').map_or("", |at| &public_url[host + at..]);
        Self(path.into())
    }

    /// Whether the server has a host of its own.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// As text; empty, or a slash, the path, and no slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes the path off the address of a request.
    ///
    /// # Errors
    /// If the address is outside; it stays as it was.
    pub(crate) fn take_from(&self, uri: &mut Uri) -> Result<(), Outside> {
        if self.is_root() {
            return Ok(());
        }
        let inside = match self.inside(uri.path()).ok_or(Outside)? {
            Inside::Unchanged => return Ok(()),
            Inside::Path(path) => path_and_query("", path, uri.query()),
            Inside::WellKnown { name, path } => path_and_query(name, path, uri.query()),
        };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(inside.ok_or(Outside)?);
        *uri = Uri::from_parts(parts).map_err(|_| Outside)?;
        Ok(())
    }

    /// Well-known addresses exist in two forms: the part `/.well-known/…` comes before the path ([RFC 8414
    /// §3.1](https://www.rfc-editor.org/rfc/rfc8414#section-3.1), [RFC 9728
    /// §3.1](https://www.rfc-editor.org/rfc/rfc9728#section-3.1)) or after it ([OpenID Connect Discovery
    /// §4](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig)).
    fn inside<'a>(&self, path: &'a str) -> Option<Inside<'a>> {
        if let Some(path) = self.below(path) {
            return Some(Inside::Path(path));
        }
        if PROBES.contains(&path) {
            return Some(Inside::Unchanged);
        }
        let name = path.strip_prefix(WELL_KNOWN)?.find('/').filter(|&length| length > 0)?;
        let (name, rest) = path.split_at(WELL_KNOWN.len() + name);
        Some(Inside::WellKnown { name, path: self.below(rest)? })
    }

    /// What follows the path: nothing, or a path with its slash. The path is compared as it was sent; an escape in it or a
    /// `..` makes another path.
    fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(&*self.0).filter(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Puts the path before a `Location` on this server.
    pub(crate) fn put_before(&self, location: &mut HeaderValue) {
        if self.is_root() || !location.as_bytes().starts_with(b"/") || location.as_bytes().starts_with(b"//")
        {
            return;
        }
        let address = [self.0.as_bytes(), location.as_bytes()].concat();
        if let Ok(address) = HeaderValue::from_maybe_shared(Bytes::from(address)) {
            *location = address;
        }
    }
}

/// A request for an address that is not below the public URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outside;

/// An address below the public URL.
enum Inside<'a> {
    Unchanged,
    /// What follows the base path.
    Path(&'a str),
    /// The well-known part, and what follows the base path behind it.
    WellKnown {
        name: &'a str,
        path: &'a str,
    },
}

fn path_and_query(before: &str, path: &str, query: Option<&str>) -> Option<PathAndQuery> {
    let length = before.len() + path.len() + query.map_or(0, |query| query.len() + 1);
    let mut whole = String::with_capacity(length.max(1));
    whole.push_str(before);
    whole.push_str(path);
    if whole.is_empty() {
        whole.push('/');
    }
    if let Some(query) = query {
        whole.push('?');
        whole.push_str(query);
    }
    PathAndQuery::from_maybe_shared(Bytes::from(whole)).ok()
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The value that templates need to write addresses of this server.
impl askama::Values for BasePath {
    fn get_value<'a>(&'a self, key: &str) -> Option<&'a dyn Any> {
        (key == Self::KEY).then_some(self as &dyn Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(base: &str, address: &str) -> Option<String> {
        let mut uri: Uri = address.parse().unwrap();
        let taken = BasePath::of(&format!("https://gate.example:1{base}")).take_from(&mut uri);
        if taken == Err(Outside) {
            assert_eq!(uri, address.parse::<Uri>().unwrap(), "it stays as it was");
        }
        taken.ok().map(|()| uri.to_string())
    }

    #[test]
    fn everything_below_the_public_url_is_found_as_if_it_had_no_path() {
        for (base, address, path) in [
            ("", "/login?a=/b", "/login?a=/b"),
            ("", "/.well-known/openid-configuration/gate", "/.well-known/openid-configuration/gate"),
            ("/gate", "/gate", "/"),
            ("/gate", "/gate?a=b", "/?a=b"),
            ("/gate", "/gate/", "/"),
            ("/gate", "/gate/login?continue=/gate", "/login?continue=/gate"),
            ("/gate", "/gate/gate/x", "/gate/x"),
            ("/a/b", "/a/b/api/odata4/crm/Ships('%2F')", "/api/odata4/crm/Ships('%2F')"),
            ("/gate", "https://gate.example:1/gate/docs", "https://gate.example:1/docs"),
            ("/gate", "/gate/healthz", "/healthz"),
            ("/gate", "/healthz", "/healthz"),
            ("/gate", "/readyz", "/readyz"),
        ] {
            assert_eq!(inside(base, address).as_deref(), Some(path), "{base} {address}");
        }
    }

    #[test]
    fn well_known_addresses_have_the_path_behind_or_before_them() {
        for (address, path) in [
            ("/.well-known/oauth-authorization-server/gate", "/.well-known/oauth-authorization-server"),
            ("/.well-known/openid-configuration/gate?x", "/.well-known/openid-configuration?x"),
            ("/gate/.well-known/openid-configuration", "/.well-known/openid-configuration"),
            ("/.well-known/oauth-protected-resource/gate/", "/.well-known/oauth-protected-resource/"),
            (
                "/.well-known/oauth-protected-resource/gate/api/odata4/a%20b",
                "/.well-known/oauth-protected-resource/api/odata4/a%20b",
            ),
        ] {
            assert_eq!(inside("/gate", address).as_deref(), Some(path), "{address}");
        }
    }

    #[test]
    fn no_other_spelling_leads_below_the_public_url() {
        for address in [
            "/",
            "/login",
            "/metrics",
            "/gatehouse",
            "/gate%2flogin",
            "/gate%2Flogin",
            "/g%61te/login",
            "/Gate/login",
            "//gate/login",
            "/./gate/login",
            "/x/../gate/login",
            "/gate;x/login",
            "/gate\\login",
            "/healthz/",
            "/.well-known",
            "/.well-known/",
            "/.well-known/gate",
            "/.well-known/openid-configuration",
            "/.well-known/openid-configuration/",
            "/.well-known/openid-configuration/gatehouse",
            "/.well-known/openid-configuration//gate",
            "/.well-known//gate",
        ] {
            assert_eq!(inside("/gate", address), None, "{address}");
        }
        // What follows is nobody's path, but it is below.
        assert_eq!(inside("/gate", "/gate/../login").as_deref(), Some("/../login"));
        assert_eq!(inside("/gate", "/gate//login").as_deref(), Some("//login"));
    }

    #[test]
    fn a_location_on_this_server_gets_the_path() {
        let located = |base: &str, location: &str| {
            let mut header = HeaderValue::from_str(location).unwrap();
            BasePath::of(&format!("https://gate.example{base}")).put_before(&mut header);
            header.to_str().unwrap().to_owned()
        };
        assert_eq!(located("", "/account"), "/account");
        assert_eq!(located("/gate", "/account?a=b"), "/gate/account?a=b");
        for other in ["https://client.example/cb", "com.example:/cb", "//client.example/cb"] {
            assert_eq!(located("/gate", other), other);
        }
    }
}
