use super::*;
use crate::application::{AuthenticationMethod, Profile};
use crate::refusal::ParameterFault;
use crate::sample::{self, NOW, SECRET, is_secret, pairs};

fn basic(text: &str) -> Basic {
    Basic::parse(text.as_bytes()).unwrap()
}

fn outcome(presented: &Presented, application: Option<Application>) -> Result<Option<SecretId>, Refusal> {
    authenticate(presented, application.map(Arc::new), NOW, is_secret).map(|client| client.secret())
}

fn sent(secret: Option<&str>) -> Presented {
    let secret = secret.map(ClientSecret::new);
    let in_body = |secret| ClientCredential::Secret(secret, SecretPlace::Body);
    presented(secret.map_or(ClientCredential::None, in_body))
}

fn presented(credential: ClientCredential) -> Presented {
    Presented { unverified_client_id: sample::CLIENT_ID.parse().ok(), credential, is_grant: false }
}

#[test]
fn the_header_of_the_specification_is_read() {
    // RFC 6749 §2.3.1: `Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3`
    let header = basic("s6BhdRkqt3:7Fjfp0ZBr1KtDRbnfVdmIw");
    assert_eq!(header.client_id, "s6BhdRkqt3");
    assert_eq!(header.secret.unwrap().expose(), "7Fjfp0ZBr1KtDRbnfVdmIw");
}

#[test]
fn basic_credentials_may_be_form_encoded_or_plain() {
    assert_eq!(basic("a%3Ab:c%2Bd%25").client_id, "a:b");
    assert_eq!(basic("a%3Ab:c%2Bd%25").secret.unwrap().expose(), "c+d%");
    assert_eq!(basic("a:b+c:d").secret.unwrap().expose(), "b+c:d", "without escapes it is taken as it is");
}

#[test]
fn a_header_without_colon_or_id_is_refused() {
    for text in ["abc", ":secret", "", "%ff:x"] {
        assert_eq!(Basic::parse(text.as_bytes()).unwrap_err(), Refusal::BasicMalformed, "{text}");
    }
    assert_eq!(Basic::parse(b"\xff:x").unwrap_err(), Refusal::BasicMalformed);
}

#[test]
fn two_methods_at_once_are_refused() {
    let header = basic(&format!("{}:{SECRET}", sample::CLIENT_ID));
    let both = pairs(&[("client_id", sample::CLIENT_ID), ("clientSecret", SECRET)]);
    assert_eq!(Presented::find(Some(&header), &both, None).unwrap_err(), Refusal::TwoAuthenticationMethods);
    let id_only = pairs(&[("client_id", sample::CLIENT_ID)]);
    assert!(Presented::find(Some(&header), &id_only, None).is_ok());
    let another = pairs(&[("client_id", "another")]);
    assert_eq!(Presented::find(Some(&header), &another, None).unwrap_err(), Refusal::ClientIdsDiffer);
}

#[test]
fn both_spellings_in_the_body_are_understood() {
    for (id, secret) in [("client_id", "client_secret"), ("clientId", "clientSecret")] {
        let found =
            Presented::find(None, &pairs(&[(id, sample::CLIENT_ID), (secret, SECRET)]), None).unwrap();
        assert_eq!(outcome(&found, Some(sample::application(|_| {}))), Ok(Some(SecretId::new(1))));
    }
}

