//! Client authentication with an assertion, `private_key_jwt` and `client_secret_jwt` ([RFC 7523
//! §2.2](https://www.rfc-editor.org/rfc/rfc7523#section-2.2), [OpenID Connect Core
//! §9](https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication)).

use std::sync::Arc;

use domain::id::SecretId;
use domain::time::Timestamp;

use super::{AcceptedCredential, AuthenticatedClient, client_is_confidential_if_required};
use crate::application::Application;
use crate::jwt::{Claims, JwtFault, TimeRules};
use crate::refusal::Refusal;

/// The value of `client_assertion_type` ([RFC 7523 §2.2](https://www.rfc-editor.org/rfc/rfc7523#section-2.2)).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The accepted values of `typ`. An assertion of another kind, such as an access token, is refused ([RFC 8725
/// §3.11](https://www.rfc-editor.org/rfc/rfc8725#section-3.11)).
pub const ASSERTION_TYPES: [Option<&str>; 3] = [None, Some("jwt"), Some("client-authentication+jwt")];

/// The longest lifetime, which bounds how long used assertions are remembered ([RFC 7523
/// §3](https://www.rfc-editor.org/rfc/rfc7523#section-3), item 4).
const TIMES: TimeRules = TimeRules { expiry_required: true, most_lifetime_secs: 3_600, most_age_secs: None };

/// How long an assertion is remembered after its expiry: the clock of another node may be behind.
const REMEMBERED_SECS: i64 = 300;

/// The facts that are compared with the claims.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The issuer of this server.
    pub issuer: &'a str,
    /// The addresses that an assertion may name instead: the token endpoint and the endpoint of the request, both also at the
    /// address for certificates.
    pub endpoints: &'a [&'a str],
    /// The current time.
    pub now: Timestamp,
}

/// An assertion that proves who sends the request, unless it was used before.
#[derive(Debug)]
pub struct VerifiedAssertion {
    application: Arc<Application>,
    secret: Option<SecretId>,
    id: String,
    remembered_until: Timestamp,
}

impl VerifiedAssertion {
    /// The application that sent it.
    pub fn application(&self) -> &Application {
        &self.application
    }

    /// `jti`, which the application must not repeat.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Until when its use must be remembered.
    pub fn remembered_until(&self) -> Timestamp {
        self.remembered_until
    }

    /// The client, if this was the first use ([RFC 7523 §3](https://www.rfc-editor.org/rfc/rfc7523#section-3), item 7).
    ///
    /// # Errors
    /// [`Refusal::AssertionReplayed`].
    pub fn used(self, is_first_use: bool) -> Result<AuthenticatedClient, Refusal> {
        if is_first_use {
            Ok(AuthenticatedClient { secret: self.secret, ..AuthenticatedClient::new(self.application) })
        } else {
            Err(Refusal::AssertionReplayed)
        }
    }
}

/// What verifies the assertions of an application. The registration alone decides, so that a public key is never used as a
/// secret, and a secret never stands in for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verifier {
    /// Its public keys.
    Keys,
    /// Its live secrets.
    Secrets,
}

impl Verifier {
    /// The verifier of an application.
    ///
    /// # Errors
    /// `invalid_client` if it is registered for another credential, or for none in a profile of confidential applications.
    pub fn of(application: &Application) -> Result<Self, Refusal> {
        client_is_confidential_if_required(application)?;
        match AcceptedCredential::of(&application.settings) {
            AcceptedCredential::KeyAssertion | AcceptedCredential::Nothing => Ok(Self::Keys),
            AcceptedCredential::SecretAssertion => Ok(Self::Secrets),
            AcceptedCredential::Secret(_)
            | AcceptedCredential::Certificate
            | AcceptedCredential::Attestation => Err(Refusal::AssertionNotRegistered),
        }
    }
}

/// Judges the claims of an assertion that a key of the application verifies, or the secret with this id.
///
/// # Errors
/// `invalid_client`.
pub fn decide(
    claims: &Claims,
    application: Arc<Application>,
    secret: Option<SecretId>,
    facts: Facts<'_>,
) -> Result<VerifiedAssertion, Refusal> {
    issuer_and_subject_are_the_client(claims, &application)?;
    audience_is_this_server(claims, &application, facts)?;
    claims.times_hold(facts.now, TIMES).map_err(of_times)?;
    let expiry = claims.time("exp").map_err(of_times)?.ok_or(Refusal::AssertionExpired)?;
    let id = claims.required_text("jti").map_err(|_| Refusal::AssertionWithoutId)?.to_owned();
    Ok(VerifiedAssertion { application, secret, id, remembered_until: expiry.plus_secs(REMEMBERED_SECS) })
}

