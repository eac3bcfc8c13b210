//! Introspection: what a client may know about a token. It only reads.

use crate::Context;
use crate::identity::access_tokens::AccessTokens;
use crate::node::feed::ChangeFeed;
use crate::node::signing_keys::JwtKeys;
use crate::protocol::data_access::ReachableData;
use std::sync::Arc;

use domain::id::{ApplicationId, UserId};
use domain::time::Timestamp;
use oauth::application::Application;
use oauth::authorization_details::GrantedElement;
use oauth::client_authentication::AuthenticatedClient;
use oauth::grant::Act;
use oauth::introspection::{self, Facts, IntrospectedToken};
use oauth::jwt_access_token::audience_in;
use oauth::proof::{KeyBinding, TokenType};
use oauth::refresh_expiry::RefreshExpiry;
use oauth::signing::JwtType;
use store::StoreError;

use crate::identity::caller::RequestOrigin;
use crate::identity::refusals::{NamedClient, Refusals};
use crate::node::access_note;
use crate::node::entity_cache::{Account, Entities, SignIn, StoredGrants};
use crate::node::metrics::{OutcomeLabels, Word};
use crate::node::refusal_reason::RefusalReason;
use crate::protocol::client::{ClientAuthentication, ClientRequest};
use crate::protocol::refusal::ProtocolRefusal;
use crate::subject;

/// The response about a valid token, with the members of [RFC 7662
/// §2.2](https://www.rfc-editor.org/rfc/rfc7662#section-2.2).
#[derive(Debug, Clone)]
pub struct LiveToken {
    /// `client_id`.
    pub client_id: String,
    /// `username`.
    pub username: String,
    /// `scope`: the names of the scopes, separated by spaces.
    pub scope: String,
    /// `token_type`, for access tokens.
    pub token_type: Option<TokenType>,
    /// `cnf`, for access tokens that are bound to a key or a certificate.
    pub binding: Option<KeyBinding>,
    /// `exp`, in seconds since the Unix epoch.
    pub exp: Option<i64>,
    /// `iat`, in seconds since the Unix epoch.
    pub iat: i64,
    /// `sub`.
    pub sub: String,
    /// `aud`: the resources for which an access token is valid; empty for a refresh token.
    pub aud: Vec<String>,
    /// `jti`, for access tokens.
    pub jti: Option<String>,
    /// `act`, for a token that was exchanged with an actor.
    pub act: Option<Act>,
    /// `auth_time` and `acr`: when and how the user signed in ([RFC 9470
    /// §6.2](https://www.rfc-editor.org/rfc/rfc9470#section-6.2)); `None` if nobody did.
    pub sign_in: Option<SignIn>,
    /// `authorization_details`, for a token that is limited to certain data.
    pub authorization_details: Option<Vec<GrantedElement>>,
    /// `refresh_token_timeout` and `authorization_expires_in`, for refresh tokens that end by themselves.
    pub refresh_expiry: Option<RefreshExpiry>,
}

/// The introspection endpoint.
#[derive(Clone)]
pub struct IntrospectionService {
    context: Arc<Context>,
}

service!(IntrospectionService);

impl IntrospectionService {
    /// What the client may know about the token in the request; `None` stands for `{"active":false}`.
    ///
    /// # Errors
    /// If the client is not authenticated or is public, if the token is missing, or if the server fails.
    pub async fn introspect(&self, request: ClientRequest<'_>) -> Result<Option<LiveToken>, ProtocolRefusal> {
        let client = ClientAuthentication::of(&self.context).authenticate(request).await?;
        self.introspect_for(&client, request).await
    }

    /// The same as a signed text for the client ([RFC 9701 §5](https://www.rfc-editor.org/rfc/rfc9701#section-5)).
    /// `write` writes the JSON object about the token.
    ///
    /// # Errors
    /// As for [`Self::introspect`], and if the algorithm has no key yet.
    pub async fn introspect_signed(
        &self,
        request: ClientRequest<'_>,
        write: impl FnOnce(Option<&LiveToken>) -> Vec<u8>,
    ) -> Result<String, ProtocolRefusal> {
        let client = ClientAuthentication::of(&self.context).authenticate(request).await?;
        let token = self.introspect_for(&client, request).await?;
        let about = write(token.as_ref());
        let application = client.application();
        let claims = introspection::signed_claims(
            &self.context.settings.public_url,
            application.client_id.as_str(),
            self.context.now(),
            &about,
        );
        let registered = application.settings.client_metadata.introspection_signed_response_alg();
        let algorithm = application.settings.allowed_algorithm(registered);
        JwtKeys::of(&self.context).ensure(algorithm, request.origin).await?;
        Ok(JwtKeys::of(&self.context).sign(JwtType::Introspection, algorithm, &claims).await?)
    }

