//! The rules of an authorization request, each under the clause that it enforces.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::data_scope;
use super::leaving::Sender;
use super::{
    AuthorizeRefusal, AuthorizeRequest, Delivered, Facts, RedirectTarget, RefusedRedirect, RequestedSource,
    ResponseMode, ResponseRoute, VerifiedObject,
};
use crate::application::{Application, ClientType, GrantType};
use crate::client_authentication::client_is_confidential_if_required;
use crate::grant::GrantDetails;
use crate::oidc::{self, request::SignInRequest};
use crate::parameters::REDIRECT_URI;
use crate::proof::Thumbprint;
use crate::redirect;
use crate::refusal::Refusal;
use crate::scope::{BuiltInScope, ScopeRegistry, ScopeSet};
use domain::id::{ApplicationId, Epoch};

/// A request that may be shown to a user. Only [`super::check`] creates one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidRequest {
    pub(super) application: ApplicationId,
    pub(super) application_epoch: Epoch,
    pub(super) client_authenticates: bool,
    pub(super) client_may_change_unseen: bool,
    pub(super) route: ResponseRoute,
    pub(super) redirect_uri: Option<String>,
    pub(super) scopes: ScopeSet,
    pub(super) consent_scopes: ScopeSet,
    pub(super) details: GrantDetails,
    pub(super) data: Option<Vec<RequestedSource>>,
    /// Whether the data are to be changed too.
    pub(super) asks_to_write: bool,
    pub(super) challenge: Option<[u8; 32]>,
    pub(super) prompt: Prompt,
    pub(super) delivered: Delivered,
    pub(super) sign_in: SignInRequest,
}

/// What the client wants to be asked again ([OpenID Connect Core
/// §3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Prompt {
    /// The user must not be asked anything.
    pub(super) none: bool,
    /// The user must sign in again.
    pub(super) login: bool,
    /// The consent page must be shown.
    pub(super) consent: bool,
}

impl ValidRequest {
    /// The application that sent the request.
    pub fn application(&self) -> ApplicationId {
        self.application
    }

    /// The requested scopes.
    pub fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// What the user must allow: the requested scopes, and those of the claims that the request names.
    pub fn consent_scopes(&self) -> &ScopeSet {
        &self.consent_scopes
    }

    /// The data sources that the request names; `None` if the user chooses.
    pub fn data(&self) -> Option<&[RequestedSource]> {
        self.data.as_deref()
    }

    /// Whether the request asks for access to data.
    pub fn reaches_data(&self) -> bool {
        self.scopes.reaches_data()
    }

    /// Whether the request asks for access that may change data: by its scope, unless its authorization details say otherwise.
    pub fn asks_to_write(&self) -> bool {
        self.asks_to_write
    }

    /// What the request asks of the sign-in.
    pub fn sign_in(&self) -> &SignInRequest {
        &self.sign_in
    }

    /// Where the browser goes with the response.
    pub fn target(&self) -> &RedirectTarget {
        &self.route.target
    }

    /// Where the response goes, and how.
    pub fn route(&self) -> &ResponseRoute {
        &self.route
    }

    /// The `redirect_uri` of the request exactly as sent, whose digest goes into the code.
    pub fn redirect_uri(&self) -> Option<&str> {
        self.redirect_uri.as_deref()
    }

    /// The response after the user has pressed Deny.
    pub fn deny(&self) -> AuthorizeRefusal {
        self.refuse(Refusal::UserDenied)
    }

    /// The response to an `id_token_hint` that is not an ID token of this server for the application.
    pub fn refuse_hint(&self) -> AuthorizeRefusal {
        self.refuse(Refusal::IdTokenHintInvalid)
    }

    /// The response if the request names entity sets that do not exist.
    pub fn refuse_datatypes(&self) -> AuthorizeRefusal {
        self.refuse(Refusal::AuthorizationDetailsDatatype)
    }

    pub(super) fn refuse(&self, refusal: Refusal) -> AuthorizeRefusal {
        let sender = Sender {
            application: self.application,
            is_stranger: self.client_may_change_unseen,
            is_silent: self.prompt.none,
        };
        AuthorizeRefusal::Redirect(Box::new(RefusedRedirect { route: self.route.clone(), refusal, sender }))
    }
}

