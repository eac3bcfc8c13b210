//! The files that settings name: read and checked in one place, for `serve`, for `check-config` and for commands.

use std::path::Path;

use app::node::client_certificates::ClientAuthorities;

use crate::config::{ConfigError, InvalidSetting, Settings};
use crate::server::{ServerTls, read_file};

/// The content of the files that every process reads.
pub(crate) struct SettingFiles {
    /// The authorities of the certificates of clients.
    pub(crate) authorities: Option<ClientAuthorities>,
    /// The client for addresses that strangers name.
    pub(crate) fetcher: fetch::Fetcher,
}

impl SettingFiles {
    /// Reads the files that a command needs.
    ///
    /// # Errors
    /// All faults of the files.
    pub(crate) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let authorities = authorities(settings).map_err(|fault| vec![fault]);
        let fetcher = fetcher(settings).map_err(|fault| vec![fault]);
        let (authorities, fetcher) = both(authorities, fetcher).map_err(ConfigError)?;
        Ok(Self { authorities, fetcher })
    }

    /// Reads these files, and the certificate of the server with its key.
    ///
    /// # Errors
    /// All faults of the files.
    pub(crate) fn read_with_tls(settings: &Settings) -> Result<(Self, Option<ServerTls>), ConfigError> {
        let files = Self::read(settings).map_err(|ConfigError(faults)| faults);
        both(files, tls(settings)).map_err(ConfigError)
    }
}

/// Both results, or the faults of both.
fn both<A, B>(
    left: Result<A, Vec<InvalidSetting>>,
    right: Result<B, Vec<InvalidSetting>>,
) -> Result<(A, B), Vec<InvalidSetting>> {
    match (left, right) {
        (Ok(left), Ok(right)) => Ok((left, right)),
        (Err(mut faults), Err(others)) => {
            faults.extend(others);
            Err(faults)
        }
        (Err(faults), Ok(_)) | (Ok(_), Err(faults)) => Err(faults),
    }
}

fn tls(settings: &Settings) -> Result<Option<ServerTls>, Vec<InvalidSetting>> {
    let (Some(cert_file), Some(key_file)) = (&settings.tls.cert_file, &settings.tls.key_file) else {
        return Ok(None);
    };
    // The sentences name the settings at fault.
    let fault = |error: anyhow::Error| InvalidSetting::of_key("", format!("{error:#}"));
    let read = ServerTls::read(cert_file.clone(), key_file.clone());
    read.map(Some).map_err(|faults| faults.into_iter().map(fault).collect())
}

fn authorities(settings: &Settings) -> Result<Option<ClientAuthorities>, InvalidSetting> {
    let Some(file) = &settings.client_certificates.authorities_file else { return Ok(None) };
    let key = "client_certificates.authorities_file";
    let pem = read(key, file)?;
    let parsed = ClientAuthorities::from_pem(&pem);
    parsed.map(Some).map_err(|error| InvalidSetting::of_key(key, format!("{}: {error}", file.display())))
}

fn fetcher(settings: &Settings) -> Result<fetch::Fetcher, InvalidSetting> {
    let key = "outbound.danger_loopback_authority";
    let danger = match &settings.outbound.danger_loopback_authority {
        None => None,
        Some(file) => Some(fetch::Danger { authorities: read(key, file)? }),
    };
    let settings = fetch::FetcherSettings { danger, ..fetch::FetcherSettings::default() };
    fetch::Fetcher::new(settings).map_err(|error| InvalidSetting::of_key(key, error.to_string()))
}

fn read(key: &str, file: &Path) -> Result<Vec<u8>, InvalidSetting> {
    read_file(file).map_err(|why| InvalidSetting::of_key(key, why))
}
