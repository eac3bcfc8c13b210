//! Running a plan: on the caller's thread as long as that is fast, otherwise as a job of the source.

mod rows;

use super::DataService;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use domain::id::DataSourceId;
use domain::time::Timestamp;
use odata::cell::{Cell, Row};
use odata::encode::{InvalidValues, Written};
use odata::plan::{Plan, Query, Single};
use odata::position::Position;
use odata::statement::Statement;
use prometheus_client::metrics::counter::Counter;
use sources::driver::{Job, Runner, Statements, ready};
use sources::{ChunkSink, Deadline, InlineReads, Run, SourceError, SourceRow};
use vault::Vault;

use self::rows::{Alone, Out, Page, PageRows, Reads, ShortPage};
use super::authorization::{ReadGrant, StreamAuthorization};
use super::invalid_values::InvalidValueRecorder;
use super::plans::CachedPlan;
use super::stream::RowStream;
use super::{Content, DataAnswer, DataBody, DataRefusal};
use crate::data::models::OpenedSource;

/// How long a read may occupy a request thread. A longer read starts again on a worker, so that nobody waits
/// behind it.
const INLINE_PATIENCE: Duration = Duration::from_millis(10);

/// The maximum length of a position in a next link, in bytes; sealed and encoded it must still fit into a
/// URL.
const LONGEST_POSITION: usize = 16 * 1024;

/// How much of a page the caller's thread writes before it hands the page to a worker, in bytes: no more than
/// what the client will take soon.
const INLINE_BYTES: usize = 1024 * 1024;

/// The maximum length of a written row, in bytes. Escapes and Base64 make it longer than the stored one.
const LONGEST_ROW: usize = 64 * 1024 * 1024;

/// The result of a query for at most one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Written,
    Null,
    Nothing,
}

/// What a page needs besides its query.
#[derive(Clone)]
struct Pager {
    vault: Arc<Vault>,
    source: DataSourceId,
    now: Timestamp,
    rows: Counter,
    recorder: InvalidValueRecorder,
}

/// Reads a page.
struct PageJob {
    pager: Pager,
    planned: Arc<CachedPlan>,
}

/// Reads at most one row.
struct SingleJob {
    planned: Arc<CachedPlan>,
    recorder: InvalidValueRecorder,
    /// What was found.
    outcome: Arc<OnceLock<Found>>,
}

impl DataService {
    /// Runs the plan and returns its result.
    pub(super) async fn run(
        &self,
        read_grant: ReadGrant<'_>,
        opened: &Arc<OpenedSource>,
        planned: &Arc<CachedPlan>,
        page_size: usize,
    ) -> Result<DataAnswer, DataRefusal> {
        let content = match &planned.plan {
            Plan::ServiceDocument(format) => {
                let document = planned.service_document.clone().unwrap_or_default();
                return Ok(DataAnswer::whole(Content::Json(*format), document));
            }
            Plan::Metadata => {
                let document = opened.metadata.of(&opened.model).await?;
                return Ok(DataAnswer::whole(Content::Metadata(document.tag), document.bytes));
            }
            Plan::Entities(query) => {
                let body = self.page(read_grant, opened, planned).await?;
                return Ok(DataAnswer { content: Content::Page(query.format, page_size), body });
            }
            Plan::Entity(single) | Plan::Property(single) => Content::Json(single.format),
            Plan::Value(single) => Content::Value(single.encoder.value_media_type()),
            Plan::Count { .. } => Content::Value("text/plain;charset=utf-8"),
        };
        self.single(opened, planned, content).await
    }

