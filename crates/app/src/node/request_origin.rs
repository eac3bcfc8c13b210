//! The origin of a request.

use std::net::IpAddr;

use domain::account::device::SessionOrigin;
use domain::account::network::address_text;
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::time::Timestamp;

/// The origin of a request, for the audit log and for rate limits.
#[derive(Debug, Clone)]
pub struct RequestOrigin {
    /// The address of the client; behind a trusted proxy, the one that the proxy reports.
    pub address: Option<IpAddr>,
    /// The id of the request in the logs.
    pub request_id: String,
}

impl RequestOrigin {
    /// From where a session is opened, in a browser that is described in these words.
    pub(crate) fn of_session(&self, device: Option<String>) -> SessionOrigin {
        SessionOrigin { device, address: self.address.map(address_text) }
    }

    /// An audit event with this origin, which does not name an actor or a subject yet.
    pub(crate) fn audit(&self, action: Action, outcome: Outcome, at: Timestamp) -> NewAuditEvent {
        NewAuditEvent {
            address: self.address.map(address_text),
            request_id: Some(self.request_id.clone()),
            ..NewAuditEvent::new(action, outcome, at)
        }
    }
}

/// The actor name of the command line in the audit log; such events name no user.
pub(crate) const COMMAND_LINE: &str = "command line";
