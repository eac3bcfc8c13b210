//! Data sources and the users with whom they are shared.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use domain::account::data_source::GroupMember;
use domain::account::{DataSource, SealedOption, StoredOptions};
use domain::audit::NewAuditEvent;
use domain::id::{DataSourceId, UserId};
use domain::time::Timestamp;

use crate::{Answer, Judged};

/// A data source to be created.
#[derive(Debug, Clone)]
pub struct NewDataSource {
    /// Unique ignoring case; stored as given.
    pub name: String,
    /// A description for people; may be empty.
    pub description: String,
    /// The number of the database kind, or [`GROUP_STORE`](domain::account::data_source::GROUP_STORE) for a group.
    pub data_store: i64,
    /// The options by key, such as `path`, except secret ones.
    pub options: BTreeMap<String, String>,
    /// Seals the secret options.
    pub sealing: Sealing,
    /// The longest time since the sign-in of a reader, in seconds.
    pub max_authentication_age: Option<i64>,
    /// Whether readers must have signed in with a second factor.
    pub requires_second_factor: bool,
    /// Whether data may be changed over OData.
    pub writable: bool,
    /// The user who may read and manage it.
    pub owner: UserId,
    /// The time of the operation.
    pub at: Timestamp,
}

/// Seals the secret options of a new data source once its id is known, because each seal is bound to the id. It may
/// be called more than once.
#[derive(Clone, Default)]
pub struct Sealing(Option<Arc<SealFunction>>);

/// From the id of a data source to its sealed options, by key.
type SealFunction = dyn Fn(DataSourceId) -> BTreeMap<String, SealedOption> + Send + Sync;

impl Sealing {
    /// Seals with this function.
    pub fn new(
        seal: impl Fn(DataSourceId) -> BTreeMap<String, SealedOption> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(seal)))
    }

    /// The sealed options of the data source with that id.
    pub fn seal(&self, id: DataSourceId) -> BTreeMap<String, SealedOption> {
        self.0.as_ref().map(|seal| seal(id)).unwrap_or_default()
    }
}

impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealing(redacted)")
    }
}

/// The members of a data source that an update sets. A member that is `None` keeps its stored value, so that
/// concurrent updates of different members do not overwrite each other.
#[derive(Debug, Clone)]
pub struct DataSourceChange {
    /// The new name.
    pub name: Option<String>,
    /// The new description.
    pub description: String,
    /// Replaces all options.
    pub options: Option<StoredOptions>,
    /// The stored options on which the decision rests; the update is refused if they have changed since.
    pub judged_for: Option<StoredOptions>,
    /// The new demand about the sign-in of a reader.
    pub max_authentication_age: Option<MaxAuthenticationAge>,
    /// Whether readers must have signed in with a second factor from now on.
    pub requires_second_factor: Option<bool>,
    /// Whether data may be changed over OData from now on.
    pub writable: Option<bool>,
    /// The time of the operation.
    pub at: Timestamp,
}

/// The longest time since the sign-in of a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxAuthenticationAge {
    /// Any time is good enough.
    Any,
    /// This many seconds.
    Secs(i64),
}

impl MaxAuthenticationAge {
    /// The seconds; `None` for any time.
    pub const fn secs(self) -> Option<i64> {
        match self {
            Self::Any => None,
            Self::Secs(secs) => Some(secs),
        }
    }
}

/// A change to the list of users with whom a data source is shared. The owner is never in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sharing {
    /// Share with exactly these users.
    With(Vec<UserId>),
    /// Also share with these users.
    Also(Vec<UserId>),
    /// Stop sharing with this user; it is not an error if it is not shared with them.
    Without(UserId),
}

/// A change to the list of members of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MembersChange {
    /// The group has exactly these members.
    With(Vec<GroupMember>),
    /// It also has these members; one that it has already gets the prefix.
    Also(Vec<GroupMember>),
}

/// A change of the model document of a data source.
#[derive(Debug, Clone)]
pub struct ModelChange {
    /// The new document as JSON; `None` deletes it.
    pub document: Option<String>,
    /// The state that it must have, so that nobody overwrites what they have not seen.
    pub precondition: ModelPrecondition,
    /// The time of the operation.
    pub at: Timestamp,
}

