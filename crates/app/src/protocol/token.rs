//! The token endpoint: what a client gets for a code, a refresh token, a password, or its own credentials.

use domain::allow_list::ServerPart;
use domain::audit::{Action, Outcome};
use domain::id::{Epoch, GrantId, UserId};
use domain::secret::{AccessTokenText, RefreshTokenText};
use oauth::application::{Application, TokenFormat};
use oauth::authorization_details::{self, GrantedElement};
use oauth::client_authentication::AuthenticatedClient;
use oauth::error::ErrorCode;
use oauth::grant::AccessTokenDetails;
use oauth::parameters::{Parameters, RESOURCE, SCOPE};
use oauth::proof::{KeyBinding, TokenType};
use oauth::refusal::Refusal;
use oauth::resource;
use oauth::scope::{BuiltInScope, ScopeRegistry, ScopeSet};
use oauth::token::{TokenRequest, TokenResponse};
use oauth::token_payload::{AccessToken, RefreshToken};
use std::sync::Arc;
use vault::Unsealed;

use crate::identity::addresses::Addresses;
use crate::identity::caller::RequestOrigin;
use crate::node::audit_throttle::ThrottledAudit;
use crate::node::entity_cache::{Entities, StoredGrants};
use crate::node::metrics::{GrantLabels, Word};
use crate::node::signing_keys::JwtKeys;
use crate::protocol::client::{ClientAuthentication, ClientRequest};
use crate::protocol::data_access::ReachableData;
use crate::protocol::refusal::ProtocolRefusal;
use crate::{Context, Fault, node::access_note};

mod authorization_code;
mod client_credentials;
mod id_token;
mod jwt_bearer;
mod narrowing;
mod new_grant;
mod password;
mod polling;
mod refresh_token;
mod signed_access_token;
mod token_exchange;

use narrowing::Narrowing;

/// Issued tokens, with the text that only the registry of scopes can write.
#[derive(Debug, Clone)]
pub struct IssuedTokens {
    /// The tokens.
    pub tokens: TokenResponse,
    /// `scope`: the names of the scopes, separated by spaces.
    pub scope: String,
}

/// The content of a new access token.
struct NewAccessToken {
    grant: Option<GrantId>,
    user: UserId,
    user_epoch: Epoch,
    scopes: ScopeSet,
    lifetime_secs: i64,
    /// The key to which the token is bound.
    binding: Option<KeyBinding>,
    /// What else limits or describes it.
    details: AccessTokenDetails,
}

/// The token endpoint: issues tokens for a grant.
#[derive(Clone)]
pub struct TokenService {
    context: Arc<Context>,
}

service!(TokenService);

impl TokenService {
    /// Handles a token request. A code, or a generation of a refresh token, is consumed before this returns;
    /// everything in the response is durable.
    ///
    /// # Errors
    /// [`ProtocolRefusal`]: a refusal of the protocol, or a failure of the server.
    pub async fn issue(&self, request: ClientRequest<'_>) -> Result<IssuedTokens, ProtocolRefusal> {
        let authenticated = ClientAuthentication::of(&self.context).authenticate(request).await;
        let proved = authenticated.and_then(|client| {
            ClientAuthentication::of(&self.context).with_proved_key(client, &request.facts)
        });
        let client = match proved {
            Ok(client) => client,
            Err(refusal) => {
                self.count("unknown", Err(&refusal));
                return Err(refusal);
            }
        };
        self.ensure_keys_for(client.application(), request.origin).await?;
        let requested = request.parameters.one(SCOPE).ok().flatten();
        let registered = &client.application().settings.scopes;
        let registry = Entities::of(&self.context).scopes_for(registered, requested).await?;
        let parsed = TokenRequest::parse(request.parameters, &client, &registry);
        let (grant_type, answer) = match &parsed {
            Ok(wanted) => {
                let answer = match self.demand_address(&client, wanted, request.origin).await {
                    Ok(()) => {
                        self.token_for(wanted, &client, &registry, request.parameters, request.origin).await
                    }
                    Err(refusal) => Err(refusal),
                };
                (wanted.grant_type().as_str(), answer)
            }
            Err(refusal) => ("unknown", Err((*refusal).into())),
        };
        self.count(grant_type, answer.as_ref().map(|_| ()));
        match &answer {
            Ok(_) => {
                if !client.is_confidential() {
                    self.context.usage.application(client.application().id, None, self.context.now());
                }
                access_note::done(grant_type, client.application().id);
            }
            Err(ProtocolRefusal::Refused(refusal)) => {
                let noted = self.note_refused_token(&client, parsed.as_ref().ok(), *refusal, request.origin);
                Box::pin(noted).await?;
            }
            Err(_) => {}
        }
        answer.map(|tokens| IssuedTokens { scope: registry.text(&tokens.scopes), tokens })
    }

