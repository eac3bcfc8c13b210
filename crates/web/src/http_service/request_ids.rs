//! The ids of requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Request ids: a counter makes them unique in this process, a random start across restarts.
pub(super) struct RequestIds {
    /// The random start, in hexadecimal, and a hyphen.
    start: String,
    next: AtomicU64,
}

impl RequestIds {
    pub(super) fn new(start: u64) -> Self {
        Self { start: format!("{start:016x}-"), next: AtomicU64::new(0) }
    }

    pub(super) fn next(&self) -> Arc<str> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut id = [0; 33];
        let start = self.start.as_bytes();
        id[..start.len()].copy_from_slice(start);
        let length = start.len() + push_hex(number, &mut id[start.len()..]);
        std::str::from_utf8(&id[..length]).unwrap_or_default().into()
    }
}

/// Writes a number in hexadecimal without leading zeros, and returns the number of digits. Formatting would cost ten
/// times as much, for every request.
fn push_hex(number: u64, text: &mut [u8]) -> usize {
    let digits = (64 - (number | 1).leading_zeros()).div_ceil(4) as usize;
    for (at, byte) in text.iter_mut().take(digits).enumerate() {
        let digit = (number >> (4 * (digits - 1 - at))) & 15;
        *byte = b"0123456789abcdef"[digit as usize];
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_count_in_hexadecimal() {
        let ids = RequestIds::new(0xabc);
        for number in [0, 1, 9, 10, 15, 16, 255, 256, 0xdead_beef, u64::MAX - 1] {
            ids.next.store(number, Ordering::Relaxed);
            assert_eq!(*ids.next(), format!("{:016x}-{number:x}", 0xabc));
        }
        ids.next.store(7, Ordering::Relaxed);
        assert_ne!(ids.next(), ids.next());
    }
}
