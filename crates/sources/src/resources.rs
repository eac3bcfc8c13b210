//! What all opened sources have in common.

use std::sync::Arc;

use crate::{AllowedHosts, ConnectionBudget, Connector, Limits};

/// What opened sources share.
#[derive(Debug, Clone)]
pub struct Resources {
    /// The limits of each source.
    pub limits: Limits,
    /// The connections of all sources together.
    pub budget: Arc<ConnectionBudget>,
    /// Connects to database servers. Drivers must not open connections in another way.
    pub connector: Connector,
}

impl Resources {
    /// Limits for each source, at most this many connections of all together, and hosts to which they may
    /// connect.
    pub fn new(limits: Limits, connections: usize, hosts: AllowedHosts) -> Self {
        Self { limits, budget: ConnectionBudget::new(connections), connector: Connector::new(hosts) }
    }
}
