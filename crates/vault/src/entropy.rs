//! Sources of randomness.

/// A source of randomness that is unpredictable, except in tests.
pub trait Entropy: Send + Sync + 'static {
    /// Fills the bytes with randomness.
    fn fill(&self, bytes: &mut [u8]);
}

/// The randomness of the operating system, through the generator of aws-lc.
///
/// Short values such as ids and nonces come from a buffer of the thread, which is filled many bytes at a
/// time, because a call of the generator costs as much for eight bytes as for hundreds. Bytes are overwritten
/// as they are handed out.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() > LARGEST_STORED {
            generate(bytes);
        } else {
            STORED.with_borrow_mut(|stored| stored.hand_out(bytes));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the entropy that everything else asks")]
fn generate(bytes: &mut [u8]) {
    // Without randomness nothing may be issued, so the process cannot continue.
    aws_lc_rs::rand::fill(bytes).expect("the operating system gives randomness");
}

/// Longer values, such as keys and secrets, never come from the buffer.
const LARGEST_STORED: usize = 16;
const STORE: usize = 512;

thread_local! {
    static STORED: std::cell::RefCell<Stored> = const { std::cell::RefCell::new(Stored { bytes: [0; STORE], left: 0 }) };
}

/// Random bytes that were not handed out; only the last `left` of them are usable.
struct Stored {
    bytes: [u8; STORE],
    left: usize,
}

impl Stored {
    fn hand_out(&mut self, wanted: &mut [u8]) {
        if self.left < wanted.len() {
            generate(&mut self.bytes);
            self.left = STORE;
        }
        let from = STORE - self.left;
        let stored = &mut self.bytes[from..from + wanted.len()];
        wanted.copy_from_slice(stored);
        stored.fill(0);
        self.left -= wanted.len();
    }
}

/// The same bytes for the same seed, so that a test is repeatable.
#[cfg(any(test, feature = "testing"))]
#[derive(Debug)]
pub struct SeededEntropy(std::sync::Mutex<u64>);

#[cfg(any(test, feature = "testing"))]
impl SeededEntropy {
    /// Creates a generator from a seed.
    pub fn new(seed: u64) -> Self {
        Self(std::sync::Mutex::new(seed))
    }
}

#[cfg(any(test, feature = "testing"))]
impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64.
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = *state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let word = (mixed ^ (mixed >> 31)).to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_random_bytes_are_handed_out_twice() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..1_000 {
            let mut id = [0; 12];
            SystemEntropy.fill(&mut id);
            assert!(seen.insert(id), "{id:?} came twice");
        }
    }

    #[test]
    fn random_bytes_are_erased_when_they_are_handed_out() {
        let mut stored = Stored { bytes: [0; STORE], left: 0 };
        let mut first = [0; 16];
        stored.hand_out(&mut first);
        assert_eq!(stored.bytes[..16], [0; 16]);
        assert_ne!(first, [0; 16]);
        for _ in 0..STORE / 16 {
            stored.hand_out(&mut first);
        }
        assert_eq!(stored.left, STORE - 16, "filled again when nothing was left");
    }
}
