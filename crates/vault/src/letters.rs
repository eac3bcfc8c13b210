//! Mail that waits to be sent. It contains one-time links, so it is stored sealed.

use aws_lc_rs::aead::LessSafeKey;
use domain::mail::{Letter, SealedLetter};
use domain::secret::Digest;
use zeroize::Zeroizing;

use crate::Vault;
use crate::master_key::MasterKey;
use crate::seal::Unsealed;
use crate::subkey::{self, NONCE};

/// The key that seals mail. It is derived from the master key and never changes.
pub(crate) struct LetterKey(LessSafeKey);

impl LetterKey {
    pub(crate) fn derive(master: &MasterKey) -> Self {
        Self(subkey::aead(&master.subkey("letter seal")))
    }

    fn seal(&self, link: &Digest, text: &[u8], nonce: [u8; NONCE]) -> SealedLetter {
        let mut bytes = nonce.to_vec();
        bytes.extend_from_slice(text);
        subkey::seal_in_place(&self.0, nonce, link.as_bytes(), &mut bytes, NONCE);
        SealedLetter::new(bytes)
    }

    fn open(&self, link: &Digest, sealed: &SealedLetter) -> Result<Zeroizing<Vec<u8>>, Unsealed> {
        let (nonce, sealed) = sealed.as_bytes().split_first_chunk::<NONCE>().ok_or(Unsealed)?;
        subkey::open(&self.0, *nonce, link.as_bytes(), sealed).map(Zeroizing::new)
    }
}

impl Vault {
    /// Seals a mail under the master key. The seal is bound to the link with this digest.
    pub fn seal_letter(&self, link: &Digest, letter: &Letter) -> SealedLetter {
        let text = Zeroizing::new(letter.to_json());
        self.letters.seal(link, text.as_bytes(), self.random())
    }

    /// Opens what [`Vault::seal_letter`] sealed.
    ///
    /// # Errors
    /// If it was not sealed under this master key for this link.
    pub fn open_letter(&self, link: &Digest, sealed: &SealedLetter) -> Result<Letter, Unsealed> {
        Letter::from_json(&self.letters.open(link, sealed)?).map_err(|_| Unsealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_opens_only_unchanged_and_for_its_own_link() {
        let key = LetterKey::derive(&MasterKey::from_text(&"A".repeat(43)).unwrap());
        let (link, other) = (Digest::from_bytes([1; 32]), Digest::from_bytes([2; 32]));
        let sealed = key.seal(&link, b"a text", [7; NONCE]);
        assert_eq!(**key.open(&link, &sealed).unwrap(), *b"a text");
        assert!(key.open(&other, &sealed).is_err());
        for at in 0..sealed.as_bytes().len() {
            let mut changed = sealed.as_bytes().to_vec();
            changed[at] ^= 1;
            assert!(key.open(&link, &SealedLetter::new(changed)).is_err(), "byte {at}");
        }
        assert!(key.open(&link, &SealedLetter::new(vec![0; 5])).is_err());
    }
}
