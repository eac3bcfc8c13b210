//! The options of a database of a MySQL or MariaDB server.

use crate::SourceError;
use crate::options::{DataStore, OptionSchema, OptionValues};
use crate::server::{ServerOptions, schema};

/// The port on which the server listens unless it is told otherwise.
const DEFAULT_PORT: u16 = 3306;

/// Databases of MySQL and MariaDB servers.
pub const STORE: DataStore = DataStore {
    id: 3,
    name: "MySQL",
    url_schemes: &["mysql", "mariadb"],
    options: &[
        schema::HOST,
        OptionSchema { default: Some("3306"), ..schema::PORT },
        schema::DATABASE,
        schema::USER,
        schema::PASSWORD,
        schema::ENCRYPTION,
        schema::CERTIFICATE_HOST,
        schema::AUTHORITIES,
        schema::DECLARED_KEYS,
        schema::USER_CREDENTIALS,
    ],
};

/// Reads valid options.
///
/// # Errors
/// [`SourceError::Failed`] for options that are not valid.
pub(crate) fn read(values: &OptionValues) -> Result<ServerOptions, SourceError> {
    ServerOptions::read(values, DEFAULT_PORT)
}
