//! Pushed authorization requests: each operation is one statement, or one transaction for strangers.

use domain::id::PushedRequestId;
use domain::secret::Digest;
use domain::time::Timestamp;
use store::relational::pushed_requests;
use store::{Answer, NewPushedRequest, PushedRequest, PushedRequestOpening, PushedRequests};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::{in_one_statement, in_transaction, read};

impl PushedRequests for PostgresStore {
    fn insert_pushed_request(&self, new: NewPushedRequest) -> Answer<'_, Option<PushedRequestId>> {
        if new.by_stranger {
            return in_transaction!(self, db => pushed_requests::insert_by_stranger(&Tables(db), &new));
        }
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
        opening: PushedRequestOpening,
    ) -> Answer<'_, bool> {
        in_one_statement!(self, db => pushed_requests::open(&Tables(db), id, &digest, &opening))
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
