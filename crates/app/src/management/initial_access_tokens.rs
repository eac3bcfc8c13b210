//! Initial access tokens, which allow clients to register themselves. Only Administrators see, create and delete them.

use std::sync::Arc;

use domain::account::Permission;
use domain::audit::Action;
use domain::id::InitialAccessTokenId;
use domain::secret::RegistrationTokenText;
use domain::time::Timestamp;
use oauth::client_registration::{
    InitialAccessToken, InitialAccessTokenDraft, InitialAccessTokenTerms, initial_access_token,
};
use store::{InitialAccessTokenRefusal, MOST_INITIAL_ACCESS_TOKENS, NewInitialAccessToken};
use vault::RegistrationToken;

use crate::Context;
use crate::identity::caller::{Caller, RequestOrigin};
use crate::identity::refusals::Refusals;
use crate::management::administration::{Administration, AdministrationError, FieldFault};

fn refused(refusal: InitialAccessTokenRefusal) -> AdministrationError {
    match refusal {
        InitialAccessTokenRefusal::Unknown => AdministrationError::Unknown,
        InitialAccessTokenRefusal::RightsChanged => AdministrationError::RightsChanged,
        InitialAccessTokenRefusal::Full => AdministrationError::Full(format!(
            "there are {MOST_INITIAL_ACCESS_TOKENS} initial access tokens already"
        )),
    }
}

/// What a draft asks for.
///
/// # Errors
/// Every fault of the draft.
pub fn terms(
    draft: &InitialAccessTokenDraft,
    now: Timestamp,
) -> Result<InitialAccessTokenTerms, Vec<FieldFault>> {
    initial_access_token(draft, now).map_err(|faults| {
        faults.into_iter().map(|(field, fault)| FieldFault::new(field, fault.to_string())).collect()
    })
}

/// A created token.
#[derive(Debug)]
pub struct CreatedInitialAccessToken {
    /// What is stored of it.
    pub stored: InitialAccessToken,
    /// The token itself, which is shown only now.
    pub token: RegistrationTokenText,
}

/// Tokens that allow clients to register themselves.
#[derive(Clone)]
pub struct InitialAccessTokenService {
    context: Arc<Context>,
}

service!(InitialAccessTokenService);

impl InitialAccessTokenService {
    /// Whether the caller may see, create and delete initial access tokens.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] for everybody except administrators.
    pub async fn may_manage(
        &self,
        caller: &Caller,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::Administrator, origin).await
    }

    /// Lists all tokens, by id.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] for everybody except administrators.
    pub async fn list(
        &self,
        caller: &Caller,
        origin: &RequestOrigin,
    ) -> Result<Vec<InitialAccessToken>, AdministrationError> {
        self.may_manage(caller, origin).await?;
        Ok(self.context.store.list_initial_access_tokens().await?)
    }

    /// Finds a token.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`], [`AdministrationError::Unknown`].
    pub async fn find(
        &self,
        caller: &Caller,
        id: InitialAccessTokenId,
        origin: &RequestOrigin,
    ) -> Result<InitialAccessToken, AdministrationError> {
        let all = self.list(caller, origin).await?;
        all.into_iter().find(|token| token.id == id).ok_or(AdministrationError::Unknown)
    }

    /// Creates a token. The clients that register with it belong to the caller.
    ///
    /// # Errors
    /// [`AdministrationError`]; `Invalid` lists every fault.
    pub async fn create(
        &self,
        caller: &Caller,
        draft: &InitialAccessTokenDraft,
        origin: &RequestOrigin,
    ) -> Result<CreatedInitialAccessToken, AdministrationError> {
        self.may_manage(caller, origin).await?;
        let context = &self.context;
        let now = context.now();
        let terms = terms(draft, now).map_err(AdministrationError::Invalid)?;
        let (token, digest) = context.vault.new_registration_token(RegistrationToken::Initial);
        let new = NewInitialAccessToken {
            digest,
            description: terms.description,
            created_by: caller.account().user.id,
            at: now,
            expires_at: terms.expires_at,
            most_uses: terms.most_uses,
        };
        let audit = caller.audit(Action::CreateInitialAccessToken, now, origin);
        let created = context.store.insert_initial_access_token(new, audit).await?;
        let stored = Refusals::of(context).judged(caller, created, origin).await.map_err(refused)?;
        Ok(CreatedInitialAccessToken { stored, token })
    }

    /// Deletes a token. Clients that registered with it stay.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`], [`AdministrationError::Unknown`].
    pub async fn delete(
        &self,
        caller: &Caller,
        id: InitialAccessTokenId,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        self.may_manage(caller, origin).await?;
        let audit = caller.audit(Action::DeleteInitialAccessToken, self.context.now(), origin);
        let deleted = self.context.store.delete_initial_access_token(id, audit).await?;
        Refusals::of(&self.context).judged(caller, deleted, origin).await.map_err(refused)
    }
}
