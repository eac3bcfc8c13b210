//! The address of the database and how to connect: a `postgres://` URL. It contains a password and is
//! therefore a secret.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use url::Url;
use zeroize::Zeroizing;

use crate::OpenError;

/// The maximum time for opening a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A `postgres://user:password@host:port/name` URL. It is never displayed; [`DatabaseUrl::location`] returns the
/// part that is not secret.
#[derive(Clone)]
pub struct DatabaseUrl(Zeroizing<String>);

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(…)")
    }
}

impl FromStr for DatabaseUrl {
    type Err = OpenError;

    fn from_str(text: &str) -> Result<Self, OpenError> {
        let url = Self(Zeroizing::new(text.to_owned()));
        url.target().map(|_| url)
    }
}

/// How the certificate of the server is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verify {
    /// No TLS.
    Off,
    /// Encrypted, but the certificate is not verified: `sslmode=require` without a certificate authority, as
    /// in libpq.
    Nothing,
    /// The certificate must be signed by the authority, for any name: `verify-ca`.
    Authority(String),
    /// The certificate must be signed by the authority, for the right name: `verify-full`.
    Full(String),
}

/// The parts of a URL.
pub(crate) struct ConnectionTarget {
    pub(crate) config: Config,
    pub(crate) verify: Verify,
}

impl DatabaseUrl {
    /// Host, port and name of the database, without the credentials.
    pub fn location(&self) -> String {
        let parsed = Url::parse(&self.0).ok();
        let Some(url) = parsed else { return "an unreadable URL".to_owned() };
        let host = url.host_str().filter(|host| !host.is_empty()).unwrap_or("localhost");
        format!("{host}:{}{}", url.port().unwrap_or(5432), url.path())
    }

    /// What an attacker between the server and the database could do, if anything: the connection to another
    /// host is not encrypted, or its certificate is not verified.
    pub fn exposure(&self) -> Option<&'static str> {
        let ConnectionTarget { config, verify } = self.target().ok()?;
        let stays_here = config.get_hosts().iter().zip(hosts_addresses(&config)).all(|(host, address)| {
            address.map_or_else(|| is_this_machine(host), |address| address.to_canonical().is_loopback())
        });
        match verify {
            _ if stays_here => None,
            Verify::Off => Some(
                "whoever is on the way to the database reads the password and every row: add \
                 ?sslmode=verify-full&sslrootcert=FILE",
            ),
            Verify::Nothing => Some(
                "the certificate of the database is not checked, so that whoever is on the way can pass for it: add \
                 sslmode=verify-full&sslrootcert=FILE",
            ),
            Verify::Authority(_) | Verify::Full(_) => None,
        }
    }

    pub(crate) fn target(&self) -> Result<ConnectionTarget, OpenError> {
        let refuse = |what: &str| OpenError::Address(what.to_owned());
        let mut url = Url::parse(&self.0)
            .map_err(|_| refuse("it must look like postgres://user:password@host/name"))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(refuse("it must begin with postgres://"));
        }
        let (mut mode, mut authority) = (None, None);
        let mut rest: Vec<(String, String)> = Vec::new();
        for (key, value) in url.query_pairs() {
            match &*key {
                "sslmode" => mode = Some(value.into_owned()),
                "sslrootcert" => authority = Some(value.into_owned()),
                _ => rest.push((key.into_owned(), value.into_owned())),
            }
        }
        url.set_query(None);
        if !rest.is_empty() {
            url.query_pairs_mut().extend_pairs(rest);
        }
        let mut config = Config::from_str(url.as_str()).map_err(|_| {
            refuse(
                "a part of it is not understood; write user, password, host, port and name, and \
                sslmode and sslrootcert for TLS",
            )
        })?;
        let verify = verify(mode.as_deref(), authority)?;
        config.ssl_mode(if verify == Verify::Off { SslMode::Disable } else { SslMode::Require });
        config.application_name("sluicegate").connect_timeout(CONNECT_TIMEOUT);
        config.keepalives_idle(Duration::from_secs(10)).tcp_user_timeout(Duration::from_secs(10));
        Ok(ConnectionTarget { config, verify })
    }
}

