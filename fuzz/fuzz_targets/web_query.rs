#![no_main]
//! No query makes its decoder panic. Each parameter is there once, as it was sent, and a repeated one is refused; a time is read
//! again from its text.

use url::form_urlencoded::{Serializer, parse};
use web::extract::QueryParameters;
use web::respond::management::{from_rfc3339, rfc3339};

libfuzzer_sys::fuzz_target!(|query: &str| {
    if let Some(at) = from_rfc3339(query) {
        assert_eq!(from_rfc3339(&rfc3339(at)), Some(at));
    }
    let Ok(parameters) = QueryParameters::decode(query) else { return };
    let sent: Vec<(String, String)> =
        parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    assert!(sent.len() <= 64);
    for (name, value) in &sent {
        assert_eq!(parameters.get(name), Some(value.as_str()));
    }
    let names: Vec<&str> = sent.iter().map(|(name, _)| name.as_str()).collect();
    assert!(parameters.only(&names).is_ok());
    assert_eq!(parameters.only(&names[..names.len().saturating_sub(1)]).is_ok(), names.is_empty());
    let again = Serializer::new(String::new()).extend_pairs(&sent).finish();
    let again = QueryParameters::decode(&again).expect("the same parameters");
    assert!(sent.iter().all(|(name, value)| again.get(name) == Some(value.as_str())));
    if let Some(name) = names.first() {
        let repeated = Serializer::new(String::new()).extend_pairs(&sent).append_pair(name, "").finish();
        assert!(QueryParameters::decode(&repeated).is_err());
    }
});
