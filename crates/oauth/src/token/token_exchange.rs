//! Exchanging a token for another: [RFC 8693](https://www.rfc-editor.org/rfc/rfc8693).
//!
//! The new token never reaches further than the one that is exchanged: not in scope, not in time, not in resources. It
//! belongs to the same grant, and is revoked with each token that it comes from.

use super::access_token_lifetime_secs;
use crate::application::{Application, TokenExchangePolicy};
use crate::client_authentication::AuthenticatedClient;
use crate::grant::{AccessTokenDetails, Act, Ancestor, Exchanged, MOST_EXCHANGES};
use crate::oidc::subject::is_pairwise;
use crate::parameters::{Name, Parameters, RESOURCE, SCOPE};
use crate::refusal::Refusal;
use crate::resource::{self, Requested};
use crate::scope::{BuiltInScope, ScopeRegistry, ScopeSet};
use crate::token_payload::AccessToken;
use domain::account::User;
use domain::id::{Epoch, GrantId, UserId};
use domain::secret::TokenText;
use domain::time::Timestamp;

/// The type of access tokens ([RFC 8693 §3](https://www.rfc-editor.org/rfc/rfc8693#section-3)), the only type that is
/// issued.
pub const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The type of tokens in the form of a JWT; accepted for access tokens of this server that have it.
const JWT_TYPE: &str = "urn:ietf:params:oauth:token-type:jwt";

const SUBJECT_TOKEN: Name = Name::opaque("subject_token");
const SUBJECT_TOKEN_TYPE: Name = Name::new("subject_token_type", 256);
const ACTOR_TOKEN: Name = Name::opaque("actor_token");
const ACTOR_TOKEN_TYPE: Name = Name::new("actor_token_type", 256);
const REQUESTED_TOKEN_TYPE: Name = Name::new("requested_token_type", 256);
const AUDIENCE: Name = Name::new("audience", 2_048);

/// The parameters of the exchange ([RFC 8693 §2.1](https://www.rfc-editor.org/rfc/rfc8693#section-2.1)).
#[derive(Debug, Clone)]
pub struct TokenExchange {
    /// The token of the party on whose behalf the request is made.
    pub subject_token: TokenText,
    /// The token of the acting party.
    pub actor_token: Option<TokenText>,
    /// `resource` and `audience`, in their normal form.
    pub targets: Vec<String>,
    /// The requested scopes; `None` for all that can be had.
    pub scopes: Option<ScopeSet>,
    /// The scopes to which the policy of the application limits it; `None` if it does not.
    policy_scopes: Option<ScopeSet>,
}

impl TokenExchange {
    pub(super) fn parse(
        parameters: &Parameters,
        client: &AuthenticatedClient,
        registry: &ScopeRegistry,
    ) -> Result<Self, Refusal> {
        let policy = exchange_is_allowed(client)?;
        let subject_token = TokenText::new(parameters.required(SUBJECT_TOKEN)?);
        type_is_accepted(parameters.required(SUBJECT_TOKEN_TYPE)?)?;
        let actor_token = parameters.one(ACTOR_TOKEN)?.map(TokenText::new);
        actor_type_comes_with_its_token(parameters, actor_token.is_some())?;
        if let Some(wanted) = parameters.one(REQUESTED_TOKEN_TYPE)? {
            type_can_be_issued(wanted)?;
        }
        let targets = resource::normalised(parameters.all(RESOURCE)?.chain(parameters.all(AUDIENCE)?))?;
        let scopes = parameters.one(SCOPE)?.map(|text| registry.parse(text));
        let known = policy.scopes.iter().filter_map(|name| registry.named(name).ok());
        Ok(Self {
            subject_token,
            actor_token,
            targets,
            scopes: scopes.transpose().map_err(|_| Refusal::ScopeUnknown)?,
            policy_scopes: (!policy.scopes.is_empty()).then(|| known.map(|scope| scope.id).collect()),
        })
    }
}

/// Only access tokens of this server are exchanged, in either form ([RFC 8693
/// §3](https://www.rfc-editor.org/rfc/rfc8693#section-3)).
fn type_is_accepted(kind: &str) -> Result<(), Refusal> {
    if matches!(kind, ACCESS_TOKEN_TYPE | JWT_TYPE) { Ok(()) } else { Err(Refusal::TokenTypeUnsupported) }
}

