//! The documentation of the management API: the OpenAPI document, and the same as a page that loads nothing
//! from other sites.

use std::sync::OnceLock;

use askama::Template;
use bytes::Bytes;
use serde_json::Value;

use crate::filters;
use crate::http::base_path::BasePath;

/// The OpenAPI 3.1 document, as committed under `docs/`.
pub const OPENAPI: &str = include_str!("../../../docs/openapi.json");

/// The documentation as it is served below the path of the public URL.
pub(crate) struct Reference {
    base: BasePath,
    openapi: Bytes,
    /// Rendered when it is first asked for; all responses share the bytes.
    page: OnceLock<Option<Bytes>>,
}

impl Reference {
    pub(crate) fn new(base: &BasePath) -> Self {
        let openapi = if base.is_root() {
            Bytes::from_static(OPENAPI.as_bytes())
        } else {
            // The address of the server, to which clients append the paths.
            OPENAPI.replacen(SERVER, &format!("\"url\": \"{base}\""), 1).into()
        };
        Self { base: base.clone(), openapi, page: OnceLock::new() }
    }

    /// The OpenAPI document, with the address of this server.
    pub(crate) fn openapi(&self) -> Bytes {
        self.openapi.clone()
    }

    /// The document as a page; `None` if it cannot be rendered.
    pub(crate) fn page(&self) -> Option<Bytes> {
        let render = || ReferencePage::of(OPENAPI).render_with_values(&self.base).ok().map(Bytes::from);
        self.page.get_or_init(render).clone()
    }
}

/// The address of the server in the document.
const SERVER: &str = "\"url\": \"/\"";

/// The content of the page, in the order of the document.
#[derive(Debug, Template)]
#[template(path = "reference.html")]
struct ReferencePage {
    title: String,
    description: Prose,
    groups: Vec<Group>,
    shapes: Vec<Shape>,
}

#[derive(Debug)]
struct Group {
    name: String,
    operations: Vec<Operation>,
}

#[derive(Debug)]
struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    description: Prose,
    parameters: Vec<Parameter>,
    body: Option<Kind>,
    responses: Vec<Answer>,
}

#[derive(Debug)]
struct Parameter {
    name: String,
    place: String,
    kind: Kind,
    description: Prose,
}

#[derive(Debug)]
struct Answer {
    status: String,
    description: Prose,
    kind: Option<Kind>,
}

#[derive(Debug)]
struct Shape {
    name: String,
    members: Vec<MemberDescription>,
}

#[derive(Debug)]
struct MemberDescription {
    name: String,
    required: bool,
    kind: Kind,
    description: Prose,
}

/// The type of a value in words, with the named schema to which it refers.
#[derive(Debug)]
struct Kind {
    words: String,
    shape: Option<String>,
}

/// A description, in which names are between backquotes.
#[derive(Debug)]
struct Prose(String);

/// A run of a description.
#[derive(Debug, PartialEq, Eq)]
struct Span<'a> {
    is_code: bool,
    text: &'a str,
}

const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

impl Prose {
    /// The description of a part of the document.
    fn of(holder: &Value) -> Self {
        Self(text(&holder["description"]))
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn spans(&self) -> impl Iterator<Item = Span<'_>> {
        let runs = self.0.split('`').enumerate().filter(|(_, text)| !text.is_empty());
        runs.map(|(at, text)| Span { is_code: at % 2 == 1, text })
    }
}

impl ReferencePage {
    fn of(document: &str) -> Self {
        let document: Value = serde_json::from_str(document).unwrap_or_default();
        let tags = document["tags"].as_array().into_iter().flatten();
        Self {
            title: text(&document["info"]["title"]),
            description: Prose::of(&document["info"]),
            groups: tags.map(|tag| Group::of(&text(&tag["name"]), &document["paths"])).collect(),
            shapes: members(&document["components"]["schemas"])
                .map(|(name, schema)| Shape::of(name, schema))
                .collect(),
        }
    }
}

impl Group {
    fn of(tag: &str, paths: &Value) -> Self {
        let all = members(paths).flat_map(|(path, item)| METHODS.map(|method| (path, method, &item[method])));
        let own = all.filter(|(_, _, operation)| operation["tags"][0] == tag);
        let operations =
            own.map(|(path, method, operation)| Operation::of(path, method, operation)).collect();
        Self { name: tag.to_owned(), operations }
    }
}

