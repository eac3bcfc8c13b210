//! Request objects ([RFC 9101](https://www.rfc-editor.org/rfc/rfc9101)): an authorization request as a JWT that the client
//! signs. Crate `vault` verifies the signature.

use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::AuthorizeRequest;
use super::request::{CLAIMS, MAX_AGE, REGISTRATION, REQUEST, REQUEST_URI};
use crate::application::Application;
use crate::authorization_details::AUTHORIZATION_DETAILS;
use crate::jwt::{Claims, Object, TimeRules};
use crate::parameters::{CLIENT_ID, Parameters, RESOURCE};
use crate::refusal::Refusal;
use crate::signing::JwsAlgorithm;

/// The value of `typ`, which no other JWT of a client has ([RFC 9101
/// §10.8](https://www.rfc-editor.org/rfc/rfc9101#section-10.8)).
pub const OBJECT_TYPES: [Option<&str>; 1] = [Some("oauth-authz-req+jwt")];

/// The media type of a request object at an address ([RFC 9101
/// §5.2.3](https://www.rfc-editor.org/rfc/rfc9101#section-5.2.3)).
pub const OBJECT_MEDIA_TYPE: &str = "application/oauth-authz-req+jwt";

/// An object is for one request, so an hour is long ([FAPI 2.0 Message Signing
/// §5.3.1](https://openid.net/specs/fapi-message-signing-2_0-final.html#section-5.3.1)).
const TIMES: TimeRules = TimeRules { expiry_required: true, most_lifetime_secs: 3_600, most_age_secs: None };

/// The facts that are compared with the claims.
#[derive(Debug, Clone, Copy)]
pub struct ObjectFacts<'a> {
    /// The application whose key has signed the object.
    pub application: &'a Application,
    /// The issuer of this server.
    pub issuer: &'a str,
    /// The algorithm of the signature.
    pub algorithm: JwsAlgorithm,
    /// Whether the browser brought it.
    pub brought: bool,
    /// Whether it must have `nbf`.
    pub start_is_required: bool,
    /// The current time.
    pub now: Timestamp,
}

/// A request object whose signature and claims were verified, as far as rules ask about it that may change afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifiedObject {
    /// The algorithm of the signature.
    pub algorithm: JwsAlgorithm,
    /// Whether it has `nbf`.
    pub starts: bool,
    /// Whether the browser brought it; otherwise the client pushed it.
    pub brought: bool,
}

impl AuthorizeRequest {
    /// Reads the parameters from the claims of a verified request object; parameters outside have no effect: "The
    /// authorization server MUST only use the parameters in the Request Object" ([RFC 9101
    /// §6.3](https://www.rfc-editor.org/rfc/rfc9101#section-6.3)).
    ///
    /// # Errors
    /// `invalid_request_object`, and [`Refusal::Parameter`] for a parameter that would be refused outside too.
    pub fn from_object(
        claims: Claims,
        facts: ObjectFacts<'_>,
    ) -> Result<(Self, VerifiedObject), RefusedObject> {
        object_is_of_the_client(&claims, facts)?;
        object_is_for_this_server(&claims, facts)?;
        let usable = object_is_usable(&claims, facts);
        let ObjectFacts { algorithm, brought, .. } = facts;
        let object = VerifiedObject { algorithm, brought, starts: claims.get("nbf").is_some() };
        let parameters = parameters(claims.into_object());
        let request = usable.and_then(|()| Self::parse(parameters.as_ref().map_err(|refusal| *refusal)?));
        request.map(|request| (request, object)).map_err(|refusal| {
            let addressed = parameters.ok().and_then(|parameters| Self::addressed(&parameters));
            RefusedObject { refusal, addressed: addressed.map(Box::new) }
        })
    }
}

/// Why a request object is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedObject {
    /// The refusal.
    pub refusal: Refusal,
    /// Where its client wants the answer to go, if the client is known to have said so.
    pub addressed: Option<Box<AuthorizeRequest>>,
}

impl From<Refusal> for RefusedObject {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, addressed: None }
    }
}

