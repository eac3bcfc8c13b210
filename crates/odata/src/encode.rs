//! Encodes rows as JSON, or as CSV, without an intermediate form.
//!
//! An [`Encoder`] is prepared once for each plan: for each column, the bytes before its value and the way to
//! write it. Running it only allocates the output.

pub(crate) mod crossed;
mod csv;
pub(crate) mod expanded;
mod fast_path;
pub(crate) mod id;
pub(crate) mod kinds;
pub(crate) mod nesting;
mod tag;
pub(crate) mod text;
pub(crate) mod value;
mod written;

use crate::cell::Row;
use crate::edm_type::EdmType;
use crate::entity_tag::EntityTag;
use crate::format::{Format, MetadataLevel, Notation};
use crate::model::{EntityType, Model, Property};
use crossed::Combined;
use expanded::Expanded;
use fast_path::{Before, RowBuffer};
use id::Id;
use kinds::{RowKinds, Start, Values};
use tag::TagWriting;
use value::Writing;
pub use written::{InvalidValues, Written};

/// The content of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyKind {
    Collection,
    Entity,
    /// Groups, which have no ids.
    Groups,
    /// Combinations of entities.
    Combinations,
    /// Only the ids of entities.
    References,
    /// Only the id of an entity.
    Reference,
    Property,
}

impl BodyKind {
    /// Whether it has the values of many rows.
    fn is_of_rows(self) -> bool {
        matches!(self, Self::Collection | Self::Groups)
    }

    /// Whether it has the names of properties.
    fn has_entities(self) -> bool {
        matches!(self, Self::Collection | Self::Groups | Self::Entity)
    }
}

/// The parameters of an encoder.
pub(crate) struct Shape<'a> {
    pub(crate) model: &'a Model,
    pub(crate) entity_type: &'a EntityType,
    pub(crate) shown: Vec<Slot<'a>>,
    /// The kinds of rows that do not have all of them.
    pub(crate) kinds: Option<RowKinds>,
    /// If the rows are of a cross join: the members of each, unless they are groups.
    pub(crate) cross_join: Option<Vec<Combined>>,
    /// What is selected and expanded, as the context URL lists it; `None` for everything that is not expanded.
    pub(crate) list: Option<String>,
    /// The names of the navigation properties whose links are written with the ids.
    pub(crate) links: &'a [&'a str],
    /// The navigation properties that are expanded.
    pub(crate) expanded: Vec<Expanded>,
    pub(crate) subject: BodyKind,
    /// The decoded segments of the resource path.
    pub(crate) path: &'a [&'a str],
    /// The key, if ids are written.
    pub(crate) key: Vec<Slot<'a>>,
    /// The columns of all properties, if entities have tags.
    pub(crate) tag: Vec<usize>,
    pub(crate) format: Format,
    pub(crate) service_root: &'a str,
}

/// Where a value is in the rows of the statement, and the property that it is a value of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot<'a> {
    /// The index of the statement's column.
    pub(crate) column: usize,
    pub(crate) property: &'a Property,
}

/// Writes the rows of one plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoder {
    /// From the opening brace to the start of the rows or values; of rows alone, what is before the first one.
    head: Vec<u8>,
    notation: Notation,
    /// The text before the id of each row; `None` if ids are not written.
    id: Option<Id>,
    tag: Option<TagWriting>,
    values: Values,
    /// The values of each kind of rows, if there are several, and the column with the number of the kind.
    kinds: Option<(usize, Vec<Values>)>,
    /// The members of each combination of entities, if the rows are such.
    members: Option<Vec<Combined>>,
    expanded: Vec<Expanded>,
    count_as_text: bool,
    value_type: &'static str,
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
struct Field {
    before: Before,
    column: usize,
    writing: Writing,
    /// Whether an annotation marks values that do not fit.
    annotated: bool,
    /// Whether it is never null according to the model.
    promised: bool,
}

/// A collection that is being written.
#[derive(Debug)]
pub struct Body<'e> {
    encoder: &'e Encoder,
    rows: u64,
    invalid_values: InvalidValues,
}

