//! Changes: their statements, and those that read what they are about, in one transaction.

mod answer;
mod condition;
mod creation;
mod deep;
mod late;
mod read;
mod repetition;

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use odata::change::{Alteration, ChangeKind, EntityState, References, SentValues};
use odata::entity_tag::EntityTag;
use odata::model::EntityType;
use odata::plan::{self, Plan, PlanContext};
use odata::statement::Statement;
use odata::url::Url;
use sources::driver::{Job, Runner, Statements};
use sources::{ChunkSink, SourceError, SourceRow};

use answer::DoneToOther;
pub use answer::{ChangeAnswer, Done};
pub use condition::Condition;
use condition::unmarked;
pub(in crate::data) use read::WantedRead;
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
    /// The entities of requests before, to which the changes may refer.
    pub(in crate::data) earlier: References,
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
pub(in crate::data) enum StepPlan {
    Bound(Box<Bound>),
    /// To be bound when the changes before it are made, because it may refer to them, or because the database says to what its
    /// path leads.
    Late(WantedChange<'static>),
    /// It changes nothing.
    Read(Box<WantedRead>),
    /// It describes the model, which no change alters.
    Described(Box<ChangeAnswer>),
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
        let mut references = self.earlier.clone();
        let mut answers = Vec::with_capacity(self.steps.len());
        let mut length = 0;
        for (at, step) in self.steps.iter().enumerate() {
            let answer = match self.answer(at, step, (&references, &answers), reads).await? {
                Ok(answer) => answer,
                Err(refusal) => return Ok(Err(FailedChange { at, refusal })),
            };
            length += answer.body.len();
            if length > LONGEST_ROW {
                let refusal = SourceError::ValueTooLarge.into();
                return Ok(Err(FailedChange { at, refusal }));
            }
            match (&step.id, &answer.done) {
                (Some(id), Done::Created(address)) => {
                    let path = address.strip_prefix(self.root.trim_end_matches('/'));
                    references.add(id, path.unwrap_or(address));
                }
                (Some(id), Done::Read(path)) => references.add(id, path),
                _ => {}
            }
            answers.push(answer);
        }
        Ok(Ok(answers))
    }

    /// The answer to one step. `answers` are those to the steps before, and `references` are what they have created.
    async fn answer(
        &self,
        at: usize,
        step: &Step,
        (references, answers): (&References, &[ChangeAnswer]),
        reads: &mut impl Reads,
    ) -> StepResult<ChangeAnswer> {
        let late;
        let bound = match &step.plan {
            StepPlan::Bound(bound) => bound,
            StepPlan::Late(asked) => match self.bound_late(asked, step, references, reads).await? {
                Ok(Some(bound)) => {
                    late = bound;
                    &late
                }
                Ok(None) => {
                    let answered = self.answered_before(step, reads).await?;
                    return Ok(answered.ok_or(DataRefusal::NoSuchEntity));
                }
                Err(refusal) => return Ok(Err(refusal)),
            },
            StepPlan::Described(answer) => return Ok(Ok(ChangeAnswer::clone(answer))),
            StepPlan::Read(read) => {
                let answer = read.answer(self, &step.parts.shown, references, reads).await;
                return answer.inspect_err(|error| {
                    let refusal = error.clone().into();
                    self.outcome.set(Err(FailedChange { at, refusal }));
                });
            }
        };
        let condition = self.condition_of(step, answers);
        let change = OneChange {
            job: self,
            bound,
            parts: &step.parts,
            condition: &condition,
            repetition: step.repetition.as_ref(),
        };
        let mut about = About::of(&bound.change);
        change.perform_once(reads, &mut about).await.inspect_err(|error| {
            let refusal = refused(error.clone(), Some(&about), &step.parts.opened);
            self.outcome.set(Err(FailedChange { at, refusal }));
        })
    }

    /// The condition of a step, with the tag that an earlier change has left if it names one.
    fn condition_of<'s>(&self, step: &'s Step, answers: &[ChangeAnswer]) -> Cow<'s, Condition> {
        let Condition::TagAfter(id) = &step.condition else { return Cow::Borrowed(&step.condition) };
        let earlier = self.steps.iter().zip(answers).find(|(step, _)| step.id.as_ref() == Some(id));
        let tag = earlier.and_then(|(_, answer)| answer.tag);
        Cow::Owned(Condition::Tags(tag.into_iter().map(|tag| unmarked(&tag).to_owned()).collect()))
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
            match self.show(&self.bound.path_and_query, reads).await? {
                Ok(shown) => shown,
                Err(refusal) => return Ok(Err(refusal)),
            }
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
        ChangeAnswer { set, tag, content, body: body.unwrap_or_default().into(), ..ChangeAnswer::of(done) }
    }

    /// The resource at an address, as a read shows it. There is nothing to show if it is null. An option of the request that a
    /// read would refuse is refused here, and the change with it.
    async fn show(
        &self,
        path_and_query: &str,
        reads: &mut impl Reads,
    ) -> StepResult<Option<(Content, Vec<u8>)>> {
        let ChangeJob { root, now, one, .. } = self.job;
        let opened = &self.parts.shown;
        let format = self.bound.format;
        let about =
            PlanContext { now: *now, page_size: 1, format, service_root: root, rows: None, position: None };
        let planned = Url::read(path_and_query)
            .and_then(|url| plan::prepare(&url, &opened.model, &about, opened.source.dialect()));
        let planned = match planned {
            Ok(planned) => planned,
            Err(error) => return Ok(Err(error.into())),
        };
        let content = match &planned {
            Plan::Entity(single) | Plan::Property(single) => Content::Json(single.format),
            Plan::Value(single) => Content::Value(single.encoder.value_media_type()),
            _ => return Ok(Ok(None)),
        };
        let mut out = Vec::new();
        let found = write_one(&planned, reads, &mut out, one).await?;
        Ok(Ok((found.found == Found::Written).then_some((content, out))))
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
