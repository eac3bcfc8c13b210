//! A token of a module: where the keys are, behind a PIN.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

/// Why a token cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The module is no PKCS #11 library, or it failed. The text names the cause, because that of the crate names its own.
    #[error("the module failed: {0}")]
    Module(Error),
    /// There is no token with this label, or there are several.
    #[error("{found} tokens have the label {label}")]
    Label {
        /// The label.
        label: String,
        /// How many tokens have it.
        found: usize,
    },
    /// The PIN is wrong, or was wrong too often. It is not tried again, because the token would lock itself.
    #[error("the token refuses the PIN")]
    Pin,
}

impl From<Error> for TokenError {
    fn from(error: Error) -> Self {
        Self::Module(error)
    }
}

/// A token that is open.
pub struct Token {
    module: Pkcs11,
    label: String,
    pin: AuthPin,
    /// A session that stays open: the token forgets the PIN when the last one is closed.
    first: Mutex<Option<Session>>,
    pin_is_refused: AtomicBool,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("label", &self.label).finish_non_exhaustive()
    }
}

impl Token {
    /// Loads the library, finds the token with this label, and gives it the PIN.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open(library: &Path, label: &str, pin: &Zeroizing<String>) -> Result<Self, TokenError> {
        let module = Pkcs11::new(library)?;
        module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
        let token = Self {
            module,
            label: label.to_owned(),
            pin: AuthPin::from(pin.as_str()),
            first: Mutex::default(),
            pin_is_refused: AtomicBool::new(false),
        };
        token.session()?;
        Ok(token)
    }

    /// A session in which the keys can be used.
    pub(crate) fn session(&self) -> Result<Session, TokenError> {
        let slot = self.slot()?;
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let stays_open = match first.take() {
            Some(session) if session.get_session_info().is_ok() => session,
            _ => self.module.open_ro_session(slot)?,
        };
        self.log_in(&stays_open)?;
        *first = Some(stays_open);
        Ok(self.module.open_ro_session(slot)?)
    }

    /// Slots may change their numbers when a device is plugged in again.
    fn slot(&self) -> Result<Slot, TokenError> {
        let mut found = Vec::new();
        for slot in self.module.get_slots_with_initialized_token()? {
            if self.module.get_token_info(slot)?.label().trim_end() == self.label {
                found.push(slot);
            }
        }
        match found.as_slice() {
            [slot] => Ok(*slot),
            _ => Err(TokenError::Label { label: self.label.clone(), found: found.len() }),
        }
    }

    fn log_in(&self, session: &Session) -> Result<(), TokenError> {
        if self.pin_is_refused.load(Ordering::Acquire) {
            return Err(TokenError::Pin);
        }
        match session.login(UserType::User, Some(&self.pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(Error::Pkcs11(
                RvError::PinIncorrect
                | RvError::PinInvalid
                | RvError::PinLenRange
                | RvError::PinLocked
                | RvError::PinExpired,
                _,
            )) => {
                self.pin_is_refused.store(true, Ordering::Release);
                Err(TokenError::Pin)
            }
            Err(error) => Err(error.into()),
        }
    }
}
