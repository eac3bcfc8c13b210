//! The body of a change: which properties get which values.

mod address;

use super::json::{self, JsonFault, JsonValue};
use super::{ChangeContext, Verb, value};
use crate::error::{Error, Reason};
use crate::hint;
use crate::model::{EntityType, Model, Navigation, Property};
use crate::syntax::MAX_EXPAND_DEPTH;
use crate::tree::new_value::NewValue;
use crate::tree::typed::Constant;

pub(super) use address::{constant, entity_at, key_of, referred};

/// The maximum number of related entities in a body.
const MOST_RELATED: usize = 1_000;

/// The values that a body gives to properties, by their index, and the entities that are to be created with it.
#[derive(Debug, Clone)]
pub(super) struct Body {
    values: Vec<Option<NewValue>>,
    nested: Vec<Nested>,
}

/// A related entity in a body.
#[derive(Debug, Clone)]
pub(super) struct Nested {
    /// The name of the navigation property.
    pub(super) navigation: String,
    /// The place in the list, if the property leads to many.
    pub(super) index: Option<usize>,
    pub(super) body: Body,
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

    /// Whether entities are to be created with it.
    pub(super) fn has_nested(&self) -> bool {
        !self.nested.is_empty()
    }

    /// Takes the entities that are to be created with it.
    pub(super) fn take_nested(&mut self) -> Vec<Nested> {
        std::mem::take(&mut self.nested)
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
        }
        Ok(())
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
        let mut body = Body { values: vec![None; self.entity_type.properties.len()], nested: Vec::new() };
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
            return self.annotation(body, of, control, json);
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
    ) -> Result<(), Error> {
        let not_implemented = |what: &str| Err(Reason::NotImplemented(what.to_owned()).at("body", 0));
        match (of, control.strip_prefix("odata.").unwrap_or(control)) {
            ("", "type") => self.own_type(json),
            ("", "removed" | "delta") | (_, "delta") => not_implemented("a delta in a body"),
            ("", _) => Ok(()),
            (of, "bind") => match self.entity_type.navigation(of) {
                Some(navigation) => self.bind(body, navigation, json),
                None => Err(self.unknown(of)),
            },
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

    /// Related entities: references to those that exist, and new ones.
    fn related(
        &self,
        body: &mut Body,
        navigation: &Navigation,
        json: &JsonValue<'_>,
        bounds: &mut Bounds,
    ) -> Result<(), Error> {
        match json {
            JsonValue::Null if !navigation.collection => self.unbind(body, navigation),
            JsonValue::List(list) if navigation.collection => {
                for (index, item) in list.items().map_err(fault)?.iter().enumerate() {
                    self.one_related(body, navigation, (item, Some(index)), bounds)
                        .map_err(|error| error.within(&format!("{}[{index}]", navigation.name)))?;
                }
                Ok(())
            }
            _ if navigation.collection => Err(bad(navigation.name.clone(), "lists of entities".to_owned())),
            _ => self
                .one_related(body, navigation, (json, None), bounds)
                .map_err(|error| error.within(&navigation.name)),
        }
    }

    fn one_related(
        &self,
        body: &mut Body,
        navigation: &Navigation,
        (json, index): (&JsonValue<'_>, Option<usize>),
        bounds: &mut Bounds,
    ) -> Result<(), Error> {
        let JsonValue::Object(object) = json else {
            return Err(bad(navigation.name.clone(), "entities".to_owned()));
        };
        let members = object.members().map_err(fault)?;
        if let [(name, id)] = members.as_slice()
            && matches!(name.as_str(), "@odata.id" | "@id")
        {
            return self.bind(body, navigation, id);
        }
        if self.context.verb != Verb::Create {
            let what = "the change or creation of related entities by PATCH or PUT".to_owned();
            return Err(Reason::NotImplemented(what).at("body", 0));
        }
        if bounds.levels == 0 {
            return Err(Reason::TooManyLevels(MAX_EXPAND_DEPTH).at("body", 0));
        }
        bounds.entities = bounds
            .entities
            .checked_sub(1)
            .ok_or_else(|| Reason::TooManyRelated(MOST_RELATED).at("body", 0))?;
        bounds.levels -= 1;
        let entity_type = &self.model.entity_types[navigation.target];
        let nested = BodyBinder { entity_type, ..*self }.body(&members, bounds)?;
        bounds.levels += 1;
        body.nested.push(Nested { navigation: navigation.name.clone(), index, body: nested });
        Ok(())
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
    fn bind(&self, body: &mut Body, navigation: &Navigation, json: &JsonValue<'_>) -> Result<(), Error> {
        if navigation.collection {
            return Err(
                Reason::NotImplemented("a reference from one entity to many".to_owned()).at("body", 0)
            );
        }
        let JsonValue::Text(id) = json else {
            if *json == JsonValue::Null {
                return self.unbind(body, navigation);
            }
            return Err(bad(navigation.name.clone(), "the addresses of entities".to_owned()));
        };
        let id = self.context.references.resolved(id);
        let key = key_of(self.model, navigation, &id, self.context.service_root)?;
        body.refer(self.model, self.entity_type, navigation, &key)
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
