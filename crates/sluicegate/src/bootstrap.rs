//! Bootstrap: settings, database, vault and data sources are combined into an [`App`].

use std::pin::Pin;
use std::sync::Arc;

use anyhow::Context;
use app::identity::caller::{Caller, RequestOrigin};
use app::node::client_certificates::{ClientAuthorities, ClientCertificates};
use app::node::clock::SystemClock;
use app::node::rates::RateSettings;
use app::node::settings::{
    ExternalSigner, PUSHED_REQUEST_LIMITS, PersonalAccessTokenSettings, RequestObjectSettings,
};
use app::protocol::client_registration::ClientRegistrationSettings;
use app::{App, AppSettings};
use oauth::client_document::DocumentHosts;
use oauth::client_registration::ClientPolicy;
use signer::ClientLimits;
use sources::{AllowedHosts, Resources, SourceKinds, Sources};
use store::Store;
use vault::{HashingSettings, MasterKey, SystemEntropy, Vault};

use crate::arguments::InstallationArgs;
use crate::config::{Environment, Settings};
use crate::data_directory::DataDirectory;
use crate::database::Database;
use crate::logging;
use crate::numbers::number;
use crate::setting_files::SettingFiles;

/// The addresses of a server that it names to clients.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PublicUrls<'a> {
    /// Its issuer identifier.
    pub(crate) issuer: &'a str,
    /// The address for clients with certificates, if it is another one.
    pub(crate) for_certificates: Option<&'a str>,
}

/// The issuer identifier in a process that does not listen.
fn issuer(settings: &Settings) -> String {
    let configured = settings.general.public_url.as_ref().map(|url| url.as_str().to_owned());
    configured.unwrap_or_else(|| AppSettings::default().public_url)
}

/// Opens the installation that the settings name, for a server that users reach at these addresses.
///
/// # Errors
/// A sentence that says what is wrong.
pub(crate) async fn open(
    settings: &Settings,
    environment: &Environment,
    files: SettingFiles,
    urls: PublicUrls<'_>,
) -> anyhow::Result<App> {
    let data_directory = DataDirectory::at(&settings.general.data_dir);
    let database = Database::of(settings);
    let master = database.master_key(&data_directory, environment)?;
    let store = database.open().await?;
    let app_settings = app_settings(settings, &data_directory, files, urls);
    let app = assemble(store, &master, app_settings, settings).await?;
    app.node().refresh().await.context("the database cannot be read")?;
    Ok(app)
}

/// Creates the service for a new installation, over an empty database.
///
/// # Errors
/// If the database cannot be created.
pub(crate) async fn create(
    settings: &Settings,
    master: &MasterKey,
    database: &Database,
) -> anyhow::Result<App> {
    let data_directory = DataDirectory::at(&settings.general.data_dir);
    let store = database.create().await?;
    let issuer = issuer(settings);
    let urls = PublicUrls { issuer: &issuer, for_certificates: None };
    let app_settings = app_settings(settings, &data_directory, SettingFiles::read(settings)?, urls);
    assemble(store, master, app_settings, settings).await
}

async fn assemble(
    store: Arc<dyn Store>,
    master: &MasterKey,
    app_settings: AppSettings,
    settings: &Settings,
) -> anyhow::Result<App> {
    let keys = store.list_keys().await.context("the keys cannot be read")?;
    let hashing = HashingSettings::owasp(std::thread::available_parallelism().map_or(1, usize::from));
    let vault =
        Vault::open(master, &app::node::keys::keys_for_vault(&keys), Arc::new(SystemEntropy), hashing)
            .context("the master key is not the one of this database")?;
    let connections = number(settings.data_sources.max_connections);
    let hosts = AllowedHosts::new(settings.data_sources.allowed_hosts.clone());
    let resources = Resources::new(sources::Limits::default(), connections, hosts);
    let sources = Sources::new(SourceKinds::standard(), resources);
    Ok(App::new(store, Arc::new(vault), Arc::new(sources), Arc::new(SystemClock), app_settings))
}

