//! Verifies `DPoP` proofs ([RFC 9449](https://www.rfc-editor.org/rfc/rfc9449)) and remembers the accepted ones, so that
//! none is accepted twice.
//!
//! The memory is that of one node: a proof is for one URL and one method, and for few minutes, and whoever could replay
//! it at another node needs the access token too. RFC 9449 leaves sharing open.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, PoisonError};

use domain::time::Timestamp;
use oauth::dpop::{self, ProvedRequest};
use oauth::jwt::Claims;
use oauth::proof::{DpopHeader, RequestFacts, Thumbprint};
use oauth::refusal::Refusal;
use vault::Vault;
use vault::jose::AcceptedJwt;

use crate::node::access_note;
use crate::node::clock::Clock;
use crate::node::settings::AppSettings;
use crate::{Context, Fault};

/// The number of locks.
const SHARDS: usize = 16;
/// The most proofs that a shard remembers in each half of its memory: 38 MB in total, 5,000 proofs in a second. A set of
/// this size fills its memory to the last place.
const MOST_PER_HALF: usize = 114_688;
/// How many of them strangers may have put there: more than one network may send. The rest is reserved.
const MOST_OF_STRANGERS: usize = MOST_PER_HALF / 4;

/// Why a request does not prove that its sender holds a key.
#[derive(Debug)]
pub(crate) enum ProofFailure {
    /// A rule refuses the proof.
    Refused(Refusal),
    /// The server cannot decide at present.
    Fault(Fault),
}

/// Who proves to hold a key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Prover<'a> {
    /// The sender of an access token that is bound to a key.
    Token {
        /// The token in the request.
        text: &'a str,
        /// The key.
        bound: Thumbprint,
    },
    /// A client that asks for something.
    Client {
        /// Whether it needs a nonce also if the settings require none.
        needs_nonce: bool,
        /// Whether strangers may send requests as this client or as another one like it.
        is_open_to_strangers: bool,
    },
}

impl Prover<'_> {
    const fn sender(self) -> Sender {
        match self {
            Self::Client { is_open_to_strangers: true, .. } => Sender::Stranger,
            Self::Client { .. } | Self::Token { .. } => Sender::Known,
        }
    }
}

/// Whether the sender of a proof has shown more than a key that it made itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sender {
    /// It has a token that is bound to the key, or is a client that somebody here has registered.
    Known,
    /// It may be anybody.
    Stranger,
}

/// The proofs that were accepted within the last minutes, as keyed hashes of thumbprint and `jti`.
#[derive(Debug)]
pub(crate) struct AcceptedProofs {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

/// Two halves of memory. The older one is dropped when all its proofs have expired.
#[derive(Debug, Default)]
struct Shard {
    started: i64,
    current: HashSet<u64>,
    /// How many of the current half are of strangers.
    of_strangers: usize,
    previous: HashSet<u64>,
}

/// What the memory says about a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remembered {
    /// It is new, and remembered from now on.
    New,
    /// It was accepted before.
    Known,
    /// It is new, and there is no room for it. It must not be accepted.
    NoRoom,
}

