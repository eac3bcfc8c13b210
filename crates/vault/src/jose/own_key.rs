//! Tokens that bring the public key that verifies them, as `DPoP` proofs do ([RFC 9449
//! §4.2](https://www.rfc-editor.org/rfc/rfc9449#section-4.2)).

use std::sync::Arc;

use oauth::jwt::{Claims, Header, JwtFault};
use oauth::proof::Thumbprint;
use quick_cache::sync::Cache;

use super::key::PreparedKey;
use super::{AcceptedJwt, Parts, PublicKey};

/// The number of headers that are remembered: at most 10 MB.
const MOST_HEADERS: usize = 4_096;
/// The longest header that is remembered, in characters: one with an RSA key of 4,096 bits fits.
const LONGEST_HEADER: usize = 1_024;

/// The headers that came with valid signatures, and the keys in them. A client sends the same header with every token, and
/// to read it again costs a fifth of a verification.
#[derive(Debug)]
pub struct OwnKeys(Cache<Box<str>, Arc<OwnKey>>);

struct OwnKey {
    /// Without the key.
    header: Header,
    key: PreparedKey,
    thumbprint: Thumbprint,
}

impl std::fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnKey").field("thumbprint", &self.thumbprint).finish_non_exhaustive()
    }
}

impl Default for OwnKeys {
    fn default() -> Self {
        Self(Cache::new(MOST_HEADERS))
    }
}

impl OwnKeys {
    /// Verifies a token with the public key in its own header, and returns the thumbprint of that key. It proves that the
    /// sender holds the private key, and nothing about who that is.
    ///
    /// # Errors
    /// [`JwtFault`]; the claims themselves are not checked.
    pub fn verify(&self, text: &str, accepted: AcceptedJwt<'_>) -> Result<(Claims, Thumbprint), JwtFault> {
        let parts = Parts::of(text)?;
        if let Some(known) = self.0.get(parts.header) {
            accepted.algorithm(&known.header)?;
            return known.verify(&parts);
        }
        let read = OwnKey::read(parts.header()?, accepted)?;
        let verified = read.verify(&parts)?;
        if parts.header.len() <= LONGEST_HEADER {
            self.0.insert(parts.header.into(), Arc::new(read));
        }
        Ok(verified)
    }
}

impl OwnKey {
    fn read(mut header: Header, accepted: AcceptedJwt<'_>) -> Result<Self, JwtFault> {
        let algorithm = accepted.algorithm(&header)?;
        let key = header.key.take().ok_or(JwtFault::NoKey)?;
        let key = PublicKey::parse(&key).map_err(|_| JwtFault::KeyUnusable)?;
        let thumbprint = key.thumbprint();
        Ok(Self { header, key: key.prepare(algorithm)?, thumbprint })
    }

    fn verify(&self, parts: &Parts<'_>) -> Result<(Claims, Thumbprint), JwtFault> {
        if !self.key.verifies(parts.signed.as_bytes(), &parts.signature) {
            return Err(JwtFault::BadSignature);
        }
        Ok((Claims::parse(&parts.payload)?, self.thumbprint))
    }
}
