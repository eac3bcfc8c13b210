//! The thread that writes the log, and the buffer in front of it.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The maximum number of buffered bytes.
const MOST_WAITING: usize = 4 * 1024 * 1024;

/// Lines that arrive within this time are written together; urgent lines do not wait.
const GATHERING: Duration = Duration::from_millis(10);

/// Accepts lines; never waits for the reader of the log.
#[derive(Clone)]
pub(super) struct Writer(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    something: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    dropped: u64,
    urgent: bool,
    closed: bool,
}

/// Stops the thread when it is dropped, after everything has been written.
pub(crate) struct Flush {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Starts the thread.
pub(super) fn start(out: Box<dyn Write + Send>) -> (Writer, Flush) {
    let shared = Arc::new(Shared { state: Mutex::default(), something: Condvar::new() });
    let theirs = Arc::clone(&shared);
    let thread = std::thread::Builder::new().name("log".to_owned()).spawn(move || run(&theirs, out)).ok();
    (Writer(Arc::clone(&shared)), Flush { shared, thread })
}

impl Writer {
    /// Appends a line, or drops it if the buffer is full.
    pub(super) fn push(&self, line: &[u8], urgent: bool) {
        let mut state = self.0.lock();
        if state.waiting.len() + line.len() > MOST_WAITING {
            state.dropped += 1;
            return;
        }
        let wake = state.waiting.is_empty() || (urgent && !state.urgent);
        state.waiting.extend_from_slice(line);
        state.urgent |= urgent;
        drop(state);
        if wake {
            self.0.something.notify_one();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between any two operations under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn run(shared: &Shared, mut out: Box<dyn Write + Send>) {
    let mut writing = Vec::new();
    loop {
        let mut state = shared.lock();
        while state.waiting.is_empty() && !state.closed {
            state = shared.something.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.urgent && !state.closed {
            let gathered =
                shared.something.wait_timeout_while(state, GATHERING, |state| !state.urgent && !state.closed);
            state = gathered.unwrap_or_else(PoisonError::into_inner).0;
        }
        std::mem::swap(&mut writing, &mut state.waiting);
        let dropped = std::mem::take(&mut state.dropped);
        state.urgent = false;
        let last = state.closed;
        drop(state);
        if dropped > 0 {
            writing.extend_from_slice(
                format!("{{\"level\":\"WARN\",\"target\":\"log\",\"dropped\":{dropped}}}\n").as_bytes(),
            );
        }
        // If the log cannot be written, the error cannot be logged either.
        let _ = out.write_all(&writing).and_then(|()| out.flush());
        if last {
            return;
        }
        writing.clear();
        writing.shrink_to(MOST_WAITING / 16);
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.something.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    struct Pipe(mpsc::Sender<Vec<u8>>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.0.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn all_lines_are_written_in_order_before_the_writer_ends() {
        let (sender, receiver) = mpsc::channel();
        let (writer, flush) = start(Box::new(Pipe(sender)));
        let lines: Vec<String> = (0..1_000).map(|number| format!("{number}\n")).collect();
        for line in &lines {
            writer.push(line.as_bytes(), false);
        }
        drop(flush);
        let written: Vec<u8> = receiver.iter().flatten().collect();
        assert_eq!(String::from_utf8(written).unwrap(), lines.concat());
    }

    #[test]
    fn dropped_lines_are_counted() {
        struct Stuck(mpsc::Receiver<()>, mpsc::Sender<Vec<u8>>);
        impl Write for Stuck {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                let _ = self.0.recv();
                let _ = self.1.send(bytes.to_vec());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let (go, state) = mpsc::channel();
        let (sender, receiver) = mpsc::channel();
        let (writer, flush) = start(Box::new(Stuck(state, sender)));
        let line = vec![b'x'; MOST_WAITING / 2];
        for _ in 0..8 {
            writer.push(&line, true);
        }
        drop(go);
        drop(flush);
        let written: Vec<u8> = receiver.iter().flatten().collect();
        assert!(String::from_utf8(written).unwrap().contains("\"dropped\":"));
    }
}
