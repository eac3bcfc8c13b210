//! Creating and changing data sources.

use super::DataSourceService;
use crate::identity::refusals::Refusals;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use domain::account::data_source;
use domain::audit::{Action, NewAuditEvent};
use domain::characters;
use domain::id::DataSourceId;
use oauth::step_up::MAX_AGE_SECS;
use sources::{SourceError, SourceKind, SourceKinds};
use store::{DataSourceChange, MaxAuthenticationAge, NewDataSource, Sealing};

use super::options::{UsableOptions, sealed};
use super::{DataSourceError, SeenSource};
use crate::Fault;
use crate::identity::acting::Actor;
use crate::identity::caller::RequestOrigin;
use crate::management::administration::FieldFault;
use crate::node::refusal_reason::RefusalReason;

/// The maximum length of a description, in characters.
const LONGEST_DESCRIPTION: usize = 256;

/// The desired content of a data source. A member that is `None` takes its default for a new one, and keeps
/// its value for an existing one.
#[derive(Clone, Default)]
pub struct DataSourceDraft {
    /// Required for a new data source.
    pub name: Option<String>,
    /// The number of the kind of database; required for a new data source, and cannot be changed.
    pub data_store: Option<i64>,
    /// A description for people.
    pub description: String,
    /// The options by key; required for a new data source. A stored secret option that is omitted is kept.
    pub options: Option<BTreeMap<String, String>>,
    /// The demand about the sign-in of a reader; any sign-in for a new data source.
    pub max_authentication_age: Option<MaxAuthenticationAge>,
    /// Whether readers must have signed in with a second factor; not for a new data source.
    pub requires_second_factor: Option<bool>,
    /// Whether data may be changed over OData; not in a new data source.
    pub writable: Option<bool>,
}

/// Without the values of the options, of which some are secrets.
impl fmt::Debug for DataSourceDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options: Option<Vec<&String>> = self.options.as_ref().map(|options| options.keys().collect());
        f.debug_struct("DataSourceDraft")
            .field("name", &self.name)
            .field("data_store", &self.data_store)
            .field("description", &self.description)
            .field("options", &options)
            .field("max_authentication_age", &self.max_authentication_age)
            .field("requires_second_factor", &self.requires_second_factor)
            .field("writable", &self.writable)
            .finish()
    }
}

impl DataSourceDraft {
    /// The name and the kind of a new data source, if nothing is wrong but perhaps its options.
    pub(super) fn name_and_kind<'k>(
        &self,
        kinds: &'k SourceKinds,
    ) -> Result<(String, &'k Arc<dyn SourceKind>), DataSourceError> {
        let faults = self.faults(true, kinds);
        let kind = self.data_store.and_then(|id| kinds.get(id));
        match (self.name.clone(), kind, faults.is_empty()) {
            (Some(name), Some(kind), true) => Ok((name, kind)),
            _ => Err(DataSourceError::Invalid(faults)),
        }
    }

    /// All faults of the content of a group, which has no database, and so no options. `of_new` is whether there is none yet.
    pub fn faults_of_group(&self, of_new: bool) -> Vec<FieldFault> {
        let mut faults = self.common_faults(of_new);
        if self.data_store.is_some_and(|id| id != data_source::GROUP_STORE) {
            let message = format!("must be {} for a group, or be omitted", data_source::GROUP_STORE);
            faults.push(FieldFault::new("dataStore", message));
        }
        if self.options.as_ref().is_some_and(|options| !options.is_empty()) {
            faults.push(FieldFault::new("options", "must be empty, because a group has no options"));
        }
        if self.writable == Some(true) {
            let message =
                "must be false for a group: whether data may be changed is a setting of its members";
            faults.push(FieldFault::new("writable", message));
        }
        faults
    }

    /// All faults except those of the options. `kinds` lists the kinds that a new data source may have.
    pub fn faults(&self, of_new: bool, kinds: &SourceKinds) -> Vec<FieldFault> {
        let mut faults = self.common_faults(of_new);
        if of_new && self.data_store.is_none() {
            faults.push(FieldFault::new(
                "dataStore",
                "is required; /api/mgmt/datastores lists the available ones",
            ));
        }
        if let Some(id) = self.data_store.filter(|id| of_new && kinds.get(*id).is_none()) {
            let message =
                format!("is {id}, which is not a data store; /api/mgmt/datastores lists the available ones");
            faults.push(FieldFault::new("dataStore", message));
        }
        faults
    }

    /// The faults of what every data source has, also a group.
    fn common_faults(&self, of_new: bool) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        if of_new && self.name.is_none() {
            faults.push(FieldFault::new("name", "is required"));
        }
        if let Some(fault) = self.name.as_deref().and_then(|name| data_source::check_name(name).err()) {
            faults.push(FieldFault::new("name", fault.to_string()));
        }
        if let Some(MaxAuthenticationAge::Secs(secs)) = self.max_authentication_age
            && !MAX_AGE_SECS.contains(&secs)
        {
            let (least, most) = (MAX_AGE_SECS.start(), MAX_AGE_SECS.end());
            let message = format!("is {secs}; {least} to {most} seconds are possible, or 0 for any age");
            faults.push(FieldFault::new("maxAuthenticationAge", message));
        }
        let characters = self.description.chars().count();
        if characters > LONGEST_DESCRIPTION {
            let message =
                format!("is {characters} characters long; at most {LONGEST_DESCRIPTION} are allowed");
            faults.push(FieldFault::new("description", message));
        }
        if let Err(fault) = characters::check(&self.description) {
            faults.push(FieldFault::new("description", fault.to_string()));
        }
        faults
    }
}

