//! Trusted origins.

use domain::audit::NewAuditEvent;
use domain::id::TrustedOriginId;
use oauth::cors::{NewTrustedOrigin, TrustedOrigin};
use store::relational::{judged, run_ready, trusted_origins};
use store::{Answer, Judged, TrustedOriginRefusal, TrustedOrigins};

use crate::SqliteStore;
use crate::tables::Tables;

impl TrustedOrigins for SqliteStore {
    fn list_trusted_origins(&self) -> Answer<'_, Vec<TrustedOrigin>> {
        self.read(move |db| run_ready(trusted_origins::list(&Tables(db))))
    }

    fn insert_trusted_origins(
        &self,
        new: Vec<NewTrustedOrigin>,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Vec<TrustedOrigin>, TrustedOriginRefusal>> {
        self.write(move |db| run_ready(judged(trusted_origins::insert(&Tables(db), &new, &audit))))
    }

    fn update_trusted_origin(
        &self,
        id: TrustedOriginId,
        new: NewTrustedOrigin,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedOrigin, TrustedOriginRefusal>> {
        self.write(move |db| run_ready(judged(trusted_origins::update(&Tables(db), id, &new, &audit))))
    }

    fn delete_trusted_origin(
        &self,
        id: TrustedOriginId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedOrigin, TrustedOriginRefusal>> {
        self.write(move |db| run_ready(judged(trusted_origins::delete(&Tables(db), id, &audit))))
    }

    fn is_origin_of_an_application<'a>(&'a self, origin: &'a str) -> Answer<'a, bool> {
        self.read(move |db| run_ready(trusted_origins::is_of_an_application(&Tables(db), origin)))
    }
}
