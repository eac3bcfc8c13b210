//! The options of a database of a PostgreSQL server. Those that Hybrid Data Pipeline has too have its names.

use std::collections::{BTreeMap, BTreeSet};

use super::tls::Tls;
use crate::SourceError;
use crate::options::{DataStore, NamedMembers, OptionSchema, OptionValues, Secret, ValueKind, shown};

const HOST: &str = "ServerName";
const PORT: &str = "PortNumber";
const DATABASE: &str = "Database";
const USER: &str = "User";
const PASSWORD: &str = "Password";
const ENCRYPTION: &str = "EncryptionMethod";
const CERTIFICATE_HOST: &str = "HostNameInCertificate";
const AUTHORITIES: &str = "CertificateAuthorities";
const SCHEMAS: &str = "Schemas";

/// The option with the columns that identify the rows of a table without a key, or of a view:
/// `{"public.View": ["a", "b"]}`.
pub(super) const KEYS: &str = "keys";

/// The port on which the server listens unless it is told otherwise.
const DEFAULT_PORT: u16 = 5432;

/// Connections are not encrypted.
const PLAIN: &str = "noEncryption";

/// The maximum length of a name of PostgreSQL in bytes.
const LONGEST_NAME: usize = 63;

const OPTION: OptionSchema = OptionSchema {
    name: "",
    required: false,
    secret: false,
    default: None,
    value: ValueKind::Text { longest: LONGEST_NAME },
    description: "",
};

/// Databases of PostgreSQL servers.
pub const STORE: DataStore = DataStore {
    id: 2,
    name: "PostgreSQL",
    options: &[
        OptionSchema {
            name: HOST,
            required: true,
            value: ValueKind::Host,
            description: "The host of the server.",
            ..OPTION
        },
        OptionSchema {
            name: PORT,
            default: Some("5432"),
            value: ValueKind::Port,
            description: "The port of the server.",
            ..OPTION
        },
        OptionSchema { name: DATABASE, required: true, description: "The name of the database.", ..OPTION },
        OptionSchema {
            name: USER,
            required: true,
            description: "The user who reads the database; it needs no other right.",
            ..OPTION
        },
        OptionSchema {
            name: PASSWORD,
            secret: true,
            value: ValueKind::Text { longest: 1024 },
            description: "The password of the user.",
            ..OPTION
        },
        OptionSchema {
            name: ENCRYPTION,
            default: Some("SSL"),
            value: ValueKind::Choice(&["SSL", PLAIN]),
            description: "Whether connections are encrypted; with SSL, the certificate and its name are verified.",
            ..OPTION
        },
        OptionSchema {
            name: CERTIFICATE_HOST,
            value: ValueKind::Host,
            description: "The name in the certificate of the server, if it differs from ServerName.",
            ..OPTION
        },
        OptionSchema {
            name: AUTHORITIES,
            value: ValueKind::Certificates { longest: 64 * 1024 },
            description: "The authorities that may sign the certificate of the server, in PEM; by default those of \
                          Mozilla's list.",
            ..OPTION
        },
        OptionSchema {
            name: SCHEMAS,
            value: ValueKind::Text { longest: 4096 },
            description: "The schemas that are served, separated by commas; by default all. Entity sets of the first one, \
                          by default public, have the names of their tables.",
            ..OPTION
        },
        OptionSchema {
            name: KEYS,
            value: ValueKind::Declaration { longest: 64 * 1024, check: check_keys },
            description: "The columns that identify the rows of each view, and of each table without a key.",
            ..OPTION
        },
    ],
};

/// The columns of keys by the name of the table or view, with or without its schema.
pub type DeclaredKeys = BTreeMap<String, Vec<String>>;

/// The options of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresOptions {
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
    /// The schemas that are served, in this order; empty for all.
    pub schemas: Vec<String>,
    /// Keys of tables and views that have none.
    pub keys: DeclaredKeys,
}

