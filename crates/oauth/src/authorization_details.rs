//! Rich authorization requests ([RFC 9396](https://www.rfc-editor.org/rfc/rfc9396)) of the type `data_source`.
//!
//! | member | meaning |
//! |---|---|
//! | `locations` | addresses of data sources, such as `https://gate.example/api/odata4/ships`; any that the user chooses if absent |
//! | `actions` | `read`, which is also the default; `write` besides, to change data |
//! | `datatypes` | names of entity sets, for one location; all of them if absent |
//!
//! Answers have one member more: if the user also allows later data sources, an element has the address of all data as its
//! location, and `except_locations` are the data sources that it does not reach.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::data_access::{MOST_NAME_BYTES, MOST_SOURCES, name_bytes};
use crate::jwt::parse_json;
use crate::parameters::{Name, Parameters};
use crate::refusal::Refusal;
use crate::resource::{self, DataEndpoint, Resource};

/// `authorization_details`.
pub const AUTHORIZATION_DETAILS: Name = Name::new("authorization_details", 4096);

/// The types that this server knows, for its metadata.
pub const TYPES: &[&str] = &[DATA_SOURCE];

const DATA_SOURCE: &str = "data_source";
const READ: &str = "read";
const WRITE: &str = "write";

/// The maximum number of elements.
const MOST_ELEMENTS: usize = 16;
/// The maximum number of locations, or of entity sets, in an element.
const MOST_NAMES: usize = 32;
/// The maximum number of entity sets in a request.
const MOST_ENTITIES: usize = 64;
/// The maximum length of the name of an entity set in bytes.
const LONGEST_NAME: usize = 512;

/// What a request says about data sources, before anybody has looked for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestedData {
    /// Those that the user chooses.
    Any {
        /// Whether they are to be changed too.
        writes: bool,
    },
    /// These.
    Named(Vec<NamedData>),
}

/// A data source that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedData {
    /// The address in its normal form.
    pub location: String,
    /// The entity sets; all of them if there are none.
    pub entities: Vec<String>,
    /// Whether it is to be changed too.
    pub writes: bool,
}

/// Whether the value of the parameter asks to change data; one that is malformed asks for nothing.
pub fn asks_to_write(text: Option<&str>) -> bool {
    matches!(parse_text(text), Ok(Some(requested)) if requested.writes())
}

impl RequestedData {
    /// Whether some of it is to be changed too.
    pub fn writes(&self) -> bool {
        match self {
            Self::Any { writes } => *writes,
            Self::Named(named) => named.iter().any(|one| one.writes),
        }
    }
}

/// An element, with the members of [RFC 9396 §2.2](https://www.rfc-editor.org/rfc/rfc9396#section-2.2) that the type has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Element {
    locations: Option<Vec<String>>,
    actions: Option<Vec<String>>,
    datatypes: Option<Vec<String>>,
}

/// Reads the parameter, if it is given. "The AS MUST refuse to process any unknown authorization details type or
/// authorization details not conforming to the respective type definition" ([RFC 9396
/// §5](https://www.rfc-editor.org/rfc/rfc9396#section-5)).
///
/// # Errors
/// `invalid_authorization_details`.
pub fn parse(parameters: &Parameters) -> Result<Option<RequestedData>, Refusal> {
    parse_text(parameters.one(AUTHORIZATION_DETAILS)?)
}

/// The same for the value of the parameter.
///
/// # Errors
/// `invalid_authorization_details`.
pub fn parse_text(text: Option<&str>) -> Result<Option<RequestedData>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    let Some(Value::Array(elements)) = parse_json(text.as_bytes()) else {
        return Err(Refusal::AuthorizationDetailsMalformed);
    };
    if elements.is_empty() || elements.len() > MOST_ELEMENTS {
        return Err(Refusal::AuthorizationDetailsMalformed);
    }
    let mut named = Vec::new();
    let mut any = None;
    for element in elements {
        let Value::Object(mut element) = element else { return Err(Refusal::AuthorizationDetailsMalformed) };
        if element.remove("type").as_ref().and_then(Value::as_str) != Some(DATA_SOURCE) {
            return Err(Refusal::AuthorizationDetailsTypeUnknown);
        }
        let element: Element =
            serde_json::from_value(element.into()).map_err(|_| Refusal::AuthorizationDetailsMalformed)?;
        match of_data_source(element)? {
            RequestedData::Any { writes } => any = Some(any.unwrap_or(false) || writes),
            RequestedData::Named(more) => more.into_iter().for_each(|one| add(&mut named, one)),
        }
    }
    // The consent page has a box for each, and codes and tokens carry their names.
    let entities = || named.iter().flat_map(|one: &NamedData| &one.entities);
    let is_short = named.len() <= MOST_SOURCES && entities().count() <= MOST_ENTITIES;
    if !is_short || name_bytes(entities()) > MOST_NAME_BYTES {
        return Err(Refusal::AuthorizationDetailsMalformed);
    }
    Ok(Some(match any {
        Some(writes) => RequestedData::Any { writes: writes || named.iter().any(|one| one.writes) },
        None => RequestedData::Named(named),
    }))
}

