//! How a user signed in: `acr` and `amr`.

use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The `acr` of a sign-in with user name and password over TLS.
///
/// "An absolute URI or an [RFC 6711](https://www.rfc-editor.org/rfc/rfc6711) registered name SHOULD be used as the `acr`
/// value" ([OpenID Connect Core §2](https://openid.net/specs/openid-connect-core-1_0.html#IDToken)); this one is of [SAML 2.0
/// Authentication Context §3.4.1](https://docs.oasis-open.org/security/saml/v2.0/saml-authn-context-2.0-os.pdf).
pub const PASSWORD_ACR: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

/// The `acr` of a sign-in with a password and a second factor: the [profile for multi-factor
/// authentication](https://refeds.org/profile/mfa) of REFEDS.
pub const SECOND_FACTOR_ACR: &str = "https://refeds.org/profile/mfa";

/// The `acr` values that a sign-in may have.
pub const ACR_VALUES: &[&str] = &[PASSWORD_ACR, SECOND_FACTOR_ACR];

/// Whether, of the sign-ins that this server has, only one with a second factor has one of these `acr` values. Unknown values do
/// not count: "requested as a Voluntary Claim by this parameter" ([OpenID Connect Core
/// §3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)).
pub fn demands_second_factor<'a>(mut values: impl Iterator<Item = &'a str> + Clone) -> bool {
    !values.clone().any(|value| value == PASSWORD_ACR) && values.any(|value| value == SECOND_FACTOR_ACR)
}

/// The `amr` values of a sign-in with a password ([RFC 8176 §2](https://www.rfc-editor.org/rfc/rfc8176#section-2)).
pub const PASSWORD_AMR: &[&str] = &["pwd"];

/// The `amr` values of a sign-in with a password and a one-time password.
pub const SECOND_FACTOR_AMR: &[&str] = &["pwd", "otp", "mfa"];

/// The `acr` of a sign-in with or without a second factor.
pub const fn acr(second_factor: bool) -> &'static str {
    if second_factor { SECOND_FACTOR_ACR } else { PASSWORD_ACR }
}

/// The sign-in behind a grant, for its ID tokens and for step-up ([RFC
/// 9470](https://www.rfc-editor.org/rfc/rfc9470)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInDetails {
    /// `auth_time`: when the user last entered the password, in seconds since the Unix epoch.
    pub auth_time: i64,
    /// `sid`: the name of the browser's session for applications, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Whether the user showed a second factor.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub second_factor: bool,
}

impl SignInDetails {
    /// A sign-in at this time, without a session that applications know.
    pub const fn at(time: Timestamp) -> Self {
        Self { auth_time: time.as_secs(), sid: None, second_factor: false }
    }

    /// `acr`.
    pub const fn acr(&self) -> &'static str {
        acr(self.second_factor)
    }

    /// `amr`.
    pub const fn amr(&self) -> &'static [&'static str] {
        if self.second_factor { SECOND_FACTOR_AMR } else { PASSWORD_AMR }
    }
}