impl PostgresOptions {
    /// Reads valid options.
    ///
    /// # Errors
    /// [`SourceError::Failed`] for options that are not valid.
    pub fn read(values: &OptionValues) -> Result<Self, SourceError> {
        let missing = |key: &str| SourceError::Failed { detail: format!("the option {key} is missing") };
        let required = |key: &str| values.get(key).map(str::to_owned).ok_or_else(|| missing(key));
        let keys = values.get(KEYS).map_or_else(|| Ok(DeclaredKeys::new()), parse_keys);
        let schemas = values.get(SCHEMAS).unwrap_or_default();
        let schemas = schemas.split(',').map(str::trim).filter(|schema| !schema.is_empty());
        Ok(Self {
            host: required(HOST)?,
            port: values.get(PORT).and_then(|port| port.parse().ok()).unwrap_or(DEFAULT_PORT),
            database: required(DATABASE)?,
            user: required(USER)?,
            password: values.secret(PASSWORD).cloned(),
            encrypts: values.get(ENCRYPTION) != Some(PLAIN),
            certificate_host: values.get(CERTIFICATE_HOST).map(str::to_owned),
            authorities: values.get(AUTHORITIES).map(str::to_owned),
            schemas: schemas.map(str::to_owned).collect(),
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

fn parse_keys(json: &str) -> Result<DeclaredKeys, String> {
    let shape = "must be an object of lists of columns, such as {\"public.View\": [\"a\", \"b\"]}";
    serde_json::from_str(json).map_err(|_| shape.to_owned())
}

fn check_keys(json: &str) -> Result<(), String> {
    let keys = parse_keys(json)?;
    let tables: NamedMembers<Vec<String>> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    tables.refuse_twins(str::to_owned)?;
    for (table, columns) in keys {
        let distinct: BTreeSet<&String> = columns.iter().collect();
        if columns.is_empty() || distinct.len() < columns.len() {
            let table = shown(&table);
            return Err(format!("must name each column of the key of {table} once, and at least one"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let needed = [(HOST, "db.example.com"), (DATABASE, "sales"), (USER, "reader")];
        let all = needed.iter().chain(pairs);
        all.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn read(pairs: &[(&str, &str)]) -> PostgresOptions {
        PostgresOptions::read(&OptionValues::of(&STORE, values(pairs))).unwrap()
    }

    #[test]
    fn connections_are_encrypted_and_certificates_verified_unless_the_owner_says_otherwise() {
        let plain = read(&[]);
        assert_eq!((plain.port, plain.encrypts, plain.password.as_ref()), (5432, true, None));
        assert_eq!(format!("{:?}", plain.tls().unwrap().unwrap()), r#"Tls(DnsName("db.example.com"))"#);
        let named = read(&[(CERTIFICATE_HOST, "10.0.0.5")]).tls().unwrap().unwrap();
        assert_eq!(format!("{named:?}"), "Tls(IpAddress(V4(Ipv4Addr([10, 0, 0, 5]))))");
        assert!(read(&[(ENCRYPTION, PLAIN)]).tls().unwrap().is_none());
        let unusable = read(&[(AUTHORITIES, "nothing")]).tls();
        assert!(matches!(unusable, Err(SourceError::NotEncrypted { .. })));
    }

    #[test]
    fn schemas_are_a_list() {
        assert!(read(&[]).schemas.is_empty());
        assert_eq!(read(&[(SCHEMAS, "sales, Old Data ,")]).schemas, ["sales", "Old Data"]);
    }

    #[test]
    fn every_fault_of_options_is_named() {
        let messages = |pairs: &[(&str, &str)]| {
            let faults = STORE.faults(&values(pairs), |_| false);
            faults.into_iter().map(|fault| format!("{} {}", fault.key, fault.message)).collect::<Vec<_>>()
        };
        assert!(messages(&[]).is_empty());
        for (key, value, message) in [
            (HOST, "a b", "ServerName must be a host name or an IP address"),
            (PORT, "0", "PortNumber must be a whole number from 1 to 65535"),
            (ENCRYPTION, "none", "EncryptionMethod must be one of SSL, noEncryption"),
            (AUTHORITIES, "x", "CertificateAuthorities must contain certificates of authorities in PEM"),
            (
                AUTHORITIES,
                "-----BEGIN PRIVATE KEY-----",
                "CertificateAuthorities must not contain a private key",
            ),
            (KEYS, r#"{"v": ["a"], "v": ["b"]}"#, "keys names v and v, which are the same name here"),
            (KEYS, r#"{"v": []}"#, "keys must name each column of the key of v once, and at least one"),
            (
                KEYS,
                r#"{"v": ["a", "a"]}"#,
                "keys must name each column of the key of v once, and at least one",
            ),
            ("sslmode", "disable", "sslmode is not an option of PostgreSQL"),
        ] {
            assert_eq!(messages(&[(key, value)]), [message]);
        }
        assert!(messages(&[(KEYS, r#"{"v": ["a", "A"]}"#)]).is_empty());
    }

    #[test]
    fn no_password_is_shown() {
        let options = read(&[(PASSWORD, "hunter2")]);
        assert_eq!(options.password.as_ref().map(Secret::expose), Some("hunter2"));
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