impl Encoder {
    pub(crate) fn new(shape: Shape<'_>) -> Self {
        let tag = TagWriting::new(shape.tag.clone(), shape.format.metadata != MetadataLevel::None);
        let has_start = !shape.key.is_empty() || tag.as_ref().is_some_and(|tag| tag.is_shown);
        let value_type = match shape.shown.as_slice() {
            [Slot { property: Property { ty: EdmType::Binary, .. }, .. }] => "application/octet-stream",
            _ => "text/plain;charset=utf-8",
        };
        let id = (!shape.key.is_empty()).then(|| Id::new(&shape));
        let notation = shape.format.notation;
        let head = match notation {
            Notation::Json => head(&shape),
            Notation::Lines => Vec::new(),
            Notation::Csv if shape.format.omits_names => Vec::new(),
            Notation::Csv => csv::header(shape.shown.iter().map(|slot| slot.property.name.as_str())),
        };
        // After a head without a context, the first name follows without a comma.
        let start = match (shape.subject.is_of_rows(), has_start) {
            (true, false) => Start::Brace,
            (false, false) if head == b"{" => Start::Nothing,
            _ => Start::Comma,
        };
        let values = Values::of(&shape, &shape.shown, start);
        let kinds = shape.kinds.as_ref().map(|kinds| {
            let of_kind = |shown: &Vec<bool>| {
                let slots = shape.shown.iter().zip(shown).filter(|(_, shown)| **shown);
                Values::of(&shape, &slots.map(|(slot, _)| *slot).collect::<Vec<_>>(), start)
            };
            (kinds.column, kinds.shown.iter().map(of_kind).collect())
        });
        let members = shape.cross_join.filter(|_| shape.subject == BodyKind::Combinations);
        let (expanded, count_as_text) = (shape.expanded, shape.format.ieee754_compatible);
        Self { head, notation, id, tag, values, kinds, members, expanded, count_as_text, value_type }
    }

    /// Starts a collection. The total number of rows comes first if the client asked for it.
    pub fn start<'e>(&'e self, out: &mut Vec<u8>, count: Option<i64>) -> Body<'e> {
        out.extend_from_slice(&self.head);
        let body = Body { encoder: self, rows: 0, invalid_values: InvalidValues::default() };
        if self.notation != Notation::Json {
            return body;
        }
        if let Some(count) = count {
            if self.head.len() > 1 {
                out.push(b',');
            }
            out.extend_from_slice(b"\"@odata.count\":");
            self.number(out, count);
        }
        if self.head.len() > 1 || count.is_some() {
            out.push(b',');
        }
        out.extend_from_slice(b"\"value\":[");
        body
    }

    /// What is between two rows that are objects.
    pub(crate) const fn separator(&self) -> u8 {
        if matches!(self.notation, Notation::Json) { b',' } else { b'\n' }
    }

    /// Writes the number of entities.
    fn number(&self, out: &mut Vec<u8>, number: i64) {
        let quote = if self.count_as_text { b"\"".as_slice() } else { b"" };
        out.extend_from_slice(quote);
        out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        out.extend_from_slice(quote);
    }

    /// Writes one entity without expanded navigation properties as a complete body.
    pub fn entity(&self, out: &mut Vec<u8>, row: &impl Row) -> InvalidValues {
        out.extend_from_slice(&self.head);
        self.start_entity(out, row);
        let mut row_buffer = RowBuffer::new(out);
        let invalid_values = self.values.write(&mut row_buffer, row);
        row_buffer.byte(b'}');
        row_buffer.finish();
        invalid_values
    }

    /// Writes the control information of an entity after its opening brace or the context.
    fn start_entity(&self, out: &mut Vec<u8>, row: &impl Row) {
        if let Some(id) = &self.id {
            separate(out);
            id.write(out, row);
        }
        if let Some(tag) = self.tag.as_ref().filter(|tag| tag.is_shown) {
            separate(out);
            tag.write(out, row);
        }
    }

    /// The tag of the entity in a row, if entities of its type have one.
    pub fn tag(&self, row: &impl Row) -> Option<EntityTag> {
        self.tag.as_ref().map(|tag| tag.of(row))
    }

    /// The values that a row has.
    #[inline]
    fn values_of(&self, row: &impl Row) -> &Values {
        match &self.kinds {
            None => &self.values,
            Some((column, kinds)) => kinds::of(kinds, row.cell(*column)).unwrap_or(&self.values),
        }
    }

    /// Writes one property as a complete body, unless it is null.
    pub fn property(&self, out: &mut Vec<u8>, row: &impl Row) -> Written {
        let start = out.len();
        out.extend_from_slice(&self.head);
        let Some(field) = self.values.fields.first() else { return Written::Null };
        out.extend_from_slice(field.before.bytes());
        let value = out.len();
        let fits = field.writing.write(out, row.cell(field.column));
        let written = match (fits, &out[value..]) {
            (false, _) => Written::Invalid,
            (true, b"null") => Written::Null,
            (true, _) => Written::Value,
        };
        if written == Written::Value {
            out.push(b'}');
        } else {
            out.truncate(start);
        }
        written
    }

    /// Writes the raw value of a property, unless it is null.
    pub fn value(&self, out: &mut Vec<u8>, row: &impl Row) -> Written {
        match self.values.fields.first() {
            Some(field) => field.writing.bare(out, row.cell(field.column)),
            None => Written::Null,
        }
    }

    /// Whether the property that this writes is never null according to the model.
    pub fn is_promised(&self) -> bool {
        self.values.fields.first().is_some_and(|field| field.promised)
    }

    /// The `Content-Type` of a raw value.
    pub fn value_media_type(&self) -> &'static str {
        self.value_type
    }
}

