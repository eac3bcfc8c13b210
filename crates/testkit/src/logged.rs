//! Collects what the server logs on the thread of a test.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

/// Collects log lines until it is dropped.
#[derive(Debug)]
pub struct Logged {
    lines: LogLines,
    _guard: DefaultGuard,
}

/// One line of the log.
#[derive(Debug, Clone)]
pub struct LogLine {
    /// The log target, such as `access`.
    pub target: &'static str,
    /// The fields, by name.
    pub fields: BTreeMap<&'static str, String>,
}

type LogLines = Arc<Mutex<Vec<LogLine>>>;

impl Logged {
    /// Starts collecting.
    pub fn here() -> Self {
        let lines = LogLines::default();
        let guard = tracing::subscriber::set_default(Collector(Arc::clone(&lines)));
        Self { lines, _guard: guard }
    }

    /// The lines for the target since the last call.
    pub fn take(&self, target: &str) -> Vec<LogLine> {
        let lines = std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner));
        lines.into_iter().filter(|line| line.target == target).collect()
    }
}

impl LogLine {
    /// The value of a field, if there is one.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(String::as_str)
    }
}

struct Collector(LogLines);

impl Subscriber for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let line = LogLine { target: event.metadata().target(), fields: fields.0 };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}
