#![no_main]
//! Bytes that are parsed as a position are the encoding of that position.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(position) = odata::position::Position::from_bytes(bytes) {
        assert_eq!(position.to_bytes(), bytes);
    }
});
