//! Trusted issuers.

use domain::audit::NewAuditEvent;
use domain::id::{TrustedIssuerId, UserId};
use oauth::trusted_issuer::{NewTrustedIssuer, TrustedIssuer};
use store::relational::{NamedStatement, judged, run_ready, trusted_issuers};
use store::{Answer, Judged, TrustedIssuerRefusal, TrustedIssuers};

use crate::SqliteStore;
use crate::tables::Tables;

impl TrustedIssuers for SqliteStore {
    fn list_trusted_issuers(&self) -> Answer<'_, Vec<TrustedIssuer>> {
        self.read(move |db| run_ready(trusted_issuers::list(&Tables(db))))
    }

    fn insert_trusted_issuer(
        &self,
        new: NewTrustedIssuer,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedIssuer, TrustedIssuerRefusal>> {
        self.write(move |db| run_ready(judged(trusted_issuers::insert(&Tables(db), &new, &audit))))
    }

    fn update_trusted_issuer(
        &self,
        id: TrustedIssuerId,
        new: NewTrustedIssuer,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedIssuer, TrustedIssuerRefusal>> {
        self.write(move |db| run_ready(judged(trusted_issuers::update(&Tables(db), id, &new, &audit))))
    }

    fn delete_trusted_issuer(
        &self,
        id: TrustedIssuerId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedIssuer, TrustedIssuerRefusal>> {
        self.write(move |db| run_ready(judged(trusted_issuers::delete(&Tables(db), id, &audit))))
    }

    fn users_with_verified_email<'a>(&'a self, email: &'a str) -> Answer<'a, Vec<UserId>> {
        // The first two conditions are those of the index.
        static FIND: NamedStatement = NamedStatement::new(
            "SELECT id FROM users WHERE attributes IS NOT NULL AND lower(json_extract(attributes, '$.email')) = :email
                AND json_extract(attributes, '$.email_verified') ORDER BY id LIMIT 5",
        );
        self.read(move |db| run_ready(trusted_issuers::users_with_email(&Tables(db), &FIND, email)))
    }
}
