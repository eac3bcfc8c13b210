//! A change: its statements, and those that read what it is about, in one transaction.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use odata::change::{Alteration, BoundChange, ChangeKind, Creation, EntityState};
use odata::format::Format;
use odata::plan::{self, Plan, PlanContext};
use odata::statement::Statement;
use odata::url::Url;
use sources::driver::{Job, Runner, Statements};
use sources::{ChunkSink, SourceError, SourceRow};

use super::one::{Found, OneRow, write_one};
use super::rows::Reads;
use crate::data::models::OpenedSource;
use crate::data::{Content, DataRefusal};

/// Makes a change.
pub(in crate::data) struct ChangeJob {
    pub(in crate::data) change: Arc<BoundChange>,
    /// What the caller may change in this way.
    pub(in crate::data) opened: Arc<OpenedSource>,
    pub(in crate::data) parts: Parts,
    pub(in crate::data) representation: Representation,
    pub(in crate::data) condition: Condition,
    pub(in crate::data) one: OneRow,
    pub(in crate::data) last_word: LastWord,
}

/// What else the caller reaches.
pub(in crate::data) struct Parts {
    /// What the caller may read.
    pub(in crate::data) shown: Arc<OpenedSource>,
    /// What the caller may insert.
    pub(in crate::data) inserted: Arc<OpenedSource>,
    /// Reads the addressed entity as the caller may read it, if that may be more than the caller may change.
    pub(in crate::data) seen: Option<EntityState>,
}

/// On which condition a change is made ([Protocol
/// §11.4.1.1](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_UseofETagsforAvoidingUpdateConflicts)).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Condition {
    /// On none.
    #[default]
    None,
    /// The entity does not exist.
    Absent,
    /// The entity exists.
    Present,
    /// The entity exists and has one of these tags, without the mark of weak ones.
    Tags(Vec<String>),
}

/// How the changed resource is shown.
#[derive(Debug)]
pub(in crate::data) struct Representation {
    pub(in crate::data) format: Format,
    /// The path and query of the request.
    pub(in crate::data) path_and_query: String,
    /// The absolute URL of the service document.
    pub(in crate::data) root: String,
    pub(in crate::data) now: jiff::Timestamp,
    /// Whether the client wants it, if it says so.
    pub(in crate::data) wanted: Option<bool>,
}

/// What became of a change: what was done, or why nothing was. The last word counts.
#[derive(Clone, Default)]
pub(in crate::data) struct LastWord(Arc<Mutex<Option<Result<ChangeAnswer, DataRefusal>>>>);

impl LastWord {
    pub(in crate::data) fn say(&self, word: Result<ChangeAnswer, DataRefusal>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(word);
    }

    pub(in crate::data) fn take(&self) -> Option<Result<ChangeAnswer, DataRefusal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A change that was made, and is durable.
#[derive(Debug, Clone)]
pub struct ChangeAnswer {
    /// What was done.
    pub done: Done,
    /// The entity tag of the entity, if it exists.
    pub tag: Option<String>,
    /// The kind of the body, if there is one because the client wants it.
    pub content: Option<Content>,
    /// The changed resource; empty if there is no body.
    pub body: Bytes,
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
type Worked<T> = Result<Result<T, DataRefusal>, SourceError>;

impl Job for ChangeJob {
    async fn run<S: Statements>(
        self,
        runner: &mut Runner<'_, S>,
        sink: &mut ChunkSink,
    ) -> Result<(), SourceError> {
        let word = self.perform(runner, sink.buffer()).await?;
        // An error ends the transaction without any change.
        let outcome = if word.is_ok() { Ok(()) } else { Err(SourceError::Cancelled) };
        self.last_word.say(word);
        outcome
    }
}

impl ChangeJob {
    async fn perform(&self, reads: &mut impl Reads, out: &mut Vec<u8>) -> Worked<ChangeAnswer> {
        let before = match &self.change.state {
            Some(state) => tag_of(reads, state).await?,
            None => None,
        };
        if before.is_none()
            && let Some(seen) = &self.parts.seen
            && tag_of(reads, seen).await?.is_some()
        {
            return Ok(Err(self.against_rules()));
        }
        match &self.change.kind {
            ChangeKind::Create(creation) => self.create(creation, reads, out).await,
            _ if !self.condition.holds_for(before.as_deref()) => Ok(Err(DataRefusal::PreconditionFailed)),
            ChangeKind::Update(alteration) => match (before, &alteration.upsert) {
                (Some(_), _) => self.update(alteration, reads, out).await,
                (None, None) => Ok(Err(DataRefusal::NoSuchEntity)),
                (None, Some(upsert)) => {
                    let (model, dialect) = (&self.opened.model, self.opened.source.dialect());
                    match upsert.creation(model, &self.change.set, dialect) {
                        Ok(creation) => self.create(&creation, reads, out).await,
                        Err(error) => Ok(Err(error.into())),
                    }
                }
            },
            ChangeKind::Delete(_) if before.is_none() => Ok(Err(DataRefusal::NoSuchEntity)),
            ChangeKind::Delete(statements) if changes(reads, statements).await? => {
                Ok(Ok(ChangeAnswer { done: Done::Deleted, tag: None, content: None, body: Bytes::new() }))
            }
            ChangeKind::Delete(_) => Ok(Err(DataRefusal::ChangePrevented)),
        }
    }

