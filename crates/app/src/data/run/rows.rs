//! Writes the rows of a page, on the caller's thread or in a job.

use std::task::{Context, Poll, ready};

use odata::cell::Row;
use odata::encode::Body;
use odata::plan::Query;
use odata::position::Position;
use odata::statement::Statement;
use sources::driver::{Flow, RowConsumer, Runner, Statements};
use sources::{ChunkSink, InlineReads, Pace, Ran, RowReader, Run, SourceError, SourceRow};

use super::bounds::{INLINE_BYTES, LONGEST_ROW};
use crate::data::record::RowCount;

/// Runs statements.
pub(super) trait Reads {
    fn query<R: RowConsumer>(
        &mut self,
        statement: &Statement,
        rows: &mut R,
    ) -> impl Future<Output = Result<Ran, SourceError>> + Send;
}

/// Runs single statements on the caller's thread, without a transaction.
pub(super) struct Alone<'a> {
    pub(super) source: InlineReads<'a>,
    pub(super) run: Run,
}

impl Reads for Alone<'_> {
    #[inline]
    async fn query<R: RowConsumer>(
        &mut self,
        statement: &Statement,
        rows: &mut R,
    ) -> Result<Ran, SourceError> {
        self.source.query(statement, self.run, rows)
    }
}

impl<S: Statements> Reads for Runner<'_, S> {
    #[inline]
    async fn query<R: RowConsumer>(
        &mut self,
        statement: &Statement,
        rows: &mut R,
    ) -> Result<Ran, SourceError> {
        Runner::query(self, statement, rows).await
    }
}

/// The target of a page.
pub(super) trait Out: Send {
    fn buffer(&mut self) -> &mut Vec<u8>;
    /// Whether the first rows may be sent before the last ones are read.
    fn is_sent_early(&self) -> bool;
    fn row_written(&mut self) -> Result<Pace, SourceError>;
    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Result<Pace, SourceError>>;
    fn wait_for_room(&mut self) -> Result<Pace, SourceError>;
}

/// A page that is written on the caller's thread. It never waits.
pub(super) struct ShortPage {
    pub(super) bytes: Vec<u8>,
    pub(super) outgrown: bool,
}

impl Out for ShortPage {
    #[inline]
    fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    #[inline]
    fn is_sent_early(&self) -> bool {
        false
    }

    #[inline]
    fn row_written(&mut self) -> Result<Pace, SourceError> {
        self.outgrown = self.bytes.len() > INLINE_BYTES;
        Ok(if self.outgrown { Pace::End } else { Pace::Go })
    }

    fn poll_room(&mut self, _context: &mut Context<'_>) -> Poll<Result<Pace, SourceError>> {
        Poll::Ready(Ok(Pace::Go))
    }

    fn wait_for_room(&mut self) -> Result<Pace, SourceError> {
        Ok(Pace::Go)
    }
}

impl Out for ChunkSink {
    #[inline]
    fn buffer(&mut self) -> &mut Vec<u8> {
        Self::buffer(self)
    }

    #[inline]
    fn is_sent_early(&self) -> bool {
        true
    }

    #[inline]
    fn row_written(&mut self) -> Result<Pace, SourceError> {
        Self::row_written(self)
    }

    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Result<Pace, SourceError>> {
        Self::poll_room(self, context)
    }

    fn wait_for_room(&mut self) -> Result<Pace, SourceError> {
        Self::wait_for_room(self)
    }
}

/// The target of a page whose request is recorded: its rows are counted as they are written, because it may be cut.
pub(super) struct Recorded<'a> {
    pub(super) sink: &'a mut ChunkSink,
    pub(super) rows: RowCount,
}

impl Out for Recorded<'_> {
    fn buffer(&mut self) -> &mut Vec<u8> {
        self.sink.buffer()
    }

    fn is_sent_early(&self) -> bool {
        true
    }

    fn row_written(&mut self) -> Result<Pace, SourceError> {
        self.rows.add_one();
        self.sink.row_written()
    }

    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Result<Pace, SourceError>> {
        self.sink.poll_room(context)
    }

    fn wait_for_room(&mut self) -> Result<Pace, SourceError> {
        self.sink.wait_for_room()
    }
}