    /// Ensures that the keys for the application's tokens exist before a code or a refresh token is consumed.
    async fn ensure_keys_for(&self, application: &Application, origin: &RequestOrigin) -> Result<(), Fault> {
        let settings = &application.settings;
        if settings.scopes.contains(BuiltInScope::OpenId) {
            let registered = settings.client_metadata.openid.id_token_algorithm();
            JwtKeys::of(&self.context).ensure(settings.allowed_algorithm(registered), origin).await?;
        }
        if settings.token_format == TokenFormat::Jwt {
            let registered = settings.client_metadata.access_token_signing_alg();
            JwtKeys::of(&self.context).ensure(settings.allowed_algorithm(registered), origin).await?;
        }
        Ok(())
    }

    /// Refuses an address that the lists of the installation, the application or the user behind a code or a refresh token do
    /// not contain, before either is used up. Other grants know their user later.
    async fn demand_address(
        &self,
        client: &AuthenticatedClient,
        request: &TokenRequest,
        origin: &RequestOrigin,
    ) -> Result<(), ProtocolRefusal> {
        if !Addresses::of(&self.context).are_limited().await? {
            return Ok(());
        }
        let user = self.user_behind(Some(request)).await?;
        self.demand_address_of(client, user, origin).await
    }

    /// Refuses an address that the lists of the installation, the application or this user do not contain.
    async fn demand_address_of(
        &self,
        client: &AuthenticatedClient,
        user: Option<UserId>,
        origin: &RequestOrigin,
    ) -> Result<(), ProtocolRefusal> {
        let (resource, application) = (ServerPart::DataAccess, Some(client.application().id));
        if Addresses::of(&self.context).admit(resource, user, application, origin).await? {
            return Ok(());
        }
        Err(Refusal::AddressNotAllowed.into())
    }

    async fn token_for(
        &self,
        request: &TokenRequest,
        client: &AuthenticatedClient,
        registry: &ScopeRegistry,
        parameters: &Parameters,
        origin: &RequestOrigin,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        let resources = parameters.all(RESOURCE).and_then(resource::normalised)?;
        let data = authorization_details::parse(parameters)?;
        let narrowing = Narrowing {
            resources: &resources,
            data: data.as_ref(),
            client: client.application(),
            scopes: registry,
        };
        match request {
            TokenRequest::ClientCredentials(request) => {
                self.service_token(request, client, narrowing, origin).await
            }
            // Boxed: the state of the largest would be moved several times for every request, and an allocation costs less.
            TokenRequest::AuthorizationCode(request) => {
                Box::pin(self.exchange_code(request, client, narrowing, origin)).await
            }
            TokenRequest::RefreshToken(request) => {
                Box::pin(self.refresh_token(request, client, narrowing, origin)).await
            }
            TokenRequest::Password(request) => {
                Box::pin(self.password_grant(request, client, narrowing, origin)).await
            }
            TokenRequest::DeviceCode(request) => {
                Box::pin(self.poll_device(request, client, narrowing, origin)).await
            }
            TokenRequest::Ciba(request) => {
                Box::pin(self.poll_backchannel(request, client, narrowing, origin)).await
            }
            TokenRequest::TokenExchange(request) => {
                Box::pin(self.exchange_token(request, client, narrowing, origin)).await
            }
            TokenRequest::JwtBearer(request) => {
                Box::pin(self.present_assertion(request, client, narrowing, origin)).await
            }
        }
    }

    fn count(&self, grant: &'static str, answer: Result<(), &ProtocolRefusal>) {
        let outcome = match answer {
            Ok(()) => "issued",
            Err(ProtocolRefusal::Refused(refusal)) => refusal.code().as_str(),
            Err(ProtocolRefusal::TooOften { .. }) => "too_often",
            Err(ProtocolRefusal::Fault(_)) => "fault",
        };
        self.context.metrics.tokens.inc(GrantLabels { grant: Word(grant), outcome: Word(outcome) });
    }