/// The registration of the application decides about the form of its access tokens.
fn type_can_be_issued(kind: &str) -> Result<(), Refusal> {
    if kind == ACCESS_TOKEN_TYPE { Ok(()) } else { Err(Refusal::TokenTypeUnsupported) }
}

/// "This is REQUIRED when the `actor_token` parameter is present in the request but MUST NOT be included otherwise"
/// ([RFC 8693 §2.1](https://www.rfc-editor.org/rfc/rfc8693#section-2.1)).
fn actor_type_comes_with_its_token(parameters: &Parameters, has_actor: bool) -> Result<(), Refusal> {
    match (parameters.one(ACTOR_TOKEN_TYPE)?, has_actor) {
        (Some(kind), true) => type_is_accepted(kind),
        (Some(_), false) => Err(Refusal::ActorTypeWithoutToken),
        (None, true) => Err(ACTOR_TOKEN_TYPE.missing()),
        (None, false) => Ok(()),
    }
}

/// The authorization server decides whether the exchange is allowed at all: a policy of the application says so.
fn exchange_is_allowed(client: &AuthenticatedClient) -> Result<&TokenExchangePolicy, Refusal> {
    let policy = client.application().settings.client_metadata.token_exchange.as_ref();
    policy.filter(|policy| !policy.is_off()).ok_or(Refusal::ExchangeNotAllowed)
}

/// A token of the request, opened, with what is stored about it.
#[derive(Debug, Clone, Copy)]
pub struct OpenedTokenFacts<'a> {
    /// Its content; `None` if this server did not issue it.
    pub token: Option<&'a AccessToken>,
    /// Whether the revocation index says that it is revoked.
    pub revoked: bool,
    /// The stored application to which it was issued.
    pub application: Option<&'a Application>,
    /// The stored user on whose behalf it acts.
    pub user: Option<&'a User>,
    /// Its `sub`, if it [names the user](crate::oidc::subject::names_the_user) by the identifier of OpenID Connect: for the
    /// subject token the one that applications with public subjects see, for the actor token that of its application.
    pub identifier: Option<&'a str>,
}

/// The facts for the decision.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// All scopes.
    pub scopes: &'a ScopeRegistry,
    /// The client that sends the request.
    pub client: &'a AuthenticatedClient,
    /// The subject token.
    pub subject: OpenedTokenFacts<'a>,
    /// The actor token, if the request has one.
    pub actor: Option<OpenedTokenFacts<'a>>,
    /// The targets of the request as they were found or, if it has none, the resources of the subject token.
    pub targets: &'a [Requested],
    /// The public URL of the server, without a trailing slash, which is also the audience of its tokens.
    pub public_url: &'a str,
    /// Limit 100, in seconds.
    pub lifetime_limit_secs: i64,
    /// The current time.
    pub now: Timestamp,
}

/// A token to be issued. It has no refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangedToken {
    /// The grant of the subject token, if it had one.
    pub grant: Option<GrantId>,
    /// The user on whose behalf it acts.
    pub user: UserId,
    /// The user's epoch.
    pub user_epoch: Epoch,
    /// The scopes.
    pub scopes: ScopeSet,
    /// The resources, and the exchange itself.
    pub details: AccessTokenDetails,
    /// The lifetime.
    pub lifetime_secs: i64,
}

/// Decides whether a token is exchanged, and for what.
///
/// # Errors
/// `unauthorized_client`; `invalid_request` for a token that is invalid or unacceptable ([RFC 8693
/// §2.2.2](https://www.rfc-editor.org/rfc/rfc8693#section-2.2.2)); `invalid_target`; `invalid_scope`.
pub fn decide(request: &TokenExchange, facts: Facts<'_>) -> Result<ExchangedToken, Refusal> {
    let policy = exchange_is_allowed(facts.client)?;
    let (token, application) = token_is_live(facts.subject, facts.now, Refusal::SubjectTokenInvalid)?;
    token_is_not_bound(token)?;
    token_is_of_an_allowed_client(application, policy)?;
    let exchanged = exchange(token, application, policy, facts)?;
    let mut details = token.details.clone();
    reads_only(&mut details);
    details.resources = targets_are_allowed(request, token, policy, facts)?;
    details.exchanged = Some(Box::new(exchanged));
    Ok(ExchangedToken {
        grant: token.grant,
        user: token.user,
        user_epoch: token.user_epoch,
        scopes: scopes_are_not_widened(request, token, application, facts)?,
        lifetime_secs: lifetime_ends_with_the_tokens(token, facts)?,
        details,
    })
}

