//! From a valid request to a code: who is signed in, and what that user has allowed.

use super::{AuthorizeRefusal, DataChange, Delivered, ValidRequest, data};
use crate::data_access::{self, DataAccess, NotGranted};
use crate::grant::{Consent, GrantDetails};
use crate::refusal::Refusal;
use crate::scope::{ScopeRegistry, ScopeSet};
use crate::token_payload::AuthorizationCode;
use crate::user_authentication::SignInDetails;
use domain::id::{CodeId, ConsentId, Epoch, UserId};
use domain::time::Timestamp;

/// The user at the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The user who signed in.
    pub user: UserId,
    /// The user's epoch.
    pub epoch: Epoch,
    /// When the user last entered the password.
    pub auth_time: Timestamp,
    /// The name of the session for applications.
    pub sid: Option<String>,
    /// Whether the user showed a second factor.
    pub second_factor: bool,
    /// Whether a role of the user or the application demands one.
    pub needs_second_factor: bool,
    /// Whether this is the user whom the request names by `id_token_hint` or by a claim; true if it names nobody.
    pub is_expected: bool,
}

/// A sign-in that is what the request demands: recent enough, and of the user whom it names. Only [`accept_sign_in`] creates
/// one, and no code is issued without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedSignIn(SignedIn);

/// What happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// Show the sign-in page.
    SignIn,
    /// Lead the user, who has no second factor, to set one up.
    SetUpSecondFactor,
    /// Show the consent page.
    Consent {
        /// The scopes that the user has not allowed yet; empty if the client only wants the page to be shown
        /// again.
        missing: ScopeSet,
    },
    /// Send the code.
    IssueCode(Approval),
}

/// A user's consent that covers a request. Only [`next_step`] and [`approve_chosen`] create one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    signed_in: AcceptedSignIn,
    consent: ConsentId,
    /// The data that the code reaches.
    data: Option<DataAccess>,
}

/// Decides what the browser shows for a valid request.
///
/// # Errors
/// `login_required`, `interaction_required` and `consent_required`, if the client does not allow the server to ask, or if another user than the
/// expected one is signed in.
pub fn next_step(
    request: &ValidRequest,
    signed_in: Option<SignedIn>,
    consent: Option<&Consent>,
    registry: &ScopeRegistry,
    now: Timestamp,
) -> Result<NextStep, AuthorizeRefusal> {
    let (instead, refusal) = match accept_sign_in(request, signed_in, now)? {
        Judgement::Accepted(signed_in) => return accepted(request, &signed_in, consent, registry),
        Judgement::Again => (NextStep::SignIn, Refusal::NotSignedIn),
        Judgement::WithoutSecondFactor => (NextStep::SetUpSecondFactor, Refusal::SecondFactorMissing),
    };
    if request.prompt.none { Err(request.refuse(refusal)) } else { Ok(instead) }
}

fn accepted(
    request: &ValidRequest,
    signed_in: &AcceptedSignIn,
    consent: Option<&Consent>,
    registry: &ScopeRegistry,
) -> Result<NextStep, AuthorizeRefusal> {
    if let Some(approval) = approve(request, signed_in, consent, registry)
        && !request.prompt.consent
        && client_authenticates_later(request)
    {
        return Ok(NextStep::IssueCode(approval));
    }
    if request.prompt.none {
        return Err(request.refuse(Refusal::NotConsented));
    }
    let consent = consent.filter(|consent| is_of(consent, request, signed_in));
    let wanted = &request.consent_scopes;
    let missing = consent.map_or_else(|| wanted.clone(), |consent| registry.beyond(wanted, &consent.scopes));
    Ok(NextStep::Consent { missing })
}

/// What a sign-in is worth for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It is what the request demands.
    Accepted(AcceptedSignIn),
    /// The user must sign in, again or at all.
    Again,
    /// The user must show a second factor, and has none: whoever has one shows it at every sign-in.
    WithoutSecondFactor,
}

/// Judges the sign-in of the browser.
///
/// # Errors
/// `login_required` if another user than the expected one is signed in.
pub fn accept_sign_in(
    request: &ValidRequest,
    signed_in: Option<SignedIn>,
    now: Timestamp,
) -> Result<Judgement, AuthorizeRefusal> {
    let stands =
        |one: &SignedIn| !sign_in_is_demanded_again(request, one) && sign_in_is_recent(request, one, now);
    let Some(signed_in) = signed_in.filter(stands) else { return Ok(Judgement::Again) };
    the_expected_user_is_signed_in(request, &signed_in)?;
    Ok(if second_factor_is_there_if_demanded(request, &signed_in) {
        Judgement::Accepted(AcceptedSignIn(signed_in))
    } else {
        Judgement::WithoutSecondFactor
    })
}

/// By the request ([RFC 9470 §4](https://www.rfc-editor.org/rfc/rfc9470#section-4)), by the application, or by a role of the user.
fn second_factor_is_there_if_demanded(request: &ValidRequest, signed_in: &SignedIn) -> bool {
    signed_in.second_factor || !(request.sign_in.second_factor || signed_in.needs_second_factor)
}

/// Whether the user must sign in although somebody has. A pushed request keeps its `prompt`, so a sign-in since it was
/// pushed fulfils it.
fn sign_in_is_demanded_again(request: &ValidRequest, signed_in: &SignedIn) -> bool {
    request.prompt.login && !signed_in_since_pushed(request, signed_in)
}

