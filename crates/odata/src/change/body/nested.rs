//! Related entities in a body: new ones, those that exist, and those that are related no more ([Protocol
//! §11.4.3.1](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_UpdateRelatedEntitiesWhenUpdatinganE)).

use super::{Body, BodyBinder, Bounds, JsonValue, MOST_RELATED, bad, fault, key_of};
use crate::change::Verb;
use crate::error::{Error, Reason};
use crate::model::Navigation;
use crate::syntax::MAX_EXPAND_DEPTH;
use crate::tree::new_value::NewValue;
use crate::tree::typed::Constant;

/// A related entity in a body.
#[derive(Debug, Clone)]
pub(in crate::change) struct Nested {
    /// The name of the navigation property.
    pub(in crate::change) navigation: String,
    /// The place in the list, if the property leads to many.
    pub(in crate::change) index: Option<usize>,
    pub(in crate::change) role: Role,
    /// The entity tag that it must have, without the mark of weak ones; `*` for any.
    pub(in crate::change) tag: Option<String>,
    pub(in crate::change) body: Body,
}

/// What a related entity in a body stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::change) enum Role {
    /// A new entity, or new values of one that exists.
    Entity,
    /// An entity that exists, as it is.
    Reference,
    /// An entity that is to be related no more, and perhaps to exist no more.
    Removed {
        /// Whether it is to be deleted.
        deleted: bool,
    },
}

/// What a list of related entities means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::change) enum ListForm {
    /// Others are related no more.
    Whole,
    /// Others stay as they are.
    Partial,
}

/// The control information of an item.
#[derive(Default)]
struct Controls<'j> {
    id: Option<&'j JsonValue<'j>>,
    tag: Option<&'j JsonValue<'j>>,
    removed: Option<&'j JsonValue<'j>>,
    has_properties: bool,
}

impl<'j> Controls<'j> {
    fn of(members: &'j [(String, JsonValue<'j>)]) -> Self {
        let mut controls = Self::default();
        for (name, json) in members {
            match name.strip_prefix('@').map(|control| control.strip_prefix("odata.").unwrap_or(control)) {
                Some("id") => controls.id = Some(json),
                Some("etag") => controls.tag = Some(json),
                Some("removed") => controls.removed = Some(json),
                Some(_) => {}
                None => controls.has_properties = true,
            }
        }
        controls
    }

    fn role(&self, is_delta: bool) -> Result<Role, Error> {
        match self.removed {
            Some(removed) if is_delta => Ok(Role::Removed { deleted: is_deletion(removed)? }),
            Some(_) => Err(bad("@removed".to_owned(), "items of nested deltas".to_owned())),
            None if self.id.is_some() && !self.has_properties => Ok(Role::Reference),
            None => Ok(Role::Entity),
        }
    }

    fn tag(&self) -> Result<Option<String>, Error> {
        match self.tag {
            None | Some(JsonValue::Null) => Ok(None),
            Some(JsonValue::Text(tag)) => Ok(Some(tag.trim_start_matches("W/").to_owned())),
            Some(_) => Err(bad("@odata.etag".to_owned(), "entity tags".to_owned())),
        }
    }
}

/// Whether an entity that is removed from a list is to be deleted ([JSON Format
/// §15.3](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_DeletedEntity)).
fn is_deletion(removed: &JsonValue<'_>) -> Result<bool, Error> {
    let wrong = || bad("@removed".to_owned(), "objects with the reason changed or deleted".to_owned());
    let JsonValue::Object(object) = removed else { return Err(wrong()) };
    let members = object.members().map_err(fault)?;
    match members.iter().find(|(name, _)| name == "reason") {
        Some((_, JsonValue::Text(reason))) if reason == "deleted" => Ok(true),
        Some((_, JsonValue::Text(reason))) if reason == "changed" => Ok(false),
        _ => Err(wrong()),
    }
}

/// How the items of a list are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Items {
    Entities,
    Changes,
    Addresses,
}