/// "If the client identifier is missing or invalid, the authorization server […] MUST NOT automatically redirect"
/// ([RFC 6749 §4.1.2.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1)).
pub(super) fn client_is_known<'a>(
    request: &AuthorizeRequest,
    found: Option<&'a Application>,
) -> Result<&'a Application, Refusal> {
    found
        .filter(|application| request.client_id.as_ref() == Some(&application.client_id))
        .ok_or(Refusal::UnknownClientId)
}

/// [RFC 6749 §3.1.2.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.1.2.3).
pub(super) fn redirect_url_is_registered(
    request: &AuthorizeRequest,
    application: &Application,
) -> Result<RedirectTarget, Refusal> {
    let (registered, profile) = (&application.settings.redirect_urls, application.settings.profile);
    let url = match &request.redirect_uri {
        Some(requested) => {
            redirect::matching(requested, registered, profile).ok_or(Refusal::RedirectUrlUnknown)?
        }
        None => redirect::only_full(registered, profile).ok_or(Refusal::RedirectUrlAmbiguous)?,
    };
    Ok(RedirectTarget::proved(url))
}

/// Checks everything about which the client is informed by redirect.
pub(super) fn decide(
    request: &AuthorizeRequest,
    application: &Application,
    route: ResponseRoute,
    facts: Facts<'_>,
) -> Result<ValidRequest, Refusal> {
    client_is_confidential_if_required(application)?;
    request_is_pushed_if_required(application, facts)?;
    request_is_signed_if_required(application, facts)?;
    response_is_signed_if_required(&route, facts)?;
    response_type_is_code(request)?;
    client_does_not_register(request)?;
    code_grant_is_registered(application)?;
    let scopes = scopes_are_registered(request, application, facts.scopes)?;
    let data = facts.data.clone()?;
    let scopes = data_scope::is_registered(request, application, scopes)?;
    redirect_uri_is_present_if_required(request, application, &scopes)?;
    let challenge = challenge_is_s256(request)?;
    challenge_is_present_if_required(challenge, application)?;
    let prompt = prompt_is_consistent(request)?;
    let sign_in = oidc::request::decide(sent(request), &scopes, &application.settings)?;
    let consent_scopes = scopes.union(&sign_in.claims.scopes());
    let resources = facts.resources.clone()?;
    let asks_to_write = data_scope::asks_to_write(request, &scopes);
    Ok(ValidRequest {
        asks_to_write,
        application: application.id,
        application_epoch: application.epoch,
        client_authenticates: application.settings.client_type == ClientType::Confidential,
        client_may_change_unseen: application.describes_itself(),
        route: ResponseRoute { is_openid: scopes.contains(BuiltInScope::OpenId), ..route },
        redirect_uri: request.redirect_uri.clone(),
        scopes,
        details: GrantDetails {
            dpop_jkt: key_is_a_thumbprint(request)?,
            instance_key: facts.delivered.instance().map(|instance| instance.to_string()),
            ..GrantDetails::limited_to(resources)
        },
        data,
        challenge,
        prompt,
        delivered: facts.delivered,
        consent_scopes,
        sign_in,
    })
}

/// The key to which the code is bound ([RFC 9449 §10](https://www.rfc-editor.org/rfc/rfc9449#section-10)).
fn key_is_a_thumbprint(request: &AuthorizeRequest) -> Result<Option<String>, Refusal> {
    let Some(text) = request.dpop_jkt.as_deref() else { return Ok(None) };
    let thumbprint = Thumbprint::parse(text).ok_or(Refusal::DpopKeyMalformed)?;
    Ok(Some(thumbprint.to_string()))
}

/// "shall require the `redirect_uri` parameter" ([FAPI 2.0
/// §5.3.2.2](https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.3.2.2)); it is also "REQUIRED" in a
/// request with `openid` ([OpenID Connect Core
/// §3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)).
fn redirect_uri_is_present_if_required(
    request: &AuthorizeRequest,
    application: &Application,
    scopes: &ScopeSet,
) -> Result<(), Refusal> {
    let by_profile = application.settings.profile.rules().redirect_uri;
    let required = by_profile || scopes.contains(BuiltInScope::OpenId);
    if required && request.redirect_uri.is_none() { Err(REDIRECT_URI.missing()) } else { Ok(()) }
}