impl Operation {
    fn of(path: &str, method: &str, operation: &Value) -> Self {
        let parameters =
            operation["parameters"].as_array().into_iter().flatten().map(Parameter::of).collect();
        let answers =
            members(&operation["responses"]).map(|(status, answer)| Answer::of(status, answer)).collect();
        Self {
            id: text(&operation["operationId"]),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text(&operation["summary"]),
            description: Prose::of(operation),
            parameters,
            body: content(&operation["requestBody"]),
            responses: answers,
        }
    }
}

impl Parameter {
    fn of(parameter: &Value) -> Self {
        Self {
            name: text(&parameter["name"]),
            place: text(&parameter["in"]),
            kind: Kind::of(&parameter["schema"]),
            description: Prose::of(parameter),
        }
    }
}

impl Answer {
    fn of(status: &str, answer: &Value) -> Self {
        Self { status: status.to_owned(), description: Prose::of(answer), kind: content(answer) }
    }
}

impl Shape {
    fn of(name: &str, schema: &Value) -> Self {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let member = |(name, schema): (&str, &Value)| MemberDescription {
            name: name.to_owned(),
            required: required.iter().any(|required| required == name),
            kind: Kind::of(schema),
            description: Prose::of(schema),
        };
        Self { name: name.to_owned(), members: members(&schema["properties"]).map(member).collect() }
    }
}

impl Kind {
    fn of(schema: &Value) -> Self {
        if let Some(shape) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            return Self { words: shape.to_owned(), shape: Some(shape.to_owned()) };
        }
        if let Some(values) = schema["enum"].as_array() {
            let words = values.iter().map(spelled).collect::<Vec<_>>().join(" | ");
            return Self { words, shape: None };
        }
        if !schema["const"].is_null() {
            return Self { words: spelled(&schema["const"]), shape: None };
        }
        match schema["type"].as_str() {
            Some("array") => {
                let items = Self::of(&schema["items"]);
                Self { words: format!("array of {}", items.words), shape: items.shape }
            }
            Some("object") => Self::of_object(&schema["properties"]),
            Some(name) => Self { words: text_or(&schema["format"], name), shape: None },
            None if schema["type"].is_array() => {
                Self { words: text_or(&schema["format"], "value"), shape: None }
            }
            None => Self { words: "any".to_owned(), shape: None },
        }
    }

    fn of_object(properties: &Value) -> Self {
        let parts = members(properties).map(|(name, schema)| (name, Self::of(schema))).collect::<Vec<_>>();
        let words =
            parts.iter().map(|(name, kind)| format!("{name}: {}", kind.words)).collect::<Vec<_>>().join(", ");
        let shape = parts.into_iter().find_map(|(_, kind)| kind.shape);
        Self { words: if words.is_empty() { "object".to_owned() } else { format!("{{ {words} }}") }, shape }
    }
}

fn members(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    object.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn content(holder: &Value) -> Option<Kind> {
    members(&holder["content"]).next().map(|(_, media)| Kind::of(&media["schema"]))
}

fn text(value: &Value) -> String {
    text_or(value, "")
}

fn text_or(value: &Value, otherwise: &str) -> String {
    value.as_str().unwrap_or(otherwise).to_owned()
}

fn spelled(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Samples of the page.
#[cfg(test)]
pub(crate) fn samples() -> Vec<String> {
    vec![crate::pages::tests::rendered(&ReferencePage::of(OPENAPI))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_every_operation_and_schema_of_the_document() {
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        let reference = ReferencePage::of(OPENAPI);
        let shown = reference.groups.iter().flat_map(|group| &group.operations).count();
        let methods = |item: &Value| METHODS.into_iter().filter(|method| !item[method].is_null()).count();
        let described: usize = members(&document["paths"]).map(|(_, item)| methods(item)).sum();
        assert_eq!(shown, described);
        assert_eq!(reference.shapes.len(), members(&document["components"]["schemas"]).count());
    }

    #[test]
    fn names_between_backquotes_are_code() {
        let prose = Prose("`a` and `b`.".to_owned());
        let spans: Vec<_> = prose.spans().map(|span| (span.is_code, span.text)).collect();
        assert_eq!(spans, [(true, "a"), (false, " and "), (true, "b"), (false, ".")]);
    }

    #[test]
    fn every_reference_of_the_document_names_a_schema() {
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        let references =
            OPENAPI.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
        for name in references {
            assert!(!document["components"]["schemas"][name].is_null(), "{name} is missing");
        }
    }

    #[test]
    fn operation_ids_are_unique() {
        let reference = ReferencePage::of(OPENAPI);
        let mut ids: Vec<&str> = reference
            .groups
            .iter()
            .flat_map(|group| &group.operations)
            .map(|operation| &*operation.id)
            .collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}
