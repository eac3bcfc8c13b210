//! What the operator configured, as far as the use cases need it.

use std::path::PathBuf;

use oauth::application::Profile;

use crate::rates::RateSettings;

/// The settings of the use cases. The binary builds it from the configuration; [`AppSettings::default`] holds the
/// documented defaults.
#[derive(Debug, Clone)]
pub struct AppSettings {
    /// The address under which users and clients reach the server, without a trailing slash; it is the issuer.
    pub public_url: String,
    /// The profile of applications that name none.
    pub default_profile: Profile,
    /// The laxest profile that an application may have.
    pub minimum_profile: Profile,
    /// How long an authorization code lives, in seconds; at most 60.
    pub code_lifetime_secs: u32,
    /// How long a rotated-out refresh token still gets its successor again, in seconds.
    pub refresh_grace_secs: u32,
    /// How long a browser session lives, in seconds.
    pub session_lifetime_secs: u32,
    /// How long the older of two secrets lives on, in seconds.
    pub secret_overlap_secs: u32,
    /// Whether secrets are also kept sealed, and shown again by GET.
    pub reveal_client_secret: bool,
    /// After how many days a new ring key is made; 0 leaves it to `sluicegate keys rotate`.
    pub rotate_keys_every_days: u32,
    /// How many days audit events are kept; 0 keeps them for ever.
    pub audit_retention_days: u32,
    /// Folders below which SQLite files may be named as data sources.
    pub sqlite_folders: Vec<PathBuf>,
    /// Folders whose files are never data sources: the server's own.
    pub forbidden_folders: Vec<PathBuf>,
    /// The file that `sluicegate backup` writes when it has made a backup, where there can be one.
    pub backup_mark: Option<PathBuf>,
    /// How often credentials may be tried.
    pub rates: RateSettings,
    /// Rows of a page when the client does not ask for fewer.
    pub odata_page_size: u32,
    /// How long one OData statement may run, in seconds.
    pub odata_timeout_secs: u32,
}

impl Default for AppSettings {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".to_owned(),
            default_profile: Profile::Compatible,
            minimum_profile: Profile::Compatible,
            code_lifetime_secs: 60,
            refresh_grace_secs: 60,
            session_lifetime_secs: 12 * 3600,
            secret_overlap_secs: 24 * 3600,
            reveal_client_secret: false,
            rotate_keys_every_days: 90,
            audit_retention_days: 365,
            sqlite_folders: Vec::new(),
            forbidden_folders: Vec::new(),
            backup_mark: None,
            rates: RateSettings::default(),
            odata_page_size: 2_000,
            odata_timeout_secs: 60,
        }
    }
}
