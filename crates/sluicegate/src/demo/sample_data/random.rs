//! Pseudorandom numbers that are the same in each run: xorshift64*.

/// A sequence that its seed determines. For sample data only.
pub(super) struct Random(u64);

impl Random {
    /// Creates a sequence; the seed must not be 0.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// A number from `least` to `most`, inclusive.
    pub(super) fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = (most - least).unsigned_abs() + 1;
        least + i64::try_from(self.next() % span).unwrap_or(0)
    }

    /// True in `percent` of a hundred cases.
    pub(super) fn chance(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    /// Picks one of the elements.
    pub(super) fn pick<T>(&mut self, from: &'static [T]) -> &'static T {
        let index = self.between(0, i64::try_from(from.len()).unwrap_or(1) - 1);
        &from[usize::try_from(index).unwrap_or(0)]
    }
}