fn of_data_source(element: Element) -> Result<RequestedData, Refusal> {
    let Element { locations, actions, datatypes } = element;
    let writes = writes(actions.as_deref())?;
    let is_list = |list: &Vec<String>| !list.is_empty() && list.len() <= MOST_NAMES;
    if !locations.iter().chain(&datatypes).all(is_list) {
        return Err(Refusal::AuthorizationDetailsMalformed);
    }
    let entities = datatypes.unwrap_or_default();
    let is_name =
        |name: &String| !name.is_empty() && name.len() <= LONGEST_NAME && !name.contains(char::is_control);
    if !entities.iter().all(is_name) {
        return Err(Refusal::AuthorizationDetailsMalformed);
    }
    let Some(locations) = locations else {
        // The names of entity sets mean nothing without a data source.
        let alone = entities.is_empty();
        return if alone {
            Ok(RequestedData::Any { writes })
        } else {
            Err(Refusal::AuthorizationDetailsMalformed)
        };
    };
    if locations.len() > 1 && !entities.is_empty() {
        return Err(Refusal::AuthorizationDetailsMalformed);
    }
    let locations = resource::normalised(locations.iter().map(String::as_str))
        .map_err(|_| Refusal::AuthorizationDetailsLocation)?;
    let named =
        locations.into_iter().map(|location| NamedData { location, entities: entities.clone(), writes });
    Ok(RequestedData::Named(named.collect()))
}

/// Whether the actions contain `write`. It does not go without `read`: what is changed is also answered.
fn writes(actions: Option<&[String]>) -> Result<bool, Refusal> {
    let Some(actions) = actions else { return Ok(false) };
    let is_known = |action: &String| action == READ || action == WRITE;
    let reads = actions.iter().any(|action| action == READ);
    if !reads || !actions.iter().all(is_known) {
        return Err(Refusal::AuthorizationDetailsAction);
    }
    Ok(actions.iter().any(|action| action == WRITE))
}

/// Adds a data source; one that is named twice is named with the entity sets of both.
fn add(all: &mut Vec<NamedData>, one: NamedData) {
    match all.iter_mut().find(|known| known.location == one.location) {
        None => all.push(one),
        Some(known) => {
            known.writes |= one.writes;
            widen(&mut known.entities, one.entities);
        }
    }
}

/// Adds entity sets to those of the same data source. All of them are an empty list.
pub(crate) fn widen(entities: &mut Vec<String>, more: Vec<String>) {
    if entities.is_empty() || more.is_empty() {
        entities.clear();
    } else {
        entities.extend(more);
    }
}

/// An element as it is shown to clients and resource servers ([RFC 9396
/// §7](https://www.rfc-editor.org/rfc/rfc9396#section-7)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantedElement {
    r#type: &'static str,
    locations: [String; 1],
    actions: &'static [&'static str],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    datatypes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    except_locations: Vec<String>,
}

