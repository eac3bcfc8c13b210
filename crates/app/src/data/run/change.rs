//! A change: its statements, and those that read what it is about, in one transaction.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use odata::change::{Alteration, BoundChange, ChangeKind, Creation, EntityState};
use odata::error::Error;
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
    pub(in crate::data) opened: Arc<OpenedSource>,
    pub(in crate::data) representation: Representation,
    pub(in crate::data) condition: Condition,
    pub(in crate::data) one: OneRow,
    /// Set when nobody waits for the result any more.
    pub(in crate::data) is_abandoned: Arc<AtomicBool>,
    /// What was done, or why not.
    pub(in crate::data) outcome: Arc<OnceLock<Outcome>>,
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

/// What became of a change.
#[derive(Debug, Clone)]
pub(in crate::data) enum Outcome {
    /// An entity was created.
    Created {
        /// Its absolute address.
        address: String,
        tag: Option<String>,
        /// The kind of the body, if there is one.
        content: Option<Content>,
    },
    /// An entity or a property was changed.
    Updated { tag: Option<String>, content: Option<Content> },
    /// An entity was deleted.
    Deleted,
    /// There is no such entity.
    Absent,
    /// The condition does not hold.
    Unmet,
    /// The request is wrong.
    Refused(Error),
}

impl Outcome {
    /// Why nothing was changed.
    pub(in crate::data) fn refusal(&self) -> Option<DataRefusal> {
        match self {
            Self::Created { .. } | Self::Updated { .. } | Self::Deleted => None,
            Self::Absent => Some(DataRefusal::NoSuchEntity),
            Self::Unmet => Some(DataRefusal::PreconditionFailed),
            Self::Refused(error) => Some(error.clone().into()),
        }
    }
}

impl Job for ChangeJob {
    async fn run<S: Statements>(
        self,
        runner: &mut Runner<'_, S>,
        sink: &mut ChunkSink,
    ) -> Result<(), SourceError> {
        let outcome = self.perform(runner, sink.buffer()).await?;
        let is_refused = outcome.refusal().is_some();
        let _ = self.outcome.set(outcome);
        // An error ends the transaction without any change.
        if is_refused || self.is_abandoned.load(Ordering::Relaxed) {
            Err(SourceError::Cancelled)
        } else {
            Ok(())
        }
    }
}

impl ChangeJob {
    async fn perform(&self, reads: &mut impl Reads, out: &mut Vec<u8>) -> Result<Outcome, SourceError> {
        let before = match &self.change.state {
            Some(state) => tag_of(reads, state).await?,
            None => None,
        };
        match &self.change.kind {
            ChangeKind::Create(creation) => self.create(creation, reads, out).await,
            _ if !self.condition.holds_for(before.as_deref()) => Ok(Outcome::Unmet),
            ChangeKind::Update(alteration) => match (before, &alteration.otherwise) {
                (Some(_), _) => self.update(alteration, reads, out).await,
                (None, None) => Ok(Outcome::Absent),
                (None, Some(Err(error))) => Ok(Outcome::Refused(error.clone())),
                (None, Some(Ok(creation))) => self.create(creation, reads, out).await,
            },
            ChangeKind::Delete(_) if before.is_none() => Ok(Outcome::Absent),
            ChangeKind::Delete(statements) => {
                first_that_changes(reads, statements).await?;
                Ok(Outcome::Deleted)
            }
        }
    }

    async fn create(
        &self,
        creation: &Creation,
        reads: &mut impl Reads,
        out: &mut Vec<u8>,
    ) -> Result<Outcome, SourceError> {
        let mut path = None;
        for statement in std::iter::once(&creation.insert).chain(&creation.find) {
            let mut key = |row: &SourceRow<'_>| {
                path = Some(creation.address(row));
                ControlFlow::Continue(())
            };
            reads.query(statement, &mut key).await?;
        }
        let failed = |detail: &str| SourceError::Failed { detail: detail.to_owned() };
        let path = path.ok_or_else(|| failed("the database returned no key of a new row"))?;
        let (model, dialect) = (&self.opened.model, self.opened.source.dialect());
        let state = Url::read(&path).and_then(|url| EntityState::at(&url, model, dialect));
        let state = state.map_err(|error| failed(&error.to_string()))?;
        // A row without an address of its own would be lost for all clients.
        let Some(tag) = tag_of(reads, &state).await? else {
            return Err(failed("a new row has no address of its own"));
        };
        let content = if self.representation.wanted == Some(false) {
            None
        } else {
            let query = self.representation.path_and_query.split_once('?').map(|(_, query)| query);
            let text = query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
            self.show(&text, reads, out).await?
        };
        let address = format!("{}/{path}", self.representation.root.trim_end_matches('/'));
        Ok(Outcome::Created { address, tag: Some(tag), content })
    }

    async fn update(
        &self,
        alteration: &Alteration,
        reads: &mut impl Reads,
        out: &mut Vec<u8>,
    ) -> Result<Outcome, SourceError> {
        first_that_changes(reads, &alteration.statements).await?;
        let tag = match &self.change.state {
            Some(state) => tag_of(reads, state).await?,
            None => None,
        };
        let content = if self.representation.wanted == Some(true) {
            self.show(&self.representation.path_and_query, reads, out).await?
        } else {
            None
        };
        Ok(Outcome::Updated { tag, content })
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
        let planned = Url::read(path_and_query)
            .and_then(|url| plan::prepare(&url, &self.opened.model, &about, self.opened.source.dialect()));
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

/// Runs statements until one returns a row.
async fn first_that_changes(reads: &mut impl Reads, statements: &[Statement]) -> Result<(), SourceError> {
    for statement in statements {
        let mut is_changed = false;
        // The statement must run to its end: its rules are checked there.
        let mut any = |_: &SourceRow<'_>| {
            is_changed = true;
            ControlFlow::Continue(())
        };
        reads.query(statement, &mut any).await?;
        if is_changed {
            break;
        }
    }
    Ok(())
}
