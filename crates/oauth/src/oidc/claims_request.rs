//! The `claims` parameter ([OpenID Connect Core
//! §5.5](https://openid.net/specs/openid-connect-core-1_0.html#ClaimsParameter)).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::claims::Claim;
use crate::jwt::parse_object;
use crate::refusal::Refusal;
use crate::scope::ScopeSet;
use crate::user_authentication::{ACR_VALUES, demands_second_factor};

/// The claims that a request names and that its tokens keep. "Any members used that are not understood MUST be ignored."
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClaimsRequest {
    /// Claims about the person for the userinfo endpoint.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub userinfo: Vec<String>,
    /// Claims about the person for the ID token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub id_token: Vec<String>,
}

impl ClaimsRequest {
    /// Whether no claim is named.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The scopes that stand for the named claims: what the user must allow.
    pub fn scopes(&self) -> ScopeSet {
        let names = self.userinfo.iter().chain(&self.id_token);
        names.filter_map(|name| Claim::named(name)).map(Claim::scope).collect()
    }

    /// Without the claims whose scope is not in the set. They are omitted without an error: "If the Claim is not
    /// available […] the OP MUST NOT generate an error".
    #[must_use]
    pub fn within(&self, registered: &ScopeSet) -> Self {
        let keep = |names: &[String]| {
            let allowed =
                |name: &&String| Claim::named(name).is_some_and(|claim| registered.contains(claim.scope()));
            names.iter().filter(allowed).cloned().collect()
        };
        Self { userinfo: keep(&self.userinfo), id_token: keep(&self.id_token) }
    }
}

/// The parameter, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimsParameter {
    /// The claims about the person.
    pub request: ClaimsRequest,
    /// The `sub` that the user must have.
    pub subject: Option<String>,
    /// Whether an `acr` is essential that no sign-in at this server has.
    pub acr_is_unmet: bool,
    /// Whether an `acr` is essential that only a sign-in with a second factor has.
    pub second_factor: bool,
    /// Whether it says anything about the `acr`.
    pub names_acr: bool,
}

/// Reads the parameter.
///
/// # Errors
/// [`Refusal::ClaimsMalformed`] if it is not a JSON object of distinct members, whose members `userinfo` and `id_token`
/// are objects of requests: null, or an object.
pub fn parse(text: &str) -> Result<ClaimsParameter, Refusal> {
    let members = parse_object(text.as_bytes()).ok_or(Refusal::ClaimsMalformed)?;
    let (userinfo, id_token) = (wanted(&members, "userinfo")?, wanted(&members, "id_token")?);
    let named = |claims: Option<&Map<String, Value>>| {
        let names = claims.into_iter().flat_map(Map::keys);
        names.filter(|name| Claim::named(name).is_some()).cloned().collect()
    };
    let subject = id_token.and_then(|claims| claims.get("sub")).or_else(|| userinfo?.get("sub"));
    let subject = subject.and_then(|request| request.get("value")).and_then(Value::as_str);
    let acr = id_token.and_then(|claims| claims.get("acr"));
    let essential = acr.map(essential_acr).unwrap_or_default();
    Ok(ClaimsParameter {
        request: ClaimsRequest { userinfo: named(userinfo), id_token: named(id_token) },
        subject: subject.map(str::to_owned),
        acr_is_unmet: !essential.is_empty() && !essential.iter().any(|value| ACR_VALUES.contains(value)),
        second_factor: demands_second_factor(essential.iter().copied()),
        names_acr: acr.is_some(),
    })
}

fn wanted<'a>(
    members: &'a Map<String, Value>,
    target: &str,
) -> Result<Option<&'a Map<String, Value>>, Refusal> {
    let claims = match members.get(target) {
        None => return Ok(None),
        Some(Value::Object(claims)) => claims,
        Some(_) => return Err(Refusal::ClaimsMalformed),
    };
    let well_formed = claims.values().all(|request| request.is_null() || request.is_object());
    if well_formed { Ok(Some(claims)) } else { Err(Refusal::ClaimsMalformed) }
}

