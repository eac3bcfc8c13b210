//! Running a plan: on the caller's thread as long as that is fast, otherwise on a worker of the source.

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
use sources::{ChunkSink, Deadline, Pace, Ran, Run, Runner, Source, SourceError, SourceRow};
use vault::Vault;

use super::authorization::{ReadGrant, StreamAuthorization};
use super::invalid_values::InvalidValueRecorder;
use super::plans::CachedPlan;
use super::stream::RowStream;
use super::{Content, DataAnswer, DataBody, DataRefusal, document};
use crate::App;
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

/// The target of a page.
trait Out {
    fn buffer(&mut self) -> &mut Vec<u8>;
    fn row_written(&mut self) -> Result<Pace, SourceError>;
}

/// A page that is written on the caller's thread.
struct ShortPage {
    bytes: Vec<u8>,
    outgrown: bool,
}

/// Runs statements.
trait Reads {
    fn query<F>(&self, statement: &Statement, each: F) -> Result<Ran, SourceError>
    where
        F: FnMut(&SourceRow<'_>) -> ControlFlow<()>;
}

/// Runs single statements on the caller's thread, without a transaction.
struct Alone<'a> {
    source: &'a Source,
    run: Run,
}

impl App {
    /// Runs the plan and returns its result.
    pub(super) async fn run(
        self: &Arc<Self>,
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
                let document = document::metadata(opened).await?;
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
        self: &Arc<Self>,
        read_grant: ReadGrant<'_>,
        opened: &OpenedSource,
        planned: &Arc<CachedPlan>,
    ) -> Result<DataBody, DataRefusal> {
        let source = &opened.source;
        let metrics = self.metrics();
        let pager = Pager {
            vault: Arc::clone(&self.vault),
            source: read_grant.record.id,
            now: self.now(),
            rows: metrics.odata_rows.clone(),
            recorder: self.recorder(opened),
        };
        if planned.may_be_short() {
            match pager.inline(source, planned) {
                Ok(None) | Err(SourceError::TimedOut) => planned.took_long(),
                Ok(Some(written)) => return Ok(DataBody::Whole(written.into())),
                Err(error) => return Err(error.into()),
            }
        }
        let job = Arc::clone(planned);
        let mut chunks = source.stream(self.worker_run(), move |runner, sink| match &job.plan {
            Plan::Entities(query) => pager.write(query, runner, sink),
            _ => Ok(()),
        })?;
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
        if planned.may_be_short() {
            let mut out = Vec::with_capacity(512);
            match write_one(&planned.plan, &Alone { source, run: inline_run() }, &mut out, &recorder) {
                Err(SourceError::TimedOut) => planned.took_long(),
                found => return Ok((found?, out.into())),
            }
        }
        let outcome = Arc::new(OnceLock::new());
        let (job, told) = (Arc::clone(planned), Arc::clone(&outcome));
        let mut chunks = source.stream(self.worker_run(), move |runner, sink| {
            let found = write_one(&job.plan, runner, sink.buffer(), &recorder)?;
            let _ = told.set(found);
            Ok(())
        })?;
        let mut body = Vec::new();
        while let Some(chunk) = chunks.next().await {
            body.extend_from_slice(&chunk?);
        }
        Ok((outcome.get().copied().unwrap_or(Found::Nothing), body.into()))
    }

    fn worker_run(&self) -> Run {
        let patience = Duration::from_secs(self.settings.odata_timeout_secs.into());
        // The statements limit their rows themselves.
        Run { deadline: Deadline::after(patience), max_rows: usize::MAX }
    }
}

fn inline_run() -> Run {
    Run { deadline: Deadline::after(INLINE_PATIENCE), max_rows: usize::MAX }
}

