//! Encodes rows with the rows that are related to them.
//!
//! One related entity is in the same row of the statement and is written at once. Many are rows of another
//! statement: a gap is left for them.

use super::fast_path::RowBuffer;
use super::{Encoder, InvalidValues, name_of, separate};
use crate::cell::{Cell, Row};

/// An expanded navigation property.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expanded {
    /// The name with its colon.
    name: Vec<u8>,
    /// The name of the number of related rows, and its column, if it is wanted.
    count: Option<(Vec<u8>, usize)>,
    content: ExpandedContent,
}

impl Expanded {
    /// A navigation property with this name. `count` is the column with the number of related rows, if it is wanted.
    pub(crate) fn new(name: &str, count: Option<usize>, content: ExpandedContent) -> Self {
        let labelled = |label: &str| {
            let mut written = Vec::new();
            name_of(&mut written, label);
            written
        };
        let count = count.map(|column| (labelled(&format!("{name}@odata.count")), column));
        Self { name: labelled(name), count, content }
    }
}

/// What is written of related rows, besides their number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ExpandedContent {
    Nothing,
    /// One entity; the column is null if there is none.
    One {
        present: usize,
        encoder: Box<Encoder>,
    },
    /// Many entities, in the gap with this number.
    Many(usize),
    /// Many entities, of which none are wanted.
    None,
}

/// A place in which entities are still missing, and the number of the gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    /// The place in the bytes.
    pub(crate) at: usize,
    pub(crate) number: usize,
}

impl Encoder {
    /// Writes an entity of a collection, and appends its gaps.
    pub(crate) fn entity_with_gaps(
        &self,
        out: &mut Vec<u8>,
        row: &impl Row,
        gaps: &mut Vec<Gap>,
    ) -> InvalidValues {
        out.push(b'{');
        self.content_with_gaps(out, row, gaps)
    }

    /// Writes one entity as a complete body, and appends its gaps.
    pub(crate) fn body_with_gaps(
        &self,
        out: &mut Vec<u8>,
        row: &impl Row,
        gaps: &mut Vec<Gap>,
    ) -> InvalidValues {
        out.extend_from_slice(&self.head);
        self.content_with_gaps(out, row, gaps)
    }

    /// Writes what follows the opening brace or the context.
    fn content_with_gaps(&self, out: &mut Vec<u8>, row: &impl Row, gaps: &mut Vec<Gap>) -> InvalidValues {
        self.start_entity(out, row);
        // The first name of an entity brings its own brace if nothing precedes it.
        let brings_brace =
            self.values.fields.first().is_some_and(|field| field.before.bytes().starts_with(b"{"));
        if brings_brace && out.last() == Some(&b'{') {
            out.pop();
        }
        let mut row_buffer = RowBuffer::new(out);
        let mut invalid_values = self.values.write(&mut row_buffer, row);
        row_buffer.finish();
        for expanded in &self.expanded {
            let InvalidValues { values, promised } = self.expanded(expanded, out, row, gaps);
            invalid_values.values += values;
            invalid_values.promised += promised;
        }
        out.push(b'}');
        invalid_values
    }

    fn expanded(
        &self,
        expanded: &Expanded,
        out: &mut Vec<u8>,
        row: &impl Row,
        gaps: &mut Vec<Gap>,
    ) -> InvalidValues {
        let Expanded { name, count, content } = expanded;
        if let Some((label, column)) = count
            && let Cell::Integer(count) = row.cell(*column)
        {
            separate(out);
            out.extend_from_slice(label);
            self.number(out, count);
        }
        if *content == ExpandedContent::Nothing {
            return InvalidValues::default();
        }
        separate(out);
        out.extend_from_slice(name);
        match content {
            ExpandedContent::One { present, encoder } if row.cell(*present) != Cell::Null => {
                return encoder.entity_with_gaps(out, row, gaps);
            }
            ExpandedContent::One { .. } => out.extend_from_slice(b"null"),
            ExpandedContent::Many(number) => gaps.push(Gap { at: out.len(), number: *number }),
            ExpandedContent::None => out.extend_from_slice(b"[]"),
            ExpandedContent::Nothing => {}
        }
        InvalidValues::default()
    }
}
