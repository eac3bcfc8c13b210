#![no_main]
//! No request makes the parsers of the device authorization and of the backchannel authentication endpoint panic; what they
//! accept is within the registration of the client and its limits.

use std::sync::LazyLock;

use oauth::backchannel::{BackchannelRequest, LONGEST_LIFETIME_SECS};
use oauth::client_authentication::AuthenticatedClient;
use oauth::device::DeviceRequest;
use oauth::parameters::Parameters;
use oauth::scope::{BuiltInScope, ScopeRegistry};

static CLIENT: LazyLock<AuthenticatedClient> = LazyLock::new(fuzz::confidential_client);
static SCOPES: LazyLock<ScopeRegistry> = LazyLock::new(ScopeRegistry::built_in);

libfuzzer_sys::fuzz_target!(|form: &[u8]| {
    let Ok(parameters) = Parameters::from_form(form) else { return };
    let registered = &CLIENT.application().settings.scopes;
    if let Ok(request) = DeviceRequest::parse(&parameters, &CLIENT, &SCOPES) {
        assert_eq!(request.scopes.difference(registered).len(), 0);
    }
    if let Ok(request) = BackchannelRequest::parse(&parameters, &CLIENT, &SCOPES) {
        assert!(
            request.scopes.difference(registered).len() == 0 && request.scopes.contains(BuiltInScope::OpenId)
        );
        assert!((1..=LONGEST_LIFETIME_SECS).contains(&request.lifetime_secs));
        assert!(request.binding_message.is_none_or(|message| message.chars().count() <= 64));
    }
});
