//! Hashes of users' passwords: Argon2id in PHC string form ([RFC
//! 9106](https://www.rfc-editor.org/rfc/rfc9106)).

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use domain::secret::{Password, PasswordHash};

/// The cost of a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
}

impl Cost {
    /// The parameters that OWASP recommends: 19 MiB, two passes, one lane.
    pub const OWASP: Self = Self { memory_kib: 19_456, passes: 2 };
}

const LENGTH: usize = 32;

/// The memory in which a hash is computed. A caller that will hash again soon keeps it, because mapping it
/// again takes a tenth of the time of a hash.
#[derive(Default)]
pub(crate) struct Scratch(Vec<Block>);

impl Scratch {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.len() < count {
            self.0 = vec![Block::new(); count];
        }
        &mut self.0[..count]
    }
}

/// Hashes a password with a salt, in newly allocated memory.
///
/// # Panics
/// If the cost is below what the algorithm allows: 8 KiB, one pass.
pub fn hash(password: &Password, salt: [u8; 16], cost: Cost) -> PasswordHash {
    hash_with(password, salt, cost, &mut Scratch::default())
}

pub(crate) fn hash_with(
    password: &Password,
    salt: [u8; 16],
    cost: Cost,
    scratch: &mut Scratch,
) -> PasswordHash {
    let digest =
        digest(password, &salt, cost, LENGTH, scratch).expect("the cost is one that the algorithm allows");
    let Cost { memory_kib, passes } = cost;
    let (salt, digest) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(digest));
    PasswordHash::new(format!("$argon2id$v=19$m={memory_kib},t={passes},p=1${salt}${digest}"))
}

/// Whether the password matches the hash; an unreadable hash matches nothing.
pub fn verify(hash: &PasswordHash, password: &Password) -> bool {
    verify_with(hash, password, &mut Scratch::default())
}

/// The result of comparing a password with a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The password does not match.
    Wrong,
    /// The password matches.
    Right,
    /// The password matches as typed, but not in its normal form: the hash is from before passwords were
    /// normalised.
    RightAsTyped,
}

impl Verdict {
    /// Whether the password is right.
    pub fn is_right(self) -> bool {
        self != Self::Wrong
    }
}

/// Compares a password with a hash, in its normal form and, if that differs, as typed. Both hashes are always
/// computed, so that the time does not reveal which one matched.
pub(crate) fn judge(hash: &PasswordHash, password: &Password, scratch: &mut Scratch) -> Verdict {
    let Some(normal) = password.normalised() else {
        return if verify_with(hash, password, scratch) { Verdict::Right } else { Verdict::Wrong };
    };
    let normal = verify_with(hash, &normal, scratch);
    let as_typed = verify_with(hash, password, scratch);
    match (normal, as_typed) {
        (true, _) => Verdict::Right,
        (false, true) => Verdict::RightAsTyped,
        (false, false) => Verdict::Wrong,
    }
}

pub(crate) fn verify_with(hash: &PasswordHash, password: &Password, scratch: &mut Scratch) -> bool {
    let Some(parsed) = Parsed::of(hash) else {
        return false;
    };
    let Some(digest) = digest(password, &parsed.salt, parsed.cost, parsed.digest.len(), scratch) else {
        return false;
    };
    aws_lc_rs::constant_time::verify_slices_are_equal(&digest, &parsed.digest).is_ok()
}

/// Whether the hash was created at another cost.
pub fn differs_from(hash: &PasswordHash, cost: Cost) -> bool {
    Parsed::of(hash).is_none_or(|parsed| parsed.cost != cost)
}

struct Parsed {
    cost: Cost,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

impl Parsed {
    fn of(hash: &PasswordHash) -> Option<Self> {
        let mut parts = hash.as_phc().strip_prefix("$argon2id$v=19$")?.split('$');
        let mut costs = parts.next()?.split(',');
        let memory_kib = costs.next()?.strip_prefix("m=")?.parse().ok()?;
        let passes = costs.next()?.strip_prefix("t=")?.parse().ok()?;
        if costs.next()? != "p=1" || costs.next().is_some() {
            return None;
        }
        let salt = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
        let digest = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
        parts.next().is_none().then_some(Self { cost: Cost { memory_kib, passes }, salt, digest })
    }
}

fn digest(
    password: &Password,
    salt: &[u8],
    cost: Cost,
    length: usize,
    scratch: &mut Scratch,
) -> Option<Vec<u8>> {
    let params = Params::new(cost.memory_kib, cost.passes, 1, Some(length)).ok()?;
    let blocks = scratch.blocks(params.block_count());
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut digest = vec![0; length];
    argon2.hash_password_into_with_memory(password.expose().as_bytes(), salt, &mut digest, blocks).ok()?;
    Some(digest)
}

/// 32 characters that are hard to confuse. The lower five bits of a byte select one uniformly.
const READABLE: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Makes a password from 24 random bytes: four groups of six characters, 120 bits.
pub fn readable(random: [u8; 24]) -> String {
    // Allocated at its final size, so that no part of it is left behind in memory.
    let mut password = String::with_capacity(27);
    for (at, byte) in random.iter().enumerate() {
        if at > 0 && at % 6 == 0 {
            password.push('-');
        }
        password.push(char::from(READABLE[usize::from(byte & 31)]));
    }
    password
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 8, passes: 1 };

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let hash = hash(&Password::new("correct horse"), [1; 16], CHEAP);
        assert!(verify(&hash, &Password::new("correct horse")));
        assert!(!verify(&hash, &Password::new("correct horsf")));
        assert!(!verify(&hash, &Password::new("")));
    }

    #[test]
    fn a_hash_of_the_reference_implementation_verifies() {
        let phc = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        assert!(verify(&PasswordHash::new(phc), &Password::new("password")));
    }

    #[test]
    fn an_unreadable_hash_matches_nothing() {
        for phc in ["", "$argon2i$v=19$m=8,t=1,p=1$AAAA$AAAA", "$argon2id$v=19$m=8,t=1,p=1$AAAA", "plain"] {
            assert!(!verify(&PasswordHash::new(phc), &Password::new("plain")), "{phc}");
        }
    }

    #[test]
    fn a_hash_of_another_cost_needs_rehashing() {
        let hash = hash(&Password::new("correct horse"), [1; 16], CHEAP);
        assert!(!differs_from(&hash, CHEAP));
        assert!(differs_from(&hash, Cost::OWASP));
    }

    #[test]
    fn reused_memory_does_not_affect_a_hash() {
        let mut scratch = Scratch::default();
        let dear = Cost { memory_kib: 64, passes: 2 };
        let password = Password::new("correct horse");
        let expected = hash(&password, [1; 16], CHEAP);
        hash_with(&Password::new("another"), [2; 16], dear, &mut scratch);
        let again = hash_with(&password, [1; 16], CHEAP, &mut scratch);
        assert_eq!(again.as_phc(), expected.as_phc());
        assert!(verify_with(&expected, &password, &mut scratch));
    }

    #[test]
    fn a_new_hash_has_the_parameters_that_owasp_recommends() {
        assert_eq!((Cost::OWASP.memory_kib, Cost::OWASP.passes), (19 * 1024, 2));
        let hash = hash(&Password::new("correct horse"), [1; 16], Cost::OWASP);
        assert!(hash.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_phc());
    }

    #[test]
    fn a_generated_password_is_long_and_readable() {
        let password = readable([0xa7; 24]);
        assert_eq!(password.len(), 27);
        assert!(password.bytes().all(|byte| byte == b'-' || READABLE.contains(&byte)));
    }
}
