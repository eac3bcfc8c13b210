//! The ring of keys that seal tokens, codes and next links. The newest active key seals, or the oldest if
//! none is active yet; older keys open what they sealed.

use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::hmac;
use domain::time::Timestamp;
use zeroize::Zeroizing;

use crate::master_key::MasterKey;
use crate::seal;
use crate::seal::{OpenedToken, Purpose, Unsealed};
use crate::subkey::{self, NONCE, TAG};

/// A ring key as it is stored: sealed under the master key.
#[derive(Clone)]
pub struct SealedRingKey {
    /// The number of the key; part of every text that it seals.
    pub id: u32,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time from which it seals.
    pub activates_at: Timestamp,
    /// Nonce, ciphertext and tag.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for SealedRingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedRingKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A ring key was not sealed under this master key.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("key {0} of the ring was not sealed under this master key: is it the key file of this database?")]
pub struct BrokenRing(pub u32);

/// The ring keys, ready for use.
pub struct KeyRing {
    wrapping: LessSafeKey,
    keys: RwLock<Arc<Vec<RingKey>>>,
}

struct RingKey {
    id: u32,
    activates_at: Timestamp,
    /// The subkeys by [`Purpose`], in the order of [`Purpose::ALL`].
    subkeys: [Subkey; Purpose::ALL.len()],
}

struct Subkey {
    aead: LessSafeKey,
    synthetic: hmac::Key,
}

impl KeyRing {
    /// Opens the stored keys.
    ///
    /// # Errors
    /// If one was not sealed under this master key.
    pub fn open(master: &MasterKey, keys: &[SealedRingKey]) -> Result<Self, BrokenRing> {
        let ring = Self { wrapping: subkey::aead(&master.subkey("ring keys")), keys: RwLock::default() };
        ring.replace(keys)?;
        Ok(ring)
    }

    pub(crate) fn replace(&self, sealed: &[SealedRingKey]) -> Result<(), BrokenRing> {
        let mut keys = sealed.iter().map(|key| self.unwrap_key(key)).collect::<Result<Vec<_>, _>>()?;
        keys.sort_by_key(|key| key.id);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }

    pub(crate) fn seal_new(
        &self,
        id: u32,
        created_at: Timestamp,
        activates_at: Timestamp,
        material: [u8; 32],
        nonce: [u8; NONCE],
    ) -> SealedRingKey {
        let material = Zeroizing::new(material);
        let mut bytes = nonce.to_vec();
        bytes.extend_from_slice(&*material);
        subkey::seal_in_place(&self.wrapping, nonce, &id.to_be_bytes(), &mut bytes, NONCE);
        SealedRingKey { id, created_at, activates_at, bytes }
    }

    fn unwrap_key(&self, key: &SealedRingKey) -> Result<RingKey, BrokenRing> {
        let broken = || BrokenRing(key.id);
        let (nonce, sealed) = key.bytes.split_first_chunk::<NONCE>().ok_or_else(broken)?;
        let opened =
            subkey::open(&self.wrapping, *nonce, &key.id.to_be_bytes(), sealed).map_err(|_| broken())?;
        let opened = Zeroizing::new(opened);
        let material: Zeroizing<[u8; 32]> =
            Zeroizing::new(opened.as_slice().try_into().map_err(|_| broken())?);
        let subkeys = Purpose::ALL.map(|purpose| Subkey::derive(&material, purpose));
        Ok(RingKey { id: key.id, activates_at: key.activates_at, subkeys })
    }

    fn keys(&self) -> Arc<Vec<RingKey>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn active(&self, now: Timestamp) -> Option<u32> {
        active(&self.keys(), now).map(|key| key.id)
    }

    pub(crate) fn seal(
        &self,
        purpose: Purpose,
        now: Timestamp,
        nonce: [u8; NONCE],
        payload: &[u8],
    ) -> Result<String, Unsealed> {
        let keys = self.keys();
        let key = active(&keys, now).ok_or(Unsealed)?;
        let text = key.seal(purpose, nonce, payload);
        // What cannot be opened must not be issued.
        if text.len() > purpose.most_characters() { Err(Unsealed) } else { Ok(text) }
    }

    pub(crate) fn seal_identically(
        &self,
        purpose: Purpose,
        id: u32,
        payload: &[u8],
    ) -> Result<String, Unsealed> {
        let keys = self.keys();
        let key = by_id(&keys, id).ok_or(Unsealed)?;
        let synthetic = hmac::sign(&key.subkeys[purpose.index()].synthetic, payload);
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&synthetic.as_ref()[..NONCE]);
        Ok(key.seal(purpose, nonce, payload))
    }

    pub(crate) fn open_text(&self, purpose: Purpose, text: &str) -> Result<OpenedToken, Unsealed> {
        let bytes = seal::decode(purpose, text)?;
        let (id, rest) = bytes.split_first_chunk::<4>().ok_or(Unsealed)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(Unsealed)?;
        if sealed.len() < TAG {
            return Err(Unsealed);
        }
        let keys = self.keys();
        let key = by_id(&keys, u32::from_be_bytes(*id)).ok_or(Unsealed)?;
        let context = seal::context(purpose);
        Ok(OpenedToken { bytes: subkey::open(&key.subkeys[purpose.index()].aead, *nonce, context, sealed)? })
    }
}

impl RingKey {
    fn seal(&self, purpose: Purpose, nonce: [u8; NONCE], payload: &[u8]) -> String {
        let mut bytes = Vec::with_capacity(4 + NONCE + payload.len() + TAG);
        bytes.extend_from_slice(&self.id.to_be_bytes());
        bytes.extend_from_slice(&nonce);
        let from = bytes.len();
        bytes.extend_from_slice(payload);
        subkey::seal_in_place(
            &self.subkeys[purpose.index()].aead,
            nonce,
            seal::context(purpose),
            &mut bytes,
            from,
        );
        seal::encode(purpose, &bytes)
    }
}

impl Subkey {
    fn derive(material: &[u8; 32], purpose: Purpose) -> Self {
        let name = purpose.name();
        Self {
            aead: subkey::aead(&subkey::expand(material, &format!("seal {name}"))),
            synthetic: hmac::Key::new(
                hmac::HMAC_SHA256,
                &*subkey::expand(material, &format!("nonce {name}")),
            ),
        }
    }
}

/// The newest active key. If the clock was set back to before the first key, the first key is used: every
/// node has it, and nothing else could seal.
fn active(keys: &[RingKey], now: Timestamp) -> Option<&RingKey> {
    keys.iter().rev().find(|key| key.activates_at.is_past(now)).or_else(|| keys.first())
}

fn by_id(keys: &[RingKey], id: u32) -> Option<&RingKey> {
    keys.binary_search_by_key(&id, |key| key.id).ok().map(|at| &keys[at])
}
