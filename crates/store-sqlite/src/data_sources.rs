//! Data sources.

use domain::account::{DataSource, SealedOption};
use domain::audit::NewAuditEvent;
use domain::id::{DataSourceId, UserId};
use domain::time::Timestamp;
use store::relational::{data_sources, judged, run_ready};
use store::{
    Answer, DataSourceChange, DataSourceRefusal, DataSources, Judged, MembersChange, ModelChange,
    NewDataSource, Sharing,
};

use crate::SqliteStore;
use crate::tables::Tables;

type Answered<'a> = Answer<'a, Judged<DataSource, DataSourceRefusal>>;

impl DataSources for SqliteStore {
    fn find_data_source(&self, id: DataSourceId) -> Answer<'_, Option<DataSource>> {
        self.read(move |db| run_ready(data_sources::find(&Tables(db), id)))
    }

    fn find_data_source_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, Option<DataSource>> {
        self.read(move |db| run_ready(data_sources::find_by_name(&Tables(db), name)))
    }

    fn find_data_sources_by_names<'a>(&'a self, names: &'a [String]) -> Answer<'a, Vec<DataSource>> {
        self.read(move |db| run_ready(data_sources::find_by_names(&Tables(db), names)))
    }

    fn list_data_sources(&self, visible_to: Option<UserId>) -> Answer<'_, Vec<DataSource>> {
        self.read(move |db| run_ready(data_sources::page(&Tables(db), visible_to, None, u32::MAX)))
    }

    fn page_of_data_sources(
        &self,
        visible_to: Option<UserId>,
        after: Option<DataSourceId>,
        limit: u32,
    ) -> Answer<'_, Vec<DataSource>> {
        self.read(move |db| run_ready(data_sources::page(&Tables(db), visible_to, after, limit)))
    }

    fn list_shares(
        &self,
        id: DataSourceId,
        after: Option<UserId>,
        limit: u32,
    ) -> Answer<'_, Vec<(UserId, String)>> {
        self.read(move |db| run_ready(data_sources::list_shares(&Tables(db), id, after, limit)))
    }

    fn insert_data_source(&self, new: NewDataSource, audit: NewAuditEvent) -> Answered<'_> {
        self.write(move |db| run_ready(judged(data_sources::insert(&Tables(db), &new, &audit))))
    }

    fn update_data_source(
        &self,
        id: DataSourceId,
        change: DataSourceChange,
        audit: NewAuditEvent,
    ) -> Answered<'_> {
        self.write(move |db| run_ready(judged(data_sources::update(&Tables(db), id, &change, &audit))))
    }

    fn share_data_source(&self, id: DataSourceId, sharing: Sharing, audit: NewAuditEvent) -> Answered<'_> {
        self.write(move |db| run_ready(judged(data_sources::share(&Tables(db), id, &sharing, &audit))))
    }

    fn change_members(&self, id: DataSourceId, change: MembersChange, audit: NewAuditEvent) -> Answered<'_> {
        self.write(move |db| {
            run_ready(judged(data_sources::change_members(&Tables(db), id, &change, &audit)))
        })
    }

    fn touch_data_source(&self, id: DataSourceId, at: Timestamp, audit: NewAuditEvent) -> Answered<'_> {
        self.write(move |db| run_ready(judged(data_sources::touch(&Tables(db), id, at, &audit))))
    }

    fn find_model_document(&self, id: DataSourceId) -> Answer<'_, Option<String>> {
        self.read(move |db| run_ready(data_sources::find_model(&Tables(db), id)))
    }

    fn change_model_document(
        &self,
        id: DataSourceId,
        change: ModelChange,
        audit: NewAuditEvent,
    ) -> Answered<'_> {
        self.write(move |db| run_ready(judged(data_sources::change_model(&Tables(db), id, &change, &audit))))
    }

    fn find_credentials(&self, id: DataSourceId, user: UserId) -> Answer<'_, Option<SealedOption>> {
        self.read(move |db| run_ready(data_sources::find_credentials(&Tables(db), id, user)))
    }

    fn list_credentials(
        &self,
        user: UserId,
        after: Option<DataSourceId>,
        limit: u32,
    ) -> Answer<'_, Vec<DataSourceId>> {
        self.read(move |db| run_ready(data_sources::list_credentials(&Tables(db), user, after, limit)))
    }

    fn change_credentials(
        &self,
        id: DataSourceId,
        user: UserId,
        sealed: Option<SealedOption>,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), DataSourceRefusal>> {
        self.write(move |db| {
            run_ready(judged(data_sources::change_credentials(
                &Tables(db),
                id,
                user,
                sealed.as_ref(),
                &audit,
            )))
        })
    }

    fn delete_data_source(
        &self,
        id: DataSourceId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), DataSourceRefusal>> {
        self.write(move |db| run_ready(judged(data_sources::delete(&Tables(db), id, &audit))))
    }
}
