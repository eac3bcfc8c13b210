//! The files of an installation: who may read them, and whether there is room for more.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;

use super::findings::Findings;
use crate::config::Settings;
use crate::data_directory::DataDirectory;
use crate::server::excessive_permissions;

const SUBJECT: &str = "files";

/// Less room than this is a warning, and less than a tenth of it an error.
const LITTLE_ROOM: u64 = 1024 * 1024 * 1024;

/// Looks at the configuration file, the data directory, the room on its disk, and the socket of the signer.
pub(super) fn examine(settings: &Settings, config_file: Option<&Path>, findings: &mut Findings) {
    if let Some(file) = config_file {
        configuration_file(file, settings, findings);
    }
    secret_files(settings, findings);
    let data_directory = DataDirectory::at(&settings.general.data_dir);
    let folder = data_directory.folder();
    if folder.is_dir() {
        data_folder(&data_directory, findings);
        room(folder, &data_directory.database(), findings);
    } else if settings.general.database.is_none() {
        findings.error(
            SUBJECT,
            format!("there is no folder {}", folder.display()),
            "Name the data directory with --data-dir, or create an installation with `sluicegate init`.",
        );
    }
    if let Some(socket) = &settings.external_signing.socket {
        signer(socket, findings);
    }
}

/// The permissions of a path for others than its owner, if there are any.
fn open_to_others(path: &Path) -> Option<u32> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// The file may contain the password of the database.
fn configuration_file(file: &Path, settings: &Settings, findings: &mut Findings) {
    let names_database = || {
        let text = std::fs::read_to_string(file).ok()?;
        text.parse::<toml::Table>().ok()?.contains_key("database").then_some(())
    };
    if let Some(mode) = open_to_others(file)
        && settings.general.database.is_some()
        && names_database().is_some()
    {
        findings.warning(
            SUBJECT,
            format!(
                "{} has mode {mode:03o} and contains the address of the database, whose password others may read",
                file.display()
            ),
            "Give it mode 600, or set SLUICEGATE_DATABASE instead.",
        );
    }
}

/// The files that settings name and that contain secrets.
fn secret_files(settings: &Settings, findings: &mut Findings) {
    let files = [(&settings.telemetry.otlp_headers_file, "the credentials for the collector of telemetry")];
    for (file, content) in files {
        if let Some(file) = file
            && let Some(mode) = excessive_permissions(file)
        {
            findings.warning(
                SUBJECT,
                format!(
                    "{} has mode {mode:03o}, so that others on this machine can read or change {content}",
                    file.display()
                ),
                "Give it mode 600 or 640.",
            );
        }
    }
}

fn data_folder(data_directory: &DataDirectory, findings: &mut Findings) {
    let folder = data_directory.folder();
    // A node with a key from the environment has nothing to hide there.
    if !data_directory.database().exists() && !data_directory.key_file().exists() {
        return;
    }
    match open_to_others(folder) {
        Some(mode) => findings.warning(
            SUBJECT,
            format!(
                "{} has mode {mode:03o}, so that others on this machine can look into it",
                folder.display()
            ),
            "Give it mode 700.",
        ),
        None => findings.good(SUBJECT, format!("only its owner may look into {}", folder.display())),
    }
    if let Some(mode) = open_to_others(&data_directory.database()) {
        findings.error(
            SUBJECT,
            format!("{} has mode {mode:03o}", data_directory.database().display()),
            "Give it mode 600: it contains digests of passwords and sealed keys.",
        );
    }
    for left in left_behind(folder) {
        findings.note(
            SUBJECT,
            format!("{} is the previous database, which a restore has kept", folder.join(left).display()),
            "Delete it when you are sure that the restored one is right.",
        );
    }
}

/// The names of previous databases, at most a few: they are only shown.
fn left_behind(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> =
        names.filter(|name| name.starts_with("sluicegate.db.before-restore-")).take(10).collect();
    names.sort();
    names
}

/// The room on the disk of the folder, compared with the database: a backup and a restore need as much again.
fn room(folder: &Path, database: &Path, findings: &mut Findings) {
    let Ok(disk) = rustix::fs::statvfs(folder) else { return };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let size = std::fs::metadata(database).map_or(0, |metadata| metadata.len());
    let megabytes = free / (1024 * 1024);
    let message = format!("{megabytes} MB are free on the disk of {}", folder.display());
    let advice = "Make room: with a full disk the server answers 503 to everything that writes.";
    if free < LITTLE_ROOM / 10 {
        findings.error("disk", message, advice);
    } else if free < LITTLE_ROOM.max(size) {
        findings.warning("disk", message, advice);
    } else {
        findings.good("disk", message);
    }
}

fn signer(socket: &Path, findings: &mut Findings) {
    let advice = "Start `sluicegate signer`, or correct external_signing.socket.";
    let shown = socket.display();
    match std::fs::metadata(socket) {
        Err(error) => findings.error("signer", format!("{shown} cannot be found ({error})"), advice),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            findings.error("signer", format!("{shown} is not a socket"), advice);
        }
        Ok(metadata) if metadata.permissions().mode() & 0o007 != 0 => findings.warning(
            "signer",
            format!("every user of this machine may let the signer at {shown} sign"),
            "Take the rights on the socket from others.",
        ),
        Ok(_) => match std::os::unix::net::UnixStream::connect(socket) {
            Ok(_) => findings.good("signer", format!("a process listens at {shown}")),
            Err(error) => findings.error("signer", format!("nobody listens at {shown} ({error})"), advice),
        },
    }
}