impl GrantedElement {
    /// The element for all data sources that the user can read, now and later, except those with these names.
    pub fn others<'a>(except: impl IntoIterator<Item = &'a str>, public_url: &str) -> Self {
        Self {
            r#type: DATA_SOURCE,
            locations: [Resource::Data(DataEndpoint::OData).canonical(public_url)],
            actions: &[READ],
            datatypes: Vec::new(),
            except_locations: except
                .into_iter()
                .map(|name| resource::source(DataEndpoint::OData, name, public_url))
                .collect(),
        }
    }

    /// The number of data sources that it excepts.
    pub fn exceptions(&self) -> usize {
        self.except_locations.len()
    }

    /// The element for a data source with this name: all of it, or some entity sets if there are any; and whether it may be
    /// changed.
    pub fn new(source: &str, entities: &[String], writes: bool, public_url: &str) -> Self {
        Self {
            r#type: DATA_SOURCE,
            locations: [resource::source(DataEndpoint::OData, source, public_url)],
            actions: if writes { &[READ, WRITE] } else { &[READ] },
            datatypes: entities.to_vec(),
            except_locations: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(location: &str, entities: &[&str]) -> NamedData {
        let entities = entities.iter().map(|one| (*one).to_owned()).collect();
        NamedData { location: location.to_owned(), entities, writes: false }
    }

    #[test]
    fn data_sources_are_read() {
        for (text, expected) in [
            (r#"[{"type":"data_source"}]"#, RequestedData::Any { writes: false }),
            (
                r#"[{"type":"data_source","locations":["HTTPS://g.example/api/odata4/a/"],"actions":["read"],"datatypes":["Ships"]},
                    {"type":"data_source","locations":["https://g.example/api/odata4/b","https://g.example/api/odata4/c"]},
                    {"type":"data_source","locations":["https://g.example/api/odata4/a"],"datatypes":["Ports"]}]"#,
                RequestedData::Named(vec![
                    named("https://g.example/api/odata4/a", &["Ships", "Ports"]),
                    named("https://g.example/api/odata4/b", &[]),
                    named("https://g.example/api/odata4/c", &[]),
                ]),
            ),
            (
                r#"[{"type":"data_source","locations":["https://g.example/api/odata4/a"]},{"type":"data_source"}]"#,
                RequestedData::Any { writes: false },
            ),
        ] {
            assert_eq!(parse_text(Some(text)), Ok(Some(expected)), "{text}");
        }
        assert_eq!(parse_text(None), Ok(None));
    }

    #[test]
    fn everything_else_is_refused() {
        let (malformed, kind) =
            (Refusal::AuthorizationDetailsMalformed, Refusal::AuthorizationDetailsTypeUnknown);
        let many = format!("[{}]", vec![r#"{"type":"data_source"}"#; 17].join(","));
        for (text, refusal) in [
            ("", malformed),
            ("{}", malformed),
            ("[]", malformed),
            ("null", malformed),
            ("[1]", malformed),
            (r#"{"type":"data_source"}"#, malformed),
            (r#"[["data_source"]]"#, malformed),
            (r#"[{"type":"data_source","type":"data_source"}]"#, malformed),
            (r#"[{"type":"data_source","locations":["https://a/"],"locations":["https://b/"]}]"#, malformed),
            ("[{}]", kind),
            (r#"[{"type":"payment"}]"#, kind),
            (r#"[{"type":["data_source"]}]"#, kind),
            (r#"[{"type":"data_source","rows":1}]"#, malformed),
            (r#"[{"type":"data_source","privileges":["x"]}]"#, malformed),
            (r#"[{"type":"data_source","locations":"https://g.example/"}]"#, malformed),
            (r#"[{"type":"data_source","locations":[]}]"#, malformed),
            (r#"[{"type":"data_source","locations":["/a"]}]"#, Refusal::AuthorizationDetailsLocation),
            (
                r#"[{"type":"data_source","locations":["https://g.example/#f"]}]"#,
                Refusal::AuthorizationDetailsLocation,
            ),
            (r#"[{"type":"data_source","actions":[]}]"#, Refusal::AuthorizationDetailsAction),
            (r#"[{"type":"data_source","actions":["delete"]}]"#, Refusal::AuthorizationDetailsAction),
            (r#"[{"type":"data_source","datatypes":["Ships"]}]"#, malformed),
            (
                r#"[{"type":"data_source","locations":["https://a/","https://b/"],"datatypes":["x"]}]"#,
                malformed,
            ),
            (r#"[{"type":"data_source","locations":["https://a/"],"datatypes":[""]}]"#, malformed),
            (many.as_str(), malformed),
        ] {
            assert_eq!(parse_text(Some(text)), Err(refusal), "{text}");
        }
        let deep = format!("{}{}", "[".repeat(4_000), "]".repeat(4_000));
        assert_eq!(parse_text(Some(&deep)), Err(malformed));
    }

    /// Each is looked for before anybody has signed in.
    #[test]
    fn a_request_names_at_most_as_many_data_sources_as_a_token_can_carry() {
        let naming = |count: usize| {
            let locations: Vec<String> =
                (0..count).map(|number| format!("https://g.example/api/odata4/s{number}")).collect();
            let elements: Vec<Value> = locations
                .chunks(8)
                .map(|some| serde_json::json!({ "type": "data_source", "locations": some }))
                .collect();
            parse_text(Some(&Value::from(elements).to_string()))
        };
        assert!(
            matches!(naming(MOST_SOURCES), Ok(Some(RequestedData::Named(all))) if all.len() == MOST_SOURCES)
        );
        assert_eq!(naming(MOST_SOURCES + 1), Err(Refusal::AuthorizationDetailsMalformed));
    }

    #[test]
    fn what_was_granted_is_reported() {
        let element = GrantedElement::new("my ships", &["Ships".to_owned()], false, "https://g.example");
        assert_eq!(
            serde_json::to_string(&element).unwrap(),
            r#"{"type":"data_source","locations":["https://g.example/api/odata4/my%20ships"],"actions":["read"],"datatypes":["Ships"]}"#
        );
        let element = GrantedElement::others(["my ships"], "https://g.example");
        assert_eq!(
            serde_json::to_string(&element).unwrap(),
            r#"{"type":"data_source","locations":["https://g.example/api/odata4"],"actions":["read"],"except_locations":["https://g.example/api/odata4/my%20ships"]}"#
        );
        let reported = r#"[{"type":"data_source","locations":["https://g.example/api/odata4"],"except_locations":["https://g.example/api/odata4/a"]}]"#;
        assert_eq!(
            parse_text(Some(reported)),
            Err(Refusal::AuthorizationDetailsMalformed),
            "in a request the user chooses"
        );
    }
}