/// [FAPI 2.0 Message Signing §5.4](https://openid.net/specs/fapi-message-signing-2_0-final.html#section-5.4): responses
/// are signed.
fn response_is_signed_if_required(route: &ResponseRoute, facts: Facts<'_>) -> Result<(), Refusal> {
    let plain = !route.mode.is_signed();
    if facts.messages_are_signed && plain { Err(Refusal::SignedResponseRequired) } else { Ok(()) }
}

/// [RFC 9126 §5](https://www.rfc-editor.org/rfc/rfc9126#section-5) and
/// [§6](https://www.rfc-editor.org/rfc/rfc9126#section-6): the server or the registration may demand that requests are
/// pushed.
fn request_is_pushed_if_required(application: &Application, facts: Facts<'_>) -> Result<(), Refusal> {
    let metadata = &application.settings.client_metadata;
    let by_profile = application.settings.profile.rules().pushed_requests;
    let required = facts.pushing_is_required || by_profile || metadata.require_pushed_authorization_requests;
    if required && !facts.delivered.is_pushed() { Err(Refusal::PushedRequestRequired) } else { Ok(()) }
}

/// [RFC 9101 §10.5](https://www.rfc-editor.org/rfc/rfc9101#section-10.5): the server or the registration may demand that
/// the parameters are in a signed request object.
fn request_is_signed_if_required(application: &Application, facts: Facts<'_>) -> Result<(), Refusal> {
    match facts.delivered.object() {
        None => plain_request_is_allowed(application, facts.signing_is_required),
        Some(object) => object_would_be_accepted(object, application, facts.messages_are_signed),
    }
}

/// What an object must be may have changed since its request was stored.
fn object_would_be_accepted(
    object: VerifiedObject,
    application: &Application,
    start_is_required: bool,
) -> Result<(), Refusal> {
    if !application.settings.object_algorithms().contains(&object.algorithm) {
        return Err(Refusal::RequestObjectUnverified);
    }
    if start_is_required && !object.starts { Err(Refusal::RequestObjectTimes) } else { Ok(()) }
}

/// The same for a request that a client pushes outside a request object.
///
/// # Errors
/// `invalid_request`.
pub fn plain_request_is_allowed(application: &Application, signing_is_required: bool) -> Result<(), Refusal> {
    let by_registration = application.settings.client_metadata.requests.require_signed_request_object;
    if signing_is_required || by_registration { Err(Refusal::RequestObjectRequired) } else { Ok(()) }
}

/// [RFC 6749 §3.1.1](https://www.rfc-editor.org/rfc/rfc6749#section-3.1.1).
fn response_type_is_code(request: &AuthorizeRequest) -> Result<(), Refusal> {
    match request.response_type.as_deref() {
        Some("code") => Ok(()),
        Some(_) => Err(Refusal::ResponseTypeUnsupported),
        None => Err(super::request::RESPONSE_TYPE.missing()),
    }
}

/// `registration_not_supported`: "The OP does not support use of the `registration` parameter" ([OpenID Connect Core
/// §3.1.2.6](https://openid.net/specs/openid-connect-core-1_0.html#AuthError)), in which a client without a registration
/// describes itself.
fn client_does_not_register(request: &AuthorizeRequest) -> Result<(), Refusal> {
    if request.registration.is_some() { Err(Refusal::RegistrationInRequest) } else { Ok(()) }
}

/// Where the response goes; if the requested mode is not supported, the error goes by the default one.
pub(super) fn route(
    request: &AuthorizeRequest,
    application: &Application,
    target: RedirectTarget,
) -> (ResponseRoute, Result<ResponseMode, Refusal>) {
    let mode = response_mode_is_supported(request, &target);
    let route = ResponseRoute {
        target,
        mode: mode.unwrap_or(ResponseMode::Query),
        client_id: application.client_id.clone(),
        application: application.settings.name.clone(),
        state: request.state.clone(),
        is_openid: request.names_openid(),
        algorithm: application.settings.allowed_algorithm(
            application.settings.client_metadata.requests.authorization_signed_response_alg(),
        ),
    };
    (route, mode)
}

