use std::sync::atomic::Ordering;

use super::queue::{OVERFLOW_BYTES, QUEUED_BYTES, STREAM_OVERFLOW_BYTES};
use super::*;

fn long() -> Deadline {
    Deadline::after(Duration::from_mins(1))
}

fn stream(stall: Duration, deadline: Deadline, overflow: &Arc<Overflow>) -> (ChunkSink, Chunks) {
    chunks(stall, deadline, Arc::clone(overflow), Demand::default(), Arc::default())
}

fn write(sink: &mut ChunkSink, bytes: usize) -> Result<Pace, SourceError> {
    sink.buffer().resize(bytes, b'x');
    match sink.flush()? {
        Pace::Wait => sink.wait_for_room(),
        pace => Ok(pace),
    }
}

/// Fills the queue, so that the next chunk must wait.
fn fill(sink: &mut ChunkSink) {
    for _ in 0..QUEUED_BYTES / CHUNK {
        assert_eq!(write(sink, CHUNK), Ok(Pace::Go));
    }
}

/// An overflow that others have used up.
fn used_up() -> Arc<Overflow> {
    let overflow: Arc<Overflow> = Arc::default();
    assert!(overflow.take(OVERFLOW_BYTES));
    overflow
}

#[test]
fn an_answer_whose_receiver_takes_nothing_is_ended() {
    let (mut sink, receiver) = stream(Duration::ZERO, long(), &used_up());
    fill(&mut sink);
    assert_eq!(write(&mut sink, CHUNK), Ok(Pace::End));
    assert_eq!(write(&mut sink, CHUNK), Err(SourceError::Stalled), "a job that goes on anyway");
    sink.buffer().clear();
    sink.buffer().extend_from_slice(b"the tail");
    sink.finish(Ok(()));
    let queue = receiver.shared.lock();
    assert_eq!((queue.chunks.len(), queue.end.clone()), (QUEUED_BYTES / CHUNK + 2, Some(Ok(()))));
}

#[test]
fn an_answer_is_ended_when_the_deadline_passes_while_the_receiver_is_behind() {
    let passed = Deadline::after(Duration::ZERO);
    let (mut sink, _receiver) = stream(Duration::from_mins(1), passed, &used_up());
    fill(&mut sink);
    assert_eq!(write(&mut sink, CHUNK), Ok(Pace::End));
}

#[test]
fn a_slow_receiver_gives_way_to_jobs_that_wait() {
    let demand = Demand::default();
    let (mut sink, _receiver) =
        chunks(Duration::from_mins(10), long(), used_up(), demand.clone(), Arc::default());
    fill(&mut sink);
    // The stream has already waited long enough, in small steps.
    sink.waited = COURTESY;
    demand.set(1);
    assert_eq!(write(&mut sink, CHUNK), Ok(Pace::End));
}

#[test]
fn a_stream_that_has_waited_long_enough_fills_the_overflow_at_once_while_jobs_wait() {
    let (demand, overflow) = (Demand::default(), Arc::<Overflow>::default());
    let (mut sink, _receiver) =
        chunks(Duration::from_mins(10), long(), Arc::clone(&overflow), demand.clone(), Arc::default());
    fill(&mut sink);
    sink.waited = COURTESY;
    demand.set(1);
    while write(&mut sink, CHUNK) == Ok(Pace::Go) {}
    assert!(sink.ending, "the rest goes to a next page");
    assert_eq!(overflow.0.load(Ordering::Relaxed), STREAM_OVERFLOW_BYTES, "the bound holds");
    // If each chunk waited for its receiver, all would wait for several seconds.
    let chunks = u32::try_from(STREAM_OVERFLOW_BYTES / CHUNK).unwrap();
    assert!(sink.waited < COURTESY + PATIENCE * chunks / 2, "{:?}", sink.waited);
}

#[test]
fn a_long_chunk_waits_alone_and_bytes_are_what_is_bounded() {
    let (mut sink, receiver) = stream(Duration::ZERO, long(), &used_up());
    assert_eq!(write(&mut sink, 10 * QUEUED_BYTES), Ok(Pace::Go));
    assert_eq!(write(&mut sink, 1), Ok(Pace::End));
    assert_eq!(receiver.shared.lock().bytes, 10 * QUEUED_BYTES + 1);
}

#[tokio::test]
async fn a_slow_receiver_gets_a_short_answer_buffered_and_the_buffer_is_given_back() {
    let overflow: Arc<Overflow> = Arc::default();
    let (mut sink, mut receiver) = stream(Duration::ZERO, long(), &overflow);
    fill(&mut sink);
    for _ in 0..16 {
        assert_eq!(write(&mut sink, 1000), Ok(Pace::Go));
    }
    assert_eq!(overflow.0.load(Ordering::Relaxed), 16_000);
    sink.finish(Ok(()));
    let mut bytes = 0;
    while let Some(chunk) = receiver.next().await {
        bytes += chunk.unwrap().len();
    }
    assert_eq!((bytes, overflow.0.load(Ordering::Relaxed)), (QUEUED_BYTES + 16_000, 0));
}

#[test]
fn one_stream_leaves_something_of_the_overflow_to_others() {
    let overflow: Arc<Overflow> = Arc::default();
    let (mut sink, _receiver) = stream(Duration::ZERO, long(), &overflow);
    while write(&mut sink, CHUNK) == Ok(Pace::Go) {}
    assert_eq!(overflow.0.load(Ordering::Relaxed), STREAM_OVERFLOW_BYTES);
}

#[test]
fn what_a_lost_receiver_had_buffered_is_given_back() {
    let overflow: Arc<Overflow> = Arc::default();
    let (mut sink, receiver) = stream(Duration::ZERO, long(), &overflow);
    fill(&mut sink);
    write(&mut sink, 1000).unwrap();
    drop(receiver);
    assert_eq!(overflow.0.load(Ordering::Relaxed), 0);
    assert_eq!(write(&mut sink, 1000), Err(SourceError::Cancelled));
}

#[test]
fn the_first_chunk_leaves_early() {
    let (mut sink, receiver) = stream(Duration::ZERO, long(), &Arc::default());
    sink.buffer().resize(FIRST_CHUNK, b'x');
    sink.row_written().unwrap();
    sink.buffer().resize(FIRST_CHUNK, b'x');
    sink.row_written().unwrap();
    assert_eq!(receiver.shared.lock().chunks.len(), 1);
}
