//! Resolving names. Only what was resolved here is connected to, so a name that later points elsewhere leads nowhere.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use domain::special_use::{is_loopback, special_use};
use tokio::sync::Semaphore;
use url::Host;

use crate::FetchError;

/// The maximum number of addresses of a host to which a connection is tried.
const MOST_ADDRESSES: usize = 4;
/// Resolves a name on a thread that may wait.
pub trait ResolveName: Send + Sync + 'static {
    /// The addresses of a host.
    ///
    /// # Errors
    /// If the name cannot be resolved.
    fn resolve(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>>;
}

/// The resolver of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl ResolveName for SystemResolver {
    fn resolve(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        (host, port).to_socket_addrs().map(Iterator::collect)
    }
}

/// Finds the addresses of a host, and refuses all of them if one must not be connected to.
pub(crate) struct Resolver {
    names: Arc<dyn ResolveName>,
    permits_loopback: bool,
}

/// How many names are resolved at once for one purpose. The system's resolver cannot be interrupted, so a slow one keeps
/// its permit beyond the time limit of the request.
pub(crate) struct Lookups(Arc<Semaphore>);

impl Lookups {
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }
}

impl Resolver {
    pub(crate) fn new(names: Arc<dyn ResolveName>, permits_loopback: bool) -> Self {
        Self { names, permits_loopback }
    }

    pub(crate) const fn permits_loopback(&self) -> bool {
        self.permits_loopback
    }

    /// The addresses to which a connection may be made, in the order of the resolver.
    pub(crate) async fn addresses(
        &self,
        host: Host<&str>,
        port: u16,
        lookups: &Lookups,
    ) -> Result<Vec<SocketAddr>, FetchError> {
        let found = match host {
            Host::Ipv4(address) => vec![SocketAddr::new(address.into(), port)],
            Host::Ipv6(address) => vec![SocketAddr::new(address.into(), port)],
            Host::Domain(name) => self.look_up(name.to_owned(), port, lookups).await?,
        };
        if found.is_empty() {
            return Err(FetchError::NotResolved);
        }
        found.iter().try_for_each(|address| self.may_be_connected_to(address.ip()))?;
        Ok(found.into_iter().take(MOST_ADDRESSES).collect())
    }

    async fn look_up(
        &self,
        name: String,
        port: u16,
        lookups: &Lookups,
    ) -> Result<Vec<SocketAddr>, FetchError> {
        let permit = Arc::clone(&lookups.0).acquire_owned().await.map_err(|_| FetchError::Busy)?;
        let names = Arc::clone(&self.names);
        let look_up = tokio::task::spawn_blocking(move || {
            let _held = permit;
            names.resolve(&name, port)
        });
        match look_up.await {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(_)) | Err(_) => Err(FetchError::NotResolved),
        }
    }

    fn may_be_connected_to(&self, address: IpAddr) -> Result<(), FetchError> {
        match special_use(address) {
            Some(_) if self.permits_loopback && is_loopback(address) => Ok(()),
            Some(usage) => Err(FetchError::SpecialUse(usage)),
            None => Ok(()),
        }
    }
}
