//! The token endpoint ([RFC 6749 §3.2](https://www.rfc-editor.org/rfc/rfc6749#section-3.2)), one file for
//! each grant type; [`GrantType`] is their table.
//!
//! The steps are: authenticate the client ([`crate::client_authentication`]), [`TokenRequest::parse`], load
//! the facts of the grant, call its `decide`, then apply the decision: create or rotate the grant, and seal
//! the tokens.

use crate::application::{ApplicationSettings, GrantType, grant_types};
use crate::authorization_details::GrantedElement;
use crate::client_authentication::AuthenticatedClient;
use crate::grant::{GrantDetails, GrantOrigin};
use crate::parameters::{GRANT_TYPE, Parameters};
use crate::proof::TokenType;
use crate::refresh_expiry::RefreshExpiry;
use crate::refusal::Refusal;
use crate::scope::{ScopeRegistry, ScopeSet};
use domain::id::{ConsentId, Epoch, UserId};
use domain::secret::{AccessTokenText, RefreshTokenText};

pub mod authorization_code;
pub mod backchannel;
pub mod client_credentials;
pub mod device_code;
pub mod jwt_bearer;
pub mod password;
pub mod polling;
pub mod refresh_token;
pub mod token_exchange;

macro_rules! define_token_request {
    ($($(#[$doc:meta])* $variant:ident {
        name: $name:literal,
        request: $module:ident::$request:ident,
        rules: $rules:tt,
    })*) => {
        /// A token request of one of the grant types, from a known client.
        #[derive(Debug, Clone)]
        pub enum TokenRequest {
            $($(#[$doc])* $variant($module::$request),)*
        }

        impl TokenRequest {
            /// The grant type.
            pub const fn grant_type(&self) -> GrantType {
                match self {
                    $(Self::$variant(_) => GrantType::$variant,)*
                }
            }

            fn parse_parameters(
                grant_type: GrantType,
                parameters: &Parameters,
                client: &AuthenticatedClient,
                scopes: &ScopeRegistry,
            ) -> Result<Self, Refusal> {
                match grant_type {
                    $(GrantType::$variant => {
                        $module::$request::parse(parameters, client, scopes).map(Self::$variant)
                    })*
                }
            }
        }
    };
}

grant_types!(define_token_request);

impl TokenRequest {
    /// Parses the parameters of the requested grant type and checks them against the registration of the
    /// client. `scopes` gives the names of scopes their meaning.
    ///
    /// # Errors
    /// Everything that can be refused without looking at a code, a token or a password.
    pub fn parse(
        parameters: &Parameters,
        client: &AuthenticatedClient,
        scopes: &ScopeRegistry,
    ) -> Result<Self, Refusal> {
        let grant_type = parameters.required(GRANT_TYPE)?;
        if let Some(refresh) = refresh_token::Refresh::sent_as_a_code(grant_type, parameters, client, scopes)?
        {
            grant_type_is_registered(GrantType::RefreshToken, client)?;
            return Ok(Self::RefreshToken(refresh));
        }
        let grant_type = GrantType::find(grant_type).ok_or(Refusal::GrantTypeUnknown)?;
        grant_type_is_allowed_for_client(grant_type, client)?;
        grant_type_is_registered(grant_type, client)?;
        Self::parse_parameters(grant_type, parameters, client, scopes)
    }
}

/// The table of grant types says which profiles and which types of client may not use one.
fn grant_type_is_allowed_for_client(
    grant_type: GrantType,
    client: &AuthenticatedClient,
) -> Result<(), Refusal> {
    let settings = &client.application().settings;
    let barrier = grant_type.barriers(settings.profile, settings.client_type).next_back();
    barrier.map_or(Ok(()), |barrier| Err(barrier.refusal))
}

/// Whether the client may start the flow that ends with the grant type.
pub(crate) fn may_use(grant_type: GrantType, client: &AuthenticatedClient) -> Result<(), Refusal> {
    grant_type_is_allowed_for_client(grant_type, client)?;
    grant_type_is_registered(grant_type, client)
}

/// `unauthorized_client` ([RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2)).
fn grant_type_is_registered(grant_type: GrantType, client: &AuthenticatedClient) -> Result<(), Refusal> {
    let registered = client.application().settings.grant_types.contains(&grant_type);
    if registered { Ok(()) } else { Err(Refusal::GrantTypeNotRegistered(grant_type.as_str())) }
}

/// A grant to be created, with its access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantDecision {
    /// The user who gives the access.
    pub user: UserId,
    /// The user's epoch.
    pub user_epoch: Epoch,
    /// How it was created.
    pub origin: GrantOrigin,
    /// The consent behind a code, which must still be valid when the grant is stored.
    pub consent: Option<ConsentId>,
    /// The name of the browser's session in which a code was issued, which must not have ended when the grant is stored.
    pub session: Option<String>,
    /// The scopes.
    pub scopes: ScopeSet,
    /// What else the grant keeps of the request.
    pub details: GrantDetails,
    /// Whether a refresh token is issued.
    pub refreshable: bool,
    /// The lifetime of the access token.
    pub lifetime_secs: i64,
}

/// A successful response ([RFC 6749 §5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1)).
#[derive(Debug, Clone)]
pub struct TokenResponse {
    /// `access_token`.
    pub access_token: AccessTokenText,
    /// `token_type`.
    pub token_type: TokenType,
    /// `expires_in`, in seconds.
    pub expires_in: i64,
    /// `refresh_token`, if the grant has one.
    pub refresh_token: Option<RefreshTokenText>,
    /// When the refresh token ends, if the server limits it.
    pub refresh_expiry: Option<RefreshExpiry>,
    /// `issued_token_type`, for an exchanged token.
    pub issued_token_type: Option<&'static str>,
    /// The scopes of the access token; the response always names them in `scope`.
    pub scopes: ScopeSet,
    /// `authorization_details`, if the access token is limited to certain data.
    pub authorization_details: Option<Vec<GrantedElement>>,
    /// `id_token`, if the access has the scope `openid` and a user signed in for it.
    pub id_token: Option<String>,
}

/// The lifetime of the application's access tokens: the smaller of its own setting and limit 100.
pub fn access_token_lifetime_secs(settings: &ApplicationSettings, limit_secs: i64) -> i64 {
    settings.access_token_lifetime_secs.map_or(limit_secs, |own| limit_secs.min(own.into()))
}

/// Whether a new grant of the application gets a refresh token.
fn gets_a_refresh_token(settings: &ApplicationSettings) -> bool {
    settings.grant_types.contains(&GrantType::RefreshToken)
}

/// The granted scopes for which the application is still registered.
fn still_registered(
    granted: &ScopeSet,
    settings: &ApplicationSettings,
    registry: &ScopeRegistry,
) -> Result<ScopeSet, Refusal> {
    let left = registry.limited(granted, &settings.scopes);
    if left.is_empty() { Err(Refusal::NoScopeLeft) } else { Ok(left) }
}

#[cfg(test)]
mod tests;
