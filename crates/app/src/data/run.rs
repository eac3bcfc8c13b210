//! Running a plan: on the caller's thread as long as that is fast, otherwise as a job of the source.

mod bounds;
mod change;
mod expanded;
mod one;
mod rows;
mod sealer;
mod wanted;

use super::DataService;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use domain::id::DataSourceId;
use odata::format::MetadataFormat;
use odata::model::Model;
use odata::plan::{Plan, Query};
use odata::position::Position;
use odata::statement::Statement;
use prometheus_client::metrics::counter::Counter;
use sources::driver::{Job, Runner, Statements, ready};
use sources::{ChunkSink, Deadline, InlineReads, RequestUser, Run, SourceError, SourceRow};

pub(super) use self::change::{
    AHEAD_SECS, ChangeJob, LooksFirst, OutcomeSlot, REPEATABLE_SECS, Repetition, Step, StepPlan, WantedRead,
};
pub use self::change::{ChangeAnswer, Condition, Done, FailedChange};
pub(super) use self::wanted::{About, Parts, WantedChange, refused};

use self::bounds::inline_run;
use self::one::{Found, FoundOne, OneRow, exists, number, write_inline, write_one};
use self::rows::{Alone, Out, Page, PageRows, Reads, Recorded, ShortPage};
use self::sealer::Sealer;
use super::authorization::{DataGrant, LastingGrant};
use super::invalid_values::InvalidValueRecorder;
use super::plans::CachedPlan;
use super::record::RowCount;
use super::stream::RowStream;
use super::{Content, DataAnswer, DataBody, DataRefusal};
use crate::Fault;
use crate::data::document::MetadataDocument;
use crate::data::models::OpenedSource;

/// What a page needs besides its query.
#[derive(Clone)]
pub(super) struct Pager {
    sealer: Sealer,
    rows: Counter,
    recorder: InvalidValueRecorder,
    /// Where the rows are counted, if the request is recorded.
    recorded: Option<RowCount>,
    /// Where the next link is left, if the body has no place for it.
    next_link: Option<Arc<OnceLock<String>>>,
}

/// What a request asks for besides its plan.
pub(super) struct ResponseForm<'a> {
    /// The `Accept` header.
    pub(super) accept: &'a str,
    /// The maximum number of rows of a page.
    pub(super) page_size: usize,
    /// Where the rows are counted, if the request is recorded.
    pub(super) rows: Option<RowCount>,
}

/// Reads a page.
struct PageJob {
    pager: Pager,
    planned: Arc<CachedPlan>,
    /// What was found.
    outcome: Arc<OnceLock<Found>>,
}

/// Reads at most one row.
struct SingleJob {
    planned: Arc<CachedPlan>,
    one: OneRow,
    /// What was found.
    outcome: Arc<OnceLock<FoundOne>>,
}

impl DataService {
    /// Runs the plan and returns its result.
    pub(super) async fn run(
        &self,
        read_grant: DataGrant<'_>,
        opened: &Arc<OpenedSource>,
        planned: &Arc<CachedPlan>,
        form: &ResponseForm<'_>,
    ) -> Result<DataAnswer, DataRefusal> {
        let content = match &planned.plan {
            Plan::ServiceDocument(_) | Plan::Metadata(_) => {
                let shown = describe(planned, &opened.metadata, &opened.model, form.accept).await?;
                return shown.ok_or(DataRefusal::NoSuchEntity);
            }
            Plan::Entities(query) => {
                let (body, next_link) = self.page(read_grant, opened, planned, form.rows.clone()).await?;
                let page_size = form.page_size.min(query.page_size);
                let content = Content::Page(query.format, page_size);
                return Ok(DataAnswer { content, tag: None, is_identified: false, next_link, body });
            }
            Plan::Entity(single) | Plan::Property(single) => Content::Json(single.format),
            Plan::Value(single) => Content::Value(single.encoder.value_media_type()),
            Plan::Count { .. } => Content::Value("text/plain;charset=utf-8"),
        };
        self.single(read_grant, opened, planned, content, form.rows.clone()).await
    }

