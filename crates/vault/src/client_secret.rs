//! Client secrets: `sgs_`, 256 random bits, and a checksum by which a scanner can recognise a leaked secret.

use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::hmac;
use domain::id::ClientId;
use domain::secret::{ClientSecret, Digest};

use crate::checked;
use crate::digests::keyed_digest;
use crate::master_key::MasterKey;
use crate::seal::Unsealed;
use crate::subkey::{self, NONCE};

/// The prefix of every client secret.
pub const PREFIX: &str = "sgs_";

/// A new client secret, to be shown once and stored.
#[derive(Debug)]
pub struct FreshSecret {
    /// The secret for the application.
    pub secret: ClientSecret,
    /// The digest to store.
    pub digest: Digest,
    /// The last four characters.
    pub hint: String,
}

/// The keys for digesting and sealing client secrets. Both are derived from the master key and never change.
pub(crate) struct SecretKeys {
    digest: hmac::Key,
    seal: LessSafeKey,
}

impl SecretKeys {
    pub(crate) fn derive(master: &MasterKey) -> Self {
        Self {
            digest: hmac::Key::new(hmac::HMAC_SHA256, &*master.subkey("client secret digest")),
            seal: subkey::aead(&master.subkey("client secret seal")),
        }
    }

    pub(crate) fn digest(&self, secret: &str) -> Digest {
        keyed_digest(&self.digest, secret.as_bytes())
    }

    pub(crate) fn seal(&self, client: &ClientId, secret: &[u8], nonce: [u8; NONCE]) -> Vec<u8> {
        let mut bytes = nonce.to_vec();
        bytes.extend_from_slice(secret);
        subkey::seal_in_place(&self.seal, nonce, client.as_str().as_bytes(), &mut bytes, NONCE);
        bytes
    }

    pub(crate) fn open(&self, client: &ClientId, sealed: &[u8]) -> Result<Vec<u8>, Unsealed> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or(Unsealed)?;
        subkey::open(&self.seal, *nonce, client.as_str().as_bytes(), sealed)
    }
}

/// Composes a client secret from its random bytes.
pub(crate) fn compose(random: [u8; 32]) -> ClientSecret {
    ClientSecret::new(checked::compose(PREFIX, random))
}

/// The last four characters, by which people distinguish secrets.
pub(crate) fn hint(secret: &ClientSecret) -> String {
    let text = secret.expose();
    text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned()
}

/// Whether the text has the form of a client secret and a correct checksum. Anybody can compute this; it
/// proves nothing.
pub fn checksum_is_valid(text: &str) -> bool {
    checked::is_valid(PREFIX, text)
}

/// The text of a version 4 UUID ([RFC 9562 §5.4](https://www.rfc-editor.org/rfc/rfc9562#section-5.4)).
pub(crate) fn uuid_v4(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
    text
}

const HEX: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_contains_a_checksum_that_scanners_can_verify() {
        let secret = compose([3; 32]);
        assert!(checksum_is_valid(secret.expose()));
        assert_eq!(secret.expose().len(), 53);
        assert_eq!(hint(&secret), secret.expose()[49..]);
        let wrong = secret.expose().replacen("sgs_A", "sgs_B", 1);
        assert!(!checksum_is_valid(&wrong));
        for text in ["", "sgs_", "sgs_ä", &"ä".repeat(40), &format!("sgs_{}", "A".repeat(49))] {
            assert!(!checksum_is_valid(text), "{text}");
        }
    }

    #[test]
    fn a_client_id_is_a_version_4_uuid() {
        let text = uuid_v4([0xff; 16]);
        assert_eq!(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert!(text.parse::<domain::id::ClientId>().is_ok());
    }

    #[test]
    fn the_checksum_detects_every_single_wrong_character() {
        let secret = compose([0x5a; 32]).expose().to_owned();
        for at in 0..secret.len() {
            let mut wrong = secret.clone().into_bytes();
            wrong[at] = if wrong[at] == b'x' { b'y' } else { b'x' };
            assert!(!checksum_is_valid(std::str::from_utf8(&wrong).unwrap()), "character {at}");
        }
    }

    #[test]
    fn a_sealed_secret_opens_only_unchanged_and_for_its_application() {
        let keys = SecretKeys::derive(&MasterKey::from_text(&"A".repeat(43)).unwrap());
        let client: ClientId = uuid_v4([1; 16]).parse().unwrap();
        let other: ClientId = uuid_v4([2; 16]).parse().unwrap();
        let sealed = keys.seal(&client, b"sgs_secret", [1; NONCE]);
        assert_eq!(keys.open(&client, &sealed).unwrap(), b"sgs_secret");
        assert!(keys.open(&other, &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(keys.open(&client, &changed).is_err(), "byte {at}");
            assert!(keys.open(&client, &sealed[..at]).is_err(), "cut to {at}");
        }
    }
}
