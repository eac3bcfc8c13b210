//! Data sources: creating, listing, changing, sharing and deleting them.
//!
//! A data source belongs to the user who created it, or for whom it was created. The owner and administrators
//! manage it; users with whom it is shared see it and read its data. A data source that the caller may not
//! see is refused like one that does not exist.

use std::sync::Arc;

use domain::account::data_source::{MOST_MEMBERS, MOST_SHARED_USERS};
use domain::account::{DataSource, Permission};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::handover::created_by;
use domain::id::{DataSourceId, UserId};
use sources::SourceError;
use store::{DataSourceRefusal, StoreError};

use crate::data::models::OpenRefusal;
use crate::identity::acting::Actor;
use crate::identity::caller::RequestOrigin;
use crate::identity::refusals::Refusals;
use crate::management::administration::FieldFault;
use crate::management::lists::{Chunk, ListRequest, PageRange, Rows, read};
use crate::node::audit_throttle::ThrottledAudit;
use crate::node::entity_cache::Entities;
use crate::node::refusal_reason::RefusalReason;
use crate::{Context, Fault};

mod credentials;
mod draft;
mod filter;
mod members;
mod model;
mod options;
mod sharing;
mod structure;
mod testing;

pub use credentials::{CredentialsDraft, SourceWithLogin, StoredLogin};
pub use draft::DataSourceDraft;
pub use filter::SourceFilter;
pub use members::{MemberDraft, MembersDraft};
pub use model::{ModelWrite, SeenModel};
pub use sharing::{SharedUser, SharingChange, UserReference};
pub use sources::SourceKinds;
pub use sources::options::{DataStore, OptionSchema, ValueKind};
pub use store::{MaxAuthenticationAge, ModelPrecondition};
pub use testing::{SourceTest, TestCode};

/// Why an operation on a data source was refused.
#[derive(Debug, thiserror::Error)]
pub enum DataSourceError {
    /// The caller lacks the permission, or may see the source but does not own it.
    #[error("the caller lacks the permission")]
    Forbidden,
    /// No data source that the actor may see has that id.
    #[error("no entry has that id")]
    Unknown,
    /// The input breaks rules; all faults are listed.
    #[error("the input breaks rules")]
    Invalid(Vec<FieldFault>),
    /// Options that the data store does not know, or that are missing.
    #[error("options are wrong")]
    Options(Vec<FieldFault>),
    /// The request would change the kind of database.
    #[error("the data store of a data source cannot be changed")]
    StoreIsFixed,
    /// Another data source has the name.
    #[error("the name is taken")]
    NameTaken,
    /// The model document is not in the state that the change demands.
    #[error("the model document has changed meanwhile")]
    ModelChanged,
    /// It is a group, which has no database.
    #[error("a group has no database")]
    IsGroup,
    /// It is no group, so it has no members.
    #[error("only a group has members")]
    IsNoGroup,
    /// The caller's rights changed between the decision and the write.
    #[error("the rights of the caller have changed meanwhile")]
    RightsChanged,
    /// The database cannot be used.
    #[error(transparent)]
    Unusable(SourceError),
    /// The server failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<StoreError> for DataSourceError {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<DataSourceRefusal> for DataSourceError {
    fn from(refusal: DataSourceRefusal) -> Self {
        match refusal {
            DataSourceRefusal::Unknown => Self::Unknown,
            DataSourceRefusal::NameTaken => Self::NameTaken,
            DataSourceRefusal::RightsChanged => Self::RightsChanged,
            DataSourceRefusal::ModelChanged => Self::ModelChanged,
            // Another request changes it at the same time; a repetition of the request is decided again.
            DataSourceRefusal::OptionsChanged => Self::Fault(Fault::Busy),
            DataSourceRefusal::UnknownUser => {
                Self::Invalid(vec![FieldFault::new("sharedUsers", "names a user that does not exist")])
            }
            DataSourceRefusal::TooManyUsers => {
                let message = format!("would have more than {MOST_SHARED_USERS} users");
                Self::Invalid(vec![FieldFault::new("sharedUsers", message)])
            }
            DataSourceRefusal::NoGroup => Self::IsNoGroup,
            DataSourceRefusal::UnknownMember(id) => {
                Self::members_fault(format!("names {id}, which is no data source of the owner of the group"))
            }
            DataSourceRefusal::GroupAsMember(id) => {
                Self::members_fault(format!("names {id}, which is a group itself"))
            }
            DataSourceRefusal::MemberClash(id) => Self::members_fault(format!(
                "names {id} twice, or with a prefix with which names would not say whose they are"
            )),
            DataSourceRefusal::TooManyMembers => {
                Self::members_fault(format!("would be more than {MOST_MEMBERS}"))
            }
        }
    }
}

