//! What an authorization request asks of the sign-in ([OpenID Connect Core
//! §3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)).

use domain::time::Timestamp;

use super::claims_request::{self, ClaimsRequest};
use crate::application::ApplicationSettings;
use crate::refusal::Refusal;
use crate::scope::{BuiltInScope, ScopeSet};
use crate::user_authentication::demands_second_factor;

/// The parameters, not validated yet. `display` and `ui_locales` "MUST NOT result in an error if they are not
/// supported" and are not read; `login_hint` concerns the sign-in page only.
#[derive(Debug, Clone, Copy, Default)]
pub struct SentParameters<'a> {
    /// `nonce`.
    pub nonce: Option<&'a str>,
    /// `max_age`.
    pub max_age: Option<&'a str>,
    /// `acr_values`.
    pub acr_values: Option<&'a str>,
    /// `claims`.
    pub claims: Option<&'a str>,
}

/// What the sign-in must fulfil, and what its ID tokens keep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignInRequest {
    /// `nonce`, for the first ID token.
    pub nonce: Option<String>,
    /// The maximum time since the user entered the password, in seconds.
    pub max_age_secs: Option<i64>,
    /// Whether the user must show a second factor.
    pub second_factor: bool,
    /// Whether that is essential, so that a sign-in without one is none.
    pub second_factor_is_essential: bool,
    /// The claims about the person that the request names, within the scopes of the application.
    pub claims: ClaimsRequest,
    /// The `sub` that the user must have.
    pub subject: Option<String>,
}

/// Reads the parameters. Without the scope `openid` it is not a request of OpenID Connect, so only `max_age` and `acr_values`
/// count, which [RFC 9470 §4](https://www.rfc-editor.org/rfc/rfc9470#section-4) gives a meaning in every request. "Note
/// that `acr_values` specified in the `acr_values` parameter or an individual `acr` Claim request override these default values"
/// ([OpenID Connect Registration §2](https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata)).
///
/// # Errors
/// `invalid_request` for a malformed value, `unmet_authentication_requirements` for an essential `acr` that no sign-in
/// has.
pub fn decide(
    sent: SentParameters<'_>,
    scopes: &ScopeSet,
    settings: &ApplicationSettings,
) -> Result<SignInRequest, Refusal> {
    let asked = sent.max_age.map(max_age_is_a_number).transpose()?;
    let max_age_secs = asked.or(settings.client_metadata.openid.default_max_age);
    let by_default = || {
        demands_second_factor(settings.client_metadata.openid.default_acr_values.iter().map(String::as_str))
    };
    let named = sent.acr_values.map(|values| demands_second_factor(values.split(' ')));
    if !scopes.contains(BuiltInScope::OpenId) {
        let second_factor = named.unwrap_or_else(by_default);
        return Ok(SignInRequest { max_age_secs, second_factor, ..SignInRequest::default() });
    }
    let claims = sent.claims.map(claims_request::parse).transpose()?.unwrap_or_default();
    if claims.acr_is_unmet {
        return Err(Refusal::AcrUnmet);
    }
    Ok(SignInRequest {
        nonce: sent.nonce.map(str::to_owned),
        max_age_secs,
        second_factor: claims.second_factor || named.unwrap_or_else(|| !claims.names_acr && by_default()),
        second_factor_is_essential: claims.second_factor,
        claims: claims.request.within(&settings.scopes),
        subject: claims.subject,
    })
}

/// The number of digits of a century in seconds.
const MOST_DIGITS: usize = 10;

fn max_age_is_a_number(text: &str) -> Result<i64, Refusal> {
    let digits =
        !text.is_empty() && text.len() <= MOST_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(Refusal::MaxAgeMalformed)
}

