//! What the userinfo endpoint returns ([OpenID Connect Core
//! §5.3](https://openid.net/specs/openid-connect-core-1_0.html#UserInfo)).

use domain::account::User;
use serde_json::Value;

use super::claims::{Claim, UserClaims, requested};
use super::claims_request::ClaimsRequest;
use crate::scope::ScopeSet;

/// The claims that the userinfo endpoint returns: `sub`, those of the scopes, and those that the request named. A claim
/// whose scope the application may no longer have is omitted.
pub fn claims(
    subject: &str,
    user: &User,
    scopes: &ScopeSet,
    request: &ClaimsRequest,
    registered: &ScopeSet,
) -> UserClaims {
    let wanted = |claim: &Claim| {
        registered.contains(claim.scope())
            && (scopes.contains(claim.scope()) || request.userinfo.iter().any(|name| name == claim.name()))
    };
    let mut claims = requested(user, wanted);
    claims.insert("sub".to_owned(), subject.into());
    claims
}

/// What a signed userinfo response says: "If signed, the `UserInfo` Response MUST contain the Claims `iss` […] and `aud`"
/// ([OpenID Connect Core §5.3.2](https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse)).
pub fn to_be_signed(mut claims: UserClaims, issuer: &str, client_id: &str) -> Vec<u8> {
    claims.insert("iss".to_owned(), issuer.into());
    claims.insert("aud".to_owned(), client_id.into());
    Value::Object(claims).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::scope::BuiltInScope;
    use domain::account::attributes::UserAttributes;

    fn ada() -> User {
        let stored = r#"{"given_name":"Ada","family_name":"Lovelace","email":"ada@example.com","email_verified":true,
            "locality":"London","phone_number":"+44 20 7946 0123"}"#;
        let attributes = UserAttributes::from_json(Some(stored)).unwrap();
        User { attributes: Some(Box::new(attributes)), ..sample::user(4) }
    }

    fn returned(scopes: &[BuiltInScope], names: &[&str], registered: &[BuiltInScope]) -> Vec<String> {
        let request = ClaimsRequest {
            userinfo: names.iter().map(|name| (*name).to_owned()).collect(),
            ..ClaimsRequest::default()
        };
        let set = |scopes: &[BuiltInScope]| scopes.iter().copied().collect();
        let claims = claims("s", &ada(), &set(scopes), &request, &set(registered));
        claims.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn each_scope_returns_its_claims() {
        let all = BuiltInScope::ALL;
        let profile = ["family_name", "given_name", "name", "preferred_username", "sub", "updated_at"];
        assert_eq!(returned(&[BuiltInScope::OpenId], &[], &all), ["sub"]);
        assert_eq!(returned(&[BuiltInScope::Profile], &[], &all), profile);
        assert_eq!(returned(&[BuiltInScope::Email], &[], &all), ["email", "email_verified", "sub"]);
        assert_eq!(returned(&[BuiltInScope::Address], &[], &all), ["address", "sub"]);
        let phone = ["phone_number", "phone_number_verified", "sub"];
        assert_eq!(returned(&[BuiltInScope::Phone], &[], &all), phone);
    }

    #[test]
    fn a_claim_that_was_named_is_returned_without_its_scope() {
        let named = ["given_name", "website", "unknown"];
        assert_eq!(returned(&[BuiltInScope::OpenId], &named, &BuiltInScope::ALL), ["given_name", "sub"]);
    }

    #[test]
    fn an_application_that_lost_a_scope_gets_none_of_its_claims() {
        assert_eq!(returned(&[BuiltInScope::Email], &["name"], &[BuiltInScope::OpenId]), ["sub"]);
    }
}
