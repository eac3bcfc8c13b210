//! Access tokens that others can read ([RFC 9068](https://www.rfc-editor.org/rfc/rfc9068)).
//!
//! One of their claims is sealed: it contains what this server must know of the token and nobody else should, such as
//! its grant and its epochs. Everything else is for others.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use oauth::jwt_access_token::{self, SignedClaims, is_for};
use oauth::signing::JwtType;
use oauth::token_payload::AccessToken;

use crate::seal::{Purpose, Unsealed};
use crate::{Vault, payload};

/// The longest text that may be one of our signed access tokens.
const MOST_CHARACTERS: usize = 80 * 1024;

/// A signed access token of this server. The caller checks its expiry and revocation.
#[derive(Debug, PartialEq, Eq)]
pub struct OpenedJwt {
    /// What it grants.
    pub token: AccessToken,
    /// Whether `aud` names the issuer or an address below it.
    pub is_for_issuer: bool,
}

/// Texts that were verified with the current keys, by their digest. A verification costs a hundred times more than a
/// look-up.
pub(super) type Verified = quick_cache::sync::Cache<[u8; 32], Arc<OpenedJwt>>;

/// The number of texts that are remembered: a few megabytes.
const MOST_VERIFIED: usize = 8_192;

pub(super) fn nothing_verified() -> Verified {
    Verified::new(MOST_VERIFIED)
}

fn digest(text: &str, issuer: &str) -> [u8; 32] {
    let mut digest = Context::new(&SHA256);
    // No signed text contains a zero byte.
    for part in [text.as_bytes(), &[0], issuer.as_bytes()] {
        digest.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.finish().as_ref());
    bytes
}

impl Vault {
    /// Seals the part of a signed access token that only this server reads, with the key that is active when it is
    /// issued.
    ///
    /// # Errors
    /// If the ring has no active key.
    pub fn seal_signed_access_token(&self, token: &AccessToken) -> Result<String, Unsealed> {
        let bytes = payload::access_token(token);
        self.ring.seal(Purpose::SignedAccessToken, token.id.at(), self.random(), &bytes)
    }

    /// Opens an access token that this server signed as this issuer.
    ///
    /// # Errors
    /// If the text is anything else, such as an ID token, a token of another issuer, or one with another header.
    pub fn open_signed_access_token(&self, text: &str, issuer: &str) -> Result<Arc<OpenedJwt>, Unsealed> {
        if text.len() > MOST_CHARACTERS {
            return Err(Unsealed);
        }
        let keys = self.signing.opened();
        let digest = digest(text, issuer);
        if let Some(opened) = keys.verified().get(&digest) {
            return Ok(opened);
        }
        let claims = keys.verify(JwtType::AccessToken, text)?;
        let SignedClaims { audience, sealed } = jwt_access_token::read(&claims, issuer).ok_or(Unsealed)?;
        let opened = self.ring.open_text(Purpose::SignedAccessToken, sealed)?;
        let token = payload::read_access_token(&opened.bytes)?;
        let opened = Arc::new(OpenedJwt { token, is_for_issuer: is_for(audience, issuer) });
        keys.verified().insert(digest, Arc::clone(&opened));
        Ok(opened)
    }
}

#[cfg(test)]
mod tests {
    use domain::id::{ApplicationId, Epoch, GrantId, TokenId, UserId};
    use domain::time::Timestamp;
    use oauth::jwt_access_token::AccessTokenClaims;
    use oauth::scope::BuiltInScope;
    use oauth::signing::SigningAlgorithm;

    use super::*;
    use crate::entropy::SeededEntropy;
    use crate::{HashingSettings, MasterKey};

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);
    const ISSUER: &str = "https://gate.example";

    fn vault() -> Vault {
        let master = MasterKey::from_text(&"1".repeat(64)).unwrap();
        let entropy = Arc::new(SeededEntropy::new(1));
        let vault = Vault::open(&master, &[], entropy, HashingSettings::cheap()).unwrap();
        vault.replace_ring(&[vault.new_ring_key(1, NOW, NOW)]).unwrap();
        let key = vault.new_signing_key(1, SigningAlgorithm::EdDsa, NOW).unwrap();
        vault.replace_signing_keys(&[key]).unwrap();
        vault
    }

    fn token() -> AccessToken {
        AccessToken {
            id: TokenId::compose(NOW, [1; 8]),
            expires_at: NOW.plus_secs(3_600),
            application: ApplicationId::new(1),
            application_epoch: Epoch::new(2),
            user: UserId::new(3),
            user_epoch: Epoch::new(4),
            grant: Some(GrantId::new(5)),
            scopes: BuiltInScope::OData.into(),
            binding: None,
            details: oauth::grant::AccessTokenDetails::default(),
        }
    }

    fn signed(vault: &Vault, audience: &str) -> String {
        let token = token();
        let claims = AccessTokenClaims {
            issuer: ISSUER,
            audience: &[audience.into()],
            subject: "3",
            client_id: "client",
            id: token.id,
            expires_at: token.expires_at,
            scope: "api.access.odata",
            auth_time: None,
            acr: None,
            authorization_details: None,
            act: None,
            binding: None,
            sealed: &vault.seal_signed_access_token(&token).unwrap(),
        };
        let signed = vault.sign_jwt(JwtType::AccessToken, SigningAlgorithm::EdDsa, NOW, &claims.to_json());
        signed.unwrap().unwrap().signed().unwrap()
    }

    #[test]
    fn a_signed_token_opens_to_what_was_sealed_in_it() {
        let vault = vault();
        for (audience, is_for_issuer) in [(ISSUER, true), ("https://orders.example", false)] {
            let text = signed(&vault, audience);
            for time in ["first", "second"] {
                let opened = vault.open_signed_access_token(&text, ISSUER).unwrap();
                assert_eq!(*opened, OpenedJwt { token: token(), is_for_issuer }, "{audience} {time}");
            }
        }
    }

    #[test]
    fn nothing_is_remembered_for_another_issuer_or_of_a_key_that_is_gone() {
        let vault = vault();
        let text = signed(&vault, ISSUER);
        assert!(vault.open_signed_access_token(&text, ISSUER).is_ok());
        assert_eq!(vault.open_signed_access_token(&text, "https://other.example"), Err(Unsealed));
        assert_eq!(vault.open_signed_access_token(&format!("{text}A"), ISSUER), Err(Unsealed));
        vault.replace_signing_keys(&[]).unwrap();
        assert_eq!(vault.open_signed_access_token(&text, ISSUER), Err(Unsealed));
    }
}
