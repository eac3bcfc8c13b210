//! The elements of a metadata document as members of JSON objects ([OData CSDL JSON
//! 4.01](https://docs.oasis-open.org/odata/odata-csdl-json/v4.01/odata-csdl-json-v4.01.html)).

use crate::encode::text;

/// The document so far.
pub(super) struct Json {
    out: Vec<u8>,
    open: Vec<Frame>,
    /// The qualified name of the entity container.
    container: String,
}

/// An element that is open.
struct Frame {
    /// What its end writes; `None` if its children belong to its parent, or are its value.
    end: Option<&'static str>,
    /// Whether its object or array is empty so far.
    is_empty: bool,
    /// The member whose object contains the last children; equal ones follow each other.
    group: Option<&'static str>,
}

/// Elements whose siblings are members of one object.
const GROUPED: [(&str, &str, &str, &str); 2] = [
    ("ReferentialConstraint", "$ReferentialConstraint", "Property", "ReferencedProperty"),
    ("NavigationPropertyBinding", "$NavigationPropertyBinding", "Path", "Target"),
];

/// The attributes of properties that have a member of their own, and whether it is a number.
const FACETS: [(&str, &str, bool); 5] = [
    ("MaxLength", "$MaxLength", true),
    ("Precision", "$Precision", true),
    ("Scale", "$Scale", true),
    ("Partner", "$Partner", false),
    ("DefaultValue", "$DefaultValue", false),
];

type Attributes<'a> = [(&'a str, &'a str)];

impl Json {
    /// An empty document with an entity container of this name.
    pub(super) fn new(container: String) -> Self {
        Self { out: Vec::new(), open: Vec::new(), container }
    }

