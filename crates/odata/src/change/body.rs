//! The body of a change: which properties get which values.

use super::json::{self, JsonFault, JsonValue};
use super::{ChangeContext, value};
use crate::bind::resource::{self, Changed};
use crate::error::{Error, Reason};
use crate::hint;
use crate::model::{EntityType, Model, Navigation, Property};
use crate::syntax::Request;
use crate::tree::Scan;
use crate::tree::new_value::NewValue;
use crate::tree::typed::{Comparison, Constant, Term, Typed};
use crate::url::Url;

/// The values that a body gives to properties, by their index.
#[derive(Debug)]
pub(super) struct Body(Vec<Option<NewValue>>);

impl Body {
    /// Reads the representation of an entity ([JSON Format
    /// §6](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_Entity)).
    pub(super) fn read(
        model: &Model,
        entity_type: &EntityType,
        context: &ChangeContext<'_>,
    ) -> Result<Self, Error> {
        let members = members(context.payload.bytes)?;
        let mut body = Self(vec![None; entity_type.properties.len()]);
        let binder = BodyBinder { model, entity_type, context };
        for (name, value) in &members {
            binder.member(&mut body, name, value)?;
        }
        Ok(body)
    }

    /// The value for a property, if it gives one.
    pub(super) fn value(&self, index: usize) -> Option<&NewValue> {
        self.0.get(index).and_then(Option::as_ref)
    }

    /// Gives a property a value, if it has none or the same one.
    fn give(&mut self, index: usize, property: &Property, value: NewValue) -> Result<(), Error> {
        match self.0.get_mut(index) {
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

struct BodyBinder<'a> {
    model: &'a Model,
    entity_type: &'a EntityType,
    context: &'a ChangeContext<'a>,
}

impl BodyBinder<'_> {
    fn member(&self, body: &mut Body, name: &str, json: &JsonValue<'_>) -> Result<(), Error> {
        let entity_type = self.entity_type;
        if let Some((of, control)) = name.split_once('@') {
            return self.annotation(body, of, control, json);
        }
        if let Some((index, property)) = entity_type.property(name) {
            let value = new_value(property, json, self.context)?;
            return body.give(index, property, value);
        }
        if let Some(navigation) = entity_type.navigation(name) {
            self.related(body, navigation, json)
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

    /// A related entity: a reference to one that exists. To create one in the same request is not supported.
    fn related(&self, body: &mut Body, navigation: &Navigation, json: &JsonValue<'_>) -> Result<(), Error> {
        let deep =
            || Err(Reason::NotImplemented("the creation of related entities".to_owned()).at("body", 0));
        match json {
            JsonValue::Null if !navigation.collection => self.unbind(body, navigation),
            JsonValue::List(items) if navigation.collection && items.is_empty() => Ok(()),
            JsonValue::Object(object) => match object.members().map_err(fault)?.as_slice() {
                [(name, id)] if matches!(name.as_str(), "@odata.id" | "@id") => {
                    self.bind(body, navigation, id)
                }
                _ => deep(),
            },
            _ => deep(),
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
        let target = &self.model.entity_types[navigation.target];
        for (own, other) in &navigation.on {
            let value = referred(target, &key, *other)?;
            body.give(*own, &self.entity_type.properties[*own], value)?;
        }
        Ok(())
    }
}

/// The value of a property to which another type refers, in the entity with this key.
pub(super) fn referred(target: &EntityType, key: &[Constant], property: usize) -> Result<NewValue, Error> {
    let place = target.key.iter().position(|index| *index == property);
    let value = place.and_then(|place| key.get(place)).cloned().map(NewValue::Value);
    let what = || "a reference by other properties than the key".to_owned();
    value.ok_or_else(|| Reason::NotImplemented(what()).at("body", 0))
}

/// The address in the body of a change of references ([JSON Format
/// §14](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_EntityReference)).
pub(super) fn reference(context: &ChangeContext<'_>) -> Result<String, Error> {
    let members = members(context.payload.bytes)?;
    let mut ids = members.into_iter().filter(|(name, _)| matches!(name.as_str(), "@odata.id" | "@id"));
    match (ids.next(), ids.next()) {
        (Some((_, JsonValue::Text(id))), None) => Ok(context.references.resolved(&id).into_owned()),
        _ => {
            Err(Reason::BadBody("an object with the address of an entity as @odata.id".to_owned())
                .at("body", 0))
        }
    }
}

/// The key in the address of an entity to which a navigation property leads.
pub(super) fn key_of(
    model: &Model,
    navigation: &Navigation,
    id: &str,
    service_root: &str,
) -> Result<Vec<Constant>, Error> {
    let scan = entity_at(model, navigation, id, service_root)?;
    scan.key.iter().map(constant).collect::<Option<_>>().ok_or_else(|| no_address(model, navigation))
}

fn no_address(model: &Model, navigation: &Navigation) -> Error {
    let target = &model.entity_types[navigation.target].name;
    bad(navigation.name.clone(), format!("the addresses of entities of {target}"))
}

/// The entity at an address to which a navigation property leads.
pub(super) fn entity_at<'m>(
    model: &'m Model,
    navigation: &Navigation,
    id: &str,
    service_root: &str,
) -> Result<Scan<'m>, Error> {
    let target = &model.entity_types[navigation.target];
    let wrong = || no_address(model, navigation);
    let root = service_root.trim_end_matches('/');
    let path = match id.strip_prefix(root) {
        Some(path) => path,
        None if id.contains("://") => return Err(wrong()),
        None => id,
    };
    let url = Url::read(path).map_err(|_| wrong())?;
    let request = Request::parse(&url).map_err(|_| wrong())?;
    match resource::changed(model, &request.path) {
        Ok(Changed::Entity(scan)) if scan.entity_type.name == target.name => Ok(scan),
        _ => Err(wrong()),
    }
}

/// The value with which a key is compared.
pub(super) fn constant(condition: &Typed) -> Option<Constant> {
    let Term::Compare(Comparison::Eq, _, value) = &condition.term else { return None };
    match &value.term {
        Term::Constant(constant) => Some(constant.clone()),
        _ => None,
    }
}

/// The value of a single property.
pub(super) fn of_property(
    property: &Property,
    context: &ChangeContext<'_>,
    raw: bool,
) -> Result<NewValue, Error> {
    if raw {
        let value = value::raw(property.ty, context.payload.bytes);
        return value.map(NewValue::Value).ok_or_else(|| bad_value(property));
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
    let value = value::read(property.ty, json, context.payload.numbers_as_text);
    value.map(NewValue::Value).ok_or_else(|| bad_value(property))
}

/// No value, if the property can be without one.
pub(super) fn null(property: &Property) -> Result<NewValue, Error> {
    if property.nullable {
        Ok(NewValue::Null)
    } else {
        Err(Reason::PropertyMissing(property.name.clone()).at("body", 0))
    }
}

fn bad_value(property: &Property) -> Error {
    bad(property.name.clone(), property.ty.name().to_owned())
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
