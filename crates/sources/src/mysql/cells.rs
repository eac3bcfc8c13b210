//! The binary form of rows, as cells that borrow from the buffer of the connection.

use std::ops::Range;

use odata::cell::{Cell, Row, TypedCell};

use super::dates;
use super::fields::Fields;
use crate::SourceError;

/// The types of columns ([`enum_field_types`](https://dev.mysql.com/doc/dev/mysql-server/latest/field__types_8h.html)).
mod ty {
    pub(super) const DECIMAL: u8 = 0;
    pub(super) const TINY: u8 = 1;
    pub(super) const SHORT: u8 = 2;
    pub(super) const LONG: u8 = 3;
    pub(super) const FLOAT: u8 = 4;
    pub(super) const DOUBLE: u8 = 5;
    pub(super) const NULL: u8 = 6;
    pub(super) const TIMESTAMP: u8 = 7;
    pub(super) const LONG_LONG: u8 = 8;
    pub(super) const INT24: u8 = 9;
    pub(super) const DATE: u8 = 10;
    pub(super) const TIME: u8 = 11;
    pub(super) const DATE_TIME: u8 = 12;
    pub(super) const YEAR: u8 = 13;
    pub(super) const VAR_CHAR: u8 = 15;
    pub(super) const BIT: u8 = 16;
    pub(super) const JSON: u8 = 245;
    pub(super) const NEW_DECIMAL: u8 = 246;
    /// Enumerations and sets, which arrive as texts, the four lengths of BLOB, VARCHAR and CHAR.
    pub(super) const FIRST_TEXT: u8 = 247;
    pub(super) const LAST_TEXT: u8 = 254;
}

/// The character set of bytes that are no text.
const BINARY: u16 = 63;
const UNSIGNED: u16 = 1 << 5;

/// How the bytes of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Unsigned8,
    Unsigned16,
    Unsigned32,
    Unsigned64,
    Single,
    Double,
    Decimal,
    Text,
    Json,
    Bytes,
    Bit,
    Bits,
    Date,
    Time,
    Timestamp,
    Local,
}

impl Kind {
    /// The kind of a column with this description; `None` if it is malformed, `Some(Err)` with the type if that is unknown.
    fn of(definition: &[u8]) -> Option<Result<Self, u8>> {
        let mut fields = Fields::of(definition);
        // The names of the catalog, of the schema, and of the table and the column with and without an alias.
        for _ in 0..6 {
            fields.counted()?;
        }
        // The length of what follows.
        fields.number()?;
        let (charset, length) = (fields.u16()?, fields.u32()?);
        let (ty, flags) = (fields.byte()?, fields.u16()?);
        let signed = |one: Self, other: Self| if flags & UNSIGNED == 0 { one } else { other };
        Some(Ok(match ty {
            ty::NULL => Self::Null,
            // `tinyint(1)`, which is the type of Booleans.
            ty::TINY if length == 1 => Self::Boolean,
            ty::TINY => signed(Self::Int8, Self::Unsigned8),
            ty::SHORT | ty::YEAR => signed(Self::Int16, Self::Unsigned16),
            ty::LONG | ty::INT24 => signed(Self::Int32, Self::Unsigned32),
            ty::LONG_LONG => signed(Self::Int64, Self::Unsigned64),
            ty::FLOAT => Self::Single,
            ty::DOUBLE => Self::Double,
            ty::DECIMAL | ty::NEW_DECIMAL => Self::Decimal,
            ty::DATE => Self::Date,
            ty::TIME => Self::Time,
            ty::TIMESTAMP => Self::Timestamp,
            ty::DATE_TIME => Self::Local,
            ty::BIT if length == 1 => Self::Bit,
            ty::BIT => Self::Bits,
            ty::JSON => Self::Json,
            ty::VAR_CHAR | ty::FIRST_TEXT..=ty::LAST_TEXT if charset == BINARY => Self::Bytes,
            ty::VAR_CHAR | ty::FIRST_TEXT..=ty::LAST_TEXT => Self::Text,
            other => return Some(Err(other)),
        }))
    }
}