    async fn page(
        &self,
        read_grant: DataGrant<'_>,
        opened: &OpenedSource,
        planned: &Arc<CachedPlan>,
        recorded: Option<RowCount>,
    ) -> Result<(DataBody, Option<String>), DataRefusal> {
        let source = &opened.source;
        let metrics = &self.context.metrics;
        let next_link = place_of_link(planned);
        let mut pager = Pager { recorded, next_link, ..self.pager(read_grant, opened) };
        if let Some(inline) = source.inline().filter(|_| planned.may_be_short()) {
            match pager.inline(inline, planned) {
                Ok(None) | Err(SourceError::TimedOut) => planned.took_long(),
                Ok(Some((Found::Nothing, _))) => return Err(DataRefusal::NoSuchEntity),
                Ok(Some((_, written))) => return Ok((DataBody::Whole(written.into()), pager.left_link())),
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(recorded) = &pager.recorded {
            recorded.set(0);
        }
        // A page that became too long for this thread may have left one that ends early.
        pager.next_link = place_of_link(planned);
        let next_link = pager.next_link.clone();
        let outcome = Arc::new(OnceLock::new());
        let job = PageJob { pager, planned: Arc::clone(planned), outcome: Arc::clone(&outcome) };
        let user = self.request_user(read_grant, source).await?;
        let mut chunks = source.stream_for(user, self.worker_run(), job)?;
        let first = chunks.next().await.transpose()?.unwrap_or_default();
        // The job decides before it writes.
        if outcome.get() == Some(&Found::Nothing) {
            return Err(DataRefusal::NoSuchEntity);
        }
        let broken = metrics.odata_broken_streams.clone();
        let stream = RowStream::new(first, chunks, LastingGrant::new(self, read_grant), broken);
        let next_link = next_link.and_then(|place| place.get().cloned());
        Ok((DataBody::Stream(Box::new(stream)), next_link))
    }

    /// What pages need besides their query.
    pub(super) fn pager(&self, read_grant: DataGrant<'_>, opened: &OpenedSource) -> Pager {
        Pager {
            sealer: self.sealer(read_grant.record.id),
            rows: self.context.metrics.odata_rows.clone(),
            recorder: self.recorder(opened),
            recorded: None,
            next_link: None,
        }
    }

    async fn single(
        &self,
        read_grant: DataGrant<'_>,
        opened: &OpenedSource,
        planned: &Arc<CachedPlan>,
        content: Content,
        recorded: Option<RowCount>,
    ) -> Result<DataAnswer, DataRefusal> {
        let one = OneRow { recorded, ..self.one_row_of(read_grant, opened) };
        let user = self.request_user(read_grant, &opened.source).await?;
        let (FoundOne { found, tag }, body) = self.one_row(opened, user, planned, one).await?;
        match found {
            Found::Written => {
                let is_identified =
                    matches!(&planned.plan, Plan::Entity(single) if tag.is_some() && !single.shows_more);
                Ok(DataAnswer { tag, is_identified, ..DataAnswer::whole(content, body) })
            }
            Found::Null => Ok(DataAnswer::whole(Content::Null, Bytes::new())),
            Found::Nothing => Err(DataRefusal::NoSuchEntity),
        }
    }

    async fn one_row(
        &self,
        opened: &OpenedSource,
        user: Option<Arc<RequestUser>>,
        planned: &Arc<CachedPlan>,
        one: OneRow,
    ) -> Result<(FoundOne, Bytes), SourceError> {
        let source = &opened.source;
        if let Some(source) = source.inline().filter(|_| planned.may_be_short()) {
            let mut out = Vec::with_capacity(512);
            match write_inline(source, &planned.plan, &mut out, &one) {
                Err(SourceError::TimedOut) => planned.took_long(),
                found => return Ok((found?, out.into())),
            }
        }
        let outcome = Arc::new(OnceLock::new());
        let job = SingleJob { planned: Arc::clone(planned), one, outcome: Arc::clone(&outcome) };
        let mut chunks = source.stream_for(user, self.worker_run(), job)?;
        let mut body = Vec::new();
        while let Some(chunk) = chunks.next().await {
            body.extend_from_slice(&chunk?);
        }
        Ok((outcome.get().copied().unwrap_or(FoundOne::NOTHING), body.into()))
    }

    fn sealer(&self, source: DataSourceId) -> Sealer {
        Sealer { vault: Arc::clone(&self.context.vault), source, now: self.context.now() }
    }

    /// What a query for one row needs besides its plan.
    pub(super) fn one_row_of(&self, read_grant: DataGrant<'_>, opened: &OpenedSource) -> OneRow {
        OneRow { sealer: self.sealer(read_grant.record.id), recorder: self.recorder(opened), recorded: None }
    }

    pub(super) fn worker_run(&self) -> Run {
        let patience = Duration::from_secs(self.context.settings.odata_timeout_secs.into());
        // The statements limit their rows themselves.
        Run { deadline: Deadline::after(patience), max_rows: usize::MAX }
    }
}

/// A place for the next link, if the body of the page has none.
fn place_of_link(planned: &CachedPlan) -> Option<Arc<OnceLock<String>>> {
    matches!(&planned.plan, Plan::Entities(query) if query.is_linked_outside()).then(Arc::default)
}

/// The service document or the metadata document of a model; nothing if the plan is about data.
pub(super) async fn describe(
    planned: &CachedPlan,
    metadata: &Arc<MetadataDocument>,
    model: &Arc<Model>,
    accept: &str,
) -> Result<Option<DataAnswer>, Fault> {
    Ok(match &planned.plan {
        Plan::ServiceDocument(format) => {
            let document = planned.service_document.clone().unwrap_or_default();
            Some(DataAnswer::whole(Content::Json(*format), document))
        }
        Plan::Metadata(named) => {
            let format = named.or_else(|| MetadataFormat::accept(accept)).unwrap_or(MetadataFormat::Xml);
            let document = metadata.of(format, model).await?;
            Some(DataAnswer::whole(Content::Metadata(format, document.tag), document.bytes))
        }
        _ => None,
    })
}

impl Job for PageJob {
    async fn run<S: Statements>(
        self,
        runner: &mut Runner<'_, S>,
        sink: &mut ChunkSink,
    ) -> Result<(), SourceError> {
        if let Plan::Entities(query) = &self.planned.plan {
            let found = match self.pager.recorded.clone() {
                None => self.pager.write(query, runner, sink).await?,
                Some(rows) => self.pager.write(query, runner, &mut Recorded { sink, rows }).await?,
            };
            let _ = self.outcome.set(found);
        }
        Ok(())
    }
}

impl Job for SingleJob {
    async fn run<S: Statements>(
        self,
        runner: &mut Runner<'_, S>,
        sink: &mut ChunkSink,
    ) -> Result<(), SourceError> {
        let found = write_one(&self.planned.plan, runner, sink.buffer(), &self.one).await?;
        let _ = self.outcome.set(found);
        Ok(())
    }
}

impl Pager {
    /// The page, if it is short enough to be kept in memory.
    fn inline(
        &self,
        source: InlineReads<'_>,
        planned: &CachedPlan,
    ) -> Result<Option<(Found, Vec<u8>)>, SourceError> {
        let mut out = ShortPage { bytes: planned.buffer(), outgrown: false };
        let Plan::Entities(query) = &planned.plan else { return Ok(None) };
        // All statements must see the same snapshot.
        let is_several = query.count.is_some() || query.owner.is_some() || query.expansion.is_some();
        let found = if is_several {
            source.read(inline_run(), |runner| ready(self.write(query, runner, &mut out)))?
        } else {
            let mut alone = Alone { source, run: inline_run() };
            ready(self.write(query, &mut alone, &mut out))?
        };
        if out.outgrown {
            return Ok(None);
        }
        planned.was_long(out.bytes.len());
        Ok(Some((found, out.bytes)))
    }

    /// Writes a page with its count and its next link. If the client does not keep up, a page may end early,
    /// with a link to the rest ([Protocol
    /// §11.2.6.7](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_ServerDrivenPaging)).
    async fn write(
        &self,
        query: &Query,
        reads: &mut impl Reads,
        out: &mut impl Out,
    ) -> Result<Found, SourceError> {
        let count = match &query.count {
            Some(statement) => Some(number(reads, statement).await?),
            None => None,
        };
        if let Some(gathering) = query.gather() {
            return self.write_expanded(query, gathering, count, reads, out).await;
        }
        if let Some(ahead) = query.ahead.as_ref().filter(|_| out.is_sent_early()) {
            self.look_ahead(query, ahead, reads).await?;
        }
        let mut rows = PageRows::start(query, out, count);
        reads.query(&query.statement, &mut rows).await?;
        let Page { body, last, contradicts_model } = rows.finish()?;
        if query.depends_on_owner(body.rows()) && !exists(reads, query.owner.as_ref()).await? {
            out.buffer().clear();
            return Ok(Found::Nothing);
        }
        self.count(body.rows());
        let link = match last {
            // It was left there before the rows.
            Some(_) if query.ahead.is_some() && out.is_sent_early() => None,
            Some(position) => Some(query.next_link(&self.seal(&position)?)),
            None => None,
        };
        self.recorder.note(body.finish(out.buffer(), link.as_deref()), contradicts_model);
        self.leave(link);
        Ok(Found::Written)
    }

    /// Finds the next link before the rows are written.
    async fn look_ahead(
        &self,
        query: &Query,
        ahead: &Statement,
        reads: &mut impl Reads,
    ) -> Result<(), SourceError> {
        let (mut last, mut is_last) = (None, true);
        let mut take = |row: &SourceRow<'_>| {
            if last.is_none() {
                last = Some(query.position_after(row, query.page_limit));
                return ControlFlow::Continue(());
            }
            is_last = false;
            ControlFlow::Break(())
        };
        reads.query(ahead, &mut take).await?;
        if let Some(position) = last.filter(|_| !is_last) {
            self.leave(Some(query.next_link(&self.seal(&position)?)));
        }
        Ok(())
    }

    /// The next link that was left.
    fn left_link(&self) -> Option<String> {
        self.next_link.as_ref()?.get().cloned()
    }

    /// Leaves the next link for the head of the response, if the body has no place for it.
    fn leave(&self, link: Option<String>) {
        if let (Some(place), Some(link)) = (&self.next_link, link) {
            let _ = place.set(link);
        }
    }

    /// Counts the rows of a page.
    fn count(&self, rows: u64) {
        self.rows.inc_by(rows);
        if let Some(recorded) = &self.recorded {
            recorded.set(rows);
        }
    }

    fn seal(&self, position: &Position) -> Result<String, SourceError> {
        self.sealer.seal(position)
    }
}
