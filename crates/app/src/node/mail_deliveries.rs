//! Sending the mail that waits in the database.
//!
//! The operation that makes a link stores its mail in the same transaction. Each node claims those that are due, a few at a
//! time, and sends them. A mail of a node that stops meanwhile is due again when its claim is over, so a mail may arrive
//! twice, with the same message id, but none is lost.

use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::mail::next_attempt_secs;
use domain::time::Timestamp;
use mail::{Mailer, SendFailure};
use store::{MailClaim, WaitingMail};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::Fault;
use crate::node::NodeService;
use crate::node::metrics::{OutcomeLabels, Word};

/// The maximum number of mails that this node sends at the same time.
const AT_ONCE: u32 = 4;
/// How long a claim lasts beyond the maximum time of one mail, in seconds.
const CLAIM_SECS: i64 = 60;

/// Wakes the task that sends, after this node has stored mail.
#[derive(Debug, Default)]
pub(crate) struct MailStored(Notify);

impl MailStored {
    /// Mail may have been stored.
    pub(crate) fn announce(&self) {
        self.0.notify_one();
    }
}

impl NodeService {
    /// Waits until an operation of this node may have stored mail.
    pub async fn mails(&self) {
        self.context.mail_stored.0.notified().await;
    }

    /// Whether the server can send mail.
    pub fn sends_mail(&self) -> bool {
        self.context.settings.mail.is_some()
    }

    /// Sends the mail that is due. What cannot be sent is due again later. Without a mail server nothing happens.
    ///
    /// # Errors
    /// If the database fails; what was claimed is due again when the claim is over.
    pub async fn send_mails(&self) -> Result<(), Fault> {
        let Some(mailer) = self.context.settings.mail.clone() else { return Ok(()) };
        loop {
            let now = self.context.now();
            let until = now.plus_secs(CLAIM_SECS + mailer.longest_secs());
            let claimed = self.context.store.claim_mails(MailClaim { now, until, most: AT_ONCE }).await?;
            if claimed.is_empty() {
                return Ok(());
            }
            let mut running = JoinSet::new();
            for waiting in claimed {
                let (node, mailer) = (self.clone(), mailer.clone());
                running.spawn(async move { node.send_one(&mailer, waiting).await });
            }
            for done in running.join_all().await {
                if let Err(fault) = done {
                    fault.note("a mail was not sent; this will be tried again");
                }
            }
        }
    }

    async fn send_one(&self, mailer: &Mailer, waiting: WaitingMail) -> Result<(), Fault> {
        let letter = self.context.vault.open_letter(&waiting.link, &waiting.sealed);
        let letter = letter.map_err(|error| Fault::Broken(error.into()))?;
        let sent = mailer.send(&letter).await;
        self.note_sent(&waiting, sent).await
    }

    /// Stores the outcome of the attempt, then logs it.
    async fn note_sent(&self, waiting: &WaitingMail, sent: Result<(), SendFailure>) -> Result<(), Fault> {
        let (id, attempts, now) = (waiting.id, waiting.attempts, self.context.now());
        let store = &self.context.store;
        let Err(failure) = sent else {
            store.end_mail(id, attempts, self.event(waiting, Outcome::Success, now).await?).await?;
            tracing::info!(mail = %id, attempts, "a mail was sent");
            self.count("sent");
            return Ok(());
        };
        if let Some(at) = again_at(failure, attempts, now).filter(|at| *at < waiting.expires_at) {
            store.postpone_mail(id, attempts, at).await?;
            tracing::warn!(mail = %id, attempts, why = %failure, "a mail will be sent again");
            self.count("postponed");
            return Ok(());
        }
        let mut event = self.event(waiting, Outcome::Refused, now).await?;
        event.detail = Some(format!("{failure}, at attempt {attempts}"));
        store.end_mail(id, attempts, event).await?;
        tracing::error!(mail = %id, attempts, why = %failure, "a mail was not sent");
        self.count("abandoned");
        Ok(())
    }

    fn count(&self, outcome: &'static str) {
        self.context.metrics.mails.inc(OutcomeLabels { outcome: Word(outcome) });
    }

    async fn event(
        &self,
        waiting: &WaitingMail,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<NewAuditEvent, Fault> {
        let mut event = NewAuditEvent::new(Action::SendMail, outcome, now);
        event.account = Some(waiting.user);
        event.subject = self.context.store.find_user(waiting.user).await?.map(|user| user.name);
        Ok(event)
    }
}

/// When the mail is due again; `None` if that is of no use.
fn again_at(failure: SendFailure, attempts: u32, now: Timestamp) -> Option<Timestamp> {
    let wait = next_attempt_secs(attempts).filter(|_| !failure.is_final())?;
    Some(now.plus_secs(wait))
}
