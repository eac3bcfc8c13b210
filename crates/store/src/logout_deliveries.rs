//! Logout tokens that are still to be delivered to applications ([OpenID Connect Back-Channel
//! Logout](https://openid.net/specs/openid-connect-backchannel-1_0.html)).
//!
//! The operation that ends a session adds the deliveries in its own transaction, so that none is lost. A node claims
//! deliveries for a while. If it stops before it has reported an outcome, they are due again.

use domain::account::attributes::SubjectSeed;
use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, LogoutDeliveryId, UserId};
use domain::time::Timestamp;

use crate::Answer;

/// The maximum number of deliveries that wait for one application. Further ones are not added.
pub const MOST_LOGOUT_DELIVERIES: u32 = 10_000;

/// A logout token to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutDelivery {
    /// The id.
    pub id: LogoutDeliveryId,
    /// The application that is told.
    pub application: ApplicationId,
    /// The user whose session has ended.
    pub user: UserId,
    /// The source of the user's `sub`; the user may be deleted.
    pub subject_seed: SubjectSeed,
    /// The session that has ended; `None` if all of the user have.
    pub sid: Option<String>,
    /// How often it was claimed, this time included.
    pub attempts: u32,
}

/// Which deliveries a node claims.
#[derive(Debug, Clone)]
pub struct LogoutClaim {
    /// The current time.
    pub now: Timestamp,
    /// When they are due again if no outcome is reported.
    pub until: Timestamp,
    /// The applications that this node is already notifying.
    pub except: Vec<ApplicationId>,
    /// The maximum number of deliveries.
    pub most: u32,
}

/// Logout tokens that are to be delivered.
pub trait LogoutDeliveries {
    /// Claims the deliveries for one application that have been due for the longest time. Only one of several nodes
    /// claims a delivery. Returns an empty list if nothing is due.
    fn claim_logout_deliveries(&self, claim: LogoutClaim) -> Answer<'_, Vec<LogoutDelivery>>;
    /// Makes a delivery due at another time, if its last claim is the one with this number of attempts.
    fn postpone_logout_delivery(
        &self,
        id: LogoutDeliveryId,
        attempts: u32,
        due_at: Timestamp,
    ) -> Answer<'_, bool>;
    /// Takes back the last claim of a delivery, if it is the one with this number of attempts: it does not count as an
    /// attempt, and the delivery is due at another time.
    fn return_logout_delivery(
        &self,
        id: LogoutDeliveryId,
        attempts: u32,
        due_at: Timestamp,
    ) -> Answer<'_, bool>;
    /// Deletes a delivery, if its last claim is the one with this number of attempts, and records the event.
    fn end_logout_delivery(
        &self,
        id: LogoutDeliveryId,
        attempts: u32,
        audit: Option<NewAuditEvent>,
    ) -> Answer<'_, bool>;
}