impl DataSourceService {
    /// Creates a data source, after opening and describing its database once. An administrator may name any
    /// file that the server can read, except the server's own; others may name files in the folders for data
    /// sources.
    ///
    /// # Errors
    /// [`DataSourceError`]; `Unusable` if the database cannot be used.
    pub async fn create(
        &self,
        actor: &Actor,
        draft: DataSourceDraft,
        origin: &RequestOrigin,
    ) -> Result<SeenSource, DataSourceError> {
        self.may_create(actor, origin).await?;
        let (name, kind) = draft.name_and_kind(self.context.sources.kinds())?;
        let options = self.usable_options(actor, kind, draft.options.unwrap_or_default(), None).await;
        let options = self.noting_forbidden_files(actor, options, origin).await?;
        let audit = self.audit_source(actor, Action::CreateDataSource, &name, origin);
        let UsableOptions { plain, secrets, .. } = options;
        let vault = Arc::clone(&self.context.vault);
        let new = NewDataSource {
            name,
            description: draft.description,
            data_store: kind.store().id,
            options: plain,
            sealing: Sealing::new(move |id| sealed(&vault, id, &secrets)),
            max_authentication_age: draft.max_authentication_age.and_then(MaxAuthenticationAge::secs),
            requires_second_factor: draft.requires_second_factor.unwrap_or(false),
            writable: draft.writable.unwrap_or(false),
            owner: actor.subject().user.id,
            at: self.context.now(),
        };
        self.insert(actor, new, audit, origin).await
    }

    /// Creates a group without members.
    ///
    /// # Errors
    /// [`DataSourceError`].
    pub async fn create_group(
        &self,
        actor: &Actor,
        draft: DataSourceDraft,
        origin: &RequestOrigin,
    ) -> Result<SeenSource, DataSourceError> {
        self.may_create(actor, origin).await?;
        let faults = draft.faults_of_group(true);
        let DataSourceDraft {
            name: Some(name),
            description,
            max_authentication_age,
            requires_second_factor,
            ..
        } = draft
        else {
            return Err(DataSourceError::Invalid(faults));
        };
        if !faults.is_empty() {
            return Err(DataSourceError::Invalid(faults));
        }
        let mut audit = self.audit_source(actor, Action::CreateDataSource, &name, origin);
        note(&mut audit, "a group");
        let new = NewDataSource {
            name,
            description,
            data_store: data_source::GROUP_STORE,
            options: BTreeMap::new(),
            sealing: Sealing::default(),
            max_authentication_age: max_authentication_age.and_then(MaxAuthenticationAge::secs),
            requires_second_factor: requires_second_factor.unwrap_or(false),
            writable: false,
            owner: actor.subject().user.id,
            at: self.context.now(),
        };
        self.insert(actor, new, audit, origin).await
    }