/// The values of which an essential `acr` must have one; none if it is not essential. "If the `acr` Claim is requested as an
/// Essential Claim […] with […] values […], the Authorization Server MUST return an `acr` Claim Value that matches one of the
/// requested values. […] If this is an Essential Claim and the requirement cannot be met, then the Authorization Server MUST
/// treat that outcome as a failed authentication attempt" ([OpenID Connect Core
/// §5.5.1.1](https://openid.net/specs/openid-connect-core-1_0.html#acrSemantics)).
fn essential_acr(request: &Value) -> Vec<&str> {
    if request.get("essential").and_then(Value::as_bool) != Some(true) {
        return Vec::new();
    }
    let listed = request.get("values").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    // What is no text is no known value either.
    request.get("value").into_iter().chain(listed).map(|value| value.as_str().unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::BuiltInScope;
    use crate::user_authentication::{PASSWORD_ACR, SECOND_FACTOR_ACR};

    #[test]
    fn the_example_of_the_specification_is_read() {
        // OpenID Connect Core §5.5.
        let text = r#"{"userinfo":{"given_name":{"essential":true},"nickname":null,"email":{"essential":true},
            "email_verified":{"essential":true},"picture":null,"http://example.info/claims/groups":null},
            "id_token":{"auth_time":{"essential":true},"acr":{"values":["urn:mace:incommon:iap:silver"]}}}"#;
        let parsed = parse(text).unwrap();
        let mut names = parsed.request.userinfo.clone();
        names.sort_unstable();
        assert_eq!(names, ["email", "email_verified", "given_name", "nickname", "picture"]);
        assert_eq!(parsed.request.id_token, Vec::<String>::new());
        assert!(!parsed.acr_is_unmet, "a voluntary acr may be missed");
        let scopes: ScopeSet = [BuiltInScope::Profile, BuiltInScope::Email].into_iter().collect();
        assert_eq!(parsed.request.scopes(), scopes);
    }

    #[test]
    fn anything_but_an_object_of_objects_is_refused() {
        for text in [
            "",
            "null",
            "7",
            "[]",
            "\"x\"",
            "{",
            "{}x",
            r#"{"userinfo":7}"#,
            r#"{"id_token":[]}"#,
            r#"{"userinfo":{"email":true}}"#,
            r#"{"id_token":{"acr":"x"}}"#,
            r#"{"userinfo":null}"#,
            r#"{"userinfo":{"email":null},"userinfo":{}}"#,
            r#"{"id_token":{"sub":{"value":"1"},"sub":{"value":"2"}}}"#,
        ] {
            assert_eq!(parse(text), Err(Refusal::ClaimsMalformed), "{text}");
        }
        let deep = format!("{}{}", "[".repeat(4000), "]".repeat(4000));
        assert_eq!(parse(&deep), Err(Refusal::ClaimsMalformed));
        assert_eq!(parse(r#"{"later":7}"#), Ok(ClaimsParameter::default()), "unknown members are ignored");
    }

    #[test]
    fn an_essential_acr_must_be_one_that_a_sign_in_here_can_have() {
        let acr =
            |request: &str| parse(&format!(r#"{{"id_token":{{"acr":{request}}}}}"#)).unwrap().acr_is_unmet;
        assert!(acr(r#"{"essential":true,"values":["gold","silver"]}"#));
        assert!(acr(r#"{"essential":true,"value":"gold"}"#));
        assert!(!acr(&format!(r#"{{"essential":true,"values":["gold","{PASSWORD_ACR}"]}}"#)));
        assert!(!acr(r#"{"essential":true}"#));
        assert!(!acr(r#"{"essential":false,"value":"gold"}"#));
        assert!(!acr("null"));
        let demanded = |values: &[&str]| {
            let values =
                serde_json::json!({ "id_token": { "acr": { "essential": true, "values": values } } });
            parse(&values.to_string()).unwrap().second_factor
        };
        assert!(demanded(&[SECOND_FACTOR_ACR]) && demanded(&["gold", SECOND_FACTOR_ACR]));
        assert!(!demanded(&[SECOND_FACTOR_ACR, PASSWORD_ACR]) && !demanded(&["gold"]) && !demanded(&[]));
    }

    #[test]
    fn a_subject_is_read_from_either_member() {
        for target in ["id_token", "userinfo"] {
            let parsed = parse(&format!(r#"{{"{target}":{{"sub":{{"value":"248289761001"}}}}}}"#)).unwrap();
            assert_eq!(parsed.subject.as_deref(), Some("248289761001"));
        }
    }

    #[test]
    fn claims_of_scopes_that_the_application_may_not_have_are_omitted() {
        let parsed =
            parse(r#"{"userinfo":{"email":null,"name":null},"id_token":{"phone_number":null}}"#).unwrap();
        let within = parsed.request.within(&BuiltInScope::Email.into());
        assert_eq!(within, ClaimsRequest { userinfo: vec!["email".to_owned()], id_token: Vec::new() });
    }
}
