//! The binary form of rows, as cells that borrow from the buffer of the connection.

use std::ops::Range;

use odata::cell::{Cell, Row, SinceEpoch, TypedCell};

use super::numeric;
use super::oid::{self, Oid};
use crate::SourceError;

/// Days, seconds and microseconds from 1970 to 2000, where PostgreSQL starts to count.
const DAYS_TO_2000: i32 = 10_957;
const SECONDS_TO_2000: i64 = 946_684_800;
const MICROS: i64 = 1_000_000;

/// How the bytes of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Boolean,
    Int2,
    Int4,
    Int8,
    Oid,
    Single,
    Double,
    Numeric,
    Text,
    Json,
    Jsonb,
    Bytes,
    Date,
    Time,
    Timestamp,
    Local,
    Interval,
    Guid,
}

impl Kind {
    fn of(oid: Oid) -> Option<Self> {
        Some(match oid {
            oid::BOOL => Self::Boolean,
            oid::INT2 => Self::Int2,
            oid::INT4 => Self::Int4,
            oid::INT8 => Self::Int8,
            oid::OID => Self::Oid,
            oid::FLOAT4 => Self::Single,
            oid::FLOAT8 => Self::Double,
            oid::NUMERIC => Self::Numeric,
            oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME | oid::CHAR | oid::XML | oid::UNKNOWN => {
                Self::Text
            }
            oid::JSON => Self::Json,
            oid::JSONB => Self::Jsonb,
            oid::BYTEA => Self::Bytes,
            oid::DATE => Self::Date,
            oid::TIME => Self::Time,
            oid::TIMESTAMPTZ => Self::Timestamp,
            oid::TIMESTAMP => Self::Local,
            oid::INTERVAL => Self::Interval,
            oid::UUID => Self::Guid,
            oid if oid >= oid::FIRST_OF_USERS => Self::Text,
            _ => return None,
        })
    }
}

/// A value of a row: itself if it is small, otherwise its place.
#[derive(Debug, Clone)]
enum Slot {
    Null,
    Value(Cell<'static>),
    /// In the body of the row.
    Text(Range<usize>),
    Json(Range<usize>),
    Bytes(Range<usize>),
    Guid(usize),
    /// In the digits.
    Decimal(Range<usize>),
}

/// Reads the rows of one statement. Its memory is used again for each row.
#[derive(Debug, Default)]
pub(super) struct RowReader {
    kinds: Vec<Kind>,
    slots: Vec<Slot>,
    digits: String,
}

/// A row.
pub(super) struct ReadRow<'r> {
    slots: &'r [Slot],
    digits: &'r str,
    body: &'r [u8],
}

impl RowReader {
    /// Learns the types of the columns from a row description.
    ///
    /// # Errors
    /// [`SourceError::StructureChanged`] if there are not `columns` of them; [`SourceError::Unsupported`] for a type
    /// whose binary form is unknown.
    pub(super) fn describe(&mut self, body: &[u8], columns: usize) -> Result<(), SourceError> {
        let mut oids = Oids::read(body)?;
        if oids.left != columns {
            let detail = format!("the result has {} columns instead of {columns}", oids.left);
            return Err(SourceError::StructureChanged { detail });
        }
        self.kinds.clear();
        while let Some(oid) = oids.next()? {
            let unknown = || SourceError::Unsupported { detail: format!("a column has the type {oid}") };
            self.kinds.push(Kind::of(oid).ok_or_else(unknown)?);
        }
        Ok(())
    }

    /// Reads a row.
    ///
    /// # Errors
    /// [`SourceError::Failed`] if the row is not well formed.
    pub(super) fn read<'r>(&'r mut self, body: &'r [u8]) -> Result<ReadRow<'r>, SourceError> {
        self.slots.clear();
        self.digits.clear();
        let count = body.first_chunk().map(|count| usize::from(u16::from_be_bytes(*count)));
        if count != Some(self.kinds.len()) {
            return Err(malformed());
        }
        let mut at = 2;
        for kind in &self.kinds {
            let length = body.get(at..).and_then(<[u8]>::first_chunk).ok_or_else(malformed)?;
            at += 4;
            let slot = match usize::try_from(i32::from_be_bytes(*length)) {
                Err(_) => Slot::Null,
                Ok(length) => {
                    let end = at + length;
                    let bytes = body.get(at..end).ok_or_else(malformed)?;
                    let slot = slot(*kind, bytes, at..end, &mut self.digits).ok_or_else(malformed)?;
                    at = end;
                    slot
                }
            };
            self.slots.push(slot);
        }
        Ok(ReadRow { slots: &self.slots, digits: &self.digits, body })
    }
}

fn malformed() -> SourceError {
    SourceError::Failed { detail: "a row of the server is not well formed".to_owned() }
}