/// A value of a row: itself if it is small, otherwise its place in the packet.
#[derive(Debug, Clone)]
enum Slot {
    Null,
    Value(Cell<'static>),
    Text(Range<usize>),
    Json(Range<usize>),
    Bytes(Range<usize>),
    Decimal(Range<usize>),
}

/// Reads the rows of one statement. Its memory is used again for each row.
#[derive(Debug, Default)]
pub(super) struct RowReader {
    kinds: Vec<Kind>,
    slots: Vec<Slot>,
}

/// A row.
pub(super) struct ReadRow<'r> {
    slots: &'r [Slot],
    packet: &'r [u8],
}

impl RowReader {
    /// Forgets the columns of the last statement.
    pub(super) fn clear(&mut self) {
        self.kinds.clear();
    }

    /// Learns the type of the next column from its description.
    ///
    /// # Errors
    /// [`SourceError::Unsupported`] for a type whose binary form is unknown.
    pub(super) fn describe(&mut self, definition: &[u8]) -> Result<(), SourceError> {
        let kind = Kind::of(definition).ok_or_else(malformed)?;
        let unknown = |ty| SourceError::Unsupported { detail: format!("a column has the type {ty}") };
        self.kinds.push(kind.map_err(unknown)?);
        Ok(())
    }

    /// Reads a row, whose packet starts with a zero.
    ///
    /// # Errors
    /// [`SourceError::Failed`] if the row is not well formed.
    pub(super) fn read<'r>(&'r mut self, packet: &'r [u8]) -> Result<ReadRow<'r>, SourceError> {
        self.slots.clear();
        let mut fields = Fields::of(packet);
        fields.byte().ok_or_else(malformed)?;
        // The first two bits belong to nothing.
        let nulls = fields.bytes((self.kinds.len() + 9) / 8).ok_or_else(malformed)?;
        for (index, kind) in self.kinds.iter().enumerate() {
            let is_null = nulls[(index + 2) / 8] & 1 << ((index + 2) % 8) != 0;
            let slot = if is_null { Slot::Null } else { slot(*kind, &mut fields).ok_or_else(malformed)? };
            self.slots.push(slot);
        }
        if fields.rest().is_empty() { Ok(ReadRow { slots: &self.slots, packet }) } else { Err(malformed()) }
    }
}

fn malformed() -> SourceError {
    SourceError::Failed { detail: "an answer of the server is not well formed".to_owned() }
}

/// Reads one value; `None` if it has not the form of its type.
fn slot(kind: Kind, fields: &mut Fields<'_>) -> Option<Slot> {
    let integer = |value: i64| Slot::Value(Cell::Integer(value));
    let typed = |typed: TypedCell<'static>| Slot::Value(Cell::Typed(typed));
    let known = |value: Option<TypedCell<'static>>| value.map_or(Slot::Null, typed);
    Some(match kind {
        Kind::Null => Slot::Null,
        Kind::Boolean => typed(TypedCell::Boolean(fields.byte()? != 0)),
        Kind::Int8 => integer(i8::from_le_bytes(fields.array()?).into()),
        Kind::Int16 => integer(i16::from_le_bytes(fields.array()?).into()),
        Kind::Int32 => integer(i32::from_le_bytes(fields.array()?).into()),
        Kind::Int64 => integer(i64::from_le_bytes(fields.array()?)),
        Kind::Unsigned8 => integer(fields.byte()?.into()),
        Kind::Unsigned16 => integer(fields.u16()?.into()),
        Kind::Unsigned32 => integer(fields.u32()?.into()),
        Kind::Unsigned64 => typed(TypedCell::Unsigned(u64::from_le_bytes(fields.array()?))),
        Kind::Single => typed(TypedCell::Single(f32::from_le_bytes(fields.array()?))),
        Kind::Double => Slot::Value(Cell::Real(f64::from_le_bytes(fields.array()?))),
        Kind::Decimal => decimal(fields)?,
        Kind::Text => Slot::Text(place(fields)?),
        Kind::Json => Slot::Json(place(fields)?),
        Kind::Bytes => Slot::Bytes(place(fields)?),
        Kind::Bit => typed(TypedCell::Boolean(fields.counted()?.iter().any(|byte| *byte != 0))),
        Kind::Bits => bits(fields.counted()?)?,
        Kind::Date => known(dates::date(small(fields)?)?),
        Kind::Time => typed(dates::time(small(fields)?)?),
        Kind::Timestamp => known(dates::date_time(small(fields)?, false)?),
        Kind::Local => known(dates::date_time(small(fields)?, true)?),
    })
}

