//! Changes of an entity with others that are related to it.

use std::ops::ControlFlow;

use odata::change::{DeepChange, DeepStep, EntityState, FoundEntities, FoundEntity, NestedChange};
use odata::entity_tag::EntityTag;
use odata::error::Error;
use odata::url::Url;
use sources::{BrokenRule, SourceError, SourceRow};

use super::creation::Inserted;
use super::{ChangeAnswer, Done, DoneToOther, OneChange, Reads, StepResult, changes, tag_if_kept, tag_of};
use crate::data::DataRefusal;
use crate::data::models::OpenedSource;
use crate::data::run::About;

/// Why a step was not made.
enum Stopped {
    Refused(DataRefusal),
    Failed(SourceError),
}

impl From<DataRefusal> for Stopped {
    fn from(refusal: DataRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Refused(error.into())
    }
}

impl From<SourceError> for Stopped {
    fn from(error: SourceError) -> Self {
        Self::Failed(error)
    }
}

/// A change of several entities that has begun.
struct DeepRun<'c, 'j> {
    change: &'c OneChange<'j>,
    deep: &'c DeepChange,
    places: FoundEntities,
    others: Vec<DoneToOther>,
    is_created: bool,
}

impl OneChange<'_> {
    /// Creates or changes an entity with related ones, each as if it were alone.
    pub(super) async fn change_deep(
        &self,
        deep: &DeepChange,
        reads: &mut impl Reads,
        about: &mut About,
    ) -> StepResult<ChangeAnswer> {
        let mut run =
            DeepRun { change: self, deep, places: deep.none_found(), others: Vec::new(), is_created: false };
        for step in deep.steps() {
            let (set, place) = deep.about(*step);
            *about = About { set: set.to_owned(), place: place.to_owned(), is_deletion: run.deletes(*step) };
            match run.step(*step, reads).await {
                Ok(()) => {}
                Err(Stopped::Refused(refusal)) => return Ok(Err(refusal.within(place))),
                Err(Stopped::Failed(error)) => return Err(error),
            }
        }
        *about = About::of(&self.bound.change);
        let DeepRun { places, others, is_created, .. } = run;
        let Some(root) = places.found(deep.root()) else { return Ok(Err(DataRefusal::ChangePrevented)) };
        // What came after it may have changed it, and must not have deleted it.
        let Some(tag) = self.tag_at(&root.path, reads).await? else {
            return Ok(Err(DataRefusal::ChangePrevented));
        };
        let expand = deep.expand();
        let answer = if is_created {
            self.created(Inserted { path: root.path.clone(), tag }, &expand, reads).await?
        } else {
            let shown = if self.bound.wanted == Some(true) {
                match self.show(&self.shown_address(&format!("$expand={expand}")), reads).await? {
                    Ok(shown) => shown,
                    Err(refusal) => return Ok(Err(refusal)),
                }
            } else {
                None
            };
            Ok(self.answer(Done::Updated, Some(tag), shown))
        };
        Ok(answer.map(|answer| ChangeAnswer { others, ..answer }))
    }

    /// The address of the request with another option.
    pub(super) fn shown_address(&self, option: &str) -> String {
        let address = &self.bound.path_and_query;
        match option {
            "" => address.clone(),
            option => format!("{address}{}{option}", if address.contains('?') { '&' } else { '?' }),
        }
    }

    /// The tag of the entity at a path, as the caller may read it.
    async fn tag_at(&self, path: &str, reads: &mut impl Reads) -> Result<Option<EntityTag>, SourceError> {
        let shown = &self.parts.shown;
        let state =
            Url::read(path).and_then(|url| EntityState::at(&url, &shown.model, shown.source.dialect()));
        let state = state.map_err(|error| SourceError::Failed { detail: error.to_string() })?;
        tag_of(reads, &state).await
    }
}

impl DeepRun<'_, '_> {
    fn deletes(&self, step: DeepStep) -> bool {
        matches!(step, DeepStep::Remove(at) if self.deep.is_deletion(at))
    }

