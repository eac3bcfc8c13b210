//! The options of a database of a server. Those that Hybrid Data Pipeline has too have its names.

use super::declared_keys::{DeclaredKeys, parse_keys};
use super::tls::Tls;
use crate::options::{KEYS, OptionValues, Secret};
use crate::{SourceError, UserLogins};

/// The schemas of the options, for the list of each kind.
pub(crate) mod schema {
    use crate::UserLogins;
    use crate::options::{KEYS, OptionSchema, ValueKind};
    use crate::server::declared_keys::check_keys;

    /// An optional text of the length of a name.
    pub(crate) const OPTION: OptionSchema = OptionSchema {
        name: "",
        required: false,
        secret: false,
        default: None,
        value: ValueKind::Text { longest: 255 },
        description: "",
    };

    pub(crate) const HOST: OptionSchema = OptionSchema {
        name: "ServerName",
        required: true,
        value: ValueKind::Host,
        description: "The host of the server.",
        ..OPTION
    };

    /// The options that say where names and passwords are sent, and how.
    const PLACE: [&OptionSchema; 6] = [&HOST, &PORT, &DATABASE, &ENCRYPTION, &CERTIFICATE_HOST, &AUTHORITIES];

    /// Where the options of a data source send names and passwords, as a text.
    pub(crate) fn place(options: &std::collections::BTreeMap<String, String>) -> String {
        let values = PLACE.map(|option| (option.name, options.get(option.name).map(String::as_str)));
        serde_json::json!(std::collections::BTreeMap::from(values)).to_string()
    }

    /// Each kind adds its own default.
    pub(crate) const PORT: OptionSchema = OptionSchema {
        name: "PortNumber",
        value: ValueKind::Port,
        description: "The port of the server.",
        ..OPTION
    };

    pub(crate) const DATABASE: OptionSchema =
        OptionSchema { name: "Database", required: true, description: "The name of the database.", ..OPTION };

    pub(crate) const USER: OptionSchema = OptionSchema {
        name: "User",
        required: true,
        description: "The user who reads the database; it needs no other right.",
        ..OPTION
    };

    pub(crate) const PASSWORD: OptionSchema = OptionSchema {
        name: "Password",
        secret: true,
        value: ValueKind::Text { longest: 1024 },
        description: "The password of the user.",
        ..OPTION
    };

    /// The value for encrypted connections.
    pub(crate) const ENCRYPTED: &str = "SSL";

    /// The value for connections that are not encrypted.
    pub(crate) const PLAIN: &str = "noEncryption";

    pub(crate) const ENCRYPTION: OptionSchema = OptionSchema {
        name: "EncryptionMethod",
        default: Some(ENCRYPTED),
        value: ValueKind::Choice(&[ENCRYPTED, PLAIN]),
        description: "Whether connections are encrypted; with SSL, the certificate and its name are verified.",
        ..OPTION
    };

    pub(crate) const CERTIFICATE_HOST: OptionSchema = OptionSchema {
        name: "HostNameInCertificate",
        value: ValueKind::Host,
        description: "The name in the certificate of the server, if it differs from ServerName.",
        ..OPTION
    };

    pub(crate) const AUTHORITIES: OptionSchema = OptionSchema {
        name: "CertificateAuthorities",
        value: ValueKind::Certificates { longest: 64 * 1024 },
        description: "The authorities that may sign the certificate of the server, in PEM; by default those of Mozilla's list.",
        ..OPTION
    };

    pub(crate) const DECLARED_KEYS: OptionSchema = OptionSchema {
        name: KEYS,
        value: ValueKind::Declaration { longest: 64 * 1024, check: check_keys },
        description: "The columns that identify the rows of each view, and of each table without a key.",
        ..OPTION
    };

    pub(crate) const USER_CREDENTIALS: OptionSchema = OptionSchema {
        name: UserLogins::OPTION,
        default: Some("none"),
        value: ValueKind::Choice(UserLogins::WORDS),
        description: "With whose names and passwords data is read and changed, instead of with User and Password: those of each \
                      request, or those that each user has stored. The structure is always read with User.",
        ..OPTION
    };
}