/// The place of bytes after their length.
fn place(fields: &mut Fields<'_>) -> Option<Range<usize>> {
    let length = fields.counted()?.len();
    Some(fields.at() - length..fields.at())
}

/// The fields of a date or a time, after their length.
fn small<'p>(fields: &mut Fields<'p>) -> Option<&'p [u8]> {
    let length = fields.byte()?;
    fields.bytes(length.into())
}

/// The digits of a decimal number. A column with ZEROFILL has zeros before them.
fn decimal(fields: &mut Fields<'_>) -> Option<Slot> {
    let digits = fields.counted()?;
    let end = fields.at();
    let unsigned = digits.strip_prefix(b"-").unwrap_or(digits);
    let whole = unsigned.iter().position(|byte| *byte == b'.').unwrap_or(unsigned.len());
    let are_digits = |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    let is_number = are_digits(&unsigned[..whole]) && unsigned.get(whole + 1..).is_none_or(are_digits);
    if !is_number {
        return None;
    }
    let zeros = unsigned[..whole - 1].iter().take_while(|byte| **byte == b'0').count();
    let skipped = if digits.len() == unsigned.len() { zeros } else { 0 };
    Some(Slot::Decimal(end - digits.len() + skipped..end))
}

/// Up to 64 bits, the highest first.
fn bits(bytes: &[u8]) -> Option<Slot> {
    let mut whole = [0; 8];
    whole.get_mut(8_usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
    Some(Slot::Value(Cell::Typed(TypedCell::Unsigned(u64::from_be_bytes(whole)))))
}

impl Row for ReadRow<'_> {
    fn cell(&self, index: usize) -> Cell<'_> {
        match self.slots.get(index) {
            // An index past the last column is excluded before the rows are passed on.
            None | Some(Slot::Null) => Cell::Null,
            Some(Slot::Value(cell)) => *cell,
            Some(Slot::Text(place)) => Cell::Text(&self.packet[place.clone()]),
            Some(Slot::Json(place)) => Cell::Typed(TypedCell::Json(&self.packet[place.clone()])),
            Some(Slot::Bytes(place)) => Cell::Blob(&self.packet[place.clone()]),
            Some(Slot::Decimal(place)) => match std::str::from_utf8(&self.packet[place.clone()]) {
                Ok(digits) => Cell::Typed(TypedCell::Decimal(digits)),
                Err(_) => Cell::Null,
            },
        }
    }
}

/// Reads bytes as a greeting, as an error, and as a row after the descriptions of its columns: a fuzz target.
#[cfg(any(test, fuzzing))]
pub fn read_anything(bytes: &[u8]) {
    let _ = super::greeting::Greeting::read(bytes);
    let _ = super::failure::Refusal::read(bytes).reason();
    let mut reader = RowReader::default();
    let mut fields = Fields::of(bytes);
    let columns = fields.byte().unwrap_or_default() % 8;
    for _ in 0..columns {
        let Some(definition) = fields.counted() else { return };
        if reader.describe(definition).is_err() {
            return;
        }
    }
    if let Ok(row) = reader.read(fields.rest()) {
        for index in 0..usize::from(columns) {
            let _ = row.cell(index).to_value();
        }
    }
}

#[cfg(test)]
mod tests;
