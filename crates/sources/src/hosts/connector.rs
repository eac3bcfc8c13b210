//! Connects to allowed hosts.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::net::TcpStream;

use super::AllowedHosts;
use crate::SourceError;

/// The number of addresses of one host that are tried.
const MOST_ADDRESSES: usize = 8;

/// Resolves host names.
pub trait Resolve: fmt::Debug + Send + Sync {
    /// The addresses of a host, each with the port.
    ///
    /// # Errors
    /// Why the name cannot be resolved.
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;
}

/// The resolver of the operating system.
#[derive(Debug)]
struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, port)).await?;
            Ok(found.take(MOST_ADDRESSES).collect())
        })
    }
}

/// Opens connections to allowed hosts, and to no others. Every driver of a database server must use it: it
/// connects to the very address that it has checked, so a name cannot change its meaning in between.
#[derive(Debug, Clone)]
pub struct Connector {
    hosts: AllowedHosts,
    resolver: Arc<dyn Resolve>,
}

impl Connector {
    /// A connector for these hosts.
    pub fn new(hosts: AllowedHosts) -> Self {
        Self::with_resolver(hosts, Arc::new(SystemResolver))
    }

    /// The same with a resolver of its own.
    pub fn with_resolver(hosts: AllowedHosts, resolver: Arc<dyn Resolve>) -> Self {
        Self { hosts, resolver }
    }

    /// The allowed hosts.
    pub fn hosts(&self) -> &AllowedHosts {
        &self.hosts
    }

    /// Connects to the first address of the host that is allowed and answers.
    ///
    /// # Errors
    /// [`SourceError::HostNotAllowed`] if none is allowed, [`SourceError::Unresolved`] if the name has no address,
    /// [`SourceError::ConnectionRefused`] or [`SourceError::Unreachable`] if none answers.
    pub async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, SourceError> {
        // No name is looked up that could not be allowed.
        self.hosts.check(host, port)?;
        let detail = |error: io::Error| format!("{host}:{port}: {error}");
        let unresolved = |error| SourceError::Unresolved { detail: detail(error) };
        let unreachable = |error: io::Error| match error.kind() {
            io::ErrorKind::ConnectionRefused => SourceError::ConnectionRefused { detail: detail(error) },
            _ => SourceError::Unreachable { detail: detail(error) },
        };
        let resolved = self.resolver.resolve(host, port).await.map_err(unresolved)?;
        let mut outcome = Err(SourceError::HostNotAllowed);
        let is_allowed = |address: &SocketAddr| self.hosts.covers(host, address.ip(), port);
        for address in resolved.into_iter().filter(is_allowed).take(MOST_ADDRESSES) {
            outcome = TcpStream::connect(SocketAddr::new(address.ip(), port)).await.map_err(unreachable);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }
}
