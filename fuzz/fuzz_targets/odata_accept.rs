#![no_main]
//! No `Accept` header makes the parser panic, and a format that it returns is accepted under its own name.

use odata::format::{AcceptedFormats, Format};

libfuzzer_sys::fuzz_target!(|header: &str| {
    if let Some(format) = Format::accept(header) {
        assert_eq!(Format::accept(format.media_type()), Some(format));
    }
    if let Some(rows) = AcceptedFormats::by(header).rows {
        assert_eq!(AcceptedFormats::by(rows.media_type()), AcceptedFormats { json: None, rows: Some(rows) });
    }
});
