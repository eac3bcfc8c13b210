//! Why a sign-in was refused.

use store::StoreError;

use crate::Fault;

/// Why a sign-in was refused.
#[derive(Debug, thiserror::Error)]
pub enum SignInRefusal {
    /// Unknown user, wrong password, locked or inactive account: one response for all, after the same time.
    #[error("the user name or the password is wrong, or the account is locked")]
    Refused,
    /// The account is locked for this network, from which its user signed in recently; here it is safe to
    /// reveal that the account exists.
    #[error(
        "the account is locked after too many wrong passwords; try again in {minutes} minutes, or ask an administrator"
    )]
    Locked {
        /// The duration of the lock in minutes, at least one.
        minutes: u32,
    },
    /// The password is correct but has expired.
    #[error("the password has expired; ask an administrator for a new one")]
    PasswordExpired,
    /// The password is correct, and the user has a second factor, which could not be asked for here.
    #[error(
        "this user signs in with a second factor, so a password alone is not accepted; a program sends a personal access token or an access token"
    )]
    SecondFactorNeeded,
    /// The password is correct, and the code is wrong or was used before.
    #[error("the code is wrong, or was used already")]
    WrongCode,
    /// The password is correct, and an allow-list does not contain the address.
    #[error("sign-ins from your address are not allowed; ask an administrator")]
    AddressNotAllowed,
    /// Too much time has passed between the password and the code, or another browser sent the code.
    #[error("too much time has passed; sign in again")]
    StepExpired,
    /// Too many wrong attempts from this address. A correct one is still accepted.
    #[error("too many attempts; try again in {retry_after_secs} seconds")]
    TooOften {
        /// The number of seconds after which a wrong attempt is answered as such again.
        retry_after_secs: u32,
    },
    /// The server cannot decide at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<StoreError> for SignInRefusal {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}
