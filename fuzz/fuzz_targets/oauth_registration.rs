#![no_main]
//! No payload makes the rules of registration panic, and what they accept they accept again.

use oauth::application::Profile;
use oauth::registration::{ApplicationPayload, Context, Sender, decide};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(json) = serde_json::from_slice(bytes) else { return };
    let Ok(payload) = ApplicationPayload::read(&json) else { return };
    let (default_profile, minimum_profile) = (Profile::Compatible, Profile::Compatible);
    let context = Context { sender: Sender::Administrator, default_profile, minimum_profile, existing: None };
    if let Ok((settings, _)) = decide(&payload, context) {
        let again = decide(&payload, Context { existing: Some(&settings), ..context }).expect("accepted before");
        assert_eq!(again.0, settings);
    }
});