/// The addresses (`hostaddr`) given beside the host names, if any.
fn hosts_addresses(config: &Config) -> impl Iterator<Item = Option<IpAddr>> {
    config.get_hostaddrs().iter().copied().map(Some).chain(std::iter::repeat(None))
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            let name = name.trim_start_matches('[').trim_end_matches(']');
            let address = name.parse::<IpAddr>();
            name == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// Without `sslmode` the certificate is verified if a certificate authority is named. Otherwise nothing is
/// encrypted, which is right on loopback or on a trusted network.
fn verify(mode: Option<&str>, authority: Option<String>) -> Result<Verify, OpenError> {
    match (mode, authority) {
        (None | Some("disable"), None) => Ok(Verify::Off),
        (Some("require"), None) => Ok(Verify::Nothing),
        (Some("require" | "verify-ca"), Some(authority)) => Ok(Verify::Authority(authority)),
        (None | Some("verify-full"), Some(authority)) => Ok(Verify::Full(authority)),
        (Some("verify-ca" | "verify-full"), None) => Err(OpenError::Address(
            "sslmode=verify-… needs sslrootcert=FILE, the authority's certificate".to_owned(),
        )),
        (Some(other), _) => Err(OpenError::Address(format!(
            "sslmode={other} is not supported: use disable, require, verify-ca or verify-full"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> DatabaseUrl {
        text.parse().unwrap()
    }

    #[test]
    fn the_password_is_in_no_text_about_the_url() {
        let url = url("postgres://gate:hunter2@db.example:6432/gate?sslmode=require");
        assert_eq!(format!("{url:?} {}", url.location()), "DatabaseUrl(…) db.example:6432/gate");
        let refused =
            "postgres://gate:hunter2@db.example/gate?sslmode=maybe".parse::<DatabaseUrl>().unwrap_err();
        assert!(!format!("{refused:?} {refused}").contains("hunter2"));
    }

    #[test]
    fn the_mode_of_tls_is_libpqs() {
        let verify = |query: &str| url(&format!("postgres://u@h/d{query}")).target().unwrap().verify;
        assert_eq!(verify(""), Verify::Off);
        assert_eq!(verify("?sslmode=require"), Verify::Nothing);
        assert_eq!(verify("?sslmode=verify-ca&sslrootcert=/ca.pem"), Verify::Authority("/ca.pem".to_owned()));
        assert_eq!(verify("?sslrootcert=/ca.pem"), Verify::Full("/ca.pem".to_owned()));
        for refused in ["?sslmode=prefer", "?sslmode=verify-full", "?sslmode=disable&sslrootcert=/ca.pem"] {
            assert!(format!("postgres://u@h/d{refused}").parse::<DatabaseUrl>().is_err(), "{refused}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_database_is_refused_in_words() {
        for text in ["", "gate.db", "mysql://u@h/d", "postgres://u@h/d?colour=red"] {
            let refused = text.parse::<DatabaseUrl>().unwrap_err().to_string();
            assert!(refused.starts_with("the database URL cannot be used"), "{refused}");
        }
    }

    #[test]
    fn an_insecure_connection_to_another_machine_is_reported() {
        let exposure = |text: &str| url(text).exposure().unwrap_or_default();
        for there in ["db.example", "10.0.0.5", "[2001:db8::1]"] {
            let message = |options: &str| exposure(&format!("postgres://gate:x@{there}/gate{options}"));
            assert!(message("").contains("reads the password"), "{there}");
            assert!(message("?sslmode=disable").contains("reads the password"), "{there}");
            assert!(message("?sslmode=require").contains("is not checked"), "{there}");
            assert_eq!(message("?sslmode=verify-full&sslrootcert=/ca.pem"), "", "{there}");
            assert_eq!(message("?sslmode=verify-ca&sslrootcert=/ca.pem"), "", "{there}");
        }
        for here in ["localhost", "127.0.0.1:6432", "[::1]", "%2Frun%2Fpostgresql"] {
            assert_eq!(exposure(&format!("postgres://gate:x@{here}/gate")), "", "{here}");
        }
        assert!(exposure("postgres://gate:x@localhost,db.example/gate").contains("reads the password"));
    }
}
