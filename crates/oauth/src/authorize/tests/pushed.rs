//! Tests of pushed requests.

use super::*;

const REFERENCE: &str = "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c";

fn envelope(more: &[(&str, &str)]) -> Result<EnvelopeContent, Refusal> {
    let pairs = [&[("client_id", sample::CLIENT_ID)], more].concat();
    Envelope::parse(&sample::pairs(&pairs)).map(|envelope| envelope.content)
}

#[test]
fn an_envelope_says_where_the_parameters_are() {
    assert_eq!(envelope(&[("scope", "odata")]), Ok(EnvelopeContent::Plain));
    let pushed = EnvelopeContent::Pushed(REFERENCE.to_owned());
    assert_eq!(envelope(&[("request_uri", REFERENCE), ("scope", "nonsense")]), Ok(pushed));
    assert_eq!(envelope(&[("request", "e30")]), Ok(EnvelopeContent::Object("e30".to_owned())));
    let at = EnvelopeContent::ObjectAt("https://a.example/o".to_owned());
    assert_eq!(envelope(&[("request_uri", "https://a.example/o")]), Ok(at));
    let both = envelope(&[("request", "e30"), ("request_uri", REFERENCE)]);
    assert_eq!(both, Err(Refusal::RequestAndRequestUri));
    let missing = Refusal::Parameter { name: "client_id", fault: ParameterFault::Missing };
    assert_eq!(Envelope::parse(&sample::pairs(&[("request_uri", REFERENCE)])), Err(missing));
}

#[test]
fn a_pushed_request_contains_no_reference() {
    let client = sample::client(|_| {});
    let parse = |pairs: &[(&str, &str)]| AuthorizeRequest::parse_pushed(&sample::pairs(pairs), &client);
    assert_eq!(parse(&[("request_uri", REFERENCE)]), Err(Refusal::RequestUriInPushedRequest));
    let request = parse(&[("response_type", "code"), ("state", "xyz")]).unwrap();
    assert_eq!(request.client_id, Some(client.application().client_id.clone()), "from the header");
}

#[test]
fn a_pushed_request_is_bound_to_its_client() {
    let (ship, boat) = (Some(ApplicationId::new(7)), Some(ApplicationId::new(8)));
    assert_eq!(pushed_request_belongs_to_client(ship, ship), Ok(()));
    for (found, client) in [(boat, ship), (None, ship), (ship, None), (None, None)] {
        let unknown = Err(Refusal::PushedRequestUnknown);
        assert_eq!(pushed_request_belongs_to_client(found, client), unknown);
    }
}

#[test]
fn pushing_can_be_required_of_an_application_and_of_all() {
    let demanding = sample::application(|settings| {
        settings.client_metadata.require_pushed_authorization_requests = true;
    });
    let (request, scopes) = (request(&[]), ScopeRegistry::built_in());
    let lenient = sample::application(|_| {});
    let resources = Ok(Vec::new());
    for (application, pushing_is_required) in [(&demanding, false), (&lenient, true)] {
        let facts = |delivered| Facts {
            application: Some(application),
            scopes: &scopes,
            delivered,
            data: &Ok(None),
            resources: &resources,
            pushing_is_required,
            signing_is_required: false,
            messages_are_signed: false,
        };
        let refused = check(&request, facts(Delivered::ByBrowser)).unwrap_err();
        assert_eq!(redirected(&refused), Refusal::PushedRequestRequired);
        assert!(check(&request, facts(Delivered::Stored(NOW, Provenance::default()))).is_ok());
    }
}

