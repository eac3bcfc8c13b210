//! Token introspection ([RFC 7662](https://www.rfc-editor.org/rfc/rfc7662)).

use std::borrow::Cow;

use crate::application::Application;
use crate::client_authentication::AuthenticatedClient;
use crate::data_access::DataAccess;
use crate::grant::{Act, Grant};
use crate::parameters::{Name, Parameters};
use crate::proof::{KeyBinding, TokenType};
use crate::refresh_expiry::{RefreshExpiry, RefreshLimits};
use crate::refusal::Refusal;
use crate::resource;
use crate::scope::{BuiltInScope, ScopeRegistry, ScopeSet};
use crate::token::token_exchange::subject_of;
use crate::token_payload::{AccessToken, RefreshToken};
use domain::account::User;
use domain::id::{ApplicationId, TokenId};
use domain::secret::TokenText;
use domain::time::Timestamp;

pub(crate) const TOKEN: Name = Name::opaque("token");
pub(crate) const TOKEN_TYPE_HINT: Name = Name::opaque("token_type_hint");

/// The token in the request. The hint is parsed and ignored, because a token identifies its own kind.
///
/// # Errors
/// `invalid_request` if it is missing or repeated. A text that is not a token is not one of ours, however
/// long it is.
pub fn parse(parameters: &Parameters) -> Result<TokenText, Refusal> {
    parameters.one(TOKEN_TYPE_HINT)?;
    parameters.required(TOKEN).map(TokenText::new)
}

/// "the authorization server MUST […] require some form of authorization to access this endpoint" ([RFC 7662
/// §2.1](https://www.rfc-editor.org/rfc/rfc7662#section-2.1)).
///
/// # Errors
/// `unauthorized_client` for a public client, which is not authenticated.
pub fn may_introspect(client: &AuthenticatedClient) -> Result<(), Refusal> {
    if client.is_confidential() { Ok(()) } else { Err(Refusal::PublicIntrospection) }
}

/// Whether the client may introspect tokens of the application: its own, or, with `token.introspect`, those
/// of all.
pub fn may_introspect_tokens_of(client: &AuthenticatedClient, application: ApplicationId) -> bool {
    client.application().id == application
        || client.application().settings.scopes.contains(BuiltInScope::Introspect)
}

/// The claims of a signed answer ([RFC 9701 §5](https://www.rfc-editor.org/rfc/rfc9701#section-5)): the members about the
/// token are inside `token_introspection`, so that nobody takes the answer for a token. `about` is their JSON object.
pub fn signed_claims(issuer: &str, client_id: &str, now: Timestamp, about: &[u8]) -> Vec<u8> {
    let (issuer, audience) = (serde_json::Value::from(issuer), serde_json::Value::from(client_id));
    let iat = now.as_secs();
    let mut json =
        format!(r#"{{"iss":{issuer},"aud":{audience},"iat":{iat},"token_introspection":"#).into_bytes();
    json.extend_from_slice(about);
    json.push(b'}');
    json
}

/// An opened token of this server.
#[derive(Debug, Clone, Copy)]
pub enum IntrospectedToken<'a> {
    /// An access token.
    Access {
        /// Its content.
        token: &'a AccessToken,
        /// Whether the revocation index says that it is revoked.
        revoked: bool,
    },
    /// A refresh token.
    Refresh {
        /// Its content.
        token: &'a RefreshToken,
        /// The stored grant that it names.
        grant: &'a Grant,
    },
}

/// The facts for the decision.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// All scopes.
    pub scopes: &'a ScopeRegistry,
    /// The client that sends the request.
    pub client: &'a AuthenticatedClient,
    /// The stored application of the token.
    pub application: Option<&'a Application>,
    /// The stored user of the token.
    pub user: Option<&'a User>,
    /// The `sub` of the user for the application, if the token [names the
    /// user](crate::oidc::subject::names_the_user) by it.
    pub identifier: Option<&'a str>,
    /// The audience of an access token: the resources for which it is valid.
    pub audience: &'a [Cow<'a, str>],
    /// The public URL of this server.
    pub public_url: &'a str,
    /// When refresh tokens end.
    pub refresh_limits: RefreshLimits,
    /// The current time.
    pub now: Timestamp,
}

/// The response about a valid token ([RFC 7662 §2.2](https://www.rfc-editor.org/rfc/rfc7662#section-2.2));
/// `active` is true, and the caller adds `iss`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Active<'a> {
    /// `client_id`.
    pub client_id: &'a str,
    /// `username`.
    pub username: &'a str,
    /// `scope`.
    pub scopes: ScopeSet,
    /// `token_type`; a refresh token has none.
    pub token_type: Option<TokenType>,
    /// `cnf`: what the sender must hold; a refresh token shows none.
    pub binding: Option<KeyBinding>,
    /// `exp`; `None` for a refresh token, which is valid until it is revoked.
    pub expires_at: Option<Timestamp>,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `sub`: the identifier or the number of the user, or the client id for client credentials.
    pub subject: String,
    /// `jti`; `None` for a refresh token.
    pub id: Option<TokenId>,
    /// `act`: who acts for the subject, if somebody does.
    pub act: Option<Act>,
    /// The data to which it is limited.
    pub data: Option<Box<DataAccess>>,
    /// What is left of the times of a refresh token; an access token has none ([Refresh Token Expiration
    /// §7](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-refresh-token-expiration#section-7)).
    pub refresh_expiry: Option<RefreshExpiry>,
}

