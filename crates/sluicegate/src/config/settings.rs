//! Every setting, once: key, type, default, documentation.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use oauth::application::Profile;
use serde_json::Value;
use store_postgres::DatabaseUrl;
use web::Network;

use super::Given;
use super::setting::{LogFormat, LogLevels, PublicUrl, Setting};

/// A setting as its documentation shows it.
pub(super) struct Described {
    /// Such as `rate_limit.enabled`.
    pub(super) key: String,
    /// What it is for, in Markdown.
    pub(super) about: String,
    /// What it may be, in words.
    pub(super) kind: String,
    /// The same as JSON schema.
    pub(super) schema: Value,
    /// Null when there is none.
    pub(super) default: Value,
    /// What the server says at its start when the setting is weaker than its default.
    pub(super) warning: Option<&'static str>,
}

/// The settings of one table of the file.
pub(super) struct Section {
    /// The table's name, empty for the top of the file.
    pub(super) prefix: &'static str,
    /// What the table is for.
    pub(super) about: String,
    /// Its settings, in order.
    pub(super) settings: Vec<Described>,
}

/// A value above what this says weakens security, and is told at the start.
type Weakens<T> = Option<(fn(&T) -> bool, &'static str)>;

fn path(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

fn describe<T: Setting>(
    key: String,
    about: &[&str],
    range: Option<&RangeInclusive<i64>>,
    default: &T,
    weakens: Weakens<T>,
) -> Described {
    let about = text_of(about);
    let warning = weakens.map(|(_, warning)| warning);
    Described { key, about, kind: T::kind(range), schema: T::schema(range), default: default.show(), warning }
}

fn warn<T>(value: &T, weakens: Weakens<T>, key: String, warnings: &mut Vec<(String, &'static str)>) {
    if let Some((is_weak, warning)) = weakens
        && is_weak(value)
    {
        warnings.push((key, warning));
    }
}

fn text_of(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n")
}

macro_rules! weakens {
    () => {
        None
    };
    ($is_weak:expr, $warning:literal) => {
        Some(($is_weak, $warning))
    };
}

macro_rules! range {
    () => {
        None::<RangeInclusive<i64>>
    };
    ($range:expr) => {
        Some($range)
    };
}

macro_rules! settings {
    ($(
        $(#[doc = $about:literal])+
        $name:ident: $Section:ident = $prefix:literal {$(
            $(#[doc = $doc:literal])+
            $key:ident: $type:ty = $default:expr $(, in $range:expr)? $(, weak if $is_weak:expr => $warning:literal)?;
        )+}
    )+) => {
        $(
            $(#[doc = $about])+
            #[derive(Debug, Clone)]
            pub(crate) struct $Section {
                $($(#[doc = $doc])+ pub(crate) $key: $type,)+
            }
        )+

        /// Everything that can be configured.
        #[derive(Debug, Clone)]
        pub(crate) struct Settings {
            $($(#[doc = $about])+ pub(crate) $name: $Section,)+
        }

        impl Settings {
            /// Takes each setting out of what was given.
            pub(super) fn assemble(given: &mut Given) -> Self {
                Self {$($name: $Section {$(
                    $key: given.take(path($prefix, stringify!($key)), range!($($range)?).as_ref(), || $default),
                )+},)+}
            }

            /// Key and warning of each setting that is weaker than its default.
            pub(crate) fn warnings(&self) -> Vec<(String, &'static str)> {
                let mut warnings = Vec::new();
                $($(
                    let weakens: Weakens<$type> = weakens!($($is_weak, $warning)?);
                    warn(&self.$name.$key, weakens, path($prefix, stringify!($key)), &mut warnings);
                )+)+
                warnings
            }
        }

        /// Every setting with its documentation.
        pub(super) fn sections() -> Vec<Section> {
            vec![$(Section {
                prefix: $prefix,
                about: text_of(&[$($about),+]),
                settings: vec![$({
                    let default: $type = $default;
                    let weakens: Weakens<$type> = weakens!($($is_weak, $warning)?);
                    describe(path($prefix, stringify!($key)), &[$($doc),+], range!($($range)?).as_ref(), &default, weakens)
                }),+],
            }),+]
        }
    };
}

/// Where the server is observed unless the operator says otherwise.
pub(crate) const DEFAULT_OBSERVATION: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);

settings! {
    /// Where the server listens and where it keeps its data. These keys stand at the top of the file.
    general: General = "" {
        /// The address and port to listen on. Port 0 takes a free one, which the ready line names. On anything but
        /// loopback the server wants TLS: its own (`tls`) or a proxy's (`behind_tls_proxy`).
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080));
        /// The address under which users and clients reach the server. It is the issuer (`iss`) and stands in every
        /// link, so set it wherever it is not simply the address listened on. It begins with `https://`, save on loopback.
        public_url: Option<PublicUrl> = None;
        /// The folder with the database, the master key and the folder `sources`.
        data_dir: PathBuf = PathBuf::from("sluicegate-data");
        /// The PostgreSQL database that several nodes share, as `postgres://user:password@host:port/name`. Without it the
        /// database is embedded in the data folder. `?sslmode=verify-full&sslrootcert=FILE` encrypts the way to it and checks
        /// its certificate. It holds a password: give it in a file that only the server may read, or in the environment.
        database: Option<DatabaseUrl> = None;
        /// Says that a proxy in front of the server terminates TLS, so that plain HTTP is right here and cookies are
        /// nevertheless for TLS only.
        behind_tls_proxy: bool = false;
        /// Proxies whose `X-Forwarded-For` is believed, as addresses or networks such as `10.0.0.0/8`. Of everybody else it is
        /// ignored.
        trusted_proxies: Vec<Network> = Vec::new();
    }

    /// Connections to the shared database that `database` names; the embedded one needs none of this.
    database_pool: DatabasePool = "database_pool" {
        /// Connections of this node. All nodes together must stay below what the database allows.
        max_connections: u32 = 16, in 2..=1_000;
        /// How long a request waits for a free connection before it is answered 503, in milliseconds.
        wait_millis: u32 = 1_000, in 10..=60_000;
        /// How long one act may take at the database altogether before it is answered 503, in milliseconds.
        patience_millis: u32 = 5_000, in 100..=60_000;
    }

    /// The server's own TLS. Both files are read again on SIGHUP.
    tls: Tls = "tls" {
        /// The certificate chain, PEM, the server's own certificate first.
        cert_file: Option<PathBuf> = None;
        /// The private key of the certificate, PEM.
        key_file: Option<PathBuf> = None;
    }

    /// How often passwords and client secrets may be tried. Failures limit failures: the right secret or password is heard
    /// whatever others have tried. What is over the limit is answered with 429 and `Retry-After`. See
    /// [limits of failures](decisions/limits-of-failures.md).
    rate_limit: RateLimit = "rate_limit" {
        /// Whether anything is limited.
        enabled: bool = true, weak if |enabled| !enabled => "passwords and secrets can be guessed as fast as the machine allows";
        /// Successful authentications of applications from one address in a minute; those of public applications count
        /// apart. An IPv6 address counts as its /64.
        per_address_per_minute: u32 = 60_000, in 1..=60_000_000;
        /// Successful authentications of one confidential application in a minute.
        per_application_per_minute: u32 = 600_000, in 1..=60_000_000;
        /// Wrong client secrets from one address in a minute that are answered as such, and as many wrong passwords.
        failures_per_address_per_minute: u32 = 60, in 1..=60_000_000;
    }

    /// What is logged. The log goes to standard error; it never holds a token, code, secret, cookie or password.
    log: Log = "log" {
        /// `human` for people, `json` for machines, `auto` to choose by whether standard error is a terminal.
        format: LogFormat = LogFormat::Auto;
        /// From which level on. The target `access` is the line that each request gets.
        level: LogLevels = LogLevels::new("info").expect("it is a level");
    }

    /// What an operator sees of the server: `/metrics`, and `/healthz` and `/readyz` once more, over plain HTTP.
    observation: Observation = "observation" {
        /// The address and port for that. Port 0 takes a free one, which the log names. Whoever reaches it learns how busy the
        /// server is, so let it stay on loopback or in a network of your own. Where the default port is taken the server warns and
        /// serves without; where this is set it does not start.
        listen: SocketAddr = DEFAULT_OBSERVATION;
    }

    /// Where Hybrid Data Pipeline behaves in a way that is not the safest.
    compatibility: Compatibility = "compatibility" {
        /// Keeps client secrets also sealed under the master key, so that GET of an application shows them.
        reveal_client_secret: bool = false, weak if |reveal| *reveal => "whoever has the database and the master key can read every client secret";
    }

    /// How strictly applications are treated; see [compatibility](compatibility.md#profiles).
    profiles: Profiles = "profiles" {
        /// The profile of applications that name none.
        default: Profile = Profile::Compatible;
        /// The laxest profile that an application may have.
        minimum: Profile = Profile::Compatible;
    }

    /// Lifetimes around tokens. How long an access token lives is limit 100 of the management API.
    tokens: Tokens = "tokens" {
        /// How long an authorization code lives, in seconds.
        code_lifetime_secs: u32 = 60, in 1..=60;
        /// How long a refresh token that was rotated out still gets the same successor again, in seconds.
        refresh_grace_secs: u32 = 60, in 0..=3600;
    }

    /// The secrets of applications.
    client_secrets: ClientSecrets = "client_secrets" {
        /// How long the older of two secrets lives on after a second one was added, in seconds.
        overlap_secs: u32 = 86_400, in 60..=31_536_000;
    }

    /// Browser sessions.
    sessions: Sessions = "sessions" {
        /// How long a sign-in lasts, in seconds.
        lifetime_secs: u32 = 43_200, in 60..=31_536_000;
    }

    /// The keys that seal tokens.
    keys: Keys = "keys" {
        /// After how many days a new key is made; 0 leaves it to `sluicegate keys rotate`. Old keys open what they sealed
        /// until that has expired.
        rotate_every_days: u32 = 90, in 0..=3650;
    }

    /// The audit log in the database.
    audit: Audit = "audit" {
        /// How many days events are kept; 0 keeps them for ever.
        retention_days: u32 = 365, in 0..=36_500;
    }

    /// Databases that users read over OData.
    data_sources: DataSources = "data_sources" {
        /// Folders below which SQLite files may be named as data sources. Without this key it is the folder `sources` in the data
        /// folder. An administrator may name other files too, except the server's own.
        sqlite_folders: Option<Vec<PathBuf>> = None;
        /// Rows of a page when the client asks for no fewer.
        page_size: u32 = 2_000, in 1..=100_000;
        /// How long one statement may run, in seconds.
        timeout_secs: u32 = 60, in 1..=3_600;
        /// Connections to data sources that may be open at once, over all of them.
        max_connections: u32 = 64, in 1..=10_000;
    }

    /// What one request may be, and how many there may be.
    limits: Limits = "limits" {
        /// Bytes of a request's body. What may be sent before anybody is proved, forms above all, has at most 65536.
        max_body_bytes: u32 = 1_048_576, in 1_024..=67_108_864;
        /// Bytes of a request's path and query together.
        max_uri_bytes: u32 = 32_768, in 1_024..=65_000;
        /// Bytes of a request's line and header fields together; more is answered with 431.
        max_header_bytes: u32 = 65_536, in 8_192..=1_048_576;
        /// Connections that may be open at once; further ones wait.
        max_connections: u32 = 10_000, in 1..=1_000_000;
        /// Connections of one address that may be open at once; further ones are closed. An IPv6 address counts as its /64, and
        /// those of `trusted_proxies` are not counted, nor is any where `behind_tls_proxy` is set without them.
        max_connections_per_address: u32 = 1_000, in 1..=1_000_000;
        /// Bytes that may wait for clients over all connections: bodies that have come in part, and answers that nobody takes. One
        /// address may hold a quarter of them. What does not fit is answered 503, and an answer that does not fit is broken off.
        /// It is at least eight times `limits.max_body_bytes`, whatever stands here.
        max_buffered_bytes: u32 = 268_435_456, in 1_048_576..=4_294_967_295;
        /// How long a client may take for its TLS handshake, and for the head of a request, in seconds. A connection that
        /// stays idle so long is closed, whether its client answers PING or not.
        header_timeout_secs: u32 = 60, in 1..=3_600;
        /// How long a client may send nothing in the middle of a body, or take nothing of an answer, in seconds. On HTTP/2 this
        /// holds for each stream, of which a client must take 16 KiB in that time.
        body_timeout_secs: u32 = 30, in 1..=3_600;
        /// How long a whole body may take, in seconds.
        body_total_timeout_secs: u32 = 120, in 1..=3_600;
        /// How long the server goes on serving after it was told to stop while `/readyz` already answers 503, in seconds, so
        /// that a balancer sends nothing new before it ends. Behind a balancer: longer than two of its health checks.
        drain_secs: u32 = 0, in 0..=3_600;
        /// How long requests that are running may take to finish when the server is told to stop, in seconds.
        shutdown_secs: u32 = 10, in 0..=3_600;
    }
}