    async fn introspect_for(
        &self,
        client: &AuthenticatedClient,
        request: ClientRequest<'_>,
    ) -> Result<Option<LiveToken>, ProtocolRefusal> {
        if let Err(refusal) = introspection::may_introspect(client) {
            let reason = RefusalReason::PublicIntrospection;
            Refusals::of(&self.context).note_client(reason, NamedClient::of(client), request.origin).await;
            return Err(refusal.into());
        }
        let text = introspection::parse(request.parameters)?;
        let response = self.ask_about(client, text.expose(), request.origin).await?;
        let outcome = Word(if response.is_some() { "active" } else { "inactive" });
        self.context.metrics.introspections.inc(OutcomeLabels { outcome });
        Ok(response)
    }

    async fn ask_about(
        &self,
        client: &AuthenticatedClient,
        text: &str,
        origin: &RequestOrigin,
    ) -> Result<Option<LiveToken>, ProtocolRefusal> {
        if let Ok(token) = AccessTokens::of(&self.context).open(text) {
            ChangeFeed::of(&self.context).ensure_fresh().await?;
            let revoked = self.context.revocations.ends(&token);
            let subject = IntrospectedToken::Access { token: &token, revoked };
            self.note_token_of_another(client, token.application, origin).await;
            return self.respond_to(client, subject, token.application, token.user).await;
        }
        let Ok(token) = self.context.vault.open_refresh_token(text) else { return Ok(None) };
        let Some(grant) = StoredGrants::of(&self.context).find(token.grant).await? else { return Ok(None) };
        let subject = IntrospectedToken::Refresh { token: &token, grant: &grant };
        self.note_token_of_another(client, grant.application, origin).await;
        self.respond_to(client, subject, grant.application, grant.user).await
    }

    /// Records that a client asked about a token that it may not introspect.
    async fn note_token_of_another(
        &self,
        client: &AuthenticatedClient,
        application: ApplicationId,
        origin: &RequestOrigin,
    ) {
        if !introspection::may_introspect_tokens_of(client, application) {
            Refusals::of(&self.context)
                .note_client(RefusalReason::TokenOfAnother, NamedClient::of(client), origin)
                .await;
        }
    }

    /// When the user signed in for the grant of the token, if it has one.
    async fn sign_in(&self, subject: IntrospectedToken<'_>) -> Result<Option<SignIn>, StoreError> {
        match subject {
            IntrospectedToken::Access { token, .. } => {
                StoredGrants::of(&self.context).sign_in_of(token.grant).await
            }
            IntrospectedToken::Refresh { grant, .. } => Ok(SignIn::of(&grant.details)),
        }
    }

    async fn respond_to(
        &self,
        client: &AuthenticatedClient,
        subject: IntrospectedToken<'_>,
        application: ApplicationId,
        user: UserId,
    ) -> Result<Option<LiveToken>, ProtocolRefusal> {
        let other: Option<Application> = if client.application().id == application {
            None
        } else {
            self.context.store.find_application(application).await?
        };
        let account: Option<Arc<Account>> = Entities::of(&self.context).account(user).await?;
        let application =
            other.as_ref().or_else(|| (client.application().id == application).then(|| client.application()));
        let (scopes, grant, resources) = match subject {
            IntrospectedToken::Access { token, .. } => (&token.scopes, token.grant, &token.details.resources),
            IntrospectedToken::Refresh { grant, .. } => {
                (&grant.scopes, Some(grant.id), &grant.details.resources)
            }
        };
        let identifier = account.as_deref().zip(application).and_then(|(account, application)| {
            subject::identifier_in(scopes, grant, &account.user, application)
        });
        let registry = Entities::of(&self.context).scopes_for(scopes, None).await?;
        let audience = match subject {
            IntrospectedToken::Access { token, .. } => {
                audience_in(token, &registry, &self.context.settings.public_url)
            }
            IntrospectedToken::Refresh { .. } => Vec::new(),
        };
        let facts = Facts {
            audience: &audience,
            public_url: &self.context.settings.public_url,
            scopes: &registry,
            client,
            application,
            user: account.as_deref().map(|account| &account.user),
            identifier: identifier.as_deref(),
            refresh_limits: self.context.settings.refresh_limits(),
            now: self.context.now(),
        };
        let Some(active) = introspection::decide(subject, facts) else { return Ok(None) };
        account.iter().for_each(access_note::user);
        let authorization_details = match active.data.as_deref() {
            // Boxed, so that tokens that are not limited do not pay for its state.
            Some(data) => {
                let reachable = ReachableData::of(&self.context);
                Some(Box::pin(reachable.granted_elements(user, &active.scopes, data, resources)).await?)
            }
            None => None,
        };
        let sign_in = self.sign_in(subject).await?;
        Ok(Some(LiveToken {
            aud: audience.iter().map(|one| one.clone().into_owned()).collect(),
            sign_in,
            authorization_details,
            client_id: active.client_id.to_owned(),
            username: active.username.to_owned(),
            scope: registry.text(&active.scopes),
            token_type: active.token_type,
            binding: active.binding,
            exp: active.expires_at.map(Timestamp::as_secs),
            iat: active.issued_at.as_secs(),
            sub: active.subject,
            jti: active.id.map(|id| id.to_string()),
            act: active.act,
            refresh_expiry: active.refresh_expiry,
        }))
    }
}
