//! Acting on behalf of the application's owner: [RFC 6749
//! §4.4](https://www.rfc-editor.org/rfc/rfc6749#section-4.4).

use super::access_token_lifetime_secs;
use crate::client_authentication::AuthenticatedClient;
use crate::parameters::{Parameters, SCOPE};
use crate::refusal::Refusal;
use crate::scope::{BuiltInScope, ScopeRegistry, ScopeSet};
use domain::account::User;
use domain::id::{Epoch, UserId};

/// The parameters of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRequest {
    /// The requested scopes, for which the application is registered.
    pub scopes: ScopeSet,
}

impl ServiceRequest {
    pub(super) fn parse(
        parameters: &Parameters,
        client: &AuthenticatedClient,
        registry: &ScopeRegistry,
    ) -> Result<Self, Refusal> {
        let text = parameters.one(SCOPE)?;
        let settings = &client.application().settings;
        let is_default = text.is_none_or(|text| text.trim().is_empty());
        let requested = settings.requested_scopes(text, registry)?;
        Ok(Self { scopes: scopes_need_no_user(&requested, is_default)? })
    }
}

impl ServiceRequest {
    /// The request of a workload whose grant is the assertion that authenticates it.
    ///
    /// # Errors
    /// `invalid_scope`.
    pub fn of_workload(
        requested: Option<&ScopeSet>,
        client: &AuthenticatedClient,
        registry: &ScopeRegistry,
    ) -> Result<Self, Refusal> {
        let asked = requested.cloned().filter(|scopes| !scopes.is_empty());
        let scopes = asked.unwrap_or_else(|| ScopeSet::from(BuiltInScope::OData));
        let registered = &client.application().settings.scopes;
        if registry.covers(registered, &scopes) {
            Ok(Self { scopes: scopes_need_no_user(&scopes, false)? })
        } else {
            Err(Refusal::ScopeNotRegistered)
        }
    }
}

/// No user has signed in, about whom `openid` and the scopes for claims ([OpenID Connect Core
/// §5.4](https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims)) could reveal something: they are refused,
/// or left out of a default. `offline_access` has no effect, because a refresh token "SHOULD NOT be included" ([RFC
/// 6749 §4.4.3](https://www.rfc-editor.org/rfc/rfc6749#section-4.4.3)).
fn scopes_need_no_user(scopes: &ScopeSet, is_default: bool) -> Result<ScopeSet, Refusal> {
    let of_users: ScopeSet = BuiltInScope::OF_USERS.into_iter().collect();
    if !is_default && !scopes.intersection(&of_users).is_empty() {
        return Err(Refusal::ScopeOfUsers);
    }
    let left = scopes.difference(&of_users).difference(&BuiltInScope::OfflineAccess.into());
    if left.is_empty() { Err(Refusal::ScopeWithoutEffect) } else { Ok(left) }
}

/// An access token without a grant and therefore without a refresh token ([RFC 6749
/// §4.4.3](https://www.rfc-editor.org/rfc/rfc6749#section-4.4.3)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceToken {
    /// The application's owner, on whose behalf it acts.
    pub user: UserId,
    /// The owner's epoch.
    pub user_epoch: Epoch,
    /// The scopes.
    pub scopes: ScopeSet,
    /// The lifetime.
    pub lifetime_secs: i64,
}

/// Decides what an application gets on its own behalf. `owner` is the stored owner.
///
/// # Errors
/// `invalid_grant` if there is no active owner.
pub fn decide(
    request: &ServiceRequest,
    client: &AuthenticatedClient,
    owner: Option<&User>,
    lifetime_limit_secs: i64,
) -> Result<ServiceToken, Refusal> {
    client_is_confidential(client)?;
    let owner = owner_is_active(client, owner)?;
    Ok(ServiceToken {
        user: owner.id,
        user_epoch: owner.epoch,
        scopes: request.scopes.clone(),
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
