#![no_main]
//! No `Accept` header makes the parser panic, and a format that it returns is accepted under its own name.

use odata::format::Format;

libfuzzer_sys::fuzz_target!(|header: &str| {
    if let Some(format) = Format::accept(header) {
        assert_eq!(Format::accept(format.media_type()), Some(format));
    }
});
