#![no_main]
//! No text makes the parser panic.

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(url) = odata::url::Url::read(text) {
        let _ = odata::syntax::Request::parse(&url);
    }
});