impl DataSourceError {
    fn members_fault(message: String) -> Self {
        Self::Invalid(vec![FieldFault::new("members", message)])
    }
}

impl From<OpenRefusal> for DataSourceError {
    fn from(refusal: OpenRefusal) -> Self {
        match refusal {
            OpenRefusal::Unusable(error) if error.is_transient() => Self::Fault(Fault::Busy),
            OpenRefusal::Unusable(error) => Self::Unusable(error),
            OpenRefusal::Fault(fault) => Self::Fault(fault),
        }
    }
}

/// A data source as a certain user sees it.
#[derive(Debug, Clone)]
pub struct SeenSource {
    /// The stored record.
    pub record: DataSource,
    /// The name of the owner; empty if the owner was just deleted.
    pub owner_name: String,
    /// Whether the user manages it, and therefore also sees its options.
    pub manages: bool,
    /// The kind of database, if this program knows it.
    pub store: Option<&'static DataStore>,
}

impl SeenSource {
    /// The user name of the creator.
    pub fn created_by(&self) -> &str {
        created_by(self.record.handed_over.as_ref(), &self.owner_name)
    }
}

/// Data sources and with whom they are shared.
#[derive(Clone)]
pub struct DataSourceService {
    context: Arc<Context>,
}

service!(DataSourceService);

impl DataSourceService {
    /// The kinds of database that can be a data source.
    pub fn data_stores(&self) -> &SourceKinds {
        self.context.sources.kinds()
    }

    /// Lists the data sources that the user owns or that are shared with the user, by id, page by page; an
    /// administrator sees all. The filter leaves some out.
    ///
    /// # Errors
    /// [`DataSourceError::Forbidden`] without `ViewDataSource`.
    pub async fn rows(
        &self,
        actor: &Actor,
        request: ListRequest,
        filter: SourceFilter,
        origin: &RequestOrigin,
    ) -> Result<Rows<SeenSource>, DataSourceError> {
        self.demand_for(actor, Permission::ViewDataSource, origin).await?;
        let visible_to = (!actor.sees_all()).then(|| actor.subject().user.id);
        let (seen_by, is_filtered) = (actor.clone(), filter.leaves_out_some());
        let rows = Rows::of_actor(
            &self.context,
            actor,
            request,
            origin,
            move |context: Arc<Context>, page: PageRange| {
                let (actor, filter) = (seen_by.clone(), filter.clone());
                async move {
                    let after = page.after.map(DataSourceId::new);
                    let records =
                        read(context.store.page_of_data_sources(visible_to, after, page.rows).await)?;
                    let chunk = page.chunk(records, |record| record.id.get());
                    let chunk = chunk.kept(|record| filter.admits(record));
                    let chunk =
                        chunk.searched(&page, |record: &DataSource| vec![&record.name, &record.description]);
                    let mut rows = Vec::with_capacity(chunk.rows.len());
                    for record in chunk.rows {
                        let owner_name = read(user_name(&context, record.owner).await)?;
                        rows.push(seen(&context, &actor, record, owner_name));
                    }
                    Ok(Chunk { rows, next: chunk.next })
                }
            },
        );
        Ok(rows.filtered(is_filtered).while_either_may(Permission::ViewDataSource))
    }

    /// Finds a data source by id, if the user may see it.
    ///
    /// # Errors
    /// [`DataSourceError::Forbidden`] without `ViewDataSource`, [`DataSourceError::Unknown`].
    pub async fn find(
        &self,
        actor: &Actor,
        id: DataSourceId,
        origin: &RequestOrigin,
    ) -> Result<SeenSource, DataSourceError> {
        self.demand_for(actor, Permission::ViewDataSource, origin).await?;
        let record = self.visible_source(actor, id, origin).await?;
        self.as_seen(actor, record).await
    }

    /// Deletes a data source and stops running reads; the database behind it is not changed.
    ///
    /// # Errors
    /// [`DataSourceError`]; nothing was deleted then.
    pub async fn delete(
        &self,
        actor: &Actor,
        id: DataSourceId,
        origin: &RequestOrigin,
    ) -> Result<(), DataSourceError> {
        let record = self.managed_source(actor, id, Permission::DeleteDataSource, origin).await?;
        let audit = self.audit_source(actor, Action::DeleteDataSource, &record.name, origin);
        Refusals::of(&self.context)
            .judged(actor.caller(), self.context.store.delete_data_source(id, audit).await?, origin)
            .await?;
        self.context.entities.forget_data_sources();
        self.context.models.close(id, &self.context.sources);
        Ok(())
    }

