#![no_main]
//! Values are parsed from their own output, and no text makes the rules of names panic.

use std::sync::LazyLock;

use domain::account::{data_source, password, role, user_name};
use domain::id::{ApplicationId, ClientId};
use oauth::scope::{NewResourceServer, ScopeRegistry};

static SCOPES: LazyLock<ScopeRegistry> = LazyLock::new(ScopeRegistry::built_in);

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(scopes) = SCOPES.parse(text) {
        assert_eq!(SCOPES.parse(&SCOPES.text(&scopes)), Ok(scopes));
    }
    let _ = NewResourceServer { identifier: text.to_owned(), name: text.to_owned() }.faults();
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
