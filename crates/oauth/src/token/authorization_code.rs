//! Exchanging a code: [RFC 6749 §4.1.3](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3) and
//! [RFC 7636 §4.6](https://www.rfc-editor.org/rfc/rfc7636#section-4.6).

use super::{GrantDecision, access_token_lifetime_secs, gets_a_refresh_token, still_registered};
use crate::client_authentication::AuthenticatedClient;
use crate::grant::{GrantDetails, GrantOrigin};
use crate::parameters::{Name, Parameters};
use crate::refusal::Refusal;
use crate::scope::{BuiltInScope, ScopeRegistry};
use crate::token_payload::AuthorizationCode;
use crate::user_authentication::SignInDetails;
use domain::account::User;
use domain::secret::{CodeText, CodeVerifier};
use domain::time::Timestamp;

pub(super) const CODE: Name = Name::opaque("code");
/// It is only compared with that of the authorization request: a different one is wrong, not malformed.
const REDIRECT_URI: Name = Name::opaque("redirect_uri");
const CODE_VERIFIER: Name = Name::new("code_verifier", 256);

/// The parameters of the exchange.
#[derive(Debug, Clone)]
pub struct CodeExchange {
    /// The code as received.
    pub code: CodeText,
    /// The redirect URL as received.
    pub redirect_uri: Option<String>,
    /// The code verifier, which is well-formed.
    pub verifier: Option<CodeVerifier>,
}

impl CodeExchange {
    pub(super) fn parse(
        parameters: &Parameters,
        _client: &AuthenticatedClient,
        _registry: &ScopeRegistry,
    ) -> Result<Self, Refusal> {
        let verifier = parameters.one(CODE_VERIFIER)?;
        Ok(Self {
            code: CodeText::new(parameters.required(CODE)?),
            redirect_uri: parameters.one(REDIRECT_URI)?.map(str::to_owned),
            verifier: verifier.map(verifier_is_well_formed).transpose()?,
        })
    }
}

/// "43*128unreserved" ([RFC 7636 §4.1](https://www.rfc-editor.org/rfc/rfc7636#section-4.1)).
fn verifier_is_well_formed(text: &str) -> Result<CodeVerifier, Refusal> {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let well_formed = (43..=128).contains(&text.len()) && text.bytes().all(unreserved);
    if well_formed { Ok(CodeVerifier::new(text)) } else { Err(Refusal::VerifierMalformed) }
}

/// The facts for the decision.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// All scopes.
    pub scopes: &'a ScopeRegistry,
    /// The client that sends the request.
    pub client: &'a AuthenticatedClient,
    /// The content of the code; `None` if this server did not seal it.
    pub code: Option<&'a AuthorizationCode>,
    /// The stored user of the code.
    pub user: Option<&'a User>,
    /// The SHA-256 digest of the `redirect_uri` in this request, if any.
    pub redirect_digest: Option<[u8; 32]>,
    /// The SHA-256 digest of the verifier in this request, if any.
    pub verifier_digest: Option<[u8; 32]>,
    /// Whether everything as old as the code was revoked.
    pub all_revoked: bool,
    /// Limit 100, in seconds.
    pub lifetime_limit_secs: i64,
    /// The current time.
    pub now: Timestamp,
}

/// Decides whether a code creates a grant. The store checks, when it writes, that the code creates only one
/// grant, and that its consent is still valid and its session has not ended.
///
/// A code is refused as expired only after everything to which it is bound has been checked: if it was
/// redeemed before, this is a replay, and the caller revokes its grant.
///
/// # Errors
/// `invalid_grant`.
pub fn decide(facts: Facts<'_>) -> Result<GrantDecision, Refusal> {
    let code = code_is_genuine(facts)?;
    code_belongs_to_client(code, facts)?;
    redirect_url_is_the_same(code, facts)?;
    verifier_matches_challenge(code, facts)?;
    sender_holds_the_key(code, facts)?;
    sender_is_the_instance(code, facts)?;
    challenge_is_present_if_required(code, facts)?;
    code_is_unexpired(code, facts)?;
    access_was_not_revoked(code, facts)?;
    let user = user_is_active(facts)?;
    let settings = &facts.client.application().settings;
    Ok(GrantDecision {
        user: user.id,
        user_epoch: code.user_epoch,
        origin: GrantOrigin::Code(code.id),
        consent: Some(code.consent),
        session: session_of(code).map(str::to_owned),
        scopes: still_registered(&code.scopes, settings, facts.scopes)?,
        details: with_sign_in(code),
        refreshable: gets_a_refresh_token(settings),
        lifetime_secs: access_token_lifetime_secs(settings, facts.lifetime_limit_secs),
    })
}

/// The browser's session in which the code was issued. The code ends with it: whoever has signed out may have left the code in
/// the history of a browser or the log of an application that never redeemed it. Codes of earlier versions name a session only
/// with `openid`.
fn session_of(code: &AuthorizationCode) -> Option<&str> {
    code.details.sign_in.as_ref().and_then(|sign_in| sign_in.sid.as_deref())
}