/// A change of the rules between the push and the presentation of a request: of the application, or of the whole server.
struct Change {
    of_application: fn(&mut ApplicationSettings),
    of_server: fn(&mut Facts<'_>),
    refusal: Refusal,
}

const fn of_application(change: fn(&mut ApplicationSettings), refusal: Refusal) -> Change {
    Change { of_application: change, of_server: |_| {}, refusal }
}

const fn of_server(change: fn(&mut Facts<'_>), refusal: Refusal) -> Change {
    Change { of_application: |_| {}, of_server: change, refusal }
}

/// The refusal of a request that was acceptable when it was stored.
fn presented(delivered: Delivered, more: &[(&str, &str)], change: &Change) -> Option<Refusal> {
    let scopes = ScopeRegistry::built_in();
    let check = |application: &Application, of_server: fn(&mut Facts<'_>)| {
        let mut facts = Facts {
            application: Some(application),
            scopes: &scopes,
            delivered,
            data: &Ok(None),
            resources: &Ok(Vec::new()),
            pushing_is_required: false,
            signing_is_required: false,
            messages_are_signed: false,
        };
        of_server(&mut facts);
        check(&request(more), facts).err().map(|refused| refused.refusal())
    };
    assert_eq!(check(&sample::application(|_| {}), |_| {}), None);
    check(&sample::application(change.of_application), change.of_server)
}

#[test]
fn a_stored_request_is_held_to_the_rules_of_the_time_at_which_it_is_presented() {
    let plain = Delivered::Stored(NOW, Provenance::default());
    for (more, change) in [
        (&[][..], of_application(|now| now.redirect_urls.clear(), Refusal::RedirectUrlAmbiguous)),
        (
            &[("redirect_uri", REDIRECT)],
            of_application(|now| now.redirect_urls.clear(), Refusal::RedirectUrlUnknown),
        ),
        (
            &[("scope", "odata")],
            of_application(|now| now.scopes = BuiltInScope::OpenId.into(), Refusal::ScopeNotRegistered),
        ),
        (
            &[],
            of_application(
                |now| now.grant_types = vec![GrantType::RefreshToken],
                Refusal::GrantTypeNotRegistered("authorization_code"),
            ),
        ),
        (&[], of_application(|now| now.profile = Profile::OAuth21, Refusal::ChallengeMissing)),
        (&[], of_application(|now| now.client_type = ClientType::Public, Refusal::ChallengeMissing)),
        (
            &[("redirect_uri", REDIRECT)],
            of_application(
                |now| (now.profile, now.client_type) = (Profile::Fapi2, ClientType::Public),
                Refusal::PublicNotInProfile,
            ),
        ),
        (
            &[],
            of_application(
                |now| now.client_metadata.requests.require_signed_request_object = true,
                Refusal::RequestObjectRequired,
            ),
        ),
        (&[], of_server(|now| now.signing_is_required = true, Refusal::RequestObjectRequired)),
        (&[], of_server(|now| now.messages_are_signed = true, Refusal::SignedResponseRequired)),
    ] {
        assert_eq!(presented(plain, more, &change), Some(change.refusal));
    }
}

#[test]
fn a_stored_request_object_is_held_to_the_rules_of_the_time_at_which_it_is_presented() {
    let stored = |brought| {
        let object = VerifiedObject { algorithm: JwsAlgorithm::Rs256, starts: false, brought };
        Delivered::Stored(NOW, Provenance::in_object(object))
    };
    let (pushed, kept) = (stored(false), stored(true));
    let other_algorithm = |now: &mut ApplicationSettings| {
        now.client_metadata.requests.request_object_signing_alg = Some(JwsAlgorithm::Es256);
    };
    let must_push = |now: &mut ApplicationSettings| {
        now.client_metadata.require_pushed_authorization_requests = true;
    };
    let signed = [("response_mode", "jwt")];
    for delivered in [pushed, kept] {
        for (more, change) in [
            (&[][..], of_application(other_algorithm, Refusal::RequestObjectUnverified)),
            (&signed[..], of_server(|now| now.messages_are_signed = true, Refusal::RequestObjectTimes)),
        ] {
            assert_eq!(presented(delivered, more, &change), Some(change.refusal), "{delivered:?}");
        }
        let signing = of_server(|now| now.signing_is_required = true, Refusal::RequestObjectRequired);
        assert_eq!(presented(delivered, &[], &signing), None);
    }
    let pushing = of_application(must_push, Refusal::PushedRequestRequired);
    assert_eq!(presented(kept, &[], &pushing), Some(Refusal::PushedRequestRequired));
    assert_eq!(presented(pushed, &[], &pushing), None);
    let strict = of_application(|now| now.profile = Profile::Fapi2, Refusal::RequestObjectUnverified);
    let challenge =
        [("redirect_uri", REDIRECT), ("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    assert_eq!(presented(pushed, &challenge, &strict), Some(strict.refusal), "RS256 is not for FAPI 2.0");
}

#[test]
fn a_sign_in_after_a_push_fulfils_its_prompt() {
    let request = request(&[("prompt", "login")]);
    let application = sample::application(|_| {});
    let consent = sample::consent(BuiltInScope::OData);
    for (pushed_at, fulfilled) in [(NOW, true), (NOW.plus_secs(1), false)] {
        let valid =
            check_for(&request, Some(&application), Delivered::Stored(pushed_at, Provenance::default()))
                .unwrap();
        let step = next_step(&valid, Some(signed_in()), Some(&consent), NOW).unwrap();
        assert_eq!(matches!(step, NextStep::IssueCode(_)), fulfilled, "{step:?}");
    }
}

#[test]
fn a_stored_request_is_read_back_unchanged() {
    let sent =
        [("scope", "odata"), ("redirect_uri", REDIRECT), ("prompt", "login consent"), ("state", "a&b=c")];
    let sent = request(
        &[&sent[..], &[("resource", "https://a.example/"), ("resource", "https://b.example/")]].concat(),
    );
    let back = crate::parameters::Parameters::from_form(sent.query().as_bytes()).unwrap();
    assert_eq!(AuthorizeRequest::parse(&back).unwrap(), sent);
}
