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
            signed_response_is_required: false,
        };
        let refused = check(&request, facts(Delivered::ByBrowser)).unwrap_err();
        assert_eq!(redirected(&refused), Refusal::PushedRequestRequired);
        assert!(check(&request, facts(Delivered::Pushed(NOW))).is_ok());
    }
}

#[test]
fn a_sign_in_after_a_push_fulfils_its_prompt() {
    let request = request(&[("prompt", "login")]);
    let application = sample::application(|_| {});
    let consent = sample::consent(BuiltInScope::OData);
    for (pushed_at, fulfilled) in [(NOW, true), (NOW.plus_secs(1), false)] {
        let valid = check_for(&request, Some(&application), Delivered::Pushed(pushed_at)).unwrap();
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