    /// Whether the user may create data sources.
    ///
    /// # Errors
    /// [`DataSourceError::Forbidden`] without `CreateDataSource`.
    pub async fn may_create(&self, actor: &Actor, origin: &RequestOrigin) -> Result<(), DataSourceError> {
        self.demand_for(actor, Permission::CreateDataSource, origin).await
    }

    /// The data source that an actor is about to change.
    ///
    /// # Errors
    /// [`DataSourceError::Unknown`] if the actor may not see it, [`DataSourceError::Forbidden`] if the actor may only see it.
    pub async fn to_change(
        &self,
        actor: &Actor,
        id: DataSourceId,
        origin: &RequestOrigin,
    ) -> Result<DataSource, DataSourceError> {
        self.managed_source(actor, id, Permission::ModifyDataSource, origin).await
    }

    async fn managed_source(
        &self,
        actor: &Actor,
        id: DataSourceId,
        permission: Permission,
        origin: &RequestOrigin,
    ) -> Result<DataSource, DataSourceError> {
        self.demand_for(actor, permission, origin).await?;
        let record = self.visible_source(actor, id, origin).await?;
        if actor.reaches(record.owner) {
            return Ok(record);
        }
        self.refuse_source_access(actor, format!("{} is somebody else's", record.name), origin).await?;
        Err(DataSourceError::Forbidden)
    }

    async fn visible_source(
        &self,
        actor: &Actor,
        id: DataSourceId,
        origin: &RequestOrigin,
    ) -> Result<DataSource, DataSourceError> {
        let user = actor.subject().user.id;
        let found = self.context.store.find_data_source(id).await?;
        let visible =
            found.filter(|record| actor.reaches(record.owner) || record.shared_with.contains(&user));
        if visible.is_none() {
            let reason = RefusalReason::DataSourceOutOfReach;
            Refusals::of(&self.context)
                .note_out_of_reach(reason, actor.caller(), format!("data source {id}"), origin)
                .await;
        }
        visible.ok_or(DataSourceError::Unknown)
    }

    /// Requires a permission of the caller, or of the user on whose behalf the caller acts.
    async fn demand_for(
        &self,
        actor: &Actor,
        permission: Permission,
        origin: &RequestOrigin,
    ) -> Result<(), DataSourceError> {
        if actor.subject().may(permission) || actor.caller().may(permission) {
            return Ok(());
        }
        self.refuse_source_access(actor, format!("lacks {}", permission.as_str()), origin).await?;
        Err(DataSourceError::Forbidden)
    }

    async fn refuse_source_access(
        &self,
        actor: &Actor,
        why: String,
        origin: &RequestOrigin,
    ) -> Result<(), StoreError> {
        let mut audit = actor.audit(&self.context, Action::RefuseAccess, origin);
        audit.outcome = Outcome::Refused;
        audit.detail = Some(audit.detail.map_or_else(|| why.clone(), |detail| format!("{why}, {detail}")));
        ThrottledAudit::of(&self.context).note_refused(audit).await
    }

    async fn as_seen(&self, actor: &Actor, record: DataSource) -> Result<SeenSource, DataSourceError> {
        let owner_name = user_name(&self.context, record.owner).await?;
        Ok(seen(&self.context, actor, record, owner_name))
    }

    fn audit_source(
        &self,
        actor: &Actor,
        action: Action,
        name: &str,
        origin: &RequestOrigin,
    ) -> NewAuditEvent {
        let mut audit = actor.audit(&self.context, action, origin);
        audit.subject = Some(name.to_owned());
        audit
    }
}

/// Refuses what needs a database for a group, which has none.
fn has_database(record: DataSource) -> Result<DataSource, DataSourceError> {
    if record.is_group() { Err(DataSourceError::IsGroup) } else { Ok(record) }
}

/// The name of a user; empty for a deleted one.
async fn user_name(context: &Context, id: UserId) -> Result<String, StoreError> {
    Ok(Entities::of(context).account(id).await?.map(|account| account.user.name.clone()).unwrap_or_default())
}

fn seen(context: &Context, actor: &Actor, record: DataSource, owner_name: String) -> SeenSource {
    let store = context.sources.kinds().store(record.data_store);
    SeenSource { manages: actor.reaches(record.owner), owner_name, store, record }
}
