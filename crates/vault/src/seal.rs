//! The form of sealed texts: a prefix that names the kind, then base64url of key id, nonce, ciphertext and
//! tag.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The purpose of a sealed text. Each purpose has its own keys, so that a text never opens as another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// An access token, `sga_…`.
    AccessToken,
    /// The part of a signed access token that only this server reads, `sgj_…`.
    SignedAccessToken,
    /// A refresh token, `sgr_…`.
    RefreshToken,
    /// An authorization code, `sgc_…`.
    Code,
    /// The position in a next link, `sgn_…`.
    Position,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 5] =
        [Self::AccessToken, Self::SignedAccessToken, Self::RefreshToken, Self::Code, Self::Position];

    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AccessToken => "access token",
            Self::SignedAccessToken => "signed access token",
            Self::RefreshToken => "refresh token",
            Self::Code => "authorization code",
            Self::Position => "position",
        }
    }

    /// The prefix of texts with this purpose.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::AccessToken => "sga_",
            Self::SignedAccessToken => "sgj_",
            Self::RefreshToken => "sgr_",
            Self::Code => "sgc_",
            Self::Position => "sgn_",
        }
    }

    /// The maximum length. Longer texts are not opened, before anything is computed, and not sealed. It is more than the
    /// limits of the fields allow.
    pub(crate) const fn most_characters(self) -> usize {
        match self {
            Self::RefreshToken => 1024,
            Self::Position => 24 * 1024,
            Self::AccessToken | Self::SignedAccessToken | Self::Code => 48 * 1024,
        }
    }
}

/// The text was not sealed here. The error does not say why, so that nobody can learn from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not sealed here")]
pub struct Unsealed;

/// The content of a sealed text.
pub(crate) struct OpenedToken {
    pub(crate) bytes: Vec<u8>,
}

/// The additional data of the seal: the purpose, and the version of this form.
pub(crate) const fn context(purpose: Purpose) -> &'static [u8] {
    match purpose {
        Purpose::AccessToken => b"sga_1",
        Purpose::SignedAccessToken => b"sgj_1",
        Purpose::RefreshToken => b"sgr_1",
        Purpose::Code => b"sgc_1",
        Purpose::Position => b"sgn_1",
    }
}

pub(crate) fn encode(purpose: Purpose, bytes: &[u8]) -> String {
    let mut text = String::with_capacity(4 + bytes.len().div_ceil(3) * 4);
    text.push_str(purpose.prefix());
    URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
    text
}

/// The decoder refuses padding, foreign characters and unused bits, so that each text has only one form.
pub(crate) fn decode(purpose: Purpose, text: &str) -> Result<Vec<u8>, Unsealed> {
    if text.len() > purpose.most_characters() {
        return Err(Unsealed);
    }
    let body = text.strip_prefix(purpose.prefix()).ok_or(Unsealed)?;
    URL_SAFE_NO_PAD.decode(body).map_err(|_| Unsealed)
}

#[cfg(test)]
mod tests;
