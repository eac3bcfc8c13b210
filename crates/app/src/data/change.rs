//! Changes of data: who may make them, and how they are made in one transaction.

use std::sync::Arc;

use domain::account::DataSource;
use domain::audit::{Action, NewAuditEvent, Outcome};
use odata::change::{self, BoundChange, ChangeContext, ChangeKind, Payload, Verb};
use odata::format::Format;
use odata::model::document::RuleAction;
use odata::url::Url;
use sources::driver::Intent;
use sources::{BrokenRule, Chunks, CommitApproval, SourceError, Violation};

use super::authorization::{DataGrant, LastingGrant, may_change};
use super::limiter::Permit;
use super::request_user::request_user;
pub use super::run::{ChangeAnswer, Condition, Done};
use super::run::{ChangeJob, LastWord, Parts, Representation};
use super::{AdmittedSource, DataRefusal, DataRequest, DataService, reached_part};
use crate::Fault;
use crate::data::models::{OpenedSource, SourceOpener};
use crate::identity::caller::Caller;

/// How often a change is tried that another transaction gets in the way of.
const MOST_TRIES: usize = 3;

/// A data source that the caller may change.
#[derive(Debug)]
pub struct ChangeableSource(Arc<DataSource>);

/// A request to change data.
#[derive(Debug, Clone, Copy)]
pub struct ChangeRequest<'a> {
    /// What is addressed, and the form of the response.
    pub request: DataRequest<'a>,
    /// What is to be done.
    pub verb: Verb,
    /// The content.
    pub payload: Payload<'a>,
    /// On which condition.
    pub condition: &'a Condition,
    /// Whether the client wants the changed entity in the response; `None` if it does not say.
    pub wants_representation: Option<bool>,
}

