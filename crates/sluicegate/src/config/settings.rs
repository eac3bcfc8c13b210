//! Every setting, declared once: key, type, default, documentation.

#![expect(clippy::struct_field_names, reason = "the names are those of the settings")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use app::data::MOST_ROWS_OF_A_PAGE;
use app::node::lifetimes;
use app::node::rates::RateSettings;
use app::node::settings::{DEFAULT_PROFILE, ODATA_PAGE_SIZE, ODATA_TIMEOUT_SECS};
use app::protocol::client_registration::RegistrationMode;
use oauth::application::{GrantType, Profile};
use oauth::client_document::HostPattern;
use oauth::client_registration::ClientPolicy;
use oauth::redirect::PrivateUseScheme;
use oauth::signing::SigningAlgorithm;
use sources::HostRule;
use store_postgres::{DatabaseUrl, Options};
use web::{AddressRange, MAX_BODY_BYTES, MAX_URI_BYTES};

use super::RawConfig;
use super::setting::{BaseUrl, HostName, LogFormat, LogLevels, MailProtection, OneLine};

#[macro_use]
mod declaration;
mod described;
#[macro_use]
mod optional;
mod units;

pub(super) use described::{Described, Section};
use described::{Weakens, describe, path, text_of, warn};
use units::{count, millis};

/// The default address of the metrics listener.
pub(crate) const DEFAULT_OBSERVATION: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);

