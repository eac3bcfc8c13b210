//! Records for the tests of the rules: an application `ship`, its owner, and variations of both.

use std::sync::{Arc, LazyLock};

use crate::application::{
    Application, ApplicationSettings, ClientMetadata, ClientType, GrantType, Profile, StoredSecret,
    TokenFormat,
};
use crate::backchannel::BackchannelAuthentication;
use crate::client_authentication::{
    AuthenticatedClient, ClientCredential, Presented, SecretPlace, authenticate,
};
use crate::device::DeviceAuthorization;
use crate::grant::{Consent, Grant, GrantDetails, GrantOrigin};
use crate::parameters::Parameters;
use crate::scope::{BuiltInScope, ScopeRegistry, ScopeSet};
use crate::token::polling::UserDecision;
use domain::account::attributes::SubjectSeed;
use domain::account::{Lockout, USER_ROLE, User};
use domain::id::{
    ApplicationId, BackchannelAuthenticationId, CodeId, ConsentId, DeviceAuthorizationId, Epoch, GrantId,
    SecretId, UserId,
};
use domain::secret::{ClientSecret, Digest, PasswordHash};
use domain::time::Timestamp;

/// The current time in the tests.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
/// The example client id in Hybrid Data Pipeline's documentation has this form.
pub(crate) const CLIENT_ID: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
/// The secret whose digest [`is_secret`] accepts.
pub(crate) const SECRET: &str = "sgs_right";
/// The redirect URL of RFC 6749's examples.
pub(crate) const REDIRECT: &str = "https://client.example.com/cb";

pub(crate) fn pairs(given: &[(&str, &str)]) -> Parameters {
    Parameters::new(given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))).unwrap()
}

pub(crate) fn settings() -> ApplicationSettings {
    ApplicationSettings {
        name: "Ship".to_owned(),
        description: String::new(),
        redirect_urls: vec![REDIRECT.to_owned()],
        profile: Profile::Compatible,
        client_type: ClientType::Confidential,
        grant_types: GrantType::ALL.to_vec(),
        scopes: BuiltInScope::OData.into(),
        token_format: TokenFormat::Opaque,
        access_token_lifetime_secs: None,
        contacts: Vec::new(),
        logo_url: None,
        cors_origins: Vec::new(),
        client_metadata: ClientMetadata::default(),
    }
}

pub(crate) fn application(change: impl FnOnce(&mut ApplicationSettings)) -> Application {
    let mut settings = settings();
    change(&mut settings);
    let confidential = settings.client_type == ClientType::Confidential;
    Application {
        id: ApplicationId::new(7),
        client_id: CLIENT_ID.parse().unwrap(),
        owner: UserId::new(2),
        owner_name: "owner".to_owned(),
        handed_over: None,
        epoch: Epoch::new(3),
        settings,
        secrets: if confidential { vec![stored_secret(1)] } else { Vec::new() },
        created_at: NOW,
        updated_at: NOW,
        last_used_at: None,
    }
}

/// Digests in the tests contain a mark: 1 for [`SECRET`], 2 for `sgs_other`.
pub(crate) fn stored_secret(mark: u8) -> StoredSecret {
    StoredSecret {
        id: SecretId::new(mark.into()),
        digest: Digest::from_bytes([mark; 32]),
        hint: "ight".to_owned(),
        created_at: NOW,
        expires_at: None,
        last_used_at: None,
        sealed: None,
    }
}

pub(crate) fn is_secret(presented: &ClientSecret, stored: &StoredSecret) -> bool {
    let mark = match presented.expose() {
        SECRET => 1,
        "sgs_other" => 2,
        _ => 0,
    };
    stored.digest.as_bytes() == &[mark; 32]
}

pub(crate) fn client(change: impl FnOnce(&mut ApplicationSettings)) -> AuthenticatedClient {
    authenticated(application(change))
}

pub(crate) fn authenticated(application: Application) -> AuthenticatedClient {
    let confidential = application.settings.client_type == ClientType::Confidential;
    let presented = Presented {
        unverified_client_id: Some(application.client_id.clone()),
        credential: if confidential {
            ClientCredential::Secret(ClientSecret::new(SECRET), SecretPlace::Header)
        } else {
            ClientCredential::None
        },
        is_grant: false,
    };
    authenticate(&presented, Some(Arc::new(application)), NOW, is_secret).unwrap()
}

/// Another application, `boat`.
pub(crate) fn other_client(change: impl FnOnce(&mut ApplicationSettings)) -> AuthenticatedClient {
    authenticated(Application { id: ApplicationId::new(8), ..application(change) })
}

pub(crate) fn user(id: i64) -> User {
    User {
        id: UserId::new(id),
        name: format!("user{id}"),
        password: PasswordHash::new("$argon2id$"),
        active: true,
        password_expires_at: None,
        roles: vec![USER_ROLE],
        epoch: Epoch::new(5),
        lockout: Lockout::default(),
        attributes: None,
        subject_seed: SubjectSeed::new(format!("{id:032x}")),
        has_second_factor: false,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// The consent of user 4 for `ship`.
pub(crate) fn consent(scopes: impl Into<ScopeSet>) -> Consent {
    Consent {
        id: ConsentId::new(11),
        user: UserId::new(4),
        application: ApplicationId::new(7),
        scopes: scopes.into(),
        data: None,
        created_at: NOW,
    }
}

/// A request of a device of `ship`, for which nobody has decided.
pub(crate) fn device_authorization() -> DeviceAuthorization {
    DeviceAuthorization {
        id: DeviceAuthorizationId::new(31),
        code: CodeId::compose(NOW, [2; 8]),
        application: ApplicationId::new(7),
        application_epoch: Epoch::new(3),
        scopes: BuiltInScope::OData.into(),
        details: GrantDetails::default(),
        expires_at: NOW.plus_secs(600),
        polled_at: None,
        decision: UserDecision::Pending,
    }
}

/// A request of `ship` to user 4, who has not decided.
pub(crate) fn backchannel_authentication() -> BackchannelAuthentication {
    BackchannelAuthentication {
        id: BackchannelAuthenticationId::new(41),
        code: CodeId::compose(NOW, [3; 8]),
        application: ApplicationId::new(7),
        application_epoch: Epoch::new(3),
        user: UserId::new(4),
        user_epoch: Epoch::new(5),
        scopes: BuiltInScope::OpenId.into(),
        details: GrantDetails::default(),
        binding_message: Some("W4SCT".to_owned()),
        max_age_secs: None,
        address: Some("192.0.2.7".to_owned()),
        created_at: NOW,
        expires_at: NOW.plus_secs(300),
        polled_at: None,
        decision: UserDecision::Pending,
    }
}

/// The grant of user 4 for `ship`, never rotated.
pub(crate) fn grant() -> Grant {
    Grant {
        id: GrantId::new(21),
        application: ApplicationId::new(7),
        application_epoch: Epoch::new(3),
        user: UserId::new(4),
        user_epoch: Epoch::new(5),
        origin: GrantOrigin::Code(CodeId::compose(NOW, [1; 8])),
        scopes: BuiltInScope::OData.into(),
        details: Box::default(),
        refreshable: true,
        generation: 0,
        rotated_at: None,
        key: 1,
        created_at: NOW,
        last_used_at: None,
        expires_at: None,
        revoked_at: None,
    }
}

/// The scopes of a new installation.
pub(crate) fn built_in_scopes() -> &'static ScopeRegistry {
    static SCOPES: LazyLock<ScopeRegistry> = LazyLock::new(ScopeRegistry::built_in);
    &SCOPES
}
