//! The order in which nested entities are found, created and changed.

use super::names::NestedNames;
use super::{DeepStep, NestedEntity, NestedList, unknown};
use crate::change::Verb;
use crate::change::body::{Body, ListForm, Nested, Role};
use crate::error::{Error, Reason};
use crate::model::{EntityType, Model, Navigation};

/// Puts entities in order. The depth of bodies is bounded when they are read.
pub(super) struct Ordering<'m> {
    model: &'m Model,
    verb: Verb,
    pub(super) entities: Vec<NestedEntity>,
    pub(super) lists: Vec<NestedList>,
    pub(super) steps: Vec<DeepStep>,
}

/// An entity whose place among the others is known, and whose lists are to follow it.
struct Begun<'m> {
    at: usize,
    entity_type: &'m EntityType,
    many: Vec<Nested>,
    lists: Vec<(String, ListForm)>,
}

/// How an entity is related to the one in which it is nested.
struct Relation {
    refers: Vec<(String, usize)>,
    list: Option<usize>,
    place: String,
}

impl<'m> Ordering<'m> {
    pub(super) fn new(model: &'m Model, verb: Verb) -> Self {
        Self { model, verb, entities: Vec::new(), lists: Vec::new(), steps: Vec::new() }
    }

    /// Adds the entity that the request is about with those that are nested in it, and returns its place.
    pub(super) fn whole(
        &mut self,
        entity_type: &'m EntityType,
        body: Body,
        names: &mut NestedNames,
    ) -> Result<usize, Error> {
        let root = Nested { navigation: String::new(), index: None, role: Role::Entity, tag: None, body };
        let relation = Relation { refers: Vec::new(), list: None, place: String::new() };
        self.add(entity_type, root, relation, names)
    }

    fn add(
        &mut self,
        entity_type: &'m EntityType,
        nested: Nested,
        relation: Relation,
        names: &mut NestedNames,
    ) -> Result<usize, Error> {
        let begun = self.begin(entity_type, nested, relation, names)?;
        let at = begun.at;
        self.finish(begun, names)?;
        Ok(at)
    }

    /// Adds those to which an entity refers, and finds the entity.
    fn begin(
        &mut self,
        entity_type: &'m EntityType,
        mut nested: Nested,
        relation: Relation,
        names: &mut NestedNames,
    ) -> Result<Begun<'m>, Error> {
        let Relation { mut refers, list, place } = relation;
        let (related, lists) = nested.body.take_nested();
        let (many, one): (Vec<Nested>, Vec<Nested>) =
            related.into_iter().partition(|nested| nested.index.is_some());
        for one in one {
            if refers.iter().any(|(name, _)| *name == one.navigation) {
                return Err(Reason::TwoValues(one.navigation).at("body", 0).within(&place));
            }
            let name = one.navigation.clone();
            let target = self.target(navigation(entity_type, &name)?);
            let relation = Relation { refers: Vec::new(), list: None, place: below(&place, &name) };
            let other = self.add(target, one, relation, names.of(&name))?;
            refers.push((name, other));
        }
        let at = self.entities.len();
        if self.verb != Verb::Create || nested.role != Role::Entity {
            self.steps.push(DeepStep::Find(at));
        }
        let Nested { body, role, tag, .. } = nested;
        let set = entity_type.name.clone();
        self.entities.push(NestedEntity { set, body, role, tag, place, refers, list });
        Ok(Begun { at, entity_type, many, lists })
    }

    /// Makes an entity, and adds those that refer to it. Those that are related no more come first: others may get what they had.
    fn finish(&mut self, begun: Begun<'m>, names: &mut NestedNames) -> Result<(), Error> {
        let Begun { at: owner, entity_type, many, lists } = begun;
        self.steps.push(self.step(owner));
        let mut many = many.into_iter().peekable();
        for (name, form) in lists {
            let navigation = navigation(entity_type, &name)?;
            let (target, names) = (self.target(navigation), names.of(&name));
            let place = below(self.place(owner), &name);
            let list = self.lists.len();
            self.lists.push(NestedList { owner, navigation: name.clone(), place: place.clone() });
            let mut items = Vec::new();
            while let Some(nested) = many.next_if(|nested| nested.navigation == name) {
                let relation = Relation {
                    refers: vec![(navigation.partner.clone(), owner)],
                    list: Some(list),
                    place: format!("{place}[{}]", nested.index.unwrap_or_default()),
                };
                items.push(self.begin(target, nested, relation, names)?);
            }
            if form == ListForm::Whole {
                self.steps.push(DeepStep::Prune(list));
            }
            let (removed, kept): (Vec<_>, Vec<_>) =
                items.into_iter().partition(|item| matches!(self.step(item.at), DeepStep::Remove(_)));
            for item in removed.into_iter().chain(kept) {
                self.finish(item, names)?;
            }
        }
        Ok(())
    }

    fn step(&self, at: usize) -> DeepStep {
        match self.entities.get(at).map(|entity| entity.role) {
            Some(Role::Removed { .. }) => DeepStep::Remove(at),
            _ => DeepStep::Make(at),
        }
    }

    fn place(&self, at: usize) -> &str {
        self.entities.get(at).map_or("", |entity| &entity.place)
    }

    fn target(&self, navigation: &Navigation) -> &'m EntityType {
        &self.model.entity_types[navigation.target]
    }
}

fn navigation<'m>(entity_type: &'m EntityType, name: &str) -> Result<&'m Navigation, Error> {
    entity_type.navigation(name).ok_or_else(unknown)
}

/// The place of a navigation property of the entity at a place.
fn below(place: &str, navigation: &str) -> String {
    let separator = if place.is_empty() { "" } else { "/" };
    format!("{place}{separator}{navigation}")
}
