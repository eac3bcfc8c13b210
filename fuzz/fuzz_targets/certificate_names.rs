#![no_main]
//! No certificate makes the reader of its names panic, no text that of distinguished names, and a name that is read is
//! read again from its text.

use oauth::certificate::DistinguishedName;
use vault::certificate::names;
use vault::jose::KeySet;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let found = names(bytes);
    let others =
        br#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    assert!(!KeySet::parse(others).expect("a set").contains_certificate(bytes));
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(name) = DistinguishedName::parse(text) else { return };
    assert_eq!(DistinguishedName::parse(name.as_str()).as_ref(), Ok(&name));
    if let Some(found) = found {
        let _ = name.is_of(&found.subject);
    }
});
