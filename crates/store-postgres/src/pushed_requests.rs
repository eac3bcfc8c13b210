//! Pushed authorization requests: each operation is one statement.

use domain::id::PushedRequestId;
use domain::secret::Digest;
use domain::time::Timestamp;
use store::relational::pushed_requests;
use store::{Answer, NewPushedRequest, PushedRequest, PushedRequests};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::{in_one_statement, read};

impl PushedRequests for PostgresStore {
    fn insert_pushed_request(&self, new: NewPushedRequest) -> Answer<'_, Option<PushedRequestId>> {
        in_one_statement!(self, db => pushed_requests::insert(&Tables(db), &new))
    }

    fn find_pushed_request<'a>(
        &'a self,
        id: PushedRequestId,
        digest: &'a Digest,
        now: Timestamp,
    ) -> Answer<'a, Option<PushedRequest>> {
        read!(self, db => pushed_requests::find(&Tables(db), id, digest, now))
    }

    fn open_pushed_request(
        &self,
        id: PushedRequestId,
        digest: Digest,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Answer<'_, bool> {
        in_one_statement!(self, db => pushed_requests::open(&Tables(db), id, &digest, now, expires_at))
    }

    fn consume_pushed_request(
        &self,
        id: PushedRequestId,
        digest: Digest,
        now: Timestamp,
    ) -> Answer<'_, bool> {
        in_one_statement!(self, db => pushed_requests::consume(&Tables(db), id, &digest, now))
    }
}