/// The details of the grant: those of the code, and when the user signed in. A grant without `openid` belongs to no session.
fn with_sign_in(code: &AuthorizationCode) -> GrantDetails {
    let mut details = code.details.clone();
    let sign_in = details.sign_in.get_or_insert(SignInDetails::at(code.auth_time));
    if !code.scopes.contains(BuiltInScope::OpenId) {
        sign_in.sid = None;
    }
    details
}

fn code_is_genuine(facts: Facts<'_>) -> Result<&AuthorizationCode, Refusal> {
    facts.code.ok_or(Refusal::CodeForged)
}

/// "ensure that the authorization code was issued to the authenticated confidential client, or if the client is public,
/// ensure that the code was issued to `client_id` in the request".
fn code_belongs_to_client(code: &AuthorizationCode, facts: Facts<'_>) -> Result<(), Refusal> {
    let same = code.application == facts.client.application().id;
    if same { Ok(()) } else { Err(Refusal::CodeOfAnotherClient) }
}

/// "verify that the authorization code is valid".
fn code_is_unexpired(code: &AuthorizationCode, facts: Facts<'_>) -> Result<(), Refusal> {
    if code.expires_at.is_past(facts.now) { Err(Refusal::CodeExpired) } else { Ok(()) }
}

/// "ensure that the `redirect_uri` parameter is present if the `redirect_uri` parameter was included in the
/// initial authorization request […], and if included ensure that their values are identical". If the
/// authorization request had none, there is nothing to compare with, and one here is ignored.
fn redirect_url_is_the_same(code: &AuthorizationCode, facts: Facts<'_>) -> Result<(), Refusal> {
    let same = code.redirect_digest.is_none() || code.redirect_digest == facts.redirect_digest;
    if same { Ok(()) } else { Err(Refusal::RedirectUrlDiffers) }
}

/// [RFC 7636 §4.6](https://www.rfc-editor.org/rfc/rfc7636#section-4.6), and against a downgrade [RFC 9700
/// §4.8.2](https://www.rfc-editor.org/rfc/rfc9700#section-4.8.2): a verifier is accepted only if there was a
/// challenge.
fn verifier_matches_challenge(code: &AuthorizationCode, facts: Facts<'_>) -> Result<(), Refusal> {
    match (code.challenge, facts.verifier_digest) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(Refusal::VerifierMissing),
        (None, Some(_)) => Err(Refusal::VerifierUnexpected),
        (Some(challenge), Some(digest)) if challenge == digest => Ok(()),
        (Some(_), Some(_)) => Err(Refusal::VerifierWrong),
    }
}

/// "the authorization server computes the JWK Thumbprint of the proof-of-possession public key in the `DPoP` proof and
/// verifies that it matches the `dpop_jkt` parameter value in the authorization request" ([RFC 9449
/// §10](https://www.rfc-editor.org/rfc/rfc9449#section-10)).
fn sender_holds_the_key(code: &AuthorizationCode, facts: Facts<'_>) -> Result<(), Refusal> {
    let proved = code.details.are_proved_by(facts.client.binding());
    if proved { Ok(()) } else { Err(Refusal::CodeOfAnotherKey) }
}

/// "Authorization servers using Attestation-Based Client Authentication are RECOMMENDED to bind relevant protocol artifacts to
/// the Client Instance and its associated public key where possible", such as a code whose request the instance has pushed
/// ([draft-ietf-oauth-attestation-based-client-auth-11 §10.4](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-10.4)).
fn sender_is_the_instance(code: &AuthorizationCode, facts: Facts<'_>) -> Result<(), Refusal> {
    let is_same = code.details.are_of_instance(facts.client.instance());
    if is_same { Ok(()) } else { Err(Refusal::CodeOfAnotherInstance) }
}

/// The application may have become stricter since the code was issued.
fn challenge_is_present_if_required(code: &AuthorizationCode, facts: Facts<'_>) -> Result<(), Refusal> {
    let required = facts.client.application().settings.requires_challenge();
    if required && code.challenge.is_none() { Err(Refusal::ChallengeNowRequired) } else { Ok(()) }
}

/// Resetting a secret, revoking access and similar operations also invalidate outstanding codes.
fn access_was_not_revoked(code: &AuthorizationCode, facts: Facts<'_>) -> Result<(), Refusal> {
    let application_stands = code.application_epoch == facts.client.application().epoch;
    let user_stands = facts.user.is_some_and(|user| user.id == code.user && user.epoch == code.user_epoch);
    if application_stands && user_stands && !facts.all_revoked { Ok(()) } else { Err(Refusal::CodeOutlived) }
}

fn user_is_active(facts: Facts<'_>) -> Result<&User, Refusal> {
    facts.user.filter(|user| user.active).ok_or(Refusal::UserInactive)
}

#[cfg(test)]
mod tests;
