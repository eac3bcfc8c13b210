//! One-time links: each operation, in its kind of transaction.

use domain::account::User;
use domain::account::one_time_link::OneTimeLink;
use domain::audit::NewAuditEvent;
use domain::id::UserId;
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::revocation::Revocation;
use store::relational::{judged, one_time_links};
use store::{
    Answer, Judged, LinkUse, NewLink, NewOneTimeLink, NewUser, OneTimeLinkRefusal, OneTimeLinks, UserRefusal,
};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::{read, serialized};

impl OneTimeLinks for PostgresStore {
    fn invite_user(
        &self,
        new: NewUser,
        link: NewLink,
        audit: [NewAuditEvent; 2],
    ) -> Answer<'_, Judged<(User, OneTimeLink), UserRefusal>> {
        serialized!(self, db => judged(one_time_links::invite(&Tables(db), &new, &link, &audit)))
    }

    fn insert_one_time_link(
        &self,
        new: NewOneTimeLink,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<OneTimeLink, OneTimeLinkRefusal>> {
        serialized!(self, db => judged(one_time_links::insert(&Tables(db), &new, &audit)))
    }

    fn find_one_time_link<'a>(
        &'a self,
        digest: &'a Digest,
        now: Timestamp,
    ) -> Answer<'a, Option<OneTimeLink>> {
        read!(self, db => one_time_links::find(&Tables(db), digest, now))
    }

    fn list_one_time_links(&self, user: UserId, now: Timestamp) -> Answer<'_, Vec<OneTimeLink>> {
        read!(self, db => one_time_links::list(&Tables(db), user, now))
    }

    fn end_one_time_links(
        &self,
        user: UserId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), OneTimeLinkRefusal>> {
        serialized!(self, db => judged(one_time_links::end(&Tables(db), user, &audit)))
    }

    fn use_one_time_link(
        &self,
        link: LinkUse,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(OneTimeLink, Vec<Revocation>), OneTimeLinkRefusal>> {
        serialized!(self, db => judged(one_time_links::consume(&Tables(db), &link, &audit)))
    }
}
