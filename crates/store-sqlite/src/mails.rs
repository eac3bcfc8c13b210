//! Mail that waits to be sent.

use domain::audit::NewAuditEvent;
use domain::id::MailId;
use domain::time::Timestamp;
use store::relational::{mails, run_ready};
use store::{Answer, MailClaim, Mails, WaitingMail};

use crate::SqliteStore;
use crate::tables::Tables;

impl Mails for SqliteStore {
    fn claim_mails(&self, claim: MailClaim) -> Answer<'_, Vec<WaitingMail>> {
        self.write(move |db| run_ready(mails::claim(&Tables(db), claim)))
    }

    fn postpone_mail(&self, id: MailId, attempts: u32, due_at: Timestamp) -> Answer<'_, bool> {
        self.write(move |db| run_ready(mails::postpone(&Tables(db), id, attempts, due_at)))
    }

    fn end_mail(&self, id: MailId, attempts: u32, audit: NewAuditEvent) -> Answer<'_, bool> {
        self.write(move |db| run_ready(mails::end(&Tables(db), id, attempts, &audit)))
    }
}
