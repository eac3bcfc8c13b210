//! The rates at which strangers may leave something, and the refusal of those who exceed a rate.

use domain::account::network::Network;
use oauth::client_authentication::AuthenticatedClient;

use crate::Context;
use crate::identity::caller::RequestOrigin;
use crate::node::clock::Clock;
use crate::node::metrics::Metrics;
use crate::node::strangers::{Left, Strangers};
use crate::protocol::refusal::ProtocolRefusal;

/// Refuses what exceeds a rate.
#[derive(Clone, Copy)]
pub(crate) struct RateLimits<'a> {
    strangers: &'a Strangers,
    metrics: &'a Metrics,
    clock: &'a dyn Clock,
}

impl<'a> RateLimits<'a> {
    pub(crate) fn of(context: &'a Context) -> Self {
        Self { strangers: &context.strangers, metrics: &context.metrics, clock: &*context.clock }
    }

    /// Counts something that strangers may leave too, if they can send requests as this client.
    ///
    /// # Errors
    /// [`ProtocolRefusal::TooOften`], if their network has left too much.
    pub(crate) fn leave_as(
        self,
        client: &AuthenticatedClient,
        left: Left,
        origin: &RequestOrigin,
    ) -> Result<(), ProtocolRefusal> {
        if !client.application().is_open_to_strangers() {
            return Ok(());
        }
        self.leave_from(left, origin.network())
    }

    /// Counts something that somebody in a network leaves.
    ///
    /// # Errors
    /// [`ProtocolRefusal::TooOften`], if the network has left too much.
    pub(crate) fn leave_from(self, left: Left, network: Option<Network>) -> Result<(), ProtocolRefusal> {
        self.strangers.leave(left, network, self.clock.now()).map_err(|wait| self.too_often(wait))
    }

    /// The refusal by a rate limit, which is counted.
    pub(crate) fn too_often(self, retry_after_secs: u32) -> ProtocolRefusal {
        ProtocolRefusal::TooOften { retry_after_secs: self.metrics.count_rate_limited(retry_after_secs) }
    }
}
