//! Signing keys in a signer outside of this process: finding, using and forgetting them.
//!
//! Each node asks a signer of its own, and all nodes share the table of the keys that any of them has found. A key is
//! published when it is found, signs when it is active, and stays published until nothing that it signed can still be valid.
//! A signer that does not answer changes nothing in the table.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::time::Timestamp;
use oauth::signing::SigningAlgorithm;
use signer::SignerError;
use store::{StoreError, StoredExternalKey, WithCauses};
use tokio::sync::Notify;
use vault::{ExternalKey, ExternalUse, SealedExternalKey, UnsignedJwt};

use crate::node::lifetimes::{SIGNING_KEYS_ANNOUNCED_SECS, SUPERSEDED_KEYS_KEPT_SECS};
use crate::node::metrics::{OutcomeLabels, Word};
use crate::node::request_origin::RequestOrigin;
use crate::node::settings::ExternalSigner;
use crate::{Context, Fault};

mod held;

use held::HeldKeys;

/// The actor of changes that follow from what the signer holds.
const SIGNER: &str = "signer";

/// How often the time is stored at which a key was last seen.
const SEEN_EVERY_SECS: i64 = 60;

/// A key that a node has seen in the last minutes is still in its signer.
pub(super) const SEEN_LATELY_SECS: i64 = 3 * SEEN_EVERY_SECS;

/// While the signer does not answer, one request in this time tries it again; the others are refused at once.
const TRY_AGAIN_MICROS: i64 = 1_000_000;

/// What a key signs before it is used.
const SELF_TEST: &[u8] = b"sluicegate tests this key";

/// What this node knows of its signer.
#[derive(Debug)]
pub(crate) struct SignerState {
    signer: Option<ExternalSigner>,
    held: Mutex<HeldKeys>,
    is_down: AtomicBool,
    /// By the monotonic clock.
    tried_at: AtomicI64,
    /// One at a time, so that no older list replaces a newer one.
    reloading: tokio::sync::Mutex<()>,
    /// The keys are to be listed again.
    outdated: Notify,
}

impl SignerState {
    pub(crate) fn new(signer: Option<&ExternalSigner>) -> Self {
        Self {
            signer: signer.cloned(),
            held: Mutex::default(),
            is_down: AtomicBool::new(false),
            tried_at: AtomicI64::new(i64::MIN),
            reloading: tokio::sync::Mutex::default(),
            outdated: Notify::new(),
        }
    }

    /// Whether there is a signer that does not answer.
    pub(crate) fn is_down(&self) -> bool {
        self.is_down.load(Ordering::Acquire)
    }

    /// Whether there is a signer.
    pub(crate) fn is_used(&self) -> bool {
        self.signer.is_some()
    }

    /// Whether the keys of the algorithm are in the signer.
    pub(crate) fn holds(&self, algorithm: SigningAlgorithm) -> bool {
        self.algorithms().contains(&algorithm)
    }

    /// The algorithms whose keys are in the signer.
    pub(crate) fn algorithms(&self) -> &[SigningAlgorithm] {
        self.signer.as_ref().map_or(&[], |signer| signer.algorithms.as_slice())
    }