fn app_settings(
    settings: &Settings,
    data_directory: &DataDirectory,
    files: SettingFiles,
    urls: PublicUrls<'_>,
) -> AppSettings {
    let rates = &settings.rate_limit;
    let data_sources = &settings.data_sources;
    AppSettings {
        public_url: urls.issuer.to_owned(),
        default_profile: settings.profiles.default.max(settings.profiles.minimum),
        minimum_profile: settings.profiles.minimum,
        message_signing: settings.profiles.message_signing,
        code_lifetime_secs: settings.tokens.code_lifetime_secs,
        pushed_request_lifetime_secs: settings.pushed_requests.lifetime_secs,
        pushed_request_limits: PUSHED_REQUEST_LIMITS,
        require_pushed_requests: settings.pushed_requests.required,
        require_dpop_nonce: settings.dpop.require_nonce,
        request_objects: RequestObjectSettings {
            required: settings.request_objects.required,
            by_reference: settings.request_objects.by_reference,
            unregistered_addresses: settings.request_objects.unregistered_addresses,
        },
        refresh_grace_secs: settings.tokens.refresh_grace_secs,
        refresh_lifetime_secs: settings.tokens.refresh_lifetime_secs,
        refresh_idle_secs: settings.tokens.refresh_idle_secs,
        session_lifetime_secs: settings.sessions.lifetime_secs,
        secret_overlap_secs: settings.client_secrets.overlap_secs,
        reveal_client_secret: settings.compatibility.reveal_client_secret,
        rotate_keys_every_days: settings.keys.rotate_every_days,
        external_signer: external_signer(settings),
        audit_retention_days: settings.audit.retention_days,
        personal_access_tokens: PersonalAccessTokenSettings {
            enabled: settings.personal_access_tokens.enabled,
            most_days: settings.personal_access_tokens.max_days,
        },
        sqlite_folders: data_sources.sqlite_folders.clone().unwrap_or_else(|| vec![data_directory.sources()]),
        forbidden_folders: vec![data_directory.folder().to_owned()],
        backup_mark: Some(data_directory.backup_mark()),
        client_documents: settings.clients.metadata_documents,
        document_hosts: DocumentHosts {
            allowed: settings.clients.allowed_document_hosts.clone(),
            forbidden: settings.clients.forbidden_document_hosts.clone(),
        },
        private_use_schemes: settings.clients.private_use_schemes.clone(),
        client_registration: ClientRegistrationSettings {
            mode: settings.registration.mode,
            policy: ClientPolicy {
                grant_types: settings.registration.grant_types.clone(),
                scopes: settings.registration.scopes.clone(),
                redirect_hosts: settings.registration.redirect_hosts.clone(),
                requires_software_statement: settings.registration.require_software_statement,
            },
            most_clients: settings.registration.max_clients,
            per_address_per_minute: settings.registration.per_address_per_minute,
            unused_days: settings.registration.unused_days,
        },
        mail: files.mail,
        outbound: files.fetcher,
        client_certificates: client_certificates(settings, files.authorities, urls),
        rates: RateSettings {
            enabled: rates.enabled,
            per_address_per_minute: rates.per_address_per_minute,
            per_application_per_minute: rates.per_application_per_minute,
            failures_per_address_per_minute: rates.failures_per_address_per_minute,
        },
        odata_page_size: data_sources.page_size,
        odata_timeout_secs: data_sources.timeout_secs,
    }
}

fn external_signer(settings: &Settings) -> Option<ExternalSigner> {
    let signing = &settings.external_signing;
    let socket = signing.socket.clone()?;
    Some(ExternalSigner::at(socket, signing.algorithms.clone(), ClientLimits::DEFAULT))
}

fn client_certificates(
    settings: &Settings,
    authorities: Option<ClientAuthorities>,
    urls: PublicUrls<'_>,
) -> ClientCertificates {
    let configured = &settings.client_certificates;
    ClientCertificates {
        accepted: configured.listen.is_some() || !configured.proxies.is_empty(),
        public_url: urls.for_certificates.map(str::to_owned),
        authorities,
    }
}

/// The service as seen by a command of the operator.
pub(crate) struct OpenedInstallation {
    /// The use cases.
    pub(crate) app: App,
    /// The operator.
    pub(crate) operator: Caller,
    /// The origin of the operator's requests, for the audit log.
    pub(crate) origin: RequestOrigin,
}

/// Opens the installation, even while a server is running on it, runs the command and closes it.
///
/// # Errors
/// The errors of the configuration, of opening, and of the command.
pub(crate) fn with_app(
    installation: &InstallationArgs,
    environment: &Environment,
    act: impl AsyncFnOnce(&OpenedInstallation) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let settings = installation.settings(environment)?;
    let _flush = logging::start(settings.log.format, logging::warnings_only());
    let runtime = command_runtime()?;
    let opened = run(&runtime, Box::pin(open_for_command(&settings, environment)))?;
    let done = run(&runtime, Box::pin(act(&opened)));
    let closed = run(&runtime, Box::pin(async { Ok(opened.app.node().close().await?) }));
    done.and(closed)
}

/// Opens the installation as the operator, who is an active administrator.
///
/// # Errors
/// The errors of the configuration and of opening, and that there is no such administrator.
pub(crate) async fn open_for_command(
    settings: &Settings,
    environment: &Environment,
) -> anyhow::Result<OpenedInstallation> {
    let issuer = issuer(settings);
    let urls = PublicUrls { issuer: &issuer, for_certificates: None };
    let app = open(settings, environment, SettingFiles::read(settings)?, urls).await?;
    let operator = app.operator().caller().await?.context("the database has no active administrator")?;
    Ok(OpenedInstallation { app, operator, origin: RequestOrigin::command_line() })
}

/// Runs one step of a command. The future is boxed, so that the runtime's code exists once and not once for each command.
fn run<T>(
    runtime: &tokio::runtime::Runtime,
    step: Pin<Box<dyn Future<Output = anyhow::Result<T>> + '_>>,
) -> anyhow::Result<T> {
    runtime.block_on(step)
}

/// Creates the runtime for a single command.
///
/// # Errors
/// If the operating system cannot provide it.
pub(crate) fn command_runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime could be started")
}
