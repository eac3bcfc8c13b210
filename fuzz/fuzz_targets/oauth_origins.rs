#![no_main]
//! No text makes the parsers of origins panic. An origin and a pattern are read again from their text, in either case; a pattern
//! with a star names hosts below its own only.

use oauth::cors::{OriginPattern, WebOrigin};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(origin) = text.parse::<WebOrigin>() {
        let shown = origin.to_string();
        assert_eq!(shown.parse(), Ok(origin.clone()));
        assert_eq!(shown.to_ascii_uppercase().parse(), Ok(origin.clone()));
        if let Ok(pattern) = shown.parse::<OriginPattern>() {
            assert!(pattern.matches(&origin));
            assert_eq!(pattern.single(), Ok(origin));
        }
    }
    let Ok(pattern) = text.parse::<OriginPattern>() else { return };
    let shown = pattern.to_string();
    assert_eq!(shown.parse(), Ok(pattern.clone()));
    let Some((scheme, host)) = shown.split_once("://*.") else { return };
    let of = |host: String| format!("{scheme}://{host}").parse::<WebOrigin>();
    assert!(of(host.to_owned()).is_ok_and(|base| !pattern.matches(&base)));
    // A host that is too long is no origin.
    assert!(of(format!("evil{host}")).map_or(true, |other| !pattern.matches(&other)));
    assert!(of(format!("a.{host}")).map_or(true, |below| pattern.matches(&below)));
});
