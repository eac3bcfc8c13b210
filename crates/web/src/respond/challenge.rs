//! The challenges of every resource that accepts access tokens: data, userinfo and the management API.

use app::identity::authentication::BearerRefusal;
use http::header::HeaderValue;
use http::{HeaderMap, header};
use oauth::error::ErrorCode;
use oauth::proof::TokenType;
use oauth::protected_resource::{ChallengingResource, TokenChallenge};
use oauth::step_up::StepUp;

/// Asks for name and password in UTF-8 ([RFC 7617 §2.1](https://www.rfc-editor.org/rfc/rfc7617#section-2.1)).
pub(crate) const BASIC: &str = r#"Basic realm="Sluicegate", charset="UTF-8""#;

/// How a client may authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// With a token of this type.
    Token(TokenType),
    /// With a better token of the type that was presented, because this is wrong with it.
    Presented(ErrorCode),
    /// With a user name and a password.
    Basic,
}

/// The request has no credentials; a token of either type will do.
pub(crate) const FOR_A_TOKEN: &[Challenge] =
    &[Challenge::Token(TokenType::Bearer), Challenge::Token(TokenType::Dpop)];

/// The `Authorization` header occurs twice, or has no token after its scheme ([RFC 6750
/// §3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)).
pub(crate) const MALFORMED: &[Challenge] = &[Challenge::Presented(ErrorCode::InvalidRequest)];

/// The token lacks a scope.
pub(crate) const NARROW: &[Challenge] = &[Challenge::Presented(ErrorCode::InsufficientScope)];

/// The sign-in behind the token is not what the resource demands, and a user name and a password would not be better.
pub(crate) const SIGN_IN_TOO_WEAK: &[Challenge] =
    &[Challenge::Presented(ErrorCode::InsufficientUserAuthentication)];

/// The token is invalid.
pub(crate) const DEAD: &[Challenge] = &[Challenge::Presented(ErrorCode::InvalidToken)];

impl Challenge {
    /// The challenges after a refused access token. A token that was presented with the scheme `Bearer` may be bound to a
    /// key, so that scheme `DPoP` is named too ([RFC 9449 §7.1](https://www.rfc-editor.org/rfc/rfc9449#section-7.1)).
    pub(crate) fn after(refusal: &BearerRefusal) -> &'static [Self] {
        match code(refusal) {
            ErrorCode::InvalidDpopProof => &[Self::Presented(ErrorCode::InvalidDpopProof)],
            ErrorCode::UseDpopNonce => &[Self::Presented(ErrorCode::UseDpopNonce)],
            _ if matches!(refusal, BearerRefusal::DeadBound) => DEAD,
            _ => &[Self::Presented(ErrorCode::InvalidToken), Self::Token(TokenType::Dpop)],
        }
    }

    /// The value of `WWW-Authenticate`; `presented` is the type of the token in the request.
    fn value(self, resource: ChallengingResource<'_>, presented: TokenType, step_up: StepUp) -> HeaderValue {
        let challenge = match self {
            Self::Token(scheme) => TokenChallenge::for_a_token(scheme),
            Self::Presented(error) => TokenChallenge { step_up, ..TokenChallenge::after(error, presented) },
            Self::Basic => return HeaderValue::from_static(BASIC),
        };
        HeaderValue::try_from(challenge.text(resource)).unwrap_or(HeaderValue::from_static(BASIC))
    }
}

/// The error of the challenge after a refused access token.
pub(crate) fn code(refusal: &BearerRefusal) -> ErrorCode {
    match refusal {
        BearerRefusal::Unproved(refusal) => refusal.code(),
        _ => ErrorCode::InvalidToken,
    }
}

/// What the challenges of a response depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Challenged<'a> {
    /// The resource.
    pub(crate) resource: ChallengingResource<'a>,
    /// The type of the token in the request, if it has one.
    pub(crate) presented: Option<TokenType>,
    /// What the resource demands of the sign-in.
    pub(crate) step_up: StepUp,
}

impl Challenged<'_> {
    /// Adds the challenges to a response, each in a header of its own.
    pub(crate) fn add(self, challenges: &[Challenge], headers: &mut HeaderMap) {
        for value in self.values(challenges) {
            headers.append(header::WWW_AUTHENTICATE, value);
        }
    }

    /// The values of `WWW-Authenticate`.
    pub(crate) fn values(self, challenges: &[Challenge]) -> impl Iterator<Item = HeaderValue> {
        let presented = self.presented.unwrap_or(TokenType::Bearer);
        challenges.iter().map(move |one| one.value(self.resource, presented, self.step_up))
    }
}

#[cfg(test)]
mod tests {
    use oauth::refusal::Refusal;

    use super::*;

    #[test]
    fn a_refused_proof_is_told_with_its_own_error_and_a_dead_token_names_both_schemes() {
        let stale = BearerRefusal::Unproved(Refusal::DpopNonceStale);
        assert_eq!(Challenge::after(&stale), [Challenge::Presented(ErrorCode::UseDpopNonce)]);
        let unproved = BearerRefusal::Unproved(Refusal::DpopRequired);
        assert_eq!(Challenge::after(&unproved), [Challenge::Presented(ErrorCode::InvalidDpopProof)]);
        assert_eq!(Challenge::after(&BearerRefusal::DeadBound), DEAD);
        let dead = [Challenge::Presented(ErrorCode::InvalidToken), Challenge::Token(TokenType::Dpop)];
        assert_eq!(Challenge::after(&BearerRefusal::Dead), dead);
    }
}
