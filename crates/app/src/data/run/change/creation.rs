//! Creations: of one entity, or of one with others that are related to it.

use std::ops::ControlFlow;

use odata::change::{Creation, DeepCreation, EntityState};
use odata::entity_tag::EntityTag;
use odata::url::Url;
use sources::{BrokenRule, SourceError, SourceRow};

use super::{ChangeAnswer, Done, OneChange, Reads, StepResult, tag_if_kept, tag_of};
use crate::data::DataRefusal;
use crate::data::run::About;

/// A row that was inserted.
struct Inserted {
    /// Its address relative to the service document.
    path: String,
    state: EntityState,
    tag: EntityTag,
}

impl OneChange<'_> {
    /// Creates an entity.
    pub(super) async fn create(
        &self,
        creation: &Creation,
        reads: &mut impl Reads,
    ) -> StepResult<ChangeAnswer> {
        match self.insert(creation, &self.bound.change.set, reads).await? {
            Ok(inserted) => self.created(inserted, "", reads).await,
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Creates an entity with related ones, each as if it were created alone.
    pub(super) async fn create_deep(
        &self,
        deep: &DeepCreation,
        reads: &mut impl Reads,
        about: &mut About,
    ) -> StepResult<ChangeAnswer> {
        let (model, dialect) = (&self.parts.inserted.model, self.parts.inserted.source.dialect());
        let (mut paths, mut sets, mut root) = (Vec::new(), Vec::new(), None);
        for at in deep.order() {
            let (set, place) = deep.about(at);
            *about = About { set: set.to_owned(), place: place.to_owned(), is_deletion: false };
            let creation = match deep.creation(at, &paths, model, dialect) {
                Ok(creation) => creation,
                Err(error) => return Ok(Err(error.into())),
            };
            let inserted = match self.insert(&creation, set, reads).await? {
                Ok(inserted) => inserted,
                Err(refusal) => return Ok(Err(refusal.within(place))),
            };
            paths.push(inserted.path.clone());
            if at == deep.root() {
                root = Some(inserted);
            } else {
                sets.push(set.to_owned());
            }
        }
        *about = About::of(&self.bound.change);
        let Some(mut inserted) = root else { return Ok(Err(DataRefusal::ChangePrevented)) };
        // What was created after it may have changed it.
        if let Some(tag) = tag_of(reads, &inserted.state).await? {
            inserted.tag = tag;
        }
        let answer = self.created(inserted, &deep.expand(), reads).await?;
        Ok(answer.map(|answer| ChangeAnswer { created_with: sets, ..answer }))
    }

    /// Inserts an entity of a set, if the rules allow it.
    async fn insert(&self, creation: &Creation, set: &str, reads: &mut impl Reads) -> StepResult<Inserted> {
        let mut path = None;
        for statement in std::iter::once(&creation.insert).chain(&creation.find) {
            let mut key = |row: &SourceRow<'_>| {
                path = Some(creation.address(row));
                ControlFlow::Continue(())
            };
            reads.query(statement, &mut key).await?;
        }
        let failed = |detail: &str| SourceError::Failed { detail: detail.to_owned() };
        let Some(path) = path else { return Ok(Err(self.not_found(creation, set))) };
        let (model, dialect) = (&self.parts.inserted.model, self.parts.inserted.source.dialect());
        let state = Url::read(&path).and_then(|url| EntityState::at(&url, model, dialect));
        let state = state.map_err(|error| failed(&error.to_string()))?;
        let given = (&creation.given, model.entity_type(set));
        let tag = match tag_if_kept(reads, &state, given).await? {
            Ok(tag) => tag,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Some(tag) = tag else {
            // A row without an address of its own would be lost for all clients.
            return match model.entity_type(set) {
                Some(found) if found.rule.is_some() => {
                    Ok(Err(odata::error::Error::against_rules(set).into()))
                }
                Some(found) if !found.key_is_enforced => {
                    Ok(Err(DataRefusal::Violation { rule: BrokenRule::Unique, names: Vec::new() }))
                }
                _ => Err(failed("a new row has no address of its own")),
            };
        };
        Ok(Ok(Inserted { path, state, tag }))
    }

    /// Why an inserted row is not there.
    fn not_found(&self, creation: &Creation, set: &str) -> DataRefusal {
        let entity_type = self.parts.inserted.model.entity_type(set);
        let other_key = entity_type.and_then(|entity_type| creation.other_key(entity_type));
        other_key.map_or(DataRefusal::ChangePrevented, DataRefusal::from)
    }

    /// The answer to a creation. `expand` is what it shows of related entities.
    async fn created(
        &self,
        inserted: Inserted,
        expand: &str,
        reads: &mut impl Reads,
    ) -> StepResult<ChangeAnswer> {
        let Inserted { path, tag, .. } = inserted;
        let shown = if self.bound.wanted == Some(false) {
            None
        } else {
            let query = self.bound.path_and_query.split_once('?').map_or("", |(_, query)| query);
            let expand = if expand.is_empty() { String::new() } else { format!("&$expand={expand}") };
            self.show(&format!("{path}?{query}{expand}"), reads).await?
        };
        let address = format!("{}/{path}", self.job.root.trim_end_matches('/'));
        Ok(Ok(self.answer(Done::Created(address), Some(tag), shown)))
    }
}