/// A person has allowed the other application to change data, and was not asked about this one.
fn reads_only(details: &mut AccessTokenDetails) {
    details.data = details.data.take().map(|data| Box::new(data.reading()));
}

/// "the authorization server MUST perform the appropriate validation procedures for the indicated token type" ([RFC 8693
/// §2.1](https://www.rfc-editor.org/rfc/rfc8693#section-2.1)).
fn token_is_live(
    presented: OpenedTokenFacts<'_>,
    now: Timestamp,
    refusal: Refusal,
) -> Result<(&AccessToken, &Application), Refusal> {
    let (Some(token), Some(application), Some(user)) =
        (presented.token, presented.application, presented.user)
    else {
        return Err(refusal);
    };
    let live = !presented.revoked
        && !token.expires_at.is_past(now)
        && application.id == token.application
        && application.epoch == token.application_epoch
        && user.id == token.user
        && user.epoch == token.user_epoch
        && user.active;
    if live { Ok((token, application)) } else { Err(refusal) }
}

/// A token that is bound to a key is worthless without it; the exchange must not lift the binding.
fn token_is_not_bound(token: &AccessToken) -> Result<(), Refusal> {
    if token.binding.is_none() { Ok(()) } else { Err(Refusal::SubjectTokenBound) }
}

fn token_is_of_an_allowed_client(
    application: &Application,
    policy: &TokenExchangePolicy,
) -> Result<(), Refusal> {
    let client = application.client_id.as_str();
    let allowed = policy.clients.iter().any(|allowed| allowed.eq_ignore_ascii_case(client));
    if allowed { Ok(()) } else { Err(Refusal::SubjectTokenNotAllowed) }
}

/// Impersonation makes the client the subject; delegation names it, or the subject of the actor token, as the actor
/// ([RFC 8693 §1.1](https://www.rfc-editor.org/rfc/rfc8693#section-1.1)). Who acted before is kept in `act`
/// ([§4.1](https://www.rfc-editor.org/rfc/rfc8693#section-4.1)).
fn exchange(
    token: &AccessToken,
    application: &Application,
    policy: &TokenExchangePolicy,
    facts: Facts<'_>,
) -> Result<Exchanged, Refusal> {
    let before = token.details.exchanged.as_deref();
    let mut from = before.map(|before| before.from.clone()).unwrap_or_default();
    from.push(Ancestor::new(token.id, token.application, token.application_epoch));
    if from.len() > MOST_EXCHANGES {
        return Err(Refusal::ExchangedTooOften);
    }
    let earlier = before.and_then(|before| before.act.as_deref());
    let earlier = earlier.map(|act| Box::new(earlier_actors(act, facts.client.application())));
    let own = facts.client.application().client_id.as_str().to_owned();
    let act = match facts.actor {
        Some(_) if !policy.delegation => return Err(Refusal::DelegationNotAllowed),
        Some(actor) => {
            let (token, application) = token_is_live(actor, facts.now, Refusal::ActorTokenInvalid)?;
            actor_token_is_of_the_client(token, facts)?;
            Some(Box::new(Act { sub: actor.subject(token, application), client_id: own, act: earlier }))
        }
        None if policy.impersonation => earlier,
        None => Some(Box::new(Act { sub: own.clone(), client_id: own, act: earlier })),
    };
    Ok(Exchanged { sub: facts.subject.subject(token, application), act, from })
}

impl OpenedTokenFacts<'_> {
    fn subject(&self, token: &AccessToken, application: &Application) -> String {
        self.identifier.map_or_else(|| subject_of(token, application), str::to_owned)
    }
}