/// "For client authentication, the subject MUST be the `client_id` of the OAuth client" ([RFC 7523
/// §3](https://www.rfc-editor.org/rfc/rfc7523#section-3), item 2), and so must the issuer ([OpenID Connect Core
/// §9](https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication)).
fn issuer_and_subject_are_the_client(claims: &Claims, application: &Application) -> Result<(), Refusal> {
    let client_id = application.client_id.as_str();
    let is_client = |name| claims.required_text(name) == Ok(client_id);
    if is_client("iss") && is_client("sub") { Ok(()) } else { Err(Refusal::AssertionOfAnotherClient) }
}

/// "The JWT MUST contain an "aud" (audience) claim containing a value that identifies the authorization server" ([RFC
/// 7523 §3](https://www.rfc-editor.org/rfc/rfc7523#section-3), item 3): its issuer, its token endpoint, or the endpoint
/// of the request ([RFC 9126 §2](https://www.rfc-editor.org/rfc/rfc9126#section-2)).
///
/// "shall only accept its issuer identifier value […] as a string" ([FAPI 2.0
/// §5.3.2.1](https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.3.2.1)), if the profile demands it.
fn audience_is_this_server(
    claims: &Claims,
    application: &Application,
    facts: Facts<'_>,
) -> Result<(), Refusal> {
    if application.settings.profile.rules().issuer_audience {
        let is_issuer = claims.audience_is(facts.issuer);
        return if is_issuer { Ok(()) } else { Err(Refusal::AssertionAudienceNotAlone) };
    }
    let named = claims.audiences().map_err(|_| Refusal::AssertionForAnotherServer)?;
    let is_ours = |audience: &&str| *audience == facts.issuer || facts.endpoints.contains(audience);
    if named.iter().any(is_ours) { Ok(()) } else { Err(Refusal::AssertionForAnotherServer) }
}