/// Also for a pushed request with `max_age=0`, which every sign-in exceeds.
fn sign_in_is_recent(request: &ValidRequest, signed_in: &SignedIn, now: Timestamp) -> bool {
    request.sign_in.is_recent(signed_in.auth_time, now) || signed_in_since_pushed(request, signed_in)
}

fn signed_in_since_pushed(request: &ValidRequest, signed_in: &SignedIn) -> bool {
    match request.delivered {
        Delivered::ByBrowser | Delivered::InObject(_) => false,
        Delivered::Stored(at, _) => signed_in.auth_time >= at,
    }
}

/// "The authorization server SHOULD NOT process authorization requests automatically without user consent or
/// interaction, except when the identity of the client can be assured" ([RFC 8252
/// §8.6](https://www.rfc-editor.org/rfc/rfc8252#section-8.6), [RFC 6749
/// §10.2](https://www.rfc-editor.org/rfc/rfc6749#section-10.2)). Anybody can send the request of a public
/// client; that of a confidential client is worthless without its secret. The document of a client, or a client that
/// registered itself, may name another redirect URI than the user has seen, so its users are asked in any case.
fn client_authenticates_later(request: &ValidRequest) -> bool {
    request.client_authenticates && !request.client_may_change_unseen
}

/// The approval by a consent, if it is this user's consent for this application and covers the request. A consent to a broad
/// scope covers those that it implies.
fn approve(
    request: &ValidRequest,
    signed_in: &AcceptedSignIn,
    consent: Option<&Consent>,
    registry: &ScopeRegistry,
) -> Option<Approval> {
    let consent = consent?;
    let data = if request.reaches_data() { data_of(request, consent).ok()? } else { None };
    approve_with(request, signed_in, consent, data, registry)
}

/// The approval after the user has pressed Allow and the `consent` is stored. The code reaches what the user has chosen,
/// which may be less than the request names.
pub fn approve_chosen(
    request: &ValidRequest,
    signed_in: &AcceptedSignIn,
    consent: &Consent,
    chosen: &DataChange,
    registry: &ScopeRegistry,
) -> Option<Approval> {
    approve_with(request, signed_in, consent, chosen.chosen(), registry)
}

fn approve_with(
    request: &ValidRequest,
    signed_in: &AcceptedSignIn,
    consent: &Consent,
    data: Option<DataAccess>,
    registry: &ScopeRegistry,
) -> Option<Approval> {
    let covers =
        is_of(consent, request, signed_in) && registry.covers(&consent.scopes, &request.consent_scopes);
    covers.then(|| Approval { signed_in: signed_in.clone(), consent: consent.id, data })
}

/// The data of a request, within a consent: those that the request names, or else all of the consent. `None` if the
/// consent is not limited. A request that asks only to read gets nothing more, whatever was allowed before.
///
/// # Errors
/// If the request names more than the consent covers, so that the user must be asked.
fn data_of(request: &ValidRequest, consent: &Consent) -> Result<Option<DataAccess>, NotGranted> {
    let data = data_access::narrowed(consent.data.as_ref(), request.data.as_deref().map(data::named))?;
    Ok(if request.asks_to_write() { data } else { data.map(DataAccess::reading) })
}

/// "If the End-User identified by the ID Token is already logged in […], then the Authorization Server returns a positive
/// response; otherwise, it MUST return an error, such as `login_required`" ([OpenID Connect Core
/// §3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)); the same for a `sub` in `claims`.
fn the_expected_user_is_signed_in(
    request: &ValidRequest,
    signed_in: &SignedIn,
) -> Result<(), AuthorizeRefusal> {
    if signed_in.is_expected { Ok(()) } else { Err(request.refuse(Refusal::AnotherUserSignedIn)) }
}

/// What the code keeps of the request and of the sign-in, which names the session with which the code ends.
fn details(request: &ValidRequest, signed_in: SignedIn, data: Option<DataAccess>) -> GrantDetails {
    let mut details = request.details.clone();
    details.data = data.map(Box::new);
    details.sign_in = Some(SignInDetails {
        auth_time: signed_in.auth_time.as_secs(),
        sid: signed_in.sid,
        second_factor: signed_in.second_factor,
    });
    details.nonce.clone_from(&request.sign_in.nonce);
    details.claims = request.sign_in.claims.clone();
    details
}

fn is_of(consent: &Consent, request: &ValidRequest, signed_in: &AcceptedSignIn) -> bool {
    consent.user == signed_in.0.user && consent.application == request.application
}

/// The content of the code. `id` is new and contains the time of issue; `redirect_digest` is the SHA-256
/// digest of [`ValidRequest::redirect_uri`], if there is one. "A maximum authorization code lifetime of 10
/// minutes is RECOMMENDED" ([RFC 6749 §4.1.2](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2)).
pub fn issue_code(
    request: &ValidRequest,
    approval: Approval,
    id: CodeId,
    redirect_digest: Option<[u8; 32]>,
    lifetime_secs: u32,
) -> AuthorizationCode {
    AuthorizationCode {
        id,
        expires_at: id.at().plus_secs(lifetime_secs.into()),
        application: request.application,
        application_epoch: request.application_epoch,
        user: approval.signed_in.0.user,
        user_epoch: approval.signed_in.0.epoch,
        consent: approval.consent,
        scopes: request.scopes.clone(),
        redirect_digest,
        challenge: request.challenge,
        auth_time: approval.signed_in.0.auth_time,
        details: details(request, approval.signed_in.0, approval.data),
    }
}
