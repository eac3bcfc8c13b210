//! Changes: their statements, and those that read what they are about, in one transaction.

mod condition;
mod creation;
mod deep;
mod late;
mod repetition;

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use odata::change::{Alteration, ChangeKind, EntityState, References, SentValues};
use odata::entity_tag::EntityTag;
use odata::model::EntityType;
use odata::plan::{self, Plan, PlanContext};
use odata::statement::Statement;
use odata::url::Url;
use sources::driver::{Job, Runner, Statements};
use sources::{ChunkSink, SourceError, SourceRow};

pub use condition::Condition;
pub(in crate::data) use repetition::{AHEAD_SECS, LooksFirst, REPEATABLE_SECS, Repetition};

use super::bounds::LONGEST_ROW;
use super::one::{Found, OneRow, exists, write_one};
use super::rows::Reads;
use super::wanted::{About, Bound, Parts, WantedChange, refused};
use crate::data::{Content, DataRefusal};

/// Makes changes, one after the other, all of them or none.
pub(in crate::data) struct ChangeJob {
    pub(in crate::data) steps: Arc<[Step]>,
    /// The absolute URL of the service document.
    pub(in crate::data) root: String,
    pub(in crate::data) now: jiff::Timestamp,
    pub(in crate::data) one: OneRow,
    pub(in crate::data) outcome: OutcomeSlot,
    /// Shared with the other attempts.
    pub(in crate::data) looks_first: LooksFirst,
}

/// One of the changes.
pub(in crate::data) struct Step {
    /// By which later changes refer to the entity that this one creates.
    pub(in crate::data) id: Option<String>,
    pub(in crate::data) condition: Condition,
    /// How it is made only once, if the client may repeat it.
    pub(in crate::data) repetition: Option<Repetition>,
    pub(in crate::data) parts: Parts,
    pub(in crate::data) plan: StepPlan,
}

/// What is to be done.
#[derive(Debug)]
pub(in crate::data) enum StepPlan {
    Bound(Box<Bound>),
    /// To be bound when the changes before it are made, because it may refer to them, or because the database says to what its
    /// path leads.
    Late(WantedChange<'static>),
}

/// Where a job leaves what became of its changes. What is left there last counts.
#[derive(Clone, Default)]
pub(in crate::data) struct OutcomeSlot(Arc<Mutex<Option<ChangeOutcome>>>);

/// What was done, or why nothing was.
type ChangeOutcome = Result<Vec<ChangeAnswer>, FailedChange>;

impl OutcomeSlot {
    pub(in crate::data) fn set(&self, outcome: ChangeOutcome) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }

    pub(in crate::data) fn take(&self) -> Option<ChangeOutcome> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Why changes were not made.
#[derive(Debug)]
pub struct FailedChange {
    /// The place of the change at fault; the first one if it is none in particular.
    pub at: usize,
    /// Why.
    pub refusal: DataRefusal,
}

impl From<DataRefusal> for FailedChange {
    fn from(refusal: DataRefusal) -> Self {
        Self { at: 0, refusal }
    }
}

/// A change that was made, and is durable.
#[derive(Debug, Clone)]
pub struct ChangeAnswer {
    /// The name of the entity set.
    pub set: String,
    /// What was done to other entities with it.
    pub others: Vec<DoneToOther>,
    /// What was done.
    pub done: Done,
    /// Whether it was done when the request came before.
    pub is_repeated: bool,
    /// The entity tag of the entity, if it exists.
    pub tag: Option<EntityTag>,
    /// The kind of the body, if there is one because the client wants it.
    pub content: Option<Content>,
    /// The changed resource; empty if there is no body.
    pub body: Bytes,
}

/// What a change has done to another entity than the one that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoneToOther {
    /// The name of its entity set.
    pub set: String,
    /// In the words of the audit log.
    pub verb: &'static str,
}

/// What a change has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// A new entity has this absolute address.
    Created(String),
    /// An entity or a property was changed.
    Updated,
    /// An entity was deleted.
    Deleted,
}

impl Done {
    /// In the words of the audit log.
    pub(in crate::data) const fn verb(&self) -> &'static str {
        match self {
            Self::Created(_) => "create",
            Self::Updated => "update",
            Self::Deleted => "delete",
        }
    }
}

/// The answer of the database, or the reason why it is not asked any further.
type StepResult<T> = Result<Result<T, DataRefusal>, SourceError>;

