#![no_main]
//! Values are parsed from their own output, and no text makes the rules of names panic.

use domain::account::{data_source, password, role, user_name};
use domain::id::{ApplicationId, ClientId};
use oauth::scope::ScopeSet;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(scopes) = text.parse::<ScopeSet>() {
        assert_eq!(scopes.to_string().parse(), Ok(scopes));
    }
    if let Ok(id) = text.parse::<ClientId>() {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    if let Ok(id) = text.parse::<ApplicationId>() {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    let _ = (user_name::check(text), data_source::check_name(text), role::check_texts(text, text));
    let (name, secret) = text.split_at(text.floor_char_boundary(text.len() / 2));
    let _ = password::check(secret, name);
});
