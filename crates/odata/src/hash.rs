//! FNV-1a with 64 bits. Unlike the hashers of the standard library, it is stable between builds and machines.

use crate::cell::{Cell, TypedCell};

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

/// A number that distinguishes long values.
pub(crate) fn digest(cell: Cell<'_>) -> i64 {
    let mut hash = Fnv::new();
    match cell {
        Cell::Text(bytes) | Cell::Blob(bytes) => hash.field(bytes),
        Cell::Typed(TypedCell::Json(text)) => hash.field(text),
        Cell::Null | Cell::Integer(_) | Cell::Real(_) | Cell::Typed(_) => {}
    }
    hash.finish().cast_signed()
}
