//! The properties of the fuzz targets, each checked with some thousand inputs in every test run.

use domain::account::{Permission, data_source, password, role, user_name};
use domain::id::{ApplicationId, ClientId};
use oauth::application::{AcceptedCertificates, Profile};
use oauth::authorize::AuthorizeRequest;
use oauth::client_authentication::{Basic, Presented};
use oauth::parameters::Parameters;
use oauth::reachable::Reachable;
use oauth::registration::{ApplicationPayload, RegistrationContext, decide};
use oauth::scope::ScopeRegistry;
use proptest::prelude::*;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// One of these texts, or any text.
fn text(known: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![4 => prop::sample::select(known).prop_map(str::to_owned), 1 => "\\PC{0,12}", 1 => any::<String>()]
}

fn maybe(known: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    prop::option::of(text(known))
}

fn list(known: &'static [&'static str]) -> impl Strategy<Value = Option<Vec<String>>> {
    prop::option::of(prop::collection::vec(text(known), 0..4))
}

fn payload() -> impl Strategy<Value = ApplicationPayload> {
    let texts = (
        maybe(&["Harbour", " Müller ", "", "Admin", "pаypal", "ระบบERPของเรา", "a\u{301}"]),
        maybe(&["", "about\nus", "x\u{200B}"]),
        maybe(&["compatible", "oauth21"]),
        maybe(&["confidential", "public"]),
        maybe(&["opaque", "jwt"]),
        maybe(&["", "https://example.com/logo.png", "http://example.com"]),
    );
    let lists = (
        list(&["https://example.com/cb", "com.example.app:/cb", "example.com", "http://127.0.0.1/cb"]),
        list(&["authorization_code", "refresh_token", "password", "client_credentials"]),
        list(&["api.access.odata", "api.mgmt", "token.introspect", "odata"]),
        list(&["ops@example.com", " +49 30 1 "]),
        list(&["https://example.com", "https://EXAMPLE.com:443"]),
    );
    (texts, lists, prop::option::of(prop_oneof![Just(600), any::<i64>()])).prop_map(
        |(texts, lists, access_token_lifetime)| {
            let (name, description, profile, client_type, token_format, logo_url) = texts;
            let (redirect_urls, grant_types, scopes, contacts, cors_origins) = lists;
            ApplicationPayload {
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
            }
        },
    )
}

/// Parts of forms and JSON objects.
const PIECES: &[&str] = &[
    "client_id=",
    "client_secret=",
    "token=",
    "grant_type=",
    "code=",
    "scope=",
    "state=",
    "redirect_uri=",
    "response_type=code",
    "code_challenge=",
    "&",
    "=",
    "+",
    "%",
    "%20",
    "%FF",
    "%00",
    "a",
    "ü",
    "\u{0}",
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "https%3A%2F%2Fexample.com%2Fcb",
    "{",
    "}",
    "\"client_id\":",
    "\"token\":",
    "\"x\"",
    ",",
    "null",
    "[",
    "1",
];

fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(config(4_000))]

    #[test]
    fn registration_accepts_its_own_output_unchanged(payload in payload()) {
        let (default_profile, minimum_profile) = (Profile::Compatible, Profile::Compatible);
        let (permissions, scopes) = (&[Permission::Administrator], &ScopeRegistry::built_in());
        let reachable = Reachable::Public;
        let context = RegistrationContext {
            permissions, scopes, default_profile, minimum_profile, reachable, private_use_schemes: &[],
            certificates: AcceptedCertificates::Issued,
            attestable: true,
            existing: None,
        };
        if let Ok((settings, _)) = decide(&payload, context) {
            let again = decide(&payload, RegistrationContext { existing: Some(&settings), ..context });
            prop_assert_eq!(again.map(|(settings, _)| settings), Ok(settings));
        }
    }

    #[test]
    fn texts_are_read_again_from_what_they_print_and_no_name_makes_the_rules_panic(text in any::<String>()) {
        let registry = ScopeRegistry::built_in();
        if let Ok(scopes) = registry.parse(&text) {
            prop_assert_eq!(registry.parse(&registry.text(&scopes)), Ok(scopes));
        }
        if let Ok(id) = text.parse::<ClientId>() {
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }
        if let Ok(id) = text.parse::<ApplicationId>() {
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }
        let _ = (user_name::check(&text), data_source::check_name(&text), role::check_texts(&text, &text));
        let (name, secret) = text.split_at(text.floor_char_boundary(text.len() / 2));
        let _ = password::check(secret, name);
    }

    #[test]
    fn no_client_request_makes_the_parsers_panic(body in body()) {
        let _ = Basic::parse(&body);
        for parameters in [Parameters::from_form(&body), Parameters::from_json(&body)].into_iter().flatten() {
            let _ = Presented::find(None, &parameters, None);
            let _ = oauth::introspection::parse(&parameters);
            let _ = oauth::revocation_request::parse(&parameters);
        }
    }

    #[test]
    fn the_authorization_request_is_unchanged_after_sign_in(body in body()) {
        let Ok(parameters) = Parameters::from_form(&body) else { return Ok(()) };
        let Ok(request) = AuthorizeRequest::parse(&parameters) else { return Ok(()) };
        if request.client_id.is_some() {
            let back = Parameters::from_form(request.query().as_bytes()).expect("an own query is well formed");
            let back = AuthorizeRequest::parse(&back);
            prop_assert_eq!(back.as_ref().map(AuthorizeRequest::query), Ok(request.query()));
        }
    }
}