impl Pager {
    /// The page, if it is short enough to be kept in memory.
    fn inline(&self, source: &Source, planned: &CachedPlan) -> Result<Option<Vec<u8>>, SourceError> {
        let mut out = ShortPage { bytes: planned.buffer(), outgrown: false };
        match &planned.plan {
            // Count and rows must see the same snapshot.
            Plan::Entities(query) if query.count.is_some() => {
                source.read(inline_run(), |runner| self.write(query, runner, &mut out))?;
            }
            Plan::Entities(query) => self.write(query, &Alone { source, run: inline_run() }, &mut out)?,
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
    fn write(&self, query: &Query, reads: &impl Reads, out: &mut impl Out) -> Result<(), SourceError> {
        let count = query.count.as_ref().map(|statement| number(reads, statement)).transpose()?;
        let mut body = query.encoder.start(out.buffer(), count);
        let limit = query.page_limit as u64;
        let (mut last, mut more, mut is_belied, mut sent) = (None, false, false, Ok(()));
        let ran = reads.query(&query.statement, |row| {
            if body.rows() == limit {
                more = true;
                return ControlFlow::Break(());
            }
            is_belied |= body.rows() == 0 && query.is_belied_by(row);
            let start = out.buffer().len();
            body.row(out.buffer(), row);
            let full = body.rows() == limit;
            if full {
                last = Some(query.position_after(row, query.page_limit));
            }
            if out.buffer().len() - start > LONGEST_ROW {
                sent = Err(SourceError::ValueTooLarge);
                return ControlFlow::Break(());
            }
            match out.row_written() {
                Ok(Pace::End) if !full => {
                    let written = usize::try_from(body.rows()).unwrap_or(usize::MAX);
                    (last, more) = (Some(query.position_after(row, written)), true);
                    ControlFlow::Break(())
                }
                Ok(_) => ControlFlow::Continue(()),
                Err(error) => {
                    sent = Err(error);
                    ControlFlow::Break(())
                }
            }
        });
        ran?;
        sent?;
        self.rows.inc_by(body.rows());
        let link = match last {
            Some(position) if more => Some(query.next_link(&self.seal(&position)?)),
            _ => None,
        };
        self.recorder.note(body.finish(out.buffer(), link.as_deref()), is_belied);
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
fn write_one(
    plan: &Plan,
    reads: &impl Reads,
    out: &mut Vec<u8>,
    recorder: &InvalidValueRecorder,
) -> Result<Found, SourceError> {
    let mut found = Found::Nothing;
    match plan {
        Plan::Entity(single) => {
            reads.query(&single.statement, |row| {
                recorder.note(single.encoder.entity(out, row), false);
                found = Found::Written;
                ControlFlow::Break(())
            })?;
        }
        Plan::Property(single) => {
            reads.query(&single.statement, |row| {
                found = access_note(recorder, single, single.encoder.property(out, row));
                ControlFlow::Break(())
            })?;
        }
        Plan::Value(single) => {
            reads.query(&single.statement, |row| {
                found = access_note(recorder, single, single.encoder.value(out, row));
                ControlFlow::Break(())
            })?;
        }
        Plan::Count { statement, .. } => {
            out.extend_from_slice(number(reads, statement)?.to_string().as_bytes());
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
fn number(reads: &impl Reads, statement: &Statement) -> Result<i64, SourceError> {
    let mut number = 0;
    reads.query(statement, |row| {
        if let Cell::Integer(value) = row.cell(0) {
            number = value;
        }
        ControlFlow::Break(())
    })?;
    Ok(number)
}

impl Out for ShortPage {
    fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    fn row_written(&mut self) -> Result<Pace, SourceError> {
        self.outgrown = self.bytes.len() > INLINE_BYTES;
        Ok(if self.outgrown { Pace::End } else { Pace::Go })
    }
}

impl Out for ChunkSink {
    #[inline]
    fn buffer(&mut self) -> &mut Vec<u8> {
        Self::buffer(self)
    }

    #[inline]
    fn row_written(&mut self) -> Result<Pace, SourceError> {
        Self::row_written(self)
    }
}

impl Reads for Runner<'_> {
    fn query<F>(&self, statement: &Statement, each: F) -> Result<Ran, SourceError>
    where
        F: FnMut(&SourceRow<'_>) -> ControlFlow<()>,
    {
        Runner::query(self, statement, each)
    }
}

impl Reads for Alone<'_> {
    fn query<F>(&self, statement: &Statement, each: F) -> Result<Ran, SourceError>
    where
        F: FnMut(&SourceRow<'_>) -> ControlFlow<()>,
    {
        self.source.query(statement, self.run, each)
    }
}
