//! `sluicegate serve`: a server from start to end.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use app::App;
use app::node::NodeService;
use store::WithCauses;
use tokio::task::JoinSet;
use web::trace::Spans;
use web::{AddressRange, WebSettings};

use crate::bootstrap;
use crate::config::settings::DEFAULT_OBSERVATION;
use crate::config::{ConfigError, Environment, Settings};
use crate::data_directory::{DataDirectory, Occupied};
use crate::logging;
use crate::numbers::number;
use crate::server::{self, BoundListener, ConnectionLimits, Endpoint, ServerTls, Signals, StopSignal};
use crate::setting_files::SettingFiles;
use crate::telemetry::{Collector, Telemetry};
use crate::terminal::say;
use crate::weaknesses::{Weakness, weaknesses};

mod mail;
mod signing_keys;
mod site;

pub(crate) use site::{Site, reachable};

/// How often this node polls for changes of other nodes.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// How long notifications are collected before one poll handles them.
const POLL_DELAY: Duration = Duration::from_millis(10);

/// How often maintenance runs: usage is written, expired rows are purged, and keys are rotated.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(10);

/// How often this node looks for logout tokens and mail that are due.
const DELIVERY_INTERVAL: Duration = Duration::from_secs(5);

/// Serves until the process is told to stop.
///
/// # Errors
/// Why the server could not start, or what it could not write at the end.
pub(crate) fn run(settings: &Settings, environment: &Environment) -> anyhow::Result<()> {
    let _flush = logging::start(settings.log.format, settings.log.level.clone());
    runtime()?.block_on(async {
        let stop = StopSignal::new();
        let signals = Signals::hear()?;
        let running = Running::start(settings, environment, &stop, Kind::Service).await?;
        say(&format!("sluicegate is ready at {}", running.site.local_url));
        let app = running.app.clone();
        let draining = Duration::from_secs(u64::from(settings.limits.drain_secs));
        let again = reloading(running.tls.clone(), app.clone());
        let acting = signals.act(stop, again, draining, move || app.node().drain());
        let (ended, ()) = tokio::join!(running.end(), acting);
        ended
    })
}

/// Creates the runtime of a server, with one thread for each core.
///
/// # Errors
/// If the operating system cannot provide the threads.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime could be started")
}

/// The kind of server to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A server for production.
    Service,
    /// A server for the demo, which also plays the application at the redirect URL.
    Demo,
}

/// A server that accepts connections.
pub(crate) struct Running {
    /// Its addresses.
    pub(crate) site: Site,
    /// The use cases.
    pub(crate) app: App,
    tls: Option<ServerTls>,
    tasks: JoinSet<()>,
    telemetry: Option<Telemetry>,
    _occupied: Option<Occupied>,
}

impl Running {
    /// Opens the installation and starts to accept connections.
    ///
    /// # Errors
    /// A sentence that says why this is impossible.
    pub(crate) async fn start(
        settings: &Settings,
        environment: &Environment,
        stop: &StopSignal,
        kind: Kind,
    ) -> anyhow::Result<Self> {
        let (mut files, tls) = SettingFiles::read_with_tls(settings)?;
        let collector = files.collector.take();
        let mut occupied = occupy(settings)?;
        let bound = server::bind(settings.general.listen, Endpoint::Service).await?;
        let observed = observe(settings).await?;
        let certified = bind_for_certificates(settings).await?;
        let site = Site::of(settings, bound.address, certified.as_ref().map(|bound| bound.address));
        if let Some(occupied) = &mut occupied {
            // The address is only used in the error message for another process.
            let _ = occupied.write_url(&site.local_url);
        }
        let app = bootstrap::open(settings, environment, files, site.urls()).await?;
        log_warnings(settings, &site);
        warn_of_unknown_scopes(settings, &app).await;
        if let Some(tls) = &tls {
            log_certificate(tls, &app);
        }
        let mut tasks = JoinSet::new();
        let telemetry = collector.map(|collector| telemetry(collector, settings, &app.node()));
        let spans = telemetry.as_ref().map(Telemetry::spans);
        let service = web::service(app.clone(), web_settings(settings, &site, kind, spans));
        let proxies = proxies(settings);
        if let (Some(certified), Some(tls)) = (certified, &tls) {
            tracing::info!(url = site.certificate_url, "asking for the certificates of clients");
            let (service, asking) = (service.clone(), tls.asking_for_certificates());
            let (limits, proxies) = (limits(settings), proxies.clone());
            tasks.spawn(certified.serve(service, Some(asking), limits, proxies, stop.clone()));
        }
        tasks.spawn(bound.serve(service, tls.clone(), limits(settings), proxies, stop.clone()));
        if let Some(observed) = observed {
            tracing::info!(
                url = format!("http://{}", reachable(observed.address)),
                "metrics and health are served"
            );
            let service = web::observation_service(app.clone());
            let limits = limits_of_observation(settings);
            tasks.spawn(observed.serve(service, None, limits, Vec::new(), stop.clone()));
        }
        tasks.spawn(poll_changes(app.node(), stop.clone()));
        tasks.spawn(run_maintenance(app.node(), stop.clone()));
        tasks.spawn(deliver_logouts(app.node(), stop.clone()));
        if app.node().sends_mail() {
            tasks.spawn(mail::send(app.node(), stop.clone()));
            tasks.spawn(mail::examine_forgotten_passwords(app.forgotten_passwords(), stop.clone()));
        }
        if let Some(telemetry) = &telemetry {
            tasks.spawn(telemetry.clone().send_spans(stop.clone()));
            tasks.spawn(telemetry.clone().send_metrics(app.node(), stop.clone()));
        }
        tasks.spawn(signing_keys::create(app.clone()));
        if settings.external_signing.socket.is_some() {
            signing_keys::find(&app).await;
            tasks.spawn(signing_keys::watch(app.clone(), stop.clone()));
        }
        tracing::info!(address = %site.address, public_url = site.public_url, "serving");
        Ok(Self { site, app, tls, tasks, telemetry, _occupied: occupied })
    }

