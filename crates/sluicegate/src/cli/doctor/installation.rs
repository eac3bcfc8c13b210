//! The system database and what it contains: keys, backups, data sources.

use std::time::{Duration, SystemTime};

use app::management::data_sources::{SeenSource, SourceFilter, TestCode};
use app::management::lists::ListRequest;
use domain::time::Timestamp;

use super::findings::Findings;
use crate::bootstrap::{self, OpenedInstallation};
use crate::cli::users::actor;
use crate::config::{Environment, Settings};
use crate::data_directory::DataDirectory;
use crate::database::Database;
use crate::messages::{date_time, of_data_source};

const DAY_SECS: i64 = 86_400;

/// A backup should not be older.
const BACKUP_DAYS: i64 = 2;

/// A clock may differ by as much from that of the node that wrote a time.
const CLOCK_SECS: i64 = 60;

/// Rotation has this many days more than it is set to, because it happens while a server runs.
const LATE_DAYS: u32 = 2;

/// Where rotation is left to the operator, keys should not be older.
const OLD_KEY_DAYS: u32 = 365;

/// At most this many data sources are tested, one after the other.
const MOST_SOURCES: usize = 100;

/// One test of a data source takes at most this long.
const SOURCE_TIME: Duration = Duration::from_secs(30);

/// Opens the installation unless that would migrate it, and looks at its content. `connects`: data sources are tested too.
pub(super) async fn examine(
    settings: &Settings,
    environment: &Environment,
    connects: bool,
    findings: &mut Findings,
) {
    let database = Database::of(settings);
    let data_directory = DataDirectory::at(&settings.general.data_dir);
    if let Err(error) = database.master_key(&data_directory, environment) {
        findings.error("installation", format!("{error:#}"), "");
        return;
    }
    match database.pending().await {
        Err(error) => {
            let advice = "Check that it is there, and that this user may use it; docs/operations.md describes its restore.";
            findings.error("database", format!("{error:#}"), advice);
            return;
        }
        Ok(steps) if !steps.is_empty() => {
            let message =
                format!("{} has an older schema; missing migrations: {}", database.location(), steps.len());
            let advice = "Start this version, or run `sluicegate migrate` (`--check` lists them); then run doctor again for the rest.";
            findings.warning("database", message, advice);
            return;
        }
        Ok(_) => {}
    }
    match bootstrap::open_for_command(settings, environment).await {
        Err(error) => findings.error(
            "database",
            format!("{error:#}"),
            "Use the master key with which the installation was made, and keep one administrator active.",
        ),
        Ok(opened) => {
            findings.good(
                "database",
                format!("{} has the schema of this version, and its keys open", database.location()),
            );
            content(settings, &opened, connects, findings).await;
            if let Err(error) = opened.app.node().close().await {
                findings.error("database", format!("it could not be closed: {error}"), "");
            }
        }
    }
}

async fn content(settings: &Settings, opened: &OpenedInstallation, connects: bool, findings: &mut Findings) {
    keys(settings, opened, findings).await;
    if settings.general.database.is_none() {
        backup(&DataDirectory::at(&settings.general.data_dir), opened.app.node().now(), findings);
    }
    if connects && let Err(error) = data_sources(opened, findings).await {
        findings.error("data source", format!("they cannot be listed: {error:#}"), "");
    }
}

