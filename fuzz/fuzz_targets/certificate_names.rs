#![no_main]
//! No certificate makes the reader of its names panic, no text that of distinguished names, and a name that is read is
//! read again from its text.

use oauth::certificate::DistinguishedName;
use oauth::jwt::Object;
use vault::certificate::{is_registered, names};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let found = names(bytes);
    assert!(!is_registered(bytes, &Object::new()));
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(name) = DistinguishedName::parse(text) else { return };
    assert_eq!(DistinguishedName::parse(name.as_str()).as_ref(), Ok(&name));
    if let Some(found) = found {
        let _ = name.is_of(&found.subject);
    }
});