#[test]
fn a_strict_profile_takes_a_secret_only_in_the_way_that_was_registered() {
    use AuthenticationMethod::{ClientSecretBasic, ClientSecretPost};
    let header = basic(&format!("{}:{SECRET}", sample::CLIENT_ID));
    let id = ("client_id", sample::CLIENT_ID);
    let in_header = Presented::find(Some(&header), &pairs(&[id]), None).unwrap();
    let in_body = Presented::find(None, &pairs(&[id, ("client_secret", SECRET)]), None).unwrap();
    let good = Ok(Some(SecretId::new(1)));
    let elsewhere = Err(Refusal::SecretInWrongPlace);
    for (profile, method, by_header, by_body) in [
        (Profile::Compatible, None, good, good),
        (Profile::Compatible, Some(ClientSecretBasic), good, good),
        (Profile::Compatible, Some(ClientSecretPost), good, good),
        (Profile::OAuth21, None, good, good),
        (Profile::OAuth21, Some(ClientSecretBasic), good, elsewhere),
        (Profile::OAuth21, Some(ClientSecretPost), elsewhere, good),
        (Profile::Fapi2, None, Err(Refusal::AssertionRequired), Err(Refusal::AssertionRequired)),
        (
            Profile::Fapi2,
            Some(ClientSecretBasic),
            Err(Refusal::AssertionRequired),
            Err(Refusal::AssertionRequired),
        ),
    ] {
        let application = || {
            Some(sample::application(|settings| {
                settings.profile = profile;
                settings.client_metadata.authentication.token_endpoint_auth_method = method;
            }))
        };
        assert_eq!(outcome(&in_header, application()), by_header, "{profile:?} {method:?}");
        assert_eq!(outcome(&in_body, application()), by_body, "{profile:?} {method:?}");
    }
}

#[test]
fn a_request_that_names_no_client_is_refused() {
    assert_eq!(Presented::find(None, &pairs(&[]), None).unwrap_err(), Refusal::NoClientAuthentication);
    let twice = pairs(&[("client_id", "a"), ("client_id", "a")]);
    let repeated = Refusal::Parameter { name: "client_id", fault: ParameterFault::Repeated };
    assert_eq!(Presented::find(None, &twice, None).unwrap_err(), repeated);
}

#[test]
fn only_a_correct_secret_authenticates_a_confidential_client() {
    let application = || Some(sample::application(|_| {}));
    assert_eq!(outcome(&sent(Some(SECRET)), application()), Ok(Some(SecretId::new(1))));
    assert_eq!(outcome(&sent(Some("sgs_wrong")), application()), Err(Refusal::WrongSecret));
    assert_eq!(outcome(&sent(None), application()), Err(Refusal::SecretMissing));
    assert_eq!(outcome(&sent(Some(SECRET)), None), Err(Refusal::UnknownClient));
    let mut other = sent(Some(SECRET));
    other.unverified_client_id = None;
    assert_eq!(outcome(&other, application()), Err(Refusal::UnknownClient));
}

#[test]
fn two_live_secrets_both_work_until_one_expires() {
    let mut application = sample::application(|_| {});
    application.secrets.push(sample::stored_secret(2));
    application.secrets[0].expires_at = Some(NOW.plus_secs(1));
    assert_eq!(outcome(&sent(Some(SECRET)), Some(application.clone())), Ok(Some(SecretId::new(1))));
    assert_eq!(outcome(&sent(Some("sgs_other")), Some(application.clone())), Ok(Some(SecretId::new(2))));
    application.secrets[0].expires_at = Some(NOW);
    assert_eq!(outcome(&sent(Some(SECRET)), Some(application)), Err(Refusal::WrongSecret));
}

#[test]
fn a_public_client_must_not_send_a_secret() {
    let public = || Some(sample::application(|settings| settings.client_type = ClientType::Public));
    assert_eq!(outcome(&sent(None), public()), Ok(None));
    assert_eq!(outcome(&sent(Some(SECRET)), public()), Err(Refusal::SecretOfPublicClient));
    let empty_secret = pairs(&[("client_id", sample::CLIENT_ID), ("client_secret", "")]);
    assert_eq!(outcome(&Presented::find(None, &empty_secret, None).unwrap(), public()), Ok(None));
}

const ASSERTION: (&str, &str) = ("client_assertion", "eyJhbGciOiJFUzI1NiJ9.e30.AA");
const JWT_BEARER: (&str, &str) = ("client_assertion_type", assertion::ASSERTION_TYPE);

