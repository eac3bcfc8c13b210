//! Creations of entities.

use std::ops::ControlFlow;

use odata::change::{Creation, EntityState};
use odata::entity_tag::EntityTag;
use odata::url::Url;
use sources::{BrokenRule, SourceError, SourceRow};

use super::{ChangeAnswer, Done, OneChange, Reads, StepResult, tag_if_kept};
use crate::data::DataRefusal;

/// A row that was inserted.
pub(super) struct Inserted {
    /// Its address relative to the service document.
    pub(super) path: String,
    pub(super) tag: EntityTag,
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

    /// Inserts an entity of a set, if the rules allow it.
    pub(super) async fn insert(
        &self,
        creation: &Creation,
        set: &str,
        reads: &mut impl Reads,
    ) -> StepResult<Inserted> {
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
        Ok(Ok(Inserted { path, tag }))
    }

    /// Why an inserted row is not there.
    fn not_found(&self, creation: &Creation, set: &str) -> DataRefusal {
        let entity_type = self.parts.inserted.model.entity_type(set);
        let other_key = entity_type.and_then(|entity_type| creation.other_key(entity_type));
        other_key.map_or(DataRefusal::ChangePrevented, DataRefusal::from)
    }

    /// The answer to a creation. `expand` is what it shows of related entities.
    pub(super) async fn created(
        &self,
        inserted: Inserted,
        expand: &str,
        reads: &mut impl Reads,
    ) -> StepResult<ChangeAnswer> {
        let Inserted { path, tag } = inserted;
        let shown = if self.bound.wanted == Some(false) {
            None
        } else {
            let query = self.bound.path_and_query.split_once('?').map_or("", |(_, query)| query);
            let expand = if expand.is_empty() { String::new() } else { format!("&$expand={expand}") };
            match self.show(&format!("{path}?{query}{expand}"), reads).await? {
                Ok(shown) => shown,
                Err(refusal) => return Ok(Err(refusal)),
            }
        };
        let address = format!("{}/{path}", self.job.root.trim_end_matches('/'));
        Ok(Ok(self.answer(Done::Created(address), Some(tag), shown)))
    }
}
