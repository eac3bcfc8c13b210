//! Data: who may read and change which source, and how the text of a request becomes the bytes of its response.
//!
//! A request is parsed, bound and planned once; the plan is cached by the text. Short responses are read on
//! the caller's thread, because handing them to another thread costs more than the read. Everything else is
//! streamed; the first bytes are awaited before the response starts.
//!
//! Start reading at [`DataService::read`], then `plans` and `run`; changes start at [`DataService::change_set`].

use std::sync::Arc;

use bytes::Bytes;
use domain::account::DataSource;
use domain::audit::{Action, Outcome};
use domain::limit::Limit;
use domain::time::Timestamp;
use oauth::data_access::{DataReach, reach_of};
use oauth::resource::DataEndpoint;
use odata::entity_tag::EntityTag;
use odata::format::{self, Format, MetadataFormat, Notation};
use odata::model::document::RuleAction;
use odata::plan::Plan;
use sources::SourceError;
use sources::driver::Intent;

use crate::data::models::{OpenedSource, SourceOpener};
use crate::identity::caller::{Caller, RequestOrigin};
use crate::node::access_note;
use crate::node::audit_throttle::ThrottledAudit;
use crate::node::entity_cache::Entities;
use crate::{Context, Fault};

mod admission;
mod authorization;
mod change;
pub(crate) mod credentials;
pub(crate) mod document;
mod groups;
mod invalid_values;
mod limiter;
pub mod models;
mod plans;
mod record;
mod refusal;
mod request_user;
mod resource_path;
mod run;
mod sign_in_demands;
pub(crate) mod spec;
mod stream;
mod through;
mod tools;

pub use admission::AdmittedSource;
pub use change::{ChangeAnswer, ChangeRequest, ChangeableSource, Condition, Done, FailedChange, Repeatable};
pub use refusal::{DataRefusal, SourceFailure};
pub use resource_path::ResourcePath;
pub use sources::BrokenRule;
pub use stream::{ResponseAborted, RowStream};
pub use tools::ToolCall;

use authorization::DataGrant;
use groups::GroupModels;
use plans::CachedPlan;
use record::RequestRecord;
use run::ResponseForm;
use through::Through;

/// The path of all data sources over OData.
pub const SERVICE_PATH: &str = DataEndpoint::OData.path();

/// The maximum number of rows in a page, whatever the client prefers. Rows are streamed, so a large page
/// needs little memory.
pub const MOST_ROWS_OF_A_PAGE: u32 = 100_000;

/// The content of a request for data.
#[derive(Debug, Clone, Copy)]
pub struct DataRequest<'a> {
    /// The endpoint that was asked, which decides what a token needs.
    pub endpoint: DataEndpoint,
    /// The name of the data source.
    pub source: &'a str,
    /// The rest of the address, as in the request: `/Orders(1)?$select=Id`.
    pub path_and_query: &'a str,
    /// The `Accept` header; empty if there is none.
    pub accept: &'a str,
    /// The page size that the client prefers, in rows.
    pub page_size: Option<usize>,
    /// Whether the client prefers to get no properties that are null.
    pub omits_nulls: bool,
    /// The origin of the request.
    pub origin: &'a RequestOrigin,
    /// When the caller was authenticated.
    pub since: Timestamp,
}

/// The response to a request for data.
#[derive(Debug)]
pub struct DataAnswer {
    /// The kind of content.
    pub content: Content,
    /// The tag of the entity, if it is one that can be changed.
    pub tag: Option<EntityTag>,
    /// Whether the answer is another one only if the tag is.
    pub is_identified: bool,
    /// The link to the next page, if there is one and the body has no place for it.
    pub next_link: Option<String>,
    /// The bytes.
    pub body: DataBody,
}

/// The kind of content of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A page of entities, and its maximum number.
    Page(Format, usize),
    /// One entity, one property or the service document.
    Json(Format),
    /// The raw value of a property or a count, with this media type.
    Value(&'static str),
    /// The metadata document with its entity tag.
    Metadata(MetadataFormat, Arc<str>),
    /// A property that is null, so that there is no body.
    Null,
}

/// The bytes of a response.
#[derive(Debug)]
pub enum DataBody {
    /// All bytes at once.
    Whole(Bytes),
    /// A stream of bytes.
    Stream(Box<RowStream>),
}

/// The state of this node for reading data: cached plans and models of groups, and the number of running requests of each user.
#[derive(Default)]
pub(crate) struct Data {
    plans: plans::Plans,
    groups: GroupModels,
    limiter: limiter::ConcurrencyLimiter,
    paging: limiter::ConcurrencyLimiter,
}

/// Reads data for a caller.
#[derive(Clone)]
pub struct DataService {
    context: Arc<Context>,
}

service!(DataService);