impl Job for ChangeJob {
    async fn run<S: Statements>(
        self,
        runner: &mut Runner<'_, S>,
        _sink: &mut ChunkSink,
    ) -> Result<(), SourceError> {
        let outcome = self.perform(runner).await?;
        // An error ends the transaction without any change.
        let ended = if outcome.is_ok() { Ok(()) } else { Err(SourceError::Cancelled) };
        self.outcome.set(outcome);
        ended
    }
}

impl ChangeJob {
    async fn perform(&self, reads: &mut impl Reads) -> Result<ChangeOutcome, SourceError> {
        let mut references = References::default();
        let mut answers = Vec::with_capacity(self.steps.len());
        let mut length = 0;
        for (at, step) in self.steps.iter().enumerate() {
            let late;
            let bound = match &step.plan {
                StepPlan::Bound(bound) => bound,
                StepPlan::Late(asked) => match self.bound_late(asked, step, &references, reads).await? {
                    Ok(Some(bound)) => {
                        late = bound;
                        &late
                    }
                    Ok(None) => {
                        let Some(answer) = self.answered_before(step, reads).await? else {
                            return Ok(Err(FailedChange { at, refusal: DataRefusal::NoSuchEntity }));
                        };
                        answers.push(answer);
                        continue;
                    }
                    Err(refusal) => return Ok(Err(FailedChange { at, refusal })),
                },
            };
            let change = OneChange {
                job: self,
                bound,
                parts: &step.parts,
                condition: &step.condition,
                repetition: step.repetition.as_ref(),
            };
            let mut about = About::of(&bound.change);
            let done = change.perform_once(reads, &mut about).await.inspect_err(|error| {
                let refusal = refused(error.clone(), Some(&about), &step.parts.opened);
                self.outcome.set(Err(FailedChange { at, refusal }));
            })?;
            let answer = match done {
                Ok(answer) => answer,
                Err(refusal) => return Ok(Err(FailedChange { at, refusal })),
            };
            length += answer.body.len();
            if length > LONGEST_ROW {
                let refusal = SourceError::ValueTooLarge.into();
                return Ok(Err(FailedChange { at, refusal }));
            }
            if let (Some(id), Done::Created(address)) = (&step.id, &answer.done) {
                let path = address.strip_prefix(self.root.trim_end_matches('/'));
                references.add(id, path.unwrap_or(address));
            }
            answers.push(answer);
        }
        Ok(Ok(answers))
    }
}

/// A change within the transaction.
struct OneChange<'j> {
    job: &'j ChangeJob,
    bound: &'j Bound,
    parts: &'j Parts,
    condition: &'j Condition,
    repetition: Option<&'j Repetition>,
}

