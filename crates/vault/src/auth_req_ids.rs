//! The ids of backchannel authentication requests: a prefix and 256 random bits ([CIBA Core
//! §7.3](https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.7.3)
//! demands 128). A keyed digest is stored instead of them.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::secret::{AuthReqIdText, Digest};

use crate::Vault;
use crate::digests::keyed_digest;
use crate::master_key::MasterKey;

const PREFIX: &str = "sgb_";

/// The base64url length of 32 bytes.
const CHARACTERS: usize = 43;

pub(crate) struct AuthReqIdKey(hmac::Key);

impl AuthReqIdKey {
    pub(crate) fn derive(master: &MasterKey) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &*master.subkey("auth_req_id digest")))
    }

    /// An id of random bytes, and the digest to store.
    fn create(&self, random: [u8; 32]) -> (AuthReqIdText, Digest) {
        let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
        let digest = self.sign(&text);
        (AuthReqIdText::new(text), digest)
    }

    /// The digest of an id; `None` if the text cannot be one.
    fn digest(&self, id: &AuthReqIdText) -> Option<Digest> {
        let rest = id.expose().strip_prefix(PREFIX)?;
        (rest.len() == CHARACTERS).then(|| self.sign(id.expose()))
    }

    fn sign(&self, text: &str) -> Digest {
        keyed_digest(&self.0, text.as_bytes())
    }
}

impl Vault {
    /// Creates an `auth_req_id`, and the digest to store.
    pub fn new_auth_req_id(&self) -> (AuthReqIdText, Digest) {
        self.auth_req_ids.create(self.random())
    }

    /// The digest by which a request is stored; `None` if the text cannot be an `auth_req_id`.
    pub fn auth_req_id_digest(&self, id: &AuthReqIdText) -> Option<Digest> {
        self.auth_req_ids.digest(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auth_req_id_has_its_digest_and_other_texts_have_none() {
        let key = AuthReqIdKey::derive(&MasterKey::from_text(&"A".repeat(43)).unwrap());
        let (id, digest) = key.create([7; 32]);
        assert_eq!(key.digest(&id).unwrap().as_bytes(), digest.as_bytes());
        for text in ["", "sgb_", "sgb_AAAA", &id.expose().replace("sgb", "sgd"), &format!("{}A", id.expose())]
        {
            assert!(key.digest(&AuthReqIdText::new(text)).is_none(), "{text}");
        }
    }
}
