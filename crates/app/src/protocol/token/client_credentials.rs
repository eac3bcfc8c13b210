//! A token for the application itself, on behalf of its owner. No grant is created.

use super::TokenService;
use std::sync::Arc;

use domain::limit::Limit;
use oauth::client_authentication::AuthenticatedClient;
use oauth::grant::AccessTokenDetails;
use oauth::token::TokenResponse;
use oauth::token::client_credentials::{self, ServiceRequest};

use super::{Narrowing, NewAccessToken};
use crate::identity::caller::RequestOrigin;
use crate::node::access_note;
use crate::node::entity_cache::{Account, Entities};
use crate::protocol::refusal::ProtocolRefusal;

impl TokenService {
    pub(super) async fn service_token(
        &self,
        request: &ServiceRequest,
        client: &AuthenticatedClient,
        narrowing: Narrowing<'_>,
        origin: &RequestOrigin,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        let owner: Option<Arc<Account>> =
            Entities::of(&self.context).account(client.application().owner).await?;
        let limit = Entities::of(&self.context).limit(Limit::OAuthAccessTokenLifetime).await?;
        let token = client_credentials::decide(
            request,
            client,
            owner.as_deref().map(|account| &account.user),
            limit,
        )?;
        owner.iter().for_each(access_note::user);
        let mut details = AccessTokenDetails::default();
        self.narrow(&mut details, token.user, narrowing).await?;
        let access = NewAccessToken {
            grant: None,
            user: token.user,
            user_epoch: token.user_epoch,
            scopes: token.scopes,
            lifetime_secs: token.lifetime_secs,
            binding: client.binding(),
            details,
        };
        self.demand_address_of(client, Some(access.user), origin).await?;
        self.respond(client, access, None).await
    }
}
