use proptest::prelude::*;
use url::Url;

use super::*;
use crate::application::{ApplicationSettings, ClientType, GrantType, Profile};
use crate::destination::Destination;
use crate::grant::Consent;
use crate::refusal::ParameterFault;
use crate::sample::{self, NOW, REDIRECT, built_in_scopes};
use crate::scope::{BuiltInScope, ScopeSet};
use crate::signing::JwsAlgorithm;
use crate::user_authentication::SECOND_FACTOR_ACR;
use domain::id::{ApplicationId, CodeId, Epoch, UserId};
use domain::secret::CodeText;
use domain::time::Timestamp;

/// RFC 7636 appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const ISSUER: &str = "https://gate.example";

fn request(more: &[(&str, &str)]) -> AuthorizeRequest {
    let mut pairs = vec![("response_type", "code"), ("client_id", sample::CLIENT_ID), ("state", "xyz")];
    pairs.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    pairs.extend(more);
    AuthorizeRequest::parse(&sample::pairs(&pairs)).unwrap()
}

fn checked(
    more: &[(&str, &str)],
    change: impl FnOnce(&mut ApplicationSettings),
) -> Result<ValidRequest, AuthorizeRefusal> {
    check_for(&request(more), Some(&sample::application(change)), Delivered::ByBrowser)
}

fn check_for(
    request: &AuthorizeRequest,
    application: Option<&Application>,
    delivered: Delivered,
) -> Result<ValidRequest, AuthorizeRefusal> {
    let scopes = &ScopeRegistry::built_in();
    let resources = &Ok(Vec::new());
    check(
        request,
        Facts {
            application,
            scopes,
            delivered,
            resources,
            data: &Ok(None),
            pushing_is_required: false,
            signing_is_required: false,
            messages_are_signed: false,
        },
    )
}

fn redirected(refused: &AuthorizeRefusal) -> Refusal {
    match refused {
        AuthorizeRefusal::Redirect(redirect) => {
            assert_eq!(redirect.route.state.as_deref(), Some("xyz"));
            redirect.refusal
        }
        AuthorizeRefusal::Page(refusal) => panic!("{refusal:?} was not redirected"),
    }
}

fn next_step(
    request: &ValidRequest,
    signed_in: Option<SignedIn>,
    consent: Option<&Consent>,
    now: Timestamp,
) -> Result<NextStep, AuthorizeRefusal> {
    super::next_step(request, signed_in, consent, built_in_scopes(), now)
}

fn approve_chosen(
    request: &ValidRequest,
    signed_in: &AcceptedSignIn,
    consent: &Consent,
    chosen: &DataChange,
) -> Option<Approval> {
    super::approve_chosen(request, signed_in, consent, chosen, built_in_scopes())
}

fn accepted(request: &ValidRequest, signed_in: SignedIn) -> AcceptedSignIn {
    match accept_sign_in(request, Some(signed_in), NOW) {
        Ok(Judgement::Accepted(accepted)) => accepted,
        other => panic!("{other:?}"),
    }
}

fn signed_in() -> SignedIn {
    SignedIn {
        user: UserId::new(4),
        epoch: Epoch::new(5),
        auth_time: NOW,
        sid: None,
        second_factor: false,
        needs_second_factor: false,
        is_expected: true,
    }
}

#[test]
fn the_request_of_the_specification_is_valid() {
    // RFC 6749 §4.1.1
    let valid = checked(&[("redirect_uri", REDIRECT)], |_| {}).unwrap();
    assert_eq!(*valid.scopes(), BuiltInScope::OData.into());
    assert_eq!((valid.route().state.as_deref(), valid.redirect_uri()), (Some("xyz"), Some(REDIRECT)));
}

#[test]
fn an_unknown_client_or_redirect_url_is_never_redirected() {
    assert_eq!(
        check_for(&request(&[]), None, Delivered::ByBrowser),
        Err(AuthorizeRefusal::Page(Refusal::UnknownClientId))
    );
    let evil = checked(&[("redirect_uri", "https://evil.example/"), ("response_type", "token")], |_| {});
    assert_eq!(evil, Err(AuthorizeRefusal::Page(Refusal::RedirectUrlUnknown)));
    let none = checked(&[], |settings| settings.redirect_urls.push("https://b.example/".to_owned()));
    assert_eq!(none, Err(AuthorizeRefusal::Page(Refusal::RedirectUrlAmbiguous)));
}

