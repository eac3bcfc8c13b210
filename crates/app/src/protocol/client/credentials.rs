//! The credentials of new clients.

use crate::node::settings::AppSettings;
use domain::id::ClientId;
use domain::secret::ClientSecret;
use oauth::application::ApplicationSettings;
use store::{NewSecret, SealedSecret};
use vault::Vault;

use crate::{Context, Fault};

/// Makes credentials of clients.
#[derive(Clone, Copy)]
pub(crate) struct NewCredentials<'a> {
    vault: &'a Vault,
    settings: &'a AppSettings,
}

impl<'a> NewCredentials<'a> {
    pub(crate) fn of(context: &'a Context) -> Self {
        Self { vault: &context.vault, settings: &context.settings }
    }

    /// A new client id, and a secret if the client needs one.
    ///
    /// # Errors
    /// If the id cannot be read again, which is a defect.
    pub(crate) fn new_client(
        self,
        settings: &ApplicationSettings,
    ) -> Result<(ClientId, Option<(ClientSecret, NewSecret)>), Fault> {
        let client_id = self.vault.new_client_id().parse::<ClientId>();
        let client_id = client_id.map_err(|error| Fault::Broken(Box::new(error)))?;
        let secret = settings.needs_secret().then(|| self.new_secret(&client_id));
        Ok((client_id, secret))
    }

    /// A new secret of a client, to be shown and to be stored.
    pub(crate) fn new_secret(self, client: &ClientId) -> (ClientSecret, NewSecret) {
        let new = self.vault.new_client_secret();
        let sealed = self.vault.seal_client_secret(client, &new.secret);
        let sealed = if self.settings.reveal_client_secret {
            SealedSecret::Always(sealed)
        } else {
            SealedSecret::IfNeeded(sealed)
        };
        (new.secret, NewSecret { digest: new.digest, hint: new.hint, sealed })
    }
}
