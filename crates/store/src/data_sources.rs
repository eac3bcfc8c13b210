//! Data sources and with whom they are shared.

use std::collections::BTreeMap;

use oauth::account::DataSource;
use oauth::audit::NewAuditEvent;
use oauth::id::{DataSourceId, UserId};
use oauth::time::Timestamp;

use crate::{Answer, Judged};

/// A data source to be created.
#[derive(Debug, Clone)]
pub struct NewDataSource {
    /// Unique when compared without case, kept as it was given.
    pub name: String,
    /// For people; may be empty.
    pub description: String,
    /// Number of the kind of database.
    pub data_store: i64,
    /// By option key, such as `path`.
    pub options: BTreeMap<String, String>,
    /// Who may read and manage it.
    pub owner: UserId,
    /// When it happens.
    pub at: Timestamp,
}

/// What an update of a data source sets. What is `None` stays as it is when the update is made, so that two updates at
/// once of different members lose nothing.
#[derive(Debug, Clone)]
pub struct DataSourceChange {
    /// The name from now on.
    pub name: Option<String>,
    /// The description from now on.
    pub description: String,
    /// Replaces all options.
    pub options: Option<BTreeMap<String, String>>,
    /// The options for which it was judged that the new ones may be set; refused where they are others meanwhile.
    pub judged_for: Option<BTreeMap<String, String>>,
    /// When it happens.
    pub at: Timestamp,
}

/// What is to become of the users with whom a data source is shared. The owner is never among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sharing {
    /// These and nobody else.
    With(Vec<UserId>),
    /// These too.
    Also(Vec<UserId>),
    /// Not this one any more; one with whom it is not shared is no fault.
    Without(UserId),
}

/// Why an act on a data source was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataSourceRefusal {
    /// There is none of that id within reach.
    Unknown,
    /// The rights by which the act was judged do not hold any more.
    RightsChanged,
    /// It has other options than those for which the change was judged.
    OptionsChanged,
    /// Another data source has the name.
    NameTaken,
    /// A user that does not exist was named.
    UnknownUser,
}

/// Data sources.
pub trait DataSources {
    /// The data source of that id.
    fn find_data_source(&self, id: DataSourceId) -> Answer<'_, Option<DataSource>>;
    /// The data source of that name, compared without case.
    fn find_data_source_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, Option<DataSource>>;
    /// Data sources by id: all, or those that the user owns or that are shared with the user.
    fn list_data_sources(&self, visible_to: Option<UserId>) -> Answer<'_, Vec<DataSource>>;
    /// The same after `after`, at most `limit`.
    fn page_of_data_sources(
        &self,
        visible_to: Option<UserId>,
        after: Option<DataSourceId>,
        limit: u32,
    ) -> Answer<'_, Vec<DataSource>>;
    /// The users with whom it is shared and their names, by id: those after `after`, at most `limit`. None of a data source
    /// that does not exist.
    fn list_shares(
        &self,
        id: DataSourceId,
        after: Option<UserId>,
        limit: u32,
    ) -> Answer<'_, Vec<(UserId, String)>>;
    /// Creates a data source.
    fn insert_data_source(
        &self,
        new: NewDataSource,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<DataSource, DataSourceRefusal>>;
    /// Changes a data source.
    fn update_data_source(
        &self,
        id: DataSourceId,
        change: DataSourceChange,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<DataSource, DataSourceRefusal>>;
    /// Changes with whom it is shared.
    fn share_data_source(
        &self,
        id: DataSourceId,
        sharing: Sharing,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<DataSource, DataSourceRefusal>>;
    /// Announces to every node that the model must be read again.
    fn touch_data_source(
        &self,
        id: DataSourceId,
        at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<DataSource, DataSourceRefusal>>;
    /// Deletes a data source.
    fn delete_data_source(
        &self,
        id: DataSourceId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), DataSourceRefusal>>;
}
