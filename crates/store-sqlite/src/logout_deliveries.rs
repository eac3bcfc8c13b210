//! Logout tokens that are to be delivered.

use domain::audit::NewAuditEvent;
use domain::id::LogoutDeliveryId;
use domain::time::Timestamp;
use store::relational::{logout_deliveries, run_ready};
use store::{Answer, LogoutClaim, LogoutDeliveries, LogoutDelivery};

use crate::SqliteStore;
use crate::tables::Tables;

impl LogoutDeliveries for SqliteStore {
    fn claim_logout_deliveries(&self, claim: LogoutClaim) -> Answer<'_, Vec<LogoutDelivery>> {
        self.write(move |db| run_ready(logout_deliveries::claim(&Tables(db), &claim)))
    }

    fn postpone_logout_delivery(
        &self,
        id: LogoutDeliveryId,
        attempts: u32,
        due_at: Timestamp,
    ) -> Answer<'_, bool> {
        self.write(move |db| run_ready(logout_deliveries::postpone(&Tables(db), id, attempts, due_at)))
    }

    fn return_logout_delivery(
        &self,
        id: LogoutDeliveryId,
        attempts: u32,
        due_at: Timestamp,
    ) -> Answer<'_, bool> {
        self.write(move |db| run_ready(logout_deliveries::give_back(&Tables(db), id, attempts, due_at)))
    }

    fn end_logout_delivery(
        &self,
        id: LogoutDeliveryId,
        attempts: u32,
        audit: Option<NewAuditEvent>,
    ) -> Answer<'_, bool> {
        self.write(move |db| run_ready(logout_deliveries::end(&Tables(db), id, attempts, audit.as_ref())))
    }
}