impl Body<'_> {
    /// Counts entities that were written by other means.
    pub fn add_rows(&mut self, rows: usize) {
        self.rows += rows as u64;
    }

    /// Writes one entity without expanded navigation properties.
    pub fn row(&mut self, out: &mut Vec<u8>, row: &impl Row) {
        let encoder = self.encoder;
        if encoder.notation == Notation::Csv {
            return self.line(out, row);
        }
        if self.rows > 0 {
            out.push(encoder.separator());
        }
        self.rows += 1;
        if let Some(members) = &encoder.members {
            self.invalid_values.add(crossed::row(out, members, row));
            return;
        }
        let row_values = encoder.values_of(row);
        if encoder.id.is_some() || encoder.tag.is_some() || row_values.fields.is_empty() {
            out.push(b'{');
            encoder.start_entity(out, row);
        }
        let mut row_buffer = RowBuffer::new(out);
        let invalid_values = row_values.write(&mut row_buffer, row);
        self.invalid_values.add(invalid_values);
        for _ in 0..row_values.ends {
            row_buffer.byte(b'}');
        }
        row_buffer.byte(b'}');
        row_buffer.finish();
    }

    /// Writes one row as comma-separated values. Those that a kind of rows does not have are null.
    #[inline(never)]
    fn line(&mut self, out: &mut Vec<u8>, row: &impl Row) {
        self.rows += 1;
        let InvalidValues { values, promised } = csv::row(out, &self.encoder.values.fields, row);
        let promised = if self.encoder.kinds.is_none() { promised } else { 0 };
        self.invalid_values.add(InvalidValues { values, promised });
    }

    /// The number of entities written so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the collection. Rows alone have no place for a next link.
    pub fn finish(self, out: &mut Vec<u8>, next_link: Option<&str>) -> InvalidValues {
        match self.encoder.notation {
            Notation::Json => {}
            Notation::Lines if self.rows > 0 => {
                out.push(b'\n');
                return self.invalid_values;
            }
            Notation::Lines | Notation::Csv => return self.invalid_values,
        }
        out.push(b']');
        if let Some(link) = next_link {
            out.extend_from_slice(b",\"@odata.nextLink\":");
            text::string(out, link.as_bytes());
        }
        out.push(b'}');
        self.invalid_values
    }
}

/// Writes a comma after a member.
fn separate(out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
}

/// Writes `"name":`.
fn name_of(out: &mut Vec<u8>, name: &str) {
    text::string(out, name.as_bytes());
    out.push(b':');
}

/// The opening brace and the context URL
/// ([Protocol §10](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_ContextURL)).
fn head(shape: &Shape<'_>) -> Vec<u8> {
    let mut head = vec![b'{'];
    if shape.format.metadata == MetadataLevel::None {
        return head;
    }
    let mut context = format!("{}$metadata#", shape.service_root);
    if shape.subject == BodyKind::Property {
        let segments: Vec<String> = shape.path.iter().map(|segment| text::in_url(segment)).collect();
        context.push_str(segments.join("/").trim_end_matches("/$value"));
    } else if shape.subject == BodyKind::References {
        context.push_str("Collection($ref)");
    } else if shape.subject == BodyKind::Reference {
        context.push_str("$ref");
    } else if shape.cross_join.is_some() {
        context.push_str("Collection(Edm.ComplexType)");
    } else {
        context.push_str(&text::in_url(&shape.entity_type.name));
        if let Some(list) = &shape.list {
            context.push('(');
            context.push_str(list);
            context.push(')');
        }
        if shape.subject == BodyKind::Entity {
            context.push_str("/$entity");
        }
    }
    name_of(&mut head, "@odata.context");
    text::string(&mut head, context.as_bytes());
    head
}