/// Where a database is, who reads it, and what its owner declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOptions {
    /// The host of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The name of the database.
    pub database: String,
    /// The user who reads it.
    pub user: String,
    /// The user's password.
    pub password: Option<Secret>,
    /// Whether connections are encrypted.
    pub encrypts: bool,
    /// The name in the certificate, if it is not the host.
    pub certificate_host: Option<String>,
    /// The authorities that sign the certificate, in PEM.
    pub authorities: Option<String>,
    /// Keys of tables and views that have none.
    pub keys: DeclaredKeys,
    /// With whose names and passwords data is read and changed.
    pub logins: UserLogins,
}

impl ServerOptions {
    /// Reads valid options.
    ///
    /// # Errors
    /// [`SourceError::Failed`] for options that are not valid.
    pub fn read(values: &OptionValues, default_port: u16) -> Result<Self, SourceError> {
        let missing = |key: &str| SourceError::Failed { detail: format!("the option {key} is missing") };
        let required = |key: &str| values.get(key).map(str::to_owned).ok_or_else(|| missing(key));
        let keys = values.get(KEYS).map_or_else(|| Ok(DeclaredKeys::new()), parse_keys);
        let port = values.get(schema::PORT.name).and_then(|port| port.parse().ok());
        Ok(Self {
            host: required(schema::HOST.name)?,
            port: port.unwrap_or(default_port),
            database: required(schema::DATABASE.name)?,
            user: required(schema::USER.name)?,
            password: values.secret(schema::PASSWORD.name).cloned(),
            encrypts: values.get(schema::ENCRYPTION.name) != Some(schema::PLAIN),
            certificate_host: values.get(schema::CERTIFICATE_HOST.name).map(str::to_owned),
            authorities: values.get(schema::AUTHORITIES.name).map(str::to_owned),
            logins: values.get(schema::USER_CREDENTIALS.name).map(UserLogins::named).unwrap_or_default(),
            keys: keys
                .map_err(|detail| SourceError::Failed { detail: format!("the option {KEYS} {detail}") })?,
        })
    }

    /// TLS, if connections are encrypted.
    pub(super) fn tls(&self) -> Result<Option<Tls>, SourceError> {
        let name = self.certificate_host.as_ref().unwrap_or(&self.host);
        // A name that ends with a dot is the same name, but is not written so in a certificate.
        let name = name.strip_suffix('.').unwrap_or(name);
        self.encrypts.then(|| Tls::new(name, self.authorities.as_deref())).transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::postgres::STORE;

    fn read(pairs: &[(&str, &str)]) -> ServerOptions {
        let needed = [("ServerName", "db.example.com"), ("Database", "sales"), ("User", "reader")];
        let values: BTreeMap<String, String> =
            needed.iter().chain(pairs).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        ServerOptions::read(&OptionValues::of(&STORE, values), 5432).unwrap()
    }

    #[test]
    fn connections_are_encrypted_and_certificates_verified_unless_the_owner_says_otherwise() {
        let plain = read(&[]);
        assert_eq!((plain.port, plain.encrypts, plain.password.as_ref()), (5432, true, None));
        assert_eq!(format!("{:?}", plain.tls().unwrap().unwrap()), r#"Tls(DnsName("db.example.com"))"#);
        let named = read(&[("HostNameInCertificate", "10.0.0.5")]).tls().unwrap().unwrap();
        assert_eq!(format!("{named:?}"), "Tls(IpAddress(V4(Ipv4Addr([10, 0, 0, 5]))))");
        assert!(read(&[("EncryptionMethod", "noEncryption")]).tls().unwrap().is_none());
        let unusable = read(&[("CertificateAuthorities", "nothing")]).tls();
        assert!(matches!(unusable, Err(SourceError::NotEncrypted { .. })));
    }

    #[test]
    fn no_password_is_shown() {
        let options = read(&[("Password", "hunter2")]);
        assert_eq!(options.password.as_ref().map(Secret::expose), Some("hunter2"));
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
