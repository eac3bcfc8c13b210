//! Random choices that a test can repeat.

use std::hash::{BuildHasher, Hasher, RandomState};

/// `SplitMix64`: the same seed makes the same choices.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Creates a generator from a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A new seed; a test prints it, so that a failure can be reproduced.
    pub fn fresh_seed() -> u64 {
        RandomState::new().build_hasher().finish()
    }

    /// Sixty-four random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: u64) -> u64 {
        self.bits() % end
    }

    /// The index of one of `len` things; `len` must not be zero.
    ///
    /// # Panics
    /// If there are more things than the machine can address.
    pub fn place(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("it is below a length")
    }

    /// A unique word of letters and digits.
    pub fn word(&mut self) -> String {
        format!("{:016x}", self.bits())
    }

    /// A code verifier of the minimum length ([RFC 7636
    /// §4.1](https://www.rfc-editor.org/rfc/rfc7636#section-4.1)).
    pub fn verifier(&mut self) -> String {
        let mut text = String::from("ver");
        while text.len() < 43 {
            text.push_str(&self.word());
        }
        text
    }
}
