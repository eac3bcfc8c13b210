//! Where a request came from.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use app::caller::Origin;
use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{Extensions, HeaderMap};

use crate::{Gate, WebSettings};

/// The address of the other end of the connection; the server's accept loop puts it into each request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddress(pub SocketAddr);

/// The id under which a request stands in the logs; [`crate::Front`] puts it into each request's extensions.
#[derive(Debug, Clone)]
pub struct RequestId(pub std::sync::Arc<str>);

/// Extracts the origin of a request; never fails.
#[derive(Debug, Clone)]
pub struct From(pub Origin);

impl FromRequestParts<Gate> for From {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, gate: &Gate) -> Result<Self, Infallible> {
        Ok(Self(of(&parts.extensions, &parts.headers, gate.settings())))
    }
}

/// The origin of a request with these extensions and headers.
pub(crate) fn of(extensions: &Extensions, headers: &HeaderMap, settings: &WebSettings) -> Origin {
    let peer = extensions.get::<PeerAddress>().map(|peer| peer.0.ip().to_canonical());
    let request_id = extensions.get::<RequestId>().map(|id| id.0.to_string()).unwrap_or_default();
    Origin { address: peer.map(|peer| client_address(peer, headers, settings)), request_id }
}

/// Walks `X-Forwarded-For` from its end, which the nearest proxy wrote, as long as each hop is a trusted proxy: what
/// stands further left may have been made up by the client.
fn client_address(peer: IpAddr, headers: &HeaderMap, settings: &WebSettings) -> IpAddr {
    let mut address = peer;
    let lists = headers.get_all("x-forwarded-for").iter().rev().filter_map(|value| value.to_str().ok());
    let hops = lists.flat_map(|list| list.rsplit(','));
    for hop in hops {
        if !settings.trusted_proxies.contains(&address) {
            break;
        }
        let Ok(named) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        address = named.to_canonical();
    }
    address
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
    fn forwarded_addresses_are_believed_of_trusted_proxies_only() {
        assert_eq!(client("192.0.2.9", &["198.51.100.1"], &[]), "192.0.2.9");
        assert_eq!(client("10.0.0.1", &["198.51.100.1"], &["10.0.0.1"]), "198.51.100.1");
    }

    #[test]
    fn what_a_client_made_up_before_the_proxy_is_not_believed() {
        assert_eq!(client("10.0.0.1", &["203.0.113.5, 198.51.100.1"], &["10.0.0.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.5", "198.51.100.1"], &["10.0.0.1"]), "198.51.100.1");
    }

    #[test]
    fn a_chain_of_trusted_proxies_is_walked_to_its_start() {
        let trusted = ["10.0.0.1", "10.0.0.2"];
        assert_eq!(client("10.0.0.1", &["198.51.100.1, 10.0.0.2"], &trusted), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["nonsense, 10.0.0.2"], &trusted), "10.0.0.2");
    }
}
