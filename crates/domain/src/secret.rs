//! Secrets as types: redacted in debug output, never displayed, never serialised by themselves.

use std::fmt;

use zeroize::Zeroizing;

macro_rules! secrets {
    ($text:ty, $given:ty; $($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name($text);

        impl $name {
            /// Creates the secret from its text.
            pub fn new(text: impl Into<$given>) -> Self {
                let text: $given = text.into();
                Self(text.into())
            }

            /// The text, for the one place that sends, opens or digests it.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(redacted)"))
            }
        }
    )+};
}

// Long-lived secrets are wiped from memory when they are dropped.
secrets! { Zeroizing<String>, String;
    /// A user's password in clear text.
    Password,
    /// A client secret in clear text, `sgs_…`.
    ClientSecret,
}

secrets! { Box<str>, Box<str>;
    /// An access token as on the wire, `sga_…`.
    AccessTokenText,
    /// A refresh token as on the wire, `sgr_…`.
    RefreshTokenText,
    /// An authorization code as on the wire, `sgc_…`.
    CodeText,
    /// A device code ([RFC 8628 §3.2](https://www.rfc-editor.org/rfc/rfc8628#section-3.2)), `sgd_…`.
    DeviceCodeText,
    /// An `auth_req_id` ([CIBA Core
    /// §7.3](https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.7.3)),
    /// `sgb_…`.
    AuthReqIdText,
    /// A token of any kind, as on the wire.
    TokenText,
    /// A token by which a client registers itself (`sgi_…`) or manages its registration (`sgm_…`).
    RegistrationTokenText,
    /// A code that takes the place of a second factor once.
    RecoveryCode,
    /// The secret of a person's codes, as an authenticator reads it.
    TotpSecretText,
    /// Sealed: what a browser has shown of a sign-in that is not complete, or of a second factor that is being set up.
    StepTicket,
    /// A personal access token, `sgp_…`.
    PersonalAccessTokenText,
    /// The secret of a one-time link, `sgl_…`.
    OneTimeLinkText,
    /// A signed assertion of a client ([RFC 7521](https://www.rfc-editor.org/rfc/rfc7521)).
    AssertionText,
    /// A PKCE code verifier ([RFC 7636 §4.1](https://www.rfc-editor.org/rfc/rfc7636#section-4.1)).
    CodeVerifier,
    /// The value of a session cookie.
    SessionCookie,
    /// A value that proves that a form was rendered for this browser.
    CsrfToken,
}

impl Password {
    /// The password in its normal form, which is hashed, if it was typed in another: see
    /// [`crate::text::nfkc`].
    pub fn normalised(&self) -> Option<Self> {
        match crate::text::nfkc(&self.0) {
            std::borrow::Cow::Borrowed(_) => None,
            std::borrow::Cow::Owned(normal) if normal == **self.0 => None,
            std::borrow::Cow::Owned(normal) => Some(Self::new(normal)),
        }
    }
}

/// The keyed digest of a client secret, a session cookie, a code of a device or an `auth_req_id`, which is stored instead of it.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Creates the digest from its 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, for storing and for comparing in constant time; `==` is not implemented on purpose.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(redacted)")
    }
}

/// The Argon2id hash of a password in PHC string form.
#[derive(Clone)]
pub struct PasswordHash(Box<str>);

impl PasswordHash {
    /// Creates the hash from a PHC string.
    pub fn new(phc: impl Into<Box<str>>) -> Self {
        Self(phc.into())
    }

    /// The PHC string.
    pub fn as_phc(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_secret() {
        let printed = format!("{:?} {:?}", Password::new("opensesame"), CodeText::new("sgc_opensesame"));
        assert_eq!(printed, "Password(redacted) CodeText(redacted)");
        assert_eq!(format!("{:?}", Digest::from_bytes([7; 32])), "Digest(redacted)");
        assert_eq!(format!("{:?}", PasswordHash::new("$argon2id$x")), "PasswordHash(redacted)");
    }
}
