#![no_main]
//! No request makes the parsers of the parameters around an authorization request panic; a pushed request is of the client that
//! pushed it, contains no reference, and is the same when it is read again.

use std::sync::LazyLock;

use oauth::authorize::{AuthorizeRequest, Envelope, EnvelopeContent, REFERENCE_PREFIX, pushed_object};
use oauth::client_authentication::AuthenticatedClient;
use oauth::parameters::Parameters;

static CLIENT: LazyLock<AuthenticatedClient> = LazyLock::new(fuzz::confidential_client);

libfuzzer_sys::fuzz_target!(|form: &[u8]| {
    let Ok(parameters) = Parameters::from_form(form) else { return };
    if let Ok(envelope) = Envelope::parse(&parameters) {
        let is_pushed = matches!(&envelope.content, EnvelopeContent::Pushed(_));
        let names_reference = |uri: &str| uri.starts_with(REFERENCE_PREFIX);
        if let EnvelopeContent::Pushed(uri) | EnvelopeContent::ObjectAt(uri) = &envelope.content {
            assert_eq!(names_reference(uri), is_pushed);
            assert!(AuthorizeRequest::parse_pushed(&parameters, &CLIENT).is_err());
            assert!(pushed_object(&parameters).is_err());
        }
    }
    let Ok(request) = AuthorizeRequest::parse_pushed(&parameters, &CLIENT) else { return };
    assert_eq!(request.client_id.as_ref(), Some(&CLIENT.application().client_id));
    let stored = Parameters::from_form(request.query().as_bytes()).expect("an own query is well formed");
    assert_eq!(AuthorizeRequest::parse(&stored).as_ref().map(AuthorizeRequest::query), Ok(request.query()));
});