    /// Waits until the server was told to stop and has finished, then closes the database.
    ///
    /// # Errors
    /// If something could not be written.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        while let Some(ended) = self.tasks.join_next().await {
            ended.context("a part of the server failed")?;
        }
        if let Some(telemetry) = &self.telemetry {
            telemetry.send_last().await;
        }
        self.app.node().close().await.context("the database could not be closed in order")?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Reads every file that the settings name, and reports all their faults, and the warnings about the certificate.
///
/// # Errors
/// The faults of the configuration.
pub(crate) fn check_files(settings: &Settings) -> Result<(), ConfigError> {
    let (_, tls) = SettingFiles::read_with_tls(settings)?;
    for warning in tls.iter().flat_map(ServerTls::warnings) {
        say(&format!("warning: {warning}"));
    }
    Ok(())
}

/// Returns the function that reads the certificate again.
fn reloading(tls: Option<ServerTls>, app: App) -> impl Fn() {
    move || match &tls {
        None => tracing::info!("SIGHUP: without TLS there is nothing to reload"),
        Some(tls) => match tls.reload() {
            Ok(()) => {
                tracing::info!("the certificate and its key were reloaded");
                log_certificate(tls, &app);
            }
            Err(error) => tracing::error!(error = format!("{error:#}"), "the old certificate stays in use"),
        },
    }
}

fn log_certificate(tls: &ServerTls, app: &App) {
    let validity = tls.validity();
    app.node().metrics().certificate_begins.set(validity.begins.as_secs());
    app.node().metrics().certificate_ends.set(validity.ends.as_secs());
    for warning in tls.warnings() {
        tracing::warn!("{warning}");
    }
}

/// Locks the data directory of an embedded installation for this server.
fn occupy(settings: &Settings) -> anyhow::Result<Option<Occupied>> {
    if settings.general.database.is_some() {
        return Ok(None);
    }
    Occupied::take(&DataDirectory::at(&settings.general.data_dir))
}

/// Opens the listener that asks for the certificates of clients, if there is one.
async fn bind_for_certificates(settings: &Settings) -> anyhow::Result<Option<BoundListener>> {
    match settings.client_certificates.listen {
        None => Ok(None),
        Some(address) => server::bind(address, Endpoint::Certificates).await.map(Some),
    }
}