fn of_times(fault: JwtFault) -> Refusal {
    match fault {
        JwtFault::LivesTooLong => Refusal::AssertionLivesTooLong,
        JwtFault::NotYet => Refusal::AssertionNotYetValid,
        _ => Refusal::AssertionExpired,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::application::{AuthenticationMethod, ClientType, Profile};
    use crate::sample::{self, NOW};

    const ISSUER: &str = "https://gate.example";
    const FACTS: Facts<'static> = Facts {
        issuer: ISSUER,
        endpoints: &["https://gate.example/oauth2/token", "https://gate.example/oauth2/par"],
        now: NOW,
    };

    fn outcome(changes: &Value) -> Result<VerifiedAssertion, Refusal> {
        outcome_in(Profile::Compatible, changes)
    }

    fn outcome_in(profile: Profile, changes: &Value) -> Result<VerifiedAssertion, Refusal> {
        let mut claims = json!({
            "iss": sample::CLIENT_ID, "sub": sample::CLIENT_ID, "aud": ISSUER, "jti": "1",
            "exp": NOW.as_secs() + 60,
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
        decide(&claims, Arc::new(sample::application(|settings| settings.profile = profile)), None, FACTS)
    }

    #[test]
    fn an_assertion_names_the_client_this_server_and_a_near_end() {
        let at = |offset: i64| NOW.as_secs() + offset;
        for (changes, refusal) in [
            (json!({ "iss": "another" }), Refusal::AssertionOfAnotherClient),
            (json!({ "sub": "another" }), Refusal::AssertionOfAnotherClient),
            (json!({ "sub": null }), Refusal::AssertionOfAnotherClient),
            (json!({ "aud": "https://other.example" }), Refusal::AssertionForAnotherServer),
            (json!({ "aud": "https://gate.example/" }), Refusal::AssertionForAnotherServer),
            (json!({ "aud": null }), Refusal::AssertionForAnotherServer),
            (json!({ "aud": [] }), Refusal::AssertionForAnotherServer),
            (json!({ "exp": null }), Refusal::AssertionExpired),
            (json!({ "exp": at(0) }), Refusal::AssertionExpired),
            (json!({ "exp": at(3_661) }), Refusal::AssertionLivesTooLong),
            (json!({ "nbf": at(61) }), Refusal::AssertionNotYetValid),
            (json!({ "iat": at(61) }), Refusal::AssertionNotYetValid),
            (json!({ "jti": null }), Refusal::AssertionWithoutId),
            (json!({ "jti": "" }), Refusal::AssertionWithoutId),
        ] {
            assert_eq!(outcome(&changes).unwrap_err(), refusal, "{changes}");
        }
    }

    #[test]
    fn an_audience_is_the_issuer_the_token_endpoint_or_the_endpoint_itself() {
        for audience in [
            json!(ISSUER),
            json!([ISSUER]),
            json!(["https://other.example", ISSUER]),
            json!("https://gate.example/oauth2/token"),
            json!("https://gate.example/oauth2/par"),
        ] {
            assert!(outcome(&json!({ "aud": audience })).is_ok(), "{audience}");
        }
    }

    #[test]
    fn fapi2_accepts_the_issuer_alone_and_as_a_string() {
        for audience in [
            json!([ISSUER]),
            json!(["https://other.example", ISSUER]),
            json!("https://gate.example/oauth2/token"),
            json!("https://gate.example/"),
            json!(null),
        ] {
            let refused = outcome_in(Profile::Fapi2, &json!({ "aud": audience })).unwrap_err();
            assert_eq!(refused, Refusal::AssertionAudienceNotAlone, "{audience}");
        }
        for offset in [0, 10, 60] {
            let changes = json!({ "iat": NOW.as_secs() + offset, "nbf": NOW.as_secs() + offset });
            assert!(outcome_in(Profile::Fapi2, &changes).is_ok(), "{offset} seconds ahead");
        }
    }

    #[test]
    fn the_registration_decides_what_verifies_an_assertion() {
        let verifier = |method, profile| {
            Verifier::of(&sample::application(|settings| {
                settings.client_metadata.authentication.token_endpoint_auth_method = method;
                settings.profile = profile;
            }))
        };
        for (method, expected) in [
            (AuthenticationMethod::PrivateKeyJwt, Ok(Verifier::Keys)),
            (AuthenticationMethod::ClientSecretJwt, Ok(Verifier::Secrets)),
            (AuthenticationMethod::ClientSecretBasic, Err(Refusal::AssertionNotRegistered)),
            (AuthenticationMethod::ClientSecretPost, Err(Refusal::AssertionNotRegistered)),
            (AuthenticationMethod::TlsClientAuth, Err(Refusal::AssertionNotRegistered)),
            (AuthenticationMethod::SelfSignedTlsClientAuth, Err(Refusal::AssertionNotRegistered)),
            (AuthenticationMethod::AttestJwtClientAuth, Err(Refusal::AssertionNotRegistered)),
        ] {
            assert_eq!(verifier(Some(method), Profile::Compatible), expected, "{method:?}");
        }
        assert_eq!(verifier(None, Profile::Compatible), Err(Refusal::AssertionNotRegistered));
        let secret = Some(AuthenticationMethod::ClientSecretJwt);
        assert_eq!(verifier(secret, Profile::Fapi2), Ok(Verifier::Keys), "never its secret");
    }

    #[test]
    fn a_public_application_may_prove_its_keys_where_its_profile_allows_it() {
        let verifier = |profile| {
            Verifier::of(&sample::application(|settings| {
                settings.client_type = ClientType::Public;
                settings.profile = profile;
            }))
        };
        assert_eq!(verifier(Profile::OAuth21), Ok(Verifier::Keys));
        assert_eq!(verifier(Profile::Fapi2), Err(Refusal::PublicNotInProfile));
    }

    #[test]
    fn an_assertion_is_remembered_until_every_node_refuses_it() {
        let verified = outcome(&json!({})).unwrap();
        assert_eq!((verified.id(), verified.remembered_until()), ("1", NOW.plus_secs(360)));
        assert_eq!(verified.used(false).unwrap_err(), Refusal::AssertionReplayed);
        assert!(outcome(&json!({})).unwrap().used(true).is_ok_and(|client| client.secret().is_none()));
    }
}