impl Default for AcceptedProofs {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl AcceptedProofs {
    fn remember(&self, key: Thumbprint, id: &str, sender: Sender, now: Timestamp) -> Remembered {
        let hash = self.hasher.hash_one((key.as_bytes(), id));
        let shard = &self.shards[usize::try_from(hash % SHARDS as u64).unwrap_or_default()];
        shard.lock().unwrap_or_else(PoisonError::into_inner).remember(hash, sender, now.as_secs())
    }
}

impl Shard {
    fn remember(&mut self, hash: u64, sender: Sender, now_secs: i64) -> Remembered {
        // A clock that was set back must not stop the turns, or the memory would fill.
        if Timestamp::from_secs(self.started).is_before_set_back(Timestamp::from_secs(now_secs)) {
            self.started = now_secs;
        }
        let age = now_secs - self.started;
        if age >= 2 * dpop::LIFETIME_SECS {
            self.previous = HashSet::new();
            self.current.clear();
            self.of_strangers = 0;
            self.started = now_secs;
        } else if age >= dpop::LIFETIME_SECS {
            self.previous = std::mem::take(&mut self.current);
            self.of_strangers = 0;
            self.started = now_secs;
        }
        if self.previous.contains(&hash) || self.current.contains(&hash) {
            return Remembered::Known;
        }
        let is_strangers = sender == Sender::Stranger;
        if self.current.len() >= MOST_PER_HALF || is_strangers && self.of_strangers >= MOST_OF_STRANGERS {
            return Remembered::NoRoom;
        }
        self.current.insert(hash);
        self.of_strangers += usize::from(is_strangers);
        Remembered::New
    }
}

/// The `DPoP` proofs of requests.
#[derive(Clone, Copy)]
pub(crate) struct DpopProofs<'a> {
    accepted: &'a AcceptedProofs,
    vault: &'a Vault,
    settings: &'a AppSettings,
    clock: &'a dyn Clock,
}

impl<'a> DpopProofs<'a> {
    pub(crate) fn of(context: &'a Context) -> Self {
        Self {
            accepted: &context.accepted_proofs,
            vault: &context.vault,
            settings: &context.settings,
            clock: &*context.clock,
        }
    }

    /// The key that a request proves to hold with its `DPoP` header; `None` if it has none.
    ///
    /// # Errors
    /// [`ProofFailure`], including for a proof that was accepted before and for another key than that of the token.
    pub(crate) fn proved_key(
        self,
        facts: &RequestFacts<'_>,
        prover: Prover<'_>,
    ) -> Result<Option<Thumbprint>, ProofFailure> {
        let is_demanded = matches!(prover, Prover::Client { needs_nonce: true, .. });
        let needs_nonce = is_demanded || self.settings.require_dpop_nonce;
        if needs_nonce {
            access_note::offer_nonce();
        }
        let text = match facts.dpop {
            DpopHeader::None => return Ok(None),
            DpopHeader::Several => return Err(ProofFailure::Refused(Refusal::DpopRepeated)),
            DpopHeader::One(bytes) => {
                std::str::from_utf8(bytes).map_err(|_| ProofFailure::Refused(Refusal::DpopUnverified))?
            }
        };
        let algorithms = self.settings.minimum_profile.rules().algorithms.of_clients();
        let accepted = AcceptedJwt { algorithms, types: &[Some(dpop::PROOF_TYPE)] };
        let verified = self.vault.own_keys().verify(text, accepted);
        let (claims, key) = verified.map_err(|_| ProofFailure::Refused(Refusal::DpopUnverified))?;
        let digest = match prover {
            Prover::Token { text, .. } => {
                Some(Thumbprint::from_bytes(vault::sha256(text.as_bytes())).to_string())
            }
            Prover::Client { .. } => None,
        };
        let alias = self.settings.client_certificates.public_url.as_ref().map(|url| facts.url(url));
        let request = ProvedRequest {
            method: facts.method,
            url: &facts.url(&self.settings.public_url),
            alias: alias.as_deref(),
            access_token_digest: digest.as_deref(),
            content_digest: facts.content_digest,
            now: self.clock.now(),
        };
        let id = dpop::check(&claims, request).map_err(ProofFailure::Refused)?;
        self.nonce_is_right(&claims, needs_nonce, request.now)?;
        if matches!(prover, Prover::Token { bound, .. } if bound != key) {
            return Err(ProofFailure::Refused(Refusal::DpopKeyDiffers));
        }
        match self.accepted.remember(key, id, prover.sender(), request.now) {
            Remembered::New => Ok(Some(key)),
            Remembered::Known => Err(ProofFailure::Refused(Refusal::DpopReplayed)),
            Remembered::NoRoom => Err(ProofFailure::Fault(Fault::Busy)),
        }
    }

