//! The rows of one level that are kept until the page is written.

use crate::cell::{Cell, Row, Value};
use crate::encode::expanded::Gap;
use crate::position::Mark;

/// What a row costs besides its content, in bytes.
const ROW: usize = 64;

/// The rows of a level. Those of one parent follow each other, in the order of the parents.
#[derive(Debug, Default)]
pub(super) struct HeldRows {
    /// The written entities, one after the other.
    pub(super) bytes: Vec<u8>,
    pub(super) rows: Vec<Held>,
    pub(super) gaps: Vec<Gap>,
    /// The size of keys and positions.
    other_bytes: usize,
    /// The position after the row with which the level is full.
    pub(super) full: Option<Vec<Mark>>,
    /// The parent of the last row.
    pub(super) parent: usize,
    /// Whether there are rows after the last one of the first level.
    pub(super) more: bool,
    /// The end of the last list, if it is not complete.
    pub(super) cut: Option<Cut>,
}

/// One row.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) parent: usize,
    /// Where its bytes and its gaps end.
    pub(super) end: usize,
    pub(super) gaps: usize,
    /// Its key, if other rows are related to it.
    pub(super) key: Vec<Value>,
    /// The position after it, if other rows are related to it.
    pub(super) marks: Vec<Mark>,
}

/// A list that ends before its last row.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) parent: usize,
    /// The address of the list, relative to the service.
    pub(super) address: String,
    /// The position after its last row, and how many rows precede it.
    pub(super) marks: Vec<Mark>,
    pub(super) written: usize,
    /// The address of the rest.
    pub(super) link: Option<String>,
}

impl HeldRows {
    /// The size in memory, in bytes.
    pub(super) fn weight(&self) -> usize {
        self.bytes.len() + self.other_bytes + ROW * self.rows.len()
    }

    /// Keeps a row whose bytes and gaps were just written.
    pub(super) fn push(&mut self, parent: usize, key: Vec<Value>, marks: Vec<Mark>) {
        self.other_bytes += key.iter().map(Value::bytes).sum::<usize>();
        self.other_bytes += marks.iter().map(Mark::bytes).sum::<usize>();
        self.rows.push(Held { parent, end: self.bytes.len(), gaps: self.gaps.len(), key, marks });
        self.parent = parent;
    }

    /// The first row of a parent that may have rows.
    pub(super) fn first_of(&self, parent: usize) -> usize {
        self.rows.partition_point(|row| row.parent < parent)
    }

    /// The rows of a parent.
    pub(super) fn of(&self, parent: usize) -> std::ops::Range<usize> {
        self.first_of(parent)..self.rows.partition_point(|row| row.parent <= parent)
    }

    /// The bytes of a row, and its gaps.
    pub(super) fn row(&self, index: usize) -> (std::ops::Range<usize>, &[Gap]) {
        let (start, gaps) = match index.checked_sub(1) {
            Some(before) => (self.rows[before].end, self.rows[before].gaps),
            None => (0, 0),
        };
        let held = &self.rows[index];
        (start..held.end, &self.gaps[gaps..held.gaps])
    }

    /// Drops all rows from a certain one.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.rows.truncate(rows);
        let (bytes, gaps) = self.rows.last().map_or((0, 0), |last| (last.end, last.gaps));
        self.bytes.truncate(bytes);
        self.gaps.truncate(gaps);
    }
}

impl Held {
    /// Whether these columns of a row contain its key.
    pub(super) fn has_key(&self, row: &impl Row, columns: &[usize]) -> bool {
        self.key.iter().zip(columns).all(|(value, column)| is(row.cell(*column), value))
    }
}

/// Whether a cell contains this value, bit for bit.
fn is(cell: Cell<'_>, value: &Value) -> bool {
    match (cell, value) {
        (Cell::Integer(cell), Value::Integer(value)) => cell == *value,
        (Cell::Real(cell), Value::Real(value)) => cell.to_bits() == value.to_bits(),
        (Cell::Text(cell), Value::Text(value)) => cell == value.as_bytes(),
        (Cell::Text(cell), Value::RawText(value)) | (Cell::Blob(cell), Value::Blob(value)) => cell == value,
        (Cell::Typed(_), value) => cell.to_value() == *value,
        (Cell::Null, Value::Null) => true,
        _ => false,
    }
}