fn object_is_usable(claims: &Claims, facts: ObjectFacts<'_>) -> Result<(), Refusal> {
    claims.times_hold(facts.now, TIMES).map_err(|_| Refusal::RequestObjectTimes)?;
    object_starts_recently(claims, facts)?;
    object_is_no_assertion(claims)?;
    object_contains_no_other(claims)
}

/// Says that an object is encrypted, which no key of this server is for: it has five parts ([RFC 7516
/// §3.1](https://www.rfc-editor.org/rfc/rfc7516#section-3.1)).
///
/// # Errors
/// [`Refusal::RequestObjectEncrypted`].
pub fn object_is_not_encrypted(text: &str) -> Result<(), Refusal> {
    let parts = text.split('.').count();
    if parts == 5 { Err(Refusal::RequestObjectEncrypted) } else { Ok(()) }
}

/// Whether an object may be fetched from an address: one that the application has registered, unless the server allows any
/// ([RFC 9101 §10.4.1](https://www.rfc-editor.org/rfc/rfc9101#section-10.4.1)).
///
/// # Errors
/// `invalid_request_uri`.
pub fn object_may_be_at(uri: &str, application: &Application, any_is_allowed: bool) -> Result<(), Refusal> {
    let is_registered = application.settings.client_metadata.requests.has_request_uri(uri);
    if is_registered || any_is_allowed { Ok(()) } else { Err(Refusal::RequestUriNotRegistered) }
}

/// "The client ID values in the `client_id` request parameter and in the Request Object `client_id` claim MUST be
/// identical" ([RFC 9101 §5](https://www.rfc-editor.org/rfc/rfc9101#section-5)), and `iss` is the client that signs
/// ([RFC 9101 §4](https://www.rfc-editor.org/rfc/rfc9101#section-4)).
fn object_is_of_the_client(claims: &Claims, facts: ObjectFacts<'_>) -> Result<(), Refusal> {
    let client_id = facts.application.client_id.as_str();
    let is_client = |name| claims.required_text(name) == Ok(client_id);
    if is_client("iss") && is_client(CLIENT_ID.spelling) {
        Ok(())
    } else {
        Err(Refusal::RequestObjectOfAnotherClient)
    }
}

/// "the value of `aud` should be the value of the authorization server's issuer" ([RFC 9101
/// §4](https://www.rfc-editor.org/rfc/rfc9101#section-4)).
fn object_is_for_this_server(claims: &Claims, facts: ObjectFacts<'_>) -> Result<(), Refusal> {
    let named = claims.audiences().map_err(|_| Refusal::RequestObjectForAnotherServer)?;
    if named.contains(&facts.issuer) { Ok(()) } else { Err(Refusal::RequestObjectForAnotherServer) }
}

/// "shall require the request object to contain an `nbf` claim that is no longer than 60 minutes in the past", and `exp` "no
/// longer than 60 minutes after the `nbf` claim" ([FAPI 2.0 Message Signing
/// §5.3.1](https://openid.net/specs/fapi-message-signing-2_0-final.html#section-5.3.1)). Without signing by profile, an
/// object may have no `nbf`.
fn object_starts_recently(claims: &Claims, facts: ObjectFacts<'_>) -> Result<(), Refusal> {
    let malformed = |_| Refusal::RequestObjectTimes;
    let (start, end) = (claims.time("nbf").map_err(malformed)?, claims.time("exp").map_err(malformed)?);
    let holds = match (start, end) {
        (Some(start), Some(end)) => start.plus_secs(TIMES.most_lifetime_secs) >= end.max(facts.now),
        _ => !facts.start_is_required,
    };
    if holds { Ok(()) } else { Err(Refusal::RequestObjectTimes) }
}

/// With `sub`, the object could pass for a client assertion ([RFC 9101
/// §10.8](https://www.rfc-editor.org/rfc/rfc9101#section-10.8)).
fn object_is_no_assertion(claims: &Claims) -> Result<(), Refusal> {
    if claims.get("sub").is_some() { Err(Refusal::RequestObjectWithSubject) } else { Ok(()) }
}

/// "`request` and `request_uri` parameters MUST NOT be included in Request Objects" ([RFC 9101
/// §4](https://www.rfc-editor.org/rfc/rfc9101#section-4)).
fn object_contains_no_other(claims: &Claims) -> Result<(), Refusal> {
    let nested = [REQUEST, REQUEST_URI].into_iter().any(|name| claims.get(name.spelling).is_some());
    if nested { Err(Refusal::RequestObjectNested) } else { Ok(()) }
}