/// A page whose rows are all written.
pub(super) struct Page<'q> {
    pub(super) body: Body<'q>,
    /// Where the next page starts, if there is one.
    pub(super) last: Option<Position>,
    /// Whether the first row contradicts the model.
    pub(super) contradicts_model: bool,
}

/// Writes rows into a page, up to its limit.
pub(super) struct PageRows<'q, 'o, O> {
    query: &'q Query,
    out: &'o mut O,
    page: Page<'q>,
    /// Whether there are rows after the page.
    more: bool,
    /// The position after the last row, while the receiver is behind.
    reached: Option<Position>,
    outcome: Result<(), SourceError>,
}

impl<'q, 'o, O: Out> PageRows<'q, 'o, O> {
    pub(super) fn start(query: &'q Query, out: &'o mut O, count: Option<i64>) -> Self {
        let body = query.encoder.start(out.buffer(), count);
        let page = Page { body, last: None, contradicts_model: false };
        Self { query, out, page, more: false, reached: None, outcome: Ok(()) }
    }

    pub(super) fn finish(self) -> Result<Page<'q>, SourceError> {
        self.outcome?;
        let mut page = self.page;
        page.last = page.last.filter(|_| self.more);
        Ok(page)
    }

    fn fail(&mut self, error: SourceError) -> Flow {
        self.outcome = Err(error);
        Flow::Stop
    }

    fn end_after(&mut self, position: Position) -> Flow {
        // The link to the rest would have to be in the head of the response, which may be sent.
        if self.query.is_linked_outside() && self.out.is_sent_early() {
            return self.fail(SourceError::Stalled);
        }
        (self.page.last, self.more) = (Some(position), true);
        Flow::Stop
    }

    /// What to do after waiting for room.
    fn resume(&mut self, pace: Result<Pace, SourceError>) -> Flow {
        match (pace, self.reached.take()) {
            (Ok(Pace::End), Some(position)) => self.end_after(position),
            (Ok(_), _) => Flow::Continue,
            (Err(error), _) => self.fail(error),
        }
    }
}

/// Where a row is written.
struct RowWriter<'a, 'q> {
    body: &'a mut Body<'q>,
    out: &'a mut Vec<u8>,
}

impl RowReader for RowWriter<'_, '_> {
    #[inline]
    fn read(self, row: &impl Row) {
        self.body.row(self.out, row);
    }
}

impl<O: Out> RowConsumer for PageRows<'_, '_, O> {
    #[inline]
    fn row(&mut self, row: &SourceRow<'_>) -> Flow {
        let query = self.query;
        let limit = query.page_limit as u64;
        let body = &mut self.page.body;
        if body.rows() == limit {
            self.more = true;
            return Flow::Stop;
        }
        self.page.contradicts_model |= body.rows() == 0 && query.is_contradicted_by(row);
        let start = self.out.buffer().len();
        row.read_by(RowWriter { body, out: self.out.buffer() });
        let full = body.rows() == limit;
        if full {
            self.page.last = Some(query.position_after(row, query.page_limit));
        }
        if self.out.buffer().len() - start > LONGEST_ROW {
            return self.fail(SourceError::ValueTooLarge);
        }
        let here = |page: &Page<'_>| {
            query.position_after(row, usize::try_from(page.body.rows()).unwrap_or(usize::MAX))
        };
        match self.out.row_written() {
            Ok(Pace::End) if !full => {
                let position = here(&self.page);
                self.end_after(position)
            }
            Ok(Pace::Wait) => {
                self.reached = (!full).then(|| here(&self.page));
                Flow::Wait
            }
            Ok(Pace::Go | Pace::End) => Flow::Continue,
            Err(error) => self.fail(error),
        }
    }

    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Flow> {
        let pace = ready!(self.out.poll_room(context));
        Poll::Ready(self.resume(pace))
    }

    fn wait_for_room(&mut self) -> Flow {
        let pace = self.out.wait_for_room();
        self.resume(pace)
    }
}