impl OneChange<'_> {
    /// `about` is what is being changed.
    async fn perform(&self, reads: &mut impl Reads, about: &mut About) -> StepResult<ChangeAnswer> {
        let change = &self.bound.change;
        if !exists(reads, self.bound.through.as_ref()).await? {
            return Ok(Err(DataRefusal::NoSuchEntity));
        }
        let before = match &change.state {
            Some(state) => tag_of(reads, state).await?,
            None => None,
        };
        if before.is_none()
            && let Some(seen) = &self.bound.seen
            && tag_of(reads, seen).await?.is_some()
        {
            return Ok(Err(self.against_rules()));
        }
        match &change.kind {
            ChangeKind::Create(creation) => self.create(creation, reads).await,
            ChangeKind::CreateDeep(deep) => self.change_deep(deep, reads, about).await,
            _ if !self.condition.holds_for(before) => Ok(Err(DataRefusal::PreconditionFailed)),
            ChangeKind::Update(alteration) => match (before, &alteration.upsert) {
                (Some(_), _) => self.update(alteration, reads).await,
                (None, None) => Ok(Err(DataRefusal::NoSuchEntity)),
                (None, Some(upsert)) => {
                    let (model, dialect) = (&self.parts.opened.model, self.parts.opened.source.dialect());
                    match upsert.creation(model, &change.set, dialect) {
                        Ok(creation) => self.create(&creation, reads).await,
                        Err(error) => Ok(Err(error.into())),
                    }
                }
            },
            ChangeKind::UpdateDeep(deep) => self.change_deep(deep, reads, about).await,
            ChangeKind::Delete(_) if before.is_none() => Ok(Err(DataRefusal::NoSuchEntity)),
            ChangeKind::Delete(statements) if changes(reads, statements).await? => {
                Ok(Ok(self.answer(Done::Deleted, None, None)))
            }
            ChangeKind::Delete(_) => Ok(Err(DataRefusal::ChangePrevented)),
        }
    }

    async fn update(&self, alteration: &Alteration, reads: &mut impl Reads) -> StepResult<ChangeAnswer> {
        // An update without a value changes nothing, and succeeds.
        if !alteration.statements.is_empty() && !changes(reads, &alteration.statements).await? {
            return Ok(Err(DataRefusal::ChangePrevented));
        }
        let change = &self.bound.change;
        let given = (&alteration.given, self.parts.opened.model.entity_type(&change.set));
        let tag = match &change.state {
            Some(state) => match tag_if_kept(reads, state, given).await? {
                Ok(tag) => tag,
                Err(refusal) => return Ok(Err(refusal)),
            },
            None => None,
        };
        if tag.is_none() && self.parts.opened.has_rules() {
            return Ok(Err(self.against_rules()));
        }
        let shown = if self.bound.wanted == Some(true) {
            self.show(&self.bound.path_and_query, reads).await?
        } else {
            None
        };
        Ok(Ok(self.answer(Done::Updated, tag, shown)))
    }

    /// The rules allow neither this change nor one with this result.
    fn against_rules(&self) -> DataRefusal {
        odata::error::Error::against_rules(&self.bound.change.set).into()
    }

    fn answer(&self, done: Done, tag: Option<EntityTag>, shown: Option<(Content, Vec<u8>)>) -> ChangeAnswer {
        let (content, body) = shown.unzip();
        let set = self.bound.change.set.clone();
        ChangeAnswer {
            set,
            others: Vec::new(),
            done,
            is_repeated: false,
            tag,
            content,
            body: body.unwrap_or_default().into(),
        }
    }

    /// The resource at an address, as a read shows it. There is nothing to show if it is null.
    async fn show(
        &self,
        path_and_query: &str,
        reads: &mut impl Reads,
    ) -> Result<Option<(Content, Vec<u8>)>, SourceError> {
        let ChangeJob { root, now, one, .. } = self.job;
        let opened = &self.parts.shown;
        let format = self.bound.format;
        let about =
            PlanContext { now: *now, page_size: 1, format, service_root: root, rows: None, position: None };
        let planned = Url::read(path_and_query)
            .and_then(|url| plan::prepare(&url, &opened.model, &about, opened.source.dialect()));
        let planned = planned.map_err(|error| SourceError::Failed { detail: error.to_string() })?;
        let content = match &planned {
            Plan::Entity(single) | Plan::Property(single) => Content::Json(single.format),
            Plan::Value(single) => Content::Value(single.encoder.value_media_type()),
            _ => return Ok(None),
        };
        let mut out = Vec::new();
        let found = write_one(&planned, reads, &mut out, one).await?;
        Ok((found.found == Found::Written).then_some((content, out)))
    }
}

/// The tag of an entity, if it exists.
async fn tag_of(reads: &mut impl Reads, state: &EntityState) -> Result<Option<EntityTag>, SourceError> {
    let mut tag = None;
    let mut entity = |row: &SourceRow<'_>| {
        tag = Some(state.tag(row));
        ControlFlow::Continue(())
    };
    reads.query(&state.statement, &mut entity).await?;
    Ok(tag)
}

/// The tag of an entity, if it exists, unless the database has made other values of those that it was given.
async fn tag_if_kept(
    reads: &mut impl Reads,
    state: &EntityState,
    (given, entity_type): (&SentValues, Option<&EntityType>),
) -> StepResult<Option<EntityTag>> {
    let (mut tag, mut kept) = (None, Ok(()));
    let mut entity = |row: &SourceRow<'_>| {
        tag = Some(state.tag(row));
        kept = entity_type.map_or(Ok(()), |entity_type| given.is_kept(entity_type, row));
        ControlFlow::Continue(())
    };
    reads.query(&state.statement, &mut entity).await?;
    Ok(kept.map(|()| tag).map_err(DataRefusal::from))
}

/// Runs statements until one returns a row; whether one did. One that returns no columns changes the row that was read before,
/// because no other transaction can have changed it.
async fn changes(reads: &mut impl Reads, statements: &[Statement]) -> Result<bool, SourceError> {
    let mut is_changed = false;
    for statement in statements {
        // The statement must run to its end: its rules are checked there.
        let mut any = |_: &SourceRow<'_>| {
            is_changed = true;
            ControlFlow::Continue(())
        };
        reads.query(statement, &mut any).await?;
        if is_changed || statement.columns == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
