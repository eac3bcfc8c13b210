//! The backchannel authentication endpoint ([CIBA Core
//! 1.0](https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html)): a client names a user,
//! who decides where they are signed in, and the client polls.
//!
//! The steps are [`BackchannelRequest::parse`] at the endpoint, [`find_open`] on the page, and
//! [`crate::token::polling`] when the client polls.

use crate::application::GrantType;
use crate::client_authentication::AuthenticatedClient;
use crate::grant::GrantDetails;
use crate::oidc::logout::ID_TOKEN_HINT;
use crate::oidc::request::{self, SentParameters};
use crate::parameters::{Name, Parameters, SCOPE};
use crate::refusal::Refusal;
use crate::scope::{BuiltInScope, ScopeRegistry, ScopeSet};
use crate::token;
use crate::token::polling::{PolledKind, PolledRequest, UserDecision};
use domain::account::User;
use domain::characters;
use domain::id::{ApplicationId, BackchannelAuthenticationId, CodeId, Epoch, UserId};
use domain::time::Timestamp;

const LOGIN_HINT: Name = Name::new("login_hint", 512);
const LOGIN_HINT_TOKEN: Name = Name::opaque("login_hint_token");
/// Checked by a rule of its own, which has an error of its own.
const BINDING_MESSAGE: Name = Name::opaque("binding_message");
const REQUESTED_EXPIRY: Name = Name::new("requested_expiry", 64);
const MAX_AGE: Name = Name::new("max_age", 64);
const CLAIMS: Name = Name::new("claims", 4096);
const REQUEST: Name = Name::opaque("request");

/// How long a user has to decide if the client does not say, in seconds.
pub const DEFAULT_LIFETIME_SECS: i64 = 300;
/// The shortest time that a client can ask for, in seconds: nobody decides faster.
const SHORTEST_LIFETIME_SECS: i64 = 30;
/// The longest time that a client can ask for, in seconds.
pub const LONGEST_LIFETIME_SECS: i64 = 600;

/// The maximum number of characters of a binding message, which a person compares.
const LONGEST_MESSAGE: usize = 64;

/// The parameters of an authentication request ([CIBA Core
/// §7.1](https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.7.1)).
/// `acr_values` are voluntary, `user_code` and `client_notification_token` are for modes that this server does not have;
/// they are not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackchannelRequest {
    /// The requested scopes, for which the application is registered; `openid` is one of them.
    pub scopes: ScopeSet,
    /// What else the grant keeps of the request.
    pub details: GrantDetails,
    /// The user.
    pub hint: UserHint,
    /// The `sub` that the user must have, if `claims` names one.
    pub subject: Option<String>,
    /// `binding_message`.
    pub binding_message: Option<String>,
    /// The maximum time between the entry of the password and the request, in seconds.
    pub max_age_secs: Option<i64>,
    /// Whether `claims` has an essential `acr` that only a user with a second factor can have.
    pub second_factor: bool,
    /// How long the user has to decide, in seconds.
    pub lifetime_secs: i64,
}

/// How a request names its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserHint {
    /// `login_hint`: the user name.
    Name(String),
    /// `id_token_hint`, whose signature the caller verifies.
    IdToken(String),
}

impl BackchannelRequest {
    /// Reads the request and checks it against the registration of the client.
    ///
    /// # Errors
    /// `unauthorized_client` if the application does not have the grant type, `invalid_scope`, `invalid_binding_message`,
    /// `unmet_authentication_requirements` and `invalid_request`.
    pub fn parse(
        parameters: &Parameters,
        client: &AuthenticatedClient,
        registry: &ScopeRegistry,
    ) -> Result<Self, Refusal> {
        token::may_use(GrantType::Ciba, client)?;
        request_is_not_an_object(parameters)?;
        let settings = &client.application().settings;
        let scopes = settings.requested_scopes(Some(parameters.required(SCOPE)?), registry)?;
        scopes_contain_openid(&scopes)?;
        let hint = hint_is_one(parameters)?;
        let binding_message = message_is_plain(parameters)?;
        let sent = SentParameters {
            nonce: None,
            max_age: parameters.one(MAX_AGE)?,
            acr_values: None,
            claims: parameters.one(CLAIMS)?,
        };
        let sign_in = request::decide(sent, &scopes, settings)?;
        Ok(Self {
            scopes,
            details: GrantDetails { claims: sign_in.claims, ..GrantDetails::of_instance(client.instance()) },
            hint,
            subject: sign_in.subject,
            binding_message,
            max_age_secs: sign_in.max_age_secs,
            second_factor: sign_in.second_factor_is_essential,
            lifetime_secs: lifetime(parameters)?,
        })
    }
}

/// Whether the user has the second factor that an essential `acr` demands. Whoever has one shows it at every sign-in.
///
/// # Errors
/// `unmet_authentication_requirements`.
pub fn acr_can_be_met(request: &BackchannelRequest, user: &User) -> Result<(), Refusal> {
    if request.second_factor && !user.has_second_factor { Err(Refusal::AcrUnmet) } else { Ok(()) }
}

/// An object that is not read would be a request whose parameters are not known.
fn request_is_not_an_object(parameters: &Parameters) -> Result<(), Refusal> {
    if parameters.one(REQUEST)?.is_some() { Err(Refusal::BackchannelRequestObject) } else { Ok(()) }
}

