//! Changes of data: who may make them, and how they are made in one transaction.

use std::sync::Arc;

use domain::account::DataSource;
use domain::audit::{Action, NewAuditEvent, Outcome};
use odata::change::{Payload, References, Verb};
use odata::model::document::RuleAction;
use sources::driver::Intent;
use sources::{Chunks, CommitApproval, SourceError};

use super::authorization::{DataGrant, LastingGrant, may_change};
use super::limiter::Permit;
use super::record::counted;
use super::run::{About, ChangeJob, LooksFirst, OutcomeSlot, Parts, Step, StepPlan, refused};
pub use super::run::{ChangeAnswer, Condition, Done, FailedChange};
use super::through::Through;
use super::{AdmittedSource, DataRefusal, DataRequest, DataService, reached_part};
use crate::Fault;
use crate::data::models::{OpenedSource, SourceOpener};
use crate::identity::caller::Caller;

mod recording;
mod requested;

/// How often a change is tried that another transaction gets in the way of.
const MOST_TRIES: usize = 3;

/// A data source that the caller may change.
#[derive(Debug)]
pub struct ChangeableSource {
    record: Arc<DataSource>,
    /// The group through which it is reached, if it is.
    through: Option<Arc<Through>>,
}

/// A request to change data.
#[derive(Debug, Clone, Copy)]
pub struct ChangeRequest<'a> {
    /// What is addressed, and the form of the response.
    pub request: DataRequest<'a>,
    /// By which later changes of a set refer to the entity that this one creates.
    pub id: Option<&'a str>,
    /// What is to be done; `None` to read, which is possible in a set.
    pub verb: Option<Verb>,
    /// The content.
    pub payload: Payload<'a>,
    /// On which condition.
    pub condition: &'a Condition,
    /// Whether the client wants the changed entity in the response; `None` if it does not say.
    pub wants_representation: Option<bool>,
    /// By what the request is known if it comes again; `None` if the client does not repeat it.
    pub repeatable: Option<Repeatable<'a>>,
}

/// By what a request is known that a client may send again ([Repeatable Requests
/// 1.0](https://docs.oasis-open.org/odata/repeatable-requests/v1.0/repeatable-requests-v1.0.html)).
#[derive(Debug, Clone, Copy)]
pub enum Repeatable<'a> {
    /// By these headers.
    Known {
        /// The id of the request.
        id: &'a str,
        /// The id of the client; empty if it gives none.
        client: &'a str,
        /// When it was first sent.
        first_sent: jiff::Timestamp,
    },
    /// By none, because a header is missing or malformed.
    Malformed,
}

/// One attempt to make changes.
struct Attempt {
    steps: Arc<[Step]>,
    opened: Arc<OpenedSource>,
    /// The group through which the data source is reached, if it is.
    through: Option<Arc<Through>>,
    outcome: OutcomeSlot,
    /// The right to run, which is kept until the attempt has ended.
    _permit: Arc<Option<Permit>>,
}

impl DataService {
    /// The data source of a request, if the caller may change it: its owner allows changes, the caller may read it, and the
    /// token, if there is one, covers changes of it.
    ///
    /// # Errors
    /// [`DataRefusal`].
    pub async fn changeable(
        &self,
        caller: &Caller,
        request: &DataRequest<'_>,
    ) -> Result<ChangeableSource, DataRefusal> {
        let AdmittedSource(record) =
            self.admit(caller, request.endpoint, request.source, request.origin).await?;
        let (record, through) = if record.is_group() {
            let (record, through) = Box::pin(self.member_to_change(caller, &record, request)).await?;
            (record, Some(through))
        } else {
            (record, None)
        };
        if !record.writable {
            return Err(DataRefusal::ReadOnlySource);
        }
        if may_change(caller, &record) {
            return Ok(ChangeableSource { record, through });
        }
        let why = "the token does not allow to change this data source";
        self.audit_refusal(caller, why, Some(&record.name), request.origin).await?;
        Err(DataRefusal::ChangeNotGranted)
    }

