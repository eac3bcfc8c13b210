//! The body of a change: which properties get which values.

mod address;
mod nested;

use super::json::{self, JsonFault, JsonValue};
use super::{ChangeContext, value};
use crate::error::{Error, Reason};
use crate::hint;
use crate::model::{EntityType, Model, Navigation, Property};
use crate::syntax::MAX_EXPAND_DEPTH;
use crate::tree::new_value::NewValue;
use crate::tree::typed::Constant;

pub(super) use address::{constant, entity_at, key_of, referred};
pub(super) use nested::{ListForm, Nested, Role};

/// The maximum number of related entities in a body.
pub(super) const MOST_RELATED: usize = 1_000;

/// The values that a body gives to properties, by their index, and the entities that are to be related to it.
#[derive(Debug, Clone)]
pub(super) struct Body {
    values: Vec<Option<NewValue>>,
    /// The properties whose values come from references to other entities.
    referring: Vec<usize>,
    nested: Vec<Nested>,
    /// The navigation properties that lead to many and for which it has a list.
    lists: Vec<(String, ListForm)>,
}

impl Body {
    /// Reads the representation of an entity ([JSON Format
    /// §6](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_Entity)).
    pub(super) fn read(
        model: &Model,
        entity_type: &EntityType,
        context: &ChangeContext<'_>,
    ) -> Result<Self, Error> {
        let mut bounds = Bounds { levels: MAX_EXPAND_DEPTH, entities: MOST_RELATED };
        let members = members(context.payload.bytes)?;
        BodyBinder { model, entity_type, context }.body(&members, &mut bounds)
    }

    /// Whether more than the entity itself is to be created or changed.
    pub(super) fn has_nested(&self) -> bool {
        !self.nested.is_empty() || self.lists.iter().any(|(_, form)| *form == ListForm::Whole)
    }

    /// Takes the entities that are to be related to it, and what its lists are.
    pub(super) fn take_nested(&mut self) -> (Vec<Nested>, Vec<(String, ListForm)>) {
        (std::mem::take(&mut self.nested), std::mem::take(&mut self.lists))
    }

    /// Leaves out what is no part of the key.
    fn keep_key(&mut self, entity_type: &EntityType) {
        let values = self.values.iter_mut().enumerate();
        values.filter(|(index, _)| !entity_type.key.contains(index)).for_each(|(_, value)| *value = None);
    }

    /// Gives the key the values of an address, whatever the body says.
    pub(super) fn identify(&mut self, entity_type: &EntityType, key: Vec<(usize, NewValue)>) {
        debug_assert_eq!(key.len(), entity_type.key.len());
        for (index, value) in key {
            if let Some(place) = self.values.get_mut(index) {
                *place = Some(value);
            }
        }
    }

    /// Gives the foreign key the values that lead to the entity with this key.
    pub(super) fn refer(
        &mut self,
        model: &Model,
        entity_type: &EntityType,
        navigation: &Navigation,
        key: &[Constant],
    ) -> Result<(), Error> {
        let target = &model.entity_types[navigation.target];
        for (own, other) in &navigation.on {
            let value = referred(target, key, *other)?;
            self.give(*own, &entity_type.properties[*own], value)?;
            self.referring.push(*own);
        }
        Ok(())
    }

    /// The property of the key, if there is one, by which a reference would change the key of an address. Other values of the key
    /// in a body are ignored.
    pub(super) fn other_key(&self, key: &[(usize, NewValue)]) -> Option<usize> {
        let is_other = |(index, value): &&(usize, NewValue)| {
            self.referring.contains(index) && self.value(*index) != Some(value)
        };
        key.iter().find(is_other).map(|(index, _)| *index)
    }

    /// The value for a property, if it gives one.
    pub(super) fn value(&self, index: usize) -> Option<&NewValue> {
        self.values.get(index).and_then(Option::as_ref)
    }