/// The claims that are parameters, as text: "Parameter names and string values MUST be included as JSON strings. […]
/// numerical values MUST be included as JSON numbers" ([RFC 9101
/// §4](https://www.rfc-editor.org/rfc/rfc9101#section-4)). What is JSON itself may be in it as such; `resource` may be an
/// array.
fn parameters(claims: Object) -> Result<Parameters, Refusal> {
    let is_known = |name: &str| AuthorizeRequest::KNOWN.iter().any(|known| known.spelling == name);
    let mut pairs = Vec::new();
    for (name, value) in claims.into_iter().filter(|(name, _)| is_known(name)) {
        match value {
            Value::String(text) => pairs.push((name, text)),
            Value::Array(texts) if name == RESOURCE.spelling => {
                for text in texts {
                    let Value::String(text) = text else { return Err(Refusal::RequestObjectMember) };
                    pairs.push((name.clone(), text));
                }
            }
            Value::Number(_) if name == MAX_AGE.spelling => pairs.push((name, value.to_string())),
            Value::Object(_) if [CLAIMS, REGISTRATION].iter().any(|object| name == object.spelling) => {
                pairs.push((name, value.to_string()));
            }
            Value::Object(_) | Value::Array(_) if name == AUTHORIZATION_DETAILS.spelling => {
                pairs.push((name, value.to_string()));
            }
            _ => return Err(Refusal::RequestObjectMember),
        }
    }
    Parameters::new(pairs)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sample::{self, NOW, REDIRECT};

    const ISSUER: &str = "https://gate.example";

    fn read(changes: &Value) -> Result<AuthorizeRequest, Refusal> {
        read_in(false, changes)
    }

    fn read_in(start_is_required: bool, changes: &Value) -> Result<AuthorizeRequest, Refusal> {
        object_in(start_is_required, changes).map_err(|refused| refused.refusal)
    }

    fn object_in(start_is_required: bool, changes: &Value) -> Result<AuthorizeRequest, RefusedObject> {
        let mut claims = json!({
            "iss": sample::CLIENT_ID, "aud": ISSUER, "exp": NOW.as_secs() + 60, "client_id": sample::CLIENT_ID,
            "response_type": "code", "redirect_uri": REDIRECT, "state": "xyz",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
        let application = sample::application(|_| {});
        let (algorithm, brought) = (JwsAlgorithm::Es256, false);
        let (application, issuer) = (&application, ISSUER);
        let facts = ObjectFacts { application, issuer, algorithm, brought, start_is_required, now: NOW };
        AuthorizeRequest::from_object(claims, facts).map(|(request, object)| {
            assert_eq!(object, VerifiedObject { algorithm, brought, starts: changes.get("nbf").is_some() });
            request
        })
    }

    #[test]
    fn a_registration_in_an_object_is_read_to_be_refused_by_name() {
        let request = read(&json!({ "registration": { "client_name": "Agent" } })).unwrap();
        assert_eq!(request.registration.as_deref(), Some(r#"{"client_name":"Agent"}"#));
    }

    #[test]
    fn an_expired_object_still_says_where_the_answer_goes() {
        let refused = object_in(false, &json!({ "exp": NOW.as_secs() })).unwrap_err();
        assert_eq!(refused.refusal, Refusal::RequestObjectTimes);
        let addressed = refused.addressed.unwrap();
        assert_eq!(addressed.state.as_deref(), Some("xyz"));
        assert_eq!(addressed.redirect_uri.as_deref(), Some(REDIRECT));
        assert_eq!(object_in(false, &json!({ "iss": "another" })).unwrap_err().addressed, None);
    }

    #[test]
    fn an_object_names_the_client_this_server_and_a_near_end() {
        let at = |offset: i64| NOW.as_secs() + offset;
        for (changes, refusal) in [
            (json!({ "iss": "another" }), Refusal::RequestObjectOfAnotherClient),
            (json!({ "iss": null }), Refusal::RequestObjectOfAnotherClient),
            (json!({ "client_id": "another" }), Refusal::RequestObjectOfAnotherClient),
            (json!({ "client_id": null }), Refusal::RequestObjectOfAnotherClient),
            (json!({ "aud": "https://other.example" }), Refusal::RequestObjectForAnotherServer),
            (json!({ "aud": "https://gate.example/" }), Refusal::RequestObjectForAnotherServer),
            (json!({ "aud": [] }), Refusal::RequestObjectForAnotherServer),
            (json!({ "exp": null }), Refusal::RequestObjectTimes),
            (json!({ "exp": at(0) }), Refusal::RequestObjectTimes),
            (json!({ "exp": at(3_661) }), Refusal::RequestObjectTimes),
            (json!({ "nbf": at(61) }), Refusal::RequestObjectTimes),
            (json!({ "iat": at(61) }), Refusal::RequestObjectTimes),
            (json!({ "nbf": at(-3_541) }), Refusal::RequestObjectTimes),
            (json!({ "sub": sample::CLIENT_ID }), Refusal::RequestObjectWithSubject),
            (json!({ "request": "e30" }), Refusal::RequestObjectNested),
            (json!({ "request_uri": null }), Refusal::RequestObjectNested),
        ] {
            assert_eq!(read(&changes).unwrap_err(), refusal, "{changes}");
        }
        for changes in
            [json!({ "aud": ["https://other.example", ISSUER] }), json!({ "nbf": at(10), "jti": "1" })]
        {
            assert!(read(&changes).is_ok(), "{changes}");
        }
    }

    #[test]
    fn a_signed_message_says_when_it_starts() {
        let at = |offset: i64| json!({ "nbf": NOW.as_secs() + offset });
        assert_eq!(read_in(true, &json!({})), Err(Refusal::RequestObjectTimes));
        assert_eq!(read_in(true, &at(-3_600)), Err(Refusal::RequestObjectTimes));
        assert!(read_in(true, &at(-3_540)).is_ok() && read_in(true, &at(10)).is_ok());
    }

    #[test]
    fn claims_of_every_type_become_the_parameters_that_they_stand_for() {
        let request = read(&json!({
            "max_age": 60, "claims": { "userinfo": { "email": null } },
            "resource": ["https://a.example/", "https://b.example/"], "unknown": [true], "clientId": "other",
        }))
        .unwrap();
        assert_eq!(request.max_age.as_deref(), Some("60"));
        assert_eq!(request.claims.as_deref(), Some(r#"{"userinfo":{"email":null}}"#));
        assert_eq!(request.resources().collect::<Vec<_>>(), ["https://a.example/", "https://b.example/"]);
        assert_eq!(request.state.as_deref(), Some("xyz"));
    }

    #[test]
    fn a_claim_of_a_type_that_no_parameter_has_is_refused() {
        for changes in [
            json!({ "state": null }),
            json!({ "state": true }),
            json!({ "state": 5 }),
            json!({ "scope": ["openid"] }),
            json!({ "claims": [] }),
            json!({ "max_age": {} }),
            json!({ "resource": [1] }),
        ] {
            assert_eq!(read(&changes).unwrap_err(), Refusal::RequestObjectMember, "{changes}");
        }
        let long = read(&json!({ "state": "s".repeat(10_000) })).unwrap_err();
        assert!(matches!(long, Refusal::Parameter { name: "state", .. }), "{long:?}");
    }

    #[test]
    fn an_encrypted_object_is_recognised() {
        assert_eq!(object_is_not_encrypted("a.b.c.d.e"), Err(Refusal::RequestObjectEncrypted));
        assert_eq!(object_is_not_encrypted("a.b.c"), Ok(()));
    }

    #[test]
    fn an_object_is_fetched_only_from_a_registered_address() {
        let registered = "https://client.example/object";
        let application = sample::application(|settings| {
            settings.client_metadata.requests.request_uris = vec![registered.to_owned()];
        });
        let refused = Err(Refusal::RequestUriNotRegistered);
        assert_eq!(object_may_be_at(registered, &application, false), Ok(()));
        assert_eq!(object_may_be_at("https://client.example/object?x", &application, false), refused);
        assert_eq!(object_may_be_at("https://other.example/", &application, true), Ok(()));
    }
}
