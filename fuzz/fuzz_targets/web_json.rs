#![no_main]
//! No bytes make the parser of JSON bodies panic. What it accepts is JSON, and is read again from its text.

use web::json::{Json, parse};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(json) = parse(bytes) else { return };
    let text = json.to_string();
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    assert!(parse(format!("{text}x").as_bytes()).is_err());
    if has_fraction(&json) {
        assert!(parse(text.as_bytes()).is_ok());
        return;
    }
    assert_eq!(parse(text.as_bytes()).as_ref(), Ok(&json));
    let with_spaces = [b"\xef\xbb\xbf ".as_slice(), text.as_bytes(), b"\r\n\t "].concat();
    assert_eq!(parse(&with_spaces).as_ref(), Ok(&json));
});

/// Whether there is a number that is read to the nearest double or to its neighbour.
fn has_fraction(json: &Json) -> bool {
    match json {
        Json::Number(number) => number.is_f64(),
        Json::Array(values) => values.iter().any(has_fraction),
        Json::Object(members) => members.iter().any(|(_, value)| has_fraction(value)),
        Json::Null | Json::Bool(_) | Json::String(_) => false,
    }
}
