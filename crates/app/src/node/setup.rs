//! Creating a new installation: the first keys and the two accounts of Hybrid Data Pipeline.

use domain::account::{ADMINISTRATOR_ROLE, USER_ROLE};
use domain::audit::{Action, Outcome};
use domain::built_in_users::BUILT_IN_USERS;
use domain::id::RoleId;
use domain::secret::Password;
use oauth::signing::SigningAlgorithm;
use std::sync::Arc;

use crate::node::keys::RingKeys;
use crate::node::request_origin::{COMMAND_LINE, RequestOrigin};
use crate::node::signing_keys::JwtKeys;
use crate::{Context, Fault};

/// The accounts of a new installation.
pub const FIRST_ACCOUNTS: [(&str, RoleId); 2] =
    [(BUILT_IN_USERS[0], ADMINISTRATOR_ROLE), (BUILT_IN_USERS[1], USER_ROLE)];

/// The signing keys that take no time. The server creates the others when it starts.
const QUICK_KEYS: [SigningAlgorithm; 2] = [SigningAlgorithm::EdDsa, SigningAlgorithm::Es256];

/// Creating a new installation.
#[derive(Clone)]
pub struct SetupService {
    context: Arc<Context>,
}

service!(SetupService);

impl SetupService {
    /// Fills an empty system database with a ring key and the [`FIRST_ACCOUNTS`], with these passwords in
    /// their order. The caller has checked the passwords with the rules of `oauth`.
    ///
    /// # Errors
    /// If the database or the hasher fails; the installation must be discarded then.
    pub async fn run(&self, passwords: [Password; 2]) -> Result<(), Fault> {
        let origin = RequestOrigin { address: None, request_id: "init".to_owned() };
        let by_operator = |action| {
            let mut audit = origin.audit(action, Outcome::Success, self.context.now());
            audit.actor_name = Some(COMMAND_LINE.to_owned());
            audit
        };
        RingKeys::of(&self.context).add(self.context.now(), by_operator(Action::RotateKeys)).await?;
        JwtKeys::of(&self.context).create(&QUICK_KEYS, 0, &origin).await?;
        for ((name, role), password) in FIRST_ACCOUNTS.into_iter().zip(passwords) {
            let password = self.context.vault.hash_password(password).await.map_err(|_| Fault::Busy)?;
            let mut audit = by_operator(Action::CreateUser);
            audit.subject = Some(name.to_owned());
            let new = store::NewUser {
                name: name.to_owned(),
                password,
                active: true,
                password_expires_at: None,
                roles: vec![role],
                attributes: domain::account::attributes::UserAttributes::default(),
                at: self.context.now(),
            };
            let created = self.context.store.insert_user(new, audit).await?;
            created
                .map_err(|refusal| Fault::Broken(format!("{name} cannot be created: {refusal:?}").into()))?;
        }
        Ok(())
    }
}