#[test]
fn repeated_parameters_are_refused() {
    let twice = sample::pairs(&[("client_id", sample::CLIENT_ID), ("state", "a"), ("state", "b")]);
    let repeated = Refusal::Parameter { name: "state", fault: ParameterFault::Repeated };
    assert_eq!(AuthorizeRequest::parse(&twice), Err(repeated));
}

#[test]
fn other_errors_are_sent_to_the_client_by_redirect() {
    let missing = Refusal::Parameter { name: "response_type", fault: ParameterFault::Missing };
    for (more, refusal) in [
        (vec![("response_type", "")], missing),
        (vec![("response_type", "token")], Refusal::ResponseTypeUnsupported),
        (vec![("response_type", "code id_token")], Refusal::ResponseTypeUnsupported),
        (vec![("response_mode", "web_message")], Refusal::ResponseModeUnsupported),
        (vec![("scope", "nonsense")], Refusal::ScopeUnknown),
        (vec![("scope", "api.mgmt")], Refusal::ScopeNotRegistered),
        (vec![("code_challenge", CHALLENGE)], Refusal::ChallengeMethodMissing),
        (vec![("code_challenge_method", "S256")], Refusal::ChallengeMethodWithoutChallenge),
        (vec![("code_challenge", "x"), ("code_challenge_method", "S256")], Refusal::ChallengeMalformed),
        (vec![("prompt", "create")], Refusal::PromptUnknown),
        (vec![("registration", "{}")], Refusal::RegistrationInRequest),
        (vec![("prompt", "none login")], Refusal::PromptNoneCombined),
    ] {
        let refused = checked(&more, |_| {}).unwrap_err();
        assert_eq!(redirected(&refused), refusal, "{more:?}");
    }
    let grantless = checked(&[], |settings| settings.grant_types = vec![GrantType::Password]).unwrap_err();
    assert_eq!(redirected(&grantless), Refusal::GrantTypeNotRegistered("authorization_code"));
}

#[test]
fn a_plain_challenge_is_refused() {
    for method in ["plain", "s256", "none"] {
        let refused = checked(&[("code_challenge", CHALLENGE), ("code_challenge_method", method)], |_| {});
        assert_eq!(redirected(&refused.unwrap_err()), Refusal::ChallengeMethodUnsupported);
    }
}

#[test]
fn pkce_is_required_of_public_clients_and_by_oauth21() {
    let public = |settings: &mut ApplicationSettings| settings.client_type = ClientType::Public;
    let oauth21 = |settings: &mut ApplicationSettings| settings.profile = Profile::OAuth21;
    assert_eq!(redirected(&checked(&[], public).unwrap_err()), Refusal::ChallengeMissing);
    assert_eq!(redirected(&checked(&[], oauth21).unwrap_err()), Refusal::ChallengeMissing);
    let challenge = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    assert_eq!(checked(&challenge, public).unwrap().challenge.unwrap()[..3], [0x13, 0xd3, 0x1e]);
    assert!(checked(&challenge, oauth21).is_ok());
    assert!(checked(&[], |_| {}).is_ok());
}

#[test]
fn fapi2_serves_confidential_clients_that_push_and_name_their_redirect_url() {
    let application = |client_type| {
        sample::application(|settings| {
            settings.profile = Profile::Fapi2;
            settings.client_type = client_type;
        })
    };
    let check = |more: &[(&str, &str)], client_type, delivered| {
        check_for(&request(more), Some(&application(client_type)), delivered)
            .map_err(|refused| redirected(&refused))
    };
    let challenge = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let whole = [&challenge[..], &[("redirect_uri", REDIRECT)]].concat();
    let (confidential, pushed) = (ClientType::Confidential, Delivered::Stored(NOW, Provenance::default()));
    assert!(check(&whole, confidential, pushed).is_ok());
    assert_eq!(check(&whole, ClientType::Public, pushed), Err(Refusal::PublicNotInProfile));
    let object = VerifiedObject { algorithm: JwsAlgorithm::Es256, starts: true, brought: true };
    let kept = Delivered::Stored(NOW, Provenance::in_object(object));
    for delivered in [Delivered::ByBrowser, Delivered::InObject(object), kept] {
        assert_eq!(check(&whole, confidential, delivered), Err(Refusal::PushedRequestRequired));
    }
    let missing = Refusal::Parameter { name: "redirect_uri", fault: ParameterFault::Missing };
    assert_eq!(check(&challenge, confidential, pushed), Err(missing));
    assert_eq!(check(&whole[2..], confidential, pushed), Err(Refusal::ChallengeMissing));
}

