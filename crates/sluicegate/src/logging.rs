//! The log: one line for each event, as JSON or for people, on standard error.
//!
//! A logged request must not wait for the reader of the log. Events are therefore formatted into a buffer in
//! memory, and a separate thread writes them. The buffer is bounded: events that do not fit are dropped and
//! counted, and the count is logged. Spans are not recorded, because nothing uses them; an event contains all
//! that it needs.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};

use crate::config::{LogFormat, LogLevels};

mod line;
mod writer;

use line::Style;
pub(crate) use writer::Flush;
use writer::Writer;

/// Starts logging for the whole process. Dropping the result writes out everything that is still waiting.
pub(crate) fn start(format: LogFormat, levels: LogLevels) -> Flush {
    let (writer, flush) = writer::start(Box::new(std::io::stderr()));
    let for_people = match format {
        LogFormat::Json => false,
        LogFormat::Human => true,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let style = if for_people { Style::Human } else { Style::Json };
    let log = Log { style, levels, writer, spans: AtomicU64::new(1) };
    // This only fails on a second start in the same process; the first log stays in use.
    let _ = tracing::subscriber::set_global_default(log);
    report_panics();
    flush
}

/// Logs panics as errors, with their location but without their message, which may contain a secret.
fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(target: "panic", place, "a part of the server failed; the request that it served is lost");
    }));
}

struct Log {
    style: Style,
    levels: LogLevels,
    writer: Writer,
    spans: AtomicU64,
}

impl Subscriber for Log {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= self.levels.of(metadata.target())
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.levels.most())
    }

    fn event(&self, event: &Event<'_>) {
        let urgent = *event.metadata().level() <= tracing::Level::WARN;
        line::with(self.style, event, |line| self.writer.push(line, urgent));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed))
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The levels for commands other than the server: only what the operator must know.
pub(crate) fn warnings_only() -> LogLevels {
    LogLevels::new("warn").expect("it is a level")
}
