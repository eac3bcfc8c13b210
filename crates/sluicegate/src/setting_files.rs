//! The files that settings name: read and checked in one place, for `serve`, for `check-config` and for commands.

use std::path::Path;
use std::time::Duration;

use app::node::client_certificates::ClientAuthorities;
use mail::{MailCredentials, MailSettings, Mailer, UnfitMailSettings};
use zeroize::Zeroizing;

use crate::config::{BaseUrl, ConfigError, InvalidSetting, Settings};
use crate::server::{ServerTls, read_file};
use crate::telemetry::{Collector, HeaderFields};

/// The content of the files that every process reads.
pub(crate) struct SettingFiles {
    /// The authorities of the certificates of clients.
    pub(crate) authorities: Option<ClientAuthorities>,
    /// The client for addresses that strangers name.
    pub(crate) fetcher: fetch::Fetcher,
    /// Sends mail, if a mail server is set.
    pub(crate) mail: Option<Mailer>,
    /// The collector of traces and metrics.
    pub(crate) collector: Option<Collector>,
}

impl SettingFiles {
    /// Reads the files that a command needs.
    ///
    /// # Errors
    /// All faults of the files.
    pub(crate) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let authorities = authorities(settings).map_err(|fault| vec![fault]);
        let fetcher = fetcher(settings).map_err(|fault| vec![fault]);
        let of_clients = both(authorities, fetcher);
        let of_servers = both(collector(settings), mailer(settings));
        let ((authorities, fetcher), (collector, mail)) =
            both(of_clients, of_servers).map_err(ConfigError)?;
        Ok(Self { authorities, fetcher, mail, collector })
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

fn collector(settings: &Settings) -> Result<Option<Collector>, Vec<InvalidSetting>> {
    let telemetry = &settings.telemetry;
    let Some(endpoint) = &telemetry.otlp_endpoint else { return Ok(None) };
    let (headers, tls) = both(
        header_fields(telemetry.otlp_headers_file.as_deref()).map_err(|fault| vec![fault]),
        tls_of_collector(telemetry.otlp_authorities_file.as_deref()).map_err(|fault| vec![fault]),
    )?;
    Ok(Some(Collector::new(endpoint.clone(), tls, headers)))
}

fn header_fields(file: Option<&Path>) -> Result<HeaderFields, InvalidSetting> {
    let key = "telemetry.otlp_headers_file";
    let Some(file) = file else { return Ok(HeaderFields::default()) };
    let parsed = HeaderFields::parse(&read(key, file)?);
    parsed.map_err(|why| InvalidSetting::of_key(key, format!("{}: {why}", file.display())))
}

fn tls_of_collector(file: Option<&Path>) -> Result<rustls::ClientConfig, InvalidSetting> {
    let key = "telemetry.otlp_authorities_file";
    let authorities = file.map(|file| read(key, file)).transpose()?;
    fetch::client_config(authorities.as_deref())
        .map_err(|error| InvalidSetting::of_key(key, error.to_string()))
}

fn mailer(settings: &Settings) -> Result<Option<Mailer>, Vec<InvalidSetting>> {
    let mail = &settings.mail;
    let (Some(host), Some(from)) = (&mail.host, &mail.from) else { return Ok(None) };
    let (authorities, credentials) = both(
        mail.authorities_file
            .as_deref()
            .map(|file| read("mail.authorities_file", file))
            .transpose()
            .map_err(|fault| vec![fault]),
        mail_credentials(settings).map_err(|fault| vec![fault]),
    )?;
    let prepared = Mailer::new(&MailSettings {
        host: host.as_str().to_owned(),
        port: u16::try_from(mail.port).unwrap_or(u16::MAX),
        tls: mail.protection.tls(),
        authorities,
        credentials,
        from: from.as_str().to_owned(),
        hello: settings.general.public_url.as_ref().and_then(BaseUrl::domain),
        time: Duration::from_secs(mail.timeout_secs.into()),
    });
    prepared.map(Some).map_err(|unfit| {
        let key = match unfit {
            UnfitMailSettings::From => "mail.from",
            UnfitMailSettings::Authorities => "mail.authorities_file",
        };
        vec![InvalidSetting::of_key(key, unfit.to_string())]
    })
}

fn mail_credentials(settings: &Settings) -> Result<Option<MailCredentials>, InvalidSetting> {
    let key = "mail.password_file";
    let (Some(user), Some(file)) = (&settings.mail.user, &settings.mail.password_file) else {
        return Ok(None);
    };
    let text = Zeroizing::new(read(key, file)?);
    let password = std::str::from_utf8(&text).map(|text| text.trim_end_matches(['\r', '\n']).to_owned());
    match password {
        Ok(password) if !password.is_empty() && !password.chars().any(char::is_control) => {
            Ok(Some(MailCredentials { user: user.as_str().to_owned(), password }))
        }
        _ => {
            let why = format!("{} must contain one line of text: the password", file.display());
            Err(InvalidSetting::of_key(key, why))
        }
    }
}

fn read(key: &str, file: &Path) -> Result<Vec<u8>, InvalidSetting> {
    read_file(file).map_err(|why| InvalidSetting::of_key(key, why))
}
