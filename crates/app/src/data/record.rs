//! The record of requests for data of sources whose document demands one: audit events that say who asked for what, and how
//! much was sent. They contain no value of a row but those that the request itself names in its query options.
//!
//! What fits into one answer is sent when its record is durable. A response that is streamed has a record that it has begun
//! before its first byte, and one of what was sent before its end. If the end cannot be recorded, the response is aborted.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::audit::{Action, NewAuditEvent, Outcome};
use odata::error::Error;
use odata::url::Url;

use super::authorization::DataGrant;
use super::through::Through;
use super::{Content, DataAnswer, DataBody, DataRefusal, DataService};
use crate::Fault;
use crate::data::models::OpenedSource;

/// The maximum length of a request, in characters: a longer one is refused, because what was asked for could stand where its
/// record is cut.
const LONGEST_REQUEST: usize = 8_000;

/// The maximum length of the reason of a refusal in its record, in characters.
const LONGEST_REASON: usize = 200;

/// How long a record may take before the response fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// The record of one request, before it is known what was sent.
#[derive(Debug, Clone)]
pub(super) struct RequestRecord {
    event: NewAuditEvent,
    /// The request in words.
    request: String,
    /// Whether these are all of them.
    is_whole: bool,
    rows: RowCount,
}

/// The number of rows of a response that is recorded.
#[derive(Debug, Clone, Default)]
pub(super) struct RowCount(Arc<AtomicU64>);

/// The end of a record, which waits until it is durable.
pub(super) type Recording = Pin<Box<dyn Future<Output = Result<(), Fault>> + Send>>;

impl RowCount {
    /// Replaces the number.
    pub(super) fn set(&self, rows: u64) {
        self.0.store(rows, Ordering::Relaxed);
    }

    /// Counts a row.
    pub(super) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl RequestRecord {
    /// The record of a request for this path and query; nothing of it is written yet.
    pub(super) fn of(
        service: &DataService,
        grant: DataGrant<'_>,
        action: Action,
        path_and_query: &str,
        opened: &OpenedSource,
    ) -> Self {
        let url = Url::read(path_and_query).ok();
        // The model may be that of the data source itself although it is seen in a group.
        let is_known = |set: &str| opened.model.entity_type(set).is_some();
        let own_name = |set| Through::own_name(grant.through, set);
        let own = |set| Some(own_name(set)).filter(|own| is_known(set) || is_known(own));
        // A cross join reads several sets.
        let sets = url.as_ref().and_then(|url| url.first_names().map(own).collect::<Option<Vec<&str>>>());
        let set = sets.map(|sets| sets.join(","));
        let source = &grant.record.name;
        let mut event = grant.caller.audit(action, service.context.now(), grant.origin);
        event.subject = Some(set.map_or_else(|| source.clone(), |set| format!("{source}/{set}")));
        event.authority = None;
        let request = url.map_or_else(|| "a request that cannot be read".to_owned(), |url| url.in_words());
        let is_whole = request.chars().nth(LONGEST_REQUEST).is_none();
        Self { event, request: shortened(&request, LONGEST_REQUEST), is_whole, rows: RowCount::default() }
    }

    /// Refuses a request that the record cannot show as a whole.
    pub(super) fn check(&self) -> Result<(), DataRefusal> {
        if self.is_whole { Ok(()) } else { Err(Error::url_too_long(LONGEST_REQUEST).into()) }
    }

    /// Where the rows of the response are counted.
    pub(super) fn rows(&self) -> RowCount {
        self.rows.clone()
    }

    /// The record that the response has begun.
    fn begun(&self) -> NewAuditEvent {
        self.event_with(Outcome::Unknown, "begun")
    }

    /// The record of what was sent.
    pub(super) fn ended(&self, outcome: Outcome, bytes: u64) -> NewAuditEvent {
        let cut = if outcome == Outcome::Success { "" } else { ", cut" };
        self.event_with(outcome, &format!("{}{cut}", sent_in_words(self.rows.get(), bytes)))
    }

    /// The record that nothing was sent, or changed.
    pub(super) fn refused(&self, refusal: &DataRefusal) -> NewAuditEvent {
        self.event_with(Outcome::Refused, &shortened(&refusal.to_string(), LONGEST_REASON))
    }

    fn event_with(&self, outcome: Outcome, end: &str) -> NewAuditEvent {
        let mut event = NewAuditEvent { outcome, ..self.event.clone() };
        event.describe(format!("{}: {end}", self.request));
        event
    }
}

impl DataService {
    /// Makes events durable.
    pub(super) async fn append(&self, events: Vec<NewAuditEvent>) -> Result<(), Fault> {
        match tokio::time::timeout(PATIENCE, self.context.store.append_audit(events)).await {
            Ok(stored) => Ok(stored?),
            Err(_) => Err(Fault::Busy),
        }
    }