    /// Gives a property a value, if it has none or the same one.
    fn give(&mut self, index: usize, property: &Property, value: NewValue) -> Result<(), Error> {
        match self.values.get_mut(index) {
            Some(Some(before)) if *before != value => {
                Err(Reason::TwoValues(property.name.clone()).at("body", 0))
            }
            Some(place) => {
                *place = Some(value);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// How many levels and entities may still be nested.
struct Bounds {
    levels: usize,
    entities: usize,
}

struct BodyBinder<'a> {
    model: &'a Model,
    entity_type: &'a EntityType,
    context: &'a ChangeContext<'a>,
}

impl BodyBinder<'_> {
    fn body(&self, members: &[(String, JsonValue<'_>)], bounds: &mut Bounds) -> Result<Body, Error> {
        let values = vec![None; self.entity_type.properties.len()];
        let mut body = Body { values, referring: Vec::new(), nested: Vec::new(), lists: Vec::new() };
        for (name, value) in members {
            self.member(&mut body, name, value, bounds)?;
        }
        Ok(body)
    }

    fn member(
        &self,
        body: &mut Body,
        name: &str,
        json: &JsonValue<'_>,
        bounds: &mut Bounds,
    ) -> Result<(), Error> {
        let entity_type = self.entity_type;
        if let Some((of, control)) = name.split_once('@') {
            return self.annotation(body, of, control, json, bounds);
        }
        if let Some((index, property)) = entity_type.property(name) {
            let value = new_value(property, json, self.context)?;
            return body.give(index, property, value);
        }
        if let Some(navigation) = entity_type.navigation(name) {
            self.related(body, navigation, json, bounds)
        } else {
            let unknown =
                Reason::UnknownProperty { entity_type: entity_type.name.clone(), name: name.to_owned() };
            Err(unknown.at("body", 0).hinting(hint::property(entity_type, name)))
        }
    }

    /// Control information ([JSON Format
    /// §4.6](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_ControlInformation)). What is
    /// about the response, or repeats what the model says, is ignored.
    fn annotation(
        &self,
        body: &mut Body,
        of: &str,
        control: &str,
        json: &JsonValue<'_>,
        bounds: &mut Bounds,
    ) -> Result<(), Error> {
        let navigation = || self.entity_type.navigation(of).ok_or_else(|| self.unknown(of));
        match (of, control.strip_prefix("odata.").unwrap_or(control)) {
            ("", "type") => self.own_type(json),
            ("", control @ ("removed" | "delta")) => {
                Err(bad(format!("@{control}"), "items of nested deltas".to_owned()))
            }
            ("", _) => Ok(()),
            (_, "bind") => self.bind(body, navigation()?, json, bounds),
            (_, "delta") => self.delta(body, navigation()?, json, bounds),
            (of, "nextLink") if self.is_incomplete(of) => {
                Err(Reason::BadBody(format!("the whole list of {of}")).at("body", 0))
            }
            (of, _) if self.entity_type.property(of).is_some() => Ok(()),
            (of, _) if self.entity_type.navigation(of).is_some() => Ok(()),
            (of, _) => Err(self.unknown(of)),
        }
    }

    fn unknown(&self, name: &str) -> Error {
        let entity_type = self.entity_type.name.clone();
        Reason::UnknownProperty { entity_type, name: name.to_owned() }.at("body", 0)
    }

    /// The type must be that of the set: no type is derived from another one.
    fn own_type(&self, json: &JsonValue<'_>) -> Result<(), Error> {
        let own = format!("{}.{}", self.model.namespace, self.entity_type.type_name);
        let is_own = |text: &str| text.rsplit_once('#').map_or(text, |(_, name)| name) == own;
        match json {
            JsonValue::Text(text) if is_own(text) => Ok(()),
            _ => Err(bad("@odata.type".to_owned(), format!("#{own}"))),
        }
    }

    fn unbind(&self, body: &mut Body, navigation: &Navigation) -> Result<(), Error> {
        for (own, _) in &navigation.on {
            let property = &self.entity_type.properties[*own];
            body.give(*own, property, null(property)?)?;
        }
        Ok(())
    }

    /// A reference to an entity becomes the values of the foreign key ([JSON Format
    /// §8.5](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_BindOperation)).
    fn bind(
        &self,
        body: &mut Body,
        navigation: &Navigation,
        json: &JsonValue<'_>,
        bounds: &mut Bounds,
    ) -> Result<(), Error> {
        if navigation.collection {
            return self.bind_many(body, navigation, json, bounds);
        }
        let JsonValue::Text(id) = json else {
            if *json == JsonValue::Null {
                return self.unbind(body, navigation);
            }
            return Err(bad(navigation.name.clone(), "the addresses of entities".to_owned()));
        };
        body.refer(self.model, self.entity_type, navigation, &self.key_at(navigation, id)?)
    }
}

/// The address in the body of a change of references ([JSON Format
/// §14](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_EntityReference)).
pub(super) fn reference(context: &ChangeContext<'_>) -> Result<String, Error> {
    let members = members(context.payload.bytes)?;
    // What is said of the entity besides would be ignored.
    let has_more = members.iter().any(|(name, _)| !name.contains('@'));
    let mut ids = members.into_iter().filter(|(name, _)| matches!(name.as_str(), "@odata.id" | "@id"));
    match (ids.next(), ids.next()) {
        (Some((_, JsonValue::Text(id))), None) if !has_more => {
            Ok(context.references.resolved(&id).into_owned())
        }
        _ => Err(Reason::BadBody(
            "an object with the address of an entity as @odata.id, and with no property".to_owned(),
        )
        .at("body", 0)),
    }
}

/// The value of a single property.
pub(super) fn of_property(
    property: &Property,
    context: &ChangeContext<'_>,
    raw: bool,
) -> Result<NewValue, Error> {
    if raw {
        return stated(property, value::raw(property.ty, context.payload.bytes));
    }
    let members = members(context.payload.bytes)?;
    let mut values = members.iter().filter(|(name, _)| !name.contains('@'));
    match (values.next(), values.next()) {
        (Some((name, json)), None) if name == "value" => new_value(property, json, context),
        _ => Err(Reason::BadBody("an object with the member value".to_owned()).at("body", 0)),
    }
}

/// What a JSON value means for a property.
fn new_value(
    property: &Property,
    json: &JsonValue<'_>,
    context: &ChangeContext<'_>,
) -> Result<NewValue, Error> {
    if *json == JsonValue::Null {
        return null(property);
    }
    stated(property, value::read(property.ty, json, context.payload.numbers_as_text))
}

/// A value of the type of a property, if the column keeps all of it.
fn stated(property: &Property, value: Option<Constant>) -> Result<NewValue, Error> {
    let value = value.ok_or_else(|| bad(property.name.clone(), property.ty.name().to_owned()))?;
    match property.storage.fraction {
        Some(most) if value::digits_after_second(&value) > most.into() => {
            let expected = format!("{} with at most {most} digits after the second", property.ty.name());
            Err(bad(property.name.clone(), expected))
        }
        _ => Ok(NewValue::Value(value)),
    }
}

/// No value, if the property can be without one.
pub(super) fn null(property: &Property) -> Result<NewValue, Error> {
    if property.nullable {
        Ok(NewValue::Null)
    } else {
        Err(Reason::PropertyMissing(property.name.clone()).at("body", 0))
    }
}

fn bad(property: String, expected: String) -> Error {
    Reason::BadValue { property, expected }.at("body", 0)
}

/// The members of the object that a body is.
fn members(bytes: &[u8]) -> Result<Vec<(String, JsonValue<'_>)>, Error> {
    let text = std::str::from_utf8(bytes).map_err(|_| Reason::BadBody("UTF-8".to_owned()).at("body", 0))?;
    match json::read(text).map_err(fault)? {
        JsonValue::Object(object) => object.members().map_err(fault),
        _ => Err(Reason::BadBody("a JSON object".to_owned()).at("body", 0)),
    }
}

fn fault(fault: JsonFault) -> Error {
    match fault {
        JsonFault::Malformed(line, column) => {
            Reason::BadBody(format!("JSON, at line {line}, column {column}"))
        }
        JsonFault::Twice(name) => Reason::DuplicateMember(name),
    }
    .at("body", 0)
}