#[test]
fn a_user_signs_in_before_consenting() {
    let valid = checked(&[], |_| {}).unwrap();
    assert_eq!(next_step(&valid, None, None, NOW), Ok(NextStep::SignIn));
    let missing = BuiltInScope::OData.into();
    assert_eq!(next_step(&valid, Some(signed_in()), None, NOW), Ok(NextStep::Consent { missing }));
}

#[test]
fn a_stored_consent_skips_the_page_only_if_it_covers_the_request() {
    let wide = |settings: &mut ApplicationSettings| settings.scopes = BuiltInScope::ALL.into_iter().collect();
    let valid = checked(&[("scope", "odata api.mgmt")], wide).unwrap();
    let some = sample::consent(BuiltInScope::OData);
    let missing = BuiltInScope::Management.into();
    assert_eq!(next_step(&valid, Some(signed_in()), Some(&some), NOW), Ok(NextStep::Consent { missing }));
    let all = sample::consent(valid.scopes().clone());
    assert!(matches!(next_step(&valid, Some(signed_in()), Some(&all), NOW), Ok(NextStep::IssueCode(_))));
}

#[test]
fn the_consent_of_another_user_does_not_count() {
    let valid = checked(&[], |_| {}).unwrap();
    let consent = sample::consent(BuiltInScope::OData);
    let another = SignedIn { user: UserId::new(9), ..signed_in() };
    assert_eq!(
        approve_chosen(&valid, &accepted(&valid, another.clone()), &consent, &DataChange::keep()),
        None
    );
    let missing = BuiltInScope::OData.into();
    assert_eq!(next_step(&valid, Some(another), Some(&consent), NOW), Ok(NextStep::Consent { missing }));
}

#[test]
fn a_public_client_is_never_approved_without_asking() {
    let public = |settings: &mut ApplicationSettings| settings.client_type = ClientType::Public;
    let challenge = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let consent = sample::consent(BuiltInScope::OData);
    let valid = checked(&challenge, public).unwrap();
    let step = next_step(&valid, Some(signed_in()), Some(&consent), NOW);
    assert_eq!(step, Ok(NextStep::Consent { missing: ScopeSet::EMPTY }));
    assert!(
        approve_chosen(&valid, &accepted(&valid, signed_in()), &consent, &DataChange::keep()).is_some(),
        "pressing Allow is enough then"
    );
    let silent = [challenge[0], challenge[1], ("prompt", "none")];
    let step = next_step(&checked(&silent, public).unwrap(), Some(signed_in()), Some(&consent), NOW);
    assert_eq!(redirected(&step.unwrap_err()), Refusal::NotConsented);
}

#[test]
fn prompt_none_never_asks() {
    let valid = checked(&[("prompt", "none")], |_| {}).unwrap();
    let refusal = |step: Result<NextStep, AuthorizeRefusal>| redirected(&step.unwrap_err());
    assert_eq!(refusal(next_step(&valid, None, None, NOW)), Refusal::NotSignedIn);
    assert_eq!(refusal(next_step(&valid, Some(signed_in()), None, NOW)), Refusal::NotConsented);
    let needy = SignedIn { needs_second_factor: true, ..signed_in() };
    assert_eq!(refusal(next_step(&valid, Some(needy), None, NOW)), Refusal::SecondFactorMissing);
    let consent = sample::consent(BuiltInScope::OData);
    assert!(matches!(next_step(&valid, Some(signed_in()), Some(&consent), NOW), Ok(NextStep::IssueCode(_))));
}

#[test]
fn a_second_factor_is_set_up_before_anything_else() {
    let consent = sample::consent(BuiltInScope::OData);
    let acr = ("acr_values", SECOND_FACTOR_ACR);
    let (plain, demanding) = (checked(&[], |_| {}).unwrap(), checked(&[acr], |_| {}).unwrap());
    let needy = SignedIn { needs_second_factor: true, ..signed_in() };
    for (valid, one) in [(&demanding, signed_in()), (&plain, needy.clone()), (&demanding, needy)] {
        let step = next_step(valid, Some(one.clone()), Some(&consent), NOW);
        assert_eq!(step, Ok(NextStep::SetUpSecondFactor));
        assert_eq!(accept_sign_in(valid, Some(one.clone()), NOW), Ok(Judgement::WithoutSecondFactor));
        let shown = SignedIn { second_factor: true, ..one };
        let step = next_step(valid, Some(shown), Some(&consent), NOW);
        assert!(matches!(step, Ok(NextStep::IssueCode(_))), "{step:?}");
    }
}

