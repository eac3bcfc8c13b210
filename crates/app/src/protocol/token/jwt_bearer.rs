//! Presenting an assertion of a trusted issuer about a user, which creates a grant.

use super::{Narrowing, TokenService};
use crate::node::trusted_issuers::IssuerTokens;
use crate::protocol::resources::RequestedResources;
use std::sync::Arc;

use domain::audit::{Action, Outcome};
use domain::limit::Limit;
use oauth::client_authentication::AuthenticatedClient;
use oauth::jwt::{Claims, JwtFault};
use oauth::refusal::Refusal;
use oauth::token::TokenResponse;
use oauth::token::client_credentials::ServiceRequest;
use oauth::token::jwt_bearer::{self, JwtBearer};
use oauth::trusted_issuer::{AcceptedAssertion, AssertionFacts, GrantKind, TrustedIssuer, accept_assertion};
use vault::jose;

use crate::Fault;
use crate::identity::caller::RequestOrigin;
use crate::node::access_note;
use crate::node::entity_cache::{Account, Entities};
use crate::node::issuer_keys::{NoIssuerKeys, Unverified};
use crate::protocol::refusal::ProtocolRefusal;

impl TokenService {
    /// A workload that has authenticated with its assertion gets what its application would get; any other client gets what
    /// the assertion says about a user.
    pub(super) async fn present_assertion(
        &self,
        request: &JwtBearer,
        client: &AuthenticatedClient,
        narrowing: Narrowing<'_>,
        origin: &RequestOrigin,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        if client.is_proved_by_its_grant() {
            let request = ServiceRequest::of_workload(request.scopes.as_ref(), client, narrowing.scopes)?;
            return self.service_token(&request, client, narrowing, origin).await;
        }
        self.grant_for_assertion(request, client, narrowing, origin).await
    }

    async fn grant_for_assertion(
        &self,
        request: &JwtBearer,
        client: &AuthenticatedClient,
        narrowing: Narrowing<'_>,
        origin: &RequestOrigin,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        let text = request.assertion.expose();
        let trusted = IssuerTokens::of(&self.context)
            .claimed_issuer(text)
            .await?
            .ok_or(Refusal::GrantAssertionUntrusted)?;
        let accepted = self.judge_assertion(text, &trusted, client).await?;
        let account = IssuerTokens::of(&self.context).account_of(&accepted.subject).await?;
        let scopes = Entities::of(&self.context).scope_registry().await?;
        let mut decision = jwt_bearer::decide(
            request,
            jwt_bearer::Facts {
                client,
                accepted: &accepted,
                issuer: &trusted.settings,
                user: account.as_deref().map(|account| &account.user),
                scopes: &scopes,
                lifetime_limit_secs: Entities::of(&self.context)
                    .limit(Limit::OAuthAccessTokenLifetime)
                    .await?,
            },
        )?;
        account.iter().for_each(access_note::user);
        let details = &mut decision.details;
        details.resources = self.resources_of(&accepted, &trusted, narrowing.resources).await?;
        self.narrow_data(&mut details.data, decision.user, narrowing).await?;
        self.keep_reached(&mut details.resources, details.data.as_deref(), narrowing).await?;
        self.use_up(text, &accepted, &trusted).await?;
        let issued = self.create_grant(&decision, client, origin).await?;
        self.note_accepted(&trusted, client, account.as_ref(), origin).await?;
        Ok(issued)
    }

    /// What the assertion says, if a key of its issuer verifies it and every claim fits.
    async fn judge_assertion(
        &self,
        text: &str,
        trusted: &TrustedIssuer,
        client: &AuthenticatedClient,
    ) -> Result<AcceptedAssertion, Refusal> {
        let (kind, claims) = self.verified_claims(text, trusted).await?;
        accept_assertion(
            &claims,
            AssertionFacts {
                trusted,
                kind,
                issuer: &self.context.settings.public_url,
                client: client.application().client_id.as_str(),
                now: self.context.now(),
            },
        )
    }

    async fn verified_claims(
        &self,
        text: &str,
        trusted: &TrustedIssuer,
    ) -> Result<(GrantKind, Claims), Refusal> {
        for kind in GrantKind::ALL.into_iter().filter(|kind| trusted.settings.has(kind.purpose())) {
            match IssuerTokens::of(&self.context).verify(text, trusted, kind.types()).await {
                Ok(claims) => return Ok((kind, claims)),
                Err(Unverified::NoKeys(NoIssuerKeys::Unavailable)) => {
                    return Err(Refusal::GrantAssertionKeysUnavailable);
                }
                Err(Unverified::NoKeys(NoIssuerKeys::Unusable)) => return Err(Refusal::GrantAssertionKeys),
                Err(Unverified::Jwt(JwtFault::WrongType)) => {}
                Err(Unverified::Jwt(_)) => return Err(Refusal::GrantAssertionUnverified),
            }
        }
        Err(Refusal::GrantAssertionUntrusted)
    }

    /// The resources to which the grant is limited: those of the assertion, or else those that its issuer may name; fewer if
    /// the request names some of them.
    async fn resources_of(
        &self,
        accepted: &AcceptedAssertion,
        trusted: &TrustedIssuer,
        requested: &[String],
    ) -> Result<Vec<String>, ProtocolRefusal> {
        let named = match accepted.resources.as_slice() {
            [] => &trusted.settings.resources,
            named => named,
        };
        let named = RequestedResources::of(&self.context).existing(named.iter().map(String::as_str)).await?;
        let named = named.map_err(|_| Refusal::GrantAssertionForAnotherResource)?;
        jwt_bearer::resources_are_allowed(&named, &trusted.settings, &self.context.settings.public_url)?;
        RequestedResources::of(&self.context).narrow(&named, requested).await
    }

    /// Records the use of the assertion, on all nodes, after everything else has been checked.
    async fn use_up(
        &self,
        text: &str,
        accepted: &AcceptedAssertion,
        trusted: &TrustedIssuer,
    ) -> Result<(), ProtocolRefusal> {
        let digest = match &accepted.id {
            Some(id) => jose::use_digest(&format!("grant {}", trusted.issuer), id),
            None => jose::content_digest(&trusted.issuer, text),
        };
        let is_first_use = self.context.store.use_assertion(digest, accepted.remembered_until).await?;
        if is_first_use { Ok(()) } else { Err(Refusal::GrantAssertionReplayed.into()) }
    }

    async fn note_accepted(
        &self,
        trusted: &TrustedIssuer,
        client: &AuthenticatedClient,
        account: Option<&Arc<Account>>,
        origin: &RequestOrigin,
    ) -> Result<(), Fault> {
        let mut audit = origin.audit(Action::AcceptAssertion, Outcome::Success, self.context.now());
        audit.application = Some(client.application().id);
        audit.subject = Some(trusted.issuer.clone());
        audit.actor = account.map(|account| account.user.id);
        audit.actor_name = account.map(|account| account.user.name.clone());
        Ok(self.context.store.append_audit(vec![audit]).await?)
    }
}
