//! Reading data: who may read which source, and from the text of a request to the bytes of its answer.
//!
//! A request is parsed, bound and planned once; the plan is remembered under its text. Short answers are read on the
//! caller's own thread, because a hop to another costs more than the read; all else comes as a stream, whose first bytes
//! are awaited before anything is promised.
//!
//! Start reading at [`App::read_data`], then `plans` and `run`.

use std::sync::Arc;

use bytes::Bytes;
use oauth::account::{DataSource, Permission};
use oauth::audit::{Action, Outcome};
use oauth::limit::Limit;
use oauth::scope::Scope;
use odata::format::{self, Format};
use odata::plan::Plan;
use sources::SourceError;

use crate::caller::{Caller, Origin};
use crate::{App, Fault};

mod admission;
mod document;
mod places;
mod plans;
mod refusal;
mod run;
mod stream;

pub(crate) use document::Document;
pub use refusal::{DataRefusal, SourceFailure};
pub use stream::{BrokenOff, RowStream};

use admission::{Admission, may_read};
use plans::Prepared;

/// The path below which the sources lie.
pub const SERVICE_PATH: &str = "/api/odata4";

/// Most rows of a page, however many the client prefers. Rows are streamed, so that a large page costs no memory.
const MOST_ROWS_OF_A_PAGE: usize = 100_000;

/// What a request for data says.
#[derive(Debug, Clone, Copy)]
pub struct DataRequest<'a> {
    /// The name of the data source.
    pub source: &'a str,
    /// What follows it, as it stands in the request: `/Orders(1)?$select=Id`.
    pub path_and_query: &'a str,
    /// The `Accept` header; empty when there is none.
    pub accept: &'a str,
    /// How many rows of a page the client prefers.
    pub page_size: Option<usize>,
    /// Where the request came from.
    pub origin: &'a Origin,
}

/// The answer to a request for data.
#[derive(Debug)]
pub struct DataAnswer {
    /// What it is.
    pub content: Content,
    /// Its bytes.
    pub body: DataBody,
}

/// What an answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A page of entities, at most so many.
    Page(Format, usize),
    /// One entity, one property or the service document.
    Json(Format),
    /// The bare value of a property or a count, of this media type.
    Value(&'static str),
    /// The metadata document with its entity tag.
    Metadata(Arc<str>),
    /// A property that is null: there is no body.
    Null,
}

/// The bytes of an answer.
#[derive(Debug)]
pub enum DataBody {
    /// All of them.
    Whole(Bytes),
    /// One after the other.
    Stream(Box<RowStream>),
}

/// What this node keeps for reading data: remembered plans, and how many requests of each user are running.
#[derive(Default)]
pub(crate) struct Data {
    plans: plans::Plans,
    places: places::Places,
    paging: places::Places,
}

impl App {
    /// The sources that the caller may read, by id.
    ///
    /// # Errors
    /// When the caller may read none at all, or the database does not answer.
    pub async fn readable_sources(
        &self,
        caller: &Caller,
        origin: &Origin,
    ) -> Result<Vec<DataSource>, DataRefusal> {
        self.may_read_data(caller, origin).await?;
        let own = caller.member().user.id;
        Ok(self.store.list_data_sources(Some(own)).await.map_err(Fault::from)?)
    }

    /// Answers a request for data as what the caller may see.
    ///
    /// # Errors
    /// [`DataRefusal`], before the first byte of an answer. What fails later breaks the stream off, and so does access
    /// that ends meanwhile.
    pub async fn read_data(
        self: &Arc<Self>,
        caller: &Caller,
        request: &DataRequest<'_>,
    ) -> Result<DataAnswer, DataRefusal> {
        self.may_read_data(caller, request.origin).await?;
        let record = self.readable_source(caller, request).await?;
        let admission = Admission { caller, record: &record, origin: request.origin, at: self.now() };
        let place = self.take_place(caller.member().user.id).await?;
        let page_size = self.page_size(request.page_size).await?;
        let answer = match self.answer(admission, request, page_size).await {
            // Another request replaced the opened source meanwhile.
            Err(DataRefusal::Source(SourceError::Closed)) => self.answer(admission, request, page_size).await,
            // A table was changed since its structure was looked at: by the new structure it may well be answered.
            Err(DataRefusal::Source(SourceError::StructureChanged { .. })) => {
                self.look_again(record.id);
                self.answer(admission, request, page_size).await
            }
            answer => answer,
        };
        let answer = answer.inspect_err(|refusal| refusal.log(&record, request))?;
        // Its turn may have been long in coming, and its database slow.
        self.still_admits(admission).await?;
        Ok(answer.holding(place))
    }

