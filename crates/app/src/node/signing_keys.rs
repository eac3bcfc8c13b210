//! Keys for signatures that others verify. Each algorithm has at least one. A new key is published before it signs,
//! and an old one until nothing that it signed can still be valid.

use domain::audit::{Action, Outcome};
use domain::time::Timestamp;
use oauth::signing::{JwtType, SigningAlgorithm};
use std::sync::Arc;
use store::{StoreError, StoredSigningKey, SupersededSigningKeys};
use vault::{IssuedJwt, KeyPlace, PublishedKeys, SealedSigningKey};

use crate::node::external_keys::{ExternalKeys, SEEN_LATELY_SECS};
use crate::node::keys::SCHEDULE;
use crate::node::lifetimes::{
    DAY_SECS, KEYS_ANNOUNCED_SECS, SIGNING_KEYS_ANNOUNCED_SECS, SUPERSEDED_KEYS_KEPT_SECS,
};
use crate::node::request_origin::{COMMAND_LINE, RequestOrigin};
use crate::{Context, Fault};

mod entries;

use entries::Listing;
pub use entries::{SigningKeyEntry, SigningKeyState};

/// How often this node tries again if another node was faster. Each time, the other has added a key.
const TRIES: usize = 16;

/// When a new key starts to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// After a day, in which everybody who caches the published keys reads them again.
    Announced,
    /// In a few seconds, when every node has read it. Others may refuse its signatures until they read the keys again.
    Soon,
}

/// The signing keys.
#[derive(Clone)]
pub struct SigningKeyService {
    context: Arc<Context>,
}

service!(SigningKeyService);

impl SigningKeyService {
    /// The public keys, as they are published. Clients keep them for an hour, so in the first seconds of a new installation
    /// they wait until each algorithm has its key.
    ///
    /// # Errors
    /// If a key is missing and cannot be stored.
    pub async fn published(&self, origin: &RequestOrigin) -> Result<Arc<PublishedKeys>, Fault> {
        for algorithm in SigningAlgorithm::ALL {
            JwtKeys::of(&self.context).ensure(algorithm, origin).await?;
        }
        Ok(self.context.vault.published_keys())
    }

    /// Signs claims, a JSON object, as a compact JWS of this type.
    ///
    /// # Errors
    /// [`Fault::Busy`] if the algorithm has no key yet, in the first second of a new installation.
    pub async fn sign(
        &self,
        jwt: JwtType,
        algorithm: SigningAlgorithm,
        claims: &[u8],
    ) -> Result<String, Fault> {
        JwtKeys::of(&self.context).sign(jwt, algorithm, claims).await
    }

    /// Compares the stored keys with those of the signer, if there is one.
    ///
    /// # Errors
    /// If the signer does not answer, or if the database fails.
    pub async fn synchronise(&self, origin: &RequestOrigin) -> Result<(), Fault> {
        ExternalKeys::of(&self.context).synchronise(origin).await
    }

    /// Waits until the keys of the signer are to be listed again.
    pub async fn outdated(&self) {
        self.context.signer.outdated().await;
    }

    /// The algorithms whose keys this server makes itself.
    pub fn own_algorithms(&self) -> Vec<SigningAlgorithm> {
        JwtKeys::of(&self.context).own_algorithms()
    }

    /// Lists the stored keys, those of the server first, each kind oldest first.
    ///
    /// # Errors
    /// If the database cannot be read, or if a key was not sealed under the master key.
    pub async fn list(&self) -> Result<Vec<SigningKeyEntry>, Fault> {
        let own = self.context.store.list_signing_keys().await?;
        let external = self.context.store.list_external_keys().await?;
        let listing =
            Listing { own: &own, external: &external, now: self.context.now(), signer: &self.context.signer };
        let open = |key: &StoredSigningKey| {
            let opened = self.context.vault.open_signing_key(&sealed(key));
            let opened = opened.map_err(|unsealed| Fault::Broken(Box::new(unsealed)))?;
            Ok(listing.own_entry(key, opened.key_id()))
        };
        let entries: Result<Vec<_>, Fault> = own.iter().map(open).collect();
        Ok([entries?, listing.external_entries()].concat())
    }

