//! A new password: typed, read from standard input, or generated.

use domain::secret::Password;

use super::arguments::SetPassword;
use crate::installation;
use crate::terminal::{self, say};

/// A new password.
pub(super) struct Chosen {
    pub(super) password: Password,
    made_up: bool,
}

impl SetPassword {
    pub(super) fn choose(&self) -> anyhow::Result<Chosen> {
        if self.password_stdin {
            return Ok(Chosen { password: terminal::read_password()?, made_up: false });
        }
        if terminal::has_terminal() {
            return Ok(Chosen { password: terminal::ask_new_password(&self.one.name)?, made_up: false });
        }
        Ok(Chosen { password: installation::generate_password(), made_up: true })
    }
}

impl Chosen {
    pub(super) fn print(&self, name: &str) {
        if self.made_up {
            say(&format!("{name} has the password {} (it is shown only now)", self.password.expose()));
        }
    }
}
