//! Grants: if access is revoked while a response is being sent, the response is aborted; while data is changed, nothing is
//! changed.

use super::DataService;
use crate::identity::authentication::Callers;
use crate::node::entity_cache::{Account, Entities};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use domain::account::{DataSource, Permission, User};
use domain::time::Timestamp;
use oauth::resource::DataEndpoint;
use oauth::scope::BuiltInScope;
use sources::SourceError;
use sources::driver::Intent;

use super::DataRefusal;
use super::sign_in_demands::demands_of;
use super::through::Through;
use crate::Fault;
use crate::identity::caller::{Caller, RequestOrigin, Via};

/// How long a check counts before it is repeated.
const HOLDS_MICROS: i64 = 1_000_000;

/// A grant: a caller who may read a data source, or change it.
#[derive(Debug, Clone, Copy)]
pub(super) struct DataGrant<'a> {
    pub(super) caller: &'a Caller,
    pub(super) intent: Intent,
    pub(super) endpoint: DataEndpoint,
    pub(super) record: &'a Arc<DataSource>,
    /// The group through which it is reached, if it is.
    pub(super) through: Option<&'a Arc<Through>>,
    pub(super) origin: &'a RequestOrigin,
    pub(super) at: Timestamp,
}

impl<'a> DataGrant<'a> {
    /// The data source or the group whose address was asked.
    pub(super) fn asked(self) -> &'a DataSource {
        self.through.map_or(self.record, |through| &through.group)
    }

    /// The user who reads or changes.
    pub(super) fn user(self) -> &'a User {
        &self.caller.account().user
    }
}

/// A grant that outlives the request.
pub(super) struct LastingGrant {
    service: DataService,
    caller: Caller,
    intent: Intent,
    endpoint: DataEndpoint,
    record: Arc<DataSource>,
    through: Option<Arc<Through>>,
    origin: RequestOrigin,
    at: Timestamp,
}

/// The result of checking again whether the caller may still do it.
pub(super) type Verdict = Pin<Box<dyn Future<Output = Result<(), DataRefusal>> + Send>>;

impl DataService {
    /// Revalidates a grant that is no longer recent.
    pub(super) async fn revalidate(&self, grant: DataGrant<'_>) -> Result<(), DataRefusal> {
        let age = self.context.now().as_micros().saturating_sub(grant.at.as_micros());
        // A negative age is that of a clock that was set back.
        if (0..=HOLDS_MICROS).contains(&age) { Ok(()) } else { self.revalidate_now(grant).await }
    }

    /// Does not read the database while nothing has changed.
    async fn revalidate_now(&self, grant: DataGrant<'_>) -> Result<(), DataRefusal> {
        let refusal = match self.judge(grant).await {
            Ok(()) => return Ok(()),
            Err(refusal @ (DataRefusal::Fault(_) | DataRefusal::Source(_))) => return Err(refusal),
            Err(refusal) => refusal,
        };
        let why = match grant.intent {
            Intent::Read => format!("while an answer was on its way: {refusal}"),
            Intent::Change => format!("before a change was made: {refusal}"),
        };
        self.audit_refusal(grant.caller, &why, Some(&grant.record.name), grant.origin).await?;
        Err(refusal)
    }

    async fn judge(&self, grant: DataGrant<'_>) -> Result<(), DataRefusal> {
        let account = Callers::of(&self.context)
            .still_authenticated(grant.caller)
            .await?
            .ok_or(DataRefusal::AccessEnded)?;
        let callers = Callers::of(&self.context);
        let mut is_covered = false;
        for scope in grant.endpoint.scopes() {
            is_covered = is_covered || callers.still_covers(grant.caller, *scope).await?;
        }
        if !is_covered {
            return Err(DataRefusal::MissingScope(grant.endpoint.scope()));
        }
        if !account.may(Permission::UseDataSourceWithOData) {
            return Err(DataRefusal::MissingPermission);
        }
        let record = self.as_it_is_now(grant.record).await.map_err(Fault::from)?;
        let readable = record.filter(|record| record.is_readable_by(account.user.id));
        let record = readable.ok_or(DataRefusal::UnknownSource)?;
        if let Some(through) = grant.through {
            let group = self.as_it_is_now(&through.group).await.map_err(Fault::from)?;
            let has_it = |group: &Arc<DataSource>| {
                group.is_readable_by(account.user.id) && group.members.contains(&through.member)
            };
            group.filter(has_it).ok_or(DataRefusal::UnknownSource)?;
        }
        if grant.intent == Intent::Change {
            self.judge_change(grant, &record).await?;
        }
        // What is being sent may contain what is hidden now: the rules of the document may be others, or may decide otherwise.
        let detail = if record.model_version != grant.record.model_version {
            "the model document has changed"
        } else if record.model_version != 0 && is_another_subject(&account, grant.caller.account()) {
            "the name or the roles of the user have changed"
        } else {
            return Ok(());
        };
        Err(DataRefusal::Source(SourceError::StructureChanged { detail: detail.to_owned() }))
    }

