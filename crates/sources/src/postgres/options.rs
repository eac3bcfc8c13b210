//! The options of a database of a PostgreSQL server.

use super::user_roles::{USER_ROLES, UserRoles, check_user_roles};
use crate::SourceError;
use crate::options::{DataStore, OptionSchema, OptionValues, ValueKind};
use crate::server::ServerOptions;
use crate::server::schema;

const SCHEMAS: &str = "Schemas";

/// The port on which the server listens unless it is told otherwise.
const DEFAULT_PORT: u16 = 5432;

/// The maximum length of a name of PostgreSQL in bytes.
const NAME: ValueKind = ValueKind::Text { longest: 63 };

/// Databases of PostgreSQL servers.
pub const STORE: DataStore = DataStore {
    id: 2,
    name: "PostgreSQL",
    url_schemes: &["postgresql", "postgres"],
    options: &[
        schema::HOST,
        OptionSchema { default: Some("5432"), ..schema::PORT },
        OptionSchema { value: NAME, ..schema::DATABASE },
        OptionSchema { value: NAME, ..schema::USER },
        schema::PASSWORD,
        schema::ENCRYPTION,
        schema::CERTIFICATE_HOST,
        schema::AUTHORITIES,
        OptionSchema {
            name: SCHEMAS,
            value: ValueKind::Text { longest: 4096 },
            description: "The schemas that are served, separated by commas; by default all. Entity sets of the first one, \
                          by default public, have the names of their tables.",
            ..schema::OPTION
        },
        schema::DECLARED_KEYS,
        schema::USER_CREDENTIALS,
        OptionSchema {
            name: USER_ROLES,
            value: ValueKind::Declaration { longest: 64 * 1024, check: check_user_roles },
            description: "The role of the database whose rights each user has, by the name of the user; * stands for all others. \
                          Without this option, everybody has the rights of the user who reads the database.",
            ..schema::OPTION
        },
    ],
};

/// The options of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresOptions {
    /// Where it is, and who reads it.
    pub server: ServerOptions,
    /// The schemas that are served, in this order; empty for all.
    pub schemas: Vec<String>,
    /// The roles of users, if statements have their rights.
    pub(super) roles: Option<UserRoles>,
}

impl PostgresOptions {
    /// Reads valid options.
    ///
    /// # Errors
    /// [`SourceError::Failed`] for options that are not valid.
    pub fn read(values: &OptionValues) -> Result<Self, SourceError> {
        let schemas = values.get(SCHEMAS).unwrap_or_default();
        let refused = |fault| SourceError::Failed { detail: format!("the option {USER_ROLES} {fault}") };
        let roles = values.get(USER_ROLES).map(UserRoles::parse).transpose().map_err(refused)?;
        let schemas = schemas.split(',').map(str::trim).filter(|schema| !schema.is_empty());
        Ok(Self {
            server: ServerOptions::read(values, DEFAULT_PORT)?,
            schemas: schemas.map(str::to_owned).collect(),
            roles,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let needed = [("ServerName", "db.example.com"), ("Database", "sales"), ("User", "reader")];
        let all = needed.iter().chain(pairs);
        all.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn read(pairs: &[(&str, &str)]) -> PostgresOptions {
        PostgresOptions::read(&OptionValues::of(&STORE, values(pairs))).unwrap()
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
            ("ServerName", "a b", "ServerName must be a host name or an IP address"),
            ("PortNumber", "0", "PortNumber must be a whole number from 1 to 65535"),
            ("EncryptionMethod", "none", "EncryptionMethod must be one of SSL, noEncryption"),
            (
                "CertificateAuthorities",
                "x",
                "CertificateAuthorities must contain certificates of authorities in PEM",
            ),
            (
                "CertificateAuthorities",
                "-----BEGIN PRIVATE KEY-----",
                "CertificateAuthorities must not contain a private key",
            ),
            ("keys", r#"{"v": ["a"], "v": ["b"]}"#, "keys names v and v, which are the same name here"),
            ("keys", r#"{"v": []}"#, "keys must name each column of the key of v once, and at least one"),
            (
                "keys",
                r#"{"v": ["a", "a"]}"#,
                "keys must name each column of the key of v once, and at least one",
            ),
            ("sslmode", "disable", "sslmode is not an option of PostgreSQL"),
        ] {
            assert_eq!(messages(&[(key, value)]), [message]);
        }
        assert!(messages(&[("keys", r#"{"v": ["a", "A"]}"#)]).is_empty());
    }
}
