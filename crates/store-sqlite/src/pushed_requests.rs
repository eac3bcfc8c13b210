//! Pushed authorization requests.

use domain::id::PushedRequestId;
use domain::secret::Digest;
use domain::time::Timestamp;
use store::relational::{pushed_requests, run_ready};
use store::{Answer, NewPushedRequest, PushedRequest, PushedRequests};

use crate::SqliteStore;
use crate::tables::Tables;

impl PushedRequests for SqliteStore {
    fn insert_pushed_request(&self, new: NewPushedRequest) -> Answer<'_, Option<PushedRequestId>> {
        self.write(move |db| run_ready(pushed_requests::insert(&Tables(db), &new)))
    }

    fn find_pushed_request<'a>(
        &'a self,
        id: PushedRequestId,
        digest: &'a Digest,
        now: Timestamp,
    ) -> Answer<'a, Option<PushedRequest>> {
        self.read(move |db| run_ready(pushed_requests::find(&Tables(db), id, digest, now)))
    }

    fn open_pushed_request(
        &self,
        id: PushedRequestId,
        digest: Digest,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Answer<'_, bool> {
        self.write(move |db| run_ready(pushed_requests::open(&Tables(db), id, &digest, now, expires_at)))
    }

    fn consume_pushed_request(
        &self,
        id: PushedRequestId,
        digest: Digest,
        now: Timestamp,
    ) -> Answer<'_, bool> {
        self.write(move |db| run_ready(pushed_requests::consume(&Tables(db), id, &digest, now)))
    }
}