    /// What a change needs beyond what a read does; `record` is the data source as it is now.
    async fn judge_change(&self, grant: DataGrant<'_>, record: &DataSource) -> Result<(), DataRefusal> {
        if !record.writable {
            return Err(DataRefusal::ReadOnlySource);
        }
        let callers = Callers::of(&self.context);
        let still_covers = callers.still_covers(grant.caller, BuiltInScope::OData).await?;
        if !still_covers || !may_change(grant.caller, record) {
            return Err(DataRefusal::ChangeNotGranted);
        }
        let demands = demands_of(record);
        if !demands.is_demanded() {
            return Ok(());
        }
        // As in `admit`, but a sign-in that became too old while the request ran was recent enough when it began.
        let sign_in = callers.sign_in_of(grant.caller).await?;
        demands.judge(sign_in, grant.at).map_err(|unmet| DataRefusal::of_sign_in(unmet, demands))
    }

    /// The look-up by name has cached it; only one that was renamed meanwhile is looked up by id.
    pub(super) async fn as_it_is_now(
        &self,
        record: &DataSource,
    ) -> Result<Option<Arc<DataSource>>, store::StoreError> {
        let named = Entities::of(&self.context).data_source_by_name(&record.name).await?;
        match named.filter(|named| named.id == record.id) {
            Some(same) => Ok(Some(same)),
            None => Entities::of(&self.context).data_source(record.id).await,
        }
    }
}

/// Whether rules may decide about a user otherwise than before.
fn is_another_subject(now: &Account, before: &Account) -> bool {
    now.roles != before.roles || now.user.name != before.user.name
}

/// Whether the caller's credentials cover changes of a data source: a password does, and a token that says so.
pub(super) fn may_change(caller: &Caller, record: &DataSource) -> bool {
    match caller.via() {
        Via::Basic => true,
        // Those that the application still has, which may be fewer than were issued.
        Via::Bearer { scopes, .. } => caller.token().is_some_and(|token| {
            oauth::data_access::may_change(scopes, token.details.data.as_deref(), record.id)
        }),
        Via::Personal(access) => access.token.may_change(record.id),
        Via::Session | Via::CommandLine | Via::Issuer(_) => false,
    }
}

impl LastingGrant {
    pub(super) fn new(service: &DataService, grant: DataGrant<'_>) -> Arc<Self> {
        Arc::new(Self {
            service: service.clone(),
            caller: grant.caller.clone(),
            intent: grant.intent,
            endpoint: grant.endpoint,
            record: Arc::clone(grant.record),
            through: grant.through.cloned(),
            origin: grant.origin.clone(),
            at: grant.at,
        })
    }

    /// Checks whether the caller may still do it.
    pub(super) fn verdict(self: Arc<Self>) -> Verdict {
        Box::pin(async move {
            let Self { service, caller, intent, endpoint, record, through, origin, at } = &*self;
            let (intent, endpoint, through, at) = (*intent, *endpoint, through.as_ref(), *at);
            let grant = DataGrant { caller, intent, endpoint, record, through, origin, at };
            service.revalidate_now(grant).await
        })
    }

    pub(super) fn record(&self) -> &DataSource {
        &self.record
    }

    pub(super) fn request_id(&self) -> &str {
        &self.origin.request_id
    }
}

impl fmt::Debug for LastingGrant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LastingGrant").field("record", &self.record.id).finish_non_exhaustive()
    }
}
