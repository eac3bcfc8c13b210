//! Allow-lists of addresses: each operation, in its kind of transaction.

use domain::allow_list::{AllowListOwner, AllowLists};
use domain::audit::NewAuditEvent;
use store::relational::{allow_lists, judged};
use store::{AllowListRefusal, AllowListStore, Answer, Judged};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::{read, serialized};

impl AllowListStore for PostgresStore {
    fn list_allow_lists(&self) -> Answer<'_, Vec<(AllowListOwner, AllowLists)>> {
        read!(self, db => allow_lists::list(&Tables(db)))
    }

    fn set_allow_lists(
        &self,
        owner: AllowListOwner,
        lists: AllowLists,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), AllowListRefusal>> {
        serialized!(self, db => judged(allow_lists::set(&Tables(db), owner, &lists, &audit)))
    }
}