    /// Waits until the keys are to be listed again.
    pub(crate) async fn outdated(&self) {
        self.outdated.notified().await;
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HeldKeys> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this caller is the one that tries a signer again that does not answer.
    fn may_try(&self, now: i64) -> bool {
        let tried = self.tried_at.load(Ordering::Acquire);
        now.saturating_sub(tried) >= TRY_AGAIN_MICROS
            && self.tried_at.compare_exchange(tried, now, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

/// The signing keys in the signer.
#[derive(Clone, Copy)]
pub(crate) struct ExternalKeys<'a> {
    context: &'a Context,
}

component!(ExternalKeys);

impl ExternalKeys<'_> {
    /// Completes a token with the signature of the signer. A wrong signature never leaves.
    ///
    /// # Errors
    /// [`Fault::SignerUnavailable`] or [`Fault::Busy`], within seconds.
    pub(crate) async fn sign(self, unsigned: UnsignedJwt) -> Result<String, Fault> {
        let state = &self.context.signer;
        if state.is_down() && !state.may_try(self.context.clock.steady_micros()) {
            return Err(self.counted("unavailable", Fault::SignerUnavailable));
        }
        let Some(signer) = &state.signer else { return Err(Fault::SignerUnavailable) };
        let (key_id, algorithm) = (unsigned.key().key_id().to_owned(), unsigned.key().algorithm());
        let Some(name) = state.held().name_of(&key_id) else {
            return Err(self.counted("unavailable", Fault::SignerUnavailable));
        };
        let signature = match signer.client.sign(&name, algorithm, unsigned.to_be_signed()).await {
            Ok(signature) => signature,
            Err(SignerError::Busy) => return Err(self.counted("busy", Fault::Busy)),
            Err(error) => {
                self.went_down(&error);
                return Err(self.counted("unavailable", Fault::SignerUnavailable));
            }
        };
        match unsigned.with_signature(&signature) {
            Ok(text) => {
                self.came_back();
                self.context.metrics.external_signatures.inc(OutcomeLabels { outcome: Word("signed") });
                Ok(text)
            }
            Err(wrong) => {
                state.held().forget(&key_id);
                self.went_down(&wrong);
                Err(self.counted("wrong", Fault::SignerUnavailable))
            }
        }
    }

    /// Makes sure that the signer answered last, so that a request fails before it consumes something. One request in a second
    /// asks a signer that did not answer.
    ///
    /// # Errors
    /// [`Fault::SignerUnavailable`].
    pub(crate) async fn ready(self) -> Result<(), Fault> {
        let state = &self.context.signer;
        if !state.may_try(self.context.clock.steady_micros()) {
            return Err(Fault::SignerUnavailable);
        }
        let origin = RequestOrigin { address: None, request_id: SIGNER.to_owned() };
        self.synchronise(&origin).await
    }

    /// Lists the keys of the signer, tests those that are new to this node, and stores those that are new to all.
    ///
    /// # Errors
    /// If the signer does not answer, or if the database fails.
    pub(crate) async fn synchronise(self, origin: &RequestOrigin) -> Result<(), Fault> {
        let Some(signer) = &self.context.signer.signer else { return Ok(()) };
        let listed = match self.tested(signer).await {
            Ok(listed) => listed,
            Err(SignerError::Busy) => return Err(Fault::Busy),
            Err(error) => {
                self.went_down(&error);
                return Err(Fault::SignerUnavailable);
            }
        };
        let stored = self.context.store.list_external_keys().await?;
        let has_changed = self.store_new(&listed, stored, origin).await?;
        let names = listed.into_iter().map(|(name, key)| (key.key_id().to_owned(), name)).collect();
        // The guard ends with the statement, before anything is awaited.
        let holds_others = self.context.signer.held().replace(names);
        if has_changed || holds_others {
            self.reload().await?;
        }
        self.came_back();
        Ok(())
    }

    /// The keys that this node uses, by the name that the signer gives them. A key is tested once.
    async fn tested(self, signer: &ExternalSigner) -> Result<Vec<(String, ExternalKey)>, SignerError> {
        let state = &self.context.signer;
        let mut tested: Vec<(String, ExternalKey)> = Vec::new();
        for listed in signer.client.list().await? {
            let algorithm = SigningAlgorithm::from_name(&listed.algorithm);
            let Some(algorithm) = algorithm.filter(|algorithm| state.holds(*algorithm)) else { continue };
            let key = match ExternalKey::parse(algorithm, &listed.jwk) {
                Ok(key) => key,
                Err(fault) => {
                    self.complain(&listed.id, &fault.to_string());
                    continue;
                }
            };
            if tested.iter().any(|(_, other)| other.key_id() == key.key_id()) {
                self.complain(&listed.id, "is listed twice; a key is for one algorithm only");
                continue;
            }
            let is_tested = state.held().is_tested(key.key_id());
            if !is_tested {
                let signature = signer.client.sign(&listed.id, algorithm, SELF_TEST).await?;
                if !key.verifies(SELF_TEST, &signature) {
                    self.complain(&listed.id, "makes signatures that its public key does not verify");
                    continue;
                }
                state.held().passed(key.key_id());
            }
            tested.push((listed.id, key));
        }
        // Nodes that find several new keys at the same time store them in the same order.
        tested.sort_by(|(_, one), (_, other)| one.key_id().cmp(other.key_id()));
        Ok(tested)
    }

    /// Stores new keys, and when the others were seen. Returns whether there are new keys.
    async fn store_new(
        self,
        listed: &[(String, ExternalKey)],
        mut stored: Vec<StoredExternalKey>,
        origin: &RequestOrigin,
    ) -> Result<bool, Fault> {
        let now = self.context.now();
        let mut seen = Vec::new();
        let mut is_new = false;
        for (name, key) in listed {
            match stored.iter().find(|stored| stored.key_id == key.key_id()) {
                Some(known) if known.algorithm != key.algorithm() => {
                    self.complain(name, "was used with another algorithm before");
                }
                Some(known) if known.seen_at.plus_secs(SEEN_EVERY_SECS).is_past(now) => seen.push(known.id),
                Some(_) => {}
                None => {
                    self.add(key, &stored, origin).await?;
                    is_new = true;
                    stored = self.context.store.list_external_keys().await?;
                }
            }
        }
        if !seen.is_empty() {
            self.context.store.see_external_keys(seen, now).await?;
        }
        Ok(is_new)
    }

    /// Adds a key, unless another node was faster: then it is found with the next list.
    async fn add(
        self,
        key: &ExternalKey,
        stored: &[StoredExternalKey],
        origin: &RequestOrigin,
    ) -> Result<(), Fault> {
        let (now, algorithm) = (self.context.now(), key.algorithm());
        let sealed = self.context.store.list_signing_keys().await?;
        let is_first = !sealed.iter().any(|sealed| sealed.algorithm == algorithm)
            && !stored.iter().any(|stored| stored.algorithm == algorithm);
        let announced = if is_first { 0 } else { SIGNING_KEYS_ANNOUNCED_SECS };
        let new = StoredExternalKey {
            id: stored.last().map_or(1, |last| last.id + 1),
            key_id: key.key_id().to_owned(),
            algorithm,
            created_at: now,
            activates_at: now.plus_secs(announced),
            seen_at: now,
            sealed: self.context.vault.seal_external_key(key),
        };
        let subject = format!("{} key {} of the signer", algorithm.as_str(), key.key_id());
        let audit = audit(Action::RotateSigningKeys, subject, now, origin);
        if self.context.store.insert_external_key(new, audit).await? {
            tracing::info!(
                algorithm = algorithm.as_str(),
                kid = key.key_id(),
                "a key of the signer is published"
            );
        }
        Ok(())
    }

    /// Deletes the keys that are in no signer any more, once nothing that they signed can still be valid.
    pub(crate) async fn maintain(self, origin: &RequestOrigin) -> Result<(), Fault> {
        let now = self.context.now();
        let unseen_since = now.minus_secs(SUPERSEDED_KEYS_KEPT_SECS);
        let stored = self.context.store.list_external_keys().await?;
        let over = stored.iter().filter(|key| key.seen_at.is_past(unseen_since)).map(|key| key.id).collect();
        let audit = audit(Action::RetireSigningKeys, "keys of the signer".to_owned(), now, origin);
        self.delete(over, unseen_since, audit).await.map(|_| ())
    }

    /// Deletes these keys, except those that a node has seen since, and returns how many.
    pub(crate) async fn delete(
        self,
        ids: Vec<u32>,
        unseen_since: Timestamp,
        audit: NewAuditEvent,
    ) -> Result<u64, Fault> {
        if ids.is_empty() {
            return Ok(0);
        }
        let deleted = self.context.store.delete_external_keys(ids, unseen_since, audit).await?;
        self.reload().await?;
        Ok(deleted)
    }

    /// Reads the stored keys again.
    pub(crate) async fn reload(self) -> Result<(), StoreError> {
        let state = &self.context.signer;
        let _alone = state.reloading.lock().await;
        let stored = self.context.store.list_external_keys().await?;
        let keys: Vec<SealedExternalKey> = stored.iter().map(for_vault).collect();
        let used = ExternalUse { algorithms: state.algorithms().to_vec(), held: state.held().key_ids() };
        let replaced = self.context.vault.replace_external_keys(&keys, &used);
        replaced.map_err(|error| StoreError::Inconsistent(error.to_string()))
    }

    /// Logs the first failure only: everybody who needs a signature gets 503 until the signer answers again.
    fn went_down(self, error: &(dyn std::error::Error + 'static)) {
        let state = &self.context.signer;
        state.tried_at.store(self.context.clock.steady_micros(), Ordering::Release);
        if !state.is_down.swap(true, Ordering::AcqRel) {
            state.outdated.notify_one();
            self.context.metrics.signer_down.set(1);
            let cause = WithCauses(error);
            tracing::error!(%cause, "the signer fails; what it would sign is refused until it answers again");
        }
    }

    fn came_back(self) {
        let state = &self.context.signer;
        if state.is_down() && state.is_down.swap(false, Ordering::AcqRel) {
            self.context.metrics.signer_down.set(0);
            tracing::info!("the signer answers again");
        }
    }

    /// Logs once why a key is not used.
    fn complain(self, name: &str, why: &str) {
        if self.context.signer.held().is_new_complaint(name, why) {
            tracing::error!(key = name, why, "a key of the signer is not used");
        }
    }

    fn counted(self, outcome: &'static str, fault: Fault) -> Fault {
        self.context.metrics.external_signatures.inc(OutcomeLabels { outcome: Word(outcome) });
        fault
    }
}

fn audit(action: Action, subject: String, now: Timestamp, origin: &RequestOrigin) -> NewAuditEvent {
    let mut audit = origin.audit(action, Outcome::Success, now);
    audit.actor_name = Some(SIGNER.to_owned());
    audit.subject = Some(subject);
    audit
}

fn for_vault(key: &StoredExternalKey) -> SealedExternalKey {
    SealedExternalKey {
        algorithm: key.algorithm,
        key_id: key.key_id.clone(),
        activates_at: key.activates_at,
        bytes: key.sealed.clone(),
    }
}