    /// Makes changes of one data source in one transaction, in their order: all of them or none ([Protocol
    /// §11.7.4](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_ProcessingaBatchRequest)). They
    /// are durable when this returns; if the caller is gone before, they are not made. They may refer to `earlier` entities.
    ///
    /// # Errors
    /// [`DataRefusal`] of the change at fault; nothing was changed then, unless it is [`SourceError::OutcomeUnknown`].
    pub async fn change_set(
        &self,
        caller: &Caller,
        source: &ChangeableSource,
        changes: &[ChangeRequest<'_>],
        earlier: &References,
    ) -> Result<Vec<ChangeAnswer>, FailedChange> {
        let Some(first) = changes.first() else { return Ok(Vec::new()) };
        let DataRequest { endpoint, origin, since, .. } = first.request;
        let through = source.through.as_ref();
        if let Some(through) = through {
            let paths = changes.iter().map(|change| change.request.path_and_query);
            through.covers(paths).map_err(|(at, refusal)| FailedChange { at, refusal })?;
        }
        let mut record = Arc::clone(&source.record);
        // Shared with the tasks, which may go on for a moment without the caller.
        let permit = Arc::new(self.acquire_permit(caller.account().user.id).await?);
        let mut recorded = None;
        let looks_first = LooksFirst::default();
        let mut tries = 1;
        loop {
            let (intent, record_now) = (Intent::Change, &record);
            let grant =
                DataGrant { caller, intent, endpoint, record: record_now, through, origin, at: since };
            let set = (changes, earlier);
            let failed = match self.attempt(grant, &permit, set, (&mut recorded, &looks_first)).await {
                Ok(answers) => return Ok(answers),
                Err(failed) => failed,
            };
            if tries == MOST_TRIES || !may_succeed_again(&failed.refusal) {
                failed.refusal.log(&record, &first.request);
                self.note_refused_login(grant, &failed.refusal).await?;
                self.record_failure(grant, recorded, changes, &failed).await?;
                return Err(failed);
            }
            tries += 1;
            if matches!(failed.refusal, DataRefusal::Source(SourceError::StructureChanged { .. })) {
                self.context.models.expect_changed_structure(record.id);
            }
            let now = self.as_it_is_now(&record).await.map_err(Fault::from).map_err(DataRefusal::from)?;
            record = now.ok_or(DataRefusal::UnknownSource)?;
        }
    }

    async fn attempt(
        &self,
        grant: DataGrant<'_>,
        permit: &Arc<Option<Permit>>,
        (changes, earlier): (&[ChangeRequest<'_>], &References),
        (recorded, looks_first): (&mut Option<Arc<OpenedSource>>, &LooksFirst),
    ) -> Result<Vec<ChangeAnswer>, FailedChange> {
        let opened = SourceOpener::of(&self.context).opened(grant.record).await.map_err(DataRefusal::from)?;
        *recorded = opened.records_requests.then(|| Arc::clone(&opened));
        // To open the source may have taken long, and so may have earlier attempts.
        self.revalidate(grant).await?;
        let root = self.service_root(grant.asked(), grant.caller);
        let now = self.instant().map_err(DataRefusal::from)?;
        let page_sizes = self.page_sizes(changes, &opened).await?;
        let mut described = self.descriptions(grant, &opened, changes, &root).await?;
        let steps = changes.iter().enumerate().map(|(at, change)| {
            let action = change.action().map_err(|refusal| FailedChange { at, refusal })?;
            let parts = Parts {
                opened: reached_part(grant, &opened, action),
                shown: reached_part(grant, &opened, RuleAction::Read),
                inserted: reached_part(grant, &opened, RuleAction::Insert),
                updated: reached_part(grant, &opened, RuleAction::Update),
                deleted: reached_part(grant, &opened, RuleAction::Delete),
            };
            let repetition = change.repetition(grant.caller, &root, &opened, now);
            let step = repetition.and_then(|repetition| {
                let step = match change.verb {
                    Some(verb) => change.step(verb, at == 0, earlier, &root, parts)?,
                    None => match described.get_mut(at).and_then(Option::take) {
                        Some(answer) => change.described(answer, parts),
                        None => self.read_step(grant, &opened, change, page_sizes.get(at), parts)?,
                    },
                };
                Ok(Step { repetition, ..step })
            });
            step.map_err(|refusal| FailedChange { at, refusal })
        });
        let steps = steps.collect::<Result<Arc<[_]>, _>>()?;
        let outcome = OutcomeSlot::default();
        let job = ChangeJob {
            steps: Arc::clone(&steps),
            root,
            now,
            one: self.one_row_of(grant, &opened),
            outcome: outcome.clone(),
            looks_first: looks_first.clone(),
            earlier: earlier.clone(),
        };
        let (through, permit) = (grant.through.cloned(), Arc::clone(permit));
        self.perform(grant, job, Attempt { steps, opened, through, outcome, _permit: permit }).await
    }

    /// Runs the changes as a task, which ends also if the caller is gone, so that the audit log has every change.
    async fn perform(
        &self,
        grant: DataGrant<'_>,
        job: ChangeJob,
        attempt: Attempt,
    ) -> Result<Vec<ChangeAnswer>, FailedChange> {
        let source = &attempt.opened.source;
        let user = self.request_user(grant, source).await?;
        let begun = attempt.begun(grant.caller.audit(Action::ChangeData, self.context.now(), grant.origin));
        let approval = self.approval(grant, &attempt.outcome, begun);
        let chunks = source.change(user, self.worker_run(), job, approval).map_err(DataRefusal::from)?;
        let _stops_without_caller = chunks.stopper();
        let mut event = grant.caller.audit(Action::ChangeData, self.context.now(), grant.origin);
        event.subject = Some(grant.record.name.clone());
        event.authority = None;
        let service = self.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "a change that has begun is recorded even if the caller goes away; its deadline ends it"
        )]
        let task = tokio::spawn(async move { service.ended(attempt, chunks, event).await });
        task.await.map_err(|panic| DataRefusal::from(Fault::Broken(Box::new(panic))))?
    }

    /// Judges the caller again, just before the change becomes durable, and records first that it has begun, if it is to be.
    fn approval(
        &self,
        grant: DataGrant<'_>,
        outcome: &OutcomeSlot,
        begun: Option<NewAuditEvent>,
    ) -> CommitApproval {
        let (service, subject) = (self.clone(), grant.record.name.clone());
        let (grant, outcome) = (LastingGrant::new(self, grant), outcome.clone());
        CommitApproval::new(async move {
            let mut approved = grant.verdict().await;
            if let (Ok(()), Some(event)) = (&approved, begun) {
                let event = NewAuditEvent { subject: Some(subject), authority: None, ..event };
                approved = service.append(vec![event]).await.map_err(DataRefusal::from);
            }
            approved.map_err(|refusal| {
                outcome.set(Err(refusal.into()));
                SourceError::Cancelled
            })
        })
    }

    /// Waits for the end of an attempt, and records what it has changed, or may have changed.
    async fn ended(
        &self,
        attempt: Attempt,
        mut chunks: Chunks,
        event: NewAuditEvent,
    ) -> Result<Vec<ChangeAnswer>, FailedChange> {
        let end = loop {
            match chunks.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break Err(error),
                None => break Ok(()),
            }
        };
        match (end, attempt.outcome.take()) {
            (Ok(()), Some(Ok(answers))) => {
                self.record(event, Outcome::Success, &attempt, &answers).await;
                Ok(answers)
            }
            (Err(error @ SourceError::OutcomeUnknown { .. }), Some(Ok(answers))) => {
                self.record(event, Outcome::Unknown, &attempt, &answers).await;
                Err(DataRefusal::from(error).into())
            }
            // The job stops with an error if the changes are not to be made.
            (_, Some(Err(failed))) => Err(failed),
            (Err(error), _) => Err(attempt.refusal(error).into()),
            (Ok(()), None) => Err(DataRefusal::NoSuchEntity.into()),
        }
    }
}

impl Attempt {
    /// The record that its changes are about to become durable, if the data source demands one.
    fn begun(&self, event: NewAuditEvent) -> Option<NewAuditEvent> {
        let mut event = NewAuditEvent { outcome: Outcome::Unknown, ..event };
        event.describe(format!("{}: begun", counted(self.steps.len() as u64, "change")));
        self.opened.records_requests.then_some(event)
    }

    /// Why nothing was changed, if that is not the fault of a certain statement.
    fn refusal(&self, error: SourceError) -> DataRefusal {
        match &*self.steps {
            [Step { plan: StepPlan::Bound(bound), parts, .. }] => {
                refused(error, Some(&About::of(&bound.change)), &parts.opened)
            }
            _ => refused(error, None, &self.opened),
        }
    }
}

/// Whether the same change may succeed: another transaction was in the way, or the source was opened anew meanwhile. What was
/// changed is read again then.
fn may_succeed_again(refusal: &DataRefusal) -> bool {
    matches!(
        refusal,
        DataRefusal::Source(SourceError::Locked | SourceError::Closed | SourceError::StructureChanged { .. })
    )
}
