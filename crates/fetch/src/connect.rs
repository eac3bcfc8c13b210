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
use crate::resolve::Resolver;

/// The maximum time in which one address must accept a connection; then the next one is tried.
const LONGEST_CONNECT: Duration = Duration::from_secs(2);

/// The addresses of the host of a URL, of which there is at least one.
pub(crate) async fn addresses(url: &Url, resolver: &Resolver) -> Result<Vec<SocketAddr>, FetchError> {
    let host = url.host().ok_or(FetchError::UnusableUrl)?;
    let port = url.port_or_known_default().ok_or(FetchError::UnusableUrl)?;
    resolver.addresses(host, port).await
}

/// Connects to one of the addresses of the host of a URL whose scheme is `https`.
pub(crate) async fn connect(
    url: &Url,
    addresses: &[SocketAddr],
    tls: &TlsConnector,
) -> Result<TlsStream<TcpStream>, FetchError> {
    let host = url.host().ok_or(FetchError::UnusableUrl)?;
    let name = match &host {
        url::Host::Domain(name) => {
            ServerName::try_from((*name).to_owned()).map_err(|_| FetchError::UnusableUrl)?
        }
        url::Host::Ipv4(address) => ServerName::from(std::net::IpAddr::from(*address)),
        url::Host::Ipv6(address) => ServerName::from(std::net::IpAddr::from(*address)),
    };
    let stream = first_that_accepts(addresses).await?;
    tls.connect(name, stream).await.map_err(|error| {
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
        if cause.is_some() { FetchError::Untrusted } else { FetchError::Malformed }
    })
}

async fn first_that_accepts(addresses: &[SocketAddr]) -> Result<TcpStream, FetchError> {
    for address in addresses {
        if let Ok(Ok(stream)) = timeout(LONGEST_CONNECT, TcpStream::connect(address)).await {
            return Ok(stream);
        }
    }
    Err(FetchError::Unreachable)
}