    /// Refused access is audited. Malformed requests are not, and failed authentications and passwords have
    /// been audited where they were detected.
    async fn note_refused_token(
        &self,
        client: &AuthenticatedClient,
        request: Option<&TokenRequest>,
        refusal: Refusal,
        origin: &RequestOrigin,
    ) -> Result<(), Fault> {
        let refuses_access = refusal == Refusal::AddressNotAllowed
            || refusal != Refusal::ScopeUnknown
                && matches!(
                    refusal.code(),
                    ErrorCode::InvalidGrant | ErrorCode::UnauthorizedClient | ErrorCode::InvalidScope
                );
        let is_audited = matches!(
            refusal,
            Refusal::CredentialsWrong
                | Refusal::PasswordExpired
                | Refusal::CodeReplayed
                | Refusal::DeviceCodeReplayed
                | Refusal::AuthReqIdReplayed
                | Refusal::RefreshTokenReplayed
        );
        if !refuses_access || is_audited {
            return Ok(());
        }
        let mut audit = origin.audit(Action::RefuseToken, Outcome::Refused, self.context.now());
        audit.application = Some(client.application().id);
        audit.detail = Some(refusal.to_string());
        if let Some(user) = self.user_behind(request).await? {
            Entities::of(&self.context).name_user(&mut audit, user).await;
        }
        Ok(ThrottledAudit::of(&self.context).note_refused(audit).await?)
    }

    /// The user whose code or refresh token the request contains.
    async fn user_behind(&self, request: Option<&TokenRequest>) -> Result<Option<UserId>, Fault> {
        match request {
            Some(TokenRequest::AuthorizationCode(request)) => {
                Ok(self.context.vault.open_code(request.code.expose()).ok().map(|code| code.user))
            }
            Some(TokenRequest::RefreshToken(request)) => {
                let Ok(token) = self.context.vault.open_refresh_token(request.token.expose()) else {
                    return Ok(None);
                };
                Ok(StoredGrants::of(&self.context).find(token.grant).await?.map(|grant| grant.user))
            }
            _ => Ok(None),
        }
    }

    async fn respond(
        &self,
        client: &AuthenticatedClient,
        new: NewAccessToken,
        refresh_token: Option<RefreshTokenText>,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        let (token_type, expires_in) = (TokenType::of(new.binding), new.lifetime_secs);
        let scopes = new.scopes.clone();
        let authorization_details = match new.details.data.as_deref() {
            // Boxed, so that tokens that are not limited do not pay for its state.
            Some(data) => {
                let resources = &new.details.resources;
                let reachable = ReachableData::of(&self.context);
                Some(Box::pin(reachable.granted_elements(new.user, &scopes, data, resources)).await?)
            }
            None => None,
        };
        let access_token = self.access_token(client, new, authorization_details.as_deref()).await?;
        Ok(TokenResponse {
            authorization_details,
            access_token,
            token_type,
            expires_in,
            refresh_token,
            refresh_expiry: None,
            issued_token_type: None,
            scopes,
            id_token: None,
        })
    }

    async fn access_token(
        &self,
        client: &AuthenticatedClient,
        new: NewAccessToken,
        authorization_details: Option<&[GrantedElement]>,
    ) -> Result<AccessTokenText, Fault> {
        let now = self.context.now();
        let token = AccessToken {
            id: self.context.vault.new_token_id(now),
            expires_at: now.plus_secs(new.lifetime_secs),
            application: client.application().id,
            application_epoch: client.application().epoch,
            user: new.user,
            user_epoch: new.user_epoch,
            grant: new.grant,
            scopes: new.scopes,
            binding: new.binding,
            details: new.details,
        };
        match client.application().settings.token_format {
            TokenFormat::Opaque => self.context.vault.seal_access_token(&token).map_err(broken_seal),
            // Boxed, so that requests for opaque tokens do not pay for the state that only this path needs.
            TokenFormat::Jwt => {
                let signed = self.sign_access_token(client.application(), &token, authorization_details);
                Box::pin(signed).await
            }
        }
    }

    fn seal_refresh(&self, token: RefreshToken, key: u32) -> Result<RefreshTokenText, Fault> {
        self.context.vault.seal_refresh_token(token, key).map_err(broken_seal)
    }
}

fn no_key() -> Fault {
    Fault::Broken("the ring has no active key".into())
}

fn broken_seal(cause: Unsealed) -> Fault {
    Fault::Broken(Box::new(cause))
}