/// Decides what the response contains. `None` stands for `{"active":false}`, including for a token that the client may
/// not introspect: "the authorization server […] MUST instead […] `active` set to false".
pub fn decide<'a>(subject: IntrospectedToken<'_>, facts: Facts<'a>) -> Option<Active<'a>> {
    may_introspect(facts.client).ok()?;
    let application = application_may_introspect(subject, facts)?;
    token_is_for_the_client(subject, facts)?;
    let user = user_is_active(subject, facts)?;
    let scopes = remaining_scopes(subject, application, facts.scopes)?;
    token_is_live(subject, application, user, facts)
        .then(|| describe(subject, application, user, scopes, facts))
}

fn application_may_introspect<'a>(
    subject: IntrospectedToken<'_>,
    facts: Facts<'a>,
) -> Option<&'a Application> {
    let id = match subject {
        IntrospectedToken::Access { token, .. } => token.application,
        IntrospectedToken::Refresh { grant, .. } => grant.application,
    };
    facts.application.filter(|application| application.id == id && may_introspect_tokens_of(facts.client, id))
}

/// A token that is not meant for the resource server that asks is inactive for it ([RFC 9701
/// §5](https://www.rfc-editor.org/rfc/rfc9701#section-5)), if the client says for which it asks. Its own refresh tokens are
/// meant for none, and it may ask about them as a client.
fn token_is_for_the_client(subject: IntrospectedToken<'_>, facts: Facts<'_>) -> Option<()> {
    let client = facts.client.application();
    let tied = &client.settings.client_metadata.introspection_audiences;
    let is_for = match subject {
        IntrospectedToken::Access { .. } => {
            let named = |one: &Cow<'_, str>| {
                tied.iter().any(|identifier| resource::belongs_to(one, identifier, facts.public_url))
            };
            facts.audience.iter().any(named)
        }
        IntrospectedToken::Refresh { grant, .. } => grant.application == client.id,
    };
    (tied.is_empty() || is_for).then_some(())
}

fn user_is_active<'a>(subject: IntrospectedToken<'_>, facts: Facts<'a>) -> Option<&'a User> {
    let id = match subject {
        IntrospectedToken::Access { token, .. } => token.user,
        IntrospectedToken::Refresh { grant, .. } => grant.user,
    };
    facts.user.filter(|user| user.id == id && user.active)
}

/// "has been issued by this authorization server, has not been revoked by the resource owner, and is within
/// its given time window of validity"; a refresh token that was replaced is no longer valid.
fn token_is_live(
    subject: IntrospectedToken<'_>,
    application: &Application,
    user: &User,
    facts: Facts<'_>,
) -> bool {
    match subject {
        IntrospectedToken::Access { token, revoked } => {
            !revoked
                && !token.expires_at.is_past(facts.now)
                && token.application_epoch == application.epoch
                && token.user_epoch == user.epoch
        }
        IntrospectedToken::Refresh { token, grant } => {
            grant.id == token.grant
                && grant.refreshable
                && grant.revoked_at.is_none()
                && grant.generation == token.generation
                && facts.refresh_limits.end_of(grant).is_none_or(|end| !end.is_past(facts.now))
                && grant.application_epoch == application.epoch
                && grant.user_epoch == user.epoch
        }
    }
}

/// The scopes of the token that the application still has, with everything that they imply, so that a resource server that
/// knows only an implied scope finds it. A token without any is invalid.
fn remaining_scopes(
    subject: IntrospectedToken<'_>,
    application: &Application,
    registry: &ScopeRegistry,
) -> Option<ScopeSet> {
    let given = match subject {
        IntrospectedToken::Access { token, .. } => &token.scopes,
        IntrospectedToken::Refresh { grant, .. } => &grant.scopes,
    };
    let remaining = registry.limited(given, &application.settings.scopes);
    Some(registry.effective(&remaining)).filter(|left| !left.is_empty())
}

fn describe<'a>(
    subject: IntrospectedToken<'_>,
    application: &'a Application,
    user: &'a User,
    scopes: ScopeSet,
    facts: Facts<'_>,
) -> Active<'a> {
    let identifier = facts.identifier.map(str::to_owned);
    let client_id = application.client_id.as_str();
    let username = user.name.as_str();
    match subject {
        IntrospectedToken::Access { token, .. } => Active {
            client_id,
            username,
            scopes,
            token_type: Some(TokenType::of(token.binding)),
            binding: token.binding,
            expires_at: Some(token.expires_at),
            issued_at: token.id.at(),
            subject: identifier.unwrap_or_else(|| subject_of(token, application)),
            id: Some(token.id),
            act: token.details.exchanged.as_ref().and_then(|exchanged| exchanged.act.as_deref().cloned()),
            data: token.details.data.clone(),
            refresh_expiry: None,
        },
        IntrospectedToken::Refresh { grant, .. } => Active {
            client_id,
            username,
            scopes,
            token_type: None,
            binding: None,
            expires_at: facts.refresh_limits.end_of(grant),
            issued_at: grant.rotated_at.unwrap_or(grant.created_at),
            subject: identifier.unwrap_or_else(|| user.id.to_string()),
            id: None,
            act: None,
            data: grant.details.data.clone(),
            refresh_expiry: facts.refresh_limits.left(grant, facts.now),
        },
    }
}

#[cfg(test)]
mod tests;