    /// Stores a new data source.
    async fn insert(
        &self,
        actor: &Actor,
        new: NewDataSource,
        audit: NewAuditEvent,
        origin: &RequestOrigin,
    ) -> Result<SeenSource, DataSourceError> {
        let record = Refusals::of(&self.context)
            .judged(actor.caller(), self.context.store.insert_data_source(new, audit).await?, origin)
            .await?;
        self.context.entities.forget_data_sources();
        self.as_seen(actor, record).await
    }

    /// Changes a data source. New options are tried out as for a new data source.
    ///
    /// # Errors
    /// [`DataSourceError`]; nothing has changed then.
    pub async fn update(
        &self,
        actor: &Actor,
        id: DataSourceId,
        draft: DataSourceDraft,
        origin: &RequestOrigin,
    ) -> Result<SeenSource, DataSourceError> {
        let record = self.to_change(actor, id, origin).await?;
        let kinds = self.context.sources.kinds();
        let faults =
            if record.is_group() { draft.faults_of_group(false) } else { draft.faults(false, kinds) };
        if !faults.is_empty() {
            return Err(DataSourceError::Invalid(faults));
        }
        if draft.data_store.is_some_and(|id| id != record.data_store) {
            return Err(DataSourceError::StoreIsFixed);
        }
        let options = match draft.options {
            // What a response shows of a group.
            Some(options) if options.is_empty() && record.is_group() => None,
            Some(options) => {
                let unknown = || format!("data store {} is unknown", record.data_store);
                let kind = kinds.get(record.data_store).ok_or_else(|| Fault::Broken(unknown().into()))?;
                let options = self.usable_options(actor, kind, options, Some(&record)).await;
                Some(self.noting_forbidden_files(actor, options, origin).await?)
            }
            None => None,
        };
        // Kept options are accepted because they are already stored, but they may have changed by the time of
        // the write.
        let judged_for = options.as_ref().filter(|options| options.keep_some_of(&record));
        let judged_for = judged_for.map(|_| record.stored_options());
        let options = options.map(|options| options.stored(&self.context.vault, id));
        let mut audit = self.audit_source(actor, Action::UpdateDataSource, &record.name, origin);
        audit.note_new_name(&record.name, draft.name.as_deref());
        note_writable(&mut audit, record.writable, draft.writable);
        note_second_factor(&mut audit, record.requires_second_factor, draft.requires_second_factor);
        let change = DataSourceChange {
            name: draft.name,
            description: draft.description,
            options,
            judged_for,
            max_authentication_age: draft.max_authentication_age,
            requires_second_factor: draft.requires_second_factor,
            writable: draft.writable,
            at: self.context.now(),
        };
        let record = Refusals::of(&self.context)
            .judged(actor.caller(), self.context.store.update_data_source(id, change, audit).await?, origin)
            .await?;
        self.context.entities.forget_data_sources();
        self.as_seen(actor, record).await
    }

    /// Passes the outcome on, and records a file that the caller may not have served.
    pub(super) async fn noting_forbidden_files<T>(
        &self,
        actor: &Actor,
        outcome: Result<T, DataSourceError>,
        origin: &RequestOrigin,
    ) -> Result<T, DataSourceError> {
        use SourceError::{NotAllowed, OwnFile, ServersOwn};
        if let Err(DataSourceError::Unusable(NotAllowed | ServersOwn | OwnFile)) = &outcome {
            Refusals::of(&self.context)
                .note_request(RefusalReason::FileForbidden, Some(actor.caller()), origin)
                .await;
        }
        outcome
    }
}

/// Records that data may be changed from now on, or no longer.
fn note_writable(audit: &mut NewAuditEvent, before: bool, after: Option<bool>) {
    let Some(after) = after.filter(|after| *after != before) else { return };
    note(audit, if after { "writable over OData" } else { "read-only over OData" });
}

/// Records that readers must have signed in with a second factor from now on, or no longer.
fn note_second_factor(audit: &mut NewAuditEvent, before: bool, after: Option<bool>) {
    let Some(after) = after.filter(|after| *after != before) else { return };
    note(audit, if after { "readers need a second factor" } else { "readers need no second factor" });
}

/// Adds words to the detail of an event.
pub(super) fn note(audit: &mut NewAuditEvent, words: &str) {
    let earlier = audit.detail.take().filter(|detail| !detail.is_empty());
    audit.detail = Some(earlier.map_or_else(|| words.to_owned(), |earlier| format!("{earlier}; {words}")));
}
