//! The settings that the use cases need.

use std::path::PathBuf;

use oauth::application::{Application, Profile};
use oauth::client_document::DocumentHosts;
use oauth::protected_resource;
use oauth::reachable::Reachable;
use oauth::redirect::PrivateUseScheme;
use oauth::refresh_expiry::RefreshLimits;
use oauth::resource::ServerUrls;
use store::PushedRequestLimits;

use crate::node::client_certificates::ClientCertificates;
use crate::node::lifetimes;
use crate::node::rates::RateSettings;

mod client_registration;
mod external_signer;

pub use external_signer::ExternalSigner;

pub use client_registration::{ClientRegistrationSettings, RegistrationMode};

/// The profile of applications that set none, and the most permissive one that they may have, by default.
pub const DEFAULT_PROFILE: Profile = Profile::Compatible;
/// How many pushed authorization requests may be open: as many people may sign in at the same time. Half of the total is
/// beyond the reach of strangers.
pub const PUSHED_REQUEST_LIMITS: PushedRequestLimits = PushedRequestLimits {
    of_application: 5_000,
    total: 20_000,
    strangers: 5_000,
    strangers_of_application: 2_500,
};
/// The default size of a page in rows.
pub const ODATA_PAGE_SIZE: u32 = 2_000;
/// The default of the maximum time for one OData statement, in seconds.
pub const ODATA_TIMEOUT_SECS: u32 = 60;

/// The settings of the use cases. The binary creates them from the configuration; [`AppSettings::default`]
/// has the documented defaults.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "settings that do not depend on each other")]
pub struct AppSettings {
    /// The address under which users and clients reach the server, without a trailing slash; it is the
    /// issuer.
    pub public_url: String,
    /// The profile of applications that do not set one.
    pub default_profile: Profile,
    /// The most permissive profile that an application may have.
    pub minimum_profile: Profile,
    /// Whether applications of the profile `fapi2` must sign their authorization requests and get signed responses.
    pub message_signing: bool,
    /// The lifetime of an authorization code in seconds; at most
    /// [`lifetimes::CODE_LIFETIME_SECS`].
    pub code_lifetime_secs: u32,
    /// The lifetime of a pushed authorization request in seconds, until a browser presents it.
    pub pushed_request_lifetime_secs: u32,
    /// How many pushed authorization requests may be open.
    pub pushed_request_limits: PushedRequestLimits,
    /// Whether every application must push its authorization requests.
    pub require_pushed_requests: bool,
    /// Whether every `DPoP` proof needs a nonce of the server.
    pub require_dpop_nonce: bool,
    /// Signed authorization requests.
    pub request_objects: RequestObjectSettings,
    /// How long a rotated refresh token still returns its successor, in seconds.
    pub refresh_grace_secs: u32,
    /// How long a new grant can be refreshed, in seconds; 0 for as long as it is not revoked.
    pub refresh_lifetime_secs: u32,
    /// The time in which a refresh token must be used again, in seconds; 0 for any time.
    pub refresh_idle_secs: u32,
    /// The lifetime of a browser session in seconds.
    pub session_lifetime_secs: u32,
    /// How long the older of two secrets stays valid, in seconds.
    pub secret_overlap_secs: u32,
    /// Whether secrets are also stored sealed, and returned by GET.
    pub reveal_client_secret: bool,
    /// The number of days after which a new ring key is created; 0 leaves this to `sluicegate keys rotate`.
    pub rotate_keys_every_days: u32,
    /// The signer of the keys that are outside of this process.
    pub external_signer: Option<ExternalSigner>,
    /// How many days audit events are kept; 0 keeps them forever.
    pub audit_retention_days: u32,
    /// Personal access tokens.
    pub personal_access_tokens: PersonalAccessTokenSettings,
    /// Folders below which SQLite files may be named as data sources.
    pub sqlite_folders: Vec<PathBuf>,
    /// Folders whose files are never data sources: the server's own.
    pub forbidden_folders: Vec<PathBuf>,
    /// The file that `sluicegate backup` writes after a backup, if there can be one.
    pub backup_mark: Option<PathBuf>,
    /// Whether a client may identify itself by the URL of its metadata document.
    pub client_documents: bool,
    /// The hosts whose metadata documents are accepted.
    pub document_hosts: DocumentHosts,
    /// The private-use schemes without a dot that redirect URLs of public applications may have.
    pub private_use_schemes: Vec<PrivateUseScheme>,
    /// Clients that register themselves.
    pub client_registration: ClientRegistrationSettings,
    /// Sends mail; `None` if no mail server is set.
    pub mail: Option<mail::Mailer>,
    /// Sends requests to addresses that clients name.
    pub outbound: fetch::Fetcher,
    /// How clients present certificates.
    pub client_certificates: ClientCertificates,
    /// The rate limits for credentials.
    pub rates: RateSettings,
    /// The page size in rows, unless the client asks for fewer.
    pub odata_page_size: u32,
    /// The maximum time for one OData statement, in seconds.
    pub odata_timeout_secs: u32,
}

