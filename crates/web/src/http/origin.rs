//! The origin of a request.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use app::identity::caller::RequestOrigin;
use http::{Extensions, HeaderMap};

use crate::WebSettings;

/// The address of the other end of the connection; the accept loop of the server puts it into the extensions
/// of each request.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddress(pub SocketAddr);

/// The id of a request in the logs; [`crate::HttpService`] puts it into the extensions of each request.
#[derive(Debug, Clone)]
pub struct RequestId(pub std::sync::Arc<str>);

/// Extracts the origin of a request; never fails.
#[derive(Debug, Clone)]
pub struct ClientOrigin(pub RequestOrigin);

/// The origin of a request with these extensions and headers.
pub(crate) fn of(extensions: &Extensions, headers: &HeaderMap, settings: &WebSettings) -> RequestOrigin {
    let request_id = extensions.get::<RequestId>().map(|id| id.0.to_string()).unwrap_or_default();
    RequestOrigin { address: address(extensions, headers, settings), request_id }
}

/// The address of the client; behind trusted proxies, the one that they report.
pub(crate) fn address(
    extensions: &Extensions,
    headers: &HeaderMap,
    settings: &WebSettings,
) -> Option<IpAddr> {
    let peer = extensions.get::<PeerAddress>().map(|peer| peer.0.ip().to_canonical());
    peer.map(|peer| client_address(peer, headers, settings))
}

/// Walks `X-Forwarded-For` from its end, which the nearest proxy wrote, as long as each hop is a trusted
/// proxy: the client may have invented everything further left. A hop that is not an address ends the walk.
fn client_address(peer: IpAddr, headers: &HeaderMap, settings: &WebSettings) -> IpAddr {
    let is_trusted = |address| settings.trusted_proxies.iter().any(|proxy| proxy.contains(address));
    let mut address = peer;
    if !is_trusted(address) {
        return address;
    }
    let lists = headers.get_all("x-forwarded-for").iter().rev();
    // A value that is not text is one hop without an address.
    for hop in lists.flat_map(|list| list.to_str().unwrap_or("?").rsplit(',')) {
        let Some(named) = hop_address(hop) else { break };
        address = named;
        if !is_trusted(address) {
            break;
        }
    }
    address
}

/// The address in a hop. Proxies write it plain, with a port, in brackets, or in quotes as in [RFC 7239
/// §6](https://www.rfc-editor.org/rfc/rfc7239#section-6).
fn hop_address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let hop = hop.strip_prefix('"').and_then(|hop| hop.strip_suffix('"')).unwrap_or(hop);
    let in_brackets = || hop.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    let address = hop.parse().ok().or_else(in_brackets).or_else(with_port)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for list in forwarded {
            headers.append("x-forwarded-for", list.parse().unwrap());
        }
        let trusted_proxies = trusted.iter().map(|proxy| proxy.parse().unwrap()).collect();
        let settings = WebSettings { trusted_proxies, ..WebSettings::default() };
        client_address(peer.parse().unwrap(), &headers, &settings).to_string()
    }

    #[test]
    fn forwarded_addresses_count_only_from_trusted_proxies() {
        assert_eq!(client("192.0.2.9", &["198.51.100.1"], &[]), "192.0.2.9");
        assert_eq!(client("10.0.0.1", &["198.51.100.1"], &["10.0.0.1"]), "198.51.100.1");
    }

    #[test]
    fn forwarded_addresses_invented_by_a_client_are_ignored() {
        assert_eq!(client("10.0.0.1", &["203.0.113.5, 198.51.100.1"], &["10.0.0.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.5", "198.51.100.1"], &["10.0.0.1"]), "198.51.100.1");
    }

    #[test]
    fn a_chain_of_trusted_proxies_is_followed_to_its_start() {
        let trusted = ["10.0.0.1", "10.0.0.2"];
        assert_eq!(client("10.0.0.1", &["198.51.100.1, 10.0.0.2"], &trusted), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["nonsense, 10.0.0.2"], &trusted), "10.0.0.2");
        assert_eq!(client("10.0.0.1", &["198.51.100.1, 10.9.9.9"], &["10.0.0.0/8"]), "198.51.100.1");
        assert_eq!(client("::ffff:10.0.0.1", &["198.51.100.1"], &["10.0.0.0/8"]), "198.51.100.1");
    }

    #[test]
    fn a_hop_may_have_a_port_brackets_and_quotes() {
        for (hop, address) in [
            ("198.51.100.1:4711", "198.51.100.1"),
            ("\"198.51.100.1:4711\"", "198.51.100.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("\"[2001:db8::1]:443\"", "2001:db8::1"),
            (" ::ffff:198.51.100.1 ", "198.51.100.1"),
        ] {
            assert_eq!(client("10.0.0.1", &[hop], &["10.0.0.1"]), address, "{hop}");
        }
    }

    #[test]
    fn a_hop_that_is_not_an_address_ends_the_walk() {
        let junk = [
            "",
            "unknown",
            "_hidden",
            "198.51.100.1:",
            "198.51.100.1:x",
            "198.51.100.1:99999",
            "[1.2.3.4]",
            "1.2.3",
        ];
        for hop in junk {
            let forwarded = format!("203.0.113.5, {hop}");
            assert_eq!(client("10.0.0.1", &[&forwarded], &["10.0.0.1"]), "10.0.0.1", "{hop}");
        }
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "203.0.113.5".parse().unwrap());
        headers.append("x-forwarded-for", http::HeaderValue::from_bytes(b"\xff").unwrap());
        let trusted_proxies = vec!["10.0.0.1".parse().unwrap()];
        let settings = WebSettings { trusted_proxies, ..WebSettings::default() };
        let peer = "10.0.0.1".parse().unwrap();
        assert_eq!(client_address(peer, &headers, &settings), peer, "what is not text is not passed over");
    }
}