impl DataService {
    /// Opens the source of this record, with its model. Fast if both are ready.
    ///
    /// # Errors
    /// [`OpenRefusal::Unusable`](models::OpenRefusal::Unusable) if the database cannot be opened or described.
    pub async fn open(&self, record: &DataSource) -> Result<Arc<models::OpenedSource>, models::OpenRefusal> {
        SourceOpener::of(&self.context).opened(record).await
    }

    /// Lists the sources that the caller may read, by id.
    ///
    /// # Errors
    /// If the caller may not read data at all, or the database does not answer.
    pub async fn readable_sources(
        &self,
        caller: &Caller,
        endpoint: DataEndpoint,
        origin: &RequestOrigin,
    ) -> Result<Vec<DataSource>, DataRefusal> {
        self.may_read_data(caller, endpoint, origin).await?;
        let own = caller.account().user.id;
        let mut sources = self.context.store.list_data_sources(Some(own)).await.map_err(Fault::from)?;
        sources
            .retain(|source| self.is_within_token(caller, endpoint, &source.name) && reaches(caller, source));
        Ok(sources)
    }

    /// Responds to a request for data with what the caller may see.
    ///
    /// # Errors
    /// [`DataRefusal`], before the first byte of a response. A later failure aborts the stream, as does
    /// access that is revoked meanwhile.
    pub async fn read(&self, caller: &Caller, request: &DataRequest<'_>) -> Result<DataAnswer, DataRefusal> {
        let source = self.admit(caller, request.endpoint, request.source, request.origin).await?;
        self.read_from(caller, &source, request).await
    }

    /// The same for a caller who was admitted to the data source for this request, or for another part of it.
    ///
    /// # Errors
    /// As for [`DataService::read`].
    pub async fn read_from(
        &self,
        caller: &Caller,
        source: &AdmittedSource,
        request: &DataRequest<'_>,
    ) -> Result<DataAnswer, DataRefusal> {
        if source.0.is_group() {
            // Boxed, so that requests for other sources do not pay for it.
            return Box::pin(self.read_from_group(caller, &source.0, request)).await;
        }
        self.read_as(caller, &source.0, None, request).await
    }

    /// Reads from a data source, or from a member of a group.
    async fn read_as(
        &self,
        caller: &Caller,
        record: &Arc<DataSource>,
        through: Option<&Arc<Through>>,
        request: &DataRequest<'_>,
    ) -> Result<DataAnswer, DataRefusal> {
        let DataRequest { endpoint, origin, since, .. } = *request;
        let read_grant =
            DataGrant { caller, intent: Intent::Read, endpoint, record, through, origin, at: since };
        let permit = self.acquire_permit(caller.account().user.id).await?;
        let mut recorded = None;
        let answer = match self.answer(read_grant, request, &mut recorded).await {
            // Another request has replaced the opened source meanwhile.
            Err(DataRefusal::Source(SourceError::Closed)) => {
                self.answer(read_grant, request, &mut recorded).await
            }
            // A table was changed after its structure was checked; with the new structure the request may
            // succeed.
            Err(DataRefusal::Source(SourceError::StructureChanged { .. })) => {
                self.context.models.expect_changed_structure(record.id);
                self.answer(read_grant, request, &mut recorded).await
            }
            answer => answer,
        };
        let mut answer = answer.inspect_err(|refusal| refusal.log(record, request));
        if let Err(refusal) = &answer {
            self.note_refused_login(read_grant, refusal).await?;
        }
        if answer.is_ok() {
            // The wait for the permit may have been long, and the database slow.
            answer = self.revalidate(read_grant).await.and(answer);
        }
        let answer = match recorded {
            None => answer,
            Some(record) => Box::pin(self.recorded(record, answer)).await,
        };
        Ok(answer?.holding(permit))
    }

    /// Records that a request is a batch of so many, each of which is a read of its own.
    pub fn note_batch(&self, requests: usize) {
        let requests = u64::try_from(requests).unwrap_or(u64::MAX);
        access_note::batch(requests);
        self.context.metrics.odata_batches.inc();
        self.context.metrics.odata_batched_requests.inc_by(requests);
    }

    async fn answer(
        &self,
        read_grant: DataGrant<'_>,
        request: &DataRequest<'_>,
        recorded: &mut Option<RequestRecord>,
    ) -> Result<DataAnswer, DataRefusal> {
        let opened = SourceOpener::of(&self.context).opened(read_grant.record).await?;
        let page_size = self.page_size(request.page_size, opened.model.page_size).await?;
        let opened = reached_part(read_grant, &opened, RuleAction::Read);
        *recorded = opened
            .records_requests
            .then(|| RequestRecord::of(self, read_grant, Action::ReadData, request.path_and_query, &opened));
        if let Some(record) = recorded {
            record.check()?;
        }
        let planned = self.prepare(read_grant, &opened, request, page_size).await?;
        if matches!(planned.plan, Plan::ServiceDocument(_) | Plan::Metadata(_)) {
            *recorded = None;
        }
        acceptable(&planned, request.accept)?;
        let paging = match &planned.plan {
            Plan::Entities(query) if request.page_size.is_some() || query.may_have_a_next_page() => {
                self.acquire_paging_permit(read_grant.caller.account().user.id).await?
            }
            _ => None,
        };
        let rows = recorded.as_ref().map(RequestRecord::rows);
        Ok(self
            .run(read_grant, &opened, &planned, &ResponseForm { accept: request.accept, page_size, rows })
            .await?
            .holding(paging))
    }

