//! The fast path for common values, which are written into slots of fixed size.
//!
//! Most cells are short. Checking the capacity of the buffer for each piece, and calling a copy of unknown
//! length for three bytes, costs more than the write itself. Here a field gets its slot once, and its pieces
//! are copied in whole words; bytes beyond their ends are overwritten by the next piece. Other values are
//! left to [`Writing::write`]; the output is identical, byte for byte.

use super::Field;
use super::text::special_bytes;
use super::value::{self, Writing};
use crate::cell::Cell;
use crate::form::Form;

/// The slot for the text before a value.
const NAME: usize = 32;
/// The slot for a value, including its quotes.
const VALUE: usize = 48;
const FIELD: usize = NAME + VALUE;
/// How far the buffer grows ahead of the written bytes; most rows fit.
const STEP: usize = 512;
/// The maximum length of a text that is copied in words.
const SHORT_TEXT: usize = 40;

/// The bytes before a value: a comma or brace, the name and the colon.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Before {
    /// The bytes, and how many of them count.
    Short([u8; NAME], u8),
    Long(Box<[u8]>),
}

impl From<Vec<u8>> for Before {
    fn from(bytes: Vec<u8>) -> Self {
        match u8::try_from(bytes.len()) {
            Ok(length) if usize::from(length) < NAME => {
                let mut padded = [0; NAME];
                padded[..bytes.len()].copy_from_slice(&bytes);
                Self::Short(padded, length)
            }
            _ => Self::Long(bytes.into()),
        }
    }
}

impl Before {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Short(padded, length) => &padded[..usize::from(*length)],
            Self::Long(bytes) => bytes,
        }
    }
}

/// A row that is being written. The buffer extends beyond the written bytes until the row is
/// [finished](Self::finish).
pub(super) struct RowBuffer<'o> {
    out: &'o mut Vec<u8>,
    end: usize,
}

impl<'o> RowBuffer<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>) -> Self {
        let end = out.len();
        Self { out, end }
    }

    /// The last byte that was written.
    pub(super) fn last(&self) -> Option<u8> {
        self.out.get(self.end.checked_sub(1)?).copied()
    }

    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        *self.slot::<1>() = [byte];
        self.end += 1;
    }

    /// Writes a field; returns `false` if its value did not fit and null was written, after the annotation
    /// that says so.
    ///
    /// It is built into the loop over the fields of a row, so that the kind of a cell is examined once, and no cell
    /// passes through memory.
    #[expect(clippy::inline_always, reason = "a call costs as much as the rest")]
    #[inline(always)]
    pub(super) fn field(&mut self, field: &Field, cell: Cell<'_>) -> bool {
        let Before::Short(name, length) = &field.before else { return self.write_uncommon(field, cell) };
        let length = usize::from(*length) % NAME;
        let slot = self.slot::<FIELD>();
        slot[..NAME].copy_from_slice(name);
        let Some(slot) = slot[length..].first_chunk_mut() else { return self.write_uncommon(field, cell) };
        let written = match cell {
            Cell::Null => Some(word(slot, b"null")),
            Cell::Integer(value) => fast_integer(slot, &field.writing, value),
            Cell::Real(value) => fast_real(slot, &field.writing, value),
            Cell::Text(text) => fast_text(slot, &field.writing, text),
            Cell::Blob(_) | Cell::Typed(_) => None,
        };
        let Some(written) = written else { return self.write_uncommon(field, cell) };
        self.end += length + written;
        true
    }

    /// Truncates the buffer to the end of the row.
    pub(super) fn finish(self) {
        self.out.truncate(self.end);
    }

    #[inline(never)]
    fn write_uncommon(&mut self, field: &Field, cell: Cell<'_>) -> bool {
        self.out.truncate(self.end);
        self.out.extend_from_slice(field.before.bytes());
        let fits = field.writing.write(self.out, cell);
        if !fits && field.annotated {
            self.out.truncate(self.end);
            value::exception(self.out, field, cell);
        }
        self.end = self.out.len();
        fits
    }

    #[inline]
    fn slot<const SLOT: usize>(&mut self) -> &mut [u8; SLOT] {
        const { assert!(SLOT <= STEP) };
        if self.out.len() < self.end + SLOT {
            self.grow();
        }
        let (slot, _) = self.out[self.end..].split_at_mut(SLOT);
        slot.try_into().expect("the buffer has grown by a step, which is no less")
    }

    #[inline(never)]
    fn grow(&mut self) {
        self.out.resize(self.end + STEP, 0);
    }
}

/// Writes an integer as a value and returns its length; `None` if it is not a common one.
#[inline]
fn fast_integer(slot: &mut [u8; VALUE], writing: &Writing, value: i64) -> Option<usize> {
    match *writing {
        Writing::Integer { min, max, quoted: false } => {
            (min..=max).contains(&value).then(|| integer(slot, value))
        }
        Writing::Float
        | Writing::Decimal { scale: None | Some(0), quoted: false }
        | Writing::Computed { quoted: false } => Some(integer(slot, value)),
        Writing::Decimal { scale: Some(2), quoted: false } if value.unsigned_abs() < 1 << 32 => {
            let end = integer(slot, value);
            slot[end..end + 3].copy_from_slice(b".00");
            Some(end + 3)
        }
        Writing::Boolean(Form::Canonical | Form::ZeroOne) => match value {
            0 => Some(word(slot, b"false")),
            1 => Some(word(slot, b"true")),
            _ => None,
        },
        _ => None,
    }
}

/// The same for a floating-point number.
#[inline]
fn fast_real(slot: &mut [u8; VALUE], writing: &Writing, value: f64) -> Option<usize> {
    match *writing {
        Writing::Float | Writing::Decimal { scale: None, quoted: false } => hundredths(slot, value),
        Writing::Decimal { scale: Some(2), quoted: false } => cents(slot, value),
        _ => None,
    }
}