/// One attempt to make a change.
struct Attempt {
    bound: Arc<BoundChange>,
    /// What the caller may change in this way.
    opened: Arc<OpenedSource>,
    last_word: LastWord,
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
        if !record.writable {
            return Err(DataRefusal::ReadOnlySource);
        }
        if may_change(caller, &record) {
            return Ok(ChangeableSource(record));
        }
        let why = "the token does not allow to change this data source";
        self.audit_refusal(caller, why, Some(&record.name), request.origin).await?;
        Err(DataRefusal::ChangeNotGranted)
    }

    /// Makes a change. It is durable when this returns; if the caller is gone before, it is not made.
    ///
    /// # Errors
    /// [`DataRefusal`]; nothing was changed then, unless it is [`SourceError::OutcomeUnknown`].
    pub async fn change(
        &self,
        caller: &Caller,
        source: &ChangeableSource,
        change: &ChangeRequest<'_>,
    ) -> Result<ChangeAnswer, DataRefusal> {
        let DataRequest { endpoint, origin, since, .. } = change.request;
        let mut record = Arc::clone(&source.0);
        // Shared with the tasks, which may go on for a moment without the caller.
        let permit = Arc::new(self.acquire_permit(caller.account().user.id).await?);
        let mut tries = 1;
        loop {
            let grant =
                DataGrant { caller, intent: Intent::Change, endpoint, record: &record, origin, at: since };
            let refusal = match self.attempt(grant, &permit, change).await {
                Ok(answer) => return Ok(answer),
                Err(refusal) => refusal,
            };
            if tries == MOST_TRIES || !may_succeed_again(&refusal) {
                refusal.log(&record, &change.request);
                return Err(refusal);
            }
            tries += 1;
            if matches!(refusal, DataRefusal::Source(SourceError::StructureChanged { .. })) {
                self.context.models.expect_changed_structure(record.id);
            }
            record =
                self.as_it_is_now(&record).await.map_err(Fault::from)?.ok_or(DataRefusal::UnknownSource)?;
        }
    }

    async fn attempt(
        &self,
        grant: DataGrant<'_>,
        permit: &Arc<Option<Permit>>,
        change: &ChangeRequest<'_>,
    ) -> Result<ChangeAnswer, DataRefusal> {
        let opened = SourceOpener::of(&self.context).opened(grant.record).await?;
        // To open the source may have taken long, and so may have earlier attempts.
        self.revalidate(grant).await?;
        let shown = reached_part(grant, &opened, RuleAction::Read);
        let inserted = reached_part(grant, &opened, RuleAction::Insert);
        let opened = reached_part(grant, &opened, action_of(change.verb));
        let root = self.service_root(grant.record, grant.caller);
        let text = change.request.path_and_query;
        let url = Url::read(text)?;
        let context = ChangeContext { verb: change.verb, payload: change.payload, service_root: &root };
        let bind = |part: &OpenedSource| change::prepare(&url, &part.model, &context, part.source.dialect());
        let bound = bind(&opened)?;
        let seen = if opened.has_rules() { bind(&shown)?.state } else { None };
        let representation = Representation {
            format: Self::format(change, &url)?,
            path_and_query: text.to_owned(),
            root,
            now: self.instant()?,
            wanted: change.wants_representation,
        };
        let last_word = LastWord::default();
        let parts = Parts { shown, inserted, seen };
        let attempt = Attempt { bound: Arc::new(bound), opened, last_word, _permit: Arc::clone(permit) };
        self.perform(grant, attempt, parts, representation, change.condition.clone()).await
    }

    /// The format of a response; it must be acceptable if there may be a body.
    fn format(change: &ChangeRequest<'_>, url: &Url) -> Result<Format, DataRefusal> {
        let accepted = Format::accept(change.request.accept);
        let may_have_body = change.wants_representation != Some(false) && change.verb != Verb::Delete;
        if accepted.is_none() && may_have_body && !url.names_format() {
            return Err(DataRefusal::NotAcceptable);
        }
        Ok(accepted.unwrap_or_default())
    }

    /// Runs the change as a task, which ends also if the caller is gone, so that the audit log has every change.
    async fn perform(
        &self,
        grant: DataGrant<'_>,
        attempt: Attempt,
        parts: Parts,
        representation: Representation,
        condition: Condition,
    ) -> Result<ChangeAnswer, DataRefusal> {
        let source = &attempt.opened.source;
        let job = ChangeJob {
            one: self.one_row_of(grant, &attempt.opened),
            opened: Arc::clone(&attempt.opened),
            parts,
            change: Arc::clone(&attempt.bound),
            representation,
            condition,
            last_word: attempt.last_word.clone(),
        };
        let user = request_user(grant.user(), source);
        let approval = self.approval(grant, &attempt.last_word);
        let chunks = source.change(user, self.worker_run(), job, approval)?;
        let _stops_without_caller = chunks.stopper();
        let mut event = grant.caller.audit(Action::ChangeData, self.context.now(), grant.origin);
        event.subject = Some(format!("{}/{}", grant.record.name, attempt.bound.set));
        event.authority = None;
        let service = self.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "a change that has begun is recorded even if the caller goes away; its deadline ends it"
        )]
        let task = tokio::spawn(async move { service.ended(attempt, chunks, event).await });
        task.await.map_err(|panic| Fault::Broken(Box::new(panic)))?
    }

    /// Judges the caller again, just before the change becomes durable.
    fn approval(&self, grant: DataGrant<'_>, last_word: &LastWord) -> CommitApproval {
        let (grant, last_word) = (LastingGrant::new(self, grant), last_word.clone());
        CommitApproval::new(async move {
            grant.verdict().await.map_err(|refusal| {
                last_word.say(Err(refusal));
                SourceError::Cancelled
            })
        })
    }

    /// Waits for the end of an attempt, and records what it has changed, or may have changed.
    async fn ended(
        &self,
        attempt: Attempt,
        mut chunks: Chunks,
        mut event: NewAuditEvent,
    ) -> Result<ChangeAnswer, DataRefusal> {
        let mut body = Vec::new();
        let end = loop {
            match chunks.next().await {
                Some(Ok(chunk)) => body.extend_from_slice(&chunk),
                Some(Err(error)) => break Err(error),
                None => break Ok(()),
            }
        };
        let answer = match (end, attempt.last_word.take()) {
            (Ok(()), Some(Ok(answer))) => Ok(ChangeAnswer { body: body.into(), ..answer }),
            (Err(error @ SourceError::OutcomeUnknown { .. }), Some(Ok(answer))) => {
                event.outcome = Outcome::Unknown;
                event.detail = Some(answer.done.verb().to_owned());
                Err(error.into())
            }
            // The job stops with an error if the change is not to be made.
            (_, Some(Err(refusal))) => return Err(refusal),
            (Err(error), _) => return Err(of_source(error, &attempt.bound, &attempt.opened)),
            (Ok(()), None) => return Err(DataRefusal::NoSuchEntity),
        };
        if let Ok(answer) = &answer {
            event.detail = Some(answer.done.verb().to_owned());
        }
        if let Err(error) = self.context.store.append_audit(vec![event]).await {
            Fault::from(error).note("a change of data is missing in the audit log");
        }
        answer
    }
}

/// The action about which rules decide. That an update may insert is found out when it does.
fn action_of(verb: Verb) -> RuleAction {
    match verb {
        Verb::Create => RuleAction::Insert,
        Verb::Update | Verb::Replace => RuleAction::Update,
        Verb::Delete => RuleAction::Delete,
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

/// The refusal of a change that the database did not make. Columns are named as the model names them.
fn of_source(error: SourceError, change: &BoundChange, opened: &OpenedSource) -> DataRefusal {
    let SourceError::Violation(Violation { rule, columns }) = error else { return error.into() };
    let entity_type = opened.model.entity_type(&change.set);
    let properties = entity_type.map(|entity_type| entity_type.properties.as_slice()).unwrap_or_default();
    let name_of = |column: &String| {
        let property = properties.iter().find(|property| property.column.eq_ignore_ascii_case(column));
        property.map(|property| property.name.clone())
    };
    // A name that is not in the model may be hidden, so none is told then.
    let names = columns.iter().map(name_of).collect::<Option<Vec<_>>>().unwrap_or_default();
    let rule = match (&change.kind, rule) {
        (ChangeKind::Delete(_), BrokenRule::Missing) => BrokenRule::Reference,
        (_, rule) => rule,
    };
    DataRefusal::Violation { rule, names }
}
