//! From a valid request to a code: who is signed in, and what that user has allowed.

use super::{AuthorizeRefusal, Delivered, ValidRequest};
use crate::application::ClientType;
use crate::grant::Consent;
use crate::refusal::Refusal;
use crate::scope::ScopeSet;
use crate::token_payload::AuthorizationCode;
use domain::id::{CodeId, ConsentId, Epoch, UserId};
use domain::time::Timestamp;

/// The user at the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedIn {
    /// The user who signed in.
    pub user: UserId,
    /// The user's epoch.
    pub epoch: Epoch,
    /// When the user last entered the password.
    pub auth_time: Timestamp,
}

/// What happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// Show the sign-in page.
    SignIn,
    /// Show the consent page.
    Consent {
        /// The scopes that the user has not allowed yet; empty if the client only wants the page to be shown
        /// again.
        missing: ScopeSet,
    },
    /// Send the code.
    IssueCode(Approval),
}

/// A user's consent that covers a request. Only [`next_step`] and [`approve`] create one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approval {
    signed_in: SignedIn,
    consent: ConsentId,
}

/// Decides what the browser shows for a valid request.
///
/// # Errors
/// `login_required` and `consent_required`, if the client does not allow the server to ask.
pub fn next_step(
    request: &ValidRequest,
    signed_in: Option<SignedIn>,
    consent: Option<&Consent>,
) -> Result<NextStep, AuthorizeRefusal> {
    let Some(signed_in) = signed_in.filter(|signed_in| !sign_in_is_demanded_again(request, signed_in)) else {
        return if request.prompt.none {
            Err(request.refuse(Refusal::NotSignedIn))
        } else {
            Ok(NextStep::SignIn)
        };
    };
    if let Some(approval) = approve(request, signed_in, consent)
        && !request.prompt.consent
        && client_authenticates_later(request)
    {
        return Ok(NextStep::IssueCode(approval));
    }
    if request.prompt.none {
        return Err(request.refuse(Refusal::NotConsented));
    }
    let consent = consent.filter(|consent| is_of(consent, request, signed_in));
    let missing =
        consent.map_or_else(|| request.scopes.clone(), |consent| request.scopes.difference(&consent.scopes));
    Ok(NextStep::Consent { missing })
}

/// Whether the user must sign in although somebody has. A pushed request keeps its `prompt`, so a sign-in since it was
/// pushed fulfils it.
fn sign_in_is_demanded_again(request: &ValidRequest, signed_in: &SignedIn) -> bool {
    let fulfilled = match request.delivered {
        Delivered::ByBrowser => false,
        Delivered::Pushed(at) => signed_in.auth_time >= at,
    };
    request.prompt.login && !fulfilled
}

/// "The authorization server SHOULD NOT process authorization requests automatically without user consent or
/// interaction, except when the identity of the client can be assured" ([RFC 8252
/// §8.6](https://www.rfc-editor.org/rfc/rfc8252#section-8.6), [RFC 6749
/// §10.2](https://www.rfc-editor.org/rfc/rfc6749#section-10.2)). Anybody can send the request of a public
/// client; that of a confidential client is worthless without its secret.
fn client_authenticates_later(request: &ValidRequest) -> bool {
    request.client_type == ClientType::Confidential
}

/// The approval by a consent, if it is this user's consent for this application and covers the requested
/// scopes. After the user has pressed Allow, pass the stored consent.
pub fn approve(request: &ValidRequest, signed_in: SignedIn, consent: Option<&Consent>) -> Option<Approval> {
    let consent = consent.filter(|consent| is_of(consent, request, signed_in))?;
    consent.scopes.covers(&request.scopes).then_some(Approval { signed_in, consent: consent.id })
}

fn is_of(consent: &Consent, request: &ValidRequest, signed_in: SignedIn) -> bool {
    consent.user == signed_in.user && consent.application == request.application
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
        user: approval.signed_in.user,
        user_epoch: approval.signed_in.epoch,
        consent: approval.consent,
        scopes: request.scopes.clone(),
        details: request.details.clone(),
        redirect_digest,
        challenge: request.challenge,
        auth_time: approval.signed_in.auth_time,
    }
}
