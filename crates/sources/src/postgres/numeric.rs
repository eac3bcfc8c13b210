//! The binary form of `numeric`: digits to the base 10,000, of which each is a 16-bit number.

use std::fmt::Write;

/// The signs of numbers, and of what is not a number.
const NEGATIVE: u16 = 0x4000;
const POSITIVE: u16 = 0;

/// Writes a number as it is written in JSON without an exponent, with the digits after the point that it was stored
/// with. Returns `false`, and writes nothing, if it is infinite, not a number, or no valid number.
pub(super) fn write(out: &mut String, bytes: &[u8]) -> bool {
    let Some(number) = Number::read(bytes) else { return false };
    if number.is_negative {
        out.push('-');
    }
    number.write_whole(out);
    number.write_fraction(out);
    true
}

/// The parts of a number.
struct Number<'b> {
    /// Two bytes each.
    digits: &'b [u8],
    /// The place of the first digit before the point, counted from zero; negative after it.
    weight: i32,
    is_negative: bool,
    /// The number of decimal digits after the point.
    scale: usize,
}

impl<'b> Number<'b> {
    fn read(bytes: &'b [u8]) -> Option<Self> {
        let (header, digits) = bytes.split_at_checked(8)?;
        let field = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let is_negative = match field(4) {
            POSITIVE => false,
            NEGATIVE => true,
            _ => return None,
        };
        let weight = i32::from(field(2).cast_signed());
        let is_valid = digits.len() == 2 * usize::from(field(0))
            && digits.chunks_exact(2).all(|pair| u16::from_be_bytes([pair[0], pair[1]]) < 10_000);
        is_valid.then_some(Self { digits, weight, is_negative, scale: usize::from(field(6)) })
    }

    /// The digit at a place; those before and after the stored ones are zero.
    fn digit(&self, place: i32) -> u16 {
        let index = usize::try_from(self.weight - place).ok();
        let pair = index.and_then(|index| self.digits.get(2 * index..2 * index + 2));
        pair.map_or(0, |pair| u16::from_be_bytes([pair[0], pair[1]]))
    }

    fn write_whole(&self, out: &mut String) {
        let first = (0..=self.weight).rev().find(|place| self.digit(*place) != 0).unwrap_or(0);
        // Writing to a text cannot fail.
        let _ = write!(out, "{}", self.digit(first));
        for place in (0..first).rev() {
            let _ = write!(out, "{:04}", self.digit(place));
        }
    }

    fn write_fraction(&self, out: &mut String) {
        if self.scale == 0 {
            return;
        }
        out.push('.');
        let end = out.len() + self.scale;
        for place in 1.. {
            if out.len() >= end {
                break;
            }
            let _ = write!(out, "{:04}", self.digit(-place));
        }
        out.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(digits: &[u16], weight: i16, sign: u16, scale: u16) -> Option<String> {
        let count = u16::try_from(digits.len()).unwrap();
        let fields = [count, weight.cast_unsigned(), sign, scale];
        let bytes: Vec<u8> = fields.iter().chain(digits).flat_map(|field| field.to_be_bytes()).collect();
        let mut out = String::new();
        write(&mut out, &bytes).then_some(out)
    }

    #[test]
    fn numbers_are_written_with_every_digit() {
        for (digits, weight, sign, scale, expected) in [
            ([].as_slice(), 0, 0, 0, "0"),
            (&[], 0, 0, 2, "0.00"),
            (&[1], 0, 0, 0, "1"),
            (&[12, 5000], 0, 0, 2, "12.50"),
            (&[12, 5000], 0, 0x4000, 1, "-12.5"),
            (&[1], 1, 0, 0, "10000"),
            (&[1, 2], 2, 0, 0, "100020000"),
            (&[1234, 5678, 9012], 1, 0, 4, "12345678.9012"),
            (&[500], -1, 0, 2, "0.05"),
            (&[1], -2, 0, 8, "0.00000001"),
            (&[1], -2, 0, 10, "0.0000000100"),
            (&[9999, 9999], 0, 0, 4, "9999.9999"),
            (&[7], 5, 0, 1, "700000000000000000000.0"),
            (&[0, 7], 1, 0, 0, "7"),
        ] {
            assert_eq!(text(digits, weight, sign, scale).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_is_no_number_has_no_digits() {
        for sign in [0xC000, 0xD000, 0xF000] {
            assert_eq!(text(&[], 0, sign, 0), None);
        }
        assert_eq!(text(&[10_000], 0, 0, 0), None);
        for bytes in [[].as_slice(), &[0; 7], &[0, 1, 0, 0, 0, 0, 0, 0], &[0; 9]] {
            let mut out = String::new();
            assert!(!write(&mut out, bytes) && out.is_empty(), "{bytes:?}");
        }
        let long = text(&[1], i16::MAX, 0, 0x3fff).unwrap();
        assert_eq!(long.len(), 4 * 32_767 + 1 + 1 + 0x3fff);
    }
}
