//! The addresses of a server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::bootstrap::PublicUrls;
use crate::config::Settings;

/// The addresses of a server.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// The address for connections.
    pub(crate) address: SocketAddr,
    /// The address on which it listens, as a URL with the path of the public URL.
    pub(crate) local_url: String,
    /// The address for users and clients: its issuer identifier.
    pub(crate) public_url: String,
    /// The address for clients with certificates, if it is another one.
    pub(crate) certificate_url: Option<String>,
}

impl Site {
    /// The addresses of a server that is not running, as far as the settings say them.
    pub(crate) fn configured(settings: &Settings) -> Self {
        Self::of(settings, settings.general.listen, settings.client_certificates.listen)
    }

    pub(super) fn of(settings: &Settings, address: SocketAddr, certified: Option<SocketAddr>) -> Self {
        let scheme = if settings.tls.cert_file.is_some() { "https" } else { "http" };
        let local_url = format!("{scheme}://{}{}", reachable(address), settings.base_path());
        let public_url = match &settings.general.public_url {
            Some(url) => url.as_str().to_owned(),
            None if settings.general.behind_tls_proxy => format!("https://{}", reachable(address)),
            None => local_url.clone(),
        };
        let configured = settings.client_certificates.public_url.as_ref().map(|url| url.as_str().to_owned());
        let certificate_url = configured.or_else(|| with_port(&public_url, certified?.port()));
        Self { address: reachable(address), local_url, public_url, certificate_url }
    }

    /// The addresses that the use cases name to clients.
    pub(crate) fn urls(&self) -> PublicUrls<'_> {
        PublicUrls { issuer: &self.public_url, for_certificates: self.certificate_url.as_deref() }
    }
}

/// The same URL with another port.
fn with_port(url: &str, port: u16) -> Option<String> {
    let mut url = url::Url::parse(url).ok()?;
    url.set_port(Some(port)).ok()?;
    Some(url.as_str().trim_end_matches('/').to_owned())
}

/// An address to which clients can connect: the wildcard address is reached on loopback.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
