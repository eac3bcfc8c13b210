#![no_main]
//! No request makes the parsers of OpenID Connect, of logout, of resources and of user codes panic; a normal form stays
//! as it is.

use oauth::device::UserCode;
use oauth::oidc::{claims_request, logout::LogoutRequest};
use oauth::parameters::Parameters;
use oauth::resource;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Some(code) = UserCode::parse(text) {
        assert_eq!(UserCode::parse(&code.for_people()), Some(code));
    }
    if let Ok(claims) = claims_request::parse(text) {
        let scopes = claims.request.scopes();
        assert_eq!(claims.request.within(&scopes), claims.request);
    }
    if let Ok(resources) = resource::normalised(text.split_whitespace()) {
        let again = resource::normalised(resources.iter().map(String::as_str));
        assert_eq!(again.as_ref(), Ok(&resources));
    }
    if let Ok(parameters) = Parameters::from_form(text.as_bytes()) {
        let _ = LogoutRequest::parse(&parameters);
    }
});