    async fn page(
        &self,
        read_grant: ReadGrant<'_>,
        opened: &OpenedSource,
        planned: &Arc<CachedPlan>,
    ) -> Result<DataBody, DataRefusal> {
        let source = &opened.source;
        let metrics = &self.context.metrics;
        let pager = Pager {
            vault: Arc::clone(&self.context.vault),
            source: read_grant.record.id,
            now: self.context.now(),
            rows: metrics.odata_rows.clone(),
            recorder: self.recorder(opened),
        };
        if let Some(inline) = source.inline().filter(|_| planned.may_be_short()) {
            match pager.inline(inline, planned) {
                Ok(None) | Err(SourceError::TimedOut) => planned.took_long(),
                Ok(Some(written)) => return Ok(DataBody::Whole(written.into())),
                Err(error) => return Err(error.into()),
            }
        }
        let job = PageJob { pager, planned: Arc::clone(planned) };
        let mut chunks = source.stream(self.worker_run(), job)?;
        let first = chunks.next().await.transpose()?.unwrap_or_default();
        let broken = metrics.odata_broken_streams.clone();
        let stream = RowStream::new(first, chunks, StreamAuthorization::new(self, read_grant), broken);
        Ok(DataBody::Stream(Box::new(stream)))
    }

    async fn single(
        &self,
        opened: &OpenedSource,
        planned: &Arc<CachedPlan>,
        content: Content,
    ) -> Result<DataAnswer, DataRefusal> {
        let (found, body) = self.one_row(opened, planned).await?;
        match found {
            Found::Written => Ok(DataAnswer::whole(content, body)),
            Found::Null => Ok(DataAnswer::whole(Content::Null, Bytes::new())),
            Found::Nothing => Err(DataRefusal::NoSuchEntity),
        }
    }

    async fn one_row(
        &self,
        opened: &OpenedSource,
        planned: &Arc<CachedPlan>,
    ) -> Result<(Found, Bytes), SourceError> {
        let (source, recorder) = (&opened.source, self.recorder(opened));
        if let Some(source) = source.inline().filter(|_| planned.may_be_short()) {
            let mut out = Vec::with_capacity(512);
            let mut alone = Alone { source, run: inline_run() };
            match ready(write_one(&planned.plan, &mut alone, &mut out, &recorder)) {
                Err(SourceError::TimedOut) => planned.took_long(),
                found => return Ok((found?, out.into())),
            }
        }
        let outcome = Arc::new(OnceLock::new());
        let job = SingleJob { planned: Arc::clone(planned), recorder, outcome: Arc::clone(&outcome) };
        let mut chunks = source.stream(self.worker_run(), job)?;
        let mut body = Vec::new();
        while let Some(chunk) = chunks.next().await {
            body.extend_from_slice(&chunk?);
        }
        Ok((outcome.get().copied().unwrap_or(Found::Nothing), body.into()))
    }

    fn worker_run(&self) -> Run {
        let patience = Duration::from_secs(self.context.settings.odata_timeout_secs.into());
        // The statements limit their rows themselves.
        Run { deadline: Deadline::after(patience), max_rows: usize::MAX }
    }
}

fn inline_run() -> Run {
    Run { deadline: Deadline::after(INLINE_PATIENCE), max_rows: usize::MAX }
}

impl Job for PageJob {
    async fn run<S: Statements>(
        self,
        runner: &mut Runner<'_, S>,
        sink: &mut ChunkSink,
    ) -> Result<(), SourceError> {
        match &self.planned.plan {
            Plan::Entities(query) => self.pager.write(query, runner, sink).await,
            _ => Ok(()),
        }
    }
}

impl Job for SingleJob {
    async fn run<S: Statements>(
        self,
        runner: &mut Runner<'_, S>,
        sink: &mut ChunkSink,
    ) -> Result<(), SourceError> {
        let found = write_one(&self.planned.plan, runner, sink.buffer(), &self.recorder).await?;
        let _ = self.outcome.set(found);
        Ok(())
    }
}

impl Pager {
    /// The page, if it is short enough to be kept in memory.
    fn inline(&self, source: InlineReads<'_>, planned: &CachedPlan) -> Result<Option<Vec<u8>>, SourceError> {
        let mut out = ShortPage { bytes: planned.buffer(), outgrown: false };
        match &planned.plan {
            // Count and rows must see the same snapshot.
            Plan::Entities(query) if query.count.is_some() => {
                source.read(inline_run(), |runner| ready(self.write(query, runner, &mut out)))?;
            }
            Plan::Entities(query) => {
                let mut alone = Alone { source, run: inline_run() };
                ready(self.write(query, &mut alone, &mut out))?;
            }
            _ => {}
        }
        if out.outgrown {
            return Ok(None);
        }
        planned.was_long(out.bytes.len());
        Ok(Some(out.bytes))
    }