/// "CIBA authentication requests MUST contain the `openid` scope value" ([CIBA Core
/// §7.1](https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.7.1)).
fn scopes_contain_openid(scopes: &ScopeSet) -> Result<(), Refusal> {
    if scopes.contains(BuiltInScope::OpenId) { Ok(()) } else { Err(Refusal::ScopeWithoutOpenId) }
}

/// "it is REQUIRED that the Client provides one (and only one) of the hints" ([CIBA Core
/// §7.1](https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.7.1)).
fn hint_is_one(parameters: &Parameters) -> Result<UserHint, Refusal> {
    let foreign = parameters.one(LOGIN_HINT_TOKEN)?;
    match (parameters.one(LOGIN_HINT)?, parameters.one(ID_TOKEN_HINT)?, foreign) {
        (Some(name), None, None) => Ok(UserHint::Name(name.to_owned())),
        (None, Some(token), None) => Ok(UserHint::IdToken(token.to_owned())),
        (None, None, Some(_)) => Err(Refusal::LoginHintTokenUnsupported),
        (None, None, None) => Err(Refusal::UserHintMissing),
        _ => Err(Refusal::UserHintsTogether),
    }
}

/// The message "SHOULD be relatively short and use a limited set of plain text characters" ([CIBA Core
/// §7.1](https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.7.1)): those
/// that a name may have.
fn message_is_plain(parameters: &Parameters) -> Result<Option<String>, Refusal> {
    let Some(text) = parameters.one(BINDING_MESSAGE)? else { return Ok(None) };
    let is_plain = text.chars().count() <= LONGEST_MESSAGE && characters::check_name(text).is_ok();
    if is_plain { Ok(Some(text.to_owned())) } else { Err(Refusal::BindingMessageUnusable) }
}

/// `requested_expiry`: "A positive integer allowing the client to request the `expires_in` value" ([CIBA Core
/// §7.1](https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.7.1)), within
/// the bounds of this server.
fn lifetime(parameters: &Parameters) -> Result<i64, Refusal> {
    let Some(text) = parameters.one(REQUESTED_EXPIRY)? else { return Ok(DEFAULT_LIFETIME_SECS) };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let asked: i64 = text.parse().ok().filter(|_| digits).ok_or(Refusal::RequestedExpiryMalformed)?;
    if asked == 0 {
        return Err(Refusal::RequestedExpiryMalformed);
    }
    Ok(asked.clamp(SHORTEST_LIFETIME_SECS, LONGEST_LIFETIME_SECS))
}

/// A stored request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackchannelAuthentication {
    /// The number of the row, and in the address of its page.
    pub id: BackchannelAuthenticationId,
    /// The id under which the grant is created, at most once.
    pub code: CodeId,
    /// The application that asks.
    pub application: ApplicationId,
    /// The application's epoch when it asked.
    pub application_epoch: Epoch,
    /// The user who is asked.
    pub user: UserId,
    /// The user's epoch when the application asked.
    pub user_epoch: Epoch,
    /// The requested scopes.
    pub scopes: ScopeSet,
    /// What else the grant keeps of the request or of the decision.
    pub details: GrantDetails,
    /// The message for the user.
    pub binding_message: Option<String>,
    /// The maximum time between the entry of the password and the request, in seconds.
    pub max_age_secs: Option<i64>,
    /// The network address from which the application asked.
    pub address: Option<String>,
    /// When it asked.
    pub created_at: Timestamp,
    /// The first moment at which the request is no longer valid.
    pub expires_at: Timestamp,
    /// When the last poll was accepted.
    pub polled_at: Option<Timestamp>,
    /// What the user decided.
    pub decision: UserDecision,
}

impl BackchannelAuthentication {
    /// What a poll needs of it.
    pub fn polled(&self) -> PolledRequest<'_> {
        PolledRequest {
            kind: PolledKind::Backchannel,
            code: self.code,
            application: self.application,
            application_epoch: self.application_epoch,
            scopes: &self.scopes,
            details: &self.details,
            expires_at: self.expires_at,
            polled_at: self.polled_at,
            decision: self.decision,
        }
    }

    /// Whether the user must enter the password again before the decision. A sign-in after the request is always recent
    /// enough, whatever the user's pace.
    pub fn needs_sign_in(&self, auth_time: Timestamp) -> bool {
        self.max_age_secs.is_some_and(|most| self.created_at > auth_time.plus_secs(most))
    }
}

/// Why a user cannot decide about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerRefusal {
    /// There is none for this user.
    #[error("this request does not exist, or is for another user")]
    Unknown,
    /// It has expired, or what it rests on was revoked.
    #[error("this request has expired; the application can ask again")]
    Expired,
    /// It was answered.
    #[error("this request was answered before")]
    Decided,
}

/// The request that still waits for the decision of this user. The store checks it again when it writes the decision.
///
/// # Errors
/// [`AnswerRefusal`].
pub fn find_open(
    found: Option<BackchannelAuthentication>,
    user: UserId,
    user_epoch: Epoch,
    now: Timestamp,
) -> Result<BackchannelAuthentication, AnswerRefusal> {
    let found = found.filter(|found| found.user == user).ok_or(AnswerRefusal::Unknown)?;
    if found.expires_at.is_past(now) || found.user_epoch != user_epoch {
        Err(AnswerRefusal::Expired)
    } else if found.decision != UserDecision::Pending {
        Err(AnswerRefusal::Decided)
    } else {
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
