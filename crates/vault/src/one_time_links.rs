//! One-time links: `sgl_`, 256 random bits, and a checksum by which a scanner can recognise a leaked one. A keyed digest is
//! stored instead of them.

use aws_lc_rs::hmac;
use domain::secret::{Digest, OneTimeLinkText};

use crate::digests::keyed_digest;
use crate::master_key::MasterKey;
use crate::{Vault, checked};

const PREFIX: &str = "sgl_";

pub(crate) struct OneTimeLinkKey(hmac::Key);

impl OneTimeLinkKey {
    pub(crate) fn derive(master: &MasterKey) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &*master.subkey("one-time link digest")))
    }

    fn digest(&self, text: &str) -> Digest {
        keyed_digest(&self.0, text.as_bytes())
    }
}

impl Vault {
    /// Creates the secret of a one-time link, and the digest to store.
    pub fn new_one_time_link(&self) -> (OneTimeLinkText, Digest) {
        let text = checked::compose(PREFIX, self.random());
        let digest = self.one_time_links.digest(&text);
        (OneTimeLinkText::new(text), digest)
    }

    /// The digest under which a one-time link is stored; `None` if the text has not the form of one, or a wrong checksum.
    pub fn one_time_link_digest(&self, text: &str) -> Option<Digest> {
        checked::is_valid(PREFIX, text).then(|| self.one_time_links.digest(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_its_own_digest_under_each_key() {
        let key = |letter: &str| OneTimeLinkKey::derive(&MasterKey::from_text(&letter.repeat(43)).unwrap());
        let text = checked::compose(PREFIX, [7; 32]);
        assert!(checked::is_valid(PREFIX, &text) && text.starts_with("sgl_"));
        assert_ne!(key("A").digest(&text).as_bytes(), key("A").digest(&text.to_lowercase()).as_bytes());
        assert_ne!(key("A").digest(&text).as_bytes(), key("E").digest(&text).as_bytes());
    }
}
