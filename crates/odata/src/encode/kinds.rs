//! The values of rows, which may be of several kinds.

use super::fast_path::RowBuffer;
use super::nesting::Nesting;
use super::value::Writing;
use super::{BodyKind, Field, InvalidValues, Shape, Slot, name_of};
use crate::cell::{Cell, Row};
use crate::edm_type::EdmType;
use crate::format::MetadataLevel;

/// Rows of several kinds, each of which has some of the values that are shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RowKinds {
    /// The index of the statement's column with the number of the kind, from zero.
    pub(crate) column: usize,
    /// For each kind, which of the values it has.
    pub(crate) shown: Vec<Vec<bool>>,
}

/// What precedes the first name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// The brace, which it brings.
    Brace,
    /// Another member.
    Comma,
    /// The brace, which is there.
    Nothing,
}

/// The values of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Values {
    pub(super) fields: Vec<Field>,
    /// The number of objects that end with a row, besides itself.
    pub(super) ends: usize,
    /// Whether nulls are left out; then no name brings what is before it.
    omits_nulls: bool,
    /// Whether they bring the brace.
    opens: bool,
}

/// The values of the kind with this number.
pub(super) fn of<'v>(kinds: &'v [Values], number: Cell<'_>) -> Option<&'v Values> {
    let Cell::Integer(number) = number else { return None };
    kinds.get(usize::try_from(number).ok()?)
}

impl Values {
    /// The values in these places.
    pub(super) fn of(shape: &Shape<'_>, slots: &[Slot<'_>], start: Start) -> Self {
        let full = shape.format.metadata == MetadataLevel::Full;
        let single = shape.subject == BodyKind::Property;
        let opens = start == Start::Brace;
        let mut first = opens;
        let omits_nulls = shape.format.omits_nulls && shape.subject.has_entities();
        let mut nesting = Nesting::default();
        let mut fields = Vec::with_capacity(slots.len());
        for Slot { column, property } in slots.iter().copied() {
            let mut before = Vec::with_capacity(property.name.len() + 4);
            let way = nesting.to(if single { "value" } else { &property.name });
            before.resize(way.ends, b'}');
            for entity in way.starts {
                before.push(if first { b'{' } else { b',' });
                name_of(&mut before, entity);
                first = true;
            }
            let name = way.name;
            if full && needs_type(property.ty) {
                before.push(if first { b'{' } else { b',' });
                first = false;
                let annotated = if single { "" } else { name };
                name_of(&mut before, &format!("{annotated}@odata.type"));
                before.extend(format!("\"#{}\"", &property.ty.name()["Edm.".len()..]).bytes());
            }
            before.push(if first { b'{' } else { b',' });
            first = false;
            name_of(&mut before, name);
            if omits_nulls || (start == Start::Nothing && fields.is_empty()) {
                before.remove(0);
            }
            fields.push(Field {
                before: before.into(),
                column,
                writing: Writing::of(property.reading(), shape.format),
                annotated: !single && shape.format.metadata != MetadataLevel::None,
                promised: !property.nullable,
            });
        }
        Self { fields, ends: nesting.depth(), omits_nulls, opens }
    }

    /// Writes them.
    #[inline]
    pub(super) fn write(&self, row_buffer: &mut RowBuffer<'_>, row: &impl Row) -> InvalidValues {
        if self.omits_nulls {
            return self.write_some(row_buffer, row);
        }
        let mut invalid_values = InvalidValues::default();
        for field in &self.fields {
            let cell = row.cell(field.column);
            let fits = row_buffer.field(field, cell);
            if !fits || matches!(cell, Cell::Null) {
                invalid_values.values += u64::from(!fits);
                invalid_values.promised += u64::from(field.promised);
            }
        }
        invalid_values
    }
}

impl Values {
    /// Writes those that are not null. A value that does not fit its type has an annotation, which stays.
    #[inline(never)]
    fn write_some(&self, row_buffer: &mut RowBuffer<'_>, row: &impl Row) -> InvalidValues {
        let mut invalid_values = InvalidValues::default();
        if self.opens && row_buffer.last() != Some(b'{') {
            row_buffer.byte(b'{');
        }
        for field in &self.fields {
            let cell = row.cell(field.column);
            if matches!(cell, Cell::Null) {
                invalid_values.promised += u64::from(field.promised);
                continue;
            }
            if row_buffer.last() != Some(b'{') {
                row_buffer.byte(b',');
            }
            if !row_buffer.field(field, cell) {
                invalid_values.values += 1;
                invalid_values.promised += u64::from(field.promised);
            }
        }
        invalid_values
    }
}

/// JSON itself distinguishes only Booleans, strings and doubles ([OData JSON 4.01
/// §4.6.3](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_ControlInformationtypeodatatype)).
fn needs_type(ty: EdmType) -> bool {
    !matches!(ty, EdmType::Boolean | EdmType::String { .. } | EdmType::Double)
}
