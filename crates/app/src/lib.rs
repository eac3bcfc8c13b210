//! The use cases: they load facts, ask `oauth` and `odata` to decide, apply the decision, and audit it.
//!
//! Only this crate connects the protocol, the data path, the system database, the vault and the data sources.
//! A use case is one method of a service, such as [`TokenService::issue`](protocol::token::TokenService::issue). It takes the
//! content of a request and returns the result, in types that know nothing of HTTP. A service is a handle for one
//! subject; all services share one context. [`App`] hands them out, so that a handler gets the one that it needs.
//!
//! The context has fields and the clock, no use cases. What one service needs is a method of that service. What several
//! need is a method of the field that it works on, or of a component: a small `Copy` struct that borrows from the context
//! what its subject needs, as `ChangeFeed::of(&context)` does, and takes `self` by value.
//!
//! **Architecture invariant:** this crate knows no HTTP status, no page and no JSON form. Nothing is checked
//! first and done later: what must hold together is one operation of the store.
//!
//! Start reading at [`App`], then [`identity::caller`] (who sends a request) and [`protocol::token`] (what is
//! issued).

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use domain::time::Timestamp;
use sources::Sources;
use store::Store;
use vault::Vault;

/// Makes a service of a struct that holds the shared context.
macro_rules! service {
    ($name:ident) => {
        impl From<&std::sync::Arc<$crate::Context>> for $name {
            fn from(context: &std::sync::Arc<$crate::Context>) -> Self {
                Self { context: std::sync::Arc::clone(context) }
            }
        }

        impl From<&$crate::App> for $name {
            fn from(app: &$crate::App) -> Self {
                Self::from(&app.context)
            }
        }
    };
}

/// Makes a component of a struct that borrows the shared context.
macro_rules! component {
    ($name:ident) => {
        component!($name, $crate::Context);
    };
    // One that starts work that goes on without whoever asked for it.
    ($name:ident, $context:ty) => {
        impl<'a> $name<'a> {
            pub(crate) const fn of(context: &'a $context) -> Self {
                Self { context }
            }
        }
    };
}

pub mod data;
pub mod error;
mod field_fault;
pub mod identity;
pub mod management;
pub mod node;
pub mod protocol;
mod subject;

pub use error::Fault;
pub use node::settings::AppSettings;

/// The running service, which hands out the service of each subject.
#[derive(Clone)]
pub struct App {
    context: Arc<Context>,
}

/// What all services share: the database, the keys, the data sources, and the caches of this node. Components borrow it.
pub(crate) struct Context {
    store: Arc<dyn Store>,
    vault: Arc<Vault>,
    sources: Arc<Sources>,
    clock: Arc<dyn node::clock::Clock>,
    settings: AppSettings,
    revocations: node::revocations::RevocationIndex,
    entities: node::entity_cache::EntityCache,
    usage: node::usage::UsageRecorder,
    staleness: node::feed::Staleness,
    client_documents: protocol::client_document::ClientDocuments,
    client_keys: protocol::client_keys::ClientKeys,
    registrations: protocol::client_registration::Registrations,
    issuer_keys: node::issuer_keys::IssuerKeys,
    outbound: node::outbound::Outbound,
    rates: node::rates::Rates,
    strangers: node::strangers::Strangers,
    accepted_proofs: node::dpop_proofs::AcceptedProofs,
    throttle: node::audit_throttle::AuditThrottle,
    models: data::models::Models,
    data: data::Data,
    creating_signing_key: tokio::sync::Mutex<()>,
    signer: node::external_keys::SignerState,
    logouts_stored: node::logout_deliveries::LogoutsStored,
    mail_stored: node::mail_deliveries::MailStored,
    forgotten: identity::forgotten::ForgottenPasswords,
    draining: AtomicBool,
    probe: node::maintenance::Probe,
    metrics: node::metrics::Metrics,
}

impl Context {
    /// The current time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl App {
    /// Creates the service. Call [`NodeService::refresh`](node::NodeService::refresh) once before serving, so that it knows all
    /// revocations.
    pub fn new(
        store: Arc<dyn Store>,
        vault: Arc<Vault>,
        sources: Arc<Sources>,
        clock: Arc<dyn node::clock::Clock>,
        settings: AppSettings,
    ) -> Self {
        let rates = node::rates::Rates::new(settings.rates);
        let metrics = node::metrics::Metrics::default();
        metrics.started.set(clock.now().as_secs());
        let context = Context {
            client_documents: protocol::client_document::ClientDocuments::new(&settings.outbound),
            client_keys: protocol::client_keys::ClientKeys::new(&settings.outbound),
            registrations: protocol::client_registration::Registrations::new(&settings.client_registration),
            issuer_keys: node::issuer_keys::IssuerKeys::new(&settings.outbound),
            outbound: node::outbound::Outbound::new(&settings.outbound),
            rates,
            strangers: node::strangers::Strangers::new(settings.rates.enabled),
            accepted_proofs: node::dpop_proofs::AcceptedProofs::default(),
            throttle: node::audit_throttle::AuditThrottle::default(),
            signer: node::external_keys::SignerState::new(settings.external_signer.as_ref()),
            models: data::models::Models::default(),
            data: data::Data::default(),
            store,
            vault,
            sources,
            clock,
            settings,
            revocations: node::revocations::RevocationIndex::default(),
            entities: node::entity_cache::EntityCache::default(),
            usage: node::usage::UsageRecorder::default(),
            staleness: node::feed::Staleness::default(),
            creating_signing_key: tokio::sync::Mutex::default(),
            logouts_stored: node::logout_deliveries::LogoutsStored::default(),
            mail_stored: node::mail_deliveries::MailStored::default(),
            forgotten: identity::forgotten::ForgottenPasswords::default(),
            draining: AtomicBool::new(false),
            probe: node::maintenance::Probe::default(),
            metrics,
        };
        Self { context: Arc::new(context) }
    }
}