/// The settings of signed authorization requests.
#[derive(Debug, Clone, Copy)]
pub struct RequestObjectSettings {
    /// Whether every application must sign its authorization requests.
    pub required: bool,
    /// Whether request objects are fetched from addresses.
    pub by_reference: bool,
    /// Whether an application may name addresses that it has not registered.
    pub unregistered_addresses: bool,
}

impl Default for RequestObjectSettings {
    fn default() -> Self {
        Self { required: false, by_reference: true, unregistered_addresses: false }
    }
}

/// The settings of personal access tokens.
#[derive(Debug, Clone, Copy)]
pub struct PersonalAccessTokenSettings {
    /// Whether users may make and use them.
    pub enabled: bool,
    /// How long one may be valid at most, in days.
    pub most_days: u32,
}

impl Default for PersonalAccessTokenSettings {
    fn default() -> Self {
        Self { enabled: true, most_days: lifetimes::PERSONAL_ACCESS_TOKEN_DAYS }
    }
}

impl AppSettings {
    /// Whether personal access tokens may be made and used. They are bound to no key.
    pub fn accepts_personal_access_tokens(&self) -> bool {
        self.personal_access_tokens.enabled && !self.minimum_profile.rules().bound_tokens
    }

    /// Whether an application of this profile signs its authorization requests and gets signed responses ([FAPI 2.0 Message
    /// Signing](https://openid.net/specs/fapi-message-signing-2_0-final.html)).
    pub fn signs_messages(&self, profile: Profile) -> bool {
        self.message_signing && profile >= Profile::Fapi2
    }

    /// Whether the requests of an application must be in signed request objects, whatever it has registered.
    pub(crate) fn signing_is_required(&self, application: &Application) -> bool {
        self.request_objects.required || self.signs_messages(application.settings.profile)
    }

    /// Whether every application signs its authorization requests and gets signed responses.
    pub fn signs_all_messages(&self) -> bool {
        self.signs_messages(self.minimum_profile)
    }

    /// The addresses to which the server connects.
    pub(crate) fn reachable(&self) -> Reachable {
        if self.outbound.permits_loopback() { Reachable::PublicAndLoopback } else { Reachable::Public }
    }

    /// The URLs of this server.
    pub fn urls(&self) -> ServerUrls<'_> {
        let for_certificates = self.client_certificates.public_url.as_deref();
        ServerUrls { public: &self.public_url, for_certificates }
    }

    /// The URL of this server at which a request was asked that names this host.
    pub fn address_asked(&self, host: Option<&str>) -> &str {
        let urls = self.urls();
        protected_resource::address_asked(host, urls.public, urls.for_certificates)
    }

    /// Whether clients can present certificates at this URL of the server: at the one for them, if there is one.
    pub fn takes_certificates_at(&self, address: &str) -> bool {
        let certificates = &self.client_certificates;
        certificates.accepted && certificates.public_url.as_ref().is_none_or(|url| url == address)
    }

    /// When refresh tokens end.
    pub(crate) fn refresh_limits(&self) -> RefreshLimits {
        RefreshLimits {
            lifetime_secs: self.refresh_lifetime_secs.into(),
            idle_secs: self.refresh_idle_secs.into(),
        }
    }
}

impl Default for AppSettings {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".to_owned(),
            default_profile: DEFAULT_PROFILE,
            minimum_profile: DEFAULT_PROFILE,
            message_signing: false,
            code_lifetime_secs: lifetimes::CODE_LIFETIME_SECS,
            pushed_request_lifetime_secs: lifetimes::PUSHED_REQUEST_SECS,
            pushed_request_limits: PUSHED_REQUEST_LIMITS,
            require_pushed_requests: false,
            require_dpop_nonce: false,
            request_objects: RequestObjectSettings::default(),
            refresh_grace_secs: lifetimes::REFRESH_GRACE_SECS,
            refresh_lifetime_secs: 0,
            refresh_idle_secs: 0,
            session_lifetime_secs: lifetimes::SESSION_LIFETIME_SECS,
            secret_overlap_secs: lifetimes::SECRET_OVERLAP_SECS,
            reveal_client_secret: false,
            rotate_keys_every_days: lifetimes::ROTATE_KEYS_EVERY_DAYS,
            external_signer: None,
            audit_retention_days: lifetimes::AUDIT_RETENTION_DAYS,
            personal_access_tokens: PersonalAccessTokenSettings::default(),
            sqlite_folders: Vec::new(),
            forbidden_folders: Vec::new(),
            backup_mark: None,
            client_documents: true,
            document_hosts: DocumentHosts::default(),
            private_use_schemes: PrivateUseScheme::known(),
            client_registration: ClientRegistrationSettings::default(),
            mail: None,
            outbound: fetch::Fetcher::default(),
            client_certificates: ClientCertificates::default(),
            rates: RateSettings::default(),
            odata_page_size: ODATA_PAGE_SIZE,
            odata_timeout_secs: ODATA_TIMEOUT_SECS,
        }
    }
}
