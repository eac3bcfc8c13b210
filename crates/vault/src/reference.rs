//! References to pushed authorization requests ([RFC 9126 §2.2](https://www.rfc-editor.org/rfc/rfc9126#section-2.2)): the
//! number of the stored request, a dot, and a secret half in base64url, of which only a digest is stored.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::PushedRequestId;
use domain::secret::Digest;
use oauth::authorize::REFERENCE_PREFIX;

use crate::Vault;
use crate::digests::keyed_digest;
use crate::master_key::MasterKey;
use crate::seal::Unsealed;

/// The base64url length of 32 bytes.
const SECRET_CHARACTERS: usize = 43;

/// Secret. The half of a reference of which only a digest is stored.
pub struct ReferenceSecret([u8; 32]);

impl ReferenceSecret {
    const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Debug for ReferenceSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReferenceSecret(redacted)")
    }
}

pub(crate) struct ReferenceKey(hmac::Key);

impl ReferenceKey {
    pub(crate) fn derive(master: &MasterKey) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &*master.subkey("pushed request digest")))
    }

    fn digest(&self, secret: &ReferenceSecret) -> Digest {
        keyed_digest(&self.0, &secret.0)
    }
}

fn compose(id: PushedRequestId, secret: &ReferenceSecret) -> String {
    format!("{REFERENCE_PREFIX}{id}.{}", URL_SAFE_NO_PAD.encode(secret.0))
}

fn parse(reference: &str) -> Result<(PushedRequestId, ReferenceSecret), Unsealed> {
    let rest = reference.strip_prefix(REFERENCE_PREFIX).ok_or(Unsealed)?;
    let (id, secret) = rest.split_once('.').ok_or(Unsealed)?;
    if secret.len() != SECRET_CHARACTERS {
        return Err(Unsealed);
    }
    let bytes = URL_SAFE_NO_PAD.decode(secret).map_err(|_| Unsealed)?;
    let secret = bytes.as_slice().try_into().map_err(|_| Unsealed)?;
    Ok((id.parse().map_err(|_| Unsealed)?, ReferenceSecret(secret)))
}

impl Vault {
    /// Creates the secret half of a reference to a pushed request, and the digest to store.
    pub fn new_reference_secret(&self) -> (ReferenceSecret, Digest) {
        let secret = ReferenceSecret::from_bytes(self.random());
        let digest = self.references.digest(&secret);
        (secret, digest)
    }

    /// Composes the `request_uri` of a pushed request.
    pub fn reference(&self, id: PushedRequestId, secret: &ReferenceSecret) -> String {
        compose(id, secret)
    }

    /// Parses a `request_uri` into the number of the pushed request and the digest to compare with the stored one.
    ///
    /// # Errors
    /// If it does not have the form of one of ours.
    pub fn parse_reference(&self, text: &str) -> Result<(PushedRequestId, Digest), Unsealed> {
        let (id, secret) = parse(text)?;
        Ok((id, self.references.digest(&secret)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_contains_its_number_and_its_secret() {
        let secret = ReferenceSecret([5; 32]);
        let (id, parsed) = parse(&compose(PushedRequestId::new(12), &secret)).unwrap();
        assert_eq!((id, parsed.0), (PushedRequestId::new(12), secret.0));
    }

    #[test]
    fn a_malformed_reference_is_refused() {
        let good = compose(PushedRequestId::new(12), &ReferenceSecret([5; 32]));
        let prefix = REFERENCE_PREFIX;
        for bad in [
            String::new(),
            prefix.to_owned(),
            format!("{prefix}12."),
            format!("{prefix}-12.{}", "A".repeat(43)),
            format!("{prefix}12.{}", "\u{e9}".repeat(43)),
            format!("{good}A"),
            good[..good.len() - 1].to_owned(),
            good.to_uppercase(),
        ] {
            assert!(parse(&bad).is_err(), "{bad}");
        }
    }
}