impl SignInRequest {
    /// "If the elapsed time is greater than this value, the OP MUST attempt to actively re-authenticate the End-User."
    /// `max_age=0` always does.
    pub fn is_recent(&self, auth_time: Timestamp, now: Timestamp) -> bool {
        self.max_age_secs.is_none_or(|most| most > 0 && now <= auth_time.plus_secs(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, NOW};
    use crate::user_authentication::{PASSWORD_ACR, SECOND_FACTOR_ACR};

    fn asked(sent: SentParameters<'_>, scope: BuiltInScope) -> Result<SignInRequest, Refusal> {
        let application = sample::application(|settings| {
            settings.scopes = [BuiltInScope::OpenId, BuiltInScope::Email].into_iter().collect();
        });
        decide(sent, &scope.into(), &application.settings)
    }

    #[test]
    fn a_malformed_max_age_is_refused() {
        for text in ["-1", " 10", "10 ", "1e9", "+1", "1.5", "0x1", "12345678901234567890", "９"] {
            for scope in [BuiltInScope::OpenId, BuiltInScope::OData] {
                let sent = SentParameters { max_age: Some(text), ..SentParameters::default() };
                assert_eq!(asked(sent, scope), Err(Refusal::MaxAgeMalformed), "{text:?}");
            }
        }
        for (text, secs) in [("0", 0), ("60", 60), ("0010", 10), ("9999999999", 9_999_999_999)] {
            let sent = SentParameters { max_age: Some(text), ..SentParameters::default() };
            assert_eq!(asked(sent, BuiltInScope::OpenId).unwrap().max_age_secs, Some(secs));
        }
    }

    #[test]
    fn a_sign_in_ages() {
        let within = |max_age_secs| SignInRequest { max_age_secs, ..SignInRequest::default() };
        assert!(within(None).is_recent(NOW, NOW.plus_secs(1_000_000)));
        assert!(within(Some(60)).is_recent(NOW, NOW.plus_secs(60)));
        assert!(!within(Some(60)).is_recent(NOW, NOW.plus_secs(61)));
        assert!(!within(Some(0)).is_recent(NOW, NOW), "max_age=0 asks for a new sign-in");
        assert!(within(Some(9_999_999_999)).is_recent(NOW, NOW));
    }

    #[test]
    fn without_openid_it_is_no_request_of_openid_connect() {
        let sent = SentParameters { nonce: Some("n"), claims: Some("["), ..SentParameters::default() };
        assert_eq!(asked(sent, BuiltInScope::OData), Ok(SignInRequest::default()));
        assert_eq!(asked(sent, BuiltInScope::OpenId), Err(Refusal::ClaimsMalformed));
    }

    #[test]
    fn a_second_factor_is_demanded_by_the_request_or_by_the_default_of_the_registration() {
        let decided = |acr_values, claims, registered: &[&str], scope: BuiltInScope| {
            let application = sample::application(|settings| {
                settings.scopes = [BuiltInScope::OpenId, BuiltInScope::OData].into_iter().collect();
                let registered = registered.iter().map(|value| (*value).to_owned()).collect();
                settings.client_metadata.openid.default_acr_values = registered;
            });
            let sent = SentParameters { acr_values, claims, ..SentParameters::default() };
            decide(sent, &scope.into(), &application.settings).unwrap()
        };
        let asked = |acr_values, registered: &[&str]| {
            decided(acr_values, None, registered, BuiltInScope::OData).second_factor
        };
        let both = format!("{PASSWORD_ACR} {SECOND_FACTOR_ACR}");
        assert!(
            asked(Some(SECOND_FACTOR_ACR), &[]) && asked(Some("gold https://refeds.org/profile/mfa"), &[])
        );
        assert!(!asked(Some(&both), &[]) && !asked(Some("gold"), &[]) && !asked(None, &[]));
        assert!(asked(None, &[SECOND_FACTOR_ACR]) && !asked(None, &[PASSWORD_ACR, SECOND_FACTOR_ACR]));
        assert!(!asked(Some(PASSWORD_ACR), &[SECOND_FACTOR_ACR]), "the request overrides the default");
        let claimed = |claims| decided(None, Some(claims), &[SECOND_FACTOR_ACR], BuiltInScope::OpenId);
        assert!(!claimed(r#"{"id_token":{"acr":null}}"#).second_factor);
        let essential =
            format!(r#"{{"id_token":{{"acr":{{"essential":true,"value":"{SECOND_FACTOR_ACR}"}}}}}}"#);
        assert!(claimed(&essential).second_factor && claimed(&essential).second_factor_is_essential);
        let by_default = claimed(r#"{"id_token":{"auth_time":null}}"#);
        assert!(by_default.second_factor && !by_default.second_factor_is_essential);
    }

    #[test]
    fn the_claims_stay_within_the_scopes_of_the_application() {
        let claims = r#"{"userinfo":{"email":null,"name":null},"id_token":{"sub":{"value":"x"}}}"#;
        let sent = SentParameters { claims: Some(claims), ..SentParameters::default() };
        let request = asked(sent, BuiltInScope::OpenId).unwrap();
        assert_eq!(request.claims.userinfo, ["email"]);
        assert_eq!(request.subject.as_deref(), Some("x"));
    }

    #[test]
    fn an_essential_acr_that_no_sign_in_has_is_refused() {
        let claims = r#"{"id_token":{"acr":{"essential":true,"values":["gold"]}}}"#;
        let sent = SentParameters { claims: Some(claims), ..SentParameters::default() };
        assert_eq!(asked(sent, BuiltInScope::OpenId), Err(Refusal::AcrUnmet));
    }

    #[test]
    fn the_default_of_the_application_counts_without_max_age() {
        let application = sample::application(|settings| {
            settings.client_metadata.openid.default_max_age = Some(60);
        });
        let asked = |max_age| {
            let sent = SentParameters { max_age, ..SentParameters::default() };
            decide(sent, &BuiltInScope::OpenId.into(), &application.settings).unwrap().max_age_secs
        };
        assert_eq!((asked(None), asked(Some("7"))), (Some(60), Some(7)));
    }
}
