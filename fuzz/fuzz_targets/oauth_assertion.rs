#![no_main]
//! No claims make the rules of client assertions panic. An assertion that is accepted names the client and this server, and
//! is remembered for a bounded time.

use std::sync::{Arc, LazyLock};

use domain::id::{ApplicationId, Epoch, UserId};
use domain::time::Timestamp;
use oauth::application::{
    Application, ApplicationSettings, ClientMetadata, ClientType, GrantType, Profile, TokenFormat,
};
use oauth::client_authentication::assertion::{Facts, decide};
use oauth::jwt::Claims;
use oauth::scope::BuiltInScope;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const CLIENT_ID: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
const FACTS: Facts<'static> = Facts {
    issuer: "https://gate.example",
    endpoints: &["https://gate.example/oauth2/token", "https://gate.example/oauth2/par"],
    now: NOW,
};

static APPLICATION: LazyLock<Arc<Application>> = LazyLock::new(|| {
    Arc::new(Application {
        id: ApplicationId::new(7),
        client_id: CLIENT_ID.parse().expect("a UUID"),
        owner: UserId::new(2),
        owner_name: "owner".to_owned(),
        handed_over: None,
        epoch: Epoch::new(3),
        settings: ApplicationSettings {
            name: "Ship".to_owned(),
            description: String::new(),
            redirect_urls: vec!["https://client.example.com/cb".to_owned()],
            profile: Profile::OAuth21,
            client_type: ClientType::Confidential,
            grant_types: GrantType::ALL.to_vec(),
            scopes: BuiltInScope::OData.into(),
            token_format: TokenFormat::Opaque,
            access_token_lifetime_secs: None,
            contacts: Vec::new(),
            logo_url: None,
            cors_origins: Vec::new(),
            client_metadata: ClientMetadata::default(),
        },
        secrets: Vec::new(),
        created_at: NOW,
        updated_at: NOW,
        last_used_at: None,
    })
});

libfuzzer_sys::fuzz_target!(|json: &[u8]| {
    let Ok(claims) = Claims::parse(json) else { return };
    let Ok(assertion) = decide(&claims, APPLICATION.clone(), None, FACTS) else { return };
    assert_eq!(claims.text("sub"), Ok(Some(CLIENT_ID)));
    assert!(claims.audiences().is_ok_and(|all| all.iter().any(|one| one.starts_with(FACTS.issuer))));
    assert!(!assertion.id().is_empty());
    let remembered = assertion.remembered_until();
    assert!(NOW < remembered && remembered <= NOW.plus_secs(2 * 3_600));
});