#[test]
fn an_assertion_is_a_separate_authentication_method() {
    let header = basic(&format!("{}:{SECRET}", sample::CLIENT_ID));
    let with_header = Presented::find(Some(&header), &pairs(&[ASSERTION, JWT_BEARER]), None);
    assert_eq!(with_header.unwrap_err(), Refusal::TwoAuthenticationMethods);
    let id = ("client_id", sample::CLIENT_ID);
    let with_secret = pairs(&[id, ("client_secret", SECRET), ASSERTION, JWT_BEARER]);
    assert_eq!(Presented::find(None, &with_secret, None).unwrap_err(), Refusal::TwoAuthenticationMethods);
    let alone = Presented::find(None, &pairs(&[id, ASSERTION, JWT_BEARER]), None).unwrap();
    for client_type in [ClientType::Confidential, ClientType::Public] {
        let application = sample::application(|settings| settings.client_type = client_type);
        assert_eq!(outcome(&alone, Some(application)), Err(Refusal::AssertionNotRegistered));
    }
    assert!(!format!("{alone:?}").contains("eyJ"), "an assertion is not shown");
}

#[test]
fn an_assertion_has_a_known_format_and_may_stand_without_an_id() {
    let find = |given: &[(&'static str, &'static str)]| Presented::find(None, &pairs(given), None);
    assert!(find(&[ASSERTION, JWT_BEARER]).unwrap().unverified_client_id.is_none());
    let missing = Refusal::Parameter { name: "client_assertion_type", fault: ParameterFault::Missing };
    assert_eq!(find(&[ASSERTION]).unwrap_err(), missing);
    let saml = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer");
    assert_eq!(find(&[ASSERTION, saml]).unwrap_err(), Refusal::AssertionTypeUnknown);
    assert_eq!(find(&[ASSERTION, JWT_BEARER, ("client_id", "?")]).unwrap_err(), Refusal::UnknownClient);
}

#[test]
fn a_registered_key_makes_secrets_useless() {
    let with_method = |method| {
        Some(sample::application(|settings| {
            settings.client_metadata.authentication.token_endpoint_auth_method = Some(method);
        }))
    };
    let secret = sent(Some(SECRET));
    let keyed = with_method(AuthenticationMethod::PrivateKeyJwt);
    assert_eq!(outcome(&secret, keyed), Err(Refusal::AssertionRequired));
    for method in [AuthenticationMethod::ClientSecretBasic, AuthenticationMethod::ClientSecretPost] {
        assert_eq!(outcome(&secret, with_method(method)), Ok(Some(SecretId::new(1))));
    }
}

#[test]
fn a_certificate_alone_is_no_authentication_method() {
    let certificate = Thumbprint::from_bytes([1; 32]);
    let id_only = pairs(&[("client_id", sample::CLIENT_ID)]);
    let found = Presented::find(None, &id_only, Some(certificate)).unwrap();
    assert!(matches!(found.credential, ClientCredential::Certificate(found) if found == certificate));
    assert_eq!(outcome(&found, Some(sample::application(|_| {}))), Err(Refusal::SecretMissing));
    let public = sample::application(|settings| settings.client_type = ClientType::Public);
    assert_eq!(outcome(&found, Some(public)), Ok(None));
    let with_secret = pairs(&[("client_id", sample::CLIENT_ID), ("client_secret", SECRET)]);
    let found = Presented::find(None, &with_secret, Some(certificate)).unwrap();
    assert_eq!(outcome(&found, Some(sample::application(|_| {}))), Ok(Some(SecretId::new(1))));
}

#[test]
fn fapi2_serves_no_public_client_and_accepts_no_secret() {
    let of = |client_type| {
        sample::application(|settings| {
            settings.profile = Profile::Fapi2;
            settings.client_type = client_type;
        })
    };
    let public = outcome(&sent(None), Some(of(ClientType::Public)));
    assert_eq!(public, Err(Refusal::PublicNotInProfile));
    let secret = outcome(&sent(Some(SECRET)), Some(of(ClientType::Confidential)));
    assert_eq!(secret, Err(Refusal::AssertionRequired));
}
