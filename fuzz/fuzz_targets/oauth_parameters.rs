#![no_main]
//! No body and no header makes the parsers of credentials and parameters panic.

use oauth::parameters::{CLIENT_ID, Parameters};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = oauth::client_authentication::Basic::parse(bytes);
    for parameters in [Parameters::from_form(bytes), Parameters::from_json(bytes)].into_iter().flatten() {
        let _ = parameters.required(CLIENT_ID);
    }
});
