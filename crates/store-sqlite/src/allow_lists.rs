//! Allow-lists of addresses.

use domain::allow_list::{AllowListOwner, AllowLists};
use domain::audit::NewAuditEvent;
use store::relational::{allow_lists, judged, run_ready};
use store::{AllowListRefusal, AllowListStore, Answer, Judged};

use crate::SqliteStore;
use crate::tables::Tables;

impl AllowListStore for SqliteStore {
    fn list_allow_lists(&self) -> Answer<'_, Vec<(AllowListOwner, AllowLists)>> {
        self.read(move |db| run_ready(allow_lists::list(&Tables(db))))
    }

    fn set_allow_lists(
        &self,
        owner: AllowListOwner,
        lists: AllowLists,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), AllowListRefusal>> {
        self.write(move |db| run_ready(judged(allow_lists::set(&Tables(db), owner, &lists, &audit))))
    }
}