    /// Adds a key for an algorithm by command of the operator, and returns its number.
    ///
    /// # Errors
    /// If the database cannot store it.
    pub async fn rotate(
        &self,
        algorithm: SigningAlgorithm,
        activation: Activation,
        origin: &RequestOrigin,
    ) -> Result<u32, Fault> {
        let announced = match activation {
            Activation::Announced => SIGNING_KEYS_ANNOUNCED_SECS,
            Activation::Soon => KEYS_ANNOUNCED_SECS,
        };
        let activates_at = self.context.now().plus_secs(announced);
        for _ in 0..TRIES {
            let keys = self.context.store.list_signing_keys().await?;
            let new = NewKey { id: next_id(&keys), algorithm, activates_at };
            if JwtKeys::of(&self.context).add(new, COMMAND_LINE, origin).await? {
                return Ok(new.id);
            }
        }
        Err(Fault::Busy)
    }

    /// Deletes all keys of an algorithm except the newest of the server, which then signs at once, and those that are in a
    /// signer. Everything that the others signed becomes invalid. Returns the number of deleted keys.
    ///
    /// # Errors
    /// If the database cannot store it.
    pub async fn retire(&self, algorithm: SigningAlgorithm, origin: &RequestOrigin) -> Result<u64, Fault> {
        let mut audit = origin.audit(Action::RetireSigningKeys, Outcome::Success, self.context.now());
        audit.actor_name = Some(COMMAND_LINE.to_owned());
        audit.subject = Some(algorithm.as_str().to_owned());
        let which = SupersededSigningKeys::All(algorithm);
        let deleted = self.context.store.delete_signing_keys(which, Some(audit.clone())).await?;
        JwtKeys::of(&self.context).reload().await?;
        let external = self.context.store.list_external_keys().await?;
        let ids = external.iter().filter(|key| key.algorithm == algorithm).map(|key| key.id).collect();
        let unseen_since = self.context.now().minus_secs(SEEN_LATELY_SECS);
        Ok(deleted + ExternalKeys::of(&self.context).delete(ids, unseen_since, audit).await?)
    }

    /// Creates a key for each algorithm that has none. RSA keys take a good part of a second.
    ///
    /// # Errors
    /// If the database cannot store one.
    pub async fn create_missing(&self, origin: &RequestOrigin) -> Result<(), Fault> {
        JwtKeys::of(&self.context).create(&SigningAlgorithm::ALL, 0, origin).await
    }
}

/// The keys that sign JWTs.
#[derive(Clone, Copy)]
pub(crate) struct JwtKeys<'a> {
    context: &'a Context,
}

component!(JwtKeys);

