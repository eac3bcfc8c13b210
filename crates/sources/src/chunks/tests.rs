use super::*;

fn long() -> Deadline {
    Deadline::after(Duration::from_mins(1))
}

fn write(sink: &mut ChunkSink, bytes: usize) -> Result<(), SourceError> {
    sink.buffer().resize(bytes, b'x');
    sink.flush()
}

#[test]
fn a_receiver_that_takes_nothing_is_given_up() {
    let (mut sink, _receiver) = chunks(Duration::ZERO, long(), Arc::default());
    sink.shared.overflow.take(OVERFLOW_BYTES);
    for _ in 0..QUEUED_CHUNKS {
        assert_eq!(write(&mut sink, 1), Ok(()));
    }
    assert_eq!(write(&mut sink, 1), Err(SourceError::Stalled));
}

#[test]
fn waiting_for_the_receiver_counts_toward_the_deadline() {
    let passed = Deadline::after(Duration::ZERO);
    let (mut sink, _receiver) = chunks(Duration::from_mins(1), passed, Arc::default());
    for _ in 0..QUEUED_CHUNKS {
        assert_eq!(write(&mut sink, 1), Ok(()));
    }
    assert_eq!(write(&mut sink, 1), Err(SourceError::TimedOut));
}

#[tokio::test]
async fn a_slow_receiver_gets_a_short_answer_buffered_and_the_buffer_is_given_back() {
    let overflow: Arc<Overflow> = Arc::default();
    let (mut sink, mut receiver) = chunks(Duration::ZERO, long(), Arc::clone(&overflow));
    for _ in 0..20 {
        assert_eq!(write(&mut sink, 1000), Ok(()));
    }
    assert_eq!(overflow.0.load(Ordering::Relaxed), 16_000);
    sink.finish(Ok(()));
    let mut bytes = 0;
    while let Some(chunk) = receiver.next().await {
        bytes += chunk.unwrap().len();
    }
    assert_eq!((bytes, overflow.0.load(Ordering::Relaxed)), (20_000, 0));
}

#[test]
fn what_a_lost_receiver_had_buffered_is_given_back() {
    let overflow: Arc<Overflow> = Arc::default();
    let (mut sink, receiver) = chunks(Duration::ZERO, long(), Arc::clone(&overflow));
    for _ in 0..9 {
        write(&mut sink, 1000).unwrap();
    }
    drop(receiver);
    assert_eq!(overflow.0.load(Ordering::Relaxed), 0);
    assert_eq!(write(&mut sink, 1000), Err(SourceError::Cancelled));
}

#[test]
fn the_first_chunk_leaves_early() {
    let (mut sink, receiver) = chunks(Duration::ZERO, long(), Arc::default());
    sink.buffer().resize(FIRST_CHUNK, b'x');
    sink.row_written().unwrap();
    sink.buffer().resize(FIRST_CHUNK, b'x');
    sink.row_written().unwrap();
    assert_eq!(receiver.shared.lock().chunks.len(), 1);
}
