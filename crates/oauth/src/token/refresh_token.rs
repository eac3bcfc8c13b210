//! Refreshing: [RFC 6749 §6](https://www.rfc-editor.org/rfc/rfc6749#section-6), with rotation that survives
//! lost responses ([RFC 9700 §4.14.2](https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2)).

use super::authorization_code::CODE;
use super::{access_token_lifetime_secs, still_registered};
use crate::application::GrantType;
use crate::client_authentication::AuthenticatedClient;
use crate::grant::{AccessTokenDetails, Grant, GrantOrigin};
use crate::oidc::id_token;
use crate::parameters::{Name, Parameters, SCOPE};
use crate::refresh_expiry::RefreshLimits;
use crate::refusal::Refusal;
use crate::scope::{ScopeRegistry, ScopeSet};
use crate::token_payload::RefreshToken;
use domain::account::User;
use domain::id::GrantId;
use domain::secret::RefreshTokenText;
use domain::time::Timestamp;

mod rotation;

pub use rotation::Rotation;

const REFRESH_TOKEN: Name = Name::opaque("refresh_token");

/// Whether a refresh of the grant yields an ID token, with these scopes of the new access token. The password grant gives
/// none, neither at first nor later, because the client itself saw the user sign in.
pub fn yields_an_id_token(grant: &Grant, scopes: &ScopeSet) -> bool {
    grant.origin != GrantOrigin::Password && id_token::is_issued(scopes, grant.details.sign_in.as_ref())
}

/// The parameters of the refresh.
#[derive(Debug, Clone)]
pub struct Refresh {
    /// The refresh token as received.
    pub token: RefreshTokenText,
    /// The requested scopes, if any.
    pub scopes: Option<ScopeSet>,
    /// Whether it was sent as an `authorization_code` request, for the counter.
    pub sent_as_a_code: bool,
}

impl Refresh {
    pub(super) fn parse(
        parameters: &Parameters,
        _client: &AuthenticatedClient,
        registry: &ScopeRegistry,
    ) -> Result<Self, Refusal> {
        let token = RefreshTokenText::new(parameters.required(REFRESH_TOKEN)?);
        let scopes = parameters.one(SCOPE)?.map(|text| registry.parse(text)).transpose();
        let scopes = scopes.map_err(|_| Refusal::ScopeUnknown)?.filter(|scopes| !scopes.is_empty());
        Ok(Self { token, scopes, sent_as_a_code: false })
    }

    /// Progress's connector for Power BI refreshes with `grant_type=authorization_code` and the refresh
    /// token, which older versions also send as `code`. The profile `compatible` accepts this.
    pub(super) fn sent_as_a_code(
        grant_type: &str,
        parameters: &Parameters,
        client: &AuthenticatedClient,
        registry: &ScopeRegistry,
    ) -> Result<Option<Self>, Refusal> {
        let token = parameters.one(REFRESH_TOKEN)?;
        let meant = grant_type == GrantType::AuthorizationCode.as_str()
            && client.application().settings.profile.rules().refresh_sent_as_a_code;
        let code_is_no_code = parameters.one(CODE)?.is_none_or(|code| token == Some(code));
        if !meant || token.is_none() || !code_is_no_code {
            return Ok(None);
        }
        Ok(Some(Self { sent_as_a_code: true, ..Self::parse(parameters, client, registry)? }))
    }
}

/// The facts for the decision.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// All scopes.
    pub scopes: &'a ScopeRegistry,
    /// The client that sends the request.
    pub client: &'a AuthenticatedClient,
    /// The content of the token; `None` if this server did not seal it.
    pub token: Option<&'a RefreshToken>,
    /// The stored grant that it names.
    pub grant: Option<&'a Grant>,
    /// The stored user of the grant.
    pub user: Option<&'a User>,
    /// How long a client that lost the response may present a replaced token again.
    pub grace_secs: i64,
    /// When refresh tokens end.
    pub limits: RefreshLimits,
    /// Limit 100, in seconds.
    pub lifetime_limit_secs: i64,
    /// The current time.
    pub now: Timestamp,
}

/// The decision about a refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefreshDecision {
    /// New tokens are issued.
    Renew(Renewal),
    /// A replaced token was presented too late: revoke the grant, then respond with
    /// [`Refusal::RefreshTokenReplayed`].
    Replay(GrantId),
}

/// New tokens of an existing grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The refresh token for the response.
    pub rotation: Rotation,
    /// The scopes of the new access token.
    pub scopes: ScopeSet,
    /// The lifetime of the new access token.
    pub lifetime_secs: i64,
    /// What else the new access token keeps of the grant.
    pub details: AccessTokenDetails,
}