#[test]
fn prompt_login_and_consent_ask_again() {
    let consent = sample::consent(BuiltInScope::OData);
    let login = request(&[("prompt", "login")]);
    let application = sample::application(|_| {});
    let valid = check_for(&login, Some(&application), Delivered::ByBrowser).unwrap();
    assert_eq!(next_step(&valid, Some(signed_in()), Some(&consent), NOW), Ok(NextStep::SignIn));
    assert!(!login.query_after_sign_in().contains("prompt"), "signing in is asked once");
    let valid = checked(&[("prompt", "consent")], |_| {}).unwrap();
    let step = next_step(&valid, Some(signed_in()), Some(&consent), NOW);
    assert_eq!(step, Ok(NextStep::Consent { missing: ScopeSet::EMPTY }));
    assert!(
        approve_chosen(&valid, &accepted(&valid, signed_in()), &consent, &DataChange::keep()).is_some(),
        "pressing Allow is enough then"
    );
}

#[test]
fn a_code_contains_everything_that_its_exchange_is_checked_against() {
    let challenge = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let valid = checked(&challenge, |_| {}).unwrap();
    let consent = sample::consent(BuiltInScope::OData);
    let approval =
        approve_chosen(&valid, &accepted(&valid, signed_in()), &consent, &DataChange::keep()).unwrap();
    let code = issue_code(&valid, approval, CodeId::compose(NOW, [9; 8]), None, 30);
    assert_eq!(code.expires_at, NOW.plus_secs(30));
    assert_eq!((code.user, code.user_epoch, code.consent), (UserId::new(4), Epoch::new(5), consent.id));
    assert_eq!((code.application, code.application_epoch), (consent.application, Epoch::new(3)));
    assert!(code.challenge.is_some() && code.redirect_digest.is_none());
}

#[test]
fn a_denial_has_the_description_of_hybrid_data_pipeline() {
    let AuthorizeRefusal::Redirect(denied) = checked(&[], |_| {}).unwrap().deny() else { panic!("a page") };
    assert_eq!(
        unsigned(denied.response(ISSUER)),
        redirect(
            "https://client.example.com/cb?error=access_denied&error_description=User%20denied%20OAuth%20access\
         &state=xyz&iss=https%3A%2F%2Fgate.example"
        )
    );
}

fn unsigned(response: AuthorizationResponse) -> Delivery {
    match response.deliver(NOW) {
        Deliverable::Ready(delivery) => delivery,
        Deliverable::Unsigned(unsigned) => panic!("{unsigned:?}"),
    }
}

fn redirect(location: &str) -> Delivery {
    Delivery::Redirect(location.to_owned())
}

#[test]
fn a_response_travels_in_the_requested_mode() {
    let registered = "https://client.example.com/cb?app=1";
    let delivered = |mode| {
        let change =
            |settings: &mut ApplicationSettings| settings.redirect_urls = vec![registered.to_owned()];
        let valid = checked(&[("response_mode", mode), ("state", "a b")], change).unwrap();
        unsigned(valid.route().with_code(&CodeText::new("sgc_1"), ISSUER))
    };
    let fragment = format!("{registered}#code=sgc_1&state=a%20b&iss=https%3A%2F%2Fgate.example");
    assert_eq!(delivered("fragment"), redirect(&fragment));
    let fields = [("code", "sgc_1"), ("state", "a b"), ("iss", ISSUER)];
    let fields = fields.map(|(name, value)| (name, value.to_owned())).to_vec();
    let form = ResponseForm {
        action: registered.to_owned(),
        fields,
        destination: Destination::Site { origin: "https://client.example.com".to_owned() },
        application: "Ship".to_owned(),
    };
    assert_eq!(delivered("form_post"), Delivery::Form(Box::new(form)));
}

