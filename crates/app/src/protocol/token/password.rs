//! Exchanging a user's name and password, which creates a grant.

use super::{Narrowing, TokenService};
use crate::identity::sign_in::SignInService;
use crate::node::entity_cache::Entities;
use crate::protocol::resources::RequestedResources;

use domain::limit::Limit;
use oauth::client_authentication::AuthenticatedClient;
use oauth::refusal::Refusal;
use oauth::token::TokenResponse;
use oauth::token::password::{self, PasswordRequest};

use crate::identity::caller::RequestOrigin;
use crate::identity::sign_in::{SignInCredentials, SignInRefusal};
use crate::protocol::refusal::ProtocolRefusal;

impl TokenService {
    pub(super) async fn password_grant(
        &self,
        request: &PasswordRequest,
        client: &AuthenticatedClient,
        narrowing: Narrowing<'_>,
        origin: &RequestOrigin,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        let credentials =
            SignInCredentials { name: request.username.clone(), password: request.password.clone() };
        let account =
            SignInService::from(&self.context).sign_in(&credentials, origin).await.map_err(|refusal| {
                match refusal {
                    SignInRefusal::Refused | SignInRefusal::Locked { .. } => Refusal::CredentialsWrong.into(),
                    // Only sessions ask; the address is checked with the token.
                    SignInRefusal::AddressNotAllowed => Refusal::AddressNotAllowed.into(),
                    SignInRefusal::PasswordExpired => Refusal::PasswordExpired.into(),
                    SignInRefusal::SecondFactorNeeded
                    | SignInRefusal::WrongCode
                    | SignInRefusal::StepExpired => Refusal::SecondFactorNeeded.into(),
                    SignInRefusal::TooOften { retry_after_secs } => {
                        ProtocolRefusal::TooOften { retry_after_secs }
                    }
                    SignInRefusal::Fault(fault) => fault.into(),
                }
            })?;
        let limit = Entities::of(&self.context).limit(Limit::OAuthAccessTokenLifetime).await?;
        let mut decision = password::decide(request, client, &account.user, limit, self.context.now())?;
        let details = &mut decision.details;
        details.resources = RequestedResources::of(&self.context).narrow(&[], narrowing.resources).await?;
        self.narrow_data(&mut details.data, account.user.id, narrowing).await?;
        self.keep_reached(&mut details.resources, details.data.as_deref(), narrowing).await?;
        self.create_grant(&decision, client, origin).await
    }
}