macro_rules! services {
    ($($(#[$doc:meta])+ $accessor:ident: $service:ty,)+) => {
        impl App {
            $(
                $(#[$doc])+
                pub fn $accessor(&self) -> $service {
                    self.into()
                }
            )+
        }
    };
}

services! {
    /// The authorization endpoint.
    authorization: protocol::authorize::AuthorizationService,
    /// The endpoint for pushed authorization requests.
    pushed_requests: protocol::pushed_requests::PushedRequestService,
    /// The endpoint where clients register themselves.
    client_registration: protocol::client_registration::ClientRegistrationService,
    /// Whether clients can authenticate with attestations.
    attesters: protocol::attesters::AttesterService,
    /// The token endpoint.
    tokens: protocol::token::TokenService,
    /// The device authorization endpoint, and the decisions of users about devices.
    devices: protocol::device::DeviceService,
    /// The backchannel authentication endpoint, and the decisions of users about requests to them.
    backchannel: protocol::backchannel::BackchannelService,
    /// The userinfo endpoint.
    userinfo: protocol::userinfo::UserInfoService,
    /// Logout by an application.
    logout: protocol::logout::LogoutService,
    /// The introspection endpoint.
    introspection: protocol::introspection::IntrospectionService,
    /// The revocation endpoint.
    token_revocation: protocol::token_revocation::RevocationService,
    /// Callers by bearer token and by session cookie.
    authentication: identity::authentication::AuthenticationService,
    /// Callers by access tokens of trusted issuers.
    issued_tokens: identity::issued_tokens::IssuedTokenService,
    /// Callers by personal access tokens.
    personal_access: identity::personal_access::PersonalAccessService,
    /// Sign-in by user name and password.
    sign_in: identity::sign_in::SignInService,
    /// The second factor of the user of a session.
    second_factor: identity::second_factor::SecondFactorService,
    /// Sessions of browsers.
    sessions: identity::sessions::SessionService,
    /// What happened on a user's own account.
    activity: identity::activity::ActivityService,
    /// Passwords that are chosen by one-time links.
    one_time_links: identity::one_time_links::OneTimeLinkService,
    /// Forgotten passwords.
    forgotten_passwords: identity::forgotten::ForgottenPasswordService,
    /// Whether requests come from allowed addresses.
    addresses: identity::addresses::AddressService,
    /// A user's own details.
    profile: identity::profile::ProfileService,
    /// Requests on behalf of another user.
    delegation: identity::acting::DelegationService,
    /// The operator at the command line.
    operator: identity::operator::OperatorService,
    /// The record of refused requests.
    refusals: identity::refusals::RefusalService,
    /// Registered applications and their secrets.
    applications: management::applications::ApplicationService,
    /// The applications that a user has allowed.
    allowed_applications: management::allowed::AllowedApplicationService,
    /// Revocation of everything of a user, an application or a time.
    global_revocation: management::global_revocation::GlobalRevocationService,
    /// User accounts.
    users: management::users::UserService,
    /// Sessions of other users.
    user_sessions: management::sessions::UserSessionService,
    /// Testing whether mail can be sent.
    mail: management::mail::MailService,
    /// Roles and their permissions.
    roles: management::roles::RoleService,
    /// Limits that administrators set.
    limits: management::limits::LimitService,
    /// Addresses from which the server may be used.
    allow_lists: management::allow_lists::AllowListService,
    /// Origins whose pages may use the API.
    trusted_origins: management::trusted_origins::TrustedOriginService,
    /// Tokens that allow clients to register themselves.
    initial_access_tokens: management::initial_access_tokens::InitialAccessTokenService,
    /// Tokens that people make for programs that cannot sign in.
    personal_access_tokens: management::personal_access_tokens::PersonalAccessTokenService,
    /// Other servers whose assertions and access tokens are accepted.
    trusted_issuers: management::trusted_issuers::TrustedIssuerService,
    /// Resource servers and their scopes.
    scopes: management::scopes::ScopeService,
    /// Data sources and with whom they are shared.
    data_sources: management::data_sources::DataSourceService,
    /// The audit log.
    audit_log: management::audit::AuditService,
    /// Reads data for a caller.
    data: data::DataService,
    /// The change feed, the maintenance and the metrics of this node.
    node: node::NodeService,
    /// The key ring.
    keys: node::keys::KeyService,
    /// The keys for signatures that others verify.
    signing_keys: node::signing_keys::SigningKeyService,
    /// Creating a new installation.
    setup: node::setup::SetupService,
}