/// [OAuth 2.0 Multiple Response Type Encoding Practices
/// §2.1](https://openid.net/specs/oauth-v2-multiple-response-types-1_0.html#ResponseModes): the default mode of a code is
/// `query`.
fn response_mode_is_supported(
    request: &AuthorizeRequest,
    target: &RedirectTarget,
) -> Result<ResponseMode, Refusal> {
    let Some(name) = request.response_mode.as_deref() else { return Ok(ResponseMode::Query) };
    match ResponseMode::find(name).ok_or(Refusal::ResponseModeUnsupported)? {
        mode if mode.needs_a_form() && !target.accepts_a_form() => Err(Refusal::FormPostToApplication),
        mode => Ok(mode),
    }
}

fn code_grant_is_registered(application: &Application) -> Result<(), Refusal> {
    let registered = application.settings.grant_types.contains(&GrantType::AuthorizationCode);
    if registered {
        Ok(())
    } else {
        Err(Refusal::GrantTypeNotRegistered(GrantType::AuthorizationCode.as_str()))
    }
}

/// [RFC 6749 §3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3).
fn scopes_are_registered(
    request: &AuthorizeRequest,
    application: &Application,
    registry: &ScopeRegistry,
) -> Result<ScopeSet, Refusal> {
    application.settings.requested_scopes(request.scope.as_deref(), registry)
}

/// [RFC 7636 §4.3](https://www.rfc-editor.org/rfc/rfc7636#section-4.3); `plain` is refused ([RFC 9700
/// §2.1.1](https://www.rfc-editor.org/rfc/rfc9700#section-2.1.1)), even if it is only the default.
fn challenge_is_s256(request: &AuthorizeRequest) -> Result<Option<[u8; 32]>, Refusal> {
    let challenge = match (request.code_challenge.as_deref(), request.code_challenge_method.as_deref()) {
        (None, None) => return Ok(None),
        (None, Some(_)) => return Err(Refusal::ChallengeMethodWithoutChallenge),
        (Some(_), None) => return Err(Refusal::ChallengeMethodMissing),
        (Some(challenge), Some("S256")) => challenge,
        (Some(_), Some(_)) => return Err(Refusal::ChallengeMethodUnsupported),
    };
    let digest = URL_SAFE_NO_PAD.decode(challenge).map_err(|_| Refusal::ChallengeMalformed)?;
    digest.try_into().map(Some).map_err(|_| Refusal::ChallengeMalformed)
}

/// [RFC 9700 §2.1.1](https://www.rfc-editor.org/rfc/rfc9700#section-2.1.1): public clients must use PKCE; the
/// profile `oauth21` requires it of all.
fn challenge_is_present_if_required(
    challenge: Option<[u8; 32]>,
    application: &Application,
) -> Result<(), Refusal> {
    let required = application.settings.requires_challenge();
    if required && challenge.is_none() { Err(Refusal::ChallengeMissing) } else { Ok(()) }
}

fn sent(request: &AuthorizeRequest) -> oidc::request::SentParameters<'_> {
    oidc::request::SentParameters {
        nonce: request.nonce.as_deref(),
        max_age: request.max_age.as_deref(),
        acr_values: request.acr_values.as_deref(),
        claims: request.claims.as_deref(),
    }
}

fn prompt_is_consistent(request: &AuthorizeRequest) -> Result<Prompt, Refusal> {
    let mut prompt = Prompt::default();
    for word in request.prompt.as_deref().unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
        match word {
            "none" => prompt.none = true,
            "login" | "select_account" => prompt.login = true,
            "consent" => prompt.consent = true,
            _ => return Err(Refusal::PromptUnknown),
        }
    }
    if prompt.none && (prompt.login || prompt.consent) {
        Err(Refusal::PromptNoneCombined)
    } else {
        Ok(prompt)
    }
}
