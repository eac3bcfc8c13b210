//! Acting as the application's owner: [RFC 6749 §4.4](https://www.rfc-editor.org/rfc/rfc6749#section-4.4).

use super::access_token_lifetime_secs;
use crate::account::User;
use crate::client_authentication::AuthenticatedClient;
use crate::id::{Epoch, UserId};
use crate::parameters::{Parameters, SCOPE};
use crate::refusal::Refusal;
use crate::scope::{self, ScopeSet};

/// The parameters of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceRequest {
    /// What is asked for; the application is registered for it.
    pub scopes: ScopeSet,
}

impl ServiceRequest {
    pub(super) fn parse(parameters: &Parameters, client: &AuthenticatedClient) -> Result<Self, Refusal> {
        client_is_confidential(client)?;
        let scopes = scope::requested_of(parameters.one(SCOPE)?, client.application().settings.scopes)?;
        Ok(Self { scopes })
    }
}

/// An access token without a grant and so without a refresh token
/// ([RFC 6749 §4.4.3](https://www.rfc-editor.org/rfc/rfc6749#section-4.4.3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceToken {
    /// The application's owner, as whom it acts.
    pub user: UserId,
    /// The epoch under which it is issued.
    pub user_epoch: Epoch,
    /// What it may be used for.
    pub scopes: ScopeSet,
    /// How long it lives.
    pub lifetime_secs: i64,
}

/// Decides what an application gets for itself. `owner` is its owner as stored now.
///
/// # Errors
/// `invalid_grant` when there is no active owner.
pub fn decide(
    request: ServiceRequest,
    client: &AuthenticatedClient,
    owner: Option<&User>,
    lifetime_limit_secs: i64,
) -> Result<ServiceToken, Refusal> {
    client_is_confidential(client)?;
    let owner = owner_is_active(client, owner)?;
    Ok(ServiceToken {
        user: owner.id,
        user_epoch: owner.epoch,
        scopes: request.scopes,
        lifetime_secs: access_token_lifetime_secs(&client.application().settings, lifetime_limit_secs),
    })
}

/// "The client credentials grant type MUST only be used by confidential clients".
fn client_is_confidential(client: &AuthenticatedClient) -> Result<(), Refusal> {
    if client.is_confidential() { Ok(()) } else { Err(Refusal::PublicClientCredentials) }
}

fn owner_is_active<'a>(client: &AuthenticatedClient, owner: Option<&'a User>) -> Result<&'a User, Refusal> {
    owner.filter(|user| user.id == client.application().owner && user.active).ok_or(Refusal::OwnerInactive)
}
