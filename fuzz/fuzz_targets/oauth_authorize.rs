#![no_main]
//! An authorization request is the same after the return from the sign-in page.

use oauth::authorize::AuthorizeRequest;
use oauth::parameters::Parameters;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(parameters) = Parameters::from_form(bytes) else { return };
    let Ok(request) = AuthorizeRequest::parse(&parameters) else { return };
    if request.client_id.is_some() {
        let back = Parameters::from_form(request.query().as_bytes()).expect("an own query is well formed");
        assert_eq!(AuthorizeRequest::parse(&back).as_ref().map(AuthorizeRequest::query), Ok(request.query()));
    }
});