#[test]
fn an_error_travels_in_the_requested_mode() {
    let refused = checked(&[("response_mode", "fragment"), ("scope", "nonsense")], |_| {}).unwrap_err();
    let AuthorizeRefusal::Redirect(refused) = refused else { panic!("a page") };
    let Delivery::Redirect(location) = unsigned(refused.response(ISSUER)) else { panic!("a form") };
    assert!(location.starts_with(&format!("{REDIRECT}#error=invalid_scope&")), "{location}");
    let refused = checked(&[("response_mode", "web_message")], |_| {}).unwrap_err();
    let AuthorizeRefusal::Redirect(refused) = refused else { panic!("a page") };
    let Delivery::Redirect(location) = unsigned(refused.response(ISSUER)) else { panic!("a form") };
    assert!(location.starts_with(&format!("{REDIRECT}?error=invalid_request&")), "{location}");
}

#[test]
fn a_form_is_posted_to_web_addresses_only() {
    let native = |settings: &mut ApplicationSettings| {
        settings.redirect_urls = vec!["com.example.app:/cb".to_owned()];
    };
    let refused = checked(&[("response_mode", "form_post")], native).unwrap_err();
    assert_eq!(redirected(&refused), Refusal::FormPostToApplication);
}

#[test]
fn the_query_of_the_redirect_url_is_kept() {
    let registered = "https://client.example.com/cb?app=1&x=%20";
    let valid = checked(&[], |settings| settings.redirect_urls = vec![registered.to_owned()]).unwrap();
    let delivery = unsigned(valid.route().with_code(&CodeText::new("sgc_1"), ISSUER));
    assert_eq!(
        delivery,
        redirect(&format!("{registered}&code=sgc_1&state=xyz&iss=https%3A%2F%2Fgate.example"))
    );
}

#[test]
fn the_destination_shows_scheme_host_and_port() {
    let site = |origin: &str| Destination::Site { origin: origin.to_owned() };
    let plain = |origin: &str| Destination::UnencryptedSite { origin: origin.to_owned() };
    let device = |origin: &str| Destination::ThisDevice { origin: origin.to_owned() };
    let application = |scheme: &str| Destination::Application { scheme: scheme.to_owned() };
    for (url, destination) in [
        ("https://client.example.com/cb", site("https://client.example.com")),
        ("https://client.example.com:8443/cb", site("https://client.example.com:8443")),
        ("https://evil.example/accounts.google.com", site("https://evil.example")),
        ("https://xn--80ak6aa92e.example/cb", site("https://xn--80ak6aa92e.example")),
        ("http://client.example.com/cb", plain("http://client.example.com")),
        ("http://localhost.evil.example/cb", plain("http://localhost.evil.example")),
        ("http://127.0.0.1:5000/cb", device("http://127.0.0.1:5000")),
        ("http://[::1]:5000/cb", device("http://[::1]:5000")),
        ("https://localhost/cb", device("https://localhost")),
        ("com.example.app:/cb", application("com.example.app")),
        ("com.evil.app://accounts.google.com/cb", application("com.evil.app")),
        ("com.evil.app:https://accounts.google.com/", application("com.evil.app")),
    ] {
        let valid = checked(&[], |settings| settings.redirect_urls = vec![url.to_owned()]).unwrap();
        assert_eq!(valid.target().destination(), destination, "{url}");
    }
}

#[test]
fn the_return_from_sign_in_drops_secrets_and_unknown_parameters() {
    let sent = [("clientSecret", "sgs_x"), ("unknown", "1"), ("scope", "odata"), ("redirect_uri", REDIRECT)];
    let query = request(&sent).query();
    assert!(!query.contains("sgs_x") && !query.contains("unknown"));
    let back = crate::parameters::Parameters::from_form(query.as_bytes()).unwrap();
    assert_eq!(AuthorizeRequest::parse(&back).unwrap(), request(&sent));
}

proptest! {
    #[test]
    fn redirect_parameters_are_parsed_back_unchanged(state in "\\PC{0,60}", code in "[!-~]{1,60}") {
        let change = |settings: &mut ApplicationSettings| settings.redirect_urls = vec![format!("{REDIRECT}?a=b")];
        let mut route = checked(&[], change).unwrap().route;
        route.state = Some(state.clone());
        let response = route.with_code(&CodeText::new(code.as_str()), ISSUER);
        let Delivery::Redirect(location) = unsigned(response) else { panic!("a form") };
        let read: Vec<_> = Url::parse(&location).unwrap().query_pairs().into_owned().collect();
        let expected = [("a", "b"), ("code", &code), ("state", &state), ("iss", ISSUER)];
        prop_assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
        prop_assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "fit for a header");
    }
}

mod leaving;
mod pushed;
mod session_state;
