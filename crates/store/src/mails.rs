//! Mail that waits to be sent.
//!
//! The operation that makes a one-time link adds its mail in the same transaction, so that what was promised is not lost,
//! and a mail ends with its link. A node claims mails for a while. If it stops before it has reported an outcome, they are
//! due again.

use domain::audit::NewAuditEvent;
use domain::id::{MailId, UserId};
use domain::mail::SealedLetter;
use domain::secret::Digest;
use domain::time::Timestamp;

use crate::Answer;

/// The maximum number of mails that wait. Further links are not sent.
pub const MOST_MAILS: u32 = 10_000;

/// The maximum number of waiting mails beside which one is added that a stranger asks for, so that administrators can
/// still send theirs.
pub const MOST_MAILS_OF_STRANGERS: u32 = 5_000;

/// The mail of a new link.
#[derive(Debug, Clone)]
pub struct NewMail {
    /// The letter, sealed.
    pub sealed: SealedLetter,
    /// The maximum number of mails that wait, this one included.
    pub most: u32,
}

/// A mail that waits.
#[derive(Debug, Clone)]
pub struct WaitingMail {
    /// The id.
    pub id: MailId,
    /// The digest of the link in it, to which the seal is bound.
    pub link: Digest,
    /// The letter, sealed.
    pub sealed: SealedLetter,
    /// The user of the link.
    pub user: UserId,
    /// How often it was claimed, this time included.
    pub attempts: u32,
    /// When its link expires.
    pub expires_at: Timestamp,
}

/// Which mails a node claims.
#[derive(Debug, Clone, Copy)]
pub struct MailClaim {
    /// The current time.
    pub now: Timestamp,
    /// When they are due again if no outcome is reported.
    pub until: Timestamp,
    /// The maximum number of mails.
    pub most: u32,
}

/// Mail that waits to be sent.
pub trait Mails {
    /// Claims the mails that have been due for the longest time. Only one of several nodes claims a mail.
    fn claim_mails(&self, claim: MailClaim) -> Answer<'_, Vec<WaitingMail>>;
    /// Makes a mail due at another time, if its last claim is the one with this number of attempts.
    fn postpone_mail(&self, id: MailId, attempts: u32, due_at: Timestamp) -> Answer<'_, bool>;
    /// Deletes a mail, if its last claim is the one with this number of attempts, and records the event.
    fn end_mail(&self, id: MailId, attempts: u32, audit: NewAuditEvent) -> Answer<'_, bool>;
}
