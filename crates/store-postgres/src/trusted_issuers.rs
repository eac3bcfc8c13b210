//! Trusted issuers: each operation, in its kind of transaction.

use domain::audit::NewAuditEvent;
use domain::id::{TrustedIssuerId, UserId};
use oauth::trusted_issuer::{NewTrustedIssuer, TrustedIssuer};
use store::relational::{NamedStatement, judged, trusted_issuers};
use store::{Answer, Judged, TrustedIssuerRefusal, TrustedIssuers};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::{read, serialized};

impl TrustedIssuers for PostgresStore {
    fn list_trusted_issuers(&self) -> Answer<'_, Vec<TrustedIssuer>> {
        read!(self, db => trusted_issuers::list(&Tables(db)))
    }

    fn insert_trusted_issuer(
        &self,
        new: NewTrustedIssuer,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedIssuer, TrustedIssuerRefusal>> {
        serialized!(self, db => judged(trusted_issuers::insert(&Tables(db), &new, &audit)))
    }

    fn update_trusted_issuer(
        &self,
        id: TrustedIssuerId,
        new: NewTrustedIssuer,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedIssuer, TrustedIssuerRefusal>> {
        serialized!(self, db => judged(trusted_issuers::update(&Tables(db), id, &new, &audit)))
    }

    fn delete_trusted_issuer(
        &self,
        id: TrustedIssuerId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedIssuer, TrustedIssuerRefusal>> {
        serialized!(self, db => judged(trusted_issuers::delete(&Tables(db), id, &audit)))
    }

    fn users_with_verified_email<'a>(&'a self, email: &'a str) -> Answer<'a, Vec<UserId>> {
        // The first two conditions are those of the index.
        static FIND: NamedStatement = NamedStatement::new(
            "SELECT id FROM users WHERE attributes IS NOT NULL AND lower(CAST(attributes AS jsonb) ->> 'email') = :email
                AND CAST(attributes AS jsonb) ->> 'email_verified' = 'true' ORDER BY id LIMIT 5",
        );
        read!(self, db => trusted_issuers::users_with_email(&Tables(db), &FIND, email))
    }
}
