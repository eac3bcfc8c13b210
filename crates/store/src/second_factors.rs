//! The second factors of users.

use domain::account::second_factor::{SealedTotpSecret, SecondFactor};
use domain::audit::NewAuditEvent;
use domain::id::{Epoch, SessionId, UserId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::revocation::Revocation;

use crate::{Answer, Judged};

/// A second factor to be stored.
#[derive(Debug, Clone)]
pub struct NewSecondFactor {
    /// Whose it is.
    pub user: UserId,
    /// The user's epoch when the password was verified; nothing is stored if it has advanced.
    pub user_epoch: Epoch,
    /// The secret of its codes.
    pub secret: SealedTotpSecret,
    /// The step of the code by which it was confirmed.
    pub step: i64,
    /// The digests of the recovery codes.
    pub recovery_codes: Vec<Digest>,
    /// The session in which it was set up. It has a second factor from then on; all others of the user end.
    pub session: SessionId,
    /// When the last token of a grant has expired that ends with a session.
    pub revocations_expire_at: Timestamp,
}

/// Why a change to a second factor was refused; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondFactorRefusal {
    /// The user has none, or there is no such user.
    Unknown,
    /// The user has one already.
    Exists,
    /// The rights on which the decision rests were withdrawn.
    RightsChanged,
    /// The user has permissions that the caller does not have.
    BeyondRights,
}

/// Second factors. They stay when the access of their user ends, and are deleted with the user.
pub trait SecondFactors {
    /// Finds the second factor of a user.
    fn find_second_factor(&self, user: UserId) -> Answer<'_, Option<SecondFactor>>;
    /// Stores the second factor of a user who has none, and ends the user's other sessions. Returns the revocations that
    /// were appended.
    fn insert_second_factor(
        &self,
        new: NewSecondFactor,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Vec<Revocation>, SecondFactorRefusal>>;
    /// Uses up the code of a time step, and with it those of all earlier steps. Returns whether it was not used before:
    /// "The verifier MUST NOT accept the second attempt of the OTP after the successful validation has been issued for the
    /// first OTP" ([RFC 6238 §5.2](https://www.rfc-editor.org/rfc/rfc6238#section-5.2)).
    fn use_totp_step(&self, user: UserId, step: i64) -> Answer<'_, bool>;
    /// Uses up a recovery code. Returns whether the user had it; only then the event is written.
    fn use_recovery_code(&self, user: UserId, digest: Digest, audit: NewAuditEvent) -> Answer<'_, bool>;
    /// Replaces all recovery codes of a user.
    fn replace_recovery_codes(
        &self,
        user: UserId,
        digests: Vec<Digest>,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), SecondFactorRefusal>>;
    /// Deletes the second factor of a user, with the recovery codes.
    fn delete_second_factor(
        &self,
        user: UserId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), SecondFactorRefusal>>;
}
