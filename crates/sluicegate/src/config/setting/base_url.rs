//! The URL of a server.

use serde_json::{Value, json};
use web::BasePath;

use super::Written;

/// The address of a server: scheme, host, port, and perhaps a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl(String);

impl BaseUrl {
    /// The address, without a trailing slash.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The path; empty if the server has a host of its own.
    pub(crate) fn path(&self) -> BasePath {
        BasePath::of(&self.0)
    }

    /// Whether the server is reached over TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// Whether its host is this machine ([RFC 6761
    /// §6.3](https://www.rfc-editor.org/rfc/rfc6761#section-6.3)).
    pub(crate) fn is_loopback(&self) -> bool {
        let url = url::Url::parse(&self.0).ok();
        match url.as_ref().and_then(url::Url::host) {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.to_canonical().is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
    }

    /// The name of the host; `None` if it is an address.
    pub(crate) fn domain(&self) -> Option<String> {
        url::Url::parse(&self.0).ok()?.domain().map(str::to_owned)
    }
}

impl Written for BaseUrl {
    const KIND: &'static str = "a URL such as \"https://gate.example.org\" or \"https://www.example.org/gate\", without a query and without a \
         slash behind its path, whose segments consist of letters, digits and -._~";

    fn parse(text: &str) -> Option<Self> {
        let url = url::Url::parse(text).ok()?;
        let bare = url.query().is_none() && url.fragment().is_none();
        // The path as it was written, because parsing removes segments of dots.
        let path = BasePath::of(text);
        let written = if path.is_root() { "/" } else { path.as_str() };
        let plain = written == url.path() && (written == "/" || is_plain(written));
        let anonymous = url.username().is_empty() && url.password().is_none();
        let known = matches!(url.scheme(), "http" | "https") && url.has_host();
        (bare && plain && anonymous && known).then(|| Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    fn write(&self) -> String {
        self.0.clone()
    }

    fn schema() -> Value {
        json!({"type": "string", "format": "uri", "pattern": "^https?://[^/?#]+(/|(/[A-Za-z0-9._~-]+)*)$"})
    }
}

/// The maximum length of the path of the public URL in bytes, which every address begins with.
const LONGEST_PATH: usize = 200;

/// Whether every program on the way leaves a path as it is, and no other spelling means the same: segments of unreserved
/// characters ([RFC 3986 §2.3](https://www.rfc-editor.org/rfc/rfc3986#section-2.3)), none of them empty or of dots alone.
/// Well-known addresses belong to the host.
fn is_plain(path: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let mut segments = path.split('/').skip(1);
    path.len() <= LONGEST_PATH
        && !path.starts_with("/.well-known")
        && segments.all(|one| !matches!(one, "" | "." | "..") && one.bytes().all(is_unreserved))
}
