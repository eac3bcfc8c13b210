//! Opens access tokens of this server: opaque ones, and those that others can read ([RFC
//! 9068](https://www.rfc-editor.org/rfc/rfc9068)).

use oauth::token_payload::AccessToken;
use vault::{Unsealed, Vault};

use crate::Context;
use crate::node::settings::AppSettings;

/// How each text in JSON begins, in base64url. No sealed text begins like this.
const JSON_OBJECT: &str = "eyJ";

/// The access tokens of this server.
#[derive(Clone, Copy)]
pub(crate) struct AccessTokens<'a> {
    vault: &'a Vault,
    settings: &'a AppSettings,
}

impl<'a> AccessTokens<'a> {
    pub(crate) fn of(context: &'a Context) -> Self {
        Self { vault: &context.vault, settings: &context.settings }
    }

    /// Opens an access token of this server in either form, whatever its audience. The caller checks its expiry and
    /// revocation.
    ///
    /// # Errors
    /// If it is not one of ours.
    pub(crate) fn open(self, text: &str) -> Result<AccessToken, Unsealed> {
        if text.starts_with(JSON_OBJECT) {
            let opened = self.vault.open_signed_access_token(text, &self.settings.public_url)?;
            return Ok(opened.token.clone());
        }
        self.vault.open_access_token(text)
    }

    /// Opens an access token for a request to this server, which must be in its audience ([RFC 9068
    /// §4](https://www.rfc-editor.org/rfc/rfc9068#section-4)).
    ///
    /// # Errors
    /// If it is not one of ours, or for others only.
    pub(crate) fn open_for_us(self, text: &str) -> Result<AccessToken, Unsealed> {
        if text.starts_with(JSON_OBJECT) {
            let opened = self.vault.open_signed_access_token(text, &self.settings.public_url)?;
            return if opened.is_for_issuer { Ok(opened.token.clone()) } else { Err(Unsealed) };
        }
        self.vault.open_access_token(text)
    }
}