    /// The same for a time after the request.
    pub(super) fn recording(&self, event: NewAuditEvent) -> Recording {
        let service = self.clone();
        Box::pin(async move { service.append(vec![event]).await })
    }

    /// Records an answer, or why there is none, before it is sent.
    pub(super) async fn recorded(
        &self,
        record: RequestRecord,
        answer: Result<DataAnswer, DataRefusal>,
    ) -> Result<DataAnswer, DataRefusal> {
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(refusal) => {
                self.append(vec![record.refused(&refusal)]).await?;
                return Err(refusal);
            }
        };
        match &mut answer.body {
            DataBody::Whole(bytes) => {
                if matches!(answer.content, Content::Json(_) | Content::Value(_)) && record.rows.get() == 0 {
                    record.rows.set(1);
                }
                self.append(vec![record.ended(Outcome::Success, bytes.len() as u64)]).await?;
            }
            DataBody::Stream(stream) => {
                let begun = record.begun();
                // First, so that the end is recorded too if the client goes away in between.
                stream.record(StreamRecord::new(self.clone(), record));
                self.append(vec![begun]).await?;
            }
        }
        Ok(answer)
    }
}

/// The record of a response that is streamed. If it is dropped before the end was recorded, a task records it.
pub(super) struct StreamRecord {
    service: DataService,
    record: RequestRecord,
    bytes: u64,
    /// Whether the end is recorded, or being recorded.
    state: State,
}

enum State {
    Sending,
    Ending(Recording),
    Ended,
}

impl StreamRecord {
    fn new(service: DataService, record: RequestRecord) -> Self {
        Self { service, record, bytes: 0, state: State::Sending }
    }

    /// Counts bytes that are sent.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// Waits until the end is durable.
    pub(super) fn poll_ended(
        &mut self,
        outcome: Outcome,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Fault>> {
        if matches!(self.state, State::Sending) {
            self.state = State::Ending(self.service.recording(self.record.ended(outcome, self.bytes)));
        }
        let State::Ending(recording) = &mut self.state else { return std::task::Poll::Ready(Ok(())) };
        let stored = std::task::ready!(recording.as_mut().poll(context));
        self.state = State::Ended;
        std::task::Poll::Ready(stored)
    }

    /// The record of the end that is still to be made.
    fn rest(&mut self) -> Option<Recording> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Sending => Some(self.service.recording(self.record.ended(Outcome::Unknown, self.bytes))),
            State::Ending(recording) => Some(recording),
            State::Ended => None,
        }
    }
}

impl Drop for StreamRecord {
    fn drop(&mut self) {
        let (Some(rest), Ok(runtime)) = (self.rest(), tokio::runtime::Handle::try_current()) else { return };
        // At most one for each response, and each ends within its patience.
        runtime.spawn(async move {
            if let Err(fault) = rest.await {
                fault.note("the end of a response is missing in the audit log");
            }
        });
    }
}

impl fmt::Debug for StreamRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StreamRecord").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// What was sent, in words.
pub(super) fn sent_in_words(rows: u64, bytes: u64) -> String {
    format!("{}, {}", counted(rows, "row"), counted(bytes, "byte"))
}

/// A number with the thing that is counted.
pub(super) fn counted(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// The text without control characters, up to a length; a mark says that it was cut.
fn shortened(text: &str, longest: usize) -> String {
    let mut characters = text.chars().map(|one| if one.is_control() { ' ' } else { one });
    let mut short: String = characters.by_ref().take(longest).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn a_long_request_is_cut_with_a_mark() {
        assert_eq!(shortened("Ships?$filter=a\nb", 20), "Ships?$filter=a b");
        assert_eq!(shortened("grüße", 3), "grü…");
    }
}