/// Reads one value; `None` if it has not the length of its type.
fn slot(kind: Kind, bytes: &[u8], place: Range<usize>, digits: &mut String) -> Option<Slot> {
    let typed = |typed: TypedCell<'static>| Slot::Value(Cell::Typed(typed));
    let integer = |value: i64| Slot::Value(Cell::Integer(value));
    Some(match kind {
        Kind::Boolean => typed(TypedCell::Boolean(u8::from_be_bytes(whole(bytes)?) != 0)),
        Kind::Int2 => integer(i16::from_be_bytes(whole(bytes)?).into()),
        Kind::Int4 => integer(i32::from_be_bytes(whole(bytes)?).into()),
        Kind::Int8 => integer(i64::from_be_bytes(whole(bytes)?)),
        Kind::Oid => integer(u32::from_be_bytes(whole(bytes)?).into()),
        Kind::Single => typed(TypedCell::Single(f32::from_be_bytes(whole(bytes)?))),
        Kind::Double => Slot::Value(Cell::Real(f64::from_be_bytes(whole(bytes)?))),
        Kind::Numeric => {
            let start = digits.len();
            if !numeric::write(digits, bytes) {
                // Infinite, or not a number: a value that is none of its type.
                digits.push_str("NaN");
            }
            Slot::Decimal(start..digits.len())
        }
        Kind::Text => Slot::Text(place),
        Kind::Json => Slot::Json(place),
        // The first byte is the version of the form.
        Kind::Jsonb if bytes.first() == Some(&1) => Slot::Json(place.start + 1..place.end),
        Kind::Jsonb => return None,
        Kind::Bytes => Slot::Bytes(place),
        Kind::Date => {
            let days = i32::from_be_bytes(whole(bytes)?);
            typed(TypedCell::Date(days.saturating_add(DAYS_TO_2000)))
        }
        Kind::Time => {
            let micros = u64::try_from(i64::from_be_bytes(whole(bytes)?)).ok()?;
            typed(TypedCell::TimeOfDay(micros.saturating_mul(1000)))
        }
        Kind::Timestamp => typed(TypedCell::Timestamp(instant(i64::from_be_bytes(whole(bytes)?)))),
        Kind::Local => typed(TypedCell::Local(instant(i64::from_be_bytes(whole(bytes)?)))),
        Kind::Interval => typed(interval(bytes)?),
        Kind::Guid => {
            whole::<16>(bytes)?;
            Slot::Guid(place.start)
        }
    })
}

/// All bytes of a value with a fixed length.
fn whole<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

/// The instant of this many microseconds after 2000. The infinite ones are outside of every range.
fn instant(micros: i64) -> SinceEpoch {
    if matches!(micros, i64::MIN | i64::MAX) {
        return SinceEpoch { seconds: micros, nanoseconds: 0 };
    }
    let nanoseconds = u32::try_from(micros.rem_euclid(MICROS) * 1000).unwrap_or_default();
    SinceEpoch { seconds: micros.div_euclid(MICROS) + SECONDS_TO_2000, nanoseconds }
}

fn interval(bytes: &[u8]) -> Option<TypedCell<'static>> {
    let bytes: [u8; 16] = whole(bytes)?;
    let (time, rest) = bytes.split_first_chunk()?;
    let (days, months) = rest.split_first_chunk()?;
    Some(TypedCell::Interval(odata::cell::Interval {
        months: i32::from_be_bytes(whole(months)?),
        days: i32::from_be_bytes(*days),
        microseconds: i64::from_be_bytes(*time),
    }))
}

impl Row for ReadRow<'_> {
    fn cell(&self, index: usize) -> Cell<'_> {
        match self.slots.get(index) {
            // An index past the last column is excluded before the rows are passed on.
            None | Some(Slot::Null) => Cell::Null,
            Some(Slot::Value(cell)) => *cell,
            Some(Slot::Text(place)) => Cell::Text(&self.body[place.clone()]),
            Some(Slot::Json(place)) => Cell::Typed(TypedCell::Json(&self.body[place.clone()])),
            Some(Slot::Bytes(place)) => Cell::Blob(&self.body[place.clone()]),
            Some(Slot::Guid(start)) => match self.body[*start..].first_chunk() {
                Some(guid) => Cell::Typed(TypedCell::Guid(guid)),
                None => Cell::Null,
            },
            Some(Slot::Decimal(place)) => Cell::Typed(TypedCell::Decimal(&self.digits[place.clone()])),
        }
    }
}

/// The types in a row description.
struct Oids<'b> {
    body: &'b [u8],
    left: usize,
}

impl<'b> Oids<'b> {
    fn read(body: &'b [u8]) -> Result<Self, SourceError> {
        let (count, body) = body.split_first_chunk().ok_or_else(malformed)?;
        Ok(Self { body, left: u16::from_be_bytes(*count).into() })
    }

    fn next(&mut self) -> Result<Option<Oid>, SourceError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        // A name, the number of the table and of the column, the type, its length and modifier, the form.
        let end = self.body.iter().position(|byte| *byte == 0).ok_or_else(malformed)?;
        let fixed: &[u8; 18] =
            self.body.get(end + 1..).and_then(<[u8]>::first_chunk).ok_or_else(malformed)?;
        self.body = &self.body[end + 19..];
        Ok(Some(Oid::from_be_bytes([fixed[6], fixed[7], fixed[8], fixed[9]])))
    }
}

#[cfg(test)]
mod tests;