    async fn step(&mut self, step: DeepStep, reads: &mut impl Reads) -> Result<(), Stopped> {
        match step {
            DeepStep::Find(at) => self.find(at, reads).await,
            DeepStep::Make(at) if self.places.found(at).is_some() => {
                let OpenedSource { model, source, .. } = &*self.change.parts.updated;
                match self.deep.alteration(at, &self.places, model, source.dialect())? {
                    Some(altered) => self.alter(&altered, at == self.deep.root(), reads).await,
                    None => Ok(()),
                }
            }
            DeepStep::Make(at) => self.create(at, reads).await,
            DeepStep::Remove(at) => {
                let parts = self.change.parts;
                let part = if self.deletes(step) { &parts.deleted } else { &parts.updated };
                let removal = self.deep.removal(at, &self.places, &part.model, part.source.dialect())?;
                self.alter(&removal.ok_or_else(no_such_entity)?, false, reads).await
            }
            DeepStep::Prune(list) => self.prune(list, reads).await,
        }
    }

    /// Finds an entity as the caller may read it.
    async fn find(&mut self, at: usize, reads: &mut impl Reads) -> Result<(), Stopped> {
        let OpenedSource { model, source, .. } = &*self.change.parts.shown;
        if let Some(lookup) = self.deep.lookup(at, &self.places, model, source.dialect())? {
            let mut found = None;
            let mut entity = |row: &SourceRow<'_>| {
                found = Some(lookup.found(row));
                ControlFlow::Continue(())
            };
            reads.query(lookup.statement(), &mut entity).await?;
            if let Some(found) = found {
                self.places.set(at, found);
            }
        }
        if self.places.found(at).is_none() && self.deep.must_exist(at) {
            return Err(no_such_entity().into());
        }
        if !self.deep.has_tag(at, &self.places) {
            return Err(DataRefusal::PreconditionFailed.into());
        }
        Ok(self.deep.check_once(at, &self.places)?)
    }

    async fn create(&mut self, at: usize, reads: &mut impl Reads) -> Result<(), Stopped> {
        let OpenedSource { model, source, .. } = &*self.change.parts.inserted;
        let creation = self.deep.creation(at, &self.places, model, source.dialect())?;
        let (set, _) = self.deep.about(DeepStep::Make(at));
        let Inserted { path, tag } = self.change.insert(&creation, set, reads).await??;
        self.places.set(at, FoundEntity::new(path, tag));
        if at == self.deep.root() {
            self.is_created = true;
        } else {
            self.others.push(DoneToOther { set: set.to_owned(), verb: "create" });
        }
        Ok(())
    }

    /// Makes the entities refer to the owner of a list no more that it does not have.
    async fn prune(&mut self, list: usize, reads: &mut impl Reads) -> Result<(), Stopped> {
        let OpenedSource { model, source, .. } = &*self.change.parts.shown;
        let Some(listing) = self.deep.listing(list, &self.places, model, source.dialect())? else {
            return Ok(());
        };
        let mut paths = Vec::new();
        let mut related = |row: &SourceRow<'_>| {
            paths.push(listing.path(row));
            ControlFlow::Continue(())
        };
        reads.query(&listing.statement, &mut related).await?;
        for path in self.deep.missing_in(list, &self.places, paths)? {
            let OpenedSource { model, source, .. } = &*self.change.parts.updated;
            let unrelated = self.deep.unrelating(list, &path, model, source.dialect())?;
            self.alter(&unrelated, false, reads).await?;
        }
        Ok(())
    }

    /// Changes or deletes an entity that the caller may read.
    async fn alter(
        &mut self,
        altered: &NestedChange,
        is_root: bool,
        reads: &mut impl Reads,
    ) -> Result<(), Stopped> {
        let NestedChange { set, statements, given, state, is_deletion } = altered;
        let parts = self.change.parts;
        let part = if *is_deletion { &parts.deleted } else { &parts.updated };
        let against_rules = || Stopped::from(Error::against_rules(set));
        if part.has_rules() && tag_of(reads, state).await?.is_none() {
            return Err(against_rules());
        }
        // The entity itself may get no value.
        if !statements.is_empty() && !changes(reads, statements).await? {
            return Err(DataRefusal::ChangePrevented.into());
        }
        if !is_deletion {
            let tag = tag_if_kept(reads, state, (given, part.model.entity_type(set))).await??;
            if tag.is_none() && part.has_rules() {
                return Err(against_rules());
            }
        }
        if !is_root {
            let verb = if *is_deletion { Done::Deleted.verb() } else { Done::Updated.verb() };
            self.others.push(DoneToOther { set: set.clone(), verb });
        }
        Ok(())
    }
}

/// What is to be related, or no more, must exist.
fn no_such_entity() -> DataRefusal {
    DataRefusal::Violation { rule: BrokenRule::Reference, names: Vec::new() }
}
