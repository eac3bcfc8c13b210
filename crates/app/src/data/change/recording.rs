//! The audit events of changes.

use std::sync::Arc;

use domain::audit::{Action, NewAuditEvent, Outcome};
use sources::SourceError;

use super::super::authorization::DataGrant;
use super::super::record::{RequestRecord, sent_in_words};
use super::super::through::Through;
use super::super::{DataRefusal, DataService};
use super::{Attempt, ChangeAnswer, ChangeRequest, Done, FailedChange};
use crate::Fault;
use crate::data::models::OpenedSource;

impl DataService {
    /// Records a change that was not made, if the data source demands it. One whose outcome is unknown is recorded already.
    pub(super) async fn record_failure(
        &self,
        grant: DataGrant<'_>,
        recorded: Option<Arc<OpenedSource>>,
        changes: &[ChangeRequest<'_>],
        failed: &FailedChange,
    ) -> Result<(), FailedChange> {
        let is_recorded = matches!(failed.refusal, DataRefusal::Source(SourceError::OutcomeUnknown { .. }));
        let Some(opened) = recorded.filter(|_| !is_recorded) else { return Ok(()) };
        // Those before it were tried as well, and are undone.
        let events = changes.iter().take(failed.at + 1).map(|change| {
            let path_and_query = change.request.path_and_query;
            let record = RequestRecord::of(self, grant, Action::ChangeData, path_and_query, &opened);
            record.refused(&failed.refusal)
        });
        Ok(self.append(events.collect()).await.map_err(DataRefusal::from)?)
    }

    /// Writes an event for each change of a source, which is the subject of `event`.
    pub(super) async fn record(
        &self,
        event: NewAuditEvent,
        outcome: Outcome,
        attempt: &Attempt,
        answers: &[ChangeAnswer],
    ) {
        let source = event.subject.clone().unwrap_or_default();
        // A request that was made before changes nothing, and shows what it did.
        let is_recorded = |answer: &&ChangeAnswer| {
            !matches!(answer.done, Done::Read(_)) && (!answer.is_repeated || attempt.opened.records_requests)
        };
        let answers = answers.iter().filter(is_recorded);
        let changes = answers.flat_map(|answer| {
            let verb = if answer.is_repeated { "repeat" } else { answer.done.verb() };
            let others = answer.others.iter().map(|other| (&other.set, other.verb, 0));
            std::iter::once((&answer.set, verb, answer.body.len())).chain(others)
        });
        let events = changes.map(|(set, verb, bytes)| {
            let subject = Some(format!("{source}/{}", Through::own_name(attempt.through.as_ref(), set)));
            let mut event = NewAuditEvent { outcome, subject, ..event.clone() };
            event.describe(if attempt.opened.records_requests {
                format!("{verb}: {}", sent_in_words(1, bytes as u64))
            } else {
                verb.to_owned()
            });
            event
        });
        if let Err(error) = self.context.store.append_audit(events.collect()).await {
            Fault::from(error).note("a change of data is missing in the audit log");
        }
    }
}
