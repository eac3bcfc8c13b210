//! The second factors of users.

use domain::account::second_factor::SecondFactor;
use domain::audit::NewAuditEvent;
use domain::id::UserId;
use domain::secret::Digest;
use oauth::revocation::Revocation;
use store::relational::{judged, run_ready, second_factors};
use store::{Answer, Judged, NewSecondFactor, SecondFactorRefusal, SecondFactors};

use crate::SqliteStore;
use crate::tables::Tables;

impl SecondFactors for SqliteStore {
    fn find_second_factor(&self, user: UserId) -> Answer<'_, Option<SecondFactor>> {
        self.read(move |db| run_ready(second_factors::find(&Tables(db), user)))
    }

    fn insert_second_factor(
        &self,
        new: NewSecondFactor,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Vec<Revocation>, SecondFactorRefusal>> {
        self.write(move |db| run_ready(judged(second_factors::insert(&Tables(db), &new, &audit))))
    }

    fn use_totp_step(&self, user: UserId, step: i64) -> Answer<'_, bool> {
        self.write(move |db| run_ready(second_factors::use_step(&Tables(db), user, step)))
    }

    fn use_recovery_code(&self, user: UserId, digest: Digest, audit: NewAuditEvent) -> Answer<'_, bool> {
        self.write(move |db| run_ready(second_factors::use_recovery_code(&Tables(db), user, &digest, &audit)))
    }

    fn replace_recovery_codes(
        &self,
        user: UserId,
        digests: Vec<Digest>,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), SecondFactorRefusal>> {
        self.write(move |db| {
            run_ready(judged(second_factors::replace_recovery_codes(&Tables(db), user, &digests, &audit)))
        })
    }

    fn delete_second_factor(
        &self,
        user: UserId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), SecondFactorRefusal>> {
        self.write(move |db| run_ready(judged(second_factors::delete(&Tables(db), user, &audit))))
    }
}
