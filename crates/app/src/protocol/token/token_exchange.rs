//! Exchanging a token for another. Nothing is written: the new token belongs to the grant of the old one.

use super::TokenService;
use crate::identity::access_tokens::AccessTokens;
use crate::node::audit_throttle::ThrottledAudit;
use crate::node::feed::ChangeFeed;
use crate::protocol::resources::RequestedResources;
use std::sync::Arc;

use domain::account::User;
use domain::audit::{Action, Outcome};
use domain::limit::Limit;
use oauth::application::Application;
use oauth::client_authentication::AuthenticatedClient;
use oauth::error::ErrorCode;
use oauth::grant::AccessTokenDetails;
use oauth::refusal::Refusal;
use oauth::token::TokenResponse;
use oauth::token::token_exchange::{self, ACCESS_TOKEN_TYPE, OpenedTokenFacts, TokenExchange};
use oauth::token_payload::AccessToken;

use super::{Narrowing, NewAccessToken};
use crate::Fault;
use crate::identity::caller::RequestOrigin;
use crate::node::access_note;
use crate::node::entity_cache::{Account, Entities};
use crate::protocol::refusal::ProtocolRefusal;
use crate::subject;

/// A token of the request with what is stored about it.
#[derive(Default)]
struct TokenToExchange {
    token: Option<AccessToken>,
    revoked: bool,
    application: Option<Application>,
    account: Option<Arc<Account>>,
    identifier: Option<String>,
}

impl TokenService {
    pub(super) async fn exchange_token(
        &self,
        request: &TokenExchange,
        client: &AuthenticatedClient,
        narrowing: Narrowing<'_>,
        origin: &RequestOrigin,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        ChangeFeed::of(&self.context).ensure_fresh().await?;
        let mut subject = self.open_presented(request.subject_token.expose()).await?;
        subject.identify(|token, user, _| subject::public_identifier_in(&token.scopes, token.grant, user));
        let mut actor = match &request.actor_token {
            Some(actor) => Some(self.open_presented(actor.expose()).await?),
            None => None,
        };
        if let Some(actor) = &mut actor {
            actor.identify(|token, user, application| {
                subject::identifier_in(&token.scopes, token.grant, user, application)
            });
        }
        let limited = subject.token.as_ref().map_or(&[][..], |token| &token.details.resources);
        let targets =
            RequestedResources::of(&self.context).exchange_targets(&request.targets, limited).await?;
        let judged = token_exchange::decide(
            request,
            token_exchange::Facts {
                scopes: narrowing.scopes,
                client,
                subject: subject.facts(),
                actor: actor.as_ref().map(TokenToExchange::facts),
                targets: &targets,
                public_url: &self.context.settings.public_url,
                lifetime_limit_secs: Entities::of(&self.context)
                    .limit(Limit::OAuthAccessTokenLifetime)
                    .await?,
                now: self.context.now(),
            },
        );
        let mut decided = match judged {
            Ok(decided) => decided,
            Err(refusal) => {
                self.note_exchange(&subject, client, Err(refusal), origin).await?;
                return Err(refusal.into());
            }
        };
        self.narrow_data(&mut decided.details.data, decided.user, narrowing).await?;
        self.targets_are_reached(request, &mut decided.details, narrowing).await?;
        self.demand_address_of(client, Some(decided.user), origin).await?;
        self.note_exchange(&subject, client, Ok(()), origin).await?;
        subject.account.iter().for_each(access_note::user);
        let access = NewAccessToken {
            grant: decided.grant,
            user: decided.user,
            user_epoch: decided.user_epoch,
            scopes: decided.scopes,
            lifetime_secs: decided.lifetime_secs,
            binding: client.binding(),
            details: decided.details,
        };
        let issued = self.respond(client, access, None).await?;
        Ok(TokenResponse { issued_token_type: Some(ACCESS_TOKEN_TYPE), ..issued })
    }

    /// Each target that the request names, unlike the resources of the grant of a user who has chosen some of them only.
    async fn targets_are_reached(
        &self,
        request: &TokenExchange,
        details: &mut AccessTokenDetails,
        narrowing: Narrowing<'_>,
    ) -> Result<(), ProtocolRefusal> {
        let named = details.resources.len();
        let narrowing = Narrowing { resources: &request.targets, ..narrowing };
        self.keep_reached(&mut details.resources, details.data.as_deref(), narrowing).await?;
        let are_reached = request.targets.is_empty() || details.resources.len() == named;
        if are_reached { Ok(()) } else { Err(Refusal::ResourceOutsideData.into()) }
    }

    /// Access goes from one application to another, so the audit log says so: for equal exchanges a few times a minute.
    /// Refusals with other codes than `invalid_request` are recorded with those of other grants.
    async fn note_exchange(
        &self,
        subject: &TokenToExchange,
        client: &AuthenticatedClient,
        judged: Result<(), Refusal>,
        origin: &RequestOrigin,
    ) -> Result<(), Fault> {
        if judged.is_err_and(|refusal| refusal.code() != ErrorCode::InvalidRequest) {
            return Ok(());
        }
        let outcome = if judged.is_ok() { Outcome::Success } else { Outcome::Refused };
        let mut audit = origin.audit(Action::ExchangeToken, outcome, self.context.now());
        audit.application = Some(client.application().id);
        if let Some(account) = &subject.account {
            audit.actor = Some(account.user.id);
            audit.actor_name = Some(account.user.name.clone());
        }
        audit.subject =
            subject.token.as_ref().map(|token| format!("a token of application {}", token.application));
        audit.detail = judged.err().map(|refusal| refusal.to_string());
        Ok(ThrottledAudit::of(&self.context).note_repeatable(audit).await?)
    }

    async fn open_presented(&self, text: &str) -> Result<TokenToExchange, Fault> {
        let Ok(token) = AccessTokens::of(&self.context).open(text) else {
            return Ok(TokenToExchange::default());
        };
        Ok(TokenToExchange {
            revoked: self.context.revocations.ends(&token),
            application: self.context.store.find_application(token.application).await?,
            account: Entities::of(&self.context).account(token.user).await?,
            token: Some(token),
            identifier: None,
        })
    }
}

impl TokenToExchange {
    fn identify(&mut self, identifier: impl FnOnce(&AccessToken, &User, &Application) -> Option<String>) {
        if let (Some(token), Some(application), Some(account)) =
            (&self.token, &self.application, &self.account)
        {
            self.identifier = identifier(token, &account.user, application);
        }
    }

    fn facts(&self) -> OpenedTokenFacts<'_> {
        OpenedTokenFacts {
            token: self.token.as_ref(),
            revoked: self.revoked,
            application: self.application.as_ref(),
            user: self.account.as_deref().map(|account| &account.user),
            identifier: self.identifier.as_deref(),
        }
    }
}