/// Decides what a refresh token yields. A rotation succeeds only if the store still finds the grant at the
/// previous generation; otherwise load the grant again and decide again.
///
/// # Errors
/// `invalid_grant` and `invalid_scope`; nothing changes then.
pub fn decide(request: &Refresh, facts: Facts<'_>) -> Result<RefreshDecision, Refusal> {
    let token = token_is_genuine(facts)?;
    let grant = grant_is_known(token, facts)?;
    token_belongs_to_client(grant, facts)?;
    sender_holds_the_key(grant, facts)?;
    sender_is_the_instance(grant, facts)?;
    grant_is_refreshable(grant)?;
    grant_is_live(grant, facts)?;
    refresh_token_is_unexpired(grant, facts)?;
    password_grants_are_still_allowed(grant, facts)?;
    user_is_active(facts)?;
    let Some(rotation) = rotation::rotate(token.generation, grant, facts)? else {
        return Ok(RefreshDecision::Replay(grant.id));
    };
    let scopes = scope_is_not_widened(request, grant, facts)?;
    let settings = &facts.client.application().settings;
    let most = access_token_lifetime_secs(settings, facts.lifetime_limit_secs);
    let left = grant.expires_at.map_or(most, |end| end.as_secs() - facts.now.as_secs());
    Ok(RefreshDecision::Renew(Renewal {
        rotation,
        scopes,
        lifetime_secs: most.min(left.max(1)),
        details: grant.details.for_access_tokens(),
    }))
}

fn token_is_genuine(facts: Facts<'_>) -> Result<&RefreshToken, Refusal> {
    facts.token.ok_or(Refusal::RefreshTokenForged)
}

fn grant_is_known<'a>(token: &RefreshToken, facts: Facts<'a>) -> Result<&'a Grant, Refusal> {
    facts.grant.filter(|grant| grant.id == token.grant).ok_or(Refusal::GrantGone)
}

/// "ensure that the refresh token was issued to the authenticated client".
fn token_belongs_to_client(grant: &Grant, facts: Facts<'_>) -> Result<(), Refusal> {
    let same = grant.application == facts.client.application().id;
    if same { Ok(()) } else { Err(Refusal::RefreshTokenOfAnotherClient) }
}

/// "refresh tokens issued to public clients MUST be bound to the `DPoP` public key" ([RFC 9449
/// §5](https://www.rfc-editor.org/rfc/rfc9449#section-5)). This is checked before a replay revokes the grant, so that a
/// stolen token without its key ends nothing.
fn sender_holds_the_key(grant: &Grant, facts: Facts<'_>) -> Result<(), Refusal> {
    let proved = grant.details.are_proved_by(facts.client.binding());
    if proved { Ok(()) } else { Err(Refusal::RefreshTokenOfAnotherKey) }
}

/// "the Client Instance MUST use the same key that was present in the cnf claim of the Client Attestation that was used when the
/// refresh token was issued" ([draft-ietf-oauth-attestation-based-client-auth-11
/// §10.3](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-10.3)).
fn sender_is_the_instance(grant: &Grant, facts: Facts<'_>) -> Result<(), Refusal> {
    let same = grant.details.are_of_instance(facts.client.instance());
    if same { Ok(()) } else { Err(Refusal::RefreshTokenOfAnotherInstance) }
}

fn grant_is_refreshable(grant: &Grant) -> Result<(), Refusal> {
    if grant.refreshable { Ok(()) } else { Err(Refusal::GrantNotRefreshable) }
}

/// "validate the refresh token": a refresh token is valid until it is revoked.
fn grant_is_live(grant: &Grant, facts: Facts<'_>) -> Result<(), Refusal> {
    let application_stands = grant.application_epoch == facts.client.application().epoch;
    let user_stands = facts.user.is_some_and(|user| user.id == grant.user && user.epoch == grant.user_epoch);
    match grant.revoked_at {
        Some(_) => Err(Refusal::GrantRevoked),
        None if application_stands && user_stands => Ok(()),
        None => Err(Refusal::GrantOutlived),
    }
}

/// "validate the refresh token": the settings of the server may limit how long it is valid.
fn refresh_token_is_unexpired(grant: &Grant, facts: Facts<'_>) -> Result<(), Refusal> {
    let expired = facts.limits.end_of(grant).is_some_and(|end| end.is_past(facts.now));
    if expired { Err(Refusal::RefreshTokenExpired) } else { Ok(()) }
}

/// The application may have become stricter since the grant was created.
fn password_grants_are_still_allowed(grant: &Grant, facts: Facts<'_>) -> Result<(), Refusal> {
    let over = grant.origin == GrantOrigin::Password
        && !facts.client.application().settings.may_use(GrantType::Password);
    if over { Err(Refusal::PasswordGrantOver) } else { Ok(()) }
}

fn user_is_active(facts: Facts<'_>) -> Result<(), Refusal> {
    if facts.user.is_some_and(|user| user.active) { Ok(()) } else { Err(Refusal::UserInactive) }
}

/// "The requested scope MUST NOT include any scope not originally granted by the resource owner, and if omitted is
/// treated as equal to the scope originally granted".
fn scope_is_not_widened(request: &Refresh, grant: &Grant, facts: Facts<'_>) -> Result<ScopeSet, Refusal> {
    let asked = request.scopes.as_ref().unwrap_or(&grant.scopes);
    if !facts.scopes.covers(&grant.scopes, asked) {
        return Err(Refusal::ScopeWidened);
    }
    still_registered(asked, &facts.client.application().settings, facts.scopes)
}

#[cfg(test)]
mod tests;
