//! The contract of the system database: the records, the operations that every backend offers, and what the
//! backends share.
//!
//! Each operation is atomic. A condition that must hold between a check and a write is part of the operation
//! (a conditional write, whose zero-row result is an answer), so callers never check first and act later. An
//! acknowledged operation survives `kill -9` and power loss. Operations that revoke access return the
//! [`Revocation`](oauth::revocation::Revocation)s that they appended, so that the node can update its
//! revocation index before it answers. Operations that change or refuse access take a
//! [`NewAuditEvent`](domain::audit::NewAuditEvent) and write it in the same transaction. If that event names
//! an [`Authority`](domain::account::Authority), the operation succeeds only while the authority holds: a
//! right that is withdrawn between the decision and the write has no effect any more.
//!
//! **Architecture invariant:** this crate knows no OAuth error code, no HTTP, no driver, and nothing that
//! distinguishes one kind of database from another. Its SQL is that of [`relational`], which every backend runs.
//!
//! Start reading at [`Store`], then [`rules`] and [`relational`]. `conformance` is the suite that each backend passes;
//! it is behind the feature of that name, so that production builds do not contain it.

use std::future::Future;
use std::pin::Pin;

mod access_answer;
mod allow_lists;
mod applications;
mod audit;
mod backchannel_authentications;
mod client_registrations;
pub mod columns;
#[cfg(feature = "conformance")]
pub mod conformance;
mod data_sources;
mod device_authorizations;
mod document_clients;
mod error;
mod grants;
mod logout_deliveries;
mod mails;
mod maintenance;
mod one_time_links;
mod personal_access_tokens;
mod pushed_requests;
pub mod relational;
mod resource_servers;
mod restore;
pub mod rules;
mod second_factors;
mod settings;
mod sign_ins;
mod signing_keys;
mod trusted_issuers;
mod trusted_origins;
mod used_assertions;
mod users;

pub use access_answer::{AccessAnswer, AccessAnswered};
pub use allow_lists::{AllowListRefusal, AllowListStore};
pub use applications::{
    Amendment, ApplicationFilter, ApplicationRefusal, Applications, NewApplication, NewSecret, SealedSecret,
};
pub use audit::{Audit, AuditFilter};
pub use backchannel_authentications::{
    BackchannelAuthentications, BackchannelInsertion, BackchannelLimits, NewBackchannelAuthentication,
};
pub use client_registrations::{
    ClientRegistrations, InitialAccessTokenRefusal, MOST_INITIAL_ACCESS_TOKENS, NewInitialAccessToken,
    NewRegistration, RegistrationTokens,
};
pub use data_sources::{
    DataSourceChange, DataSourceRefusal, DataSources, MaxAuthenticationAge, MembersChange, ModelChange,
    ModelPrecondition, NewDataSource, Sealing, Sharing,
};
pub use device_authorizations::{DeviceAuthorizations, DeviceInsertion, NewDeviceAuthorization};
pub use document_clients::{DocumentClientLimits, DocumentClients};
pub use domain::fold::{fold_name, name_forms};
pub use error::{StoreError, WithCauses};
pub use grants::{AccessOf, GrantCreation, Grants, NewConsent, NewGrant, Rotated, StoredConsent};
pub use logout_deliveries::{LogoutClaim, LogoutDeliveries, LogoutDelivery, MOST_LOGOUT_DELIVERIES};
pub use mails::{MOST_MAILS, MOST_MAILS_OF_STRANGERS, MailClaim, Mails, NewMail, WaitingMail};
pub use maintenance::{Maintenance, Purge, Purged, StoreFigures, Usage};
pub use one_time_links::{LinkUse, NewLink, NewOneTimeLink, OneTimeLinkRefusal, OneTimeLinks};
pub use personal_access_tokens::{NewPersonalAccessToken, PersonalAccessTokenRefusal, PersonalAccessTokens};
pub use pushed_requests::{
    NewPushedRequest, PushedRequest, PushedRequestLimits, PushedRequestOpening, PushedRequests,
};
pub use resource_servers::{ResourceServerRefusal, ResourceServers};
pub use restore::{BACKUP_OF, Credentials, ID_GAP, NewAdministrator, Restored, Restoring};
pub use second_factors::{NewSecondFactor, SecondFactorRefusal, SecondFactors};
pub use settings::{RightsChanged, StoredKey, SystemSettings, Versions};
pub use sign_ins::{
    ComesFrom, FailureCounted, FamiliarNetwork, MOST_FAMILIAR_NETWORKS, RefusedSignIn, SignInFacts, SignIns,
    SucceededSignIn,
};
pub use signing_keys::{SigningKeys, StoredExternalKey, StoredSigningKey, SupersededSigningKeys};
pub use trusted_issuers::{TrustedIssuerRefusal, TrustedIssuers};
pub use trusted_origins::{TrustedOriginRefusal, TrustedOrigins};
pub use used_assertions::UsedAssertions;
pub use users::{
    DeletedUser, EndedSession, EndedSessions, MOST_NAMES, MOST_POSSESSIONS, MOST_SESSIONS, NewAttributes,
    NewSession, NewUser, Owned, PasswordChange, Possessions, ReplacedSession, UserChange, UserRefusal, Users,
};

/// The future of an operation, boxed so that the backend can be chosen when the server starts.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The system database.
pub trait Store:
    Users
    + SignIns
    + Applications
    + ClientRegistrations
    + PersonalAccessTokens
    + SecondFactors
    + OneTimeLinks
    + Mails
    + Grants
    + DeviceAuthorizations
    + BackchannelAuthentications
    + PushedRequests
    + UsedAssertions
    + LogoutDeliveries
    + DocumentClients
    + DataSources
    + SystemSettings
    + SigningKeys
    + TrustedIssuers
    + TrustedOrigins
    + AllowListStore
    + ResourceServers
    + Audit
    + Maintenance
    + Send
    + Sync
    + 'static
{
}

impl<T> Store for T where
    T: Users
        + SignIns
        + Applications
        + ClientRegistrations
        + PersonalAccessTokens
        + SecondFactors
        + OneTimeLinks
        + Mails
        + Grants
        + DeviceAuthorizations
        + BackchannelAuthentications
        + PushedRequests
        + UsedAssertions
        + LogoutDeliveries
        + DocumentClients
        + DataSources
        + SystemSettings
        + SigningKeys
        + TrustedIssuers
        + TrustedOrigins
        + AllowListStore
        + ResourceServers
        + Audit
        + Maintenance
        + Send
        + Sync
        + 'static
{
}

/// The operation succeeded, or a rule that only the database can check refused it.
pub type Judged<T, Refusal> = Result<T, Refusal>;
