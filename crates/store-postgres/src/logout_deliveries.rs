//! Logout tokens that are to be delivered: each operation, in its kind of transaction.

use domain::audit::NewAuditEvent;
use domain::id::LogoutDeliveryId;
use domain::time::Timestamp;
use store::relational::logout_deliveries;
use store::{Answer, LogoutClaim, LogoutDeliveries, LogoutDelivery};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::{in_one_statement, in_transaction};

impl LogoutDeliveries for PostgresStore {
    fn claim_logout_deliveries(&self, claim: LogoutClaim) -> Answer<'_, Vec<LogoutDelivery>> {
        in_transaction!(self, db => logout_deliveries::claim(&Tables(db), &claim))
    }

    fn postpone_logout_delivery(
        &self,
        id: LogoutDeliveryId,
        attempts: u32,
        due_at: Timestamp,
    ) -> Answer<'_, bool> {
        in_one_statement!(self, db => logout_deliveries::postpone(&Tables(db), id, attempts, due_at))
    }

    fn return_logout_delivery(
        &self,
        id: LogoutDeliveryId,
        attempts: u32,
        due_at: Timestamp,
    ) -> Answer<'_, bool> {
        in_one_statement!(self, db => logout_deliveries::give_back(&Tables(db), id, attempts, due_at))
    }

    fn end_logout_delivery(
        &self,
        id: LogoutDeliveryId,
        attempts: u32,
        audit: Option<NewAuditEvent>,
    ) -> Answer<'_, bool> {
        in_transaction!(self, db => logout_deliveries::end(&Tables(db), id, attempts, audit.as_ref()))
    }
}
