#![no_main]
//! No body makes the parsers of batches panic; what they accept has few requests, each with an address.

libfuzzer_sys::fuzz_target!(|input: (&[u8], &str)| {
    let (body, boundary) = input;
    for boundary in [None, Some(boundary), Some("b")] {
        if let Ok(requests) = web::fuzzing::batch(body, boundary) {
            assert!(requests.len() <= 100);
        }
    }
});
