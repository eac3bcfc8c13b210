#![no_main]
//! No text makes the parser of `authorization_details` panic. What it accepts is within the limits, names each data source once in
//! its normal form, and is parsed from its own output again.

use oauth::authorization_details::{NamedData, RequestedData, parse_text};
use oauth::resource;
use serde_json::json;

/// The maximum number of entity sets in an element.
const MOST_NAMES: usize = 32;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(Some(RequestedData::Named(all))) = parse_text(Some(text)) else { return };
    assert!(!all.is_empty() && all.iter().map(|one| one.entities.len()).sum::<usize>() <= 64);
    for (at, one) in all.iter().enumerate() {
        let NamedData { location, entities, writes } = one;
        assert!(all[..at].iter().all(|other| other.location != *location));
        assert_eq!(resource::normalised([location.as_str()].into_iter()), Ok(vec![location.clone()]));
        if entities.len() > MOST_NAMES {
            continue;
        }
        let mut element = json!({ "type": "data_source", "locations": [location] });
        if !entities.is_empty() {
            element["datatypes"] = json!(entities);
        }
        if *writes {
            element["actions"] = json!(["read", "write"]);
        }
        let again = parse_text(Some(&json!([element]).to_string()));
        assert_eq!(again, Ok(Some(RequestedData::Named(vec![one.clone()]))));
    }
});
