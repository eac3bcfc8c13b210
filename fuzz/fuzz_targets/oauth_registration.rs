#![no_main]
//! No payload makes the rules of registration panic, and they accept their own output again.

use domain::account::Permission;
use oauth::application::{AcceptedCertificates, Profile};
use oauth::reachable::Reachable;
use oauth::registration::{ApplicationPayload, RegistrationContext, RequestPayload, decide};
use oauth::scope::ScopeRegistry;

type Texts = [Option<String>; 6];
type Lists = [Option<Vec<String>>; 5];
/// The method of authentication, the address of the keys, two algorithms, and the members of OpenID Connect as JSON.
type Further = ([Option<String>; 5], Option<Vec<String>>, [Option<bool>; 3]);

libfuzzer_sys::fuzz_target!(|input: (Texts, Lists, Option<i64>, Further)| {
    let (texts, lists, access_token_lifetime, (more, request_uris, flags)) = input;
    let [token_endpoint_auth_method, jwks_uri, signing_alg, response_alg, openid] = more;
    let [dpop_bound_access_tokens, require_pushed_authorization_requests, require_signed_request_object] =
        flags;
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
        token_endpoint_auth_method,
        jwks_uri,
        token_endpoint_auth_signing_alg: signing_alg,
        dpop_bound_access_tokens,
        openid: openid.and_then(|json| serde_json::from_str(&json).ok()),
        requests: RequestPayload {
            require_pushed_authorization_requests,
            require_signed_request_object,
            request_uris,
            authorization_signed_response_alg: response_alg,
            authorization_details_types: None,
            ..RequestPayload::default()
        },
        ..ApplicationPayload::default()
    };
    let (default_profile, minimum_profile) = (Profile::Compatible, Profile::Compatible);
    let context = RegistrationContext {
        permissions: &[Permission::Administrator],
        scopes: &ScopeRegistry::built_in(),
        default_profile,
        minimum_profile,
        reachable: Reachable::Public,
        private_use_schemes: &[],
        certificates: AcceptedCertificates::Issued,
        attestable: true,
        existing: None,
    };
    if let Ok((settings, _)) = decide(&payload, context) {
        let again = decide(&payload, RegistrationContext { existing: Some(&settings), ..context })
            .expect("accepted before");
        assert_eq!(again.0, settings);
    }
});
