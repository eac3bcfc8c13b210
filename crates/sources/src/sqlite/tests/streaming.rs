use std::fmt::Write as _;
use std::sync::mpsc;
use std::task::{Context, Poll, ready};

use super::*;
use crate::driver::{Flow, Job, RowConsumer, Runner, Statements};
use crate::{ChunkSink, Chunks, Pace};

/// Encodes every row as a line.
struct Lines(Statement);

/// The rows of [`Lines`].
struct LineWriter<'s> {
    sink: &'s mut ChunkSink,
    outcome: Result<Pace, SourceError>,
}

impl LineWriter<'_> {
    fn flow(&mut self, outcome: Result<Pace, SourceError>) -> Flow {
        self.outcome = outcome;
        match self.outcome {
            Ok(Pace::Go) => Flow::Continue,
            Ok(Pace::Wait) => Flow::Wait,
            Ok(Pace::End) | Err(_) => Flow::Stop,
        }
    }
}

impl RowConsumer for LineWriter<'_> {
    fn row(&mut self, row: &SourceRow<'_>) -> Flow {
        if let Cell::Integer(number) = row.cell(0) {
            self.sink.buffer().extend_from_slice(format!("{number} some more bytes\n").as_bytes());
        }
        let outcome = self.sink.row_written();
        self.flow(outcome)
    }

    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Flow> {
        let outcome = ready!(self.sink.poll_room(context));
        Poll::Ready(self.flow(outcome))
    }

    fn wait_for_room(&mut self) -> Flow {
        let outcome = self.sink.wait_for_room();
        self.flow(outcome)
    }
}

impl Job for Lines {
    async fn run<S: Statements>(
        self,
        runner: &mut Runner<'_, S>,
        sink: &mut ChunkSink,
    ) -> Result<(), SourceError> {
        let mut lines = LineWriter { sink, outcome: Ok(Pace::Go) };
        runner.query(&self.0, &mut lines).await?;
        lines.outcome.map(drop)
    }
}

/// A job that reads nothing.
struct Other<F>(F);

impl<F: FnOnce(&mut ChunkSink) -> Result<(), SourceError> + Send + 'static> Job for Other<F> {
    async fn run<S: Statements>(
        self,
        _runner: &mut Runner<'_, S>,
        sink: &mut ChunkSink,
    ) -> Result<(), SourceError> {
        (self.0)(sink)
    }
}

fn stream(source: &Source, sql: &str, run: Run) -> Result<Chunks, SourceError> {
    source.stream(run, Lines(statement(sql, 2)))
}

/// Occupies the only worker until the returned sender is dropped.
fn occupy(source: &Source) -> (mpsc::Sender<()>, Chunks) {
    let (release, held) = mpsc::channel::<()>();
    let (started, running) = mpsc::channel();
    let chunks = source.stream(
        run(),
        Other(move |_: &mut ChunkSink| {
            started.send(()).unwrap();
            let _ = held.recv();
            Ok(())
        }),
    );
    running.recv().unwrap();
    (release, chunks.unwrap())
}

#[tokio::test]
async fn a_stream_hands_out_every_row_in_order() {
    let fixture = fixture("CREATE TABLE t(a)");
    let mut chunks = stream(&fixture.source, &format!("{COUNTING} LIMIT 50000"), run()).unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.unwrap();
        assert!(chunk.len() < 70_000);
        bytes.extend_from_slice(&chunk);
    }
    let mut expected = String::new();
    for number in 1..=50_000 {
        writeln!(expected, "{number} some more bytes").unwrap();
    }
    assert!(bytes == expected.as_bytes());
}

#[tokio::test]
async fn an_error_before_the_first_row_is_the_first_item() {
    let fixture = fixture("CREATE TABLE t(a)");
    let mut chunks = stream(&fixture.source, "SELECT a, a FROM gone", run()).unwrap();
    assert!(matches!(chunks.next().await, Some(Err(SourceError::StructureChanged { .. }))));
    assert!(chunks.next().await.is_none());
}

