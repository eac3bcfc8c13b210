//! Hashes. Unlike the hashers of the standard library, they are stable between builds and machines.

mod sha256;

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
            sha256::first_word(bytes)
        }
        Cell::Null | Cell::Integer(_) | Cell::Real(_) | Cell::Typed(_) => 0,
    }
}