    async fn create(
        &self,
        creation: &Creation,
        reads: &mut impl Reads,
        out: &mut Vec<u8>,
    ) -> Worked<ChangeAnswer> {
        let mut path = None;
        for statement in std::iter::once(&creation.insert).chain(&creation.find) {
            let mut key = |row: &SourceRow<'_>| {
                path = Some(creation.address(row));
                ControlFlow::Continue(())
            };
            reads.query(statement, &mut key).await?;
        }
        let failed = |detail: &str| SourceError::Failed { detail: detail.to_owned() };
        let Some(path) = path else { return Ok(Err(DataRefusal::ChangePrevented)) };
        let (model, dialect) = (&self.parts.inserted.model, self.opened.source.dialect());
        let state = Url::read(&path).and_then(|url| EntityState::at(&url, model, dialect));
        let state = state.map_err(|error| failed(&error.to_string()))?;
        let Some(tag) = tag_of(reads, &state).await? else {
            // A row without an address of its own would be lost for all clients.
            return match model.entity_type(&self.change.set).and_then(|found| found.rule.as_ref()) {
                Some(_) => Ok(Err(self.against_rules())),
                None => Err(failed("a new row has no address of its own")),
            };
        };
        let content = if self.representation.wanted == Some(false) {
            None
        } else {
            let query = self.representation.path_and_query.split_once('?').map(|(_, query)| query);
            let text = query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
            self.show(&text, reads, out).await?
        };
        let address = format!("{}/{path}", self.representation.root.trim_end_matches('/'));
        Ok(Ok(ChangeAnswer { done: Done::Created(address), tag: Some(tag), content, body: Bytes::new() }))
    }

    async fn update(
        &self,
        alteration: &Alteration,
        reads: &mut impl Reads,
        out: &mut Vec<u8>,
    ) -> Worked<ChangeAnswer> {
        // An update without a value changes nothing, and succeeds.
        if !alteration.statements.is_empty() && !changes(reads, &alteration.statements).await? {
            return Ok(Err(DataRefusal::ChangePrevented));
        }
        let tag = match &self.change.state {
            Some(state) => tag_of(reads, state).await?,
            None => None,
        };
        if tag.is_none() && self.opened.has_rules() {
            return Ok(Err(self.against_rules()));
        }
        let content = if self.representation.wanted == Some(true) {
            self.show(&self.representation.path_and_query, reads, out).await?
        } else {
            None
        };
        Ok(Ok(ChangeAnswer { done: Done::Updated, tag, content, body: Bytes::new() }))
    }

    /// The rules allow neither this change nor one with this result.
    fn against_rules(&self) -> DataRefusal {
        odata::error::Error::against_rules(&self.change.set).into()
    }

    /// Writes the resource at an address, as a read would. There is nothing to write if it is null.
    async fn show(
        &self,
        path_and_query: &str,
        reads: &mut impl Reads,
        out: &mut Vec<u8>,
    ) -> Result<Option<Content>, SourceError> {
        let Representation { format, root, now, .. } = &self.representation;
        let about =
            PlanContext { now: *now, page_size: 1, format: *format, service_root: root, position: None };
        let planned = Url::read(path_and_query).and_then(|url| {
            plan::prepare(&url, &self.parts.shown.model, &about, self.opened.source.dialect())
        });
        let planned = planned.map_err(|error| SourceError::Failed { detail: error.to_string() })?;
        let content = match &planned {
            Plan::Entity(single) | Plan::Property(single) => Content::Json(single.format),
            Plan::Value(single) => Content::Value(single.encoder.value_media_type()),
            _ => return Ok(None),
        };
        let found = write_one(&planned, reads, out, &self.one).await?;
        Ok((found == Found::Written).then_some(content))
    }
}

impl Condition {
    /// Whether it holds for an entity with this tag, or for none.
    fn holds_for(&self, tag: Option<&str>) -> bool {
        match (self, tag) {
            (Self::None, _) | (Self::Absent, None) | (Self::Present, Some(_)) => true,
            (Self::Absent, Some(_)) | (Self::Present | Self::Tags(_), None) => false,
            (Self::Tags(tags), Some(tag)) => tags.iter().any(|one| one == tag.trim_start_matches("W/")),
        }
    }
}

/// The tag of an entity, if it exists.
async fn tag_of(reads: &mut impl Reads, state: &EntityState) -> Result<Option<String>, SourceError> {
    let mut tag = None;
    let mut entity = |row: &SourceRow<'_>| {
        tag = Some(state.tag(row));
        ControlFlow::Continue(())
    };
    reads.query(&state.statement, &mut entity).await?;
    Ok(tag)
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
