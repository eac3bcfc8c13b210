//! Pushed authorization requests.

use domain::id::PushedRequestId;
use domain::secret::Digest;
use domain::time::Timestamp;
use store::relational::{pushed_requests, run_ready};
use store::{Answer, NewPushedRequest, PushedRequest, PushedRequestOpening, PushedRequests};

use crate::SqliteStore;
use crate::tables::Tables;

impl PushedRequests for SqliteStore {
    fn insert_pushed_request(&self, new: NewPushedRequest) -> Answer<'_, Option<PushedRequestId>> {
        self.write(move |db| {
            let db = Tables(db);
            if new.by_stranger {
                run_ready(pushed_requests::insert_by_stranger(&db, &new))
            } else {
                run_ready(pushed_requests::insert(&db, &new))
            }
        })
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
        opening: PushedRequestOpening,
    ) -> Answer<'_, bool> {
        self.write(move |db| run_ready(pushed_requests::open(&Tables(db), id, &digest, &opening)))
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