/// Opens the metrics listener. If the default port is taken, the server runs without it.
async fn observe(settings: &Settings) -> anyhow::Result<Option<BoundListener>> {
    let address = settings.observation.listen;
    match server::bind(address, Endpoint::Observation).await {
        Ok(bound) => Ok(Some(bound)),
        Err(error) if address == DEFAULT_OBSERVATION => {
            tracing::warn!(%error, "the metrics listener could not be opened");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn log_warnings(settings: &Settings, site: &Site) {
    for Weakness { key, message } in weaknesses(settings, &site.public_url) {
        tracing::warn!(key, "{message}");
    }
}

/// Scopes are in the database, so a name that does not exist there is no fault of the configuration: it may be added later.
async fn warn_of_unknown_scopes(settings: &Settings, app: &App) {
    let Ok(registry) = app.scopes().registry().await else { return };
    for name in &settings.registration.scopes {
        if registry.named(name).is_err() {
            tracing::warn!(
                key = "registration.scopes",
                scope = name,
                "there is no such scope, so no client that registers itself gets it; `sluicegate scope list` shows those \
                 that exist"
            );
        }
    }
}

fn telemetry(collector: Collector, settings: &Settings, node: &NodeService) -> Telemetry {
    let configured = &settings.telemetry;
    let interval = Duration::from_secs(u64::from(configured.metrics_interval_secs));
    tracing::info!(endpoint = collector.address(), "traces and metrics are sent");
    Telemetry::new(collector, configured.sampled_percent, interval, node.random_number())
}

fn web_settings(settings: &Settings, site: &Site, kind: Kind, spans: Option<Arc<Spans>>) -> WebSettings {
    WebSettings {
        tls: site.public_url.starts_with("https:"),
        trusted_proxies: proxies(settings),
        certificate_proxies: settings.client_certificates.proxies.clone(),
        max_body_bytes: number(settings.limits.max_body_bytes),
        max_uri_bytes: number(settings.limits.max_uri_bytes),
        spans,
        demo: (kind == Kind::Demo).then(|| site.local_url.clone()),
    }
}

/// The buffer limit always has room for this many bodies of maximum size: two for each address, which may use
/// a quarter.
const BODIES: usize = 8;

fn limits(settings: &Settings) -> ConnectionLimits {
    let seconds = |number: u32| Duration::from_secs(u64::from(number));
    let limits = &settings.limits;
    // Behind a proxy that is not declared, every connection comes from the address of that proxy.
    let is_hidden = settings.general.behind_tls_proxy && settings.general.trusted_proxies.is_empty();
    ConnectionLimits {
        header_bytes: number(limits.max_header_bytes),
        header_time: seconds(limits.header_timeout_secs),
        body_silence: seconds(limits.body_timeout_secs),
        body_time: seconds(limits.body_total_timeout_secs),
        body_bytes: number(limits.max_body_bytes),
        connections: number(limits.max_connections),
        connections_per_address: number(if is_hidden {
            u32::MAX
        } else {
            limits.max_connections_per_address
        }),
        buffered_bytes: number(limits.max_buffered_bytes)
            .max(number(limits.max_body_bytes).saturating_mul(BODIES)),
        drain: seconds(limits.shutdown_secs),
    }
}

/// The metrics listener needs few connections.
fn limits_of_observation(settings: &Settings) -> ConnectionLimits {
    ConnectionLimits { connections: 64, ..limits(settings) }
}

fn proxies(settings: &Settings) -> Vec<AddressRange> {
    settings.general.trusted_proxies.clone()
}

/// Polls for changes of other processes until told to stop, and at once when the database announces a change.
async fn poll_changes(node: NodeService, stop: StopSignal) {
    let mut failing = false;
    loop {
        let delay = async {
            tokio::select! {
                () = node.changes() => stops_within(POLL_DELAY, &stop).await,
                stops = stops_within(POLL_INTERVAL, &stop) => stops,
            }
        };
        if delay.await {
            return;
        }
        match node.refresh().await {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                failing = true;
                tracing::error!(error = %WithCauses(&error), "the database cannot be read");
            }
            Err(_) => {}
        }
    }
}

/// Delivers logout tokens until told to stop: at once if this node has ended a session, and at intervals what is due
/// again or was left by another node.
async fn deliver_logouts(node: NodeService, stop: StopSignal) {
    loop {
        let work = async {
            let _ended = tokio::time::timeout(DELIVERY_INTERVAL, node.logouts()).await;
            if let Err(fault) = node.deliver_logouts().await {
                fault.note("logout tokens were not delivered; this will be tried again");
            }
        };
        tokio::select! {
            () = stop.triggered() => return,
            () = work => {}
        }
    }
}

/// Runs maintenance at intervals until told to stop.
async fn run_maintenance(node: NodeService, stop: StopSignal) {
    while !stops_within(MAINTENANCE_INTERVAL, &stop).await {
        if let Err(fault) = node.maintain().await {
            fault.note("maintenance failed; it will be tried again");
        }
    }
}

/// Waits, and returns whether the server was told to stop meanwhile.
async fn stops_within(time: Duration, stop: &StopSignal) -> bool {
    tokio::time::timeout(time, stop.triggered()).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Overrides};

    #[test]
    fn the_buffer_limit_fits_the_longest_body_of_one_address() {
        for (body, buffered) in [("67108864", "1048576"), ("1024", "1048576"), ("1048576", "268435456")] {
            let environment = Environment::sample(&[
                ("SLUICEGATE_LIMITS__MAX_BODY_BYTES", body),
                ("SLUICEGATE_LIMITS__MAX_BUFFERED_BYTES", buffered),
            ]);
            let settings = config::load(None, &environment, &Overrides::default()).unwrap();
            let limits = limits(&settings);
            assert!(limits.buffered_bytes / 4 >= 2 * limits.body_bytes, "{body} {buffered}");
            assert!(limits.buffered_bytes >= buffered.parse().unwrap());
        }
    }
}