settings! {
    /// Where the server listens and where it stores its data. These keys are at the top of the file.
    general: General = "" {
        /// The address and port to listen on. Port 0 takes a free one, which the ready line names. On any
        /// address other than loopback the server requires TLS: its own (`tls`) or that of a proxy
        /// (`behind_tls_proxy`).
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080));
        /// The address under which users and clients reach the server. It is the issuer (`iss`) and part of
        /// every link, so set it unless it is simply the listen address. It begins with `https://`, except on
        /// loopback. It may have a path, as in `https://www.example.org/gate`: the server is then below it, and a
        /// proxy must pass paths on unchanged; see [operations](operations.md#below-a-path).
        public_url: Option<BaseUrl> = None;
        /// The folder with the database, the master key and the folder `sources`.
        data_dir: PathBuf = PathBuf::from("sluicegate-data");
        /// The PostgreSQL database that several nodes share, as `postgres://user:password@host:port/name`.
        /// Without it the database is embedded in the data directory. `?sslmode=verify-full&sslrootcert=FILE`
        /// encrypts the connection and verifies the certificate. The URL contains a password: set it in a
        /// file that only the server may read, or in the environment.
        database: Option<DatabaseUrl> = None;
        /// Declares that a proxy in front of the server terminates TLS. The server then accepts plain HTTP,
        /// and its cookies are still for TLS only.
        behind_tls_proxy: bool = false;
        /// Proxies whose `X-Forwarded-For` is trusted, as addresses or networks such as `10.0.0.0/8`. The
        /// header is ignored from anybody else.
        trusted_proxies: Vec<AddressRange> = Vec::new();
    }

    /// Connections to the shared database that `database` names; the embedded database does not use these
    /// settings.
    database_pool: DatabasePool = "database_pool" {
        /// The maximum number of connections of this node. All nodes together must stay below the limit of
        /// the database.
        max_connections: u32 = count(Options::DEFAULT.connections), in 2..=1_000;
        /// How long a request waits for a free connection before it is answered with 503, in milliseconds.
        wait_millis: u32 = millis(Options::DEFAULT.wait), in 10..=60_000;
        /// The maximum total time of one operation at the database before it is answered with 503, in
        /// milliseconds.
        patience_millis: u32 = millis(Options::DEFAULT.patience), in 100..=60_000;
    }

    /// The server's own TLS. Both files are read again on SIGHUP.
    tls: Tls = "tls" {
        /// The certificate chain in PEM; the server's own certificate comes first.
        cert_file: Option<PathBuf> = None;
        /// The private key of the certificate in PEM.
        key_file: Option<PathBuf> = None;
    }

    /// Certificates with which clients authenticate, or to which their tokens are bound ([RFC
    /// 8705](https://www.rfc-editor.org/rfc/rfc8705)); see [certificates of clients](client-certificates.md).
    client_certificates: ClientCertificates = "client_certificates" {
        /// An address and port of its own on which the server asks for the certificates of clients, with the
        /// certificate of `tls`. It serves everything that `listen` serves, even to clients without a certificate.
        listen: Option<SocketAddr> = None;
        /// The address under which clients with a certificate reach the server; it becomes `mtls_endpoint_aliases` in the
        /// metadata. With `listen`, the default is `public_url` with the port of `listen`. Behind proxies, set it if they
        /// ask for certificates at another address than `public_url`. Both have the same path.
        public_url: Option<BaseUrl> = None;
        /// A file with the certificates of the authorities that issue those of clients, in PEM. The method
        /// `tls_client_auth` needs it. It is read at the start.
        authorities_file: Option<PathBuf> = None;
        /// Proxies that terminate TLS and pass on the certificates of clients in `Client-Cert` ([RFC
        /// 9440](https://www.rfc-editor.org/rfc/rfc9440)), as addresses or networks. They must remove that header from the
        /// requests of their clients. It is ignored from anybody else.
        proxies: Vec<AddressRange> = Vec::new();
    }

    /// How often passwords and client secrets may be tried. Only failures use up the limits of failures: a
    /// correct secret or password is accepted whatever others have tried. Requests above a limit are answered
    /// with 429 and `Retry-After`. See [limits of failures](decisions/limits-of-failures.md).
    rate_limit: RateLimit = "rate_limit" {
        /// Whether the limits apply.
        enabled: bool = RateSettings::DEFAULT.enabled, weak if |enabled| !enabled => "passwords and secrets can be guessed as fast as the machine allows";
        /// The maximum number of successful authentications of applications from one address in a minute;
        /// those of public applications are counted separately. An IPv6 address counts as its /64.
        per_address_per_minute: u32 = RateSettings::DEFAULT.per_address_per_minute, in 1..=60_000_000;
        /// The maximum number of successful authentications of one confidential application in a minute.
        per_application_per_minute: u32 = RateSettings::DEFAULT.per_application_per_minute, in 1..=60_000_000;
        /// The number of wrong client secrets from one address in a minute that are answered as such; the
        /// same number applies to wrong passwords.
        failures_per_address_per_minute: u32 = RateSettings::DEFAULT.failures_per_address_per_minute, in 1..=60_000_000;
    }

    /// What is logged. The log goes to standard error; it never contains a token, code, secret, cookie or
    /// password.
    log: Log = "log" {
        /// `human` for people, `json` for machines, `auto` to choose depending on whether standard error is a
        /// terminal.
        format: LogFormat = LogFormat::Auto;
        /// The minimum level. The target `access` logs one line for each request.
        level: LogLevels = LogLevels::new("info").expect("it is a level");
    }

    /// What operators can observe: `/metrics`, and also `/healthz` and `/readyz`, over plain HTTP.
    observation: Observation = "observation" {
        /// The address and port of the metrics listener. Port 0 takes a free one, which the log names.
        /// Anybody who can reach it learns how busy the server is, so keep it on loopback or in a private
        /// network. If the default port is taken, the server warns and runs without this listener; if the
        /// address is set explicitly, the server does not start.
        listen: SocketAddr = DEFAULT_OBSERVATION;
    }

    /// Behaviour of Hybrid Data Pipeline that is not the safest.
    compatibility: Compatibility = "compatibility" {
        /// Also stores client secrets sealed under the master key, so that GET of an application shows them.
        reveal_client_secret: bool = false, weak if |reveal| *reveal => "whoever has the database and the master key can read every client secret";
    }

    /// How strictly applications are treated; see [compatibility](compatibility.md#profiles).
    profiles: Profiles = "profiles" {
        /// The profile of applications that do not set one, unless `profiles.minimum` is stricter.
        default: Profile = DEFAULT_PROFILE;
        /// The most permissive profile that an application may have, including one that was registered before.
        minimum: Profile = DEFAULT_PROFILE;
        /// Whether applications of the profile `fapi2` must sign authorization requests and get signed responses.
        message_signing: bool = false;
    }

    /// Token lifetimes. The lifetime of access tokens is limit 100 of the management API.
    tokens: Tokens = "tokens" {
        /// The lifetime of an authorization code, in seconds.
        code_lifetime_secs: u32 = lifetimes::CODE_LIFETIME_SECS, in 1..=lifetimes::CODE_LIFETIME_SECS.into();
        /// How long a refresh token that was rotated still returns the same successor, in seconds.
        refresh_grace_secs: u32 = lifetimes::REFRESH_GRACE_SECS, in 0..=3600;
        /// How long a new grant can be refreshed, in seconds; 0 for as long as it is not revoked.
        refresh_lifetime_secs: u32 = 0, in 0..=315_360_000;
        /// The time in which a refresh token must be used again, in seconds; 0 for any time.
        refresh_idle_secs: u32 = 0, in 0..=315_360_000;
    }

    /// Pushed authorization requests ([RFC 9126](https://www.rfc-editor.org/rfc/rfc9126)).
    pushed_requests: PushedRequests = "pushed_requests" {
        /// The time in which a browser must present the reference to a pushed request, in seconds.
        lifetime_secs: u32 = lifetimes::PUSHED_REQUEST_SECS, in 5..=599;
        /// Whether every application must push its authorization requests. Otherwise those must that are registered so.
        required: bool = false;
    }

    /// Proofs that the sender of a token holds a key ([RFC 9449](https://www.rfc-editor.org/rfc/rfc9449)).
    dpop: Dpop = "dpop" {
        /// Whether every proof must contain a nonce of the server, so that no proof can be made in advance. Clients get
        /// it with the error `use_dpop_nonce`, and send the request again; a client that cannot do this is shut out. A
        /// nonce that is sent is checked in any case. The same holds for the proofs of attestations, with challenges and
        /// the error `use_attestation_challenge`.
        require_nonce: bool = false;
    }

    /// Request objects: authorization requests that clients sign ([RFC 9101](https://www.rfc-editor.org/rfc/rfc9101)).
    request_objects: RequestObjects = "request_objects" {
        /// Whether every application must sign its authorization requests. Otherwise those must that are registered so.
        required: bool = false;
        /// Whether a request may name an `https` address instead of a request object, which the server then fetches. Only
        /// addresses that the application has registered are fetched.
        by_reference: bool = true;
        /// Whether addresses are also fetched that the application has not registered.
        unregistered_addresses: bool = false, weak if |any| *any => "anybody can make the server fetch from public addresses, and an unknown host can learn who signs in and when";
    }

    /// The secrets of applications.
    client_secrets: ClientSecrets = "client_secrets" {
        /// How long the older of two secrets stays valid after a second one was added, in seconds.
        overlap_secs: u32 = lifetimes::SECRET_OVERLAP_SECS, in 60..=31_536_000;
    }

    /// Browser sessions.
    sessions: Sessions = "sessions" {
        /// How long a sign-in lasts, in seconds.
        lifetime_secs: u32 = lifetimes::SESSION_LIFETIME_SECS, in 60..=31_536_000;
    }

    /// The keys that seal and sign tokens.
    keys: Keys = "keys" {
        /// The number of days after which a new key is created; 0 leaves this to `sluicegate keys rotate`.
        /// Old keys open what they sealed, and verify what they signed, until that has expired.
        rotate_every_days: u32 = lifetimes::ROTATE_KEYS_EVERY_DAYS, in 0..=3650;
    }

    /// Signing keys outside of the server, such as in a hardware module; see [external signing](external-signing.md).
    external_signing: ExternalSigning = "external_signing" {
        /// The Unix socket of the signer, such as that of `sluicegate signer`. Only the server and the signer may have
        /// rights on it.
        socket: Option<PathBuf> = None;
        /// The algorithms whose keys are in the signer: `EdDSA`, `ES256`, `RS256`, `PS256`. The server makes the keys of the
        /// others itself.
        algorithms: Vec<SigningAlgorithm> = Vec::new();
    }

    /// The audit log in the database.
    audit: Audit = "audit" {
        /// How many days events are kept; 0 keeps them forever.
        retention_days: u32 = lifetimes::AUDIT_RETENTION_DAYS, in 0..=36_500;
    }

    /// Databases that users read over OData.
    data_sources: DataSources = "data_sources" {
        /// Folders below which SQLite files may be named as data sources. The default is the folder `sources`
        /// in the data directory. An administrator may also name other files, except the server's own.
        sqlite_folders: Option<Vec<PathBuf>> = None;
        /// Hosts to which data sources may connect: names (`db.example.com`), names below one
        /// (`*.example.com`), addresses (`10.0.0.5`) and networks (`10.0.0.0/8`), each with a port
        /// (`db.example.com:5432`, `[fd00::5]:5432`) or for every port. By default there are none. Addresses of
        /// the server itself and of its link, such as `127.0.0.1`, must be listed as addresses; a name that leads
        /// there is refused.
        allowed_hosts: Vec<HostRule> = Vec::new();
        /// The maximum number of rows in a page, unless the client asks for fewer.
        page_size: u32 = ODATA_PAGE_SIZE, in 1..=MOST_ROWS_OF_A_PAGE.into();
        /// How long one statement may run, in seconds.
        timeout_secs: u32 = ODATA_TIMEOUT_SECS, in 1..=3_600;
        /// The maximum number of open connections to data sources, in total.
        max_connections: u32 = 64, in 1..=10_000;
    }

    /// Clients by document, and redirect URLs of applications on devices.
    clients: Clients = "clients" {
        /// Whether a client may identify itself by the `https` URL of its metadata document, which the server fetches.
        /// Each user of such a client is asked for consent every time, unless it authenticates with a key. See [clients by
        /// document](decisions/client-documents.md).
        metadata_documents: bool = true;
        /// The only hosts whose metadata documents are accepted, such as those of the clients that the company uses;
        /// without any, all hosts.
        allowed_document_hosts: Vec<HostPattern> = Vec::new();
        /// Hosts whose metadata documents are refused, even if they are allowed. Access that was granted already remains;
        /// delete the application to end it.
        forbidden_document_hosts: Vec<HostPattern> = Vec::new();
        /// Schemes without a dot that redirect URLs of public applications may have, such as `cursor` for
        /// `cursor://anysphere.cursor-mcp/oauth/callback`, whoever registers them. Nobody owns such a name, whereas a scheme with
        /// a dot is a reversed domain and needs no entry. The list replaces the default; redirect URLs that are registered
        /// already stay. See [private-use schemes](decisions/private-use-schemes.md).
        private_use_schemes: Vec<PrivateUseScheme> = PrivateUseScheme::known();
    }

    /// Clients that [register themselves](client-registration.md) ([RFC 7591](https://www.rfc-editor.org/rfc/rfc7591)).
    registration: Registration = "registration" {
        /// Who may register: `off` for nobody, `initial_access_token` for those to whom an Administrator gave one, `open` for
        /// anybody who reaches the server.
        mode: RegistrationMode = RegistrationMode::Off, weak if |mode| *mode == RegistrationMode::Open => "anybody who reaches the server can register an application and name it";
        /// The grant types that such a client may have. `password`, `client_credentials` and token exchange are never
        /// among them.
        grant_types: Vec<GrantType> = ClientPolicy::default().grant_types;
        /// The names of the scopes that such a client may have; by default, every scope that anybody may assign.
        scopes: Vec<String> = Vec::new();
        /// The hosts of its redirect URIs, such as `app.example.com` or `*.example.com`; by default, any. If there are
        /// some, applications on a device need `localhost` or `127.0.0.1` among them, and cannot use schemes of their own.
        redirect_hosts: Vec<HostPattern> = Vec::new();
        /// Whether such a client needs a software statement of a [trusted issuer](trusted-issuers.md) with the purpose
        /// `software_statement`.
        require_software_statement: bool = false;
        /// The maximum number of such clients.
        max_clients: u32 = 10_000, in 1..=10_000_000;
        /// The maximum number of registrations from one address in a minute. An IPv6 address counts as its /64.
        per_address_per_minute: u32 = 20, in 1..=60_000_000;
        /// The number of days after which a client that has never obtained a token is deleted; 0 keeps it.
        unused_days: u32 = 30, in 0..=36_500;
    }

    /// Tokens that people make for programs that cannot sign in: [personal access tokens](personal-access-tokens.md).
    personal_access_tokens: PersonalAccessTokens = "personal_access_tokens" {
        /// Whether people may make and use them. If not, those that exist are refused, and can still be listed and ended.
        enabled: bool = true;
        /// How long a new token may be valid at most, in days.
        max_days: u32 = lifetimes::PERSONAL_ACCESS_TOKEN_DAYS, in 1..=3_660;
    }

    /// The mail server by which users get links, for invitations and forgotten passwords; see [mail](mail.md). Without
    /// `host`, no mail is sent, and administrators get the links instead.
    mail: Mail = "mail" {
        /// The name or the address of the mail server.
        host: Option<HostName> = None;
        /// Its port: usually 587 for `starttls`, and 465 for `implicit`.
        port: u32 = 587, in 1..=65_535;
        /// How the connection is protected: `starttls` begins in clear text and changes to TLS before anything else is
        /// sent, `implicit` uses TLS from the first byte on, and `none` is for a mail server on this machine. `danger_none`
        /// is the same for any mail server.
        protection: MailProtection = MailProtection::StartTls, weak if |protection| *protection == MailProtection::DangerNone => "links that set passwords travel to the mail server in clear text";
        /// A file with certificates in PEM of authorities that the server trusts for the mail server, besides the public
        /// ones.
        authorities_file: Option<PathBuf> = None;
        /// The name by which the server authenticates at the mail server; by default, it does not.
        user: Option<OneLine> = None;
        /// A file with the password that belongs to `user`. Only the server may have rights on it.
        password_file: Option<PathBuf> = None;
        /// The sender, as an address, or as a name with an address: `Gate <gate@example.org>`. It is required with `host`.
        from: Option<OneLine> = None;
        /// How long sending one mail may take, in seconds.
        timeout_secs: u32 = 30, in 1..=300;
    }

    /// Requests of the server to addresses that clients name: [outbound requests](decisions/outbound-requests.md).
    outbound: Outbound = "outbound" {
        /// For tests only: a file with certificates of authorities in PEM that are trusted besides the public
        /// ones. It also permits loopback addresses, and is not for an installation that others can reach.
        danger_loopback_authority: Option<PathBuf> = None, weak if |file| file.is_some() => "anybody can make the server send requests to itself, and another authority is trusted";
    }

    /// Traces and metrics for a collector of OpenTelemetry; see [operations](operations.md#traces-and-metrics-over-otlp).
    telemetry: Telemetry = "telemetry" {
        /// The address of the collector, to which `/v1/traces` and `/v1/metrics` are added, such as
        /// `http://localhost:4318`. Without it, nothing is sent.
        otlp_endpoint: Option<BaseUrl> = None, weak if |url| url.as_ref().is_some_and(|url| !url.is_tls() && !url.is_loopback()) => "traces travel to another machine in clear text";
        /// A file with header fields for the collector, such as `Authorization: Bearer KEY`, one a line. Only the server may
        /// have rights on it. The collector is then reached over `https://`, or at a loopback address.
        otlp_headers_file: Option<PathBuf> = None;
        /// A file with certificates in PEM of authorities that the server trusts for the collector, besides the public ones.
        otlp_authorities_file: Option<PathBuf> = None;
        /// The percentage of requests without a `traceparent` header that are traced. A request with one is traced if its
        /// caller traces it.
        sampled_percent: u32 = 100, in 0..=100;
        /// How often metrics are sent, in seconds.
        metrics_interval_secs: u32 = 60, in 1..=3_600;
    }

    /// The maximum size of requests and number of connections.
    limits: Limits = "limits" {
        /// Bytes of a request's body. Bodies that are read before the sender is authenticated, forms above
        /// all, are limited to 65536.
        max_body_bytes: u32 = MAX_BODY_BYTES, in 1_024..=67_108_864;
        /// Bytes of a request's path and query together.
        max_uri_bytes: u32 = MAX_URI_BYTES, in 1_024..=65_000;
        /// Bytes of a request's line and header fields together; larger ones are answered with 431.
        max_header_bytes: u32 = 65_536, in 8_192..=1_048_576;
        /// The maximum number of open connections; further ones wait.
        max_connections: u32 = 10_000, in 1..=1_000_000;
        /// The maximum number of open connections from one address; further ones are closed. An IPv6 address
        /// counts as its /64. Connections from `trusted_proxies` are not counted, and none are if
        /// `behind_tls_proxy` is set without them.
        max_connections_per_address: u32 = 1_000, in 1..=1_000_000;
        /// Bytes that may be buffered for clients on all connections: bodies that have arrived in part, and
        /// responses that were not yet taken. One address may hold a quarter of them. A request that does not
        /// fit is answered with 503, and a response that does not fit is aborted. The value is raised to
        /// eight times `limits.max_body_bytes` if it is smaller.
        max_buffered_bytes: u32 = 268_435_456, in 1_048_576..=4_294_967_295;
        /// How long a client may take for its TLS handshake, and for the head of a request, in seconds. A
        /// connection that stays idle for this time is closed, whether or not its client answers PING.
        header_timeout_secs: u32 = 60, in 1..=3_600;
        /// How long a client may send nothing in the middle of a body, or take nothing of a response, in
        /// seconds. On HTTP/2 this applies to each stream, of which a client must take 16 KiB in that time.
        body_timeout_secs: u32 = 30, in 1..=3_600;
        /// The maximum time for a whole body, in seconds.
        body_total_timeout_secs: u32 = 120, in 1..=3_600;
        /// How long the server continues to serve after it was told to stop while `/readyz` already answers
        /// 503, in seconds, so that a load balancer sends no new requests before it ends. Behind a load
        /// balancer, set it to more than two health-check intervals.
        drain_secs: u32 = 0, in 0..=3_600;
        /// How long running requests may take to finish when the server is told to stop, in seconds.
        shutdown_secs: u32 = 10, in 0..=3_600;
    }
}
