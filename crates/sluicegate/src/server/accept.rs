//! Listening, accepting, and orderly shutdown.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use web::{AddressRange, HttpService};

use super::addresses::Addresses;
use super::budget::Budget;
use super::connection::Connections;
use super::{ConnectionLimits, ServerTls, StopSignal};

/// A socket that listens but does not accept connections yet.
pub(crate) struct BoundListener {
    listener: TcpListener,
    /// The address, with the port that was assigned.
    pub(crate) address: SocketAddr,
}

/// The purpose of an address, which determines the setting that changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// The address for users and clients.
    Service,
    /// The address for clients with certificates.
    Certificates,
    /// The metrics listener.
    Observation,
}

impl Endpoint {
    /// The setting that chooses another address, such as `--listen 127.0.0.1:PORT`.
    fn choice(self, address: &str) -> String {
        match self {
            Self::Service => format!("--listen {address}"),
            Self::Certificates => format!(
                "client_certificates.listen = \"{address}\" or SLUICEGATE_CLIENT_CERTIFICATES__LISTEN={address}"
            ),
            Self::Observation => {
                format!("observation.listen = \"{address}\" or SLUICEGATE_OBSERVATION__LISTEN={address}")
            }
        }
    }
}

/// Listens on an address.
///
/// # Errors
/// A sentence that says why this failed, and what to do.
pub(crate) async fn bind(address: SocketAddr, endpoint: Endpoint) -> anyhow::Result<BoundListener> {
    let listener = TcpListener::bind(address).await.map_err(|error| refused(address, endpoint, &error))?;
    let address = listener.local_addr()?;
    Ok(BoundListener { listener, address })
}

fn refused(address: SocketAddr, endpoint: Endpoint, error: &std::io::Error) -> anyhow::Error {
    use std::io::ErrorKind;
    let other_port = endpoint.choice(&format!("{}:PORT", display_host(address)));
    match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "port {} of {} is taken by another program: end it, or choose another port with {other_port}",
            address.port(),
            address.ip(),
        ),
        ErrorKind::PermissionDenied => anyhow!(
            "this user may not listen on port {}: choose a port above 1023 with {other_port}",
            address.port(),
        ),
        ErrorKind::AddrNotAvailable => {
            let other = endpoint.choice("ADDR:PORT");
            anyhow!("{} is not an address of this machine: choose another with {other}", address.ip())
        }
        _ => anyhow!("the server cannot listen on {address}: {error}"),
    }
}

fn display_host(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

/// The pause after a connection could not be accepted, most likely for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

impl BoundListener {
    /// Accepts connections until told to stop, then lets running requests finish for as long as the limits
    /// allow.
    pub(crate) async fn serve(
        self,
        service: HttpService,
        tls: Option<ServerTls>,
        limits: ConnectionLimits,
        proxies: Vec<AddressRange>,
        stop: StopSignal,
    ) {
        let node = service.node().clone();
        let buffered = Budget::new(limits.buffered_bytes);
        let addresses = Addresses::new(limits.connections_per_address, buffered, proxies);
        let connections = Connections::new(service, tls, limits, stop.clone());
        let permits = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
        let mut running = JoinSet::new();
        let stopped = stop.triggered();
        tokio::pin!(stopped);
        loop {
            let permit = tokio::select! {
                Ok(permit) = Arc::clone(&permits).acquire_owned() => permit,
                () = &mut stopped => break,
            };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stopped => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let Some(guest) = addresses.enter(peer.ip()) else {
                        node.metrics().connections_refused.inc();
                        tracing::debug!(%peer, "an address has too many connections");
                        continue;
                    };
                    let serving = connections.clone().serve(stream, peer, guest);
                    let open = node.metrics().connections.clone();
                    open.inc();
                    running.spawn(async move {
                        serving.await;
                        open.dec();
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
            while running.try_join_next().is_some() {}
        }
        drop(self.listener);
        let ended = async { while running.join_next().await.is_some() {} };
        if tokio::time::timeout(limits.drain, ended).await.is_err() {
            tracing::warn!(connections = running.len(), "requests that did not finish in time were cut off");
        }
        running.shutdown().await;
    }
}
