#![no_main]
//! A redirect URL that can be registered contains nothing that leads a browser elsewhere.

use oauth::application::Profile;
use oauth::redirect::{AllowedSchemes, RegisteredRedirect, may_be_registered};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if may_be_registered(text, Profile::OAuth21, AllowedSchemes::NONE).is_ok() {
        let Ok(RegisteredRedirect::Full(url)) = RegisteredRedirect::parse(text) else {
            panic!("not a full URL")
        };
        assert!(url.fragment().is_none() && url.username().is_empty() && url.password().is_none());
        assert!(url.scheme() == "https" || url.scheme() == "http" || url.scheme().contains('.'));
    }
});
