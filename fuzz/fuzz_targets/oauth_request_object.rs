#![no_main]
//! No claims of a request object make its rules panic. What they accept is of the client, for this server, and the same request
//! after the return from the sign-in page.

use std::sync::LazyLock;

use domain::id::{ApplicationId, Epoch, UserId};
use domain::time::Timestamp;
use oauth::application::{AcceptedCertificates, Application, Profile};
use oauth::authorize::{AuthorizeRequest, ObjectFacts};
use oauth::jwt::Claims;
use oauth::parameters::Parameters;
use oauth::reachable::Reachable;
use oauth::registration::{ApplicationPayload, RegistrationContext, decide};
use oauth::scope::ScopeRegistry;
use oauth::signing::JwsAlgorithm;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const ISSUER: &str = "https://gate.example";
const CLIENT: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

static APPLICATION: LazyLock<Application> = LazyLock::new(|| {
    let payload = ApplicationPayload {
        name: Some("Reports".to_owned()),
        redirect_urls: Some(vec!["https://app.example.com/callback".to_owned()]),
        ..ApplicationPayload::default()
    };
    let context = RegistrationContext {
        permissions: &[],
        scopes: &ScopeRegistry::built_in(),
        default_profile: Profile::Compatible,
        minimum_profile: Profile::Compatible,
        reachable: Reachable::Public,
        private_use_schemes: &[],
        certificates: AcceptedCertificates::Issued,
        attestable: true,
        existing: None,
    };
    let (settings, _) = decide(&payload, context).expect("a good payload");
    Application {
        id: ApplicationId::new(1),
        client_id: CLIENT.parse().expect("a client id"),
        owner: UserId::new(1),
        owner_name: "ada".to_owned(),
        handed_over: None,
        epoch: Epoch::new(1),
        settings,
        secrets: Vec::new(),
        created_at: NOW,
        updated_at: NOW,
        last_used_at: None,
    }
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(claims) = Claims::parse(bytes) else { return };
    for start_is_required in [false, true] {
        let facts = ObjectFacts {
            application: &APPLICATION,
            issuer: ISSUER,
            algorithm: JwsAlgorithm::Es256,
            brought: true,
            start_is_required,
            now: NOW,
        };
        let Ok((request, object)) = AuthorizeRequest::from_object(claims.clone(), facts) else { continue };
        assert_eq!(claims.text("iss"), Ok(Some(CLIENT)));
        assert!(claims.audiences().expect("an audience").contains(&ISSUER));
        assert!(claims.time("exp").expect("a time").is_some_and(|end| end > NOW));
        assert_eq!(object.starts, claims.get("nbf").is_some());
        assert!(object.starts || !start_is_required);
        assert_eq!(request.client_id.as_ref(), Some(&APPLICATION.client_id));
        let back = Parameters::from_form(request.query().as_bytes()).expect("an own query is well formed");
        assert_eq!(AuthorizeRequest::parse(&back), Ok(request));
    }
});