/// The same for a text.
#[inline]
fn fast_text(slot: &mut [u8; VALUE], writing: &Writing, text: &[u8]) -> Option<usize> {
    match writing {
        Writing::String => short_text(slot, text),
        Writing::Date(_) => date(slot, text),
        Writing::DateTimeOffset(_) => instant(slot, text),
        _ => None,
    }
}

fn word<const LENGTH: usize>(slot: &mut [u8; VALUE], word: &[u8; LENGTH]) -> usize {
    slot[..LENGTH].copy_from_slice(word);
    LENGTH
}

/// Writes text without characters to escape. Each word is checked while it is copied; the last one overlaps
/// the one before.
fn short_text(slot: &mut [u8; VALUE], text: &[u8]) -> Option<usize> {
    if text.len() > SHORT_TEXT {
        return None;
    }
    let (quote, content) = slot.split_first_mut()?;
    *quote = b'"';
    let special = if let Some(last) = text.last_chunk::<8>() {
        let mut special = special_bytes(u64::from_le_bytes(*last));
        for (to, from) in content.as_chunks_mut::<8>().0.iter_mut().zip(text.as_chunks::<8>().0) {
            special |= special_bytes(u64::from_le_bytes(*from));
            *to = *from;
        }
        *content[text.len() - 8..].first_chunk_mut()? = *last;
        special
    } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        *content.first_chunk_mut()? = *first;
        *content[text.len() - 4..].first_chunk_mut()? = *last;
        special_bytes(u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last)))
    } else {
        let mut examined = [b' '; 8];
        for ((byte, examined), to) in text.iter().zip(&mut examined).zip(&mut *content) {
            (*examined, *to) = (*byte, *byte);
        }
        special_bytes(u64::from_le_bytes(examined))
    };
    content[text.len()] = b'"';
    (special == 0).then_some(text.len() + 2)
}

/// The two digits of each number below one hundred.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0_u8;
    while number < 100 {
        pairs[number as usize] = [b'0' + number / 10, b'0' + number % 10];
        number += 1;
    }
    pairs
};

fn pair(number: u64) -> [u8; 2] {
    PAIRS[(number % 100) as usize]
}

#[inline]
fn integer(slot: &mut [u8; VALUE], value: i64) -> usize {
    signed(slot, value < 0, value.unsigned_abs())
}

/// Writes an integer. Up to four digits, the most common case, are written together, and leading zeros are
/// shifted out.
fn signed(slot: &mut [u8; VALUE], negative: bool, magnitude: u64) -> usize {
    slot[0] = b'-';
    let start = usize::from(negative);
    if magnitude < 10_000 {
        let [[a, b], [c, d]] = [pair(magnitude / 100), pair(magnitude)];
        let zeros =
            usize::from(magnitude < 1000) + usize::from(magnitude < 100) + usize::from(magnitude < 10);
        let digits = u32::from_le_bytes([a, b, c, d]) >> (8 * zeros);
        slot[start..start + 4].copy_from_slice(&digits.to_le_bytes());
        return start + 4 - zeros;
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(magnitude);
    slot[start..start + digits.len()].copy_from_slice(digits.as_bytes());
    start + digits.len()
}

/// Writes a floating-point number with one or two digits after the point. The quotient of two integers is the
/// number nearest to it, and with at most fifteen digits only one sequence leads there, so these are the
/// digits to write.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "compared with the number itself"
)]
#[expect(clippy::float_cmp, reason = "only the very number is written with these digits")]
fn hundredths(slot: &mut [u8; VALUE], value: f64) -> Option<usize> {
    let magnitude = value.abs();
    let units = (magnitude * 100.0 + 0.5) as u32;
    (f64::from(units) / 100.0 == magnitude).then(|| {
        let end = with_cents(slot, value.is_sign_negative(), units);
        end - usize::from(units.is_multiple_of(10))
    })
}

/// Writes a decimal number with two digits after its point: the nearest hundredths, half away from zero.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the bounds of 32 bits")]
fn cents(slot: &mut [u8; VALUE], value: f64) -> Option<usize> {
    let scaled = value.abs() * 100.0;
    // False for NaN.
    (scaled < 4e9).then(|| {
        let whole = scaled as u32;
        let units = whole + u32::from(scaled - f64::from(whole) >= 0.5);
        with_cents(slot, value < 0.0 && units > 0, units)
    })
}

fn with_cents(slot: &mut [u8; VALUE], negative: bool, units: u32) -> usize {
    let end = signed(slot, negative, u64::from(units / 100));
    let [tenths, hundredths] = pair(u64::from(units));
    slot[end..end + 3].copy_from_slice(&[b'.', tenths, hundredths]);
    end + 3
}

fn date(slot: &mut [u8; VALUE], text: &[u8]) -> Option<usize> {
    let (day, rest) = text.split_first_chunk::<10>()?;
    let followed = rest.is_empty() || (matches!(rest[0], b' ' | b'T') && rest.is_ascii());
    if !(followed && value::is_common_day(day)) {
        return None;
    }
    slot[0] = b'"';
    slot[1..11].copy_from_slice(day);
    slot[11] = b'"';
    Some(12)
}

fn instant(slot: &mut [u8; VALUE], text: &[u8]) -> Option<usize> {
    let (seconds, fraction) = value::common_instant(text)?;
    slot[0] = b'"';
    slot[1..20].copy_from_slice(seconds);
    slot[11] = b'T';
    let end = 20 + fraction.len();
    slot[20..end].copy_from_slice(fraction);
    slot[end..end + 2].copy_from_slice(b"Z\"");
    Some(end + 2)
}

#[cfg(test)]
mod tests;
