//! Read grants: if access is revoked while a response is being sent, the response is aborted.

use super::DataService;
use crate::identity::authentication::Callers;
use crate::node::entity_cache::Entities;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use domain::account::{DataSource, Permission, User};
use domain::time::Timestamp;
use oauth::resource::DataEndpoint;
use sources::SourceError;

use super::DataRefusal;
use crate::Fault;
use crate::identity::caller::{Caller, RequestOrigin};

/// How long a check counts before it is repeated.
const HOLDS_MICROS: i64 = 1_000_000;

/// A read grant: a caller who may read a data source.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadGrant<'a> {
    pub(super) caller: &'a Caller,
    pub(super) endpoint: DataEndpoint,
    pub(super) record: &'a Arc<DataSource>,
    pub(super) origin: &'a RequestOrigin,
    pub(super) at: Timestamp,
}

impl<'a> ReadGrant<'a> {
    /// The user who reads.
    pub(super) fn user(self) -> &'a User {
        &self.caller.account().user
    }
}

/// A read grant for a stream, which outlives the request.
pub(super) struct StreamAuthorization {
    reader: DataService,
    caller: Caller,
    endpoint: DataEndpoint,
    record: Arc<DataSource>,
    origin: RequestOrigin,
}

/// The result of checking again whether the reader may still read.
pub(super) type Verdict = Pin<Box<dyn Future<Output = Result<(), DataRefusal>> + Send>>;

impl DataService {
    /// Revalidates a read grant that is no longer recent.
    pub(super) async fn revalidate(&self, read_grant: ReadGrant<'_>) -> Result<(), DataRefusal> {
        let age = self.context.now().as_micros().saturating_sub(read_grant.at.as_micros());
        // A negative age is that of a clock that was set back.
        if (0..=HOLDS_MICROS).contains(&age) { Ok(()) } else { self.revalidate_now(read_grant).await }
    }

    /// Does not read the database while nothing has changed.
    async fn revalidate_now(&self, read_grant: ReadGrant<'_>) -> Result<(), DataRefusal> {
        let refusal = match self.judge(read_grant).await {
            Ok(()) => return Ok(()),
            Err(refusal @ (DataRefusal::Fault(_) | DataRefusal::Source(_))) => return Err(refusal),
            Err(refusal) => refusal,
        };
        let why = format!("while an answer was on its way: {refusal}");
        self.audit_refusal(read_grant.caller, &why, Some(&read_grant.record.name), read_grant.origin).await?;
        Err(refusal)
    }

    async fn judge(&self, read_grant: ReadGrant<'_>) -> Result<(), DataRefusal> {
        let account = Callers::of(&self.context)
            .still_authenticated(read_grant.caller)
            .await?
            .ok_or(DataRefusal::AccessEnded)?;
        let callers = Callers::of(&self.context);
        let mut is_covered = false;
        for scope in read_grant.endpoint.scopes() {
            is_covered = is_covered || callers.still_covers(read_grant.caller, *scope).await?;
        }
        if !is_covered {
            return Err(DataRefusal::MissingScope(read_grant.endpoint.scope()));
        }
        if !account.may(Permission::UseDataSourceWithOData) {
            return Err(DataRefusal::MissingPermission);
        }
        let record = self.as_it_is_now(read_grant.record).await.map_err(Fault::from)?;
        let readable = record.filter(|record| record.is_readable_by(account.user.id));
        let record = readable.ok_or(DataRefusal::UnknownSource)?;
        if record.model_version == read_grant.record.model_version {
            return Ok(());
        }
        // What is being sent may contain what the owner has just hidden.
        let detail = "the model document has changed".to_owned();
        Err(DataRefusal::Source(SourceError::StructureChanged { detail }))
    }

    /// The look-up by name has cached it; only one that was renamed meanwhile is looked up by id.
    async fn as_it_is_now(&self, record: &DataSource) -> Result<Option<Arc<DataSource>>, store::StoreError> {
        let named = Entities::of(&self.context).data_source_by_name(&record.name).await?;
        match named.filter(|named| named.id == record.id) {
            Some(same) => Ok(Some(same)),
            None => Entities::of(&self.context).data_source(record.id).await,
        }
    }
}

impl StreamAuthorization {
    pub(super) fn new(reader: &DataService, read_grant: ReadGrant<'_>) -> Arc<Self> {
        Arc::new(Self {
            reader: reader.clone(),
            caller: read_grant.caller.clone(),
            endpoint: read_grant.endpoint,
            record: Arc::clone(read_grant.record),
            origin: read_grant.origin.clone(),
        })
    }

    /// Checks whether the reader may still read.
    pub(super) fn verdict(self: Arc<Self>) -> Verdict {
        Box::pin(async move {
            let now = self.reader.context.now();
            let Self { caller, endpoint, record, origin, .. } = &*self;
            let read_grant = ReadGrant { caller, endpoint: *endpoint, record, origin, at: now };
            self.reader.revalidate_now(read_grant).await
        })
    }

    pub(super) fn record(&self) -> &DataSource {
        &self.record
    }

    pub(super) fn request_id(&self) -> &str {
        &self.origin.request_id
    }
}

impl fmt::Debug for StreamAuthorization {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StreamAuthorization").field("record", &self.record.id).finish_non_exhaustive()
    }
}
