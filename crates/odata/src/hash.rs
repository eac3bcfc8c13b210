//! Hashes. Unlike the hashers of the standard library, they are stable between builds and machines.

use sha2::{Digest, Sha256};

use crate::cell::{Cell, TypedCell};

/// FNV-1a with 64 bits.
pub(crate) struct Fnv(u64);

impl Fnv {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds one field with its length, so that the boundaries of neighbouring fields matter.
    pub(crate) fn field(&mut self, bytes: &[u8]) {
        for byte in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub(crate) fn finish(&self) -> u64 {
        self.0
    }
}

/// A number that distinguishes long values: the first 64 bits of their SHA-256, which databases compute too.
pub(crate) fn digest(cell: Cell<'_>) -> i64 {
    match cell {
        Cell::Text(bytes) | Cell::Blob(bytes) | Cell::Typed(TypedCell::Json(bytes)) => {
            let hash = Sha256::digest(bytes);
            hash.first_chunk().map_or(0, |first| i64::from_be_bytes(*first))
        }
        Cell::Null | Cell::Integer(_) | Cell::Real(_) | Cell::Typed(_) => 0,
    }
}

/// The hexadecimal digits of bytes, in lower case.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of [FIPS 180-4](https://nvlpubs.nist.gov/nistpubs/FIPS/NIST.FIPS.180-4.pdf), and lengths around the ends
    /// of a block.
    #[test]
    fn a_digest_is_the_beginning_of_the_hash() {
        let first = |bytes: &[u8]| digest(Cell::Blob(bytes)).cast_unsigned();
        assert_eq!(first(b"abc"), 0xba78_16bf_8f01_cfea);
        assert_eq!(first(b""), 0xe3b0_c442_98fc_1c14);
        for (length, expected) in [
            (55, 0x9f43_90f8_d30c_2dd9),
            (56, 0xb354_39a4_ac6f_0948),
            (63, 0x7d3e_74a0_5d7d_b15b),
            (64, 0xffe0_54fe_7ae0_cb6d),
            (65, 0x6353_61c4_8bb9_eab1),
            (119, 0x31eb_a51c_313a_5c08),
            (120, 0x2f3d_3354_32c7_0b58),
            (1_000_000, 0xcdc7_6e5c_9914_fb92),
        ] {
            assert_eq!(first(&vec![b'a'; length]), expected, "{length}");
        }
    }
}