/// Earlier actors "are for informational purposes only" ([RFC 8693
/// §4.1](https://www.rfc-editor.org/rfc/rfc8693#section-4.1)). An application with pairwise subjects sees by which clients they
/// acted, and not which users they are for others ([OpenID Connect Core
/// §8.1](https://openid.net/specs/openid-connect-core-1_0.html#PairwiseAlg)).
fn earlier_actors(act: &Act, reader: &Application) -> Act {
    let sub = if is_pairwise(reader) { act.client_id.clone() } else { act.sub.clone() };
    let earlier = act.act.as_deref().map(|act| Box::new(earlier_actors(act, reader)));
    Act { sub, client_id: act.client_id.clone(), act: earlier }
}

/// A client proves for itself who acts; it cannot name the user of another client.
fn actor_token_is_of_the_client(token: &AccessToken, facts: Facts<'_>) -> Result<(), Refusal> {
    let own = token.application == facts.client.application().id && token.binding.is_none();
    if own { Ok(()) } else { Err(Refusal::ActorTokenInvalid) }
}

/// The `sub` of a token: its user, or the client for client credentials.
pub fn subject_of(token: &AccessToken, application: &Application) -> String {
    match (&token.details.exchanged, token.grant) {
        (Some(exchanged), _) => exchanged.sub.clone(),
        (None, Some(_)) => token.user.to_string(),
        (None, None) => application.client_id.as_str().to_owned(),
    }
}

/// Only what the subject token has, what its application and this one still have, and what the policy allows. Without
/// `scope`, all of that, except the scopes of a sign-in.
fn scopes_are_not_widened(
    request: &TokenExchange,
    token: &AccessToken,
    application: &Application,
    facts: Facts<'_>,
) -> Result<ScopeSet, Refusal> {
    let registered = &facts.client.application().settings.scopes;
    let still = facts.scopes.limited(&token.scopes, &application.settings.scopes);
    let mut most = facts.scopes.limited(&still, registered);
    if let Some(allowed) = &request.policy_scopes {
        most = facts.scopes.limited(&most, allowed);
    }
    match &request.scopes {
        Some(wanted) if !facts.scopes.covers(&most, wanted) => Err(Refusal::ScopeWidened),
        Some(wanted) if *wanted != without_sign_in(wanted) => Err(Refusal::ScopeOfSignIn),
        Some(wanted) => Ok(wanted.clone()),
        None => Some(without_sign_in(&most)).filter(|left| !left.is_empty()).ok_or(Refusal::NoScopeLeft),
    }
}

/// No user signs in at the application that exchanges a token: it gets no ID token and no refresh token. So it has none of the
/// scopes that ask for them, nor those for claims about the user ([OpenID Connect Core
/// §3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest),
/// [§5.4](https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims),
/// [§11](https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess)).
fn without_sign_in(scopes: &ScopeSet) -> ScopeSet {
    let of_sign_in = BuiltInScope::OF_USERS.into_iter().chain([BuiltInScope::OfflineAccess]).collect();
    scopes.difference(&of_sign_in)
}

/// "`invalid_target`: The authorization server is unwilling or unable to issue a token for any target service indicated by
/// the `resource` or `audience` parameters" ([RFC 8693 §2.2.2](https://www.rfc-editor.org/rfc/rfc8693#section-2.2.2)). What
/// belongs to this server is always a target, everything else only by the policy. The resources of the subject token are
/// narrowed as those of a grant are.
fn targets_are_allowed(
    request: &TokenExchange,
    token: &AccessToken,
    policy: &TokenExchangePolicy,
    facts: Facts<'_>,
) -> Result<Vec<String>, Refusal> {
    let asked = resource::allowed_by_policy(facts.targets, &policy.resources, facts.public_url);
    let is_named = !request.targets.is_empty();
    resource::narrowed(&token.details.resources, asked, is_named, facts.public_url)
        .map_err(|_| Refusal::TargetNotAllowed)
}

/// Not beyond the subject token, nor beyond the actor token.
fn lifetime_ends_with_the_tokens(token: &AccessToken, facts: Facts<'_>) -> Result<i64, Refusal> {
    let own = access_token_lifetime_secs(&facts.client.application().settings, facts.lifetime_limit_secs);
    let actor = facts.actor.and_then(|actor| actor.token).map(|token| token.expires_at);
    let end = actor.map_or(token.expires_at, |actor| actor.min(token.expires_at));
    let left = end.as_secs() - facts.now.as_secs();
    if left > 0 { Ok(own.min(left)) } else { Err(Refusal::SubjectTokenInvalid) }
}

#[cfg(test)]
mod tests;
