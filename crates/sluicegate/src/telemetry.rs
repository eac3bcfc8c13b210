//! Traces and metrics for a collector that speaks OTLP over HTTP
//! ([specification](https://opentelemetry.io/docs/specs/otlp/#otlphttp)), in its JSON encoding.
//!
//! Nothing of this runs unless `telemetry.otlp_endpoint` is set. A collector that does not answer costs the server no more than
//! the spans that wait, which are bounded; requests never wait for it.

use std::sync::Arc;
use std::time::Duration;

use app::node::NodeService;
use app::node::clock::{Clock as _, SystemClock};
use domain::time::Timestamp;
use serde_json::{Value, json};
use web::trace::Spans;

use crate::server::StopSignal;
use collector::Undelivered;

mod collector;
mod metrics;
mod spans;

pub(crate) use collector::{Collector, HeaderFields};

/// How long spans are collected before they are sent, unless there are enough sooner.
const SPAN_INTERVAL: Duration = Duration::from_secs(5);

/// The times to wait before a message is sent again.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];

/// How long the last spans may take when the server stops.
const LAST: Duration = Duration::from_secs(3);

/// The name of what a message tells about.
const SCOPE: &str = "sluicegate";

/// What is told to the collector, and how.
#[derive(Clone)]
pub(crate) struct Telemetry {
    collector: Arc<Collector>,
    spans: Arc<Spans>,
    /// The server, as the collector names it.
    resource: Value,
    metrics_interval: Duration,
}

impl Telemetry {
    /// Telemetry for this collector.
    pub(crate) fn new(
        collector: Collector,
        sampled_percent: u32,
        metrics_interval: Duration,
        instance: u64,
    ) -> Self {
        let attributes = [
            ("service.name", SCOPE.to_owned()),
            ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("service.instance.id", format!("{instance:016x}")),
        ];
        let attributes: Vec<Value> = attributes.into_iter().map(|(name, value)| text(name, value)).collect();
        Self {
            collector: Arc::new(collector),
            spans: Arc::new(Spans::new(sampled_percent)),
            resource: json!({ "attributes": attributes }),
            metrics_interval,
        }
    }

    /// Where requests leave their spans.
    pub(crate) fn spans(&self) -> Arc<Spans> {
        Arc::clone(&self.spans)
    }

    /// Sends spans until told to stop. What is left then is for [`Telemetry::send_last`].
    pub(crate) async fn send_spans(self, stop: StopSignal) {
        let mut state = Delivery::default();
        loop {
            let work = async {
                let _enough = tokio::time::timeout(SPAN_INTERVAL, self.spans.enough()).await;
                self.send_waiting(&mut state).await;
            };
            tokio::select! {
                () = stop.triggered() => return,
                () = work => {}
            }
        }
    }

    /// Sends the spans that are left when all requests have been answered.
    pub(crate) async fn send_last(&self) {
        let mut state = Delivery::default();
        if tokio::time::timeout(LAST, self.send_waiting(&mut state)).await.is_err() {
            tracing::warn!("the last spans did not reach the collector in time");
        }
    }

    /// Sends metrics at intervals until told to stop.
    pub(crate) async fn send_metrics(self, node: NodeService, stop: StopSignal) {
        let started = SystemClock.now();
        let mut state = Delivery::default();
        while tokio::time::timeout(self.metrics_interval, stop.triggered()).await.is_err() {
            let (text, now) = (node.encode_metrics(), SystemClock.now());
            let message = metrics::message(&text, &self.resource, started, now);
            // The next message says the same and more, so this one is not sent again.
            tokio::select! {
                () = stop.triggered() => return,
                sent = self.collector.send("v1/metrics", &message) => state.note("metrics", sent),
            }
        }
    }

    async fn send_waiting(&self, state: &mut Delivery) {
        loop {
            let dropped = self.spans.take_dropped();
            if dropped > 0 {
                tracing::warn!(dropped, "spans were dropped because too many waited for the collector");
            }
            let spans = self.spans.take();
            if spans.is_empty() {
                return;
            }
            let message = spans::message(&spans, &self.resource);
            state.note("spans", self.send_persistently(&message).await);
        }
    }

    /// Sends a message, and again after a pause if the collector may accept it later.
    async fn send_persistently(&self, message: &Value) -> Result<(), Undelivered> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let undelivered = match self.collector.send("v1/traces", message).await {
                Err(undelivered) if undelivered.may_succeed_later => undelivered,
                result => return result,
            };
            let Some(pause) = pauses.next() else { return Err(undelivered) };
            tokio::time::sleep(pause).await;
        }
    }
}

/// Whether messages arrive. The log says when that changes.
#[derive(Debug, Default)]
struct Delivery {
    is_failing: bool,
}

impl Delivery {
    fn note(&mut self, what: &'static str, sent: Result<(), Undelivered>) {
        let was_failing = std::mem::replace(&mut self.is_failing, sent.is_err());
        match sent {
            Ok(()) if was_failing => tracing::info!(what, "the collector accepts telemetry again"),
            Err(undelivered) if !was_failing => {
                tracing::warn!(what, error = undelivered.message, "telemetry does not reach the collector");
            }
            _ => {}
        }
    }
}

/// An attribute whose value is a text.
fn text(name: &str, value: impl Into<String>) -> Value {
    json!({ "key": name, "value": { "stringValue": value.into() } })
}

/// A time as OTLP writes it: nanoseconds since 1970.
fn nanos(at: Timestamp) -> String {
    (i128::from(at.as_micros()) * 1_000).to_string()
}