    /// The current time, for functions of OData.
    fn instant(&self) -> Result<jiff::Timestamp, Fault> {
        let now = jiff::Timestamp::from_microsecond(self.context.now().as_micros());
        now.map_err(|error| Fault::Broken(Box::new(error)))
    }

    async fn audit_refusal(
        &self,
        caller: &Caller,
        why: &str,
        source: Option<&str>,
        origin: &RequestOrigin,
    ) -> Result<(), Fault> {
        let mut event = caller.audit(Action::RefuseAccess, self.context.now(), origin);
        event.outcome = Outcome::Refused;
        event.subject = source.map(str::to_owned);
        event.describe(why.to_owned());
        Ok(ThrottledAudit::of(&self.context).note_refused(event).await?)
    }

    /// The page size in rows: what the client prefers within reason, otherwise what the owner of the source wants, and
    /// never more than `MaxFetchRows`.
    async fn page_size(&self, preferred: Option<usize>, of_owner: Option<u32>) -> Result<usize, DataRefusal> {
        let own = of_owner.unwrap_or(self.context.settings.odata_page_size);
        let own = usize::try_from(own).unwrap_or(usize::MAX);
        let most = Entities::of(&self.context).limit(Limit::MaxFetchRows).await.map_err(Fault::from)?;
        let most = usize::try_from(most).ok().filter(|most| *most > 0).unwrap_or(usize::MAX);
        let wanted =
            preferred.unwrap_or(own).min(usize::try_from(MOST_ROWS_OF_A_PAGE).unwrap_or(usize::MAX).max(own));
        Ok(wanted.min(most).max(1))
    }
}

/// What the token of the caller, if there is one, reaches of a data source ([RFC 9396
/// §9](https://www.rfc-editor.org/rfc/rfc9396#section-9)).
fn reach<'a>(caller: &'a Caller, record: &DataSource) -> DataReach<'a> {
    reach_of(caller.data(), record.id)
}

/// The part of a source that the caller reaches for an action.
fn reached_part(grant: DataGrant<'_>, opened: &Arc<OpenedSource>, action: RuleAction) -> Arc<OpenedSource> {
    let names = match reach(grant.caller, grant.record) {
        DataReach::Entities(names) => Some(names),
        DataReach::Everything => None,
        // Requests end before that.
        DataReach::Nothing => Some(&[][..]),
    };
    let place = grant.through.map(|through| through.place());
    opened.reached_by(grant.caller, names, action, place)
}

/// Whether the token of the caller, if there is one, reaches anything of a data source: of a group, anything of a member.
fn reaches(caller: &Caller, record: &DataSource) -> bool {
    let data = caller.data();
    let reaches = |id| reach_of(data, id) != DataReach::Nothing;
    if record.is_group() {
        data.is_none() || record.members.iter().any(|member| reaches(member.source))
    } else {
        reaches(record.id)
    }
}

/// Whether the client accepts the format of the plan. A `$format` in the URL takes precedence over the
/// header, and a count has only one format ([Protocol
/// §11.2.10](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_RequestingtheNumberofItemsinaCollect)).
fn acceptable(planned: &CachedPlan, accept: &str) -> Result<(), DataRefusal> {
    if planned.format_named {
        return Ok(());
    }
    let admitted = match &planned.plan {
        Plan::Count { .. } => true,
        Plan::Metadata(_) => MetadataFormat::accept(accept).is_some(),
        // The header has named it.
        Plan::Entities(query) if query.format.notation != Notation::Json => true,
        Plan::Value(single) => format::admits(accept, single.encoder.value_media_type()),
        Plan::ServiceDocument(_) | Plan::Entities(_) | Plan::Entity(_) | Plan::Property(_) => {
            planned.json_accepted
        }
    };
    if admitted { Ok(()) } else { Err(DataRefusal::NotAcceptable) }
}

impl DataAnswer {
    pub(crate) fn whole(content: Content, body: impl Into<Bytes>) -> Self {
        Self { content, tag: None, is_identified: false, next_link: None, body: DataBody::Whole(body.into()) }
    }

    /// A stream keeps its permit until it ends.
    fn holding(mut self, permit: Option<limiter::Permit>) -> Self {
        if let DataBody::Stream(stream) = &mut self.body {
            stream.hold(permit);
        }
        self
    }
}