    /// Clients that use nonces, and those that have to, get the current one with the response.
    fn nonce_is_right(self, claims: &Claims, is_required: bool, now: Timestamp) -> Result<(), ProofFailure> {
        let is_fresh = |nonce: &str| self.vault.dpop_nonce_is_fresh(nonce, now);
        let judged = dpop::check_nonce(claims, is_required, is_fresh);
        if judged != Ok(false) {
            access_note::offer_nonce();
        }
        judged.map(drop).map_err(ProofFailure::Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Thumbprint = Thumbprint::from_bytes([1; 32]);
    const OTHER: Thumbprint = Thumbprint::from_bytes([2; 32]);
    const KNOWN: Sender = Sender::Known;

    #[test]
    fn a_proof_is_known_as_long_as_it_can_be_accepted() {
        let proofs = AcceptedProofs::default();
        let at = Timestamp::from_secs;
        assert_eq!(proofs.remember(KEY, "a", KNOWN, at(1_000)), Remembered::New);
        assert_eq!(proofs.remember(OTHER, "a", KNOWN, at(1_000)), Remembered::New, "a jti belongs to a key");
        for now in [1_000, 1_359, 1_360] {
            assert_eq!(proofs.remember(KEY, "a", KNOWN, at(now)), Remembered::Known, "{now}");
        }
        assert_eq!(proofs.remember(KEY, "a", KNOWN, at(5_000)), Remembered::New, "it has expired long ago");
    }

    #[test]
    fn a_full_memory_forgets_nothing() {
        let mut shard = Shard::default();
        for hash in 0..MOST_PER_HALF as u64 {
            assert_eq!(shard.remember(hash, KNOWN, 1_000), Remembered::New);
        }
        assert_eq!(shard.remember(u64::MAX, KNOWN, 1_000), Remembered::NoRoom);
        assert_eq!(shard.remember(0, KNOWN, 1_000), Remembered::Known);
        assert_eq!(shard.remember(u64::MAX, KNOWN, 1_400), Remembered::New, "the next half is empty");
        assert_eq!(shard.remember(0, KNOWN, 1_400), Remembered::Known);
    }

    /// A stranger makes keys at will.
    #[test]
    fn proofs_of_strangers_leave_room_for_those_of_tokens_and_known_clients() {
        let mut shard = Shard::default();
        for hash in 0..MOST_OF_STRANGERS as u64 {
            assert_eq!(shard.remember(hash, Sender::Stranger, 1_000), Remembered::New);
        }
        assert_eq!(shard.remember(u64::MAX, Sender::Stranger, 1_000), Remembered::NoRoom);
        assert_eq!(shard.remember(0, KNOWN, 1_000), Remembered::Known, "whoever sends it");
        for hash in MOST_OF_STRANGERS as u64..MOST_PER_HALF as u64 {
            assert_eq!(shard.remember(hash, KNOWN, 1_000), Remembered::New);
        }
        assert_eq!(
            shard.remember(u64::MAX, Sender::Stranger, 1_400),
            Remembered::New,
            "the next half is empty"
        );
    }

    #[test]
    fn a_clock_set_back_neither_stops_nor_empties_the_memory() {
        for back in [60, 3_600, 86_400] {
            let mut shard = Shard::default();
            for hash in 0..MOST_PER_HALF as u64 {
                assert_eq!(shard.remember(hash, KNOWN, 1_000_000), Remembered::New);
            }
            let then = 1_000_000 - back;
            assert_eq!(shard.remember(0, KNOWN, then), Remembered::Known, "{back}");
            assert_eq!(
                shard.remember(u64::MAX, KNOWN, then + dpop::LIFETIME_SECS),
                Remembered::New,
                "{back}"
            );
            assert_eq!(shard.remember(0, KNOWN, then + dpop::LIFETIME_SECS), Remembered::Known, "{back}");
        }
    }

    #[test]
    fn requests_that_overtake_each_other_shorten_nothing() {
        let mut shard = Shard::default();
        assert_eq!(shard.remember(1, KNOWN, 1_000), Remembered::New);
        assert_eq!(shard.remember(2, KNOWN, 998), Remembered::New);
        assert_eq!(shard.started, 1_000);
    }
}