impl JwtKeys<'_> {
    /// Signs claims, a JSON object, as a compact JWS of this type.
    ///
    /// # Errors
    /// [`Fault::Busy`] if the algorithm has no key yet, in the first second of a new installation;
    /// [`Fault::SignerUnavailable`] if its key is in a signer that does not answer.
    pub(crate) async fn sign(
        self,
        jwt: JwtType,
        algorithm: SigningAlgorithm,
        claims: &[u8],
    ) -> Result<String, Fault> {
        match self.context.vault.sign_jwt(jwt, algorithm, self.context.now(), claims) {
            Some(Ok(IssuedJwt::Signed(text))) => Ok(text),
            // Boxed, so that tokens with a sealed key do not pay for the state of waiting.
            Some(Ok(IssuedJwt::Unsigned(unsigned))) => {
                Box::pin(ExternalKeys::of(self.context).sign(unsigned)).await
            }
            Some(Err(failed)) => Err(Fault::Broken(Box::new(failed))),
            None if self.context.signer.holds(algorithm) => Err(Fault::SignerUnavailable),
            None => Err(Fault::Busy),
        }
    }

    /// Makes sure, before something is consumed, that a key of the algorithm can sign as far as this node knows.
    ///
    /// # Errors
    /// [`Fault::SignerUnavailable`].
    pub(crate) async fn ready(self, algorithm: SigningAlgorithm) -> Result<(), Fault> {
        let signer = &self.context.signer;
        match self.context.vault.signs_with(algorithm, self.context.now()) {
            Some(KeyPlace::Server) => Ok(()),
            Some(KeyPlace::Signer) if !signer.is_down() => Ok(()),
            None if !signer.holds(algorithm) => Ok(()),
            // Boxed, like the rest of what only a signer needs.
            _ => Box::pin(ExternalKeys::of(self.context).ready()).await,
        }
    }

    /// The algorithms whose keys this server makes itself.
    fn own_algorithms(self) -> Vec<SigningAlgorithm> {
        let is_own = |algorithm: &SigningAlgorithm| !self.context.signer.holds(*algorithm);
        SigningAlgorithm::ALL.into_iter().filter(is_own).collect()
    }

    /// Creates the key of an algorithm if it has none yet and its keys are not in a signer, so that a request that needs it does not fail after it has
    /// consumed something. Only requests in the first seconds of a new installation wait for one.
    pub(crate) async fn ensure(
        self,
        algorithm: SigningAlgorithm,
        origin: &RequestOrigin,
    ) -> Result<(), Fault> {
        let has_key = || self.context.vault.signs_with(algorithm, self.context.now()).is_some();
        if has_key() || self.context.signer.holds(algorithm) {
            return Ok(());
        }
        // Boxed, so that the requests that find a key do not pay for the state of creating one.
        Box::pin(self.create(&[algorithm], 0, origin)).await?;
        // Another node may have created it.
        if !has_key() {
            self.reload().await?;
        }
        Ok(())
    }

    /// Creates the keys that are missing or due, and deletes those whose signatures have expired.
    pub(crate) async fn maintain(self, origin: &RequestOrigin) -> Result<(), Fault> {
        let days = self.context.settings.rotate_keys_every_days;
        self.create(&SigningAlgorithm::ALL, days, origin).await?;
        let before = self.context.now().minus_secs(SUPERSEDED_KEYS_KEPT_SECS);
        let keys = self.context.store.list_signing_keys().await?;
        let is_over = |key: &StoredSigningKey| {
            let newer = |other: &StoredSigningKey| other.id > key.id && other.algorithm == key.algorithm;
            keys.iter().any(|other| newer(other) && other.activates_at.is_past(before))
        };
        if keys.iter().any(is_over) {
            self.context.store.delete_signing_keys(SupersededSigningKeys::Before(before), None).await?;
            self.reload().await?;
        }
        ExternalKeys::of(self.context).maintain(origin).await
    }

    /// Creates a key for each of the algorithms that has none, or whose newest one is older than `days`; 0 is never. Those
    /// whose keys are in a signer are left out. Only one of several nodes creates it, and the others use it.
    pub(crate) async fn create(
        self,
        algorithms: &[SigningAlgorithm],
        days: u32,
        origin: &RequestOrigin,
    ) -> Result<(), Fault> {
        let mut own = self.own_algorithms();
        own.retain(|algorithm| algorithms.contains(algorithm));
        for _ in 0..TRIES {
            // One at a time on this node: an RSA key takes a core for a good part of a second.
            let _alone = self.context.creating_signing_key.lock().await;
            let keys = self.context.store.list_signing_keys().await?;
            let Some(new) = due(&own, &keys, days, self.context.now()) else { return Ok(()) };
            self.add(new, SCHEDULE, origin).await?;
        }
        Err(Fault::Busy)
    }

    /// Adds a key, and returns `false` if another node was faster.
    async fn add(self, new: NewKey, actor: &str, origin: &RequestOrigin) -> Result<bool, Fault> {
        let NewKey { id, algorithm, activates_at } = new;
        let vault = Arc::clone(&self.context.vault);
        let generate = move || vault.new_signing_key(id, algorithm, activates_at);
        let generated = if algorithm.is_quick_to_generate() {
            generate()
        } else {
            let waited = tokio::task::spawn_blocking(generate).await;
            waited.map_err(|panic| Fault::Broken(Box::new(panic)))?
        };
        let sealed = generated.map_err(|failed| Fault::Broken(Box::new(failed)))?;
        let now = self.context.now();
        let mut audit = origin.audit(Action::RotateSigningKeys, Outcome::Success, now);
        audit.actor_name = Some(actor.to_owned());
        audit.subject = Some(format!("{} key {id}", algorithm.as_str()));
        let key = StoredSigningKey { id, algorithm, created_at: now, activates_at, sealed: sealed.bytes };
        let added = self.context.store.insert_signing_key(key, audit).await?;
        self.reload().await?;
        Ok(added)
    }

    pub(crate) async fn reload(self) -> Result<(), StoreError> {
        let keys: Vec<SealedSigningKey> =
            self.context.store.list_signing_keys().await?.iter().map(sealed).collect();
        let replaced = self.context.vault.replace_signing_keys(&keys);
        replaced.map_err(|error| StoreError::Inconsistent(error.to_string()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct NewKey {
    id: u32,
    algorithm: SigningAlgorithm,
    activates_at: Timestamp,
}

fn next_id(keys: &[StoredSigningKey]) -> u32 {
    keys.last().map_or(1, |key| key.id + 1)
}

/// The next key to create. The first key of an algorithm signs at once, because nobody has cached an older one.
fn due(
    algorithms: &[SigningAlgorithm],
    keys: &[StoredSigningKey],
    days: u32,
    now: Timestamp,
) -> Option<NewKey> {
    let id = next_id(keys);
    let lasts = i64::from(days) * DAY_SECS;
    algorithms.iter().find_map(|&algorithm| {
        let announced = match keys.iter().rfind(|key| key.algorithm == algorithm) {
            None => 0,
            Some(newest) if days > 0 && newest.created_at.plus_secs(lasts).is_past(now) => {
                SIGNING_KEYS_ANNOUNCED_SECS
            }
            Some(_) => return None,
        };
        Some(NewKey { id, algorithm, activates_at: now.plus_secs(announced) })
    })
}

fn sealed(key: &StoredSigningKey) -> SealedSigningKey {
    SealedSigningKey {
        id: key.id,
        algorithm: key.algorithm,
        activates_at: key.activates_at,
        bytes: key.sealed.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oauth::signing::SigningAlgorithm::{EdDsa, Es256};

    const NOW: Timestamp = Timestamp::from_secs(100 * DAY_SECS);

    fn key(id: u32, algorithm: SigningAlgorithm, age_days: i64, active_in_secs: i64) -> StoredSigningKey {
        StoredSigningKey {
            id,
            algorithm,
            created_at: NOW.minus_secs(age_days * DAY_SECS),
            activates_at: NOW.plus_secs(active_in_secs),
            sealed: Vec::new(),
        }
    }

    #[test]
    fn the_first_key_of_an_algorithm_signs_at_once_and_a_later_one_is_published_before() {
        let new = |id, algorithm, secs| Some(NewKey { id, algorithm, activates_at: NOW.plus_secs(secs) });
        let both = [EdDsa, Es256];
        assert_eq!(due(&both, &[], 90, NOW), new(1, EdDsa, 0));
        assert_eq!(due(&both, &[key(1, EdDsa, 1, -1)], 90, NOW), new(2, Es256, 0));
        let keys = [key(1, EdDsa, 90, -1), key(2, Es256, 1, -1)];
        assert_eq!(due(&both, &keys, 90, NOW), new(3, EdDsa, SIGNING_KEYS_ANNOUNCED_SECS));
        assert_eq!(due(&both, &keys, 91, NOW), None);
        assert_eq!(due(&both, &keys, 0, NOW), None, "without a schedule");
        let rotated = [keys[0].clone(), keys[1].clone(), key(3, EdDsa, 0, SIGNING_KEYS_ANNOUNCED_SECS)];
        assert_eq!(due(&both, &rotated, 90, NOW), None);
    }
}
