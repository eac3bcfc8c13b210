#![no_main]
//! No metadata document of a client makes the rules panic. What they accept has usable redirect URIs, grant types of public
//! clients and reachable keys, and the same document gives the same settings again.

use std::sync::LazyLock;

use oauth::application::Profile;
use oauth::client_document;
use oauth::client_registration::may_register;
use oauth::reachable::Reachable;
use oauth::redirect::{self, AllowedSchemes};
use oauth::scope::ScopeRegistry;

const URL: &str = "https://app.example.com/client";

static SCOPES: LazyLock<ScopeRegistry> = LazyLock::new(ScopeRegistry::built_in);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes)
        && client_document::url_identifies_a_client(text).is_ok()
    {
        assert!(text.starts_with("https://") && !text.contains(['#', '\\']));
    }
    let Ok(document) = client_document::read(URL, bytes) else { return };
    for profile in [Profile::Compatible, Profile::Fapi2] {
        let Ok(settings) = document.settings(&SCOPES, profile, Reachable::Public, &[], true, None) else {
            continue;
        };
        assert!(settings.profile >= Profile::OAuth21);
        assert!(settings.grant_types.iter().all(|grant| may_register(*grant, settings.profile)));
        let usable =
            |uri: &String| redirect::may_be_registered(uri, settings.profile, AllowedSchemes::NONE).is_ok();
        assert!(!settings.redirect_urls.is_empty() && settings.redirect_urls.iter().all(usable));
        let keys = settings.client_metadata.authentication.jwks_uri.as_deref();
        assert!(keys.is_none_or(|address| Reachable::Public.check(address).is_ok()));
        let again = document.settings(&SCOPES, profile, Reachable::Public, &[], true, Some(&settings));
        assert_eq!(again, Ok(settings));
    }
});