impl BodyBinder<'_> {
    /// Related entities: references to those that exist, new ones and new values.
    pub(super) fn related(
        &self,
        body: &mut Body,
        navigation: &Navigation,
        json: &JsonValue<'_>,
        bounds: &mut Bounds,
    ) -> Result<(), Error> {
        match json {
            JsonValue::Null if !navigation.collection => self.unbind(body, navigation),
            _ if navigation.collection => self.list(body, navigation, (json, Items::Entities), bounds),
            _ => {
                let nested = self.one_to_one(body, navigation, json, bounds);
                body.nested.extend(nested.map_err(|error| error.within(&navigation.name))?);
                Ok(())
            }
        }
    }

    /// A list of what has changed in the related entities.
    pub(super) fn delta(
        &self,
        body: &mut Body,
        navigation: &Navigation,
        json: &JsonValue<'_>,
        bounds: &mut Bounds,
    ) -> Result<(), Error> {
        match self.context.verb {
            Verb::Update if navigation.collection => {
                self.list(body, navigation, (json, Items::Changes), bounds)
            }
            Verb::Update => Err(bad(format!("{}@delta", navigation.name), "lists".to_owned())),
            _ => Err(bad(format!("{}@delta", navigation.name), "requests with PATCH".to_owned())),
        }
    }

    /// The addresses of entities that are to be related besides others.
    pub(super) fn bind_many(
        &self,
        body: &mut Body,
        navigation: &Navigation,
        json: &JsonValue<'_>,
        bounds: &mut Bounds,
    ) -> Result<(), Error> {
        self.list(body, navigation, (json, Items::Addresses), bounds)
    }

    /// Whether a next link to further entities of this list would say that those in the body are not all.
    pub(super) fn is_incomplete(&self, name: &str) -> bool {
        self.context.verb != Verb::Create
            && self.entity_type.navigation(name).is_some_and(|navigation| navigation.collection)
    }

    /// The key in the address of an entity to which a navigation property leads.
    pub(super) fn key_at(&self, navigation: &Navigation, id: &str) -> Result<Vec<Constant>, Error> {
        let id = self.context.references.resolved(id);
        key_of(self.model, navigation, &id, self.context.service_root)
    }

    fn list(
        &self,
        body: &mut Body,
        navigation: &Navigation,
        (json, kind): (&JsonValue<'_>, Items),
        bounds: &mut Bounds,
    ) -> Result<(), Error> {
        let JsonValue::List(list) = json else {
            let expected = if kind == Items::Addresses { "lists of addresses" } else { "lists of entities" };
            return Err(bad(navigation.name.clone(), expected.to_owned()));
        };
        if body.lists.iter().any(|(name, _)| *name == navigation.name) {
            return Err(Reason::TwoValues(navigation.name.clone()).at("body", 0));
        }
        let is_whole = kind == Items::Entities && self.context.verb != Verb::Create;
        let form = if is_whole { ListForm::Whole } else { ListForm::Partial };
        body.lists.push((navigation.name.clone(), form));
        for (index, item) in list.items().map_err(fault)?.iter().enumerate() {
            let nested = match (kind, item) {
                (Items::Addresses, JsonValue::Text(id)) => self.reference(navigation, id, bounds),
                (Items::Addresses, _) => Err(bad(navigation.name.clone(), "addresses".to_owned())),
                _ => self.one_of_many(navigation, item, kind == Items::Changes, bounds),
            };
            let nested = nested.map_err(|error| error.within(&format!("{}[{index}]", navigation.name)))?;
            body.nested.push(Nested { index: Some(index), ..nested });
        }
        Ok(())
    }

    /// The one related entity; `None` if it is only referred to, which sets the foreign key. One that must have a tag is looked up.
    fn one_to_one(
        &self,
        body: &mut Body,
        navigation: &Navigation,
        json: &JsonValue<'_>,
        bounds: &mut Bounds,
    ) -> Result<Option<Nested>, Error> {
        let members = entity_members(navigation, json)?;
        let controls = Controls::of(&members);
        match (controls.role(false)?, controls.id) {
            (Role::Reference, Some(id)) if controls.tag()?.is_none() => {
                self.bind(body, navigation, id, bounds).map(|()| None)
            }
            (role, _) => self.item(navigation, &members, (&controls, role), bounds).map(Some),
        }
    }

    fn one_of_many(
        &self,
        navigation: &Navigation,
        json: &JsonValue<'_>,
        is_delta: bool,
        bounds: &mut Bounds,
    ) -> Result<Nested, Error> {
        let members = entity_members(navigation, json)?;
        let controls = Controls::of(&members);
        let role = controls.role(is_delta)?;
        self.item(navigation, &members, (&controls, role), bounds)
    }

    /// A related entity with its control information.
    fn item(
        &self,
        navigation: &Navigation,
        members: &[(String, JsonValue<'_>)],
        (controls, role): (&Controls<'_>, Role),
        bounds: &mut Bounds,
    ) -> Result<Nested, Error> {
        match (role, controls.id) {
            (Role::Reference, Some(JsonValue::Text(id))) => {
                let reference = self.reference(navigation, id, bounds)?;
                Ok(Nested { tag: controls.tag()?, ..reference })
            }
            _ => self.entity(navigation, members, (controls, role), bounds),
        }
    }

    /// An entity that exists, as it is.
    fn reference(&self, navigation: &Navigation, id: &str, bounds: &mut Bounds) -> Result<Nested, Error> {
        bounds.count()?;
        let entity_type = &self.model.entity_types[navigation.target];
        let key = self.key_at(navigation, id)?.into_iter().map(NewValue::Value);
        let mut body = BodyBinder { entity_type, ..*self }.body(&[], bounds)?;
        body.identify(entity_type, entity_type.key.iter().copied().zip(key).collect());
        Ok(Nested {
            navigation: navigation.name.clone(),
            index: None,
            role: Role::Reference,
            tag: None,
            body,
        })
    }

    /// An entity with its properties.
    fn entity(
        &self,
        navigation: &Navigation,
        members: &[(String, JsonValue<'_>)],
        (controls, role): (&Controls<'_>, Role),
        bounds: &mut Bounds,
    ) -> Result<Nested, Error> {
        bounds.enter()?;
        let entity_type = &self.model.entity_types[navigation.target];
        let is_content =
            |(name, _): &&(String, JsonValue<'_>)| !matches!(name.as_str(), "@removed" | "@odata.removed");
        let content: Vec<(String, JsonValue<'_>)> = members.iter().filter(is_content).cloned().collect();
        let mut body = BodyBinder { entity_type, ..*self }.body(&content, bounds)?;
        bounds.levels += 1;
        let mut tag = None;
        // A new entity may be a copy of another one.
        if self.context.verb != Verb::Create {
            tag = controls.tag()?;
            if let Some(id) = controls.id {
                let JsonValue::Text(id) = id else {
                    return Err(bad("@odata.id".to_owned(), "the addresses of entities".to_owned()));
                };
                let key = self.key_at(navigation, id)?;
                for (index, value) in entity_type.key.iter().zip(key) {
                    body.give(*index, &entity_type.properties[*index], NewValue::Value(value))?;
                }
            }
        }
        if matches!(role, Role::Removed { .. }) {
            body.take_nested();
            body.keep_key(entity_type);
        }
        Ok(Nested { navigation: navigation.name.clone(), index: None, role, tag, body })
    }
}

impl Bounds {
    /// Another entity.
    fn count(&mut self) -> Result<(), Error> {
        let left = self.entities.checked_sub(1);
        self.entities = left.ok_or_else(|| Reason::TooManyRelated(MOST_RELATED).at("body", 0))?;
        Ok(())
    }

    /// An entity with what is nested in it.
    fn enter(&mut self) -> Result<(), Error> {
        let left = self.levels.checked_sub(1);
        self.levels = left.ok_or_else(|| Reason::TooManyLevels(MAX_EXPAND_DEPTH).at("body", 0))?;
        self.count()
    }
}

fn entity_members<'j>(
    navigation: &Navigation,
    json: &JsonValue<'j>,
) -> Result<Vec<(String, JsonValue<'j>)>, Error> {
    match json {
        JsonValue::Object(object) => object.members().map_err(fault),
        _ => Err(bad(navigation.name.clone(), "entities".to_owned())),
    }
}