    async fn answer(
        self: &Arc<Self>,
        admission: Admission<'_>,
        request: &DataRequest<'_>,
        page_size: usize,
    ) -> Result<DataAnswer, DataRefusal> {
        let opened = self.opened(admission.record).await?;
        let prepared = self.prepare(admission.record, &opened, request, page_size).await?;
        acceptable(&prepared, request.accept)?;
        let paging = match &prepared.plan {
            Plan::Entities(query) if request.page_size.is_some() || query.may_have_a_next_page() => {
                self.take_paging_place(admission.caller.member().user.id).await?
            }
            _ => None,
        };
        Ok(self.run(admission, &opened, &prepared, page_size).await?.holding(paging))
    }

    /// Scope first, then permission: neither says anything about any source.
    async fn may_read_data(&self, caller: &Caller, origin: &Origin) -> Result<(), DataRefusal> {
        if !caller.covers(Scope::OData) {
            self.audit_refusal(caller, "the token does not cover api.access.odata", None, origin).await?;
            return Err(DataRefusal::MissingScope);
        }
        if !caller.may(Permission::UseDataSourceWithOData) {
            self.audit_refusal(caller, "lacks UseDataSourceWithOData", None, origin).await?;
            return Err(DataRefusal::MissingPermission);
        }
        Ok(())
    }

    /// The source of that name, if the caller owns it or it is shared with the caller.
    async fn readable_source(
        &self,
        caller: &Caller,
        request: &DataRequest<'_>,
    ) -> Result<Arc<DataSource>, DataRefusal> {
        let record = self.data_source_by_name(request.source).await.map_err(Fault::from)?;
        let record = record.ok_or(DataRefusal::UnknownSource)?;
        if may_read(&record, caller.member().user.id) {
            return Ok(record);
        }
        let why = "neither owns the data source nor shares it";
        self.audit_refusal(caller, why, Some(&record.name), request.origin).await?;
        Err(DataRefusal::UnknownSource)
    }

    async fn audit_refusal(
        &self,
        caller: &Caller,
        why: &str,
        source: Option<&str>,
        origin: &Origin,
    ) -> Result<(), Fault> {
        let mut event = caller.audit(Action::RefuseAccess, self.now(), origin);
        event.outcome = Outcome::Refused;
        event.subject = source.map(str::to_owned);
        event.detail = Some(why.to_owned());
        Ok(self.note_refused(event).await?)
    }

    /// Rows of a page: what the client prefers within reason, and never more than `MaxFetchRows`.
    async fn page_size(&self, preferred: Option<usize>) -> Result<usize, DataRefusal> {
        let own = usize::try_from(self.settings.odata_page_size).unwrap_or(usize::MAX);
        let most = self.limit(Limit::MaxFetchRows).await.map_err(Fault::from)?;
        let most = usize::try_from(most).ok().filter(|most| *most > 0).unwrap_or(usize::MAX);
        let wanted = preferred.unwrap_or(own).min(MOST_ROWS_OF_A_PAGE.max(own));
        Ok(wanted.min(most).max(1))
    }
}

/// Whether the client takes what the plan gives. A `$format` in the URL outweighs the header, and a count has but one
/// form ([Protocol §11.2.10](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_RequestingtheNumberofItemsinaCollect)).
fn acceptable(prepared: &Prepared, accept: &str) -> Result<(), DataRefusal> {
    if prepared.format_named {
        return Ok(());
    }
    let admitted = match &prepared.plan {
        Plan::Count { .. } => true,
        Plan::Metadata => format::admits(accept, "application/xml"),
        Plan::Value(single) => format::admits(accept, single.encoder.value_media_type()),
        Plan::ServiceDocument(_) | Plan::Entities(_) | Plan::Entity(_) | Plan::Property(_) => {
            prepared.json_accepted
        }
    };
    if admitted { Ok(()) } else { Err(DataRefusal::NotAcceptable) }
}

impl DataAnswer {
    fn whole(content: Content, body: impl Into<Bytes>) -> Self {
        Self { content, body: DataBody::Whole(body.into()) }
    }

    /// A stream keeps its place until it ends.
    fn holding(mut self, place: Option<places::Place>) -> Self {
        if let DataBody::Stream(stream) = &mut self.body {
            stream.hold(place);
        }
        self
    }
}
