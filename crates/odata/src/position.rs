//! The position of a next link, in plain bytes. The caller seals it.

use crate::cell::{Cell, TypedCell, Value};
use crate::error::{Error, Reason};
use crate::form::{Layout, Reading};
use crate::hash::digest;

const VERSION: u8 = 4;

/// The maximum total size of the values of all terms in bytes. A next link must fit into a URL.
const MOST_BYTES: usize = 8 * 1024;
/// The size that each term may have, however many there are.
const LEAST_BYTES: usize = 256;

/// The position of the last row of a page in the order of the whole result.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// The model to which the values belong.
    pub(crate) model_version: u64,
    /// The request to which the values belong.
    pub(crate) shape: u64,
    /// The number of rows that `$top` still allows.
    pub(crate) remaining: Option<u64>,
    /// The values of the order's terms in the last row.
    pub(crate) values: Vec<Mark>,
}

/// The value of one term.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mark {
    Value(Value),
    /// A value that is too long.
    Long {
        /// Its prefix: text or bytes.
        start: Value,
        /// A digest that distinguishes it from others with the same prefix.
        digest: i64,
    },
}

impl Mark {
    /// The value of a cell in a position with `terms` values.
    pub(crate) fn of(cell: Cell<'_>, terms: usize) -> Self {
        let room = (MOST_BYTES / terms.max(1)).max(LEAST_BYTES);
        let start = match cell {
            Cell::Text(text) | Cell::Typed(TypedCell::Json(text)) if text.len() > room => {
                Cell::Text(whole_characters(&text[..room]))
            }
            Cell::Blob(blob) if blob.len() > room => Cell::Blob(&blob[..room]),
            cell => return Self::Value(cell.to_value()),
        };
        Self::Long { start: start.to_value(), digest: digest(cell) }
    }

    /// The approximate size in memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Value(value) | Self::Long { start: value, .. } => size_of::<Self>() + value.bytes(),
        }
    }

    /// Its stored form in a layout; `None` if it has none.
    pub(crate) fn stored(&self, reading: Reading, layout: Layout) -> Option<Self> {
        match self {
            Self::Value(Value::Null) => Some(self.clone()),
            Self::Value(value) => reading.stored(layout, value).map(Self::Value),
            // Only text and bytes are that long, and they are stored unchanged.
            Self::Long { .. } => (layout == Layout::PLAIN).then(|| self.clone()),
        }
    }
}

/// The text without a character that is cut off at its end.
fn whole_characters(text: &[u8]) -> &[u8] {
    match std::str::from_utf8(text) {
        Err(error) if error.error_len().is_none() => &text[..error.valid_up_to()],
        _ => text,
    }
}

impl Position {
    /// The bytes of this position, to be sealed. They contain values of a row, which the client must not
    /// read.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(self.model_version.to_le_bytes());
        bytes.extend(self.shape.to_le_bytes());
        bytes.extend(self.remaining.map_or(0, |remaining| remaining + 1).to_le_bytes());
        for value in &self.values {
            match value {
                Mark::Value(value) => push(&mut bytes, value),
                Mark::Long { start, digest } => {
                    bytes.push(7);
                    bytes.extend(digest.to_le_bytes());
                    push(&mut bytes, start);
                }
            }
        }
        bytes
    }

    /// Parses the output of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// [`Reason::ForeignPosition`] if the bytes are anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        PositionReader(bytes).position().ok_or_else(|| Reason::ForeignPosition.at("$skiptoken", 0))
    }
}

fn push(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => bytes.push(0),
        Value::Integer(integer) => {
            bytes.push(1);
            bytes.extend(integer.to_le_bytes());
        }
        Value::Real(real) => {
            bytes.push(2);
            bytes.extend(real.to_bits().to_le_bytes());
        }
        Value::Text(text) | Value::Untyped(text) => push_counted(bytes, 3, text.as_bytes()),
        Value::Blob(blob) => push_counted(bytes, 4, blob),
        Value::RawText(text) => push_counted(bytes, 5, text),
    }
}

fn push_counted(bytes: &mut Vec<u8>, tag: u8, content: &[u8]) {
    bytes.push(tag);
    bytes.extend((content.len() as u64).to_le_bytes());
    bytes.extend(content);
}

struct PositionReader<'b>(&'b [u8]);

impl<'b> PositionReader<'b> {
    fn position(&mut self) -> Option<Position> {
        if self.take(1)? != [VERSION] {
            return None;
        }
        let (model_version, shape) = (self.word()?, self.word()?);
        let remaining = self.word()?.checked_sub(1);
        let mut values = Vec::new();
        while !self.0.is_empty() {
            values.push(self.mark()?);
        }
        Some(Position { model_version, shape, remaining, values })
    }

    fn mark(&mut self) -> Option<Mark> {
        if self.0.first() != Some(&7) {
            return self.value().map(Mark::Value);
        }
        self.take(1)?;
        let digest = self.word()?.cast_signed();
        let start = self.value()?;
        matches!(start, Value::Text(_) | Value::RawText(_) | Value::Blob(_))
            .then_some(Mark::Long { start, digest })
    }

    fn value(&mut self) -> Option<Value> {
        Some(match self.take(1)?[0] {
            0 => Value::Null,
            1 => Value::Integer(self.word()?.cast_signed()),
            2 => Value::Real(f64::from_bits(self.word()?)),
            3 => Value::Text(String::from_utf8(self.counted()?.to_vec()).ok()?),
            4 => Value::Blob(self.counted()?.to_vec()),
            5 => Value::RawText(self.counted()?.to_vec()),
            _ => return None,
        })
    }

    fn counted(&mut self) -> Option<&'b [u8]> {
        let length = usize::try_from(self.word()?).ok()?;
        self.take(length)
    }

    fn word(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_its_bytes_and_no_shortened_bytes_are_read() {
        let position = Position {
            model_version: 7,
            shape: u64::MAX,
            remaining: Some(0),
            values: vec![
                Mark::Value(Value::Null),
                Mark::Value(Value::Integer(-1)),
                Mark::Value(Value::Real(0.5)),
                Mark::Value(Value::Text("ä".into())),
                Mark::of(Cell::Text(b"\xff"), 1),
                Mark::of(Cell::Blob(&[7; 100_000]), 100),
                Mark::Value(Value::Blob(vec![0])),
            ],
        };
        let bytes = position.to_bytes();
        assert_eq!(Position::from_bytes(&bytes), Ok(position));
        assert!(Position::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(Position::from_bytes(&[]).is_err());
    }
}
