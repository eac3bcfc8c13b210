//! Writing the path and query of a request from its parts, such that no part can be taken for another.
//!
//! ```
//! # use odata::model::{Model, Schema};
//! # let model = Model::compile("crm", Schema::default());
//! assert!(odata::address::RequestUrl::of_set(&model, "Orders?$top=1").is_err(), "only names of the model are written");
//! ```

mod groups;

use std::fmt::Write as _;

pub use groups::{Groups, Measure};

pub use crate::aggregation_method::Method;

use crate::edm_type::EdmType;
use crate::encode::text::in_url;
use crate::error::{Error, Reason};
use crate::hint;
use crate::model::{EntityType, Model, Property};

/// A path and query below the service root, as [`Url::read`](crate::url::Url::read) reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestUrl(String);

/// A value of a key as programs write it that do not know the syntax of literals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyValue {
    /// A text, without quotes; also the text form of a date, a GUID or a number.
    Text(String),
    /// The digits of a number.
    Number(String),
    /// A truth value.
    Boolean(bool),
}

/// Finds an entity set by its name.
///
/// # Errors
/// If the model has none, with the name that was probably meant.
pub fn entity_set<'m>(model: &'m Model, name: &str) -> Result<&'m EntityType, Error> {
    let unknown = || Reason::UnknownResource(name.to_owned()).nowhere();
    model.entity_type(name).ok_or_else(|| unknown().hinting(hint::entity_set(model, name)))
}

impl RequestUrl {
    /// The address of an entity set.
    ///
    /// # Errors
    /// If the model has no such entity set.
    pub fn of_set(model: &Model, name: &str) -> Result<Self, Error> {
        Ok(Self(format!("/{}", in_url(&entity_set(model, name)?.name))))
    }

    /// The address of the number of entities in a set.
    ///
    /// # Errors
    /// If the model has no such entity set.
    pub fn of_count(model: &Model, name: &str) -> Result<Self, Error> {
        let Self(set) = Self::of_set(model, name)?;
        Ok(Self(format!("{set}/$count")))
    }

    /// The address of an entity, from the values of its key by their names, in any order.
    ///
    /// # Errors
    /// If the model has no such entity set, or its key has other properties or types.
    pub fn of_entity(model: &Model, name: &str, key: &[(String, KeyValue)]) -> Result<Self, Error> {
        let entity_type = entity_set(model, name)?;
        let values = values_of(entity_type, key).ok_or_else(|| bad_key(entity_type))?;
        let mut path = format!("/{}(", in_url(&entity_type.name));
        for (at, (property, value)) in values.into_iter().enumerate() {
            let literal = literal(property.ty, value).ok_or_else(|| bad_key(entity_type))?;
            let comma = if at == 0 { "" } else { "," };
            let _ = write!(path, "{comma}{}={}", in_url(&property.name), in_url(&literal));
        }
        path.push(')');
        Ok(Self(path))
    }

    /// The same address with a query option; the value is not encoded yet.
    #[must_use]
    pub fn with(mut self, option: &str, value: &str) -> Self {
        let separator = if self.0.contains('?') { '&' } else { '?' };
        let _ = write!(self.0, "{separator}{option}={}", in_url(value));
        self
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key properties with their values, in the order of the key.
fn values_of<'a>(
    entity_type: &'a EntityType,
    key: &'a [(String, KeyValue)],
) -> Option<Vec<(&'a Property, &'a KeyValue)>> {
    let properties = entity_type.key.iter().map(|index| &entity_type.properties[*index]);
    let with_value = |property: &'a Property| {
        let value = key.iter().find(|(name, _)| *name == property.name);
        value.map(|(_, value)| (property, value))
    };
    if key.len() == entity_type.key.len() { properties.map(with_value).collect() } else { None }
}

fn bad_key(entity_type: &EntityType) -> Error {
    Reason::BadKey { entity_type: entity_type.name.clone(), expected: entity_type.key_in_words() }.nowhere()
}