/// The ages of the newest keys, and whether the clock went backwards since they were made.
async fn keys(settings: &Settings, opened: &OpenedInstallation, findings: &mut Findings) {
    let (Ok(ring), Ok(signing)) = (opened.app.keys().list().await, opened.app.signing_keys().list().await)
    else {
        findings.error("keys", "they cannot be listed", "");
        return;
    };
    let now = opened.app.node().now();
    let newest = ring.iter().map(|key| key.created_at).max();
    let all = newest.into_iter().chain(signing.iter().map(|key| key.created_at));
    if let Some(future) = all.max().filter(|at| at.as_secs() > now.as_secs() + CLOCK_SECS) {
        findings.error(
            "clock",
            format!("a key was made at {}, which is in the future of this machine", date_time(future)),
            "Synchronise the clock by NTP.",
        );
    }
    let Some(newest) = newest else { return };
    let every = settings.keys.rotate_every_days;
    let most = if every == 0 { OLD_KEY_DAYS } else { every.saturating_add(LATE_DAYS) };
    if days_between(newest, now) > i64::from(most) {
        let advice = if every == 0 {
            "Run `sluicegate keys rotate` and `sluicegate keys signing rotate`, or set keys.rotate_every_days."
        } else {
            "A running server rotates keys itself: look into its log for why it does not."
        };
        findings.warning("keys", format!("the newest key was made at {}", date_time(newest)), advice);
    } else {
        findings.good("keys", format!("the newest was made at {}", date_time(newest)));
    }
}

fn days_between(earlier: Timestamp, later: Timestamp) -> i64 {
    (later.as_secs() - earlier.as_secs()) / DAY_SECS
}

/// The age of the last backup by `sluicegate backup`; no other is known.
fn backup(data_directory: &DataDirectory, now: Timestamp, findings: &mut Findings) {
    let modified = std::fs::metadata(data_directory.backup_mark()).and_then(|mark| mark.modified()).ok();
    let since = modified.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    let made = since.and_then(|since| i64::try_from(since.as_secs()).ok()).map(Timestamp::from_secs);
    let advice = "Run `sluicegate backup` every night; deploy/sluicegate-backup.timer does.";
    match made.map(|made| days_between(made, now).max(0)) {
        None => findings.warning("backup", "`sluicegate backup` has never made one", advice),
        Some(days @ 0..=BACKUP_DAYS) => {
            findings.good("backup", format!("the last one is {days} days old"));
        }
        Some(days) => findings.warning("backup", format!("the last one is {days} days old"), advice),
    }
}

/// Tests the data sources, as `data-source test` does.
async fn data_sources(opened: &OpenedInstallation, findings: &mut Findings) -> anyhow::Result<()> {
    let actor = actor(opened, None).await?;
    let rows = opened
        .app
        .data_sources()
        .rows(&actor, ListRequest::default(), SourceFilter::default(), &opened.origin)
        .await;
    let sources: Vec<SeenSource> = rows.map_err(of_data_source)?.rest().await?;
    let own: Vec<_> = sources.iter().filter(|source| !source.record.is_group()).collect();
    for source in own.iter().take(MOST_SOURCES) {
        let name = &source.record.name;
        let service = opened.app.data_sources();
        let testing = service.test_stored(&actor, source.record.id, &opened.origin);
        let advice = format!("`sluicegate data-source test {name}` says more.");
        match tokio::time::timeout(SOURCE_TIME, testing).await {
            Ok(Ok(test)) if test.code == TestCode::Usable => {
                let restricted = test.findings.len();
                let message = format!("{name} can be served");
                if restricted == 0 {
                    findings.good("data source", message);
                } else {
                    findings.note(
                        "data source",
                        format!("{message}, with {restricted} restrictions"),
                        advice,
                    );
                }
            }
            Ok(Ok(test)) => findings.error("data source", format!("{name}: {}", test.message), advice),
            Ok(Err(refused)) => {
                findings.error("data source", format!("{name}: {:#}", of_data_source(refused)), advice);
            }
            Err(_) => {
                let message = format!("{name} did not answer within {} seconds", SOURCE_TIME.as_secs());
                findings.error("data source", message, advice);
            }
        }
    }
    if own.len() > MOST_SOURCES {
        let message = format!("the first {MOST_SOURCES} of {} were tested", own.len());
        findings.note("data source", message, "Test the others with `sluicegate data-source test NAME`.");
    }
    Ok(())
}
