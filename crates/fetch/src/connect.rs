//! Connecting to the addresses that were checked.

use std::net::SocketAddr;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Url;

use crate::FetchError;
use crate::permits::{DestinationPermit, Permits};
use crate::resolve::{Lookups, Resolver};

/// The maximum time in which one address must accept a connection; then the next one is tried.
const LONGEST_CONNECT: Duration = Duration::from_secs(2);

/// The addresses of the host of a URL, of which there is at least one.
pub(crate) async fn addresses(
    url: &Url,
    resolver: &Resolver,
    lookups: &Lookups,
) -> Result<Vec<SocketAddr>, FetchError> {
    let host = url.host().ok_or(FetchError::UnusableUrl)?;
    let port = url.port_or_known_default().ok_or(FetchError::UnusableUrl)?;
    resolver.addresses(host, port, lookups).await
}

/// A connection, with the permit for the network that it leads to.
pub(crate) struct Connected {
    pub(crate) stream: TlsStream<TcpStream>,
    pub(crate) network: Option<DestinationPermit>,
}

/// Connects to one of the addresses of the host of a URL whose scheme is `https`.
pub(crate) async fn connect(
    url: &Url,
    addresses: &[SocketAddr],
    tls: &TlsConnector,
    permits: &Permits,
) -> Result<Connected, FetchError> {
    let host = url.host().ok_or(FetchError::UnusableUrl)?;
    let name = match &host {
        url::Host::Domain(name) => {
            ServerName::try_from((*name).to_owned()).map_err(|_| FetchError::UnusableUrl)?
        }
        url::Host::Ipv4(address) => ServerName::from(std::net::IpAddr::from(*address)),
        url::Host::Ipv6(address) => ServerName::from(std::net::IpAddr::from(*address)),
    };
    let (stream, network) = first_that_accepts(addresses, permits).await?;
    let stream = tls.connect(name, stream).await.map_err(|error| {
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
        if cause.is_some() { FetchError::Untrusted } else { FetchError::Malformed }
    })?;
    Ok(Connected { stream, network })
}

/// An address whose network has no permit left is passed over, like one that accepts no connection.
async fn first_that_accepts(
    addresses: &[SocketAddr],
    permits: &Permits,
) -> Result<(TcpStream, Option<DestinationPermit>), FetchError> {
    let mut error = FetchError::Unreachable;
    for address in addresses {
        match permits.take_network(address.ip()) {
            Err(busy) => error = busy,
            Ok(network) => {
                if let Ok(Ok(stream)) = timeout(LONGEST_CONNECT, TcpStream::connect(address)).await {
                    return Ok((stream, network));
                }
            }
        }
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_network_that_is_connected_to_needs_a_permit() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (busy, free) = ("192.0.2.1:9".parse().unwrap(), listener.local_addr().unwrap());
        let permits = Permits::new(9, 1);
        let held = permits.take_network("192.0.2.1".parse().unwrap());
        let connected = first_that_accepts(&[busy, free], &permits).await;
        assert!(connected.unwrap().1.is_none(), "loopback is not limited");
        assert_eq!(first_that_accepts(&[busy], &permits).await.err(), Some(FetchError::Busy));
        drop((held, listener));
        assert_eq!(first_that_accepts(&[free], &permits).await.err(), Some(FetchError::Unreachable));
        assert!(permits.take_network("192.0.2.1".parse().unwrap()).is_ok(), "nothing is held any more");
    }
}