/// The literal of a value ([URL Conventions §5.1.1.14.1](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_PrimitiveLiterals));
/// `None` if no value of the type is written like this. Whether it is one is decided by the parser.
fn literal(ty: EdmType, value: &KeyValue) -> Option<String> {
    let text = match value {
        KeyValue::Text(text) | KeyValue::Number(text) => text.as_str(),
        KeyValue::Boolean(true) => "true",
        KeyValue::Boolean(false) => "false",
    };
    let is_word = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.' | b':'));
    match ty {
        EdmType::String { .. } if matches!(value, KeyValue::Text(_)) => {
            Some(format!("'{}'", text.replace('\'', "''")))
        }
        EdmType::String { .. } => None,
        EdmType::Binary => {
            let is_base64url =
                text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'='));
            is_base64url.then(|| format!("binary'{text}'"))
        }
        EdmType::Duration => is_word.then(|| format!("duration'{text}'")),
        _ => is_word.then(|| text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Column, Schema, Storage, Table};
    use crate::url::{SystemOption, Url};

    const TEXT: EdmType = EdmType::String { max_length: None };

    fn model() -> Model {
        let column = |name: &str, ty| Column {
            name: name.to_owned(),
            ty,
            nullable: false,
            storage: Storage { is_guaranteed: true, ..Storage::default() },
        };
        let table = |name: &str, columns: Vec<Column>, key: &[&str]| Table {
            schema: None,
            name: name.to_owned(),
            set_name: None,
            columns,
            primary_key: key.iter().map(|name| (*name).to_owned()).collect(),
            key_is_enforced: true,
            foreign_keys: Vec::new(),
            has_unusable_index: false,
            changes: crate::model::TableChanges::default(),
        };
        let ships = table("Ships", vec![column("Id", EdmType::Int64)], &["Id"]);
        let visits = table(
            "Visits",
            vec![column("Berth", TEXT), column("Day", EdmType::Date), column("Stay", EdmType::Duration)],
            &["Berth", "Day", "Stay"],
        );
        Model::compile("harbour", Schema { tables: vec![ships, visits] })
    }

    fn text(value: &str) -> KeyValue {
        KeyValue::Text(value.to_owned())
    }

    #[test]
    fn every_part_of_a_key_stays_one() {
        let key = |berth: &str, day: &str| {
            vec![
                ("Stay".to_owned(), text("PT1H")),
                ("Day".to_owned(), text(day)),
                ("Berth".to_owned(), text(berth)),
            ]
        };
        let address = |key: &[_]| RequestUrl::of_entity(&model(), "Visits", key).map(|address| address.0);
        let written = address(&key("O'Hara/?&#%", "2024-05-01")).unwrap();
        assert_eq!(written, "/Visits(Berth='O''Hara%2F%3F%26%23%25',Day=2024-05-01,Stay=duration'PT1H')");
        assert!(address(&key("A", "2024-05-01)/Ships")).is_err());
        assert!(address(&key("A", "2024-05-01")[1..]).is_err());
    }

    #[test]
    fn a_value_has_any_form_and_another_name_is_refused() {
        let one = |name: &str, value| RequestUrl::of_entity(&model(), "Ships", &[(name.to_owned(), value)]);
        for value in [text("7"), KeyValue::Number("7".to_owned())] {
            assert_eq!(one("Id", value).unwrap().as_str(), "/Ships(Id=7)");
        }
        for (name, value) in [("Id", "7,8"), ("Id", ""), ("Nr", "7")] {
            let refused = one(name, text(value)).unwrap_err();
            assert_eq!(refused.to_string(), "the key of Ships is Id (Edm.Int64)");
        }
    }

    #[test]
    fn options_stay_what_they_are() {
        let filter = "Name eq 'a&b=c+d' and contains(Name,'é%')";
        let address =
            RequestUrl::of_set(&model(), "Ships").unwrap().with("$filter", filter).with("$top", "1&$skip=2");
        let url = Url::read(address.as_str()).unwrap();
        assert_eq!(url.option(SystemOption::Filter), Some(filter));
        assert_eq!(url.option(SystemOption::Top), Some("1&$skip=2"));
        assert_eq!(url.option(SystemOption::Skip), None);
    }

    #[test]
    fn a_name_that_is_not_in_the_model_is_refused_with_what_was_meant() {
        for (name, message) in [
            ("ships", "there is no resource ships; did you mean Ships?"),
            ("$metadata", "there is no resource $metadata"),
            ("Ships(1)", "there is no resource Ships(1)"),
        ] {
            assert_eq!(RequestUrl::of_set(&model(), name).unwrap_err().to_string(), message);
        }
    }
}