/// The state that a model document must have for a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelPrecondition {
    /// Any.
    None,
    /// There is no document.
    NoDocument,
    /// The data source has this `model_version`.
    Version(i64),
}

/// Why a change to a data source was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataSourceRefusal {
    /// No entry has that id, or the caller may not see it.
    Unknown,
    /// The rights on which the decision rests were withdrawn.
    RightsChanged,
    /// The stored options differ from those on which the decision rests.
    OptionsChanged,
    /// Another data source has that name.
    NameTaken,
    /// One of the named users does not exist.
    UnknownUser,
    /// The model document is not in the state that the change demands.
    ModelChanged,
    /// It would be shared with more than [`MOST_SHARED_USERS`](domain::account::data_source::MOST_SHARED_USERS) users.
    TooManyUsers,
    /// It is no group, so it has no members.
    NoGroup,
    /// The group would have a member that does not exist, or that belongs to another owner.
    UnknownMember(DataSourceId),
    /// A group would be a member of the group.
    GroupAsMember(DataSourceId),
    /// The group would have this member twice, or one with a prefix that clashes with that of this one.
    MemberClash(DataSourceId),
    /// The group would have more than [`MOST_MEMBERS`](domain::account::data_source::MOST_MEMBERS) members.
    TooManyMembers,
}

/// Data sources.
pub trait DataSources {
    /// Finds a data source by its id.
    fn find_data_source(&self, id: DataSourceId) -> Answer<'_, Option<DataSource>>;
    /// Finds a data source by its name, ignoring case.
    fn find_data_source_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, Option<DataSource>>;
    /// Finds the data sources with these names, ignoring case, by id. Names that nobody uses have none.
    fn find_data_sources_by_names<'a>(&'a self, names: &'a [String]) -> Answer<'a, Vec<DataSource>>;
    /// Lists data sources by id: all of them, or those that the user owns or that are shared with the user.
    fn list_data_sources(&self, visible_to: Option<UserId>) -> Answer<'_, Vec<DataSource>>;
    /// Lists data sources like `list_data_sources`, after the id `after`, at most `limit`.
    fn page_of_data_sources(
        &self,
        visible_to: Option<UserId>,
        after: Option<DataSourceId>,
        limit: u32,
    ) -> Answer<'_, Vec<DataSource>>;
    /// Lists the users with whom the data source is shared, with their names, by id: those after `after`, at most
    /// `limit`. The list is empty if the data source does not exist.
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
    /// Changes the users with whom it is shared. Refuses to share it with too many.
    fn share_data_source(
        &self,
        id: DataSourceId,
        sharing: Sharing,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<DataSource, DataSourceRefusal>>;
    /// Changes the members of a group. Each must be a data source of the owner of the group, and no group itself.
    fn change_members(
        &self,
        id: DataSourceId,
        change: MembersChange,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<DataSource, DataSourceRefusal>>;
    /// Makes every node read the model again.
    fn touch_data_source(
        &self,
        id: DataSourceId,
        at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<DataSource, DataSourceRefusal>>;
    /// Finds the model document of a data source, as JSON.
    fn find_model_document(&self, id: DataSourceId) -> Answer<'_, Option<String>>;
    /// Stores or deletes the model document of a data source.
    fn change_model_document(
        &self,
        id: DataSourceId,
        change: ModelChange,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<DataSource, DataSourceRefusal>>;
    /// Finds the name and the password that a user has stored for the database of a data source, sealed.
    fn find_credentials(&self, id: DataSourceId, user: UserId) -> Answer<'_, Option<SealedOption>>;
    /// Lists the data sources for which a user has stored them, by id: those after `after`, at most `limit`.
    fn list_credentials(
        &self,
        user: UserId,
        after: Option<DataSourceId>,
        limit: u32,
    ) -> Answer<'_, Vec<DataSourceId>>;
    /// Stores or deletes them, if the user may read the data source.
    fn change_credentials(
        &self,
        id: DataSourceId,
        user: UserId,
        sealed: Option<SealedOption>,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), DataSourceRefusal>>;
    /// Deletes a data source. Groups of which it was a member have it no longer.
    fn delete_data_source(
        &self,
        id: DataSourceId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), DataSourceRefusal>>;
}
