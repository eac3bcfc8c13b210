//! Records with which the tests work.

use std::sync::Arc;

use domain::account::User;
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::CodeId;
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::application::{
    Application, ApplicationSettings, ClientMetadata, ClientType, GrantType, Profile, TokenFormat,
};
use oauth::scope::{BuiltInScope, ScopeSet};

use crate::{GrantCreation, NewApplication, NewGrant, NewSecret, SealedSecret, Store};

/// The time at which every test starts.
pub(super) const START: Timestamp = Timestamp::from_secs(1_000_000);

/// A time at which every issued token has expired.
pub(super) const OVER: Timestamp = Timestamp::from_secs(1_100_000);

pub(super) async fn create_grant(store: &Arc<dyn Store>, new: NewGrant) -> GrantCreation {
    store.create_grant(new, OVER, event(Action::ReplayCode)).await.unwrap()
}

pub(super) async fn insert_application(store: &Arc<dyn Store>, owner: &User, n: u8) -> Application {
    let new = NewApplication {
        client_id: format!("00000000-0000-4000-8000-{n:012x}").parse().unwrap(),
        owner: owner.id,
        settings: settings_named("Report"),
        secret: Some(new_secret(n)),
        at: START,
    };
    store.insert_application(new, event(Action::RegisterApplication)).await.unwrap().unwrap()
}

pub(super) fn settings_named(name: &str) -> ApplicationSettings {
    ApplicationSettings {
        name: name.to_owned(),
        description: "Shows figures".to_owned(),
        redirect_urls: vec!["https://example.com/cb".to_owned(), "com.example.app:/cb".to_owned()],
        profile: Profile::OAuth21,
        client_type: ClientType::Confidential,
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        scopes: odata(),
        token_format: TokenFormat::Opaque,
        access_token_lifetime_secs: Some(600),
        contacts: vec!["ops@example.com".to_owned()],
        logo_url: Some("https://example.com/logo.png".to_owned()),
        cors_origins: vec!["https://pages.example.com".to_owned()],
        client_metadata: ClientMetadata::from_json(Some(r#"{"later_member":1}"#)).unwrap(),
    }
}

pub(super) fn new_secret(n: u8) -> NewSecret {
    NewSecret { digest: Digest::from_bytes([n; 32]), hint: format!("{n:04}"), sealed: SealedSecret::None }
}

pub(super) fn code_id(n: u64) -> CodeId {
    CodeId::compose(START, n.to_be_bytes())
}

pub(super) fn odata() -> ScopeSet {
    BuiltInScope::OData.into()
}

pub(super) fn event(action: Action) -> NewAuditEvent {
    event_at(action, START)
}

pub(super) fn event_at(action: Action, at: Timestamp) -> NewAuditEvent {
    NewAuditEvent::new(action, Outcome::Success, at)
}
