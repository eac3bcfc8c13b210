//! The list of signing keys for the operator.

use domain::time::Timestamp;
use oauth::signing::SigningAlgorithm;
use store::{StoredExternalKey, StoredSigningKey};
use vault::KeyPlace;

use crate::node::external_keys::{SEEN_LATELY_SECS, SignerState};

/// What a stored signing key is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningKeyState {
    /// It is published and does not sign yet.
    Announced,
    /// It signs.
    Signs,
    /// Its signatures are still valid.
    Verifies,
}

/// A signing key, without its private half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyEntry {
    /// Where its private half is.
    pub place: KeyPlace,
    /// Its number there.
    pub id: u32,
    /// The algorithm of its signatures.
    pub algorithm: SigningAlgorithm,
    /// The `kid`.
    pub key_id: String,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time from which it signs.
    pub activates_at: Timestamp,
    /// What it is used for.
    pub state: SigningKeyState,
}

/// What the list is made of.
pub(super) struct Listing<'a> {
    /// The keys of the server, by number.
    pub(super) own: &'a [StoredSigningKey],
    /// Those of signers, by number.
    pub(super) external: &'a [StoredExternalKey],
    pub(super) now: Timestamp,
    /// Which algorithms a signer signs.
    pub(super) signer: &'a SignerState,
}

impl Listing<'_> {
    pub(super) fn own_entry(&self, key: &StoredSigningKey, key_id: &str) -> SigningKeyEntry {
        SigningKeyEntry {
            place: KeyPlace::Server,
            id: key.id,
            algorithm: key.algorithm,
            key_id: key_id.to_owned(),
            created_at: key.created_at,
            activates_at: key.activates_at,
            state: self.own_state(key),
        }
    }

    pub(super) fn external_entries(&self) -> Vec<SigningKeyEntry> {
        let entry = |key: &StoredExternalKey| SigningKeyEntry {
            place: KeyPlace::Signer,
            id: key.id,
            algorithm: key.algorithm,
            key_id: key.key_id.clone(),
            created_at: key.created_at,
            activates_at: key.activates_at,
            state: self.external_state(key),
        };
        self.external.iter().map(entry).collect()
    }

    /// The same rule as that of the vault: the newest active key signs, or the first one if none is active, unless a key of
    /// the signer does.
    fn own_state(&self, key: &StoredSigningKey) -> SigningKeyState {
        let of_algorithm = || self.own.iter().filter(|other| other.algorithm == key.algorithm);
        let active = of_algorithm().rfind(|key| key.activates_at.is_past(self.now));
        match active.or_else(|| of_algorithm().next()) {
            Some(signs) if key.id == signs.id && !self.signer_signs(key.algorithm) => SigningKeyState::Signs,
            Some(signs) if key.id <= signs.id => SigningKeyState::Verifies,
            _ => SigningKeyState::Announced,
        }
    }

    /// Whether a key of the signer has ever been active, after which no sealed key signs.
    fn signer_signs(&self, algorithm: SigningAlgorithm) -> bool {
        let is_active =
            |key: &StoredExternalKey| key.algorithm == algorithm && key.activates_at.is_past(self.now);
        self.signer.holds(algorithm) && self.external.iter().any(is_active)
    }

    /// The newest active key signs of those that a signer held in the last minutes.
    fn external_state(&self, key: &StoredExternalKey) -> SigningKeyState {
        let lately = self.now.minus_secs(SEEN_LATELY_SECS);
        let is_candidate = |other: &&StoredExternalKey| {
            other.algorithm == key.algorithm
                && other.activates_at.is_past(self.now)
                && !other.seen_at.is_past(lately)
        };
        let signs = self.external.iter().rfind(is_candidate).filter(|_| self.signer.holds(key.algorithm));
        if signs.is_some_and(|signs| signs.id == key.id) {
            SigningKeyState::Signs
        } else if key.activates_at.is_past(self.now) {
            SigningKeyState::Verifies
        } else {
            SigningKeyState::Announced
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use oauth::signing::SigningAlgorithm::{EdDsa, Es256};
    use signer::ClientLimits;

    use super::*;
    use crate::node::settings::ExternalSigner;
    use SigningKeyState::{Announced, Signs, Verifies};

    const NOW: Timestamp = Timestamp::from_secs(10_000_000);

    fn key(id: u32, algorithm: SigningAlgorithm, active_in_secs: i64) -> StoredSigningKey {
        let activates_at = NOW.plus_secs(active_in_secs);
        StoredSigningKey { id, algorithm, created_at: NOW, activates_at, sealed: Vec::new() }
    }

    fn external(id: u32, active_in_secs: i64, seen_secs_ago: i64) -> StoredExternalKey {
        StoredExternalKey {
            id,
            key_id: format!("k{id}"),
            algorithm: EdDsa,
            created_at: NOW,
            activates_at: NOW.plus_secs(active_in_secs),
            seen_at: NOW.minus_secs(seen_secs_ago),
            sealed: Vec::new(),
        }
    }

    fn states(
        own: &[StoredSigningKey],
        external: &[StoredExternalKey],
        algorithms: &[SigningAlgorithm],
    ) -> (Vec<SigningKeyState>, Vec<SigningKeyState>) {
        let signer = ExternalSigner::at(PathBuf::new(), algorithms.to_vec(), ClientLimits::DEFAULT);
        let listing = Listing { own, external, now: NOW, signer: &SignerState::new(Some(&signer)) };
        (
            own.iter().map(|key| listing.own_state(key)).collect(),
            listing.external_entries().iter().map(|entry| entry.state).collect(),
        )
    }

    #[test]
    fn one_key_of_each_algorithm_signs() {
        let own = [key(1, EdDsa, -9), key(2, Es256, 5), key(3, EdDsa, -5), key(4, EdDsa, 5)];
        assert_eq!(states(&own, &[], &[]).0, [Verifies, Signs, Signs, Announced]);
    }

    #[test]
    fn a_key_of_the_signer_signs_once_it_is_active_and_held() {
        let own = [key(1, EdDsa, -9), key(2, Es256, -9), key(3, EdDsa, 5)];
        let keys = [external(1, -9, 10), external(2, -5, 10_000), external(3, 5, 0)];
        let expected = (vec![Verifies, Signs, Announced], vec![Signs, Verifies, Announced]);
        assert_eq!(states(&own, &keys, &[EdDsa]), expected);
        let elsewhere = (vec![Signs, Signs, Announced], vec![Verifies, Verifies, Announced]);
        assert_eq!(states(&own, &keys, &[Es256]), elsewhere, "the signer is for another algorithm");
        assert_eq!(states(&own, &keys[2..], &[EdDsa]).0, [Signs, Signs, Announced]);
    }
}
