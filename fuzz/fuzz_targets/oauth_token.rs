#![no_main]
//! No client request makes the parsers of the token, introspection and revocation endpoints panic.

use std::sync::LazyLock;

use fuzz::public_client;
use oauth::application::Profile;
use oauth::client_authentication::{AuthenticatedClient, Presented};
use oauth::parameters::Parameters;
use oauth::scope::ScopeRegistry;
use oauth::token::TokenRequest;

static CLIENTS: LazyLock<[AuthenticatedClient; 2]> =
    LazyLock::new(|| [Profile::Compatible, Profile::OAuth21].map(public_client));

static SCOPES: LazyLock<ScopeRegistry> = LazyLock::new(ScopeRegistry::built_in);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for parameters in [Parameters::from_form(bytes), Parameters::from_json(bytes)].into_iter().flatten() {
        let _ = Presented::find(None, &parameters, None);
        let _ = oauth::introspection::parse(&parameters);
        let _ = oauth::revocation_request::parse(&parameters);
        for client in &*CLIENTS {
            let _ = TokenRequest::parse(&parameters, client, &SCOPES);
        }
    }
});
