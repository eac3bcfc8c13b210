//! Checks the host of a request: it must be named once, and be well-formed.

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Request, Uri, Version};

/// Checks that the request names one host ([RFC 9112
/// §3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2), [RFC 9113
/// §8.3.1](https://www.rfc-editor.org/rfc/rfc9113#section-8.3.1)). Different programs on the way of a request
/// may choose different ones of two names. HTTP/1.0 may name none.
///
/// # Errors
/// What is wrong, for the sender.
pub(crate) fn is_named_once<B>(request: &Request<B>) -> Result<(), &'static str> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (host, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return Err("the request contains its host twice");
    }
    let host = match host {
        None => None,
        Some(value) => {
            let text = value.to_str().ok().filter(|text| is_host(text));
            Some(text.ok_or("Host is not a valid host name")?)
        }
    };
    match (request.uri().authority(), host) {
        (None, None) if request.version() > Version::HTTP_10 => Err("the request contains no host"),
        (Some(authority), _) if !is_host(authority.as_str()) => Err("the address contains no host"),
        (Some(authority), Some(host)) if !authority.as_str().eq_ignore_ascii_case(host) => {
            Err("the request contains two different hosts")
        }
        _ => Ok(()),
    }
}

/// The host that a request names, with the port if it names one.
pub(crate) fn named<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let of_header = || headers.get(HOST)?.to_str().ok();
    uri.authority().map(Authority::as_str).or_else(of_header)
}

/// `uri-host [ ":" port ]`, without user information. A comma may be in a host, but other programs use it to join two values
/// of a header.
fn is_host(text: &str) -> bool {
    is_common_name(text) || is_authority(text)
}

/// Whether it is a name or an IPv4 address, with or without a port, as in nearly every request.
fn is_common_name(text: &str) -> bool {
    let colon = text.bytes().position(|byte| byte == b':').unwrap_or(text.len());
    let (name, port) = text.split_at(colon);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    !name.is_empty() && name.bytes().all(is_name) && (port.is_empty() || is_port(&port[1..]))
}

fn is_authority(text: &str) -> bool {
    let Ok(authority) = text.parse::<Authority>() else { return false };
    let has_port = authority.as_str().len() > authority.host().len();
    !authority.host().is_empty()
        && !text.contains(['@', ','])
        && (!has_port || authority.port_u16().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_good(version: Version, uri: &str, hosts: &[&str]) -> bool {
        let mut request = Request::builder().version(version).uri(uri);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        is_named_once(&request.body(()).unwrap()).is_ok()
    }

    #[test]
    fn a_request_names_one_host() {
        for host in ["gate.example.org", "gate.example.org:8443", "127.0.0.1:80", "[::1]", "[::1]:8080", "x"]
        {
            assert!(is_good(Version::HTTP_11, "/", &[host]), "{host}");
        }
        assert!(is_good(Version::HTTP_10, "/", &[]));
        assert!(is_good(Version::HTTP_2, "https://gate.example.org/", &[]));
        assert!(is_good(Version::HTTP_2, "https://gate.example.org/", &["GATE.example.org"]));
    }

    #[test]
    fn a_missing_repeated_or_malformed_host_is_refused() {
        assert!(!is_good(Version::HTTP_11, "/", &[]));
        assert!(!is_good(Version::HTTP_11, "/", &["a", "b"]));
        assert!(!is_good(Version::HTTP_11, "/", &["a", "a"]));
        assert!(!is_good(Version::HTTP_10, "/", &["a", "a"]));
        for host in [
            "", " ", "a b", "a/b", "a, b", "a,b", "u@a", "u:p@a", "a:", "a:x", "a:99999", "[::1", "a?b",
            "a#b",
        ] {
            assert!(!is_good(Version::HTTP_11, "/", &[host]), "{host:?}");
        }
        assert!(!is_good(Version::HTTP_2, "/", &[]));
        assert!(!is_good(Version::HTTP_2, "https://a/", &["b"]));
        assert!(!is_good(Version::HTTP_2, "https://a/", &["a:443"]));
        assert!(!is_good(Version::HTTP_11, "http://a/", &["b"]), "an absolute address and another host");
    }
}
