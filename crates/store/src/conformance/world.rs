//! What every test starts with.

use std::sync::Arc;

use domain::account::{ADMINISTRATOR_ROLE, USER_ROLE, User};
use domain::audit::Action;
use domain::id::{GrantId, RoleId};
use domain::secret::PasswordHash;
use oauth::application::Application;
use oauth::grant::{Consent, GrantDetails, GrantOrigin};
use oauth::revocation::Revocation;

use super::{OVER, START, code_id, create_grant, event, insert_application, new_secret, odata};
use crate::{AccessOf, GrantCreation, NewConsent, NewGrant, NewUser, Store, StoredConsent, UserRefusal};

pub(super) async fn insert_user(
    store: &Arc<dyn Store>,
    name: &str,
    roles: &[RoleId],
) -> Result<User, UserRefusal> {
    let new = NewUser {
        name: name.to_owned(),
        password: PasswordHash::new("$argon2id$one"),
        active: true,
        password_expires_at: None,
        roles: roles.to_vec(),
        attributes: domain::account::attributes::UserAttributes::default(),
        at: START,
    };
    store.insert_user(new, event(Action::CreateUser)).await.unwrap()
}

/// A store with an Administrator, a user, and an application of that user.
pub(crate) struct World {
    pub(super) store: Arc<dyn Store>,
    pub(super) administrator: User,
    pub(super) user: User,
    pub(super) application: Application,
}

pub(super) fn granted(created: &GrantCreation) -> Option<GrantId> {
    match created {
        GrantCreation::Grant(id) => Some(*id),
        GrantCreation::Replayed(_) | GrantCreation::Gone => None,
    }
}

impl World {
    pub(super) async fn new(store: Arc<dyn Store>) -> Self {
        let administrator = insert_user(&store, "ada", &[ADMINISTRATOR_ROLE]).await.unwrap();
        let user = insert_user(&store, "bob", &[USER_ROLE]).await.unwrap();
        let application = insert_application(&store, &user, 1).await;
        Self { store, administrator, user, application }
    }

    /// The user allows the application.
    pub(super) async fn allow(&self) -> Consent {
        self.store_consent(self.new_consent().await).await.unwrap().consent
    }

    /// Stores a consent, if its epochs are still the current ones.
    pub(super) async fn store_consent(&self, new: NewConsent) -> Option<StoredConsent> {
        self.store.allow(new, event(Action::AllowApplication)).await.unwrap()
    }

    /// A consent under the current epochs.
    pub(super) async fn new_consent(&self) -> NewConsent {
        let user = self.store.find_user(self.user.id).await.unwrap().unwrap();
        let application = self.store.find_application(self.application.id).await.unwrap().unwrap();
        NewConsent {
            data: oauth::authorize::DataChange::instead(None),
            user: user.id,
            user_epoch: user.epoch,
            application: application.id,
            application_epoch: application.epoch,
            scopes: odata(),
            revocations_expire_at: OVER,
        }
    }

    /// A grant created from a code, under the initial epochs.
    pub(super) fn new_grant(&self, code: u64, consent: Option<&Consent>) -> NewGrant {
        NewGrant {
            application: self.application.id,
            application_epoch: self.application.epoch,
            user: self.user.id,
            user_epoch: self.user.epoch,
            origin: GrantOrigin::Code(code_id(code)),
            consent: consent.map(|consent| consent.id),
            session: None,
            scopes: odata(),
            details: GrantDetails::default(),
            refreshable: true,
            key: 1,
            at: START,
            expires_at: None,
        }
    }

    pub(super) async fn create_grant(&self, new: NewGrant) -> GrantCreation {
        create_grant(&self.store, new).await
    }

    pub(super) async fn grant(&self, code: u64) -> GrantId {
        granted(&self.create_grant(self.new_grant(code, None)).await).unwrap()
    }

    /// Revokes what the user has allowed the application.
    pub(super) async fn revoke_allowed(&self) -> Option<Vec<Revocation>> {
        let access = AccessOf::UserAtApplication { user: self.user.id, application: self.application.id };
        self.store.revoke_access(access, OVER, event(Action::RevokeAllowed)).await.unwrap().unwrap()
    }

    pub(super) async fn reset_secret(&self) -> Application {
        let reset =
            self.store.reset_secret(self.application.id, new_secret(99), OVER, event(Action::ResetSecret));
        reset.await.unwrap().unwrap().0
    }
}
