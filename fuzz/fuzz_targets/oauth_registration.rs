#![no_main]
//! No payload makes the rules of registration panic, and they accept their own output again.

use domain::account::Permission;
use oauth::application::Profile;
use oauth::reachable::Reachable;
use oauth::registration::{ApplicationPayload, RegistrationContext, decide};
use oauth::scope::ScopeRegistry;

type Texts = [Option<String>; 6];
type Lists = [Option<Vec<String>>; 5];

libfuzzer_sys::fuzz_target!(|input: (Texts, Lists, Option<i64>)| {
    let (texts, lists, access_token_lifetime) = input;
    let [name, description, profile, client_type, token_format, logo_url] = texts;
    let [redirect_urls, grant_types, scopes, contacts, cors_origins] = lists;
    let payload = ApplicationPayload {
        name,
        description,
        redirect_urls,
        profile,
        grant_types,
        scopes,
        client_type,
        token_format,
        access_token_lifetime,
        contacts,
        logo_url,
        cors_origins,
        ..ApplicationPayload::default()
    };
    let (default_profile, minimum_profile) = (Profile::Compatible, Profile::Compatible);
    let context = RegistrationContext {
        permissions: &[Permission::Administrator],
        scopes: &ScopeRegistry::built_in(),
        default_profile,
        minimum_profile,
        reachable: Reachable::Public,
        existing: None,
    };
    if let Ok((settings, _)) = decide(&payload, context) {
        let again = decide(&payload, RegistrationContext { existing: Some(&settings), ..context })
            .expect("accepted before");
        assert_eq!(again.0, settings);
    }
});
