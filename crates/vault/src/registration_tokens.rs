//! Tokens by which clients register themselves and manage their registration: a prefix and 256 random bits. A keyed
//! digest is stored instead of them.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::secret::{Digest, RegistrationTokenText};

use crate::Vault;
use crate::digests::keyed_digest;
use crate::master_key::MasterKey;

/// The kinds of token, which are never taken for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationToken {
    /// Allows to register ([RFC 7591 §3](https://www.rfc-editor.org/rfc/rfc7591#section-3)).
    Initial,
    /// Allows to manage one registration ([RFC 7592 §3](https://www.rfc-editor.org/rfc/rfc7592#section-3)).
    Management,
}

impl RegistrationToken {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Initial => "sgi_",
            Self::Management => "sgm_",
        }
    }
}

/// The base64url length of 32 bytes.
const CHARACTERS: usize = 43;

pub(crate) struct RegistrationKey(hmac::Key);

impl RegistrationKey {
    pub(crate) fn derive(master: &MasterKey) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &*master.subkey("registration token digest")))
    }

    fn digest(&self, text: &str) -> Digest {
        keyed_digest(&self.0, text.as_bytes())
    }
}

impl Vault {
    /// Creates a token, and the digest to store.
    pub fn new_registration_token(&self, kind: RegistrationToken) -> (RegistrationTokenText, Digest) {
        let text = format!("{}{}", kind.prefix(), URL_SAFE_NO_PAD.encode(self.random::<32>()));
        let digest = self.registrations.digest(&text);
        (RegistrationTokenText::new(text), digest)
    }

    /// The digest to compare with a stored one; `None` if the text has not the form of such a token.
    pub fn registration_token_digest(&self, kind: RegistrationToken, text: &str) -> Option<Digest> {
        let rest = text.strip_prefix(kind.prefix())?;
        (rest.len() == CHARACTERS).then(|| self.registrations.digest(text))
    }
}