#[tokio::test]
async fn a_stream_is_stopped_at_its_deadline() {
    let fixture = fixture("CREATE TABLE t(a)");
    let soon = Run { deadline: Deadline::after(Duration::from_millis(20)), max_rows: usize::MAX };
    let mut chunks = stream(&fixture.source, &ENDLESS.replace("count(*)", "count(*), 1"), soon).unwrap();
    assert_eq!(chunks.next().await, Some(Err(SourceError::TimedOut)));
}

#[tokio::test]
async fn dropping_the_receiver_frees_the_worker_at_once() {
    let fixture = fixture("CREATE TABLE t(a)");
    // Each gets the only slot of the queue once the worker has finished the previous one.
    let patiently = |sql: &str| loop {
        match stream(&fixture.source, sql, run()) {
            Err(SourceError::Busy) => std::thread::yield_now(),
            chunks => break chunks.unwrap(),
        }
    };
    for sql in [&ENDLESS.replace("count(*)", "count(*), 1"), COUNTING, COUNTING] {
        drop(patiently(sql));
    }
    let mut chunks = patiently("SELECT 7, 1");
    assert_eq!(chunks.next().await.unwrap().unwrap().as_ref(), b"7 some more bytes\n");
}

#[tokio::test]
async fn one_more_than_the_queue_holds_is_busy() {
    let fixture = fixture("CREATE TABLE t(a)");
    let (release, _held) = occupy(&fixture.source);
    let mut waiting = stream(&fixture.source, "SELECT 1, 1", run()).unwrap();
    assert_eq!(stream(&fixture.source, "SELECT 1, 1", run()).unwrap_err(), SourceError::Busy);
    drop(release);
    assert!(waiting.next().await.unwrap().is_ok());
}

#[test]
fn short_reads_do_not_wait_for_streams() {
    let fixture = fixture("CREATE TABLE t(a)");
    let (_release, _held) = occupy(&fixture.source);
    assert_eq!(one_integer(&fixture.source, "SELECT 7"), Ok(7));
}

#[tokio::test]
async fn a_job_that_panics_does_not_pass_for_a_whole_answer() {
    let fixture = fixture("CREATE TABLE t(a)");
    let mut chunks = fixture
        .source
        .stream(
            run(),
            Other(|sink: &mut ChunkSink| {
                sink.buffer().extend_from_slice(b"half an answer");
                sink.flush()?;
                panic!("on purpose")
            }),
        )
        .unwrap();
    assert!(chunks.next().await.unwrap().is_ok());
    assert!(matches!(chunks.next().await, Some(Err(SourceError::Failed { .. }))));
    let mut next = stream(&fixture.source, "SELECT 7, 1", run()).unwrap();
    assert!(next.next().await.unwrap().is_ok());
}

#[tokio::test]
async fn closing_stops_what_runs_and_what_waits() {
    let fixture = fixture("CREATE TABLE t(a)");
    let mut running = stream(&fixture.source, COUNTING, run()).unwrap();
    assert!(running.next().await.unwrap().is_ok());
    let mut waiting = stream(&fixture.source, "SELECT 1, 1", run()).unwrap();
    fixture.source.close();
    let last = loop {
        match running.next().await {
            Some(Ok(_)) => {}
            last => break last,
        }
    };
    assert_eq!(last, Some(Err(SourceError::Closed)));
    assert!(waiting.next().await.unwrap().is_err());
    assert_eq!(one_integer(&fixture.source, "SELECT 7"), Err(SourceError::Closed));
    assert_eq!(stream(&fixture.source, "SELECT 7, 1", run()).unwrap_err(), SourceError::Closed);
}

#[tokio::test]
async fn a_receiver_that_takes_nothing_gives_its_worker_back_to_whoever_waits() {
    let fixture = fixture("CREATE TABLE t(a)");
    // More than any buffer holds, and nobody reads further.
    let mut idle = stream(&fixture.source, COUNTING, run()).unwrap();
    assert!(idle.next().await.unwrap().is_ok());
    let mut next = stream(&fixture.source, "SELECT 7, 1", run()).unwrap();
    assert_eq!(next.next().await.unwrap().unwrap().as_ref(), b"7 some more bytes\n");
    drop(idle);
}