    /// Writes a page with its count and its next link. If the client does not keep up, a page may end early,
    /// with a link to the rest ([Protocol
    /// §11.2.6.7](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_ServerDrivenPaging)).
    async fn write(
        &self,
        query: &Query,
        reads: &mut impl Reads,
        out: &mut impl Out,
    ) -> Result<(), SourceError> {
        let count = match &query.count {
            Some(statement) => Some(number(reads, statement).await?),
            None => None,
        };
        let mut rows = PageRows::start(query, out, count);
        reads.query(&query.statement, &mut rows).await?;
        let Page { body, last, contradicts_model } = rows.finish()?;
        self.rows.inc_by(body.rows());
        let link = match last {
            Some(position) => Some(query.next_link(&self.seal(&position)?)),
            None => None,
        };
        self.recorder.note(body.finish(out.buffer(), link.as_deref()), contradicts_model);
        Ok(())
    }

    fn seal(&self, position: &Position) -> Result<String, SourceError> {
        let failed = |detail: &str| SourceError::Failed { detail: detail.to_owned() };
        let bytes = position.to_bytes();
        if bytes.len() > LONGEST_POSITION {
            return Err(failed("the values that the rows are ordered by are too long for a next link"));
        }
        let mut bound = self.source.get().to_le_bytes().to_vec();
        bound.extend(bytes);
        self.vault.seal_position(&bound, self.now).map_err(|_| failed("the key ring has no active key"))
    }
}

/// Writes the result of a plan for at most one row.
async fn write_one(
    plan: &Plan,
    reads: &mut impl Reads,
    out: &mut Vec<u8>,
    recorder: &InvalidValueRecorder,
) -> Result<Found, SourceError> {
    let mut found = Found::Nothing;
    match plan {
        Plan::Entity(single) => {
            let mut entity = |row: &SourceRow<'_>| {
                recorder.note(single.encoder.entity(out, row), false);
                found = Found::Written;
                ControlFlow::Break(())
            };
            reads.query(&single.statement, &mut entity).await?;
        }
        Plan::Property(single) => {
            let mut property = |row: &SourceRow<'_>| {
                found = access_note(recorder, single, single.encoder.property(out, row));
                ControlFlow::Break(())
            };
            reads.query(&single.statement, &mut property).await?;
        }
        Plan::Value(single) => {
            let mut value = |row: &SourceRow<'_>| {
                found = access_note(recorder, single, single.encoder.value(out, row));
                ControlFlow::Break(())
            };
            reads.query(&single.statement, &mut value).await?;
        }
        Plan::Count { statement, .. } => {
            out.extend_from_slice(number(reads, statement).await?.to_string().as_bytes());
            found = Found::Written;
        }
        Plan::ServiceDocument(_) | Plan::Metadata | Plan::Entities(_) => {}
    }
    if out.len() > LONGEST_ROW {
        return Err(SourceError::ValueTooLarge);
    }
    Ok(found)
}

/// Records the result of writing one property.
fn access_note(recorder: &InvalidValueRecorder, single: &Single, written: Written) -> Found {
    if written == Written::Value {
        return Found::Written;
    }
    let (values, promised) = (u64::from(written == Written::Invalid), single.encoder.is_promised());
    recorder.note(InvalidValues { values, promised: promised.into() }, false);
    Found::Null
}

/// The only number in the result of a statement.
async fn number(reads: &mut impl Reads, statement: &Statement) -> Result<i64, SourceError> {
    let mut number = 0;
    let mut only = |row: &SourceRow<'_>| {
        if let Cell::Integer(value) = row.cell(0) {
            number = value;
        }
        ControlFlow::Break(())
    };
    reads.query(statement, &mut only).await?;
    Ok(number)
}