    pub(super) fn open(&mut self, name: &str, attributes: &Attributes<'_>) {
        let named = |key| attribute(attributes, key).unwrap_or_default();
        match name {
            "edmx:Edmx" => {
                self.enter(None, "{", "}");
                // The oldest version that has this form.
                self.text("$Version", "4.01");
                let container = std::mem::take(&mut self.container);
                self.text("$EntityContainer", &container);
            }
            "edmx:Reference" => {
                self.begin(Some("$Reference"), Some(named("Uri")));
                self.push(r#"{"$Include":["#, Some("]}"));
            }
            "Schema" => self.enter(Some(named("Namespace")), "{", "}"),
            "EntityType" | "EntityContainer" | "NavigationProperty" | "Term" => {
                self.enter(Some(named("Name")), "{", "}");
                self.text("$Kind", name);
                self.facets(name, attributes);
            }
            "Property" => {
                self.enter(Some(named("Name")), "{", "}");
                self.facets(name, attributes);
            }
            "EntitySet" => {
                self.enter(Some(named("Name")), "{", "}");
                self.raw("$Collection", "true");
                self.text("$Type", named("EntityType"));
            }
            "Key" => self.enter(Some("$Key"), "[", "]"),
            "Collection" => self.enter(None, "[", "]"),
            "Record" => self.enter(None, "{", "}"),
            "Annotation" | "PropertyValue" => {
                self.begin(None, Some(&member(name, attributes)));
                self.push("", None);
            }
            // Its children are members of the document.
            _ => self.push("", None),
        }
    }

    pub(super) fn leaf(&mut self, name: &str, attributes: &Attributes<'_>) {
        let named = |key| attribute(attributes, key).unwrap_or_default();
        if let Some((_, group, key, value)) = GROUPED.iter().find(|(element, ..)| *element == name) {
            self.begin(Some(group), Some(named(key)));
            return self.string(named(value));
        }
        match name {
            "edmx:Include" => {
                self.enter(None, "{", "}");
                self.text("$Namespace", named("Namespace"));
                self.close();
            }
            "PropertyRef" => {
                self.begin(None, None);
                self.string(named("Name"));
            }
            "Annotation" | "PropertyValue" => {
                self.begin(None, Some(&member(name, attributes)));
                let value =
                    attributes.iter().find(|(key, _)| !matches!(*key, "Term" | "Property" | "Qualifier"));
                // A term without a value has its default, which is true for a tag.
                let (kind, value) = value.copied().unwrap_or(("Bool", "true"));
                self.value(kind, value);
            }
            _ => {
                self.open(name, attributes);
                self.close();
            }
        }
    }

    /// An item of a collection.
    pub(super) fn element(&mut self, name: &str, text: &str) {
        self.begin(None, None);
        self.value(name, text);
    }

    pub(super) fn close(&mut self) {
        let Some(frame) = self.open.pop() else { return };
        if frame.group.is_some() {
            self.out.push(b'}');
        }
        self.out.extend_from_slice(frame.end.unwrap_or_default().as_bytes());
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Begins a member or an item of the element that is open; its value follows.
    fn begin(&mut self, group: Option<&'static str>, name: Option<&str>) {
        // The document itself, and the only value of an annotation, stand alone.
        let is_value = name.is_none() && self.is_in_annotation();
        let container = self.open.iter_mut().rev().find(|frame| frame.end.is_some());
        if let Some(frame) = container.filter(|_| !is_value) {
            let continues = frame.group == group && group.is_some();
            if frame.group.is_some() && !continues {
                self.out.push(b'}');
            }
            if !std::mem::take(&mut frame.is_empty) {
                self.out.push(b',');
            }
            frame.group = group;
            if let Some(group) = group.filter(|_| !continues) {
                text::string(&mut self.out, group.as_bytes());
                self.out.extend_from_slice(b":{");
            }
        }
        if let Some(name) = name {
            self.string(name);
            self.out.push(b':');
        }
    }

    /// Whether the element that was opened last is an annotation or a property of a record, whose child is its value.
    fn is_in_annotation(&self) -> bool {
        self.open.last().is_some_and(|frame| frame.end.is_none())
    }

    fn enter(&mut self, name: Option<&str>, start: &'static str, end: &'static str) {
        self.begin(None, name);
        self.push(start, Some(end));
    }

    fn push(&mut self, start: &str, end: Option<&'static str>) {
        self.out.extend_from_slice(start.as_bytes());
        self.open.push(Frame { end, is_empty: true, group: None });
    }

    /// The type of a property and its facets. What is not nullable says nothing here, and what has no type is a string.
    fn facets(&mut self, element: &str, attributes: &Attributes<'_>) {
        let ty = attribute(attributes, "Type");
        let items = ty.and_then(|ty| ty.strip_prefix("Collection(")?.strip_suffix(')'));
        if items.is_some() {
            self.raw("$Collection", "true");
        }
        if let Some(ty) = items.or(ty).filter(|ty| *ty != "Edm.String") {
            self.text("$Type", ty);
        }
        let may_be_null = element == "Property" || (element == "NavigationProperty" && items.is_none());
        if may_be_null && attribute(attributes, "Nullable") != Some("false") {
            self.raw("$Nullable", "true");
        }
        for (name, member, is_number) in FACETS {
            match attribute(attributes, name) {
                Some(value) if is_number && value != "variable" => self.raw(member, value),
                Some(value) => self.text(member, value),
                None => {}
            }
        }
        if let Some(applies) = attribute(attributes, "AppliesTo") {
            self.enter(Some("$AppliesTo"), "[", "]");
            for target in applies.split(' ') {
                self.begin(None, None);
                self.string(target);
            }
            self.close();
        }
    }

    /// A constant expression.
    fn value(&mut self, kind: &str, text: &str) {
        match kind {
            "Bool" | "Int" | "Decimal" | "Float" => self.out.extend_from_slice(text.as_bytes()),
            "EnumMember" => {
                let members: Vec<&str> =
                    text.split(' ').map(|member| member.rsplit('/').next().unwrap_or(member)).collect();
                self.string(&members.join(","));
            }
            "Path" => {
                self.out.extend_from_slice(br#"{"$Path":"#);
                self.string(text);
                self.out.push(b'}');
            }
            _ => self.string(text),
        }
    }

    fn text(&mut self, name: &str, value: &str) {
        self.begin(None, Some(name));
        self.string(value);
    }

    /// A member whose value is JSON already.
    fn raw(&mut self, name: &str, value: &str) {
        self.begin(None, Some(name));
        self.out.extend_from_slice(value.as_bytes());
    }

    fn string(&mut self, value: &str) {
        text::string(&mut self.out, value.as_bytes());
    }
}

/// The name of the member of an annotation or of a property of a record.
fn member(element: &str, attributes: &Attributes<'_>) -> String {
    let named = |key| attribute(attributes, key);
    match (element, named("Qualifier")) {
        ("Annotation", Some(qualifier)) => format!("@{}#{qualifier}", named("Term").unwrap_or_default()),
        ("Annotation", None) => format!("@{}", named("Term").unwrap_or_default()),
        _ => named("Property").unwrap_or_default().to_owned(),
    }
}

/// The value of an attribute.
fn attribute<'a>(attributes: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
}
