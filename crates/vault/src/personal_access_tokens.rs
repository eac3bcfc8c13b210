//! Personal access tokens: `sgp_`, 256 random bits, and a checksum by which a scanner can recognise a leaked token. A keyed
//! digest is stored instead of them.

use aws_lc_rs::hmac;
use domain::secret::{Digest, PersonalAccessTokenText};

use crate::digests::keyed_digest;
use crate::master_key::MasterKey;
use crate::{Vault, checked};

/// The prefix of every personal access token.
pub const PREFIX: &str = "sgp_";

pub(crate) struct PersonalKey(hmac::Key);

impl PersonalKey {
    pub(crate) fn derive(master: &MasterKey) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &*master.subkey("personal access token digest")))
    }

    fn digest(&self, text: &str) -> Digest {
        keyed_digest(&self.0, text.as_bytes())
    }
}

impl Vault {
    /// Creates a personal access token, and the digest to store.
    pub fn new_personal_access_token(&self) -> (PersonalAccessTokenText, Digest) {
        let text = checked::compose(PREFIX, self.random());
        let digest = self.personal.digest(&text);
        (PersonalAccessTokenText::new(text), digest)
    }

    /// The digest under which a personal access token is stored; `None` if the text has not the form of one, or a wrong
    /// checksum.
    pub fn personal_access_token_digest(&self, text: &str) -> Option<Digest> {
        checked::is_valid(PREFIX, text).then(|| self.personal.digest(text))
    }
}

/// Whether the text is meant to be a personal access token, valid or not. No other credential of this server begins so.
pub fn is_meant(text: &str) -> bool {
    text.starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_token_has_a_digest() {
        let key = PersonalKey::derive(&MasterKey::from_text(&"A".repeat(43)).unwrap());
        let text = checked::compose(PREFIX, [7; 32]);
        assert!(is_meant(&text) && checked::is_valid(PREFIX, &text));
        assert_ne!(key.digest(&text).as_bytes(), key.digest(&text.to_lowercase()).as_bytes());
        for wrong in [
            &text[..text.len() - 1],
            &text.replacen("sgp_", "sgs_", 1),
            &text.replacen("sgp_B", "sgp_C", 1),
            "",
        ] {
            assert!(!checked::is_valid(PREFIX, wrong), "{wrong}");
        }
    }
}
