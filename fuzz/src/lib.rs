//! The applications and clients whose requests the targets parse, and how an input becomes a request.

use std::sync::Arc;

use domain::id::{ApplicationId, ClientId, Epoch, UserId};
use domain::time::Timestamp;
use oauth::application::{
    Application, ApplicationSettings, ClientMetadata, ClientType, GrantType, Profile, TokenFormat,
};
use oauth::client_authentication::{AuthenticatedClient, ClientCredential, Presented, authenticate};
use oauth::scope::{BuiltInScope, ScopeSet};

mod requests;

pub use requests::{first_line, header_values, headers};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// A public client, which does not authenticate.
pub fn public_client(profile: Profile) -> AuthenticatedClient {
    let application = application(profile, ClientType::Public);
    let presented = Presented {
        unverified_client_id: Some(application.client_id.clone()),
        credential: ClientCredential::None,
        is_grant: false,
    };
    authenticate(&presented, Some(Arc::new(application)), NOW, |_, _| false).expect("a public client")
}

/// A client that has authenticated.
pub fn confidential_client() -> AuthenticatedClient {
    let application = application(Profile::Compatible, ClientType::Confidential);
    AuthenticatedClient::of_workload(Arc::new(application), false).expect("a client with a secret")
}

/// An application that is registered for every grant type.
pub fn application(profile: Profile, client_type: ClientType) -> Application {
    let client_id: ClientId = "3f2504e0-4f89-41d3-9a0c-0305e82c3301".parse().expect("a UUID");
    let scopes: ScopeSet = [BuiltInScope::OData, BuiltInScope::OpenId].into_iter().collect();
    Application {
        id: ApplicationId::new(7),
        client_id,
        owner: UserId::new(2),
        owner_name: "owner".to_owned(),
        handed_over: None,
        epoch: Epoch::new(3),
        settings: ApplicationSettings {
            name: "Ship".to_owned(),
            description: String::new(),
            redirect_urls: vec!["https://client.example.com/cb".to_owned()],
            profile,
            client_type,
            grant_types: GrantType::ALL.to_vec(),
            scopes,
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
    }
}
