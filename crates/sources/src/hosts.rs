//! Hosts to which data sources may connect.
//!
//! The creator of a data source names a host, and must not be able to reach the inside of the operator's network
//! through the server. A host is allowed by its name or by its address. The address to which the server really
//! connects is checked after the name is resolved, so a name that is allowed leads nowhere else by pointing to
//! another machine later.

mod address;
mod connector;
mod rule;

use std::net::IpAddr;
use std::sync::Arc;

pub use connector::{Connector, Resolve};
pub use rule::{HostRule, HostRuleError};

use self::address::{is_special, unwrapped};
use crate::SourceError;

/// The hosts to which data sources may connect; by default none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts(Arc<[HostRule]>);

impl AllowedHosts {
    /// The hosts of these rules.
    pub fn new(rules: Vec<HostRule>) -> Self {
        Self(rules.into())
    }

    /// Whether a data source may name this host. The answer is final for an address; a name is checked again
    /// once it is resolved.
    ///
    /// # Errors
    /// [`SourceError::HostNotAllowed`].
    pub fn check(&self, host: &str, port: u16) -> Result<(), SourceError> {
        let may_lead = match host.parse() {
            Ok(address) => self.covers(host, address, port),
            Err(_) => self.0.iter().any(|rule| rule.is_for(port) && (rule.names(host) || rule.is_network())),
        };
        if may_lead { Ok(()) } else { Err(SourceError::HostNotAllowed) }
    }

    /// Whether the server may connect to this address, to which the host was resolved. A special address, such
    /// as one of the machine itself, must be listed as an address or a network.
    fn covers(&self, host: &str, address: IpAddr, port: u16) -> bool {
        let address = unwrapped(address);
        self.0
            .iter()
            .filter(|rule| rule.is_for(port))
            .any(|rule| rule.contains(address) || (rule.names(host) && !is_special(address)))
    }
}

#[cfg(test)]
mod tests;
