//! Spans: what a collector of traces is told about each request.
//!
//! A request belongs to the trace that its `traceparent` header names ([W3C Trace
//! Context](https://www.w3.org/TR/trace-context-1/)), or to a new one. The span of a request waits in [`Spans`] until the
//! collector takes it. A span says what the access log says, without the name of the user.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use app::node::NodeService;
use domain::time::Timestamp;
use http::HeaderMap;
use tokio::sync::Notify;

mod parent;

use parent::TraceParent;

/// The maximum number of spans that wait. Later ones are dropped, and counted.
const MOST_WAITING: usize = 2_048;

/// So many waiting spans are sent without waiting for more.
const ENOUGH: usize = 512;

/// The spans that wait for the collector.
#[derive(Debug)]
pub struct Spans {
    sampled_percent: u32,
    waiting: Mutex<Vec<Span>>,
    enough: Notify,
    dropped: AtomicU64,
}

/// A request that has been answered.
#[derive(Debug, Clone)]
pub struct Span {
    /// The trace.
    pub trace: [u8; 16],
    /// The span itself.
    pub id: [u8; 8],
    /// The span of the caller, if it has named one.
    pub parent: Option<[u8; 8]>,
    /// When the request arrived.
    pub began: Timestamp,
    /// When the last byte of the response was passed on.
    pub ended: Timestamp,
    /// The facts about the request.
    pub request: AnsweredRequest,
}

/// What a span says about its request.
#[derive(Debug, Clone)]
pub struct AnsweredRequest {
    /// The id of the request in the log.
    pub request_id: Arc<str>,
    /// The area of the server.
    pub area: &'static str,
    /// The method.
    pub method: &'static str,
    /// The path, as the access log shows it.
    pub path: String,
    /// The status of the response.
    pub status: u16,
    /// The length of the body of the response.
    pub bytes: u64,
    /// The address of the client.
    pub address: Option<IpAddr>,
    /// What was done, in a word.
    pub what: Option<&'static str>,
    /// The id of the application.
    pub application: Option<i64>,
}

impl Spans {
    /// Collects the spans of so many percent of the requests that belong to no trace yet. A request of a trace is collected if
    /// its caller collects the trace.
    pub fn new(sampled_percent: u32) -> Self {
        Self { sampled_percent, waiting: Mutex::default(), enough: Notify::new(), dropped: AtomicU64::new(0) }
    }

    /// The spans that wait, the oldest first, at most as many as fit one message.
    pub fn take(&self) -> Vec<Span> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let most = waiting.len().min(ENOUGH);
        waiting.drain(..most).collect()
    }

    /// Waits until there are enough spans for a message.
    pub async fn enough(&self) {
        self.enough.notified().await;
    }

    /// How many spans were dropped since the last call because too many waited.
    pub fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Ordering::Relaxed)
    }

    fn push(&self, span: Span) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() == MOST_WAITING {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.push(span);
        if waiting.len() == ENOUGH {
            self.enough.notify_one();
        }
    }
}

/// The span of a request that is being answered.
pub(crate) struct OpenSpan {
    spans: Arc<Spans>,
    trace: [u8; 16],
    id: [u8; 8],
    parent: Option<[u8; 8]>,
    began: Timestamp,
    node: NodeService,
}

impl OpenSpan {
    /// Begins the span of a request, if it is to be collected.
    pub(crate) fn begin(
        spans: &Arc<Spans>,
        headers: &HeaderMap,
        node: &NodeService,
        began: Timestamp,
    ) -> Option<Box<Self>> {
        let parent = TraceParent::of(headers);
        let is_sampled = match parent {
            Some(parent) => parent.is_sampled,
            None => node.random_number() % 100 < u64::from(spans.sampled_percent),
        };
        is_sampled.then(|| {
            let number = || node.random_number().to_be_bytes();
            let trace = parent.map_or_else(
                || {
                    let mut trace = [0; 16];
                    trace[..8].copy_from_slice(&number());
                    trace[8..].copy_from_slice(&number());
                    trace
                },
                |parent| parent.trace,
            );
            let spans = Arc::clone(spans);
            let parent = parent.map(|parent| parent.span);
            Box::new(Self { spans, trace, id: number(), parent, began, node: node.clone() })
        })
    }

    /// The id of the trace, as it is written.
    pub(crate) fn trace_id(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.trace))
    }

    /// Ends the span.
    pub(crate) fn end(&self, request: AnsweredRequest) {
        self.spans.push(Span {
            trace: self.trace,
            id: self.id,
            parent: self.parent,
            began: self.began,
            ended: self.node.now(),
            request,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(number: u64) -> Span {
        Span {
            trace: [1; 16],
            id: number.to_be_bytes(),
            parent: None,
            began: Timestamp::from_secs(0),
            ended: Timestamp::from_secs(0),
            request: AnsweredRequest {
                request_id: "1".into(),
                area: "oauth",
                method: "GET",
                path: "/".to_owned(),
                status: 200,
                bytes: 0,
                address: None,
                what: None,
                application: None,
            },
        }
    }

    #[test]
    fn spans_wait_in_order_and_no_more_than_the_maximum() {
        let spans = Spans::new(100);
        for number in 0..MOST_WAITING as u64 + 3 {
            spans.push(span(number));
        }
        assert_eq!(spans.take_dropped(), 3);
        assert_eq!(spans.take_dropped(), 0);
        let mut taken = Vec::new();
        loop {
            let batch = spans.take();
            assert!(batch.len() <= ENOUGH);
            if batch.is_empty() {
                break;
            }
            taken.extend(batch.into_iter().map(|span| u64::from_be_bytes(span.id)));
        }
        assert!(taken.into_iter().eq(0..MOST_WAITING as u64));
    }
}
