#![no_main]
//! No client request makes the parsers of the token, introspection and revocation endpoints panic.

use std::sync::{Arc, LazyLock};

use domain::id::{ApplicationId, Epoch, UserId};
use domain::time::Timestamp;
use oauth::application::{
    Application, ApplicationSettings, ClientMetadata, ClientType, GrantType, Profile, TokenFormat,
};
use oauth::client_authentication::{AuthenticatedClient, ClientCredential, Presented, authenticate};
use oauth::parameters::Parameters;
use oauth::scope::{BuiltInScope, ScopeRegistry};
use oauth::token::TokenRequest;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

static CLIENTS: LazyLock<[AuthenticatedClient; 2]> =
    LazyLock::new(|| [Profile::Compatible, Profile::OAuth21].map(client));

static SCOPES: LazyLock<ScopeRegistry> = LazyLock::new(ScopeRegistry::built_in);

/// A public application, which does not authenticate.
fn client(profile: Profile) -> AuthenticatedClient {
    let client_id: domain::id::ClientId = "3f2504e0-4f89-41d3-9a0c-0305e82c3301".parse().expect("a UUID");
    let application = Application {
        id: ApplicationId::new(7),
        client_id: client_id.clone(),
        owner: UserId::new(2),
        owner_name: "owner".to_owned(),
        handed_over: None,
        epoch: Epoch::new(3),
        settings: ApplicationSettings {
            name: "Ship".to_owned(),
            description: String::new(),
            redirect_urls: vec!["https://client.example.com/cb".to_owned()],
            profile,
            client_type: ClientType::Public,
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
    };
    let presented = Presented {
        unverified_client_id: Some(client_id),
        credential: ClientCredential::None,
        is_grant: false,
    };
    authenticate(&presented, Some(Arc::new(application)), NOW, |_, _| false).expect("a public client")
}

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
