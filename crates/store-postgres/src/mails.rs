//! Mail that waits to be sent: each operation, in its kind of transaction.

use domain::audit::NewAuditEvent;
use domain::id::MailId;
use domain::time::Timestamp;
use store::relational::mails;
use store::{Answer, MailClaim, Mails, WaitingMail};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::in_transaction;

impl Mails for PostgresStore {
    fn claim_mails(&self, claim: MailClaim) -> Answer<'_, Vec<WaitingMail>> {
        in_transaction!(self, db => mails::claim(&Tables(db), claim))
    }

    fn postpone_mail(&self, id: MailId, attempts: u32, due_at: Timestamp) -> Answer<'_, bool> {
        in_transaction!(self, db => mails::postpone(&Tables(db), id, attempts, due_at))
    }

    fn end_mail(&self, id: MailId, attempts: u32, audit: NewAuditEvent) -> Answer<'_, bool> {
        in_transaction!(self, db => mails::end(&Tables(db), id, attempts, &audit))
    }
}
